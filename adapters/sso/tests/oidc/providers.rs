//! Providers that stumble, lie about themselves, change their keys or lead elsewhere.

use crate::bench::Bench;
use crate::forge::{EC, OTHER, RSA};
use crate::provider::{Page, Provider};
use domain::directory::{ClientAlgorithm, ClientKey, Hidden};
use domain::ports::Clock;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::json;
use sso::http::{Destinations, EgressClient, Fault, Limits};
use sso::oidc::{KeyFault, Refusal, Verdict, told_by_api};
use std::io::Write;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DISCOVERY: &str = "/.well-known/openid-configuration";

pub(crate) async fn a_document_that_is_wrong_has_its_word() {
    for (changes, expected) in [
        (json!({ "issuer": "https://other.example" }), Refusal::DiscoveryIssuer),
        (json!({ "issuer": null }), Refusal::DiscoveryUnreadable),
        (json!({ "token_endpoint": null }), Refusal::DiscoveryUnreadable),
        (json!({ "jwks_uri": 1 }), Refusal::DiscoveryUnreadable),
        (json!({ "jwks_uri": "http://10.0.0.1/jwks" }), Refusal::NotHttps),
        (json!({ "jwks_uri": "file:///etc/passwd" }), Refusal::NotHttps),
        (json!({ "jwks_uri": "https://169.254.169.254/latest/meta-data" }), Refusal::Egress),
        (json!({ "token_endpoint": "https://elsewhere.example/token" }), Refusal::Egress),
        (json!({ "token_endpoint": "http://127.0.0.1:1/token" }), Refusal::Egress),
        (json!({ "authorization_endpoint": "http://elsewhere.example/authorize" }), Refusal::NotHttps),
        (json!({ "authorization_endpoint": "javascript:alert(1)" }), Refusal::NotHttps),
        (json!({ "end_session_endpoint": "http://elsewhere.example/end" }), Refusal::NotHttps),
        (json!({ "code_challenge_methods_supported": ["plain"] }), Refusal::Pkce),
        (json!({ "code_challenge_methods_supported": [] }), Refusal::Pkce),
    ] {
        let bench = Bench::new().await;
        bench.provider.say(changes.clone());
        assert_eq!(bench.begin().await.err(), Some(expected), "{changes}");
        assert!(bench.provider.asked("/jwks").is_empty());
    }
    let bench = Bench::new().await;
    bench.provider.say(json!({ "issuer": format!("{}/", bench.provider.issuer) }));
    assert_eq!(bench.begin().await.err(), Some(Refusal::DiscoveryIssuer), "a slash makes another issuer");
    // Entra ID and AD FS say nothing of PKCE.
    let bench = Bench::new().await;
    bench.provider.say(json!({ "code_challenge_methods_supported": null }));
    assert!(bench.begin().await.is_ok());
}

pub(crate) async fn an_answer_that_is_none_has_its_word() {
    for (page, expected) in [
        (Page::redirect("/elsewhere"), Refusal::Redirected),
        (Page { body: vec![b' '; 10 << 20], ..Page::json(&json!({})) }, Refusal::TooLarge),
        (Page { body: b"<html>".to_vec(), ..Page::json(&json!({})) }, Refusal::DiscoveryUnreadable),
        (Page { body: vec![b'['; 100_000], ..Page::json(&json!({})) }, Refusal::DiscoveryUnreadable),
        (Page::status(404, &json!({})), Refusal::DiscoveryUnreadable),
        (Page::status(502, &json!({})), Refusal::ProviderUnavailable),
    ] {
        let bench = Bench::new().await;
        bench.provider.page(DISCOVERY, page);
        assert_eq!(bench.begin().await.err(), Some(expected));
        assert!(bench.provider.asked("/elsewhere").is_empty(), "no redirect is followed");
    }
    for (page, expected) in [
        (Page::json(&json!({ "keys": [] })), Refusal::KeysUnreadable),
        (Page::json(&json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] })), Refusal::KeysUnreadable),
        (Page::json(&json!([])), Refusal::KeysUnreadable),
        (Page::redirect("/elsewhere"), Refusal::Redirected),
        (Page::status(503, &json!({})), Refusal::ProviderUnavailable),
    ] {
        let mut bench = Bench::new().await;
        bench.provider.page("/jwks", page);
        assert_eq!(bench.sign_in().await.err(), Some(expected));
    }
}

pub(crate) async fn a_slow_answer_is_given_up() {
    let mut bench = Bench::new().await;
    bench.with_patience(Duration::from_millis(200));
    bench.provider.page(DISCOVERY, Page { stalls: true, ..Page::json(&bench.provider.document()) });
    let start = Instant::now();
    assert_eq!(bench.begin().await.err(), Some(Refusal::ProviderUnavailable));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(bench.begin().await.err(), Some(Refusal::ProviderUnavailable));
    assert_eq!(bench.provider.asked(DISCOVERY).len(), 1, "a provider that failed is left alone for a while");
    bench.clock.advance(5);
    bench.provider.say(json!({}));
    assert!(bench.begin().await.is_ok(), "and asked again after it");
}

pub(crate) async fn http_is_refused_unless_it_stays_on_this_machine_and_is_allowed() {
    let mut bench = Bench::new().await;
    bench.settings().allow_http_loopback = false;
    assert_eq!(bench.begin().await.err(), Some(Refusal::NotHttps));
    assert!(bench.provider.asked(DISCOVERY).is_empty());
    bench.settings().allow_http_loopback = true;
    bench.settings().issuer = "http://idp.example".to_owned();
    assert_eq!(bench.begin().await.err(), Some(Refusal::NotHttps));
}

pub(crate) async fn an_endpoint_on_another_host_works_once_that_host_is_allowed() {
    let keys = Provider::start().await;
    keys.page("/keys", Page::json(&json!({ "keys": [RSA.public(Some("rs-1"))] })));
    let mut bench = Bench::new().await;
    bench.provider.say(json!({ "jwks_uri": format!("{}/keys", keys.issuer) }));
    assert_eq!(bench.begin().await.err(), Some(Refusal::Egress));
    bench.clock.advance(5);
    bench.settings().egress = vec![keys.issuer.trim_start_matches("http://").to_owned()];
    bench.sign_in().await.unwrap();
    assert_eq!(keys.asked("/keys").len(), 1);
}

pub(crate) async fn many_who_come_at_once_cost_one_fetch() {
    let bench = Bench::new().await;
    let (first, second, third) = tokio::join!(bench.begin(), bench.begin(), bench.begin());
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert_eq!(bench.provider.asked(DISCOVERY).len(), 1);
}

pub(crate) async fn a_new_key_works_within_one_fetch() {
    let mut bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench
        .provider
        .page("/jwks", Page::json(&json!({ "keys": [OTHER.public(Some("rs-2")), RSA.public(Some("rs-1"))] })));
    bench.signer = &OTHER;
    bench.header["kid"] = json!("rs-2");
    again(&mut bench, 1).await.unwrap();
    again(&mut bench, 1).await.unwrap();
    assert_eq!(bench.provider.asked("/jwks").len(), 2);
    // A key without a name that was replaced is found as well.
    let mut bench = Bench::new().await;
    bench.provider.page("/jwks", Page::json(&json!({ "keys": [RSA.public(None)] })));
    bench.header = json!({ "alg": "RS256" });
    bench.sign_in().await.unwrap();
    bench.provider.page("/jwks", Page::json(&json!({ "keys": [OTHER.public(None)] })));
    bench.signer = &OTHER;
    again(&mut bench, 1).await.unwrap();
}

pub(crate) async fn a_thousand_unknown_keys_cost_one_fetch_in_thirty_seconds() {
    let mut bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.claims = json!({});
    for kid in 0..1_000 {
        bench.header["kid"] = json!(format!("bogus-{kid}"));
        let token = bench.signer.token(&bench.header, &bench.claims);
        assert_eq!(bench.party.back_channel(&bench.connection, &token).await.err(), Some(Refusal::UnknownKey));
        if kid == 499 {
            bench.clock.advance(29);
        }
    }
    assert_eq!(bench.provider.asked("/jwks").len(), 2, "the first fetch and one for unknown keys");
    bench.clock.advance(1);
    let token = bench.signer.token(&bench.header, &bench.claims);
    assert_eq!(bench.party.back_channel(&bench.connection, &token).await.err(), Some(Refusal::UnknownKey));
    assert_eq!(bench.provider.asked("/jwks").len(), 3);
    assert_eq!(bench.provider.asked(DISCOVERY).len(), 1);
}

pub(crate) async fn a_key_that_is_withdrawn_stops_counting_within_the_hour() {
    let mut bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.provider.page("/jwks", Page::json(&json!({ "keys": [EC.public(Some("es-1"))] })));
    again(&mut bench, 3_599).await.unwrap();
    assert_eq!(again(&mut bench, 1).await.err(), Some(Refusal::UnknownKey));
}

pub(crate) async fn what_is_remembered_counts_for_a_day_while_the_provider_is_down() {
    let mut bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.provider.stop().await;
    let event = json!({ "http://schemas.openid.net/event/backchannel-logout": {} });
    let notice = |seconds: i64, bench: &mut Bench| {
        bench.clock.advance(seconds);
        let claims = json!({
            "iss": bench.provider.issuer, "aud": "gate:way", "iat": bench.now(), "jti": bench.now().to_string(), "sid": "s", "events": event,
        });
        bench.signer.token(&bench.header, &claims)
    };
    let token = notice(7_200, &mut bench);
    assert!(bench.party.back_channel(&bench.connection, &token).await.is_ok());
    assert!(bench.begin().await.is_ok());
    let token = notice(86_400 - 7_201, &mut bench);
    assert!(bench.party.back_channel(&bench.connection, &token).await.is_ok());
    let token = notice(1, &mut bench);
    assert!(bench.party.back_channel(&bench.connection, &token).await.is_err_and(Refusal::is_outage));
    assert_eq!(bench.begin().await.err(), Some(Refusal::ProviderUnavailable));
}

pub(crate) async fn a_provider_that_lies_later_is_not_saved_by_what_is_remembered() {
    let mut bench = Bench::new().await;
    bench.sign_in().await.unwrap();
    bench.provider.say(json!({ "issuer": "https://other.example" }));
    bench.clock.advance(3_600);
    assert_eq!(bench.begin().await.err(), Some(Refusal::DiscoveryIssuer));
}

pub(crate) async fn what_is_mended_at_the_provider_works_within_half_a_minute() {
    for (wrong, right, refusal) in [
        (
            json!({ "code_challenge_methods_supported": ["plain"] }),
            json!({ "code_challenge_methods_supported": ["S256"] }),
            Refusal::Pkce,
        ),
        (
            json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }),
            json!({ "token_endpoint_auth_methods_supported": ["client_secret_basic"] }),
            Refusal::ClientAuthentication,
        ),
    ] {
        let mut bench = Bench::new().await;
        bench.provider.say(wrong);
        assert_eq!(bench.sign_in().await.err(), Some(refusal));
        bench.provider.say(right);
        assert_eq!(again(&mut bench, 29).await.err(), Some(refusal), "it is not asked for each person");
        assert_eq!(bench.provider.asked(DISCOVERY).len(), 1);
        assert_eq!(again(&mut bench, 1).await.err(), None);
        assert_eq!(again(&mut bench, 3_599).await.err(), None);
        assert_eq!(bench.provider.asked(DISCOVERY).len(), 2, "what is right is kept for an hour");
    }
}

pub(crate) async fn a_check_names_each_step() {
    let mut bench = Bench::new().await;
    let steps = bench.party.check(&bench.connection).await;
    assert!(steps.iter().all(|step| step.verdict == Verdict::Good), "{steps:?}");
    bench.connection.enabled = false;
    bench.provider.say(json!({
        "id_token_signing_alg_values_supported": ["PS512"], "code_challenge_methods_supported": ["plain"], "end_session_endpoint": null,
        "backchannel_logout_supported": null, "authorization_response_iss_parameter_supported": null,
        "userinfo_endpoint": "https://graph.example/userinfo", "token_endpoint_auth_methods_supported": ["private_key_jwt"],
    }));
    bench.provider.page("/jwks", Page::redirect("/elsewhere"));
    let steps = bench.party.check(&bench.connection).await;
    let verdicts: Vec<_> = steps.iter().map(|step| (step.step, step.verdict)).collect();
    let expected = [
        ("settings", Verdict::Advice),
        ("discovery", Verdict::Good),
        ("algorithms", Verdict::Bad),
        ("keys", Verdict::Bad),
        ("client", Verdict::Bad),
        ("pkce", Verdict::Bad),
        ("issuer in answers", Verdict::Advice),
        ("user information", Verdict::Advice),
        ("authentication class", Verdict::Good),
        ("sign-out", Verdict::Advice),
        ("sign-out notices", Verdict::Advice),
    ];
    assert_eq!(verdicts, expected);
    // An address of its own makes up for answers without an issuer, a key for a secret that is not taken.
    bench.settings().own_redirect = true;
    let key = sso::oidc::make_client_key(ClientAlgorithm::Es256, domain::time::Timestamp(0)).unwrap();
    bench.settings().client_keys = vec![key];
    bench.settings().client_secret = None;
    let steps = bench.party.check(&bench.connection).await;
    for step in ["client", "issuer in answers"] {
        let verdict = steps.iter().find(|known| known.step == step).map(|step| step.verdict);
        assert_eq!(verdict, Some(Verdict::Good), "{step}");
    }
    bench.provider.say(json!({ "token_endpoint_auth_methods_supported": ["client_secret_basic"] }));
    let steps = bench.party.check(&bench.connection).await;
    assert!(steps.iter().any(|step| (step.step, step.verdict) == ("client", Verdict::Bad)));
    our_keys_are_looked_at(&mut bench).await;
    bench.settings().issuer.push_str("/none");
    let steps = bench.party.check(&bench.connection).await;
    assert_eq!(steps.last().map(|step| step.advice.as_str()), Some(Refusal::DiscoveryUnreadable.explain()));
}

/// Each fault of a key of ours has its own text, and is bad where it keeps people out.
async fn our_keys_are_looked_at(bench: &mut Bench) {
    let now = bench.clock.now();
    let make = |now| sso::oidc::make_client_key(ClientAlgorithm::Es256, now).unwrap();
    let old = make(now.plus_seconds(-700 * 86_400));
    let broken = ClientKey { certificate: "AAAA".to_owned(), ..make(now) };
    let unreadable = ClientKey { private: Hidden::new("AAAA".to_owned()), ..make(now) };
    for (keys, wait, expected) in [
        (vec![make(now)], false, vec![(Verdict::Good, None)]),
        (vec![old.clone()], false, vec![(Verdict::Advice, Some(KeyFault::EndsSoon))]),
        (vec![broken.clone(), make(now)], false, vec![(Verdict::Bad, Some(KeyFault::Certificate))]),
        (
            vec![unreadable, broken.clone()],
            true,
            vec![(Verdict::Advice, Some(KeyFault::Private)), (Verdict::Advice, Some(KeyFault::Certificate))],
        ),
    ] {
        bench.settings().client_keys = keys;
        bench.settings().keys_wait = wait;
        let steps = bench.party.check(&bench.connection).await;
        let found: Vec<_> = steps.iter().filter(|step| step.step == "our keys").collect();
        assert_eq!(found.len(), expected.len(), "{found:?}");
        for (step, (verdict, fault)) in found.iter().zip(expected) {
            let explained = fault.is_none_or(|fault| step.advice.ends_with(fault.explain()));
            assert!(step.verdict == verdict && explained, "{step:?}");
        }
    }
    let mut bench = Bench::new().await;
    bench.settings().client_secret = None;
    bench.settings().client_keys = vec![broken];
    bench.provider.say(json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }));
    assert_eq!(bench.sign_in().await.err(), Some(Refusal::ClientKey));
}

pub(crate) async fn only_trusted_certificates_are_talked_to() {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate =
        CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &authority).unwrap();
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
        }
    });
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(authority.pem().as_bytes()).unwrap();
    let (by_name, by_address) = (format!("https://localhost:{port}/"), format!("https://127.0.0.1:{port}/"));
    let to =
        Destinations::new(&openidconnect::url::Url::parse(&by_name).unwrap(), &[format!("127.0.0.1:{port}")], false);
    let trusting = EgressClient::new(Some(file.path()), Limits::default()).unwrap();
    let strict = EgressClient::new(None, Limits::default()).unwrap();
    assert_eq!(trusting.get(&to, &by_name, None).await.map(|reply| reply.body.to_vec()), Ok(b"ok".to_vec()));
    assert_eq!(
        trusting.get(&to, &by_address, None).await.err(),
        Some(Fault::Untrusted),
        "the certificate names no address"
    );
    assert_eq!(strict.get(&to, &by_name, None).await.err(), Some(Fault::Untrusted));
    serving.abort();
    assert!(EgressClient::new(Some(std::path::Path::new("/nowhere.pem")), Limits::default()).is_err());
}

pub(crate) async fn a_name_that_whoever_does_not_operate_the_machine_wrote_leads_to_no_address_near_it() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (by_name, by_address) = (format!("https://localhost:{port}/"), format!("https://127.0.0.1:{port}/"));
    let further = [format!("127.0.0.1:{port}")];
    let to = Destinations::new(&openidconnect::url::Url::parse(&by_name).unwrap(), &further, false);
    let limits = Limits { time: Duration::from_millis(300), ..Limits::default() };
    let strict = EgressClient::new(None, limits).unwrap();
    for url in [&by_name, &by_address] {
        assert_eq!(strict.get(&to.clone().guarded(true), url, None).await.err(), Some(Fault::Near), "{url}");
    }
    assert!(
        tokio::time::timeout(Duration::from_millis(50), listener.accept()).await.is_err(),
        "nothing was connected to"
    );
    let ranges = ["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    let allowing = EgressClient::allowing(None, limits, &ranges).unwrap();
    for (client, to) in [(&allowing, to.clone().guarded(true)), (&strict, to)] {
        for url in [&by_name, &by_address] {
            // Nobody speaks TLS there; it was connected to.
            let fault = client.get(&to, url, None).await.err();
            assert!(matches!(fault, Some(Fault::TimedOut | Fault::Unreachable)), "{url}: {fault:?}");
        }
    }
    let mut bench = Bench::new().await;
    bench.settings().by_api = true;
    assert_eq!(bench.begin().await.err(), Some(Refusal::NearAddress));
    let steps = told_by_api(&bench.connection, bench.party.check(&bench.connection).await);
    let near = steps.last().unwrap().advice.clone();
    bench.settings().issuer = "https://nobody.invalid".to_owned();
    let steps = told_by_api(&bench.connection, bench.party.check(&bench.connection).await);
    assert_eq!(steps.last().unwrap().advice, near, "what is near and what is not there are told in the same words");
    bench.settings().by_api = false;
    let steps = told_by_api(&bench.connection, bench.party.check(&bench.connection).await);
    assert_eq!(steps.last().unwrap().advice, Refusal::ProviderUnavailable.explain(), "the operator named it");
}

/// A further sign-in some seconds later.
pub(crate) async fn again(bench: &mut Bench, seconds: i64) -> Result<sso::oidc::Verified, Refusal> {
    bench.clock.advance(seconds);
    bench.claims["iat"] = json!(bench.now());
    bench.claims["exp"] = json!(bench.now() + 300);
    bench.claims.as_object_mut().unwrap().remove("nonce");
    bench.sign_in().await
}
