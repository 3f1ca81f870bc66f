//! A connection with an identity provider of a tenant.

use super::entry::{Entry, Invalid};
use super::oidc::OidcSettings;
use super::saml::SamlSettings;
use super::text;
use crate::access::Roles;
use crate::id::{RecordId, TenantId};
use crate::identity::{Criterion, Rule};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most rules of a connection.
pub const MAX_RULES: usize = 256;

/// A connection with an identity provider: whom it vouches for is admitted by its rules, and by nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connection {
    /// Its id; part of the identity of everybody who comes by it.
    pub id: RecordId,
    /// The tenant whose people come by it.
    pub tenant: TenantId,
    /// Its name, shown on the sign-in page.
    pub name: String,
    /// Whether anybody may come by it; while it is disabled, sessions that came by it do not resume.
    pub enabled: bool,
    /// How it speaks.
    pub protocol: Protocol,
    /// Whom it admits as what; the first rule that fits decides.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

/// How an identity provider speaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// OpenID Connect.
    Oidc(OidcSettings),
    /// SAML 2.0.
    Saml(SamlSettings),
}

impl Protocol {
    /// Returns its name: `oidc` or `saml`.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Protocol::Oidc(_) => "oidc",
            Protocol::Saml(_) => "saml",
        }
    }
}

impl Connection {
    /// Returns its settings when it speaks OpenID Connect.
    #[must_use]
    pub const fn oidc(&self) -> Option<&OidcSettings> {
        match &self.protocol {
            Protocol::Oidc(settings) => Some(settings),
            Protocol::Saml(_) => None,
        }
    }

    /// Returns its settings when it speaks SAML.
    #[must_use]
    pub const fn saml(&self) -> Option<&SamlSettings> {
        match &self.protocol {
            Protocol::Oidc(_) => None,
            Protocol::Saml(settings) => Some(settings),
        }
    }
}

impl Entry for Connection {
    const KIND: Kind = Kind::Connection;

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
        match &self.protocol {
            Protocol::Oidc(settings) => settings.validate()?,
            Protocol::Saml(settings) => settings.validate()?,
        }
        if self.rules.len() > MAX_RULES {
            return Err(Invalid::RuleCount);
        }
        self.rules.iter().try_for_each(rule)
    }
}

fn rule(rule: &Rule) -> Result<(), Invalid> {
    if rule.roles == Roles::NONE {
        return Err(Invalid::RuleWithoutRole);
    }
    text::roles_of_people(rule.roles)?;
    match &rule.when {
        Criterion::Role(value) | Criterion::Group(value) | Criterion::Subject(value) => {
            text::value(value, Invalid::RuleValue)
        }
        Criterion::Attribute { name, value } => {
            text::value(name, Invalid::RuleValue)?;
            text::value(value, Invalid::RuleValue)
        }
    }
}
