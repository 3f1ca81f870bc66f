//! Checks an export.

use super::form::{CheckpointLine, ExportHeader, Seal, SealLine, canonical};
use crate::audit::merkle::Tree;
use crate::audit::scan::EntryView;
use crate::audit::{
    Break, BreakKind, ChainHead, ChainId, PublicKey, SEGMENT_ENTRIES, SegmentKeys, Verifier, segment_of,
};
use alloc::collections::BTreeMap;

/// Checks an export line by line.
pub struct ExportVerifier<'k> {
    header: ExportHeader,
    chain: ChainId,
    public: PublicKey,
    verifier: Verifier<'k>,
    /// A missing entry; the rest is read only to find out whether it stands further on.
    gap: Option<Break>,
    segments: Tree,
    checkpoints: u64,
    /// The tree of the segment being read, from its first entry on.
    segment: Option<Tree>,
    /// Roots of the segments that were read whole.
    closed: BTreeMap<u64, [u8; 32]>,
    tree: Tree,
    sealed: bool,
}

impl<'k> ExportVerifier<'k> {
    /// Begins behind the header; without segment keys MACs are not checked, signatures are.
    ///
    /// `public` is the key that the auditor trusts, known from elsewhere than the export; `None` when the
    /// export names another one.
    #[must_use]
    pub fn new(header: ExportHeader, public: PublicKey, keys: Option<&'k dyn SegmentKeys>) -> Option<Self> {
        let chain = header.chain_id().filter(|chain| header.public_key == public.to_text(*chain))?;
        let prior = *header.prior_mac.as_bytes().first_chunk::<64>()?;
        let verifier = Verifier::resume(chain, keys, header.from.checked_sub(1)?, prior);
        Some(Self {
            header,
            chain,
            public,
            verifier,
            gap: None,
            segments: Tree::default(),
            checkpoints: 0,
            segment: None,
            closed: BTreeMap::new(),
            tree: Tree::default(),
            sealed: false,
        })
    }

    /// Checks the next line, given without its line feed; returns the entry, if it is one.
    ///
    /// # Errors
    /// [`Break`] at the first bad entry. A gap is reported by [`ExportVerifier::finish`], since only the rest
    /// of the export tells whether the entry is missing or misplaced.
    pub fn line<'a>(&mut self, line: &'a [u8]) -> Result<Option<EntryView<'a>>, Break> {
        if let Some(gap) = &mut self.gap {
            if EntryView::read(line).is_some_and(|entry| entry.sequence() == gap.sequence) {
                gap.kind = BreakKind::Reorder;
            }
            return Ok(None);
        }
        if self.sealed {
            return Err(self.broken(BreakKind::Malformed));
        }
        if line.starts_with(br#"{"checkpoint":"#) {
            return self.checkpoint(line).map(|()| None);
        }
        if line.starts_with(br#"{"seal":"#) {
            return self.seal(line).map(|()| None);
        }
        match self.verifier.entry(line) {
            Ok(entry) => {
                if entry.sequence() == self.header.from && entry.prior_entry_mac() != self.header.prior_mac {
                    return Err(Break { chain: self.chain, sequence: self.header.from, kind: BreakKind::Fork });
                }
                self.count(&entry);
                Ok(Some(entry))
            }
            Err(gap) if gap.kind == BreakKind::Gap => {
                self.gap = Some(gap);
                Ok(None)
            }
            Err(bad) => Err(bad),
        }
    }

    /// Ends the export.
    ///
    /// # Errors
    /// The pending gap, or [`BreakKind::Truncated`] when the seal or entries before it are missing.
    pub fn finish(self) -> Result<ChainHead, Break> {
        if let Some(gap) = self.gap {
            return Err(gap);
        }
        if !self.sealed {
            return Err(self.broken(BreakKind::Truncated));
        }
        Ok(self.verifier.head())
    }

    fn count(&mut self, entry: &EntryView<'_>) {
        self.tree.push(entry.bytes());
        let of_segment = entry.sequence().saturating_sub(1).rem_euclid(SEGMENT_ENTRIES);
        if of_segment == 0 {
            self.segment = Some(Tree::default());
        }
        if let Some(tree) = &mut self.segment {
            tree.push(entry.bytes());
        }
        if of_segment == SEGMENT_ENTRIES.saturating_sub(1) {
            let root = self.segment.take().map(|tree| (segment_of(entry.sequence()), tree.root()));
            self.closed.extend(root);
        }
    }

    fn checkpoint(&mut self, line: &[u8]) -> Result<(), Break> {
        let expected = self.checkpoints;
        let bad = Break {
            chain: self.chain,
            sequence: expected.saturating_mul(SEGMENT_ENTRIES).saturating_add(1),
            kind: BreakKind::CheckpointBad,
        };
        let line: CheckpointLine = canonical(line).ok_or(bad)?;
        let checkpoint = self.public.open(self.chain, &line.checkpoint).ok_or(bad)?;
        self.segments.push_subtree(checkpoint.segment_root);
        let read = self.closed.get(&expected).is_none_or(|root| *root == checkpoint.segment_root);
        let placed = line.segment == expected
            && checkpoint.segment == expected
            && checkpoint.size() <= self.verifier.head().length;
        if !placed || !read || checkpoint.root != self.segments.root() {
            return Err(bad);
        }
        self.checkpoints = expected.saturating_add(1);
        Ok(())
    }

    fn seal(&mut self, line: &[u8]) -> Result<(), Break> {
        let head = self.verifier.head();
        if head.length < self.header.to {
            return Err(self.broken(BreakKind::Truncated));
        }
        let bad = Break { chain: self.chain, sequence: self.header.from, kind: BreakKind::CheckpointBad };
        let line: SealLine = canonical(line).ok_or(bad)?;
        let stated = self.public.open_note(self.chain, &line.seal).and_then(|body| Seal::from_body(self.chain, body));
        let found = Seal {
            chain: self.chain,
            from: self.header.from,
            count: head.length.saturating_add(1).saturating_sub(self.header.from),
            checkpoints: self.checkpoints,
            root: self.tree.root(),
        };
        if stated != Some(found) || head.length != self.header.to {
            return Err(bad);
        }
        self.sealed = true;
        Ok(())
    }

    fn broken(&self, kind: BreakKind) -> Break {
        Break { chain: self.chain, sequence: self.verifier.head().length.saturating_add(1), kind }
    }
}
