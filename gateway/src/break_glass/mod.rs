//! The keeper of broken glass: writes down the end, forgets what is settled, and counts what waits for a review.
//!
//! A breaking is in the outbox before it is in the chain, so what is to be done about it outlives a gateway that is killed: whoever
//! serves next takes it up. Several gateways share the outbox; what one has written down, no other does. The alarm about it is
//! [sent](crate::alarms) from the same outbox.

use crate::installation::Installation;
use domain::directory::Directory;
use domain::emergency::{Emergency, NotDone, Waiting};
use domain::id::RecordId;
use domain::ports::Clock;
use domain::ticket::Kept;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How often the outbox is looked at.
pub const INTERVAL: Duration = Duration::from_secs(1);
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
}

/// The keeper of one gateway.
pub struct Keeper {
    emergency: Emergency,
    directory: watch::Receiver<Arc<Directory>>,
    /// Whether this gateway has somebody to tell.
    tells: bool,
    clock: Arc<dyn Clock>,
    gauges: Arc<Gauges>,
    /// What was said to be in trouble, as long as it waits.
    troubled: Mutex<BTreeSet<RecordId>>,
}

impl Keeper {
    /// Puts a keeper together; `tells` says whether this gateway sends alarms.
    #[must_use]
    pub fn new(
        installation: &Installation,
        directory: watch::Receiver<Arc<Directory>>,
        tells: bool,
        gauges: Arc<Gauges>,
    ) -> Self {
        Self {
            emergency: emergency(installation),
            directory,
            tells,
            clock: Arc::clone(&installation.clock),
            gauges,
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
    let (mut number, mut failing) = (0_u64, false);
    loop {
        let failed = round(&keeper, number).await.is_err();
        // Once, not every second: what is wrong with the database is told by whoever needs it.
        if failed && !failing {
            tracing::warn!("broken glass cannot be looked after; trying again");
        }
        failing = failed;
        number = number.wrapping_add(1);
        if stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_none() {
            break;
        }
    }
}

async fn round(keeper: &Keeper, number: u64) -> Result<(), NotDone> {
    let seldom = number.is_multiple_of(SELDOM);
    let waiting = keeper.emergency.waiting().await?;
    for kept in &waiting {
        // One that cannot be attended to holds up no other.
        let outcome = attend(keeper, kept, seldom).await;
        if let Err(fault) = outcome {
            note(keeper, &kept.value, fault);
        }
    }
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
async fn attend(keeper: &Keeper, kept: &Kept<Waiting>, seldom: bool) -> Result<(), NotDone> {
    let (waiting, now) = (&kept.value, keeper.clock.now());
    // A gateway that has nobody to tell leaves alone what another one of the same database has to tell.
    let settled = waiting.told || !(waiting.alarm || keeper.tells);
    if settled && waiting.ended {
        return keeper.emergency.forget(kept).await;
    }
    let over = !waiting.ended && waiting.until <= now;
    let looked_after = seldom && !waiting.ended && waiting.broken.plus_seconds(HELD_SECONDS) <= now;
    if !(over || looked_after) {
        return Ok(());
    }
    match keeper.emergency.happened(waiting).await? {
        None => return Ok(()),
        Some(false) => return keeper.emergency.forget(kept).await,
        Some(true) => {}
    }
    if over {
        keeper.emergency.over(kept, false).await?;
        tracing::info!(tenant = %waiting.tenant, review = %waiting.review, "broken glass has expired");
    } else if looked_after && !keeper.emergency.is_held(waiting).await? {
        keeper.emergency.over(kept, true).await?;
    }
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
