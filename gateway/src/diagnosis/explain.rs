//! What the words mean with which people and systems are refused.

use super::applications;
use admin::Meaning;
use domain::identity::NotAdmitted;
use sso::{Stage, local, oidc, saml};

/// Returns what a word means of a person or a system; several where several protocols have it.
pub(super) fn meanings(word: &str, what: &str) -> Vec<Meaning> {
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
        NotAdmitted::NoRole => {
            "The rule that fits, or the account, gives `admin` for some clinics alone, which nobody has: whoever administers does so in the whole tenant. Give it all clinics: `sealgate connection rule`, `sealgate user change`."
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
