//! Takes what waits, batch by batch: links, commits, decides what a fault means, and answers.

use super::doubt::Doubt;
use super::{MAX_BATCH_BYTES, MAX_BATCH_MEMBERS, Waiting};
use crate::anchor_file::AnchorFile;
use crate::commit::doubles;
use crate::metrics::Metrics;
use domain::audit::{Break, ChainHead, ChainId, ChainKeys, Draft, LinkedEntry, TipFault, link};
use domain::ports::{CommitFault, NotRecorded, Receipt, Store, Unavailable};
use domain::write::{Batch, Conflict, HeadMove, WriteSet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, oneshot, watch};

/// How often a batch is linked anew before its callers are turned away.
const ATTEMPTS: u32 = 40;
/// Wait before an attempt: this long for each attempt before it, so about 8 s in all.
const PAUSE_STEP: Duration = Duration::from_millis(10);

/// The task behind the queue.
pub(super) struct Task {
    pub(super) store: Arc<dyn Store>,
    pub(super) keys: ChainKeys,
    pub(super) anchors: Option<AnchorFile>,
    pub(super) heads: BTreeMap<ChainId, ChainHead>,
    /// The heads must be read before anything is linked.
    pub(super) stale: bool,
    /// The first break found; then nothing is linked any more.
    pub(super) broken: watch::Sender<Option<Break>>,
    pub(super) closed: mpsc::Sender<(ChainId, ChainHead)>,
    pub(super) metrics: Arc<Metrics>,
}

/// Write sets linked to the heads.
struct Linked {
    moves: Vec<HeadMove>,
    entries: Vec<LinkedEntry>,
    receipts: Vec<Receipt>,
}

impl Task {
    /// Takes, commits and answers until it is stopped and nothing waits.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Waiting>, mut stopped: watch::Receiver<bool>) {
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
                match open.is_applied(self.store.as_ref()).await {
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

/// Returns where a chain stands; nowhere is empty.
pub(super) fn head_of(heads: &BTreeMap<ChainId, ChainHead>, chain: ChainId) -> ChainHead {
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
