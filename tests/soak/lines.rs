//! The lines that a run prints meanwhile.

use crate::Soak;
use crate::watch::{MIB, Sample, size};
use std::time::Duration;
use tests::flood::percentile;

/// Returns the names of the columns.
pub(crate) fn heading() -> String {
    format!(
        "{:>8}  {:<6}{:>9}{:>9}{:>9}{:>7}{:>7}{:>9}{:>6}{:>9}{:>8}{:>10}{:>10}",
        "time", "", "accepted", "repeats", "reads", "pages", "bad", "memory", "files", "database", "WAL", "p50", "p99"
    )
}

/// Returns what happened until now; the times of acknowledgements are those since the last line.
pub(crate) fn line(soak: &Soak, at: Duration, sample: Option<&Sample>) -> String {
    let (tally, times) = (&soak.tally, soak.tally.take_times());
    let bytes = |name: &str| size(soak, name).map_or_else(|| "-".to_owned(), |bytes| format!("{} MiB", bytes / MIB));
    let millis = |hundredths| format!("{:.1} ms", percentile(&times, hundredths).as_secs_f64() * 1_000.0);
    let of_process = |value: fn(&Sample) -> String| sample.map_or_else(|| "-".to_owned(), value);
    format!(
        "{:>5}:{:02}  {:<6}{:>9}{:>9}{:>9}{:>7}{:>7}{:>9}{:>6}{:>9}{:>8}{:>10}{:>10}  {}",
        at.as_secs() / 60,
        at.as_secs() % 60,
        soak.plan.stretch(at),
        tally.acknowledged.now(),
        tally.repeated.now(),
        tally.reads.now(),
        tally.pages.now(),
        tally.frames.now(),
        of_process(|sample| format!("{} MiB", sample.memory_kib / 1_024)),
        of_process(|sample| sample.files.to_string()),
        bytes("sealgate.db"),
        bytes("sealgate.db-wal"),
        millis(50),
        millis(99),
        tally.take_happened().join("; ")
    )
}
