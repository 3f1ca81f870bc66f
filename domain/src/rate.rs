//! How much is let through over time: one token bucket in eight bytes (the generic cell rate algorithm, ITU-T I.371 §A.2).

use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How many at once, and how many over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many at once, at least 1.
    pub burst: u32,
    /// After how many milliseconds there is one more, at least 1.
    pub every_ms: u32,
}

/// When the bucket will be full again, in microseconds since the epoch; in the past, it is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket(i64);

impl Default for Bucket {
    fn default() -> Self {
        Self::FULL
    }
}

impl Bucket {
    /// A full bucket.
    pub const FULL: Self = Self(i64::MIN);

    /// Returns for how many microseconds nothing can be taken, 0 when something can. The later, the less.
    #[must_use]
    pub fn wait(self, rate: Rate, now: Timestamp) -> i64 {
        let rest = rate.every().saturating_mul(i64::from(rate.burst.max(1)).saturating_sub(1));
        self.full_at(rate, now).saturating_sub(now.0).saturating_sub(rest).max(0)
    }

    /// Takes one.
    pub fn take(&mut self, rate: Rate, now: Timestamp) {
        self.0 = self.full_at(rate, now).max(now.0).saturating_add(rate.every());
    }

    /// Gives one back that was taken at a moment. What came back by itself since then is not given twice: afterwards the
    /// bucket is never fuller than if it had not been taken.
    pub fn give_back(&mut self, rate: Rate, taken: Timestamp, now: Timestamp) {
        let since = now.0.saturating_sub(taken.0).max(0);
        self.0 = self.0.saturating_sub(rate.every().saturating_sub(since).max(0));
    }

    /// No bucket takes longer to fill than an empty one: so it is after the clock was set back, and nobody waits for hours.
    fn full_at(self, rate: Rate, now: Timestamp) -> i64 {
        let emptiest = rate.every().saturating_mul(i64::from(rate.burst.max(1)));
        self.0.min(now.0.saturating_add(emptiest))
    }
}

impl Rate {
    fn every(self) -> i64 {
        i64::from(self.every_ms.max(1)).saturating_mul(1_000)
    }
}

/// Says whether no window over these moments has more of them than a rate allows; for tests.
#[cfg(any(test, feature = "double"))]
#[must_use]
pub fn no_window_has_more(admitted: &[i64], rate: Rate) -> bool {
    admitted.iter().enumerate().all(|(first, from)| {
        admitted.iter().skip(first).zip(1_i64..).all(|(to, count)| {
            let came_back = to.saturating_sub(*from).div_euclid(rate.every());
            count <= i64::from(rate.burst).saturating_add(came_back)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::vec::Vec;

    /// Takes as often as it is asked and admitted.
    fn taken_from(rate: Rate, times: u32, now: Timestamp) -> Bucket {
        let mut bucket = Bucket::FULL;
        for _ in 0..times {
            if bucket.wait(rate, now) == 0 {
                bucket.take(rate, now);
            }
        }
        bucket
    }

    proptest! {
        #[test]
        fn no_window_admits_more_than_the_burst_and_what_came_back_in_it(
            burst in 1_u32..20,
            every_ms in 1_u32..5_000,
            steps in prop::collection::vec(0_i64..2_000_000, 1..300),
        ) {
            let rate = Rate { burst, every_ms };
            let (mut bucket, mut now, mut admitted) = (Bucket::FULL, Timestamp(1_700_000_000_000_000), Vec::new());
            for step in steps {
                now = Timestamp(now.0.saturating_add(step));
                if bucket.wait(rate, now) == 0 {
                    bucket.take(rate, now);
                    admitted.push(now.0);
                }
            }
            prop_assert!(no_window_has_more(&admitted, rate));
        }

        #[test]
        fn what_is_given_back_late_admits_nobody_besides(
            steps in prop::collection::vec((0_i64..900_000, any::<bool>()), 1..200),
            late in 0_i64..3_000_000,
        ) {
            let rate = Rate { burst: 4, every_ms: 500 };
            let (mut bucket, mut now, mut kept) = (Bucket::FULL, Timestamp(0), Vec::new());
            let mut lent: Vec<Timestamp> = Vec::new();
            for (step, keeps) in steps {
                now = Timestamp(now.0.saturating_add(step));
                while lent.first().is_some_and(|taken| taken.0.saturating_add(late) <= now.0) {
                    bucket.give_back(rate, lent.remove(0), now);
                }
                if bucket.wait(rate, now) == 0 {
                    bucket.take(rate, now);
                    if keeps { kept.push(now.0) } else { lent.push(now) }
                }
            }
            prop_assert!(no_window_has_more(&kept, rate));
        }

        #[test]
        fn time_never_makes_it_stricter(taken in 0_u32..9, first in 0_i64..100_000_000, later in 0_i64..100_000_000) {
            let (rate, start) = (Rate { burst: 5, every_ms: 700 }, Timestamp(0));
            let bucket = taken_from(rate, taken, start);
            let (early, late) = (Timestamp(first), Timestamp(first.saturating_add(later)));
            prop_assert!(bucket.wait(rate, late) <= bucket.wait(rate, early));
        }

        #[test]
        fn whoever_waits_as_told_is_admitted(taken in 0_u32..9, after in 0_i64..10_000_000) {
            let (rate, now) = (Rate { burst: 5, every_ms: 700 }, Timestamp(after));
            let bucket = taken_from(rate, taken, Timestamp(0));
            let wait = bucket.wait(rate, now);
            prop_assert_eq!(bucket.wait(rate, Timestamp(now.0.saturating_add(wait))), 0);
        }

        #[test]
        fn what_is_given_back_was_never_taken(burst in 1_u32..10) {
            let (rate, now) = (Rate { burst, every_ms: 1_000 }, Timestamp(5));
            let mut bucket = Bucket::FULL;
            for _ in 0..100 {
                prop_assert_eq!(bucket.wait(rate, now), 0);
                bucket.take(rate, now);
                bucket.give_back(rate, now, now);
            }
        }
    }

    #[test]
    fn a_clock_that_is_set_back_makes_nobody_wait_for_hours() {
        let (rate, later) = (Rate { burst: 2, every_ms: 1_000 }, Timestamp(0).plus_seconds(86_400));
        let mut bucket = Bucket::FULL;
        (0..2).for_each(|_| bucket.take(rate, later));
        assert!(bucket.wait(rate, Timestamp(0)) <= 1_000_000);
    }
}
