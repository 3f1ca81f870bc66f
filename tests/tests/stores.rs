//! Puts every store to the contract of its port: one test for each store and case.
//!
//! SQLite and the in-memory double run always. PostgreSQL runs where `TEST_POSTGRES_URL` says one is (`tests/postgres`
//! starts it); otherwise its cases show as ignored. `REQUIRE_POSTGRES=1` turns that into failures.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::double::{MemoryLedger, MemoryStore, MemoryTickets};
use domain::keys::Roots;
use domain::ports::Store;
use domain::secret::Secret;
use libtest_mimic::{Arguments, Failed, Trial};
use ports_conformance::{LEDGER, LedgerBench, STORE, TICKETS, Verdict, audit_root};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use store::{Database, Options, Recorder};
use tests::trials::with_postgres;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let mut trials = Vec::new();
    for case in STORE {
        let name = |store: &str| format!("{store}::{} {}", case.id, case.sentence);
        trials.push(Trial::test(name("double"), move || {
            block_on(async move { judged((case.run)(&MemoryStore::default()).await) })
        }));
        trials.push(Trial::test(name("sqlite"), move || {
            block_on(on_sqlite(move |database| async move { (case.run)(&*database.store()).await }))
        }));
        trials.push(postgres(name("postgres"), case.id, move |database, _| async move {
            (case.run)(&*database.store()).await
        }));
    }
    for case in TICKETS {
        let name = |store: &str| format!("{store}::{} {}", case.id, case.sentence);
        trials.push(Trial::test(name("double"), move || {
            block_on(async move { judged((case.run)(&MemoryTickets::default()).await) })
        }));
        trials.push(Trial::test(name("sqlite"), move || {
            block_on(on_sqlite(move |database| async move { (case.run)(&*database.tickets()).await }))
        }));
        trials.push(postgres(name("postgres"), case.id, move |database, _| async move {
            (case.run)(&*database.tickets()).await
        }));
    }
    let name = "postgres::audit rows stay when a session calls itself a replica".to_owned();
    trials.push(postgres(name, "replica", |_, own| async move { replica(&own).await }));
    for case in LEDGER {
        let name = |store: &str| format!("{store}::{} {}", case.id, case.sentence);
        let run = move |database: Arc<Database>| async move {
            let store = database.store();
            let one = Recorder::start(store.clone(), &audit_root(), None).await?;
            let two = Recorder::start(store.clone(), &audit_root(), None).await?;
            let verdict = (case.run)(&LedgerBench { store, one: one.clone(), two: two.clone() }).await;
            one.stop().await;
            two.stop().await;
            verdict
        };
        trials.push(Trial::test(name("double"), move || {
            block_on(async move {
                let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
                let ledger = || Arc::new(MemoryLedger::new(store.clone(), &roots()));
                judged((case.run)(&LedgerBench { one: ledger(), two: ledger(), store: store.clone() }).await)
            })
        }));
        trials.push(Trial::test(name("sqlite"), move || block_on(on_sqlite(run))));
        trials.push(postgres(name("postgres"), case.id, move |database, _| run(database)));
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Tries to delete an entry as `session_replication_role` permits where a trigger is an ordinary one.
async fn replica(own: &str) -> Verdict {
    let entry = "INSERT INTO audit_entry VALUES ('\\x01', 1, '\\x02', NULL)";
    let mut session = PgConnection::connect(own).await.unwrap();
    for statement in [entry, "SET session_replication_role = replica"] {
        session.execute(statement).await.unwrap();
    }
    for statement in ["DELETE FROM audit_entry", "UPDATE audit_entry SET entry = '\\x03'", "TRUNCATE audit_entry"] {
        assert!(session.execute(statement).await.is_err(), "{statement}");
    }
    Ok(())
}

/// Roots of which the cases know the audit root, and need no other.
fn roots() -> Roots {
    let unused = || Secret::new([0; 32]);
    Roots { audit: audit_root(), root: unused(), index: unused(), content: unused(), session: unused() }
}

async fn on_sqlite<F: Future<Output = Verdict>>(run: impl FnOnce(Arc<Database>) -> F) -> Result<(), Failed> {
    let directory = tempfile::tempdir()?;
    let database = Arc::new(store::open_sqlite(&directory.path().join("sealgate.db"), Options::default()).await?);
    finished(run(Arc::clone(&database)).await, &database).await
}

/// Makes the test of a case on PostgreSQL, in a schema of its own.
fn postgres<F: Future<Output = Verdict>>(
    name: String,
    id: &str,
    run: impl FnOnce(Arc<Database>, String) -> F + Send + 'static,
) -> Trial {
    let schema = format!("{}_{}", id.to_lowercase().replace('-', "_"), std::process::id());
    with_postgres(&name, move |url| block_on(on_postgres(url, schema, run)))
}

async fn on_postgres<F: Future<Output = Verdict>>(
    url: &str,
    schema: String,
    run: impl FnOnce(Arc<Database>, String) -> F,
) -> Result<(), Failed> {
    let mut admin = PgConnection::connect(url).await?;
    admin.execute(AssertSqlSafe(format!("CREATE SCHEMA {schema}"))).await?;
    let mark = if url.contains('?') { '&' } else { '?' };
    let own = format!("{url}{mark}options=-csearch_path%3D{schema}");
    let verdict = async {
        let database = Arc::new(store::open_postgres(&own, Options::default()).await?);
        finished(run(Arc::clone(&database), own).await, &database).await
    }
    .await;
    admin.execute(AssertSqlSafe(format!("DROP SCHEMA {schema} CASCADE"))).await?;
    verdict
}

async fn finished(verdict: Verdict, database: &Database) -> Result<(), Failed> {
    database.close().await;
    judged(verdict)
}

fn judged(verdict: Verdict) -> Result<(), Failed> {
    verdict.map_err(|failure| failure.to_string().into())
}

fn block_on(work: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(work)
}
