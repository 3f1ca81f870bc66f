//! People: what somebody verified about them, whom that admits, and for how long.
//!
//! ```text
//!   OIDC, SAML, local account ─► Assertion ─► admit(rules) ─► Session ─► Subject + access::Context
//! ```
//!
//! An assertion is a fact about a person, never a right: rights come from the rules of the connection alone, and
//! whoever fits no rule has none.

mod admission;
mod assertion;
mod session;
mod since;

pub use admission::{Admitted, Criterion, NotAdmitted, ProvidedGroups, Rule, Standing, admit};
pub use assertion::{Assertion, Groups};
pub use session::{GlassBroken, Session, SessionLimits};
pub use since::Since;
pub(crate) use since::moved;
