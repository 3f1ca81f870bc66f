//! Every route, made from the table itself: its headers, its methods, and who gets in.

use super::house::{Browser, House, ORIGIN};
use crate::answer::CONTENT_POLICY;
use crate::route::{Door, Page, Row, TABLE};
use actix_web::http::{Method, StatusCode};
use actix_web::test::TestRequest;

const ID: &str = "0190a1b2-0000-8000-8000-000000000001";

fn address(row: &Row, house: &House) -> String {
    row.path
        .replace("{tenant}", &house.tenant.to_string())
        .replace("{connection}", &house.connection.to_string())
        .replace("{name}", crate::stylesheet::name())
        .replace("{secret}", &"A".repeat(43))
        .replace("{patient}", ID)
        .replace("{report}", ID)
        .replace("{version}", "1")
        .replace("{request}", &"A".repeat(43))
        .replace("{number}", "1")
}

#[actix_web::test]
async fn every_answer_of_every_route_has_the_protective_headers() {
    let house = House::new().await;
    for signed_in in [false, true] {
        for row in TABLE {
            for method in [Method::GET, Method::POST, Method::PUT] {
                let mut browser =
                    if signed_in { house.signed_in("ann", "doctors").await } else { Browser::new(&house) };
                let request = TestRequest::default().method(method.clone()).uri(&address(row, &house));
                let got = browser.send(request).await;
                let what = format!("{method} {} {signed_in} {}", row.path, got.status);
                assert_eq!(got.header("content-security-policy"), CONTENT_POLICY, "{what}");
                assert!(got.header("strict-transport-security").starts_with("max-age=63072000"), "{what}");
                assert_eq!(got.header("x-content-type-options"), "nosniff", "{what}");
                assert_eq!(got.header("referrer-policy"), "no-referrer", "{what}");
                assert_eq!(got.header("x-frame-options"), "DENY", "{what}");
                assert_eq!(got.header("cross-origin-opener-policy"), "same-origin", "{what}");
                assert!(!got.header("x-request-id").is_empty(), "{what}");
                let kept = if row.page == Page::Asset && got.status == StatusCode::OK {
                    "public, max-age=31536000, immutable"
                } else {
                    "no-store"
                };
                assert_eq!(got.header("cache-control"), kept, "{what}");
                assert!(!got.body.contains("<script") && !got.body.contains(" style="), "{what}");
                if !row.allows(&method) {
                    assert_eq!(
                        (got.status, got.header("allow")),
                        (StatusCode::METHOD_NOT_ALLOWED, row.allow),
                        "{what}"
                    );
                }
                let to = got.location();
                assert!(to.is_empty() || to.starts_with('/') || to.starts_with("https://idp.example/"), "{what} {to}");
            }
        }
    }
}

#[actix_web::test]
async fn whoever_is_not_signed_in_is_sent_to_sign_in_from_every_page_that_asks_for_it() {
    let house = House::new().await;
    for row in TABLE.iter().filter(|row| row.door == Door::SignedIn) {
        let method = if row.allows(&Method::GET) { Method::GET } else { Method::POST };
        let mut browser = Browser::new(&house);
        let request = TestRequest::default()
            .method(method)
            .uri(&address(row, &house))
            .insert_header(("content-type", "application/x-www-form-urlencoded"));
        let got = browser.send(request).await;
        assert_eq!(got.status, StatusCode::SEE_OTHER, "{}", row.path);
        assert!(got.location().starts_with("/sign-in"), "{} {}", row.path, got.location());
        assert!(browser.cookie("__Host-sealgate").is_none());
    }
}

#[actix_web::test]
async fn what_nobody_serves_is_a_page_with_the_same_headers() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    for path in ["/nowhere", "/patients/", "/assets/other.css", "/sign-in/x/y/z/w"] {
        let got = browser.get(path).await;
        assert_eq!(
            (got.status, got.header("content-security-policy")),
            (StatusCode::NOT_FOUND, CONTENT_POLICY),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn no_form_is_taken_without_both_signs_that_it_is_ours() {
    let house = House::new().await;
    let posts = TABLE.iter().filter(|row| row.allows(&Method::POST) && row.door != Door::CrossSite);
    for row in posts {
        let path = address(row, &house);
        for (token, origin, site) in [
            ("", ORIGIN, "same-origin"),
            ("good", "https://evil.example", "cross-site"),
            ("good", "null", "cross-site"),
            ("good", ORIGIN, "same-site"),
            ("good", "", ""),
            ("others", ORIGIN, "same-origin"),
        ] {
            let mut browser = house.signed_in("ann", "doctors").await;
            browser.get("/account").await;
            let mut other = house.signed_in("ben", "doctors").await;
            other.get("/account").await;
            let token = match token {
                "good" => browser.token.clone(),
                "others" => other.token.clone(),
                token => token.to_owned(),
            };
            let mut request = TestRequest::post().uri(&path).set_form([("csrf", token)]);
            if !origin.is_empty() {
                request = request.insert_header(("origin", origin)).insert_header(("sec-fetch-site", site));
            }
            let got = browser.send(request).await;
            assert_eq!(got.status, StatusCode::FORBIDDEN, "{path} {origin} {site}");
            assert_eq!(browser.get("/account").await.status, StatusCode::OK, "nothing happened: {path}");
        }
    }
}
