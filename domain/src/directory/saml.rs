//! How a connection speaks SAML 2.0.

use super::entry::Invalid;
use super::text;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most bytes of an identity provider's metadata.
pub const MAX_METADATA_BYTES: usize = 256 * 1024;

/// Most bytes of an entity id (SAML Core §8.3.6).
pub const MAX_ENTITY_ID_BYTES: usize = 1024;

/// How a connection speaks SAML 2.0.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SamlSettings {
    /// The identity provider's metadata (XML), pinned: its certificates are believed because an operator gave them.
    pub metadata: String,
    /// The identity provider's entity id, exactly as its assertions write it.
    pub idp_entity_id: String,
    /// Our entity id there; `None`: the address of our metadata.
    #[serde(default)]
    pub sp_entity_id: Option<String>,
    /// The attribute that names the person for good; `None`: the NameID, which must then be persistent.
    #[serde(default)]
    pub subject_attribute: Option<String>,
    /// The attribute that lists groups.
    #[serde(default)]
    pub groups_attribute: Option<String>,
    /// The attribute that lists roles.
    #[serde(default)]
    pub roles_attribute: Option<String>,
    /// The attribute with a name for people to read.
    #[serde(default)]
    pub display_attribute: Option<String>,
    /// Values of `AuthnContextClassRef` that vouch for a second factor.
    #[serde(default)]
    pub second_factor_contexts: Vec<String>,
    /// Whether a response that answers no request of ours is accepted (sign-in begun at the identity provider).
    #[serde(default)]
    pub allow_unsolicited: bool,
    /// Whether an assertion that is not encrypted is refused.
    #[serde(default)]
    pub want_encrypted: bool,
}

impl SamlSettings {
    /// Returns the settings of an identity provider, everything else as it is when nobody says otherwise.
    #[must_use]
    pub const fn new(metadata: String, idp_entity_id: String) -> Self {
        Self {
            metadata,
            idp_entity_id,
            sp_entity_id: None,
            subject_attribute: None,
            groups_attribute: None,
            roles_attribute: None,
            display_attribute: None,
            second_factor_contexts: Vec::new(),
            allow_unsolicited: false,
            want_encrypted: false,
        }
    }

    /// Says whether the same provider vouches for the same people by the same proof: all but the name for people to read decides that.
    pub(super) fn vouches_like(&self, other: &Self) -> bool {
        let like = Self { display_attribute: other.display_attribute.clone(), ..self.clone() };
        like == *other
    }

    /// Holds what needs no XML; whether the metadata can be used is known where XML is.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.metadata.is_empty() || self.metadata.len() > MAX_METADATA_BYTES {
            return Err(Invalid::Metadata);
        }
        for id in [Some(&self.idp_entity_id), self.sp_entity_id.as_ref()].into_iter().flatten() {
            let plain = |c: char| !c.is_control() && !c.is_whitespace();
            if id.is_empty() || id.len() > MAX_ENTITY_ID_BYTES || !id.chars().all(plain) {
                return Err(Invalid::EntityId);
            }
        }
        let attributes =
            [&self.subject_attribute, &self.groups_attribute, &self.roles_attribute, &self.display_attribute];
        for attribute in attributes.into_iter().flatten() {
            text::value(attribute, Invalid::Claim)?;
        }
        text::values(&self.second_factor_contexts, Invalid::FactorValue)
    }
}
