//! The sign-on suite: SMART on FHIR discovery and tokens, and the pages people sign in by.
//!
//! What can be tested from outside, without an account: it asks for nothing that an attacker could not ask for.

mod launch;
mod pages;
mod smart;
mod token;

use crate::case::Case;
use crate::fhir::Bench;

/// The optional features a tester may leave out, each with what it covers.
pub const FEATURES: &[(&str, &str)] = &[
    ("app-launch", "SMART App Launch by people: authorization endpoint, codes, ID tokens"),
    ("backend-services", "SMART Backend Services: the token endpoint with private_key_jwt"),
    ("introspection", "token introspection (RFC 7662)"),
    ("pages", "pages under /sign-in and /account beside the FHIR address"),
    ("revocation", "token revocation (RFC 7009)"),
];

/// Lists every case of the suite, in the order of the run.
#[must_use]
pub fn cases() -> Vec<Case<Bench>> {
    [smart::CASES, token::CASES, launch::CASES, pages::CASES]
        .into_iter()
        .flatten()
        .map(|case| Case { ..*case })
        .collect()
}
