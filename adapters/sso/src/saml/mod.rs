//! SAML 2.0 as a service provider: requests out, responses in, and what stands between the bytes and a person.
//!
//! ```text
//!   bytes ─► gate (own parser, structure, signatures' form) ─► decrypt ─► gate again
//!         ─► verify (samael in a confined process) ─► the same facts? ─► judge (whom, for whom, when) ─► once only
//!         ─► domain::identity::Assertion, or a Refusal
//! ```
//!
//! Never does C code see bytes that the gate has not passed. Never is a fact used that was read from anything but the
//! part that was verified, save what is around a signed assertion and can only refuse it. Left out on purpose: the
//! artifact binding, encrypted names and attributes, and metadata that is fetched.

mod decrypt;
mod encrypted;
mod facts;
pub mod gate;
pub mod judge;
mod keys;
mod logout;
mod metadata;
mod names;
mod pinned;
mod provider;
mod redirect;
mod refusal;
mod request;
mod response;
mod signature;
mod urls;
pub mod verify;
mod xml;

pub use encrypted::Encrypted;
pub use facts::{AssertionFacts, AuthnStatement, Conditions, Confirmation, NameId, ResponseFacts};
pub use keys::{KeyFault, KeyPair, MIN_RSA_BITS, MadeKeyPair, ServiceKeys};
pub use logout::{LoggedIn, LogoutAnswer, LogoutAsked, LogoutBegun, LogoutMessage, LogoutOutcome};
pub use metadata::VALID_SECONDS;
pub use pinned::{NotUsable, only_entity, usable};
pub use provider::{IdentityProvider, LogoutService, MetadataFault, entity_ids};
pub use refusal::Refusal;
pub use request::{Ask, Begun, Pending};
pub use response::Verified;
pub use urls::Urls;
pub use verify::Verifier;

use domain::directory::{Connection, SamlSettings};
use domain::ports::{Clock, Entropy};
use domain::ticket::TicketBook;
use std::sync::Arc;

/// Our side of every SAML connection.
pub struct ServiceProvider {
    /// Our keys.
    pub keys: ServiceKeys,
    /// Verifies signatures.
    pub verifier: Verifier,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Marks what was used, for every gateway on the same database.
    pub book: Arc<TicketBook>,
}

impl ServiceProvider {
    /// Begins a sign-in: the browser goes to the identity provider, and the pending request is kept for it.
    ///
    /// The relay is an opaque handle of at most 80 bytes that comes back with the response; never an address.
    ///
    /// # Errors
    /// [`Refusal::Metadata`], [`Refusal::Unavailable`].
    pub fn begin(&self, connection: &Connection, urls: &Urls, relay: &str, ask: &Ask) -> Result<Begun, Refusal> {
        let now = self.clock.now();
        let settings = settings(connection)?;
        let provider = IdentityProvider::read(settings, now).map_err(|_| Refusal::Metadata)?;
        let id = request::draw_id(self.entropy.as_ref())?;
        let entity_id = urls.entity_id(settings);
        let by_name_id = settings.subject_attribute.is_none();
        let manner = request::Manner { entity_id, acs: &urls.acs, by_name_id };
        let document = request::render(&id, now, &provider.sign_on, &manner, ask);
        let signing = self.keys.signing.first().ok_or(Refusal::Unavailable)?;
        let redirect = redirect::send(&provider.sign_on, redirect::Carried::Request, &document, Some(relay), signing)?;
        Ok(Begun { redirect, pending: Pending { id, connection: connection.id, issued: now, fresh: ask.fresh } })
    }

    /// Renders our metadata for a connection.
    ///
    /// # Errors
    /// [`Refusal::Metadata`], [`Refusal::Unavailable`].
    pub fn metadata(&self, connection: &Connection, urls: &Urls) -> Result<String, Refusal> {
        let settings = settings(connection)?;
        metadata::render(&self.keys, urls.entity_id(settings), urls, self.clock.now()).map_err(|_| Refusal::Unavailable)
    }
}

/// Returns the SAML settings of a connection; one that speaks another protocol has no metadata.
fn settings(connection: &Connection) -> Result<&SamlSettings, Refusal> {
    connection.saml().ok_or(Refusal::Metadata)
}
