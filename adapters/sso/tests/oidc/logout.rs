//! Sign-out notices, right and wrong.

use crate::bench::{Bench, CLIENT};
use crate::forge::{EC, OTHER, encode};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use sso::oidc::Refusal;

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

fn notice(bench: &mut Bench) {
    bench.header = json!({ "alg": "RS256", "kid": "rs-1", "typ": "logout+jwt" });
    bench.claims = json!({
        "iss": bench.provider.issuer, "aud": CLIENT, "iat": bench.now(), "exp": bench.now() + 120, "jti": "notice-1", "sid": "session-1",
        "sub": "alice", "events": { EVENT: {} },
    });
}

async fn send(bench: &mut Bench) -> Result<(Option<String>, Option<String>), Refusal> {
    bench.claims.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    let token = bench.signer.token(&bench.header, &bench.claims);
    let ended = bench.party.back_channel(&bench.connection, &token).await?;
    bench.party.noticed(&bench.connection, &ended.notice).await?;
    Ok((ended.session, ended.subject))
}

pub(crate) async fn a_notice_that_took_effect_by_half_may_come_again() {
    let mut bench = Bench::new().await;
    notice(&mut bench);
    let token = bench.signer.token(&bench.header, &bench.claims);
    // The ending fails before it is noticed; the provider sends the same once more.
    for _ in 0..2 {
        assert!(bench.party.back_channel(&bench.connection, &token).await.is_ok());
    }
    assert!(send(&mut bench).await.is_ok());
    assert_eq!(send(&mut bench).await, Err(Refusal::Replayed));
}

pub(crate) async fn a_notice_names_the_session_and_the_person_once() {
    let mut bench = Bench::new().await;
    notice(&mut bench);
    let ended = (Some("session-1".to_owned()), Some("alice".to_owned()));
    assert_eq!(send(&mut bench).await, Ok(ended));
    assert_eq!(send(&mut bench).await, Err(Refusal::Replayed));
    bench.clock.advance(119);
    assert_eq!(send(&mut bench).await, Err(Refusal::Replayed));
    bench.clock.advance(1);
    assert_eq!(send(&mut bench).await, Err(Refusal::LogoutStale));
    // One from a clock ahead of ours is remembered for as long as it can be taken.
    notice(&mut bench);
    bench.claims["iat"] = json!(bench.now() + 120);
    bench.claims["jti"] = json!("notice-2");
    assert!(send(&mut bench).await.is_ok());
    bench.clock.advance(239);
    assert_eq!(send(&mut bench).await, Err(Refusal::Replayed));
}

pub(crate) async fn a_notice_may_name_either_and_have_an_older_form() {
    for (bend, ended) in [
        (json!({ "sub": null }), (Some("session-1"), None)),
        (json!({ "sid": null, "exp": null }), (None, Some("alice"))),
    ] {
        for kind in [json!("JWT"), json!("logout+JWT"), Value::Null] {
            let mut bench = Bench::new().await;
            notice(&mut bench);
            bench.header["typ"] = kind;
            bench.header.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            for (name, value) in bend.as_object().unwrap() {
                bench.claims[name] = value.clone();
            }
            let told = send(&mut bench).await.unwrap();
            assert_eq!((told.0.as_deref(), told.1.as_deref()), ended);
        }
    }
}

pub(crate) async fn a_notice_that_is_wrong_has_its_word() {
    type Bend = fn(&mut Bench);
    let cases: [(&str, Bend); 21] = [
        ("logout-stale", |b| b.claims["iat"] = json!(b.now() - 120)),
        ("logout-stale", |b| b.claims["iat"] = json!(b.now() + 121)),
        ("logout-stale", |b| b.claims["exp"] = json!(b.now() - 120)),
        ("issued-at-missing", |b| b.claims["iat"] = Value::Null),
        ("logout-nonce", |b| b.claims["nonce"] = json!("a-nonce")),
        ("logout-event", |b| b.claims["events"] = Value::Null),
        ("logout-event", |b| b.claims["events"] = json!({ "other": {} })),
        ("logout-event", |b| b.claims["events"] = json!({ EVENT: true })),
        ("logout-target", |b| {
            b.claims["sid"] = Value::Null;
            b.claims["sub"] = Value::Null;
        }),
        ("logout-target", |b| {
            b.settings().subject_claim = "oid".to_owned();
            b.claims["sid"] = json!("");
        }),
        ("logout-jti-missing", |b| b.claims["jti"] = Value::Null),
        ("logout-jti-missing", |b| b.claims["jti"] = json!("")),
        ("wrong-issuer", |b| b.claims["iss"] = json!("https://other.example")),
        ("wrong-audience", |b| b.claims["aud"] = json!("other")),
        ("extra-audience", |b| b.claims["aud"] = json!([CLIENT, "other"])),
        ("token-type", |b| b.header["typ"] = json!("at+jwt")),
        ("critical-header", |b| b.header["crit"] = json!(["exp"])),
        ("alg-none", |b| b.header["alg"] = json!("none")),
        ("alg-not-allowed", |b| b.header["alg"] = json!("HS256")),
        ("signature", |b| b.signer = &OTHER),
        ("unknown-key", |b| b.header["kid"] = json!("rs-9")),
    ];
    for (expected, bend) in cases {
        let mut bench = Bench::new().await;
        notice(&mut bench);
        bend(&mut bench);
        assert_eq!(send(&mut bench).await.map_err(Refusal::name), Err(expected));
    }
}

pub(crate) async fn an_id_token_is_no_notice() {
    let mut bench = Bench::new().await;
    let begun = bench.begin().await.unwrap();
    let token = bench.token(&begun);
    assert_eq!(bench.party.back_channel(&bench.connection, &token).await.err(), Some(Refusal::LogoutEvent));
}

pub(crate) async fn a_notice_with_any_character_changed_is_refused() {
    let mut bench = Bench::new().await;
    notice(&mut bench);
    bench.signer = &EC;
    bench.header = json!({ "alg": "ES256", "kid": "es-1" });
    let token = bench.signer.token(&bench.header, &bench.claims);
    for at in 0..token.len() {
        for other in ['A', '_', '.', '=', 'é'] {
            let (before, after) = (&token[..at], &token[at + 1..]);
            let altered = format!("{before}{other}{after}");
            if altered != token {
                let taken = bench.party.back_channel(&bench.connection, &altered).await;
                assert!(taken.is_err(), "character {at} as {other}");
            }
        }
    }
    assert!(bench.party.back_channel(&bench.connection, &token).await.is_ok(), "unaltered it is taken");
}

pub(crate) async fn no_text_is_taken_for_a_notice() {
    let bench = Bench::new().await;
    let mut runner = TestRunner::deterministic();
    let parts = prop_oneof![any::<String>(), "[A-Za-z0-9_-]{0,40}", any::<Vec<u8>>().prop_map(|bytes| encode(&bytes))];
    let texts = prop::collection::vec(parts, 0..6).prop_map(|parts| parts.join("."));
    for _ in 0..2_000 {
        let text = texts.new_tree(&mut runner).unwrap().current();
        assert!(bench.party.back_channel(&bench.connection, &text).await.is_err());
    }
    for header in
        [r#"{"alg":"RS256"}"#, r#"{"alg":"ES256","kid":"es-1"}"#, r#"{"alg":["RS256"]}"#, r#"{"alg":"RS256","kid":{}}"#]
    {
        for length in 0..600 {
            let token = format!("{}.{}.{}", encode(header.as_bytes()), encode(b"{}"), encode(&vec![0xff; length]));
            assert!(bench.party.back_channel(&bench.connection, &token).await.is_err());
        }
    }
}

pub(crate) async fn a_notice_with_a_member_twice_ends_nothing() {
    let mut bench = Bench::new().await;
    notice(&mut bench);
    let claims = bench.claims.to_string().replacen('{', r#"{"sid":"another","#, 1);
    let token = bench.signer.token_of(&bench.header.to_string(), &claims);
    assert_eq!(bench.party.back_channel(&bench.connection, &token).await.err(), Some(Refusal::MemberTwice));
}
