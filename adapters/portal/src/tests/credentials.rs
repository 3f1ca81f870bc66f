//! Changing password, authenticator app and recovery codes while one is signed in.

use super::house::{Browser, House, PASSWORD};
use super::local::{Alice, alice, between, code, show_password};
use actix_web::http::StatusCode;
use domain::administration::Reset;
use domain::id::TenantId;
use domain::ports::Store;
use domain::write::StoredRecord;

const OTHER: &str = "seven wooden boats in the fog";

/// A second browser in which the same person is signed in.
async fn elsewhere<'a>(house: &'a House, key: &str) -> Browser<'a> {
    house.doubles.clock.advance(60);
    let mut browser = Browser::new(house);
    let shown = show_password(&mut browser, house, "alice", PASSWORD).await;
    browser.get(shown.location()).await;
    assert_eq!(browser.post(shown.location(), &[("code", &code(house, key))]).await.location(), "/");
    browser
}

async fn is_signed_in(browser: &mut Browser<'_>) -> bool {
    browser.get("/account").await.status == StatusCode::OK
}

#[actix_web::test]
async fn a_new_password_is_set_by_the_old_one_and_ends_the_other_sessions() {
    let house = House::new().await;
    let Alice { mut browser, key, .. } = alice(&house).await;
    let mut other = elsewhere(&house, &key).await;
    let before = browser.cookie("__Host-sealgate").unwrap().to_owned();
    assert!(browser.get("/account").await.body.contains("href=\"/account/password\""));
    browser.get("/account/password").await;
    for (fields, link) in [
        ([("old", "wrong but long enough"), ("password", OTHER), ("again", OTHER)], "#old"),
        ([("old", PASSWORD), ("password", "short"), ("again", "short")], "#password"),
        ([("old", PASSWORD), ("password", OTHER), ("again", "another")], "#again"),
        ([("old", ""), ("password", OTHER), ("again", OTHER)], "#old"),
    ] {
        let got = browser.post("/account/password", &fields).await;
        assert!(got.body.contains(&format!("href=\"{link}\"")), "{link}: {}", got.body);
    }
    let done = browser.post("/account/password", &[("old", PASSWORD), ("password", OTHER), ("again", OTHER)]).await;
    assert_eq!(done.location(), "/account?done=password", "{}", done.body);
    house.reload().await;
    assert_ne!(browser.cookie("__Host-sealgate"), Some(before.as_str()), "another secret");
    assert!(browser.get("/account?done=password").await.body.contains("Your password has been changed"));
    assert!(!is_signed_in(&mut other).await);
    house.doubles.clock.advance(60);
    let mut again = Browser::new(&house);
    assert_eq!(show_password(&mut again, &house, "alice", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(show_password(&mut again, &house, "alice", OTHER).await.status, StatusCode::SEE_OTHER);
    let entries = house.entries().await;
    for (action, outcome) in [("PasswordChanged", "denied"), ("PasswordChanged", "success"), ("update", "success")] {
        assert!(entries.contains(&(action.to_owned(), outcome.to_owned())), "{action} {outcome}");
    }
}

#[actix_web::test]
async fn the_pages_of_an_account_open_that_account_alone() {
    let house = House::new().await;
    let Alice { mut browser, .. } = alice(&house).await;
    let (store, tenant) = (&house.doubles.store, TenantId::SYSTEM);
    let connection = store.load(tenant, &[house.connection]).await.unwrap().remove(0);
    store.tamper(StoredRecord { sealed: vec![0; 64], ..connection });
    assert!(house.doubles.administration().load_directory().await.is_err());
    assert_eq!(browser.get("/account/password").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn another_app_takes_the_place_of_the_first_one() {
    let house = House::new().await;
    let Alice { mut browser, key, codes } = alice(&house).await;
    let mut other = elsewhere(&house, &key).await;
    let page = browser.get("/account/authenticator").await;
    let new = between(&page.body, "translate=\"no\">", "<").replace(' ', "");
    assert!(new.len() == 32 && new != key, "{}", page.body);
    let again = browser.get("/account/authenticator").await;
    assert!(again.body.contains(&page.body[page.body.find("translate=\"no\">").unwrap()..][..40]), "the same key");
    let wrong = browser.post("/account/authenticator", &[("code", &code(&house, &key))]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "a code of the old app");
    house.doubles.clock.advance(30);
    let done = browser.post("/account/authenticator", &[("code", &code(&house, &new))]).await;
    assert!(done.body.contains("Keep your recovery codes") && !done.body.contains(&codes[0]), "{}", done.body);
    house.reload().await;
    assert!(is_signed_in(&mut browser).await && !is_signed_in(&mut other).await);
    house.doubles.clock.advance(60);
    let mut fresh = Browser::new(&house);
    let shown = show_password(&mut fresh, &house, "alice", PASSWORD).await;
    fresh.get(shown.location()).await;
    assert_eq!(fresh.post(shown.location(), &[("code", &code(&house, &key))]).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(fresh.post(shown.location(), &[("code", &code(&house, &new))]).await.location(), "/");
    assert!(house.entries().await.contains(&("SecondFactorReplaced".to_owned(), "success".to_owned())));
}

#[actix_web::test]
async fn new_recovery_codes_void_the_old_ones() {
    let house = House::new().await;
    let Alice { mut browser, codes, .. } = alice(&house).await;
    assert!(browser.get("/account/recovery-codes").await.body.contains("You have 10 left"));
    let drawn = browser.post("/account/recovery-codes", &[]).await;
    let new = between(&drawn.body, "translate=\"no\"><li>", "<");
    assert!(drawn.body.contains("Keep your recovery codes") && !codes.contains(&new), "{}", drawn.body);
    house.reload().await;
    assert!(is_signed_in(&mut browser).await);
    house.doubles.clock.advance(60);
    for (code, expected) in [(&codes[0], StatusCode::UNAUTHORIZED), (&new, StatusCode::SEE_OTHER)] {
        let mut fresh = Browser::new(&house);
        show_password(&mut fresh, &house, "alice", PASSWORD).await;
        let path = format!("/sign-in/{}/recovery", house.tenant);
        fresh.get(&path).await;
        assert_eq!(fresh.post(&path, &[("code", code)]).await.status, expected);
    }
    assert!(house.entries().await.contains(&("RecoveryCodesDrawn".to_owned(), "success".to_owned())));
}

#[actix_web::test]
async fn app_and_codes_ask_for_a_step_up_and_providers_people_have_neither() {
    let house = House::new().await;
    let Alice { mut browser, .. } = alice(&house).await;
    house.doubles.clock.advance(301);
    for path in ["/account/authenticator", "/account/recovery-codes"] {
        let to = browser.get(path).await;
        assert_eq!(to.location(), format!("/step-up?return={}", path.replace('/', "%2F")), "{path}");
    }
    browser.get("/account").await;
    house.doubles.clock.advance(300);
    browser.get("/account").await;
    let late = browser.post("/account/recovery-codes", &[]).await;
    assert_eq!(late.location(), "/step-up?return=%2Faccount%2Frecovery-codes");
    let mut bob = house.signed_in("bob", "doctors").await;
    assert!(!bob.get("/account").await.body.contains("/account/password"));
    for path in ["/account/password", "/account/authenticator", "/account/recovery-codes"] {
        assert_eq!(bob.get(path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[actix_web::test]
async fn a_session_of_before_a_reset_changes_nothing_although_the_directory_has_not_seen_it() {
    let house = House::new().await;
    let Alice { mut browser, .. } = alice(&house).await;
    browser.get("/account").await;
    house.reset(Reset::Password).await;
    let before = house.door.administration.stored_account(house.account).await.unwrap();
    for (path, fields) in [
        ("/account/recovery-codes", vec![]),
        ("/account/authenticator", vec![("code", "000000")]),
        ("/account/keys", vec![("name", "Blue"), ("answer", "{}")]),
        ("/account/password", vec![("old", PASSWORD), ("password", OTHER), ("again", OTHER)]),
    ] {
        let got = browser.post(path, &fields).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{path}: {}", got.body);
    }
    for path in ["/account/recovery-codes", "/account/authenticator", "/account/keys", "/account/password"] {
        assert_eq!(browser.get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let after = house.door.administration.stored_account(house.account).await.unwrap();
    assert!(after == before);
}
