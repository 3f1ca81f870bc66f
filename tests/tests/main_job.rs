//! The main job, whole: a result arrives over MLLP, is acknowledged, and is read back as FHIR R4.
#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use tests::fhir::Fhir;
use tests::gateway::Gateway;
use tests::home::Home;
use tests::message::{Oru, PLANTED_MRN, without};
use tests::mllp::code;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

fn serving() -> (Home, Gateway, Fhir) {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let fhir = gateway.fhir(home.first());
    (home, gateway, fhir)
}

fn accepted(gateway: &Gateway, message: &[u8]) {
    let answer = gateway.mllp().exchange(message).unwrap();
    assert_eq!(code(&answer), "AA", "{}", String::from_utf8_lossy(&answer));
}

fn reports(fhir: &Fhir, filler: &str) -> Vec<Value> {
    fhir.get(&format!("/DiagnosticReport?identifier={filler}")).resources()
}

fn report(fhir: &Fhir, filler: &str) -> Value {
    let found = reports(fhir, filler);
    assert_eq!(found.len(), 1, "one report has the filler number {filler}");
    found[0].clone()
}

fn states(home: &Home) -> Vec<String> {
    let list = home.json(&["message", "list", "--tenant", "Harbour", "--json"]);
    list.as_array().unwrap().iter().map(|message| message["state"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_result_is_acknowledged_and_read_back_exactly() {
    let (_home, gateway, fhir) = serving();
    let mut sent = Oru::new("MJ1", "F100", 20);
    sent.first_value = "1.50".to_owned();
    let answer = String::from_utf8(gateway.mllp().exchange(&sent.render()).unwrap()).unwrap();
    assert!(answer.contains("\rMSA|AA|MJ1"), "{answer}");

    let answer = fhir.get("/DiagnosticReport?identifier=F100&_include=DiagnosticReport:result");
    assert!(answer.body.contains("\"value\":1.50"), "the number is the text that was sent");
    let found = answer.resources();
    let of = |kind: &str| found.iter().filter(|found| found["resourceType"] == kind).count();
    assert_eq!((of("DiagnosticReport"), of("Observation")), (1, 20));
    let report = found.iter().find(|found| found["resourceType"] == "DiagnosticReport").unwrap();
    assert_eq!(report["status"], "final");
    assert_eq!(report["code"]["coding"][0]["code"], "24323-8");
    assert_eq!(report["result"].as_array().unwrap().len(), 20);
    let glucose = found.iter().find(|found| found["code"]["coding"][0]["code"] == "2345-7").unwrap();
    assert_eq!(glucose["valueQuantity"]["unit"], "mg/dL");
    assert_eq!(glucose["referenceRange"][0]["low"]["value"], 70);
    assert_eq!(glucose["subject"], report["subject"]);

    let patient = fhir.get(&format!("/{}", report["subject"]["reference"].as_str().unwrap())).json();
    assert_eq!(patient["identifier"][0]["value"], PLANTED_MRN);
    assert_eq!(patient["birthDate"], "1970-04-12");
}

#[test]
fn a_resource_is_read_by_id_by_version_and_by_history() {
    let (_home, gateway, fhir) = serving();
    accepted(&gateway, &Oru::new("MJ1", "F100", 3).render());
    let id = report(&fhir, "F100")["id"].as_str().unwrap().to_owned();
    let read = fhir.get(&format!("/DiagnosticReport/{id}"));
    assert_eq!(read.status, 200);
    assert_eq!(read.header("etag"), "W/\"1\"");
    assert!(!read.header("last-modified").is_empty());
    assert!(read.header("content-type").starts_with("application/fhir+json"));
    let version = fhir.get(&format!("/DiagnosticReport/{id}/_history/1"));
    assert_eq!(version.body, read.body);
    let history = fhir.get(&format!("/DiagnosticReport/{id}/_history"));
    assert_eq!(history.json()["type"], "history");
    assert_eq!(history.resources().len(), 1);
    fhir.get(&format!("/DiagnosticReport/{id}/_history/2")).is_outcome(404);
    let unchanged = fhir.get_with(&format!("/DiagnosticReport/{id}"), &[("if-none-match", "W/\"1\"")]);
    assert_eq!((unchanged.status, unchanged.body.as_str()), (304, ""));
}

#[test]
fn a_search_by_post_finds_what_a_search_by_get_finds() {
    let (_home, gateway, fhir) = serving();
    accepted(&gateway, &Oru::new("MJ1", "F100", 3).render());
    let patient = fhir.get(&format!("/Patient?identifier={PLANTED_MRN}")).resources();
    let id = patient[0]["id"].as_str().unwrap();
    let got = fhir.get(&format!("/Observation?patient={id}&category=laboratory")).resources();
    let form = format!("patient={id}&category=laboratory");
    let posted = fhir.post("/Observation/_search", "application/x-www-form-urlencoded", &form).resources();
    assert_eq!(got.len(), 3);
    assert_eq!(got, posted);
}

#[test]
fn pages_of_a_search_hold_every_result_once() {
    let (_home, gateway, fhir) = serving();
    accepted(&gateway, &Oru::new("MJ1", "F100", 7).render());
    let patient = fhir.get(&format!("/Patient?identifier={PLANTED_MRN}")).resources();
    let mut next = Some(format!("/Observation?patient={}&_count=3", patient[0]["id"].as_str().unwrap()));
    let mut ids = Vec::new();
    let mut pages = 0;
    while let Some(link) = next {
        let page = fhir.get(&link);
        ids.extend(page.resources().iter().map(|found| found["id"].as_str().unwrap().to_owned()));
        next = page.next();
        assert!(!next.as_deref().unwrap_or_default().contains(PLANTED_MRN), "a link names nobody");
        pages += 1;
    }
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), pages), (7, 3));
}

#[test]
fn a_correction_is_a_new_version_and_the_old_one_stays_readable() {
    let (_home, gateway, fhir) = serving();
    let first = Oru::new("MJ1", "F100", 3);
    accepted(&gateway, &first.render());
    let correction = Oru {
        control_id: "MJ2".to_owned(),
        status: 'C',
        first_value: "1.60".to_owned(),
        time: "20260301111500+0000".to_owned(),
        ..first
    };
    accepted(&gateway, &correction.render());

    let now = report(&fhir, "F100");
    let id = now["id"].as_str().unwrap();
    assert_eq!((now["status"].as_str(), now["meta"]["versionId"].as_str()), (Some("corrected"), Some("2")));
    let old = fhir.get(&format!("/DiagnosticReport/{id}/_history/1")).json();
    assert_eq!(old["status"], "final");
    let history = fhir.get(&format!("/DiagnosticReport/{id}/_history")).resources();
    let versions: Vec<_> = history.iter().map(|found| found["meta"]["versionId"].as_str().unwrap()).collect();
    assert_eq!(versions, ["2", "1"]);

    let glucose = format!("/{}", now["result"][0]["reference"].as_str().unwrap());
    assert!(fhir.get(&glucose).body.contains("\"value\":1.60"));
    assert!(fhir.get(&format!("{glucose}/_history/1")).body.contains("\"value\":1.50"));
    let provenance = fhir.get(&format!("/Provenance?target=DiagnosticReport/{id}")).resources();
    assert!(!provenance.is_empty(), "a Provenance tells of the change");
}

#[test]
fn an_older_message_that_arrives_late_overwrites_nothing() {
    let (home, gateway, fhir) = serving();
    let newer = Oru { time: "20260301111500+0000".to_owned(), ..Oru::new("MJ1", "F100", 3) };
    accepted(&gateway, &newer.render());
    let older = Oru { first_value: "9.99".to_owned(), status: 'P', ..Oru::new("MJ2", "F100", 3) };
    accepted(&gateway, &older.render());
    let now = report(&fhir, "F100");
    assert_eq!((now["status"].as_str(), now["meta"]["versionId"].as_str()), (Some("final"), Some("1")));
    assert!(!fhir.get("/Observation?code=2345-7").body.contains("9.99"));
    assert_eq!(states(&home), ["late", "mapped"]);
}

#[test]
fn a_repeated_message_is_accepted_and_stored_once() {
    let (home, gateway, fhir) = serving();
    let message = Oru::new("MJ1", "F100", 3).render();
    for _ in 0..3 {
        accepted(&gateway, &message);
    }
    assert_eq!(report(&fhir, "F100")["meta"]["versionId"], "1");
    assert_eq!(states(&home), ["mapped"]);
}

#[test]
fn a_filler_number_of_another_patient_is_quarantined() {
    let (home, gateway, fhir) = serving();
    accepted(&gateway, &Oru::new("MJ1", "F100", 3).render());
    let before = report(&fhir, "F100");
    let other = Oru { mrn: "MRN000001".to_owned(), family: "OTHER".to_owned(), ..Oru::new("MJ2", "F100", 3) };
    accepted(&gateway, &other.render());
    assert_eq!(report(&fhir, "F100"), before);
    assert_eq!(states(&home), ["quarantined", "mapped"]);
    let list = home.json(&["message", "list", "--tenant", "Harbour", "--json"]);
    assert_eq!(list[0]["reason"], "the report is known for another patient");
    assert!(list[1]["reason"].is_null());
}

#[test]
fn what_was_kept_without_being_read_says_why() {
    let (home, gateway, _fhir) = serving();
    let mut sender = gateway.mllp();
    let unknown_type = String::from_utf8(Oru::new("MJ1", "F100", 2).render()).unwrap().replace("ORU^R01", "ADT^A01");
    assert_eq!(code(&sender.exchange(unknown_type.as_bytes()).unwrap()), "AR");
    assert_eq!(code(&sender.exchange(b"no message at all").unwrap()), "AR");
    for tenant in ["Harbour", "system"] {
        let list = home.json(&["message", "list", "--tenant", tenant, "--json"]);
        assert_eq!(list.as_array().unwrap().len(), 1, "{list}");
        let reason = list[0]["reason"].as_str().unwrap();
        assert!(reason.len() > 10, "{reason}");
        let id = list[0]["id"].as_str().unwrap();
        let shown = home.done(&["message", "show", id, "--tenant", tenant]);
        assert!(shown.contains(reason) && shown.contains("Not a message that could be read"), "{shown}");
        assert!(home.done(&["message", "list", "--tenant", tenant]).contains(reason));
    }
}

#[test]
fn a_result_without_a_patient_is_quarantined() {
    let (home, gateway, fhir) = serving();
    let message = without(&Oru::new("MJ1", "F100", 3).render(), "PID");
    let answer = gateway.mllp().exchange(&message).unwrap();
    assert!(["AA", "AE"].contains(&code(&answer).as_str()), "{}", String::from_utf8_lossy(&answer));
    assert!(reports(&fhir, "F100").is_empty());
    assert_eq!(states(&home), ["quarantined"]);
}

/// Takes every row of a report back, as from the wrong patient (OBX-11 `W`).
fn retraction(of: &Oru, control_id: &str, time: &str) -> Vec<u8> {
    let (control_id, time) = (control_id.to_owned(), time.to_owned());
    let text = String::from_utf8(Oru { control_id, time, status: 'C', ..of.clone() }.render()).unwrap();
    text.replace("|N|||C|||", "|N|||W|||").into_bytes()
}

/// The id of the newest message.
fn newest(home: &Home) -> String {
    let list = home.json(&["message", "list", "--tenant", "Harbour", "--limit", "1", "--json"]);
    list[0]["id"].as_str().unwrap().to_owned()
}

#[test]
fn an_order_that_was_retracted_is_taken_in_for_another_patient_by_a_decision_alone() {
    let (home, gateway, fhir) = serving();
    let wrong = Oru::new("MJ1", "F100", 3);
    accepted(&gateway, &wrong.render());
    let first_patient = report(&fhir, "F100")["subject"]["reference"].clone();
    let right = Oru {
        mrn: "MRN000001".to_owned(),
        family: "OTHER".to_owned(),
        time: "20260301121500+0000".to_owned(),
        ..Oru::new("MJ2", "F100", 3)
    };
    accepted(&gateway, &right.render());
    let held = newest(&home);
    let decide = |more: &[&str]| {
        let command = ["message", "replay", &held, "--tenant", "Harbour", "--reason", "the laboratory telephoned"];
        home.run(&[&command[..], more].concat())
    };
    // Whatever is decided, a report that stands for one patient never becomes another's.
    for more in [&[][..], &["--accept-patient-change"]] {
        let ended = decide(more);
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("held as before: the report is known for another patient"), "{}", ended.stderr);
        assert_eq!(report(&fhir, "F100")["subject"]["reference"], first_patient);
    }
    accepted(&gateway, &retraction(&wrong, "MJ3", "20260301111500+0000"));
    assert_eq!(decide(&[]).code, Some(1), "a retraction alone moves nothing");
    assert_eq!(states(&home), ["mapped", "quarantined", "mapped"]);
    let done = decide(&["--accept-patient-change"]);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert_eq!(states(&home), ["mapped", "mapped", "mapped"]);
    let now = report(&fhir, "F100");
    assert_ne!(now["subject"]["reference"], first_patient);
    assert_eq!(now["result"].as_array().unwrap().len(), 3, "nothing of the first patient's is carried over");
    let patient = first_patient.as_str().unwrap();
    assert!(fhir.get(&format!("/DiagnosticReport?patient={patient}")).resources().is_empty());
    // A correction finds its way by itself from then on, and nothing waits any more.
    let corrected = Oru {
        control_id: "MJ4".to_owned(),
        status: 'C',
        first_value: "1.70".to_owned(),
        time: "20260301131500+0000".to_owned(),
        ..right.clone()
    };
    accepted(&gateway, &corrected.render());
    assert_eq!(report(&fhir, "F100")["status"], "corrected");
    let again = decide(&["--accept-patient-change"]);
    assert_eq!(again.code, Some(1));
    assert!(again.stderr.contains("the message is mapped"), "{}", again.stderr);
    let told =
        home.done(&["audit", "show", "--tenant", "Harbour", "--action", "message.replay", "--context", "--json"]);
    assert!(told.contains("the laboratory telephoned; a change of patient is accepted"), "{told}");
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}

#[test]
fn a_held_message_is_dismissed_with_a_reason_and_kept() {
    let (home, gateway, fhir) = serving();
    let message = without(&Oru::new("MJ1", "F100", 3).render(), "PID");
    gateway.mllp().exchange(&message).unwrap();
    let held = newest(&home);
    let dismiss = |reason: &str| home.run(&["message", "dismiss", &held, "--tenant", "Harbour", "--reason", reason]);
    assert_eq!(dismiss(" ").code, Some(2), "a reason is needed");
    assert_eq!(home.run(&["message", "replay", &held, "--tenant", "Harbour", "--reason", "again"]).code, Some(1));
    assert_eq!(states(&home), ["quarantined"]);
    assert_eq!(dismiss("a test of the sender's").code, Some(0));
    assert_eq!(states(&home), ["dismissed"]);
    assert_eq!(dismiss("twice").code, Some(1));
    let shown = home.json(&["message", "show", &held, "--tenant", "Harbour", "--json"]);
    assert_eq!(shown["raw"].as_str().unwrap().as_bytes(), message);
    assert!(!shown["not_mapped"].as_array().unwrap().is_empty(), "what was said of it before is kept");
    assert!(reports(&fhir, "F100").is_empty());
    let told =
        home.done(&["audit", "show", "--tenant", "Harbour", "--action", "message.dismiss", "--context", "--json"]);
    assert!(told.contains("a test of the sender's"), "{told}");
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify", "--records"]);
}

#[test]
fn a_message_is_shown_raw_beside_mapped_beside_not_mapped() {
    let (home, gateway, _fhir) = serving();
    let message = Oru::new("MJ1", "F100", 2).render();
    accepted(&gateway, &message);
    let list = home.json(&["message", "list", "--tenant", "Harbour", "--json"]);
    let shown = home.json(&["message", "show", list[0]["id"].as_str().unwrap(), "--tenant", "Harbour", "--json"]);
    assert_eq!(shown["raw"].as_str().unwrap().as_bytes(), message);
    let resources = shown["resources"].as_array().unwrap();
    assert!(resources.iter().any(|shown| shown["resource"]["resourceType"] == "DiagnosticReport"));
    assert!(!shown["not_mapped"].as_array().unwrap().is_empty(), "what is not mapped is listed");
}
