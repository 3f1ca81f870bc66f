//! SCIM 2.0 for provisioning: an identity provider tells of its people and groups ahead of their sign-in, and takes them back.
//!
//! ```text
//!   provider's service ── Authorization: Bearer sgp_… ──► /scim/v2/{connection}/Users, /Groups
//!       └► its connection's Subject (role provisioner) ─► policy ─► sealed entry of the directory + chain ─► answer
//!                                                                    └► not active any more: that person's sessions end
//! ```
//! Sources: RFC 7643 (schema), RFC 7644 (protocol); the habits of Entra ID and Okta as their documentation states them.
//!
//! Never: a name or an address of a person in an error, a log line or the clear part of the chain; an answer before its entry
//! is in the chain; a change that is written in part; anything of another connection.
//!
//! Start reading at [`configure`] and `endpoint.rs`. Deliberately absent: bulk, sorting, passwords, `/Me`; attributes that
//! admission has no use for are taken and not kept, and the schema does not name them.

mod answer;
mod endpoint;
mod filter;
mod group;
mod patch;
mod path;
mod person;
mod problem;
mod query;
mod routes;
mod schema;
mod service;
mod text;
mod visit;

pub use filter::{Filter, MAX_FILTER_BYTES, MAX_FILTER_DEPTH, MAX_FILTER_TERMS};
pub use path::Path;
pub use query::{DEFAULT_COUNT, MAX_COUNT};
pub use routes::{configure, routes};
pub use service::{Limits, Service, Settings};
