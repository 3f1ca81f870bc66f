//! Launching applications: what one asks for, what a person lets it have, and how long that holds (SMART App Launch 2.2).
//!
//! ```text
//!   application ── authorization request ──► read ─► Asked, kept as Pending while the person signs in, chooses and consents
//!   person's consent ─► Grant ─► code, 60 s, once ──► application ── code + verifier ──► Launches::redeem
//!                         ▲                                                                    │
//!                         └────────── access tokens and refresh tokens are names of it ◄───────┘
//! ```
//! A code and every token are found as tickets that name one [`Grant`]; take the grant away, and all of them are worth nothing.
//! That is how a code that is shown twice, or a refresh token that was used up, ends everything that came of it.
//!
//! A grant never gives: it passes on what its person may do, narrowed to scopes, and to one patient where they say so. It holds
//! only while the directory still admits that person with the same roles, and the application; without `offline_access` also
//! only while the session goes on in which it was given. Broken glass is not passed on.

mod ask;
mod desk;
mod grant;
mod pending;
mod proof;
#[cfg(test)]
mod tests;
mod tokens;
mod wish;

pub use ask::{Asked, Back, Error, Fault, answer_address, read};
pub use desk::{LAUNCH_SECONDS, Launched, Launches, PENDING_SECONDS};
pub use grant::{Grant, Stay};
pub use pending::{Chosen, Pending};
pub use tokens::{ACCESS_SECONDS, CODE_SECONDS, Given, NotGiven, OFFLINE_SECONDS, REFRESH_PREFIX, REFRESH_RATE};
pub use wish::{MAX_WISHES, Wish, Word};
