//! Provisioning as a provider's service sees it: over HTTP, without database or sockets.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::expect_used, reason = "a test fails by panicking")]

mod discovery;
mod groups;
mod house;
mod refusals;
mod sessions;
mod users;
