//! Turns: messages that change the same record are stored one after another.
//!
//! Without them every message that lost a race for a record loads, opens and seals again, and with many connections on one report most
//! are turned away in the end. Within a gateway the turns decide; among several gateways on one database nothing waits for another, and a
//! message that lost pauses before it tries again.

use domain::id::RecordId;
use domain::intake::{Delivery, Incoming, Intake, NotReceived, Received};
use domain::kind::Kind;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep, timeout_at};

/// How long a message may wait for its turn and be tried again; 15 s. Beyond, it is left with its sender.
///
/// Engines give up on an answer after 5 to 30 s; the same message sent again is recognised. Shorter than a stop waits for what is under way.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);
/// The first pause before a message is tried again that lost to another gateway; 10 ms. Each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// The longest pause; 640 ms.
const LONGEST_PAUSE: Duration = Duration::from_millis(640);
/// Places to stand in for. Records that share one wait for each other without need, which happens seldom and costs little.
const PLACES: usize = 1_024;

/// Who may change which record now.
pub(crate) struct Turns {
    /// Of reports: taken by every message.
    reports: Vec<Mutex<()>>,
    /// Of all others, which most messages leave as they are: taken only by those that lost a race. Always taken after those of reports
    /// and in ascending order, so that no two messages wait for each other.
    others: Vec<Mutex<()>>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        let places = || (0..PLACES).map(|_| Mutex::new(())).collect();
        Self { reports: places(), others: places() }
    }

    /// Stores a message when it is its turn.
    ///
    /// # Errors
    /// [`NotReceived`]; [`NotReceived::Contended`] when others were faster for as long as [`PATIENCE`].
    pub(crate) async fn receive(
        &self,
        intake: &Intake,
        delivery: &Delivery<'_>,
        incoming: &Incoming,
    ) -> Result<Received, NotReceived> {
        let until = Instant::now().checked_add(PATIENCE).unwrap_or_else(Instant::now);
        let _reports = take(&self.reports, places(incoming, true), until).await?;
        let mut others = None;
        let mut pause = FIRST_PAUSE;
        loop {
            match intake.receive(delivery, incoming).await {
                Err(NotReceived::Contended) => {}
                received => return received,
            }
            if others.is_none() {
                others = Some(take(&self.others, places(incoming, false), until).await?);
                continue;
            }
            // The id is random: gateways that met do not meet again and again.
            let share = delivery.correlation.0.first().copied().map_or(128, u32::from);
            let apart = pause.saturating_mul(share.saturating_add(128)).checked_div(256).unwrap_or(pause);
            let next = Instant::now().checked_add(apart).filter(|next| *next < until);
            if next.is_none() {
                return Err(NotReceived::Contended);
            }
            sleep(apart).await;
            pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
        }
    }
}

/// The places of the reports of a message, or of its other records; ascending, each once.
fn places(incoming: &Incoming, reports: bool) -> Vec<usize> {
    let ids = incoming.records.iter().filter(|record| (record.kind == Kind::DiagnosticReport) == reports);
    let mut places: Vec<usize> = ids.map(|record| place_of(&record.id)).collect();
    places.sort_unstable();
    places.dedup();
    places
}

/// Ids are keyed hashes, so any part of them spreads evenly.
fn place_of(id: &RecordId) -> usize {
    let folded = id.0.iter().fold(0usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(*byte)));
    folded.checked_rem(PLACES).unwrap_or(0)
}

async fn take(turns: &[Mutex<()>], places: Vec<usize>, until: Instant) -> Result<Vec<MutexGuard<'_, ()>>, NotReceived> {
    let mut held = Vec::with_capacity(places.len());
    for turn in places.into_iter().filter_map(|place| turns.get(place)) {
        held.push(timeout_at(until, turn.lock()).await.map_err(|_| NotReceived::Contended)?);
    }
    Ok(held)
}
