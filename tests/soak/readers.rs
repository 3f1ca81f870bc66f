//! Wards: they read, search and page through what was acknowledged, and look whether each answer is right for the patient asked.

use crate::chance::Chance;
use crate::findings::Promise;
use crate::truth::{Order, ROWS, family, filler, first_value, mrn, order_of};
use crate::whereabouts::At;
use crate::{Known, Soak};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tests::fhir::{Answer, Fhir};
use tests::gateway::pause;

/// Readers at a time.
pub(crate) const READERS: u64 = 2;
/// About the time between two looks of a reader; a look is one to a dozen requests.
const BETWEEN: Duration = Duration::from_millis(250);
/// Most pages of one search.
const MOST_PAGES: usize = 50;

/// Reads until the load is over.
pub(crate) fn read(soak: &Soak, number: u64) {
    let mut chance = Chance::of(soak.options.seed, "reader", number);
    let mut patients = BTreeMap::new();
    while let Some(at) = soak.whereabouts.wait() {
        let client = |token: &str| Fhir::new(&format!("http://{}/fhir", at.fhir), Some(token));
        let (own, foreign) = (client(&soak.home.first().token), client(&soak.home.second().token));
        let reader = Reader { soak, at, own, foreign };
        while soak.whereabouts.owes(at) && !soak.whereabouts.is_over() {
            // Who is sent away because the gateway goes looks again at the next one.
            let _ = reader.look(&mut chance, &mut patients);
            pause(chance.about(BETWEEN));
        }
    }
}

struct Reader<'a> {
    soak: &'a Soak,
    at: At,
    own: Fhir,
    foreign: Fhir,
}

impl Reader<'_> {
    fn look(&self, chance: &mut Chance, patients: &mut BTreeMap<u64, String>) -> Option<()> {
        let order = self.soak.truth.any(chance)?;
        let before = self.soak.truth.order(order)?;
        let path = format!("/DiagnosticReport?identifier={}&_include=DiagnosticReport:result", filler(order));
        let found = resources(&self.ask(&self.own, &path, 200)?);
        let after = self.soak.truth.order(order)?;
        self.judge(&path, fault_of_report(&found, order, before, after));
        let report = found.iter().find(|resource| resource["resourceType"] == "DiagnosticReport")?;
        let (id, patient) =
            (report["id"].as_str()?, report["subject"]["reference"].as_str()?.strip_prefix("Patient/")?);
        self.judge(&path, self.fault_of_patient(before.patient, patient, patients));
        self.soak.know(Known { report: id.to_owned(), patient: patient.to_owned(), number: before.patient });
        match chance.below(6) {
            0 | 1 => self.pages(before.patient, patient)?,
            2 => {
                let path = format!("/DiagnosticReport/{id}");
                let one = self.ask(&self.own, &path, 200)?.json();
                self.judge(&path, (one["id"] != *id).then(|| "another report".to_owned()));
            }
            3 => drop(self.ask(&self.foreign, &format!("/DiagnosticReport/{id}"), 404)?),
            4 => self.finds_nothing(&self.foreign, &filler(order))?,
            _ => self.finds_nothing(&self.own, &format!("N{order}"))?,
        }
        Some(())
    }

    /// The reports of a patient by pages: all that were acknowledged before, none of another patient, none twice.
    fn pages(&self, number: u64, patient: &str) -> Option<()> {
        let path = format!("/DiagnosticReport?patient={patient}&_count=4");
        let before = self.soak.truth.of_patient(number);
        let (mut found, mut twice) = (BTreeSet::new(), BTreeSet::new());
        let mut next = Some(path.clone());
        for _ in 0..MOST_PAGES {
            let Some(link) = next.take() else { break };
            let page = self.ask(&self.own, &link, 200)?;
            for report in resources(&page) {
                let is_of = report["subject"]["reference"] == format!("Patient/{patient}");
                self.judge(&path, (!is_of).then(|| format!("a report of {}", report["subject"]["reference"])));
                let order = order_in(&report);
                self.judge(&path, order.is_none().then(|| "a report without an order of ours".to_owned()));
                twice.extend(order.filter(|order| !found.insert(*order)));
            }
            next = page.next();
        }
        let after = self.soak.truth.of_patient(number);
        for order in found.iter().filter(|order| !after.contains_key(order)) {
            self.judge(&path, Some(format!("order {order} is of another patient or was never sent")));
        }
        // What changes while somebody turns pages moves between them.
        let still = |order: &usize| before.get(order) == after.get(order);
        for (order, known) in &before {
            if known.acknowledged > 0 && still(order) && !found.contains(order) {
                self.judge(&path, Some(format!("order {order} is missing")));
            }
        }
        for order in twice.iter().filter(|order| still(order)) {
            self.judge(&path, Some(format!("order {order} comes twice")));
        }
        Some(())
    }

    fn finds_nothing(&self, client: &Fhir, identifier: &str) -> Option<()> {
        let path = format!("/DiagnosticReport?identifier={identifier}");
        let found = resources(&self.ask(client, &path, 200)?);
        self.judge(&path, (!found.is_empty()).then(|| "something is found that is not there for who asks".to_owned()));
        Some(())
    }

    /// Looks whose an id is; once known it stays the same.
    fn fault_of_patient(&self, number: u64, id: &str, patients: &mut BTreeMap<u64, String>) -> Option<String> {
        if let Some(known) = patients.get(&number) {
            return (known != id).then(|| format!("patient {number} was {known} and is {id}"));
        }
        let patient = self.ask(&self.own, &format!("/Patient/{id}"), 200)?.json();
        let has = |name: &str, value: String| {
            patient[name].as_array().into_iter().flatten().any(|part| part.to_string().contains(&value))
        };
        if !has("identifier", mrn(number)) || !has("name", family(number)) {
            return Some(format!("patient {number} is not {id}"));
        }
        patients.insert(number, id.to_owned());
        None
    }

    /// Asks; `None` where the gateway goes meanwhile, or answers otherwise than it must, which is a finding.
    fn ask(&self, client: &Fhir, path: &str, status: u16) -> Option<Answer> {
        let answer = client.try_get(path);
        self.soak.tally.reads.add(1);
        let owes = self.soak.whereabouts.owes(self.at);
        match answer {
            Some(answer) if answer.status == status => return Some(answer),
            Some(answer) if owes => self.judge(path, Some(format!("status {}: {}", answer.status, answer.body))),
            None if owes => {
                self.soak.findings.broken(Promise::Answered, format!("GET {path}, process {}", self.at.pid));
            }
            Some(_) | None => {}
        }
        None
    }

    fn judge(&self, path: &str, fault: Option<String>) {
        if let Some(fault) = fault {
            self.soak.findings.broken(Promise::Fhir, format!("GET {path}: {fault}"));
        }
    }
}

/// Says what is wrong with one report and its results, asked for when the order stood at `before` and there when it stood at `after`.
pub(crate) fn fault_of_report(found: &[Value], order: usize, before: Order, after: Order) -> Option<String> {
    let of = |kind: &'static str| found.iter().filter(move |resource| resource["resourceType"] == kind);
    let (reports, results) = (of("DiagnosticReport").count(), of("Observation").count());
    if (reports, results) != (1, ROWS) {
        return Some(format!("{reports} reports with {results} results, not 1 with {ROWS}"));
    }
    let subject = of("DiagnosticReport").next().map(|report| &report["subject"]);
    if of("Observation").any(|result| Some(&result["subject"]) != subject) {
        return Some("a result of another patient".to_owned());
    }
    let values: Vec<_> = of("Observation").map(|result| result["valueQuantity"]["value"].to_string()).collect();
    let mut versions = before.acknowledged..=after.sent;
    let is_one = versions.any(|version| values.contains(&first_value(order, version)));
    (!is_one).then(|| format!("the values are {values:?}, not of version {} to {}", before.acknowledged, after.sent))
}

/// Returns the order that a report is about.
pub(crate) fn order_in(report: &Value) -> Option<usize> {
    report["identifier"].as_array()?.iter().find_map(|identifier| order_of(identifier["value"].as_str()?))
}

/// Returns the resources of a bundle; none where it is no bundle.
pub(crate) fn resources(answer: &Answer) -> Vec<Value> {
    let bundle: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let entries = bundle["entry"].as_array().into_iter().flatten();
    entries.map(|entry| entry["resource"].clone()).collect()
}
