//! Closes segments: reads what was written, checks it, and signs a checkpoint over it.
//!
//! Runs beside the recorder, never in its way: a segment is 65,536 entries, about a tenth of a second of work.

use domain::audit::{
    Break, ChainHead, ChainId, ChainKeys, Checkpoint, CheckpointKey, SEGMENT_ENTRIES, SegmentRoots, Verifier,
    check_checkpoints,
};
use domain::ports::{Store, Unavailable};
use domain::secret::Secret;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// Chains that may wait to have a segment closed; more are closed at the next occasion.
pub(crate) const WAITING_CHAINS: usize = 256;
/// Entries read at once.
const ENTRIES_AT_ONCE: u32 = 8_192;

/// Closes segments until the sender is gone.
pub(crate) async fn run(store: Arc<dyn Store>, audit_root: Secret<32>, mut due: mpsc::Receiver<(ChainId, ChainHead)>) {
    let signer =
        Arc::new(Signer { key: CheckpointKey::derive(&audit_root), keys: ChainKeys::derive(&audit_root), store });
    while let Some((chain, head)) = due.recv().await {
        let (signer, runtime) = (signer.clone(), Handle::current());
        // Hashing a segment would hold up an asynchronous worker.
        let closed = tokio::task::spawn_blocking(move || runtime.block_on(signer.close(chain, &head))).await;
        match closed {
            Ok(Ok(())) => {}
            Ok(Err(Refused::Unavailable)) | Err(_) => tracing::warn!(%chain, "segment not closed: no answer"),
            Ok(Err(Refused::Broken(found))) => {
                tracing::error!(%chain, sequence = found.sequence, kind = found.kind.name(), "segment not closed: chain broken");
            }
        }
    }
}

struct Signer {
    key: CheckpointKey,
    keys: ChainKeys,
    store: Arc<dyn Store>,
}

/// Why a segment was not signed.
enum Refused {
    Unavailable,
    Broken(Break),
}

impl From<Unavailable> for Refused {
    fn from(_: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl Signer {
    /// Signs every segment of a chain that is closed and has no checkpoint.
    async fn close(&self, chain: ChainId, head: &ChainHead) -> Result<(), Refused> {
        let notes = self.store.checkpoints(chain).await?;
        let mut signed =
            check_checkpoints(chain, &self.key.public(), &notes, head, &BTreeMap::new()).map_err(Refused::Broken)?;
        let closed = head.length.div_euclid(SEGMENT_ENTRIES);
        for segment in u64::try_from(signed.len()).unwrap_or(u64::MAX)..closed {
            let root = self.root(chain, segment).await?;
            let checkpoint = Checkpoint::following(chain, &signed, root);
            self.store.add_checkpoint(chain, segment, self.key.sign(&checkpoint)).await?;
            tracing::info!(%chain, segment, "segment closed");
            signed.push(checkpoint);
        }
        Ok(())
    }

    /// Reads a segment, checks every MAC and link in it, and returns its Merkle root.
    async fn root(&self, chain: ChainId, segment: u64) -> Result<[u8; 32], Refused> {
        let before = segment.saturating_mul(SEGMENT_ENTRIES);
        let mut verifier = if before == 0 {
            Verifier::new(chain, &self.keys)
        } else {
            let last = self.store.entries(chain, before, 1).await?;
            Verifier::after(chain, &self.keys, &last.lines).map_err(Refused::Broken)?
        };
        let mut roots = SegmentRoots::default();
        let end = before.saturating_add(SEGMENT_ENTRIES);
        while verifier.head().length < end {
            let from = verifier.head().length.saturating_add(1);
            let block = self.store.entries(chain, from, ENTRIES_AT_ONCE).await?;
            if block.count == 0 {
                return Err(Refused::Unavailable);
            }
            verifier.block(&block.lines).map_err(Refused::Broken)?;
            roots.add(&block.lines);
        }
        roots.closed().get(&segment).copied().ok_or(Refused::Unavailable)
    }
}
