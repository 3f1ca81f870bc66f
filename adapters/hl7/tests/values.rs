//! What becomes of values, their units and their times: one vector for each symptom that was found.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod mapped;

use domain::intake::Hold;
use domain::kind::Kind;
use mapped::{Mapped, map_bytes, text};
use serde_json::{Value, json};

const HEADER: &str = "MSH|^~\\&|LABX|NORTH|GATEWAY|CDR|20260314103000+0100||ORU^R01^ORU_R01|M1|P|2.5.1";
const PID: &str = "PID|1||900001^^^NORTH^MR||TESTPERSON^ALEX||19800229|F";
const OBR: &str = "OBR|1|PO1^EHR|FO1^LABX|24323-8^Panel^LN|||20260301090000|||||||||||||||20260301102500||LAB|F";

fn message(lines: &[&str]) -> Mapped {
    map_bytes((lines.join("\r") + "\r").as_bytes()).unwrap()
}

/// Maps rows of one order, collected on 1 March at 09:00 by the sender's clock.
fn rows(rows: &[&str]) -> Mapped {
    message(&[&[HEADER, PID, OBR], rows].concat())
}

fn first(mapped: &Mapped, kind: Kind) -> Value {
    mapped.resources.iter().find(|(other, _)| *other == kind).map(|(_, resource)| resource.clone()).unwrap_or_default()
}

fn values(mapped: &Mapped, name: &str) -> Vec<Value> {
    let observations = mapped.resources.iter().filter(|(kind, _)| *kind == Kind::Observation);
    observations.map(|(_, observation)| observation[name].clone()).collect()
}

fn unmapped(mapped: &Mapped) -> Vec<&str> {
    mapped.trace["not_mapped"].as_array().into_iter().flatten().map(|place| text(&place["path"])).collect()
}

fn mapped_to(mapped: &Mapped, from: &str) -> Value {
    let items = mapped.trace["mapped"].as_array().unwrap();
    items.iter().find(|item| item["from"] == from).map(|item| item["fields"].clone()).unwrap_or_default()
}

#[test]
fn a_unit_stands_behind_a_number_that_is_text() {
    let mapped = rows(&[
        "OBX|1|ST|trop^Troponin^L||<0.01|ng/mL|||||F",
        "OBX|2||a^x^L||5.40|mmol/L|||||F",
        "OBX|3|TX|b^x^L||1:40|titre|||||F",
        "OBX|4|ST|c^x^L||12 mg|mg|||||F",
        "OBX|5|ST|d^x^L||5~7|g/L|||||F",
        "OBX|6|ST|e^x^L||1e3|/uL^per microlitre^UCUM|||||F",
    ]);
    let strings = values(&mapped, "valueString");
    let wanted = ["<0.01 ng/mL", "5.40 mmol/L", "1:40 titre", "12 mg"];
    assert_eq!(strings[..4], wanted.map(|text| json!(text)));
    assert_eq!(strings[5], json!("1e3 per microlitre"));
    assert_eq!(values(&mapped, "component")[4][1]["valueString"], "7 g/L");
    // Of a coded unit only the words are in the text.
    assert_eq!(unmapped(&mapped), ["OBX[6]-6.1", "OBX[6]-6.3"]);
}

#[test]
fn a_unit_without_a_number_is_listed_as_not_mapped() {
    let mapped = rows(&[
        "OBX|1|ST|a^x^L||Negative|mg/dL|||||F",
        "OBX|2|CE|b^x^L||P^Positive^L|mg/dL|||||F",
        "OBX|3|NM|c^x^L|||mg/dL|||||I",
        "OBX|4|NM|d^x^L||NEGATIVE|mg/dL|||||F",
        "OBX|5|DT|e^x^L||20260301|mg/dL|||||F",
        "OBX|6|CE|f^x^L||N^Negative^L|mg/dL|3-6||||F",
        "OBX|7|TX|g^x^L||none|mg/dL|||||F",
        "OBX|8|TX|g^x^L||seen|mg/dL|||||F",
    ]);
    let lost = [1, 2, 3, 4, 5, 7, 8].map(|row| format!("OBX[{row}]-6"));
    assert_eq!(unmapped(&mapped), lost);
    // The ends of a range have it.
    assert_eq!(values(&mapped, "referenceRange")[5][0]["high"], json!({"value": 6, "unit": "mg/dL"}));
    let fields = mapped_to(&mapped, "OBX[6]");
    assert!(fields.as_array().unwrap().contains(&json!([6, "referenceRange"])), "{fields}");
}

#[test]
fn two_units_are_kept_apart() {
    let mapped = rows(&[
        "OBX|1|NM|a^x^L||4.5 mmol/L|mg/dL|||||F",
        "OBX|2|ST|b^x^L||4.5 mmol/L|mg/dL|||||F",
        "OBX|3|NM|c^x^L||5 mg|g|||||F",
        "OBX|4|CE|d^x^L||^2 mmol/L^L|mg/dL|||||F",
        "OBX|5|SN|e^x^L||>^5 mmol/L|mg/dL|||||F",
        "OBX|6|NM|f^x^L||4.5 mmol/L~7|mg/dL|||||F",
    ]);
    let strings = values(&mapped, "valueString");
    assert_eq!([&strings[0], &strings[1], &strings[2]], [&json!("4.5 mmol/L"), &json!("4.5 mmol/L"), &json!("5 mg")]);
    assert_eq!(strings[4], "> 5 mmol/L");
    let notes = values(&mapped, "note");
    for (at, unit) in ["mg/dL", "mg/dL", "g", "mg/dL", "mg/dL", "mg/dL"].iter().enumerate() {
        assert_eq!(notes[at], json!([{ "text": format!("The unit sent beside the value is {unit}.") }]), "{at}");
        let issue = format!("OBX[{}]-6 unit_apart", at + 1);
        assert_eq!(mapped.issues().iter().filter(|other| **other == issue).count(), 1, "{:?}", mapped.issues());
    }
    assert!(unmapped(&mapped).is_empty(), "{:?}", unmapped(&mapped));
}

#[test]
fn a_time_that_cannot_be_read_never_becomes_another() {
    let mapped = rows(&["OBX|1|NM|u^u^L||1|ng/mL|||||F|||2026-10-25 01:30|||||soon"]);
    let observation = first(&mapped, Kind::Observation);
    assert!(observation.get("effectiveDateTime").is_none(), "{observation}");
    assert_eq!(
        observation["_effectiveDateTime"]["extension"],
        json!([{ "url": "http://hl7.org/fhir/StructureDefinition/originalText", "valueString": "2026-10-25 01:30" }])
    );
    assert_eq!(observation["extension"][0]["_valueDateTime"]["extension"][0]["valueString"], "soon");
    assert_eq!(mapped.issues(), ["OBX[1]-14 date_invalid", "OBX[1]-19 date_invalid"]);
    // What was not sent is still the order's.
    let without = first(&rows(&["OBX|1|NM|u^u^L||1|ng/mL|||||F"]), Kind::Observation);
    assert_eq!(without["effectiveDateTime"], "2026-03-01T09:00:00+01:00");
}

#[test]
fn a_date_of_death_that_cannot_be_read_is_kept_as_text() {
    for (indicator, member) in [("", "_deceasedDateTime"), ("Y", "_deceasedBoolean"), ("N", "_deceasedBoolean")] {
        let pid = format!("{PID}|||||||||||||||||||||last winter|{indicator}");
        let mapped = message(&[HEADER, &pid, OBR]);
        let patient = first(&mapped, Kind::Patient);
        assert_eq!(patient[member]["extension"][0]["valueString"], "last winter", "{patient}");
        assert!(patient.get("deceasedDateTime").is_none());
        assert_eq!(
            patient.get("deceasedBoolean").and_then(Value::as_bool),
            (!indicator.is_empty()).then_some(indicator == "Y")
        );
        assert_eq!(mapped.issues(), ["PID[1]-29 date_invalid"]);
    }
}

#[test]
fn the_text_of_every_unreadable_time_is_kept() {
    let obr = OBR.replace("20260301102500", "teatime");
    let mapped = message(&[HEADER, PID, &obr, "OBX|1|NM|u^u^L||1||||||F", "NTE|1||seen|||at noon"]);
    let issued = &first(&mapped, Kind::DiagnosticReport)["_issued"]["extension"];
    assert_eq!((&issued[0]["valueCode"], &issued[1]["valueString"]), (&json!("message-time"), &json!("teatime")));
    let note = &first(&mapped, Kind::Observation)["note"][0];
    assert_eq!((&note["text"], &note["_time"]["extension"][0]["valueString"]), (&json!("seen"), &json!("at noon")));
    assert_eq!(mapped.issues(), ["NTE[1]-6 date_invalid", "OBR[1]-22 date_invalid"]);
}

/// The time of an order sent as 09:00 on 1 July, its marks, and the issues, below this MSH-7.
fn zoned(sent: &str) -> (String, Value, Vec<String>) {
    let header = HEADER.replace("20260314103000+0100", sent);
    let obr = OBR.replace("20260301090000", "20260701090000").replace("20260301102500", "20260701102500+0200");
    let mapped = message(&[&header, PID, &obr]);
    let report = first(&mapped, Kind::DiagnosticReport);
    let marks = report["_effectiveDateTime"]["extension"].clone();
    (text(&report["effectiveDateTime"]).to_owned(), marks, mapped.issues())
}

#[test]
fn an_offset_of_the_header_is_the_default_of_the_message() {
    let mark = json!({ "url": "urn:sealgate:extension:assumed", "valueCode": "time-zone" });
    let ours = json!({ "url": "http://hl7.org/fhir/StructureDefinition/tz-code", "valueCode": "Europe/Berlin" });
    // The interface's own zone knows summer time: a header of the winter that agrees with it says nothing against it.
    for agrees in ["20260314103000+0100", "20260714103000+0200", "20260314103000", "", "soon+0900", "20260314+0100"] {
        let (time, marks, issues) = zoned(agrees);
        assert_eq!(time, "2026-07-01T09:00:00+02:00", "{agrees}");
        assert_eq!(marks[0]["valueCode"], mark["valueCode"]);
        assert_eq!(marks[1]["valueCode"], ours["valueCode"]);
        assert!(issues.is_empty(), "{agrees}: {issues:?}");
    }
    for (contradicts, wanted) in [
        ("20260714103000-0500", "2026-07-01T09:00:00-05:00"),
        ("20260714103000+0100", "2026-07-01T09:00:00+01:00"),
        ("20260714103000Z", "2026-07-01T09:00:00+00:00"),
        ("20260714+0530", "2026-07-01T09:00:00+05:30"),
    ] {
        let (time, marks, issues) = zoned(contradicts);
        assert_eq!(time, wanted, "{contradicts}");
        assert_ne!(marks[1]["valueCode"], ours["valueCode"]);
        assert_eq!(marks[0]["valueCode"], mark["valueCode"]);
        assert_eq!(issues, ["MSH[1]-7 time_zone_contradicted"]);
    }
    // Where every time has an offset, a header that contradicts needs no default and is worth nobody's look.
    let header = HEADER.replace("+0100", "-0500");
    assert!(message(&[&header, PID, &OBR.replace("00|", "00+0100|")]).issues().is_empty());
}

#[test]
fn the_number_of_a_visit_names_no_patient() {
    for pid in ["PID|1||V77^^^NORTH^VN||TESTPERSON^ALEX", "PID|1|V77^^^NORTH^VN|||TESTPERSON^ALEX"] {
        let mapped = message(&[HEADER, pid, OBR]);
        assert_eq!(mapped.incoming.held, Some(Hold::NoPatient), "{pid}");
        assert_eq!(mapped.issues(), ["PID[1]-3 patient_unidentified"]);
    }
    let beside = message(&[HEADER, "PID|1||V77^^^NORTH^VN~900001^^^NORTH||TESTPERSON^ALEX", OBR]);
    let alone = message(&[HEADER, "PID|1||900001^^^NORTH||TESTPERSON^ALEX", OBR]);
    assert_eq!(first(&beside, Kind::Patient)["id"], first(&alone, Kind::Patient)["id"]);
}

#[test]
fn notes_keep_their_order_around_one_with_an_author() {
    let mapped = rows(&[
        "OBX|1|NM|u^u^L||1||||||F",
        "NTE|1||first",
        "NTE|2||also first",
        "NTE|3||second||77^WRITER^WANDA",
        "NTE|4||third",
    ]);
    let notes = values(&mapped, "note")[0].clone();
    let texts: Vec<&str> = notes.as_array().unwrap().iter().map(|note| text(&note["text"])).collect();
    assert_eq!(texts, ["first\nalso first", "second", "third"]);
    assert!(notes[1]["authorReference"].is_object());
}
