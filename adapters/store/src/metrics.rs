//! What the recorder counts.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// The counters of a recorder at one moment; all but `waiting` only grow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Write sets that wait for their turn now.
    pub waiting: u64,
    /// Transactions committed.
    pub batches: u64,
    /// Write sets committed.
    pub members: u64,
    /// Audit entries committed.
    pub entries: u64,
    /// Write sets refused because a claim was taken or a version had moved.
    pub conflicts: u64,
    /// Batches linked anew because another gateway had moved a chain.
    pub relinked: u64,
    /// Write sets turned away: queue full, database full or not answering.
    pub turned_away: u64,
    /// Commits whose answer was lost.
    pub unknown: u64,
    /// Anchors that could not be written.
    pub anchor_faults: u64,
    /// Commits by duration: one count for each of [`COMMIT_BUCKETS_MS`], then those above; not cumulated.
    pub commit_times: Vec<u64>,
    /// Time spent committing, in microseconds.
    pub commit_micros: u64,
}

/// Upper bounds of the histogram of commit times, in milliseconds.
pub const COMMIT_BUCKETS_MS: [u64; 11] = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 5_000];

/// The counters themselves.
#[derive(Default)]
pub(crate) struct Metrics {
    pub(crate) batches: Count,
    pub(crate) members: Count,
    pub(crate) entries: Count,
    pub(crate) conflicts: Count,
    pub(crate) relinked: Count,
    pub(crate) turned_away: Count,
    pub(crate) unknown: Count,
    pub(crate) anchor_faults: Count,
    commit_times: [Count; COMMIT_BUCKETS_MS.len()],
    commit_longer: Count,
    commit_micros: Count,
}

impl Metrics {
    /// Notes how long a commit took.
    pub(crate) fn committed_in(&self, took: Duration) {
        let bucket = COMMIT_BUCKETS_MS.iter().position(|bound| took <= Duration::from_millis(*bound));
        bucket.and_then(|at| self.commit_times.get(at)).unwrap_or(&self.commit_longer).add(1);
        self.commit_micros.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
    }

    /// Reads every counter.
    pub(crate) fn read(&self, waiting: usize) -> Snapshot {
        Snapshot {
            waiting: u64::try_from(waiting).unwrap_or(u64::MAX),
            batches: self.batches.value(),
            members: self.members.value(),
            entries: self.entries.value(),
            conflicts: self.conflicts.value(),
            relinked: self.relinked.value(),
            turned_away: self.turned_away.value(),
            unknown: self.unknown.value(),
            anchor_faults: self.anchor_faults.value(),
            commit_times: self.commit_times.iter().chain([&self.commit_longer]).map(Count::value).collect(),
            commit_micros: self.commit_micros.value(),
        }
    }
}

/// A counter that only grows.
#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    /// Adds.
    pub(crate) fn add(&self, number: u64) {
        self.0.fetch_add(number, Relaxed);
    }

    /// Adds a length.
    pub(crate) fn add_len(&self, length: usize) {
        self.add(u64::try_from(length).unwrap_or(u64::MAX));
    }

    fn value(&self) -> u64 {
        self.0.load(Relaxed)
    }
}
