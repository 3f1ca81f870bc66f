//! What the two dialects do differently, and nothing else.

use crate::statements::{Bulk, Several};
use domain::ports::{CommitFault, Unavailable};
use sqlx::SqlSafeStr;
use std::future::Future;

/// A database that answers questions and takes transactions.
pub(crate) trait Engine: Send + Sync + 'static {
    /// A row of an answer.
    type Row: Row;
    /// A transaction; dropped without [`Transaction::commit`], it leaves nothing behind.
    type Transaction<'e>: Transaction
    where
        Self: 'e;

    /// Reads the entries of a chain as one row: how many, the lines joined, and the sequence numbers, with a space between
    /// them, of those without a context; `$1` chain, `$2` from, `$3` limit.
    const ENTRIES: &'static str;

    /// Most writes of tickets that share a transaction.
    const TICKETS_A_TRANSACTION: usize;
    /// Most transactions of tickets at a time.
    const TICKET_TRANSACTIONS: u32;

    /// Joins, under this alias, the record of the tenant `$1` with this id, so that it is looked up by its key for each row on
    /// the left and never the other way round.
    fn joined_record(id: &str, alias: &str) -> String;

    /// Asks a question outside any transaction; it sees whatever is committed.
    fn fetch<'a>(
        &'a self,
        sql: impl SqlSafeStr + Send + 'a,
        values: &'a [Value<'a>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Unavailable>> + Send + 'a;

    /// Asks for several rows of a tenant, of distinct keys.
    fn fetch_several<'a>(
        &'a self,
        several: &'static Several,
        tenant: &'a [u8; 16],
        keys: &'a [&'a [u8]],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Unavailable>> + Send;

    /// Begins a transaction that will write.
    fn begin(&self) -> impl Future<Output = Result<Self::Transaction<'_>, Fault>> + Send;

    /// Closes every connection.
    fn close(&self) -> impl Future<Output = ()> + Send;
}

/// A transaction on its way.
pub(crate) trait Transaction: Send {
    /// A row of an answer.
    type Row: Row;

    /// Runs one statement; returns how many rows it changed.
    fn execute<'a>(
        &'a mut self,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> impl Future<Output = Result<u64, Fault>> + Send + 'a;

    /// Runs one statement that returns what it changed.
    fn fetch<'a>(
        &'a mut self,
        sql: &'static str,
        values: &'a [Value<'a>],
    ) -> impl Future<Output = Result<Vec<Self::Row>, Fault>> + Send + 'a;

    /// Runs a statement over all rows, given one after the other; returns how many rows it changed.
    fn bulk<'a>(
        &'a mut self,
        bulk: &'static Bulk,
        values: &'a [Value<'a>],
    ) -> impl Future<Output = Result<u64, Fault>> + Send + 'a;

    /// Runs several such statements in their order; returns the first that changed fewer rows than it had to. What
    /// comes after it may have run.
    fn bulks<'a>(
        &'a mut self,
        all: &'a [Filled<'a>],
    ) -> impl Future<Output = Result<Option<&'a Filled<'a>>, Fault>> + Send + 'a;

    /// Commits. Only here may the answer be [`Fault::Unknown`].
    fn commit(self) -> impl Future<Output = Result<(), Fault>> + Send;
}

/// A statement and its rows.
pub(crate) struct Filled<'a> {
    /// The statement.
    pub(crate) bulk: &'static Bulk,
    /// The values of all rows, one row after the other.
    pub(crate) values: &'a [Value<'a>],
    /// What it means that fewer rows change than there are.
    pub(crate) short: Short,
}

impl Filled<'_> {
    /// Returns how many rows there are.
    pub(crate) fn rows(&self) -> usize {
        self.values.len().checked_div(self.bulk.columns.len()).unwrap_or_default()
    }

    /// Says whether so many changed rows are too few.
    pub(crate) fn falls_short(&self, changed: u64) -> bool {
        self.short != Short::Fine && u64::try_from(self.rows()) != Ok(changed)
    }
}

/// What it means that fewer rows change than were given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Short {
    /// A head was not where the batch expects it.
    Moved,
    /// Something was there already, or not at the version expected.
    Taken,
    /// Some rows were there already.
    Fine,
}

/// A value bound to a statement.
#[derive(Clone, Copy)]
pub(crate) enum Value<'a> {
    /// No bytes.
    Null,
    /// A whole number.
    Int(i64),
    /// Bytes.
    Blob(&'a [u8]),
    /// The bytes of a compartment, which no row lends.
    Compartment([u8; 17]),
    /// Text.
    Text(&'a str),
}

impl<'a> From<Option<&'a [u8]>> for Value<'a> {
    fn from(bytes: Option<&'a [u8]>) -> Self {
        bytes.map_or(Self::Null, Self::Blob)
    }
}

impl<'a> Value<'a> {
    /// Takes an unsigned number; nothing we count reaches 2⁶³.
    pub(crate) fn count(number: u64) -> Value<'a> {
        Value::Int(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// A row of an answer; `None` where the column holds something else or nothing.
pub(crate) trait Row: Send {
    /// A whole number.
    fn int(&self, column: usize) -> Option<i64>;
    /// Bytes.
    fn blob(&self, column: usize) -> Option<&[u8]>;
    /// Text.
    fn text(&self, column: usize) -> Option<&str>;
}

/// Why a transaction did not go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Somebody else was there first: a head, a deadlock, a row that exists.
    Moved,
    /// No space, or the database cannot be written to.
    Full,
    /// No answer, or a refusal; nothing is committed.
    Unavailable,
    /// COMMIT was sent and its answer did not come.
    Unknown,
}

impl From<Fault> for CommitFault {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Moved => Self::HeadMoved,
            Fault::Full => Self::Full,
            Fault::Unavailable => Self::Unavailable,
            Fault::Unknown => Self::Unknown,
        }
    }
}

/// Writes down that the database refused: its code, never its text, which could name values.
pub(crate) fn log(attempt: &'static str, error: &sqlx::Error) {
    let code = error.as_database_error().and_then(|e| e.code()).unwrap_or_default();
    let kind = match error {
        sqlx::Error::Database(_) => "refused",
        sqlx::Error::PoolTimedOut => "no free connection in time",
        sqlx::Error::PoolClosed => "closed",
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_) => "connection lost",
        _ => "driver",
    };
    tracing::warn!(attempt, kind, code = %code, "database fault");
}
