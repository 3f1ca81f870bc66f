//! Results in: ORU^R01 over MLLP, each answered when it is mapped, sealed, indexed, chained and on disk.

use crate::gateway::{House, Run, Served, median};
use crate::load::{Until, drive};
use crate::message::{Messages, PATIENTS, send};
use crate::options::Options;
use crate::postgres::Database;
use crate::rows;
use crate::table::{Row, Table, per_second};
use std::sync::Arc;

/// Measures SQLite beside the same rows written bare; returns the rate on 32 connections.
pub(crate) async fn on_sqlite(options: &Options, table: &mut Table) -> f64 {
    table.heading("results in, SQLite: 4 KiB ORU with 20 OBX, durable and chained before each AA");
    let house = House::make(options, None).await;
    let served = house.serve().await;
    let messages = Arc::new(Messages::new());
    warm_up(&house, &messages).await;
    let one = runs(options, &house, &served, &messages, 1).await;
    let many = runs(options, &house, &served, &messages, 32).await;
    let memory = served.resident_mib();
    served.stop();

    let taken = rows::read(&house.database()).await;
    let bare_one = rows::written(options, &taken, one.group).await;
    let bare_many = rows::written(options, &taken, many.group).await;
    let unchained = taken.without_audit();
    let bare_unchained = rows::written(options, &unchained, many.group).await;
    let shown = |what: &str, rate: f64, group: f64| Row {
        what: what.to_owned(),
        value: per_second(rate),
        group: Some(group),
        ..Row::default()
    };
    table.row(shown("bare: the same rows, groups as on 1 connection", bare_one, one.group));
    table.row(shown("bare: the same rows, groups as on 32 connections", bare_many, many.group));
    table.row(shown("bare: the same without the audit rows", bare_unchained, many.group));
    let of = |run: &Run, bare: f64| format!("{:.2} of the bare rows", run.load.rate() / bare);
    table.row(row("gateway, 1 connection", &one, of(&one, bare_one), "800/s"));
    table.row(row("gateway, 32 connections", &many, of(&many, bare_many), "2 000/s, p99 40 ms, 0.5"));
    table.note(format!("a message is {}", taken.describe()));
    table.note(format!(
        "a commit was under way {:.0} % of the time on 1 connection, {:.0} % on 32; resident afterwards {memory:.0} MiB",
        one.committing * 100.0,
        many.committing * 100.0
    ));
    many.load.rate()
}

/// Measures PostgreSQL beside SQLite, where there is one.
pub(crate) async fn on_postgres(options: &Options, table: &mut Table, on_sqlite: Option<f64>) {
    table.heading("results in, PostgreSQL: the same");
    let Some(database) = Database::make().await else {
        table.note(
            "not measured: no TEST_POSTGRES_URL; run `tests/postgres cargo bench -p tests --bench table`".to_owned(),
        );
        return;
    };
    let house = House::make(options, Some(database.url())).await;
    let served = house.serve().await;
    let messages = Arc::new(Messages::new());
    warm_up(&house, &messages).await;
    let run = runs(options, &house, &served, &messages, 32).await;
    served.stop();
    database.drop().await;
    let ratio = on_sqlite.map_or(String::new(), |sqlite| format!("{:.2} of SQLite", run.load.rate() / sqlite));
    table.row(row("gateway, 32 connections", &run, ratio, "0.5 of SQLite"));
}

/// Sends a message for each patient, so that every patient is known.
pub(crate) async fn warm_up(house: &House, messages: &Arc<Messages>) {
    drive(16, Until::Count(PATIENTS), |_, quota| send(house.mllp, Arc::clone(messages), quota)).await;
}

async fn runs(options: &Options, house: &House, served: &Served, messages: &Arc<Messages>, connections: usize) -> Run {
    let mut runs = Vec::new();
    for _ in 0..options.runs {
        let before = served.used().await;
        let until = Until::Time(options.time);
        let load = drive(connections, until, |_, quota| send(house.mllp, Arc::clone(messages), quota)).await;
        runs.push(Run::of(load, before, served.used().await));
    }
    median(runs)
}

/// Makes the line of a run.
pub(crate) fn row(what: &str, run: &Run, ratio: String, aim: &'static str) -> Row {
    Row {
        what: what.to_owned(),
        value: per_second(run.load.rate()),
        p50: run.load.percentile(0.5),
        p99: run.load.percentile(0.99),
        gateway_cpu: Some(run.gateway_cpu),
        sender_cpu: Some(run.sender_cpu),
        group: Some(run.group),
        ratio,
        aim,
    }
}
