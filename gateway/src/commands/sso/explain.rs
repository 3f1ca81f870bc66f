//! `sealgate sso explain`: refused sign-ins in words: which step did not hold, why, and what to do.

use super::applications;
use crate::cli::{Json, SsoExplain};
use crate::commands::audit::{Refused, refused};
use crate::commands::find;
use crate::config::Config;
use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use crate::output::{self, printable};
use domain::audit::ChainId;
use domain::directory::Connection;
use domain::id::CorrelationId;
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
    let directory = installation.directory().await?;
    let chain = find::chain(&directory, &wanted.tenant)?;
    if let Some(id) = &wanted.correlation
        && id.parse::<CorrelationId>().is_err()
    {
        return Err(Stop::new(Exit::Usage, "a correlation id has 36 characters, as the page of the browser shows it"));
    }
    let connection = wanted.connection.as_deref();
    let connection = connection.map(|name| find::connection(&directory, name, Some(&wanted.tenant))).transpose()?;
    let correlation = wanted.correlation.as_deref().map(str::to_ascii_lowercase);
    shown(config, installation, chain, correlation, connection, wanted.last, wanted.print).await
}

/// Explains the newest refused sign-ins by a connection.
pub(super) async fn of_connection(
    config: &Config,
    installation: &Installation,
    connection: &Connection,
    last: usize,
    print: Json,
) -> Outcome {
    shown(config, installation, ChainId::from(connection.tenant), None, Some(connection), last, print).await
}

async fn shown(
    config: &Config,
    installation: &Installation,
    chain: ChainId,
    correlation: Option<String>,
    connection: Option<&Connection>,
    last: usize,
    print: Json,
) -> Outcome {
    // Which connection an entry is about stands in its sealed context: more are opened than are shown.
    let read = if connection.is_some() { last.saturating_mul(READ_FOR_ONE).clamp(last, MAX_READ) } else { last };
    let mut refused = refused(config, installation, chain, correlation, read).await?;
    if let Some(connection) = connection {
        let id = connection.id.to_string();
        refused.retain(|refused| refused.connection() == Some(id.as_str()));
        let surplus = refused.len().saturating_sub(last);
        refused.drain(..surplus);
    }
    if print.json {
        return output::json(&refused.iter().map(value).collect());
    }
    if refused.is_empty() {
        return output::line("no refused sign-in was found; refusals of systems may be in the chain `--tenant system`");
    }
    refused.iter().try_for_each(told)
}

/// How many entries are opened for each that is shown, where one connection is asked about.
const READ_FOR_ONE: usize = 20;
/// Most entries that are opened.
const MAX_READ: usize = 2_000;

fn value(refused: &Refused) -> Value {
    let reason = reason(refused);
    let meanings = meanings(reason, &refused.what);
    json!({
        "entry": refused.sequence, "time": refused.time, "what": refused.what, "who": refused.who,
        "correlation": refused.correlation, "connection": refused.connection(), "reason": reason,
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
    if what == "Application" {
        let sentence = applications::meaning(word);
        sentence.into_iter().for_each(|sentence| add("an application", "SMART on FHIR", sentence));
    }
    for (by, step, known, sentence) in OTHERS {
        if *known == word {
            add(by, step, sentence);
        }
    }
    if meanings.is_empty() {
        meanings.push(UNKNOWN);
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

/// What is said of a word that is in no list.
const UNKNOWN: Meaning = Meaning {
    by: "anybody",
    step: "unknown step",
    sentence: "This word is of another release, or of no sign-in: see the audit chain.",
};

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
        "Too many sign-ins were begun from this address and not finished, or too many applications ask this tenant's people.",
    ),
    (
        "anybody",
        "gateway",
        "unknown-state",
        "The answer belongs to no sign-in that this browser began within ten minutes: cookies are blocked, it began elsewhere, or another window began four more. Whoever is signed in by another window gets no entry but the start page.",
    ),
    (
        "anybody",
        "gateway",
        "unknown-relay",
        "The answer belongs to no sign-in that this browser began within ten minutes, and the connection takes none that nobody asked for.",
    ),
    (
        "anybody",
        "gateway",
        "sign-in-used",
        "The answer belongs to a sign-in that was finished before: a page was opened twice, or somebody copied it.",
    ),
    (
        "anybody",
        "gateway",
        "other-address",
        "The answer came to another redirect address than the one that the provider was sent: a provider may have passed off another's answer as its own (mix-up, RFC 9700 section 4.4). Harmless only where a provider or a proxy is set to send every answer to one address; see its log before you believe that.",
    ),
    (
        "anybody",
        "gateway",
        "connection-gone",
        "The connection was removed between the beginning of the sign-in and its answer, or an answer named one that never was.",
    ),
    (
        "anybody",
        "gateway",
        "connection-disabled",
        "The connection was disabled between the beginning of the sign-in and its answer: `sealgate connection list`.",
    ),
    (
        "anybody",
        "gateway",
        "connection-changed",
        "The connection was changed while somebody signed in by it, so the session was ended at once; begin anew.",
    ),
    (
        "anybody",
        "gateway",
        "not-gone-to",
        "A sign-in was begun by a picture, a frame or a script of another page, and not by a person who went there.",
    ),
    (
        "anybody",
        "gateway",
        "not-listened-to",
        "Too many answers to this sign-in, or from this address, were refused; begin anew, or wait and try again.",
    ),
    (
        "anybody",
        "gateway",
        "flood",
        "Many refusals in a short time, told of as one: how many, by reason and address, is in the entry's context (`sealgate audit show --context`).",
    ),
    (
        "anybody",
        "account",
        "unknown-invitation",
        "The link is none of ours, was used, or is over: `sealgate user reset` makes another.",
    ),
    ("anybody", "account", "invitation-used", "The link was used before: `sealgate user reset` makes another."),
    (
        "anybody",
        "request",
        "form-forged",
        "A form came that no page of this session held: another site may have sent it.",
    ),
    ("a system", "token", "no bearer token", "No token was shown."),
    (
        "a system",
        "token",
        "unknown bearer token",
        "The token is of no client that is enabled: revoked, expired, or of another installation.",
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
        let on_the_way = [
            "unknown-state",
            "unknown-relay",
            "other-address",
            "sign-in-used",
            "connection-gone",
            "connection-disabled",
            "connection-changed",
            "not-gone-to",
            "not-listened-to",
        ];
        for word in words.chain(on_the_way).chain(["address-not-allowed", "factor-missing", "too-many"]) {
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
