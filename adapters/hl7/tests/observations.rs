//! Which rows are one observation, and what of it stands: one vector for each symptom that was found.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod mapped;

use domain::kind::Kind;
use mapped::{Mapped, map_bytes, text};
use serde_json::{Value, json};

/// Maps rows of one order, collected on 1 March at 08:00.
fn rows(rows: &[&str]) -> Mapped {
    let mut message = String::from(
        "MSH|^~\\&|LABX|NORTH|GATEWAY|CDR|20260314093000+0000||ORU^R01^ORU_R01|M1|P|2.5.1\r\
         PID|1||900001^^^NORTH^MR||TESTPERSON^ALEX||19800229|F\r\
         OBR|1|PO1^EHR|FO1^LABX|24323-8^Panel^LN|||20260301080000+0000|||||||||||||||20260301092500+0000||LAB|F\r",
    );
    for row in rows {
        message.push_str(row);
        message.push('\r');
    }
    let mapped = map_bytes(message.as_bytes()).unwrap();
    assert_eq!(mapped.incoming.held, None);
    mapped
}

fn observations(mapped: &Mapped) -> Vec<&Value> {
    mapped.resources.iter().filter(|(kind, _)| *kind == Kind::Observation).map(|(_, resource)| resource).collect()
}

fn values(mapped: &Mapped, name: &str) -> Vec<Value> {
    observations(mapped).iter().map(|observation| observation[name].clone()).collect()
}

fn ids(mapped: &Mapped) -> Vec<String> {
    observations(mapped).iter().map(|observation| text(&observation["id"]).to_owned()).collect()
}

#[test]
fn analytes_named_in_the_alternate_coding_only_stay_two() {
    let mapped = rows(&[
        "OBX|1|ST|^^^5778-6^Color^LN||Yellow||||||F",
        "OBX|2|ST|^^^5770-3^Bilirubin^LN||Positive||||||F",
        "OBX|3|NM|^^^2345-7^Glucose^LN|1|5.4||||||F",
        "OBX|4|NM|^^^2823-3^Potassium^LN|1|4.1||||||F",
    ]);
    assert_eq!(values(&mapped, "valueString")[..2], [json!("Yellow"), json!("Positive")]);
    assert_eq!(observations(&mapped).len(), 4);
}

#[test]
fn rows_without_any_name_never_join() {
    let mapped = rows(&["OBX|1|ST|||Yellow||||||F", "OBX|2|ST|||Positive||||||F"]);
    assert_eq!(values(&mapped, "valueString"), [json!("Yellow"), json!("Positive")]);
}

#[test]
fn two_local_codes_with_one_standard_code_stay_two() {
    let mapped =
        rows(&["OBX|1|ST|WBCA^auto^L^6690-2^WBC^LN||many||||||F", "OBX|2|ST|WBCM^manual^L^6690-2^WBC^LN||few||||||F"]);
    assert_eq!(observations(&mapped).len(), 2);
}

#[test]
fn serial_results_in_text_are_not_lines_of_one() {
    let mapped = rows(&[
        "OBX|1|ST|MRSA^MRSA^L||Positive|||A|||F|||20260301",
        "OBX|2|ST|MRSA^MRSA^L||Negative||||||F|||20260303",
    ]);
    assert_eq!(values(&mapped, "valueString"), [json!("Positive"), json!("Negative")]);
    assert!(observations(&mapped)[1].get("interpretation").is_none());
}

#[test]
fn a_result_above_the_range_of_the_method_is_no_comment() {
    let mapped = rows(&["OBX|1|NM|GLU^Glucose^L||5.4|mmol/L|||||F", "OBX|2|ST|GLU^Glucose^L||>30|mmol/L||HH|||F"]);
    assert_eq!(values(&mapped, "valueString")[1], ">30 mmol/L");
    let comment = rows(&["OBX|1|NM|GLU^Glucose^L||5.4|mmol/L|||||F", "OBX|2|ST|GLU^Glucose^L||haemolytic||||||F"]);
    assert_eq!(values(&comment, "note"), [json!([{"text": "haemolytic"}])]);
}

#[test]
fn lines_of_text_without_a_time_follow_the_first() {
    let mapped = rows(&["OBX|1|TX|GDT^x^L||one||||||F|||20260302", "OBX|2|TX|GDT^x^L||two||||||F"]);
    assert_eq!(values(&mapped, "valueString"), [json!("one\ntwo")]);
}

#[test]
fn a_correction_of_one_in_a_series_lands_on_it() {
    let series = ids(&rows(&[
        "OBX|1|NM|GLU^Glucose^L||5.4||||||F|||20260301080000+0000",
        "OBX|2|NM|GLU^Glucose^L||9.1||||||F|||20260301090000+0000",
    ]));
    let second = ids(&rows(&["OBX|1|NM|GLU^Glucose^L||9.3||||||C|||20260301100000+0100"]));
    let first = ids(&rows(&["OBX|1|NM|GLU^Glucose^L||5.5||||||C"]));
    assert_eq!([&first[0], &second[0]], [&series[0], &series[1]]);
}

#[test]
fn the_spelling_of_a_system_and_the_order_of_codings_make_no_other_result() {
    let id = |code: &str| ids(&rows(&[&format!("OBX|1|NM|{code}||140||||||F")]))[0].clone();
    assert_eq!(id("718-7^Hb^LN"), id("718-7 ^Haemoglobin^LOINC"));
    assert_eq!(id("718-7^Hb^LN^HB^Hb^L"), id("HB^Hb^L^718-7^Hb^LN"));
    assert_ne!(id("718-7^Hb^LN"), id("718-7^Hb^L"));
}

#[test]
fn one_status_never_covers_rows_of_several() {
    let mapped = rows(&[
        "OBX|1|TX|GDT^x^L||benign||||||F",
        "OBX|2|TX|GDT^x^L||MALIGNANT other patient||||||W",
        "OBX|3|TX|GDT^x^L||addendum||||||P",
    ]);
    assert_eq!(values(&mapped, "status"), [json!("preliminary")]);
    assert_eq!(values(&mapped, "valueString"), [json!("benign\naddendum")]);
    assert!(mapped.issues().contains(&"OBX[1]-11 status_differs".to_owned()), "{:?}", mapped.issues());
}

#[test]
fn a_first_row_taken_back_leaves_the_others() {
    let mapped = rows(&["OBX|1|NM|GLU^x^L||5.4||||||W", "OBX|2|ST|GLU^x^L||haemolytic||||||F"]);
    assert_eq!(values(&mapped, "valueString"), [json!("haemolytic")]);
    assert!(!mapped.resources.iter().any(|(_, resource)| resource.to_string().contains("5.4")));
}

#[test]
fn nothing_of_a_withdrawn_row_survives_in_other_elements() {
    for status in ["W", "D"] {
        let mapped = rows(&[
            &format!("OBX|1|NM|GLU^Glucose^L|1|5.4|mmol/L|3.1-4.9|HH|||{status}|||20260301||LAB|^Meter"),
            "NTE|1||Called to Dr. Sample",
        ]);
        let observation = observations(&mapped)[0].as_object().unwrap();
        assert_eq!(observation["status"], "entered-in-error");
        for name in observation.keys().filter(|name| !name.starts_with('_')) {
            assert!(
                ["resourceType", "id", "identifier", "status", "code", "subject", "dataAbsentReason"]
                    .contains(&name.as_str()),
                "{name}"
            );
        }
    }
}

/// The only observation's id, and what the report presents.
fn presented(rows_sent: &[&str]) -> (String, Value) {
    let mapped = rows(rows_sent);
    let report = mapped.resources.iter().find(|(kind, _)| *kind == Kind::DiagnosticReport).unwrap();
    (ids(&mapped)[0].clone(), report.1["presentedForm"].clone())
}

#[test]
fn a_withdrawn_document_is_not_presented() {
    let form = |value: &str, status: &str| presented(&[&format!("OBX|1|ED|PDF^Report^L||{value}||||||{status}")]);
    let (id, forms) = form("^application^pdf^Base64^JVBERi0xLjQK", "F");
    assert_eq!(
        (forms[0]["id"].as_str(), forms[0]["contentType"].as_str()),
        (Some(id.as_str()), Some("application/pdf"))
    );
    assert_eq!(form("^application^pdf^Base64^JVBERi0xLjQK", "W"), (id.clone(), Value::Null));
    assert_eq!(form("\"\"", "W"), (id.clone(), Value::Null));
    assert_eq!(form("\"\"", "F"), (id.clone(), Value::Null));
    // A status alone says that the document is still the one that is stored.
    assert_eq!(form("", "F").1[0]["extension"][0]["valueCode"], "unknown");
    let rtf = "OBX|2|ED|PDF^Report^L||^application^rtf^Base64^e1xydGYxfQ==||||||F";
    let (_, two) = presented(&["OBX|1|ED|PDF^Report^L||^application^pdf^Base64^JVBERi0xLjQK||||||F", rtf]);
    assert_eq!((&two[0]["id"], &two[1]["id"]), (&json!(id), &json!(format!("{id}-2"))));
}

#[test]
fn not_asked_with_a_value_is_never_final() {
    let mapped = rows(&["OBX|1|NM|NA^x^L||||||||N", "OBX|2|NM|K^x^L||4.1||||||N"]);
    assert_eq!(values(&mapped, "status"), [json!("final"), json!("unknown")]);
    assert_eq!(observations(&mapped)[0]["dataAbsentReason"]["coding"][0]["code"], "not-asked");
    assert_eq!(mapped.issues(), ["OBX[2]-11 status_contradicted"]);
}

#[test]
fn a_number_with_its_unit_behind_is_a_number() {
    let mapped = rows(&[
        "OBX|1|NM|A^x^L||5 mg/dL|mg/dL|||||F",
        "OBX|2|NM|B^x^L||<5mg/dL|mg/dL|||||F",
        "OBX|3|NM|C^x^L||510*3/uL|10*3/uL|||||F",
        "OBX|4|NM|D^x^L||1,5 mg/dL|mg/dL|||||F",
        "OBX|5|NM|E^x^L||5|mg/dL|3 - 6 mg/dL||||F",
    ]);
    let quantities = values(&mapped, "valueQuantity");
    assert_eq!(quantities[0], json!({"value": 5, "unit": "mg/dL"}));
    assert_eq!(quantities[1], json!({"value": 5, "comparator": "<", "unit": "mg/dL"}));
    assert_eq!(values(&mapped, "valueString")[2..4], [json!("510*3/uL"), json!("1,5 mg/dL")]);
    assert_eq!(observations(&mapped)[4]["referenceRange"][0]["high"]["value"], 6);
}

#[test]
fn a_lone_value_behind_an_empty_repetition_is_the_value() {
    let mapped = rows(&["OBX|1|NM|A^x^L||~7||||||F", "OBX|2|ST|B^x^L||~x||||||F"]);
    assert_eq!(observations(&mapped)[0]["valueQuantity"]["value"], 7);
    assert_eq!(observations(&mapped)[1]["valueString"], "x");
}

#[test]
fn a_byte_in_an_escape_of_an_ascii_message_is_a_letter() {
    let mapped = rows(&[r"OBX|1|ST|A^x^L||caf\XE9\ \XC3A9\||||||F"]);
    assert_eq!(values(&mapped, "valueString"), [json!("café é")]);
}
