//! SQLite: one file, one writer, a few readers.

use crate::engine::{Engine, Fault, Filled, Row, Transaction, Value, log};
use crate::open::{OpenError, Options, migrate};
use crate::statements::{Bulk, Several};
use domain::ports::Unavailable;
use futures_util::StreamExt;
use sqlx::pool::PoolOptions;
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteRow, SqliteSynchronous,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Either, Executor, Row as _, SqlSafeStr, Sqlite};
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
/// Page cache of the writer, in KiB (negative: not pages). SQLite walks all of it after a commit that split a page.
const WRITER_CACHE: &str = "-16384";
/// Page cache of each reader, in KiB.
const READER_CACHE: &str = "-4096";
/// Prepared statements kept by a connection.
const STATEMENTS: usize = 256;
/// Most rows of a statement that travels with others: the shapes of several together stay few enough to stay prepared.
const FEW_ROWS: usize = 4;
/// Bytes that the text of several statements takes, about.
const TEXT_BYTES: usize = 4_096;
/// Takes the write lock now: a transaction that starts as a reader cannot always become a writer.
const BEGIN: &str = "BEGIN IMMEDIATE";
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
    const ENTRIES: &'static str =
        "SELECT count(*), CAST(group_concat(line, '') AS BLOB), CAST(group_concat(bare, ' ') AS BLOB) FROM (
         SELECT sequence || ' ' || entry || char(10) AS line, iif(context IS NULL, sequence, NULL) AS bare
         FROM audit_entry WHERE chain = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3)";

    // One writer, and one sync for all of them.
    const TICKETS_A_TRANSACTION: usize = 128;
    const TICKET_TRANSACTIONS: u32 = 1;

    // CROSS JOIN keeps the order of the two.
    fn joined_record(id: &str, alias: &str) -> String {
        format!("CROSS JOIN record AS {alias} ON {alias}.tenant = $1 AND {alias}.id = {id}")
    }

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

    async fn fetch_several<'a>(
        &'a self,
        several: &'static Several,
        tenant: &'a [u8; 16],
        keys: &'a [&'a [u8]],
    ) -> Result<Vec<SqliteRow>, Unavailable> {
        let Some(last) = keys.last() else { return Ok(Vec::new()) };
        // Padded to a power of two by repeating the last, so that few shapes stay prepared.
        let places = keys.len().next_power_of_two();
        let mut values = Vec::with_capacity(places.saturating_add(1));
        values.push(Value::Blob(tenant));
        values.extend(keys.iter().copied().map(Value::Blob));
        values.resize(places.saturating_add(1), Value::Blob(last));
        self.fetch(AssertSqlSafe(several.with_places(places)), &values).await
    }

    async fn begin(&self) -> Result<SqliteTransaction, Fault> {
        let begun = match self.writer.begin_with(BEGIN).await {
            // A full disk makes SQLite end a transaction by itself. The driver goes on counting it as open and would
            // refuse every later one, so the connection is given up for a new one.
            Err(sqlx::Error::InvalidSavePointStatement) => {
                let stuck = self.writer.acquire().await.map_err(|error| fault("begin", &error))?;
                stuck.close().await.map_err(|error| fault("close", &error))?;
                self.writer.begin_with(BEGIN).await
            }
            begun => begun,
        };
        begun.map(SqliteTransaction).map_err(|error| fault("begin", &error))
    }

    async fn close(&self) {
        self.readers.close().await;
        // SQLite folds the log into the file when the last connection closes, but not when that is a reader whose thread
        // is late. Whoever copies the file of a stopped gateway is to have all of it, so it is folded here.
        if let Err(error) = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&self.writer).await {
            log("fold the log", &error);
        }
        self.writer.close().await;
    }
}

/// A transaction of the one writer.
pub(crate) struct SqliteTransaction(sqlx::Transaction<'static, Sqlite>);

impl Transaction for SqliteTransaction {
    type Row = SqliteRow;

    async fn execute<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Result<u64, Fault> {
        match bind(sqlx::query(sql), values).execute(&mut *self.0).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(fault("write", &error)),
        }
    }

    async fn fetch<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Result<Vec<SqliteRow>, Fault> {
        bind(sqlx::query(sql), values).fetch_all(&mut *self.0).await.map_err(|error| fault("write", &error))
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

    async fn bulks<'a>(&'a mut self, all: &'a [Filled<'a>]) -> Result<Option<&'a Filled<'a>>, Fault> {
        for part in all.chunk_by(|one, next| one.rows() <= FEW_ROWS && next.rows() <= FEW_ROWS) {
            let short = match part {
                [one] => {
                    let changed = self.bulk(one.bulk, one.values).await?;
                    one.falls_short(changed).then_some(one)
                }
                few => self.together(few).await?,
            };
            if short.is_some() {
                return Ok(short);
            }
        }
        Ok(None)
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

impl SqliteTransaction {
    /// Runs statements of few rows as one text: one journey to SQLite's thread and back for all of them.
    async fn together<'a>(&mut self, all: &'a [Filled<'a>]) -> Result<Option<&'a Filled<'a>>, Fault> {
        let mut text = String::with_capacity(TEXT_BYTES);
        for filled in all {
            if let Some((_, sql)) = filled.bulk.with_values(filled.rows()) {
                text.push_str(sql);
                text.push(';');
            }
        }
        // The text is made of our own statements; what comes from outside is bound.
        let query = sqlx::query(AssertSqlSafe(text));
        let query = all.iter().fold(query, |query, filled| bind(query, filled.values));
        let mut answers = (&mut *self.0).fetch_many(query);
        let mut waiting = all.iter();
        while let Some(answer) = answers.next().await {
            let Either::Left(done) = answer.map_err(|error| fault("write", &error))? else { continue };
            match waiting.next() {
                Some(filled) if filled.falls_short(done.rows_affected()) => return Ok(Some(filled)),
                _ => {}
            }
        }
        // Fewer answers than statements: not everything is written, whatever the reason.
        if waiting.next().is_some() { Err(Fault::Unavailable) } else { Ok(None) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commit;
    use crate::engine::Short;
    use crate::statements as sql;
    use domain::id::{RecordId, TenantId};
    use domain::kind::Kind;
    use domain::ports::CommitFault;
    use domain::time::Timestamp;
    use domain::write::{Batch, RecordWrite, Routing, WriteSet};
    use sqlx::AssertSqlSafe;

    async fn open() -> (tempfile::TempDir, SqliteEngine) {
        let directory = tempfile::tempdir().unwrap();
        let engine = SqliteEngine::open(&directory.path().join("db"), &Options::default()).await.unwrap();
        (directory, engine)
    }

    async fn write_records(engine: &SqliteEngine, first: u8, sealed: usize) -> Result<(), CommitFault> {
        let member = |id| WriteSet {
            records: vec![RecordWrite {
                tenant: TenantId([1; 16]),
                id: RecordId([id; 16]),
                kind: Kind::Patient,
                clinic: None,
                replaces: None,
                version: 1,
                arrival: Timestamp(1),
                last_updated: Timestamp(1),
                routing: Routing::None,
                sealed: vec![7; sealed],
            }],
            ..WriteSet::default()
        };
        let members: Vec<WriteSet> = (first..=first.saturating_add(2)).map(member).collect();
        commit::commit(engine, &Batch { members: &members, moves: Vec::new(), entries: Vec::new() }).await
    }

    #[tokio::test]
    async fn a_full_disk_is_told_leaves_nothing_and_heals() {
        let (_directory, engine) = open().await;
        sqlx::query("PRAGMA max_page_count = 60").execute(&engine.writer).await.unwrap();
        assert_eq!(write_records(&engine, 1, 400_000).await, Err(CommitFault::Full));
        let rows = engine.fetch("SELECT count(*) FROM record", &[]).await.unwrap();
        assert_eq!(rows[0].int(0), Some(0));
        write_records(&engine, 1, 10).await.unwrap();
        sqlx::query("PRAGMA max_page_count = 100000").execute(&engine.writer).await.unwrap();
        write_records(&engine, 9, 400_000).await.unwrap();
    }

    #[tokio::test]
    async fn a_transaction_that_sqlite_ended_by_itself_does_not_block_the_next() {
        let (_directory, engine) = open().await;
        let mut ended = engine.begin().await.unwrap();
        ended.execute("ROLLBACK", &[]).await.unwrap();
        drop(ended);
        write_records(&engine, 1, 10).await.unwrap();
        let rows = engine.fetch("SELECT count(*) FROM record", &[]).await.unwrap();
        assert_eq!(rows[0].int(0), Some(3));
    }

    #[tokio::test]
    async fn commits_are_durable_and_readers_cannot_write() {
        let (directory, engine) = open().await;
        for (pragma, value) in [("synchronous", 2), ("foreign_keys", 1), ("trusted_schema", 0), ("page_size", 8_192)] {
            let row = sqlx::query(AssertSqlSafe(format!("PRAGMA {pragma}"))).fetch_one(&engine.writer).await.unwrap();
            assert_eq!(row.int(0), Some(value), "{pragma}");
        }
        assert!(sqlx::query("DELETE FROM record").execute(&engine.readers).await.is_err());
        write_records(&engine, 1, 10).await.unwrap();
        for file in std::fs::read_dir(directory.path()).unwrap() {
            let mode = file.unwrap().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        engine.close().await;
        assert!(!directory.path().join("db-wal").exists(), "the log is folded in at the end");
    }

    fn filled<'a>(values: &'a [Value<'a>], short: Short) -> Filled<'a> {
        Filled { bulk: &sql::TAKE_CLAIMS, values, short }
    }

    #[tokio::test]
    async fn statements_that_travel_together_are_all_answered_or_nothing_counts() {
        let (_directory, engine) = open().await;
        let (tenant, token, message) = ([1; 16], [2; 16], [3; 16]);
        let claim = [Value::Blob(&tenant), Value::Blob(&token), Value::Blob(&message)];
        let mut transaction = engine.begin().await.unwrap();
        let whole = [filled(&claim, Short::Taken), filled(&claim, Short::Fine)];
        assert!(transaction.bulks(&whole).await.unwrap().is_none());
        let taken = [filled(&claim, Short::Fine), filled(&claim, Short::Taken), filled(&claim, Short::Moved)];
        assert_eq!(transaction.bulks(&taken).await.unwrap().map(|filled| filled.short), Some(Short::Taken));
        // Less than a row is no statement, and so has no answer.
        let half = [filled(&claim, Short::Fine), filled(&claim[..1], Short::Fine)];
        assert_eq!(transaction.bulks(&half).await.err(), Some(Fault::Unavailable));
    }

    #[tokio::test]
    async fn audit_rows_cannot_be_changed_deleted_or_replaced() {
        let (_directory, engine) = open().await;
        let insert = "INSERT INTO audit_entry VALUES (x'01', 1, x'02', NULL);
                      INSERT INTO audit_checkpoint VALUES (x'01', 0, 'note')";
        sqlx::raw_sql(insert).execute(&engine.writer).await.unwrap();
        for statement in [
            "UPDATE audit_entry SET entry = x'03'",
            "DELETE FROM audit_entry",
            "UPDATE audit_checkpoint SET note = ''",
            "DELETE FROM audit_checkpoint",
            "REPLACE INTO audit_entry VALUES (x'01', 1, x'03', NULL)",
            "INSERT OR REPLACE INTO audit_entry VALUES (x'01', 2, x'03', NULL), (x'01', 1, x'03', NULL)",
            "INSERT INTO audit_entry VALUES (x'01', 1, x'03', NULL) ON CONFLICT DO UPDATE SET entry = x'03'",
            "UPDATE OR REPLACE audit_entry SET sequence = 1",
            "REPLACE INTO audit_checkpoint VALUES (x'01', 0, '')",
        ] {
            assert!(sqlx::raw_sql(statement).execute(&engine.writer).await.is_err(), "{statement}");
        }
        let rows =
            engine.fetch("SELECT entry, (SELECT note FROM audit_checkpoint) FROM audit_entry", &[]).await.unwrap();
        assert_eq!((rows[0].blob(0), rows[0].text(1)), (Some(&[2][..]), Some("note")));
    }

    #[tokio::test]
    async fn a_schema_of_a_newer_release_is_refused() {
        let (directory, engine) = open().await;
        let newer = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
                     VALUES (9999, 'from the future', 1, x'00', 0)";
        sqlx::raw_sql(newer).execute(&engine.writer).await.unwrap();
        engine.close().await;
        let refused = SqliteEngine::open(&directory.path().join("db"), &Options::default()).await;
        assert!(matches!(refused.err(), Some(OpenError::Newer { migration: 9999 })));
    }

    #[tokio::test]
    async fn no_statement_scans_a_table() {
        let (_directory, engine) = open().await;
        let bulk = [&sql::MOVE_HEADS, &sql::KEEP_VERSIONS, &sql::REPLACE_RECORDS, &sql::REWRAP];
        let bulk = bulk.into_iter().flat_map(|b| [1, 64].map(|rows| b.with_values(rows).unwrap().1.to_owned()));
        let single = [sql::LOAD_FAMILY, sql::VERSIONS, sql::DATA_KEY_OF, sql::DATA_KEYS_BELOW, SqliteEngine::ENTRIES];
        let single = single.into_iter().chain([
            sql::PUT_TICKET,
            sql::REPLACE_TICKET,
            sql::TICKET,
            sql::TAKE_TICKET,
            sql::TICKETS_OF,
            sql::REMOVE_TICKETS,
            sql::SWEEP_TICKETS,
        ]);
        let listed = [&sql::LOAD, &sql::TAKEN_CLAIMS, &sql::CURRENT_VERSIONS].map(|several| several.with_places(4));
        let marks = [sql::MARK, sql::MARK_DIRECTORY].map(|text| text.replace("{kinds}", "40, 41, 42"));
        for text in bulk.chain(single.map(str::to_owned)).chain(listed).chain(marks) {
            let plan = sqlx::query(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {text}"))).fetch_all(&engine.readers);
            for row in plan.await.unwrap() {
                let step = row.text(3).unwrap();
                let scans =
                    ["record", "record_version", "data_key", "audit_head", "claim", "index_term", "ticket", "r"];
                assert!(!scans.iter().any(|table| step == format!("SCAN {table}")), "{step} in {text}");
            }
        }
    }
}
