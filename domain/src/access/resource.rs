//! What is asked about: whose it is, where, of which patient, how it is labelled.

use super::subject::Roles;
use crate::id::{ClinicId, RecordId, TenantId};
use crate::kind::Kind;

/// What a decision is about, as far as it is known before anything is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Resource {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// The clinic it belongs to; `None` when it belongs to the whole tenant or this is not known.
    pub clinic: Option<ClinicId>,
    /// Its kind; `None` for what is no record, such as a chain or a key.
    pub kind: Option<Kind>,
    /// The patient in whose compartment it lies.
    pub patient: Option<RecordId>,
    /// Its security labels and the patient's consent.
    pub labels: Labels,
    /// The roles that somebody gets or has by it: an account's, those of a connection's rules, before a change and after it.
    pub gives: Roles,
    /// The person whose account it is.
    pub person: Option<RecordId>,
}

impl Resource {
    /// Returns something of a tenant that is no record: a chain, a key, the gateway.
    #[must_use]
    pub const fn of_tenant(tenant: TenantId) -> Self {
        Self { tenant, clinic: None, kind: None, patient: None, labels: Labels::NONE, gives: Roles::NONE, person: None }
    }

    /// Returns an unlabelled record of a tenant that belongs to no clinic and no patient.
    #[must_use]
    pub const fn record(tenant: TenantId, kind: Kind) -> Self {
        Self { kind: Some(kind), ..Self::of_tenant(tenant) }
    }

    /// Returns the same in the compartment of a patient.
    #[must_use]
    pub const fn with_patient(self, patient: Option<RecordId>) -> Self {
        Self { patient, ..self }
    }

    /// Returns the same in a clinic.
    #[must_use]
    pub const fn with_clinic(self, clinic: Option<ClinicId>) -> Self {
        Self { clinic, ..self }
    }

    /// Returns the same where these roles are given or had by it.
    #[must_use]
    pub const fn giving(self, gives: Roles) -> Self {
        Self { gives, ..self }
    }

    /// Returns the same as the account of a person.
    #[must_use]
    pub const fn of_person(self, person: Option<RecordId>) -> Self {
        Self { person, ..self }
    }

    /// Returns the same with these labels.
    #[must_use]
    pub const fn with_labels(self, labels: Labels) -> Self {
        Self { labels, ..self }
    }
}

impl Default for Resource {
    /// Something of the system tenant that is no record.
    fn default() -> Self {
        Self::of_tenant(TenantId::SYSTEM)
    }
}

/// A mark that narrows who may see a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Label {
    /// Confidentiality `R` (HL7 v3-Confidentiality).
    Restricted,
    /// Confidentiality `V` (HL7 v3-Confidentiality).
    VeryRestricted,
    /// Treatment of substance use disorder (42 CFR Part 2).
    SubstanceUse,
    /// The patient has withheld consent to disclosure.
    ConsentWithheld,
}

impl Label {
    /// Every label.
    pub const ALL: &'static [Label] =
        &[Label::Restricted, Label::VeryRestricted, Label::SubstanceUse, Label::ConsentWithheld];

    /// Returns the label of a code in `meta.security`; `None` when the code does not narrow anything.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Label> {
        match code {
            "R" => Some(Label::Restricted),
            "V" => Some(Label::VeryRestricted),
            "42CFRPart2" | "ETH" | "ETHUD" | "SUD" => Some(Label::SubstanceUse),
            "NODSCLCD" => Some(Label::ConsentWithheld),
            _ => None,
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Label::Restricted => 0b0001,
            Label::VeryRestricted => 0b0010,
            Label::SubstanceUse => 0b0100,
            Label::ConsentWithheld => 0b1000,
        }
    }
}

/// A set of labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Labels(u8);

impl Labels {
    /// No label.
    pub const NONE: Self = Self(0);

    /// Returns the set with this label added.
    #[must_use]
    pub const fn with(self, label: Label) -> Self {
        Self(self.0 | label.bit())
    }

    /// Returns the labels of both sets.
    #[must_use]
    pub const fn joined(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Says whether the label is in the set.
    #[must_use]
    pub const fn contains(self, label: Label) -> bool {
        self.0 & label.bit() != 0
    }

    /// Says whether there is no label.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Label> for Labels {
    fn from_iter<I: IntoIterator<Item = Label>>(labels: I) -> Self {
        labels.into_iter().fold(Self::NONE, Self::with)
    }
}
