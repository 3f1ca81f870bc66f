//! The main job on PostgreSQL, and two gateways on one database: both take messages, nothing forks, nothing is lost.
//!
//! Runs where `TEST_POSTGRES_URL` says a server is (`tests/postgres` starts one), each test in a database of its own;
//! otherwise shows as ignored. `REQUIRE_POSTGRES=1` turns that into failures.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

use libtest_mimic::Arguments;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::collections::BTreeSet;
use std::fs;
use std::process::ExitCode;
use tests::home::Home;
use tests::message::Oru;
use tests::mllp::code;
use tests::trials::on_postgres;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let trial = |name: &str, test: fn(&str)| on_postgres(name, name, test);
    let trials = vec![
        trial("the_main_job_runs_on_postgresql", the_main_job_runs_on_postgresql),
        trial("two_gateways_share_one_database", two_gateways_share_one_database),
        trial("exchanged_contexts_are_found_on_postgresql", exchanged_contexts_are_found_on_postgresql),
        trial("no_statement_walks_all_that_a_tenant_has", no_statement_walks_all_that_a_tenant_has),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn the_main_job_runs_on_postgresql(url: &str) {
    let home = Home::on_postgres(PROGRAM, url);
    let gateway = home.serve();
    let first = Oru::new("PG1", "F1", 5);
    let corrected = Oru {
        control_id: "PG2".to_owned(),
        status: 'C',
        first_value: "1.60".to_owned(),
        time: "20260301111500+0000".to_owned(),
        ..first.clone()
    };
    let mut sender = gateway.mllp();
    for message in [first.render(), first.render(), corrected.render()] {
        assert_eq!(code(&sender.exchange(&message).unwrap()), "AA");
    }
    let fhir = gateway.fhir(home.first());
    let answer = fhir.get("/DiagnosticReport?identifier=F1&_include=DiagnosticReport:result");
    assert!(answer.body.contains("\"value\":1.60"));
    assert_eq!(answer.resources().len(), 6);
    let id = answer.resources()[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(fhir.get(&format!("/DiagnosticReport/{id}/_history")).resources().len(), 2);
    assert_eq!(fhir.get(&format!("/DiagnosticReport/{id}/_history/1")).json()["status"], "final");
    gateway.fhir(home.second()).get(&format!("/DiagnosticReport/{id}")).is_outcome(404);
    gateway.kill();
    let gateway = home.serve();
    assert_eq!(gateway.fhir(home.first()).get(&format!("/DiagnosticReport/{id}")).status, 200);
    assert_eq!(gateway.terminate().code, Some(0));
    home.done(&["audit", "verify"]);
}

fn two_gateways_share_one_database(url: &str) {
    const EACH: usize = 60;
    let home = Home::on_postgres(PROGRAM, url);
    let gateways = [home.serve(), home.serve()];
    std::thread::scope(|scope| {
        for (which, gateway) in gateways.iter().enumerate() {
            for lane in 0..2 {
                scope.spawn(move || {
                    let mut sender = gateway.mllp();
                    for number in 0..EACH {
                        let name = format!("P{which}-{lane}-{number}");
                        assert_eq!(
                            code(&sender.exchange(&Oru::new(&name, &name, 3).render()).unwrap()),
                            "AA",
                            "{name}"
                        );
                        // The same message reaches the other gateway too, as from an engine that fails over.
                        if number % 10 == 0 {
                            let shared = Oru::new(&format!("S{number}"), &format!("S{number}"), 3).render();
                            assert_eq!(code(&sender.exchange(&shared).unwrap()), "AA");
                        }
                    }
                });
            }
        }
    });
    for gateway in &gateways {
        let fhir = gateway.fhir(home.first());
        let mut ids = BTreeSet::new();
        let mut next = Some("/DiagnosticReport?_count=100".to_owned());
        while let Some(link) = next {
            let page = fhir.get(&link);
            ids.extend(page.resources().iter().map(|report| report["id"].as_str().unwrap().to_owned()));
            // A link leads back to the gateway that gave it.
            next = page.next();
        }
        assert_eq!(ids.len(), 4 * EACH + EACH.div_ceil(10), "every report is there once, seen from each gateway");
    }
    let list = home.json(&["message", "list", "--tenant", "Harbour", "--limit", "1000", "--json"]);
    assert_eq!(list.as_array().unwrap().len(), 4 * EACH + EACH.div_ceil(10), "every message is stored once");
    for gateway in gateways {
        assert_eq!(gateway.terminate().code, Some(0));
    }
    home.done(&["audit", "verify"]);
    let anchors = fs::metadata(home.path("anchors")).unwrap().len();
    assert!(anchors > 128, "both wrote to one anchor file");
}

fn exchanged_contexts_are_found_on_postgresql(url: &str) {
    let home = Home::on_postgres(PROGRAM, url);
    let gateway = home.serve();
    for name in ["C1", "C2"] {
        assert_eq!(code(&gateway.mllp().exchange(&Oru::new(name, name, 2).render()).unwrap()), "AA");
        assert_eq!(
            gateway.fhir(home.first()).get(&format!("/DiagnosticReport?identifier={name}")).resources().len(),
            1
        );
    }
    assert_eq!(gateway.terminate().code, Some(0));
    assert!(home.json(&["audit", "verify", "--records", "--json"])["contexts"].as_u64().unwrap() > 3);
    let chain = home.first().id.replace('-', "");
    let two = format!(
        "SELECT sequence, context FROM audit_entry WHERE chain = '\\x{chain}' AND context IS NOT NULL
         ORDER BY sequence DESC LIMIT 2"
    );
    execute(url, "ALTER TABLE audit_entry DISABLE TRIGGER USER");
    execute(
        url,
        &format!(
            "WITH two AS ({two}) UPDATE audit_entry SET context = other.context FROM two AS own, two AS other
             WHERE chain = '\\x{chain}' AND audit_entry.sequence = own.sequence AND other.sequence <> own.sequence"
        ),
    );
    // Who reads them is told, and so is who verifies them; the chain itself is whole.
    home.done(&["audit", "verify"]);
    let ended = home.run(&["audit", "verify", "--records"]);
    assert_eq!(ended.code, Some(65));
    assert!(ended.stderr.contains("\"kind\":\"context_altered\""), "{}", ended.stderr);
}

fn execute(url: &str, statement: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut session = PgConnection::connect(url).await.unwrap();
        sqlx::query(AssertSqlSafe(statement.to_owned())).execute(&mut session).await.unwrap();
    });
}

/// Without statistics the server takes a tenant for a few rows, and a connection keeps the plan that it made by that.
fn no_statement_walks_all_that_a_tenant_has(url: &str) {
    const MESSAGES: u64 = 150;
    /// Entries that may be read for a message and three questions: one of these looks at 64 records at least.
    const ENTRIES_A_MESSAGE: u64 = 200;
    let home = Home::on_postgres(PROGRAM, url);
    assert_eq!(home.serve().terminate().code, Some(0));
    let (walked, looked_up) = rows_read(url);
    let gateway = home.serve();
    let mut sender = gateway.mllp();
    let fhir = gateway.fhir(home.first());
    for number in 0..MESSAGES {
        let report = number / 2;
        let mut result = Oru::new(&format!("W{number}"), &format!("W{report}"), 4);
        if number % 2 == 1 {
            (result.status, result.time) = ('C', "20260301111500+0000".to_owned());
        }
        assert_eq!(code(&sender.exchange(&result.render()).unwrap()), "AA");
        let found = fhir.get(&format!("/DiagnosticReport?identifier=W{report}")).resources();
        let id = found[0]["id"].as_str().unwrap();
        assert_eq!(fhir.get(&format!("/DiagnosticReport/{id}/_history")).status, 200);
        assert_eq!(fhir.get("/DiagnosticReport?_count=5").status, 200);
    }
    drop(sender);
    // What a session has counted is in the statistics once the session is over.
    assert_eq!(gateway.terminate().code, Some(0));
    let read = rows_read(url);
    assert_eq!(read.0, walked, "a whole table was read");
    let found = read.1 - looked_up;
    assert!(found < MESSAGES * ENTRIES_A_MESSAGE, "{found} entries of indexes were read for {MESSAGES} messages");
}

/// Says how many rows were read of the tables that grow with what comes in, by walking them, and how many entries of their
/// indexes.
fn rows_read(url: &str) -> (u64, u64) {
    let tables = "('record', 'record_version', 'index_term', 'claim', 'data_key')";
    let statement = format!(
        "SELECT (SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname IN {tables})::bigint,
                (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes WHERE relname IN {tables})::bigint"
    );
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (walked, looked_up): (i64, i64) = runtime.block_on(async {
        let mut session = PgConnection::connect(url).await.unwrap();
        sqlx::query_as(AssertSqlSafe(statement)).fetch_one(&mut session).await.unwrap()
    });
    (walked.try_into().unwrap(), looked_up.try_into().unwrap())
}
