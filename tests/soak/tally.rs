//! What is counted while there is load.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Counts since the start, and the times of answers since they were last taken.
#[derive(Default)]
pub(crate) struct Tally {
    /// Messages that were acknowledged for the first time.
    pub(crate) acknowledged: Count,
    /// Messages that were sent again, after no answer or out of habit.
    pub(crate) repeated: Count,
    /// FHIR answers that were looked at.
    pub(crate) reads: Count,
    /// Pages that were looked at.
    pub(crate) pages: Count,
    /// Bad frames.
    pub(crate) frames: Count,
    /// Sign-ins with wrong passwords.
    pub(crate) guesses: Count,
    /// Rotations of a key.
    pub(crate) rotations: Count,
    times: Mutex<Vec<Duration>>,
    happened: Mutex<Vec<String>>,
}

/// A number that grows.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Tally {
    /// Writes down how long an acknowledgement took.
    pub(crate) fn took(&self, time: Duration) {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
    }

    /// Takes the times since the last call, shortest first.
    pub(crate) fn take_times(&self) -> Vec<Duration> {
        let mut times = std::mem::take(&mut *self.times.lock().unwrap_or_else(PoisonError::into_inner));
        times.sort_unstable();
        times
    }

    /// Writes down an event for the next line.
    pub(crate) fn happened(&self, what: String) {
        self.happened.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Takes the events since the last call.
    pub(crate) fn take_happened(&self) -> Vec<String> {
        std::mem::take(&mut *self.happened.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
