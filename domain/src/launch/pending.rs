//! A request under way: read, and waiting for its person to sign in, to choose and to consent.

use super::ask::Asked;
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
    #[must_use]
    pub fn wants_proof(&self, session: &Session, now: Timestamp) -> bool {
        let before = |moment: Timestamp| session.authenticated < moment;
        (self.asked.prompt_login && before(self.begun))
            || self.asked.max_age.is_some_and(|age| before(now.plus_seconds(age.saturating_neg())))
    }

    /// Returns the patient who was chosen in this session.
    #[must_use]
    pub fn patient_of(&self, session: &Session) -> Option<RecordId> {
        self.chosen.filter(|chosen| chosen.session == session.id).map(|chosen| chosen.patient)
    }
}
