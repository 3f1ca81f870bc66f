//! Reads the pinned metadata of an identity provider.

use super::keys::MIN_RSA_BITS;
use super::names::{DSIG, METADATA, PROTOCOL, REDIRECT};
use super::refusal::Refusal;
use super::xml::{self, Element, Limits};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::directory::{MAX_METADATA_BYTES, SamlSettings};
use domain::time::Timestamp;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Public};
use openssl::x509::X509;
use std::fmt;

/// What the metadata of an identity provider says.
pub struct IdentityProvider {
    /// Its entity id.
    pub entity_id: String,
    /// Its signing certificates (DER): several while it changes its key.
    pub certificates: Vec<Vec<u8>>,
    /// Where the browser is sent to sign in (redirect binding).
    pub sign_on: String,
    /// Where the browser is sent to sign out (redirect binding), and where with the answer to a request of theirs.
    pub logout: Option<LogoutService>,
    /// The moment from which the metadata no longer holds.
    pub valid_until: Option<Timestamp>,
    pub(super) keys: Vec<PKey<Public>>,
}

/// Where an identity provider takes logout messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogoutService {
    /// For requests.
    pub request: String,
    /// For answers.
    pub response: String,
}

/// Why metadata cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataFault {
    /// It is not XML as it is read here.
    Document(Refusal),
    /// It does not describe an identity provider of this entity id that speaks SAML 2.0.
    Entity,
    /// It no longer holds.
    Expired,
    /// A certificate in it cannot be read.
    Certificate,
    /// It has no signing certificate with RSA of at least 2048 bits or an elliptic curve of at least 256.
    NoCertificate,
    /// It has no address to sign in at by the redirect binding.
    NoSignOn,
    /// An address in it is neither https nor, on this very machine, http.
    Address,
}

impl IdentityProvider {
    /// Reads the pinned metadata of a connection.
    ///
    /// Its own signature is not looked at: an operator pinned it, and that is what it is believed for.
    ///
    /// # Errors
    /// [`MetadataFault`].
    pub fn read(settings: &SamlSettings, now: Timestamp) -> Result<Self, MetadataFault> {
        let root = document(&settings.metadata)?;
        let mut found = Vec::new();
        find(&root, &settings.idp_entity_id, None, &mut found)?;
        let [(entity, outer_end)] = found.as_slice() else { return Err(MetadataFault::Entity) };
        let mut roles = entity.all(METADATA, "IDPSSODescriptor").filter(|role| {
            role.attribute("protocolSupportEnumeration").is_some_and(|all| all.split(' ').any(|one| one == PROTOCOL))
        });
        let role = roles.next().filter(|_| roles.next().is_none()).ok_or(MetadataFault::Entity)?;
        let valid_until = [*outer_end, end(entity)?, end(role)?].into_iter().flatten().min();
        if valid_until.is_some_and(|end| end <= now) {
            return Err(MetadataFault::Expired);
        }
        let (mut certificates, mut keys) = (Vec::new(), Vec::new());
        for (der, key) in signing(role)? {
            if strong(&key) && !certificates.contains(&der) {
                certificates.push(der);
                keys.push(key);
            }
        }
        if certificates.is_empty() || certificates.len() > MAX_CERTIFICATES {
            return Err(MetadataFault::NoCertificate);
        }
        let sign_on = service(role, "SingleSignOnService")?.ok_or(MetadataFault::NoSignOn)?;
        Ok(Self {
            entity_id: settings.idp_entity_id.clone(),
            certificates,
            sign_on: sign_on.request,
            logout: service(role, "SingleLogoutService")?,
            valid_until,
            keys,
        })
    }
}

/// Lists the entity ids of the identity providers that metadata describes, to choose one from.
///
/// # Errors
/// [`MetadataFault::Document`].
pub fn entity_ids(metadata: &str) -> Result<Vec<String>, MetadataFault> {
    let root = document(metadata)?;
    let mut ids = Vec::new();
    let listed = root.walk(&mut Vec::new(), &mut |_, element| {
        if element.is(METADATA, "EntityDescriptor") && element.all(METADATA, "IDPSSODescriptor").next().is_some() {
            ids.extend(element.attribute("entityID").map(str::to_owned));
        }
        Ok(())
    });
    listed.map(|()| ids).map_err(MetadataFault::Document)
}

/// Metadata is the operator's own file and may have comments; the metadata of Active Directory has deep structures.
const LIMITS: Limits =
    Limits { bytes: MAX_METADATA_BYTES, depth: 32, attributes: 64, elements: 20_000, comments: true };

/// Most signing certificates that are tried.
const MAX_CERTIFICATES: usize = 8;

/// Reads a file as people save it: with white space around it, or the byte order mark that AD FS writes.
fn document(metadata: &str) -> Result<Element, MetadataFault> {
    let text = metadata.trim().trim_start_matches('\u{feff}').trim_start();
    xml::read(text.as_bytes(), &LIMITS).map_err(MetadataFault::Document)
}

fn find<'a>(
    element: &'a Element,
    entity_id: &str,
    end_outside: Option<Timestamp>,
    found: &mut Vec<(&'a Element, Option<Timestamp>)>,
) -> Result<(), MetadataFault> {
    if element.is(METADATA, "EntityDescriptor") && element.attribute("entityID") == Some(entity_id) {
        found.push((element, end_outside));
    }
    if element.is(METADATA, "EntitiesDescriptor") {
        let end = [end_outside, end(element)?].into_iter().flatten().min();
        element.elements().try_for_each(|inner| find(inner, entity_id, end, found))?;
    }
    Ok(())
}

fn end(element: &Element) -> Result<Option<Timestamp>, MetadataFault> {
    let text = element.attribute("validUntil");
    text.map(|text| Timestamp::from_rfc3339(text).ok_or(MetadataFault::Document(Refusal::Time))).transpose()
}

/// A certificate (DER) and the key that it certifies.
type Certified = (Vec<u8>, PKey<Public>);

/// Returns the certificates of keys that sign; a key without a use serves both (SAML Metadata §2.4.1.1).
fn signing(role: &Element) -> Result<Vec<Certified>, MetadataFault> {
    let mut read = Vec::new();
    let keys = role.all(METADATA, "KeyDescriptor");
    for key in keys.filter(|key| matches!(key.attribute("use"), None | Some("signing"))) {
        let infos = key.all(DSIG, "KeyInfo").flat_map(|info| info.all(DSIG, "X509Data"));
        for certificate in infos.flat_map(|data| data.all(DSIG, "X509Certificate")) {
            let text: String = certificate.text().unwrap_or_default().split_ascii_whitespace().collect();
            let der = STANDARD.decode(text).map_err(|_| MetadataFault::Certificate)?;
            let parsed = X509::from_der(&der).and_then(|parsed| parsed.public_key());
            read.push((der, parsed.map_err(|_| MetadataFault::Certificate)?));
        }
    }
    Ok(read)
}

fn strong(key: &PKey<Public>) -> bool {
    match key.id() {
        Id::RSA => key.bits() >= MIN_RSA_BITS,
        Id::EC => {
            let curve = key.ec_key().ok().and_then(|key| key.group().curve_name());
            matches!(curve, Some(Nid::X9_62_PRIME256V1 | Nid::SECP384R1 | Nid::SECP521R1))
        }
        _ => false,
    }
}

fn service(role: &Element, name: &str) -> Result<Option<LogoutService>, MetadataFault> {
    let mut offered = role.all(METADATA, name);
    let Some(found) = offered.find(|offered| offered.attribute("Binding") == Some(REDIRECT)) else { return Ok(None) };
    let request = found.attribute("Location").ok_or(MetadataFault::Address)?;
    let response = found.attribute("ResponseLocation").unwrap_or(request);
    if !is_address(request) || !is_address(response) {
        return Err(MetadataFault::Address);
    }
    Ok(Some(LogoutService { request: request.to_owned(), response: response.to_owned() }))
}

/// Says whether the browser may be sent there: https, or http on this very machine.
fn is_address(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'<' | b'>' | b'\\' | b'#'));
    let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
        .iter()
        .any(|host| text.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/', '?'])));
    let host = text.strip_prefix("https://").map(|rest| rest.split(['/', '?']).next().unwrap_or_default());
    plain && (local || host.is_some_and(|host| !host.is_empty() && !host.contains('@')))
}

impl fmt::Display for MetadataFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Document(_) => "the metadata is not XML as it is read here",
            Self::Entity => "the metadata does not describe one SAML 2.0 identity provider of this entity id",
            Self::Expired => "the metadata no longer holds (validUntil)",
            Self::Certificate => "a signing certificate in the metadata cannot be read",
            Self::NoCertificate => {
                "the metadata has no signing certificate with RSA of at least 2048 bits or an elliptic curve, or too many"
            }
            Self::NoSignOn => "the metadata has no SingleSignOnService with the redirect binding",
            Self::Address => "an address in the metadata is neither https nor, on this very machine, http",
        })
    }
}

impl std::error::Error for MetadataFault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Document(refusal) => Some(refusal),
            Self::Entity | Self::Expired | Self::Certificate | Self::NoCertificate | Self::NoSignOn | Self::Address => {
                None
            }
        }
    }
}
