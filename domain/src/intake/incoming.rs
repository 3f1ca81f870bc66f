//! What a message says once it is mapped: records to be, still in clear and still untrusted.

use crate::id::RecordId;
use crate::index::Term;
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;

/// A mapped message: the records it wants made or changed, and what became of each of its fields.
pub struct Incoming {
    /// The records, each sealed as one.
    pub records: Vec<IncomingRecord>,
    /// What was mapped and what was not, as JSON without values; kept beside the raw message.
    pub trace: String,
    /// Says that somebody must look: the raw message is kept and nothing of it is applied.
    pub held: Option<Hold>,
}

/// Why a message that could be read is kept out of the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hold {
    /// No patient is named.
    NoPatient,
}

/// One record that a message wants made or changed.
pub struct IncomingRecord {
    /// The record's kind: `DiagnosticReport` for a report with all that belongs to it alone.
    pub kind: Kind,
    /// The record's id, which is the id of its head member.
    pub id: RecordId,
    /// The patient in whose compartment it is sealed; `None` for practitioners and organizations.
    pub patient: Option<RecordId>,
    /// When the message was made (MSH-7), never after it arrived: an older one never overwrites a newer one.
    pub as_of: Timestamp,
    /// The resources, the head first; ids are in the family of the head.
    pub members: Vec<IncomingMember>,
    /// The terms by which the record is found.
    pub terms: Vec<Term>,
}

/// One FHIR resource of an incoming record.
pub struct IncomingMember {
    /// Its type.
    pub kind: Kind,
    /// Its id.
    pub id: RecordId,
    /// Its exact JSON text, without `meta.versionId` and `meta.lastUpdated`.
    pub content: String,
}

/// Joins what is stored with what came; pure, implemented where FHIR is understood.
pub trait Merge: Send + Sync {
    /// Returns the content that follows: normally `incoming`; for a report, with the results of both.
    fn merge(&self, kind: Kind, stored: &str, incoming: &str) -> String;

    /// Returns how far a report has come, as its content says.
    fn standing(&self, content: &str) -> Standing;
}

/// How far a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// When the sender released it (OBR-22); `None` when the sender did not say.
    pub released: Option<Timestamp>,
    /// Whether it is final or beyond: what came before that never replaces it.
    pub settled: bool,
}
