//! The system's clock.

use domain::ports::Clock;
use domain::time::Timestamp;
use std::time::{SystemTime, UNIX_EPOCH};

/// Tells the time of the machine.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
}
