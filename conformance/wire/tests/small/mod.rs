//! A FHIR server of one patient with two reports, right in all that the suite asks.

use crate::server::{JSON, Reply, fhir, metadata, outcome};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const TIME: &str = "2026-03-14T09:30:00.000Z";
const HTTP_TIME: &str = "Sat, 14 Mar 2026 09:30:00 GMT";

/// Answers a request.
pub(crate) fn answer(line: &str, head: &str, body: &[u8]) -> Reply {
    let mut words = line.split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let host = head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let path = path.strip_prefix("/fhir/").unwrap_or_default();
    let form = String::from_utf8_lossy(body).into_owned();
    let is_form = head.contains("content-type: application/x-www-form-urlencoded");
    match (method, path.split('/').collect::<Vec<_>>().as_slice()) {
        ("GET", ["metadata"]) if head.contains("accept: image/png") => outcome(406),
        ("GET", ["metadata"]) => fhir(200, &metadata()),
        ("POST", [kind, "_search"]) if is_form => search(kind, &form, host),
        ("GET", [kind @ ("DiagnosticReport" | "Observation" | "Patient")]) => search(kind, query, host),
        ("GET", [kind, id]) => find(kind, id).map_or_else(|| outcome(404), |found| read(&found, head)),
        ("GET", [kind, id, "_history", "1"]) => find(kind, id).map_or_else(|| outcome(404), |found| read(&found, "")),
        ("GET", [kind, id, "_history"]) => find(kind, id).map_or_else(|| outcome(404), |found| history(&found)),
        ("GET", _) => outcome(404),
        _ => outcome(405),
    }
}

fn read(found: &Value, head: &str) -> Reply {
    let header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("");
    let headers = format!("{JSON}etag: W/\"1\"\r\nlast-modified: {HTTP_TIME}\r\n");
    let unmodified = header("if-modified-since: ").eq_ignore_ascii_case(HTTP_TIME);
    if header("if-none-match: ").contains("\"1\"") || unmodified {
        return (304, headers, String::new());
    }
    (200, headers, found.to_string())
}

fn history(found: &Value) -> Reply {
    let entry = json!({"resource": found, "request": {"method": "PUT", "url": "x"}, "response": {"status": "200"}});
    fhir(200, &json!({"resourceType": "Bundle", "type": "history", "entry": [entry]}))
}

/// Searches as the parameters say; refuses what it does not know.
fn search(kind: &str, query: &str, host: &str) -> Reply {
    let Some(wanted) = pairs(query) else { return outcome(400) };
    let mut found: Vec<Value> = all().into_iter().filter(|one| one["resourceType"] == kind).collect();
    let (mut count, mut skip, mut include) = (50_usize, 0_usize, false);
    for (name, value) in &wanted {
        match name.as_str() {
            "_count" => match value.parse() {
                Ok(number) => count = number,
                Err(_) => return outcome(400),
            },
            "page" => match value.strip_prefix("AAAAAAAAA").and_then(|number| number.parse().ok()) {
                Some(number) => skip = number,
                None => return outcome(400),
            },
            "_include" if value == "DiagnosticReport:result" => include = true,
            "patient" if kind != "Patient" => {
                let reference = format!("Patient/{}", value.trim_start_matches("Patient/"));
                found.retain(|one| one["subject"]["reference"] == reference);
            }
            "category" | "code" => found.retain(|one| concept(&one[name.as_str()], value)),
            "identifier" if kind == "Patient" => found.retain(|one| {
                let own = &one["identifier"][0];
                token(value, own["system"].as_str().unwrap(), own["value"].as_str().unwrap())
            }),
            "status" => found.retain(|one| value.split(',').any(|status| one["status"] == status)),
            "_id" => found.retain(|one| one["id"] == value.as_str()),
            "date" | "_lastUpdated" => {
                let Some((prefix, time)) = date(value) else { return outcome(400) };
                found.retain(|one| {
                    let own = if name == "date" { &one["effectiveDateTime"] } else { &one["meta"]["lastUpdated"] };
                    // All times here share their zone, so the text orders as the times do.
                    let own: String = own.as_str().unwrap_or_default().chars().take(time.len()).collect();
                    match prefix {
                        "ge" => own.as_str() >= time,
                        "gt" => own.as_str() > time,
                        "le" => own.as_str() <= time,
                        "lt" => own.as_str() < time,
                        _ => own.as_str() == time,
                    }
                });
            }
            _ => return outcome(400),
        }
    }
    let base = format!("http://{host}/fhir");
    let total = found.len();
    let page: Vec<Value> = found.into_iter().skip(skip).take(count).collect();
    let next = skip.saturating_add(page.len());
    let mut links = vec![json!({"relation": "self", "url": format!("{base}/{kind}?{query}")})];
    if count > 0 && next < total {
        // A server of the real world hides the query in its cursor; this one has one patient only.
        let url = format!("{base}/{kind}?_count={count}&page=AAAAAAAAA{next:08}");
        links.push(json!({"relation": "next", "url": url}));
    }
    let results: BTreeMap<String, Value> = page
        .iter()
        .flat_map(|report| report["result"].as_array().cloned().unwrap_or_default())
        .filter_map(|result| {
            let id = result["reference"].as_str()?.strip_prefix("Observation/")?.to_owned();
            Some((id.clone(), find("Observation", &id)?))
        })
        .collect();
    let entry = |one: &Value, mode: &str| {
        let url = format!("{base}/{}/{}", one["resourceType"].as_str().unwrap(), one["id"].as_str().unwrap());
        json!({"fullUrl": url, "resource": one, "search": {"mode": mode}})
    };
    let mut entries: Vec<Value> = page.iter().map(|one| entry(one, "match")).collect();
    if include {
        entries.extend(results.values().map(|one| entry(one, "include")));
    }
    fhir(200, &json!({"resourceType": "Bundle", "type": "searchset", "total": total, "link": links, "entry": entries}))
}

fn pairs(query: &str) -> Option<Vec<(String, String)>> {
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            if value.contains("%00") || value.contains("%FF") {
                return None;
            }
            Some((name.to_owned(), value.replace("%7C", "|").replace("%2B", "+").replace("%3A", ":")))
        })
        .collect()
}

fn date(value: &str) -> Option<(&str, &str)> {
    const REFUSED: [&str; 4] = ["2026-13-01", "2026-02-30", "2026-03-14T25:00:00Z", ""];
    let digits = value.find(|first: char| first.is_ascii_digit()).unwrap_or(value.len());
    let (prefix, time) = value.split_at(digits);
    let known = ["", "eq", "ge", "gt", "le", "lt"].contains(&prefix);
    let plain = time.chars().all(|one| one.is_ascii_digit() || "-+:.TZ".contains(one));
    (known && plain && !REFUSED.contains(&time)).then_some((prefix, time))
}

fn concept(concepts: &Value, wanted: &str) -> bool {
    let list = concepts.as_array().cloned().unwrap_or_else(|| vec![concepts.clone()]);
    list.iter().any(|one| {
        let coding = &one["coding"][0];
        token(wanted, coding["system"].as_str().unwrap(), coding["code"].as_str().unwrap())
    })
}

fn token(wanted: &str, system: &str, code: &str) -> bool {
    wanted.split_once('|').map_or(wanted == code, |(asked, value)| asked == system && value == code)
}

fn find(kind: &str, id: &str) -> Option<Value> {
    all().into_iter().find(|one| one["resourceType"] == kind && one["id"] == id)
}

fn all() -> Vec<Value> {
    let meta = json!({"versionId": "1", "lastUpdated": TIME});
    let subject = json!({"reference": "Patient/p1"});
    let concept = |system: &str, code: &str| json!({"coding": [{"system": system, "code": code}]});
    let mut all = vec![json!({
        "resourceType": "Patient", "id": "p1", "meta": meta, "gender": "female", "name": [{"family": "Example"}],
        "identifier": [{"system": "urn:oid:2.16.840.1.113883.19.5", "value": "SGC-1"}],
    })];
    for (report, day) in [("r1", "14"), ("r2", "15")] {
        let time = format!("2026-03-{day}T08:00:00+00:00");
        let observations: Vec<String> = (1..4).map(|number| format!("{report}-o{number}")).collect();
        let references: Vec<Value> =
            observations.iter().map(|id| json!({"reference": format!("Observation/{id}")})).collect();
        all.push(json!({
            "resourceType": "DiagnosticReport", "id": report, "meta": meta, "status": "final", "subject": subject,
            "category": [concept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB")],
            "code": concept("http://loinc.org", "24323-8"), "effectiveDateTime": time, "issued": TIME,
            "result": references,
        }));
        for id in observations {
            all.push(json!({
                "resourceType": "Observation", "id": id, "meta": meta, "status": "final", "subject": subject,
                "category": [concept("http://terminology.hl7.org/CodeSystem/observation-category", "laboratory")],
                "code": concept("http://loinc.org", "2951-2"), "effectiveDateTime": time,
                "valueQuantity": {"value": 140, "unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"},
            }));
        }
    }
    all
}
