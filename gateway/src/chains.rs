//! Verifying the audit chains of a live database against themselves, their checkpoints and the anchors.
//!
//! The anchors are read first, then the heads, then the entries up to those heads: whatever a
//! serving gateway adds meanwhile lies beyond what is looked at, so it is never a false alarm.

use crate::exit::{Exit, Stop};
use domain::audit::{
    Anchor, Break, BreakKind, ChainHead, ChainId, ChainKeys, CheckpointKey, SEGMENT_ENTRIES, SegmentRoots, TipFault,
    Verifier, check_checkpoints, check_tips, compare,
};
use domain::ports::{EntryBlock, Store, Unavailable};
use domain::secret::Secret;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Entries read at a time: about 3 MB, which stay near the processor until they are checked.
const BLOCK_ENTRIES: u32 = 4_096;

/// What was verified.
pub struct Report {
    /// Each chain with its head.
    pub chains: Vec<(ChainId, ChainHead)>,
    /// Entries whose MAC and link were checked.
    pub entries: u64,
    /// Chains of which only the tail was checked now, with the entries left for later.
    pub rest: Vec<(ChainId, ChainHead)>,
    /// How long it took.
    pub took: Duration,
}

/// Why the chains are not verified.
#[derive(Debug)]
pub enum NotVerified {
    /// A chain is broken, cut short or rolled back.
    Broken(Break),
    /// The database does not answer.
    Unavailable,
}

impl From<Unavailable> for NotVerified {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl From<Break> for NotVerified {
    fn from(broken: Break) -> Self {
        Self::Broken(broken)
    }
}

impl From<TipFault> for NotVerified {
    fn from(fault: TipFault) -> Self {
        match fault {
            TipFault::Broken(broken) => Self::Broken(broken),
            TipFault::Unavailable => Self::Unavailable,
        }
    }
}

impl From<NotVerified> for Stop {
    /// The line is the JSON diagnosis, for monitoring as much as for people.
    fn from(fault: NotVerified) -> Self {
        match fault {
            NotVerified::Broken(broken) => Stop::new(Exit::BrokenChain, broken.to_json()),
            NotVerified::Unavailable => {
                Stop::new(Exit::Unavailable, "the audit chains cannot be read: the database does not answer")
            }
        }
    }
}

/// What the chains are held against.
pub struct Chains<'a> {
    /// The database.
    pub store: &'a Arc<dyn Store>,
    /// The root of the chain keys.
    pub audit_root: &'a Secret<32>,
    /// The anchors, read before anything else; `None` leaves them out of the question.
    pub anchors: Option<Vec<Anchor>>,
}

impl Chains<'_> {
    /// Verifies every chain: all entries while there are at most `whole_up_to` of them, else the open segments.
    ///
    /// # Errors
    /// [`NotVerified`] with the first break.
    pub async fn verify(&self, whole_up_to: u64) -> Result<Report, NotVerified> {
        let started = Instant::now();
        let heads = self.store.heads().await?;
        for anchor in self.anchors.iter().flatten() {
            let known = heads.iter().any(|(chain, _)| *chain == anchor.chain);
            if !known && anchor.length > 0 {
                return Err(Break { chain: anchor.chain, sequence: 1, kind: BreakKind::Truncated }.into());
            }
        }
        let entries = heads.iter().fold(0u64, |sum, (_, head)| sum.saturating_add(head.length));
        let whole = entries <= whole_up_to;
        let mut report = Report { chains: Vec::new(), entries: 0, rest: Vec::new(), took: Duration::ZERO };
        for (chain, head) in heads {
            let open_segment =
                head.length.saturating_sub(1).div_euclid(SEGMENT_ENTRIES).saturating_mul(SEGMENT_ENTRIES);
            let from = if whole { 0 } else { open_segment };
            self.chain(chain, &head, from).await?;
            report.entries = report.entries.saturating_add(head.length.saturating_sub(from));
            if from > 0 {
                report.rest.push((chain, head));
            }
            report.chains.push((chain, head));
        }
        report.took = started.elapsed();
        Ok(report)
    }

    /// Refuses anchors of which a slot is not genuine, whatever the chains say.
    ///
    /// A start does not: what a power cut leaves looks the same, and it must not keep a hospital waiting for its results.
    ///
    /// # Errors
    /// [`BreakKind::AnchorAltered`] of the first chain whose newest anchor may have been removed.
    pub fn sure(&self) -> Result<(), Break> {
        let doubtful = self.anchors.iter().flatten().find(|anchor| anchor.in_doubt);
        doubtful.map_or(Ok(()), |anchor| Err(anchor.doubt()))
    }

    /// Looks at the last entry of each chain and at the anchored one: cut and older databases are found at once.
    ///
    /// A command that is about to write needs no more: what it adds can then not carry a chain past its anchor
    /// and hide that it was cut or replaced.
    ///
    /// # Errors
    /// [`NotVerified`].
    pub async fn tips(&self) -> Result<(), NotVerified> {
        let keys = ChainKeys::derive(self.audit_root);
        let heads = self.store.heads().await?;
        check_tips(&**self.store, &keys, self.anchors.as_deref().unwrap_or_default(), &heads).await?;
        for (chain, head) in heads.into_iter().filter(|(_, head)| head.length > 0) {
            let anchored =
                self.anchors.as_ref().is_none_or(|anchors| anchors.iter().any(|anchor| anchor.chain == chain));
            if !anchored {
                return Err(Break { chain, sequence: head.length, kind: BreakKind::AnchorMissing }.into());
            }
        }
        Ok(())
    }

    /// Verifies one chain up to a head, starting behind entry `from`: its entries, and that the sealed contexts they vouch
    /// for are there.
    ///
    /// # Errors
    /// [`NotVerified`].
    pub async fn chain(&self, chain: ChainId, head: &ChainHead, from: u64) -> Result<(), NotVerified> {
        let missing = |sequence| Break { chain, sequence, kind: BreakKind::ContextMissing };
        let look = |verifier: &mut Verifier<'_>, block: &EntryBlock| {
            let mut lost = None;
            verifier.block_with(&block.lines, |entry| {
                let bare = || block.without_context.binary_search(&entry.sequence()).is_ok();
                if lost.is_none() && entry.vouches_for_context() && bare() {
                    lost = Some(entry.sequence());
                }
            })?;
            lost.map_or(Ok(()), |sequence| Err(missing(sequence)))
        };
        self.chain_with(chain, head, from, look).await
    }

    /// Walks a chain in the same way and lends each block to `look`, which must hand its lines to the verifier and may keep
    /// what is verified.
    ///
    /// # Errors
    /// [`NotVerified`], also when `look` finds a break.
    pub async fn chain_with(
        &self,
        chain: ChainId,
        head: &ChainHead,
        from: u64,
        mut look: impl FnMut(&mut Verifier<'_>, &EntryBlock) -> Result<(), Break>,
    ) -> Result<(), NotVerified> {
        let keys = ChainKeys::derive(self.audit_root);
        let anchor = self.anchors.as_ref().map(|anchors| anchors.iter().find(|anchor| anchor.chain == chain).copied());
        let mut verifier = if from == 0 {
            Verifier::new(chain, &keys)
        } else {
            let line = self.store.entries(chain, from, 1).await?.lines;
            Verifier::after(chain, &keys, &line)?
        };
        match anchor {
            Some(Some(anchor)) if anchor.length > from || from == 0 => verifier = verifier.against(anchor),
            Some(Some(anchor)) => self.anchored_entry(&anchor, head, &keys).await?,
            Some(None) if head.length > 0 => {
                return Err(Break { chain, sequence: head.length, kind: BreakKind::AnchorMissing }.into());
            }
            Some(None) | None => {}
        }
        let mut next = from.saturating_add(1);
        let mut roots = SegmentRoots::default();
        let mut reading = Some(self.read_ahead(chain, next, head));
        while let Some(read) = reading.take() {
            let block = Arc::new(read.await.map_err(|_| NotVerified::Unavailable)??);
            next = next.saturating_add(u64::from(block.count));
            // The next block is on its way while this one is checked.
            reading = (block.count > 0 && next <= head.length).then(|| self.read_ahead(chain, next, head));
            // So are the roots of the checkpoints: half as much work again, which another core can do.
            let hashing = tokio::task::spawn_blocking({
                let block = Arc::clone(&block);
                move || {
                    roots.add(&block.lines);
                    roots
                }
            });
            look(&mut verifier, &block)?;
            roots = hashing.await.map_err(|_| NotVerified::Unavailable)?;
        }
        verifier.finish(head)?;
        let notes = self.store.checkpoints(chain).await?;
        let public = CheckpointKey::derive(self.audit_root).public();
        if notes.iter().any(|(segment, _)| *segment == u64::MAX) {
            return Err(Break { chain, sequence: head.length, kind: BreakKind::CheckpointBad }.into());
        }
        // Segments that closed while we read are vouched for next time.
        let closed = head.length.div_euclid(SEGMENT_ENTRIES);
        let notes: Vec<_> = notes.into_iter().filter(|(segment, _)| *segment < closed).collect();
        check_checkpoints(chain, &public, &notes, head, &roots.closed())?;
        self.nothing_beyond(chain, head).await
    }

    /// Compares an anchor that lies behind the part that is read now with the one entry it speaks of.
    async fn anchored_entry(&self, anchor: &Anchor, head: &ChainHead, keys: &ChainKeys) -> Result<(), NotVerified> {
        if anchor.length == 0 {
            return Ok(());
        }
        let line = self.store.entries(anchor.chain, anchor.length, 1).await?.lines;
        let entry = Verifier::after(anchor.chain, keys, &line)?.head();
        Ok(compare(anchor, head, Some(entry.tag))?)
    }

    /// Refuses entries behind the head: nobody wrote them through a commit.
    async fn nothing_beyond(&self, chain: ChainId, head: &ChainHead) -> Result<(), NotVerified> {
        let beyond = self.store.entries(chain, head.length.saturating_add(1), 1).await?;
        if beyond.count == 0 {
            return Ok(());
        }
        let heads = self.store.heads().await?;
        let moved = heads.iter().any(|(other, now)| *other == chain && now.length > head.length);
        if moved {
            return Ok(());
        }
        let sequence = head.length.saturating_add(1);
        Err(Break { chain, sequence, kind: BreakKind::HeadMismatch }.into())
    }

    fn read_ahead(
        &self,
        chain: ChainId,
        from: u64,
        head: &ChainHead,
    ) -> tokio::task::JoinHandle<Result<EntryBlock, Unavailable>> {
        let left = head.length.saturating_add(1).saturating_sub(from);
        let limit = u32::try_from(left).unwrap_or(BLOCK_ENTRIES).min(BLOCK_ENTRIES);
        let store = Arc::clone(self.store);
        tokio::spawn(async move { store.entries(chain, from, limit).await })
    }
}
