//! What the words mean with which applications are refused: by SMART on FHIR, and by whoever launches them.

/// Returns what a word means, if an application is refused with it.
pub(super) fn meaning(word: &str) -> Option<&'static str> {
    WORDS.iter().find(|(known, _)| *known == word).map(|(_, sentence)| *sentence)
}

/// Every word, and what to do about it.
const WORDS: &[(&str, &str)] = &[
    // who asks
    ("unknown-client", "No application has this client id: `sealgate application list`."),
    ("no-client", "The request names no client id."),
    ("disabled-client", "The application is disabled: `sealgate application enable` lets it come again."),
    (
        "client-was-disabled",
        "The application was disabled since this was given to it: it asks the person, or for a token, once more.",
    ),
    (
        "address-not-allowed",
        "The tenant does not let applications come from this address: `sealgate tenant settings --address`.",
    ),
    (
        "public-client",
        "A public application asks for what only a confidential one may: register it with keys or a secret.",
    ),
    ("several-credentials", "The request shows more than one of assertion, secret and basic authentication."),
    ("several-clients", "The request names two different client ids."),
    ("secret-in-form", "The secret stands in the form; it belongs into basic authentication (RFC 6749 §2.3.1)."),
    ("basic-form", "The header of basic authentication cannot be read."),
    ("client-secret", "The secret is not the application's: it was mistyped, or a new one was made."),
    ("no-credentials", "The application must show an assertion or a secret, and shows none."),
    // its assertion
    ("no-assertion", "There is no client assertion."),
    ("assertion-type", "The type of the assertion is not that of RFC 7523."),
    ("assertion-form", "The client assertion is no signed token, or too long."),
    ("algorithm", "The assertion is signed with another algorithm than RS384 and ES384."),
    ("header", "The header of the assertion cannot be read."),
    ("type", "The assertion is a token of another type."),
    ("issuer-is-not-subject", "`iss` and `sub` of the assertion must both be the client id."),
    ("no-key-id", "The assertion does not say which key signed it (`kid`)."),
    ("unknown-key", "The key that the assertion names is not among the application's keys, or is there twice."),
    ("keys-unreachable", "The address of the application's keys does not answer."),
    ("key-address", "The address of the application's keys is not one that may be asked."),
    ("signature", "The signature of the assertion does not verify with the key that it names."),
    (
        "audience",
        "The address that is asked is not ours to the letter: the token address for an assertion, the FHIR address for a launch.",
    ),
    ("good-for-too-long", "The assertion is good for more than five minutes, or is over: compare the clocks."),
    ("not-yet-valid", "The assertion is not valid yet: compare the clocks."),
    ("expiry", "The assertion does not say when it is over (`exp`)."),
    ("expired", "The assertion is over: compare the clocks."),
    ("time", "A time in the assertion cannot be read."),
    ("no-name", "The assertion has no `jti`, by which it can be used once."),
    ("replay", "The assertion was used before; each request needs one of its own."),
    // what it asks for
    ("no-grant-type", "The request names no grant type."),
    ("grant-type", "The grant type is not offered."),
    ("acts-for-people-only", "The application is registered to act for people, and asks to act by itself."),
    ("acts-by-itself-only", "The application is registered to act by itself, and asks to act for a person."),
    ("no-scope", "The request names no scope."),
    ("scope-malformed", "A scope has not the form of one."),
    (
        "scope-not-registered",
        "None of the scopes is registered for the application: `sealgate application list --json`.",
    ),
    ("scope-wider", "The application asks for more than it was given before."),
    ("too-many-scopes", "The request names more scopes than are taken."),
    ("no-token", "The request names no token."),
    ("token-of-another-client", "The token was given to another application."),
    ("media-type", "The body is no form."),
    ("form", "The form cannot be read, or has a parameter twice."),
    ("parameters-in-address", "Parameters stand in the address, where logs keep them; they belong into the body."),
    ("body-broken", "The body broke off."),
    ("body-too-long", "The body is longer than is taken."),
    ("too-long", "A parameter is longer than is taken."),
    ("timeout", "The request took longer than it may."),
    ("unavailable", "The database, the keys or the source of randomness did not answer."),
    (
        "directory-unconfirmed",
        "For more than a minute no changes of the directory could be read, so nobody is admitted: the log says why.",
    ),
    (
        "ticket-integrity",
        "What was kept for the application does not open: it was altered, or sealed by another installation.",
    ),
    ("signing-key", "The key that signs ID tokens cannot be had."),
    // its launch
    ("not-launched", "The application is not registered to be launched by people: `sealgate application add-launch`."),
    ("no-redirect", "The request names no redirect address."),
    (
        "redirect",
        "The redirect address is not one of those that are registered, to the letter, or not the one of the request before.",
    ),
    ("request-object", "Requests in a token (`request`, `request_uri`) are not offered."),
    ("no-response-type", "The request names no response type."),
    ("response-type", "The response type is not `code`."),
    ("response-mode", "The response mode is not `query`."),
    ("no-state", "The request has no `state`, by which the application knows its own launch."),
    ("no-audience", "The request does not name the FHIR address (`aud`)."),
    ("no-challenge", "The request has no PKCE challenge."),
    ("challenge-method", "The PKCE challenge is not made by S256."),
    ("challenge", "The PKCE challenge has not the form of one."),
    ("max-age", "`max_age` is no number of seconds."),
    ("prompt-none", "The request forbids asking the person, who must be asked."),
    ("launch-not-asked-for", "The request brings a launch, and its scopes do not ask for `launch`."),
    ("no-launch-context", "The scopes need a patient, and neither a launch nor `launch/patient` gives one."),
    (
        "unknown-launch",
        "The launch is over, was used, or never was: launch the application again from the patient's page.",
    ),
    ("launch-used-up", "The launch was used before: launch the application again from the patient's page."),
    ("launch-of-another-person", "Somebody else opened the application from the patient's page."),
    ("launch-of-another-application", "The launch was begun for another application."),
    ("patient-not-open", "The person may not open the patient that was chosen."),
    ("not-to-be-opened", "The person may not open the patient that was chosen."),
    ("other-tenant", "The person is of another tenant than the application."),
    ("declined", "The person declined."),
    // what it was given
    ("no-code", "The request has no code."),
    ("unknown-code", "The code is none of ours, or too old to be known."),
    ("expired-code", "The code is over: it is good for a minute."),
    ("code-replayed", "The code was used before; everything that was given for it was taken away."),
    ("code-of-another-client", "The code was given to another application."),
    ("verifier", "The PKCE verifier is not that of the launch."),
    ("no-verifier", "The request has no PKCE verifier."),
    ("no-refresh-token", "The request has no refresh token."),
    ("unknown-refresh-token", "The refresh token is none of ours, or too old to be known."),
    ("refresh-replayed", "The refresh token was used before; everything that was given with it was taken away."),
    ("refreshed-too-often", "The application refreshes more often than it needs to; it waits, and loses nothing."),
    ("grant-ended", "What the person allowed is over: by time, by signing out, or taken away."),
    ("factor-missing", "No second factor was shown, and the application acts for somebody who needs one."),
    ("session-ended", "The session of the person is over, and the application was not allowed to act without it."),
    ("person-not-admitted", "The person may no longer sign in, or not with these roles."),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// What stands before a word with which an application is refused.
    const BEFORE: [&str; 8] = ["invalid(", "because(", "here(", "lost(", "Err(", "ok_or(", "Face::", "Error::"];

    #[test]
    fn every_word_with_which_an_application_is_refused_is_explained() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut words = BTreeSet::new();
        for folder in ["adapters/smart/src", "domain/src/launch"] {
            for entry in std::fs::read_dir(root.join(folder)).unwrap() {
                let path = entry.unwrap().path();
                if path.extension().is_some_and(|end| end == "rs") && !path.ends_with("tests.rs") {
                    words.extend(refusals(&std::fs::read_to_string(path).unwrap()));
                }
            }
        }
        assert!(words.len() > 40, "{words:?}");
        let missing: Vec<_> = words.iter().filter(|word| meaning(word).is_none()).collect();
        assert!(missing.is_empty(), "say what these mean: {missing:?}");
    }

    fn refusals(source: &str) -> BTreeSet<String> {
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let pieces: Vec<&str> = source.split('"').collect();
        let refusal = |at: usize, piece: &str| {
            let before = pieces.get(at.wrapping_sub(1)).copied().unwrap_or_default();
            let line = before.rsplit('\n').next().unwrap_or_default();
            let called = BEFORE
                .iter()
                .any(|call| line.rsplit_once(call).is_some_and(|(_, behind)| !behind.contains([')', ';', '('])));
            let word = piece.split('-').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase()));
            called && word && !piece.is_empty()
        };
        let odd = pieces.iter().enumerate().filter(|(at, _)| at % 2 == 1);
        odd.filter(|(at, piece)| refusal(*at, piece)).map(|(_, piece)| (*piece).to_owned()).collect()
    }
}
