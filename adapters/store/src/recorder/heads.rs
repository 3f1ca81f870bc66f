//! Where the chains stand: reads the heads, checks those that moved, and keeps the anchors beside them.

use super::task::{Task, head_of};
use domain::audit::{Anchor, ChainHead, ChainId, SEGMENT_ENTRIES, TipFault, check_tips};
use domain::ports::Unavailable;
use domain::write::HeadMove;

impl Task {
    /// Anchors chains that are about to have their first entry; without that, they must not.
    pub(super) fn found_chains(&mut self, moves: &[HeadMove]) -> Result<(), Unavailable> {
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

    /// Moves the anchors; a fault is told and does not undo what is committed: the next batch moves them further.
    pub(super) fn anchor(&mut self, heads: &[(ChainId, ChainHead)]) {
        let Some(anchors) = &mut self.anchors else { return };
        if let Err(error) = anchors.advance(heads) {
            self.metrics.anchor_faults.add(1);
            tracing::error!(%error, "anchors not moved");
        }
        self.metrics.anchor_faults.add(anchors.take_altered());
    }

    pub(super) fn segment_may_be_due(&self, chain: ChainId, from: &ChainHead, to: &ChainHead) {
        if from.length.div_euclid(SEGMENT_ENTRIES) < to.length.div_euclid(SEGMENT_ENTRIES)
            && self.closed.try_send((chain, *to)).is_err()
        {
            tracing::warn!(%chain, "segment will be closed later");
        }
    }

    /// Reads the heads from the database, checks those that moved, and anchors what other gateways have committed.
    pub(super) async fn read_heads(&mut self) -> Result<(), TipFault> {
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
}
