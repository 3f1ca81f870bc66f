//! What is wrong with a chain, and where it starts to be wrong.

use super::ChainId;
use alloc::format;
use alloc::string::String;
use core::fmt;

/// The first place at which a chain is not what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Break {
    /// The chain.
    pub chain: ChainId,
    /// The first sequence number that is missing or not genuine.
    pub sequence: u64,
    /// What is wrong there.
    pub kind: BreakKind,
}

impl Break {
    /// Renders the break as one line of JSON for the operator and for monitoring; it carries no data.
    #[must_use]
    pub fn to_json(&self) -> String {
        format!(
            r#"{{"audit_chain_broken":true,"chain":"{}","first_bad_sequence":{},"kind":"{}"}}"#,
            self.chain,
            self.sequence,
            self.kind.name()
        )
    }
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "audit chain {} is broken at entry {}: {}", self.chain, self.sequence, self.kind.name())
    }
}

impl core::error::Error for Break {}

/// What is wrong at a break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BreakKind {
    /// The entry's MAC does not fit its bytes: a field or the MAC was changed.
    MacMismatch,
    /// The entry is not there, and later ones are.
    Gap,
    /// The entry is there twice.
    Duplicate,
    /// A genuine entry, but the one before it is not the one it was linked to.
    Fork,
    /// Genuine entries in another order, or time running backwards.
    Reorder,
    /// The chain ends before a place that it is known to have reached.
    Truncated,
    /// The chain reaches the anchored place with another entry there.
    RolledBack,
    /// A checkpoint is missing its signature, its entries or its place.
    CheckpointBad,
    /// The chain has entries but no anchor says how far it was.
    AnchorMissing,
    /// The newest anchor of the chain is not genuine, and the chain ends at the one before.
    AnchorAltered,
    /// The sequence column does not say what the entry says.
    ColumnMismatch,
    /// The bytes are not an entry in canonical form.
    Malformed,
    /// The stored head is not the last entry.
    HeadMismatch,
    /// No key was given for the segment of the entry.
    KeyMissing,
    /// The entry vouches for a sealed context that is not there.
    ContextMissing,
    /// The sealed context beside the entry does not open, or is not the one that the entry vouches for.
    ContextAltered,
    /// The record that the entry tells of is not there.
    RecordMissing,
    /// The record that the entry tells of is there with an older content, or with one that no entry tells of.
    RecordRolledBack,
    /// The record that the entry tells of does not open, or its key is gone.
    RecordAltered,
}

impl BreakKind {
    /// Every kind.
    pub const ALL: &'static [BreakKind] = &[
        BreakKind::MacMismatch,
        BreakKind::Gap,
        BreakKind::Duplicate,
        BreakKind::Fork,
        BreakKind::Reorder,
        BreakKind::Truncated,
        BreakKind::RolledBack,
        BreakKind::CheckpointBad,
        BreakKind::AnchorMissing,
        BreakKind::AnchorAltered,
        BreakKind::ColumnMismatch,
        BreakKind::Malformed,
        BreakKind::HeadMismatch,
        BreakKind::KeyMissing,
        BreakKind::ContextMissing,
        BreakKind::ContextAltered,
        BreakKind::RecordMissing,
        BreakKind::RecordRolledBack,
        BreakKind::RecordAltered,
    ];

    /// Returns the word that operators, scripts and the other verifier read.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            BreakKind::MacMismatch => "mac_mismatch",
            BreakKind::Gap => "gap",
            BreakKind::Duplicate => "duplicate",
            BreakKind::Fork => "fork",
            BreakKind::Reorder => "reorder",
            BreakKind::Truncated => "truncated",
            BreakKind::RolledBack => "rolled_back",
            BreakKind::CheckpointBad => "checkpoint_bad",
            BreakKind::AnchorMissing => "anchor_missing",
            BreakKind::AnchorAltered => "anchor_altered",
            BreakKind::ColumnMismatch => "column_mismatch",
            BreakKind::Malformed => "malformed",
            BreakKind::HeadMismatch => "head_mismatch",
            BreakKind::KeyMissing => "key_missing",
            BreakKind::ContextMissing => "context_missing",
            BreakKind::ContextAltered => "context_altered",
            BreakKind::RecordMissing => "record_missing",
            BreakKind::RecordRolledBack => "record_rolled_back",
            BreakKind::RecordAltered => "record_altered",
        }
    }
}
