//! The FHIR suite: R4 over HTTP, search, and what US Core asks of laboratory results.

mod bench;
mod bundle;
mod capabilities;
mod exact;
mod hostile;
mod http;
mod paging;
mod read;
mod search;
mod security;
mod seeded;
mod strict;
mod us_core;

pub(crate) use bench::{Answer, Request};
pub use bench::{Bench, Options, Token};

use crate::case::Case;

/// The optional features a tester may leave out, each with what it covers.
pub const FEATURES: &[(&str, &str)] = &[
    ("conditional-read", "If-None-Match and If-Modified-Since"),
    ("history", "vread and the history of one resource"),
    ("include", "_include=DiagnosticReport:result"),
    ("strict-search", "refusing what is not understood instead of ignoring it"),
    ("total", "Bundle.total in every search result"),
    ("us-core", "the US Core 6.1 profiles for laboratory results"),
];

/// Lists every case of the suite, in the order of the run.
#[must_use]
pub fn cases() -> Vec<Case<Bench>> {
    [
        capabilities::CASES,
        security::CASES,
        http::CASES,
        read::CASES,
        search::CASES,
        paging::CASES,
        strict::CASES,
        hostile::CASES,
        us_core::CASES,
        seeded::CASES,
    ]
    .into_iter()
    .flatten()
    .map(|case| Case { ..*case })
    .collect()
}
