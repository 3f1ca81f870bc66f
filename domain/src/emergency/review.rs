//! What is kept of one breaking of the glass until somebody has judged it, and after.

use crate::id::{CorrelationId, RecordId, TenantId};
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::string::String;
use core::ops::RangeInclusive;
use serde::{Deserialize, Serialize};

/// Fewest and most characters of a reviewer's note; below the fewest only where nothing was wrong.
pub const NOTE: RangeInclusive<usize> = 10..=2_000;

/// One breaking of the glass, and what became of it. A sealed record of its tenant.
///
/// The words are the person's own and may speak of the patient: no `Debug`, and nothing of it in a log line.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Its id.
    pub id: RecordId,
    /// The tenant.
    pub tenant: TenantId,
    /// Who broke it: the id under which entries of the chain name them.
    pub person: String,
    /// Their name for people to read.
    pub display: String,
    /// The session in which it was broken.
    pub session: RecordId,
    /// What ties together the entries of that request.
    pub correlation: CorrelationId,
    /// The patient.
    pub patient: RecordId,
    /// The code of the reason.
    pub reason: String,
    /// The reason in the person's own words.
    pub words: String,
    /// When it was broken.
    pub broken: Timestamp,
    /// The moment from which it no longer held.
    pub until: Timestamp,
    /// The judgement; `None` while it is open.
    pub closed: Option<Closed>,
}

/// A judgement.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// When.
    pub at: Timestamp,
    /// Whose: the id under which entries of the chain name them.
    pub by: String,
    /// Their name for people to read.
    pub display: String,
    /// The judgement itself.
    pub verdict: Verdict,
    /// What they wrote; may be empty where nothing was wrong.
    pub note: String,
}

/// How a breaking is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was needed for care.
    Justified,
    /// It was not.
    NotJustified,
    /// It does not open, so that nobody can judge it: what was found of it is in the note.
    Unreadable,
}

impl Verdict {
    /// Every verdict.
    pub const ALL: &'static [Self] = &[Verdict::Justified, Verdict::NotJustified, Verdict::Unreadable];

    /// Returns the word that forms, commands and audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Verdict::Justified => "justified",
            Verdict::NotJustified => "not-justified",
            Verdict::Unreadable => "unreadable",
        }
    }

    /// Returns the verdict of this word, matched exactly.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verdict| verdict.name() == name)
    }

    /// Says whether a note will do: whoever finds fault says why.
    #[must_use]
    pub fn takes(self, note: &str) -> bool {
        let length = note.trim().chars().count();
        length <= *NOTE.end() && (self == Verdict::Justified || length >= *NOTE.start())
    }
}

/// One review as a list has it.
#[derive(Clone, PartialEq, Eq)]
pub enum Listed {
    /// It opens.
    Read(Box<Review>),
    /// It does not open: altered, moved, or its key is gone. It waits for a judgement all the same.
    Unreadable(Unreadable),
}

/// What is known of a review that does not open, by what stands beside it in clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id.
    pub id: RecordId,
    /// When it was stored: the glass was broken then.
    pub broken: Timestamp,
    /// Whether nobody has judged it yet.
    pub open: bool,
}

impl Listed {
    /// Returns its id.
    #[must_use]
    pub const fn id(&self) -> RecordId {
        match self {
            Listed::Read(review) => review.id,
            Listed::Unreadable(unreadable) => unreadable.id,
        }
    }

    /// Returns the moment by which it is to be judged.
    #[must_use]
    pub fn due(&self, hours: u32) -> Timestamp {
        match self {
            Listed::Read(review) => review.due(hours),
            Listed::Unreadable(unreadable) => due(unreadable.broken, hours),
        }
    }

    /// Says whether its time is over and nobody has judged it.
    #[must_use]
    pub fn is_overdue(&self, hours: u32, now: Timestamp) -> bool {
        let open = match self {
            Listed::Read(review) => review.closed.is_none(),
            Listed::Unreadable(unreadable) => unreadable.open,
        };
        open && self.due(hours) <= now
    }

    /// Returns the review, where it opens.
    #[must_use]
    pub fn read(self) -> Option<Review> {
        match self {
            Listed::Read(review) => Some(*review),
            Listed::Unreadable(_) => None,
        }
    }
}

impl Review {
    /// Returns the moment by which it is to be judged.
    #[must_use]
    pub fn due(&self, hours: u32) -> Timestamp {
        due(self.broken, hours)
    }
}

/// Returns the moment by which what was broken then is to be judged.
pub(super) fn due(broken: Timestamp, hours: u32) -> Timestamp {
    broken.plus_seconds(i64::from(hours).saturating_mul(3_600))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_finds_fault_says_why() {
        assert!(Verdict::Justified.takes(""));
        assert!(!Verdict::NotJustified.takes("no reason"));
        assert!(Verdict::NotJustified.takes("no reason at all"));
        assert!(!Verdict::Justified.takes(&"x".repeat(2_001)));
        assert!(!Verdict::Unreadable.takes("gone"));
        for verdict in Verdict::ALL {
            assert_eq!(Verdict::from_name(verdict.name()), Some(*verdict));
        }
        assert_eq!(Verdict::from_name("perhaps"), None);
    }
}
