//! What `tests/soak/run` hands over.

use std::time::Duration;

/// The choices of a run.
pub(crate) struct Options {
    /// The program under test.
    pub(crate) program: String,
    /// How long there is load.
    pub(crate) length: Duration,
    /// Messages a second, over all senders.
    pub(crate) rate: u32,
    /// What every choice follows from.
    pub(crate) seed: u64,
}

impl Options {
    /// Reads the program, the minutes, the rate and the seed; the script has looked at them already.
    pub(crate) fn read(arguments: &[String]) -> Option<Self> {
        let [program, minutes, rate, seed] = arguments else { return None };
        let length = Duration::from_secs(minutes.parse::<u64>().ok()?.checked_mul(60)?);
        Some(Self { program: program.clone(), length, rate: rate.parse().ok()?, seed: seed.parse().ok()? })
    }
}
