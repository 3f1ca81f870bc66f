//! Accounts kept here: invitation, password, second factor, recovery.

use super::house::{Browser, House, PASSWORD};
use actix_web::http::StatusCode;
use domain::administration::Reset;
use domain::ports::Clock;
use sso::local::InvitationPurpose;

/// A person with an account who took up their invitation.
pub(super) struct Alice<'a> {
    pub(super) browser: Browser<'a>,
    /// The secret in their app.
    pub(super) key: String,
    pub(super) codes: Vec<String>,
}

pub(super) async fn invitation(house: &House) -> String {
    let now = house.doubles.clock.now();
    let directory = house.door.administration.load_directory().await.unwrap();
    let account = directory.account(house.account).unwrap();
    let secret = house.door.accounts.invitations.send(account, InvitationPurpose::Password, now).await.unwrap();
    format!("/invitation/{}", secret.expose())
}

pub(super) async fn alice(house: &House) -> Alice<'_> {
    let mut browser = Browser::new(house);
    let path = invitation(house).await;
    let page = browser.get(&path).await;
    assert!(page.body.contains("Choose your password"), "{}", page.body);
    let set = browser.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(set.location(), format!("/sign-in/{}/enrol", house.tenant), "{}", set.body);
    let enrol = browser.get(set.location()).await;
    let key = between(&enrol.body, "translate=\"no\">", "<").replace(' ', "");
    assert!(enrol.body.contains("<svg") && key.len() == 32, "{}", enrol.body);
    let done = browser.post(&format!("/sign-in/{}/enrol", house.tenant), &[("code", &code(house, &key))]).await;
    assert!(done.body.contains("Keep your recovery codes"), "{}", done.body);
    let codes = done.body.split("<li>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    house.reload().await;
    Alice { browser, key, codes }
}

pub(super) fn code(house: &House, key: &str) -> String {
    let secret = totp_rs::Secret::try_from_base32(key).unwrap();
    let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
    totp.generate(house.doubles.clock.now().millis() / 1_000).to_string()
}

pub(super) fn between(text: &str, before: &str, after: &str) -> String {
    text.split_once(before).and_then(|(_, rest)| rest.split_once(after)).map(|(found, _)| found.to_owned()).unwrap()
}

/// Opens the sign-in page and sends name and password.
pub(super) async fn show_password(
    browser: &mut Browser<'_>,
    house: &House,
    name: &str,
    password: &str,
) -> super::house::Got {
    browser.get(&format!("/sign-in/{}", house.tenant)).await;
    browser.post(&format!("/sign-in/{}/password", house.tenant), &[("name", name), ("password", password)]).await
}

#[actix_web::test]
async fn an_invitation_leads_to_a_password_an_app_recovery_codes_and_a_session() {
    let house = House::new().await;
    let mut alice = alice(&house).await;
    assert_eq!(alice.codes.len(), 10);
    let account = alice.browser.get("/account").await;
    assert!(account.body.contains("Alice Smith") && account.body.contains("an account kept here"));
    assert!(
        alice.browser.cookie("__Host-sealgate-browser").is_some()
            && alice.browser.cookie("__Host-sealgate-sign-in").is_none()
    );
}

#[actix_web::test]
async fn an_invitation_is_taken_up_once() {
    let house = House::new().await;
    let path = invitation(&house).await;
    let mut browser = Browser::new(&house);
    browser.get(&path).await;
    for (fields, link) in [
        (&[("password", "short"), ("again", "short")], "#password"),
        (&[("password", PASSWORD), ("again", "another one altogether")], "#again"),
    ] {
        assert!(browser.post(&path, fields).await.body.contains(&format!("href=\"{link}\"")));
    }
    assert_eq!(browser.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await.status, StatusCode::SEE_OTHER);
    assert_eq!(Browser::new(&house).get(&path).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(Browser::new(&house).get("/invitation/nonsense").await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn an_invitation_of_before_a_reset_is_void_although_nobody_took_it_back() {
    let house = House::new().await;
    let path = invitation(&house).await;
    let mut browser = Browser::new(&house);
    assert_eq!(browser.get(&path).await.status, StatusCode::OK);
    house.reset(Reset::PasswordAndFactor).await;
    let late = browser.post(&path, &[("password", PASSWORD), ("again", PASSWORD)]).await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert_eq!(Browser::new(&house).get(&path).await.status, StatusCode::UNAUTHORIZED);
    assert!(house.door.administration.stored_account(house.account).await.unwrap().password.is_none());
}

#[actix_web::test]
async fn a_password_and_a_code_sign_in_and_the_code_counts_once() {
    let house = House::new().await;
    let key = alice(&house).await.key;
    house.doubles.clock.advance(60);
    let mut browser = Browser::new(&house);
    let shown = show_password(&mut browser, &house, "Alice", PASSWORD).await;
    assert_eq!(shown.location(), format!("/sign-in/{}/code", house.tenant), "{}", shown.body);
    assert!(browser.cookie("__Host-sealgate").is_none(), "a password alone is no session");
    browser.get(shown.location()).await;
    let wrong = browser.post(shown.location(), &[("code", "000000")]).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    let now = code(&house, &key);
    let spaced = format!("{} {}", now.get(..3).unwrap(), now.get(3..).unwrap());
    assert_eq!(browser.post(shown.location(), &[("code", &spaced)]).await.location(), "/");
    let mut second = Browser::new(&house);
    let shown = show_password(&mut second, &house, "alice", PASSWORD).await;
    second.get(shown.location()).await;
    assert_eq!(second.post(shown.location(), &[("code", &now)]).await.status, StatusCode::UNAUTHORIZED, "used");
}

#[actix_web::test]
async fn a_recovery_code_stands_in_once() {
    let house = House::new().await;
    let codes = alice(&house).await.codes;
    for (at, expected) in [(0, StatusCode::SEE_OTHER), (0, StatusCode::UNAUTHORIZED), (1, StatusCode::SEE_OTHER)] {
        let mut browser = Browser::new(&house);
        show_password(&mut browser, &house, "alice", PASSWORD).await;
        let path = format!("/sign-in/{}/recovery", house.tenant);
        browser.get(&path).await;
        assert_eq!(browser.post(&path, &[("code", &codes[at].to_lowercase())]).await.status, expected, "{at}");
        house.reload().await;
    }
}

#[actix_web::test]
async fn a_wrong_password_and_a_name_that_is_nobodys_get_the_same_page() {
    let house = House::new().await;
    alice(&house).await;
    let blank = |text: String| {
        let mut parts: Vec<String> = text.split("value=\"").map(str::to_owned).collect();
        parts.iter_mut().skip(1).for_each(|part| *part = part.split_once('"').unwrap().1.to_owned());
        parts.concat().split("class=\"code\">").next().unwrap().to_owned()
    };
    let mut pages = Vec::new();
    for name in ["alice", "nobody"] {
        let mut browser = Browser::new(&house);
        let got = show_password(&mut browser, &house, name, "wrong but long enough").await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED);
        pages.push(blank(got.body));
    }
    assert_eq!(pages[0], pages[1]);
    let failed = house.entries().await.into_iter().filter(|(action, _)| action == "LoginFailed").count();
    assert_eq!(failed, 2);
}

#[actix_web::test]
async fn whoever_guesses_has_to_wait() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    for _ in 0..20 {
        let got = show_password(&mut browser, &house, "alice", "wrong but long enough").await;
        if got.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(got.header("retry-after").parse::<u32>().unwrap() >= 1);
            return;
        }
    }
    panic!("nobody had to wait");
}

#[actix_web::test]
async fn the_steps_of_a_sign_in_cannot_be_entered_from_the_side() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let to = browser.get(&format!("/sign-in/{}/code", house.tenant)).await;
    assert_eq!(to.location(), format!("/sign-in/{}", house.tenant));
    browser.get(&format!("/sign-in/{}", house.tenant)).await;
    for step in ["code", "recovery", "enrol"] {
        let got = browser.post(&format!("/sign-in/{}/{step}", house.tenant), &[("code", "000000")]).await;
        assert_eq!(got.status, StatusCode::UNAUTHORIZED, "{step}");
    }
    assert_eq!(browser.get(&format!("/sign-in/{}/enrol", house.tenant)).await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn an_old_password_enrols_nothing_after_a_reset_that_the_directory_has_not_seen() {
    let house = House::new().await;
    alice(&house).await;
    house.doubles.clock.advance(60);
    house.reset(Reset::PasswordAndFactor).await;
    house.doubles.clock.advance(1);
    let mut browser = Browser::new(&house);
    let shown = show_password(&mut browser, &house, "alice", PASSWORD).await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER, "the directory is of before");
    let enrol = format!("/sign-in/{}/enrol", house.tenant);
    assert_eq!(browser.get(&enrol).await.status, StatusCode::UNAUTHORIZED);
    house.reload().await;
    assert_eq!(browser.get(&enrol).await.status, StatusCode::UNAUTHORIZED, "nor once it is seen");
}

#[actix_web::test]
async fn a_code_after_an_old_password_is_refused_although_the_directory_has_seen_no_reset() {
    let house = House::new().await;
    let key = alice(&house).await.key;
    house.doubles.clock.advance(60);
    house.reset(Reset::Password).await;
    house.doubles.clock.advance(1);
    let mut browser = Browser::new(&house);
    let shown = show_password(&mut browser, &house, "alice", PASSWORD).await;
    browser.get(shown.location()).await;
    let got = browser.post(shown.location(), &[("code", &code(&house, &key))]).await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert!(browser.cookie("__Host-sealgate").is_none());
    let begun = house.entries().await.into_iter().filter(|(action, _)| action == "LoginSucceeded").count();
    assert_eq!(begun, 1, "no session began, not even for a moment");
}
