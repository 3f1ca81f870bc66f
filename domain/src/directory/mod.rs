//! The directory: tenants, clinics, interfaces and API clients, as values and as a snapshot to look things up in.
//!
//! Each entry is the JSON content of a sealed record in the system tenant, changed by [`crate::administration`] only.
//! A running gateway holds a [`Directory`] in memory and replaces it as a whole.
//!
//! Deliberately absent: persons and their sign-in, which come with single sign-on.

mod client;
mod entry;
mod interface;
mod network;
mod snapshot;
mod text;

pub use client::{ApiClient, BearerToken};
pub use entry::{Clinic, Entry, Invalid, Tenant};
pub use interface::{Interface, MappingFailureAs, UnavailableAs};
pub use network::AddressRange;
pub use snapshot::{Directory, InterfaceRefusal, subject_for_client, subject_for_interface};
pub use text::{MAX_NAME_BYTES, MAX_PEERS};
