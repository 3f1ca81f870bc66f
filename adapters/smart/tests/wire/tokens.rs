use crate::house::{House, KEYS_URL, LAB, NARROW, REMOTE, SOUTHERN, key_set};
use crate::{Signer, credentials, sign};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use serde_json::json;
use std::sync::atomic::Ordering;

#[actix_web::test]
async fn the_configuration_says_what_is_served_to_everybody() {
    let house = House::new().await;
    let path = "/fhir/.well-known/smart-configuration";
    for accept in ["application/json", "text/html", "application/fhir+xml"] {
        let answer = house.send(TestRequest::with_uri(path).insert_header(("accept", accept))).await;
        assert_eq!((answer.status, answer.header("content-type")), (StatusCode::OK, "application/json"));
    }
    let document = house.send(TestRequest::with_uri(path)).await.json();
    assert_eq!(document["token_endpoint"], "https://here.example/oauth/token");
    assert_eq!(document["introspection_endpoint"], "https://here.example/oauth/introspect");
    assert_eq!(document["revocation_endpoint"], "https://here.example/oauth/revoke");
    assert_eq!(document["issuer"], "https://here.example");
    assert_eq!(document["authorization_endpoint"], "https://here.example/oauth/authorize");
    assert_eq!(document["grant_types_supported"], json!(["authorization_code", "refresh_token", "client_credentials"]));
    assert_eq!(
        document["token_endpoint_auth_methods_supported"],
        json!(["client_secret_basic", "private_key_jwt", "none"])
    );
    assert_eq!(document["code_challenge_methods_supported"], json!(["S256"]));
    assert_eq!(document["token_endpoint_auth_signing_alg_values_supported"], json!(["RS384", "ES384"]));
    for capability in ["launch-ehr", "launch-standalone", "client-public", "sso-openid-connect", "permission-v2"] {
        assert!(document["capabilities"].as_array().unwrap().contains(&json!(capability)), "{capability}");
    }
    let root = house.send(TestRequest::with_uri("/.well-known/smart-configuration")).await.json();
    assert_eq!(root, document);
    let openid = house.send(TestRequest::with_uri("/.well-known/openid-configuration")).await.json();
    assert_eq!(openid["id_token_signing_alg_values_supported"], json!(["RS256"]));
    for name in ["issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "scopes_supported"] {
        assert_eq!(openid[name], document[name], "{name}");
    }
    assert!(document["scopes_supported"].as_array().unwrap().contains(&json!("system/Observation.rs")));
    let head = house.send(TestRequest::with_uri(path).method(Method::HEAD)).await;
    assert_eq!(head.status, StatusCode::OK);
    let posted = house.send(TestRequest::with_uri(path).method(Method::POST)).await;
    assert_eq!((posted.status, posted.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD"));
}

#[actix_web::test]
async fn a_token_is_issued_for_either_signature_and_is_in_the_chain() {
    let house = House::new().await;
    for (alg, kid, signer) in [("RS384", "r1", Signer::Rsa), ("ES384", "e1", Signer::Ec)] {
        for client in [LAB, REMOTE] {
            let assertion = sign(&json!({ "alg": alg, "typ": "JWT", "kid": kid }), &house.claims(client), signer);
            let form = format!("grant_type=client_credentials&scope=system/*.read&{}", credentials(&assertion));
            let answer = house.post("/oauth/token", &form).await;
            assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
            assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
            assert_eq!(answer.header("content-type"), "application/json");
            let json = answer.json();
            assert_eq!(json["token_type"], "bearer");
            assert_eq!(json["expires_in"], 300);
            assert_eq!(json["scope"], "system/*.rs");
            let token = json["access_token"].as_str().unwrap();
            assert_eq!(token.len(), "sga_".len() + 43);
            let (action, outcome, id, reason) = house.last(house.north).await;
            assert_eq!((action.as_str(), id, reason), ("TokenIssued", client.to_string(), None));
            assert!(outcome.eq_ignore_ascii_case("success"), "{outcome}");
        }
    }
    let jku = json!({ "alg": "ES384", "typ": "JWT", "kid": "e1", "jku": KEYS_URL });
    let assertion = sign(&jku, &house.claims(REMOTE), Signer::Ec);
    let form = format!("grant_type=client_credentials&scope=system/*.rs&{}", credentials(&assertion));
    assert_eq!(house.post("/oauth/token", &form).await.status, StatusCode::OK, "the address that was registered");
}

#[actix_web::test]
async fn keys_at_an_address_are_fetched_once_and_a_new_one_is_found_at_a_bounded_rate() {
    let house = House::new().await;
    let asked = || house.keys.asked.load(Ordering::Relaxed);
    let form = |kid: &str| {
        let assertion = sign(&json!({ "alg": "ES384", "typ": "JWT", "kid": kid }), &house.claims(REMOTE), Signer::Ec);
        format!("grant_type=client_credentials&scope=system/*.rs&{}", credentials(&assertion))
    };
    for _ in 0..3 {
        assert_eq!(house.post("/oauth/token", &form("e1")).await.status, StatusCode::OK);
    }
    assert_eq!(asked(), 1);
    house.doubles.clock.advance(31);
    for number in 0..20 {
        let answer = house.post("/oauth/token", &form(&format!("made-up-{number}"))).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(asked(), 2, "twenty unknown keys within half a minute");
    *house.keys.document.lock().unwrap() = Some(key_set().replace("\"e1\"", "\"e2\""));
    house.doubles.clock.advance(31);
    assert_eq!(house.post("/oauth/token", &form("e2")).await.status, StatusCode::OK, "a rotated key");
    *house.keys.document.lock().unwrap() = None;
    house.doubles.clock.advance(1_000);
    assert_eq!(house.post("/oauth/token", &form("e2")).await.status, StatusCode::OK, "unreachable for a while");
    house.doubles.clock.advance(3_600);
    assert_eq!(house.post("/oauth/token", &form("e2")).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_client_of_the_tenant_learns_what_a_token_is_good_for_and_nobody_else_does() {
    let house = House::new().await;
    let token = house.token(NARROW, "system/*.rs").await;
    let ask = async |client, token: &str| {
        house.post("/oauth/introspect", &format!("token={token}&{}", house.credentials(client))).await.json()
    };
    let told = ask(LAB, &token).await;
    assert_eq!(told["active"], true);
    assert_eq!(told["scope"], "system/DiagnosticReport.s system/Observation.rs?category=urn:c|LAB");
    assert_eq!((&told["client_id"], &told["sub"]), (&json!(NARROW), &json!(NARROW)));
    assert_eq!(told["exp"].as_i64().unwrap() - told["iat"].as_i64().unwrap(), 300);
    let nothing = json!({ "active": false });
    assert_eq!(ask(SOUTHERN, &token).await, nothing, "another tenant");
    for wrong in ["x", "sga_", &format!("sga_{}", "A".repeat(43)), &format!("{token}A")] {
        assert_eq!(ask(LAB, wrong).await, nothing, "{wrong}");
    }
    house.doubles.clock.advance(300);
    assert_eq!(ask(LAB, &token).await, nothing, "over");
    assert_eq!(
        house.post("/oauth/introspect", &format!("token={token}")).await.error(),
        (401, "invalid_client".into())
    );
    let form = house.credentials(LAB);
    assert_eq!(house.post("/oauth/introspect", &form).await.error(), (400, "invalid_request".into()));
}

#[actix_web::test]
async fn a_client_takes_back_its_own_token_and_no_other() {
    let house = House::new().await;
    let token = house.token(LAB, "system/*.rs").await;
    let revoke = async |client, token: &str| {
        house
            .post("/oauth/revoke", &format!("token={token}&token_type_hint=access_token&{}", house.credentials(client)))
            .await
    };
    assert_eq!(revoke(NARROW, &token).await.error(), (400, "unauthorized_client".into()));
    assert_eq!(house.get("Patient", &token).await.status, StatusCode::OK);
    assert_eq!(revoke(LAB, &token).await.status, StatusCode::OK);
    assert_eq!(house.last(house.north).await.0, "TokenRevoked");
    assert_eq!(house.get("Patient", &token).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(revoke(LAB, &token).await.status, StatusCode::OK, "again");
    assert_eq!(revoke(LAB, "unknown").await.status, StatusCode::OK);
    assert_eq!(house.post("/oauth/revoke", "token=x").await.error(), (401, "invalid_client".into()));
}
