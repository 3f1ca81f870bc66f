//! What commits together: records, index terms, claims and audit drafts as one value.

use crate::audit::{ChainHead, ChainId, Draft, LinkedEntry};
use crate::id::{ClinicId, RecordId, TenantId};
use crate::index::IndexToken;
use crate::keys::WrappedDataKey;
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::vec::Vec;

/// The version of a record or resource: 1, 2, 3 …
pub type Version = u32;

/// Rows that a use case wants written together or not at all.
#[derive(Default)]
pub struct WriteSet {
    /// Data keys not known to be stored yet; stored if absent, by id.
    pub keys: Vec<WrappedDataKey>,
    /// Records sealed for this write.
    pub records: Vec<RecordWrite>,
    /// Index terms; a term that is there already is left alone.
    pub terms: Vec<IndexTerm>,
    /// Claims that must not exist yet: the proof that a message is stored once.
    pub claims: Vec<Claim>,
    /// What the audit chains will say about it, in order.
    pub drafts: Vec<Draft>,
}

/// One sealed version of a record, to become the current one.
pub struct RecordWrite {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its id.
    pub id: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// The clinic it belongs to; `None` belongs to the whole tenant. Bound into the sealed form.
    pub clinic: Option<ClinicId>,
    /// The version that must be current now; `None` when the record must not exist.
    pub replaces: Option<Version>,
    /// The version this write makes.
    pub version: Version,
    /// When the first version was stored; orders search results and never changes.
    pub arrival: Timestamp,
    /// When this version was stored.
    pub last_updated: Timestamp,
    /// Routing state of a message; `Routing::None` for everything else.
    pub routing: Routing,
    /// The sealed form.
    pub sealed: Vec<u8>,
}

/// Where a received message stands; stored in clear, so that work can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Routing {
    /// Not a message.
    None,
    /// Mapped, every resource stored.
    Mapped,
    /// Stored, but mapping failed: a work item.
    Unmapped,
    /// Stored, kept out of the records until somebody decides.
    Quarantined,
    /// Stored, older than what is there: it changed nothing.
    Late,
    /// Not a message: a breaking of the glass that nobody has judged yet.
    Review,
    /// Stored, kept out of the records, and closed by a person.
    Dismissed,
}

impl Routing {
    /// Every state, in the order of their codes.
    pub const ALL: &'static [Routing] = &[
        Routing::None,
        Routing::Mapped,
        Routing::Unmapped,
        Routing::Quarantined,
        Routing::Late,
        Routing::Review,
        Routing::Dismissed,
    ];

    /// Returns the number that stands for this state in the database.
    #[must_use]
    pub const fn code(self) -> i16 {
        match self {
            Routing::None => 0,
            Routing::Mapped => 1,
            Routing::Unmapped => 2,
            Routing::Quarantined => 3,
            Routing::Late => 4,
            Routing::Review => 5,
            Routing::Dismissed => 6,
        }
    }

    /// Returns the state of a number, or `None` when no state has it.
    #[must_use]
    pub fn from_code(code: i16) -> Option<Routing> {
        Routing::ALL.iter().copied().find(|state| state.code() == code)
    }

    /// Returns the word an operator types and reads.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Routing::None => "none",
            Routing::Mapped => "mapped",
            Routing::Unmapped => "unmapped",
            Routing::Quarantined => "quarantined",
            Routing::Late => "late",
            Routing::Review => "review",
            Routing::Dismissed => "dismissed",
        }
    }
}

/// A keyed term by which a record is found; the token already binds tenant and field.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexTerm {
    /// The tenant.
    pub tenant: TenantId,
    /// The keyed term.
    pub token: IndexToken,
    /// The record it finds.
    pub record: RecordId,
    /// The record's arrival, the order in which it is found.
    pub arrival: Timestamp,
}

/// A keyed name that may be taken once per tenant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim {
    /// The tenant.
    pub tenant: TenantId,
    /// The keyed name.
    pub token: [u8; 16],
    /// The message that takes it.
    pub message: RecordId,
}

/// A record as it is stored.
#[derive(Clone)]
pub struct StoredRecord {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its id.
    pub id: RecordId,
    /// Its kind.
    pub kind: Kind,
    /// The clinic it belongs to; `None` belongs to the whole tenant.
    pub clinic: Option<ClinicId>,
    /// Its version.
    pub version: Version,
    /// When the first version was stored.
    pub arrival: Timestamp,
    /// When this version was stored.
    pub last_updated: Timestamp,
    /// Routing state of a message.
    pub routing: Routing,
    /// The sealed form.
    pub sealed: Vec<u8>,
}

/// The move of one chain head that a batch makes.
#[derive(Clone, Copy)]
pub struct HeadMove {
    /// The chain.
    pub chain: ChainId,
    /// The head the entries were linked to; the commit is refused unless it is still there.
    pub from: ChainHead,
    /// The head afterwards.
    pub to: ChainHead,
}

/// Write sets of several callers, linked to the chain heads, to be applied in one transaction.
pub struct Batch<'a> {
    /// The members, in the order in which their entries were linked.
    pub members: &'a [WriteSet],
    /// One move for each chain that grows.
    pub moves: Vec<HeadMove>,
    /// The linked entries of all members, in chain order.
    pub entries: Vec<LinkedEntry>,
}

/// Which member of a batch cannot be applied, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conflict {
    /// Its place in `Batch::members`.
    pub member: usize,
    /// Why.
    pub reason: ConflictReason,
}

/// Why a member of a batch cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConflictReason {
    /// A claim is taken: the message is stored already (or earlier in the same batch).
    Claimed,
    /// A record is not at the version the write replaces.
    Version,
}
