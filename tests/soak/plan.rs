//! When what happens: the first half is rough, the second is the life of one process, quiet at its beginning and at its end.
//!
//! ```text
//!   0 ───────────────── half ──────────────────────────────────────────── end
//!   kill · rotate · kill · stop · kill · verify …  stop │ warms up │ quiet │ rotate · verify … │ quiet
//!                                                      0 %       20 %    40 %                80 %   100 % of the second half
//! ```

use crate::chance::Chance;
use std::ops::Range;
use std::time::Duration;

/// About the time between two events: a kill comes every second time.
const EVERY: Duration = Duration::from_secs(30);
/// Shortest time between two events, so that the gateway has served in between.
const APART: Duration = Duration::from_secs(8);
const ROUGH: [Event; 6] = [Event::Kill, Event::Rotate, Event::Kill, Event::Stop, Event::Kill, Event::Verify];
const STEADY: [Event; 2] = [Event::Rotate, Event::Verify];

/// What is done to a gateway that serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// Its process is killed, and another started.
    Kill,
    /// It is told to stop, and another started.
    Stop,
    /// The first tenant's key gets another generation.
    Rotate,
    /// The chains are verified beside it.
    Verify,
}

/// The plan of a run; times count from the start of the load.
pub(crate) struct Plan {
    pub(crate) length: Duration,
    /// In the order of their times.
    pub(crate) events: Vec<(Duration, Event)>,
    /// The stretches of one process that are compared.
    pub(crate) first_quiet: Range<Duration>,
    pub(crate) last_quiet: Range<Duration>,
}

impl Plan {
    /// Makes the plan of a run of this length.
    pub(crate) fn of(length: Duration, seed: u64) -> Self {
        let mut chance = Chance::of(seed, "plan", 0);
        let half = length / 2;
        let of_second = |percent: u32| half + (length - half) * percent / 100;
        let mut events = scattered(Duration::ZERO..half, &ROUGH, &mut chance);
        events.push((half, Event::Stop));
        events.extend(scattered(of_second(40)..of_second(75), &STEADY, &mut chance));
        Self { length, events, first_quiet: of_second(20)..of_second(40), last_quiet: of_second(80)..length }
    }

    /// Names the stretch of a moment.
    pub(crate) fn stretch(&self, at: Duration) -> &'static str {
        match at {
            at if self.first_quiet.contains(&at) || at >= self.last_quiet.start => "quiet",
            at if at < self.length / 2 => "rough",
            _ => "steady",
        }
    }
}

fn scattered(within: Range<Duration>, kinds: &[Event], chance: &mut Chance) -> Vec<(Duration, Event)> {
    let mut events = Vec::new();
    let mut at = within.start + chance.about(EVERY / 2);
    for kind in kinds.iter().cycle() {
        if at + APART > within.end {
            break;
        }
        events.push((at, *kind));
        at += chance.about(EVERY).max(APART);
    }
    events
}
