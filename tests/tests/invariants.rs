//! The six invariants of the architecture, each put to the test at the wire. The fifth is the compiler's: see
//! `architecture.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rustix::process::Signal;
use std::fs;
use std::path::Path;
use std::time::Duration;
use tests::consistency::everything_fits;
use tests::fhir::Answer;
use tests::gateway::eventually;
use tests::home::Home;
use tests::message::{Oru, PLANTED_FAMILY, PLANTED_GIVEN, PLANTED_MRN, without};
use tests::mllp::{Sender, code};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// An order number that no fixture shares.
const PLANTED_ORDER: &str = "ORD4415527731";
/// What may be found nowhere but in memory and in permitted answers.
const PLANTED: &[&str] =
    &[PLANTED_FAMILY, PLANTED_GIVEN, PLANTED_MRN, PLANTED_ORDER, "HARBOUR ROAD", "PORTSMITH", "5550143", "19700412"];

#[test]
fn invariant_1_nothing_crosses_a_tenant() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let (own, other) = (gateway.fhir(home.first()), gateway.fhir(home.second()));
    let message = Oru::new("I1", PLANTED_ORDER, 4).render();
    assert_eq!(code(&gateway.mllp().exchange(&message).unwrap()), "AA");

    let of_first = own.get(&format!("/DiagnosticReport?identifier={PLANTED_ORDER}&_include=DiagnosticReport:result"));
    let found = of_first.resources();
    assert_eq!(found.len(), 5, "its own tenant finds the report and its results");
    let absent = other.get("/DiagnosticReport/018f0000-0000-7000-8000-000000000001");
    absent.is_outcome(404);
    for resource in &found {
        let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert_eq!(own.get(&format!("/{kind}/{id}")).status, 200);
        for path in [format!("/{kind}/{id}"), format!("/{kind}/{id}/_history"), format!("/{kind}/{id}/_history/1")] {
            assert_eq!(comparable(other.get(&path)), comparable(absent.clone()), "hidden looks like absent: {path}");
        }
        assert!(other.get(&format!("/{kind}?_id={id}")).resources().is_empty());
    }
    let report = found.iter().find(|found| found["resourceType"] == "DiagnosticReport").unwrap();
    let patient = report["subject"]["reference"].as_str().unwrap();
    for search in [
        format!("/DiagnosticReport?identifier={PLANTED_ORDER}"),
        format!("/DiagnosticReport?patient={patient}"),
        format!("/Patient?identifier={PLANTED_MRN}"),
        format!("/Patient?family={PLANTED_FAMILY}"),
        format!("/Observation?patient={patient}&category=laboratory"),
        "/Observation?code=2345-7".to_owned(),
        "/DiagnosticReport".to_owned(),
        "/Patient".to_owned(),
    ] {
        assert!(!own.get(&search).resources().is_empty(), "its own tenant finds something by {search}");
        assert!(other.get(&search).resources().is_empty(), "another tenant finds nothing by {search}");
    }

    // A page of one client's search is not another's.
    let next = own.get("/Observation?_count=1").next().unwrap();
    let answer = other.get(&next);
    assert!((400..500).contains(&answer.status), "another tenant's link is refused: {}", answer.status);
    holds_nothing(answer.body.as_bytes(), "a refused link");

    // The same message from the other tenant's interface makes records of its own.
    assert_eq!(code(&gateway.sender_of(home.second()).exchange(&message).unwrap()), "AA");
    let of_second = other.get(&format!("/DiagnosticReport?identifier={PLANTED_ORDER}")).resources();
    assert_eq!(of_second.len(), 1);
    assert_ne!(of_second[0]["id"], report["id"], "ids of tenants are unrelated");
}

#[test]
fn invariants_2_and_6_no_file_log_metric_error_or_acknowledgement_holds_patient_data() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let fhir = gateway.fhir(home.first());
    let mut told: Vec<(String, Vec<u8>)> = Vec::new();

    // Every way a message can go: stored, corrected, late, of another patient, refused, broken.
    let good = Oru::new("I2A", PLANTED_ORDER, 3);
    let text = |message: Vec<u8>| String::from_utf8(message).unwrap();
    let messages = [
        good.render(),
        Oru { control_id: "I2B".to_owned(), status: 'C', time: "20260301111500+0000".to_owned(), ..good.clone() }
            .render(),
        Oru { control_id: "I2C".to_owned(), first_value: "7.77".to_owned(), ..good.clone() }.render(),
        Oru { control_id: "I2D".to_owned(), mrn: "MRN1".to_owned(), ..good.clone() }.render(),
        without(&good.render(), "PID"),
        without(&good.render(), "OBR"),
        text(good.render()).replace("ORU^R01^ORU_R01", "ADT^A01^ADT_A01").into_bytes(),
        text(good.render()).replace("|2.5.1|", "|9.9|").into_bytes(),
        text(good.render()).replace("|I2A|", "||").into_bytes(),
        text(good.render()).replace("OBX|1|NM|", &format!("OBX|1|{PLANTED_FAMILY}|")).into_bytes(),
        text(good.render()).replace("20260301094500", PLANTED_MRN).into_bytes(),
        format!("{PLANTED_FAMILY}^{PLANTED_GIVEN} {PLANTED_MRN} {PLANTED_ORDER}").into_bytes(),
        format!("MSH{PLANTED_FAMILY}|^~\\&|LIS|{PLANTED_MRN}").into_bytes(),
    ];
    let mut codes = Vec::new();
    for message in &messages {
        let mut sender = gateway.mllp();
        if let Ok(answer) = sender.exchange(message) {
            codes.push(code(&answer));
            told.push(("an acknowledgement".to_owned(), answer));
        }
    }
    assert!(codes.contains(&"AA".to_owned()) && codes.contains(&"AR".to_owned()), "taken and refused: {codes:?}");
    let mut broken = gateway.mllp();
    broken.write(&[b"\x0b".as_slice(), &messages[0]].concat()).unwrap();
    broken.finish().unwrap();
    let _ = broken.receive();

    // The control: what was planted is what a permitted client reads, and finds by its name.
    let read = fhir.get(&format!("/Patient?family={PLANTED_FAMILY}&given={PLANTED_GIVEN}"));
    for planted in [PLANTED_FAMILY, PLANTED_GIVEN, PLANTED_MRN] {
        assert!(read.body.contains(planted), "{planted} is in the answer");
    }
    let report = fhir.get(&format!("/DiagnosticReport?identifier={PLANTED_ORDER}"));
    assert!(report.body.contains(PLANTED_ORDER));

    // Errors that were asked for with what was planted.
    for path in [
        format!("/Patient?name-of-nothing={PLANTED_FAMILY}"),
        format!("/Patient?{PLANTED_FAMILY}={PLANTED_MRN}"),
        format!("/Patient/{PLANTED_MRN}"),
        format!("/{PLANTED_FAMILY}/{PLANTED_MRN}"),
        format!("/Patient?birthdate={PLANTED_MRN}"),
        format!("/Patient?_count={PLANTED_MRN}"),
        format!("/Patient?_cursor={PLANTED_MRN}"),
        format!("/Patient/{PLANTED_MRN}/_history/{PLANTED_MRN}"),
    ] {
        let answer = fhir.get(&path);
        assert!((400..500).contains(&answer.status), "{path} is refused, not {}", answer.status);
        told.push((format!("the error of {path}"), answer.body.into_bytes()));
    }
    let posted = fhir.post("/Patient", "application/fhir+json", &format!("{{\"name\":\"{PLANTED_FAMILY}\""));
    assert!((400..500).contains(&posted.status));
    told.push(("the error of a post".to_owned(), posted.body.into_bytes()));
    let mut stranger = home.first().clone();
    stranger.token = PLANTED_MRN.to_owned();
    let refused = gateway.fhir(&stranger).get("/Patient");
    refused.is_outcome(401);
    told.push(("the refusal of a token".to_owned(), refused.body.into_bytes()));

    // What operators and monitoring see.
    told.push(("the metrics".to_owned(), gateway.operations().get("/metrics").body.into_bytes()));
    for command in [
        &["message", "list", "--tenant", "Harbour"][..],
        &["status", "--json"],
        &["audit", "show", "--tenant", "Harbour", "--limit", "1000"],
        &["audit", "show", "--tenant", "system", "--limit", "1000"],
        &["audit", "export", "--tenant", "Harbour", "--to", "temporary/export.jsonl"],
        &["client", "list"],
        &["interface", "list"],
    ] {
        let ended = home.run(command);
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        told.push((format!("`sealgate {}`", command.join(" ")), [ended.stdout, ended.stderr].concat().into_bytes()));
    }
    for (what, bytes) in &told {
        holds_nothing(bytes, what);
    }

    // The files as they are while it serves, with the write-ahead log full, and as they are afterwards.
    assert!(home.path("sealgate.db-wal").exists(), "the write-ahead log is looked at too");
    files_hold_nothing(&home);
    let ended = gateway.terminate();
    assert_eq!(ended.code, Some(0));
    files_hold_nothing(&home);
    assert!(ended.stderr.lines().count() > 20, "there is a log at the trace level");
    holds_nothing(ended.stderr.as_bytes(), "the log");
    holds_nothing(ended.stdout.as_bytes(), "standard output");
}

#[test]
fn invariant_2_memory_ends_in_no_core_file() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    assert_eq!(code(&gateway.mllp().exchange(&Oru::new("I3", PLANTED_ORDER, 3).render()).unwrap()), "AA");
    let limits = fs::read_to_string(format!("/proc/{}/limits", gateway.pid())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "soft and hard limit");
    if !rustix::process::getuid().is_root() {
        // The kernel gives the files of a process that may not be dumped to root.
        assert!(fs::read(format!("/proc/{}/environ", gateway.pid())).is_err(), "its memory is closed to its own user");
    }
    gateway.signal(Signal::ABORT);
    assert!(!gateway.wait().core_dumped);
    let left = home.files();
    assert!(!left.iter().any(|file| file.file_name().is_some_and(|name| name.to_string_lossy().contains("core"))));
    files_hold_nothing(&home);
}

#[test]
fn invariant_3_no_acceptance_and_no_disclosure_while_nothing_can_be_recorded() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    let fhir = gateway.fhir(home.first());
    let stored = Oru::new("I3A", "F1", 3).render();
    assert_eq!(code(&gateway.mllp().exchange(&stored).unwrap()), "AA");
    let id = fhir.get("/DiagnosticReport?identifier=F1").resources()[0]["id"].as_str().unwrap().to_owned();

    // Another connection holds the only right to write.
    let mut database = home.database();
    database.execute("BEGIN IMMEDIATE");
    let waiting = Oru::new("I3B", "F2", 3).render();
    let unanswered = std::thread::scope(|scope| {
        let sent = scope.spawn(|| gateway.mllp().exchange(&waiting));
        let searched = scope.spawn(|| gateway.fhir(home.first()).try_get("/DiagnosticReport?identifier=F1"));
        let read = fhir.try_get(&format!("/DiagnosticReport/{id}"));
        for answer in [read, searched.join().unwrap()].into_iter().flatten() {
            answer.is_outcome(503);
            assert!(!answer.body.contains(PLANTED_MRN) && !answer.body.contains("24323-8"));
        }
        sent.join().unwrap()
    });
    assert!(unanswered.is_err(), "no answer: {}", String::from_utf8_lossy(&unanswered.unwrap_or_default()));
    database.execute("ROLLBACK");
    database.close();

    eventually("the service returns", || fhir.get(&format!("/DiagnosticReport/{id}")).status == 200);
    assert!(fhir.get("/DiagnosticReport?identifier=F2").resources().is_empty(), "what was not accepted is not there");
    assert_eq!(code(&gateway.mllp().exchange(&waiting).unwrap()), "AA");
    assert_eq!(fhir.get("/DiagnosticReport?identifier=F2").resources().len(), 1);
    assert_eq!(gateway.terminate().code, Some(0));
    assert_eq!(everything_fits(&mut home.database()), 2);
    home.done(&["audit", "verify"]);
}

#[test]
fn invariant_3_what_was_disclosed_is_in_the_chain_even_if_the_power_fails_with_the_answer() {
    let home = Home::new(PROGRAM);
    let gateway = home.serve();
    assert_eq!(code(&gateway.mllp().exchange(&Oru::new("I3C", "F1", 3).render()).unwrap()), "AA");
    let fhir = gateway.fhir(home.first());
    let search = fhir.get("/DiagnosticReport?identifier=F1&_include=DiagnosticReport:result");
    let found = search.resources();
    let request = search.header("x-request-id").to_owned();
    gateway.kill();

    let shown = home.done(&[
        "audit",
        "show",
        "--tenant",
        "Harbour",
        "--action",
        "fhir.search",
        "--context",
        "--json",
        "--limit",
        "1000",
    ]);
    let entry = shown.lines().find(|line| line.contains(&request)).expect("the search is in the chain");
    for resource in &found {
        assert!(entry.contains(resource["id"].as_str().unwrap()), "its context names every id that it returned");
    }
}

#[test]
fn invariant_4_record_index_and_audit_rows_appear_together_or_not_at_all() {
    let home = Home::new(PROGRAM);
    let mut acknowledged = 0;
    for round in 0..3u32 {
        let gateway = home.serve();
        let listener = gateway.listener("main");
        let senders: Vec<_> = (0..4)
            .map(|lane| {
                std::thread::spawn(move || {
                    let mut sender = Sender::connect(listener, Duration::from_secs(5)).unwrap();
                    let next = |number: u32| {
                        let name = format!("I4-{round}-{lane}-{number}");
                        Oru::new(&name, &name, 4).render()
                    };
                    (0..)
                        .take_while(|number| sender.exchange(&next(*number)).is_ok_and(|answer| code(&answer) == "AA"))
                        .count()
                })
            })
            .collect();
        tests::gateway::pause(Duration::from_millis(u64::from(150 + round * 77)));
        gateway.kill();
        acknowledged += senders.into_iter().map(|sender| sender.join().unwrap()).sum::<usize>();
        let stored = everything_fits(&mut home.database());
        assert!(stored >= acknowledged, "every accepted message is there: {stored} of {acknowledged}");
        assert!(
            stored <= acknowledged + 4 * usize::try_from(round + 1).unwrap(),
            "at most the ones in hand were not answered"
        );
    }
    assert!(acknowledged > 0, "there was something to interrupt");
    home.done(&["audit", "verify"]);
}

/// What of an answer may depend on what exists: all but its time and its own id.
fn comparable(mut answer: Answer) -> Answer {
    answer.headers.retain(|(name, _)| name != "date" && name != "x-request-id");
    answer
}

fn files_hold_nothing(home: &Home) {
    let files = home.files();
    assert!(
        files.iter().any(|file| file.ends_with("sealgate.db")) && files.iter().any(|file| file.ends_with("anchors"))
    );
    for file in files {
        if let Ok(bytes) = fs::read(&file) {
            holds_nothing(&bytes, &Path::new(&file).file_name().unwrap().to_string_lossy());
        }
    }
}

/// Looks for what was planted: in any case, as hex and as UTF-16.
fn holds_nothing(bytes: &[u8], what: &str) {
    let lower = bytes.to_ascii_lowercase();
    for planted in PLANTED {
        let clear = planted.to_ascii_lowercase().into_bytes();
        let hex: String = planted.bytes().map(|byte| format!("{byte:02x}")).collect();
        let wide: Vec<u8> = clear.iter().flat_map(|byte| [*byte, 0]).collect();
        for form in [clear, hex.into_bytes(), wide] {
            let found = lower.windows(form.len()).any(|window| window == form);
            assert!(!found, "{what} holds {planted}");
        }
    }
}
