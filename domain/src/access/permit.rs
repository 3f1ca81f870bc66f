//! A permit as a value: made by a decision, used up by opening.

use super::action::Action;
use super::context::Context;
use super::decision::{Decision, Obligations, Reason, decide};
use super::resource::Resource;
use super::subject::Subject;
use crate::id::{RecordId, TenantId};
use crate::keys::Compartment;
use crate::kind::Kind;
use core::fmt;
use core::marker::PhantomData;

/// Decides whether the subject may do `A`, and returns the permit to do it once.
///
/// # Errors
/// [`Denial`], which the caller must put into the audit chain.
pub fn authorise<A: Act>(subject: &Subject, resource: &Resource, context: &Context) -> Result<Permit<A>, Denial> {
    match decide(subject, A::ACTION, resource, context) {
        Decision::Permit { rule, obligations } => Ok(Permit {
            tenant: resource.tenant,
            kind: resource.kind,
            patient: resource.patient,
            rule,
            obligations,
            act: PhantomData,
        }),
        Decision::Deny(reason) => Err(Denial { action: A::ACTION, cause: reason }),
    }
}

/// Leave to do `A` once, to what was decided about and to nothing else. Not `Clone`; only [`authorise`] makes one.
pub struct Permit<A: Act> {
    tenant: TenantId,
    kind: Option<Kind>,
    patient: Option<RecordId>,
    rule: &'static str,
    obligations: Obligations,
    act: PhantomData<A>,
}

impl<A: Act> Permit<A> {
    /// Returns the tenant it is for.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Returns the name of the rule that gave it.
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.rule
    }

    /// Returns what must happen because it is used.
    #[must_use]
    pub const fn obligations(&self) -> Obligations {
        self.obligations
    }

    /// Says whether a record of this tenant, kind and compartment is what was decided about.
    ///
    /// A permit for a resource covers the record it is sealed in. A permit for a patient covers that patient's compartment
    /// alone; one for no patient covers what lies in no patient's compartment. The directory is covered in the system
    /// tenant alone.
    #[must_use]
    pub fn covers(&self, tenant: TenantId, kind: Kind, compartment: Compartment) -> bool {
        let same_kind = self.kind.is_some_and(|permitted| permitted == kind || permitted.record() == kind);
        let directory = matches!(kind, Kind::Tenant | Kind::Clinic | Kind::Interface | Kind::ApiClient);
        let inside = match compartment {
            Compartment::Patient(patient) => !directory && self.patient == Some(patient),
            Compartment::Own(_) | Compartment::Context => !directory && self.patient.is_none(),
            Compartment::Directory => directory && tenant == TenantId::SYSTEM,
        };
        self.tenant == tenant && same_kind && inside
    }
}

/// A refusal, as the enforcing side needs it: what was asked and why not. Its text names neither subject nor resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denial {
    /// What was asked for.
    pub action: Action,
    /// Why it is denied; for the audit trail, not for the caller.
    pub cause: Reason,
}

impl Denial {
    /// Returns the word for the cause, as an audit context carries it.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.cause.name()
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not permitted: {} ({})", self.action.name(), self.reason())
    }
}

impl core::error::Error for Denial {}

/// Something that can be permitted, as a type.
pub trait Act: sealed::Sealed {
    /// The action that is decided.
    const ACTION: Action;
}

/// An [`Act`] that opens sealed records.
pub trait Opens: Act {}

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $action:ident),+ $(,)?) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy)]
            pub enum $name {}
            impl sealed::Sealed for $name {}
            impl Act for $name {
                const ACTION: Action = Action::$action;
            }
        )+
    };
}

acts! {
    /// Reads one resource.
    Read = FhirRead,
    /// Searches; opens nothing by itself, each hit is a [`Read`].
    Search = FhirSearch,
    /// Lists the versions of a resource; opens nothing by itself, each version is a [`Read`].
    History = FhirHistory,
    /// Takes in a message and opens the records that it changes.
    Receive = MessageReceive,
    /// Shows a received message.
    ViewMessage = MessageView,
    /// Maps a stored message again.
    ReplayMessage = MessageReplay,
    /// Changes the directory, and opens its entries to do so.
    Administer = DirectoryChange,
    /// Lists the directory.
    ViewDirectory = DirectoryRead,
    /// Reads audit entries and opens their contexts.
    ReadAudit = AuditRead,
    /// Takes out audit entries.
    ExportAudit = AuditExport,
    /// Verifies chains.
    VerifyAudit = AuditVerify,
    /// Begins a new generation of a tenant's key.
    ManageKeys = KeyRotate,
}

impl Opens for Read {}
impl Opens for Receive {}
impl Opens for ViewMessage {}
impl Opens for ReplayMessage {}
impl Opens for Administer {}

mod sealed {
    #[expect(unnameable_types, reason = "the seal of Act: nobody else may implement it")]
    pub trait Sealed {}
}
