//! The FHIR suite against small endpoints: what it must pass, and what it must find.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod server;
mod small;

use conformance::case::{Selection, Verdict, run};
use conformance::fhir::{Bench, Options, Token, cases};
use serde_json::{Value, json};
use server::{Answer, Reply, fhir, metadata, outcome, searchset, serve};
use std::collections::BTreeSet;

async fn verdicts(answer: Answer, token: Option<&str>, only: &[&str]) -> Vec<(&'static str, Verdict)> {
    let mut options = Options::plain(serve(answer).await);
    options.token = token.map(Token::new);
    options.patient = Some("p1".into());
    let selection = Selection {
        only: only.iter().map(|id| (*id).to_owned()).collect(),
        without: BTreeSet::new(),
        ..Selection::default()
    };
    let bench = Bench::new(options).unwrap();
    run(&cases(), &bench, &selection, &mut |_| {})
        .await
        .into_iter()
        .map(|finding| (finding.id, finding.verdict))
        .collect()
}

async fn failed(answer: Answer, only: &[&str]) -> Vec<&'static str> {
    let found = verdicts(answer, None, only).await;
    for (id, verdict) in &found {
        assert!(!matches!(verdict, Verdict::Error(_)), "{id} {verdict:?}");
    }
    found.into_iter().filter(|(_, verdict)| matches!(verdict, Verdict::Fail(_))).map(|(id, _)| id).collect()
}

fn observation(id: &str) -> Value {
    json!({"resource": {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"text": "a"}, "valueQuantity": {"value": 1},
        "category": [{"coding": [{"code": "laboratory"}]}],
    }, "search": {"mode": "match"}})
}

fn good(line: &str, head: &str, _: &[u8]) -> Reply {
    if line.starts_with("GET /fhir/metadata ") && head.contains("accept: image/png") {
        outcome(406)
    } else if line.starts_with("GET /fhir/metadata") {
        fhir(200, &metadata())
    } else if line.contains('?') {
        outcome(400)
    } else {
        outcome(404)
    }
}

#[tokio::test]
async fn a_right_server_fails_nothing() {
    let wrong: Vec<_> = verdicts(small::answer, None, &[])
        .await
        .into_iter()
        .filter(|(id, verdict)| match verdict {
            Verdict::Pass => false,
            // No token and no seed were given.
            Verdict::Skip(_) => !id.starts_with("SEC-") && !id.starts_with("SEED-"),
            Verdict::Fail(_) | Verdict::Error(_) => true,
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[tokio::test]
async fn a_good_statement_and_good_refusals_pass() {
    let only = [
        "CAP", "HTTP-02", "HTTP-03", "HTTP-04", "HTTP-06", "HTTP-07", "HTTP-08", "HTTP-09", "STRICT", "HOST-01",
        "HOST-05",
    ];
    assert_eq!(failed(good, &only).await, Vec::<&str>::new());
}

#[tokio::test]
async fn a_wrong_version_is_found() {
    let wrong: Answer = |_, _, _| {
        let mut statement = metadata();
        statement["fhirVersion"] = json!("4.3.0");
        fhir(200, &statement)
    };
    assert_eq!(failed(wrong, &["CAP"]).await, ["CAP-02"]);
}

#[tokio::test]
async fn a_promise_of_us_core_that_is_not_kept_is_found() {
    let boasting: Answer = |_, _, _| {
        let mut statement = metadata();
        statement["instantiates"] = json!(["http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"]);
        fhir(200, &statement)
    };
    assert_eq!(failed(boasting, &["CAP"]).await, ["CAP-06"]);
}

#[tokio::test]
async fn an_error_page_in_place_of_an_outcome_is_found() {
    let wrong: Answer = |_, _, _| (404, "content-type: text/html\r\n".into(), "<h1>Not Found</h1>".into());
    assert_eq!(failed(wrong, &["HTTP-05", "HTTP-06", "HTTP-09"]).await, ["HTTP-05", "HTTP-06", "HTTP-09"]);
}

#[tokio::test]
async fn a_door_that_opens_to_the_token_alone_passes() {
    let guarded: Answer = |line, head, body| {
        if line.contains("/metadata") || head.contains("\r\nauthorization: bearer secret\r\n") {
            return small::answer(line, head, body);
        }
        let (status, headers, body) = outcome(401);
        (status, headers + "www-authenticate: Bearer\r\n", body)
    };
    for (id, verdict) in verdicts(guarded, Some("secret"), &["SEC", "READ-01"]).await {
        assert_eq!(verdict, Verdict::Pass, "{id}");
    }
}

#[tokio::test]
async fn an_open_door_is_found_only_when_a_token_was_given() {
    let open: Answer = |_, _, _| fhir(200, &searchset(&[], None));
    let found = verdicts(open, Some(" secret\n"), &["SEC-01", "SEC-04"]).await;
    assert!(found.iter().all(|(_, verdict)| matches!(verdict, Verdict::Fail(_))), "{found:?}");
    for (_, verdict) in &found {
        assert!(!format!("{verdict:?}").contains("secret"), "the token is never shown");
    }
    let found = verdicts(open, None, &["SEC-01"]).await;
    assert!(matches!(&found[0].1, Verdict::Skip(why) if why.contains("--token-file")), "{found:?}");
}

#[tokio::test]
async fn ignoring_what_is_not_understood_is_found() {
    let lax: Answer = |_, _, _| fhir(200, &searchset(&[], None));
    let found = failed(lax, &["STRICT"]).await;
    assert_eq!(found, ["STRICT-01", "STRICT-02", "STRICT-03", "STRICT-04", "STRICT-05", "STRICT-06"]);
}

#[tokio::test]
async fn a_broken_server_behind_hostile_input_is_found() {
    let broken: Answer = |line, _, _| if line.contains("%00") { outcome(500) } else { good(line, "", b"") };
    assert_eq!(failed(broken, &["HOST-01"]).await, ["HOST-01"]);
}

#[tokio::test]
async fn pages_that_lose_or_repeat_a_resource_are_found() {
    let whole: Answer = |line, head, _| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let (first, second) = ([observation("o1"), observation("o2")], [observation("o3")]);
        if line.contains("page=2") {
            fhir(200, &searchset(&second, None))
        } else if line.contains("_count=2 ") {
            fhir(200, &searchset(&first, Some(&format!("http://{host}/fhir/Observation?page=2"))))
        } else {
            fhir(200, &searchset(&[first.as_slice(), &second].concat(), None))
        }
    };
    assert_eq!(failed(whole, &["PAGE-02"]).await, Vec::<&str>::new());
    let repeating: Answer = |line, head, _| {
        let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
        let both = [observation("o1"), observation("o2")];
        let next = format!("http://{host}/fhir/Observation?page=2");
        fhir(200, &searchset(&both, line.contains("_count=2 ").then_some(next.as_str())))
    };
    assert_eq!(failed(repeating, &["PAGE-02"]).await, ["PAGE-02"]);
}

#[tokio::test]
async fn another_patients_resources_are_found() {
    let mixed: Answer = |_, _, _| {
        let mut other = observation("o2");
        other["resource"]["subject"]["reference"] = json!("Patient/p2");
        fhir(200, &searchset(&[observation("o1"), other], None))
    };
    assert_eq!(failed(mixed, &["SRCH-18"]).await, ["SRCH-18"]);
}

#[tokio::test]
async fn seeded_cases_are_skipped_with_the_reason_when_nothing_may_be_sent() {
    for (id, verdict) in verdicts(good, None, &["SEED"]).await {
        assert!(matches!(&verdict, Verdict::Skip(why) if why.contains("--seed-mllp")), "{id} {verdict:?}");
    }
}
