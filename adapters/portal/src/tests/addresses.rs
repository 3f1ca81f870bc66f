//! From where somebody may come is asked first: before what they show is looked at, and before anything is written.

use super::house::{Browser, Got, House, PASSWORD};
use super::local::{alice, code, invitation, show_password};
use super::refused::{change, speak_saml};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

/// Where nobody may come from, once the list says so.
const OUTSIDE: [u8; 4] = [192, 0, 2, 7];
const INSIDE: [u8; 4] = [10, 0, 0, 7];

async fn inside_only(house: &House) {
    change(house, |settings| settings.addresses = vec!["10.0.0.0/8".to_owned()]).await;
}

/// What everybody is told: the page without its reference.
fn told(got: &Got) -> (StatusCode, String) {
    let set = got.headers.get_all("set-cookie").count();
    assert_eq!(set, 0, "nothing is begun");
    (got.status, got.body.split("class=\"code\">").next().unwrap().to_owned())
}

/// Checks that every refusal since `before` is for the address, and how many there are.
async fn refused_for_the_address(house: &House, before: usize, times: usize) {
    let entries = house.contexts("LoginFailed").await.split_off(before);
    assert_eq!(entries.len(), times, "each is recorded once");
    for entry in entries {
        assert_eq!(entry.reason.as_deref(), Some("address-not-allowed"));
        assert_eq!(entry.address.as_deref(), Some("192.0.2.7"));
    }
}

#[actix_web::test]
async fn no_password_and_no_code_is_looked_at_from_an_address_that_is_not_allowed() {
    let house = House::new().await;
    let key = alice(&house).await.key;
    house.doubles.clock.advance(60);
    let mut page = Browser::at(&house, OUTSIDE);
    page.get(&format!("/sign-in/{}", house.tenant)).await;
    inside_only(&house).await;
    let mut inside = Browser::at(&house, INSIDE);
    let step = show_password(&mut inside, &house, "alice", PASSWORD).await.location().to_owned();
    inside.get(&step).await;

    let before = house.contexts("LoginFailed").await.len();
    let mut pages = Vec::new();
    for (name, password) in [("alice", PASSWORD), ("alice", "wrong but long enough"), ("nobody", PASSWORD), ("", "")] {
        let fields = [("name", name), ("password", password)];
        pages.push(told(&page.clone().post(&format!("/sign-in/{}/password", house.tenant), &fields).await));
    }
    let mut outside = inside.moved(OUTSIDE);
    let right = code(&house, &key);
    for given in [right.as_str(), "000000"] {
        for step in ["code", "recovery", "key", "enrol", "enrol-key"] {
            pages.push(told(&outside.post(&format!("/sign-in/{}/{step}", house.tenant), &[("code", given)]).await));
        }
    }
    for step in ["", "/code", "/recovery", "/enrol"] {
        pages.push(told(&outside.get(&format!("/sign-in/{}{step}", house.tenant)).await));
    }
    assert_eq!(pages[0].0, StatusCode::FORBIDDEN);
    assert!(pages[0].1.contains("You cannot sign in from here"));
    assert!(pages.iter().all(|page| *page == pages[0]), "one answer, whatever is shown");
    refused_for_the_address(&house, before, pages.len()).await;
    assert_eq!(inside.post(&step, &[("code", &right)]).await.location(), "/", "the code was not used up");
}

#[actix_web::test]
async fn nothing_is_read_from_an_address_that_is_not_allowed() {
    let house = House::new().await;
    let mut ann = house.signed_in("ann", "doctors").await;
    inside_only(&house).await;
    let long = "x".repeat(2 * 1024 * 1024);
    for path in [format!("/sign-in/{}/password", house.tenant), "/account/password".to_owned()] {
        for request in [
            TestRequest::post().uri(&path).insert_header(("content-type", "text/plain")).set_payload("x"),
            TestRequest::post().uri(&path).set_form([("name", long.as_str())]),
        ] {
            assert_eq!(ann.send(request).await.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
}

#[actix_web::test]
async fn an_invitation_stays_untaken_from_an_address_that_is_not_allowed() {
    let house = House::new().await;
    inside_only(&house).await;
    let path = invitation(&house).await;
    let mut inside = Browser::at(&house, INSIDE);
    inside.get(&path).await;
    let fields = [("password", PASSWORD), ("again", PASSWORD)];
    let mut outside = inside.moved(OUTSIDE);
    let pages = [told(&outside.get(&path).await), told(&outside.post(&path, &fields).await)];
    assert_eq!((pages[0].0, &pages[0]), (StatusCode::FORBIDDEN, &pages[1]));
    refused_for_the_address(&house, 0, 2).await;
    assert!(house.door.administration.stored_account(house.account).await.unwrap().password.is_none());
    assert_eq!(inside.post(&path, &fields).await.location(), format!("/sign-in/{}/enrol", house.tenant));
}

#[actix_web::test]
async fn no_provider_is_asked_about_an_address_that_is_not_allowed() {
    let house = House::new().await;
    let start = format!("/sign-in/{}/with/{}", house.tenant, house.connection);
    let mut browser = Browser::at(&house, INSIDE);
    for own in [false, true] {
        house.change_oidc(|settings| settings.own_redirect = own).await;
        inside_only(&house).await;
        let before = house.contexts("LoginFailed").await.len();
        let away = browser.get(&start).await;
        let state = away.location().rsplit('=').next().unwrap().to_owned();
        let back = if own { format!("/auth/oidc/callback/{}", house.connection) } else { "/auth/oidc/callback".into() };
        let begun = house.says.asked_fresh.lock().unwrap().len();
        let mut outside = browser.moved(OUTSIDE);
        let pages =
            [told(&outside.get(&start).await), told(&outside.get(&format!("{back}?code=c&state={state}")).await)];
        assert_eq!((pages[0].0, &pages[0]), (StatusCode::FORBIDDEN, &pages[1]), "{own}");
        assert_eq!((house.says.asked_fresh.lock().unwrap().len(), house.says.asked()), (begun, 0), "{own}");
        refused_for_the_address(&house, before, 2).await;
    }
    speak_saml(&house, true).await;
    let request = TestRequest::post().uri(&format!("/auth/saml/{}/acs", house.connection));
    let got = Browser::at(&house, OUTSIDE).send(request.set_form([("SAMLResponse", "x")])).await;
    assert_eq!((got.status, house.says.asked()), (StatusCode::FORBIDDEN, 0));
}
