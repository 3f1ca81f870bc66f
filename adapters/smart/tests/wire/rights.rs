use crate::house::{House, LAB, NARROW, SOUTHERN, SURNAME, patient, report, row};
use actix_web::http::StatusCode;
use domain::directory::Application;
use domain::id::RecordId;
use serde_json::Value;

fn ids(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

#[actix_web::test]
async fn what_a_token_does_not_reach_is_401_403_or_the_one_404() {
    let house = House::new().await;
    let all = house.token(LAB, "system/*.rs").await;
    let reads = house.token(LAB, "system/Observation.r").await;
    let searches = house.token(LAB, "system/Observation.s").await;
    let south = house.token(SOUTHERN, "system/*.rs").await;
    let (result, person) = (format!("Observation/{}", row(1)), format!("Patient/{}", patient(1)));
    let (version, history) = (format!("{result}/_history/1"), format!("{result}/_history"));
    let of_patient = format!("{person}/Observation");
    let absent = format!("Observation/{}", RecordId([3; 16]));
    let rows: [(&str, [u16; 6]); 7] = [
        // anonymous, all, reads, searches, another tenant, a token that is none
        (&result, [401, 200, 200, 404, 404, 401]),
        (&version, [401, 200, 200, 404, 404, 401]),
        (&history, [401, 200, 200, 404, 404, 401]),
        ("Observation", [401, 200, 403, 200, 200, 401]),
        (&of_patient, [401, 200, 403, 200, 200, 401]),
        (&person, [401, 200, 404, 404, 404, 401]),
        ("Patient?name=quill", [401, 200, 403, 403, 200, 401]),
    ];
    let not_found = house.get(&absent, &all).await.text;
    for (path, expected) in rows {
        let guess = format!("sga_{}", "A".repeat(43));
        for (token, status) in ["", &all, &reads, &searches, &south, &guess].into_iter().zip(expected) {
            let answer = house.get(path, token).await;
            assert_eq!(answer.status, status, "{path}");
            match status {
                401 => assert!(answer.header("www-authenticate").starts_with("Bearer")),
                403 => assert_eq!(answer.json()["issue"][0]["code"], "forbidden"),
                404 => assert_eq!(answer.text, not_found, "absent and hidden are the same"),
                _ => {}
            }
            assert!(status == 200 || !answer.text.contains(SURNAME));
        }
    }
    assert!(ids(&house.get("Observation", &south).await.json()).is_empty());
    assert_eq!(ids(&house.get("Observation", &searches).await.json()).len(), 2);
    house.doubles.clock.advance(299);
    assert_eq!(house.get(&result, &all).await.status, StatusCode::OK);
    house.doubles.clock.advance(1);
    assert_eq!(house.get(&result, &all).await.status, StatusCode::UNAUTHORIZED, "five minutes");
}

#[actix_web::test]
async fn a_granular_scope_shows_the_unscoped_answer_filtered() {
    let house = House::new().await;
    let narrow = house.token(NARROW, "system/*.rs").await;
    assert_eq!(ids(&house.get("Observation", &narrow).await.json()), [row(1).to_string()]);
    let counted = house.get("Observation?_summary=count", &narrow).await.json();
    assert_eq!(counted["total"], 1);
    assert_eq!(house.get(&format!("Observation/{}", row(1)), &narrow).await.status, StatusCode::OK);
    assert_eq!(house.get(&format!("Observation/{}", row(2)), &narrow).await.status, StatusCode::NOT_FOUND);
    let page = house.get("DiagnosticReport?_include=DiagnosticReport:result", &narrow).await.json();
    let mut shown = ids(&page);
    let mut expected = [report(1), report(2), row(1)].map(|id| id.to_string());
    shown.sort();
    expected.sort();
    assert_eq!(shown, expected, "each included resource is judged on its own");
}

#[actix_web::test]
async fn what_is_taken_from_an_application_is_taken_from_the_tokens_it_holds() {
    let house = House::new().await;
    let token = house.token(LAB, "system/*.rs").await;
    assert_eq!(house.get("Patient", &token).await.status, StatusCode::OK);
    house.change(&|application| Application { scopes: vec!["system/Observation.rs".to_owned()], ..application });
    assert_eq!(house.get("Patient", &token).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.get("Observation", &token).await.status, StatusCode::OK);
    house.change(&|application| Application { enabled: false, ..application });
    assert_eq!(house.get("Observation", &token).await.status, StatusCode::UNAUTHORIZED);
    house.change(&|application| application);
    assert_eq!(house.get("Patient", &token).await.status, StatusCode::OK);
}
