//! Floods of what is refused or left: told to wait, counted, and never a row or an entry each.

use super::house::{Browser, Got, House};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

async fn notice(provider: &mut Browser<'_>, house: &House, token: &str) -> Got {
    let request = TestRequest::post()
        .uri(&format!("/auth/oidc/backchannel/{}", house.connection))
        .insert_header(("sec-fetch-site", "cross-site"))
        .set_form([("logout_token", token)]);
    provider.send(request).await
}

async fn refused(house: &House) -> usize {
    house.entries().await.into_iter().filter(|(action, _)| action == "LoginFailed").count()
}

#[actix_web::test]
async fn refusals_beyond_the_limit_are_told_to_wait_and_become_one_entry() {
    let house = House::new().await;
    let mut provider = Browser::new(&house);
    for _ in 0..300 {
        assert_eq!(notice(&mut provider, &house, "bad").await.status, StatusCode::BAD_REQUEST);
    }
    for _ in 0..50 {
        let got = notice(&mut provider, &house, "bad").await;
        assert_eq!((got.status, got.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "5"));
    }
    assert_eq!(refused(&house).await, 300);
    assert_eq!(house.service.sign_in.refusals.summarise(true).await, Ok(1));
    assert_eq!(refused(&house).await, 301);
    assert_eq!(notice(&mut provider, &house, "sid-1").await.status, StatusCode::OK, "what is right goes through");
}

#[actix_web::test]
async fn sign_ins_that_are_begun_and_left_are_bounded_before_anything_is_kept() {
    let house = House::new().await;
    let start = format!("/sign-in/{}/with/{}", house.tenant, house.connection);
    let mut browser = Browser::new(&house);
    for _ in 0..300 {
        assert_eq!(browser.get(&start).await.status, StatusCode::SEE_OTHER);
    }
    let asked = house.says.asked_fresh.lock().unwrap().len();
    let got = browser.get(&start).await;
    assert_eq!((got.status, got.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(house.says.asked_fresh.lock().unwrap().len(), asked, "the provider was not asked");
    assert_eq!(refused(&house).await, 0);
    assert_eq!(house.service.sign_in.refusals.summarise(true).await, Ok(1), "it is counted");
}

#[actix_web::test]
async fn sign_ins_begun_from_everywhere_keep_nobody_from_beginning_theirs() {
    let house = House::new().await;
    let refusals = &house.service.sign_in.refusals;
    for number in 0..40 {
        let address = std::net::Ipv4Addr::new(198, 51, 100, number).into();
        while refusals.leave(house.tenant, address).is_ok() {}
        while refusals.start(house.tenant, address).is_ok() {}
    }
    let mut browser = Browser::new(&house);
    assert_eq!(browser.sign_in("ann", "doctors", "").await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn answers_that_come_to_nothing_are_not_asked_about_without_end() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    for _ in 0..300 {
        *house.says.next.lock().unwrap() = Some(Err("bad-code"));
        assert_eq!(browser.get("/auth/oidc/callback?code=x&state=state-1").await.status, StatusCode::UNAUTHORIZED);
    }
    *house.says.next.lock().unwrap() = Some(Err("bad-code"));
    let got = browser.get("/auth/oidc/callback?code=x&state=state-1").await;
    assert_eq!((got.status, got.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert!(house.says.next.lock().unwrap().is_some(), "the provider was not asked");
    let mut other = Browser::at(&house, [192, 0, 2, 8]);
    assert_eq!(other.sign_in("ann", "doctors", "").await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn a_hospital_behind_one_address_signs_in_all_morning() {
    let house = House::new().await;
    for _ in 0..320 {
        assert_eq!(Browser::new(&house).sign_in("ann", "doctors", "").await.status, StatusCode::SEE_OTHER);
    }
}

#[actix_web::test]
async fn guesses_that_are_sent_away_unheard_are_counted() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let page = format!("/sign-in/{}", house.tenant);
    for _ in 0..20 {
        browser.get(&page).await;
        browser.post(&format!("{page}/password"), &[("name", "alice"), ("password", "wrong but long")]).await;
    }
    let written = refused(&house).await;
    assert!(written < 20, "{written}");
    assert_eq!(house.service.sign_in.refusals.summarise(true).await, Ok(1));
}
