//! Administration as a script sees it: over HTTP, without database or sockets.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod connections;
mod house;
mod people;
mod refusals;
mod reviews;
