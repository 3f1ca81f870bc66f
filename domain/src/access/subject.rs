//! Who asks: a principal, admitted to one tenant with roles, clinics and a purpose.

use super::scope::Scopes;
use crate::id::{ClinicId, RecordId, TenantId};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A principal admitted here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// What authenticated.
    pub principal: Principal,
    /// The one tenant it is admitted to.
    pub tenant: TenantId,
    /// Its roles; none means that everything is denied.
    pub roles: Roles,
    /// The clinics its roles reach.
    pub clinics: Clinics,
    /// What it says it acts for.
    pub purpose: Purpose,
    /// How far a token lets it use its roles.
    pub scopes: Scopes,
    /// The one patient whose records it is limited to, or that its `patient/` scopes are about.
    pub compartment: Option<RecordId>,
}

impl Subject {
    /// Returns the gateway itself, which reads its own directory, keeps keys and verifies chains.
    #[must_use]
    pub fn gateway() -> Self {
        Self {
            principal: Principal {
                id: String::from("sealgate"),
                display: String::from("Sealgate"),
                kind: PrincipalKind::System,
            },
            tenant: TenantId::SYSTEM,
            roles: Roles::of(&[Role::SystemOperator]),
            clinics: Clinics::All,
            purpose: Purpose::Operations,
            scopes: Scopes::Unrestricted,
            compartment: None,
        }
    }

    /// Says whether it is limited beyond its roles, by a token or to one patient.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        self.scopes != Scopes::Unrestricted || self.compartment.is_some()
    }

    /// Returns a person at the machine's own console, known by the account of the operating system.
    ///
    /// The account and the secret that opens the custody are two factors, see [`Context::console`](super::Context::console).
    #[must_use]
    pub fn console(account: &str, tenant: TenantId, roles: Roles) -> Self {
        Self {
            principal: Principal {
                id: String::from(account),
                display: String::from(account),
                kind: PrincipalKind::Person,
            },
            tenant,
            roles,
            clinics: Clinics::All,
            purpose: Purpose::Operations,
            scopes: Scopes::Unrestricted,
            compartment: None,
        }
    }
}

/// A person or a system, as whoever verified it names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Stable name, unique where it was issued.
    pub id: String,
    /// Name for people to read.
    pub display: String,
    /// Person or system.
    pub kind: PrincipalKind,
}

/// Whether a principal is a person or a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// A person, who must have shown a second factor.
    Person,
    /// A system: an interface or an API client. A second factor does not apply to it, and it never breaks the glass.
    System,
}

/// The clinics a subject's roles reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Clinics {
    /// Every clinic of the tenant.
    All,
    /// Only these; an empty list reaches none.
    Some(Vec<ClinicId>),
}

impl Clinics {
    /// Says whether this clinic is reached.
    #[must_use]
    pub fn reach(&self, clinic: ClinicId) -> bool {
        match self {
            Clinics::All => true,
            Clinics::Some(clinics) => clinics.contains(&clinic),
        }
    }
}

/// What a subject acts for (HL7 PurposeOfUse, v3-PurposeOfUse).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// Care of the patient (TREAT).
    #[default]
    Treatment,
    /// Payment for care (HPAYMT).
    Payment,
    /// Running the organization and its systems (HOPERAT).
    Operations,
}

macro_rules! roles {
    ($($(#[$doc:meta])* $name:ident = $bit:literal $text:literal),+ $(,)?) => {
        /// A part that a principal plays in a tenant. Break-glass is no role but an overlay, see [`BreakGlass`](super::BreakGlass).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Role { $($(#[$doc])* #[serde(rename = $text)] $name),+ }

        impl Role {
            /// Every role.
            pub const ALL: &'static [Role] = &[$(Role::$name),+];

            /// Returns the word an operator types and reads.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Role::$name => $text),+ }
            }

            /// Returns the role of this name, matched exactly; `None` for an unknown one, which therefore permits nothing.
            #[must_use]
            pub fn from_name(name: &str) -> Option<Role> {
                match name { $($text => Some(Role::$name),)+ _ => None }
            }

            const fn bit(self) -> u16 {
                match self { $(Role::$name => $bit),+ }
            }
        }
    };
}

roles! {
    /// Administers a tenant: users, clinics, interfaces, clients. Sees no patient data.
    Admin = 0b0000_0001 "admin",
    /// Treats patients.
    Provider = 0b0000_0010 "provider",
    /// Supports treatment and works through what could not be mapped.
    Staff = 0b0000_0100 "staff",
    /// Reads results, nothing else.
    ReadOnly = 0b0000_1000 "read-only",
    /// Answers for the medicine of a whole tenant.
    ClinicalDirector = 0b0001_0000 "clinical-director",
    /// Delivers messages; reads nothing back.
    IntegrationEngine = 0b0010_0000 "integration-engine",
    /// Reads the audit trail, patient data masked.
    Auditor = 0b0100_0000 "auditor",
    /// Runs the gateway: tenants, keys, backups. Sees no patient data; has effect in the system tenant only.
    SystemOperator = 0b1000_0000 "system-operator",
    /// An identity provider that tells of its people ahead of their sign-in; keeps those and their groups, nothing else.
    Provisioner = 0b1_0000_0000 "provisioner",
}

/// A set of roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Roles(u16);

impl Roles {
    /// No role.
    pub const NONE: Self = Self(0);

    /// Returns the set of these roles.
    #[must_use]
    pub fn of(roles: &[Role]) -> Self {
        roles.iter().fold(Self::NONE, |set, role| set.with(*role))
    }

    /// Returns the set with this role added.
    #[must_use]
    pub const fn with(self, role: Role) -> Self {
        Self(self.0 | role.bit())
    }

    /// Returns the set with this role removed.
    #[must_use]
    pub const fn without(self, role: Role) -> Self {
        Self(self.0 & !role.bit())
    }

    /// Says whether the role is in the set.
    #[must_use]
    pub const fn contains(self, role: Role) -> bool {
        self.0 & role.bit() != 0
    }

    /// Says whether any of these roles is in the set.
    #[must_use]
    pub fn contains_any(self, roles: &[Role]) -> bool {
        roles.iter().any(|role| self.contains(*role))
    }

    /// Returns what of the set can be had in these clinics: whoever administers does so in a whole tenant, so that `admin` is had
    /// in all of them or not at all.
    #[must_use]
    pub const fn within(self, clinics: &Clinics) -> Self {
        match clinics {
            Clinics::All => self,
            Clinics::Some(_) => self.without(Role::Admin),
        }
    }

    /// Returns the set of the roles of both.
    #[must_use]
    pub const fn joined(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Returns the roles in the set, in the order of [`Role::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.iter().copied().filter(move |role| self.contains(*role))
    }
}

impl FromIterator<Role> for Roles {
    fn from_iter<I: IntoIterator<Item = Role>>(roles: I) -> Self {
        roles.into_iter().fold(Self::NONE, Self::with)
    }
}

impl Serialize for Roles {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Roles {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Role>::deserialize(deserializer)?.into_iter().collect())
    }
}
