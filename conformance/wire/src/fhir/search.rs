//! FHIR R4 §3.1.1: searching reports by the parameters US Core asks for.

use super::bench::{Bench, Request};
use super::bundle::{Bundle, address, has_code, id};
use crate::case::{Case, Importance, Outcome, Stop};
use serde_json::Value;
use std::collections::BTreeSet;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "SRCH-01",
        title: "patient finds reports of that patient and no other",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(by_patient(bench)),
    },
    Case {
        id: "SRCH-02",
        title: "patient=ID and patient=Patient/ID find the same",
        clause: "US Core 6.1 General Requirements",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(patient_in_both_forms(bench)),
    },
    Case {
        id: "SRCH-03",
        title: "GET and POST _search find the same",
        clause: "FHIR R4 §3.1.1.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(get_equals_post(bench)),
    },
    Case {
        id: "SRCH-04",
        title: "patient+category finds reports of that category only",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(by_category(bench)),
    },
    Case {
        id: "SRCH-05",
        title: "category takes a code without its system",
        clause: "FHIR R4 §3.1.1.4.10",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(code_without_system(bench)),
    },
    Case {
        id: "SRCH-06",
        title: "patient+code finds reports with that code only",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(by_code(bench)),
    },
    Case {
        id: "SRCH-07",
        title: "patient+category+date with eq, ge, gt, le and lt draws the line where it is asked to",
        clause: "FHIR R4 §3.1.1.4.8",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(by_date(bench)),
    },
    Case {
        id: "SRCH-08",
        title: "A date before and a date after all reports find none and all",
        clause: "FHIR R4 §3.1.1.4.8",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(far_dates(bench)),
    },
    Case {
        id: "SRCH-09",
        title: "status takes several values separated by commas",
        clause: "US Core 6.1 DiagnosticReport Lab",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(status_is_or(bench)),
    },
    Case {
        id: "SRCH-10",
        title: "_id finds the one resource",
        clause: "FHIR R4 §3.1.1.4.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(by_id(bench)),
    },
    Case {
        id: "SRCH-11",
        title: "_lastUpdated draws the line where it is asked to",
        clause: "FHIR R4 §3.1.1.4.2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(by_last_updated(bench)),
    },
    Case {
        id: "SRCH-12",
        title: "A parameter given twice is a conjunction",
        clause: "FHIR R4 §3.1.1.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(repetition_is_and(bench)),
    },
    Case {
        id: "SRCH-13",
        title: "A value nothing has finds an empty searchset, with 200",
        clause: "FHIR R4 §3.1.1.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(nothing_found_is_no_error(bench)),
    },
    Case {
        id: "SRCH-14",
        title: "_include=DiagnosticReport:result brings the observations along, marked as included",
        clause: "FHIR R4 §3.1.1.5.4",
        importance: Importance::Should,
        feature: Some("include"),
        run: |bench| Box::pin(includes_results(bench)),
    },
    Case {
        id: "SRCH-15",
        title: "total is the number of matches",
        clause: "FHIR R4 §3.1.1.1.1",
        importance: Importance::Should,
        feature: Some("total"),
        run: |bench| Box::pin(total_is_exact(bench)),
    },
    Case {
        id: "SRCH-16",
        title: "The self link names the parameters that were used",
        clause: "FHIR R4 §3.1.1.1.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(self_link_is_honest(bench)),
    },
    Case {
        id: "SRCH-17",
        title: "Every entry has a fullUrl below the base",
        clause: "FHIR R4 §2.36.4",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(full_urls_are_ours(bench)),
    },
    Case {
        id: "SRCH-18",
        title: "Observation: patient, and patient+category=laboratory",
        clause: "US Core 6.1 Laboratory Result",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(observations_by_category(bench)),
    },
    Case {
        id: "SRCH-19",
        title: "Observation: patient+code finds observations with that code only",
        clause: "US Core 6.1 Laboratory Result",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(observations_by_code(bench)),
    },
    Case {
        id: "SRCH-20",
        title: "Patient: _id, and identifier with and without system",
        clause: "US Core 6.1 Patient",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(patient_by_identifier(bench)),
    },
];

const LAB: (&str, &str) = ("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB");

async fn by_patient(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let bundle = bench.search(format!("DiagnosticReport?patient={patient}")).await?;
    let found = bundle.matches();
    bundle.answer.check(!found.is_empty(), "at least one report")?;
    for report in &found {
        bundle.answer.check(is_of(report, &patient), format!("reports of Patient/{patient} only"))?;
    }
    Ok(())
}

async fn patient_in_both_forms(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let short = bench.search(format!("DiagnosticReport?patient={patient}")).await?;
    let typed = bench.search(format!("DiagnosticReport?patient=Patient/{patient}")).await?;
    same(&short, &typed)
}

async fn get_equals_post(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let get = bench.search(format!("DiagnosticReport?patient={patient}&category=LAB")).await?;
    let form = format!("patient={patient}&category=LAB");
    let request = Request::post("DiagnosticReport/_search", "application/x-www-form-urlencoded", form);
    same(&get, &Bundle::read(bench.send(request).await?)?)
}

async fn by_category(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let (system, code) = LAB;
    let bundle = bench.search(format!("DiagnosticReport?patient={patient}&category={system}%7C{code}")).await?;
    for report in bundle.matches() {
        bundle.answer.check(
            is_of(&report, &patient) && has_code(report.get("category"), Some(system), code),
            format!("reports of the category {code} only"),
        )?;
    }
    let all = bench.search(format!("DiagnosticReport?patient={patient}&_count=1000")).await?;
    let wanted = all.matches().iter().filter(|report| has_code(report.get("category"), Some(system), code)).count();
    bundle.answer.check(
        wanted == 0 || !bundle.matches().is_empty(),
        "the reports of that category which a search by patient shows",
    )
}

async fn code_without_system(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let (system, code) = LAB;
    let with = bench.search(format!("DiagnosticReport?patient={patient}&category={system}%7C{code}")).await?;
    let without = bench.search(format!("DiagnosticReport?patient={patient}&category={code}")).await?;
    without
        .answer
        .check(with.ids().iter().all(|id| without.ids().contains(id)), "at least what the code with its system finds")
}

async fn by_code(bench: &Bench) -> Outcome {
    by_code_of(bench, "DiagnosticReport").await
}

async fn observations_by_code(bench: &Bench) -> Outcome {
    by_code_of(bench, "Observation").await
}

async fn by_code_of(bench: &Bench, kind: &str) -> Outcome {
    let patient = bench.patient().await?;
    let all = bench.search(format!("{kind}?patient={patient}")).await?;
    let Some((resource, system, code)) = all.matches().into_iter().find_map(coded) else {
        return Err(Stop::Skip(format!("no {kind} of the patient has a coded code")));
    };
    for value in [code.clone(), format!("{system}%7C{code}")] {
        let bundle = bench.search(format!("{kind}?patient={patient}&code={value}")).await?;
        bundle.answer.check(
            bundle.ids().iter().any(|found| Some(found) == id(&resource).as_ref()),
            format!("the {kind} with the code {code}"),
        )?;
        for found in bundle.matches() {
            bundle.answer.check(
                is_of(&found, &patient) && has_code(found.get("code"), None, &code),
                format!("nothing but the code {code}"),
            )?;
        }
    }
    Ok(())
}

async fn by_date(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let all = bench.search(format!("DiagnosticReport?patient={patient}&category=LAB")).await?;
    let dated = all.matches().into_iter().find_map(|report| {
        let time = report.get("effectiveDateTime").and_then(Value::as_str)?.to_owned();
        Some((id(&report)?, time))
    });
    let Some((wanted, time)) = dated else {
        return Err(Stop::Skip("no laboratory report of the patient has an effectiveDateTime".into()));
    };
    // The very time of the report: no zone and no precision can move it across the line.
    let value = time.replace('+', "%2B");
    for (prefix, belongs) in [("", true), ("eq", true), ("ge", true), ("le", true), ("gt", false), ("lt", false)] {
        let query = format!("DiagnosticReport?patient={patient}&category=LAB&date={prefix}{value}");
        let bundle = bench.search(query).await?;
        bundle.answer.check(
            bundle.ids().contains(&wanted) == belongs,
            format!("a result {} the report of {time}", if belongs { "with" } else { "without" }),
        )?;
        bundle
            .answer
            .check(bundle.matches().iter().all(|report| is_of(report, &patient)), "reports of that patient only")?;
    }
    Ok(())
}

async fn far_dates(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let base = format!("DiagnosticReport?patient={patient}&category=LAB");
    let all = bench.search(base.clone()).await?;
    let dated = all
        .matches()
        .iter()
        .filter(|report| report.get("effectiveDateTime").is_some() || report.get("effectivePeriod").is_some())
        .count();
    for (value, wanted) in [("lt1850", 0), ("gt2950-01-01", 0), ("ge1850-01", dated), ("le2950", dated)] {
        let bundle = bench.search(format!("{base}&date={value}")).await?;
        bundle.answer.check(bundle.matches().len() == wanted, format!("{wanted} reports"))?;
    }
    Ok(())
}

async fn status_is_or(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let one = bench.report().await?;
    let status = one.get("status").and_then(Value::as_str).unwrap_or_default().to_owned();
    let other = if status == "cancelled" { "registered" } else { "cancelled" };
    let bundle = bench.search(format!("DiagnosticReport?patient={patient}&status={other},{status}")).await?;
    bundle.answer.check(!bundle.ids().is_empty(), format!("the reports with the status {status}"))?;
    for report in bundle.matches() {
        let found = report.get("status").and_then(Value::as_str).unwrap_or_default();
        bundle
            .answer
            .check([status.as_str(), other].contains(&found), format!("the statuses {status} and {other} only"))?;
    }
    Ok(())
}

async fn by_id(bench: &Bench) -> Outcome {
    let wanted = id(&bench.report().await?).unwrap_or_default();
    let bundle = bench.search(format!("DiagnosticReport?_id={wanted}")).await?;
    bundle.answer.check(bundle.ids() == [wanted.clone()], format!("the report {wanted} alone"))
}

async fn by_last_updated(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let report = bench.report().await?;
    let wanted = id(&report).unwrap_or_default();
    let Some(time) = report.pointer("/meta/lastUpdated").and_then(Value::as_str) else {
        return Err(Stop::Skip("the report has no meta.lastUpdated".into()));
    };
    let value = time.replace('+', "%2B");
    for (prefix, belongs) in [("ge", true), ("le", true), ("gt", false), ("lt", false)] {
        let query = format!("DiagnosticReport?patient={patient}&_lastUpdated={prefix}{value}");
        let bundle = bench.search(query).await?;
        bundle.answer.check(
            bundle.ids().contains(&wanted) == belongs,
            format!("a result {} the report updated {time}", if belongs { "with" } else { "without" }),
        )?;
    }
    Ok(())
}

async fn repetition_is_and(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let query = format!("DiagnosticReport?patient={patient}&date=ge1850&date=lt1851");
    let bundle = bench.search(query).await?;
    bundle.answer.check(bundle.matches().is_empty(), "no report, since none is from 1850")
}

async fn nothing_found_is_no_error(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    for query in [
        "DiagnosticReport?patient=conformance-none".to_owned(),
        format!("DiagnosticReport?patient={patient}&code=conformance-none"),
        "DiagnosticReport?_id=conformance-none".to_owned(),
    ] {
        let bundle = bench.search(query).await?;
        bundle.answer.check(bundle.matches().is_empty(), "an empty searchset")?;
    }
    Ok(())
}

async fn includes_results(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let query = format!("DiagnosticReport?patient={patient}&_include=DiagnosticReport:result");
    let bundle = bench.search(query).await?;
    let wanted: BTreeSet<String> = bundle.matches().iter().flat_map(results).collect();
    let included: Vec<String> = bundle.included().iter().filter_map(address).collect();
    bundle.answer.check(
        wanted.iter().all(|reference| included.contains(reference)),
        "each observation that the matched reports name, with search.mode include",
    )?;
    bundle
        .answer
        .check(included.iter().collect::<BTreeSet<_>>().len() == included.len(), "each included resource once")?;
    bundle.answer.check(
        bundle
            .matches()
            .iter()
            .all(|found| found.get("resourceType").and_then(Value::as_str) == Some("DiagnosticReport")),
        "reports alone as matches",
    )
}

async fn total_is_exact(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let first = bench.search(format!("DiagnosticReport?patient={patient}&_count=1")).await?;
    let all = bench.search_all(format!("DiagnosticReport?patient={patient}")).await?;
    let counted = u64::try_from(all.len()).ok();
    first.answer.check(first.total() == counted, format!("total {}", all.len()))
}

async fn self_link_is_honest(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let bundle = bench.search(format!("DiagnosticReport?patient={patient}&category=LAB&_count=5")).await?;
    let Some(link) = bundle.link("self") else {
        return Err(bundle.answer.fail("a link with the relation self"));
    };
    for name in ["patient", "category", "_count"] {
        bundle.answer.check(link.contains(&format!("{name}=")), format!("{name} in the self link"))?;
    }
    Ok(())
}

async fn full_urls_are_ours(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let bundle = bench.search(format!("DiagnosticReport?patient={patient}")).await?;
    let body = bundle.answer.json()?;
    for entry in body.get("entry").and_then(Value::as_array).into_iter().flatten() {
        let url = entry.get("fullUrl").and_then(Value::as_str).unwrap_or_default();
        let own = entry.get("resource").and_then(address).unwrap_or_default();
        bundle.answer.check(
            url.contains("://") && url.ends_with(&format!("/{own}")),
            format!("an absolute fullUrl that ends with /{own}"),
        )?;
    }
    Ok(())
}

async fn observations_by_category(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let bundle = bench.search(format!("Observation?patient={patient}&category=laboratory")).await?;
    for found in bundle.matches() {
        bundle.answer.check(
            is_of(&found, &patient) && has_code(found.get("category"), None, "laboratory"),
            "laboratory observations of that patient only",
        )?;
    }
    Ok(())
}

async fn patient_by_identifier(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let bundle = bench.search(format!("Patient?_id={patient}")).await?;
    bundle.answer.check(bundle.ids() == [patient.clone()], "the one patient")?;
    let identifier = bundle.matches().first().and_then(|found| found.pointer("/identifier/0").cloned());
    let text = |name: &str| identifier.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let Some(value) = text("value") else {
        return Err(Stop::Skip("the patient has no identifier".into()));
    };
    let mut forms = vec![value.clone()];
    forms.extend(text("system").map(|system| format!("{system}%7C{value}")));
    for form in forms {
        let bundle = bench.search(format!("Patient?identifier={form}")).await?;
        bundle.answer.check(bundle.ids().contains(&patient), "the patient with that identifier")?;
    }
    let bundle = bench.search(format!("Patient?identifier=urn:conformance:none%7C{value}")).await?;
    bundle.answer.check(!bundle.ids().contains(&patient), "no patient under another system")
}

fn same(one: &Bundle, other: &Bundle) -> Outcome {
    let ids = |bundle: &Bundle| bundle.ids().into_iter().collect::<BTreeSet<_>>();
    other.answer.check(ids(one) == ids(other), "the same resources as the first form")?;
    other.answer.check(one.total() == other.total(), "the same total as the first form")
}

/// Says whether a resource's subject is this patient.
fn is_of(resource: &Value, patient: &str) -> bool {
    let reference = resource.pointer("/subject/reference").and_then(Value::as_str).unwrap_or_default();
    reference == format!("Patient/{patient}") || reference.ends_with(&format!("/Patient/{patient}"))
}

fn coded(resource: Value) -> Option<(Value, String, String)> {
    let coding = resource.pointer("/code/coding/0")?;
    let text = |name: &str| coding.get(name).and_then(Value::as_str).map(str::to_owned);
    let (system, code) = (text("system")?, text("code")?);
    Some((resource, system, code))
}

fn results(report: &Value) -> Vec<String> {
    let references = report.get("result").and_then(Value::as_array);
    references
        .into_iter()
        .flatten()
        .filter_map(|result| result.get("reference").and_then(Value::as_str))
        .map(str::to_owned)
        .collect()
}
