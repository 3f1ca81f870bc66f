//! The bare rows: what a gateway wrote, written again to an empty SQLite with nothing around it.
//!
//! The rows are read from the gateway's own database after a run, so they have its sizes, its counts and its
//! order. They go through the same driver, with the same pragmas, in many-row statements and in groups of the
//! same size, each group one transaction. No ciphers, no chain, no sockets.

use crate::options::Options;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, Row, TypeInfo, ValueRef};
use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::time::Instant;

/// Most messages whose rows are taken.
const MESSAGES: i64 = 6_000;
/// Rows in one statement.
const AT_ONCE: usize = 64;

/// The rows of the last messages of a database.
pub(crate) struct Taken {
    messages: usize,
    tables: Vec<Rows>,
}

#[derive(Clone)]
struct Rows {
    table: &'static str,
    columns: usize,
    rows: Vec<Vec<Cell>>,
}

#[derive(Clone)]
enum Cell {
    Null,
    Int(i64),
    Blob(Vec<u8>),
}

/// The messages, by the order in which they were written; `$1` limits them.
const LAST: &str = "WITH first AS MATERIALIZED (SELECT min(rowid) AS place FROM
     (SELECT rowid FROM record WHERE kind = (SELECT kind FROM record ORDER BY routing DESC LIMIT 1)
      ORDER BY rowid DESC LIMIT $1))";

/// Each table, and how its rows of the last messages are found, in the order in which they were written.
const TABLES: [(&str, &str); 5] = [
    (
        "claim",
        "SELECT c.* FROM record AS r JOIN claim AS c ON c.tenant = r.tenant AND c.message = r.id
      WHERE r.rowid >= (SELECT place FROM first) ORDER BY r.rowid",
    ),
    ("record", "SELECT * FROM record WHERE rowid >= (SELECT place FROM first) ORDER BY rowid"),
    (
        "record_version",
        "SELECT * FROM record_version AS v
      WHERE last_updated >= (SELECT last_updated FROM record WHERE rowid = (SELECT place FROM first)) ORDER BY rowid",
    ),
    (
        "index_term",
        "SELECT t.* FROM index_term AS t
      WHERE t.arrival >= (SELECT last_updated FROM record WHERE rowid = (SELECT place FROM first)) ORDER BY t.arrival",
    ),
    (
        "audit_entry",
        "SELECT * FROM (SELECT * FROM audit_entry WHERE chain = (SELECT max(tenant) FROM record)
      ORDER BY sequence DESC LIMIT (SELECT count(*) FROM record WHERE rowid >= (SELECT place FROM first)))
      ORDER BY sequence",
    ),
];

/// Reads the rows of the last messages.
pub(crate) async fn read(database: &Path) -> Taken {
    let mut connection = SqliteConnectOptions::new().filename(database).read_only(true).connect().await.unwrap();
    // A claim is found by its message here, for which a gateway has no use and no index.
    connection.execute("PRAGMA automatic_index = ON").await.unwrap();
    let mut tables = Vec::new();
    for (table, question) in TABLES {
        let question = AssertSqlSafe(format!("{LAST} {question}"));
        let rows = sqlx::query(question).bind(MESSAGES).fetch_all(&mut connection).await.unwrap();
        let columns = rows.first().map_or(0, SqliteRow::len);
        tables.push(Rows { table, columns, rows: rows.iter().map(cells).collect() });
    }
    let messages = tables.first().map_or(0, |claims| claims.rows.len());
    Taken { messages, tables }
}

fn cells(row: &SqliteRow) -> Vec<Cell> {
    let cell = |column| {
        let value = row.try_get_raw(column).unwrap();
        match value.type_info().name() {
            _ if value.is_null() => Cell::Null,
            "INTEGER" => Cell::Int(row.get_unchecked(column)),
            _ => Cell::Blob(row.get_unchecked(column)),
        }
    };
    (0..row.len()).map(cell).collect()
}

impl Taken {
    /// Returns the same without the rows of the audit chain.
    pub(crate) fn without_audit(&self) -> Self {
        let tables = self.tables.iter().filter(|rows| rows.table != "audit_entry").cloned().collect();
        Self { messages: self.messages, tables }
    }

    /// Says what one message is, in rows and bytes.
    pub(crate) fn describe(&self) -> String {
        let mut text = String::new();
        for rows in self.tables.iter().filter(|rows| !rows.rows.is_empty()) {
            let bytes: usize =
                rows.rows.iter().flatten().map(|cell| if let Cell::Blob(bytes) = cell { bytes.len() } else { 8 }).sum();
            let each = |number: usize| number as f64 / self.messages as f64;
            let _ = write!(text, "{:.1} × {} ({:.0} bytes), ", each(rows.rows.len()), rows.table, each(bytes));
        }
        text.trim_end_matches(", ").to_owned()
    }
}

/// Writes the rows in groups of about this many messages; returns how many messages a second.
pub(crate) async fn written(options: &Options, taken: &Taken, group: f64) -> f64 {
    let groups = (taken.messages as f64 / group.max(1.0)).ceil() as usize;
    let mut rates = Vec::new();
    for _ in 0..options.runs {
        let folder = tempfile::tempdir().unwrap();
        let mut connection = empty(&folder.path().join("bare.db")).await;
        let begun = Instant::now();
        for number in 0..groups {
            write(&mut connection, taken, number, groups).await;
        }
        rates.push(taken.messages as f64 / begun.elapsed().as_secs_f64());
        connection.close().await.unwrap();
    }
    rates.sort_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap()
}

/// Makes an empty database with the gateway's schema and the pragmas of its writer.
async fn empty(path: &Path) -> SqliteConnection {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .page_size(8_192)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .pragma("temp_store", "MEMORY")
        .pragma("wal_autocheckpoint", "4000")
        .pragma("journal_size_limit", "67108864")
        .pragma("cache_size", "-65536")
        .statement_cache_capacity(512)
        .disable_statement_logging()
        .connect()
        .await
        .unwrap();
    let migrations = fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../migrations/sqlite")).unwrap();
    let mut migrations: Vec<_> = migrations.map(|file| file.unwrap().path()).collect();
    migrations.sort();
    for migration in migrations {
        let schema = fs::read_to_string(migration).unwrap();
        sqlx::raw_sql(AssertSqlSafe(schema)).execute(&mut connection).await.unwrap();
    }
    connection.execute("INSERT INTO audit_head VALUES (zeroblob(16), 0, zeroblob(32), 0)").await.unwrap();
    connection
}

/// Writes one of so many groups as one transaction.
async fn write(connection: &mut SqliteConnection, taken: &Taken, number: usize, groups: usize) {
    connection.execute("BEGIN IMMEDIATE").await.unwrap();
    connection.execute("UPDATE audit_head SET length = length + 1").await.unwrap();
    for table in &taken.tables {
        let place = |group: usize| table.rows.len() * group / groups;
        for rows in table.rows.get(place(number)..place(number + 1)).unwrap().chunks(AT_ONCE) {
            let values = (0..rows.len()).map(|row| {
                let places = (1..=table.columns).map(|column| format!("${}", row * table.columns + column));
                format!("({})", places.collect::<Vec<_>>().join(", "))
            });
            let statement = format!("INSERT INTO {} VALUES {}", table.table, values.collect::<Vec<_>>().join(", "));
            let mut query = sqlx::query(AssertSqlSafe(statement));
            for cell in rows.iter().flatten() {
                query = match cell {
                    Cell::Null => query.bind(None::<&[u8]>),
                    Cell::Int(number) => query.bind(*number),
                    Cell::Blob(bytes) => query.bind(bytes.as_slice()),
                };
            }
            query.execute(&mut *connection).await.unwrap();
        }
    }
    connection.execute("COMMIT").await.unwrap();
}
