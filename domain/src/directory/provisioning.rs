//! What a connection decides about people that its provider tells of ahead of their sign-in, and the token it does so with.

use super::client::{BearerToken, TokenUse};
use super::connection::Connection;
use super::entry::Invalid;
use super::network::AddressRange;
use super::provisioned::{Handle, Provisioned, ProvisionedPerson};
use super::settings::MAX_ADDRESSES;
use super::text;
use crate::access::{Clinics, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use crate::secret::constant_time_eq;
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::IpAddr;
use serde::{Deserialize, Serialize};

/// Most tokens of a connection: the one in use and those that follow it.
pub const MAX_PROVISIONING_TOKENS: usize = 4;

/// What a connection decides about provisioning.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Provisioning {
    /// Whether only people that the provider told of are admitted.
    pub required: bool,
    /// What of a person is compared with the subject of an assertion.
    pub subject: ProvisionedSubject,
    /// When the provider's groups are asked instead of those of the assertion.
    pub groups: ProvisionedGroups,
    /// Addresses that the provider's service comes from, as IP addresses or ranges; empty: any.
    pub addresses: Vec<String>,
    /// The tokens that it may show.
    pub tokens: Vec<ProvisioningToken>,
}

/// What of a person is compared with the subject of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisionedSubject {
    /// `externalId`, to the letter.
    #[default]
    ExternalId,
    /// `userName`, without regard to the case of ASCII letters.
    UserName,
}

impl Provisioning {
    /// Says whether it admits the same people: whatever the provider's service shows and wherever it comes from.
    pub(super) fn admits_like(&self, other: &Self) -> bool {
        let Provisioning { required, subject, groups, addresses: _, tokens: _ } = self;
        (*required, *subject, *groups) == (other.required, other.subject, other.groups)
    }
}

impl ProvisionedSubject {
    /// Returns which of a person's names it is.
    #[must_use]
    pub const fn handle(self) -> Handle {
        match self {
            ProvisionedSubject::ExternalId => Handle::External,
            ProvisionedSubject::UserName => Handle::Name,
        }
    }

    /// Returns what of a person is compared; none where the provider did not tell it, or took the person back.
    #[must_use]
    pub fn of(self, person: &ProvisionedPerson) -> Option<&str> {
        person.handles().into_iter().find(|(known, _)| *known == self.handle()).map(|(_, text)| text)
    }

    /// Returns the text that two subjects share only if they are the same.
    ///
    /// Narrower than the names that a provider may not use twice: letters that look alike or fold into one another are not one
    /// person's, and nothing is trimmed.
    pub(super) fn compared(self, value: &str) -> String {
        match self {
            ProvisionedSubject::ExternalId => value.to_string(),
            ProvisionedSubject::UserName => value.to_ascii_lowercase(),
        }
    }

    /// Returns what is kept of a subject after its person was taken back: SHA-256 of what is compared, hexadecimal.
    pub(super) fn digest(self, value: &str) -> String {
        text::sha256(&self.compared(value))
    }
}

/// When the groups that the provider told of are those that rules ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProvisionedGroups {
    /// Never: what an assertion says counts, and what it leaves out is unknown.
    #[default]
    Never,
    /// Where an assertion does not list them.
    WhenUnknown,
    /// Always, whatever an assertion says.
    Always,
}

/// A token of the provider's service: its hash, and when it was given out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisioningToken {
    /// SHA-256 of the token, hexadecimal. It has 256 random bits, so a plain hash cannot be searched.
    pub hash: String,
    /// When it was given out.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

impl ProvisioningToken {
    /// Returns what is kept of a new token.
    #[must_use]
    pub fn of(token: &BearerToken, created: Timestamp) -> Self {
        Self { hash: token.hash(), created }
    }

    /// Returns by what it is named in lists: the first digits of its hash, which help nobody to find the token.
    #[must_use]
    pub fn mark(&self) -> &str {
        self.hash.get(..8).unwrap_or(&self.hash)
    }
}

impl Provisioning {
    /// Says whether nothing of it was ever decided.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Says what is wrong with it.
    ///
    /// # Errors
    /// [`Invalid::ProvisioningTokens`], [`Invalid::Address`].
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        if self.tokens.len() > MAX_PROVISIONING_TOKENS || !self.tokens.iter().all(|token| text::is_sha256(&token.hash))
        {
            return Err(Invalid::ProvisioningTokens);
        }
        let range = |address: &String| address.parse::<AddressRange>().is_ok();
        if self.addresses.len() <= MAX_ADDRESSES && self.addresses.iter().all(range) {
            Ok(())
        } else {
            Err(Invalid::Address)
        }
    }
}

impl Connection {
    /// Draws a token for the service of this connection's provider; it does nothing before its hash is stored.
    ///
    /// # Errors
    /// [`Unavailable`](crate::ports::Unavailable) when there is no randomness.
    pub fn draw_provisioning_token(
        &self,
        entropy: &dyn crate::ports::Entropy,
    ) -> Result<BearerToken, crate::ports::Unavailable> {
        BearerToken::draw(TokenUse::Provisioning, self.id, entropy)
    }

    /// Returns the service of the provider, if this is a token of it: of an enabled connection, compared in constant time.
    ///
    /// It keeps people and groups of this connection's tenant; which connection it is for, its caller holds it to.
    #[must_use]
    pub fn provisioner(&self, presented: &str) -> Option<Subject> {
        let hash = text::sha256(presented);
        let tokens = self.provisioning.tokens.iter();
        let known = tokens.filter(|token| constant_time_eq(token.hash.as_bytes(), hash.as_bytes())).count() > 0;
        (known && self.enabled).then(|| Subject {
            principal: Principal {
                id: self.id.to_string(),
                display: alloc::format!("provisioning by {}", self.name),
                kind: PrincipalKind::System,
            },
            tenant: self.tenant,
            roles: Roles::of(&[Role::Provisioner]),
            clinics: Clinics::All,
            purpose: Purpose::Operations,
            scopes: Scopes::Unrestricted,
            compartment: None,
        })
    }

    /// Says whether the provider's service may come from this address.
    #[must_use]
    pub fn provisions_from(&self, address: IpAddr) -> bool {
        let ranges = &self.provisioning.addresses;
        let within = |range: &String| range.parse::<AddressRange>().is_ok_and(|range| range.contains(address));
        ranges.is_empty() || ranges.iter().any(within)
    }

    /// Returns the text by which a subject of this connection is looked up among the people that its provider told of.
    ///
    /// `oid` of Entra ID is joined to its directory (`tid/oid`) in an assertion; the provider's service tells `oid` alone.
    pub(super) fn provisioned_key(&self, subject: &str) -> String {
        let joined = self.oidc().is_some_and(|settings| settings.subject_claim == "oid");
        let own = if joined { subject.rsplit('/').next().unwrap_or(subject) } else { subject };
        self.provisioning.subject.compared(own)
    }
}
