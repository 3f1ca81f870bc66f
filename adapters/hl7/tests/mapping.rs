//! What messages become: the authored ones by what their `EXPECT.json` says, and one vector for each rule.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod mapped;

use domain::intake::Hold;
use domain::kind::Kind;
use mapped::{Mapped, map_bytes, text};
use serde_json::{Value, json};

const PID: &str = "PID|1||900001^^^NORTH&2.16.840.1.113883.19.4&ISO^MR||TESTPERSON^ALEX||19800229|F";
const OBR: &str =
    "OBR|1|PO1^EHR|FO1^LABX|24323-8^Panel^LN|||20260314080000+0000|||||||||||||||20260314092500+0000||LAB|F";

/// Maps an authored message.
fn authored(name: &str) -> Mapped {
    let path =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/authored").join(format!("{name}.hl7"));
    map_bytes(&std::fs::read(path).unwrap()).unwrap()
}

/// Maps a message made of these lines behind a header of ours.
fn lines(lines: &[&str]) -> Mapped {
    let mut message =
        String::from("MSH|^~\\&|LABX|NORTH|GATEWAY|CDR|20260314093000+0000||ORU^R01^ORU_R01|M1|P|2.5.1\r");
    for line in lines {
        message.push_str(line);
        message.push('\r');
    }
    map_bytes(message.as_bytes()).unwrap()
}

impl Mapped {
    /// The resources of a kind.
    fn all(&self, kind: Kind) -> Vec<&Value> {
        self.resources.iter().filter(|(other, _)| *other == kind).map(|(_, resource)| resource).collect()
    }

    /// The only or first resource of a kind.
    fn first(&self, kind: Kind) -> &Value {
        self.all(kind).first().copied().unwrap_or(&Value::Null)
    }

    /// The observations with a code.
    fn observations(&self, code: &str) -> Vec<&Value> {
        let has = |resource: &&Value| {
            resource["code"]["coding"]
                .as_array()
                .is_some_and(|codings| codings.iter().any(|coding| coding["code"] == code))
        };
        self.all(Kind::Observation).into_iter().filter(has).collect()
    }

    /// The paths that were not mapped.
    fn unmapped(&self) -> Vec<String> {
        let places = self.trace["not_mapped"].as_array().cloned().unwrap_or_default();
        places.iter().map(|place| text(&place["path"]).to_owned()).collect()
    }
}

/// The `value[x]`, components and reason of absence of an observation, as it was written.
fn value_of(observation: &Value) -> Value {
    let members = observation.as_object().unwrap().iter();
    members
        .filter(|(name, _)| name.starts_with("value") || *name == "component" || *name == "dataAbsentReason")
        .map(|(_, value)| value.clone())
        .collect()
}

/// The exact text of the observation with this code.
fn content(mapped: &Mapped, code: &str) -> String {
    let members = mapped.incoming.records.iter().flat_map(|record| &record.members);
    let wanted = format!("\"code\":\"{code}\"");
    members
        .filter(|member| member.kind == Kind::Observation)
        .find(|member| member.content.contains(&wanted))
        .unwrap()
        .content
        .clone()
}

#[test]
fn numbers_keep_the_text_they_had() {
    let mapped = authored("nm_variants");
    for (code, wanted) in [
        ("TNM00", r#""value":140,"#),
        ("TNM01", r#""value":5,"#),
        ("TNM02", r#""value":-3.50,"#),
        ("TNM03", r#""value":10.50,"#),
        ("TNM04", r#""value":0.5,"#),
        ("TNM05", r#""value":5,"#),
        ("TNM06", r#""value":1.20E3,"#),
        ("TNM07", r#""valueQuantity":{"value":5,"comparator":"<","unit":"mg/dL"}"#),
        ("TNM08", r#""valueQuantity":{"value":100,"comparator":">","unit":"mg/dL"}"#),
        ("TNM09", r#""valueString":">=1:40 mg/dL""#),
        ("TNM10", r#""valueString":"1,234 mg/dL""#),
        ("TNM11", r#""value":7.4,"#),
        ("TNM12", r#""value":7.4,"#),
        ("TNM13", r#""valueString":"N/A""#),
        ("TNM14", r#""valueString":"NEGATIVE""#),
        ("TNM15", r#""code":"unknown""#),
        ("TNM16", r#""text":"value removed by the sender""#),
        ("TNM17", r#""valueString":"1e400 mg/dL""#),
        ("TNM18", r#""value":0.1111111111111111111111111111111111111111,"#),
        ("TNM19", r#""value":123456789012345678901234567890,"#),
        ("TNM20", r#""valueString":"١٢""#),
        ("TNM21", r#""valueString":"NaN""#),
        ("TNM22", r#""valueString":"Infinity""#),
        ("TNM24", r#""valueString":"1-2 mg/dL""#),
    ] {
        assert!(content(&mapped, code).contains(wanted), "{code}: {}", content(&mapped, code));
    }
    assert!(mapped.issues().contains(&"OBX[11]-5 number_unreadable".to_owned()));
}

#[test]
fn structured_numbers_become_what_they_say() {
    let mapped = authored("sn_variants");
    let unit = r#""unit":"U/mL","system":"http://unitsofmeasure.org","code":"U/mL""#;
    for (code, wanted) in [
        ("TSN00", format!(r#""valueQuantity":{{"value":100,"comparator":">",{unit}}}"#)),
        ("TSN03", format!(r#""valueQuantity":{{"value":0.1,"comparator":"<=",{unit}}}"#)),
        ("TSN04", format!(r#""valueQuantity":{{"value":7,{unit}}}"#)),
        ("TSN05", r#""valueString":"<> 5 U/mL""#.to_owned()),
        ("TSN06", format!(r#""valueRatio":{{"numerator":{{"value":1,{unit}}},"denominator":{{"value":128,{unit}}}}}"#)),
        ("TSN08", format!(r#""valueRange":{{"low":{{"value":10,{unit}}},"high":{{"value":20,{unit}}}}}"#)),
        ("TSN09", r#""valueString":"> 1 - 5 U/mL""#.to_owned()),
        ("TSN10", r#""valueString":"3 + U/mL""#.to_owned()),
        ("TSN11", format!(r#""valueQuantity":{{"value":15,{unit}}}"#)),
        ("TSN12", r#""valueString":"- 5 U/mL""#.to_owned()),
        ("TSN14", r#""valueString":"abc""#.to_owned()),
        ("TSN15", r#""valueString":">""#.to_owned()),
    ] {
        assert!(content(&mapped, code).contains(&wanted), "{code}: {}", content(&mapped, code));
    }
}

#[test]
fn every_value_type_survives() {
    let mapped = authored("obx2_all_value_types");
    for (number, wanted) in [
        (0, json!(["140"])),
        (1, json!(["140"])),
        (2, json!([{"value": 140}])),
        (3, json!(["2026-03-14"])),
        (5, json!(["2026-03-14T08:00:00+00:00"])),
        (6, json!(["08:30:00"])),
        (7, json!(["short"])),
        (
            10,
            json!([{"coding": [{"system": "http://snomed.info/sct", "code": "260385009", "display": "Negative"}], "text": "Negative"}]),
        ),
        (11, json!([{"text": "free text only"}])),
        (14, json!(["123^^^NORTH^MR"])),
        (17, json!([{"low": {"value": 10}, "high": {"value": 20}}])),
        (18, json!([{"start": "2026-03-01", "end": "2026-03-14"}])),
        (21, json!(["A^B"])),
    ] {
        let code = format!("TVT{number:02}");
        assert_eq!(value_of(mapped.observations(&code)[0]), wanted, "{code}");
    }
    assert_eq!(mapped.all(Kind::Observation).len(), 27);
    assert!(mapped.all(Kind::Observation).iter().all(|observation| value_of(observation) != json!([])));
}

#[test]
fn statuses_are_never_made_final() {
    for (name, report, result) in [
        ("status_preliminary", "preliminary", "preliminary"),
        ("status_partial_A", "partial", "final"),
        ("status_not_verified", "partial", "preliminary"),
        ("status_scheduled_partial", "registered", "preliminary"),
        ("status_cancelled", "cancelled", "cancelled"),
        ("status_order_only", "registered", "registered"),
        ("status_status_absent", "unknown", "unknown"),
        ("status_unknown_status_code", "unknown", ""),
        ("status_corrected_not_final", "preliminary", ""),
        ("obx11_verified", "", "final"),
        ("obx11_wrong_patient", "", "entered-in-error"),
    ] {
        let mapped = authored(name);
        for (kind, wanted) in [(Kind::DiagnosticReport, report), (Kind::Observation, result)] {
            let status = text(&mapped.first(kind)["status"]);
            assert!(wanted.is_empty() || status == wanted, "{name}: {kind} is {status}");
        }
    }
    let unknown = authored("status_unknown_status_code");
    let kept = &unknown.first(Kind::DiagnosticReport)["_status"]["extension"][0]["valueCodeableConcept"]["coding"][0]["system"];
    assert_eq!(text(kept), "http://terminology.hl7.org/CodeSystem/v2-0123");
    assert!(unknown.issues().iter().any(|issue| issue.ends_with("status_unknown")));
}

#[test]
fn a_row_taken_back_as_another_patients_shows_no_value() {
    let mapped = authored("obx11_wrong_patient");
    let withdrawn = mapped.all(Kind::Observation).into_iter().find(|row| row["status"] == "entered-in-error").unwrap();
    assert_eq!(value_of(withdrawn)[0]["coding"][0]["code"], "error");
}

#[test]
fn only_the_deleted_row_is_in_error() {
    let mapped = authored("obx11_delete_row");
    let statuses: Vec<&str> = mapped.all(Kind::Observation).iter().map(|row| text(&row["status"])).collect();
    assert_eq!(statuses.iter().filter(|status| **status == "entered-in-error").count(), 1, "{statuses:?}");
    assert!(statuses.len() > 1);
}

#[test]
fn a_value_not_asked_for_is_absent() {
    let mapped = authored("obx11_not_asked");
    let absent = mapped
        .all(Kind::Observation)
        .into_iter()
        .any(|row| row["dataAbsentReason"]["coding"][0]["code"] == "not-asked");
    assert!(absent);
}

#[test]
fn lines_of_text_are_one_observation_with_its_blank_lines() {
    let mapped = authored("radiology_tx_one_line_per_obx_blank_lines");
    let texts: Vec<&str> = mapped.all(Kind::Observation).iter().map(|row| text(&row["valueString"])).collect();
    assert!(texts.iter().any(|text| text.contains("\n\n") || text.contains("\n ")), "{texts:?}");
    assert!(texts.len() < 6);
    let paragraphs = authored("tx_repetition_paragraphs");
    assert_eq!(
        paragraphs.first(Kind::Observation)["valueString"],
        "First paragraph.\nSecond paragraph with ~ tilde.\n\nFourth after blank."
    );
}

#[test]
fn formatted_text_loses_its_layout_and_no_words() {
    let mapped = authored("radiology_ft_formatting");
    let read = text(&mapped.first(Kind::Observation)["valueString"]);
    assert!(read.contains("1. Silhouette normal.\n 2. Lungs clear."), "{read}");
    assert!(read.contains("IMPRESSION: R&D pending; see |bar| and caret ^ and tilde ~ and backslash \\."), "{read}");
}

#[test]
fn escapes_are_decoded_once() {
    let mapped = authored("escape_sequences_all");
    for (code, wanted) in
        [("E1", "A|B^C&D~E\\F"), ("E2", "xAy\nz"), ("E4", "100\\ of 5"), ("E6", "HIGH value"), ("E7", "\\F\\")]
    {
        assert_eq!(mapped.observations(code)[0]["valueString"], wanted, "{code}");
    }
}

#[test]
fn documents_come_out_whole() {
    use base64::Engine;
    let data = |name: &str| {
        let mapped = authored(name);
        let form = mapped.first(Kind::DiagnosticReport)["presentedForm"][0].clone();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text(&form["data"])).unwrap();
        assert_eq!(form["size"], bytes.len());
        (text(&form["contentType"]).to_owned(), bytes)
    };
    let (kind, whole) = data("ed_pdf_base64");
    assert_eq!(kind, "application/pdf");
    assert!(whole.starts_with(b"%PDF-1.4") && whole.ends_with(b"%%EOF\n"));
    assert_eq!(data("ed_pdf_base64_wrapped_with_br_escapes"), (kind.clone(), whole.clone()));
    assert_eq!(data("ed_pdf_split_over_obx_rows"), (kind, whole));
    assert_eq!(data("ed_rtf_hex"), ("application/rtf".to_owned(), b"{\\rtf1 Hello}".to_vec()));
    assert_eq!(data("ed_text_a_encoding"), ("text/plain".to_owned(), b"Result & comment".to_vec()));
}

#[test]
fn a_document_that_lies_about_its_type_is_only_bytes() {
    let mapped = lines(&[
        PID,
        OBR,
        "OBX|1|ED|PDF^Report^L||^AP^PDF^Base64^aGVsbG8=||||||F",
        "OBX|2|ED|P2^Report^L||^AP^PDF^Base64^not*base64||||||F",
    ]);
    let forms = &mapped.first(Kind::DiagnosticReport)["presentedForm"];
    assert_eq!(forms[0]["contentType"], "application/octet-stream");
    assert_eq!(forms[1]["contentType"], "text/plain");
    assert_eq!(mapped.issues(), ["OBX[1]-5 attachment_mismatch", "OBX[2]-5 attachment_undecodable"]);
}

#[test]
fn a_pointer_is_data_and_never_a_link() {
    let mapped = authored("rp_javascript_url");
    let observation = mapped.first(Kind::Observation);
    assert_eq!(observation["valueString"], "javascript:alert(1)^PACS^Text^HTML");
    assert!(!observation.to_string().contains("\"url\":\"javascript"));
}

#[test]
fn repetitions_are_components_and_keep_their_places() {
    let mapped = authored("obx5_repeats_cwe_and_nm");
    let components = |code: &str| mapped.observations(code)[0]["component"].as_array().unwrap().clone();
    assert_eq!(components("21656-4").len(), 3);
    assert_eq!(
        components("TREP").iter().map(|part| part["valueQuantity"]["value"].clone()).collect::<Vec<_>>(),
        [json!(1), json!(2), json!(3)]
    );
    let texts = components("TREPS");
    assert_eq!((&texts[0]["valueString"], &texts[2]["valueString"]), (&json!("a"), &json!("c")));
    assert_eq!(texts[1]["dataAbsentReason"]["coding"][0]["code"], "unknown");
}

#[test]
fn a_deleted_field_is_empty_and_never_two_quotes() {
    let mapped = authored("hl7_null_fields");
    for (_, resource) in &mapped.resources {
        assert!(!resource.to_string().contains("\\\"\\\""), "{resource}");
    }
    let patient = mapped.first(Kind::Patient);
    assert_eq!(
        (&patient["gender"], &patient["_gender"]["extension"][0]["valueCode"]),
        (&Value::Null, &json!("unknown"))
    );
    assert_eq!(mapped.first(Kind::Patient)["address"][0]["extension"][0]["valueCode"], "unknown");
}

#[test]
fn results_of_two_patients_stay_apart() {
    let mapped = authored("two_patients_in_one_message");
    assert_eq!(mapped.all(Kind::Patient).len(), 2);
    for record in &mapped.incoming.records {
        for member in record.members.iter().filter(|member| member.kind == Kind::Observation) {
            assert!(
                member
                    .content
                    .contains(&format!("\"subject\":{{\"reference\":\"Patient/{}\"}}", record.patient.unwrap()))
            );
        }
    }
    let owners: Vec<_> = mapped
        .incoming
        .records
        .iter()
        .filter(|record| record.kind == Kind::DiagnosticReport)
        .map(|record| record.patient)
        .collect();
    assert_ne!(owners.first(), owners.last());
}

#[test]
fn a_result_without_a_patient_is_held() {
    for message in [&[OBR, "OBX|1|NM|1^a^L||5||||||F"][..], &["PID|1||||TESTPERSON^ALEX", OBR]] {
        let mapped = lines(message);
        assert_eq!(mapped.incoming.held, Some(Hold::NoPatient));
        assert!(mapped.incoming.records.is_empty() && mapped.issues().len() == 1);
    }
}

#[test]
fn all_codes_are_kept_and_local_ones_belong_to_their_sender() {
    let mapped = authored("codes_local_only_and_alternate_loinc");
    let coding = |number: usize| mapped.all(Kind::Observation)[number]["code"].clone();
    assert_eq!(coding(0)["coding"][0]["system"], "urn:sealgate:sender:LABX:code:L");
    assert_eq!(coding(1)["coding"][0]["system"], "urn:sealgate:sender:LABX:code:99LAB");
    assert_eq!(
        coding(1)["coding"][1],
        json!({"system": "http://loinc.org", "code": "2823-3", "display": "Potassium SerPl"})
    );
    assert_eq!(coding(2), json!({"coding": [{"system": "urn:sealgate:sender:LABX:code", "code": "GLU"}]}));
    assert_eq!(coding(3), json!({"text": "Chloride"}));
    assert_eq!(coding(4)["text"], "CREATININE, SERUM");
    assert_eq!(coding(4)["coding"][1]["version"], "1");
}

#[test]
fn identifiers_keep_their_authorities_apart() {
    let mapped = authored("identifier_list_many_authorities");
    let identifiers = mapped.first(Kind::Patient)["identifier"].as_array().unwrap().clone();
    let systems: Vec<&str> = identifiers.iter().map(|identifier| text(&identifier["system"])).collect();
    assert!(systems.contains(&"https://north.example/mrn"));
    assert!(systems.contains(&"http://hl7.org/fhir/sid/us-ssn"));
    assert!(systems.contains(&"urn:sealgate:sender:LABX:authority:SOUTH"));
    assert!(identifiers.iter().all(|identifier| !text(&identifier["value"]).is_empty()));
    let alone = authored("pid3_missing_authority");
    assert_eq!(alone.first(Kind::Patient)["identifier"][0]["system"], "urn:sealgate:sender:LABX:authority");
    assert_eq!(alone.issues(), ["PID[1]-3 authority_absent"]);
}

#[test]
fn ranges_and_flags_say_no_more_than_was_sent() {
    let mapped = authored("reference_ranges_and_flags");
    let range = |code: &str| mapped.observations(code)[0]["referenceRange"][0].clone();
    assert_eq!(range("A")["high"]["value"], json!(5.5));
    assert_eq!(range("B"), json!({"high": {"value": 10, "unit": "mg/dL"}, "text": "<10"}));
    assert_eq!(range("D")["low"]["value"], json!(-5));
    assert_eq!(range("E"), json!({"text": "M: 3-5; F: 2-4"}));
    assert_eq!(mapped.observations("I")[0]["referenceRange"].as_array().unwrap().len(), 2);
    let flags = |code: &str| mapped.observations(code)[0]["interpretation"].clone();
    assert_eq!(flags("B").as_array().unwrap().len(), 2);
    assert_eq!(flags("G")[0]["coding"][0]["system"], "urn:sealgate:sender:LABX:code:HL70078");
    assert_eq!(flags("F")[0]["coding"][0]["code"], "POS");
}

#[test]
fn notes_stand_where_they_belong() {
    let mapped = authored("nte_everywhere");
    let report = mapped.first(Kind::DiagnosticReport);
    let notes: Vec<&str> =
        report["extension"].as_array().unwrap().iter().map(|note| text(&note["valueAnnotation"]["text"])).collect();
    assert_eq!(notes, ["Patient note", "Order note line 1\nOrder note line 2"]);
    assert_eq!(mapped.observations("2951-2")[0]["note"][0]["text"], "Result note\nsecond line\n\nafter empty");
    assert_eq!(mapped.observations("2823-3")[0]["note"][0]["text"], "K note\nrepetition two");
    assert!(mapped.first(Kind::Patient).get("note").is_none());
}

#[test]
fn specimens_and_their_results_are_tied() {
    let before = authored("spm_before_obx");
    let (report, specimen) = (before.first(Kind::DiagnosticReport), before.first(Kind::Specimen));
    assert_eq!(report["result"].as_array().unwrap().len(), 1);
    let reference = format!("Specimen/{}", text(&specimen["id"]));
    assert_eq!(before.first(Kind::Observation)["specimen"]["reference"], reference.as_str());
    assert!(before.issues().iter().any(|issue| issue.ends_with("result_after_specimen")));
    let after = authored("spm_after_obx_two_specimens");
    assert_eq!(after.all(Kind::Specimen).len(), 2);
    assert_eq!(
        after.observations("3013-0")[0]["focus"][0]["reference"],
        after.observations("3013-0")[0]["specimen"]["reference"]
    );
    assert_eq!(after.all(Kind::Specimen)[1]["condition"][0]["coding"][0]["code"], "QNS");
}

#[test]
fn an_observation_before_the_first_order_is_no_result() {
    let mapped = authored("obx_before_obr_patient_observation");
    let height = format!("Observation/{}", text(&mapped.observations("8302-2")[0]["id"]));
    assert_eq!(mapped.all(Kind::Observation).len(), 2);
    assert!(!mapped.first(Kind::DiagnosticReport)["result"].to_string().contains(&height));
}

#[test]
fn susceptibilities_hang_on_their_organism() {
    let mapped = authored("micro_susceptibility_placeholder_isolate");
    let organism = mapped.observations("600-7")[0];
    assert_eq!(value_of(organism), json!([{"text": "Isolate 1"}]));
    assert_eq!(organism["hasMember"].as_array().unwrap().len(), 3);
    let parent = format!("Observation/{}", text(&organism["id"]));
    assert_eq!(mapped.observations("18862-3")[0]["derivedFrom"][0]["reference"], parent.as_str());
    let requests = mapped.all(Kind::ServiceRequest);
    assert_eq!(requests[1]["basedOn"][0]["reference"], format!("ServiceRequest/{}", text(&requests[0]["id"])).as_str());
    let flat = authored("micro_flat_subid_grouping_no_parent_link");
    assert_eq!(flat.all(Kind::Observation).len(), 6);
}

#[test]
fn a_correction_and_an_addition_have_the_ids_of_what_they_change() {
    let id = |name: &str| text(&authored(name).first(Kind::DiagnosticReport)["id"]).to_owned();
    assert_eq!(id("correction_after_final_same_filler"), id("addon_result_later_same_filler"));
    let (first, again) =
        (lines(&[PID, OBR, "OBX|1|NM|K^a^L||5||||||F"]), lines(&[PID, OBR, "OBX|7|NM|K^a^L||6||||||C"]));
    assert_eq!(first.first(Kind::Observation)["id"], again.first(Kind::Observation)["id"]);
}

#[test]
fn set_ids_are_no_identity() {
    let mapped = authored("duplicate_set_ids_and_missing_set_ids");
    let ids: std::collections::HashSet<String> =
        mapped.all(Kind::Observation).iter().map(|row| row["id"].to_string()).collect();
    assert_eq!(ids.len(), mapped.all(Kind::Observation).len());
}

#[test]
fn no_visit_is_invented() {
    assert!(authored("no_pv1").all(Kind::Encounter).is_empty());
    assert!(lines(&[PID, "PV1|1|U", OBR]).all(Kind::Encounter).is_empty());
    assert_eq!(authored("nm_variants").first(Kind::Encounter)["class"]["code"], "IMP");
}

#[test]
fn a_death_has_a_date_or_an_indicator_and_not_both() {
    let dead = format!("{PID}|||||||||||||||||||||20260101|Y");
    let patient = lines(&[&dead, OBR]).first(Kind::Patient).clone();
    assert_eq!(patient["deceasedDateTime"], "2026-01-01");
    assert!(patient.get("deceasedBoolean").is_none());
}

#[test]
fn every_name_is_kept_with_its_use() {
    let patient = authored("names_variants").first(Kind::Patient).clone();
    let uses: Vec<&str> = patient["name"].as_array().unwrap().iter().map(|name| text(&name["use"])).collect();
    assert_eq!(uses, ["official", "maiden", "nickname", "usual"]);
    assert_eq!(patient["name"][3]["family"], "van den BERG");
    assert_eq!(patient["extension"][0]["extension"][1]["valueCoding"]["code"], "2054-5");
}

#[test]
fn a_time_of_birth_is_kept_beside_the_date() {
    let patient = authored("newborn_screen_nested_obr").first(Kind::Patient).clone();
    assert_eq!(patient["birthDate"], "2026-03-10");
    let time = &patient["_birthDate"]["extension"][0];
    // MSH-7 names another offset than the sender's zone.
    assert_eq!(time["valueDateTime"], "2026-03-10T04:15:00+00:00");
    assert_eq!(time["_valueDateTime"]["extension"][0]["valueCode"], "time-zone");
    assert_eq!(patient["contact"][0]["name"]["family"], "TESTPERSON");
}

#[test]
fn categories_follow_the_section() {
    let mapped = authored("obr24_and_category_variants");
    let categories: Vec<String> = mapped
        .all(Kind::DiagnosticReport)
        .iter()
        .map(|report| {
            report["category"]
                .as_array()
                .unwrap()
                .iter()
                .map(|category| text(&category["coding"][0]["code"]))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .collect();
    assert_eq!(
        categories,
        ["LAB CH", "LAB HM", "LAB MB", "LAB SP LP7839-6", "RAD LP29684-5", "CUS LP29684-5", "LAB XX", "LAB"]
    );
}

#[test]
fn a_profile_is_claimed_only_where_it_holds() {
    let profile = |mapped: &Mapped, kind| {
        mapped.first(kind)["meta"]["profile"][0].as_str().map(|url| url.rsplit('/').next().unwrap().to_owned())
    };
    let good = authored("nm_variants");
    assert_eq!(profile(&good, Kind::DiagnosticReport).as_deref(), Some("us-core-diagnosticreport-lab"));
    assert_eq!(profile(&good, Kind::Observation).as_deref(), Some("us-core-observation-lab"));
    let radiology = OBR.replace("|LAB|", "|RAD|");
    let bad = lines(&[PID, &radiology, "OBX|1|NM|K^a^L||5|x^y^L|||||F"]);
    assert_eq!((profile(&bad, Kind::DiagnosticReport), profile(&bad, Kind::Observation)), (None, None));
}

#[test]
fn times_that_were_not_sent_are_marked() {
    let mapped = lines(&[PID, "OBR|1||FO1|A^b^L||||||||||||||||||||||F", "OBX|1|NM|K^a^L||5||||||F|||20260313"]);
    let report = mapped.first(Kind::DiagnosticReport);
    assert_eq!(report["issued"], "2026-03-14T09:30:00+00:00");
    assert_eq!(report["_issued"]["extension"][0]["valueCode"], "message-time");
    assert_eq!(report["effectiveDateTime"], "2026-03-13");
    assert_eq!(report["_effectiveDateTime"]["extension"][0]["valueCode"], "first-result");
    let bad = lines(&[PID, "OBR|1||FO1|A^b^L|||20261399||||||||||||||||||F"]);
    assert_eq!(bad.first(Kind::DiagnosticReport)["_effectiveDateTime"]["extension"][0]["valueString"], "20261399");
    assert!(bad.issues().contains(&"OBR[1]-7 date_invalid".to_owned()));
}

#[test]
fn confidential_orders_are_labelled() {
    let mapped = authored("confidential_order");
    for kind in [Kind::DiagnosticReport, Kind::ServiceRequest] {
        assert_eq!(mapped.first(kind)["meta"]["security"][0]["code"], "R");
    }
}

#[test]
fn every_valued_field_is_mapped_or_listed() {
    let mapped = lines(&[PID, OBR, "OBX|1|NM|K^a^L||5||||||F|20250101|SECRET|||||||||||||||||x", "ZZZ|1|SECRET"]);
    assert_eq!(mapped.unmapped(), ["OBX[1]-12", "OBX[1]-13", "OBX[1]-30", "ZZZ[1]"]);
    assert!(!mapped.incoming.trace.contains("SECRET") && !mapped.incoming.trace.contains("TESTPERSON"));
}

#[test]
fn a_row_with_the_fields_of_an_earlier_one_refers_to_it() {
    let mapped =
        lines(&[PID, OBR, "OBX|1|NM|K^a^L||5||||||F", "OBX|2|NM|NA^b^L||6|mg|||||F", "OBX|3|NM|CL^c^L||7||||||F"]);
    let items = mapped.trace["mapped"].as_array().unwrap();
    let of = |name: &str| items.iter().position(|item| item["from"] == name).unwrap();
    assert_eq!(items[of("OBX[1]")]["fields"], json!([[3, "code"], [11, "status"], [5, "value"]]));
    assert!(items[of("OBX[2]")]["fields"].is_array());
    assert_eq!(items[of("OBX[3]")]["like"], of("OBX[1]"));
    assert!(items[of("OBX[3]")]["fields"].is_null());
}

#[test]
fn a_message_as_a_whole() {
    let mapped = authored("spm_before_obx");
    let mut out = String::new();
    for record in &mapped.incoming.records {
        for member in &record.members {
            out.push_str(&format!("{} {}\n", member.kind, member.content));
        }
    }
    insta::assert_snapshot!(out);
}
