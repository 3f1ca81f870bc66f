use crate::house::{BASE, House};
use crate::{get, request, send};
use actix_web::http::{Method, StatusCode, header};

#[actix_web::test]
async fn a_report_is_read_exactly_as_it_was_stored_with_its_version_in_meta() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let report = house.store_report(patient, 1, "final").await;
    let answer = get(&house, &format!("DiagnosticReport/{report}")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let meta = r#""meta":{"versionId":"1","lastUpdated":"2026-01-01T00:01:00.000Z","profile":["p"]}"#;
    assert!(
        answer
            .text
            .starts_with(&format!(r#"{{"resourceType":"DiagnosticReport","id":"{report}",{meta},"status":"final""#)),
        "{}",
        answer.text
    );
    assert_eq!(answer.header("etag"), "W/\"1\"");
    assert_eq!(answer.header("last-modified"), "Thu, 01 Jan 2026 00:01:00 GMT");
    assert_eq!(answer.header("content-type"), "application/fhir+json; charset=utf-8");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");

    let result = answer.json()["result"][0]["reference"].as_str().unwrap().to_owned();
    let observation = get(&house, &result).await;
    assert!(observation.text.contains("\"value\":7.250,"), "{}", observation.text);
}

#[actix_web::test]
async fn a_version_that_the_client_has_is_not_sent_again() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    for (name, value, expected) in [
        (header::IF_NONE_MATCH, "W/\"1\"", StatusCode::NOT_MODIFIED),
        (header::IF_NONE_MATCH, "1", StatusCode::NOT_MODIFIED),
        (header::IF_NONE_MATCH, "W/\"2\"", StatusCode::OK),
        (header::IF_MODIFIED_SINCE, "Thu, 01 Jan 2026 00:00:00 GMT", StatusCode::NOT_MODIFIED),
        (header::IF_MODIFIED_SINCE, "Wed, 31 Dec 2025 23:59:59 GMT", StatusCode::OK),
    ] {
        let asked = request(Method::GET, &format!("/fhir/Patient/{patient}"), "reader").insert_header((name, value));
        let answer = send(&house, asked).await;
        assert_eq!(answer.status, expected, "{value}");
        assert_eq!(answer.text.is_empty(), expected == StatusCode::NOT_MODIFIED);
        assert_eq!(answer.header("etag"), "W/\"1\"");
    }
}

#[actix_web::test]
async fn a_correction_is_a_new_version_and_the_old_one_stays_readable() {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let report = house.store_report(patient, 1, "final").await;
    house.store_report(patient, 1, "corrected").await;
    let status = |answer: &crate::Answer| answer.json()["status"].as_str().unwrap().to_owned();
    let path = format!("DiagnosticReport/{report}");
    assert_eq!(status(&get(&house, &path).await), "corrected");
    assert_eq!(status(&get(&house, &format!("{path}/_history/1")).await), "final");
    assert_eq!(status(&get(&house, &format!("{path}/_history/2")).await), "corrected");
    assert_eq!(get(&house, &format!("{path}/_history/3")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(get(&house, &format!("{path}/_history/x")).await.status, StatusCode::NOT_FOUND);

    let history = get(&house, &format!("{path}/_history")).await.json();
    assert_eq!((history["type"].as_str(), history["total"].as_u64()), (Some("history"), Some(2)));
    assert_eq!(history["entry"][0]["response"]["etag"], "W/\"2\"");
    assert_eq!(history["entry"][1]["request"]["method"], "POST");
    let first = get(&house, &format!("{path}/_history?_count=1")).await.json();
    let next = first["link"][1]["url"].as_str().unwrap().strip_prefix(BASE).unwrap().to_owned();
    let second = get(&house, &next[1..]).await.json();
    assert_eq!(second["entry"][0]["resource"]["meta"]["versionId"], "1");
    assert_eq!(second["link"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn metadata_needs_no_token_and_says_what_is_served() {
    let house = House::new().await;
    let answer = send(&house, request(Method::GET, "/fhir/metadata", "")).await;
    assert_eq!(answer.status, StatusCode::OK);
    let json = answer.json();
    assert_eq!(json["fhirVersion"], "4.0.1");
    assert_eq!(json["implementation"]["url"], BASE);
    assert!(house.door.turned_away.lock().unwrap().is_empty());
    let pretty = send(&house, request(Method::GET, "/fhir/metadata?_format=json&_pretty=true&mode=full", "")).await;
    assert!(pretty.text.starts_with("{\n  \"resourceType\": \"CapabilityStatement\""));
    assert_eq!(pretty.json(), json);
}

#[actix_web::test]
async fn a_request_id_is_taken_over_when_it_is_one_and_made_when_not() {
    let house = House::new().await;
    let with = |id: &str| request(Method::GET, "/fhir/metadata", "").insert_header(("x-request-id", id));
    assert_eq!(send(&house, with("order-17.a_b")).await.header("x-request-id"), "order-17.a_b");
    for bad in ["a b", "<script>", &"x".repeat(65)] {
        let answer = send(&house, with(bad)).await;
        assert_eq!(answer.header("x-request-id").len(), 36, "{bad}");
    }
}
