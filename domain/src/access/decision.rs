//! The decision: permit with a rule and obligations, or deny with a reason.

use super::action::Action;
use super::context::{Address, Context, Factor, Session};
use super::resource::{Label, Resource};
use super::scope::{Letter, Level, Part, Scopes};
use super::subject::{Clinics, PrincipalKind, Role, Subject};
use super::table::{FORBIDS, Forbid, MASKED, Meets, NEEDS, OVERLAY, PERMITS, Rule, Within, gives};
use crate::id::{RecordId, TenantId};
use crate::kind::Kind;

/// Decides; pure, and the only place where it is decided who may do what.
///
/// What only the content can tell is left open: labels that are not in `resource` do not count, and a scope speaks of a
/// resource whatever its granular parts ask. Whoever opens content decides again with [`decide_opened`].
#[must_use]
pub fn decide(subject: &Subject, action: Action, resource: &Resource, context: &Context) -> Decision {
    decide_opened(subject, action, resource, context, &|_| true)
}

/// Decides about content that is open: `resource` has its labels, and `fits` says whether it has what a part of a scope asks.
///
/// Permits nothing that [`decide`] denies.
#[must_use]
pub fn decide_opened(
    subject: &Subject,
    action: Action,
    resource: &Resource,
    context: &Context,
    fits: &dyn Fn(&Part) -> bool,
) -> Decision {
    decide_by(PERMITS, FORBIDS, subject, action, resource, context, fits)
}

/// Decides whether somebody may read who they are themselves: no role gives that and none takes it away, so the door alone decides.
///
/// # Errors
/// [`Reason`] of the door.
pub fn decide_self(subject: &Subject, context: &Context) -> Result<(), Reason> {
    refused_at_the_door(subject, context).map_or(Ok(()), Err)
}

/// The outcome of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may be done, by this rule, and then these obligations must be met.
    Permit {
        /// The name of the rule that permits.
        rule: &'static str,
        /// What must happen if the permit is used.
        obligations: Obligations,
    },
    /// It may not be done; the refusal must be recorded.
    Deny(Reason),
}

impl Decision {
    /// Says whether it is a permit.
    #[must_use]
    pub const fn is_permit(&self) -> bool {
        matches!(self, Decision::Permit { .. })
    }

    /// Returns what must happen: a permit's obligations, or the recording of a deny.
    #[must_use]
    pub const fn obligations(&self) -> Obligations {
        match self {
            Decision::Permit { obligations, .. } => *obligations,
            Decision::Deny(_) => Obligations::NONE.with(Obligation::Record),
        }
    }
}

/// Why it is denied. Told to the audit trail, never to the caller, who must not learn what exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The resource belongs to another tenant.
    OtherTenant,
    /// The subject may not come from this address.
    AddressNotAllowed,
    /// The session is over.
    SessionEnded,
    /// A second factor was not shown.
    FactorMissing,
    /// No scope of the token speaks of this.
    Scope,
    /// It is of another patient than the one the subject is limited to, or no patient was chosen.
    OtherCompartment,
    /// A label, or the patient's consent, keeps it from this subject; names the need that is not met.
    Labelled(&'static str),
    /// A rule forbids it to everyone in these circumstances.
    Forbidden(&'static str),
    /// A role would permit it, but not to let somebody have the roles in question.
    RoleNotGiven,
    /// A role would permit it, but not in this clinic.
    OtherClinic,
    /// No role of the subject permits it.
    NoRole,
}

impl Reason {
    /// Returns the word that audit contexts and the policy grid carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Reason::OtherTenant => "other-tenant",
            Reason::AddressNotAllowed => "address-not-allowed",
            Reason::SessionEnded => "session-ended",
            Reason::FactorMissing => "factor-missing",
            Reason::Scope => "scope",
            Reason::OtherCompartment => "other-compartment",
            Reason::Labelled(need) => need,
            Reason::Forbidden(rule) => rule,
            Reason::RoleNotGiven => "role-not-given",
            Reason::OtherClinic => "other-clinic",
            Reason::NoRole => "no-role",
        }
    }
}

/// What must happen if a permit is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Obligation {
    /// Put it into the audit chain before anything leaves.
    Record,
    /// Say in the record that the glass was broken.
    NoteBreakGlass,
    /// Leave out patient data.
    Mask,
    /// Say to the recipient that it must not be passed on (42 CFR §2.32).
    RedisclosureNotice,
    /// Decide each hit on its own before it is shown.
    DecideEach,
}

impl Obligation {
    /// Every obligation.
    pub const ALL: &'static [Obligation] = &[
        Obligation::Record,
        Obligation::NoteBreakGlass,
        Obligation::Mask,
        Obligation::RedisclosureNotice,
        Obligation::DecideEach,
    ];

    /// Returns the word that audit contexts and the policy grid carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Obligation::Record => "record",
            Obligation::NoteBreakGlass => "note-break-glass",
            Obligation::Mask => "mask",
            Obligation::RedisclosureNotice => "redisclosure-notice",
            Obligation::DecideEach => "decide-each",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Obligation::Record => 0b00001,
            Obligation::NoteBreakGlass => 0b00010,
            Obligation::Mask => 0b00100,
            Obligation::RedisclosureNotice => 0b01000,
            Obligation::DecideEach => 0b10000,
        }
    }
}

/// A set of obligations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Obligations(u8);

impl Obligations {
    /// No obligation.
    pub const NONE: Self = Self(0);

    /// Returns the set with this obligation added.
    #[must_use]
    pub const fn with(self, obligation: Obligation) -> Self {
        Self(self.0 | obligation.bit())
    }

    /// Says whether the obligation is in the set.
    #[must_use]
    pub const fn contains(self, obligation: Obligation) -> bool {
        self.0 & obligation.bit() != 0
    }

    /// Returns the obligations in the set, in the order of [`Obligation::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Obligation> {
        Obligation::ALL.iter().copied().filter(move |obligation| self.contains(*obligation))
    }
}

/// Decides by given tables, so that a test can take rules away and see what that changes.
fn decide_by(
    permits: &[Rule],
    forbids: &[Forbid],
    subject: &Subject,
    action: Action,
    resource: &Resource,
    context: &Context,
    fits: &dyn Fn(&Part) -> bool,
) -> Decision {
    if subject.tenant != resource.tenant {
        return Decision::Deny(Reason::OtherTenant);
    }
    if let Some(reason) = refused_at_the_door(subject, context) {
        return Decision::Deny(reason);
    }
    if let Some(reason) = outside_the_limits(subject, action, resource, fits) {
        return Decision::Deny(reason);
    }
    let glass = overlay_holds(subject, action, resource, context);
    if action.discloses() {
        for need in NEEDS {
            let lifted = glass && lifts(context, need.label);
            if !lifted && resource.labels.contains(need.label) && !meets(need.meets, subject) {
                return Decision::Deny(Reason::Labelled(need.id));
            }
        }
    }
    for forbid in forbids {
        if forbid.actions.contains(&action) && (forbid.when)(subject, resource, context) {
            return Decision::Deny(Reason::Forbidden(forbid.id));
        }
    }
    let mut reason = Reason::NoRole;
    for rule in permits {
        let speaks = subject.roles.contains(rule.role) && rule.actions.contains(&action) && rule.on.fits(resource.kind);
        if !speaks {
            continue;
        }
        if within(rule.within, subject, action, resource) {
            if !resource.gives.iter().all(|role| gives(rule.role, role)) {
                reason = Reason::RoleNotGiven;
                continue;
            }
            // A label or consent that only the broken glass lifts is read behind the glass, and noted as such.
            let lifted = glass && NEEDS.iter().any(|n| resource.labels.contains(n.label) && !meets(n.meets, subject));
            let rule_id = if lifted { OVERLAY.id } else { rule.id };
            return Decision::Permit {
                rule: rule_id,
                obligations: obligations(Some(rule.role), action, resource, subject, lifted),
            };
        }
        if matches!(rule.within, Within::Clinics) {
            reason = Reason::OtherClinic;
        }
    }
    if glass {
        return Decision::Permit { rule: OVERLAY.id, obligations: obligations(None, action, resource, subject, true) };
    }
    Decision::Deny(reason)
}

fn refused_at_the_door(subject: &Subject, context: &Context) -> Option<Reason> {
    if context.address == Address::NotAllowed {
        return Some(Reason::AddressNotAllowed);
    }
    let (session, factor) = match subject.principal.kind {
        PrincipalKind::Person => (context.session == Session::Current, context.factor == Factor::Shown),
        PrincipalKind::System => (context.session != Session::Ended, context.factor != Factor::Missing),
    };
    if !session {
        return Some(Reason::SessionEnded);
    }
    (!factor).then_some(Reason::FactorMissing)
}

/// Broken glass is no way around a token: what was not handed over is not there to be used.
fn outside_the_limits(
    subject: &Subject,
    action: Action,
    resource: &Resource,
    fits: &dyn Fn(&Part) -> bool,
) -> Option<Reason> {
    let scopes = match (&subject.scopes, subject.compartment) {
        (Scopes::Unrestricted, None) => return None,
        (Scopes::Unrestricted, Some(patient)) => {
            return (!inside(patient, action, resource)).then_some(Reason::OtherCompartment);
        }
        (Scopes::Limited(scopes), _) => scopes,
    };
    if let Some(letter) = Letter::of_administration(action) {
        return (!scopes.iter().any(|scope| scope.administers(letter))).then_some(Reason::Scope);
    }
    let (Some(letter), Some(kind)) = (Letter::of(action), resource.kind) else {
        return Some(Reason::Scope);
    };
    let mut reason = Reason::Scope;
    for scope in scopes.iter().filter(|scope| scope.speaks(letter, kind)) {
        let reaches = match scope.level() {
            Level::User | Level::System => true,
            Level::Patient => subject.compartment.is_some_and(|patient| inside(patient, action, resource)),
        };
        if !reaches {
            reason = Reason::OtherCompartment;
        } else if scope.parts().iter().all(fits) {
            return None;
        }
    }
    Some(reason)
}

/// Says whether something lies in a patient's compartment, or belongs to nobody's by its nature.
///
/// A search is let through, for each hit is decided on its own.
fn inside(patient: RecordId, action: Action, resource: &Resource) -> bool {
    match resource.patient {
        Some(of) => of == patient,
        None => {
            action == Action::FhirSearch
                || !action.discloses()
                || matches!(resource.kind, Some(Kind::Practitioner | Kind::PractitionerRole | Kind::Organization))
        }
    }
}

fn overlay_holds(subject: &Subject, action: Action, resource: &Resource, context: &Context) -> bool {
    subject.principal.kind == PrincipalKind::Person
        && context.glass_broken_for(resource.patient)
        && subject.roles.contains_any(OVERLAY.roles)
        && OVERLAY.actions.contains(&action)
        && OVERLAY.on.fits(resource.kind)
}

/// Says whether broken glass lifts this label; what the law guards most needs a medical emergency (42 CFR §2.51).
fn lifts(context: &Context, label: Label) -> bool {
    let guarded = matches!(label, Label::SubstanceUse | Label::ConsentWithheld);
    !guarded || context.break_glass.is_some_and(|glass| glass.emergency)
}

fn meets(need: Meets, subject: &Subject) -> bool {
    match need {
        Meets::Role(roles) => subject.roles.contains_any(roles),
        Meets::Purpose(purpose) => subject.purpose == purpose,
        Meets::OnlyBrokenGlass => false,
    }
}

fn within(scope: Within, subject: &Subject, action: Action, resource: &Resource) -> bool {
    match scope {
        Within::System => resource.tenant == TenantId::SYSTEM,
        Within::Tenant => true,
        Within::Clinics => match (resource.clinic, &subject.clinics) {
            (_, Clinics::All) => true,
            (Some(clinic), clinics) => clinics.reach(clinic),
            (None, Clinics::Some(_)) => action == Action::FhirSearch || shared(resource.kind),
        },
    }
}

fn shared(kind: Option<Kind>) -> bool {
    matches!(kind, Some(Kind::Patient | Kind::Practitioner | Kind::PractitionerRole | Kind::Organization))
}

fn obligations(role: Option<Role>, action: Action, resource: &Resource, subject: &Subject, glass: bool) -> Obligations {
    let mut set = Obligations::NONE;
    if !action.passes_unrecorded() {
        set = set.with(Obligation::Record);
    }
    if glass {
        set = set.with(Obligation::NoteBreakGlass);
    }
    if role.is_some_and(|role| MASKED.contains(&role)) {
        set = set.with(Obligation::Mask);
    }
    if action.discloses() && resource.labels.contains(Label::SubstanceUse) {
        set = set.with(Obligation::RedisclosureNotice);
    }
    if action == Action::FhirSearch && (matches!(subject.clinics, Clinics::Some(_)) || glass || subject.is_limited()) {
        set = set.with(Obligation::DecideEach);
    }
    set
}

#[cfg(test)]
mod tests;
