//! Checking a connection before anybody signs in by it: what the operator sees of `sealgate sso test`.

use super::Refusal;
use super::client_key::look_at;
use super::provider::{Document, Party};
use crate::http::EgressClient;
use domain::directory::{ClientKey, Connection, OidcSettings};
use domain::time::Timestamp;

/// One step of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What was looked at, for people to read.
    pub step: &'static str,
    /// How it is.
    pub verdict: Verdict,
    /// What that means and what to do.
    pub advice: String,
}

/// How a step of a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Good,
    /// Sign-in works, but something is missing that is worth having.
    Advice,
    /// Nobody can sign in like this.
    Bad,
}

impl Verdict {
    /// Returns the word that commands and answers write.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Good => "good",
            Verdict::Advice => "advice",
            Verdict::Bad => "bad",
        }
    }
}

/// Tells in one sentence what would say of a host whether and how it answers, for whoever named that host without operating the gateway.
///
/// A provider that answers as one is told of in full.
#[must_use]
pub fn told_by_api(connection: &Connection, steps: Vec<Step>) -> Vec<Step> {
    if !connection.oidc().is_some_and(|settings| settings.by_api) {
        return steps;
    }
    let answers = [Refusal::ProviderUnavailable, Refusal::Certificate, Refusal::NearAddress].map(Refusal::explain);
    let blurred = |step: Step| match step {
        Step { step, verdict: Verdict::Bad, advice } if answers.contains(&advice.as_str()) => {
            Step { step, verdict: Verdict::Bad, advice: NO_PROVIDER.to_owned() }
        }
        step => step,
    };
    steps.into_iter().map(blurred).collect()
}

const NO_PROVIDER: &str = "No provider answers there in a way that can be used: its name, port or certificate is not right, it cannot be reached now, or it is in a private network that the operator has not allowed. `sealgate sso test` at the operator's console says which.";

/// Looks at the settings and at what the provider publishes, now and past every cache.
pub(super) async fn check(http: &EgressClient, connection: &Connection, now: Timestamp) -> Vec<Step> {
    let mut steps = Vec::new();
    let party = match Party::even_if_disabled(connection) {
        Ok(party) => party,
        Err(refusal) => return vec![bad("settings", refusal)],
    };
    steps.push(if connection.enabled {
        good("settings", "The settings can be used.")
    } else {
        advice("settings", "The settings can be used; the connection is switched off.")
    });
    steps.extend(own_keys(party.settings, now));
    let document = match party.fetch_document(http).await {
        Ok(document) => document,
        Err(refusal) => {
            steps.push(bad("discovery", refusal));
            return steps;
        }
    };
    steps.push(good(
        "discovery",
        "The discovery document is there, names the configured issuer, and its addresses are secure and allowed.",
    ));
    steps.push(algorithms(&party, &document));
    steps.push(match party.fetch_keys(http, &document).await {
        Ok(keys) if keys.fit(&party.algorithms) => good("keys", "The key set has a key for a configured algorithm."),
        Ok(_) => Step {
            step: "keys",
            verdict: Verdict::Bad,
            advice: "The key set has no key for a configured algorithm; compare the algorithms of both.".to_owned(),
        },
        Err(refusal) => bad("keys", refusal),
    });
    steps.extend(offers(&party, &document));
    steps
}

/// Says what is wrong with our own keys, one by one; nothing where there are none.
fn own_keys(settings: &OidcSettings, now: Timestamp) -> Vec<Step> {
    let signs = |key: &ClientKey| settings.signing_key().is_some_and(|signing| signing.id == key.id);
    let found = settings.client_keys.iter().filter_map(|key| look_at(key, now).map(|fault| (key, fault)));
    let steps: Vec<Step> = found
        .map(|(key, fault)| Step {
            step: OWN_KEYS,
            verdict: if signs(key) && fault.breaks() { Verdict::Bad } else { Verdict::Advice },
            advice: format!("Our key {}: {}", key.id, fault.explain()),
        })
        .collect();
    match steps.is_empty() && !settings.client_keys.is_empty() {
        true => vec![good(OWN_KEYS, "Our keys can be read, and their certificates hold.")],
        false => steps,
    }
}

/// The step in which our own keys are looked at.
const OWN_KEYS: &str = "our keys";

fn algorithms(party: &Party<'_>, document: &Document) -> Step {
    let offered = document.id_token_signing_alg_values_supported.as_deref().unwrap_or_default();
    if party.algorithms.iter().any(|ours| offered.iter().any(|theirs| theirs == ours.name())) {
        return good("algorithms", "The provider signs ID tokens by a configured algorithm.");
    }
    let known = party.algorithms.iter().map(|ours| ours.name()).collect::<Vec<_>>().join(", ");
    Step {
        step: "algorithms",
        verdict: Verdict::Bad,
        advice: format!("The provider offers none of the configured algorithms ({known}) for ID tokens."),
    }
}

fn offers(party: &Party<'_>, document: &Document) -> Vec<Step> {
    let asked = &party.settings.request_acr;
    let known_classes = document.acr_values_supported.as_deref().unwrap_or_default();
    vec![
        client(party, document),
        match (&document.code_challenge_methods_supported, document.may_do_pkce()) {
            (Some(_), true) => good("pkce", "PKCE with S256 is offered."),
            (Some(_), false) => bad("pkce", Refusal::Pkce),
            (None, _) => advice("pkce", "The provider does not say whether it does PKCE; it is used all the same."),
        },
        match (document.names_issuer_in_answers(), party.settings.own_redirect) {
            (true, _) => good("issuer in answers", "Answers name their issuer (RFC 9207)."),
            (false, true) => good(
                "issuer in answers",
                "Answers do not name their issuer (RFC 9207), and come to an address of this connection's own.",
            ),
            (false, false) => advice(
                "issuer in answers",
                "Answers do not name their issuer (RFC 9207); give the connection a redirect address of its own: `sealgate connection set-redirect`.",
            ),
        },
        match (&document.userinfo_endpoint, party.user_info(document)) {
            (_, Some(_)) => good(
                "user information",
                "Names, roles and groups that ID tokens lack are taken from the user information.",
            ),
            (Some(_), None) => advice(
                "user information",
                "The endpoint is on a host that the connection does not allow, so ID tokens must have names, roles and groups.",
            ),
            (None, None) => {
                advice("user information", "None is offered, so ID tokens must have names, roles and groups.")
            }
        },
        if asked.is_empty() || asked.iter().any(|class| known_classes.contains(class)) {
            good("authentication class", "The provider knows a class that is asked for, or none is.")
        } else {
            advice("authentication class", "The provider does not list a class that is asked for (acr_values).")
        },
        if document.end_session_endpoint.is_some() {
            good("sign-out", "People are signed out at the provider too.")
        } else {
            advice(
                "sign-out",
                "The provider has no end_session_endpoint: signing out here leaves its own session open.",
            )
        },
        if document.sends_logout_tokens() {
            good(
                "sign-out notices",
                "The provider can tell when it ends a session; enter the back-channel address at the client.",
            )
        } else {
            advice(
                "sign-out notices",
                "The provider does not say that it sends back-channel sign-out notices; sessions here end by their own limits.",
            )
        },
    ]
}

/// Says how the provider will know that we are its client.
fn client(party: &Party<'_>, document: &Document) -> Step {
    let settings = party.settings;
    if let Some(key) = settings.signing_key() {
        let algorithms = document.token_endpoint_auth_signing_alg_values_supported.as_ref();
        return if !document.takes("private_key_jwt") {
            bad("client", Refusal::ClientAuthentication)
        } else if algorithms.is_some_and(|known| !known.iter().any(|name| name == key.algorithm.name())) {
            advice(
                "client",
                "The provider does not list the algorithm of our key; `sealgate connection key make` makes one of another.",
            )
        } else {
            good(
                "client",
                "The provider takes a client that signs by its key; whether it knows the key shows at the first sign-in.",
            )
        };
    }
    match settings.client_secret {
        None if !settings.client_keys.is_empty() => advice(
            "client",
            "Our keys are published and none signs, so the client is a public one; once the provider knows one: `sealgate connection key use`.",
        ),
        None => advice(
            "client",
            "Neither secret nor key is configured: the client is a public one, protected by PKCE alone.",
        ),
        Some(_) if ["client_secret_basic", "client_secret_post"].iter().any(|method| document.takes(method)) => good(
            "client",
            "The provider takes the client's secret in a way that is known here; whether it is right shows at the first sign-in.",
        ),
        Some(_) => bad("client", Refusal::ClientAuthentication),
    }
}

fn good(step: &'static str, text: &str) -> Step {
    Step { step, verdict: Verdict::Good, advice: text.to_owned() }
}

fn advice(step: &'static str, text: &str) -> Step {
    Step { step, verdict: Verdict::Advice, advice: text.to_owned() }
}

fn bad(step: &'static str, refusal: Refusal) -> Step {
    Step { step, verdict: Verdict::Bad, advice: refusal.explain().to_owned() }
}
