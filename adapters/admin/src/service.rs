//! What the endpoints work with.

use crate::diagnosis::Diagnosis;
use crate::visit::Admission;
use domain::administration::Administration;
use domain::directory::Directory;
use domain::emergency::Emergency;
use domain::journal::Journal;
use domain::sign_in::SignIn;
use sso::local::Inviting;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What a service is made of.
pub struct Settings {
    /// The address that clients reach the listener by, without a path, such as `https://results.example`.
    pub origin: String,
    /// The directory in force.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Says who asks.
    pub admission: Arc<dyn Admission>,
    /// Changes connections and accounts, and invites people.
    pub inviting: Inviting,
    /// Knows who is signed in, and records who was refused.
    pub sign_in: SignIn,
    /// Keeps the reviews of emergency access.
    pub emergency: Emergency,
    /// Tries connections out and explains refused sign-ins.
    pub diagnosis: Arc<dyn Diagnosis>,
    /// Bounds of one request.
    pub limits: Limits,
}

/// Bounds of one request.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest body, in bytes: metadata of 256 KiB with every character escaped fits.
    pub max_body_bytes: usize,
    /// How deep a body may be nested.
    pub max_body_depth: usize,
    /// Longest time that a body may take to come.
    pub body_timeout: Duration,
    /// Longest time that an answer is waited for; what was begun goes on after it.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 2 * 1024 * 1024,
            max_body_depth: 12,
            body_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(60),
        }
    }
}

/// The endpoints of one gateway.
pub struct Service {
    pub(crate) settings: Settings,
}

impl Service {
    /// Puts the endpoints together.
    #[must_use]
    pub fn new(settings: Settings) -> Arc<Self> {
        let origin = settings.origin.trim_end_matches('/').to_owned();
        Arc::new(Self { settings: Settings { origin, ..settings } })
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.settings.directory.borrow())
    }

    pub(crate) fn administration(&self) -> &Administration {
        &self.settings.inviting.administration
    }

    pub(crate) fn journal(&self) -> Journal<'_> {
        let SignIn { ledger, vault, clock, entropy, .. } = &self.settings.sign_in;
        Journal { ledger: ledger.as_ref(), vault: vault.as_ref(), clock: clock.as_ref(), entropy: entropy.as_ref() }
    }
}
