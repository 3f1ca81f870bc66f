use crate::house::{House, SURNAME};
use crate::{get, request, send, send_within};
use actix_web::http::{Method, StatusCode, header};
use domain::id::RecordId;
use fhir::{Limits, Unauthenticated};

#[actix_web::test]
async fn nobody_comes_in_without_a_token_and_every_attempt_is_recorded() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let path = format!("/fhir/Patient/{patient}");
    let missing = send(&house, request(Method::GET, &path, "")).await;
    assert_eq!((missing.status, missing.issue().as_str()), (StatusCode::UNAUTHORIZED, "login"));
    assert_eq!(missing.header("www-authenticate"), "Bearer realm=\"fhir\"");
    let wrong = send(&house, request(Method::GET, &path, "guess")).await;
    assert_eq!((wrong.status, wrong.issue().as_str()), (StatusCode::UNAUTHORIZED, "login"));
    assert!(wrong.header("www-authenticate").contains("invalid_token"));
    for authorization in ["Basic cmVhZGVyOg==", "reader", "Bearer", "Bearer ", "bearer  "] {
        let asked = request(Method::GET, &path, "").insert_header((header::AUTHORIZATION, authorization));
        assert_eq!(send(&house, asked).await.status, StatusCode::UNAUTHORIZED, "{authorization}");
    }
    let twice = request(Method::GET, &path, "reader").append_header((header::AUTHORIZATION, "Bearer reader"));
    assert_eq!(send(&house, twice).await.status, StatusCode::UNAUTHORIZED);
    let outage = send(&house, request(Method::GET, &path, "outage")).await;
    assert_eq!((outage.status, outage.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    let recorded = house.door.turned_away.lock().unwrap();
    assert_eq!(recorded.len(), 8, "who could not be looked up was not turned away");
    assert_eq!((recorded[0].reason, recorded[1].reason), (Unauthenticated::Missing, Unauthenticated::Unknown));
    assert_eq!(recorded[0].peer.to_string(), "192.0.2.9");
}

#[actix_web::test]
async fn absent_hidden_and_another_tenants_get_one_and_the_same_answer() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let absent = get(&house, &format!("Patient/{}", RecordId([3; 16]))).await;
    assert_eq!((absent.status, absent.issue().as_str()), (StatusCode::NOT_FOUND, "not-found"));
    let foreign = send(&house, request(Method::GET, &format!("/fhir/Patient/{patient}"), "stranger")).await;
    let hidden = send(&house, request(Method::GET, &format!("/fhir/Patient/{patient}"), "admin")).await;
    let malformed = get(&house, "Patient/example").await;
    let other_kind = get(&house, &format!("Encounter/{patient}")).await;
    for answer in [foreign, hidden, malformed, other_kind] {
        assert_eq!((answer.status, &answer.text), (absent.status, &absent.text));
    }
}

#[actix_web::test]
async fn who_may_search_nothing_is_told_so_and_writing_is_not_done_here() {
    let house = House::new().await;
    let denied = send(&house, request(Method::GET, "/fhir/Patient?name=a", "admin")).await;
    assert_eq!((denied.status, denied.issue().as_str()), (StatusCode::FORBIDDEN, "forbidden"));
    for (method, path) in [
        (Method::POST, "/fhir/Patient"),
        (Method::PUT, "/fhir/Patient/1"),
        (Method::PATCH, "/fhir/Patient/1"),
        (Method::DELETE, "/fhir/Patient/1"),
    ] {
        let answer = send(&house, request(method, path, "reader")).await;
        assert_eq!((answer.status, answer.issue().as_str()), (StatusCode::METHOD_NOT_ALLOWED, "not-supported"));
        assert_eq!(answer.header("allow"), "GET, HEAD");
    }
    for path in [
        "/fhir/Medication/1",
        "/fhir/Tenant",
        "/fhir/Hl7Message/1",
        "/fhir",
        "/fhir/",
        "/fhir/$export",
        "/fhir/Patient/1/$everything/x",
    ] {
        let answer = send(&house, request(Method::GET, path, "reader")).await;
        assert_eq!((answer.status, answer.issue().as_str()), (StatusCode::NOT_FOUND, "not-found"), "{path}");
    }
}

#[actix_web::test]
async fn what_cannot_be_served_as_asked_is_refused_by_its_own_status() {
    let house = House::new().await;
    let small = Limits { max_query_bytes: 100, max_header_bytes: 400, max_body_bytes: 50, ..Limits::default() };
    let form = |media: &'static str, body: String| {
        request(Method::POST, "/fhir/Patient/_search", "reader")
            .insert_header((header::CONTENT_TYPE, media))
            .insert_header((header::CONTENT_LENGTH, body.len()))
            .set_payload(body)
    };
    let xml = request(Method::GET, "/fhir/Patient", "reader").insert_header((header::ACCEPT, "application/fhir+xml"));
    let many = request(Method::GET, "/fhir/Patient", "reader").insert_header(("x-long", "x".repeat(400)));
    for (asked, status, issue) in [
        (xml, StatusCode::NOT_ACCEPTABLE, "not-supported"),
        (request(Method::GET, "/fhir/Patient?_format=xml", "reader"), StatusCode::NOT_ACCEPTABLE, "not-supported"),
        (form("application/fhir+json", "{}".to_owned()), StatusCode::UNSUPPORTED_MEDIA_TYPE, "not-supported"),
        (
            form("application/x-www-form-urlencoded", format!("name={}", "x".repeat(50))),
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-long",
        ),
        (form("application/x-www-form-urlencoded", "name=%zz".to_owned()), StatusCode::BAD_REQUEST, "structure"),
        (
            request(Method::GET, &format!("/fhir/Patient?name={}", "x".repeat(100)), "reader"),
            StatusCode::URI_TOO_LONG,
            "too-long",
        ),
        (many, StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too-long"),
        (request(Method::GET, "/fhir/Patient/1?name=x", "reader"), StatusCode::BAD_REQUEST, "not-supported"),
        (request(Method::GET, "/fhir/metadata?name=x", "reader"), StatusCode::BAD_REQUEST, "not-supported"),
    ] {
        let answer = send_within(&house, asked, small.clone()).await;
        assert_eq!((answer.status, answer.issue().as_str()), (status, issue));
    }
}

#[actix_web::test]
async fn hostile_requests_get_an_outcome_that_repeats_nothing_of_them() {
    let house = House::new().await;
    house.store_patient(1).await;
    for query in [
        format!("Patient?{SURNAME}=1"),
        format!("Patient?name:{SURNAME}=1"),
        format!("Patient?birthdate={SURNAME}"),
        format!("Patient?identifier=a%7Cb%7C{SURNAME}"),
        format!("Patient?_id={SURNAME}%20x"),
        format!("Patient?_count={SURNAME}"),
        format!("Patient?_total={SURNAME}"),
        format!("Patient?_cursor={SURNAME}"),
        format!("Patient?_include={SURNAME}"),
        format!("Patient?_format={SURNAME}"),
        format!("Patient?general-practitioner={SURNAME}/../x"),
        format!("Patient/{SURNAME}"),
        format!("Patient/{SURNAME}/_history/{SURNAME}"),
        format!("{SURNAME}/1"),
        "Patient?name=%00%ff".to_owned(),
        "Patient?birthdate=99999-99-99T99:99:99.99999999999999999999Z".to_owned(),
        "Patient?_count=-1".to_owned(),
        format!("Patient?{}", "active=true&".repeat(100)),
        format!("Patient?active={}", "true,".repeat(500)),
        "Patient?name=%27%20OR%201=1--&family=".to_owned(),
        "Patient/%2e%2e%2f%2e%2e/_history".to_owned(),
    ] {
        let answer = get(&house, &query).await;
        assert!(answer.status.is_client_error(), "{query}: {}", answer.status);
        answer.issue();
        assert!(!answer.text.contains(SURNAME), "{query}");
    }
}

#[actix_web::test]
async fn a_store_that_does_not_answer_is_a_passing_trouble() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    house.doubles.store.set_unavailable(true);
    let answer = get(&house, &format!("Patient/{patient}")).await;
    assert_eq!((answer.status, answer.issue().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "transient"));
    assert_eq!(answer.header("retry-after"), "5");
}

#[actix_web::test]
async fn who_is_refused_too_often_is_told_to_wait() {
    let house = House::new().await;
    let mut last = send(&house, request(Method::GET, "/fhir/Patient", "")).await;
    for _ in 0..99 {
        assert_eq!(last.status, StatusCode::UNAUTHORIZED);
        last = send(&house, request(Method::GET, "/fhir/Patient", "")).await;
    }
    assert_eq!((last.status, last.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "7"));
    assert!(last.header("www-authenticate").is_empty());
}
