//! `sealgate sso explain`: refused sign-ins in words: which step did not hold, why, and what to do.

use crate::cli::SsoExplain;
use crate::commands::audit::{Refused, refused};
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output::{self, printable};
use domain::identity::NotAdmitted;
use serde_json::{Value, json};
use sso::{Stage, local, oidc, saml};

/// What a word in the chain means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Meaning {
    /// How the person or system came.
    by: &'static str,
    /// The step that did not hold.
    step: &'static str,
    /// What it means and what to do.
    sentence: &'static str,
}

pub(super) async fn run(config: &Config, installation: &Installation, wanted: SsoExplain) -> Outcome {
    let chain = find::chain(&installation.directory().await?, &wanted.tenant)?;
    if let Some(id) = &wanted.correlation
        && id.parse::<domain::id::CorrelationId>().is_err()
    {
        return Err(Stop::new(Exit::Usage, "a correlation id has 36 characters, as the page of the browser shows it"));
    }
    let correlation = wanted.correlation.as_deref().map(str::to_ascii_lowercase);
    let refused = refused(config, installation, chain, correlation, wanted.last).await?;
    if wanted.print.json {
        return output::json(&refused.iter().map(value).collect());
    }
    if refused.is_empty() {
        return output::line("no refused sign-in was found; refusals of systems may be in the chain `--tenant system`");
    }
    refused.iter().try_for_each(told)
}

fn value(refused: &Refused) -> Value {
    let reason = reason(refused);
    let meanings = meanings(reason, &refused.what);
    json!({
        "entry": refused.sequence, "time": refused.time, "what": refused.what, "who": refused.who,
        "correlation": refused.correlation, "reason": reason,
        "address": refused.context.as_ref().and_then(|context| context.address.clone()),
        "meanings": meanings.iter().map(|Meaning { by, step, sentence }| {
            json!({ "by": by, "step": step, "means": sentence })
        }).collect::<Vec<_>>(),
    })
}

fn told(refused: &Refused) -> Outcome {
    let reason = reason(refused);
    let address = refused.context.as_ref().and_then(|context| context.address.as_deref()).unwrap_or("nowhere known");
    output::line(format_args!("{}  {} from {}: {reason}", refused.time, refused.what, printable(address)))?;
    output::line(format_args!("    number    {}", refused.correlation))?;
    for Meaning { by, step, sentence } in meanings(reason, &refused.what) {
        output::line(format_args!("    {by}, {step}: {sentence}"))?;
    }
    Ok(())
}

fn reason(refused: &Refused) -> &str {
    refused
        .context
        .as_ref()
        .and_then(|context| context.reason.as_deref())
        .unwrap_or("no word, for its context does not open")
}

/// Returns what a word means of a person or a system; several where several protocols have it.
fn meanings(word: &str, what: &str) -> Vec<Meaning> {
    let mut meanings = Vec::new();
    let mut add = |by, step, sentence| meanings.push(Meaning { by, step, sentence });
    let admission = NotAdmitted::ALL.iter().filter(|why| why.name() == word);
    admission.for_each(|why| add("the connection", Stage::Rules.name(), not_admitted(*why)));
    if what == "Person" {
        let oidc = oidc::Refusal::ALL.iter().filter(|refusal| refusal.name() == word);
        oidc.for_each(|refusal| add("OpenID Connect", refusal.stage().name(), refusal.explain()));
        let saml = saml::Refusal::ALL.iter().filter(|refusal| refusal.name() == word);
        saml.for_each(|refusal| add("SAML", refusal.stage().name(), refusal.explain()));
        let local = local::Reason::ALL.iter().filter(|reason| local::Refusal::from(**reason).name() == word);
        local.for_each(|reason| add("account", reason.stage().name(), reason.explain()));
    }
    for (by, step, known, sentence) in OTHERS {
        if *known == word {
            add(by, step, sentence);
        }
    }
    if meanings.is_empty() {
        let sentence = "This word is of another release, or of no sign-in: see the audit chain.";
        meanings.push(Meaning { by: "anybody", step: "unknown step", sentence });
    }
    meanings
}

const fn not_admitted(why: NotAdmitted) -> &'static str {
    match why {
        NotAdmitted::Unmapped => {
            "The person is who they say, and no rule fits them: `sealgate connection rule list`, and at the provider the groups and roles that it sends."
        }
        NotAdmitted::GroupsUnknown => {
            "A rule asks for a group, and the provider did not list the person's groups, for there are too many: use roles of the application, or groups by provisioning."
        }
        NotAdmitted::NotProvisioned => {
            "The connection admits only people that the provider told of by SCIM, and it did not tell of this one: assign the person to the application there, and see that `sealgate connection provisioning --subject` fits."
        }
        NotAdmitted::Deactivated => {
            "The provider told by SCIM that this person may no longer come: whoever should come again is enabled there."
        }
    }
}

/// Words that no protocol of ours has a list of: who came, the step, the word, what it means.
const OTHERS: &[(&str, &str, &str, &str)] = &[
    (
        "anybody",
        "address",
        "address-not-allowed",
        "The tenant does not let people or systems come from this address: `sealgate tenant settings --address`.",
    ),
    (
        "anybody",
        "second factor",
        "factor-missing",
        "No second factor was shown, or the provider does not vouch for one: see the connection's values of acr, amr or AuthnContextClassRef.",
    ),
    ("anybody", "gateway", "too-many", "There were too many refusals from this address; it waits and tries again."),
    (
        "anybody",
        "gateway",
        "too-many-begun",
        "Too many sign-ins were begun from this address or for this tenant, and not finished.",
    ),
    (
        "anybody",
        "gateway",
        "flood",
        "Many refusals in a short time, told of as one: how many, by reason and address, is in the entry's context (`sealgate audit show --context`).",
    ),
    (
        "a system",
        "token",
        "unknown-token",
        "The token is of no client or connection that is enabled: revoked, expired, or of another address.",
    ),
    ("a system", "token", "missing-token", "No token was shown."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_with_which_a_person_is_refused_is_explained() {
        let words = oidc::Refusal::ALL.iter().map(|refusal| refusal.name());
        let words = words.chain(saml::Refusal::ALL.iter().map(|refusal| refusal.name()));
        let words = words.chain(local::Reason::ALL.iter().map(|reason| local::Refusal::from(*reason).name()));
        let words = words.chain(NotAdmitted::ALL.iter().map(|why| why.name()));
        for word in words.chain(["address-not-allowed", "factor-missing", "too-many"]) {
            assert!(meanings(word, "Person").iter().all(|meaning| meaning.step != "unknown step"), "{word}");
        }
    }

    #[test]
    fn a_word_of_two_protocols_is_explained_for_both() {
        let both = meanings("signature", "Person");
        assert_eq!(both.iter().map(|meaning| meaning.by).collect::<Vec<_>>(), ["OpenID Connect", "SAML"]);
        assert_eq!(meanings("no such word", "Person").len(), 1);
    }
}
