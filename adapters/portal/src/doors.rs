//! The ways in, as the pages call them: identity providers of either protocol, and accounts kept here.
//!
//! The pages know no protocol. They keep what a provider's part gives them, sealed and bound to the browser, and hand it back with
//! an answer until one is right.

mod oidc;
mod saml;

pub use oidc::OidcProviders;
pub use saml::SamlProviders;

use domain::administration::Administration;
use domain::directory::{Connection, Hidden};
use domain::identity::Assertion;
use domain::ports::BoxFuture;
use serde::{Deserialize, Serialize};
use sso::local;

/// Identity providers of one protocol.
///
/// A refusal is a word for the audit entry; the browser is told none of it.
pub trait IdentityProviders: Send + Sync {
    /// Begins a sign-in; with `fresh` the person is to prove who they are anew.
    fn begin<'a>(&'a self, connection: &'a Connection, fresh: bool) -> BoxFuture<'a, Result<Departure, Refusal>>;

    /// Finishes a sign-in; `kept` is what [`IdentityProviders::begin`] gave to be kept, `None` for an answer that nobody asked for.
    fn finish<'a>(
        &'a self,
        connection: &'a Connection,
        kept: Option<&'a Hidden>,
        reply: Reply<'a>,
    ) -> BoxFuture<'a, Result<Arrival, Refusal>>;

    /// Returns where the browser goes to sign out at the provider too; `None` when it offers no such thing or does not answer.
    ///
    /// `proof` is [`Arrival::proof`], where there was one.
    fn sign_out<'a>(&'a self, connection: &'a Connection, proof: Option<&'a Hidden>) -> BoxFuture<'a, Option<String>>;

    /// Reads a notice or request of the provider that sessions are to end; the text is the token, or the raw query.
    fn ending<'a>(&'a self, connection: &'a Connection, text: &'a str) -> BoxFuture<'a, Result<Ending, Refusal>>;

    /// Takes note of what became of it: only what took effect counts no more, so that the provider may repeat the rest. Returns where
    /// the browser goes with our answer; `None` where there is nothing to answer.
    fn ended<'a>(
        &'a self,
        connection: &'a Connection,
        ending: &'a Ending,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<String>, Refusal>>;

    /// Describes us to the provider: metadata of SAML, keys of OpenID Connect; `None` where there is no such thing.
    ///
    /// # Errors
    /// [`Refusal`].
    fn metadata(&self, connection: &Connection) -> Result<Option<String>, Refusal>;
}

/// Why a provider's answer is refused: one word, for the audit entry.
pub type Refusal = &'static str;

/// A sign-in that was begun.
pub struct Departure {
    /// Where the browser goes.
    pub address: String,
    /// What the answer will carry, by which it is found again: the state of OpenID Connect, the relay of SAML.
    pub handle: String,
    /// What is to be kept until then.
    pub kept: Hidden,
    /// At which of our addresses the answer is to come.
    pub back_at: BackAt,
}

/// At which of our addresses a provider's answer comes, where a protocol has several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BackAt {
    /// At the address that several connections share.
    #[default]
    Common,
    /// At the connection's own.
    Own,
}

/// What a provider's answer carries.
#[derive(Default, Clone, Copy)]
pub struct Reply<'a> {
    /// `code`.
    pub code: &'a str,
    /// `state`.
    pub state: &'a str,
    /// `iss` (RFC 9207).
    pub iss: &'a str,
    /// `error`.
    pub error: &'a str,
    /// `SAMLResponse`.
    pub saml_response: &'a str,
    /// Where it came, which is where it was to come when the sign-in was begun.
    pub back_at: BackAt,
}

/// Somebody for whom a provider vouches.
pub struct Arrival {
    /// What it vouches for.
    pub assertion: Assertion,
    /// What shows the provider, when the person signs out, whom it signed in.
    pub proof: Option<Hidden>,
    /// How the provider names the person when it ends their sessions; `None` where it does so as the assertion names them.
    pub name: Option<String>,
}

/// What is to end because a provider says so.
#[derive(Default)]
pub struct Ending {
    /// The provider's names for its sessions.
    pub sessions: Vec<String>,
    /// The person, as an assertion would name them: issuer and subject.
    pub person: Option<(String, String)>,
    /// The person, by [`Arrival::name`].
    pub name: Option<String>,
    /// What it is remembered by once it took effect.
    pub receipt: Receipt,
}

/// What a notice or request to end sessions is remembered by.
#[derive(Default)]
pub enum Receipt {
    /// There is nothing to end, and nothing to answer.
    #[default]
    None,
    /// A notice of an OpenID provider.
    Oidc(sso::oidc::Notice),
    /// A request of a SAML identity provider.
    Saml(sso::saml::LogoutAsked),
}

/// What became of a request to end sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// None of what it names goes on.
    Ended,
    /// Nobody is known by the name it gives.
    UnknownPerson,
    /// Something did not answer; sessions may go on.
    Failed,
}

/// Accounts kept here.
pub struct LocalDoor {
    /// Verifies passwords and codes.
    pub accounts: local::Accounts,
    /// Writes what a person changes about their own account.
    pub administration: Administration,
}
