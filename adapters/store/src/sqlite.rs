//! SQLite: one file, one writer, a few readers.

use crate::engine::{Engine, Fault, Row, Transaction, Value, log};
use crate::open::{OpenError, Options, migrate};
use crate::statements::Bulk;
use domain::ports::Unavailable;
use sqlx::pool::PoolOptions;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow, SqliteSynchronous,
};
use sqlx::{ConnectOptions, Row as _, SqlSafeStr, Sqlite};
use std::fs::{self, File};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a caller waits for a free connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a database page: fewer pages a row, and a large record needs fewer overflow pages.
const PAGE_BYTES: u32 = 8_192;
/// Pages in the write-ahead log that set off a checkpoint: 32 MiB.
const CHECKPOINT_PAGES: &str = "4000";
/// Most bytes the write-ahead log keeps on disk after a checkpoint.
const LOG_BYTES: &str = "67108864";
/// Page cache of the writer, in KiB (negative: not pages).
const WRITER_CACHE: &str = "-65536";
/// Page cache of each reader, in KiB.
const READER_CACHE: &str = "-8192";
/// Prepared statements kept by a connection.
const STATEMENTS: usize = 160;
/// Rows a reader hands over before it waits to be asked again.
const ROW_BUFFER: usize = 128;

/// An open SQLite database.
pub(crate) struct SqliteEngine {
    writer: SqlitePool,
    readers: SqlitePool,
}

impl SqliteEngine {
    /// Opens the file, making it with mode 0600, and brings its schema up to date.
    pub(crate) async fn open(path: &Path, options: &Options) -> Result<Self, OpenError> {
        private_file(path).map_err(OpenError::File)?;
        let base = SqliteConnectOptions::new()
            .filename(path)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .page_size(PAGE_BYTES)
            .journal_mode(SqliteJournalMode::Wal)
            // FULL: a commit is on disk before it is answered, also after a power cut.
            .synchronous(SqliteSynchronous::Full)
            .pragma("trusted_schema", "OFF")
            .pragma("temp_store", "MEMORY")
            .statement_cache_capacity(STATEMENTS)
            .row_buffer_size(ROW_BUFFER)
            .disable_statement_logging();
        let writing = base
            .clone()
            .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
            .pragma("journal_size_limit", LOG_BYTES)
            .pragma("cache_size", WRITER_CACHE);
        let writer = pool(1).connect_with(writing).await.map_err(OpenError::connect)?;
        migrate(&sqlx::migrate!("../../migrations/sqlite"), &writer).await?;
        let reading = base.read_only(true).pragma("cache_size", READER_CACHE);
        let readers = pool(options.readers.clamp(1, 4)).connect_with(reading).await.map_err(OpenError::connect)?;
        Ok(Self { writer, readers })
    }
}

fn pool(connections: u32) -> PoolOptions<Sqlite> {
    // Connections are to a file of ours: they do not go stale, so they are neither aged nor tried out.
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
}

/// Makes the file readable by its owner only; SQLite gives its log and shared memory the same mode.
fn private_file(path: &Path) -> std::io::Result<()> {
    let file: File = fs::OpenOptions::new().create(true).read(true).append(true).mode(0o600).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(0o600))
}

impl Engine for SqliteEngine {
    type Row = SqliteRow;
    type Transaction<'e> = SqliteTransaction;

    // group_concat joins bytes as they are, so a row that somebody made invalid UTF-8 still reaches the verifier.
    const ENTRIES: &'static str = "SELECT count(*), CAST(group_concat(line, '') AS BLOB) FROM (
         SELECT sequence || ' ' || entry || char(10) AS line FROM audit_entry
         WHERE chain = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3)";

    async fn fetch<'a>(
        &'a self,
        sql: impl SqlSafeStr + Send + 'a,
        values: &'a [Value<'a>],
    ) -> Result<Vec<SqliteRow>, Unavailable> {
        bind(sqlx::query(sql), values).fetch_all(&self.readers).await.map_err(|error| {
            log("read", &error);
            Unavailable
        })
    }

    async fn begin(&self) -> Result<SqliteTransaction, Fault> {
        // IMMEDIATE takes the write lock now: a transaction that starts as a reader cannot always become a writer.
        self.writer.begin_with("BEGIN IMMEDIATE").await.map(SqliteTransaction).map_err(|error| fault("begin", &error))
    }

    async fn close(&self) {
        self.readers.close().await;
        // Last, so that the connection that closes last can fold the log into the file.
        self.writer.close().await;
    }
}

/// A transaction of the one writer.
pub(crate) struct SqliteTransaction(sqlx::Transaction<'static, Sqlite>);

impl Transaction for SqliteTransaction {
    async fn execute<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Result<u64, Fault> {
        match bind(sqlx::query(sql), values).execute(&mut *self.0).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(fault("write", &error)),
        }
    }

    async fn bulk<'a>(&'a mut self, bulk: &'static Bulk, values: &'a [Value<'a>]) -> Result<u64, Fault> {
        let (width, mut rest, mut changed) = (bulk.columns.len(), values, 0u64);
        while let Some((rows, sql)) = bulk.with_values(rest.len().checked_div(width).unwrap_or_default()) {
            let Some((now, later)) = rest.split_at_checked(rows.saturating_mul(width)) else { break };
            changed = changed.saturating_add(self.execute(sql, now).await?);
            rest = later;
        }
        Ok(changed)
    }

    async fn commit(self) -> Result<(), Fault> {
        self.0.commit().await.map_err(|error| match fault("commit", &error) {
            known @ Fault::Full if code(&error) == Some(FULL) => known,
            known @ Fault::Unavailable if code(&error) == Some(BUSY) => known,
            // Anything else may have happened after the log reached the disk.
            _ => Fault::Unknown,
        })
    }
}

fn bind<'q>(query: Query<'q, Sqlite, SqliteArguments>, values: &'q [Value<'q>]) -> Query<'q, Sqlite, SqliteArguments> {
    values.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<&[u8]>),
        Value::Int(number) => query.bind(*number),
        Value::Blob(bytes) => query.bind(*bytes),
        Value::Compartment(bytes) => query.bind(bytes.as_slice()),
        Value::Text(text) => query.bind(*text),
    })
}

impl Row for SqliteRow {
    fn int(&self, column: usize) -> Option<i64> {
        self.try_get_unchecked(column).ok()?
    }
    fn blob(&self, column: usize) -> Option<&[u8]> {
        self.try_get_unchecked(column).ok()?
    }
    fn text(&self, column: usize) -> Option<&str> {
        self.try_get_unchecked(column).ok()?
    }
}

fn fault(attempt: &'static str, error: &sqlx::Error) -> Fault {
    let code = code(error);
    if code != Some(CONSTRAINT) {
        log(attempt, error);
    }
    match code {
        Some(CONSTRAINT) => Fault::Moved,
        Some(FULL | IO | READ_ONLY) => Fault::Full,
        _ => Fault::Unavailable,
    }
}

/// Returns the primary result code: the low byte of the extended one.
fn code(error: &sqlx::Error) -> Option<i32> {
    let extended: i32 = error.as_database_error()?.code()?.parse().ok()?;
    Some(extended & 0xff)
}

/// `SQLITE_BUSY`, `SQLITE_READONLY`, `SQLITE_IOERR`, `SQLITE_FULL`, `SQLITE_CONSTRAINT`.
const BUSY: i32 = 5;
const READ_ONLY: i32 = 8;
const IO: i32 = 10;
const FULL: i32 = 13;
const CONSTRAINT: i32 = 19;
