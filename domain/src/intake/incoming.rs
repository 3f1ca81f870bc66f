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

    /// Says whether a member of a report says nothing about the patient any more: taken back, or not a finding at all. What cannot
    /// be read does.
    fn withdrawn(&self, kind: Kind, content: &str) -> bool {
        let _ = (kind, content);
        false
    }

    /// Returns an observation as it stands once its report was taken back: what it was about, and nothing that it said.
    fn retracted(&self, content: &str) -> String;

    /// Returns what an observation is called in its report; `None` where its content does not say.
    fn named_result(&self, content: &str) -> Option<NamedResult>;
}

/// What a result is called in its report, besides its id, and what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NamedResult {
    /// Sender and order, as its identifier begins.
    pub order: String,
    /// The systems and codes that say what was observed (OBX-3); a text alone has no system.
    pub codings: Vec<(String, String)>,
    /// Which of several (OBX-4); empty where the sender did not say.
    pub sub_id: String,
    /// When it was observed.
    pub at: Option<Timestamp>,
    /// Its value, as text.
    pub value: String,
    /// Whether it is not known to be final.
    pub open: bool,
    /// Whether it changes a result that is there rather than bringing one: corrected, taken back, or without a value of its own.
    pub acts: bool,
}

impl NamedResult {
    /// Says whether two are one result by name: they have a system in common, and a code in each system that they have in common.
    ///
    /// So one more code for a known result makes no second one, and two local codes with one standard code stay two.
    #[must_use]
    pub fn is_called_as(&self, other: &Self) -> bool {
        let mut shared = false;
        for (system, _) in &self.codings {
            let mut theirs = other.codings.iter().filter(|theirs| theirs.0 == *system).peekable();
            if theirs.peek().is_some() {
                if !theirs.any(|theirs| self.codings.contains(theirs)) {
                    return false;
                }
                shared = true;
            }
        }
        shared && self.order == other.order && self.sub_id == other.sub_id
    }
}

/// How far a report has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// When the sender released it (OBR-22); `None` when the sender did not say.
    pub released: Option<Timestamp>,
    /// The stage its status tells.
    pub stage: Stage,
    /// Whether the whole of it was taken back: no result of it stands.
    pub retracted: bool,
}

/// The stages of a report, in the order in which a result goes through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Stage {
    /// Not final: ordered, partial, preliminary, or not said.
    #[default]
    Open,
    /// Final.
    Final,
    /// Beyond final: amended, corrected, appended, cancelled, taken back.
    Revised,
}
