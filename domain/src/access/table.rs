//! The policy itself: labels, forbids and permits, to be read as sentences.
//!
//! A change here shows as a difference in `domain/tests/policy/grid.txt`, which is what a reviewer reads.

use super::action::Action::{self, *};
use super::context::Context;
use super::resource::{Label, Resource};
use super::subject::Role::{self, *};
use super::subject::{PrincipalKind, Purpose, Subject};
use crate::id::RecordId;
use crate::kind::Kind;
use alloc::string::ToString;

/// A label hides a resource from everyone who does not meet its need; broken glass meets every need.
pub(super) const NEEDS: &[Need] = &[
    need("restricted-needs-clinician", Label::Restricted, Meets::Role(&[Provider, ClinicalDirector])),
    need("very-restricted-needs-director", Label::VeryRestricted, Meets::Role(&[ClinicalDirector])),
    need("substance-use-needs-treatment", Label::SubstanceUse, Meets::Purpose(Purpose::Treatment)),
    need("consent-withheld-needs-emergency", Label::ConsentWithheld, Meets::OnlyBrokenGlass),
];

/// What nobody may do, whatever the roles. A forbid never looks at roles: taking one away must not open anything.
pub(super) const FORBIDS: &[Forbid] = &[
    forbid("received-stays-as-received", &[MessageEdit], always),
    forbid("results-come-from-messages", &[FhirCreate, FhirUpdate, FhirPatch, FhirDelete], always),
    forbid("broken-glass-exports-nothing", EXPORTS, while_glass_is_broken),
    forbid("broken-glass-administers-nothing", ADMINISTRATION, while_glass_is_broken),
    forbid("nobody-administers-themselves", &[DirectoryChange], of_the_own_account),
    forbid("systems-neither-sign-nor-break-glass", &[ReportSign, BreakGlassStart, BreakGlassReview], for_systems),
    forbid("systems-hold-no-custody", &[KeyCustody, KeyShred, BackupRestore, AuditQuarantine], for_systems),
];

/// What a role may do, to what, and how far. What is not here is denied.
pub(super) const PERMITS: &[Rule] = &[
    permit("provider-reads", Provider, READING, On::Results, Within::Clinics),
    permit("provider-views-messages", Provider, &[MessageView], On::Messages, Within::Clinics),
    permit("provider-signs", Provider, &[ReportSign, ReportExport], On::Reports, Within::Clinics),
    permit("provider-breaks-glass", Provider, &[BreakGlassStart], On::Patients, Within::Tenant),
    permit("staff-reads", Staff, READING, On::Results, Within::Clinics),
    // A report may be nothing but its document, so whoever reads reports gets their documents too.
    permit("staff-takes-documents", Staff, &[ReportExport], On::Reports, Within::Clinics),
    permit("staff-works-messages", Staff, &[MessageView, MessageReplay], On::Messages, Within::Clinics),
    permit("staff-breaks-glass", Staff, &[BreakGlassStart], On::Patients, Within::Tenant),
    permit("reader-reads", ReadOnly, READING, On::Results, Within::Clinics),
    permit("reader-takes-documents", ReadOnly, &[ReportExport], On::Reports, Within::Clinics),
    permit(
        "director-reads",
        ClinicalDirector,
        &[FhirRead, FhirSearch, FhirHit, FhirHistory, FhirExport],
        On::Results,
        Within::Tenant,
    ),
    permit("director-views-messages", ClinicalDirector, &[MessageView], On::Messages, Within::Tenant),
    permit("director-signs", ClinicalDirector, &[ReportSign, ReportExport], On::Reports, Within::Tenant),
    permit("director-breaks-glass", ClinicalDirector, &[BreakGlassStart], On::Patients, Within::Tenant),
    permit("director-reviews", ClinicalDirector, &[BreakGlassReview], On::Trail, Within::Tenant),
    // An interface is bound to a tenant; the clinic is a mark on what it delivers, and patients move between clinics.
    permit("engine-receives", IntegrationEngine, &[MessageReceive], On::MessagesAndResults, Within::Tenant),
    permit("engine-routes", IntegrationEngine, &[MessageRoute], On::Messages, Within::Clinics),
    permit(
        "auditor-audits",
        Auditor,
        &[AuditRead, AuditExport, AuditVerify, BreakGlassReview],
        On::Trail,
        Within::Tenant,
    ),
    permit("auditor-sees-setup", Auditor, &[DirectoryRead], On::Directory, Within::Tenant),
    permit("auditor-sees-policy", Auditor, &[PolicyRead, UserRead], On::Gateway, Within::Tenant),
    permit("admin-sees-directory", Admin, &[DirectoryRead], On::Directory, Within::Tenant),
    permit("admin-changes-directory", Admin, &[DirectoryChange], On::DirectoryOfTenant, Within::Tenant),
    permit(
        "admin-administers",
        Admin,
        &[UserRead, UserChange, PolicyRead, PolicyChange, TestRun, SystemStatus],
        On::Gateway,
        Within::Tenant,
    ),
    permit(
        "provisioner-keeps-people",
        Provisioner,
        &[DirectoryRead, DirectoryChange],
        On::ProvisionedPeople,
        Within::Tenant,
    ),
    permit(
        "operator-keeps-directory",
        SystemOperator,
        &[DirectoryRead, DirectoryChange],
        On::Directory,
        Within::System,
    ),
    permit("operator-keeps-keys", SystemOperator, &[KeyRotate, KeyCustody, KeyShred], On::Gateway, Within::System),
    permit(
        "operator-keeps-trail",
        SystemOperator,
        &[AuditRead, AuditExport, AuditVerify, AuditQuarantine],
        On::Trail,
        Within::System,
    ),
    permit(
        "operator-runs-gateway",
        SystemOperator,
        &[BackupMake, BackupRestore, SystemStatus, SystemConfigure, SystemStop, PolicyRead, TestRun],
        On::Gateway,
        Within::System,
    ),
];

/// Says whether whoever changes the directory by a role may let somebody have another, or change what gives it.
///
/// Who audits watches those who administer, and is therefore not theirs to make or to take over.
pub(super) const fn gives(by: Role, role: Role) -> bool {
    match by {
        SystemOperator => true,
        Admin => matches!(role, Admin | Provider | Staff | ReadOnly | ClinicalDirector),
        Provider | Staff | ReadOnly | ClinicalDirector | IntegrationEngine | Auditor | Provisioner => false,
    }
}

/// The overlay: what a person with one of these roles may do for the one patient while the glass is broken.
pub(super) const OVERLAY: Overlay = Overlay {
    id: "broken-glass-reads",
    roles: &[Provider, Staff, ClinicalDirector],
    actions: &[FhirRead, FhirSearch, FhirHit, FhirHistory, MessageView],
    on: On::MessagesAndResults,
};

/// Roles that do their work without patient data: what they are shown is masked.
pub(super) const MASKED: &[Role] = &[Admin, Auditor, SystemOperator];

const READING: &[Action] = &[FhirRead, FhirSearch, FhirHit, FhirHistory];

const EXPORTS: &[Action] = &[FhirExport, ReportExport, AuditExport, BackupMake];

const ADMINISTRATION: &[Action] = &[
    AuditQuarantine,
    KeyRotate,
    KeyCustody,
    KeyShred,
    DirectoryRead,
    DirectoryChange,
    UserRead,
    UserChange,
    PolicyRead,
    PolicyChange,
    BackupMake,
    BackupRestore,
    SystemStatus,
    SystemConfigure,
    SystemStop,
];

/// What a rule is about.
#[derive(Clone, Copy)]
pub(super) enum On {
    /// What is served over FHIR.
    Results,
    /// Diagnostic reports.
    Reports,
    /// Patients.
    Patients,
    /// Messages as received, what became of them, and bytes that were no message.
    Messages,
    /// Messages and what is served over FHIR.
    MessagesAndResults,
    /// Tenants and everything that the directory keeps below them.
    Directory,
    /// Clinics, interfaces, clients, connections, accounts, applications, people: the directory below the tenant itself.
    DirectoryOfTenant,
    /// People and groups that an identity provider told of.
    ProvisionedPeople,
    /// Audit entries, their contexts, and what was broken in an emergency.
    Trail,
    /// What is no record: keys, users, policy, the gateway.
    Gateway,
}

impl On {
    pub(super) fn fits(self, kind: Option<Kind>) -> bool {
        let message = matches!(kind, Some(Kind::Hl7Message | Kind::MessageTrace | Kind::QuarantinedFrame));
        let below_tenant = kind.is_some_and(Kind::is_directory_of_tenant);
        match self {
            On::Results => kind.is_some_and(Kind::is_fhir),
            On::Reports => kind == Some(Kind::DiagnosticReport),
            On::Patients => kind == Some(Kind::Patient),
            On::Messages => message,
            On::MessagesAndResults => message || kind.is_some_and(Kind::is_fhir),
            On::Directory => below_tenant || kind == Some(Kind::Tenant),
            On::DirectoryOfTenant => below_tenant,
            On::ProvisionedPeople => matches!(kind, Some(Kind::ProvisionedPerson | Kind::ProvisionedGroup)),
            On::Trail => matches!(kind, None | Some(Kind::AuditContext | Kind::GlassReview)),
            On::Gateway => kind.is_none(),
        }
    }
}

/// How far a permit reaches.
#[derive(Clone, Copy)]
pub(super) enum Within {
    /// The subject's clinics. What belongs to no clinic is reached by those who reach all, except shared
    /// practitioners and organizations; a search is let through, for each hit is decided on its own.
    Clinics,
    /// The subject's tenant.
    Tenant,
    /// The system tenant only.
    System,
}

/// One line of [`PERMITS`].
#[derive(Clone, Copy)]
pub(super) struct Rule {
    pub(super) id: &'static str,
    pub(super) role: Role,
    pub(super) actions: &'static [Action],
    pub(super) on: On,
    pub(super) within: Within,
}

/// One line of [`FORBIDS`].
#[derive(Clone, Copy)]
pub(super) struct Forbid {
    pub(super) id: &'static str,
    pub(super) actions: &'static [Action],
    pub(super) when: fn(&Subject, &Resource, &Context) -> bool,
}

/// One line of [`NEEDS`].
#[derive(Clone, Copy)]
pub(super) struct Need {
    pub(super) id: &'static str,
    pub(super) label: Label,
    pub(super) meets: Meets,
}

/// What meets the need of a label.
#[derive(Clone, Copy)]
pub(super) enum Meets {
    Role(&'static [Role]),
    Purpose(Purpose),
    OnlyBrokenGlass,
}

/// The shape of [`OVERLAY`].
pub(super) struct Overlay {
    pub(super) id: &'static str,
    pub(super) roles: &'static [Role],
    pub(super) actions: &'static [Action],
    pub(super) on: On,
}

const fn need(id: &'static str, label: Label, meets: Meets) -> Need {
    Need { id, label, meets }
}

const fn forbid(
    id: &'static str,
    actions: &'static [Action],
    when: fn(&Subject, &Resource, &Context) -> bool,
) -> Forbid {
    Forbid { id, actions, when }
}

const fn permit(id: &'static str, role: Role, actions: &'static [Action], on: On, within: Within) -> Rule {
    Rule { id, role, actions, on, within }
}

fn always(_: &Subject, _: &Resource, _: &Context) -> bool {
    true
}

fn while_glass_is_broken(subject: &Subject, _: &Resource, context: &Context) -> bool {
    subject.principal.kind == PrincipalKind::Person && context.glass_broken()
}

fn of_the_own_account(subject: &Subject, resource: &Resource, _: &Context) -> bool {
    let own = |person: RecordId| person.to_string() == subject.principal.id;
    subject.principal.kind == PrincipalKind::Person && resource.person.is_some_and(own)
}

fn for_systems(subject: &Subject, _: &Resource, _: &Context) -> bool {
    subject.principal.kind == PrincipalKind::System
}
