//! The port of tickets over either dialect.
//!
//! Reading asks a reader. Writing goes through [`Writing`], a queue of its own, so that a flood of sign-ins shares
//! syncs to the disk and never stands in a crowd before the recorder.

mod writing;

pub(crate) use writing::Writing;

use crate::decode;
use crate::engine::{Engine, Value};
use crate::statements as sql;
use crate::store::SqlStore;
use domain::ports::{BoxFuture, Tickets, Unavailable};
use domain::ticket::{Owner, StoredTicket, TicketKey};
use domain::time::Timestamp;
use std::sync::Arc;
use writing::{Act, Done};

/// Tickets in a SQL database.
pub(crate) struct SqlTickets<E> {
    store: Arc<SqlStore<E>>,
    writing: Arc<Writing>,
}

/// The revision of a ticket that is new.
const FIRST: u32 = 1;

impl<E: Engine> SqlTickets<E> {
    pub(crate) fn new(store: Arc<SqlStore<E>>, writing: Arc<Writing>) -> Self {
        Self { store, writing }
    }
}

impl<E: Engine> Tickets for SqlTickets<E> {
    fn put(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>> {
        Box::pin(async move {
            if ticket.revision != FIRST {
                return Ok(false);
            }
            one_or_none(self.writing.write(Act::Put(ticket, now)).await?)
        })
    }

    fn find(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>> {
        Box::pin(async move {
            let values = [Value::Blob(&key.0), Value::Int(now.0)];
            decode::first(&self.store.0.fetch(sql::TICKET, &values).await?, decode::ticket)
        })
    }

    fn take(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>> {
        Box::pin(async move {
            match self.writing.write(Act::Take(key, now)).await? {
                Done::Taken(taken) => Ok(taken),
                Done::Changed(_) => Err(decode::broken()),
            }
        })
    }

    fn replace(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>> {
        Box::pin(async move { one_or_none(self.writing.write(Act::Replace(ticket, now)).await?) })
    }

    fn of_owner(
        &self,
        owner: Owner,
        now: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredTicket>, Unavailable>> {
        Box::pin(async move {
            let values = [Value::Blob(&owner.0), Value::Int(now.0), Value::Int(i64::from(limit))];
            decode::all(&self.store.0.fetch(sql::TICKETS_OF, &values).await?, decode::ticket)
        })
    }

    fn remove_all(&self, owner: Owner) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(async move { count(self.writing.write(Act::RemoveAll(owner)).await?) })
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(async move { count(self.writing.write(Act::Sweep(now, limit)).await?) })
    }
}

fn count(done: Done) -> Result<u64, Unavailable> {
    match done {
        Done::Changed(rows) => Ok(rows),
        Done::Taken(_) => Err(decode::broken()),
    }
}

/// A statement about one key changes one row or none; anything else is no answer to it.
fn one_or_none(done: Done) -> Result<bool, Unavailable> {
    match count(done)? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(decode::broken()),
    }
}
