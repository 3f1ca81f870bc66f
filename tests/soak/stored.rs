//! The end: everything that is stored is compared with everything that was sent.

use crate::Soak;
use crate::findings::Promise;
use crate::readers::{fault_of_report, order_in, resources};
use crate::truth::{Order, mrn};
use crate::whereabouts::At;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tests::fhir::Fhir;

/// Reports on a page; each comes with its results.
const PAGE: usize = 50;
/// More messages than a run can send.
const MOST_MESSAGES: &str = "4000000000";

/// Compares what a gateway serves, now that nobody sends any more, with what was sent.
pub(crate) fn compare(soak: &Soak, at: At) {
    let fhir = Fhir::new(&format!("http://{}/fhir", at.fhir), Some(&soak.home.first().token));
    let orders = soak.truth.orders();
    let ends = patients(soak, &fhir).and_then(|patients| reports(soak, &fhir, &patients, &orders));
    if ends.is_none() {
        soak.findings.broken(Promise::Itself, "what is stored could not be read to its end");
    }
    messages(soak, &orders);
}

/// Returns whose record number each patient's id stands for.
fn patients(soak: &Soak, fhir: &Fhir) -> Option<BTreeMap<String, String>> {
    let mut patients = BTreeMap::new();
    let mut numbers = BTreeSet::new();
    walk(fhir, "/Patient?_count=500", |found| {
        for patient in found {
            let identifiers = patient["identifier"].as_array().into_iter().flatten();
            let number =
                identifiers.filter_map(|identifier| identifier["value"].as_str()).find(|value| value.starts_with('M'));
            let number = number.unwrap_or_default().to_owned();
            if !numbers.insert(number.clone()) {
                soak.findings.broken(Promise::Stored, format!("there are two patients {number}"));
            }
            patients.insert(format!("Patient/{}", patient["id"].as_str().unwrap_or_default()), number);
        }
    })?;
    Some(patients)
}

/// Looks at every report: it was sent, for this patient, in as many versions, and no other is about the same order.
fn reports(soak: &Soak, fhir: &Fhir, patients: &BTreeMap<String, String>, orders: &[Order]) -> Option<()> {
    let mut seen = BTreeSet::new();
    walk(fhir, &format!("/DiagnosticReport?_count={PAGE}&_include=DiagnosticReport:result"), |found| {
        let results: BTreeMap<String, &Value> = found
            .iter()
            .filter(|resource| resource["resourceType"] == "Observation")
            .map(|result| (format!("Observation/{}", result["id"].as_str().unwrap_or_default()), result))
            .collect();
        for report in found.iter().filter(|resource| resource["resourceType"] == "DiagnosticReport") {
            let known = order_in(report).and_then(|order| Some((order, *orders.get(order)?)));
            let Some((order, known)) = known else {
                soak.findings.broken(Promise::NothingElse, format!("the report {}", report["id"]));
                continue;
            };
            if !seen.insert(order) {
                soak.findings.broken(Promise::Stored, format!("order {order} has two reports"));
            }
            let references = report["result"].as_array().into_iter().flatten();
            let mine = references
                .filter_map(|result| results.get(result["reference"].as_str()?).map(|found| (*found).clone()));
            let whole: Vec<Value> = mine.chain([report.clone()]).collect();
            let fault = fault_of_report(&whole, order, known, known)
                .or_else(|| fault_of_versions(report, known))
                .or_else(|| {
                    let whose = report["subject"]["reference"].as_str().and_then(|reference| patients.get(reference));
                    (whose != Some(&mrn(known.patient)))
                        .then(|| format!("it is of {whose:?}, not of {}", mrn(known.patient)))
                });
            if let Some(fault) = fault {
                soak.findings.broken(Promise::Stored, format!("order {order}: {fault}"));
            }
        }
    })?;
    for (order, known) in orders.iter().enumerate() {
        if known.acknowledged > 0 && !seen.contains(&order) {
            soak.findings.broken(Promise::Stored, format!("order {order} is missing"));
        }
    }
    let versions: u64 = orders.iter().map(|order| u64::from(order.acknowledged)).sum();
    let note = format!("{versions} messages about {} orders of {} patients", seen.len(), patients.len());
    soak.findings.looked(Promise::Stored, note);
    Some(())
}

fn fault_of_versions(report: &Value, known: Order) -> Option<String> {
    let version = report["meta"]["versionId"].as_str().and_then(|text| text.parse::<u32>().ok());
    let fits = version.is_some_and(|version| (known.acknowledged..=known.sent).contains(&version));
    (!fits).then(|| format!("it has {version:?} versions, not {} to {}", known.acknowledged, known.sent))
}

/// Counts the messages themselves; those that were never answered may be there or not.
fn messages(soak: &Soak, orders: &[Order]) {
    let of = |version: fn(&Order) -> u32| orders.iter().map(|order| u64::from(version(order))).sum::<u64>();
    let (acknowledged, sent) = (of(|order| order.acknowledged), of(|order| order.sent));
    let tenant = &soak.home.first().name;
    let list = |state: &str| -> Option<u64> {
        let ended = soak.command(&[
            "message",
            "list",
            "--tenant",
            tenant,
            "--state",
            state,
            "--limit",
            MOST_MESSAGES,
            "--json",
        ]);
        let list: Value = serde_json::from_str(&ended.stdout).ok()?;
        u64::try_from(list.as_array()?.len()).ok()
    };
    let (Some(mapped), Some(unmapped), Some(late)) = (list("mapped"), list("unmapped"), list("late")) else {
        soak.findings.broken(Promise::Itself, "the messages cannot be listed");
        return;
    };
    if mapped < acknowledged {
        soak.findings
            .broken(Promise::Stored, format!("{mapped} messages are kept of {acknowledged} that were acknowledged"));
    }
    if mapped > sent {
        soak.findings.broken(Promise::NothingElse, format!("{mapped} messages are kept of {sent} that were sent"));
    }
    if unmapped + late > 0 {
        soak.findings
            .broken(Promise::NothingElse, format!("{unmapped} messages are kept as not mapped, {late} as late"));
    }
    soak.findings.looked(Promise::NothingElse, format!("{mapped} messages are kept, {acknowledged} were acknowledged"));
}

/// Turns every page of a search; `None` when one is not answered.
fn walk(fhir: &Fhir, path: &str, mut look: impl FnMut(Vec<Value>)) -> Option<()> {
    let mut next = Some(path.to_owned());
    while let Some(link) = next {
        let page = fhir.try_get(&link).filter(|page| page.status == 200)?;
        look(resources(&page));
        next = page.next();
    }
    Some(())
}
