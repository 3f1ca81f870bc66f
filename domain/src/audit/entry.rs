//! What is to be recorded, and what is recorded.

use super::ChainId;
use crate::id::CorrelationId;
use crate::keys::ContentMac;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;

/// An act that is to be recorded: everything an entry says that the chain itself does not add.
///
/// Texts are opaque ids, words of our own and names of users. Never put a patient's name, number or
/// birth date in one: entries outlive the records they speak of. Control characters become U+FFFD and
/// what exceeds [`TEXT_LIMIT`] bytes is cut, so that a hostile text cannot stop an act from being recorded.
pub struct Draft {
    /// The chain that will hold it.
    pub chain: ChainId,
    /// When it happened; the entry says the same to the millisecond, unless the chain is already later.
    pub time: Timestamp,
    /// Who did it.
    pub user: UserId,
    /// From where: the name of the interface, client or terminal.
    pub workstation: String,
    /// What was done, a word such as `read`.
    pub action: String,
    /// The kind of what it was done to, such as `DiagnosticReport`.
    pub resource_type: String,
    /// The opaque id of what it was done to; empty where there is no single one.
    pub resource_id: String,
    /// How it ended.
    pub outcome: Outcome,
    /// Keyed hash of the content before; `None` where there was none or none was changed.
    pub before: Option<ContentMac>,
    /// Keyed hash of the content after, or of the context record; `None` where there is none.
    pub after: Option<ContentMac>,
    /// Ties together the entries and log lines of one message or request.
    pub correlation: CorrelationId,
    /// The sealed context record, stored beside the entry and bound to it by `after`.
    pub context: Option<Vec<u8>>,
}

/// Who acted, as the entry names him.
#[derive(Clone, PartialEq, Eq)]
pub struct UserId {
    /// The stable id.
    pub id: String,
    /// The name that a reader of the trail knows him by.
    pub display: String,
}

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Done.
    Success,
    /// Refused by policy.
    Denied,
    /// There was nothing of that name, or nothing that may be known.
    NotFound,
    /// Refused because the input is not acceptable.
    Rejected,
    /// Tried and failed.
    Failure,
}

impl Outcome {
    /// Every outcome.
    pub const ALL: &'static [Outcome] =
        &[Outcome::Success, Outcome::Denied, Outcome::NotFound, Outcome::Rejected, Outcome::Failure];

    /// Returns the word in the entry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Outcome::Success => "success",
            Outcome::Denied => "denied",
            Outcome::NotFound => "not_found",
            Outcome::Rejected => "rejected",
            Outcome::Failure => "failure",
        }
    }

    /// Returns the outcome of this word.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.name() == name)
    }
}

/// An entry with its place in the chain, ready to be stored verbatim.
pub struct LinkedEntry {
    /// The chain.
    pub chain: ChainId,
    /// Its place: 1 for the first entry.
    pub sequence: u64,
    /// The canonical bytes, all 14 fields.
    pub bytes: Vec<u8>,
    /// The sealed context record to store beside it.
    pub context: Option<Vec<u8>>,
}

/// Most bytes of one text in an entry (UTF-8, before JSON escapes).
pub const TEXT_LIMIT: usize = 256;
