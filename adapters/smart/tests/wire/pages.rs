//! What pages of other sites may read: an application that runs in a browser and nowhere else.

use crate::house::{Answer, BACK, FAR, House, LAB, PUBLIC};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;
use domain::directory::Application;

/// Where the applications of the tenant North have their pages.
const PAGES: &str = "https://app.example";

async fn preflight(house: &House, path: &str, method: &str, origin: &str) -> Answer {
    let asked = TestRequest::with_uri(path)
        .method(Method::OPTIONS)
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", method));
    house.send(asked).await
}

fn allowed(answer: &Answer) -> (&str, &str) {
    assert_eq!(answer.header("access-control-allow-credentials"), "");
    (answer.header("access-control-allow-origin"), answer.header("vary"))
}

#[actix_web::test]
async fn every_page_may_find_out_what_is_served() {
    let house = House::new().await;
    for path in [
        "/fhir/.well-known/smart-configuration",
        "/.well-known/smart-configuration",
        "/.well-known/openid-configuration",
        "/oauth/jwks",
    ] {
        let asked = preflight(&house, path, "GET", "https://anywhere.example").await;
        assert_eq!((asked.status, asked.header("access-control-allow-methods")), (StatusCode::NO_CONTENT, "GET, HEAD"));
        let got = house.send(TestRequest::with_uri(path).insert_header(("origin", "https://anywhere.example"))).await;
        assert_eq!((got.status, allowed(&got)), (StatusCode::OK, ("*", "")), "{path}");
        assert_eq!(allowed(&asked), ("*", ""), "{path}");
    }
}

#[actix_web::test]
async fn a_registered_page_gets_tokens_and_gives_them_back() {
    let house = House::new().await;
    assert!(BACK.starts_with(PAGES));
    for path in ["/oauth/token", "/oauth/revoke"] {
        let asked = preflight(&house, path, "POST", PAGES).await;
        assert_eq!((asked.status, allowed(&asked)), (StatusCode::NO_CONTENT, (PAGES, "Origin")));
        assert_eq!(asked.header("access-control-allow-methods"), "POST");
        assert!(!asked.header("access-control-allow-headers").contains("Authorization"), "a page keeps no secret");
        let form = format!("client_id={PUBLIC}&token=sga_unknown&grant_type=authorization_code&code=guessed");
        let answer = house.page(path, &form, PAGES).await;
        assert_eq!(allowed(&answer), (PAGES, "Origin"), "{path} {}", answer.text);
        assert!(answer.header("access-control-expose-headers").contains("X-Request-Id"));
        // What went wrong before anybody knew who asks is for the page as well.
        let broken = house.page(path, "%", PAGES).await;
        assert_eq!((broken.status, allowed(&broken)), (StatusCode::BAD_REQUEST, (PAGES, "Origin")));
    }
}

#[actix_web::test]
async fn a_page_that_nobody_registered_reads_no_answer_about_tokens() {
    let house = House::new().await;
    for origin in ["https://evil.example", "https://app.example.evil.example", "http://app.example", "null"] {
        for path in ["/oauth/token", "/oauth/revoke"] {
            assert_eq!(allowed(&preflight(&house, path, "POST", origin).await), ("", "Origin"), "{origin}");
            let answer = house.page(path, &format!("client_id={PUBLIC}&token=x"), origin).await;
            assert_eq!(allowed(&answer), ("", "Origin"), "{origin}");
        }
    }
    // A token whose application nobody named is for no page, registered or not.
    let form = format!("grant_type=client_credentials&scope=system/*.rs&{}", house.credentials(LAB));
    let given = house.page("/oauth/token", &form, PAGES).await;
    assert_eq!((given.status, allowed(&given)), (StatusCode::OK, ("", "Origin")), "{}", given.text);
}

#[actix_web::test]
async fn a_page_is_of_the_tenants_that_registered_it_and_of_no_other() {
    let house = House::new().await;
    let elsewhere = "https://north.example";
    house.change(&|application: Application| match application.id {
        PUBLIC => application.at(&format!("{elsewhere}/back")),
        _ => application,
    });
    let form = |client| format!("grant_type=authorization_code&code=guessed&client_id={client}");
    assert_eq!(allowed(&house.page("/oauth/token", &form(PUBLIC), elsewhere).await), (elsewhere, "Origin"));
    assert_eq!(allowed(&house.page("/oauth/token", &form(FAR), elsewhere).await), ("", "Origin"));
    // Taking the application away takes its pages away.
    house.change(&|application: Application| match application.id {
        PUBLIC => Application { enabled: false, ..application.at(&format!("{elsewhere}/back")) },
        _ => application,
    });
    assert_eq!(allowed(&house.page("/oauth/token", &form(PUBLIC), elsewhere).await), ("", "Origin"));
}

#[actix_web::test]
async fn no_page_asks_what_a_token_is_good_for() {
    let house = House::new().await;
    assert_eq!(preflight(&house, "/oauth/introspect", "POST", PAGES).await.status, StatusCode::METHOD_NOT_ALLOWED);
    let answer = house.page("/oauth/introspect", &format!("client_id={PUBLIC}&token=x"), PAGES).await;
    assert_eq!(allowed(&answer), ("", ""));
}

trait At {
    fn at(self, redirect: &str) -> Self;
}

impl At for Application {
    fn at(self, redirect: &str) -> Self {
        let r#use = domain::directory::ApplicationUse::Launch {
            redirect_uris: vec![redirect.to_owned()],
            launch_uri: None,
            confidential: false,
        };
        Self { r#use, ..self }
    }
}
