//! What an identity provider or a local account verified, before anybody is admitted.

use crate::access::Factor;
use crate::id::{RecordId, TenantId};
use crate::keys::NameKey;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;

/// Verified facts about one person at one moment.
///
/// Who it is: the connection, its issuer and the subject there, together. An e-mail address or a name never is.
#[derive(Clone, PartialEq, Eq)]
pub struct Assertion {
    /// The connection it came by.
    pub connection: RecordId,
    /// The tenant of that connection.
    pub tenant: TenantId,
    /// Who vouches: the issuer's identifier, exactly as it writes it.
    pub issuer: String,
    /// The person's name there, never used again for another; exactly as the issuer writes it.
    pub subject: String,
    /// A name for people to read.
    pub display: String,
    /// Roles that the issuer names.
    pub roles: Vec<String>,
    /// Groups that the issuer names.
    pub groups: Groups,
    /// Whatever else it says that a rule may ask for: name and values.
    pub attributes: Vec<(String, Vec<String>)>,
    /// Whether it vouches for a second factor.
    pub factor: Factor,
    /// When the person last proved who they are.
    pub authenticated: Timestamp,
    /// The moment from which the issuer no longer stands by it.
    pub until: Option<Timestamp>,
    /// The issuer's name for its own session (OIDC `sid`, SAML `SessionIndex`), by which it can be ended.
    pub provider_session: Option<String>,
}

impl Assertion {
    /// Returns the person's stable name here: the same for the same connection, issuer and subject, and for nobody else.
    #[must_use]
    pub fn person(&self, names: &NameKey) -> RecordId {
        names.name("person", &[&alloc::format!("{}", self.connection), &self.issuer, &self.subject])
    }
}

/// The groups that an issuer names.
#[derive(Clone, PartialEq, Eq)]
pub enum Groups {
    /// All of them.
    Known(Vec<String>),
    /// It did not list them, for there are too many: not the same as none.
    Unknown,
}
