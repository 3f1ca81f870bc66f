//! Choices that another run with the same seed makes again.

use std::time::Duration;

/// A small generator (SplitMix64); each part of a run has one of its own, so that none depends on the speed of another.
pub(crate) struct Chance(u64);

impl Chance {
    /// Makes the generator of one part of a run.
    pub(crate) fn of(seed: u64, part: &str, number: u64) -> Self {
        let name = part.bytes().chain(number.to_be_bytes());
        Self(name.fold(seed, |state, byte| Self(state.wrapping_add(u64::from(byte))).next()))
    }

    /// Returns a number below another one.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    /// Says yes so many times of a hundred.
    pub(crate) fn percent(&mut self, times: u64) -> bool {
        self.below(100) < times
    }

    /// Returns a time between half of another one and one and a half.
    pub(crate) fn about(&mut self, time: Duration) -> Duration {
        time / 2 + time * u32::try_from(self.below(1_000)).unwrap_or_default() / 1_000
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
