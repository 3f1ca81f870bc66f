//! Alarms about what people sign in with: kept until somebody outside accepted them, or they are given up.
//!
//! ```text
//!   what happened ─► entry in the tenant's chain ─► ticket in the outbox ─► keeper of a gateway ─► told
//! ```
//! The entry is the record; the alarm makes somebody look at it now. Alarms about emergency access have an outbox of their own, see
//! [`emergency`](crate::emergency), for they commit together with a review.

use crate::emergency::{GIVE_UP_SECONDS, pause_after};
use crate::id::{CorrelationId, RecordId, TenantId};
use crate::ticket::{Kept, NotKept, Owner, TicketBook, TicketKind};
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most alarms that are looked at in a round.
pub const MAX_ALARMS: u32 = 1_000;

/// For how long nobody is told once more of the same key, in seconds: one hour.
pub const QUIET_SECONDS: i64 = 3_600;

/// A security key counted fewer signatures than before: there may be a copy of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CopiedKey {
    /// The tenant.
    pub tenant: TenantId,
    /// The account that the key is of.
    pub account: RecordId,
    /// Who it is in sessions and entries.
    pub person: RecordId,
    /// Their name for people to read.
    pub display: String,
    /// The key.
    pub key: RecordId,
    /// What ties together the entries of that request.
    pub correlation: CorrelationId,
    /// When it was shown.
    pub at: Timestamp,
}

/// An alarm that waits to be told, or was told a short while ago.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// What it is about.
    pub about: CopiedKey,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is to be tried again.
    pub next: Timestamp,
    /// Whether it was accepted, or nobody is to be told.
    pub told: bool,
}

/// The alarms of an installation, shared by its gateways.
#[derive(Clone, Copy)]
pub struct Alarms<'a>(pub &'a TicketBook);

impl Alarms<'_> {
    /// Keeps an alarm, which is to be told where that is owed; `false` where one about the same key waits, or was raised or told within
    /// [`QUIET_SECONDS`].
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn raise(&self, about: CopiedKey, owed: bool) -> Result<bool, NotKept> {
        let names: [&[u8]; 3] = [about.tenant.as_bytes(), about.account.as_bytes(), about.key.as_bytes()];
        let key = self.0.keys.key(KIND, &names);
        let seconds = if owed { GIVE_UP_SECONDS } else { QUIET_SECONDS };
        let (tenant, expires) = (about.tenant, about.at.plus_seconds(seconds));
        let alarm = Alarm { next: about.at, about, attempts: 0, told: !owed };
        self.0.put(KIND, tenant, key, self.outbox(), expires, &alarm).await
    }

    /// Returns the alarms that were not accepted yet, at most [`MAX_ALARMS`].
    ///
    /// # Errors
    /// [`NotKept::Unavailable`].
    pub async fn waiting(&self) -> Result<Vec<Kept<Alarm>>, NotKept> {
        let mut kept = self.0.of_owner::<Alarm>(KIND, self.outbox(), MAX_ALARMS).await?;
        kept.retain(|kept| !kept.value.told);
        Ok(kept)
    }

    /// Takes the next attempt upon oneself; of several gateways, one gets it. `None` for the others.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn take_attempt(&self, kept: &Kept<Alarm>, now: Timestamp) -> Result<Option<Alarm>, NotKept> {
        let taken = Alarm {
            attempts: kept.value.attempts.saturating_add(1),
            next: now.plus_seconds(pause_after(kept.value.attempts)),
            ..kept.value.clone()
        };
        let written = self.0.replace(KIND, kept, kept.expires, &taken).await?;
        Ok(written.then_some(taken))
    }

    /// Remembers that it was accepted.
    ///
    /// # Errors
    /// [`NotKept`]; then it may be told once more.
    pub async fn told(&self, alarm: &Alarm, now: Timestamp) -> Result<(), NotKept> {
        let about = &alarm.about;
        let key = self.0.keys.key(KIND, &[about.tenant.as_bytes(), about.account.as_bytes(), about.key.as_bytes()]);
        let Some(kept) = self.0.find::<Alarm>(KIND, key).await? else { return Ok(()) };
        let told = Alarm { told: true, ..kept.value.clone() };
        // Overtaken by nobody: whoever took the attempt alone writes until the next is due.
        self.0.replace(KIND, &kept, now.plus_seconds(QUIET_SECONDS), &told).await.map(|_| ())
    }

    fn outbox(&self) -> Owner {
        self.0.keys.owner("alarms", &[])
    }
}

const KIND: TicketKind = TicketKind::Alarm;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::{self, FixedClock, MemoryTickets, run};
    use crate::ports::Clock;

    use alloc::sync::Arc;

    fn book() -> (TicketBook, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::new(Timestamp(0)));
        let book = double::book(Arc::new(MemoryTickets::default()), &clock);
        (book, clock)
    }

    fn copied(key: u8, at: Timestamp) -> CopiedKey {
        CopiedKey {
            tenant: TenantId([1; 16]),
            account: RecordId([2; 16]),
            person: RecordId([3; 16]),
            display: "Ada".into(),
            key: RecordId([key; 16]),
            correlation: CorrelationId([4; 16]),
            at,
        }
    }

    #[test]
    fn an_alarm_is_tried_until_it_is_told_and_then_there_is_quiet() {
        run(async {
            let (book, clock) = book();
            let alarms = Alarms(&book);
            assert!(alarms.raise(copied(1, clock.now()), true).await.unwrap());
            assert!(!alarms.raise(copied(1, clock.now()), true).await.unwrap(), "it waits already");
            assert!(alarms.raise(copied(2, clock.now()), true).await.unwrap());
            let waiting = alarms.waiting().await.unwrap();
            assert_eq!(waiting.len(), 2);
            let first = waiting.iter().find(|kept| kept.value.about.key == RecordId([1; 16])).unwrap();
            let taken = alarms.take_attempt(first, clock.now()).await.unwrap().unwrap();
            assert_eq!((taken.attempts, taken.next > clock.now()), (1, true));
            assert!(alarms.take_attempt(first, clock.now()).await.unwrap().is_none(), "another gateway has it");
            alarms.told(&taken, clock.now()).await.unwrap();
            assert_eq!(alarms.waiting().await.unwrap().len(), 1);
            clock.advance(QUIET_SECONDS - 1);
            assert!(!alarms.raise(copied(1, clock.now()), true).await.unwrap(), "somebody was told a short while ago");
            clock.advance(1);
            assert!(alarms.raise(copied(1, clock.now()), true).await.unwrap());
            assert!(alarms.raise(copied(3, clock.now()), false).await.unwrap(), "nobody is to be told of it");
            assert!(!alarms.raise(copied(3, clock.now()), false).await.unwrap());
            assert_eq!(alarms.waiting().await.unwrap().len(), 2);
            clock.advance(GIVE_UP_SECONDS);
            assert!(alarms.waiting().await.unwrap().is_empty(), "given up");
        });
    }
}
