//! Watches the gateway from outside: memory, open files, the size of the database and of its write-ahead log.

use crate::findings::Promise;
use crate::lines::{heading, line};
use crate::{Soak, process};
use std::fs;
use std::ops::Range;
use std::time::Duration;
use tests::gateway::pause;

/// The time between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// The longest and the shortest time between two lines; a short run has ten.
const LINES: Range<Duration> = Duration::from_secs(15)..Duration::from_secs(60);
/// How much more memory the gateway may keep in the last quiet stretch than in the first, in KiB: what the hash of one password takes
/// (64 MiB), which the allocator may hold on to, and 32 MiB.
const MEMORY_GROWTH: u64 = 96 * 1_024;
/// How many more files may be open all the time in the last quiet stretch than in the first.
const FILES_GROWTH: u64 = 48;
/// Most bytes of the write-ahead log: it is cut back to 64 MiB, and grows further while somebody reads the database for long.
const WRITE_AHEAD_MOST: u64 = 256 << 20;
/// Fewest looks at a stretch that say something.
const FEWEST: usize = 5;

/// Bytes.
pub(crate) const MIB: u64 = 1 << 20;

/// One look.
pub(crate) struct Sample {
    at: Duration,
    pid: u32,
    pub(crate) memory_kib: u64,
    pub(crate) files: u64,
}

/// Watches until the load is over; says a line now and then, and judges at the end.
pub(crate) fn watch(soak: &Soak, say: impl Fn(String)) {
    let every = (soak.plan.length / 10).clamp(LINES.start, LINES.end);
    let (mut samples, mut most_log, mut next_line) = (Vec::new(), 0, every);
    say(heading());
    while !soak.whereabouts.is_over() {
        pause(LOOK);
        let at = soak.began.elapsed();
        most_log = most_log.max(size(soak, "sealgate.db-wal").unwrap_or_default());
        let now = soak.whereabouts.now();
        let sample = now.and_then(|now| {
            let (memory_kib, files) = (process::resident_kib(now.pid)?, process::open_files(now.pid)?);
            Some(Sample { at, pid: now.pid, memory_kib, files })
        });
        if at >= next_line || soak.whereabouts.is_over() {
            say(line(soak, at, sample.as_ref().or(samples.last())));
            next_line += every;
        }
        samples.extend(sample);
    }
    judge_growth(soak, &samples, Promise::Memory, ("KiB", MEMORY_GROWTH), |sample| sample.memory_kib);
    judge_growth(soak, &samples, Promise::Files, ("files", FILES_GROWTH), |sample| sample.files);
    // On PostgreSQL the log is the server's.
    if soak.home.path("sealgate.db").exists() {
        soak.findings.looked(
            Promise::WriteAheadLog,
            format!("{} MiB at most, {} MiB allowed", most_log / MIB, WRITE_AHEAD_MOST / MIB),
        );
        if most_log > WRITE_AHEAD_MOST {
            soak.findings.broken(Promise::WriteAheadLog, format!("{most_log} bytes"));
        }
    }
}

/// Compares the two quiet stretches, which one process must have had, by the least that it ever held: what it never gave back.
fn judge_growth(
    soak: &Soak,
    samples: &[Sample],
    promise: Promise,
    (unit, allowed): (&str, u64),
    of: fn(&Sample) -> u64,
) {
    let within = |stretch: &Range<Duration>| -> Vec<&Sample> {
        samples.iter().filter(|sample| stretch.contains(&sample.at)).collect()
    };
    let (first, last) = (within(&soak.plan.first_quiet), within(&soak.plan.last_quiet));
    let one_process =
        first.iter().chain(&last).all(|sample| first.first().is_some_and(|first| first.pid == sample.pid));
    if first.len() < FEWEST || last.len() < FEWEST || !one_process {
        return;
    }
    let (before, after) = (least(&first, of), least(&last, of));
    soak.findings.looked(
        promise,
        format!("{before} {unit} at least in the first quiet stretch, {after} in the last, {allowed} more allowed"),
    );
    if after > before + allowed {
        soak.findings.broken(promise, format!("{} {unit} more", after - before));
    }
}

fn least(samples: &[&Sample], of: fn(&Sample) -> u64) -> u64 {
    samples.iter().map(|sample| of(sample)).min().unwrap_or_default()
}

/// Returns the bytes of a file of the installation; `None` where there is none.
pub(crate) fn size(soak: &Soak, name: &str) -> Option<u64> {
    fs::metadata(soak.home.path(name)).ok().map(|file| file.len())
}
