//! Laws of the policy, over random questions.

use super::*;
use crate::access::scope::tests::any_scope;
use crate::access::{Labels, Obligation, Principal, Purpose, Roles, Scope};
use crate::id::{ClinicId, RecordId};
use crate::time::Timestamp;
use proptest::prelude::*;
use proptest::sample::select;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

const NOW: Timestamp = Timestamp(1_000_000);

fn tenant() -> impl Strategy<Value = TenantId> {
    select(vec![TenantId::SYSTEM, TenantId([1; 16]), TenantId([2; 16])])
}

fn clinic() -> impl Strategy<Value = ClinicId> {
    select(vec![ClinicId([1; 16]), ClinicId([2; 16])])
}

fn patient() -> impl Strategy<Value = RecordId> {
    select(vec![RecordId([1; 16]), RecordId([2; 16])])
}

fn role_set() -> impl Strategy<Value = Roles> {
    proptest::sample::subsequence(Role::ALL.to_vec(), 0..=Role::ALL.len()).prop_map(|roles| roles.into_iter().collect())
}

prop_compose! {
    fn subject()(
        tenant in tenant(),
        roles in role_set(),
        clinics in prop_oneof![Just(Clinics::All), proptest::collection::vec(clinic(), 0..3).prop_map(Clinics::Some)],
        kind in select(vec![PrincipalKind::Person, PrincipalKind::System]),
        purpose in select(vec![Purpose::Treatment, Purpose::Payment, Purpose::Operations]),
        scopes in prop_oneof![
            2 => Just(Scopes::Unrestricted),
            1 => proptest::collection::vec(any_scope(), 0..4).prop_map(Scopes::Limited),
        ],
        compartment in prop_oneof![3 => Just(None), 1 => patient().prop_map(Some)],
    ) -> Subject {
        Subject { principal: Principal { id: String::new(), display: String::new(), kind }, tenant, roles, clinics, purpose, scopes, compartment }
    }
}

prop_compose! {
    fn resource()(
        tenant in tenant(),
        clinic in proptest::option::of(clinic()),
        kind in proptest::option::of(select(Kind::ALL)),
        patient in proptest::option::of(patient()),
        labels in proptest::sample::subsequence(Label::ALL.to_vec(), 0..=2),
        gives in prop_oneof![2 => Just(Roles::NONE), 1 => role_set()],
    ) -> Resource {
        Resource { tenant, clinic, kind, patient, labels: labels.into_iter().collect::<Labels>(), gives, person: None }
    }
}

prop_compose! {
    fn context()(
        address in prop_oneof![9 => Just(Address::Allowed), 1 => Just(Address::NotAllowed)],
        session in prop_oneof![6 => Just(Session::Current), 1 => Just(Session::Ended), 3 => Just(Session::NotApplicable)],
        factor in prop_oneof![6 => Just(Factor::Shown), 1 => Just(Factor::Missing), 3 => Just(Factor::NotApplicable)],
        glass in proptest::option::of((patient(), -1i64..2)),
    ) -> Context {
        let break_glass = glass.map(|(patient, seconds)| crate::access::BreakGlass { patient, expires: NOW.plus_seconds(seconds), emergency: true });
        Context { now: NOW, address, session, factor, break_glass }
    }
}

fn action() -> impl Strategy<Value = Action> {
    select(Action::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_crosses_a_tenant(subject in subject(), action in action(), resource in resource(), context in context()) {
        let decision = decide(&subject, action, &resource, &context);
        prop_assert!(subject.tenant == resource.tenant || decision == Decision::Deny(Reason::OtherTenant));
    }

    #[test]
    fn a_forbid_never_adds(
        subject in subject(), action in action(), resource in resource(), context in context(),
        kept in proptest::sample::subsequence((0..FORBIDS.len()).collect::<Vec<_>>(), 0..=FORBIDS.len()),
    ) {
        let fewer: Vec<Forbid> = kept.into_iter().map(|number| FORBIDS[number]).collect();
        let with_all = decide_by(PERMITS, FORBIDS, &subject, action, &resource, &context, &|_| true);
        let with_fewer = decide_by(PERMITS, &fewer, &subject, action, &resource, &context, &|_| true);
        prop_assert!(!with_all.is_permit() || with_fewer.is_permit());
    }

    #[test]
    fn removing_a_role_never_adds(
        subject in subject(), action in action(), resource in resource(), context in context(), role in select(Role::ALL),
    ) {
        let fewer = Subject { roles: subject.roles.without(role), ..subject.clone() };
        let before = decide(&subject, action, &resource, &context);
        let after = decide(&fewer, action, &resource, &context);
        prop_assert!(!after.is_permit() || before.is_permit());
    }

    #[test]
    fn no_role_means_deny(subject in subject(), action in action(), resource in resource(), context in context()) {
        let nobody = Subject { roles: Roles::NONE, ..subject };
        prop_assert!(!decide(&nobody, action, &resource, &context).is_permit());
    }

    #[test]
    fn who_one_is_is_told_at_the_same_door_whatever_the_role(
        subject in subject(), action in action(), resource in resource(), context in context(),
    ) {
        let door = decide_self(&subject, &context);
        prop_assert!(door.is_ok() || !decide(&subject, action, &resource, &context).is_permit());
        let shut = context.address == Address::NotAllowed || context.session == Session::Ended || context.factor == Factor::Missing;
        prop_assert!(!shut || door.is_err());
        prop_assert_eq!(door, decide_self(&Subject { roles: Roles::NONE, ..subject }, &context));
    }

    #[test]
    fn broken_glass_opens_its_patient_in_its_time_only(
        subject in subject(), action in action(), resource in resource(), context in context(),
    ) {
        let unbroken = Context { break_glass: None, ..context };
        let decision = decide(&subject, action, &resource, &context);
        if decision.is_permit() && !decide(&subject, action, &resource, &unbroken).is_permit() {
            let glass = context.break_glass.unwrap();
            prop_assert_eq!(resource.patient, Some(glass.patient));
            prop_assert!(context.now < glass.expires);
            prop_assert_eq!(subject.principal.kind, PrincipalKind::Person);
            prop_assert!(decision.obligations().contains(Obligation::NoteBreakGlass));
            prop_assert!(OVERLAY.actions.contains(&action));
        }
    }

    #[test]
    fn a_label_never_adds(
        subject in subject(), action in action(), resource in resource(), context in context(), label in select(Label::ALL),
    ) {
        let labelled = resource.with_labels(resource.labels.with(label));
        prop_assert!(!decide(&subject, action, &labelled, &context).is_permit() || decide(&subject, action, &resource, &context).is_permit());
    }

    #[test]
    fn a_limit_never_adds(
        subject in subject(), action in action(), resource in resource(), context in context(),
        scopes in proptest::collection::vec(any_scope(), 0..4), patient in proptest::option::of(patient()), fits in any::<bool>(),
    ) {
        let free = Subject { scopes: Scopes::Unrestricted, compartment: None, ..subject };
        let limited = Subject { scopes: Scopes::Limited(scopes.clone()), compartment: patient, ..free.clone() };
        let whole = decide(&free, action, &resource, &context).is_permit();
        let decision = decide_opened(&limited, action, &resource, &context, &|_| fits).is_permit();
        prop_assert!(!decision || whole);
        prop_assert!(!decision || decide(&limited, action, &resource, &context).is_permit(), "opened content adds nothing");
        if let Some((_, fewer)) = scopes.split_last() {
            let fewer = Subject { scopes: Scopes::Limited(fewer.to_vec()), ..limited };
            prop_assert!(!decide_opened(&fewer, action, &resource, &context, &|_| fits).is_permit() || decision);
        }
        let inside = Subject { compartment: patient, ..free };
        prop_assert!(!decide(&inside, action, &resource, &context).is_permit() || whole);
    }

    #[test]
    fn every_letter_on_every_type_limits_nothing_that_is_served(
        subject in subject(), action in action(), resource in resource(), context in context(),
    ) {
        let all: Scope = "system/*.cruds".parse().unwrap();
        let free = Subject { scopes: Scopes::Unrestricted, compartment: None, ..subject };
        let limited = Subject { scopes: Scopes::Limited(vec![all]), ..free.clone() };
        let (whole, decision) = (decide(&free, action, &resource, &context), decide(&limited, action, &resource, &context));
        if Letter::of(action).is_some() && resource.kind.is_some_and(Kind::is_fhir) {
            prop_assert_eq!(whole.is_permit(), decision.is_permit());
        } else {
            prop_assert!(!decision.is_permit());
        }
    }

    #[test]
    fn a_patients_scope_opens_that_patient_and_nobody_when_none_was_chosen(
        subject in subject(), action in action(), resource in resource(), context in context(), scope in any_scope(),
    ) {
        let text = scope.to_string();
        let (_, rest) = text.split_once('/').unwrap();
        // There is none about administering for a patient.
        let Ok(scope) = std::format!("patient/{rest}").parse::<Scope>() else { return Ok(()) };
        let limited = Subject { scopes: Scopes::Limited(vec![scope]), ..subject };
        let opens = decide(&limited, action, &resource, &context).is_permit();
        prop_assert!(!opens || limited.compartment.is_some());
        if let (true, Some(of)) = (opens, resource.patient) {
            prop_assert_eq!(limited.compartment, Some(of));
        }
    }

    #[test]
    fn a_person_without_a_second_factor_may_do_nothing(
        subject in subject(), action in action(), resource in resource(), context in context(),
        factor in select(vec![Factor::Missing, Factor::NotApplicable]),
    ) {
        let mut person = subject;
        person.principal.kind = PrincipalKind::Person;
        let context = Context { factor, ..context };
        prop_assert!(!decide(&person, action, &resource, &context).is_permit());
    }

    #[test]
    fn every_deny_and_every_disclosure_is_recorded(
        subject in subject(), action in action(), resource in resource(), context in context(),
    ) {
        let decision = decide(&subject, action, &resource, &context);
        if !decision.is_permit() || action.discloses() || action == Action::MessageReceive {
            prop_assert!(decision.obligations().contains(Obligation::Record));
        }
    }

    #[test]
    fn roles_that_administer_see_no_patient_data(
        subject in subject(), action in action(), resource in resource(), context in context(),
    ) {
        let roles = Roles::of(&[Role::Admin, Role::SystemOperator, Role::Auditor]);
        let subject = Subject { roles, ..subject };
        prop_assert!(!action.discloses() || !decide(&subject, action, &resource, &context).is_permit());
    }
}

#[test]
fn an_unknown_role_or_action_has_no_value_to_be_permitted_by() {
    assert_eq!(Role::from_name("superuser"), None);
    assert_eq!(Role::from_name("Provider"), None);
    assert_eq!(Action::from_name("fhir.everything"), None);
    assert!(Role::ALL.iter().all(|role| Role::from_name(role.name()) == Some(*role)));
    assert!(Action::ALL.iter().all(|action| Action::from_name(action.name()) == Some(*action)));
}

#[test]
fn every_rule_has_a_name_of_its_own() {
    let mut names: Vec<&str> = PERMITS.iter().map(|rule| rule.id).collect();
    names.extend(FORBIDS.iter().map(|forbid| forbid.id));
    names.extend(NEEDS.iter().map(|need| need.id));
    names.push(OVERLAY.id);
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn what_the_law_guards_most_is_opened_in_a_medical_emergency_only() {
    let (tenant, patient) = (TenantId([1; 16]), RecordId([2; 16]));
    let subject = Subject { roles: Roles::of(&[Role::Staff]), purpose: Purpose::Operations, ..person(tenant) };
    let glass = |emergency| Context {
        break_glass: Some(crate::access::BreakGlass { patient, expires: NOW.plus_seconds(60), emergency }),
        ..Context::console(NOW)
    };
    for (label, needs_emergency) in
        [(Label::Restricted, false), (Label::SubstanceUse, true), (Label::ConsentWithheld, true)]
    {
        let resource = Resource::record(tenant, Kind::DiagnosticReport).with_patient(Some(patient));
        let resource = Resource { labels: [label].into_iter().collect(), ..resource };
        let opens = |emergency| decide(&subject, Action::FhirRead, &resource, &glass(emergency)).is_permit();
        assert!(opens(true), "{label:?}");
        assert_eq!(opens(false), !needs_emergency, "{label:?}");
    }
}

fn person(tenant: TenantId) -> Subject {
    Subject::console("somebody", tenant, Roles::NONE)
}

#[test]
fn nobody_lets_people_have_roles_that_are_not_theirs_to_give() {
    let resource = |gives: &[Role]| Resource::record(TenantId([1; 16]), Kind::Account).giving(Roles::of(gives));
    let by = |roles: &[Role], gives: &[Role]| {
        let subject = Subject::console("someone", TenantId([1; 16]), Roles::of(roles));
        decide(&subject, Action::DirectoryChange, &resource(gives), &Context::console(NOW))
    };
    assert!(by(&[Role::Admin], &[Role::Admin, Role::Provider, Role::ClinicalDirector]).is_permit());
    for gives in [&[Role::Auditor][..], &[Role::Provider, Role::Auditor], &[Role::SystemOperator], &[Role::Provisioner]]
    {
        assert_eq!(by(&[Role::Admin], gives), Decision::Deny(Reason::RoleNotGiven), "{gives:?}");
        // Having it oneself is no right to hand it on.
        assert_eq!(by(&[Role::Admin, Role::Auditor], gives), Decision::Deny(Reason::RoleNotGiven), "{gives:?}");
    }
    assert_eq!(by(&[Role::Auditor], &[Role::Provider]), Decision::Deny(Reason::NoRole));
}

#[test]
fn nobody_administers_their_own_account() {
    let me = RecordId([7; 16]);
    let admin = Subject::console(&me.to_string(), TenantId([1; 16]), Roles::of(&[Role::Admin]));
    let account = Resource::record(TenantId([1; 16]), Kind::Account).giving(Roles::of(&[Role::Admin]));
    let of = |person| {
        let resource = account.of_person(Some(person));
        decide(&admin, Action::DirectoryChange, &resource, &Context::console(NOW))
    };
    assert!(of(RecordId([8; 16])).is_permit());
    assert_eq!(of(me), Decision::Deny(Reason::Forbidden("nobody-administers-themselves")));
}

#[test]
fn a_token_administers_by_its_own_scope_alone() {
    let actions = [Action::DirectoryRead, Action::DirectoryChange, Action::UserChange, Action::AuditRead];
    let of = |scopes: &str| {
        let scopes = scopes.split_whitespace().map(|text| text.parse().unwrap()).collect();
        let roles = Roles::of(&[Role::Admin, Role::Auditor]);
        let subject = Subject { scopes: Scopes::Limited(scopes), ..Subject::console("a", TenantId([1; 16]), roles) };
        actions.map(|action| {
            let kind = matches!(action, Action::DirectoryRead | Action::DirectoryChange).then_some(Kind::Connection);
            let resource = Resource { kind, ..Resource::of_tenant(TenantId([1; 16])) };
            decide(&subject, action, &resource, &Context::console(NOW)).is_permit()
        })
    };
    assert_eq!(of("system/Administration.ru"), [true; 4]);
    assert_eq!(of("user/Administration.u"), [true; 4], "who may change may look");
    assert_eq!(of("system/Administration.r"), [true, false, false, true]);
    for none in ["", "system/*.cruds user/*.cruds patient/*.cruds", "system/Practitioner.cruds"] {
        assert_eq!(of(none), [false; 4], "{none}");
    }
}
