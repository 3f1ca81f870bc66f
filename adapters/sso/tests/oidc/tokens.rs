//! Every way an ID token can be wrong, each bending one thing of a right one, and the word for it.

use crate::bench::{ACCESS_TOKEN, Bench, CLIENT, SECRET};
use crate::forge::{EC, Key, OTHER, RSA, SHORT, decode, encode};
use crate::provider::Page;
use openidconnect::core::{CoreIdToken, CoreIdTokenVerifier, CoreJwsSigningAlgorithm};
use openidconnect::{ClientId, IssuerUrl, JsonWebKeySet, Nonce};
use serde_json::{Value, json};
use std::sync::LazyLock;

/// One way.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    expected: Expected,
    bend: fn(&mut Bench),
    mangle: fn(String) -> String,
}

enum Expected {
    /// Accepted, here and by openidconnect's verifier.
    Accepted,
    /// Accepted here, while openidconnect's verifier fails on something that does no harm.
    AcceptedHereOnly,
    Refused(&'static str),
}

const fn accepted(name: &'static str, bend: fn(&mut Bench)) -> Case {
    Case { name, expected: Expected::Accepted, bend, mangle: |token| token }
}

const fn accepted_here(name: &'static str, bend: fn(&mut Bench)) -> Case {
    Case { name, expected: Expected::AcceptedHereOnly, bend, mangle: |token| token }
}

const fn refused(word: &'static str, name: &'static str, bend: fn(&mut Bench)) -> Case {
    Case { name, expected: Expected::Refused(word), bend, mangle: |token| token }
}

const fn mangled(word: &'static str, name: &'static str, mangle: fn(String) -> String) -> Case {
    Case { name, expected: Expected::Refused(word), bend: |_| {}, mangle }
}

/// The cases; each name follows "a token …".
pub(crate) const CASES: &[Case] = &[
    accepted("as it should be", |_| {}),
    accepted("signed by an elliptic key", |b| {
        b.signer = &EC;
        b.header = json!({ "alg": "ES256", "kid": "es-1" });
    }),
    accepted("without kid when one key fits", |b| b.header = json!({ "alg": "RS256" })),
    accepted("with typ JWT", |b| b.header["typ"] = json!("JWT")),
    accepted("with a list of one audience", |b| b.claims["aud"] = json!([CLIENT])),
    accepted("with ourselves as azp", |b| b.claims["azp"] = json!(CLIENT)),
    accepted("without at_hash", |b| b.claims["at_hash"] = Value::Null),
    accepted("whose header names keys elsewhere", |b| {
        let (there, x) = (json!(format!("{}/elsewhere", b.provider.issuer)), json!([encode(b"certificate")]));
        b.header["jku"] = there.clone();
        b.header["x5u"] = there;
        b.header["x5c"] = x;
        b.header["jwk"] = OTHER.public(Some("rs-1"));
    }),
    accepted_here("expired by less than the skew", |b| b.claims["exp"] = json!(b.now() - 100)),
    accepted_here("with amr as text, as AD FS writes it", |b| b.claims["amr"] = json!("mfa")),
    accepted_here("with a profile claim of an odd form", |b| b.claims["email_verified"] = json!("true")),
    // algorithms and keys
    refused("alg-none", "not signed", |b| {
        b.signer = &Key::None;
        b.header["alg"] = json!("none");
    }),
    refused("alg-none", "not signed, in other letters", |b| {
        b.signer = &Key::None;
        b.header["alg"] = json!("nOnE");
    }),
    refused("alg-not-allowed", "signed by HMAC with the public key", |b| {
        static CONFUSED: LazyLock<Key> = LazyLock::new(|| Key::Shared(RSA.public_pem()));
        b.signer = &CONFUSED;
        b.header["alg"] = json!("HS256");
    }),
    refused("alg-not-allowed", "signed by HMAC with the client secret", |b| {
        static SHARED: LazyLock<Key> = LazyLock::new(|| Key::Shared(SECRET.as_bytes().to_vec()));
        b.signer = &SHARED;
        b.header["alg"] = json!("HS256");
    }),
    refused("settings", "signed by HMAC where nothing else is configured", |b| {
        b.settings().algorithms = vec!["HS256".to_owned(), "none".to_owned()];
    }),
    refused("alg-not-allowed", "of an algorithm that only the provider offers", |b| {
        b.provider.say(json!({ "id_token_signing_alg_values_supported": ["RS384"] }));
        b.header["alg"] = json!("RS384");
    }),
    refused("token-malformed", "without alg", |b| b.header = json!({ "kid": "rs-1" })),
    refused("signature", "signed by another key", |b| b.signer = &OTHER),
    refused("signature", "signed by a key that it brings along", |b| {
        b.signer = &OTHER;
        b.header["jwk"] = OTHER.public(Some("rs-1"));
        b.header["jku"] = json!(format!("{}/elsewhere", b.provider.issuer));
    }),
    refused("unknown-key", "with an unknown kid", |b| b.header["kid"] = json!("rs-9")),
    refused("unknown-key", "with the kid of a key of another type", |b| b.header["kid"] = json!("es-1")),
    refused("signature", "with the kid of another key", |b| {
        let keys = [RSA.public(Some("rs-1")), OTHER.public(Some("rs-2"))];
        b.provider.page("/jwks", Page::json(&json!({ "keys": keys })));
        b.header["kid"] = json!("rs-2");
    }),
    refused("ambiguous-key", "without kid when several keys fit", |b| {
        let keys = [RSA.public(Some("rs-1")), OTHER.public(Some("rs-2"))];
        b.provider.page("/jwks", Page::json(&json!({ "keys": keys })));
        b.header = json!({ "alg": "RS256" });
    }),
    refused("unknown-key", "signed by a key for encryption", |b| {
        let mut key = RSA.public(Some("rs-1"));
        key["use"] = json!("enc");
        b.provider.page("/jwks", Page::json(&json!({ "keys": [key, EC.public(Some("es-1"))] })));
    }),
    refused("unknown-key", "signed by a key for another algorithm", |b| {
        let mut key = RSA.public(Some("rs-1"));
        key["alg"] = json!("RS512");
        b.provider.page("/jwks", Page::json(&json!({ "keys": [key] })));
    }),
    refused("keys-unreadable", "signed by an RSA key of 1024 bits", |b| {
        b.signer = &SHORT;
        b.provider.page("/jwks", Page::json(&json!({ "keys": [SHORT.public(Some("rs-1"))] })));
    }),
    refused("critical-header", "with a critical header", |b| b.header["crit"] = json!(["exp"])),
    refused("token-type", "that is an access token", |b| b.header["typ"] = json!("at+jwt")),
    refused("token-type", "that is a sign-out notice", |b| b.header["typ"] = json!("logout+jwt")),
    refused("token-type", "with a token inside", |b| b.header["cty"] = json!("JWT")),
    refused("token-malformed", "with a typ that is no text", |b| b.header["typ"] = json!(1)),
    // form
    mangled("token-encrypted", "that is encrypted", |token| format!("{token}.a.b")),
    mangled("token-malformed", "of two parts", |token| token.rsplit_once('.').unwrap().0.to_owned()),
    mangled("token-malformed", "of four parts", |token| format!("{token}.a")),
    mangled("token-malformed", "with padding", |token| format!("{token}==")),
    mangled("token-malformed", "with a line break", |token| format!("{token}\n")),
    mangled("token-malformed", "that is empty", |_| String::new()),
    mangled("token-malformed", "that is longer than 64 KiB", |token| format!("{token}{}", "A".repeat(65_536))),
    mangled("token-malformed", "whose header is no object", |token| {
        format!("{}.{}", encode(b"[]"), token.split_once('.').unwrap().1)
    }),
    mangled("token-malformed", "whose claims are no object", |token| {
        let (header, rest) = token.split_once('.').unwrap();
        format!("{header}.{}.{}", encode(b"1"), rest.split_once('.').unwrap().1)
    }),
    mangled("token-member-twice", "with a claim twice", |token| {
        let (header, claims) = texts(&token);
        RSA.token_of(&header, &claims.replacen('{', r#"{"sub":"mallory","#, 1))
    }),
    mangled("token-member-twice", "with a claim twice within another", |token| {
        let (header, claims) = texts(&token);
        RSA.token_of(&header, &claims.replacen('{', r#"{"realm_access":{"roles":["a"],"roles":["b"]},"#, 1))
    }),
    mangled("token-member-twice", "with a header twice", |token| {
        let (header, claims) = texts(&token);
        RSA.token_of(&header.replacen('{', r#"{"kid":"other","#, 1), &claims)
    }),
    mangled("signature", "whose claims were changed", |token| {
        let (header, rest) = token.split_once('.').unwrap();
        format!("{header}.{}.{}", encode(br#"{"sub":"mallory"}"#), rest.split_once('.').unwrap().1)
    }),
    mangled("signature", "without its signature", |token| format!("{}.", token.rsplit_once('.').unwrap().0)),
    // issuer and audience
    refused("wrong-issuer", "of another issuer", |b| b.claims["iss"] = json!("https://other.example")),
    refused("wrong-issuer", "of the issuer with a slash more", |b| {
        b.claims["iss"] = json!(format!("{}/", b.provider.issuer));
    }),
    refused("wrong-issuer", "without issuer", |b| b.claims["iss"] = Value::Null),
    refused("wrong-audience", "for another", |b| b.claims["aud"] = json!("other")),
    refused("wrong-audience", "for nobody", |b| b.claims["aud"] = json!([])),
    refused("wrong-audience", "without audience", |b| b.claims["aud"] = Value::Null),
    refused("extra-audience", "for others besides us", |b| b.claims["aud"] = json!([CLIENT, "other"])),
    refused("claim-malformed", "with an audience that is no text", |b| b.claims["aud"] = json!([CLIENT, 1])),
    refused("wrong-azp", "issued to another client", |b| b.claims["azp"] = json!("other")),
    // times
    refused("expired", "that has expired", |b| b.claims["exp"] = json!(b.now() - 121)),
    refused("expiry-missing", "that never expires", |b| b.claims["exp"] = Value::Null),
    refused("claim-malformed", "that expires at a text", |b| b.claims["exp"] = json!("tomorrow")),
    refused("not-yet-valid", "that is not valid yet", |b| b.claims["nbf"] = json!(b.now() + 121)),
    refused("issued-in-future", "issued in the future", |b| b.claims["iat"] = json!(b.now() + 121)),
    refused("issued-before-sign-in", "issued before the sign-in", |b| b.claims["iat"] = json!(b.now() - 121)),
    refused("issued-at-missing", "that does not say when it was issued", |b| b.claims["iat"] = Value::Null),
    refused("claim-malformed", "issued before all time", |b| b.claims["iat"] = json!(-1)),
    refused("claim-malformed", "issued after all time", |b| b.claims["iat"] = json!(u64::MAX)),
    // person and binding
    refused("subject-missing", "without subject", |b| b.claims["sub"] = Value::Null),
    refused("subject-empty", "with an empty subject", |b| b.claims["sub"] = json!("")),
    refused("subject-empty", "with an overlong subject", |b| b.claims["sub"] = json!("a".repeat(256))),
    refused("claim-malformed", "with a number as subject", |b| b.claims["sub"] = json!(1)),
    refused("nonce-missing", "without nonce", |b| b.claims["nonce"] = Value::Null),
    refused("wrong-nonce", "with another nonce", |b| b.claims["nonce"] = json!("other")),
    refused("wrong-nonce", "with an empty nonce", |b| b.claims["nonce"] = json!("")),
    refused("at-hash-mismatch", "for another access token", |b| {
        b.claims["at_hash"] = json!(crate::forge::at_hash("other"));
    }),
    refused("at-hash-mismatch", "with the whole hash instead of half", |b| {
        b.claims["at_hash"] = json!(crate::forge::challenge(ACCESS_TOKEN));
    }),
    refused("auth-time-missing", "without auth_time where an age is asked for", |b| {
        b.settings().max_age_seconds = Some(600);
    }),
    refused("auth-time-too-old", "of somebody who authenticated too long ago", |b| {
        b.settings().max_age_seconds = Some(600);
        b.claims["auth_time"] = json!(b.now() - 721);
    }),
    refused("issued-in-future", "of somebody who authenticates later", |b| {
        b.settings().max_age_seconds = Some(600);
        b.claims["auth_time"] = json!(b.now() + 121);
    }),
    refused("subject-claim-missing", "with oid and no tid", |b| {
        b.settings().subject_claim = "oid".to_owned();
        b.claims["oid"] = json!("object");
    }),
];

impl Case {
    pub(crate) async fn run(&self) {
        let mut bench = Bench::new().await;
        (self.bend)(&mut bench);
        let begun = match bench.begin().await {
            Ok(begun) => begun,
            Err(refusal) => {
                return assert!(
                    matches!(self.expected, Expected::Refused(word) if word == refusal.name()),
                    "{refusal}"
                );
            }
        };
        let token = (self.mangle)(bench.token(&begun));
        bench.hands_out(&token);
        let ours = bench.finish(&begun, &bench.answer(&begun)).await;
        let keys = &bench.provider.page_body("/jwks");
        let theirs = second_opinion(&bench, keys, &token, bench.claims["nonce"].as_str().unwrap_or_default());
        match (&self.expected, ours) {
            (Expected::Refused(word), Err(refusal)) => assert_eq!(refusal.name(), *word, "{}", refusal.explain()),
            (Expected::Refused(word), Ok(_)) => panic!("accepted instead of {word}"),
            (Expected::Accepted, Ok(verified)) => {
                assert!(theirs, "openidconnect accepts it too");
                assert_eq!(verified.assertion.subject, "alice");
            }
            (Expected::AcceptedHereOnly, Ok(_)) => assert!(!theirs, "the reason for this case is gone"),
            (Expected::Accepted | Expected::AcceptedHereOnly, Err(refusal)) => panic!("refused: {refusal}"),
        }
        assert!(bench.provider.asked("/elsewhere").is_empty(), "nothing is fetched because a token says so");
    }
}

/// The header and the claims of a token as they are written.
fn texts(token: &str) -> (String, String) {
    let mut parts = token.split('.').map(|part| String::from_utf8(decode(part)).unwrap());
    (parts.next().unwrap(), parts.next().unwrap())
}

/// What openidconnect's own verifier says of a token.
fn second_opinion(bench: &Bench, keys: &[u8], token: &str, nonce: &str) -> bool {
    let keys: JsonWebKeySet<_> = serde_json::from_slice(keys).unwrap();
    let issuer = IssuerUrl::new(bench.provider.issuer.clone()).unwrap();
    let verifier = CoreIdTokenVerifier::new_public_client(ClientId::new(CLIENT.to_owned()), issuer, keys)
        .set_allowed_algs([CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, CoreJwsSigningAlgorithm::EcdsaP256Sha256]);
    let read: Result<CoreIdToken, _> = serde_json::from_value(json!(token));
    read.is_ok_and(|token| token.claims(&verifier, &Nonce::new(nonce.to_owned())).is_ok())
}
