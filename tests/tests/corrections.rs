//! Corrections as laboratories send them: no result that was corrected or taken back stays in force beside its correction.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use std::cell::Cell;
use tests::gateway::Gateway;
use tests::home::Home;
use tests::mllp::code;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

/// A laboratory that sends one order again and again.
struct Laboratory {
    home: Home,
    gateway: Gateway,
    sent: Cell<u32>,
}

impl Laboratory {
    fn new() -> Self {
        let home = Home::new(PROGRAM);
        let gateway = home.serve();
        Self { home, gateway, sent: Cell::new(0) }
    }

    /// Sends these rows of an order, each time an hour later; `status` is OBR-25.
    fn send(&self, order: &str, collected: &str, status: char, rows: &[&str]) {
        let number = self.sent.get().saturating_add(1);
        self.sent.set(number);
        let made = format!("202603{:02}{:02}0000+0000", number.div_euclid(24).saturating_add(1), number.rem_euclid(24));
        let rows: String = rows.iter().map(|row| format!("{row}\r")).collect();
        let message = format!(
            "MSH|^~\\&|LIS|NORTHLAB|SEALGATE|HOSPITAL|{made}||ORU^R01^ORU_R01|M{number}|P|2.5.1\r\
             PID|1||P{order}^^^NORTH^MR||TESTPERSON^ALEX||19800229|F\r\
             OBR|1||{order}|C^Panel^L|||{collected}|||||||||||||||||LAB|{status}\r{rows}"
        );
        assert_eq!(code(&self.gateway.mllp().exchange(message.as_bytes()).unwrap()), "AA");
    }

    /// The results that the report of an order names, as status, value and unit, first to last.
    fn results(&self, order: &str) -> Vec<String> {
        let fhir = self.gateway.fhir(self.home.first());
        let report = self.report(order);
        let read = |reference: &Value| {
            let result = fhir.get(&format!("/{}", reference["reference"].as_str().unwrap())).json();
            format!("{} {}", result["status"].as_str().unwrap(), result["valueQuantity"]["value"])
        };
        report["result"].as_array().unwrap().iter().map(read).collect()
    }

    fn report(&self, order: &str) -> Value {
        let fhir = self.gateway.fhir(self.home.first());
        let reports = fhir.get(&format!("/DiagnosticReport?identifier={order}")).resources();
        assert_eq!(reports.len(), 1);
        reports[0].clone()
    }

    fn waiting(&self) -> usize {
        let tenant = self.home.first().name.clone();
        let list = self.home.json(&["message", "list", "--tenant", &tenant, "--state", "quarantined", "--json"]);
        list.as_array().unwrap().len()
    }
}

const COLLECTED: &str = "20260301081500+0000";

#[test]
fn what_is_taken_back_without_its_time_does_not_stay() {
    let laboratory = Laboratory::new();
    for (order, status) in [("W1", "W"), ("D1", "D")] {
        laboratory.send(order, COLLECTED, 'F', &["OBX|1|NM|a^a^L||7.9|mg||HH|||F|||20260301081700+0000"]);
        assert_eq!(laboratory.results(order), ["final 7.9"]);
        laboratory.send(order, COLLECTED, 'C', &[&format!("OBX|1|NM|a^a^L||||||||{status}")]);
        assert_eq!(laboratory.results(order), ["entered-in-error null"]);
    }
}

#[test]
fn a_correction_that_was_verified_later_replaces_what_it_corrects() {
    let laboratory = Laboratory::new();
    laboratory.send("C1", COLLECTED, 'F', &["OBX|1|NM|a^a^L||7.9|mg||HH|||F|||20260301090000+0000"]);
    laboratory.send("C1", COLLECTED, 'C', &["OBX|1|NM|a^a^L||4.1|mg||N|||C|||20260301120000+0000"]);
    assert_eq!(laboratory.results("C1"), ["corrected 4.1"]);
    // The order's time alone is corrected, and the row's is not.
    laboratory.send("C2", COLLECTED, 'F', &["OBX|1|NM|a^a^L||7.9|mg||HH|||F|||20260301081500+0000"]);
    laboratory.send("C2", "20260301082000+0000", 'C', &["OBX|1|NM|a^a^L||7.9|mg||HH|||F|||20260301081500+0000"]);
    assert_eq!(laboratory.results("C2"), ["final 7.9"]);
}

#[test]
fn a_final_result_leaves_no_preliminary_one_behind() {
    let laboratory = Laboratory::new();
    laboratory.send("P1", COLLECTED, 'P', &["OBX|1|NM|a^a^L||7.9|mg||HH|||P|||20260301090000+0000"]);
    laboratory.send("P1", COLLECTED, 'F', &["OBX|1|NM|a^a^L||4.1|mg||N|||F|||20260301100000+0000"]);
    assert_eq!(laboratory.results("P1"), ["final 4.1"]);
    let document = |status: &str, data: &str, time: &str| {
        format!("OBX|1|ED|PDF^r^L||^application^pdf^Base64^{data}||||||{status}|||2026030109{time}00+0000")
    };
    laboratory.send("P2", COLLECTED, 'P', &[&document("P", "JVBERi0xLjQK", "00")]);
    laboratory.send("P2", COLLECTED, 'F', &[&document("F", "JVBERi0xLjUK", "30")]);
    let forms = laboratory.report("P2")["presentedForm"].clone();
    assert_eq!((forms.as_array().unwrap().len(), &forms[0]["data"]), (1, &"JVBERi0xLjUK".into()));
}

#[test]
fn a_series_stays_a_series_and_a_correction_that_could_mean_either_waits() {
    let laboratory = Laboratory::new();
    let row = |value: &str, status: &str, time: &str| {
        format!("OBX|1|NM|a^a^L||{value}|mg|||||{status}|||20260301{time}00+0000")
    };
    laboratory.send("S1", COLLECTED, 'F', &[&row("5.1", "F", "0900")]);
    laboratory.send("S1", COLLECTED, 'F', &[&row("7.2", "F", "1000")]);
    assert_eq!(laboratory.results("S1"), ["final 5.1", "final 7.2"]);
    laboratory.send("S1", COLLECTED, 'C', &[&row("7.9", "C", "1000")]);
    assert_eq!((laboratory.results("S1"), laboratory.waiting()), (vec!["final 5.1".into(), "corrected 7.9".into()], 0));
    laboratory.send("S1", COLLECTED, 'C', &[&row("1.0", "C", "1100")]);
    assert_eq!((laboratory.results("S1").len(), laboratory.waiting()), (2, 1));
    // Told apart by their place alone.
    laboratory.send("S2", COLLECTED, 'F', &["OBX|1|NM|a^a^L||5.1|mg|||||F", "OBX|2|NM|a^a^L||7.2|mg|||||F"]);
    laboratory.send("S2", COLLECTED, 'C', &["OBX|1|NM|a^a^L||7.9|mg|||||C"]);
    assert_eq!((laboratory.results("S2"), laboratory.waiting()), (vec!["final 5.1".into(), "final 7.2".into()], 2));
}

#[test]
fn of_an_order_that_was_taken_back_no_result_stands() {
    let laboratory = Laboratory::new();
    laboratory.send("R1", COLLECTED, 'F', &["OBX|1|NM|a^a^L||7.9|mg||HH|||F", "OBX|2|NM|b^b^L||1.2|mg|||||F"]);
    laboratory.send("R1", COLLECTED, 'W', &[]);
    assert_eq!(laboratory.report("R1")["status"], "entered-in-error");
    assert_eq!(laboratory.results("R1"), ["entered-in-error null", "entered-in-error null"]);
}

#[test]
fn a_code_more_for_a_known_result_makes_no_second_one() {
    let laboratory = Laboratory::new();
    laboratory.send("A1", COLLECTED, 'F', &["OBX|1|NM|hb^Hb^L||7.9|g/dL||L|||F"]);
    laboratory.send("A1", COLLECTED, 'C', &["OBX|1|NM|718-7^Hb^LN^hb^Hb^L||14.0|g/dL||N|||C"]);
    assert_eq!(laboratory.results("A1"), ["corrected 14.0"]);
}
