//! Finding one's organization, and the bounds of what is sent.

use super::house::{Browser, House, ORIGIN};
use actix_web::http::StatusCode;
use actix_web::test::TestRequest;

#[actix_web::test]
async fn an_organization_is_found_by_its_name_in_any_case() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    browser.get(&format!("/sign-in/{}", house.tenant)).await;
    let got = browser.post("/sign-in", &[("organization", " north HOSPITAL ")]).await;
    assert_eq!(got.location(), format!("/sign-in/{}", house.tenant));
    for wrong in ["North", "South Clinic", ""] {
        let got = browser.post("/sign-in", &[("organization", wrong)]).await;
        assert!(got.body.contains("href=\"#organization\""), "{wrong}");
    }
}

#[actix_web::test]
async fn a_tenants_page_offers_its_ways_and_escapes_their_names() {
    let house = House::new().await;
    let page = Browser::new(&house).get("/sign-in/north%20hospital").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("North &#38; Sons &#60;SSO&#62;") && page.body.contains("name=\"password\""));
    assert_eq!(Browser::new(&house).get("/sign-in/nobody").await.status, StatusCode::NOT_FOUND);
}

#[actix_web::test]
async fn what_is_too_long_or_no_form_is_refused() {
    let house = House::new().await;
    let mut browser = house.signed_in("ann", "doctors").await;
    browser.get("/patients").await;
    let long = browser.post("/patients", &[("identifier", &"x".repeat(70_000))]).await;
    assert_eq!(long.status, StatusCode::PAYLOAD_TOO_LARGE);
    let query = browser.get(&format!("/patients?x={}", "x".repeat(20_000))).await;
    assert_eq!(query.status, StatusCode::PAYLOAD_TOO_LARGE);
    for (media, body) in [("application/json", "{}"), ("application/x-www-form-urlencoded", "csrf=%"), ("", "")] {
        let request = TestRequest::post()
            .uri("/patients")
            .insert_header(("origin", ORIGIN))
            .insert_header(("content-type", media))
            .set_payload(body);
        assert_eq!(browser.send(request).await.status, StatusCode::BAD_REQUEST, "{media} {body}");
    }
}
