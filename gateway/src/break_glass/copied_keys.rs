//! Alarms about security keys of which there may be a copy: sent as those about broken glass are.

use super::Keeper;
use domain::alarm::Alarms;
use domain::ticket::NotKept;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio_util::task::TaskTracker;

/// Sends what is due, each on a task of its own; of several gateways one takes each attempt.
pub(super) async fn round(keeper: &Arc<Keeper>, tasks: &TaskTracker) -> Result<(), NotKept> {
    if keeper.webhook.is_none() {
        return Ok(());
    }
    let (alarms, now) = (Alarms(&keeper.emergency.book), keeper.clock.now());
    for kept in alarms.waiting().await?.iter().filter(|kept| kept.value.next <= now) {
        let Ok(place) = Arc::clone(&keeper.sending).try_acquire_owned() else { return Ok(()) };
        let Some(alarm) = alarms.take_attempt(kept, now).await? else { continue };
        let keeper = Arc::clone(keeper);
        tasks.spawn(async move {
            let _place = place;
            let (Some(webhook), about, now) = (&keeper.webhook, &alarm.about, keeper.clock.now()) else { return };
            if let Err(fault) = webhook.tell_of_key(about, now).await {
                keeper.gauges.failed.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(
                    tenant = %about.tenant,
                    key = %about.key,
                    attempt = alarm.attempts,
                    %fault,
                    "the alarm about a copied security key was not accepted"
                );
            } else if Alarms(&keeper.emergency.book).told(&alarm, now).await.is_err() {
                tracing::warn!(key = %about.key, "that the alarm was sent is not written down yet; it may be sent again");
            }
        });
    }
    Ok(())
}
