//! FHIR R4 §5.1 and §3.1.0.9: what the endpoint says of itself.

use super::bench::{Answer, Bench, Request};
use crate::case::{Case, Importance, Outcome, Stop};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "CAP-01",
        title: "GET metadata answers 200 with a CapabilityStatement, without a token",
        clause: "FHIR R4 §3.1.0.9",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_public(bench)),
    },
    Case {
        id: "CAP-02",
        title: "fhirVersion is 4.0.1",
        clause: "FHIR R4 §5.1.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(says(bench, "/fhirVersion", "4.0.1")),
    },
    Case {
        id: "CAP-03",
        title: "kind is instance, with software, implementation, status and date",
        clause: "FHIR R4 §5.1.3 cpb-2, cpb-15",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(describes_an_instance(bench)),
    },
    Case {
        id: "CAP-04",
        title: "format names JSON",
        clause: "FHIR R4 §5.1.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(offers_json(bench)),
    },
    Case {
        id: "CAP-05",
        title: "rest.mode is server",
        clause: "FHIR R4 §5.1.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(says(bench, "/rest/0/mode", "server")),
    },
    Case {
        id: "CAP-06",
        title: "Who instantiates the US Core server keeps what that promises",
        clause: "US Core 6.1 CapabilityStatement us-core-server",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(keeps_us_core_promises(bench)),
    },
    Case {
        id: "CAP-07",
        title: "DiagnosticReport offers read and search by patient, category, code, date and status",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(offers_reports(bench)),
    },
    Case {
        id: "CAP-08",
        title: "supportedProfile names the laboratory report profile",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: Some("us-core"),
        run: |bench| Box::pin(supports_the_profile(bench)),
    },
    Case {
        id: "CAP-09",
        title: "Resource types and parameter names occur once",
        clause: "FHIR R4 §5.1.3 cpb-9, cpb-12",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(names_are_unique(bench)),
    },
];

async fn statement(bench: &Bench) -> Result<(Answer, Value), Stop> {
    let answer = bench.send(Request::get("metadata").anonymous()).await?;
    answer.status_is(200)?;
    let value = answer.json()?;
    Ok((answer, value))
}

async fn is_public(bench: &Bench) -> Outcome {
    let (answer, value) = statement(bench).await?;
    answer.check(
        value.get("resourceType").and_then(Value::as_str) == Some("CapabilityStatement"),
        "a CapabilityStatement",
    )
}

async fn says(bench: &Bench, pointer: &str, wanted: &str) -> Outcome {
    let (answer, value) = statement(bench).await?;
    answer.check(
        value.pointer(pointer).and_then(Value::as_str) == Some(wanted),
        format!("{} {wanted:?}", pointer.trim_start_matches('/')),
    )
}

async fn describes_an_instance(bench: &Bench) -> Outcome {
    let (answer, value) = statement(bench).await?;
    answer.check(value.get("kind").and_then(Value::as_str) == Some("instance"), "kind \"instance\"")?;
    for pointer in ["/status", "/date", "/software/name", "/implementation/description"] {
        answer.check(
            value.pointer(pointer).and_then(Value::as_str).is_some_and(|text| !text.is_empty()),
            format!("a value at {pointer}"),
        )?;
    }
    Ok(())
}

async fn offers_json(bench: &Bench) -> Outcome {
    let (answer, value) = statement(bench).await?;
    let formats = strings(value.get("format"));
    answer.check(
        formats.iter().any(|format| ["json", "application/fhir+json"].contains(&format.as_str())),
        "format with json or application/fhir+json",
    )
}

async fn keeps_us_core_promises(bench: &Bench) -> Outcome {
    let (answer, value) = statement(bench).await?;
    let named = strings(value.get("instantiates"));
    if !named.iter().any(|url| url.contains("/us/core/CapabilityStatement/us-core-server")) {
        return Ok(());
    }
    let report = resource(&value, "DiagnosticReport");
    let interactions = report.and_then(|report| report.get("interaction")).and_then(Value::as_array);
    let code = |interaction: &Value| interaction.get("code").and_then(Value::as_str).map(ToOwned::to_owned);
    let creates = interactions.into_iter().flatten().any(|interaction| code(interaction).as_deref() == Some("create"));
    answer.check(creates, "the interaction create of DiagnosticReport")?;
    let backwards = report.map(|report| strings(report.get("searchRevInclude"))).unwrap_or_default();
    answer.check(backwards.iter().any(|name| name == "Provenance:target"), "searchRevInclude with Provenance:target")
}

async fn offers_reports(bench: &Bench) -> Outcome {
    let (answer, value) = statement(bench).await?;
    let Some(report) = resource(&value, "DiagnosticReport") else {
        return Err(answer.fail("rest.resource with the type DiagnosticReport"));
    };
    let listed = |list: &str, name: &str| -> BTreeSet<String> {
        let entries = report.get(list).and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.get(name).and_then(Value::as_str))
            .map(str::to_owned)
            .collect()
    };
    let interactions = listed("interaction", "code");
    for wanted in ["read", "search-type"] {
        answer.check(interactions.contains(wanted), format!("the interaction {wanted}"))?;
    }
    let parameters = listed("searchParam", "name");
    for wanted in ["patient", "category", "code", "date", "status"] {
        answer.check(parameters.contains(wanted), format!("the search parameter {wanted}"))?;
    }
    Ok(())
}

async fn supports_the_profile(bench: &Bench) -> Outcome {
    let (answer, value) = statement(bench).await?;
    let profiles =
        resource(&value, "DiagnosticReport").map(|report| strings(report.get("supportedProfile"))).unwrap_or_default();
    answer.check(
        profiles.iter().any(|url| url.contains("us-core-diagnosticreport-lab")),
        "supportedProfile with us-core-diagnosticreport-lab",
    )
}

async fn names_are_unique(bench: &Bench) -> Outcome {
    let (answer, value) = statement(bench).await?;
    let mut types = BTreeSet::new();
    for resource in value.pointer("/rest/0/resource").and_then(Value::as_array).into_iter().flatten() {
        let kind = resource.get("type").and_then(Value::as_str).unwrap_or_default();
        answer.check(types.insert(kind), format!("the type {kind:?} once"))?;
        let mut names = BTreeSet::new();
        for parameter in resource.get("searchParam").and_then(Value::as_array).into_iter().flatten() {
            let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default();
            answer.check(names.insert(name), format!("the parameter {kind}.{name} once"))?;
        }
    }
    answer.check(!types.is_empty(), "rest.resource with at least one type")
}

fn resource<'a>(statement: &'a Value, kind: &str) -> Option<&'a Value> {
    statement
        .pointer("/rest/0/resource")?
        .as_array()?
        .iter()
        .find(|resource| resource.get("type").and_then(Value::as_str) == Some(kind))
}

fn strings(list: Option<&Value>) -> Vec<String> {
    let list = list.and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}
