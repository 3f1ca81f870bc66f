//! An application that reads over FHIR by SMART: a back end by itself, or one that a person launches.

use super::entry::{Entry, Invalid};
use super::text;
use super::url::{self, WebAddress};
use crate::access::{Clinics, Purpose, Roles};
use crate::id::{RecordId, TenantId};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most redirect addresses of an application.
pub const MAX_REDIRECT_URIS: usize = 16;

/// Most bytes of an application's keys (JWKS).
pub const MAX_JWKS_BYTES: usize = 64 * 1024;

/// An application registered for SMART; its id is its `client_id`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    /// Its id.
    pub id: RecordId,
    /// The tenant it is admitted to.
    pub tenant: TenantId,
    /// Its name, shown to people who are asked for consent.
    pub name: String,
    /// How it is used.
    pub r#use: ApplicationUse,
    /// Its public keys as a JSON Web Key Set (RFC 7517 §5).
    #[serde(default)]
    pub jwks: Option<String>,
    /// Where its public keys are, over https.
    #[serde(default)]
    pub jwks_uri: Option<String>,
    /// SHA-256 of its secret, hexadecimal. The secret has 256 random bits, so a plain hash cannot be searched.
    #[serde(default)]
    pub secret_hash: Option<String>,
    /// The scopes it may ask for; what it gets is that within the roles of whoever it acts for.
    pub scopes: Vec<String>,
    /// Whether it gets tokens, and the ones it has are accepted.
    pub enabled: bool,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

/// How an application is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ApplicationUse {
    /// A system that acts by itself (SMART Backend Services): it has roles of its own.
    Backend {
        /// Its roles.
        roles: Roles,
        /// The clinics these reach.
        clinics: Clinics,
        /// What it acts for.
        #[serde(default)]
        purpose: Purpose,
    },
    /// An application that a person launches (SMART App Launch): it acts with that person's roles.
    Launch {
        /// Where it may be returned to, compared exactly (RFC 9700 §2.1).
        redirect_uris: Vec<String>,
        /// Where it is launched from the portal; `None`: it is launched by itself only.
        #[serde(default)]
        launch_uri: Option<String>,
        /// Whether it can keep a secret, and therefore must authenticate.
        confidential: bool,
    },
}

impl Entry for Application {
    const KIND: Kind = Kind::Application;

    fn record(&self) -> RecordId {
        self.id
    }

    fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)?;
        if self.scopes.is_empty() {
            return Err(Invalid::Scope);
        }
        text::scopes(&self.scopes)?;
        if self.jwks.as_deref().is_some_and(|keys| !url::is_public_key_set(keys, MAX_JWKS_BYTES)) {
            return Err(Invalid::KeySet);
        }
        if self.jwks_uri.as_deref().is_some_and(|address| !is_reachable(address)) {
            return Err(Invalid::KeySetAddress);
        }
        if self.secret_hash.as_deref().is_some_and(|hash| !text::is_sha256(hash)) {
            return Err(Invalid::SecretHash);
        }
        let keys = [self.jwks.is_some(), self.jwks_uri.is_some()];
        let credentials = keys.into_iter().chain([self.secret_hash.is_some()]).filter(|has| *has).count();
        match &self.r#use {
            ApplicationUse::Backend { roles, .. } => {
                text::roles_of_systems(*roles)?;
                // SMART App Launch 2.2 §"Backend Services": asymmetric keys, no shared secret.
                if credentials != 1 || self.secret_hash.is_some() { Err(Invalid::BackendCredential) } else { Ok(()) }
            }
            ApplicationUse::Launch { redirect_uris, launch_uri, confidential } => {
                if redirect_uris.is_empty() || redirect_uris.len() > MAX_REDIRECT_URIS {
                    return Err(Invalid::RedirectCount);
                }
                if !redirect_uris.iter().all(|address| is_redirect(address)) {
                    return Err(Invalid::Redirect);
                }
                if launch_uri.as_deref().is_some_and(|address| !is_reachable(address)) {
                    return Err(Invalid::Launch);
                }
                let wanted = usize::from(*confidential);
                if credentials == wanted { Ok(()) } else { Err(Invalid::LaunchCredential) }
            }
        }
    }
}

/// Says whether an address is https, or plain http at loopback for trials on one machine.
fn is_reachable(address: &str) -> bool {
    WebAddress::read(address).is_some_and(|address| !address.has_fragment && address.is_safe(true))
}

/// Accepts what is reachable, and the reverse-domain scheme of an app on a device (RFC 8252 §7.1).
fn is_redirect(address: &str) -> bool {
    is_reachable(address) || url::is_private_use(address)
}
