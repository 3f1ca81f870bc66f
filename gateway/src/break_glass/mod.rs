//! The keeper of broken glass: sends the alarm, writes down the end, and counts what waits for a review. Alarms about copied security
//! keys go the same way.
//!
//! A breaking is in the outbox before it is in the chain, so an alarm outlives a gateway that is killed: whoever serves next
//! takes it up. Several gateways share the outbox; each attempt is taken by one of them.

mod copied_keys;
mod webhook;

pub use webhook::Webhook;

use crate::installation::Installation;
use domain::directory::Directory;
use domain::emergency::{Emergency, GIVE_UP_SECONDS, NotDone, Waiting};
use domain::id::RecordId;
use domain::ports::Clock;
use domain::ticket::Kept;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// How often the outbox is looked at; an alarm is sent within this time and what the receiver takes.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// Most alarms on their way at once.
const SENDING: usize = 8;
/// In how many rounds sessions are looked at, and reviews counted, once.
const SELDOM: u64 = 15;
/// How long after a breaking its session must hold the glass, in seconds: longer than any request takes.
const HELD_SECONDS: i64 = 60;

/// What monitoring reads of emergency access.
#[derive(Default)]
pub struct Gauges {
    /// Reviews that are open.
    pub open: AtomicU64,
    /// Those of them that are overdue.
    pub overdue: AtomicU64,
    /// Alarms that were not accepted yet.
    pub waiting: AtomicU64,
    /// Attempts that failed, since the gateway started.
    pub failed: AtomicU64,
}

/// The keeper of one gateway.
pub struct Keeper {
    emergency: Emergency,
    directory: watch::Receiver<Arc<Directory>>,
    webhook: Option<Webhook>,
    clock: Arc<dyn Clock>,
    gauges: Arc<Gauges>,
    sending: Arc<Semaphore>,
    /// What was said to be in trouble, as long as it waits.
    troubled: Mutex<BTreeSet<RecordId>>,
}

impl Keeper {
    /// Puts a keeper together.
    #[must_use]
    pub fn new(
        installation: &Installation,
        directory: watch::Receiver<Arc<Directory>>,
        webhook: Option<Webhook>,
        gauges: Arc<Gauges>,
    ) -> Self {
        Self {
            emergency: emergency(installation),
            directory,
            webhook,
            clock: Arc::clone(&installation.clock),
            gauges,
            sending: Arc::new(Semaphore::new(SENDING)),
            troubled: Mutex::default(),
        }
    }

    fn troubled(&self) -> MutexGuard<'_, BTreeSet<RecordId>> {
        self.troubled.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the use case, for pages, commands and the keeper.
#[must_use]
pub fn emergency(installation: &Installation) -> Emergency {
    Emergency {
        store: Arc::clone(&installation.store),
        ledger: installation.recorder.clone(),
        vault: installation.vault.clone(),
        clock: Arc::clone(&installation.clock),
        entropy: Arc::clone(&installation.entropy),
        book: Arc::new(installation.book()),
    }
}

/// Keeps a round at a time until `stop`; what was begun is finished.
pub async fn keep(keeper: Keeper, stop: CancellationToken) {
    let (keeper, tasks) = (Arc::new(keeper), TaskTracker::new());
    let (mut number, mut answered) = (0_u64, true);
    loop {
        match round(&keeper, &tasks, number).await {
            Ok(()) => answered = true,
            // Once, not every second: what is wrong with the database is told by whoever needs it.
            Err(_) if answered => {
                answered = false;
                tracing::warn!("broken glass cannot be looked after; trying again");
            }
            Err(_) => {}
        }
        number = number.wrapping_add(1);
        if stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            break;
        }
    }
    tasks.close();
    tasks.wait().await;
}

async fn round(keeper: &Arc<Keeper>, tasks: &TaskTracker, number: u64) -> Result<(), NotDone> {
    let seldom = number.is_multiple_of(SELDOM);
    let mut waiting = keeper.emergency.waiting().await?;
    let untold = waiting.iter().filter(|kept| keeper.webhook.is_some() && !kept.value.told).count();
    keeper.gauges.waiting.store(u64::try_from(untold).unwrap_or(u64::MAX), Ordering::Relaxed);
    // What was never tried goes before what was tried often: a new alarm waits for no old one.
    waiting.sort_by_key(|kept| kept.value.attempts);
    for kept in &waiting {
        // One that cannot be attended to holds up no other.
        let outcome = attend(keeper, tasks, kept, seldom).await;
        if let Err(fault) = outcome {
            note(keeper, &kept.value, fault);
        }
    }
    copied_keys::round(keeper, tasks).await?;
    keeper.troubled().retain(|review| waiting.iter().any(|kept| kept.value.review == *review));
    if seldom {
        count(keeper).await?;
    }
    Ok(())
}

/// Says that a breaking could not be attended to: once, not every second.
fn note(keeper: &Keeper, waiting: &Waiting, fault: NotDone) {
    if keeper.troubled().insert(waiting.review) {
        tracing::warn!(
            tenant = %waiting.tenant,
            review = %waiting.review,
            %fault,
            "one use of emergency access cannot be looked after; trying again"
        );
    }
}

/// Does what is due about one breaking.
async fn attend(keeper: &Arc<Keeper>, tasks: &TaskTracker, kept: &Kept<Waiting>, seldom: bool) -> Result<(), NotDone> {
    let (waiting, now) = (&kept.value, keeper.clock.now());
    // A gateway that has nobody to tell leaves alone what another one of the same database has to tell.
    let settled = waiting.told || !(waiting.alarm || keeper.webhook.is_some());
    if settled && waiting.ended {
        return keeper.emergency.forget(kept).await;
    }
    let free = keeper.webhook.is_some() && keeper.sending.available_permits() > 0;
    let alarm = !waiting.told && waiting.next <= now && free;
    let over = !waiting.ended && waiting.until <= now;
    let looked_after = seldom && !waiting.ended && waiting.broken.plus_seconds(HELD_SECONDS) <= now;
    if !(alarm || over || looked_after) {
        return Ok(());
    }
    match keeper.emergency.happened(waiting).await? {
        None => return Ok(()),
        Some(false) => return keeper.emergency.forget(kept).await,
        Some(true) => {}
    }
    // First: it is not to wait for an end that cannot be written down.
    if alarm {
        send(keeper, tasks, kept).await?;
    }
    if over {
        keeper.emergency.over(kept, false).await?;
        tracing::info!(tenant = %waiting.tenant, review = %waiting.review, "broken glass has expired");
    } else if looked_after && !keeper.emergency.is_held(waiting).await? {
        keeper.emergency.over(kept, true).await?;
    }
    Ok(())
}

/// Takes an attempt and sends the alarm on a task of its own, so that a receiver that hangs holds up nobody.
async fn send(keeper: &Arc<Keeper>, tasks: &TaskTracker, kept: &Kept<Waiting>) -> Result<(), NotDone> {
    let Ok(place) = Arc::clone(&keeper.sending).try_acquire_owned() else { return Ok(()) };
    // An end that was just written down moved the ticket on: the attempt is then taken in the next round.
    let Some(taken) = keeper.emergency.take_attempt(kept).await? else { return Ok(()) };
    let keeper = Arc::clone(keeper);
    tasks.spawn(async move {
        let _place = place;
        let (Some(webhook), waiting) = (&keeper.webhook, &taken.value) else { return };
        let now = keeper.clock.now();
        let accepted = match webhook.tell(waiting, now).await {
            Ok(()) => true,
            Err(fault) => {
                keeper.gauges.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    tenant = %waiting.tenant,
                    review = %waiting.review,
                    attempt = waiting.attempts,
                    %fault,
                    "the alarm about broken glass was not accepted"
                );
                if now < waiting.broken.plus_seconds(GIVE_UP_SECONDS) {
                    return;
                }
                tracing::error!(tenant = %waiting.tenant, review = %waiting.review, "the alarm about broken glass is given up");
                false
            }
        };
        if keeper.emergency.told(&taken, accepted).await.is_err() {
            tracing::warn!(review = %waiting.review, "that the alarm was sent is not written down yet; it may be sent again");
        }
    });
    Ok(())
}

/// Counts the reviews of every tenant.
async fn count(keeper: &Keeper) -> Result<(), NotDone> {
    let directory = Arc::clone(&keeper.directory.borrow());
    let (mut open, mut overdue) = (0_u64, 0_u64);
    for tenant in directory.tenants() {
        let counts = keeper.emergency.counts(tenant.id, tenant.settings.break_glass_review_hours).await?;
        open = open.saturating_add(counts.open);
        overdue = overdue.saturating_add(counts.overdue);
    }
    keeper.gauges.open.store(open, Ordering::Relaxed);
    keeper.gauges.overdue.store(overdue, Ordering::Relaxed);
    Ok(())
}

#[cfg(test)]
mod tests;
