//! FHIR R4 §3.1.0: content types, status codes and outcomes.

use super::bench::{Bench, Request};
use crate::case::{Case, Importance, Outcome};
use reqwest::Method;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "HTTP-01",
        title: "Resources come as application/fhir+json",
        clause: "FHIR R4 §3.1.0.1.10",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(serves_fhir_json(bench)),
    },
    Case {
        id: "HTTP-02",
        title: "Accept application/json and */* get JSON as well",
        clause: "FHIR R4 §3.1.0.1.10",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(takes_other_names_of_json(bench)),
    },
    Case {
        id: "HTTP-03",
        title: "_format=json is understood and beats Accept",
        clause: "FHIR R4 §3.1.0.1.11",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(format_beats_accept(bench)),
    },
    Case {
        id: "HTTP-04",
        title: "A format that is not served gets 406 with an OperationOutcome",
        clause: "FHIR R4 §3.1.0.1.10",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(refuses_other_formats(bench)),
    },
    Case {
        id: "HTTP-05",
        title: "A type that does not exist gets 404 with an OperationOutcome",
        clause: "FHIR R4 §3.1.0.1.5",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(unknown_type_is_not_found(bench)),
    },
    Case {
        id: "HTTP-06",
        title: "An id that does not exist gets 404 with an OperationOutcome",
        clause: "FHIR R4 §3.1.0.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(unknown_id_is_not_found(bench)),
    },
    Case {
        id: "HTTP-07",
        title: "An id that no resource can have gets 400 or 404 with an OperationOutcome",
        clause: "FHIR R4 §2.24.0",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(impossible_id_is_refused(bench)),
    },
    Case {
        id: "HTTP-08",
        title: "A method the endpoint does not offer gets 4xx with an OperationOutcome",
        clause: "FHIR R4 §3.1.0.1.5",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(other_methods_are_refused(bench)),
    },
    Case {
        id: "HTTP-09",
        title: "An OperationOutcome comes as application/fhir+json",
        clause: "FHIR R4 §3.1.0.1.10",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(outcome_is_fhir_json(bench)),
    },
];

async fn serves_fhir_json(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    for target in ["metadata".to_owned(), format!("Patient/{patient}"), format!("DiagnosticReport?patient={patient}")] {
        let answer = bench.get(target).await?;
        answer.status_is(200)?;
        answer.check(
            answer.header("content-type").starts_with("application/fhir+json"),
            "Content-Type application/fhir+json",
        )?;
    }
    Ok(())
}

async fn takes_other_names_of_json(bench: &Bench) -> Outcome {
    for accept in ["application/json", "*/*", "application/fhir+json; fhirVersion=4.0", "text/html, */*;q=0.1"] {
        let answer = bench.send(Request::get("metadata").with("accept", accept)).await?;
        answer.status_is(200)?;
        answer.check(answer.header("content-type").contains("json"), "a Content-Type of JSON")?;
    }
    Ok(())
}

async fn format_beats_accept(bench: &Bench) -> Outcome {
    for format in ["json", "application/json", "application/fhir%2Bjson"] {
        let request = Request::get(format!("metadata?_format={format}")).with("accept", "application/fhir+xml");
        let answer = bench.send(request).await?;
        answer.status_is(200)?;
        answer.json()?;
    }
    Ok(())
}

async fn refuses_other_formats(bench: &Bench) -> Outcome {
    bench.send(Request::get("metadata").with("accept", "image/png")).await?.refuses_with(&[406])
}

async fn unknown_type_is_not_found(bench: &Bench) -> Outcome {
    for target in ["Nothing/1", "Nothing?_count=1", "diagnosticreport/1"] {
        bench.get(target).await?.refuses_with(&[404])?;
    }
    Ok(())
}

async fn unknown_id_is_not_found(bench: &Bench) -> Outcome {
    for kind in ["DiagnosticReport", "Observation", "Patient"] {
        bench.get(format!("{kind}/conformance-none")).await?.refuses_with(&[404])?;
    }
    Ok(())
}

async fn impossible_id_is_refused(bench: &Bench) -> Outcome {
    let long = "a".repeat(65);
    for id in ["with%20space", "under_score", "%C3%A4", long.as_str()] {
        bench.get(format!("DiagnosticReport/{id}")).await?.refuses_with(&[400, 404])?;
    }
    Ok(())
}

async fn other_methods_are_refused(bench: &Bench) -> Outcome {
    for (method, target) in [
        (Method::DELETE, "metadata"),
        (Method::PUT, "metadata"),
        (Method::PATCH, "DiagnosticReport/conformance-none"),
        (Method::POST, "Patient/conformance-none"),
    ] {
        bench.send(Request::new(method, target)).await?.refuses()?;
    }
    Ok(())
}

async fn outcome_is_fhir_json(bench: &Bench) -> Outcome {
    let answer = bench.get("DiagnosticReport/conformance-none").await?;
    answer.refuses_with(&[404])?;
    answer
        .check(answer.header("content-type").starts_with("application/fhir+json"), "Content-Type application/fhir+json")
}
