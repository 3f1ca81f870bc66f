//! PostgreSQL 15 or later: a pool of readers and a few writers; several gateways may share it.

use crate::engine::{Engine, Fault, Filled, Row, Transaction, Value, log};
use crate::open::{OpenError, Options, migrate};
use crate::statements::{Bulk, Column, Several};
use domain::ports::Unavailable;
use sqlx::pool::PoolOptions;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgConnection, PgPool, PgRow, PgSslMode};
use sqlx::query::Query;
use sqlx::{ConnectOptions, Executor, Postgres, Row as _, SqlSafeStr, TypeInfo, ValueRef};
use std::time::Duration;

/// How long a caller waits for a free connection, a new one included.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that write: the recorder, administration beside it, and tickets.
const WRITERS: u32 = 2 + TICKET_WRITERS;
/// Connections that tickets use at a time.
const TICKET_WRITERS: u32 = 2;
/// Prepared statements kept by a connection.
const STATEMENTS: usize = 160;
/// The oldest server that is tried against the contract.
const OLDEST_SERVER: i64 = 150_000;

/// Limits of every session, in the server: a statement, a wait for a lock, a transaction left alone.
/// A server that answers before the disk has the commit would break the promise of `AA`, so that is
/// switched back on for our sessions; stronger settings stay.
///
/// Every statement has an index for its question. A plan that is made while a table is small is kept by its connection, so
/// reading the whole table, or joining all of it, must not be chosen even where it is cheaper for now. What is discouraged
/// like this looks dear, which would have the server compile it.
const SESSION: &str = "SET statement_timeout = '30s'; SET lock_timeout = '10s';
     SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = 'warning';
     SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off;
     SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'";

/// An open PostgreSQL database.
pub(crate) struct PostgresEngine {
    writers: PgPool,
    readers: PgPool,
}

impl PostgresEngine {
    /// Connects and brings the schema up to date.
    pub(crate) async fn open(url: &str, options: &Options) -> Result<Self, OpenError> {
        let address = address(url)?;
        let writers = pool(WRITERS).connect_with(address.clone()).await.map_err(OpenError::connect)?;
        let (version, fsync): (i64, String) =
            sqlx::query_as("SELECT current_setting('server_version_num')::bigint, current_setting('fsync')")
                .fetch_one(&writers)
                .await
                .map_err(OpenError::connect)?;
        if version < OLDEST_SERVER {
            return Err(OpenError::ServerTooOld { found: version });
        }
        if fsync != "on" {
            tracing::warn!("the database server runs with fsync off: a power cut loses acknowledged results");
        }
        migrate(&sqlx::migrate!("../../migrations/postgres"), &writers).await?;
        let readers = pool(options.readers.max(1)).connect_with(address).await.map_err(OpenError::connect)?;
        Ok(Self { writers, readers })
    }
}

/// Reads the URL; over a network the server must prove its name unless the URL says otherwise.
fn address(url: &str) -> Result<PgConnectOptions, OpenError> {
    // The driver's own error is dropped: it could repeat the URL, which holds the password.
    let mut address: PgConnectOptions = url.parse().map_err(|_| OpenError::Address)?;
    let host = address.get_host();
    let local = address.get_socket().is_some()
        || host.starts_with('/')
        || host == "localhost"
        || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
    if !local && !url.contains("sslmode=") && !url.contains("ssl-mode=") {
        address = address.ssl_mode(PgSslMode::VerifyFull);
    }
    Ok(address.application_name("sealgate").statement_cache_capacity(STATEMENTS).disable_statement_logging())
}

fn pool(connections: u32) -> PoolOptions<Postgres> {
    // A connection is tried out when it comes back; one that died since costs a reader one retry.
    PoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .test_before_acquire(false)
        .after_connect(|connection: &mut PgConnection, _| {
            Box::pin(async move {
                connection.execute(SESSION).await?;
                Ok(())
            })
        })
}

impl PostgresEngine {
    /// Asks a reader, and once more where the connection turns out to be lost.
    async fn read<'q>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
    ) -> Result<Vec<PgRow>, Unavailable> {
        let answer = match query().fetch_all(&self.readers).await {
            Err(error) if connection_lost(&error) => query().fetch_all(&self.readers).await,
            answer => answer,
        };
        answer.map_err(|error| {
            log("read", &error);
            Unavailable
        })
    }
}

impl Engine for PostgresEngine {
    type Row = PgRow;
    type Transaction<'e> = PostgresTransaction;

    // Joined as bytes: a row that somebody made invalid UTF-8 must reach the verifier, not fail here.
    const ENTRIES: &'static str =
        "SELECT count(*), string_agg(line, ''::bytea), convert_to(string_agg(bare, ' '), 'UTF8') FROM (
         SELECT convert_to(sequence::text || ' ', 'UTF8') || entry || '\\x0a'::bytea AS line,
                CASE WHEN context IS NULL THEN sequence::text END AS bare
         FROM audit_entry WHERE chain = $1 AND sequence >= $2 ORDER BY sequence LIMIT $3) AS lines";

    // Joined tickets of two gateways could wait for each other crosswise; the server joins the syncs by itself.
    const TICKETS_A_TRANSACTION: usize = 1;
    const TICKET_TRANSACTIONS: u32 = TICKET_WRITERS;

    // As in `Several::with_array`.
    fn joined_record(id: &str, alias: &str) -> String {
        format!("CROSS JOIN LATERAL (SELECT * FROM record WHERE tenant = $1 AND id = {id} OFFSET 0) AS {alias}")
    }

    async fn fetch<'a>(
        &'a self,
        sql: impl SqlSafeStr + Send + 'a,
        values: &'a [Value<'a>],
    ) -> Result<Vec<PgRow>, Unavailable> {
        let sql = sql.into_sql_str();
        self.read(|| bind(sqlx::query(sql.clone()), values)).await
    }

    async fn fetch_several<'a>(
        &'a self,
        several: &'static Several,
        tenant: &'a [u8; 16],
        keys: &'a [&'a [u8]],
    ) -> Result<Vec<PgRow>, Unavailable> {
        self.read(|| sqlx::query(several.with_array()).bind(tenant.as_slice()).bind(keys)).await
    }

    async fn begin(&self) -> Result<PostgresTransaction, Fault> {
        let begun = match self.writers.begin().await {
            Err(error) if connection_lost(&error) => self.writers.begin().await,
            answer => answer,
        };
        begun.map(PostgresTransaction).map_err(|error| fault("begin", &error))
    }

    async fn close(&self) {
        self.readers.close().await;
        self.writers.close().await;
    }
}

/// A transaction of one of the writers.
pub(crate) struct PostgresTransaction(sqlx::Transaction<'static, Postgres>);

impl Transaction for PostgresTransaction {
    type Row = PgRow;

    async fn execute<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Result<u64, Fault> {
        match bind(sqlx::query(sql), values).execute(&mut *self.0).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(fault("write", &error)),
        }
    }

    async fn fetch<'a>(&'a mut self, sql: &'static str, values: &'a [Value<'a>]) -> Result<Vec<PgRow>, Fault> {
        bind(sqlx::query(sql), values).fetch_all(&mut *self.0).await.map_err(|error| fault("write", &error))
    }

    async fn bulk<'a>(&'a mut self, bulk: &'static Bulk, values: &'a [Value<'a>]) -> Result<u64, Fault> {
        if values.is_empty() {
            return Ok(0);
        }
        let width = bulk.columns.len();
        let mut query = sqlx::query(bulk.with_arrays());
        for (at, column) in bulk.columns.iter().enumerate() {
            let cells = values.iter().skip(at).step_by(width);
            query = match column {
                Column::Int => query.bind(cells.map(int_cell).collect::<Vec<_>>()),
                Column::Blob => query.bind(cells.map(blob_cell).collect::<Vec<_>>()),
            };
        }
        match query.execute(&mut *self.0).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(fault("write", &error)),
        }
    }

    async fn bulks<'a>(&'a mut self, all: &'a [Filled<'a>]) -> Result<Option<&'a Filled<'a>>, Fault> {
        for filled in all {
            let changed = self.bulk(filled.bulk, filled.values).await?;
            if filled.falls_short(changed) {
                return Ok(Some(filled));
            }
        }
        Ok(None)
    }

    async fn commit(self) -> Result<(), Fault> {
        self.0.commit().await.map_err(|error| match fault("commit", &error) {
            Fault::Moved => Fault::Moved,
            // The server may have committed before it, or the way to it, broke.
            Fault::Full | Fault::Unavailable | Fault::Unknown => Fault::Unknown,
        })
    }
}

fn int_cell(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        Value::Null | Value::Blob(_) | Value::Compartment(_) | Value::Text(_) => None,
    }
}

fn blob_cell<'v>(value: &'v Value<'_>) -> Option<&'v [u8]> {
    match value {
        Value::Blob(bytes) => Some(bytes),
        Value::Compartment(bytes) => Some(bytes),
        Value::Null | Value::Int(_) | Value::Text(_) => None,
    }
}

fn bind<'q>(query: Query<'q, Postgres, PgArguments>, values: &'q [Value<'q>]) -> Query<'q, Postgres, PgArguments> {
    values.iter().fold(query, |query, value| match value {
        Value::Null => query.bind(None::<&[u8]>),
        Value::Int(number) => query.bind(*number),
        Value::Blob(bytes) => query.bind(*bytes),
        Value::Compartment(bytes) => query.bind(bytes.as_slice()),
        Value::Text(text) => query.bind(*text),
    })
}

impl Row for PgRow {
    fn int(&self, column: usize) -> Option<i64> {
        // Narrow columns hold narrow numbers; the caller has one width.
        let kind = self.try_get_raw(column).ok()?.type_info().name().to_owned();
        match kind.as_str() {
            "INT2" => self.try_get::<i16, _>(column).ok().map(i64::from),
            "INT4" => self.try_get::<i32, _>(column).ok().map(i64::from),
            _ => self.try_get(column).ok(),
        }
    }
    fn blob(&self, column: usize) -> Option<&[u8]> {
        self.try_get(column).ok()?
    }
    fn text(&self, column: usize) -> Option<&str> {
        self.try_get(column).ok()?
    }
}

fn connection_lost(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_))
        // 57P01 to 57P03: the server was told to stop and ended the session.
        || error.as_database_error().and_then(|e| e.code()).is_some_and(|code| code.starts_with("57P0"))
}

fn fault(attempt: &'static str, error: &sqlx::Error) -> Fault {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default().into_owned();
    match code.as_str() {
        // serialization_failure, deadlock_detected, unique_violation: somebody else was there first.
        "40001" | "40P01" | "23505" => return Fault::Moved,
        _ => log(attempt, error),
    }
    match code.as_str() {
        // disk_full, io_error, read_only_sql_transaction.
        "53100" | "58030" | "25006" => Fault::Full,
        _ => Fault::Unavailable,
    }
}
