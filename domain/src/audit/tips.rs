//! The ends of chains, held against what was known of them: finds a cut tail and an older database at once.
//!
//! Two reads a chain, however long it is. Whoever is about to add to a chain looks here first: what is added could
//! otherwise carry the chain past its anchor and hide that it was cut or replaced.

use super::{Anchor, Break, BreakKind, ChainHead, ChainId, ChainKeys, Verifier, compare};
use crate::ports::{Store, Unavailable};
use core::fmt;

/// Holds the heads of chains against what was known of them before the heads were read.
///
/// Each chain in `known` must still have the entry that is named there, and each head must be the genuine
/// entry that stands at its length. A chain in `known` that has no head any more was removed whole.
///
/// # Errors
/// [`TipFault`], with the first break.
pub async fn check_tips(
    store: &dyn Store,
    keys: &ChainKeys,
    known: &[Anchor],
    heads: &[(ChainId, ChainHead)],
) -> Result<(), TipFault> {
    for anchor in known.iter().filter(|anchor| anchor.length > 0) {
        let head = heads.iter().find(|(chain, _)| *chain == anchor.chain).map_or(ChainHead::EMPTY, |(_, head)| *head);
        let tag = match head.length < anchor.length {
            true => None,
            false => Some(entry(store, keys, anchor.chain, anchor.length).await?.tag),
        };
        compare(anchor, &head, tag)?;
    }
    for (chain, head) in heads.iter().filter(|(_, head)| head.length > 0) {
        if entry(store, keys, *chain, head.length).await? != *head {
            return Err(Break { chain: *chain, sequence: head.length, kind: BreakKind::HeadMismatch }.into());
        }
    }
    Ok(())
}

/// Why the ends of the chains are not what they must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TipFault {
    /// A chain is broken, cut short or rolled back.
    Broken(Break),
    /// The store does not answer.
    Unavailable,
}

impl From<Break> for TipFault {
    fn from(broken: Break) -> Self {
        Self::Broken(broken)
    }
}

impl From<Unavailable> for TipFault {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Unavailable
    }
}

impl fmt::Display for TipFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TipFault::Broken(broken) => broken.fmt(f),
            TipFault::Unavailable => Unavailable.fmt(f),
        }
    }
}

impl core::error::Error for TipFault {}

/// Reads one entry, checks its MAC, and returns the head that it would be.
async fn entry(store: &dyn Store, keys: &ChainKeys, chain: ChainId, sequence: u64) -> Result<ChainHead, TipFault> {
    let line = store.entries(chain, sequence, 1).await?.lines;
    if line.is_empty() {
        return Err(Break { chain, sequence, kind: BreakKind::Truncated }.into());
    }
    let found = Verifier::after(chain, keys, &line)?.head();
    if found.length == sequence { Ok(found) } else { Err(Break { chain, sequence, kind: BreakKind::Gap }.into()) }
}
