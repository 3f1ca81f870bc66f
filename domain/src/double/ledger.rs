//! A ledger that links and commits one write set at a time.

use crate::audit::{ChainHead, ChainId, ChainKeys, link};
use crate::keys::Roots;
use crate::ports::{BoxFuture, CommitFault, Ledger, NotRecorded, Receipt, Store};
use crate::write::{Batch, HeadMove, WriteSet};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, PoisonError};

/// Links each write set to the heads and commits it by itself; works over any store.
pub struct MemoryLedger {
    store: Arc<dyn Store>,
    keys: Mutex<ChainKeys>,
}

impl MemoryLedger {
    /// Makes a ledger over a store, with the chain keys of these roots.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, roots: &Roots) -> Self {
        Self { store, keys: Mutex::new(ChainKeys::derive(&roots.audit)) }
    }

    async fn attempt(&self, write: &WriteSet) -> Result<Receipt, CommitFault> {
        let stored = self.store.heads().await.map_err(|_| CommitFault::Unavailable)?;
        let heads: BTreeMap<ChainId, ChainHead> = stored.into_iter().collect();
        let (batch, receipt) = self.link(write, &heads);
        match self.store.commit(&batch).await {
            Ok(()) => Ok(receipt),
            Err(CommitFault::Unknown) => {
                let stored = self.store.heads().await.map_err(|_| CommitFault::Unknown)?;
                let applied = batch.moves.iter().all(|to| stored.contains(&(to.chain, to.to)));
                if applied { Ok(receipt) } else { Err(CommitFault::Unavailable) }
            }
            Err(fault) => Err(fault),
        }
    }

    fn link<'a>(&self, write: &'a WriteSet, heads: &BTreeMap<ChainId, ChainHead>) -> (Batch<'a>, Receipt) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let mut at: BTreeMap<ChainId, ChainHead> = BTreeMap::new();
        let mut entries = Vec::new();
        let mut receipt = Receipt { entries: Vec::new() };
        for draft in &write.drafts {
            let head =
                at.entry(draft.chain).or_insert_with(|| heads.get(&draft.chain).copied().unwrap_or(ChainHead::EMPTY));
            let (linked, moved) = link(&mut keys, draft.chain, *head, [draft]);
            *head = moved;
            receipt.entries.push((draft.chain, moved.length));
            entries.extend(linked);
        }
        // In chain order, as a batch promises; the sort keeps the order within a chain.
        entries.sort_by_key(|entry| entry.chain);
        let from = |chain| heads.get(chain).copied().unwrap_or(ChainHead::EMPTY);
        let moves = at.iter().map(|(chain, to)| HeadMove { chain: *chain, from: from(chain), to: *to }).collect();
        (Batch { members: core::slice::from_ref(write), moves, entries }, receipt)
    }
}

impl Ledger for MemoryLedger {
    fn record(&self, write: WriteSet) -> BoxFuture<'_, Result<Receipt, NotRecorded>> {
        Box::pin(async move {
            for _ in 0..MAX_ATTEMPTS {
                match self.attempt(&write).await {
                    Ok(receipt) => return Ok(receipt),
                    Err(CommitFault::HeadMoved) => {}
                    Err(CommitFault::Conflicts(conflicts)) => {
                        let first = conflicts.first().map(|conflict| conflict.reason);
                        return Err(first.map_or(NotRecorded::Unavailable, NotRecorded::Conflict));
                    }
                    Err(CommitFault::Full | CommitFault::Unavailable | CommitFault::Unknown) => {
                        return Err(NotRecorded::Unavailable);
                    }
                }
            }
            Err(NotRecorded::Busy)
        })
    }
}

/// How often a write set that lost a race is linked anew.
const MAX_ATTEMPTS: u32 = 64;
