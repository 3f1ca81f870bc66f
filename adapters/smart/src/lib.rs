//! SMART on FHIR: how a registered application gets tokens, for itself or for the person who launched it, and what becomes of them.
//!
//! ```text
//!   application ── client assertion, signed with its own key ──► POST /oauth/token ──► 256 random bits, good for 5 minutes
//!               ── code of a consent + proof key ──────────────► POST /oauth/token ──► the same for 15 minutes, refresh and ID token
//!               ── Authorization: Bearer … ──► /fhir/… ──► AccessTokens::admit ──► Subject with its scopes
//! ```
//! Sources: SMART App Launch 2.2 (Backend Services, scopes, `.well-known/smart-configuration`), RFC 6749, 7009, 7521, 7523, 7636, 7662,
//! OpenID Connect Core and Discovery.
//!
//! Never: a token, an assertion or a key in an error, a log line or the audit chain; a token that is given out before its
//! entry is in the chain; a right that the application's roles do not give, whatever its token says.
//!
//! Start reading at [`configure`] and `grant.rs`. Deliberately absent: asking people. The pages that do so are the portal's;
//! what they grant comes here as a code (`domain::launch`).

mod access_token;
mod assertion;
mod client;
mod discovery;
mod grant;
mod id_token;
mod journal;
mod keys;
mod refusal;
mod routes;
mod service;
mod signing;

pub use access_token::{AccessTokens, Bearer, Granted, PREFIX, TOKEN_SECONDS};
pub use assertion::{MAX_ASSERTION_BYTES, MAX_ASSERTION_SECONDS, SKEW_SECONDS};
pub use id_token::ID_TOKEN_SECONDS;
pub use keys::{JwksSource, KEPT_SECONDS, REFETCH_SECONDS};
pub use routes::{configure, routes};
pub use service::{Limits, Service, Settings};
pub use signing::{AHEAD_SECONDS, KEY_SECONDS, RsaKeys};
