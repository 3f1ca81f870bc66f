//! US Core 6.1: what laboratory reports and their observations always have.

use super::bench::Bench;
use super::bundle::{Bundle, has_code};
use crate::case::{Case, Importance, Outcome, Stop};
use serde_json::Value;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "USC-01",
        title: "Reports have a status of the value set, the category LAB, a code and a subject",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(reports_are_whole(bench)),
    },
    Case {
        id: "USC-02",
        title: "Reports with results say when (us-core-8)",
        clause: "US Core 6.1 us-core-8",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(reports_have(bench, "us-core-8", &["effectiveDateTime", "effectivePeriod"])),
    },
    Case {
        id: "USC-03",
        title: "Reports with results say when they were issued (us-core-9)",
        clause: "US Core 6.1 us-core-9",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(reports_have(bench, "us-core-9", &["issued"])),
    },
    Case {
        id: "USC-04",
        title: "Observations have a status, the category laboratory, a code and a subject",
        clause: "US Core 6.1 Laboratory Result",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(observations_are_whole(bench)),
    },
    Case {
        id: "USC-05",
        title: "Observations have a value or say why not (us-core-2)",
        clause: "US Core 6.1 us-core-2",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(observations_have_values(bench)),
    },
    Case {
        id: "USC-06",
        title: "Coded units are UCUM (us-core-3)",
        clause: "US Core 6.1 us-core-3",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(units_are_ucum(bench)),
    },
    Case {
        id: "USC-07",
        title: "Times are precise to the day at least (us-core-1)",
        clause: "US Core 6.1 us-core-1",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(times_are_precise(bench)),
    },
    Case {
        id: "USC-08",
        title: "The results a report names can be read and are of the same patient",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(results_resolve(bench)),
    },
    Case {
        id: "USC-09",
        title: "Patients have an identifier with system, a name or a reason, and a gender",
        clause: "US Core 6.1 Patient",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(patient_is_whole(bench)),
    },
    Case {
        id: "USC-10",
        title: "No element is empty or null",
        clause: "FHIR R4 §2.6.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(nothing_is_empty(bench)),
    },
];

const STATUSES: [&str; 10] = [
    "registered",
    "partial",
    "preliminary",
    "final",
    "amended",
    "corrected",
    "appended",
    "cancelled",
    "entered-in-error",
    "unknown",
];

/// The statuses for which us-core-8 and us-core-9 ask for the times.
const WITH_RESULTS: [&str; 6] = ["partial", "preliminary", "final", "amended", "corrected", "appended"];

async fn reports(bench: &Bench) -> Result<Bundle, Stop> {
    let patient = bench.patient().await?;
    some(bench.search(format!("DiagnosticReport?patient={patient}&category=LAB")).await?)
}

async fn observations(bench: &Bench) -> Result<Bundle, Stop> {
    let patient = bench.patient().await?;
    some(bench.search(format!("Observation?patient={patient}&category=laboratory")).await?)
}

fn some(bundle: Bundle) -> Result<Bundle, Stop> {
    if bundle.matches().is_empty() {
        return Err(Stop::Skip("the patient has none".into()));
    }
    Ok(bundle)
}

async fn reports_are_whole(bench: &Bench) -> Outcome {
    let bundle = reports(bench).await?;
    for report in bundle.matches() {
        let status = text(&report, "/status");
        bundle.answer.check(STATUSES.contains(&status), "a status of the value set")?;
        bundle.answer.check(has_code(report.get("category"), None, "LAB"), "the category LAB")?;
        bundle.answer.check(is_concept(report.get("code")), "a code with a coding or a text")?;
        bundle.answer.check(text(&report, "/subject/reference").contains("Patient/"), "a subject")?;
    }
    Ok(())
}

async fn reports_have(bench: &Bench, rule: &str, one_of: &[&str]) -> Outcome {
    let bundle = reports(bench).await?;
    for report in bundle.matches() {
        bundle.answer.check(
            !WITH_RESULTS.contains(&text(&report, "/status")) || one_of.iter().any(|name| report.get(name).is_some()),
            format!("{} in reports with results ({rule})", one_of.join(" or ")),
        )?;
    }
    Ok(())
}

async fn observations_are_whole(bench: &Bench) -> Outcome {
    let bundle = observations(bench).await?;
    for found in bundle.matches() {
        bundle.answer.check(!text(&found, "/status").is_empty(), "a status")?;
        bundle.answer.check(has_code(found.get("category"), None, "laboratory"), "the category laboratory")?;
        bundle.answer.check(is_concept(found.get("code")), "a code with a coding or a text")?;
        bundle.answer.check(text(&found, "/subject/reference").contains("Patient/"), "a subject")?;
    }
    Ok(())
}

async fn observations_have_values(bench: &Bench) -> Outcome {
    let bundle = observations(bench).await?;
    for found in bundle.matches() {
        let has = found.as_object().is_some_and(|object| {
            object.keys().any(|key| {
                key.starts_with("value") || ["dataAbsentReason", "component", "hasMember"].contains(&key.as_str())
            })
        });
        bundle.answer.check(has, "value[x], dataAbsentReason, component or hasMember (us-core-2)")?;
    }
    Ok(())
}

async fn units_are_ucum(bench: &Bench) -> Outcome {
    let bundle = observations(bench).await?;
    for found in bundle.matches() {
        let Some(quantity) = found.get("valueQuantity") else { continue };
        if quantity.get("code").is_some() {
            bundle.answer.check(
                text(quantity, "/system") == "http://unitsofmeasure.org",
                "the system http://unitsofmeasure.org beside a coded unit (us-core-3)",
            )?;
        }
    }
    Ok(())
}

async fn times_are_precise(bench: &Bench) -> Outcome {
    let bundle = observations(bench).await?;
    for found in bundle.matches() {
        let time = text(&found, "/effectiveDateTime");
        bundle.answer.check(time.is_empty() || time.len() >= 10, "effectiveDateTime to the day (us-core-1)")?;
        // FHIR asks for a zone as soon as there is a time of day.
        let clock = time.split_once('T').map_or("", |(_, clock)| clock);
        bundle.answer.check(
            clock.is_empty() || clock.ends_with('Z') || clock.contains('+') || clock.contains('-'),
            "a zone beside a time of day",
        )?;
    }
    Ok(())
}

async fn results_resolve(bench: &Bench) -> Outcome {
    const SAMPLE: usize = 20;
    let bundle = reports(bench).await?;
    for report in bundle.matches() {
        let references = report.get("result").and_then(Value::as_array).cloned().unwrap_or_default();
        for reference in references.iter().take(SAMPLE) {
            let reference = text(reference, "/reference");
            bundle.answer.check(reference.contains("Observation/"), "references to observations in result")?;
            let answer = bench.get(reference).await?;
            answer.status_is(200)?;
            answer.check(
                text(&answer.json()?, "/subject/reference") == text(&report, "/subject/reference"),
                "the subject of the report",
            )?;
        }
    }
    Ok(())
}

async fn patient_is_whole(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let answer = bench.get(format!("Patient/{patient}")).await?;
    answer.status_is(200)?;
    let found = answer.json()?;
    let identifiers = found.get("identifier").and_then(Value::as_array).cloned().unwrap_or_default();
    answer.check(!identifiers.is_empty(), "an identifier")?;
    for identifier in &identifiers {
        answer.check(
            !text(identifier, "/system").is_empty() && !text(identifier, "/value").is_empty(),
            "system and value in each identifier",
        )?;
    }
    let name = found.pointer("/name/0");
    answer.check(
        name.is_some_and(|name| ["family", "given", "text", "extension"].iter().any(|part| name.get(part).is_some())),
        "a name, or the reason for its absence",
    )?;
    answer.check(["male", "female", "other", "unknown"].contains(&text(&found, "/gender")), "a gender")
}

async fn nothing_is_empty(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    for query in ["DiagnosticReport", "Observation"] {
        let bundle = bench.search(format!("{query}?patient={patient}")).await?;
        for resource in bundle.matches() {
            bundle.answer.check(!holds_nothing(&resource), "no empty string, list or object, and no null")?;
        }
    }
    Ok(())
}

/// Says whether a value, or any value in it, is empty.
fn holds_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(_) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty() || list.iter().any(holds_nothing),
        Value::Object(object) => {
            object.is_empty()
                // The arrays beside `_name` may hold null for an entry without extensions.
                || object.iter().any(|(name, inner)| match inner {
                    Value::Array(list) if name.starts_with('_') || object.contains_key(&format!("_{name}")) => {
                        list.is_empty()
                    }
                    other => holds_nothing(other),
                })
        }
    }
}

fn is_concept(value: Option<&Value>) -> bool {
    value.is_some_and(|concept| concept.pointer("/coding/0/code").is_some() || concept.get("text").is_some())
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::holds_nothing;
    use serde_json::json;

    #[test]
    fn emptiness_is_found_at_any_depth() {
        assert!(holds_nothing(&json!({"a": [{"b": ""}]})));
        assert!(holds_nothing(&json!({"a": null})));
        assert!(holds_nothing(&json!({"a": []})));
        assert!(!holds_nothing(&json!({"a": [{"b": 0}], "given": ["x", null], "_given": [null, {"id": "1"}]})));
    }
}
