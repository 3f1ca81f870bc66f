//! The way to the provider and back: state, mix-up, codes, user information, and what becomes of the claims.

use crate::bench::{ACCESS_TOKEN, Bench, CLIENT, REDIRECT, SECRET, query};
use crate::forge::{challenge, encode};
use crate::provider::Page;
use crate::providers::again;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::Factor;
use domain::directory::{AssertionAudience, ClientAlgorithm, ClientKey, ProvisionedGroups};
use domain::id::RecordId;
use domain::identity::Groups;
use domain::ports::Clock;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonWebKey, CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use serde_json::{Value, json};
use sso::oidc::{PENDING_SECONDS, Pending, Purpose, Refusal, certificate_pem, key_set, make_client_key};

pub(crate) async fn the_browser_is_sent_with_challenge_state_and_nonce() {
    let mut bench = Bench::new().await;
    bench.settings().request_acr = vec!["urn:mfa".to_owned(), "urn:pwd".to_owned()];
    let (first, second) = (bench.begin().await.unwrap(), bench.begin().await.unwrap());
    assert!(first.redirect.starts_with(&format!("{}/authorize?", bench.provider.issuer)));
    let (first, second) = (query(&first.redirect), query(&second.redirect));
    let fixed = [
        ("response_type", "code"),
        ("client_id", CLIENT),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
        ("acr_values", "urn:mfa urn:pwd"),
    ];
    for (name, value) in fixed {
        assert_eq!(first[name], value, "{name}");
    }
    for drawn in ["state", "nonce", "code_challenge"] {
        assert_eq!(first[drawn].len(), 43, "{drawn} has 256 bits");
        assert_ne!(first[drawn], second[drawn], "{drawn} is drawn anew");
    }
    assert!(!first.contains_key("max_age") && !first.contains_key("prompt") && !first.contains_key("login_hint"));
}

pub(crate) async fn a_step_up_asks_for_a_fresh_proof_and_insists_on_it() {
    let mut bench = Bench::new().await;
    let purpose = Purpose::StepUp { max_age_seconds: 0 };
    let begun = bench.party.begin(&bench.connection, REDIRECT, purpose, Some("alice@clinic.example")).await.unwrap();
    let asked = query(&begun.redirect);
    assert_eq!((&*asked["max_age"], &*asked["prompt"], &*asked["login_hint"]), ("0", "login", "alice@clinic.example"));
    for (auth_time, expected) in [
        (json!(bench.now() - 3_600), Err(Refusal::AuthTimeTooOld)),
        (Value::Null, Err(Refusal::AuthTimeMissing)),
        (json!(bench.now()), Ok(())),
    ] {
        bench.claims["auth_time"] = auth_time;
        let token = bench.token(&begun);
        bench.hands_out(&token);
        let finished = bench.finish(&begun, &bench.answer(&begun)).await;
        assert_eq!(finished.map(|_| ()), expected);
    }
}

pub(crate) async fn the_code_goes_out_with_its_verifier_and_the_encoded_secret() {
    let mut bench = Bench::new().await;
    let begun = bench.begin().await.unwrap();
    let token = bench.token(&begun);
    bench.hands_out(&token);
    bench.finish(&begun, &bench.answer(&begun)).await.unwrap();
    let asked = bench.provider.asked("/token");
    let form = query(&format!("http://form/?{}", asked[0].body));
    assert_eq!(
        (&*form["grant_type"], &*form["code"], &*form["redirect_uri"]),
        ("authorization_code", "a-code", REDIRECT)
    );
    assert_eq!(challenge(&form["code_verifier"]), query(&begun.redirect)["code_challenge"], "PKCE holds");
    assert!(!form.contains_key("client_secret"));
    // RFC 6749 §2.3.1: encoded as in a form, then joined.
    let pair = "gate%3Away:s3cr%26t%2Fwith%2Bodd%25characters-0123456789";
    let expected = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, pair);
    assert!(asked[0].head.contains(&format!("authorization: Basic {expected}")), "{}", asked[0].head);
    assert!(asked[0].head.to_ascii_lowercase().contains("user-agent: sealgate"));
}

pub(crate) async fn the_secret_goes_the_way_that_the_provider_takes() {
    let mut bench = Bench::new().await;
    bench.provider.say(json!({ "token_endpoint_auth_methods_supported": ["client_secret_post"] }));
    bench.sign_in().await.unwrap();
    let form = query(&format!("http://form/?{}", bench.provider.asked("/token")[0].body));
    assert_eq!((&*form["client_id"], &*form["client_secret"]), (CLIENT, SECRET));

    let mut bench = Bench::new().await;
    bench.settings().client_secret = None;
    bench.sign_in().await.unwrap();
    let asked = bench.provider.asked("/token");
    assert!(asked[0].body.contains("client_id=gate%3Away") && !asked[0].head.contains("authorization"));

    let mut bench = Bench::new().await;
    bench.provider.say(json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }));
    assert_eq!(bench.sign_in().await.err(), Some(Refusal::ClientAuthentication));
}

pub(crate) async fn a_key_of_ours_signs_for_one_request_and_a_minute() {
    for (algorithm, audience) in [
        (ClientAlgorithm::Es256, AssertionAudience::TokenEndpoint),
        (ClientAlgorithm::Rs256, AssertionAudience::Issuer),
    ] {
        let mut bench = Bench::new().await;
        bench.provider.say(json!({ "token_endpoint_auth_methods_supported": ["private_key_jwt"] }));
        let now = Clock::now(bench.clock.as_ref());
        let keys = [algorithm, ClientAlgorithm::Es256].map(|algorithm| make_client_key(algorithm, now).unwrap());
        let settings = bench.settings();
        (settings.client_secret, settings.client_keys) = (None, keys.to_vec());
        settings.assertion_audience = audience;
        bench.sign_in().await.unwrap();
        again(&mut bench, 1).await.unwrap();
        let mut names = Vec::new();
        for (at, asked) in bench.provider.asked("/token").iter().enumerate() {
            let form = query(&format!("http://form/?{}", asked.body));
            assert!(!form.contains_key("client_secret") && !asked.head.contains("authorization"), "{}", asked.head);
            assert_eq!(form["client_id"], CLIENT);
            assert_eq!(form["client_assertion_type"], "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            let (header, claims) = verified(&form["client_assertion"], &keys);
            assert_eq!((&header["alg"], &header["kid"]), (&json!(algorithm.name()), &json!(keys[0].id)));
            let issued = bench.now() - 1 + i64::try_from(at).unwrap();
            assert_eq!((&claims["iat"], &claims["exp"]), (&json!(issued), &json!(issued + 60)));
            assert_eq!((&claims["iss"], &claims["sub"]), (&json!(CLIENT), &json!(CLIENT)));
            let whom = match audience {
                AssertionAudience::TokenEndpoint => format!("{}/token", bench.provider.issuer),
                AssertionAudience::Issuer => bench.provider.issuer.clone(),
            };
            assert_eq!(claims["aud"], whom);
            names.push(claims["jti"].as_str().unwrap().to_owned());
        }
        assert!(names.len() == 2 && names[0] != names[1] && names[0].len() == 22, "each is another: {names:?}");
    }
}

pub(crate) async fn a_key_is_not_used_where_it_is_not_taken_or_a_secret_is_there() {
    let key = make_client_key(ClientAlgorithm::Es256, domain::time::Timestamp(0)).unwrap();
    let mut bench = Bench::new().await;
    bench.settings().client_keys = vec![key.clone()];
    bench.sign_in().await.unwrap();
    let asked = bench.provider.asked("/token");
    assert!(asked[0].head.contains("authorization: Basic") && !asked[0].body.contains("client_assertion"));
    let mut bench = Bench::new().await;
    bench.settings().client_keys = vec![key];
    bench.settings().client_secret = None;
    assert_eq!(bench.sign_in().await.err(), Some(Refusal::ClientAuthentication));
    assert!(bench.provider.asked("/token").is_empty(), "nothing is sent that is not taken");
}

/// Verifies an assertion by what is published of the keys, as a provider does; returns its header and claims.
fn verified(assertion: &str, keys: &[ClientKey]) -> (Value, Value) {
    let published = key_set(keys).json;
    assert!(keys.iter().all(|key| !published.contains(key.private.expose())) && !published.contains("\"d\""));
    let set: CoreJsonWebKeySet = serde_json::from_str(&published).unwrap();
    let (message, signature) = assertion.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let part = |text: &str| -> Value { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap() };
    let (header, claims) = message.split_once('.').map(|(header, claims)| (part(header), part(claims))).unwrap();
    let algorithm = match header["alg"].as_str().unwrap() {
        "ES256" => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        _ => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    };
    let named = |key: &&CoreJsonWebKey| key.key_id().is_some_and(|id| json!(id.as_str()) == header["kid"]);
    let key = set.keys().iter().find(named).unwrap();
    key.verify_signature(&algorithm, message.as_bytes(), &signature).unwrap();
    // The certificate is of the same key, and found by the header.
    let of: Value = serde_json::from_str(&published).unwrap();
    assert_eq!((&of["keys"][0]["x5t#S256"], &of["keys"][0]["kid"]), (&header["x5t#S256"], &header["kid"]));
    assert!(certificate_pem(&keys[0]).unwrap().starts_with("-----BEGIN CERTIFICATE-----"));
    (header, claims)
}

pub(crate) async fn an_answer_to_another_sign_in_is_refused() {
    let mut bench = Bench::new().await;
    let (begun, other) = (bench.begin().await.unwrap(), bench.begin().await.unwrap());
    let token = bench.token(&begun);
    bench.hands_out(&token);
    let refused = |refusal: Refusal| Some(refusal);
    let mut answer = bench.answer(&begun);
    answer.state = None;
    assert_eq!(bench.finish(&begun, &answer).await.err(), refused(Refusal::StateMissing));
    for state in [query(&other.redirect)["state"].clone(), String::new()] {
        answer.state = Some(state);
        assert_eq!(bench.finish(&begun, &answer).await.err(), refused(Refusal::StateMismatch));
    }
    assert!(bench.provider.asked("/token").is_empty(), "the code of another sign-in is not used");
    // Of another connection, of another issuer, and too late.
    let mut connection = bench.connection.clone();
    connection.id = RecordId([9; 16]);
    let elsewhere = bench.party.finish(&connection, REDIRECT, &begun.pending, &bench.answer(&begun)).await;
    assert_eq!(elsewhere.err(), refused(Refusal::OtherConnection));
    bench.clock.advance(PENDING_SECONDS);
    assert_eq!(bench.finish(&begun, &bench.answer(&begun)).await.err(), refused(Refusal::SignInExpired));
}

pub(crate) async fn a_sign_in_of_a_changed_issuer_is_not_finished() {
    let mut bench = Bench::new().await;
    let begun = bench.begin().await.unwrap();
    bench.settings().issuer.push('/');
    assert_eq!(bench.finish(&begun, &bench.answer(&begun)).await.err(), Some(Refusal::OtherConnection));
}

pub(crate) async fn an_answer_of_another_provider_is_refused() {
    let mut bench = Bench::new().await;
    for (promised, iss, expected) in [
        (true, Some("https://mallory.example"), Some(Refusal::AnswerIssuer)),
        (false, Some("https://mallory.example"), Some(Refusal::AnswerIssuer)),
        (true, None, Some(Refusal::AnswerIssuerMissing)),
        (false, None, None),
    ] {
        bench.provider.say(json!({ "authorization_response_iss_parameter_supported": promised }));
        bench.clock.advance(4_000);
        bench.claims["iat"] = json!(bench.now());
        bench.claims["exp"] = json!(bench.now() + 300);
        bench.claims.as_object_mut().unwrap().remove("nonce");
        let begun = bench.begin().await.unwrap();
        let token = bench.token(&begun);
        bench.hands_out(&token);
        let mut answer = bench.answer(&begun);
        answer.iss = iss.map(str::to_owned);
        assert_eq!(bench.finish(&begun, &answer).await.err(), expected, "{promised} {iss:?}");
    }
}

pub(crate) async fn an_error_instead_of_a_code_has_its_word() {
    let bench = Bench::new().await;
    let begun = bench.begin().await.unwrap();
    for (error, code, expected) in [
        (Some("access_denied"), None, Refusal::Denied),
        (Some("temporarily_unavailable"), None, Refusal::ProviderUnavailable),
        (Some("invalid_scope"), None, Refusal::ProviderError),
        (Some("anything <at> all"), Some("a-code"), Refusal::ProviderError),
        (None, None, Refusal::CodeMissing),
        (None, Some(""), Refusal::CodeMissing),
    ] {
        let mut answer = bench.answer(&begun);
        (answer.error, answer.code) = (error.map(str::to_owned), code.map(str::to_owned));
        assert_eq!(bench.finish(&begun, &answer).await.err(), Some(expected));
    }
    let mut answer = bench.answer(&begun);
    answer.code = Some("a".repeat(8_193));
    assert_eq!(bench.finish(&begun, &answer).await.err(), Some(Refusal::CodeMissing));
}

pub(crate) async fn what_the_token_endpoint_refuses_has_its_word() {
    let bench = Bench::new().await;
    let begun = bench.begin().await.unwrap();
    for (status, answer, expected) in [
        (400, json!({ "error": "invalid_grant" }), Refusal::CodeRefused),
        (401, json!({ "error": "invalid_client" }), Refusal::ClientRefused),
        (401, json!({}), Refusal::ClientRefused),
        (400, json!({ "error": "unauthorized_client" }), Refusal::ClientRefused),
        (400, json!({ "error": "invalid_request" }), Refusal::TokenRefused),
        (404, json!(null), Refusal::TokenRefused),
        (503, json!({}), Refusal::ProviderUnavailable),
        (429, json!({}), Refusal::ProviderUnavailable),
        (200, json!({ "access_token": "a", "token_type": "Bearer" }), Refusal::IdTokenMissing),
        (200, json!({ "id_token": "a", "token_type": "DPoP" }), Refusal::TokenUnreadable),
        (200, json!([]), Refusal::TokenUnreadable),
    ] {
        bench.provider.page("/token", Page::status(status, &answer));
        assert_eq!(bench.finish(&begun, &bench.answer(&begun)).await.err(), Some(expected), "{status} {answer}");
    }
    bench.provider.page("/token", Page::redirect("/elsewhere"));
    assert_eq!(bench.finish(&begun, &bench.answer(&begun)).await.err(), Some(Refusal::Redirected));
    assert!(bench.provider.asked("/elsewhere").is_empty());
}

pub(crate) async fn what_is_pending_survives_being_kept_and_shows_no_secret() {
    let mut bench = Bench::new().await;
    let mut begun = bench.begin().await.unwrap();
    let kept = serde_json::to_string(&begun.pending).unwrap();
    begun.pending = serde_json::from_str::<Pending>(&kept).unwrap();
    let token = bench.token(&begun);
    bench.hands_out(&token);
    assert!(bench.finish(&begun, &bench.answer(&begun)).await.is_ok());
}

pub(crate) async fn claims_become_facts() {
    let mut bench = Bench::new().await;
    bench.claims["auth_time"] = json!(bench.now() - 50);
    bench.claims["department"] = json!("ward");
    let assertion = bench.sign_in().await.unwrap().assertion;
    assert_eq!((assertion.connection, assertion.tenant), (bench.connection.id, bench.connection.tenant));
    assert_eq!(assertion.issuer, bench.provider.issuer);
    assert_eq!((&*assertion.subject, &*assertion.display), ("alice", "Alice"));
    assert_eq!(assertion.roles, ["Provider"]);
    assert!(assertion.groups == Groups::Known(vec!["lab".to_owned()]));
    assert!(assertion.attributes.contains(&("department".to_owned(), vec!["ward".to_owned()])));
    assert!(assertion.attributes.iter().all(|(name, _)| name != "nonce" && name != "sub" && name != "aud"));
    assert_eq!(assertion.factor, Factor::Missing, "a password is one factor");
    assert_eq!(assertion.authenticated.0 / 1_000_000, bench.now() - 50);
    assert_eq!((assertion.until, assertion.provider_session.as_deref()), (None, Some("session-1")));
    assert!(bench.provider.asked("/userinfo").is_empty(), "nothing was missing");
}

pub(crate) async fn a_second_factor_is_seen_in_class_and_methods() {
    for (claim, value, expected) in [
        ("acr", json!("urn:mfa"), Factor::Shown),
        ("acr", json!("urn:pwd"), Factor::Missing),
        ("amr", json!(["pwd", "otp"]), Factor::Shown),
        ("amr", json!("mfa"), Factor::Shown),
        ("amr", json!(["pwd"]), Factor::Missing),
        ("amr", json!(["otp"]), Factor::Missing),
        ("amr", json!(["hwk"]), Factor::Missing),
        ("amr", json!(["fido"]), Factor::Missing),
        ("amr", json!(["otp", "sms", "hwk"]), Factor::Missing),
        ("amr", json!(["pwd", "pin"]), Factor::Missing),
        ("amr", json!(["hwk", "pin"]), Factor::Shown),
        ("amr", json!(["swk", "fpt"]), Factor::Shown),
        ("amr", json!(["pwd", "rsa", "mfa"]), Factor::Shown),
        ("amr", json!(["pwd", "user"]), Factor::Missing),
        ("amr", json!({ "mfa": true }), Factor::Missing),
    ] {
        let mut bench = Bench::new().await;
        bench.claims[claim] = value;
        assert_eq!(bench.sign_in().await.unwrap().assertion.factor, expected, "{claim} {}", bench.claims[claim]);
    }
    let mut bench = Bench::new().await;
    bench.claims["amr"] = json!(["otp"]);
    bench.settings().second_factor_amr = vec!["otp".to_owned()];
    assert_eq!(bench.sign_in().await.unwrap().assertion.factor, Factor::Shown, "what is configured counts by itself");
}

pub(crate) async fn who_is_let_in_silently_has_proved_nothing_fresh() {
    let mut bench = Bench::new().await;
    bench.claims["auth_time"] = Value::Null;
    assert_eq!(bench.sign_in().await.unwrap().assertion.authenticated, domain::time::Timestamp(0));
}

pub(crate) async fn groups_that_are_left_out_are_unknown() {
    for (name, value) in [
        ("_claim_names", json!({ "groups": "src1" })),
        ("hasgroups", json!(true)),
        ("hasgroups", json!("true")),
        ("groups:src1", json!("https://graph.example/groups")),
        ("groups", json!({ "lab": true })),
        ("groups", json!((0..1_001).map(|n| n.to_string()).collect::<Vec<_>>())),
    ] {
        let mut bench = Bench::new().await;
        bench.claims[name] = value;
        assert!(bench.sign_in().await.unwrap().assertion.groups == Groups::Unknown, "{name}");
    }
    let mut bench = Bench::new().await;
    bench.provider.say(json!({ "userinfo_endpoint": null }));
    bench.claims["groups"] = Value::Null;
    assert!(bench.sign_in().await.unwrap().assertion.groups == Groups::Known(Vec::new()), "none is not unknown");
    // Where provisioning is asked when a sign-in does not list them, one without the claim does not list them.
    bench.connection.provisioning.groups = ProvisionedGroups::WhenUnknown;
    assert!(again(&mut bench, 1).await.unwrap().assertion.groups == Groups::Unknown);
    bench.claims["groups"] = json!([]);
    assert!(again(&mut bench, 1).await.unwrap().assertion.groups == Groups::Known(Vec::new()), "it lists none");
}

pub(crate) async fn habits_of_providers_are_understood() {
    // Entra ID: the person is oid within tid.
    let mut bench = Bench::new().await;
    bench.settings().subject_claim = "oid".to_owned();
    bench.claims["oid"] = json!("object");
    bench.claims["tid"] = json!("directory");
    assert_eq!(bench.sign_in().await.unwrap().assertion.subject, "directory/object");
    // Keycloak: roles inside an object. Others: a claim whose name is an address, and text for a list of one.
    let mut bench = Bench::new().await;
    bench.settings().roles_claim = "realm_access.roles".to_owned();
    bench.settings().groups_claim = "https://clinic.example/groups".to_owned();
    bench.claims["realm_access"] = json!({ "roles": ["Staff"] });
    bench.claims["https://clinic.example/groups"] = json!("ward");
    let assertion = bench.sign_in().await.unwrap().assertion;
    assert_eq!(assertion.roles, ["Staff"]);
    assert!(assertion.groups == Groups::Known(vec!["ward".to_owned()]));
}

pub(crate) async fn what_the_token_lacks_comes_from_the_user_information() {
    let mut bench = Bench::new().await;
    for missing in ["groups", "roles", "name"] {
        bench.claims[missing] = Value::Null;
    }
    let told = json!({ "sub": "alice", "name": "Alice A.\u{7}", "groups": ["ward"], "roles": ["Staff"], "acr": "urn:mfa", "sid": "x" });
    bench.provider.page("/userinfo", Page::json(&told));
    let assertion = bench.sign_in().await.unwrap().assertion;
    assert_eq!((&*assertion.display, &*assertion.roles), ("Alice A.", &["Staff".to_owned()][..]));
    assert!(assertion.groups == Groups::Known(vec!["ward".to_owned()]));
    assert_eq!(assertion.factor, Factor::Missing, "only the token proves a factor");
    assert_eq!(assertion.provider_session.as_deref(), Some("session-1"));
    assert!(bench.provider.asked("/userinfo")[0].head.contains(&format!("authorization: Bearer {ACCESS_TOKEN}")));
}

pub(crate) async fn user_information_about_somebody_else_is_refused() {
    for (status, told, expected) in [
        (200, json!({ "sub": "mallory", "groups": ["admins"] }), Refusal::UserInfoSubject),
        (200, json!({ "groups": ["admins"] }), Refusal::UserInfoSubject),
        (200, json!("header.claims.signature"), Refusal::UserInfoUnreadable),
        (403, json!({}), Refusal::UserInfoUnreadable),
        (500, json!({}), Refusal::ProviderUnavailable),
    ] {
        let mut bench = Bench::new().await;
        bench.claims["groups"] = Value::Null;
        bench.provider.page("/userinfo", Page::status(status, &told));
        assert_eq!(bench.sign_in().await.err(), Some(expected));
    }
}

pub(crate) async fn user_information_on_a_host_that_is_not_allowed_is_not_asked_for() {
    let mut bench = Bench::new().await;
    bench.provider.say(json!({ "userinfo_endpoint": "https://graph.example/userinfo" }));
    bench.claims["groups"] = Value::Null;
    assert!(bench.sign_in().await.unwrap().assertion.groups == Groups::Known(Vec::new()));
}

pub(crate) async fn people_are_signed_out_at_the_provider() {
    let bench = Bench::new().await;
    let url = bench.party.sign_out_url(&bench.connection, "https://gateway.example/", "state").await.unwrap();
    assert!(url.starts_with(&format!("{}/end?a=b&", bench.provider.issuer)));
    let query = query(&url);
    assert_eq!(&*query["client_id"], CLIENT);
    assert!(!query.contains_key("id_token_hint"), "an ID token has a person's name in it");
    assert_eq!((&*query["post_logout_redirect_uri"], &*query["state"]), ("https://gateway.example/", "state"));

    let bench = Bench::new().await;
    bench.provider.say(json!({ "end_session_endpoint": null }));
    assert_eq!(bench.party.sign_out_url(&bench.connection, "https://gateway.example/", "state").await, None);
}

pub(crate) async fn a_connection_that_is_off_signs_nobody_in() {
    let mut bench = Bench::new().await;
    let begun = bench.begin().await.unwrap();
    bench.connection.enabled = false;
    assert_eq!(bench.begin().await.err(), Some(Refusal::Disabled));
    assert_eq!(bench.finish(&begun, &bench.answer(&begun)).await.err(), Some(Refusal::Disabled));
    assert_eq!(bench.party.back_channel(&bench.connection, &encode(b"x")).await.err(), Some(Refusal::Disabled));
}
