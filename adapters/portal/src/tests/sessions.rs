//! Sessions: their cookie, their end, and the way back.

use super::house::{Browser, House};
use actix_web::http::{StatusCode, header};

const SESSION: &str = "__Host-sealgate";

#[actix_web::test]
async fn the_cookies_of_a_sign_in_are_held_to_this_host() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let page = browser.get(&format!("/sign-in/{}", house.tenant)).await;
    let set = page.header("set-cookie");
    assert!(
        set.starts_with("__Host-sealgate-sign-in=")
            && set.ends_with("; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=600")
    );
    let got = browser.sign_in("ann", "doctors", "").await;
    let sets: Vec<_> = got.headers.get_all(header::SET_COOKIE).map(|value| value.to_str().unwrap()).collect();
    assert_eq!(sets.len(), 3);
    assert!(sets[0].starts_with("__Host-sealgate=") && sets[0].ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
    assert!(sets[1].starts_with("__Host-sealgate-sign-in=;"), "the sign-in is over");
    assert!(sets[2].starts_with("__Host-sealgate-sign-in-") && sets[2].ends_with("; SameSite=None; Max-Age=0"));
    assert!(!sets.iter().any(|set| set.contains("Domain")));
}

#[actix_web::test]
async fn whoever_signs_in_again_comes_back_to_the_same_place() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "final", "5.10").await;
    let mut browser = Browser::new(&house);
    let asked = browser.get(&format!("/reports/{report}")).await;
    assert_eq!(asked.location(), format!("/sign-in?return=%2Freports%2F{report}"));
    let offered = browser.get(asked.location()).await;
    let to = offered.location().to_owned();
    assert!(
        to.starts_with(&format!("/sign-in/{}?return=", house.tenant)),
        "one organization has ways to sign in: {to}"
    );
    let query = to.split_once('?').unwrap().1.to_owned();
    let back = browser.sign_in("ann", "doctors", &format!("?{query}")).await;
    assert_eq!(back.location(), format!("/reports/{report}"));
}

#[actix_web::test]
async fn nobody_is_sent_elsewhere_after_signing_in() {
    let house = House::new().await;
    for place in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/sign-out",
        "javascript:1",
        "/%2f%2fevil.example",
    ] {
        let mut browser = Browser::new(&house);
        let encoded = form::encode(place);
        let got = browser.sign_in("ann", "doctors", &format!("?return={encoded}")).await;
        assert_eq!(got.location(), "/", "{place}");
    }
}

#[actix_web::test]
async fn a_page_turns_to_a_warning_a_minute_before_the_session_ends_and_the_warning_prolongs_nothing() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let page = browser.get("/patients").await;
    assert!(page.body.contains(r#"<meta http-equiv="refresh" content="840; url=/session-ending?return=%2Fpatients">"#));
    house.doubles.clock.advance(840);
    let warning = browser.get("/session-ending?return=%2Fpatients").await;
    assert!(warning.body.contains(r#"content="60; url=/session-ended?return=%2Fpatients""#));
    assert!(warning.body.contains(r#"href="/patients""#));
    house.doubles.clock.advance(60);
    browser.get("/session-ended?return=%2Fpatients").await;
    assert!(browser.get("/patients").await.location().starts_with("/sign-in"), "it ended in spite of the pages");
}

#[actix_web::test]
async fn signing_out_ends_the_session_at_the_server_and_goes_on_to_the_provider() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    browser.get("/account").await;
    let stolen = browser.cookie(SESSION).unwrap().to_owned();
    let out = browser.post("/sign-out", &[]).await;
    assert_eq!(out.status, StatusCode::OK);
    assert!(out.body.contains("url=https://idp.example/logout?hint=proof&#38;x=&#60;&#62;"), "escaped: {}", out.body);
    assert_eq!(out.header("clear-site-data"), "\"cache\"");
    assert!(browser.cookie(SESSION).is_none());
    browser.set_cookie(SESSION, &stolen);
    assert!(browser.get("/account").await.location().starts_with("/sign-in"));
}

#[actix_web::test]
async fn a_person_ends_their_other_sessions_and_nobody_elses() {
    let house = House::new().await;
    let (mut here, mut there) = (house.signed_in("ann", "doctors").await, house.signed_in("ann", "doctors").await);
    let mut other = house.signed_in("ben", "doctors").await;
    let page = here.get("/account").await;
    assert_eq!(page.body.matches("/account/sessions/end\"").count(), 1);
    let id = page.body.split_once("name=\"session\" value=\"").unwrap().1.split_once('"').unwrap().0.to_owned();
    other.get("/account").await;
    other.post("/account/sessions/end", &[("session", &id)]).await;
    assert_eq!(there.get("/account").await.status, StatusCode::OK, "it is not ben's to end");
    assert_eq!(here.post("/account/sessions/end-others", &[]).await.location(), "/account?done=others");
    assert!(there.get("/account").await.location().starts_with("/sign-in"));
    assert_eq!(
        (here.get("/account").await.status, other.get("/account").await.status),
        (StatusCode::OK, StatusCode::OK)
    );
}

#[actix_web::test]
async fn a_session_used_from_an_address_that_is_not_allowed_opens_nothing() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let mut browser = house.signed_in("ann", "doctors").await;
    assert_eq!(browser.get(&format!("/patients/{patient}")).await.status, StatusCode::OK);
    let operator = domain::access::Subject::console(
        "root",
        domain::id::TenantId::SYSTEM,
        domain::access::Roles::of(&[domain::access::Role::SystemOperator]),
    );
    let actor = domain::journal::Actor::new(&operator, "console", domain::id::CorrelationId([9; 16]));
    let context = domain::access::Context::console(domain::ports::Clock::now(house.doubles.clock.as_ref()));
    let by = domain::administration::By { actor, context };
    let change = |settings: &mut domain::directory::TenantSettings| settings.addresses = vec!["10.0.0.0/8".to_owned()];
    house.doubles.administration().change_settings(&by, house.tenant, change).await.unwrap();
    house.reload().await;
    let got = browser.get(&format!("/patients/{patient}")).await;
    assert!(matches!(got.status, StatusCode::NOT_FOUND | StatusCode::FORBIDDEN), "{}", got.status);
    assert!(!got.body.contains("Quillfeather"));
}
