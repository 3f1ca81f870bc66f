//! What a run measures, and for how long.

use std::path::PathBuf;
use std::time::Duration;

/// The options of a run, from the environment.
pub(crate) struct Options {
    /// How long one run of a measurement takes.
    pub(crate) time: Duration,
    /// How many runs a measurement has; the median is shown.
    pub(crate) runs: usize,
    /// The program under test.
    pub(crate) program: PathBuf,
    /// How many entries a chain has at the start that is measured.
    pub(crate) entries: usize,
    only: Option<String>,
}

/// A part of the table that can be measured by itself.
#[derive(Clone, Copy)]
pub(crate) enum Section {
    Raw,
    Mllp,
    Postgres,
    Fhir,
    Chain,
    Memory,
}

impl Options {
    pub(crate) fn read() -> Self {
        let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<f64>().ok());
        Self {
            time: Duration::from_secs_f64(number("SEALGATE_BENCH_SECONDS").unwrap_or(5.0).clamp(0.1, 600.0)),
            runs: number("SEALGATE_BENCH_RUNS").unwrap_or(3.0).clamp(1.0, 99.0) as usize,
            program: std::env::var_os("SEALGATE_BENCH_PROGRAM")
                .map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_sealgate-under-test")), PathBuf::from),
            entries: number("SEALGATE_BENCH_ENTRIES").unwrap_or(100_000.0).clamp(1_000.0, 1e8) as usize,
            only: std::env::var("SEALGATE_BENCH_ONLY").ok(),
        }
    }

    pub(crate) fn wants(&self, section: Section) -> bool {
        let name = match section {
            Section::Raw => "raw",
            Section::Mllp => "mllp",
            Section::Postgres => "postgres",
            Section::Fhir => "fhir",
            Section::Chain => "chain",
            Section::Memory => "memory",
        };
        self.only.as_ref().is_none_or(|only| only.split(',').any(|wanted| wanted.trim() == name))
    }
}
