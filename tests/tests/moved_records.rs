//! Ciphertexts moved between rows, versions and tenants, and clear columns changed: nothing opens but what belongs there.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use std::sync::OnceLock;
use tests::database::Database;
use tests::fhir::Fhir;
use tests::home::{Home, Image};
use tests::message::{Oru, PLANTED_FAMILY, PLANTED_MRN};
use tests::mllp::code;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

/// Ids of reports: two of one patient, the first of them in two versions, one of another patient, and one of the second
/// tenant.
struct Reports {
    image: Image,
    one: String,
    two: String,
    other: String,
    foreign: String,
}

fn reports() -> &'static Reports {
    static REPORTS: OnceLock<Reports> = OnceLock::new();
    REPORTS.get_or_init(|| {
        let home = Home::new(PROGRAM);
        let gateway = home.serve();
        let mut sender = gateway.mllp();
        let one = Oru::new("M1", "ONE", 3);
        let corrected = Oru {
            control_id: "M2".to_owned(),
            status: 'C',
            first_value: "2.50".to_owned(),
            time: "20260301111500+0000".to_owned(),
            ..one.clone()
        };
        let other = Oru { mrn: "MRN2".to_owned(), ..Oru::new("M5", "OTHER", 3) };
        for message in [one, corrected, Oru::new("M3", "TWO", 3), other] {
            assert_eq!(code(&sender.exchange(&message.render()).unwrap()), "AA");
        }
        let foreign = Oru::new("M4", "ONE", 3).render();
        assert_eq!(code(&gateway.sender_of(home.second()).exchange(&foreign).unwrap()), "AA");
        let own = gateway.fhir(home.first());
        let (one, two, other) = (found(&own, "ONE"), found(&own, "TWO"), found(&own, "OTHER"));
        let foreign = found(&gateway.fhir(home.second()), "ONE");
        assert_eq!(gateway.terminate().code, Some(0));
        Reports { image: home.image(), one, two, other, foreign }
    })
}

fn found(fhir: &Fhir, filler: &str) -> String {
    let found = fhir.get(&format!("/DiagnosticReport?identifier={filler}")).resources();
    assert_eq!(found.len(), 1);
    found[0]["id"].as_str().unwrap().to_owned()
}

fn hex(id: &str) -> String {
    format!("x'{}'", id.replace('-', ""))
}

/// Changes rows of the stopped installation and asks for the first report: it must not be disclosed, the failure must be
/// in the chain, and another patient's report must be served as before.
fn does_not_open(what: &str, kind: &str, change: impl FnOnce(&mut Database)) {
    let Reports { image, one, other, .. } = reports();
    let home = image.lay(PROGRAM);
    let mut database = home.database();
    change(&mut database);
    database.close();
    let gateway = home.serve();
    let fhir = gateway.fhir(home.first());
    let answer = fhir.get(&format!("/{kind}/{one}"));
    assert_eq!(answer.status, 500, "{what}: {}", answer.body);
    answer.is_outcome(500);
    for content in [PLANTED_FAMILY, PLANTED_MRN, "24323-8", "2.50", "1.50"] {
        assert!(!answer.body.contains(content), "{what}: the answer holds {content}");
    }
    assert_eq!(fhir.get(&format!("/DiagnosticReport/{other}")).status, 200, "{what}: others are served");
    let shown = home.done(&["audit", "show", "--tenant", "Harbour", "--action", "IntegrityFailure", "--json"]);
    let entries: Vec<Value> = shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.iter().any(|entry| entry["resource_id"] == one.as_str()), "{what}: the chain tells it: {shown}");
    assert_eq!(gateway.terminate().code, Some(0), "{what}: the gateway goes on and stops in order");
    home.done(&["audit", "verify"]);
}

fn sealed_becomes(database: &mut Database, select: &str) {
    let sql = format!("UPDATE record SET sealed = ({select}) WHERE id = {}", hex(&reports().one));
    assert_eq!(database.execute(&sql), 1);
}

#[test]
fn the_content_of_another_report_does_not_open() {
    does_not_open("moved", "DiagnosticReport", |database| {
        sealed_becomes(database, &format!("SELECT sealed FROM record WHERE id = {}", hex(&reports().two)));
    });
}

#[test]
fn two_swapped_reports_do_not_open() {
    let Reports { image, one, two, .. } = reports();
    let home = image.lay(PROGRAM);
    let mut database = home.database();
    let (a, b) = (hex(one), hex(two));
    database.execute("CREATE TEMP TABLE kept AS SELECT id, sealed FROM record");
    for (to, from) in [(&a, &b), (&b, &a)] {
        database.execute(&format!(
            "UPDATE record SET sealed = (SELECT sealed FROM kept WHERE id = {from}) WHERE id = {to}"
        ));
    }
    database.close();
    let gateway = home.serve();
    for id in [one, two] {
        gateway.fhir(home.first()).get(&format!("/DiagnosticReport/{id}")).is_outcome(500);
    }
    gateway.fhir(home.first()).get("/DiagnosticReport?identifier=ONE").is_outcome(500);
}

#[test]
fn the_content_of_another_tenants_report_does_not_open() {
    does_not_open("moved from another tenant", "DiagnosticReport", |database| {
        sealed_becomes(database, &format!("SELECT sealed FROM record WHERE id = {}", hex(&reports().foreign)));
    });
}

#[test]
fn a_row_moved_to_another_tenant_does_not_open_there() {
    let Reports { image, two, foreign, .. } = reports();
    let home = image.lay(PROGRAM);
    let tenant = hex(&home.second().id);
    let mut database = home.database();
    for table in ["record", "data_key"] {
        let (own, id) = (hex(&home.first().id), hex(two));
        let which = if table == "record" { format!("AND id = {id}") } else { String::new() };
        database.execute(&format!("UPDATE {table} SET tenant = {tenant} WHERE tenant = {own} {which}"));
    }
    database.close();
    let gateway = home.serve();
    let other = gateway.fhir(home.second());
    let answer = other.get(&format!("/DiagnosticReport/{two}"));
    answer.is_outcome(500);
    assert!(!answer.body.contains(PLANTED_MRN));
    assert_eq!(other.get(&format!("/DiagnosticReport/{foreign}")).status, 200);
}

#[test]
fn the_old_version_in_the_place_of_the_new_does_not_open() {
    does_not_open("an old version", "DiagnosticReport", |database| {
        sealed_becomes(database, &format!("SELECT sealed FROM record_version WHERE id = {}", hex(&reports().one)));
    });
}

#[test]
fn any_changed_byte_of_a_sealed_record_keeps_it_shut() {
    // "SGR1" | suite | generation | data key | message id | commitment | ciphertext | tag
    for at in [1, 5, 8, 10, 26, 60, 95, 140] {
        does_not_open(&format!("byte {at} changed"), "DiagnosticReport", |database| {
            let was = format!("SELECT hex(substr(sealed, {at}, 1)) FROM record WHERE id = {}", hex(&reports().one));
            let byte = u8::from_str_radix(&database.texts(&was)[0], 16).unwrap() ^ 1;
            let sealed = format!("substr(sealed, 1, {at} - 1) || x'{byte:02x}' || substr(sealed, {at} + 1)");
            sealed_becomes(
                database,
                &format!("SELECT CAST({sealed} AS BLOB) FROM record WHERE id = {}", hex(&reports().one)),
            );
        });
    }
}

#[test]
fn a_cut_lengthened_or_emptied_sealed_record_stays_shut() {
    for (what, form) in [
        ("cut by one", "CAST(substr(sealed, 1, length(sealed) - 1) AS BLOB)"),
        ("without its tag", "CAST(substr(sealed, 1, length(sealed) - 16) AS BLOB)"),
        ("cut to its header", "CAST(substr(sealed, 1, 89) AS BLOB)"),
        ("longer by one", "CAST(sealed || x'00' AS BLOB)"),
        ("empty", "x''"),
    ] {
        does_not_open(what, "DiagnosticReport", |database| {
            sealed_becomes(database, &format!("SELECT {form} FROM record WHERE id = {}", hex(&reports().one)));
        });
    }
}

#[test]
fn a_changed_clear_column_keeps_the_record_shut() {
    let set = |change: &'static str| {
        move |database: &mut Database| {
            assert_eq!(database.execute(&format!("UPDATE record SET {change} WHERE id = {}", hex(&reports().one))), 1);
        }
    };
    does_not_open("another clinic", "DiagnosticReport", set("clinic = randomblob(16)"));
    does_not_open("another version", "DiagnosticReport", set("version = version + 1"));
    does_not_open("another kind", "Patient", set("kind = 20"));
}

#[test]
fn a_data_key_in_the_place_of_another_opens_nothing() {
    does_not_open("another data key", "DiagnosticReport", |database| {
        let one = hex(&reports().one);
        let key = format!("(SELECT substr(sealed, 10, 16) FROM record WHERE id = {one})");
        let changed = database.execute(&format!(
            "UPDATE data_key SET wrapped = (SELECT wrapped FROM data_key AS other WHERE other.id <> data_key.id \
             AND other.tenant = data_key.tenant LIMIT 1) WHERE id = {key}"
        ));
        assert_eq!(changed, 1);
    });
}

#[test]
fn index_terms_that_point_elsewhere_find_nothing_wrong() {
    let Reports { image, one, two, .. } = reports();
    let home = image.lay(PROGRAM);
    let mut database = home.database();
    database.execute(&format!("UPDATE OR REPLACE index_term SET record = {} WHERE record = {}", hex(two), hex(one)));
    database.close();
    let gateway = home.serve();
    let fhir = gateway.fhir(home.first());
    assert!(fhir.get("/DiagnosticReport?identifier=ONE").resources().is_empty(), "every hit is checked after opening");
}
