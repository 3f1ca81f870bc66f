//! What the tests from outside share: a gateway as a process of its own, and bare clients that know only protocols.
//!
//! ```text
//!   home (an installation in a temporary folder) ──► gateway (the program, serving it)
//!                                                        ▲ mllp · fhir · signals      database (SQL behind its back)
//! ```
//! Nothing here is shipped: a step of a test that cannot be done ends the test.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "test support: a step that cannot be done fails the test that asked for it"
)]

pub mod application;
pub mod browser;
pub mod consistency;
pub mod database;
pub mod fhir;
pub mod flood;
pub mod gateway;
pub mod home;
pub mod message;
pub mod mllp;
pub mod person;
pub mod provider;
pub mod receiving;
pub mod trials;
