//! The recorder: one thread that takes what waits, links it, commits it and answers everybody.
//!
//! ```text
//!   record() ──queue──► take ≤ 512 ─► link to the heads ─► Store::commit ─► anchors ─► answers
//!                                          ▲                    │ HeadMoved: read and check the heads, link anew
//!                                          └────────────────────┤ Conflicts: answer those, link the rest
//!                                                               │ Unknown:   look for our first entry, else again
//!                                                               └ Full, Unavailable: turn all away, go on
//! ```
//!
//! One sync serves all that waited, and the load sets the size of a batch by itself. A lost answer to COMMIT is
//! decided by looking for our first entry. Its absence alone does not decide, since the server may still be
//! committing: so the same batch is tried again, and the head row, which the lost transaction holds locked or has
//! moved, lets exactly one of the two through. The heads are read before looking, so a commit that lands in between
//! is either seen or has moved the head.
//!
//! A head that moved is not believed: our last entry must still be in the chain, and the entry at the head must be
//! genuine. A chain that fails this was cut or replaced while we served; from then on nothing is recorded, since what
//! was linked to it would hide the cut.

mod doubt;
mod heads;
mod task;
mod thread;

use crate::anchor_file::AnchorFile;
use crate::checkpoints::{self, WAITING_CHAINS};
use crate::metrics::{Metrics, Snapshot};
use domain::audit::{Break, ChainHead, ChainKeys, TipFault};
use domain::ports::{BoxFuture, Ledger, NotRecorded, Receipt, Store};
use domain::secret::Secret;
use domain::write::WriteSet;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use task::Task;
use thread::own_thread;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Write sets that may wait; beyond, callers are told [`NotRecorded::Busy`].
pub const QUEUE_MEMBERS: usize = 4_096;
/// Most write sets in one transaction.
pub const MAX_BATCH_MEMBERS: usize = 512;
/// Most sealed bytes in one transaction; a single larger write set goes alone.
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// The ledger of this process.
pub struct Recorder {
    queue: mpsc::Sender<Waiting>,
    stopping: watch::Sender<bool>,
    broken: watch::Receiver<Option<Break>>,
    metrics: Arc<Metrics>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A write set in the queue, and whom to answer.
struct Waiting {
    write: WriteSet,
    answer: oneshot::Sender<Result<Receipt, NotRecorded>>,
}

impl Recorder {
    /// Reads the heads and starts recording; the chains must have been verified before.
    ///
    /// # Errors
    /// [`TipFault::Unavailable`] when the heads cannot be read, [`TipFault::Broken`] when they do not fit the anchors.
    pub async fn start(
        store: Arc<dyn Store>,
        audit_root: &Secret<32>,
        anchors: Option<AnchorFile>,
    ) -> Result<Arc<Self>, TipFault> {
        let (queue, waiting) = mpsc::channel(QUEUE_MEMBERS);
        let (closed, due) = mpsc::channel(WAITING_CHAINS);
        let (stopping, stopped) = watch::channel(false);
        let (break_found, broken) = watch::channel(None);
        let metrics = Arc::new(Metrics::default());
        let mut task = Task {
            store: store.clone(),
            keys: ChainKeys::derive(audit_root),
            anchors,
            heads: BTreeMap::new(),
            stale: true,
            broken: break_found,
            closed,
            metrics: metrics.clone(),
        };
        task.read_heads().await?;
        for (chain, head) in &task.heads {
            task.segment_may_be_due(*chain, &ChainHead::EMPTY, head);
        }
        let own_root = Secret::new(*audit_root.expose());
        let recording = own_thread(task.run(waiting, stopped))?;
        let tasks = vec![tokio::spawn(recording), tokio::spawn(checkpoints::run(store, own_root, due))];
        Ok(Arc::new(Self { queue, stopping, broken, metrics, tasks: Mutex::new(tasks) }))
    }

    /// Takes nothing new, commits what waits, syncs the anchors and returns when all of it is done.
    pub async fn stop(&self) {
        self.stopping.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if task.await.is_err() {
                tracing::error!("the recorder ended abruptly");
            }
        }
    }

    /// Waits until a chain is found broken. Nothing is recorded from then on.
    pub async fn broken(&self) -> Break {
        let mut broken = self.broken.clone();
        match broken.wait_for(Option::is_some).await.ok().and_then(|found| *found) {
            Some(found) => found,
            // The task has ended, so nothing more will be found.
            None => std::future::pending().await,
        }
    }

    /// Returns the break that was found, if any was.
    #[must_use]
    pub fn found_broken(&self) -> Option<Break> {
        *self.broken.borrow()
    }

    /// Reads the counters.
    #[must_use]
    pub fn metrics(&self) -> Snapshot {
        self.metrics.read(self.queue.max_capacity().saturating_sub(self.queue.capacity()))
    }
}

impl Ledger for Recorder {
    /// The write set is in the queue when this returns, before the future is first polled; dropping the future
    /// forgets the answer, not the write.
    fn record(&self, write: WriteSet) -> BoxFuture<'_, Result<Receipt, NotRecorded>> {
        let (answer, answered) = oneshot::channel();
        let queued = self.queue.try_send(Waiting { write, answer });
        Box::pin(async move {
            if queued.is_err() {
                self.metrics.turned_away.add(1);
                return Err(NotRecorded::Busy);
            }
            answered.await.unwrap_or(Err(NotRecorded::Unavailable))
        })
    }
}
