//! What is still to be done about broken glass: to send the alarm, and to write down the end.
//!
//! A ticket for each breaking says so, to every gateway of the database. It outlives the process that kept it, and goes when
//! nothing is left to be done.

use super::review::Review;
use super::{Emergency, NotDone, gateway, gateway_actor};
use crate::audit;
use crate::id::{CorrelationId, RecordId, TenantId};
use crate::identity::{GlassBroken, Session};
use crate::journal::Act;
use crate::kind::Kind;
use crate::sign_in::{MAX_SESSIONS, person_owner};
use crate::ticket::{Kept, Owner, TicketKind};
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most breakings that are looked at in a round, of some 700 bytes each: all there are, lest the newest wait for the oldest.
/// One is there for as long as it holds, and until its alarm is accepted or given up.
pub const OUTBOX: u32 = 10_000;
/// For how long an alarm is tried, in seconds after the breaking.
pub const GIVE_UP_SECONDS: i64 = 86_400;

/// A breaking about which something is to be done. No word of the person's own, and no patient's name: it may be told.
#[derive(Clone, Serialize, Deserialize)]
pub struct Waiting {
    /// The review.
    pub review: RecordId,
    /// The tenant.
    pub tenant: TenantId,
    /// Who broke it.
    pub person: String,
    /// Their name for people to read.
    pub display: String,
    /// The session that holds the glass.
    pub session: RecordId,
    /// What ties together the entries of that request.
    pub correlation: CorrelationId,
    /// The code of the reason.
    pub reason: String,
    /// When it was broken.
    pub broken: Timestamp,
    /// The moment from which it no longer holds.
    pub until: Timestamp,
    /// How often the alarm was tried.
    pub attempts: u32,
    /// When it is to be tried again.
    pub next: Timestamp,
    /// Whether the alarm is owed; of a breaking before this was noted, it is.
    #[serde(default = "owed")]
    pub alarm: bool,
    /// Whether it was accepted or given up.
    pub told: bool,
    /// Whether the end is written down.
    pub ended: bool,
    patient: RecordId,
}

impl Emergency {
    /// Returns the breakings about which something is to be done, at most [`OUTBOX`].
    ///
    /// # Errors
    /// [`NotDone::Unavailable`].
    pub async fn waiting(&self) -> Result<Vec<Kept<Waiting>>, NotDone> {
        Ok(self.book.of_owner(TicketKind::BreakGlass, self.outbox(), OUTBOX).await?)
    }

    /// Says whether the glass was broken in truth: the review is stored. `None`: not yet, and it may still be.
    ///
    /// # Errors
    /// [`NotDone::Unavailable`].
    pub async fn happened(&self, waiting: &Waiting) -> Result<Option<bool>, NotDone> {
        let found = self.store.load(waiting.tenant, &[waiting.review]).await?;
        let stored = found.iter().any(|record| record.kind == Kind::GlassReview);
        let settled = stored || waiting.broken.plus_seconds(SETTLED_SECONDS) <= self.clock.now();
        Ok(settled.then_some(stored))
    }

    /// Says whether a session of the person still holds the glass.
    ///
    /// # Errors
    /// [`NotDone::Unavailable`].
    pub async fn is_held(&self, waiting: &Waiting) -> Result<bool, NotDone> {
        // Sessions of people have such names and no others.
        let Ok(person) = waiting.person.parse::<RecordId>() else { return Ok(true) };
        let owner = person_owner(&self.book.keys, person);
        let sessions = self.book.of_owner::<Session>(TicketKind::Session, owner, MAX_SESSIONS).await?;
        let holds = |glass: GlassBroken| glass.review == Some(waiting.review);
        Ok(sessions.iter().any(|kept| kept.value.glass.is_some_and(holds)))
    }

    /// Takes the next attempt to send the alarm upon oneself; of several gateways, one gets it.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn take_attempt(&self, kept: &Kept<Waiting>) -> Result<Option<Kept<Waiting>>, NotDone> {
        let now = self.clock.now();
        let waiting = Waiting {
            attempts: kept.value.attempts.saturating_add(1),
            next: now.plus_seconds(pause_after(kept.value.attempts)),
            ..kept.value.clone()
        };
        self.replace(kept, &waiting).await
    }

    /// Records that the alarm was accepted, or that it is given up, and remembers it.
    ///
    /// # Errors
    /// [`NotDone`]; then it may be sent once more.
    pub async fn told(&self, kept: &Kept<Waiting>, accepted: bool) -> Result<(), NotDone> {
        let waiting = &kept.value;
        let subject = gateway(waiting.tenant);
        let actor = gateway_actor(&subject, waiting.correlation);
        let (kind, id) = (Kind::GlassReview.name(), waiting.review.to_string());
        let act = if accepted {
            Act::done("BreakGlassAlerted", kind, &id)
        } else {
            Act::failed("BreakGlassAlerted", kind, &id)
        };
        self.once("glass-alerted", &actor, waiting.review, act, audit::Context::default()).await?;
        self.remember(kept, |waiting| waiting.told = true).await
    }

    /// Records the end of what ended by time, or with its session, and remembers it.
    ///
    /// # Errors
    /// [`NotDone`]; then it is tried again.
    pub async fn over(&self, kept: &Kept<Waiting>, with_session: bool) -> Result<(), NotDone> {
        let waiting = &kept.value;
        let subject = gateway(waiting.tenant);
        let actor = gateway_actor(&subject, waiting.correlation);
        let (action, why) =
            if with_session { ("BreakGlassEnded", "the session ended") } else { ("BreakGlassExpired", "time") };
        let context = audit::Context { reason: Some(why.to_string()), ..audit::Context::default() };
        self.end_once(&actor, waiting.review, waiting.patient, action, context).await?;
        self.remember(kept, |waiting| waiting.ended = true).await
    }

    /// Forgets a breaking about which nothing is left to be done.
    ///
    /// # Errors
    /// [`NotDone::Unavailable`].
    pub async fn forget(&self, kept: &Kept<Waiting>) -> Result<(), NotDone> {
        self.book.remove(kept).await?;
        Ok(())
    }

    /// Keeps a breaking that is about to be written.
    pub(super) async fn keep_waiting(&self, review: &Review, alarm: bool) -> Result<(), NotDone> {
        let waiting = Waiting {
            review: review.id,
            tenant: review.tenant,
            person: review.person.clone(),
            display: review.display.clone(),
            session: review.session,
            correlation: review.correlation,
            reason: review.reason.clone(),
            broken: review.broken,
            until: review.until,
            attempts: 0,
            next: review.broken,
            alarm,
            told: false,
            ended: false,
            patient: review.patient,
        };
        let key = self.book.keys.key(TicketKind::BreakGlass, &[review.id.as_bytes()]);
        let expires = forgotten(&waiting);
        let kept = self.book.put(TicketKind::BreakGlass, review.tenant, key, self.outbox(), expires, &waiting).await?;
        if kept { Ok(()) } else { Err(NotDone::Unavailable) }
    }

    /// Writes down what happened, over whatever else was written meanwhile.
    async fn remember(&self, kept: &Kept<Waiting>, change: impl Fn(&mut Waiting)) -> Result<(), NotDone> {
        let key = self.book.keys.key(TicketKind::BreakGlass, &[kept.value.review.as_bytes()]);
        for _ in 0..RACES {
            let Some(now) = self.book.find::<Waiting>(TicketKind::BreakGlass, key).await? else { return Ok(()) };
            let mut waiting = now.value.clone();
            change(&mut waiting);
            if self.book.replace(TicketKind::BreakGlass, &now, forgotten(&waiting), &waiting).await? {
                return Ok(());
            }
        }
        Err(NotDone::Unavailable)
    }

    /// Writes a breaking again; `None` when another gateway did.
    async fn replace(&self, kept: &Kept<Waiting>, waiting: &Waiting) -> Result<Option<Kept<Waiting>>, NotDone> {
        if !self.book.replace(TicketKind::BreakGlass, kept, forgotten(waiting), waiting).await? {
            return Ok(None);
        }
        let key = self.book.keys.key(TicketKind::BreakGlass, &[waiting.review.as_bytes()]);
        Ok(self.book.find(TicketKind::BreakGlass, key).await?)
    }

    fn outbox(&self) -> Owner {
        self.book.keys.owner("break-glass", &[])
    }
}

/// Returns the pause after so many attempts, in seconds: 2, 4, 8 … 64, and 64 from then on.
pub(crate) fn pause_after(attempts: u32) -> i64 {
    // Shifted by more than the longest pause needs, the bits would fall out.
    2_i64
        .checked_shl(attempts.min(MAX_PAUSE_SECONDS.ilog2()))
        .map_or(MAX_PAUSE_SECONDS, |pause| pause.min(MAX_PAUSE_SECONDS))
}

const fn owed() -> bool {
    true
}

fn forgotten(waiting: &Waiting) -> Timestamp {
    waiting.until.plus_seconds(KEPT_SECONDS)
}

/// How often what somebody else overtook is written anew.
const RACES: usize = 8;
/// Longest pause between two attempts, in seconds.
const MAX_PAUSE_SECONDS: i64 = 64;
/// After so long a review that is not stored never will be, in seconds: longer than any request takes.
const SETTLED_SECONDS: i64 = 60;
/// For how long a breaking is kept after its end, in seconds: a week, for a gateway that stands still.
const KEPT_SECONDS: i64 = 7 * 86_400;

#[cfg(test)]
mod tests {
    use super::pause_after;

    #[test]
    fn pauses_grow_and_stay_bounded() {
        let pauses: alloc::vec::Vec<_> = [0, 1, 2, 5, 6, 62, 63, 64, u32::MAX].map(pause_after).into();
        assert_eq!(pauses, [2, 4, 8, 64, 64, 64, 64, 64, 64]);
    }
}
