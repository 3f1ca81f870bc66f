//! What the endpoints work with.

use domain::administration::Administration;
use domain::directory::Directory;
use domain::sign_in::SignIn;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// What a service is made of.
pub struct Settings {
    /// The address that clients reach the listener by, without a path, such as `https://results.example`.
    pub origin: String,
    /// The directory in force.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Keeps people and groups.
    pub administration: Administration,
    /// Ends the sessions of people who may no longer come.
    pub sign_in: SignIn,
    /// Bounds of one request.
    pub limits: Limits,
}

/// Bounds of one request.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest body, in bytes.
    pub max_body_bytes: usize,
    /// How deep a body may be nested.
    pub max_body_depth: usize,
    /// Most operations of one change.
    pub max_operations: usize,
    /// Longest time that a body may take to come.
    pub body_timeout: Duration,
    /// Longest time that an answer is waited for; what was begun goes on after it.
    pub request_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_body_bytes: 1024 * 1024,
            max_body_depth: 16,
            max_operations: 1_000,
            body_timeout: Duration::from_secs(20),
            request_timeout: Duration::from_secs(30),
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
}
