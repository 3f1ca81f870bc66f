//! An independent reader judges what we write: fhir-sdk's R4B types (of the same shape as R4 for these resources).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::{History, Page, Resource};
use domain::time::Timestamp;
use r4::bundle::{Links, history, searchset};
use r4::capability::{Instance, render};
use r4::outcome::{IssueSeverity, IssueType};
use serde_json::Value;

const BASE: &str = "https://here.example/fhir";
const MOMENT: &str = "2026-11-21T10:00:00.120Z";

/// Reads a resource with the judge and returns what the judge makes of it.
fn judged(json: &str) -> Value {
    let read: fhir_sdk::r4b::resources::Resource = serde_json::from_str(json).unwrap();
    serde_json::to_value(&read).unwrap()
}

/// Instants are written by the judge in its own way; both are brought to it before they are compared.
fn plain(json: &str) -> Value {
    serde_json::from_str(&json.replace(MOMENT, "2026-11-21T10:00:00.12Z")).unwrap()
}

fn resource(kind: Kind, id: u8, version: u32, rest: &str) -> Resource {
    let id = RecordId::from_name([id; 16]);
    let content = format!(r#"{{"resourceType":"{kind}","id":"{id}"{rest}}}"#);
    Resource { kind, id, version, last_updated: Timestamp::from_rfc3339(MOMENT).unwrap(), content }
}

const OBSERVATION: &str =
    r#","status":"final","code":{"text":"Glucose"},"valueQuantity":{"value":7.25,"unit":"mmol/L"}"#;

#[test]
fn an_outcome_says_the_same_to_another_reader() {
    for (severity, code) in [
        (IssueSeverity::Error, IssueType::NotFound),
        (IssueSeverity::Error, IssueType::Login),
        (IssueSeverity::Fatal, IssueType::Exception),
        (IssueSeverity::Warning, IssueType::NotSupported),
    ] {
        let json = r4::outcome::render(severity, code, "there is no such \"resource\"");
        assert_eq!(judged(&json), plain(&json));
    }
}

#[test]
fn who_signed_in_says_the_same_to_another_reader() {
    for name in ["Ada \"the\" Okoro", "", "\u{7}"] {
        let json = r4::signed_in::render(&RecordId::from_name([1; 16]).to_string(), name);
        assert_eq!(judged(&json), plain(&json));
    }
}

#[test]
fn a_capability_statement_says_the_same_to_another_reader() {
    let date = Timestamp::from_rfc3339(MOMENT).unwrap();
    let json = render(&Instance { base: BASE, version: "0.1.0", date, smart: true });
    let statement = judged(&json);
    assert_eq!(statement, plain(&json));
    assert_eq!(statement["fhirVersion"], "4.0.1");
    let resources = statement["rest"][0]["resource"].as_array().unwrap();
    assert_eq!(resources.len(), Kind::ALL.iter().filter(|kind| kind.is_fhir()).count());
}

#[test]
fn every_parameter_that_is_announced_is_understood() {
    let json = render(&Instance { base: BASE, version: "0.1.0", date: Timestamp(0), smart: true });
    let statement: Value = serde_json::from_str(&json).unwrap();
    for resource in statement["rest"][0]["resource"].as_array().unwrap() {
        let kind = Kind::from_name(resource["type"].as_str().unwrap()).unwrap();
        for parameter in resource["searchParam"].as_array().unwrap() {
            let value = match parameter["type"].as_str().unwrap() {
                "date" => "ge2024-01-01",
                _ => "true",
            };
            let pairs = [(parameter["name"].as_str().unwrap().to_owned(), value.to_owned())];
            let settings = r4::search::Settings {
                base: BASE,
                now: Timestamp(0),
                default_count: 20,
                max_count: 100,
                lenient: false,
            };
            assert!(r4::search::read(kind, &pairs, settings).is_ok(), "{kind} {parameter}");
        }
    }
}

#[test]
fn a_searchset_says_the_same_to_another_reader_and_keeps_every_digit() {
    let page = Page {
        matches: vec![resource(Kind::DiagnosticReport, 1, 2, r#","status":"final","code":{"text":"Panel"}"#)],
        included: vec![resource(Kind::Observation, 2, 1, OBSERVATION)],
        next: None,
        total: Some(7),
    };
    let links = Links { this: format!("{BASE}/DiagnosticReport?code=a%7Cb"), next: Some(format!("{BASE}/next")) };
    let json = searchset(BASE, &page, &links, 1);
    assert_eq!(judged(&json), plain(&json));
    let exact =
        Page { matches: vec![resource(Kind::Observation, 2, 1, &OBSERVATION.replace("7.25", "7.250"))], ..page };
    assert!(searchset(BASE, &exact, &links, 0).contains("\"value\":7.250,"));
}

#[test]
fn an_empty_searchset_has_no_entries_at_all() {
    let page = Page { matches: Vec::new(), included: Vec::new(), next: None, total: Some(0) };
    let links = Links { this: format!("{BASE}/Patient"), next: None };
    let json = searchset(BASE, &page, &links, 0);
    assert_eq!(judged(&json), plain(&json));
    assert_eq!(
        json,
        r#"{"resourceType":"Bundle","type":"searchset","total":0,"link":[{"relation":"self","url":"https://here.example/fhir/Patient"}]}"#
    );
}

#[test]
fn a_history_says_the_same_to_another_reader() {
    let entries = [2, 1].map(|version| resource(Kind::Observation, 2, version, OBSERVATION)).into();
    let links = Links { this: format!("{BASE}/Observation/1/_history"), next: None };
    let json = history(BASE, &History { entries, total: Some(2), next: None }, &links);
    let bundle = judged(&json);
    assert_eq!(bundle, plain(&json));
    assert_eq!(bundle["entry"][1]["request"]["method"], "POST");
    assert_eq!(bundle["entry"][0]["response"]["etag"], "W/\"2\"");
}

/// Feature unification could switch `arbitrary_precision` on from anywhere; with it the judge drops every quantity,
/// and so would any typed reader.
#[test]
fn no_crate_of_the_build_turns_numbers_into_maps() {
    let number: Value = serde_json::from_str("1.50").unwrap();
    assert_eq!(number.to_string(), "1.5", "serde_json/arbitrary_precision is on");
    let json = resource(Kind::Observation, 2, 1, OBSERVATION).content;
    assert_eq!(judged(&json)["valueQuantity"]["value"], 7.25);
}
