//! Load: a number of clients that each ask, wait for the answer, and ask again.

use crate::process;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use tokio::task::JoinSet;

/// Until when clients ask.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// For this long.
    Time(Duration),
    /// This many times in all.
    Count(u64),
}

/// What clients share: whether to go on, and what was answered.
pub(crate) struct Quota {
    end: Option<Instant>,
    left: AtomicU64,
}

impl Quota {
    /// Says whether another question is to be asked.
    pub(crate) fn go_on(&self) -> bool {
        match self.end {
            Some(end) => Instant::now() < end,
            None => self.left.try_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_ok(),
        }
    }
}

/// What came of it.
pub(crate) struct Load {
    /// Time from question to answer in microseconds, shortest first.
    pub(crate) micros: Vec<u32>,
    pub(crate) took: Duration,
    /// User and system time of this process.
    pub(crate) sender_cpu: Duration,
}

impl Load {
    pub(crate) fn answers(&self) -> f64 {
        self.micros.len() as f64
    }

    pub(crate) fn rate(&self) -> f64 {
        self.answers() / self.took.as_secs_f64()
    }

    /// Returns the time that this share of answers took at most.
    pub(crate) fn percentile(&self, share: f64) -> Option<u32> {
        let place = (self.answers() * share) as usize;
        self.micros.get(place.min(self.micros.len().saturating_sub(1))).copied()
    }
}

/// Lets clients ask until it is time, and waits for all their answers.
///
/// `client` makes one client; it asks while [`Quota::go_on`] and returns how long each answer took.
pub(crate) async fn drive<F>(clients: usize, until: Until, client: impl Fn(usize, Arc<Quota>) -> F) -> Load
where
    F: Future<Output = Vec<u32>> + Send + 'static,
{
    let begun = Instant::now();
    let cpu = process::own_cpu();
    let quota = Arc::new(match until {
        Until::Time(time) => Quota { end: begun.checked_add(time), left: AtomicU64::new(0) },
        Until::Count(count) => Quota { end: None, left: AtomicU64::new(count) },
    });
    let mut all = JoinSet::new();
    for number in 0..clients {
        all.spawn(client(number, Arc::clone(&quota)));
    }
    let mut micros = all.join_all().await.concat();
    let took = begun.elapsed();
    micros.sort_unstable();
    Load { micros, took, sender_cpu: process::own_cpu().saturating_sub(cpu) }
}

/// Returns how long ago that was, in microseconds.
pub(crate) fn micros_since(then: Instant) -> u32 {
    u32::try_from(then.elapsed().as_micros()).unwrap_or(u32::MAX)
}
