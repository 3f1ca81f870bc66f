//! What the endpoints work with.

use crate::access_token::AccessTokens;
use crate::discovery;
use crate::keys::{JwksSource, KeySets};
use domain::directory::Directory;
use domain::ports::{Clock, Entropy, KeyVault, Ledger};
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
    /// Records tokens and refusals.
    pub ledger: Arc<dyn Ledger>,
    /// Seals their contexts.
    pub vault: Arc<dyn KeyVault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
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
    pub(crate) addresses: Addresses,
    /// The configuration document, rendered once.
    pub(crate) document: String,
}

/// Where the endpoints are, as clients name them.
pub(crate) struct Addresses {
    /// What issues the tokens.
    pub(crate) issuer: String,
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
            issuer: base.to_owned(),
            token: format!("{root}/oauth/token"),
            introspection: format!("{root}/oauth/introspect"),
            revocation: format!("{root}/oauth/revoke"),
        };
        let document = discovery::render(&addresses);
        let tokens = AccessTokens::new(Arc::clone(&settings.book));
        let keys = KeySets::new(Arc::clone(&settings.jwks), Arc::clone(&settings.clock));
        Arc::new(Self { settings, tokens, keys, addresses, document })
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
