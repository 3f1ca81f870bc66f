//! An HTTP server of a few lines for the tests, and the resources it answers with.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

/// What an endpoint answers: status, further header lines, body.
pub(crate) type Reply = (u16, String, String);
/// Answers a request, given its first line, its head in lower case, and its body.
pub(crate) type Answer = fn(&str, &str, &[u8]) -> Reply;

/// Starts a server and says what its base URL is.
pub(crate) async fn serve(answer: Answer) -> String {
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

/// The header line of every FHIR answer.
pub(crate) const JSON: &str = "content-type: application/fhir+json; charset=utf-8\r\n";

pub(crate) fn fhir(status: u16, body: &Value) -> Reply {
    (status, JSON.to_owned(), body.to_string())
}

pub(crate) fn outcome(status: u16) -> Reply {
    let issue = json!({"severity": "error", "code": "processing"});
    fhir(status, &json!({"resourceType": "OperationOutcome", "issue": [issue]}))
}

pub(crate) fn metadata() -> Value {
    let parameters: Vec<Value> =
        ["patient", "category", "code", "date", "status"].map(|name| json!({"name": name})).to_vec();
    json!({
        "resourceType": "CapabilityStatement", "status": "active", "date": "2026-01-01", "kind": "instance",
        "software": {"name": "small"}, "implementation": {"description": "a test endpoint"},
        "fhirVersion": "4.0.1", "format": ["json"],
        "rest": [{"mode": "server", "resource": [{
            "type": "DiagnosticReport",
            "supportedProfile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-lab"],
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": parameters,
        }]}],
    })
}

pub(crate) fn searchset(entries: &[Value], next: Option<&str>) -> Value {
    let link: Vec<Value> = next.iter().map(|url| json!({"relation": "next", "url": url})).collect();
    json!({"resourceType": "Bundle", "type": "searchset", "link": link, "entry": entries})
}
