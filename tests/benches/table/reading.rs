//! Results out: FHIR reads and searches, each in the audit chain before its first byte leaves.

use crate::gateway::{House, Run, Served, median};
use crate::http::Client;
use crate::load::{Quota, Until, drive, micros_since};
use crate::message::{Messages, send};
use crate::options::Options;
use crate::results::row;
use crate::table::Table;
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

/// How many reports there are to read.
const REPORTS: u64 = 10_000;
/// Keep-alive connections.
const CLIENTS: usize = 16;

/// Measures reads of one report and searches for the reports of one patient.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    table.heading("results out, FHIR: 10 000 reports of 1 000 patients, 16 clients, in the chain before each answer");
    let house = House::make(options, None).await;
    let served = house.serve().await;
    let messages = Arc::new(Messages::new());
    drive(16, Until::Count(REPORTS), |_, quota| send(house.mllp, Arc::clone(&messages), quota)).await;
    let (reports, patients) = paths(&house).await;
    let read = runs(options, &house, &served, &reports).await;
    table.row(row("read DiagnosticReport/{id}", &read, String::new(), "6 000/s"));
    let found = runs(options, &house, &served, &patients).await;
    table.row(row("search patient + category, _count=20", &found, String::new(), "1 000/s"));
    table.note(format!("resident afterwards {:.0} MiB", served.resident_mib()));
    served.stop();
}

async fn runs(options: &Options, house: &House, served: &Served, paths: &Arc<Vec<String>>) -> Run {
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let before = served.used().await;
        let load = drive(CLIENTS, Until::Time(options.time), |number, quota| {
            ask(house.fhir, house.token.clone(), Arc::clone(paths), number, quota)
        })
        .await;
        runs.push(Run::of(load, before, served.used().await));
    }
    median(runs)
}

async fn ask(to: SocketAddr, token: String, paths: Arc<Vec<String>>, number: usize, quota: Arc<Quota>) -> Vec<u32> {
    let mut client = Client::connect(to, Some(&token)).await.unwrap();
    let mut micros = Vec::with_capacity(65_536);
    // Each client walks the whole list from a place of its own, in steps that reach every item.
    for path in paths.iter().cycle().skip(number * paths.len() / CLIENTS).step_by(7) {
        if !quota.go_on() {
            break;
        }
        let asked = Instant::now();
        let (status, body) = client.get(path).await.unwrap();
        micros.push(micros_since(asked));
        assert!(status == 200 && body.starts_with(b"{"), "{path} is answered {status}");
    }
    micros
}

/// Walks all reports, and returns what to ask for each and for each patient.
async fn paths(house: &House) -> (Arc<Vec<String>>, Arc<Vec<String>>) {
    let mut client = Client::connect(house.fhir, Some(&house.token)).await.unwrap();
    let (mut reports, mut patients) = (Vec::new(), Vec::new());
    let mut next = Some("/fhir/DiagnosticReport?_count=500".to_owned());
    while let Some(path) = next {
        let (status, body) = client.get(&path).await.unwrap();
        assert_eq!(status, 200, "reports are listed");
        let page: Value = serde_json::from_slice(body).unwrap();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        for entry in page["entry"].as_array().into_iter().flatten() {
            let report = &entry["resource"];
            let patient = text(&report["subject"]["reference"]);
            reports.push(format!("/fhir/DiagnosticReport/{}", text(&report["id"])));
            patients.push(format!("/fhir/DiagnosticReport?patient={patient}&category=LAB&_count=20"));
        }
        let links = page["link"].as_array().into_iter().flatten();
        let link = links.filter(|link| link["relation"] == "next").map(|link| text(&link["url"])).next();
        next = link.and_then(|url| url.split_once("/fhir/").map(|(_, rest)| format!("/fhir/{rest}")));
    }
    patients.sort();
    patients.dedup();
    assert_eq!(reports.len() as u64, REPORTS, "every report is listed");
    (Arc::new(reports), Arc::new(patients))
}
