//! No period ends before it begins.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mapped;

use domain::kind::Kind;
use mapped::{Mapped, map_bytes, text};
use serde_json::{Value, json};

/// Maps a message made of these lines behind a header of ours.
fn lines(lines: &[&str]) -> Mapped {
    let mut message =
        String::from("MSH|^~\\&|LABX|NORTH|GATEWAY|CDR|20260314093000+0000||ORU^R01^ORU_R01|M1|P|2.5.1\r");
    for line in lines {
        message.push_str(line);
        message.push('\r');
    }
    let mapped = map_bytes(message.as_bytes()).unwrap();
    assert!(mapped.incoming.held.is_none());
    mapped
}

/// The first resource of a kind.
fn first(mapped: &Mapped, kind: Kind) -> &Value {
    &mapped.resources.iter().find(|(other, _)| *other == kind).unwrap().1
}

/// A message in which a report, its OBR specimen, a visit and an identifier last from `start` to `end`.
fn lasting(start: &str, end: &str) -> Mapped {
    lines(&[
        &format!("PID|1||900001^^^NORTH^MR^^{start}^{end}||TESTPERSON^ALEX"),
        &format!("PV1|1|O{}V1{}{start}|{end}", "|".repeat(17), "|".repeat(25)),
        &format!("OBR|1||FO1|600-7^^LN|||{start}|{end}|||||||BLD"),
        "OBX|1|NM|718-7^^LN||13.5|g/dL|||||F",
    ])
}

#[test]
fn a_period_that_runs_backwards_keeps_its_start_and_is_reported() {
    let mapped = lasting("20260301", "20260228");
    let report = first(&mapped, Kind::DiagnosticReport);
    assert_eq!(report["effectiveDateTime"], "2026-03-01");
    assert!(report.get("effectivePeriod").is_none());
    assert_eq!(first(&mapped, Kind::Specimen)["collection"]["collectedDateTime"], "2026-03-01");
    let visit = first(&mapped, Kind::Encounter);
    assert_eq!(visit["status"], "finished");
    assert_eq!(visit["period"]["start"], "2026-03-01");
    assert!(visit["period"].get("end").is_none());
    assert_eq!(text(&visit["period"]["_end"]["extension"][0]["valueString"]), "20260228");
    let validity = &first(&mapped, Kind::Patient)["identifier"][0]["period"];
    assert!(validity["start"] == "2026-03-01" && validity.get("end").is_none());
    for place in ["OBR[1]-8", "PV1[1]-45", "PID[1]-3"] {
        assert!(mapped.issues().contains(&format!("{place} date_invalid")), "{place}: {:?}", mapped.issues());
    }
}

#[test]
fn a_period_within_a_day_or_a_month_is_one() {
    for (start, end) in [("202603010830+0000", "20260301"), ("20260301", "202603"), ("20260301", "20260301")] {
        let mapped = lasting(start, end);
        assert!(mapped.issues().iter().all(|issue| !issue.ends_with("date_invalid")), "{:?}", mapped.issues());
        assert!(first(&mapped, Kind::DiagnosticReport).get("effectivePeriod").is_some());
    }
}

#[test]
fn a_specimen_collected_backwards_keeps_its_start() {
    let spm = |range: &str| {
        lines(&[
            "PID|1||900001^^^NORTH^MR||TESTPERSON^ALEX",
            "OBR|1||FO1|600-7^^LN",
            "OBX|1|NM|718-7^^LN||13.5|g/dL|||||F",
            &format!("SPM|1|SA||BLD{}{range}", "|".repeat(13)),
        ])
    };
    let mapped = spm("20260302^20260301");
    let collection = &first(&mapped, Kind::Specimen)["collection"];
    assert_eq!(*collection, json!({"collectedDateTime": "2026-03-02"}));
    assert!(mapped.issues().contains(&"SPM[1]-17 date_invalid".to_owned()), "{:?}", mapped.issues());
    let mapped = spm("20260301^20260302");
    let period = json!({"collectedPeriod": {"start": "2026-03-01", "end": "2026-03-02"}});
    assert_eq!(first(&mapped, Kind::Specimen)["collection"], period);
}
