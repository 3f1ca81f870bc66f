//! The MLLP suite: framing, acknowledgement, errors, versions, encoding and results.

mod acknowledgement;
mod bench;
mod encoding;
mod enhanced;
mod error_codes;
mod frames;
mod framing;
mod link;
mod results;
mod versions;

pub use bench::{Bench, Options, Sample};

use crate::case::Case;

/// The optional features a tester may leave out, each with what it covers.
pub const FEATURES: &[(&str, &str)] = &[
    ("enhanced-ack", "enhanced acknowledgement mode (MSH-15, MSH-16)"),
    ("half-close", "answering a peer that has closed its sending side"),
    ("large-messages", "messages of 1 MiB"),
    ("lenient-framing", "forgiving frames that peers in the field send wrongly"),
    ("lenient-line-ends", "segments that end with LF or CR LF"),
];

/// Lists every case of the suite, in the order of the run.
#[must_use]
pub fn cases() -> Vec<Case<Bench>> {
    [
        framing::CASES,
        frames::CASES,
        acknowledgement::CASES,
        error_codes::CASES,
        versions::CASES,
        encoding::CASES,
        results::CASES,
        enhanced::CASES,
    ]
    .into_iter()
    .flatten()
    .map(|case| Case { ..*case })
    .collect()
}
