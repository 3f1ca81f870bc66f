//! What a chain says the records are: the hash of each one's newest content.
//!
//! A chain proves what was written; it does not prove that it is still there. Whoever may change the database can delete
//! a record, or put an older version of it back, and every sealed byte still opens. The newest `after_hash` of
//! each id tells.

use super::verify::bytes_of;
use super::{Break, BreakKind, ChainHead, ChainId, EntryView, SegmentKeys, Verifier};
use crate::id::RecordId;
use crate::keys::ContentMac;
use crate::kind::Kind;
use crate::ports::{Store, Unavailable};
use alloc::collections::BTreeMap;

/// The newest content of every record that a chain speaks of; about 100 bytes of memory for each.
#[derive(Clone)]
pub struct Contents {
    chain: ChainId,
    directory: bool,
    read_up_to: ChainHead,
    stated: BTreeMap<RecordId, Stated>,
}

/// What the newest entry about a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stated {
    /// The record's kind.
    pub kind: Kind,
    /// The sequence number of the entry.
    pub sequence: u64,
    /// The keyed hash of the content that was stored with it.
    pub content: ContentMac,
}

impl Contents {
    /// Begins for the records that a tenant, or the system, keeps for itself; the directory is left out.
    #[must_use]
    pub const fn of_records(chain: ChainId) -> Self {
        Self { chain, directory: false, read_up_to: ChainHead::EMPTY, stated: BTreeMap::new() }
    }

    /// Begins for the directory, which the system keeps.
    #[must_use]
    pub const fn of_directory() -> Self {
        Self { chain: ChainId::SYSTEM, directory: true, read_up_to: ChainHead::EMPTY, stated: BTreeMap::new() }
    }

    /// Takes in the next entry of the chain, which must be verified.
    pub fn take(&mut self, entry: &EntryView<'_>) {
        let (action, outcome) = (entry.action(), entry.outcome());
        if !matches!(&*action, "create" | "update") || outcome != "success" {
            return;
        }
        let kind = Kind::from_name(&entry.resource_type()).filter(|kind| kind.is_directory() == self.directory);
        let (Some(kind), Some(content), Ok(id)) = (kind, entry.after_mac(), entry.resource_id().parse()) else {
            return;
        };
        self.stated.insert(id, Stated { kind, sequence: entry.sequence(), content });
    }

    /// Reads on to the present head of the chain, verifying what it reads.
    ///
    /// # Errors
    /// [`NotRead`]; then what was taken in before stays.
    pub async fn follow(&mut self, store: &dyn Store, keys: &dyn SegmentKeys) -> Result<(), NotRead> {
        let heads = store.heads().await?;
        let head = heads.iter().find(|(chain, _)| *chain == self.chain).map_or(ChainHead::EMPTY, |(_, head)| *head);
        let broken = |sequence, kind| Break { chain: self.chain, sequence, kind };
        if head.length < self.read_up_to.length {
            return Err(broken(head.length.saturating_add(1), BreakKind::Truncated).into());
        }
        let mut news = self.clone_from_here();
        let mut verifier = Verifier::resume_at(self.chain, keys, &self.read_up_to);
        while verifier.head().length < head.length {
            let from = verifier.head().length.saturating_add(1);
            let left = head.length.saturating_sub(verifier.head().length);
            let limit = u32::try_from(left).unwrap_or(BLOCK_ENTRIES).min(BLOCK_ENTRIES);
            let block = store.entries(self.chain, from, limit).await?;
            if block.count == 0 {
                return Err(broken(from, BreakKind::Truncated).into());
            }
            verifier.block_with(&block.lines, |entry| news.take(entry))?;
        }
        let found = verifier.head();
        if (found.length, found.tag) != (head.length, head.tag) {
            return Err(broken(head.length, BreakKind::HeadMismatch).into());
        }
        self.stated.append(&mut news.stated);
        self.read_up_to = head;
        Ok(())
    }

    /// Returns what is said of a record.
    #[must_use]
    pub fn of(&self, id: RecordId) -> Option<&Stated> {
        self.stated.get(&id)
    }

    /// Returns every record that was spoken of.
    pub fn iter(&self) -> impl Iterator<Item = (RecordId, &Stated)> {
        self.stated.iter().map(|(id, stated)| (*id, stated))
    }

    /// Returns how many records were spoken of.
    #[must_use]
    pub fn len(&self) -> usize {
        self.stated.len()
    }

    /// Says whether no record was spoken of.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stated.is_empty()
    }

    /// Returns the break that a record is which is not what its entry says.
    #[must_use]
    pub const fn broken(&self, stated: &Stated, kind: BreakKind) -> Break {
        Break { chain: self.chain, sequence: stated.sequence, kind }
    }

    /// Returns the chain.
    #[must_use]
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    fn clone_from_here(&self) -> Self {
        Self { chain: self.chain, directory: self.directory, read_up_to: self.read_up_to, stated: BTreeMap::new() }
    }
}

/// Why a chain was not read to its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRead {
    /// It is broken, or ends before a place it had reached.
    Broken(Break),
    /// The store does not answer.
    Unavailable,
}

impl From<Break> for NotRead {
    fn from(broken: Break) -> Self {
        Self::Broken(broken)
    }
}

impl From<Unavailable> for NotRead {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Unavailable
    }
}

/// Reads the 64 hex digits of a hash that the scan has checked.
pub(super) fn content_mac(hex: &[u8]) -> Option<ContentMac> {
    hex.try_into().ok().map(|hex: &[u8; 64]| ContentMac(bytes_of(hex)))
}

/// Entries read at a time.
const BLOCK_ENTRIES: u32 = 8_192;
