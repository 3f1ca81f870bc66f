//! What pages of other sites may read: cross-origin requests as a browser makes them.

use crate::house::{House, PAGES};
use crate::{Answer, get, request, send};
use actix_web::http::{Method, StatusCode};

async fn preflight(house: &House, path: &str, origin: &str) -> Answer {
    let asked = request(Method::OPTIONS, path, "")
        .insert_header(("origin", origin))
        .insert_header(("access-control-request-method", "GET"))
        .insert_header(("access-control-request-headers", "authorization"));
    send(house, asked).await
}

async fn ask(house: &House, path: &str, token: &str, origin: &str) -> Answer {
    send(house, request(Method::GET, path, token).insert_header(("origin", origin))).await
}

#[actix_web::test]
async fn a_registered_page_reads_what_its_tenant_has_and_how_it_was_answered() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let path = format!("/fhir/Patient/{patient}");
    let asked = preflight(&house, &path, PAGES).await;
    assert_eq!((asked.status, asked.text.as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(asked.header("access-control-allow-origin"), PAGES);
    assert_eq!(asked.header("access-control-allow-methods"), "GET, HEAD, POST");
    assert!(asked.header("access-control-allow-headers").contains("Authorization"));
    assert_eq!((asked.header("access-control-max-age"), asked.header("vary")), ("600", "Origin"));
    let read = ask(&house, &path, "reader", PAGES).await;
    assert_eq!((read.status, read.header("access-control-allow-origin")), (StatusCode::OK, PAGES));
    for exposed in ["ETag", "Last-Modified", "Location", "X-Request-Id"] {
        assert!(read.header("access-control-expose-headers").contains(exposed), "{exposed}");
    }
    assert_eq!((read.header("vary"), read.header("access-control-allow-credentials")), ("Origin", ""));
    // What went wrong is for the page as well.
    for (token, path, status) in [("", path.as_str(), 401), ("guess", &path, 401), ("reader", "/fhir/Nothing/1", 404)] {
        let refused = ask(&house, path, token, PAGES).await;
        assert_eq!((refused.status.as_u16(), refused.header("access-control-allow-origin")), (status, PAGES));
    }
}

#[actix_web::test]
async fn a_page_reads_nothing_of_a_tenant_that_did_not_register_it() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let path = format!("/fhir/Patient/{patient}");
    for origin in ["https://evil.example", "null", "*"] {
        let asked = preflight(&house, &path, origin).await;
        assert_eq!(asked.status, StatusCode::NO_CONTENT, "{origin}");
        assert_eq!((asked.header("access-control-allow-origin"), asked.header("vary")), ("", "Origin"), "{origin}");
        let read = ask(&house, &path, "reader", origin).await;
        assert_eq!((read.header("access-control-allow-origin"), read.header("vary")), ("", "Origin"), "{origin}");
    }
    // It is registered, though not with the tenant whose token this is.
    let strange = ask(&house, "/fhir/Patient?name=a", "stranger", PAGES).await;
    assert_eq!((strange.status, strange.header("access-control-allow-origin")), (StatusCode::OK, ""));
    // Nobody's page asks: a store of answers must still keep them apart.
    let plain = get(&house, &format!("Patient/{patient}")).await;
    assert_eq!((plain.header("access-control-allow-origin"), plain.header("vary")), ("", "Origin"));
}

#[actix_web::test]
async fn a_preflight_is_the_same_for_what_is_there_and_what_is_not() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let said = |answer: &Answer| {
        let mut said: Vec<_> = answer.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        said.sort();
        (answer.status, said)
    };
    let there = said(&preflight(&house, &format!("/fhir/Patient/{patient}"), PAGES).await);
    for path in ["/fhir/Patient/nobody", "/fhir/Nothing", "/fhir/", "/fhir/Patient?name=a"] {
        assert_eq!(said(&preflight(&house, path, PAGES).await), there, "{path}");
    }
    assert!(house.door.turned_away.lock().unwrap().is_empty(), "to ask whether one may ask is no attempt");
}

#[actix_web::test]
async fn every_page_reads_what_the_server_can_do() {
    let house = House::new().await;
    for origin in [PAGES, "https://anywhere.example"] {
        let asked = preflight(&house, "/fhir/metadata", origin).await;
        let read = ask(&house, "/fhir/metadata", "", origin).await;
        assert_eq!((asked.status, read.status), (StatusCode::NO_CONTENT, StatusCode::OK));
        for answer in [asked, read] {
            assert_eq!((answer.header("access-control-allow-origin"), answer.header("vary")), ("*", ""));
        }
    }
}
