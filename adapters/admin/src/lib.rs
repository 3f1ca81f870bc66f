//! Administration by API: what an administrator's script or console does to one tenant, as JSON over HTTP.
//!
//! ```text
//!   Authorization: Bearer … ──► /admin/v1/connections, /users, /sessions, /reviews, …
//!       └► Subject of its tenant ─► policy ─► the use cases that commands call ─► entry in the chain ─► answer
//! ```
//! Sources: RFC 9110 §13 (If-Match), RFC 7396 (merge patch), RFC 9457 (problems), RFC 6750 (bearer tokens), OpenAPI 3.1
//! (`openapi.json`, which a test holds against the routes).
//!
//! Never: a browser's cookie as a proof, so that no page of another site can make a browser ask for anything here; a secret in an
//! answer but in the one that makes it; an answer before its entry is in the chain; a change over somebody else's change; a
//! field, a parameter or a media type that is not understood and passed over.
//!
//! Start reading at [`configure`] and `routes.rs`. Deliberately absent: what the operator of the installation decides (tenants,
//! their settings, keys, interfaces, clients and applications) and reading the audit trail, which commands do.

mod answer;
mod connections;
mod diagnosis;
mod fields;
mod problem;
mod query;
mod reach;
mod read;
mod render;
mod reviews;
mod routes;
mod service;
mod sessions;
mod sign_ins;
mod tag;
mod users;
mod visit;

pub use diagnosis::{Diagnosis, Explained, Looking, Meaning, NotExplained, Step, Verdict};
pub use query::{DEFAULT_LIMIT, MAX_LIMIT};
pub use render::{account, addresses, connection, keys_address, listed, opened, review, session};
pub use routes::{configure, routes};
pub use service::{Limits, Service, Settings};
pub use visit::{Admission, Admitted};
