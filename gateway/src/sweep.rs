//! What is done from time to time: tickets whose time is over are removed, and counted refusals are written down.
//!
//! Tickets that are over are as if they were not there already; removing them keeps the table small.

use domain::ports::{Clock, Tickets, Unavailable};
use domain::refusals::Refusals;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How often tickets are swept.
pub const INTERVAL: Duration = Duration::from_secs(1);
/// How often it is looked whether counted refusals are due.
pub const SUMMARY_INTERVAL: Duration = Duration::from_secs(5);
/// Most tickets removed in a round, so that a round holds the database's writer for milliseconds.
pub const MOST_A_ROUND: u32 = 1_000;

/// Sweeps a round at a time until `stop`; a round that was begun is finished.
pub async fn tickets(tickets: Arc<dyn Tickets>, clock: Arc<dyn Clock>, stop: CancellationToken) {
    let mut answered = true;
    while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
        match tickets.sweep(clock.now(), MOST_A_ROUND).await {
            Ok(0) => answered = true,
            Ok(removed) => {
                answered = true;
                tracing::debug!(removed, "tickets swept");
            }
            // Once, not every second: what is wrong with the database is told by whoever needs it.
            Err(Unavailable) if answered => {
                answered = false;
                tracing::warn!("tickets cannot be swept; trying again");
            }
            Err(Unavailable) => {}
        }
    }
}

/// Writes down what was counted of refusals, every [`SUMMARY_INTERVAL`] until `stop`; what is left then is written as the gateway closes.
pub async fn refusals(refusals: &Refusals, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(SUMMARY_INTERVAL)).await.is_some() {
        match refusals.summarise(false).await {
            Ok(0) => {}
            Ok(chains) => tracing::warn!(chains, "more refusals than are recorded singly; they were counted"),
            Err(Unavailable) => tracing::warn!("refusals that were counted cannot be recorded; trying again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::double::{FixedClock, MemoryTickets};
    use domain::id::TenantId;
    use domain::ticket::{Owner, StoredTicket, TicketKey};
    use domain::time::Timestamp;

    fn ticket(key: u8, expires: i64) -> StoredTicket {
        StoredTicket {
            key: TicketKey([key; 32]),
            owner: Owner([1; 32]),
            tenant: TenantId([1; 16]),
            revision: 1,
            expires: Timestamp(expires),
            sealed: Vec::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_over_is_removed_within_a_round_and_a_stop_ends_it() {
        let kept = Arc::new(MemoryTickets::default());
        for (key, expires) in [(1, 10), (2, 20)] {
            assert!(kept.put(ticket(key, expires), Timestamp(0)).await.unwrap());
        }
        let (clock, stop) = (Arc::new(FixedClock::new(Timestamp(10))), CancellationToken::new());
        let sweeping = tokio::spawn(tickets(kept.clone(), clock, stop.clone()));
        tokio::time::sleep(INTERVAL + INTERVAL / 2).await;
        assert_eq!(kept.remove_all(Owner([1; 32])).await, Ok(1), "the one that is not over");
        stop.cancel();
        sweeping.await.unwrap();
    }
}
