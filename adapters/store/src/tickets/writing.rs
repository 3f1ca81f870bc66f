//! The queue of ticket writes.
//!
//! ```text
//!   put, take, … ──queue──► take as many as the dialect joins ─► one transaction, one sync ─► answers
//! ```
//!
//! SQLite has one writer and the recorder needs it too: of tickets, only one transaction at a time asks for it, with
//! everything that waits, so the recorder waits for one at most. PostgreSQL joins the syncs of its sessions by itself, and
//! transactions of several tickets could wait for each other crosswise between gateways: there each goes alone.

use crate::decode;
use crate::engine::{Engine, Fault, Transaction, Value};
use crate::statements as sql;
use crate::store::SqlStore;
use domain::ports::Unavailable;
use domain::ticket::{Owner, StoredTicket, TicketKey};
use domain::time::Timestamp;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Ticket writes that may wait; beyond, callers are told that the store does not answer.
const WAITING_WRITES: usize = 2_048;
/// How long a transaction of tickets may take, waiting for the writer included.
const WRITE_LIMIT: Duration = Duration::from_secs(10);
/// How often a transaction that met another gateway's is tried.
const ATTEMPTS: u32 = 4;

/// A write of tickets.
pub(super) enum Act {
    Put(StoredTicket, Timestamp),
    Take(TicketKey, Timestamp),
    Replace(StoredTicket, Timestamp),
    RemoveAll(Owner),
    Sweep(Timestamp, u32),
}

/// What a write did.
pub(super) enum Done {
    /// So many rows changed.
    Changed(u64),
    /// What was removed.
    Taken(Option<StoredTicket>),
}

/// The queue of ticket writes.
pub(crate) struct Writing {
    queue: mpsc::Sender<Waiting>,
    stopping: watch::Sender<bool>,
    task: Mutex<Option<JoinHandle<()>>>,
}

struct Waiting {
    act: Act,
    answer: oneshot::Sender<Result<Done, Unavailable>>,
}

impl Writing {
    /// Starts to write what is queued.
    pub(crate) fn start<E: Engine>(store: Arc<SqlStore<E>>) -> Arc<Self> {
        let (queue, waiting) = mpsc::channel(WAITING_WRITES);
        let (stopping, stopped) = watch::channel(false);
        let task = tokio::spawn(run(store, waiting, stopped));
        Arc::new(Self { queue, stopping, task: Mutex::new(Some(task)) })
    }

    /// Queues a write and waits for its answer; dropped, it forgets the answer, not the write.
    pub(super) async fn write(&self, act: Act) -> Result<Done, Unavailable> {
        let (answer, answered) = oneshot::channel();
        self.queue.try_send(Waiting { act, answer }).map_err(|_| Unavailable)?;
        answered.await.unwrap_or(Err(Unavailable))
    }

    /// Takes nothing new, writes what waits and returns when that is done.
    pub(crate) async fn stop(&self) {
        self.stopping.send_replace(true);
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && task.await.is_err()
        {
            tracing::error!("the writer of tickets ended abruptly");
        }
    }
}

async fn run<E: Engine>(
    store: Arc<SqlStore<E>>,
    mut queue: mpsc::Receiver<Waiting>,
    mut stopped: watch::Receiver<bool>,
) {
    let turns = Arc::new(Semaphore::new(usize::try_from(E::TICKET_TRANSACTIONS).unwrap_or(1)));
    let mut stopping = false;
    loop {
        // The turn first: what comes in while all are busy is taken together by the next.
        let Ok(turn) = Arc::clone(&turns).acquire_owned().await else { break };
        let mut taken = Vec::new();
        if stopping {
            queue.recv_many(&mut taken, E::TICKETS_A_TRANSACTION).await;
        } else {
            tokio::select! {
                _ = queue.recv_many(&mut taken, E::TICKETS_A_TRANSACTION) => {}
                // An error says that nobody is left who could ask.
                _ = stopped.wait_for(|stop| *stop) => {
                    queue.close();
                    stopping = true;
                    continue;
                }
            }
        }
        if taken.is_empty() {
            break;
        }
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            write_and_answer(&store.0, taken).await;
            drop(turn);
        });
    }
    // Every turn back: nothing is on its way any more.
    drop(turns.acquire_many(E::TICKET_TRANSACTIONS).await);
}

async fn write_and_answer<E: Engine>(engine: &E, taken: Vec<Waiting>) {
    let (acts, answers): (Vec<Act>, Vec<_>) = taken.into_iter().map(|waiting| (waiting.act, waiting.answer)).unzip();
    let mut written = Err(Fault::Moved);
    for _ in 0..ATTEMPTS {
        written = timeout(WRITE_LIMIT, write(engine, &acts)).await.unwrap_or(Err(Fault::Unavailable));
        if !matches!(written, Err(Fault::Moved)) {
            break;
        }
    }
    let mut done = written.map(Vec::into_iter);
    for answer in answers {
        let done = done.as_mut().ok().and_then(Iterator::next).unwrap_or(Err(Unavailable));
        // Who does not wait any more is not told.
        let _ = answer.send(done);
    }
}

/// Applies all of the acts, or none. What is dropped half-way undoes itself.
async fn write<E: Engine>(engine: &E, acts: &[Act]) -> Result<Vec<Result<Done, Unavailable>>, Fault> {
    let mut transaction = engine.begin().await?;
    let mut done = Vec::with_capacity(acts.len());
    for act in acts {
        done.push(act.run(&mut transaction).await?);
    }
    transaction.commit().await?;
    Ok(done)
}

impl Act {
    /// Runs one statement. A row that does not decode is its caller's trouble and nobody else's.
    async fn run<T: Transaction>(&self, transaction: &mut T) -> Result<Result<Done, Unavailable>, Fault> {
        let changed = match self {
            Act::Put(ticket, now) => transaction.execute(sql::PUT_TICKET, &row(ticket, *now)).await?,
            Act::Replace(ticket, now) => transaction.execute(sql::REPLACE_TICKET, &row(ticket, *now)).await?,
            Act::RemoveAll(owner) => transaction.execute(sql::REMOVE_TICKETS, &[Value::Blob(&owner.0)]).await?,
            Act::Sweep(now, limit) => {
                let values = [Value::Int(now.0), Value::Int(i64::from(*limit))];
                transaction.execute(sql::SWEEP_TICKETS, &values).await?
            }
            Act::Take(key, now) => {
                let rows = transaction.fetch(sql::TAKE_TICKET, &[Value::Blob(&key.0), Value::Int(now.0)]).await?;
                return Ok(decode::first(&rows, decode::ticket).map(Done::Taken));
            }
        };
        Ok(Ok(Done::Changed(changed)))
    }
}

fn row(ticket: &StoredTicket, now: Timestamp) -> [Value<'_>; 7] {
    [
        Value::Blob(&ticket.key.0),
        Value::Blob(&ticket.owner.0),
        Value::Blob(&ticket.tenant.0),
        Value::Int(i64::from(ticket.revision)),
        Value::Int(ticket.expires.0),
        Value::Blob(&ticket.sealed),
        Value::Int(now.0),
    ]
}
