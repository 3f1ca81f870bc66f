//! An export of a chain: JSON Lines that can be checked without the database and without us.
//!
//! ```text
//!   {"chain":"<id>","from":F,"prior_mac":"hex","public_key":"name+hash+key","sealgate_audit_export":1,"to":T}
//!   {"checkpoint":"<note>","segment":0}       checkpoints of the segments before entry F
//!   {"action":…                               entries F to T, their canonical bytes, one a line
//!   {"checkpoint":"<note>","segment":1}       each behind the last entry of its segment
//!   {"seal":"<note>"}                         closes the export
//! ```
//!
//! The seal is a signed note like a checkpoint: origin `sealgate/audit/<chain id>/export`, number of exported
//! entries, Merkle root over them, and an extension line `from F`. So an auditor who trusts the public key can
//! check an export of any range, whole, without a secret. With the segment keys ([`SegmentKeyFile`]) every MAC
//! is checked too, which tells *which* entry was changed.

use super::canonical::hex;
use super::checkpoint::{CheckpointKey, PublicKey, decimal, hash, key_name};
use super::merkle::Tree;
use super::scan::{EntryView, read_number};
use super::{Break, BreakKind, ChainHead, ChainId, SEGMENT_ENTRIES, SegmentKeys, Verifier};
use alloc::collections::{BTreeMap, VecDeque};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The first line of an export.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHeader {
    /// The chain, as text.
    pub chain: String,
    /// Sequence number of the first entry.
    pub from: u64,
    /// MAC of the entry before it, hex.
    pub prior_mac: String,
    /// The key that signs, as a C2SP verifier key. Says which key to ask for; trust needs another way.
    pub public_key: String,
    /// Version of this form: 1.
    pub sealgate_audit_export: u8,
    /// Sequence number of the last entry; `from - 1` when there is none.
    pub to: u64,
}

impl ExportHeader {
    /// Reads the first line; `None` when it does not begin an export of this version.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Self> {
        let header: Self = serde_json::from_slice(line).ok()?;
        let known = header.sealgate_audit_export == 1 && header.from > 0 && header.chain_id().is_some();
        known.then_some(header)
    }

    /// Returns the chain.
    #[must_use]
    pub fn chain_id(&self) -> Option<ChainId> {
        self.chain.parse().ok()
    }
}

/// Writes an export from entry blocks. It does not verify: run a [`Verifier`] over the same blocks.
pub struct ExportWriter<'k> {
    chain: ChainId,
    from: u64,
    to: u64,
    next: u64,
    key: &'k CheckpointKey,
    checkpoints: VecDeque<(u64, String)>,
    tree: Tree,
}

impl<'k> ExportWriter<'k> {
    /// Begins an export of the entries `from` to `to`; `checkpoints` are those of the chain, lowest first.
    #[must_use]
    pub fn new(chain: ChainId, from: u64, to: u64, checkpoints: Vec<(u64, String)>, key: &'k CheckpointKey) -> Self {
        let checkpoints = checkpoints.into_iter().filter(|(segment, _)| end_of(*segment) <= to).collect();
        let from = from.max(1);
        Self { chain, from, to, next: from, key, checkpoints, tree: Tree::default() }
    }

    /// Turns the lines of an entry block into lines of the export.
    ///
    /// # Errors
    /// [`Break`] when a line is not the next entry of the range.
    pub fn block(&mut self, lines: &[u8]) -> Result<Vec<u8>, Break> {
        let mut out = Vec::with_capacity(lines.len());
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let entry = read_number(line).and_then(|(_, rest)| rest.strip_prefix(b" ")?.strip_suffix(b"\n"));
            let entry = entry.and_then(EntryView::read).ok_or(self.broken(BreakKind::Malformed))?;
            if entry.sequence() != self.next || self.next > self.to {
                return Err(self.broken(BreakKind::Gap));
            }
            if self.next == self.from {
                self.begin(entry.prior_entry_mac(), &mut out);
            }
            out.extend_from_slice(entry.bytes());
            out.push(b'\n');
            self.tree.push(entry.bytes());
            self.checkpoints_through(self.next, &mut out);
            self.next = self.next.saturating_add(1);
        }
        Ok(out)
    }

    /// Closes the export and returns its last lines.
    ///
    /// # Errors
    /// [`BreakKind::Truncated`] when entries of the range were not given.
    pub fn finish(mut self) -> Result<Vec<u8>, Break> {
        if self.next <= self.to {
            return Err(self.broken(BreakKind::Truncated));
        }
        let mut out = Vec::new();
        if self.next == self.from {
            self.begin(&text(hex(&[0; 32])), &mut out);
        }
        let count = self.next.saturating_sub(self.from);
        let seal = self.key.sign_note(self.chain, &seal_body(self.chain, self.from, count, &self.tree.root()));
        line(&mut out, &SealLine { seal });
        Ok(out)
    }

    fn begin(&mut self, prior_mac: &str, out: &mut Vec<u8>) {
        line(
            out,
            &ExportHeader {
                chain: self.chain.to_string(),
                from: self.from,
                prior_mac: prior_mac.to_string(),
                public_key: self.key.public().to_text(self.chain),
                sealgate_audit_export: 1,
                to: self.to,
            },
        );
        self.checkpoints_through(self.from.saturating_sub(1), out);
    }

    fn checkpoints_through(&mut self, sequence: u64, out: &mut Vec<u8>) {
        while let Some((segment, checkpoint)) =
            self.checkpoints.pop_front_if(|(segment, _)| end_of(*segment) <= sequence)
        {
            line(out, &CheckpointLine { checkpoint, segment });
        }
    }

    fn broken(&self, kind: BreakKind) -> Break {
        Break { chain: self.chain, sequence: self.next, kind }
    }
}

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
    /// `public` is the key that the auditor trusts, known from elsewhere than the export.
    #[must_use]
    pub fn new(header: ExportHeader, public: PublicKey, keys: Option<&'k dyn SegmentKeys>) -> Option<Self> {
        let chain = header.chain_id()?;
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
            let root = self.segment.take().map(|tree| (super::segment_of(entry.sequence()), tree.root()));
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
        let line: CheckpointLine = serde_json::from_slice(line).map_err(|_| bad)?;
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
        let line: SealLine = serde_json::from_slice(line).map_err(|_| bad)?;
        let stated = self.public.open_note(self.chain, &line.seal).and_then(read_seal).ok_or(bad)?;
        let count = head.length.saturating_add(1).saturating_sub(self.header.from);
        if stated != (origin(self.chain), self.header.from, count, self.tree.root()) || head.length != self.header.to {
            return Err(bad);
        }
        self.sealed = true;
        Ok(())
    }

    fn broken(&self, kind: BreakKind) -> Break {
        Break { chain: self.chain, sequence: self.verifier.head().length.saturating_add(1), kind }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckpointLine {
    checkpoint: String,
    segment: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SealLine {
    seal: String,
}

fn seal_body(chain: ChainId, from: u64, count: u64, root: &[u8; 32]) -> String {
    format!("{}\n{count}\n{}\nfrom {from}\n", origin(chain), STANDARD.encode(root))
}

/// Reads the text of a seal: origin, first entry, number of entries, root.
fn read_seal(body: &str) -> Option<(String, u64, u64, [u8; 32])> {
    let mut lines = body.lines();
    let origin = lines.next()?.to_string();
    let count = decimal(lines.next()?)?;
    let root = hash(lines.next()?)?;
    let from = decimal(lines.next()?.strip_prefix("from ")?)?;
    lines.next().is_none().then_some((origin, from, count, root))
}

fn origin(chain: ChainId) -> String {
    format!("{}/export", key_name(chain))
}

fn end_of(segment: u64) -> u64 {
    segment.saturating_add(1).saturating_mul(SEGMENT_ENTRIES)
}

fn line(out: &mut Vec<u8>, value: &impl Serialize) {
    // Texts and numbers into memory: nothing here can fail.
    out.extend_from_slice(&serde_json::to_vec(value).unwrap_or_default());
    out.push(b'\n');
}

fn text(hex: [u8; 64]) -> String {
    hex.iter().map(|digit| char::from(*digit)).collect()
}
