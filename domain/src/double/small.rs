//! A clock that stands, randomness that repeats, and a way to run a future that never waits.

use crate::ports::{Clock, Entropy, Unavailable};
use crate::time::Timestamp;
use core::future::Future;
use core::pin::pin;
use core::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use core::task::{Context, Poll, Waker};
use sha2::{Digest, Sha256};

/// A clock that stands until it is moved.
pub struct FixedClock(AtomicI64);

impl FixedClock {
    /// Makes a clock that stands at this moment.
    #[must_use]
    pub fn new(now: Timestamp) -> Self {
        Self(AtomicI64::new(now.0))
    }

    /// Moves the clock on by seconds, or back.
    pub fn advance(&self, seconds: i64) {
        self.0.store(self.now().plus_seconds(seconds).0, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Bytes that look random and repeat with the seed. Never for keys that protect anything.
pub struct SeededEntropy {
    seed: u64,
    drawn: AtomicU64,
}

impl SeededEntropy {
    /// Makes a source that repeats with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { seed, drawn: AtomicU64::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Unavailable> {
        for chunk in buffer.chunks_mut(32) {
            let count = self.drawn.fetch_add(1, Ordering::SeqCst);
            let block =
                Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(count.to_be_bytes()).finalize();
            for (byte, drawn) in chunk.iter_mut().zip(block) {
                *byte = drawn;
            }
        }
        Ok(())
    }
}

/// Runs a future to its end on this thread; meant for futures over these doubles, which never wait.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
    }
}
