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

use crate::anchor_file::AnchorFile;
use crate::checkpoints::{self, WAITING_CHAINS};
use crate::commit::doubles;
use crate::metrics::{Metrics, Snapshot};
use domain::audit::{
    Anchor, Break, ChainHead, ChainId, ChainKeys, Draft, LinkedEntry, SEGMENT_ENTRIES, TipFault, check_tips, link,
};
use domain::ports::{BoxFuture, CommitFault, Ledger, NotRecorded, Receipt, Store, Unavailable};
use domain::secret::Secret;
use domain::write::{Batch, Conflict, HeadMove, WriteSet};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Write sets that may wait; beyond, callers are told [`NotRecorded::Busy`].
pub const QUEUE_MEMBERS: usize = 4_096;
/// Most write sets in one transaction.
pub const MAX_BATCH_MEMBERS: usize = 512;
/// Most sealed bytes in one transaction; a single larger write set goes alone.
pub const MAX_BATCH_BYTES: usize = 16 * 1024 * 1024;
/// How often a batch is linked anew before its callers are turned away.
const ATTEMPTS: u32 = 40;
/// Wait before an attempt: this long for each attempt before it, so about 8 s in all.
const PAUSE_STEP: Duration = Duration::from_millis(10);

/// The ledger of this process.
pub struct Recorder {
    queue: mpsc::Sender<Waiting>,
    stopping: watch::Sender<bool>,
    broken: watch::Receiver<Option<Break>>,
    metrics: Arc<Metrics>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

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

/// The task behind the queue.
struct Task {
    store: Arc<dyn Store>,
    keys: ChainKeys,
    anchors: Option<AnchorFile>,
    heads: BTreeMap<ChainId, ChainHead>,
    /// The heads must be read before anything is linked.
    stale: bool,
    /// The first break found; then nothing is linked any more.
    broken: watch::Sender<Option<Break>>,
    closed: mpsc::Sender<(ChainId, ChainHead)>,
    metrics: Arc<Metrics>,
}

/// Write sets linked to the heads.
struct Linked {
    moves: Vec<HeadMove>,
    entries: Vec<LinkedEntry>,
    receipts: Vec<Receipt>,
}

/// A batch whose COMMIT was not answered.
struct Doubt {
    chain: ChainId,
    /// Our first entry in that chain, as the store would return it.
    line: Vec<u8>,
    sequence: u64,
    moves: Vec<HeadMove>,
    receipts: Vec<Receipt>,
}

impl Task {
    async fn run(mut self, mut queue: mpsc::Receiver<Waiting>, mut stopped: watch::Receiver<bool>) {
        let mut waiting = Vec::with_capacity(MAX_BATCH_MEMBERS);
        let mut open = true;
        loop {
            let taken = if open {
                tokio::select! {
                    taken = queue.recv_many(&mut waiting, MAX_BATCH_MEMBERS) => taken,
                    _ = stopped.wait_for(|stop| *stop) => {
                        queue.close();
                        open = false;
                        continue;
                    }
                }
            } else {
                queue.recv_many(&mut waiting, MAX_BATCH_MEMBERS).await
            };
            if taken == 0 {
                break;
            }
            for batch in by_size(waiting.drain(..)) {
                self.record_in_turn(batch).await;
            }
        }
        if let Some(anchors) = &self.anchors
            && let Err(error) = anchors.sync()
        {
            tracing::error!(%error, "anchors not synced");
        }
    }

    /// Commits a batch; members that want what an earlier one takes wait until that one is durable.
    ///
    /// To answer them at once would be to say of a repeated message that it is stored while it is not yet.
    async fn record_in_turn(&mut self, mut batch: Vec<Waiting>) {
        while !batch.is_empty() {
            let doubled = doubles(batch.iter().map(|waiting| &waiting.write));
            // The first is never in anybody's way but its own, and that is for the commit to say.
            let later: BTreeSet<usize> =
                doubled.iter().map(|conflict| conflict.member).filter(|place| *place > 0).collect();
            let (now, next): (Vec<_>, Vec<_>) =
                batch.into_iter().enumerate().partition(|(place, _)| !later.contains(place));
            self.record(now.into_iter().map(|(_, waiting)| waiting).collect()).await;
            batch = next.into_iter().map(|(_, waiting)| waiting).collect();
        }
    }

    /// Commits a batch, or as much of it as can be, and answers each member.
    async fn record(&mut self, batch: Vec<Waiting>) {
        let (mut members, mut answers): (Vec<WriteSet>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.write, waiting.answer)).unzip();
        let mut doubt: Option<Doubt> = None;
        let mut attempt = 0;
        while attempt < ATTEMPTS && !members.is_empty() {
            if attempt > 0 {
                tokio::time::sleep(PAUSE_STEP.saturating_mul(attempt)).await;
            }
            attempt = attempt.saturating_add(1);
            if self.stale
                && let Err(fault) = self.read_heads().await
            {
                match (fault, &doubt) {
                    (TipFault::Unavailable, Some(_)) => continue,
                    (TipFault::Unavailable, None) | (TipFault::Broken(_), _) => {
                        return self.turn_away(answers, NotRecorded::Unavailable);
                    }
                }
            }
            // Only now: a commit that lands after this look finds the head elsewhere than where we read it.
            if let Some(open) = &doubt {
                match self.is_applied(open).await {
                    Ok(true) => return self.answer(doubt.take(), answers),
                    Ok(false) => {}
                    Err(Unavailable) => continue,
                }
            }
            let Linked { moves, entries, receipts } = self.link(&members);
            if self.found_chains(&moves).is_err() {
                return self.turn_away(answers, NotRecorded::Unavailable);
            }
            let begun = Instant::now();
            let batch = Batch { members: &members, moves, entries };
            let fault = match self.store.commit(&batch).await {
                Ok(()) => {
                    self.metrics.committed_in(begun.elapsed());
                    self.heads.extend(batch.moves.iter().map(|moved| (moved.chain, moved.to)));
                    return self.done(&batch.moves, receipts, answers);
                }
                Err(fault) => fault,
            };
            match fault {
                CommitFault::HeadMoved => {
                    self.metrics.relinked.add(1);
                    self.stale = true;
                }
                CommitFault::Conflicts(conflicts) => {
                    // The head was ours when the conflict was found, so a lost commit before it was not applied.
                    doubt = None;
                    if !self.refuse(&conflicts, &mut members, &mut answers) {
                        return self.turn_away(answers, NotRecorded::Unavailable);
                    }
                    // Each round answers somebody, so rounds end by themselves and need not be counted.
                    attempt = 0;
                }
                CommitFault::Full | CommitFault::Unavailable if doubt.is_none() => {
                    self.stale = true;
                    return self.turn_away(answers, NotRecorded::Unavailable);
                }
                CommitFault::Full | CommitFault::Unavailable => {}
                CommitFault::Unknown => {
                    self.metrics.unknown.add(1);
                    self.stale = true;
                    doubt = Doubt::of(batch, receipts);
                    if doubt.is_none() {
                        // Nothing was to be chained, so nothing can tell; the caller asks again and is answered by conflicts.
                        return self.turn_away(answers, NotRecorded::Unavailable);
                    }
                }
            }
        }
        let why = if doubt.is_some() { NotRecorded::Unavailable } else { NotRecorded::Busy };
        self.turn_away(answers, why);
    }

    /// Links the drafts of all members, chain by chain, in the order of the members.
    fn link(&mut self, members: &[WriteSet]) -> Linked {
        let mut drafts: BTreeMap<ChainId, Vec<&Draft>> = BTreeMap::new();
        let mut receipts = Vec::with_capacity(members.len());
        for member in members {
            let mut entries = Vec::with_capacity(member.drafts.len());
            for draft in &member.drafts {
                let of_chain = drafts.entry(draft.chain).or_default();
                of_chain.push(draft);
                let place = u64::try_from(of_chain.len()).unwrap_or(u64::MAX);
                entries.push((draft.chain, head_of(&self.heads, draft.chain).length.saturating_add(place)));
            }
            receipts.push(Receipt { entries });
        }
        let mut linked = Linked { moves: Vec::with_capacity(drafts.len()), entries: Vec::new(), receipts };
        for (chain, drafts) in drafts {
            let from = head_of(&self.heads, chain);
            let (entries, to) = link(&mut self.keys, chain, from, drafts);
            linked.entries.extend(entries);
            linked.moves.push(HeadMove { chain, from, to });
        }
        linked
    }

    /// Anchors chains that are about to have their first entry; without that, they must not.
    fn found_chains(&mut self, moves: &[HeadMove]) -> Result<(), Unavailable> {
        let first = moves.iter().filter(|moved| moved.from.length == 0).map(|moved| moved.chain);
        let first: Vec<ChainId> = first.collect();
        match &mut self.anchors {
            Some(anchors) if !first.is_empty() => anchors.found(&first).map_err(|error| {
                tracing::error!(%error, "new chain not anchored");
                self.metrics.anchor_faults.add(1);
                Unavailable
            }),
            _ => Ok(()),
        }
    }

    fn answer(&mut self, doubt: Option<Doubt>, answers: Vec<Answer>) {
        if let Some(doubt) = doubt {
            // The heads may have been read before it was applied.
            self.stale = true;
            for moved in &doubt.moves {
                if head_of(&self.heads, moved.chain).length < moved.to.length {
                    self.heads.insert(moved.chain, moved.to);
                }
            }
            self.done(&doubt.moves, doubt.receipts, answers);
        }
    }

    /// Counts, anchors, looks for segments to close, and answers.
    fn done(&mut self, moves: &[HeadMove], receipts: Vec<Receipt>, answers: Vec<Answer>) {
        self.metrics.batches.add(1);
        self.metrics.members.add_len(answers.len());
        self.metrics.entries.add_len(receipts.iter().map(|receipt| receipt.entries.len()).sum());
        let heads: Vec<_> = moves.iter().map(|moved| (moved.chain, moved.to)).collect();
        self.anchor(&heads);
        for (answer, receipt) in answers.into_iter().zip(receipts) {
            // A caller that has gone away does not need the answer.
            let _ = answer.send(Ok(receipt));
        }
        for moved in moves {
            self.segment_may_be_due(moved.chain, &moved.from, &moved.to);
        }
    }

    /// Moves the anchors; a fault is told and does not undo what is committed: the next batch moves them further.
    fn anchor(&mut self, heads: &[(ChainId, ChainHead)]) {
        if let Some(anchors) = &mut self.anchors
            && let Err(error) = anchors.advance(heads)
        {
            self.metrics.anchor_faults.add(1);
            tracing::error!(%error, "anchors not moved");
        }
    }

    fn segment_may_be_due(&self, chain: ChainId, from: &ChainHead, to: &ChainHead) {
        if from.length.div_euclid(SEGMENT_ENTRIES) < to.length.div_euclid(SEGMENT_ENTRIES)
            && self.closed.try_send((chain, *to)).is_err()
        {
            tracing::warn!(%chain, "segment will be closed later");
        }
    }

    /// Reads the heads from the database, checks those that moved, and anchors what other gateways have committed.
    async fn read_heads(&mut self) -> Result<(), TipFault> {
        if let Some(found) = *self.broken.borrow() {
            return Err(found.into());
        }
        // Before the heads: what another process anchors in between is then not ahead of them.
        let anchors = self.read_anchors();
        let heads = self.store.heads().await?;
        if let Err(fault) = self.check_moved(&anchors, &heads).await {
            if let TipFault::Broken(found) = fault {
                tracing::error!(diagnosis = found.to_json(), "audit chain is broken, nothing is recorded any more");
                self.broken.send_replace(Some(found));
            }
            return Err(fault);
        }
        self.anchor(&heads);
        self.heads = heads.into_iter().collect();
        self.stale = false;
        Ok(())
    }

    /// Holds every head that is not where we left it against our last entry and against its anchor.
    async fn check_moved(&self, anchors: &[Anchor], heads: &[(ChainId, ChainHead)]) -> Result<(), TipFault> {
        let stands = |(chain, head): &(&ChainId, &ChainHead)| heads.contains(&(**chain, **head));
        let ours = self.heads.iter().filter(|known| !stands(known));
        let mut known: Vec<Anchor> = ours.map(|(chain, head)| Anchor::at(*chain, head)).collect();
        // An anchor that says what we know ourselves is no news.
        known.extend(anchors.iter().filter(|anchor| {
            let ours = head_of(&self.heads, anchor.chain);
            anchor.length != ours.length || anchor.tag != ours.tag
        }));
        let doubtful: Vec<(ChainId, ChainHead)> = heads
            .iter()
            .filter(|(chain, head)| {
                head_of(&self.heads, *chain) != *head || known.iter().any(|anchor| anchor.chain == *chain)
            })
            .copied()
            .collect();
        check_tips(self.store.as_ref(), &self.keys, &known, &doubtful).await
    }

    fn read_anchors(&mut self) -> Vec<Anchor> {
        let Some(anchors) = &mut self.anchors else { return Vec::new() };
        anchors.read().unwrap_or_else(|error| {
            self.metrics.anchor_faults.add(1);
            tracing::error!(%error, "anchors not read");
            anchors.all()
        })
    }

    /// Says whether the first entry of a batch in doubt is in its chain.
    async fn is_applied(&self, doubt: &Doubt) -> Result<bool, Unavailable> {
        let block = self.store.entries(doubt.chain, doubt.sequence, 1).await?;
        Ok(block.lines == doubt.line)
    }

    /// Answers and removes the members in conflict; `false` when the list names nobody.
    fn refuse(&self, conflicts: &[Conflict], members: &mut Vec<WriteSet>, answers: &mut Vec<Answer>) -> bool {
        let mut reasons: BTreeMap<usize, _> = conflicts.iter().map(|c| (c.member, c.reason)).collect();
        let before = members.len();
        let (kept_members, kept_answers) = std::mem::take(members)
            .into_iter()
            .zip(std::mem::take(answers))
            .enumerate()
            .filter_map(|(place, (member, answer))| match reasons.remove(&place) {
                None => Some((member, answer)),
                Some(reason) => {
                    self.metrics.conflicts.add(1);
                    let _ = answer.send(Err(NotRecorded::Conflict(reason)));
                    None
                }
            })
            .unzip();
        (*members, *answers) = (kept_members, kept_answers);
        members.len() < before
    }

    fn turn_away(&self, answers: Vec<Answer>, why: NotRecorded) {
        self.metrics.turned_away.add_len(answers.len());
        for answer in answers {
            let _ = answer.send(Err(why));
        }
    }
}

type Answer = oneshot::Sender<Result<Receipt, NotRecorded>>;

impl Doubt {
    /// Remembers how to recognise a batch; `None` when it has no entry.
    fn of(batch: Batch<'_>, receipts: Vec<Receipt>) -> Option<Self> {
        let first = batch.entries.into_iter().next()?;
        let mut line = format!("{} ", first.sequence).into_bytes();
        line.extend_from_slice(&first.bytes);
        line.push(b'\n');
        Some(Self { chain: first.chain, line, sequence: first.sequence, moves: batch.moves, receipts })
    }
}

/// Runs work on a thread of its own, and returns what waits for its end.
///
/// Everybody waits for the recorder, and a commit is several journeys to the database and back. On the common workers
/// each of them would queue behind messages being mapped, a third of a millisecond each.
fn own_thread(work: impl Future<Output = ()> + Send + 'static) -> Result<impl Future<Output = ()>, Unavailable> {
    let (end, ended) = oneshot::channel();
    let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(|_| Unavailable)?;
    let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || {
        runtime.block_on(work);
        let _ = end.send(());
    });
    thread.map_err(|_| Unavailable)?;
    Ok(async move {
        if ended.await.is_err() {
            tracing::error!("the recorder ended abruptly");
        }
    })
}

fn head_of(heads: &BTreeMap<ChainId, ChainHead>, chain: ChainId) -> ChainHead {
    heads.get(&chain).copied().unwrap_or(ChainHead::EMPTY)
}

/// Cuts what waits into batches of at most [`MAX_BATCH_BYTES`].
fn by_size(waiting: impl Iterator<Item = Waiting>) -> Vec<Vec<Waiting>> {
    let mut batches: Vec<Vec<Waiting>> = Vec::new();
    let mut room = 0usize;
    for one in waiting {
        let bytes: usize = one.write.records.iter().map(|record| record.sealed.len()).sum();
        match batches.last_mut() {
            Some(batch) if bytes <= room => batch.push(one),
            _ => {
                room = MAX_BATCH_BYTES;
                batches.push(vec![one]);
            }
        }
        room = room.saturating_sub(bytes);
    }
    batches
}
