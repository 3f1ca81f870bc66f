//! What is refused before anybody knows who it is leaves an entry, in the chain of whom it concerns.

use super::house::{Browser, Got, House, ORIGIN, PASSWORD};
use super::local::{alice, code, show_password};
use crate::doors::Outcome;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::access::{Context, Factor};
use domain::administration::{By, Reset};
use domain::directory::{Connection, Protocol, SamlSettings, SecondFactor, TenantSettings};
use domain::id::{CorrelationId, TenantId};
use domain::identity::Assertion;
use domain::journal::Actor;
use domain::ports::Clock;
use domain::time::Timestamp;
use std::sync::atomic::Ordering;

pub(super) async fn change(house: &House, change: impl FnOnce(&mut TenantSettings) + Send) {
    let operator = house.operator();
    let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
    let by = By { actor, context: Context::console(house.doubles.clock.now()) };
    house.doubles.administration().change_settings(&by, house.tenant, change).await.unwrap();
    house.reload().await;
}

async fn notice(house: &House, text: &str) -> Got {
    let request = TestRequest::post()
        .uri(&format!("/auth/oidc/backchannel/{}", house.connection))
        .insert_header(("sec-fetch-site", "cross-site"))
        .set_form([("logout_token", text)]);
    Browser::new(house).send(request).await
}

#[actix_web::test]
async fn an_answer_with_a_state_that_nobody_waits_for_is_recorded_for_the_system() {
    let house = House::new().await;
    let before = house.refusals_in(TenantId::SYSTEM).await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}", house.tenant)).await;
    assert_eq!(browser.get("/auth/oidc/callback?code=c&state=made-up").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refusals_in(TenantId::SYSTEM).await, before.saturating_add(1));
}

#[actix_web::test]
async fn a_forged_form_is_recorded_in_the_chain_of_its_tenant() {
    let house = House::new().await;
    let forged = |path: String| {
        let request = TestRequest::post().uri(&path).insert_header(("origin", "https://evil.example"));
        request.set_form([("name", "alice"), ("password", "x")])
    };
    let mut browser = Browser::new(&house);
    let got = browser.send(forged(format!("/sign-in/{}/password", house.tenant))).await;
    assert_eq!((got.status, house.refusals_in(house.tenant).await), (StatusCode::FORBIDDEN, 1));
    let mut ann = house.signed_in("ann", "doctors").await;
    assert_eq!(ann.send(forged("/sign-out".to_owned())).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.refusals_in(house.tenant).await, 2);
    let before = house.refusals_in(TenantId::SYSTEM).await;
    let request = TestRequest::post().uri("/sign-in").insert_header(("origin", ORIGIN)).set_form([("csrf", "guess")]);
    assert_eq!(browser.send(request).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.refusals_in(TenantId::SYSTEM).await, before.saturating_add(1));
}

#[actix_web::test]
async fn an_invitation_that_is_wrong_is_recorded() {
    let house = House::new().await;
    let before = house.refusals_in(TenantId::SYSTEM).await;
    assert_eq!(Browser::new(&house).get("/invitation/nonsense").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refusals_in(TenantId::SYSTEM).await, before.saturating_add(1));
}

#[actix_web::test]
async fn a_password_alone_that_would_enrol_once_more_is_recorded() {
    let house = House::new().await;
    alice(&house).await;
    let mut thief = Browser::new(&house);
    show_password(&mut thief, &house, "alice", PASSWORD).await;
    let before = house.refusals_in(house.tenant).await;
    let got = thief.get(&format!("/sign-in/{}/enrol", house.tenant)).await;
    assert_eq!(
        (got.status, house.refusals_in(house.tenant).await),
        (StatusCode::UNAUTHORIZED, before.saturating_add(1))
    );
}

#[actix_web::test]
async fn no_page_of_a_session_opens_from_an_address_that_is_not_allowed() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    browser.get("/account").await;
    change(&house, |settings| settings.addresses = vec!["10.0.0.0/8".to_owned()]).await;
    for path in ["/account", "/patients", "/break-glass", "/step-up"] {
        assert_eq!(browser.get(path).await.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert_eq!(browser.post("/account/sessions/end-others", &[]).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.refusals_in(house.tenant).await, 5);
    assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::OK, "it can be ended from anywhere");
}

#[actix_web::test]
async fn who_was_reset_a_moment_ago_does_not_sign_in_by_what_they_showed_before() {
    let house = House::new().await;
    let key = alice(&house).await.key;
    house.doubles.clock.advance(60);
    let mut browser = Browser::new(&house);
    let shown = show_password(&mut browser, &house, "alice", PASSWORD).await;
    browser.get(shown.location()).await;
    let operator = house.operator();
    let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
    let by = By { actor, context: Context::console(house.doubles.clock.now()) };
    house.doubles.administration().reset_account(&by, house.account, Reset::Password).await.unwrap();
    // The directory in hand does not know it yet.
    house.doubles.clock.advance(1);
    let got = browser.post(shown.location(), &[("code", &code(&house, &key))]).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert!(browser.cookie("__Host-sealgate").is_none());
    house.reload().await;
    let session = house.door.administration.load_directory().await.unwrap();
    let person = session.account(house.account).unwrap().to_assertion(Factor::Shown, Timestamp(0));
    let naming = &domain::ports::KeyVault::secrets(house.doubles.vault.as_ref(), house.tenant).naming;
    let left = house.service.sign_in.sessions_of(person.person(naming)).await.unwrap();
    assert_eq!(left.len(), 1, "that of before the reset, which does not resume; none of after");
}

#[actix_web::test]
async fn who_is_not_named_as_the_assertion_does_is_signed_out_by_the_providers_name() {
    let house = House::new().await;
    let mut ann = house.signed_in("ann", "doctors").await;
    let mut ben = house.signed_in("ben", "doctors").await;
    for (text, outcome) in [
        ("name:nobody", Outcome::UnknownPerson),
        ("name:name of ann/another-index", Outcome::Ended),
        ("name:name of ann/sid-1", Outcome::Ended),
        ("name:name of ann", Outcome::Ended),
    ] {
        let going = ann.get("/account").await.status == StatusCode::OK;
        assert_eq!(going, text != "name:name of ann", "{text}");
        assert_eq!(notice(&house, text).await.status, StatusCode::OK);
        assert_eq!(house.says.outcomes.lock().unwrap().pop(), Some(outcome), "{text}");
    }
    assert_eq!(ben.get("/account").await.status, StatusCode::OK, "who has the same index at the provider stays");
}

#[actix_web::test]
async fn a_session_ends_here_although_the_provider_does_not_answer() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    browser.get("/account").await;
    house.says.unreachable.store(true, Ordering::Relaxed);
    let kept = browser.cookie("__Host-sealgate").unwrap().to_owned();
    assert_eq!(browser.post("/sign-out", &[]).await.location(), "/signed-out");
    browser.set_cookie("__Host-sealgate", &kept);
    assert!(browser.get("/account").await.location().starts_with("/sign-in"));
}

/// Signs somebody in whose assertion is changed.
async fn signed_in_as<'a>(house: &'a House, bend: impl FnOnce(&mut Assertion)) -> Browser<'a> {
    let mut browser = Browser::new(house);
    let away = browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    let state = away.location().rsplit('=').next().unwrap().to_owned();
    let mut assertion = house.assertion("vic", "visiting");
    bend(&mut assertion);
    *house.says.next.lock().unwrap() = Some(Ok(assertion));
    let got = browser.get(&format!("/auth/oidc/callback?code=c&state={state}")).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", got.body);
    browser
}

#[actix_web::test]
async fn glass_is_not_broken_without_a_second_factor_though_the_tenant_asks_for_none() {
    let house = House::new().await;
    let patient = house.store_patient(1, "Quillfeather").await;
    let report = house.store_report(patient, 1, "final", "9.80").await;
    change(&house, |settings| settings.second_factor = SecondFactor::RelaxedForStaff).await;
    let mut browser = signed_in_as(&house, |assertion| assertion.factor = Factor::Missing).await;
    browser.get("/account").await;
    let fields =
        [("identifier", "M1"), ("born", "1970-01-31"), ("reason", "ETREAT"), ("words", "in the emergency room")];
    let got = browser.post("/break-glass", &fields).await;
    assert!(
        got.status == StatusCode::FORBIDDEN || got.location().starts_with("/step-up"),
        "{} {}",
        got.status,
        got.body
    );
    assert_eq!(browser.get(&format!("/reports/{report}")).await.status, StatusCode::NOT_FOUND);
    let broken = house.entries().await.contains(&("BreakGlassActivated".to_owned(), "success".to_owned()));
    assert!(!broken);
}

#[actix_web::test]
async fn who_was_let_in_silently_proves_it_once_more_before_the_glass_breaks() {
    let house = House::new().await;
    let mut browser = signed_in_as(&house, |assertion| assertion.authenticated = Timestamp(0)).await;
    assert_eq!(browser.get("/break-glass").await.location(), "/step-up?return=%2Fbreak-glass");
}

/// Makes the connection one of SAML.
pub(super) async fn speak_saml(house: &House, allow_unsolicited: bool) {
    let operator = house.operator();
    let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
    let by = By { actor, context: Context::console(house.doubles.clock.now()) };
    let settings = SamlSettings::new("<EntityDescriptor/>".to_owned(), "https://idp.example".to_owned());
    let protocol = Protocol::Saml(SamlSettings { allow_unsolicited, ..settings });
    let change = |connection: &mut Connection| connection.protocol = protocol;
    house.doubles.administration().change_connection(&by, house.connection, change).await.unwrap();
    house.reload().await;
}

async fn post_response(house: &House, fields: &[(&str, &str)]) -> StatusCode {
    let request = TestRequest::post().uri(&format!("/auth/saml/{}/acs", house.connection)).set_form(fields);
    Browser::new(house).send(request).await.status
}

#[actix_web::test]
async fn a_relay_that_nobody_waits_for_is_recorded_and_a_flood_of_responses_costs_no_process() {
    let house = House::new().await;
    speak_saml(&house, false).await;
    let answer = [("SAMLResponse", "x"), ("RelayState", "made-up")];
    assert_eq!(post_response(&house, &answer).await, StatusCode::UNAUTHORIZED);
    assert_eq!(house.refusals_in(house.tenant).await, 1);
    for _ in 1..300 {
        post_response(&house, &answer).await;
    }
    speak_saml(&house, true).await;
    // The provider's part, which would start a process, fails the test when it is asked for what nobody kept.
    assert_eq!(post_response(&house, &[("SAMLResponse", "x")]).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(post_response(&house, &answer).await, StatusCode::TOO_MANY_REQUESTS);
}
