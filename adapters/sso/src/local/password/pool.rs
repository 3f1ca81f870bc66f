//! How many passwords are hashed at once, and how many wait: a flood of sign-ins finds a closed door, not free memory.

use std::sync::Arc;
use tokio::sync::Semaphore;

/// Most hashes that wait for each that is computed: at a quarter of a second each, four seconds.
pub const WAITING_PER_TURN: usize = 16;

/// Most hashes of known browsers that wait besides.
pub const WAITING_KNOWN: usize = 16;

/// How much is hashed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolLimits {
    /// Hashes that are computed at once; each holds the memory of its costs. At least one.
    pub hashing: usize,
    /// Hashes that wait.
    pub waiting: usize,
    /// Hashes that wait for browsers that signed in before; strangers cannot take their places.
    pub waiting_known: usize,
}

impl Default for PoolLimits {
    /// One for every two cores, [`WAITING_PER_TURN`] times as many waiting, and [`WAITING_KNOWN`]. The other half of the
    /// cores is left to those who read: a flood of sign-ins takes no more than its half.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let hashing = cores.div_euclid(2).max(1);
        Self { hashing, waiting: hashing.saturating_mul(WAITING_PER_TURN), waiting_known: WAITING_KNOWN }
    }
}

/// Where somebody queues.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// With everybody.
    Open,
    /// With the browsers that signed in before.
    Known,
}

/// Says that the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Busy;

pub(super) struct Pool {
    running: Arc<Semaphore>,
    open: Arc<Semaphore>,
    known: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(limits: PoolLimits) -> Self {
        let hashing = limits.hashing.max(1);
        let places =
            |waiting: usize| Arc::new(Semaphore::new(waiting.saturating_add(hashing).min(Semaphore::MAX_PERMITS)));
        Self {
            running: Arc::new(Semaphore::new(hashing.min(Semaphore::MAX_PERMITS))),
            open: places(limits.waiting),
            known: places(limits.waiting_known),
        }
    }

    /// Runs work on a thread that may block, in its turn.
    ///
    /// Place and turn go with the work: a caller who leaves does not make room for another while the work still runs.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Busy> {
        let places = match lane {
            Lane::Open => &self.open,
            Lane::Known => &self.known,
        };
        let place = Arc::clone(places).try_acquire_owned().map_err(|_| Busy)?;
        let turn = Arc::clone(&self.running).acquire_owned().await.map_err(|_| Busy)?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        done.await.map_err(|_| Busy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc;

    fn limits(hashing: usize, waiting: usize, waiting_known: usize) -> PoolLimits {
        PoolLimits { hashing, waiting, waiting_known }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn never_more_run_at_once_than_allowed_and_everybody_else_is_told_at_once() {
        let pool = Arc::new(Pool::new(limits(2, 3, 0)));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..200)
            .map(|_| {
                let (pool, running, most) = (Arc::clone(&pool), Arc::clone(&running), Arc::clone(&most));
                tokio::spawn(async move {
                    let work = move || {
                        let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                        most.fetch_max(now, Ordering::SeqCst);
                        std::thread::park_timeout(std::time::Duration::from_millis(2));
                        running.fetch_sub(1, Ordering::SeqCst);
                    };
                    pool.run(Lane::Open, work).await
                })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += usize::from(task.await.unwrap().is_ok());
        }
        assert!(done >= 5, "{done}");
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_full_queue_of_strangers_leaves_the_places_of_known_browsers() {
        let pool = Arc::new(Pool::new(limits(1, 1, 1)));
        let (release, held) = mpsc::channel::<()>();
        let mut waiting = Vec::new();
        let first = Arc::clone(&pool);
        waiting.push(tokio::spawn(async move { first.run(Lane::Open, move || assert!(held.recv().is_ok())).await }));
        let second = Arc::clone(&pool);
        waiting.push(tokio::spawn(async move { second.run(Lane::Open, || ()).await }));
        while pool.open.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.run(Lane::Open, || ()).await, Err(Busy));
        let known = Arc::clone(&pool);
        let known = tokio::spawn(async move { known.run(Lane::Known, || ()).await });
        release.send(()).unwrap();
        for task in waiting {
            assert_eq!(task.await.unwrap(), Ok(()));
        }
        assert_eq!(known.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn work_that_fails_gives_its_place_back() {
        let pool = Pool::new(limits(1, 0, 0));
        let failed = pool.run(Lane::Open, || panic!("broken")).await;
        assert_eq!(failed, Err::<(), _>(Busy));
        assert_eq!(pool.run(Lane::Open, || 7).await, Ok(7));
    }
}
