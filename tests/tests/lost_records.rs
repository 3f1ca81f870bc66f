//! Records deleted or put back behind the program's back: they still open, and only the chain can tell.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use std::sync::OnceLock;
use tests::database::Database;
use tests::gateway::pause;
use tests::home::{Home, Image};
use tests::message::Oru;
use tests::mllp::code;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

/// The column list of both tables of records.
const COLUMNS: &str = "tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed";

/// A stopped installation with a report in two versions.
fn stopped() -> Home {
    static STOPPED: OnceLock<Image> = OnceLock::new();
    let image = STOPPED.get_or_init(|| {
        let home = Home::new(PROGRAM);
        let gateway = home.serve();
        let mut sender = gateway.mllp();
        let first = Oru::new("M1", "ONE", 3);
        let corrected = Oru {
            control_id: "M2".to_owned(),
            status: 'C',
            first_value: "2.50".to_owned(),
            time: "20260301111500+0000".to_owned(),
            ..first.clone()
        };
        for message in [first, corrected, Oru::new("M3", "TWO", 3)] {
            assert_eq!(code(&sender.exchange(&message.render()).unwrap()), "AA");
        }
        let fhir = gateway.fhir(home.first());
        assert_eq!(fhir.get("/DiagnosticReport?identifier=ONE").resources().len(), 1);
        assert_eq!(gateway.terminate().code, Some(0));
        home.image()
    });
    image.lay(PROGRAM)
}

fn changed(home: &Home, change: impl FnOnce(&mut Database)) {
    let mut database = home.database();
    change(&mut database);
    database.close();
}

/// Puts the version before of every record of these kinds back in its place.
fn put_back(database: &mut Database, kinds: &str) {
    let older = format!("FROM record_version WHERE kind {kinds} AND version = 1");
    assert!(database.execute(&format!("DELETE FROM record WHERE id IN (SELECT id {older})")) > 0);
    database.execute(&format!("INSERT INTO record ({COLUMNS}) SELECT {COLUMNS} {older}"));
}

/// Says with which exit code a command ended, and what the diagnosis calls the fault.
fn verdict(home: &Home, arguments: &[&str]) -> (Option<i32>, String) {
    let ended = home.run(arguments);
    let line = ended.stderr.lines().rfind(|line| line.contains("audit_chain_broken")).unwrap_or("null");
    let diagnosis: Value = serde_json::from_str(line).unwrap();
    (ended.code, diagnosis["kind"].as_str().unwrap_or_default().to_owned())
}

fn refused(kind: &str) -> (Option<i32>, String) {
    (Some(65), kind.to_owned())
}

const WITH_RECORDS: &[&str] = &["audit", "verify", "--records"];

#[test]
fn records_that_nobody_touched_are_what_the_chains_say() {
    let home = stopped();
    assert!(home.json(&["audit", "verify", "--records", "--json"])["records"].as_u64().unwrap() >= 5);
    // And beside a gateway that goes on changing them.
    let gateway = home.serve();
    let mut sender = gateway.mllp();
    for number in 0..20 {
        let name = format!("L{number}");
        assert_eq!(code(&sender.exchange(&Oru::new(&name, &name, 2).render()).unwrap()), "AA");
        if number % 10 == 0 {
            home.done(WITH_RECORDS);
        }
    }
    assert_eq!(gateway.terminate().code, Some(0));
}

#[test]
fn deleted_reports_are_found_missing() {
    let home = stopped();
    changed(&home, |database| assert_eq!(database.execute("DELETE FROM record WHERE kind = 10"), 2));
    assert_eq!(verdict(&home, WITH_RECORDS), refused("record_missing"));
}

#[test]
fn an_older_version_put_back_is_found_rolled_back() {
    let home = stopped();
    changed(&home, |database| put_back(database, "= 10"));
    assert_eq!(verdict(&home, WITH_RECORDS), refused("record_rolled_back"));
}

#[test]
fn a_record_without_its_key_is_found_altered() {
    let home = stopped();
    changed(&home, |database| {
        let tenant = home.first().id.replace('-', "");
        assert!(database.execute(&format!("DELETE FROM data_key WHERE tenant = x'{tenant}'")) > 0);
    });
    assert_eq!(verdict(&home, WITH_RECORDS), refused("record_altered"));
}

#[test]
fn a_disabled_client_put_back_stops_the_start_and_every_command() {
    let home = stopped();
    home.done(&["client", "disable", "Harbour-ward"]);
    changed(&home, |database| put_back(database, "= 43"));
    for command in [&["serve"][..], &["audit", "verify"], &["client", "list"], &["tenant", "add", "Another"]] {
        assert_eq!(verdict(&home, command), refused("record_rolled_back"), "{command:?}");
    }
}

#[test]
fn a_deleted_interface_stops_the_start_and_every_command() {
    let home = stopped();
    changed(&home, |database| assert_eq!(database.execute("DELETE FROM record WHERE kind = 42"), 2));
    for command in [&["serve"][..], &["audit", "verify"], &["interface", "list"]] {
        assert_eq!(verdict(&home, command), refused("record_missing"), "{command:?}");
    }
}

#[test]
fn a_disabled_client_put_back_while_the_gateway_serves_stays_disabled() {
    let home = stopped();
    let gateway = home.serve();
    let fhir = gateway.fhir(home.first());
    assert_eq!(fhir.get("/DiagnosticReport").status, 200);
    home.done(&["client", "disable", "Harbour-ward"]);
    // Not as fast as it can: too many refusals of one address are answered 429.
    let status = || {
        pause(std::time::Duration::from_millis(50));
        gateway.fhir(home.first()).get("/DiagnosticReport").status
    };
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while status() != 401 {
        assert!(std::time::Instant::now() < deadline, "the token is refused within a second or so");
    }
    changed(&home, |database| put_back(database, "= 43"));
    let watched = std::time::Instant::now();
    // Several rounds of the watcher.
    while watched.elapsed() < std::time::Duration::from_secs(2) {
        assert_eq!(status(), 401);
    }
    let _ = gateway.terminate();
}

#[test]
fn a_removed_context_is_found_missing() {
    let home = stopped();
    changed(&home, |database| {
        database.execute("DROP TRIGGER audit_entry_refuses_update");
        let reads = "UPDATE audit_entry SET context = NULL WHERE CAST(entry AS TEXT) LIKE '%\"action\":\"fhir.%'";
        assert!(database.execute(reads) > 0);
    });
    for command in [&["serve"][..], &["audit", "verify"], WITH_RECORDS] {
        assert_eq!(verdict(&home, command), refused("context_missing"), "{command:?}");
    }
    // Whoever reads the trail is told as well, and not that there never was one.
    let shown = home.done(&["audit", "show", "--tenant", "Harbour", "--action", "fhir.search", "--context"]);
    assert!(shown.contains("its context does not open"), "{shown}");
}

#[test]
fn a_message_that_was_taken_off_the_list_of_work_is_found() {
    let home = stopped();
    let gateway = home.serve();
    let other = Oru { mrn: "MRN000001".to_owned(), family: "OTHER".to_owned(), ..Oru::new("M9", "ONE", 3) };
    assert_eq!(code(&gateway.mllp().exchange(&other.render()).unwrap()), "AA");
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(WITH_RECORDS);
    changed(&home, |database| assert_eq!(database.execute("UPDATE record SET routing = 1 WHERE routing = 3"), 1));
    assert_eq!(verdict(&home, WITH_RECORDS), refused("record_altered"));
}

#[test]
fn an_overwritten_context_is_found_altered_wherever_it_is() {
    for context in ["randomblob(length(context))", "x'00'", "substr(context, 1, length(context) - 1)"] {
        let home = stopped();
        changed(&home, |database| {
            database.execute("DROP TRIGGER audit_entry_refuses_update");
            let entries = "WHERE context IS NOT NULL AND CAST(entry AS TEXT) LIKE '%\"action\":\"fhir.%'";
            assert!(database.execute(&format!("UPDATE audit_entry SET context = {context} {entries}")) > 0);
        });
        assert_eq!(verdict(&home, WITH_RECORDS), refused("context_altered"), "{context}");
    }
    // The context of a change too, which says where a message came from, and one that was put where there was none.
    for entries in ["LIKE '%\"action\":\"create\"%Hl7Message%'", "LIKE '%\"action\":\"create\"%\"Patient\"%'"] {
        let home = stopped();
        changed(&home, |database| {
            database.execute("DROP TRIGGER audit_entry_refuses_update");
            let any = "(SELECT context FROM audit_entry WHERE context IS NOT NULL LIMIT 1)";
            let update = format!("UPDATE audit_entry SET context = {any} WHERE CAST(entry AS TEXT) {entries}");
            assert!(database.execute(&update) > 0);
        });
        assert_eq!(verdict(&home, WITH_RECORDS), refused("context_altered"), "{entries}");
    }
}

#[test]
fn contexts_that_changed_places_are_found_altered() {
    let home = stopped();
    changed(&home, |database| {
        database.execute("DROP TRIGGER audit_entry_refuses_update");
        let tenant = home.first().id.replace('-', "");
        let two = format!(
            "SELECT sequence, context FROM audit_entry WHERE chain = x'{tenant}' AND context IS NOT NULL
             ORDER BY sequence DESC LIMIT 2"
        );
        database.execute(&format!("CREATE TEMP TABLE pair AS {two}"));
        let swapped = database.execute(&format!(
            "UPDATE audit_entry SET context = (SELECT context FROM pair WHERE pair.sequence <> audit_entry.sequence)
             WHERE chain = x'{tenant}' AND sequence IN (SELECT sequence FROM pair)"
        ));
        assert_eq!(swapped, 2);
    });
    assert_eq!(verdict(&home, WITH_RECORDS), refused("context_altered"));
}

#[test]
fn the_context_of_a_refusal_with_a_very_long_name_opens() {
    let home = stopped();
    let gateway = home.serve();
    let long = "n".repeat(400);
    let _ = gateway.fhir(home.first()).get(&format!("/DiagnosticReport/{long}"));
    let _ = gateway.fhir(home.first()).get(&format!("/DiagnosticReport?_id={long}"));
    assert_eq!(gateway.terminate().code, Some(0));
    assert!(home.json(&["audit", "verify", "--records", "--json"])["contexts"].as_u64().unwrap() > 0);
}

#[test]
fn a_head_that_cannot_be_one_is_a_broken_chain_and_no_silent_database() {
    for change in ["tag = x'00'", "length = -1"] {
        let home = stopped();
        changed(&home, |database| assert!(database.execute(&format!("UPDATE audit_head SET {change}")) > 0));
        for command in [&["serve"][..], &["audit", "verify"], &["tenant", "list"]] {
            let (exit, kind) = verdict(&home, command);
            assert_eq!(exit, Some(65), "{change} {command:?}");
            assert!(["head_mismatch", "truncated"].contains(&kind.as_str()), "{kind}");
        }
    }
}
