//! The FHIR suite against small endpoints: what it must pass, and what it must find.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use conformance::case::{Selection, Verdict, run};
use conformance::fhir::{Bench, Options, Token, cases};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What an endpoint answers: status, further header lines, body.
type Reply = (u16, String, String);
/// Answers a request, given its first line, its head in lower case, and its body.
type Answer = fn(&str, &str, &[u8]) -> Reply;

async fn serve(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/fhir", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut request = Vec::new();
                let mut block = [0; 8_192];
                let head = loop {
                    let count = stream.read(&mut block).await.unwrap_or(0);
                    if count == 0 {
                        return;
                    }
                    request.extend_from_slice(&block[..count]);
                    if let Some(end) = request.windows(4).position(|part| part == b"\r\n\r\n") {
                        break end;
                    }
                };
                let text = String::from_utf8_lossy(&request[..head]).into_owned();
                let lower = text.to_ascii_lowercase();
                let length: usize = lower
                    .lines()
                    .find_map(|line| line.strip_prefix("content-length: "))
                    .map_or(0, |value| value.trim().parse().unwrap());
                let mut body = request.split_off(head.checked_add(4).unwrap());
                while body.len() < length {
                    let count = stream.read(&mut block).await.unwrap();
                    body.extend_from_slice(&block[..count]);
                }
                let (status, headers, body) = answer(text.lines().next().unwrap(), &lower, &body);
                let reply = format!(
                    "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n{body}",
                    body.len()
                );
                stream.write_all(reply.as_bytes()).await.unwrap();
            });
        }
    });
    base
}

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

const JSON: &str = "content-type: application/fhir+json; charset=utf-8\r\n";

fn fhir(status: u16, body: &Value) -> Reply {
    (status, JSON.to_owned(), body.to_string())
}

fn outcome(status: u16) -> Reply {
    let issue = json!({"severity": "error", "code": "processing"});
    fhir(status, &json!({"resourceType": "OperationOutcome", "issue": [issue]}))
}

fn metadata() -> Value {
    let parameters: Vec<Value> =
        ["patient", "category", "code", "date", "status"].map(|name| json!({"name": name})).to_vec();
    json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance",
        "software": {"name": "small"}, "implementation": {"description": "a test endpoint"},
        "fhirVersion": "4.0.1", "format": ["json"],
        "instantiates": ["http://hl7.org/fhir/us/core/CapabilityStatement/us-core-server"],
        "rest": [{"mode": "server", "resource": [{
            "type": "DiagnosticReport",
            "supportedProfile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-lab"],
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": parameters,
        }]}],
    })
}

fn observation(id: &str) -> Value {
    json!({"resource": {
        "resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": "Patient/p1"},
        "code": {"text": "a"}, "valueQuantity": {"value": 1},
        "category": [{"coding": [{"code": "laboratory"}]}],
    }, "search": {"mode": "match"}})
}

fn searchset(entries: &[Value], next: Option<&str>) -> Value {
    let link: Vec<Value> = next.iter().map(|url| json!({"relation": "next", "url": url})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries})
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
async fn an_error_page_in_place_of_an_outcome_is_found() {
    let wrong: Answer = |_, _, _| (404, "content-type: text/html\r\n".into(), "<h1>Not Found</h1>".into());
    assert_eq!(failed(wrong, &["HTTP-05", "HTTP-06", "HTTP-09"]).await, ["HTTP-05", "HTTP-06", "HTTP-09"]);
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
