//! Writes an export.

use super::form::{CheckpointLine, ExportHeader, Seal, SealLine, render};
use crate::audit::merkle::Tree;
use crate::audit::scan::{EntryView, read_number};
use crate::audit::{Break, BreakKind, ChainId, CheckpointKey, SEGMENT_ENTRIES};
use alloc::collections::VecDeque;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Writes an export from entry blocks. It does not verify: run a [`crate::audit::Verifier`] over the same blocks.
pub struct ExportWriter<'k> {
    chain: ChainId,
    from: u64,
    to: u64,
    next: u64,
    key: &'k CheckpointKey,
    checkpoints: VecDeque<(u64, String)>,
    written: u64,
    tree: Tree,
}

impl<'k> ExportWriter<'k> {
    /// Begins an export of the entries `from` to `to`; `checkpoints` are those of the chain, lowest first.
    #[must_use]
    pub fn new(chain: ChainId, from: u64, to: u64, checkpoints: Vec<(u64, String)>, key: &'k CheckpointKey) -> Self {
        let checkpoints = checkpoints.into_iter().filter(|(segment, _)| end_of(*segment) <= to).collect();
        let from = from.max(1);
        Self { chain, from, to, next: from, key, checkpoints, written: 0, tree: Tree::default() }
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
            self.begin(&"0".repeat(64), &mut out);
        }
        let seal = Seal {
            chain: self.chain,
            from: self.from,
            count: self.next.saturating_sub(self.from),
            checkpoints: self.written,
            root: self.tree.root(),
        };
        render(&mut out, &SealLine { seal: self.key.sign_note(self.chain, &seal.to_body()) });
        Ok(out)
    }

    fn begin(&mut self, prior_mac: &str, out: &mut Vec<u8>) {
        render(
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
            render(out, &CheckpointLine { checkpoint, segment });
            self.written = self.written.saturating_add(1);
        }
    }

    fn broken(&self, kind: BreakKind) -> Break {
        Break { chain: self.chain, sequence: self.next, kind }
    }
}

fn end_of(segment: u64) -> u64 {
    segment.saturating_add(1).saturating_mul(SEGMENT_ENTRIES)
}
