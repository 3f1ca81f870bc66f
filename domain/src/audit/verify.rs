//! Checks a chain: the stored bytes, their order, their MACs and their links.
//!
//! Shares no code with the writer. It knows the layouts that [`super::link`] documents, reads them with its
//! own scanner, frames the MAC itself, and can do without keys when an auditor has only the public key.

use super::anchor::{self, Anchor};
use super::merkle::Tree;
use super::scan::{EntryView, read_number};
use super::{Break, BreakKind, ChainHead, ChainId, SegmentKeys};
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use core::str;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Walks a chain from its start, or from an entry that is trusted, and stops at the first break.
///
/// Feed it what the store returns, block by block in order, then call [`Verifier::finish`]. After an error it
/// must not be fed any more.
pub struct Verifier<'k> {
    chain: ChainId,
    keys: Option<&'k dyn SegmentKeys>,
    keyed: Option<(u64, Hmac<Sha256>)>,
    length: u64,
    /// MAC of the last entry, as text; `None` before the first entry of a chain whose genesis is not known.
    prior: Option<[u8; 64]>,
    time: [u8; 24],
    anchor: Option<Anchor>,
    tag_at_anchor: Option<[u8; 32]>,
}

/// What a verified chain is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The chain.
    pub chain: ChainId,
    /// Its last entry.
    pub head: ChainHead,
}

impl<'k> Verifier<'k> {
    /// Starts at the first entry of a chain.
    #[must_use]
    pub fn new(chain: ChainId, keys: &'k dyn SegmentKeys) -> Self {
        let mut verifier = Self::blank(chain, Some(keys));
        verifier.prior = verifier.genesis();
        verifier
    }

    /// Starts behind an entry, given as one line of an entry block, whose own MAC is checked here.
    ///
    /// # Errors
    /// [`Break`] when the line is not a genuine entry of the chain.
    pub fn after(chain: ChainId, keys: &'k dyn SegmentKeys, line: &[u8]) -> Result<Self, Break> {
        let mut verifier = Self::blank(chain, Some(keys));
        let (column, rest) = read_column(line).unwrap_or_default();
        verifier.length = column.saturating_sub(1);
        let (entry, _) = EntryView::read_front(rest).ok_or(verifier.broken(BreakKind::Malformed))?;
        if entry.sequence() != column {
            return Err(verifier.broken(BreakKind::ColumnMismatch));
        }
        verifier.prior = Some(*entry.prior_text());
        verifier.accept(&entry)?;
        Ok(verifier)
    }

    /// Starts behind entry `length` of a chain, whose MAC is `prior`, for an export; without keys only form,
    /// order and links are checked.
    pub(super) fn resume(chain: ChainId, keys: Option<&'k dyn SegmentKeys>, length: u64, prior: [u8; 64]) -> Self {
        let mut verifier = Self::blank(chain, keys);
        verifier.length = length;
        verifier.prior = if length == 0 && keys.is_some() { verifier.genesis() } else { Some(prior) };
        verifier
    }

    /// Starts behind a head that was verified before, or at the first entry when it is empty.
    #[must_use]
    pub fn resume_at(chain: ChainId, keys: &'k dyn SegmentKeys, head: &ChainHead) -> Self {
        let mut prior = [0; 64];
        for (place, byte) in prior.as_chunks_mut::<2>().0.iter_mut().zip(head.tag) {
            *place = hex_of(byte);
        }
        Self::resume(chain, Some(keys), head.length, prior)
    }

    /// Also compares the chain with what is known of it from outside the database.
    ///
    /// The walk must begin at the anchored entry or before it; one that begins later has not seen that entry, and
    /// ends with [`BreakKind::RolledBack`].
    #[must_use]
    pub fn against(mut self, anchor: Anchor) -> Self {
        self.anchor = Some(anchor);
        self
    }

    /// Returns where the verified part ends.
    #[must_use]
    pub fn head(&self) -> ChainHead {
        let tag = self.prior.filter(|_| self.length > 0).map_or([0; 32], |text| bytes_of(&text));
        let time = str::from_utf8(&self.time).ok().and_then(Timestamp::from_rfc3339).unwrap_or_default();
        ChainHead { length: self.length, tag, time }
    }

    /// Checks lines of an entry block: `sequence SP canonical-bytes LF`.
    ///
    /// # Errors
    /// [`Break`] at the first bad entry.
    pub fn block(&mut self, lines: &[u8]) -> Result<(), Break> {
        self.block_with(lines, |_| ())
    }

    /// Checks lines of an entry block and shows each entry once it is verified.
    ///
    /// A missing entry that stands later in the same block is told as [`BreakKind::Reorder`], else as
    /// [`BreakKind::Gap`].
    ///
    /// # Errors
    /// [`Break`] at the first bad entry; entries before it have been shown.
    pub fn block_with(&mut self, lines: &[u8], mut visit: impl FnMut(&EntryView<'_>)) -> Result<(), Break> {
        let mut rest = lines;
        while !rest.is_empty() {
            let (column, bytes) = read_column(rest).ok_or(self.broken(BreakKind::Malformed))?;
            let expected = self.expected();
            if column != expected {
                let later = || {
                    rest.split(|byte| *byte == b'\n').any(|line| read_column(line).is_some_and(|(n, _)| n == expected))
                };
                return Err(self.misplaced(column, later));
            }
            let (entry, behind) = EntryView::read_front(bytes).ok_or(self.broken(BreakKind::Malformed))?;
            rest = behind.strip_prefix(b"\n").ok_or(self.broken(BreakKind::Malformed))?;
            if entry.sequence() != column {
                return Err(self.broken(BreakKind::ColumnMismatch));
            }
            self.accept(&entry)?;
            visit(&entry);
        }
        Ok(())
    }

    /// Checks one entry without a column, as an export has it.
    ///
    /// # Errors
    /// [`Break`]; whether a gap is a reordering is for the caller to find out from what follows.
    pub(super) fn entry<'a>(&mut self, line: &'a [u8]) -> Result<EntryView<'a>, Break> {
        let entry = EntryView::read(line).ok_or(self.broken(BreakKind::Malformed))?;
        if entry.sequence() != self.expected() {
            // A genuine entry is in the wrong place; a forged one is wrong wherever it is.
            return Err(match self.check_mac(&entry) {
                Err(bad) if bad.kind == BreakKind::MacMismatch => bad,
                _ => self.misplaced(entry.sequence(), || false),
            });
        }
        self.accept(&entry)?;
        Ok(entry)
    }

    /// Ends the walk and compares what was read with the stored head and with the anchor.
    ///
    /// # Errors
    /// [`BreakKind::Truncated`] when entries are missing at the end, [`BreakKind::HeadMismatch`] when the head
    /// is not the last entry, [`BreakKind::RolledBack`] when the anchored entry is another.
    pub fn finish(self, stored: &ChainHead) -> Result<Verified, Break> {
        let head = self.head();
        if head.length < stored.length {
            return Err(self.broken(BreakKind::Truncated));
        }
        if let Some(anchor) = &self.anchor {
            anchor::compare(anchor, &head, self.tag_at_anchor)?;
        }
        if head != *stored {
            let sequence = if head.length > stored.length { stored.length.saturating_add(1) } else { head.length };
            return Err(Break { chain: self.chain, sequence, kind: BreakKind::HeadMismatch });
        }
        Ok(Verified { chain: self.chain, head })
    }

    fn blank(chain: ChainId, keys: Option<&'k dyn SegmentKeys>) -> Self {
        Self {
            chain,
            keys,
            keyed: None,
            length: 0,
            prior: None,
            time: *b"0000-00-00T00:00:00.000Z",
            anchor: None,
            tag_at_anchor: None,
        }
    }

    fn accept(&mut self, entry: &EntryView<'_>) -> Result<(), Break> {
        self.check_mac(entry)?;
        match &self.prior {
            Some(prior) if prior == entry.prior_text() => {}
            Some(_) => return Err(self.broken(BreakKind::Fork)),
            None => return Err(self.broken(BreakKind::KeyMissing)),
        }
        if *entry.time_text() < self.time {
            return Err(self.broken(BreakKind::Reorder));
        }
        self.length = entry.sequence();
        self.prior = Some(*entry.mac_text());
        self.time = *entry.time_text();
        if self.anchor.is_some_and(|anchor| anchor.length == self.length) {
            self.tag_at_anchor = Some(bytes_of(entry.mac_text()));
        }
        Ok(())
    }

    fn check_mac(&mut self, entry: &EntryView<'_>) -> Result<(), Break> {
        let Some(keys) = self.keys else { return Ok(()) };
        let segment = entry.sequence().saturating_sub(1) >> 16;
        if self.keyed.as_ref().is_none_or(|(known, _)| *known != segment) {
            let key = keys.segment_key(self.chain, segment).ok_or(self.broken(BreakKind::KeyMissing))?;
            let mut mac = Hmac::new_from_slice(key.expose()).map_err(|_| self.broken(BreakKind::KeyMissing))?;
            mac.update(b"sealgate/audit/1");
            mac.update(&self.chain.0);
            self.keyed = Some((segment, mac));
        }
        let broken = self.broken(BreakKind::MacMismatch);
        let (_, keyed) = self.keyed.as_ref().ok_or(broken)?;
        let mut mac = keyed.clone();
        let [front, back] = entry.signed();
        let length = front.len().saturating_add(back.len());
        mac.update(&u32::try_from(length).map_err(|_| broken)?.to_be_bytes());
        mac.update(front);
        mac.update(back);
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        if tag == bytes_of(entry.mac_text()) { Ok(()) } else { Err(broken) }
    }

    fn genesis(&self) -> Option<[u8; 64]> {
        let key = self.keys?.segment_key(self.chain, 0)?;
        let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).ok()?;
        mac.update(b"genesis");
        mac.update(&self.chain.0);
        let tag: [u8; 32] = mac.finalize().into_bytes().into();
        let mut text = [0; 64];
        let nibbles = tag.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        for (slot, nibble) in text.iter_mut().zip(nibbles) {
            *slot = digit(nibble);
        }
        Some(text)
    }

    fn expected(&self) -> u64 {
        self.length.saturating_add(1)
    }

    fn broken(&self, kind: BreakKind) -> Break {
        Break { chain: self.chain, sequence: self.expected(), kind }
    }

    /// Tells what an entry in the wrong place means; `later` says whether the expected one stands further on.
    fn misplaced(&self, found: u64, later: impl FnOnce() -> bool) -> Break {
        if found < self.expected() {
            // Everything below the expected number was seen already.
            return Break { chain: self.chain, sequence: found, kind: BreakKind::Duplicate };
        }
        self.broken(if later() { BreakKind::Reorder } else { BreakKind::Gap })
    }
}

/// Merkle roots of the segments of a chain, made from the lines that a [`Verifier`] checks.
///
/// It takes half as long as checking them and needs nothing of it, so the two can go side by side.
#[derive(Default)]
pub struct SegmentRoots {
    /// The tree of the segment being read; `None` while it was not read from its first entry.
    open: Option<Tree>,
    closed: BTreeMap<u64, [u8; 32]>,
}

impl SegmentRoots {
    /// Adds the lines of an entry block; lines that are none, which no verifier passes, add nothing.
    pub fn add(&mut self, lines: &[u8]) {
        for (sequence, entry) in lines_of(lines).filter_map(read_column) {
            let place = sequence.saturating_sub(1) & 0xffff;
            if place == 0 {
                self.open = Some(Tree::default());
            }
            if let Some(tree) = &mut self.open {
                tree.push(entry);
            }
            if place == 0xffff
                && let Some(tree) = self.open.take()
            {
                self.closed.insert(sequence.saturating_sub(1) >> 16, tree.root());
            }
        }
    }

    /// Returns the root of each closed segment that was read as a whole.
    #[must_use]
    pub fn closed(self) -> BTreeMap<u64, [u8; 32]> {
        self.closed
    }
}

/// Splits at line ends; entries are long, so looking for the next end by words instead of bytes shows.
fn lines_of(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
    core::iter::from_fn(move || {
        let end = memchr::memchr(b'\n', rest)?;
        let (line, behind) = rest.split_at_checked(end)?;
        rest = behind.get(1..)?;
        Some(line)
    })
}

/// Returns the two lower-case hex digits of a byte.
fn hex_of(byte: u8) -> [u8; 2] {
    [digit(byte >> 4), digit(byte & 15)]
}

fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0'.wrapping_add(nibble) } else { b'a'.wrapping_add(nibble.wrapping_sub(10)) }
}

fn read_column(line: &[u8]) -> Option<(u64, &[u8])> {
    let (column, rest) = read_number(line)?;
    Some((column, rest.strip_prefix(b" ")?))
}

/// Returns the 32 bytes that 64 hex digits stand for; the scan has checked the digits.
pub(super) fn bytes_of(text: &[u8; 64]) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.as_chunks::<2>().0) {
        *byte = pair.iter().fold(0, |value: u8, digit| {
            let nibble = (digit & 15).wrapping_add(if digit.is_ascii_digit() { 0 } else { 9 });
            (value << 4) | nibble
        });
    }
    bytes
}
