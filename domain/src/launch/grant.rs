//! What a person let an application have.

use super::wish::{Wish, Word};
use crate::access::{Scope, Scopes, Subject};
use crate::audit::Context;
use crate::id::{RecordId, TenantId};
use crate::identity::Session;
use crate::journal::Act;
use crate::rate::Bucket;
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// One consent, and what came of it. Kept sealed; codes and tokens only name it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Grant {
    /// Its id.
    pub id: RecordId,
    /// The application.
    pub application: RecordId,
    /// The session in which it was given, as it stood then: whose rights are passed on.
    pub session: Session,
    /// The patient it is about, where it is about one.
    pub patient: Option<RecordId>,
    /// What was granted.
    pub wish: Wish,
    /// What the application wants to see again in the ID token.
    pub nonce: Option<String>,
    /// When it was given.
    pub given: Timestamp,
    /// Where the code was sent; whoever redeems it must name the same.
    pub(super) redirect_uri: String,
    /// The hash of what the application will prove itself by.
    pub(super) challenge: String,
    /// Whether the code was redeemed.
    pub(super) redeemed: bool,
    /// The number of the one refresh token that is good; 0 where there is none.
    pub(super) refresh: u32,
    /// How often it was refreshed of late; kept with the grant, so that all gateways count together.
    #[serde(default)]
    pub(super) refreshed: Bucket,
}

/// How long an application may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stay {
    /// As long as its one access token.
    Once,
    /// As long as the session goes on.
    Online,
    /// Beyond the session.
    Offline,
}

impl Grant {
    /// Returns the entry that tells that it is taken away, and why; written before it is.
    #[must_use]
    pub fn revoked(&self, reason: &str) -> (Act, Context) {
        let act = Act::done("GrantRevoked", "Application", &self.application.to_string());
        (act, Context { reason: Some(reason.into()), scopes: self.wish.texts(), ..Context::default() })
    }

    /// Returns the tenant.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.session.tenant
    }

    /// Says how long the application may go on.
    #[must_use]
    pub fn stay(&self) -> Stay {
        if self.wish.has(Word::Offline) {
            Stay::Offline
        } else if self.wish.has(Word::Online) {
            Stay::Online
        } else {
            Stay::Once
        }
    }

    /// Returns who acts: the person, as far as these scopes go, and with one patient in view where one was chosen.
    #[must_use]
    pub fn to_subject(&self, scopes: Vec<Scope>) -> Subject {
        Subject { scopes: Scopes::Limited(scopes), compartment: self.patient, ..self.session.to_subject() }
    }
}
