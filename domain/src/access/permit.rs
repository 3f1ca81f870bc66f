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
        let directory = kind.is_directory();
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

/// An [`Act`] that opens the sealed contexts of audit entries.
pub trait OpensContexts: Act {}

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
    /// Searches; opens nothing by itself, each hit is a [`Hit`].
    Search = FhirSearch,
    /// Shows one resource that a search found.
    Hit = FhirHit,
    /// Takes out a report for its documents to be handed out as files.
    TakeOut = ReportExport,
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
    /// Opens a breaking of the glass to judge it, and what was done behind it.
    ReviewGlass = BreakGlassReview,
    /// Begins a new generation of a tenant's key.
    ManageKeys = KeyRotate,
}

impl Opens for Read {}
impl Opens for Hit {}
impl Opens for TakeOut {}
impl Opens for Receive {}
impl Opens for ViewMessage {}
impl Opens for ReplayMessage {}
impl Opens for Administer {}
impl Opens for ReviewGlass {}

impl OpensContexts for ReadAudit {}
impl OpensContexts for ReviewGlass {}

mod sealed {
    #[expect(unnameable_types, reason = "the seal of Act: nobody else may implement it")]
    pub trait Sealed {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Role, Roles};
    use crate::time::Timestamp;

    const TENANT: TenantId = TenantId([1; 16]);
    const PATIENT: RecordId = RecordId([2; 16]);

    fn permit<A: Act>(role: Role, resource: Resource) -> Permit<A> {
        let subject = Subject::console("someone", resource.tenant, Roles::of(&[role]));
        authorise(&subject, &resource, &Context::console(Timestamp(0))).unwrap()
    }

    #[test]
    fn a_permit_covers_its_tenant_kind_and_patient_alone() {
        let report = Resource::record(TENANT, Kind::DiagnosticReport).with_patient(Some(PATIENT));
        let permit: Permit<Read> = permit(Role::Provider, report);
        let patient = Compartment::Patient(PATIENT);
        assert!(permit.covers(TENANT, Kind::DiagnosticReport, patient));
        assert!(!permit.covers(TenantId([9; 16]), Kind::DiagnosticReport, patient));
        assert!(!permit.covers(TENANT, Kind::Encounter, patient));
        for other in [
            Compartment::Patient(RecordId([3; 16])),
            Compartment::Own(PATIENT),
            Compartment::Context,
            Compartment::Directory,
        ] {
            assert!(!permit.covers(TENANT, Kind::DiagnosticReport, other));
        }
    }

    #[test]
    fn a_permit_for_a_resource_covers_the_record_it_is_sealed_in() {
        let result = Resource::record(TENANT, Kind::Observation).with_patient(Some(PATIENT));
        let permit: Permit<Read> = permit(Role::Provider, result);
        assert!(permit.covers(TENANT, Kind::DiagnosticReport, Compartment::Patient(PATIENT)));
    }

    #[test]
    fn a_permit_for_no_patient_covers_no_patient() {
        let permit: Permit<Read> = permit(Role::Provider, Resource::record(TENANT, Kind::Organization));
        assert!(permit.covers(TENANT, Kind::Organization, Compartment::Own(PATIENT)));
        assert!(!permit.covers(TENANT, Kind::Organization, Compartment::Patient(PATIENT)));
    }

    #[test]
    fn the_directory_opens_in_the_system_tenant_alone() {
        let system = Resource::record(TenantId::SYSTEM, Kind::Interface);
        let operators: Permit<Administer> = permit(Role::SystemOperator, system);
        assert!(operators.covers(TenantId::SYSTEM, Kind::Interface, Compartment::Directory));
        assert!(!operators.covers(TenantId::SYSTEM, Kind::ApiClient, Compartment::Directory));
        let admins: Permit<Administer> = permit(Role::Admin, Resource::record(TENANT, Kind::Interface));
        assert!(!admins.covers(TenantId::SYSTEM, Kind::Interface, Compartment::Directory));
        assert!(!admins.covers(TENANT, Kind::Interface, Compartment::Directory));
    }
}
