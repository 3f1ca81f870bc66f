//! Which messages speak of the same thing: ids must not hang on order or spelling, nor make one of two.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mapped;

use domain::kind::Kind;
use mapped::{Mapped, map_bytes, text};
use serde_json::Value;

const PID: &str = "PID|1||900001^^^NORTH^MR||TESTPERSON^ALEX||19800229|F";
const OBX: &str = "OBX|1|NM|718-7^Hb^LN||13.5|g/dL|||||F";

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

impl Mapped {
    fn all(&self, kind: Kind) -> Vec<&Value> {
        self.resources.iter().filter(|(other, _)| *other == kind).map(|(_, resource)| resource).collect()
    }

    /// The ids of the resources of a kind, in order.
    fn ids(&self, kind: Kind) -> Vec<String> {
        self.all(kind).into_iter().map(|resource| text(&resource["id"]).to_owned()).collect()
    }
}

/// The ids of the reports of a message with these orders.
fn reports(orders: &[&str]) -> Vec<String> {
    let all: Vec<&str> = std::iter::once(PID).chain(orders.iter().flat_map(|order| [*order, OBX])).collect();
    lines(&all).ids(Kind::DiagnosticReport)
}

#[test]
fn the_second_of_two_cultures_sent_again_alone_is_the_second() {
    let (first, second) =
        ("OBR|1|PL1|FO1|600-7^Culture^LN||||||||||||||||||||P", "OBR|2|PL2|FO1|600-7^Culture^LN||||||||||||||||||||F");
    let both = reports(&[first, second]);
    assert_eq!(reports(&[second]), both[1..]);
    assert_eq!(reports(&[second, first]), [both[1].as_str(), &both[0]]);
    // The authority of a placer number is often left out.
    assert_eq!(reports(&["OBR|1|PL2^EHR|FO1^|600-7^Culture^LN"]), both[1..]);
}

#[test]
fn orders_that_nothing_tells_apart_are_counted_and_said_to_be() {
    let order = "OBR|1||FO1|600-7^Culture^LN||||||||||||||||||||F";
    let mapped = lines(&[PID, order, OBX, order, OBX]);
    let ids = mapped.ids(Kind::DiagnosticReport);
    assert_ne!(ids[0], ids[1]);
    assert!(mapped.issues().contains(&"OBR[2]-3 identity_by_place".to_owned()), "{:?}", mapped.issues());
}

#[test]
fn a_report_is_the_same_whichever_way_its_code_is_spelled() {
    let report = |code: &str| reports(&[&format!("OBR|1||FO1|{code}||||||||||||||||||||F")])[0].clone();
    let one = report("718-7^Hb^LN");
    for code in [
        "718-7^Hb^LOINC",
        " 718-7 ^Haemoglobin^ln",
        "718-7^Hb^LN^HB^Hb^L",
        "HB^Hb^L^718-7^Hb^LN",
        "718-7^^2.16.840.1.113883.6.1",
    ] {
        assert_eq!(report(code), one, "{code}");
    }
    assert_eq!(report("HB^^L^CBC^^99X"), report("CBC^^99X^HB^^L"));
    assert_eq!(report("^Blood count"), report("^ Blood count "));
    for code in ["718-8^Hb^LN", "718-7^Hb^L", "^Hb"] {
        assert_ne!(report(code), one, "{code}");
    }
}

#[test]
fn a_patient_is_the_same_in_whatever_order_the_numbers_come() {
    let patient = |list: &str| {
        lines(&[&format!("PID|1||{list}||TESTPERSON^ALEX"), "OBR|1||FO1|600-7^^LN", OBX]).ids(Kind::Patient)
    };
    assert_eq!(patient("1^^^A^MR~2^^^B^MR"), patient("2^^^B^MR~1^^^A^MR"));
    assert_eq!(patient("1^^^A^PI~2^^^B^PI"), patient("2^^^B^PI~1^^^A^PI"));
    assert_eq!(patient("9^^^HARBOUR^MR"), patient("9^^^HARBOUR&1.2.3&ISO^MR"));
    assert_ne!(patient("9^^^HARBOUR^MR"), patient("9^^^NORTH^MR"));
    // A medical record number counts before others, whatever comes first.
    assert_eq!(patient("0^^^A^PI~2^^^B^MR"), patient("2^^^B^MR"));
}

#[test]
fn a_visit_number_shared_by_two_patients_is_two_visits() {
    let visit = |patient: &str| {
        let pid = format!("PID|1||{patient}^^^NORTH^MR||TESTPERSON^ALEX");
        lines(&[&pid, "PV1|1|O|||||||||||||||||REC1", "OBR|1||FO1|600-7^^LN", OBX]).ids(Kind::Encounter)
    };
    assert_eq!(visit("C").len(), 1);
    assert_eq!(visit("C"), visit("C"));
    assert_ne!(visit("C"), visit("D"));
}

#[test]
fn specimens_sent_again_in_another_order_are_the_same() {
    let specimens = |list: &[&str]| {
        let all: Vec<&str> = [PID, "OBR|1||FO1|600-7^^LN", OBX].into_iter().chain(list.iter().copied()).collect();
        lines(&all).ids(Kind::Specimen)
    };
    let (a, b) = ("SPM|1|SA||BLD", "SPM|2|SB||BLD");
    let both = specimens(&[a, b]);
    assert_eq!(specimens(&[b, a]), [both[1].as_str(), &both[0]]);
    assert_eq!(specimens(&[b]), both[1..]);
    for alike in [["SPM|1|||BLD", "SPM|2|||UR"], ["SPM|1|SA||BLD", "SPM|2|SA||BLD"]] {
        let ids = specimens(&alike);
        assert_ne!(ids[0], ids[1]);
    }
}

#[test]
fn a_document_that_did_not_come_is_waited_for_or_withdrawn() {
    let mapped = lines(&[PID, "OBR|1||FO1|600-7^^LN", "OBX|1|ED|PDF^^L||||||||F", "OBX|2|NM|718-7^^LN||||||||F"]);
    let (report, observations) = (mapped.all(Kind::DiagnosticReport)[0], mapped.ids(Kind::Observation));
    let forms = report["presentedForm"].as_array().unwrap();
    assert_eq!(forms.len(), 1);
    assert_eq!(forms[0]["id"], Value::String(observations[0].clone()));
    assert_eq!(forms[0]["extension"][0]["valueCode"], "unknown");
    for withdrawn in ["OBX|1|ED|PDF^^L||\"\"||||||F", "OBX|1|ED|PDF^^L||||||||W"] {
        let mapped = lines(&[PID, "OBR|1||FO1|600-7^^LN", withdrawn]);
        assert!(mapped.all(Kind::DiagnosticReport)[0].get("presentedForm").is_none(), "{withdrawn}");
    }
    // What only supports the order is no result, so the report itself says that it left.
    let supporting = format!("OBX|1|ED|PDF^^L||||||||W{}SCI", "|".repeat(18));
    let mapped = lines(&[PID, "OBR|1||FO1|600-7^^LN", &supporting]);
    let forms = &mapped.all(Kind::DiagnosticReport)[0]["presentedForm"];
    assert_eq!(forms[0]["extension"][0]["valueCode"], "error", "{forms}");
}
