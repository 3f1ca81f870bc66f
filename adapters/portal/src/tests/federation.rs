//! Coming back from an identity provider: once, in the same browser, and by the rules.

use super::house::{Browser, House};
use crate::doors::BackAt;
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;
use domain::id::TenantId;

#[actix_web::test]
async fn an_answer_counts_once_and_in_the_browser_that_asked() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let start = format!("/sign-in/{}/with/{}", house.tenant, house.connection);
    browser.get(&start).await;
    let mut other = Browser::new(&house);
    other.get(&start).await;
    assert_eq!(
        other.get("/auth/oidc/callback?code=c&state=state-1").await.status,
        StatusCode::UNAUTHORIZED,
        "another browser"
    );
    *house.says.next.lock().unwrap() = Some(Ok(house.assertion("ann", "doctors")));
    assert_eq!(browser.get("/auth/oidc/callback?code=c&state=state-1").await.status, StatusCode::SEE_OTHER);
    assert_eq!(house.says.asked(), 1);
    let session = browser.cookie("__Host-sealgate").unwrap().to_owned();
    let again = browser.get("/auth/oidc/callback?code=c&state=state-1").await;
    assert_eq!((again.status, again.location()), (StatusCode::SEE_OTHER, "/"), "a second time");
    assert_eq!(house.says.asked(), 1, "the provider is not asked");
    assert_eq!(browser.cookie("__Host-sealgate"), Some(session.as_str()), "and nothing begins");
}

#[actix_web::test]
async fn an_answer_counts_at_the_address_of_its_connection_alone() {
    let house = House::new().await;
    let own = format!("/auth/oidc/callback/{}", house.connection);
    let others = format!("/auth/oidc/callback/{}", house.account);
    for (has_own, at, expected) in [
        (true, own.as_str(), StatusCode::SEE_OTHER),
        (true, "/auth/oidc/callback", StatusCode::UNAUTHORIZED),
        (true, &others, StatusCode::UNAUTHORIZED),
        (false, "/auth/oidc/callback", StatusCode::SEE_OTHER),
        (false, &own, StatusCode::UNAUTHORIZED),
    ] {
        house.change_oidc(|settings| settings.own_redirect = has_own).await;
        let refused = house.refusals_in(house.tenant).await;
        let mut browser = Browser::new(&house);
        browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
        *house.says.next.lock().unwrap() = Some(Ok(house.assertion("ann", "doctors")));
        let state = format!("state-{}", house.says.asked_fresh.lock().unwrap().len());
        let got = browser.get(&format!("{at}?code=c&state={state}")).await;
        assert_eq!(got.status, expected, "{at}");
        let recorded = house.refusals_in(house.tenant).await > refused;
        assert_eq!(recorded, expected != StatusCode::SEE_OTHER, "{at}");
    }
}

#[actix_web::test]
async fn a_browser_that_brings_back_what_it_had_finishes_nothing_twice() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    // Somebody kept the cookies, and the provider vouches once more.
    let mut kept = browser.clone();
    for (browser, expected) in [(&mut browser, StatusCode::SEE_OTHER), (&mut kept, StatusCode::UNAUTHORIZED)] {
        *house.says.next.lock().unwrap() = Some(Ok(house.assertion("ann", "doctors")));
        assert_eq!(browser.get("/auth/oidc/callback?code=c&state=state-1").await.status, expected);
    }
    assert_eq!(house.refusals_in(house.tenant).await, 1, "it is in the tenant's chain");
    assert!(browser.cookies("__Host-sealgate-sign-in").is_empty(), "nothing of it is left at the browser");
    assert_eq!(house.says.asked(), 1, "of what is finished the provider is not asked");
    assert!(kept.cookies("__Host-sealgate-sign-in-").is_empty(), "and it is taken away");
}

#[actix_web::test]
async fn whoever_is_vouched_for_and_not_let_in_keeps_nothing_of_it() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    assert_eq!(browser.sign_in("eve", "nobody", "").await.status, StatusCode::UNAUTHORIZED);
    assert!(browser.cookies("__Host-sealgate-sign-in-").is_empty());
}

#[actix_web::test]
async fn of_two_answers_in_the_last_second_one_counts() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    house.doubles.clock.advance(599);
    let (clock, says, next) = (house.doubles.clock.clone(), house.says.clone(), house.assertion("ann", "doctors"));
    *house.says.next.lock().unwrap() = Some(Ok(next.clone()));
    // Both are opened before it is over, and vouched for after that.
    *house.says.meanwhile.lock().unwrap() = Some(Box::new(move || {
        clock.advance(2);
        let later = says.clone();
        *says.meanwhile.lock().unwrap() = Some(Box::new(move || *later.next.lock().unwrap() = Some(Ok(next))));
    }));
    let (mut one, mut other) = (browser.clone(), browser);
    let answer = "/auth/oidc/callback?code=c&state=state-1";
    let (one, other) = tokio::join!(one.get(answer), other.get(answer));
    assert_eq!(house.says.asked(), 2);
    let mut got = [one.status, other.status];
    got.sort();
    assert_eq!(got, [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED], "whichever was first");
}

#[actix_web::test]
async fn a_sign_in_that_is_begun_leaves_nothing_here_and_a_wrong_answer_neither() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let before = house.tickets.count();
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    *house.says.next.lock().unwrap() = Some(Err("bad-code"));
    assert_eq!(browser.get("/auth/oidc/callback?code=x&state=state-1").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.tickets.count(), before);
    // It is sealed, and nobody's but this browser's.
    let carried = browser.cookies("__Host-sealgate-sign-in-");
    assert_eq!(carried.len(), 1);
    let mut other = Browser::new(&house);
    other.get(&format!("/sign-in/{}", house.tenant)).await;
    other.set_cookie(&carried[0].0, &carried[0].1);
    assert_eq!(other.get("/auth/oidc/callback?code=c&state=state-1").await.status, StatusCode::UNAUTHORIZED);
    *house.says.next.lock().unwrap() = Some(Ok(house.assertion("ann", "doctors")));
    assert_eq!(browser.get("/auth/oidc/callback?code=c&state=state-1").await.status, StatusCode::SEE_OTHER);
}

#[actix_web::test]
async fn several_windows_sign_in_beside_each_other_and_the_oldest_makes_room() {
    let house = House::new().await;
    let start = format!("/sign-in/{}/with/{}", house.tenant, house.connection);
    let mut browser = Browser::new(&house);
    for _ in 0..6 {
        browser.get(&start).await;
        house.doubles.clock.advance(1);
    }
    assert_eq!(browser.cookies("__Host-sealgate-sign-in-").len(), 4);
    for (state, expected) in [(2, StatusCode::UNAUTHORIZED), (3, StatusCode::SEE_OTHER)] {
        *house.says.next.lock().unwrap() = Some(Ok(house.assertion("ann", "doctors")));
        let got = browser.clone().get(&format!("/auth/oidc/callback?code=c&state=state-{state}")).await;
        assert_eq!(got.status, expected, "{state}");
    }
    // The first that comes back signs in for all; the next is sent home, and nobody is accused.
    *house.says.next.lock().unwrap() = Some(Ok(house.assertion("ann", "doctors")));
    assert_eq!(browser.get("/auth/oidc/callback?code=c&state=state-4").await.status, StatusCode::SEE_OTHER);
    let refused = house.refusals_in(TenantId::SYSTEM).await;
    let got = browser.get("/auth/oidc/callback?code=c&state=state-5").await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/"));
    assert_eq!(house.refusals_in(TenantId::SYSTEM).await, refused);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
}

#[actix_web::test]
async fn what_another_page_has_the_browser_fetch_begins_nothing() {
    let house = House::new().await;
    let start = format!("/sign-in/{}/with/{}", house.tenant, house.connection);
    let mut browser = Browser::new(&house);
    browser.get(&start).await;
    for (mode, dest) in [("no-cors", "image"), ("cors", "empty"), ("navigate", "iframe"), ("", "")] {
        let fetched = TestRequest::get()
            .uri(&start)
            .insert_header(("sec-fetch-mode", mode))
            .insert_header(("sec-fetch-dest", dest))
            .insert_header(("sec-fetch-site", "cross-site"));
        let got = browser.send(fetched).await;
        assert_eq!(got.status, StatusCode::FORBIDDEN, "{mode} {dest}");
        assert!(got.headers.get("set-cookie").is_none());
    }
    assert_eq!(house.refusals_in(house.tenant).await, 4);
    let gone_to = TestRequest::get()
        .uri(&start)
        .insert_header(("sec-fetch-mode", "navigate"))
        .insert_header(("sec-fetch-dest", "document"))
        .insert_header(("sec-fetch-site", "cross-site"));
    assert_eq!(browser.send(gone_to).await.status, StatusCode::SEE_OTHER, "by a link of the hospital's own pages");
}

#[actix_web::test]
async fn what_a_browser_carries_together_is_bounded() {
    let house = House::new().await;
    let start = format!("/sign-in/{}/with/{}", house.tenant, house.connection);
    let mut browser = Browser::new(&house);
    for number in 0..6 {
        let place = format!("{start}?return=%2Fpatients%2Ffound%3Fat%3D{}{number}", "A".repeat(1_000));
        browser.get(&place).await;
        let place = format!("{start}?return=%2Fpatients%2Ffound%3Fat%3D{}{number}", "A".repeat(130));
        browser.get(&place).await;
        house.doubles.clock.advance(1);
        let carried = browser.cookies("__Host-sealgate-sign-in-");
        let bytes: usize = carried.iter().map(|(name, value)| format!("{name}={value}").len()).sum();
        assert!(carried.len() <= 4 && bytes <= 5_200, "{} of {bytes} bytes", carried.len());
        let longest = carried.iter().map(|(_, value)| value.len()).max().unwrap();
        assert!(longest < 1_300, "{longest}");
    }
}

#[actix_web::test]
async fn a_connection_that_is_gone_or_disabled_by_the_time_of_the_answer_is_in_the_chain() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    let answer = "/auth/oidc/callback?code=c&state=state-1";
    house.change_connection(|connection| connection.enabled = false).await;
    assert_eq!(browser.get(answer).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!((house.refusals_in(house.tenant).await, house.says.asked()), (1, 0));
    house.directory.send_replace(std::sync::Arc::new(domain::directory::Directory::default()));
    assert_eq!(browser.get(answer).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!((house.refusals_in(TenantId::SYSTEM).await, house.says.asked()), (1, 0));
}

#[actix_web::test]
async fn a_sign_in_comes_back_where_it_was_to_when_it_was_begun() {
    let house = House::new().await;
    for (begun_with, at) in
        [(true, format!("/auth/oidc/callback/{}", house.connection)), (false, "/auth/oidc/callback".to_owned())]
    {
        house.change_oidc(|settings| settings.own_redirect = begun_with).await;
        let mut browser = Browser::new(&house);
        browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
        house.change_oidc(|settings| settings.own_redirect = !begun_with).await;
        *house.says.next.lock().unwrap() = Some(Ok(house.assertion("ann", "doctors")));
        let state = format!("state-{}", house.says.asked_fresh.lock().unwrap().len());
        assert_eq!(browser.get(&format!("{at}?code=c&state={state}")).await.status, StatusCode::SEE_OTHER, "{at}");
    }
    assert_eq!(*house.says.came_at.lock().unwrap(), [BackAt::Own, BackAt::Common], "it is redeemed with the same");
}

#[actix_web::test]
async fn a_provider_is_shown_our_keys_where_there_are_any() {
    use domain::directory::{ClientAlgorithm, ClientKey, Hidden};
    let house = House::new().await;
    let mut provider = Browser::new(&house);
    let at = format!("/auth/oidc/keys/{}", house.connection);
    assert_eq!(provider.get(&at).await.status, StatusCode::NOT_FOUND);
    let key = ClientKey {
        id: "a".to_owned(),
        algorithm: ClientAlgorithm::Es256,
        private: Hidden::new("AAAA".to_owned()),
        certificate: "AAAA".to_owned(),
        created: domain::time::Timestamp(0),
    };
    house.change_oidc(|settings| settings.client_keys = vec![key]).await;
    let shown = provider.get(&at).await;
    assert_eq!((shown.status, shown.body.as_str()), (StatusCode::OK, r#"{"keys":[]}"#));
    assert_eq!(shown.headers.get("content-type").unwrap(), "application/json");
    assert_eq!(provider.get(&format!("/auth/oidc/keys/{}", house.account)).await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn a_place_too_long_for_a_cookie_is_returned_to_without_its_query() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let patients = format!("?return=%2Fpatients%2Ffound%3Fat%3D{}", "A".repeat(1_500));
    let got = browser.sign_in("ann", "doctors", &patients).await;
    assert_eq!((got.status, got.location()), (StatusCode::SEE_OTHER, "/patients/found"));
}

#[actix_web::test]
async fn a_sign_in_that_took_too_long_is_over() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    house.doubles.clock.advance(600);
    assert_eq!(browser.get("/auth/oidc/callback?code=c&state=state-1").await.status, StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_refusal_has_a_generic_page_and_a_precise_entry() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    *house.says.next.lock().unwrap() = Some(Err("nonce-mismatch"));
    let refused = browser.get("/auth/oidc/callback?code=c&state=state-1").await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    assert!(!refused.body.contains("nonce") && browser.cookie("__Host-sealgate").is_none());
    let unmapped = Browser::new(&house).sign_in("eve", "nobody", "").await;
    assert_eq!(unmapped.status, StatusCode::UNAUTHORIZED);
    assert!(unmapped.body.contains("administrator") && unmapped.body.contains("Reference"), "it says whom to ask");
    let failed =
        house.entries().await.into_iter().filter(|entry| *entry == ("LoginFailed".to_owned(), "denied".to_owned()));
    assert_eq!(failed.count(), 2);
}

#[actix_web::test]
async fn somebody_without_a_second_factor_is_told_that_one_is_needed() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    let assertion =
        domain::identity::Assertion { factor: domain::access::Factor::Missing, ..house.assertion("ann", "doctors") };
    *house.says.next.lock().unwrap() = Some(Ok(assertion));
    let got = browser.get("/auth/oidc/callback?code=c&state=state-1").await;
    assert_eq!(got.status, StatusCode::UNAUTHORIZED);
    assert!(got.body.contains("A second factor is needed"));
}

#[actix_web::test]
async fn a_notice_of_the_provider_ends_its_sessions_and_a_bad_one_none() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let notice = |token: &str| {
        TestRequest::post()
            .uri(&format!("/auth/oidc/backchannel/{}", house.connection))
            .insert_header(("sec-fetch-site", "cross-site"))
            .set_form([("logout_token", token)])
    };
    let mut provider = Browser::new(&house);
    let bad = provider.send(notice("other")).await;
    assert_eq!((bad.status, bad.body.as_str()), (StatusCode::BAD_REQUEST, r#"{"error":"invalid_request"}"#));
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    assert_eq!(provider.send(notice("sid-1")).await.status, StatusCode::OK);
    assert!(browser.get("/account").await.location().starts_with("/sign-in"));
}

#[actix_web::test]
async fn sessions_end_also_where_whoever_ends_them_does_not_wait() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let notice = TestRequest::post()
        .uri(&format!("/auth/oidc/backchannel/{}", house.connection))
        .insert_header(("sec-fetch-site", "cross-site"))
        .set_form([("logout_token", "sid-1")]);
    Browser::new(&house).send_and_leave(notice).await;
    assert!(browser.get("/account").await.location().starts_with("/sign-in"));
}

#[actix_web::test]
async fn whoever_might_have_lost_their_right_waits_and_can_still_sign_out() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    house.directory.borrow().confirm(false);
    for page in ["/account", "/patients", "/sign-in", "/auth/oidc/callback?code=c&state=state-1"] {
        assert_eq!(browser.get(page).await.status, StatusCode::SERVICE_UNAVAILABLE, "{page}");
    }
    house.directory.borrow().confirm(true);
    assert_eq!(browser.get("/account").await.status, StatusCode::OK);
    house.directory.borrow().confirm(false);
    assert_eq!(browser.post("/sign-out", &[]).await.status, StatusCode::OK);
    house.directory.borrow().confirm(true);
    assert!(browser.get("/account").await.location().starts_with("/sign-in"));
}

#[actix_web::test]
async fn a_notice_of_a_session_and_its_person_ends_those_that_may_be_it() {
    let house = House::new().await;
    let mut named = house.signed_in("ann", "doctors").await;
    let mut unnamed = Browser::new(&house);
    unnamed.get(&format!("/sign-in/{}/with/{}", house.tenant, house.connection)).await;
    let assertion = domain::identity::Assertion { provider_session: None, ..house.assertion("ann", "doctors") };
    let subject = assertion.subject.clone();
    *house.says.next.lock().unwrap() = Some(Ok(assertion));
    let state = house.says.asked_fresh.lock().unwrap().len();
    let got = unnamed.get(&format!("/auth/oidc/callback?code=c&state=state-{state}")).await;
    assert_eq!(got.status, StatusCode::SEE_OTHER);
    let notice = |token: String| {
        TestRequest::post()
            .uri(&format!("/auth/oidc/backchannel/{}", house.connection))
            .insert_header(("sec-fetch-site", "cross-site"))
            .set_form([("logout_token", token)])
    };
    let mut provider = Browser::new(&house);
    assert_eq!(provider.send(notice("both:sid-9/somebody".to_owned())).await.status, StatusCode::OK);
    assert_eq!(unnamed.get("/account").await.status, StatusCode::OK);
    assert_eq!(provider.send(notice(format!("both:sid-9/{subject}"))).await.status, StatusCode::OK);
    assert!(unnamed.get("/account").await.location().starts_with("/sign-in"), "it may be that one");
    assert_eq!(named.get("/account").await.status, StatusCode::OK, "it is another one");
}

#[actix_web::test]
async fn proving_it_once_more_asks_for_it_afresh_and_gives_the_session_a_new_name() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    let before = browser.cookie("__Host-sealgate").unwrap().to_owned();
    let step = browser.get("/step-up?return=%2Faccount").await;
    let way = step.location().to_owned();
    assert!(way.ends_with("?return=%2Faccount&again=1"), "{way}");
    let query = way.split_once('?').unwrap().1;
    let got = browser.sign_in("ann", "doctors", &format!("?{query}")).await;
    assert_eq!(got.location(), "/account");
    assert_eq!(*house.says.asked_fresh.lock().unwrap(), [false, true]);
    assert_ne!(browser.cookie("__Host-sealgate").unwrap(), before);
    let mut thief = Browser::new(&house);
    thief.set_cookie("__Host-sealgate", &before);
    assert!(thief.get("/account").await.location().starts_with("/sign-in"), "the old name is nobody's");
}
