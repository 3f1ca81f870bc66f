//! From HL7 v2 to FHIR R4: each value of the seed messages, as it is read back.

use super::bench::{Answer, Bench};
use super::bundle::{address, has_code};
use super::exact;
use crate::case::{Case, Importance, Outcome, Stop};
use serde_json::Value;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "SEED-01",
        title: "A number keeps its text and its unit",
        clause: "v2-to-FHIR OBX-5 NM",
        importance: Importance::Shall,
        feature: None,
        run: |bench| {
            Box::pin(observation(
                bench,
                SODIUM,
                &[("valueQuantity.value", "140"), ("valueQuantity.unit", "\"mmol/L\"")],
            ))
        },
    },
    Case {
        id: "SEED-02",
        title: "A decimal keeps its trailing zeros",
        clause: "FHIR R4 §2.24.0.1 decimal",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(observation(bench, POTASSIUM, &[("valueQuantity.value", "5.50")])),
    },
    Case {
        id: "SEED-03",
        title: "A small decimal keeps its precision",
        clause: "FHIR R4 §2.24.0.1 decimal",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(observation(bench, THYROTROPIN, &[("valueQuantity.value", "0.0010")])),
    },
    Case {
        id: "SEED-04",
        title: "A coded unit is UCUM",
        clause: "v2-to-FHIR OBX-6",
        importance: Importance::Shall,
        feature: None,
        run: |bench| {
            Box::pin(observation(
                bench,
                POTASSIUM,
                &[("valueQuantity.system", "\"http://unitsofmeasure.org\""), ("valueQuantity.code", "\"mmol/L\"")],
            ))
        },
    },
    Case {
        id: "SEED-05",
        title: "A structured number with a comparator is a Quantity",
        clause: "v2-to-FHIR OBX-5 SN",
        importance: Importance::Shall,
        feature: None,
        run: |bench| {
            Box::pin(observation(bench, BNP, &[("valueQuantity.comparator", "\"<\""), ("valueQuantity.value", "5.0")]))
        },
    },
    Case {
        id: "SEED-06",
        title: "Text has its escape sequences decoded",
        clause: "HL7 v2.5.1 §2.7",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(observation(bench, COLOR, &[("valueString", "\"Straw & clear\"")])),
    },
    Case {
        id: "SEED-07",
        title: "A coded value keeps code, system and display",
        clause: "v2-to-FHIR OBX-5 CWE",
        importance: Importance::Shall,
        feature: None,
        run: |bench| {
            Box::pin(observation(
                bench,
                CULTURE,
                &[
                    ("valueCodeableConcept.coding.0.code", "\"112283007\""),
                    ("valueCodeableConcept.coding.0.system", "\"http://snomed.info/sct\""),
                    ("valueCodeableConcept.coding.0.display", "\"Escherichia coli\""),
                ],
            ))
        },
    },
    Case {
        id: "SEED-08",
        title: "Lines with the same OBX-3 and OBX-4 are one value",
        clause: "HL7 v2.5.1 §7.2.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(observation(bench, COMMENT, &[("valueString", "\"Line one\\nLine two\"")])),
    },
    Case {
        id: "SEED-09",
        title: "A result that was cancelled has no value and says why",
        clause: "v2-to-FHIR OBX-11",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(cancelled_result(bench)),
    },
    Case {
        id: "SEED-10",
        title: "Reference range and abnormal flag come along",
        clause: "v2-to-FHIR OBX-7, OBX-8",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(range_and_flag(bench)),
    },
    Case {
        id: "SEED-11",
        title: "A note under a result stays with it",
        clause: "v2-to-FHIR NTE",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(observation(bench, POTASSIUM, &[("note.0.text", "\"Sample was not hemolyzed.\"")])),
    },
    Case {
        id: "SEED-12",
        title: "The report has its code, status, times and order numbers",
        clause: "v2-to-FHIR OBR",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(report_heading(bench)),
    },
    Case {
        id: "SEED-13",
        title: "Every result of the report is named by it, once",
        clause: "v2-to-FHIR OBX",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(report_names_results(bench)),
    },
    Case {
        id: "SEED-14",
        title: "A later version of a report is a new version of the same resource",
        clause: "FHIR R4 §3.1.0.3",
        importance: Importance::Shall,
        feature: Some("history"),
        run: |bench| Box::pin(later_is_a_new_version(bench)),
    },
    Case {
        id: "SEED-15",
        title: "An embedded PDF is the presentedForm, byte for byte",
        clause: "v2-to-FHIR OBX-5 ED",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(document_is_presented(bench)),
    },
    Case {
        id: "SEED-16",
        title: "The patient has name, birth date, gender and identifier",
        clause: "v2-to-FHIR PID",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(patient_is_mapped(bench)),
    },
    Case {
        id: "SEED-17",
        title: "The specimen has its type",
        clause: "v2-to-FHIR SPM",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(specimen_is_mapped(bench)),
    },
    Case {
        id: "SEED-18",
        title: "The seed sent again adds no report and no observation",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(nothing_is_doubled(bench)),
    },
];

const SODIUM: &str = "2951-2";
const POTASSIUM: &str = "2823-3";
const THYROTROPIN: &str = "3016-3";
const BNP: &str = "33762-6";
const COLOR: &str = "5778-6";
const CULTURE: &str = "600-7";
const COMMENT: &str = "8251-1";
const GLUCOSE: &str = "2345-7";
const PANEL: &str = "24323-8";
const DOCUMENT: &str = "11502-2";

/// The base64 text of the PDF in `seed_3_document.hl7`.
const PDF: &str = "JVBERi0xLjQKMSAwIG9iajw8L1R5cGUvQ2F0YWxvZz4+ZW5kb2JqCnRyYWlsZXI8PC9Sb290IDEgMCBSPj4KJSVFT0YK";

/// The seeded patient; a patient the tester named is of no use here.
async fn patient(bench: &Bench) -> Result<String, Stop> {
    bench.seeded().await?;
    let bundle = bench.search("Patient?identifier=SGC-SEED").await?;
    match bundle.ids().as_slice() {
        [only] => Ok(only.clone()),
        found => Err(bundle.answer.fail(format!("one patient with the identifier SGC-SEED, not {}", found.len()))),
    }
}

/// Reads the one resource of a kind and code, so that its exact text can be looked at.
async fn read_one(bench: &Bench, kind: &str, code: &str) -> Result<(Answer, Value), Stop> {
    let patient = patient(bench).await?;
    let bundle = bench.search(format!("{kind}?patient={patient}&code={code}")).await?;
    let found = bundle.matches();
    let [only] = found.as_slice() else {
        return Err(bundle.answer.fail(format!("one {kind} with the code {code}, not {}", found.len())));
    };
    let answer = bench.get(address(only).unwrap_or_default()).await?;
    answer.status_is(200)?;
    let value = answer.json()?;
    Ok((answer, value))
}

async fn observation(bench: &Bench, code: &str, wanted: &[(&str, &str)]) -> Outcome {
    let (answer, _) = read_one(bench, "Observation", code).await?;
    for (path, text) in wanted {
        answer.check(exact::at(answer.text(), path) == Some(*text), format!("{path} {text}"))?;
    }
    let status = exact::at(answer.text(), "status");
    answer.check(status == Some("\"final\""), "status \"final\"")
}

async fn cancelled_result(bench: &Bench) -> Outcome {
    let (answer, value) = read_one(bench, "Observation", GLUCOSE).await?;
    answer.check(value.get("status").and_then(Value::as_str) == Some("cancelled"), "status \"cancelled\"")?;
    answer.check(
        value.get("dataAbsentReason").is_some() && value.get("valueQuantity").is_none(),
        "dataAbsentReason and no value",
    )
}

async fn range_and_flag(bench: &Bench) -> Outcome {
    let (answer, value) = read_one(bench, "Observation", POTASSIUM).await?;
    for (path, text) in [
        ("referenceRange.0.low.value", "3.5"),
        ("referenceRange.0.high.value", "5.1"),
        ("referenceRange.0.text", "\"3.5-5.1\""),
    ] {
        answer.check(exact::at(answer.text(), path) == Some(text), format!("{path} {text}"))?;
    }
    answer.check(has_code(value.get("interpretation"), None, "H"), "the interpretation H")
}

async fn report_heading(bench: &Bench) -> Outcome {
    let (answer, value) = read_one(bench, "DiagnosticReport", PANEL).await?;
    let starts = |name: &str, wanted: &str| {
        let text = value.get(name).and_then(Value::as_str).unwrap_or_default();
        answer.check(text.starts_with(wanted), format!("{name} {wanted}"))
    };
    starts("status", "final")?;
    starts("effectiveDateTime", "2026-03-14T08:00:00")?;
    starts("issued", "2026-03-14T09:25:00")?;
    answer.check(has_code(value.get("category"), None, "LAB"), "the category LAB")?;
    answer.check(has_code(value.get("code"), Some("http://loinc.org"), PANEL), "the LOINC code of the panel")?;
    let identifiers = value.get("identifier").and_then(Value::as_array).cloned().unwrap_or_default();
    for number in ["SGP-SEED", "SGF-SEED"] {
        answer.check(
            identifiers.iter().any(|one| one.get("value").and_then(Value::as_str) == Some(number)),
            format!("the order number {number}"),
        )?;
    }
    Ok(())
}

async fn report_names_results(bench: &Bench) -> Outcome {
    // Nine OBX rows, of which two are lines of one value.
    const LOGICAL: usize = 8;
    let (answer, value) = read_one(bench, "DiagnosticReport", PANEL).await?;
    let mut named: Vec<String> = value
        .get("result")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|result| result.get("reference").and_then(Value::as_str))
        .map(str::to_owned)
        .collect();
    named.sort();
    named.dedup();
    answer.check(named.len() == LOGICAL, format!("{LOGICAL} results"))
}

async fn later_is_a_new_version(bench: &Bench) -> Outcome {
    let (_, value) = read_one(bench, "Observation", POTASSIUM).await?;
    let answer = bench.get(format!("{}/_history", address(&value).unwrap_or_default())).await?;
    answer.status_is(200)?;
    // The potassium was 5.4 when preliminary and 5.50 when final.
    let newest = exact::at(answer.text(), "entry.0.resource.valueQuantity.value");
    let before = exact::at(answer.text(), "entry.1.resource.valueQuantity.value");
    answer.check(newest == Some("5.50") && before == Some("5.4"), "5.50, and 5.4 in the version before")?;
    let status = exact::at(answer.text(), "entry.1.resource.status");
    answer.check(status == Some("\"preliminary\""), "the status preliminary in the version before")
}

async fn document_is_presented(bench: &Bench) -> Outcome {
    let (answer, value) = read_one(bench, "DiagnosticReport", DOCUMENT).await?;
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    answer.check(text("/presentedForm/0/contentType") == "application/pdf", "the content type application/pdf")?;
    answer.check(text("/presentedForm/0/data") == PDF, format!("presentedForm.data {PDF}"))
}

async fn patient_is_mapped(bench: &Bench) -> Outcome {
    let id = patient(bench).await?;
    let answer = bench.get(format!("Patient/{id}")).await?;
    answer.status_is(200)?;
    for (path, text) in [
        ("name.0.family", "\"SEEDLING\""),
        ("name.0.given.0", "\"SAGE\""),
        ("birthDate", "\"1980-02-29\""),
        ("gender", "\"female\""),
        ("identifier.0.value", "\"SGC-SEED\""),
    ] {
        answer.check(exact::at(answer.text(), path) == Some(text), format!("{path} {text}"))?;
    }
    Ok(())
}

async fn specimen_is_mapped(bench: &Bench) -> Outcome {
    let (report, value) = read_one(bench, "DiagnosticReport", PANEL).await?;
    let Some(reference) = value.pointer("/specimen/0/reference").and_then(Value::as_str) else {
        return Err(report.fail("a specimen in the report"));
    };
    let answer = bench.get(reference).await?;
    answer.status_is(200)?;
    answer.check(
        has_code(answer.json()?.get("type"), Some("http://snomed.info/sct"), "119297000"),
        "the type 119297000 of SNOMED CT",
    )
}

async fn nothing_is_doubled(bench: &Bench) -> Outcome {
    let id = patient(bench).await?;
    let queries = ["DiagnosticReport", "Observation"].map(|kind| format!("{kind}?patient={id}"));
    let mut before = Vec::new();
    for query in &queries {
        before.push(bench.search_all(query.clone()).await?.len());
    }
    bench.sow().await?;
    for (query, count) in queries.iter().zip(before) {
        let after = bench.search_all(query.clone()).await?.len();
        let shown = bench.search(query.clone()).await?;
        shown.answer.check(after == count, format!("{count} resources as before, not {after}"))?;
    }
    Ok(())
}
