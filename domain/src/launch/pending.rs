//! A request under way: read, and waiting for its person to sign in, to choose and to consent.

use super::ask::Asked;
use super::desk::Launched;
use crate::id::RecordId;
use crate::identity::Session;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// A request under way.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pending {
    /// What is asked.
    pub asked: Asked,
    /// When it came.
    pub begun: Timestamp,
    /// What its launch was opened with; `None` where it has none, or that was unknown or over when the request came.
    #[serde(default)]
    pub launched: Option<Launched>,
    /// The patient who was chosen for it.
    pub chosen: Option<Chosen>,
}

/// A patient whom somebody chose; good for the session it was done in and no other.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chosen {
    /// The session.
    pub session: RecordId,
    /// The patient.
    pub patient: RecordId,
}

impl Pending {
    /// Says whether the person of a session must first prove anew who they are (OpenID Connect Core §3.1.2.1, `prompt` and `max_age`).
    ///
    /// An age is counted back from when the request came: else one of 0 could never be met, and a small one would run out while
    /// somebody reads what they are asked. Providers tell the moment in whole seconds.
    #[must_use]
    pub fn wants_proof(&self, session: &Session) -> bool {
        let oldest = |age: i64| self.begun.plus_seconds(age.saturating_neg()).plus_seconds(-1);
        let age = if self.asked.prompt_login { Some(0) } else { self.asked.max_age };
        age.is_some_and(|age| session.authenticated < oldest(age))
    }

    /// Returns the patient from whose page the application was opened.
    ///
    /// # Errors
    /// The word for the audit chain, where that is no launch of this application and person.
    pub fn patient_of_launch(&self, session: &Session) -> Result<RecordId, &'static str> {
        match &self.launched {
            None => Err("unknown-launch"),
            Some(launched) if launched.application != self.asked.application => Err("launch-of-another-application"),
            Some(launched) if launched.person != session.person => Err("launch-of-another-person"),
            Some(launched) => Ok(launched.patient),
        }
    }

    /// Returns the patient who was chosen in this session.
    #[must_use]
    pub fn patient_of(&self, session: &Session) -> Option<RecordId> {
        self.chosen.filter(|chosen| chosen.session == session.id).map(|chosen| chosen.patient)
    }
}
