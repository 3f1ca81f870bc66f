//! What the pages work with.

use crate::doors::{IdentityProviders, LocalDoor};
use domain::directory::Directory;
use domain::emergency::Emergency;
use domain::launch::Launches;
use domain::retrieval::Retrieval;
use domain::sign_in::SignIn;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// The pages of one gateway.
pub struct Service {
    pub(crate) sign_in: SignIn,
    pub(crate) retrieval: Retrieval,
    pub(crate) emergency: Emergency,
    pub(crate) directory: watch::Receiver<Arc<Directory>>,
    pub(crate) doors: Doors,
    /// Scheme, host and port under which browsers reach us, without a slash at its end.
    pub(crate) origin: String,
    /// The FHIR address, which applications name as what they want a token for.
    pub(crate) base: String,
    /// What applications know us as: the address below which the configuration of an OpenID provider lies.
    pub(crate) issuer: String,
    pub(crate) launches: Launches,
    pub(crate) limits: Limits,
}

/// The ways to sign in that this gateway has; a page offers only those that are there.
#[derive(Default, Clone)]
pub struct Doors {
    /// OpenID Connect.
    pub oidc: Option<Arc<dyn IdentityProviders>>,
    /// SAML 2.0.
    pub saml: Option<Arc<dyn IdentityProviders>>,
    /// Accounts kept here.
    pub accounts: Option<Arc<LocalDoor>>,
}

/// Bounds of one request and one page.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest query, in bytes.
    pub max_query_bytes: usize,
    /// Longest form, in bytes.
    pub max_form_bytes: usize,
    /// Longest form that a SAML identity provider sends, in bytes.
    pub max_saml_bytes: usize,
    /// Longest time a request may take, its body included.
    pub request_timeout: Duration,
    /// Patients, reports or versions on a page.
    pub page: u32,
    /// How long before its end a session is said to end, in seconds.
    pub warning_seconds: i64,
    /// How long ago a person may have proved who they are to break the glass, in seconds.
    pub fresh_seconds: i64,
    /// How long glass stays broken, in seconds.
    pub glass_seconds: i64,
    /// Whether alarms are owed, about broken glass and about copied security keys: there is somebody to tell.
    pub alarm: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_query_bytes: 16 * 1024,
            max_form_bytes: 64 * 1024,
            max_saml_bytes: 400 * 1024,
            request_timeout: Duration::from_secs(30),
            page: 20,
            warning_seconds: 60,
            fresh_seconds: 300,
            glass_seconds: 3_600,
            alarm: false,
        }
    }
}

impl Service {
    /// Puts the pages together; `base` is the address under which clients reach `/fhir`, such as `https://results.example/fhir`.
    #[must_use]
    pub fn new(
        sign_in: SignIn,
        retrieval: Retrieval,
        directory: watch::Receiver<Arc<Directory>>,
        doors: Doors,
        base: &str,
        limits: Limits,
    ) -> Arc<Self> {
        let origin = origin_of(base).to_owned();
        let base = base.trim_end_matches('/').to_owned();
        let issuer = base.strip_suffix("/fhir").unwrap_or(&base).to_owned();
        let launches = Launches::new(Arc::clone(&sign_in.book));
        let emergency = Emergency {
            store: Arc::clone(&retrieval.store),
            ledger: Arc::clone(&retrieval.ledger),
            vault: Arc::clone(&retrieval.vault),
            clock: Arc::clone(&retrieval.clock),
            entropy: Arc::clone(&retrieval.entropy),
            book: Arc::clone(&sign_in.book),
        };
        Arc::new(Self { sign_in, retrieval, emergency, directory, doors, origin, base, issuer, launches, limits })
    }
}

/// Cuts an address down to scheme, host and port, as browsers write an origin.
fn origin_of(base: &str) -> &str {
    let start = base.find("://").map_or(0, |at| at.saturating_add(3));
    let end = base.get(start..).and_then(|rest| rest.find('/')).map(|at| at.saturating_add(start));
    end.and_then(|end| base.get(..end)).unwrap_or(base)
}

#[cfg(test)]
mod tests {
    use super::origin_of;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for base in ["https://a.example:8443", "https://a.example:8443/", "https://a.example:8443/fhir"] {
            assert_eq!(origin_of(base), "https://a.example:8443");
        }
    }
}
