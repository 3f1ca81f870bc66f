use crate::house::{DISABLED, House, KEYS_URL, LAB, LAUNCHED, REMOTE};
use crate::{Signer, credentials, sign};
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::TestRequest;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{RecordId, TenantId};
use serde_json::{Value, json};

fn header_with(name: &str, value: Value) -> Value {
    let mut header = json!({ "alg": "ES384", "typ": "JWT", "kid": "e1" });
    header[name] = value;
    header
}

fn without(mut value: Value, name: &str) -> Value {
    value.as_object_mut().unwrap().remove(name);
    value
}

#[actix_web::test]
async fn each_wrong_assertion_is_refused_for_its_own_reason_and_looks_like_any_other() {
    let house = House::new().await;
    let good = || house.claims(LAB);
    let claims_with = |name: &str, value: Value| {
        let mut claims = good();
        claims[name] = value;
        claims
    };
    let now = house.seconds();
    let plain = header_with("kid", json!("e1"));
    let ec = Signer::Ec;
    let signed = |header: &Value, claims: Value| sign(header, &claims, ec);
    let (unsigned, rest) = {
        let text = signed(&plain, good());
        let (message, signature) = text.rsplit_once('.').unwrap();
        (format!("{message}."), (message.to_owned(), signature.to_owned()))
    };
    let tampered = {
        let claims = URL_SAFE_NO_PAD.encode(claims_with("iat", json!(now)).to_string());
        format!("{}.{claims}.{}", rest.0.split_once('.').unwrap().0, rest.1)
    };
    let doubled = {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let text = good().to_string();
        format!("{}.{}.{}", part(&plain.to_string()), part(&text.replacen('{', "{\"sub\":\"x\",", 1)), rest.1)
    };
    let of = |client: RecordId| sign(&plain, &house.claims(client), ec);
    let rows: Vec<(&str, String)> = vec![
        ("assertion-form", "not.a.jwt".to_owned()),
        ("assertion-form", "nothing".to_owned()),
        ("assertion-form", "x".repeat(8_193)),
        ("assertion-form", doubled),
        ("assertion-form", signed(&plain, without(good(), "aud"))),
        ("assertion-form", signed(&plain, without(good(), "exp"))),
        ("assertion-form", signed(&plain, claims_with("exp", json!("soon")))),
        ("algorithm", signed(&header_with("alg", json!("none")), good())),
        ("algorithm", signed(&header_with("alg", json!("HS384")), good())),
        ("algorithm", signed(&header_with("alg", json!("ES256")), good())),
        ("algorithm", signed(&header_with("alg", json!("es384")), good())),
        ("header", signed(&header_with("crit", json!(["exp"])), good())),
        ("header", signed(&header_with("jwk", json!({})), good())),
        ("header", signed(&header_with("x5u", json!("https://x.example")), good())),
        ("header", signed(&header_with("x5c", json!([])), good())),
        ("type", signed(&header_with("typ", json!("at+jwt")), good())),
        ("type", signed(&without(plain.clone(), "typ"), good())),
        ("issuer-is-not-subject", signed(&plain, claims_with("iss", json!(REMOTE)))),
        ("unknown-client", of(RecordId([0x99; 16]))),
        (
            "unknown-client",
            signed(&plain, {
                let mut claims = good();
                let loud = LAB.to_string().to_uppercase();
                claims["iss"] = json!(loud);
                claims["sub"] = json!(loud);
                claims
            }),
        ),
        ("disabled-client", of(DISABLED)),
        ("key-address", signed(&header_with("jku", json!(KEYS_URL)), good())),
        ("key-address", signed(&header_with("jku", json!("https://evil.example/keys")), house.claims(REMOTE))),
        ("no-key-id", signed(&without(plain.clone(), "kid"), good())),
        ("unknown-key", signed(&header_with("kid", json!("e9")), good())),
        ("unknown-key", signed(&header_with("kid", json!("r1")), good())),
        ("unknown-key", signed(&header_with("kid", json!("encrypts")), good())),
        ("unknown-key", signed(&header_with("kid", json!("twice")), good())),
        ("unknown-key", sign(&json!({ "alg": "RS384", "typ": "JWT", "kid": "e1" }), &good(), Signer::Rsa)),
        ("signature", sign(&plain, &good(), Signer::OtherEc)),
        ("signature", unsigned),
        ("signature", tampered),
        ("audience", signed(&plain, claims_with("aud", json!("https://here.example/oauth/token/")))),
        ("audience", signed(&plain, claims_with("aud", json!("https://here.example/fhir")))),
        (
            "audience",
            signed(&plain, claims_with("aud", json!(["https://here.example/oauth/token", "https://x.example"]))),
        ),
        ("audience", signed(&plain, claims_with("aud", json!([])))),
        ("expiry", signed(&plain, claims_with("exp", json!(1e300)))),
        ("expired", signed(&plain, claims_with("exp", json!(now)))),
        ("expired", signed(&plain, claims_with("exp", json!(-1)))),
        ("good-for-too-long", signed(&plain, claims_with("exp", json!(now + 301)))),
        ("not-yet-valid", signed(&plain, claims_with("nbf", json!(now + 61)))),
        ("not-yet-valid", signed(&plain, claims_with("iat", json!(now + 61)))),
        ("no-name", signed(&plain, without(good(), "jti"))),
        ("no-name", signed(&plain, claims_with("jti", json!("")))),
        ("no-name", signed(&plain, claims_with("jti", json!("x".repeat(257))))),
    ];
    let mut faces = Vec::new();
    for (reason, assertion) in rows {
        let form = format!("grant_type=client_credentials&scope=system/*.rs&{}", credentials(&assertion));
        let answer = house.post("/oauth/token", &form).await;
        assert_eq!(answer.error(), (401, "invalid_client".to_owned()), "{reason}");
        assert!(!answer.header("www-authenticate").is_empty());
        let (action, outcome, _, said) = house.last(TenantId::SYSTEM).await;
        assert_eq!((action.as_str(), said.as_deref()), ("LoginFailed", Some(reason)));
        assert!(outcome.eq_ignore_ascii_case("denied"), "{outcome}");
        faces.push(answer.text);
    }
    faces.dedup();
    assert_eq!(faces.len(), 1, "no difference tells what was wrong");
    let fractions = signed(&plain, claims_with("exp", serde_json::from_str(&format!("{}.5", now + 299)).unwrap()));
    let form = format!("grant_type=client_credentials&scope=system/*.rs&{}", credentials(&fractions));
    assert_eq!(house.post("/oauth/token", &form).await.status, StatusCode::OK);
}

#[actix_web::test]
async fn an_assertion_is_good_once() {
    let house = House::new().await;
    let form = format!("grant_type=client_credentials&scope=system/*.rs&{}", house.credentials(LAB));
    assert_eq!(house.post("/oauth/token", &form).await.status, StatusCode::OK);
    assert_eq!(house.post("/oauth/token", &form).await.error(), (401, "invalid_client".to_owned()));
    assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("replay"));
    let introspection = form.replace("grant_type=client_credentials", "token=x");
    assert_eq!(house.post("/oauth/introspect", &introspection).await.error().0, 401, "at no other endpoint either");
    house.doubles.clock.advance(299);
    assert_eq!(house.post("/oauth/token", &form).await.error().0, 401, "to its last second");
    let claims = house.claims(LAB);
    let header = json!({ "alg": "ES384", "typ": "JWT", "kid": "e1" });
    let forged = credentials(&sign(&header, &claims, Signer::OtherEc));
    let real = credentials(&sign(&header, &claims, Signer::Ec));
    for (credentials, status) in [(forged, 401), (real, 200)] {
        let form = format!("grant_type=client_credentials&scope=system/*.rs&{credentials}");
        assert_eq!(house.post("/oauth/token", &form).await.status, status, "who cannot sign uses up nothing");
    }
}

#[actix_web::test]
async fn each_wrong_form_is_refused_with_its_own_error() {
    let house = House::new().await;
    let grant = "grant_type=client_credentials";
    let credentials = || house.credentials(LAB);
    let assertion = house.assertion(LAB);
    let rows: Vec<(u16, &str, &str, String)> = vec![
        (400, "invalid_request", "no-grant-type", format!("scope=system/*.rs&{}", credentials())),
        (400, "invalid_request", "no-grant-type", format!("grant_type=&scope=system/*.rs&{}", credentials())),
        (400, "unsupported_grant_type", "grant-type", format!("grant_type=password&{}", credentials())),
        (
            400,
            "unauthorized_client",
            "acts-by-itself-only",
            format!("grant_type=authorization_code&code=x&{}", credentials()),
        ),
        (
            400,
            "unauthorized_client",
            "acts-for-people-only",
            format!("{grant}&scope=patient/*.rs&{}", house.credentials(LAUNCHED)),
        ),
        (401, "invalid_client", "no-credentials", format!("{grant}&scope=system/*.rs")),
        (401, "invalid_client", "no-credentials", format!("{grant}&scope=system/*.rs&client_id={LAB}")),
        (400, "invalid_request", "assertion-type", format!("{grant}&client_assertion={assertion}")),
        (
            400,
            "invalid_request",
            "assertion-type",
            format!("{grant}&client_assertion={assertion}&client_assertion_type=saml"),
        ),
        (400, "invalid_request", "several-credentials", format!("{grant}&client_secret=x&{}", credentials())),
        (
            401,
            "invalid_client",
            "issuer-is-not-subject",
            format!("{grant}&client_id=x&scope=system/*.rs&{}", credentials()),
        ),
        (400, "invalid_request", "form", format!("{grant}&{grant}&{}", credentials())),
        (400, "invalid_request", "form", format!("{grant}&scope=%zz&{}", credentials())),
        (400, "invalid_scope", "no-scope", format!("{grant}&{}", credentials())),
        (400, "invalid_scope", "scope-malformed", format!("{grant}&scope=system/Patient.sr&{}", credentials())),
        (400, "invalid_scope", "scope-malformed", format!("{grant}&scope=system/patient.rs&{}", credentials())),
        (400, "invalid_scope", "scope-not-registered", format!("{grant}&scope=system/Patient.cud&{}", credentials())),
        (400, "invalid_scope", "scope-not-registered", format!("{grant}&scope=system/Medication.rs&{}", credentials())),
        (
            400,
            "invalid_scope",
            "scope-not-registered",
            format!("{grant}&scope=patient/Patient.rs+openid&{}", credentials()),
        ),
        (413, "invalid_request", "body-too-long", format!("{grant}&x={}", "x".repeat(16 * 1024))),
    ];
    for (status, error, reason, form) in rows {
        let answer = house.post("/oauth/token", &form).await;
        assert_eq!(answer.error(), (status, error.to_owned()), "{reason}");
        let (action, _, _, said) = house.last(TenantId::SYSTEM).await;
        assert_eq!((action.as_str(), said.as_deref()), ("LoginFailed", Some(reason)));
    }
    let form = format!("{grant}&scope=system/*.rs&{}", credentials());
    let post = |path: &str, media: &'static str| {
        TestRequest::with_uri(path)
            .method(Method::POST)
            .insert_header((header::CONTENT_TYPE, media))
            .set_payload(form.clone())
    };
    let form_type = "application/x-www-form-urlencoded";
    for (request, reason) in [
        (post("/oauth/token", "application/json"), "media-type"),
        (post("/oauth/token?scope=x", form_type), "parameters-in-address"),
        (post("/oauth/token", form_type).insert_header((header::AUTHORIZATION, "Basic eDp5")), "several-credentials"),
    ] {
        assert_eq!(house.send(request).await.error(), (400, "invalid_request".to_owned()), "{reason}");
        assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some(reason));
    }
    for path in ["/oauth/token", "/oauth/introspect", "/oauth/revoke"] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let answer = house.send(TestRequest::with_uri(path).method(method)).await;
            assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
        }
    }
    assert_eq!(house.post("/oauth/token", &form).await.status, StatusCode::OK, "none of this used the assertion up");
}

#[actix_web::test]
async fn nothing_is_issued_that_cannot_be_recorded() {
    let house = House::new().await;
    let form = format!("grant_type=client_credentials&scope=system/*.rs&{}", house.credentials(LAB));
    house.doubles.store.set_unavailable(true);
    let answer = house.post("/oauth/token", &form).await;
    assert_eq!(answer.error(), (503, "temporarily_unavailable".to_owned()));
    assert!(answer.json().get("access_token").is_none());
}

#[actix_web::test]
async fn no_credentials_are_looked_at_from_an_address_that_is_not_allowed() {
    let house = House::new().await;
    let header = header_with("kid", json!("e1"));
    let good = sign(&header, &house.claims(LAB), Signer::Ec);
    let mut forged = house.claims(LAB);
    forged["exp"] = json!(0);
    let rows = [
        format!("grant_type=client_credentials&scope=system/*.rs&{}", credentials(&good)),
        format!("grant_type=client_credentials&scope=system/*.rs&{}", credentials(&sign(&header, &forged, Signer::Ec))),
        format!("grant_type=authorization_code&code=x&client_id={}", crate::house::PUBLIC),
    ];
    house.let_in(&["10.0.0.0/8"]);
    let mut answers = Vec::new();
    for form in &rows {
        let answer = house.post("/oauth/token", form).await;
        assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("address-not-allowed"), "{form}");
        answers.push((answer.error(), answer.text));
    }
    assert_eq!(answers[0].0, (401, "invalid_client".to_owned()));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "one answer, whatever is shown");
    house.let_in(&["192.0.2.0/24"]);
    assert_eq!(house.post("/oauth/token", &rows[0]).await.status, StatusCode::OK, "it was not used up");
}

#[actix_web::test]
async fn a_gateway_whose_clock_is_ahead_clears_no_name_away_that_another_would_take_again() {
    let house = House::new().await;
    let form = format!("grant_type=client_credentials&scope=system/*.rs&{}", house.credentials(LAB));
    assert_eq!(house.post("/oauth/token", &form).await.status, StatusCode::OK);
    house.doubles.clock.advance(290);
    // Here the assertion is good for ten seconds more; there it has been over for nearly two minutes.
    let ahead = domain::ports::Clock::now(house.doubles.clock.as_ref()).plus_seconds(10 + 119);
    domain::ports::Tickets::sweep(house.tickets.as_ref(), ahead, 1_000).await.unwrap();
    assert_eq!(house.post("/oauth/token", &form).await.error().0, 401);
    assert_eq!(house.last(TenantId::SYSTEM).await.3.as_deref(), Some("replay"));
}
