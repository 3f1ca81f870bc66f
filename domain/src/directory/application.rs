//! An application that reads over FHIR by SMART: a back end by itself, or one that a person launches.

use super::entry::{Entry, Heading, Invalid};
use super::text;
use super::url::{self, WebAddress};
use crate::access::{Clinics, Purpose, Roles};
use crate::id::{RecordId, TenantId};
use crate::kind::Kind;
use crate::ports::{Entropy, Unavailable};
use crate::secret::{Secret, SecretBytes, constant_time_eq};
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
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
    /// When it was last disabled or enabled; what people granted it before is over.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::optional_moment")]
    pub ended: Option<Timestamp>,
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

impl Application {
    /// Says whether this is its secret; compares in constant time. One without a secret accepts none.
    #[must_use]
    pub fn accepts_secret(&self, presented: &str) -> bool {
        let hash = text::sha256(presented);
        self.secret_hash.as_deref().is_some_and(|known| constant_time_eq(hash.as_bytes(), known.as_bytes()))
    }

    /// Returns the origins of its pages: those that it is launched at and returned to. An app on a device has none, and
    /// neither has a system that acts by itself.
    pub fn origins(&self) -> impl Iterator<Item = String> {
        let (redirects, launch) = match &self.r#use {
            ApplicationUse::Launch { redirect_uris, launch_uri, .. } => (redirect_uris.as_slice(), launch_uri.as_ref()),
            ApplicationUse::Backend { .. } => (&[][..], None),
        };
        redirects.iter().chain(launch).filter_map(|address| WebAddress::read(address)).map(|address| address.origin())
    }
}

/// A new secret of an application: shown once, wiped when dropped, stored as its hash only.
///
/// ```text
///   "sga_" | 256 random bits, 43 characters        base64url without padding (RFC 4648 §5)
/// ```
pub struct ApplicationSecret(SecretBytes);

impl ApplicationSecret {
    /// Draws a secret.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        let random = Secret::<32>::fill(entropy)?;
        // Sized once, so that growing leaves no copy behind.
        let mut text = String::with_capacity(SECRET_CHARACTERS);
        text.push_str("sga_");
        URL_SAFE_NO_PAD.encode_string(random.expose(), &mut text);
        Ok(Self(SecretBytes::new(text.into_bytes())))
    }

    /// Borrows the secret, to show it.
    #[must_use]
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.0.expose()).unwrap_or_default()
    }

    /// Returns what is stored of it.
    #[must_use]
    pub fn hash(&self) -> String {
        text::sha256(self.expose())
    }
}

impl Entry for Application {
    const KIND: Kind = Kind::Application;

    fn heading(&self) -> Heading<'_> {
        Heading { record: self.id, tenant: self.tenant, name: &self.name }
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

const SECRET_CHARACTERS: usize = 4 + 43;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Role;
    use crate::double::SeededEntropy;
    use std::vec;

    const KEYS: &str = r#"{"keys":[{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}]}"#;

    fn with(r#use: ApplicationUse) -> Application {
        Application {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            name: "registry".into(),
            r#use,
            jwks: None,
            jwks_uri: None,
            secret_hash: None,
            scopes: vec!["system/Observation.rs".into()],
            enabled: true,
            created: Timestamp(0),
            ended: None,
        }
    }

    fn backend(role: Role) -> Application {
        let r#use =
            ApplicationUse::Backend { roles: Roles::of(&[role]), clinics: Clinics::All, purpose: Purpose::Treatment };
        Application { jwks: Some(KEYS.into()), ..with(r#use) }
    }

    fn launch(redirect: &str, confidential: bool) -> Application {
        let redirect_uris = vec![redirect.into()];
        with(ApplicationUse::Launch { redirect_uris, launch_uri: None, confidential })
    }

    #[test]
    fn the_stored_form_of_an_application_stays_as_it_is() {
        insta::assert_snapshot!(serde_json::to_string(&backend(Role::ReadOnly)).unwrap(), @r#"{"id":"01010101-0101-0101-0101-010101010101","tenant":"02020202-0202-0202-0202-020202020202","name":"registry","use":{"backend":{"roles":["read-only"],"clinics":"all","purpose":"treatment"}},"jwks":"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}]}","jwks_uri":null,"secret_hash":null,"scopes":["system/Observation.rs"],"enabled":true,"created":"1970-01-01T00:00:00.000Z"}"#);
        insta::assert_snapshot!(serde_json::to_string(&launch("https://app.example/back", false)).unwrap(), @r#"{"id":"01010101-0101-0101-0101-010101010101","tenant":"02020202-0202-0202-0202-020202020202","name":"registry","use":{"launch":{"redirect_uris":["https://app.example/back"],"launch_uri":null,"confidential":false}},"jwks":null,"jwks_uri":null,"secret_hash":null,"scopes":["system/Observation.rs"],"enabled":true,"created":"1970-01-01T00:00:00.000Z"}"#);
        for application in [backend(Role::Staff), launch("https://app.example/back", false)] {
            let text = serde_json::to_string(&application).unwrap();
            assert_eq!(serde_json::from_str::<Application>(&text).unwrap(), application);
        }
    }

    #[test]
    fn a_back_end_shows_keys_and_has_roles_for_reading() {
        let good = backend(Role::ReadOnly);
        let at = Application { jwks: None, jwks_uri: Some("https://registry.example/keys".into()), ..good.clone() };
        assert_eq!((good.validate(), at.validate()), (Ok(()), Ok(())));
        for (broken, rule) in [
            (Application { name: String::new(), ..good.clone() }, Invalid::Name),
            (Application { scopes: vec![], ..good.clone() }, Invalid::Scope),
            (Application { scopes: vec!["a b".into()], ..good.clone() }, Invalid::Scope),
            (Application { scopes: vec!["a".into(), "a".into()], ..good.clone() }, Invalid::Scope),
            (Application { jwks: Some("{}".into()), ..good.clone() }, Invalid::KeySet),
            (Application { jwks_uri: Some("http://registry.example".into()), ..at.clone() }, Invalid::KeySetAddress),
            (Application { jwks: None, ..good.clone() }, Invalid::BackendCredential),
            (Application { jwks: Some(KEYS.into()), ..at.clone() }, Invalid::BackendCredential),
            (Application { jwks_uri: None, secret_hash: Some("0".repeat(64)), ..at }, Invalid::BackendCredential),
            (Application { secret_hash: Some("0".into()), ..good }, Invalid::SecretHash),
            (backend(Role::SystemOperator), Invalid::RoleNotForClients),
            (backend(Role::IntegrationEngine), Invalid::RoleNotForClients),
        ] {
            assert_eq!(broken.validate(), Err(rule));
        }
    }

    #[test]
    fn a_launched_application_is_returned_to_addresses_that_nobody_else_can_take() {
        for redirect in ["https://app.example/back?tenant=1", "http://127.0.0.1:9000/", "com.example.app:/back"] {
            assert_eq!(launch(redirect, false).validate(), Ok(()), "{redirect}");
        }
        for redirect in
            ["http://app.example/", "https://app.example/#part", "javascript:alert(1)", "app:/back", "", "*"]
        {
            assert_eq!(launch(redirect, false).validate(), Err(Invalid::Redirect), "{redirect}");
        }
        let uses = |redirect_uris: Vec<String>, launch_uri: Option<&str>| {
            with(ApplicationUse::Launch {
                redirect_uris,
                launch_uri: launch_uri.map(String::from),
                confidential: false,
            })
        };
        assert_eq!(uses(vec![], None).validate(), Err(Invalid::RedirectCount));
        assert_eq!(uses(vec!["https://a".into(); 17], None).validate(), Err(Invalid::RedirectCount));
        assert_eq!(uses(vec!["https://a".into()], Some("http://a")).validate(), Err(Invalid::Launch));
    }

    #[test]
    fn a_confidential_application_has_one_credential_and_a_public_one_none() {
        let secret = Some("0".repeat(64));
        let good = "https://app.example/back";
        assert_eq!(launch(good, true).validate(), Err(Invalid::LaunchCredential));
        let one = Application { secret_hash: secret.clone(), ..launch(good, true) };
        assert_eq!(one.validate(), Ok(()));
        let two = Application { jwks: Some(KEYS.into()), ..one };
        assert_eq!(two.validate(), Err(Invalid::LaunchCredential));
        let public = Application { secret_hash: secret, ..launch(good, false) };
        assert_eq!(public.validate(), Err(Invalid::LaunchCredential));
    }

    #[test]
    fn an_application_has_the_origins_of_its_pages() {
        let mut application = launch("https://app.example/back", false);
        let origins = |application: &Application| application.origins().collect::<Vec<_>>();
        assert_eq!(origins(&application), ["https://app.example"]);
        application.r#use = ApplicationUse::Launch {
            redirect_uris: vec!["com.example.app:/back".into(), "http://127.0.0.1:9000/".into()],
            launch_uri: Some("https://other.example:8443/launch".into()),
            confidential: false,
        };
        assert_eq!(origins(&application), ["http://127.0.0.1:9000", "https://other.example:8443"]);
        assert!(origins(&backend(Role::ReadOnly)).is_empty());
    }

    #[test]
    fn an_application_accepts_its_own_secret_only() {
        let secret = ApplicationSecret::generate(&SeededEntropy::new(1)).unwrap();
        let application = Application { secret_hash: Some(secret.hash()), ..launch("https://app.example/back", true) };
        assert!(secret.expose().starts_with("sga_") && secret.expose().len() == SECRET_CHARACTERS);
        assert!(application.accepts_secret(secret.expose()));
        assert!(!application.accepts_secret("") && !application.accepts_secret(&secret.hash()));
        assert!(!launch("https://app.example/back", false).accepts_secret(""));
    }
}
