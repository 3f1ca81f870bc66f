use crate::house::{BASE, House};
use crate::{Answer, get, request, send};
use actix_web::http::{Method, StatusCode, header};
use domain::id::RecordId;
use serde_json::Value;

fn ids(bundle: &Value, mode: &str) -> Vec<String> {
    let none = Vec::new();
    let entries = bundle["entry"].as_array().unwrap_or(&none);
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

fn link(bundle: &Value, relation: &str) -> Option<String> {
    let links = bundle["link"].as_array().unwrap();
    let found = links.iter().find(|link| link["relation"] == relation)?;
    Some(found["url"].as_str().unwrap().strip_prefix(BASE).unwrap()[1..].to_owned())
}

async fn with_reports(count: u8) -> (House, RecordId) {
    let house = House::new().await;
    let patient = house.store_patient(1).await;
    let other = house.store_patient(2).await;
    for number in 1..=count {
        house.store_report(patient, number, "final").await;
    }
    house.store_report(other, count + 1, "final").await;
    (house, patient)
}

#[actix_web::test]
async fn reports_of_a_patient_are_found_newest_first_by_what_they_say() {
    let (house, patient) = with_reports(4).await;
    for (query, expected) in [
        (format!("DiagnosticReport?patient={patient}"), 4),
        (format!("DiagnosticReport?patient=Patient/{patient}&category=LAB"), 2),
        (format!("DiagnosticReport?subject={BASE}/Patient/{patient}&category=LAB,RAD"), 4),
        (format!("DiagnosticReport?patient={patient}&category=http://terminology.hl7.org/CodeSystem/v2-0074%7CRAD"), 2),
        (format!("DiagnosticReport?patient={patient}&date=ge2025-12-03&date=lt2025-12-04"), 1),
        (format!("DiagnosticReport?patient={patient}&code=58410-2&status=final,amended"), 4),
        (format!("Patient/{patient}/DiagnosticReport?category=LAB"), 2),
        (format!("Observation?patient={patient}&code=2345-7"), 8),
        ("DiagnosticReport?date=2025-12-02".to_owned(), 1),
        ("DiagnosticReport".to_owned(), 5),
        ("Patient?identifier=urn:mrn%7CM1".to_owned(), 1),
        ("Patient?family=quill&birthdate=1970-01-31".to_owned(), 2),
        ("Patient?name=nobody".to_owned(), 0),
        (format!("Patient?_id={patient},not-one-of-ours"), 1),
        (format!("DiagnosticReport?patient={}", RecordId([5; 16])), 0),
    ] {
        let answer = get(&house, &query).await;
        assert_eq!(answer.status, StatusCode::OK, "{query}");
        let bundle = answer.json();
        assert_eq!(ids(&bundle, "match").len(), expected, "{query}");
        assert_eq!(bundle["total"], expected, "{query}");
        assert_eq!(bundle["type"], "searchset");
    }
    let newest = get(&house, &format!("DiagnosticReport?patient={patient}")).await.json();
    let expected: Vec<String> = (1..=4).rev().map(|number| crate::house::report_id(number).to_string()).collect();
    assert_eq!(ids(&newest, "match"), expected);
    assert_eq!(newest["entry"][0]["fullUrl"], format!("{BASE}/DiagnosticReport/{}", expected[0]));
}

#[actix_web::test]
async fn a_posted_search_finds_what_the_same_query_finds() {
    let (house, patient) = with_reports(3).await;
    let path = format!("DiagnosticReport?patient={patient}&category=LAB");
    let by_get = get(&house, &path).await.json();
    let post = |path: &str, body: String| {
        request(Method::POST, path, "reader")
            .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=utf-8"))
            .set_payload(body)
    };
    let posted = send(&house, post("/fhir/DiagnosticReport/_search", format!("patient={patient}&category=LAB"))).await;
    assert_eq!(posted.json(), by_get);
    let mixed =
        send(&house, post(&format!("/fhir/DiagnosticReport/_search?patient={patient}"), "category=LAB".to_owned()))
            .await;
    assert_eq!(mixed.json(), by_get);
}

#[actix_web::test]
async fn pages_lead_to_every_match_once_while_others_are_written() {
    let (house, patient) = with_reports(5).await;
    let mut page = get(&house, &format!("Observation?patient={patient}&_count=3")).await.json();
    let mut seen = ids(&page, "match");
    let mut pages = 1u8;
    while let Some(next) = link(&page, "next") {
        assert!(next.len() < 1_000);
        house.store_report(patient, 50 + pages, "final").await;
        page = get(&house, &next).await.json();
        assert!(ids(&page, "match").len() <= 3);
        seen.extend(ids(&page, "match"));
        pages += 1;
    }
    assert_eq!((pages, seen.len()), (4, 10));
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 10);
}

#[actix_web::test]
async fn a_next_link_names_nobody_and_is_good_for_one_client_and_one_type_and_one_day() {
    let (house, patient) = with_reports(3).await;
    let page = get(&house, &format!("DiagnosticReport?patient={patient}&_count=1")).await.json();
    let next = link(&page, "next").unwrap();
    let as_second = send(&house, request(Method::GET, &format!("/fhir/{next}"), "second")).await;
    assert_eq!((as_second.status, as_second.issue().as_str()), (StatusCode::BAD_REQUEST, "invalid"));
    assert!(!next.contains("patient") && !next.contains(&patient.to_string()), "the question is inside the cursor");
    for changed in [next.replace("DiagnosticReport?", "Observation?"), format!("{next}&status=final")] {
        assert_eq!(get(&house, &changed).await.status, StatusCode::BAD_REQUEST);
    }
    let altered = format!("{}A", &next[..next.len() - 1]);
    assert_eq!(get(&house, &altered).await.status, StatusCode::BAD_REQUEST);
    assert_eq!(get(&house, "DiagnosticReport?_cursor=!").await.status, StatusCode::BAD_REQUEST);
    house.doubles.clock.advance(2 * 86_400);
    let late = get(&house, &next).await;
    assert_eq!((late.status, late.issue().as_str()), (StatusCode::GONE, "expired"));
}

#[actix_web::test]
async fn an_include_adds_the_results_and_total_counts_matches_only() {
    let (house, patient) = with_reports(2).await;
    let bundle =
        get(&house, &format!("DiagnosticReport?patient={patient}&_include=DiagnosticReport:result")).await.json();
    assert_eq!((ids(&bundle, "match").len(), ids(&bundle, "include").len()), (2, 4));
    assert_eq!(bundle["total"], 2);
}

#[actix_web::test]
async fn a_count_alone_and_an_exact_total_can_be_had() {
    let (house, patient) = with_reports(4).await;
    for query in ["_summary=count", "_count=0"] {
        let bundle = get(&house, &format!("DiagnosticReport?patient={patient}&{query}")).await.json();
        assert_eq!((bundle["total"].as_u64(), bundle["entry"].is_null()), (Some(4), true), "{query}");
        assert!(link(&bundle, "next").is_none());
    }
    let bundle = get(&house, &format!("DiagnosticReport?patient={patient}&_count=1&_total=accurate")).await.json();
    assert_eq!((bundle["total"].as_u64(), ids(&bundle, "match").len()), (Some(4), 1));
    let bundle = get(&house, &format!("DiagnosticReport?patient={patient}&_count=1")).await.json();
    assert!(bundle["total"].is_null());
}

#[actix_web::test]
async fn unknown_parameters_are_refused_or_left_out_for_a_lenient_client_and_the_self_link_tells() {
    let (house, patient) = with_reports(1).await;
    let path = format!("/fhir/DiagnosticReport?patient={patient}&colour=red");
    let strict = send(&house, request(Method::GET, &path, "reader")).await;
    assert_eq!((strict.status, strict.issue().as_str()), (StatusCode::BAD_REQUEST, "not-supported"));
    assert!(strict.text.contains("based-on") && !strict.text.contains("colour"));
    let lenient = request(Method::GET, &path, "reader").insert_header(("prefer", "handling=lenient"));
    let bundle: Answer = send(&house, lenient).await;
    assert_eq!(link(&bundle.json(), "self").unwrap(), format!("DiagnosticReport?patient={patient}"));
    let entries = bundle.json()["entry"].as_array().unwrap().len();
    assert_eq!((entries, ids(&bundle.json(), "match").len()), (2, 1));
    assert_eq!(bundle.json()["entry"][1]["search"]["mode"], "outcome");
}
