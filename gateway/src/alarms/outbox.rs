//! Both sorts of alarm as one: where they wait, how an attempt is taken, what is told, and when it is given up.

use domain::alarm::{Alarm, Alarms};
use domain::emergency::{Emergency, GIVE_UP_SECONDS, NotDone, Waiting};
use domain::id::{RecordId, TenantId};
use domain::ticket::Kept;
use domain::time::Timestamp;
use serde_json::json;

/// Where alarms wait: those about broken glass with what else is to be done about it, the others by themselves.
pub(super) struct Outboxes(pub(super) Emergency);

/// An alarm that is to be told.
pub(super) enum Untold {
    Glass(Kept<Waiting>),
    Key(Kept<Alarm>),
}

/// An alarm of which this gateway has an attempt.
pub(super) enum Taken {
    Glass(Kept<Waiting>),
    Key(Alarm),
}

impl Outboxes {
    /// Returns what is not told yet, the least tried first, so that a new alarm waits for no old one; and how much of it is about
    /// broken glass.
    pub(super) async fn waiting(&self) -> Result<(Vec<Untold>, usize), NotDone> {
        let glass = self.0.waiting().await?.into_iter().filter(|kept| !kept.value.told);
        let mut untold: Vec<Untold> = glass.map(Untold::Glass).collect();
        let breakings = untold.len();
        untold.extend(self.keys().waiting().await?.into_iter().map(Untold::Key));
        untold.sort_by_key(Untold::attempts);
        Ok((untold, breakings))
    }

    /// Takes the next attempt; `None` where another gateway has it, or nothing has happened (yet) that is to be told.
    pub(super) async fn take(&self, untold: &Untold, now: Timestamp) -> Result<Option<Taken>, NotDone> {
        Ok(match untold {
            Untold::Glass(kept) if self.0.happened(&kept.value).await? != Some(true) => None,
            Untold::Glass(kept) => self.0.take_attempt(kept).await?.map(Taken::Glass),
            Untold::Key(kept) => self.keys().take_attempt(kept, now).await?.map(Taken::Key),
        })
    }

    /// Remembers that an alarm was accepted, or that it is given up.
    pub(super) async fn told(&self, taken: &Taken, accepted: bool, now: Timestamp) -> Result<(), NotDone> {
        match taken {
            Taken::Glass(kept) => self.0.told(kept, accepted).await,
            Taken::Key(alarm) if accepted => Ok(self.keys().told(alarm, now).await?),
            // It goes by itself.
            Taken::Key(_) => Ok(()),
        }
    }

    fn keys(&self) -> Alarms<'_> {
        Alarms(&self.0.book)
    }
}

impl Untold {
    /// Returns when it is to be tried again.
    pub(super) const fn next(&self) -> Timestamp {
        match self {
            Untold::Glass(kept) => kept.value.next,
            Untold::Key(kept) => kept.value.next,
        }
    }

    const fn attempts(&self) -> u32 {
        match self {
            Untold::Glass(kept) => kept.value.attempts,
            Untold::Key(kept) => kept.value.attempts,
        }
    }
}

impl Taken {
    /// Returns the word by which the receiver tells the sorts apart.
    pub(super) const fn event(&self) -> &'static str {
        match self {
            Taken::Glass(_) => "break-glass",
            Taken::Key(_) => "security-key-copied",
        }
    }

    /// Returns in which tenant it happened.
    pub(super) const fn tenant(&self) -> TenantId {
        match self {
            Taken::Glass(kept) => kept.value.tenant,
            Taken::Key(alarm) => alarm.about.tenant,
        }
    }

    /// Returns what it is about: the review, or the key.
    pub(super) const fn about(&self) -> RecordId {
        match self {
            Taken::Glass(kept) => kept.value.review,
            Taken::Key(alarm) => alarm.about.key,
        }
    }

    /// Returns how often it was tried, this attempt among them.
    pub(super) const fn attempts(&self) -> u32 {
        match self {
            Taken::Glass(kept) => kept.value.attempts,
            Taken::Key(alarm) => alarm.attempts,
        }
    }

    /// Says whether there is no further attempt: it has been tried for a day, or what keeps it will be gone before the next.
    pub(super) fn is_last(&self, now: Timestamp) -> bool {
        match self {
            Taken::Glass(kept) => kept.value.broken.plus_seconds(GIVE_UP_SECONDS) <= now,
            Taken::Key(alarm) => alarm.about.at.plus_seconds(GIVE_UP_SECONDS) <= alarm.next,
        }
    }

    /// Returns what the receiver is told: no patient, and no word of the person's own.
    pub(super) fn document(&self) -> String {
        let event = self.event();
        match self {
            Taken::Glass(kept) => {
                let waiting = &kept.value;
                json!({
                    "event": event,
                    "review": waiting.review.to_string(),
                    "tenant": waiting.tenant.to_string(),
                    "person": { "id": waiting.person, "display": waiting.display },
                    "reason": waiting.reason,
                    "time": waiting.broken.rfc3339(),
                    "until": waiting.until.rfc3339(),
                    "correlation": waiting.correlation.to_string(),
                })
            }
            Taken::Key(alarm) => {
                let key = &alarm.about;
                json!({
                    "event": event,
                    "tenant": key.tenant.to_string(),
                    "account": key.account.to_string(),
                    "person": { "id": key.person.to_string(), "display": key.display },
                    "key": key.key.to_string(),
                    "time": key.at.rfc3339(),
                    "correlation": key.correlation.to_string(),
                })
            }
        }
        .to_string()
    }
}
