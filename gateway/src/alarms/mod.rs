//! Alarms on their way to a receiver of the site's own: that somebody broke the glass, and that there may be a copy of somebody's
//! security key.
//!
//! ```text
//!   emergency ─► outbox of breakings ─┐
//!                                     ├─► what is due, least tried first ─► an attempt, of one gateway ─► webhook ─► told
//!   key shown ─► outbox of alarms ────┘
//! ```
//! An alarm is in its outbox before anybody waits for it, so it outlives a gateway that is killed: whoever serves next takes it up.
//! Several gateways share the outboxes; each attempt is taken by one of them. What else is to be done about broken glass is done by
//! its [keeper](crate::break_glass), whether anybody is told of it or not.

mod outbox;
mod webhook;

pub use webhook::Webhook;

use crate::break_glass::emergency;
use crate::installation::Installation;
use domain::emergency::NotDone;
use domain::ports::Clock;
use outbox::{Outboxes, Taken};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the outboxes are looked at; an alarm is sent within this time and what the receiver takes.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// Most alarms on their way at once.
const SENDING: usize = 8;

/// What monitoring reads of alarms.
#[derive(Default)]
pub struct Gauges {
    /// Uses of emergency access of which the receiver was not told yet.
    pub waiting: AtomicU64,
    /// Attempts that failed, of either sort, since the gateway started.
    pub failed: AtomicU64,
}

/// The sender of one gateway.
pub struct Sender {
    outboxes: Outboxes,
    webhook: Webhook,
    clock: Arc<dyn Clock>,
    gauges: Arc<Gauges>,
    sending: Arc<Semaphore>,
}

impl Sender {
    /// Puts a sender together.
    #[must_use]
    pub fn new(installation: &Installation, webhook: Webhook, gauges: Arc<Gauges>) -> Self {
        Self {
            outboxes: Outboxes(emergency(installation)),
            webhook,
            clock: Arc::clone(&installation.clock),
            gauges,
            sending: Arc::new(Semaphore::new(SENDING)),
        }
    }

    /// Sends an alarm, and remembers that it was accepted or is given up.
    async fn tell(&self, taken: Taken) {
        let now = self.clock.now();
        let (event, tenant, about) = (taken.event(), taken.tenant(), taken.about());
        let accepted = match self.webhook.send(taken.document(), now).await {
            Ok(()) => true,
            Err(fault) => {
                self.gauges.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(event, %tenant, %about, attempt = taken.attempts(), %fault, "an alarm was not accepted");
                if !taken.is_last(now) {
                    return;
                }
                tracing::error!(event, %tenant, %about, "an alarm is given up");
                false
            }
        };
        if self.outboxes.told(&taken, accepted, now).await.is_err() {
            tracing::warn!(event, %about, "what became of an alarm is not written down yet; it may be sent again");
        }
    }
}

/// Sends a round at a time until `stop`; what was begun is finished.
pub async fn send(sender: Sender, stop: CancellationToken) {
    let (sender, tasks, mut failing) = (Arc::new(sender), TaskTracker::new(), false);
    loop {
        let failed = round(&sender, &tasks).await.is_err();
        // Once, not every second: what is wrong with the database is told by whoever needs it.
        if failed && !failing {
            tracing::warn!("alarms cannot be looked after; trying again");
        }
        failing = failed;
        if stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            break;
        }
    }
    tasks.close();
    tasks.wait().await;
}

/// Sends what is due, each on a task of its own, so that a receiver that hangs holds up nobody.
async fn round(sender: &Arc<Sender>, tasks: &TaskTracker) -> Result<(), NotDone> {
    let (waiting, breakings) = sender.outboxes.waiting().await?;
    sender.gauges.waiting.store(u64::try_from(breakings).unwrap_or(u64::MAX), Ordering::Relaxed);
    let (now, mut outcome) = (sender.clock.now(), Ok(()));
    for waiting in waiting.iter().filter(|waiting| waiting.next() <= now) {
        let Ok(place) = Arc::clone(&sender.sending).try_acquire_owned() else { break };
        match sender.outboxes.take(waiting, now).await {
            Ok(Some(taken)) => {
                let sender = Arc::clone(sender);
                tasks.spawn(async move {
                    let _place = place;
                    sender.tell(taken).await;
                });
            }
            Ok(None) => {}
            // One that cannot be taken holds up no other.
            Err(fault) => outcome = Err(fault),
        }
    }
    outcome
}

#[cfg(test)]
mod tests;
