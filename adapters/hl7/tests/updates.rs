//! What a later message changes: what it sends replaces, what it leaves empty stays, `""` deletes.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod mapped;

use domain::intake::Merge;
use domain::kind::Kind;
use mapped::{Mapped, map_bytes, text};
use r4::merge::ResourceMerge;
use serde_json::{Value, json};

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

/// The first resource of a kind after the messages came one after another.
fn after(kind: Kind, messages: &[&[&str]]) -> Value {
    let mut stored: Option<(domain::id::RecordId, String)> = None;
    for message in messages {
        let mapped = lines(message);
        assert!(mapped.resources.iter().any(|(of, _)| *of == kind));
        let mut members = mapped.incoming.records.iter().flat_map(|record| &record.members);
        let came = members.find(|member| member.kind == kind).unwrap();
        let joined = match &stored {
            Some((id, content)) => {
                assert_eq!(*id, came.id);
                ResourceMerge.merge(kind, content, &came.content)
            }
            None => came.content.clone(),
        };
        assert_eq!(ResourceMerge.merge(kind, &joined, &came.content), joined, "the same once more says nothing new");
        stored = Some((came.id, joined));
    }
    serde_json::from_str(&stored.unwrap().1).unwrap()
}

fn patient(first: &str, second: &str) -> Value {
    after(Kind::Patient, &[&[first, OBR, OBX], &[second, OBR, OBX]])
}

const OBR: &str =
    "OBR|1|PO1^EHR|FO1^LABX|24323-8^Panel^LN|||20260314080000+0000|||||||||||||||20260314092500+0000||LAB|F";

#[test]
fn a_gender_that_was_not_sent_changes_none() {
    let without = "PID|1||900001^^^NORTH^MR||TESTPERSON^ALEX||19800229";
    assert_eq!(patient(PID, without)["gender"], "female");
    assert_eq!(patient(without, PID)["gender"], "female");
    assert_eq!(patient(without, without)["gender"], "unknown");
}

#[test]
fn a_gender_that_was_sent_replaces_and_a_deleted_one_goes() {
    assert_eq!(patient(PID, "PID|1||900001^^^NORTH^MR||T^A||19800229|M")["gender"], "male");
    // U is what the sender says, not what it left out.
    assert_eq!(patient(PID, "PID|1||900001^^^NORTH^MR||T^A||19800229|U")["gender"], "unknown");
    let deleted = patient(PID, "PID|1||900001^^^NORTH^MR||T^A||19800229|\"\"");
    assert_eq!(deleted["gender"], Value::Null);
    assert_eq!(deleted["_gender"]["extension"][0]["valueCode"], "unknown");
    assert_eq!(patient("PID|1||900001^^^NORTH^MR||T^A|||\"\"", PID)["_gender"], Value::Null);
}

#[test]
fn a_death_taken_back_goes_and_one_not_told_of_again_stays() {
    let dead = "PID|1||900001^^^NORTH^MR||T^A||19800229|F|||||||||||||||||||||20260301|Y";
    assert_eq!(patient(dead, PID)["deceasedDateTime"], "2026-03-01");
    let alive = "PID|1||900001^^^NORTH^MR||T^A||19800229|F|||||||||||||||||||||\"\"|\"\"";
    let patient = patient(dead, alive);
    assert_eq!((&patient["deceasedDateTime"], &patient["deceasedBoolean"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_religion_stays_beside_a_race_that_was_sent_alone() {
    let both = "PID|1||900001^^^NORTH^MR||T^A||19800229|F||2106-3^White^CDCREC|||||||CHR^Christian";
    let race = "PID|1||900001^^^NORTH^MR||T^A||19800229|F||2054-5^Black^CDCREC";
    let merged = patient(both, race);
    let extensions = merged["extension"].as_array().unwrap();
    assert_eq!(extensions.len(), 2);
    assert!(merged["extension"].to_string().contains("2054-5") && !merged["extension"].to_string().contains("2106-3"));
}

/// PV1 with these fields, visit number VN1.
fn visit(fields: &[(usize, &str)]) -> String {
    let mut all = vec![""; 52];
    all[0] = "1";
    all[18] = "VN1";
    for (number, value) in fields {
        all[number.saturating_sub(1)] = value;
    }
    format!("PV1|{}", all.join("|"))
}

fn encounter(visits: &[&[(usize, &str)]]) -> Value {
    let visits: Vec<String> = visits.iter().map(|fields| visit(fields)).collect();
    let messages: Vec<[&str; 4]> = visits.iter().map(|visit| [PID, visit.as_str(), OBR, OBX]).collect();
    after(Kind::Encounter, &messages.iter().map(<[&str; 4]>::as_slice).collect::<Vec<_>>())
}

const FULL: &[(usize, &str)] = &[
    (2, "I"),
    (3, "WARD^1^A"),
    (4, "E^Emergency"),
    (6, "ER^2"),
    (7, "D1^House^Greg"),
    (8, "D2^Wilson^James"),
    (36, "01"),
    (44, "20260310080000+0000"),
    (45, "20260313100000+0000"),
];

#[test]
fn a_stub_of_a_visit_takes_nothing_of_it_away() {
    let known = encounter(&[FULL]);
    for stub in [&[][..], &[(2, "I")], &[(2, "U")], &[(44, "20260310080000+0000")]] {
        let mut merged = encounter(&[FULL, stub]);
        merged["class"] = known["class"].clone();
        assert_eq!(merged, known, "{stub:?}");
    }
    assert_eq!(encounter(&[FULL, &[]])["class"]["code"], "IMP");
    assert_eq!(encounter(&[&[(2, "I")], &[]])["status"], "in-progress");
    assert_eq!(encounter(&[&[(2, "P")], &[(2, "I")]])["status"], "in-progress");
    assert_eq!(encounter(&[&[], FULL])["status"], "finished");
}

#[test]
fn a_visit_goes_on_only_when_the_message_says_so() {
    let again = encounter(&[FULL, &[(2, "I"), (45, "\"\"")]]);
    assert_eq!((&again["status"], &again["period"]["end"]), (&json!("in-progress"), &Value::Null));
    assert_eq!(again["period"]["start"], "2026-03-10T08:00:00+00:00");
    // Somebody who comes after having left has come anew.
    let anew = encounter(&[FULL, &[(2, "I"), (44, "20260314070000+0000")]]);
    assert_eq!((&anew["status"], &anew["period"]["end"]), (&json!("in-progress"), &Value::Null));
    let corrected = encounter(&[FULL, &[(45, "20260313120000+0000")]]);
    assert_eq!(corrected["period"]["end"], "2026-03-13T12:00:00+00:00");
    assert_eq!(corrected["status"], "finished");
}

#[test]
fn who_takes_part_and_where_change_one_by_one() {
    let moved = encounter(&[FULL, &[(3, "WARD^7^B"), (7, "D3^Cuddy^Lisa")]]);
    let places = moved["location"].as_array().unwrap();
    let place = |at: usize| text(&places[at]["location"]["display"]).to_owned();
    assert_eq!((places.len(), place(0), place(1)), (2, "WARD 7 B".to_owned(), "ER 2".to_owned()));
    let people = moved["participant"].as_array().unwrap();
    assert_eq!(people.len(), 2);
    assert_ne!(people[0], encounter(&[FULL])["participant"][0]);
    let gone = encounter(&[FULL, &[(3, "\"\""), (7, "\"\"")]]);
    assert_eq!(gone["location"][0]["location"]["display"], Value::Null);
    assert_eq!(gone["participant"][0]["individual"]["reference"], Value::Null);
    assert_eq!(gone["participant"][1], encounter(&[FULL])["participant"][1]);
}

const ORC: &str = "ORC|RE|PO1^EHR|FO1^LABX||CM|||||||D1^House^Greg";
const ORDER: &str = "OBR|1|PO1^EHR|FO1^LABX|24323-8^Panel^LN|S||20260314080000+0000||||G||fasting||SER|||||||20260314092500+0000||MB|P||||||I10^Hypertension";
const SPARSE: &str = "OBR|1|PO1^EHR|FO1^LABX|24323-8^Panel^LN|||||||||||||||||||||F";

#[test]
fn a_sparse_order_leaves_the_request_as_it_was() {
    let of = |second: &[&str]| after(Kind::ServiceRequest, &[&[PID, ORC, ORDER, OBX], second]);
    let known = of(&[PID, ORC, ORDER, OBX]);
    let sparse = of(&[PID, SPARSE, OBX]);
    for name in ["requester", "priority", "reasonCode", "intent", "supportingInfo", "specimen"] {
        assert!(known[name] != Value::Null && sparse[name] == known[name], "{name}: {sparse}");
    }
    assert_eq!(sparse["status"], "completed");
    let other = of(&[PID, "ORC|RE|PO1^EHR|FO1^LABX||CM|||||||D3^Cuddy^Lisa", SPARSE, OBX]);
    assert!(other["requester"] != known["requester"]);
    let corrected = of(&[PID, &SPARSE.replace("LN|||", "LN|R||"), OBX]);
    assert_eq!(corrected["priority"], "routine");
    let lesser = of(&[PID, &SPARSE.replace("LN|||||||", "LN|||||||L"), OBX]);
    assert_eq!(lesser["intent"], "order");
    let deleted = of(&[PID, "ORC|RE|PO1^EHR|FO1^LABX||CM|||||||\"\"", &SPARSE.replace("LN|||", "LN|\"\"||"), OBX]);
    assert_eq!((&deleted["requester"]["reference"], &deleted["priority"]), (&Value::Null, &Value::Null));
}

#[test]
fn a_sparse_order_leaves_the_report_and_its_observations_their_time() {
    for kind in [Kind::DiagnosticReport, Kind::Observation] {
        let known = after(kind, &[&[PID, ORC, ORDER, OBX]]);
        let sparse = after(kind, &[&[PID, ORC, ORDER, OBX], &[PID, SPARSE, OBX]]);
        assert_eq!(sparse["effectiveDateTime"], "2026-03-14T08:00:00+00:00", "{sparse}");
        assert_eq!((&sparse["_effectiveDateTime"], &sparse["meta"]), (&known["_effectiveDateTime"], &known["meta"]));
        let other =
            after(kind, &[&[PID, ORDER, OBX], &[PID, &SPARSE.replace("LN|||", "LN|||20260314070000+0000"), OBX]]);
        assert_eq!(other["effectiveDateTime"], "2026-03-14T07:00:00+00:00", "{other}");
        let ended = "LN|||20260314070000+0000|20260314073000+0000";
        let period = after(kind, &[&[PID, ORDER, OBX], &[PID, &SPARSE.replace("LN||||", ended), OBX]]);
        assert_eq!((&period["effectiveDateTime"], period["effectivePeriod"].is_object()), (&Value::Null, true));
    }
    // A time that only stands in loses to one that was sent.
    let timed = "OBX|1|NM|718-7^Hb^LN||13.5|g/dL|||||F|||20260314090000+0000";
    let merged = after(Kind::DiagnosticReport, &[&[PID, ORDER, OBX], &[PID, SPARSE, timed]]);
    assert_eq!(merged["effectiveDateTime"], "2026-03-14T08:00:00+00:00");
    let merged = after(Kind::DiagnosticReport, &[&[PID, SPARSE, timed], &[PID, ORDER, OBX]]);
    assert_eq!(
        (&merged["effectiveDateTime"], &merged["_effectiveDateTime"]),
        (&json!("2026-03-14T08:00:00+00:00"), &Value::Null)
    );
    let deleted = &SPARSE.replace("LN|||", "LN|||\"\"");
    let merged = after(Kind::DiagnosticReport, &[&[PID, ORDER, OBX], &[PID, deleted, OBX]]);
    assert_eq!(merged["effectiveDateTime"], Value::Null);
}

#[test]
fn what_a_report_was_is_not_undone_by_what_was_only_assumed() {
    let sparse = after(Kind::DiagnosticReport, &[&[PID, ORC, ORDER, OBX], &[PID, SPARSE, OBX]]);
    assert!(sparse["category"].to_string().contains("\"MB\""), "{sparse}");
    assert!(lines(&[PID, SPARSE, OBX]).issues().contains(&"OBR[1]-24 category_absent".to_owned()));
    assert_eq!(sparse["status"], "final");
    let silent = after(Kind::DiagnosticReport, &[&[PID, ORDER, OBX], &[PID, SPARSE.trim_end_matches('F'), OBX]]);
    assert_eq!(silent["status"], "preliminary");
    let other = after(Kind::DiagnosticReport, &[&[PID, ORDER, OBX], &[PID, &SPARSE.replace("||F", "|LAB|F"), OBX]]);
    assert!(!other["category"].to_string().contains("\"MB\""), "{other}");
}

#[test]
fn labels_and_notes_of_a_report_stay_when_none_come() {
    let labelled = "ORC|RE|PO1^EHR|FO1^LABX||CM|||||||||||||||||||||||R";
    for kind in [Kind::DiagnosticReport, Kind::ServiceRequest] {
        let merged = after(kind, &[&[PID, labelled, ORDER, "NTE|1||Seen twice", OBX], &[PID, SPARSE, OBX]]);
        assert!(merged["meta"]["security"].to_string().contains("\"R\""), "{merged}");
        assert_eq!(merged.to_string().contains("Seen twice"), kind == Kind::DiagnosticReport, "{merged}");
    }
}

#[test]
fn a_report_that_was_taken_back_keeps_its_protection_and_none_of_its_notes() {
    let labelled = "ORC|RE|PO1^EHR|FO1^LABX||CM|||||||||||||||||||||||R";
    let withdrawn = SPARSE.trim_end_matches('F').to_owned() + "W";
    let messages: [&[&str]; 2] = [&[PID, labelled, ORDER, "NTE|1||Seen twice", OBX], &[PID, &withdrawn, OBX]];
    let merged = after(Kind::DiagnosticReport, &messages);
    assert_eq!(merged["status"], "entered-in-error");
    assert!(merged["meta"]["security"].to_string().contains("\"R\"") && !merged.to_string().contains("Seen twice"));
}

#[test]
fn a_specimen_that_is_only_named_again_keeps_what_it_was() {
    let full = "SPM|1|S1^S2||BLD^Blood|||VEN^Venipuncture|LA^Left arm|||||||||20260314075500+0000|20260314081000+0000";
    let of = |second: &str| after(Kind::Specimen, &[&[PID, ORDER, OBX, full], &[PID, SPARSE, OBX, second]]);
    let known = of(full);
    assert_eq!(of("SPM|1|S1^S2"), known);
    let other = of("SPM|1|S1^S2||UR^Urine|||||||||||||20260314075000+0000");
    assert_eq!(other["collection"]["collectedDateTime"], "2026-03-14T07:50:00+00:00");
    assert_eq!(other["collection"]["method"], known["collection"]["method"]);
    assert!(other["type"].to_string().contains("Urine"));
}
