//! A batch whose COMMIT was not answered, and how it is recognised in the chain.

use domain::audit::ChainId;
use domain::ports::{Receipt, Store, Unavailable};
use domain::write::{Batch, HeadMove};

/// A batch whose COMMIT was not answered.
pub(super) struct Doubt {
    chain: ChainId,
    /// Our first entry in that chain, as the store would return it.
    line: Vec<u8>,
    sequence: u64,
    /// What it moved.
    pub(super) moves: Vec<HeadMove>,
    /// What its callers are told once it is found.
    pub(super) receipts: Vec<Receipt>,
}

impl Doubt {
    /// Remembers how to recognise a batch; `None` when it has no entry.
    pub(super) fn of(batch: Batch<'_>, receipts: Vec<Receipt>) -> Option<Self> {
        let first = batch.entries.into_iter().next()?;
        let mut line = format!("{} ", first.sequence).into_bytes();
        line.extend_from_slice(&first.bytes);
        line.push(b'\n');
        Some(Self { chain: first.chain, line, sequence: first.sequence, moves: batch.moves, receipts })
    }

    /// Says whether the first entry of the batch is in its chain.
    pub(super) async fn is_applied(&self, store: &dyn Store) -> Result<bool, Unavailable> {
        let block = store.entries(self.chain, self.sequence, 1).await?;
        Ok(block.lines == self.line)
    }
}
