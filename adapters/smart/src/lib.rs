//! SMART on FHIR for systems: how a registered application gets an access token, and what becomes of the token.
//!
//! ```text
//!   application ── client assertion, signed with its own key ──► POST /oauth/token ──► 256 random bits, good for 5 minutes
//!               ── Authorization: Bearer … ──► /fhir/… ──► AccessTokens::admit ──► Subject with its scopes
//! ```
//! Sources: SMART App Launch 2.2 (Backend Services, scopes, `.well-known/smart-configuration`), RFC 6749, 7009, 7521, 7523, 7662.
//!
//! Never: a token, an assertion or a key in an error, a log line or the audit chain; a token that is given out before its
//! entry is in the chain; a right that the application's roles do not give, whatever its token says.
//!
//! Start reading at [`configure`] and `grant.rs`. Deliberately absent: shared secrets, and the launch of applications by
//! people (authorization code, refresh, ID tokens); nothing of it is advertised.

mod access_token;
mod assertion;
mod discovery;
mod grant;
mod journal;
mod keys;
mod refusal;
mod routes;
mod service;

pub use access_token::{AccessTokens, Granted, PREFIX, TOKEN_SECONDS};
pub use assertion::{MAX_ASSERTION_BYTES, MAX_ASSERTION_SECONDS, SKEW_SECONDS};
pub use keys::{JwksSource, KEPT_SECONDS, REFETCH_SECONDS};
pub use routes::{configure, routes};
pub use service::{Limits, Service, Settings};
