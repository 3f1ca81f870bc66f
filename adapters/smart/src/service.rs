//! What the endpoints work with.

use crate::access_token::AccessTokens;
use crate::discovery;
use crate::keys::{JwksSource, KeySets};
use crate::signing::{RsaKeys, Signing};
use domain::directory::Directory;
use domain::launch::Launches;
use domain::ports::{Clock, Entropy, KeyVault, Ledger};
use domain::refusals::Refusals;
use domain::ticket::TicketBook;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What a service is made of.
pub struct Settings {
    /// The address under which clients reach `/fhir`, such as `https://results.example/fhir`; the others lie beside it.
    pub base: String,
    /// The directory in force.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Keeps tokens, and the marks of what was used once.
    pub book: Arc<TicketBook>,
    /// Fetches the keys of applications that registered an address.
    pub jwks: Arc<dyn JwksSource>,
    /// Makes the keys that sign ID tokens, and signs with them.
    pub rsa: Arc<dyn RsaKeys>,
    /// Records tokens.
    pub ledger: Arc<dyn Ledger>,
    /// Seals their contexts.
    pub vault: Arc<dyn KeyVault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Records who was refused.
    pub refusals: Arc<Refusals>,
    /// Bounds of one request.
    pub limits: Limits,
}

/// Bounds of one request.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest body, in bytes.
    pub max_body_bytes: usize,
    /// Longest time a request may take, its body included.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_body_bytes: 16 * 1024, request_timeout: Duration::from_secs(30) }
    }
}

/// The endpoints of one gateway.
pub struct Service {
    pub(crate) settings: Settings,
    pub(crate) tokens: AccessTokens,
    pub(crate) keys: KeySets,
    pub(crate) launches: Launches,
    pub(crate) signing: Signing,
    pub(crate) addresses: Addresses,
    /// The SMART configuration, rendered once.
    pub(crate) smart: String,
    /// The configuration of an OpenID provider, rendered once.
    pub(crate) openid: String,
}

/// Where the endpoints are, as clients name them.
pub(crate) struct Addresses {
    /// What issues the tokens; the configuration of an OpenID provider lies below it.
    pub(crate) issuer: String,
    /// The FHIR address, which the tokens are for.
    pub(crate) base: String,
    pub(crate) authorization: String,
    pub(crate) jwks: String,
    pub(crate) token: String,
    pub(crate) introspection: String,
    pub(crate) revocation: String,
}

impl Service {
    /// Puts the endpoints together.
    #[must_use]
    pub fn new(settings: Settings) -> Arc<Self> {
        let base = settings.base.trim_end_matches('/');
        let root = base.strip_suffix("/fhir").unwrap_or(base);
        let addresses = Addresses {
            issuer: root.to_owned(),
            base: base.to_owned(),
            authorization: format!("{root}/oauth/authorize"),
            jwks: format!("{root}/oauth/jwks"),
            token: format!("{root}/oauth/token"),
            introspection: format!("{root}/oauth/introspect"),
            revocation: format!("{root}/oauth/revoke"),
        };
        let (smart, openid) = (discovery::smart(&addresses), discovery::openid(&addresses));
        let book = || Arc::clone(&settings.book);
        let (tokens, launches) = (AccessTokens::new(book()), Launches::new(book()));
        let keys = KeySets::new(Arc::clone(&settings.jwks), Arc::clone(&settings.clock));
        let signing = Signing::new(book(), Arc::clone(&settings.rsa), Arc::clone(&settings.clock));
        Arc::new(Self { settings, tokens, keys, launches, signing, addresses, smart, openid })
    }

    /// Returns what admits the tokens that are issued here.
    #[must_use]
    pub fn tokens(&self) -> AccessTokens {
        self.tokens.clone()
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.settings.directory.borrow())
    }
}
