//! Tickets: what is short-lived, sealed, and found by a secret or a name that is stored nowhere.
//!
//! ```text
//!   browser or partner holds   secret ──HMAC──► key ──► Tickets (port): key | owner | expires | revision | sealed
//!   gateway holds              session root ─► TicketKeys ─────────────────────────────────────────► opens it
//! ```
//!
//! Whoever reads the table learns neither the secrets that find its rows nor what is in them; whoever writes to it can
//! neither make a ticket nor move one to another key, owner, kind or time.

mod book;
mod carried;
mod sealed;

pub use book::{Kept, NotKept, TicketBook};
pub use carried::{Carried, carried_until};
pub use sealed::TicketKeys;

use crate::id::TenantId;
use crate::time::Timestamp;
use alloc::vec::Vec;

/// What a ticket is for; a ticket of one kind is never found as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TicketKind {
    /// A sign-in that was begun at a browser and not yet finished; the browser carries it.
    SignIn,
    /// A person's session.
    Session,
    /// A mark of something that may be used once: an assertion, a token's `jti`, a one-time code.
    Used,
    /// A grant on its way to an application: authorization code.
    Code,
    /// An access token.
    AccessToken,
    /// A refresh token.
    RefreshToken,
    /// A name by which a session of an identity provider finds ours.
    ProviderSession,
    /// The state of a person's one-time passwords: the last step that was accepted, and recent failures.
    OneTimePassword,
    /// A second factor that is asked for after a right password.
    SecondFactor,
    /// An invitation to set a password or a second factor.
    Invitation,
    /// An application's request that waits for its person.
    Authorization,
    /// An application that was opened from a patient's page.
    Launch,
    /// What a person let an application have.
    Grant,
    /// A key that signs ID tokens.
    SigningKey,
    /// Broken glass about which something is still to be done.
    BreakGlass,
    /// What a security key was asked to sign, and what it was asked before.
    KeyChallenge,
    /// How often a security key has signed, as it says itself.
    KeyCounter,
    /// An alarm that somebody outside is to be told of.
    Alarm,
    /// The name of a session's person in a list: of their tenant's sessions, of those of somebody provisioned.
    SessionName,
    /// The name of a person in the list of those of a tenant who let applications go on without them.
    GrantName,
}

impl TicketKind {
    /// Returns the number that stands for this kind in authenticated data; never reused.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            TicketKind::SignIn => 1,
            TicketKind::Session => 2,
            TicketKind::Used => 3,
            TicketKind::Code => 4,
            TicketKind::AccessToken => 5,
            TicketKind::RefreshToken => 6,
            TicketKind::ProviderSession => 7,
            TicketKind::OneTimePassword => 8,
            TicketKind::SecondFactor => 9,
            TicketKind::Invitation => 10,
            TicketKind::Authorization => 16,
            TicketKind::Launch => 13,
            TicketKind::Grant => 14,
            TicketKind::SigningKey => 15,
            TicketKind::BreakGlass => 11,
            TicketKind::SessionName => 12,
            TicketKind::KeyChallenge => 17,
            TicketKind::KeyCounter => 18,
            TicketKind::Alarm => 19,
            TicketKind::GrantName => 20,
        }
    }
}

/// How much longer a mark of something used is kept than what it marks, in seconds: what was looked up in the last moment is answered
/// after it, and the clocks of two gateways are not the same.
pub const MARK_SECONDS: i64 = 240;

/// The keyed hash of the secret or name that finds a ticket.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TicketKey(pub [u8; 32]);

/// The keyed hash of whoever a ticket belongs to, so that all of theirs can be listed and removed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Owner(pub [u8; 32]);

/// A ticket as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredTicket {
    /// What finds it.
    pub key: TicketKey,
    /// Whom it belongs to.
    pub owner: Owner,
    /// The tenant it is about.
    pub tenant: TenantId,
    /// How often it was written: 1, 2, 3 …
    pub revision: u32,
    /// The moment from which it is as if it were not there.
    pub expires: Timestamp,
    /// The sealed form.
    pub sealed: Vec<u8>,
}
