//! Floods of what is refused or left: told to wait, counted, and never a row or an entry each.

use super::house::{Browser, Got, House};
use crate::service::Limits;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::rate::Rate;
use domain::refusals::RefusalLimits;

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
    for _ in 0..303 {
        *house.says.next.lock().unwrap() = Some(Err("bad-code"));
        let status = browser.get("/auth/oidc/callback?code=x&state=state-1").await.status;
        assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS), "{status}");
    }
    assert_eq!(house.says.asked(), 303, "3 of the sign-in, and then 300 of the address");
    let got = browser.get("/auth/oidc/callback?code=x&state=state-1").await;
    assert_eq!((got.status, got.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "1"));
    assert_eq!(house.says.asked(), 303);
    // Neither who comes from elsewhere nor who sits behind the same address pays for it.
    for address in [[192, 0, 2, 8], [192, 0, 2, 7]] {
        let mut other = Browser::at(&house, address);
        assert_eq!(other.sign_in("ann", "doctors", "").await.status, StatusCode::SEE_OTHER);
    }
}

#[actix_web::test]
async fn answers_at_once_are_no_more_than_answers_one_after_another() {
    let one = Rate { burst: 1, every_ms: 1_000_000 };
    let limits = RefusalLimits { tries: one, returned: one, ..RefusalLimits::default() };
    let house = House::held_to(Limits::default(), limits).await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    // Each of them finds the provider wanting an answer, so that none is over before the last has come.
    let says = house.says.clone();
    *house.says.next.lock().unwrap() = Some(Err("bad-code"));
    *house.says.meanwhile.lock().unwrap() = Some(Box::new(move || {
        let later = says.clone();
        *says.meanwhile.lock().unwrap() = Some(Box::new(move || *later.next.lock().unwrap() = Some(Err("bad-code"))));
    }));
    let (mut first, mut second, mut third) = (browser.clone(), browser.clone(), browser);
    let answer = "/auth/oidc/callback?code=x&state=state-1";
    let (first, second, third) = tokio::join!(first.get(answer), second.get(answer), third.get(answer));
    assert_eq!(house.says.asked(), 2, "one of the sign-in, one of the address");
    assert_eq!((first.status, second.status), (StatusCode::UNAUTHORIZED, StatusCode::UNAUTHORIZED));
    assert_eq!(third.status, StatusCode::TOO_MANY_REQUESTS);
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
