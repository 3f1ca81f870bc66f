//! Signing in over the doubles of the ports: who gets a session, what the chain says, and when it is over.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::access::{Action, Address, Clinics, Factor, Purpose, Resource, Role, Roles, Subject, decide};
use domain::administration::{Administration, By};
use domain::audit::ChainId;
use domain::directory::{Account, Connection, Directory, Hidden, OidcSettings, Protocol, SecondFactor, TenantSettings};
use domain::double::{Installation, MemoryTickets, run};
use domain::id::{ClinicId, CorrelationId, RecordId, TenantId};
use domain::identity::{Assertion, Criterion, GlassBroken, Groups, NotAdmitted, Rule, Standing};
use domain::journal::Actor;
use domain::kind::Kind;
use domain::ports::{Clock, Entropy, Store, Unavailable};
use domain::refusals::RefusalLimits;
use domain::sign_in::{DROPPED, Ending, Origin, Refused, SignIn, TOUCH_SECONDS};
use domain::supervision::{Ended, NotSupervised, Supervision};
use domain::ticket::{TicketBook, TicketKeys, TicketKind};
use domain::time::Timestamp;
use std::sync::{Arc, Mutex};

const IDLE: i64 = 900;
const CONNECTION: RecordId = RecordId([7; 16]);

struct House {
    doubles: Installation,
    sign_in: SignIn,
    directory: Directory,
    other: TenantId,
    tenant: TenantId,
}

impl House {
    fn new() -> Self {
        let doubles = Installation::new(1).unwrap();
        let administration: Administration = doubles.administration();
        run(administration.prepare_system()).unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: domain::access::Context::console(doubles.clock.now()) };
        let tenant = run(administration.add_tenant(&by, "North")).unwrap();
        let id = tenant.id;
        let other = run(administration.add_tenant(&by, "South")).unwrap().id;
        let directory = Directory::new([tenant], [], [], []).with_people([connection(id)], [], []);
        let book = doubles.book(Arc::new(MemoryTickets::default()));
        let sign_in = doubles.sign_in(&book, &doubles.refusals(RefusalLimits::default()).unwrap());
        Self { doubles, sign_in, directory, tenant: id, other }
    }

    fn assertion(&self, subject: &str) -> Assertion {
        Assertion {
            connection: CONNECTION,
            tenant: self.tenant,
            issuer: "https://idp.example".into(),
            subject: subject.into(),
            display: "Dr Example".into(),
            roles: vec!["Provider".into()],
            groups: Groups::Known(Vec::new()),
            attributes: Vec::new(),
            factor: Factor::Shown,
            authenticated: self.doubles.clock.now(),
            until: None,
            provider_session: Some("sid-1".into()),
        }
    }

    fn begin(&self, assertion: &Assertion) -> Result<domain::sign_in::Begun, Refused> {
        let connection = self.directory.connection(CONNECTION).unwrap();
        run(self.sign_in.begin(
            assertion,
            connection,
            &Standing::NotNeeded,
            &TenantSettings::default(),
            &origin(),
            None,
        ))
    }

    /// The connection with other rules.
    fn giving(&self, rules: &[Rule]) -> Connection {
        Connection { rules: rules.to_vec(), ..connection(self.tenant) }
    }

    fn resume(&self, begun: &domain::sign_in::Begun) -> Option<domain::sign_in::Resumed> {
        run(self.sign_in.resume(&begun.secret, &self.directory, Address::Allowed)).unwrap()
    }

    /// The actions and outcomes of the tenant's chain, oldest first, from the first sign-in on.
    fn chain(&self) -> Vec<String> {
        let block = run(self.doubles.store.entries(ChainId::from(self.tenant), 1, 1_000)).unwrap();
        let lines = String::from_utf8(block.lines).unwrap();
        let entry = |line: &str| serde_json::from_str::<serde_json::Value>(line.split_once(' ').unwrap().1).unwrap();
        lines
            .lines()
            .map(entry)
            .filter(|entry| entry["action"].as_str().unwrap().starts_with("Log"))
            .map(|entry| format!("{} {}", entry["action"].as_str().unwrap(), entry["outcome"].as_str().unwrap()))
            .collect()
    }
}

fn connection(tenant: TenantId) -> Connection {
    let settings: OidcSettings =
        serde_json::from_str(r#"{"issuer":"https://idp.example","client_id":"sealgate"}"#).unwrap();
    let rule = Rule {
        when: Criterion::Role("Provider".into()),
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
    };
    Connection {
        id: CONNECTION,
        tenant,
        name: "Hospital".into(),
        enabled: true,
        protocol: Protocol::Oidc(settings),
        rules: vec![rule],
        provisioning: domain::directory::Provisioning::default(),
        created: Timestamp(0),
        ended: None,
    }
}

fn origin() -> Origin<'static> {
    Origin {
        address: "192.0.2.1",
        workstation: "portal",
        allowed: Address::Allowed,
        correlation: CorrelationId([3; 16]),
    }
}

#[test]
fn a_mapped_person_gets_a_session_that_may_read_and_the_chain_says_so() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    let resumed = house.resume(&begun).unwrap();
    let report = Resource::record(house.tenant, Kind::DiagnosticReport);
    assert!(decide(&resumed.subject, Action::FhirRead, &report, &resumed.circumstances).is_permit());
    assert_eq!(house.chain(), ["LoginSucceeded success"]);
}

#[test]
fn whoever_is_to_administer_some_clinics_alone_does_not_and_the_chain_says_so() {
    let house = House::new();
    let rule = |roles: &[Role]| Rule {
        when: Criterion::Role("Provider".into()),
        roles: Roles::of(roles),
        clinics: Clinics::Some(vec![ClinicId([4; 16])]),
        purpose: Purpose::Treatment,
    };
    let (assertion, settings) = (house.assertion("alice"), TenantSettings::default());
    let begin = |rule| {
        let rules = [rule];
        run(house.sign_in.begin(&assertion, &house.giving(&rules), &Standing::NotNeeded, &settings, &origin(), None))
    };
    let begun = begin(rule(&[Role::Admin, Role::Provider])).unwrap();
    assert_eq!(begun.session.roles, Roles::of(&[Role::Provider]));
    assert_eq!(begin(rule(&[Role::Admin])).err(), Some(Refused::NotAdmitted(NotAdmitted::NoRole)));
    assert_eq!(house.chain(), ["LoginSucceeded success", "LoginFailed denied"]);
    let told = run(house.doubles.told(house.tenant)).unwrap();
    let reasons: Vec<_> = told.iter().filter_map(|told| told.context.reason.as_deref()).collect();
    assert_eq!(reasons, [DROPPED, "no-role"]);
}

#[test]
fn an_unmapped_person_gets_none_and_the_chain_says_so() {
    let house = House::new();
    let assertion = Assertion { roles: vec!["Porter".into()], ..house.assertion("bob") };
    assert_eq!(house.begin(&assertion).err(), Some(Refused::NotAdmitted(NotAdmitted::Unmapped)));
    assert_eq!(house.chain(), ["LoginFailed denied"]);
}

#[test]
fn without_a_second_factor_nobody_begins_unless_the_tenant_waives_it_for_their_roles() {
    let house = House::new();
    let assertion = Assertion { factor: Factor::Missing, ..house.assertion("alice") };
    assert_eq!(house.begin(&assertion).err(), Some(Refused::FactorMissing));

    let relaxed: TenantSettings = serde_json::from_str(r#"{"second_factor":"relaxed-for-staff"}"#).unwrap();
    let rules = house.directory.connection(CONNECTION).unwrap().rules.clone();
    let begun =
        run(house.sign_in.begin(&assertion, &house.giving(&rules), &Standing::NotNeeded, &relaxed, &origin(), None))
            .unwrap();
    assert!(begun.session.factor_waived && !begun.session.second_factor);
    let admin = vec![Rule { roles: Roles::of(&[Role::Admin]), ..rules[0].clone() }];
    let refused =
        run(house.sign_in.begin(&assertion, &house.giving(&admin), &Standing::NotNeeded, &relaxed, &origin(), None));
    assert_eq!(refused.err(), Some(Refused::FactorMissing), "never for an administrator");
}

#[test]
fn a_session_without_a_second_factor_ends_when_the_tenant_asks_for_one_again() {
    let house = House::new();
    let assertion = Assertion { factor: Factor::Missing, ..house.assertion("alice") };
    let relaxed: TenantSettings = serde_json::from_str(r#"{"second_factor":"relaxed-for-staff"}"#).unwrap();
    let rules = house.directory.connection(CONNECTION).unwrap().rules.clone();
    let begun =
        run(house.sign_in.begin(&assertion, &house.giving(&rules), &Standing::NotNeeded, &relaxed, &origin(), None))
            .unwrap();
    let tenant =
        |settings| domain::directory::Tenant { settings, ..house.directory.tenant(house.tenant).unwrap().clone() };
    let directory =
        |settings| Directory::new([tenant(settings)], [], [], []).with_people([connection(house.tenant)], [], []);
    let going = |settings| run(house.sign_in.resume(&begun.secret, &directory(settings), Address::Allowed)).unwrap();
    assert!(going(relaxed).is_some());
    assert!(going(TenantSettings::default()).is_none());
}

#[test]
fn nobody_begins_from_an_address_that_is_not_allowed() {
    let house = House::new();
    let rules = house.directory.connection(CONNECTION).unwrap().rules.clone();
    let elsewhere = Origin { allowed: Address::NotAllowed, ..origin() };
    let refused = run(house.sign_in.begin(
        &house.assertion("alice"),
        &house.giving(&rules),
        &Standing::NotNeeded,
        &TenantSettings::default(),
        &elsewhere,
        None,
    ));
    assert_eq!(refused.err(), Some(Refused::AddressNotAllowed));
}

#[test]
fn a_session_in_use_goes_on_and_one_unused_is_over() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    for _ in 0..4 {
        house.doubles.clock.advance(IDLE - TOUCH_SECONDS);
        assert!(house.resume(&begun).is_some());
    }
    house.doubles.clock.advance(IDLE);
    assert!(house.resume(&begun).is_none());
}

#[test]
fn a_session_is_over_after_its_longest_time_however_much_it_is_used() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    for _ in 0..71 {
        house.doubles.clock.advance(600);
        assert!(house.resume(&begun).is_some());
    }
    house.doubles.clock.advance(600);
    assert!(house.resume(&begun).is_none(), "twelve hours");
}

#[test]
fn a_session_ends_with_its_connection() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    let tenant = || house.directory.tenant(house.tenant).cloned();
    let disabled = Connection { enabled: false, ..connection(house.tenant) };
    let without = Directory::new(tenant(), [], [], []).with_people([disabled], [], []);
    assert!(run(house.sign_in.resume(&begun.secret, &without, Address::Allowed)).unwrap().is_none());
    let gone = Directory::new(tenant(), [], [], []);
    assert!(run(house.sign_in.resume(&begun.secret, &gone, Address::Allowed)).unwrap().is_none());
    assert!(house.resume(&begun).is_some(), "while it is enabled the session goes on");
}

#[test]
fn what_a_change_of_the_connection_ended_does_not_come_back_when_it_is_undone() {
    type Change = fn(&mut Connection);
    fn oidc(connection: &mut Connection) -> &mut OidcSettings {
        let Protocol::Oidc(settings) = &mut connection.protocol else { panic!("it speaks OpenID Connect") };
        settings
    }
    let ends: [(&str, Change); 8] = [
        ("enabled", |connection| connection.enabled = false),
        ("issuer", |connection| oidc(connection).issuer = "https://other.example".into()),
        ("client id", |connection| oidc(connection).client_id = "other".into()),
        ("subject claim", |connection| oidc(connection).subject_claim = "oid".into()),
        ("algorithms", |connection| oidc(connection).algorithms = vec!["ES256".into()]),
        ("second factor", |connection| oidc(connection).second_factor_amr = vec!["hwk".into()]),
        ("age", |connection| oidc(connection).max_age_seconds = Some(60)),
        ("told of", |connection| connection.provisioning.required = true),
    ];
    let goes_on: [(&str, Change); 4] = [
        ("secret", |connection| oidc(connection).client_secret = Some(Hidden::new("another".into()))),
        ("hosts", |connection| oidc(connection).egress = vec!["keys.example".into()]),
        ("how people are called", |connection| oidc(connection).display_claim = "nickname".into()),
        ("whence it is provisioned", |connection| connection.provisioning.addresses = vec!["10.0.0.0/8".into()]),
    ];
    let changes = ends.iter().map(|change| (change, false)).chain(goes_on.iter().map(|change| (change, true)));
    for ((what, change), stays) in changes {
        let house = House::new();
        let administration = house.doubles.administration();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let by = by(&house, &operator);
        let id = run(administration.add_connection(&by, connection(house.tenant))).unwrap().id;
        let directory = || run(administration.load_directory()).unwrap();
        let begin = |directory: &Directory| {
            let assertion = Assertion { connection: id, ..house.assertion("alice") };
            let (known, settings) = (directory.connection(id).unwrap(), TenantSettings::default());
            run(house.sign_in.begin(&assertion, known, &Standing::NotNeeded, &settings, &origin(), None)).unwrap()
        };
        let goes_on = |begun: &domain::sign_in::Begun| {
            run(house.sign_in.resume(&begun.secret, &directory(), Address::Allowed)).unwrap().is_some()
        };
        let before = directory();
        let begun = begin(&before);
        assert!(goes_on(&begun), "{what}");
        run(administration.change_connection(&by, id, *change)).unwrap();
        assert_eq!(goes_on(&begun), stays, "{what}");
        // By a gateway that has not seen the change yet.
        let late = begin(&before);
        let undone = run(administration.change_connection(&by, id, |connection| {
            let Connection { enabled, protocol, provisioning, .. } = before.connection(id).unwrap().clone();
            *connection = Connection { enabled, protocol, provisioning, ..connection.clone() };
        }));
        assert_eq!((goes_on(&begun), goes_on(&late)), (stays, stays), "{what}, undone");
        assert_eq!(undone.unwrap().enabled, before.connection(id).unwrap().enabled);
        assert!(goes_on(&begin(&directory())), "{what}: whoever signs in anew comes in");
    }
}

#[test]
fn what_ended_for_want_of_a_second_factor_does_not_come_back_when_none_is_asked_for_again() {
    let house = House::new();
    let administration = house.doubles.administration();
    let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
    let by = by(&house, &operator);
    let id = run(administration.add_connection(&by, connection(house.tenant))).unwrap().id;
    let ask = |second_factor| {
        let change = |settings: &mut TenantSettings| settings.second_factor = second_factor;
        run(administration.change_settings(&by, house.tenant, change)).unwrap();
        run(administration.load_directory()).unwrap()
    };
    let begin = |directory: &Directory, factor| {
        let assertion = Assertion { connection: id, factor, ..house.assertion("alice") };
        let (known, settings) = (directory.connection(id).unwrap(), directory.settings(house.tenant).unwrap());
        run(house.sign_in.begin(&assertion, known, &Standing::NotNeeded, settings, &origin(), None)).unwrap()
    };
    let goes_on = |begun: &domain::sign_in::Begun, directory: &Directory| {
        run(house.sign_in.resume(&begun.secret, directory, Address::Allowed)).unwrap().is_some()
    };
    let relaxed = ask(SecondFactor::RelaxedForStaff);
    let (shown, missing) = (begin(&relaxed, Factor::Shown), begin(&relaxed, Factor::Missing));
    assert!(goes_on(&shown, &relaxed) && goes_on(&missing, &relaxed));
    let required = ask(SecondFactor::Required);
    assert!(goes_on(&shown, &required) && !goes_on(&missing, &required));
    let again = ask(SecondFactor::RelaxedForStaff);
    assert!(goes_on(&shown, &again) && !goes_on(&missing, &again));
    assert!(goes_on(&begin(&again, Factor::Missing), &again));
}

#[test]
fn a_session_of_another_issuer_is_over_whatever_its_connection_says() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    let mut led_elsewhere = connection(house.tenant);
    let Protocol::Oidc(settings) = &mut led_elsewhere.protocol else { panic!("it speaks OpenID Connect") };
    settings.issuer = "https://other.example".into();
    let tenant = house.directory.tenant(house.tenant).cloned();
    let directory = Directory::new(tenant, [], [], []).with_people([led_elsewhere], [], []);
    assert!(!directory.still_admits(&begun.session) && house.directory.still_admits(&begun.session));
}

#[test]
fn a_session_whose_roles_the_connection_no_longer_gives_is_over() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    let mut changed = connection(house.tenant);
    changed.rules[0].roles = Roles::of(&[Role::ReadOnly]);
    let directory = Directory::new(house.directory.tenant(house.tenant).cloned(), [], [], []);
    let directory = directory.with_people([changed], [], []);
    assert!(run(house.sign_in.resume(&begun.secret, &directory, Address::Allowed)).unwrap().is_none());
}

#[test]
fn signing_out_ends_the_session_at_the_server() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    let resumed = house.resume(&begun).unwrap();
    run(house.sign_in.end(&resumed, Ending::SignedOut, &origin())).unwrap();
    assert!(house.resume(&begun).is_none());
    assert_eq!(house.chain(), ["LoginSucceeded success", "Logout success"]);
}

#[test]
fn the_identity_provider_ends_its_own_sessions_and_no_others() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    let other = Assertion { provider_session: Some("sid-2".into()), ..house.assertion("alice") };
    let other = house.begin(&other).unwrap();
    assert_eq!(run(house.sign_in.end_by_provider(RecordId([8; 16]), "sid-1", &origin())), Ok(0), "another connection");
    assert_eq!(run(house.sign_in.end_by_provider(CONNECTION, "sid-1", &origin())), Ok(1));
    assert!(house.resume(&begun).is_none());
    assert!(house.resume(&other).is_some());
}

#[test]
fn a_person_holds_so_many_sessions_and_the_longest_unused_makes_room() {
    let house = House::new();
    let mut begun = Vec::new();
    for _ in 0..6 {
        begun.push(house.begin(&house.assertion("alice")).unwrap());
        house.doubles.clock.advance(1);
    }
    let going: Vec<_> = begun.iter().map(|begun| house.resume(begun).is_some()).collect();
    assert_eq!(going, [false, true, true, true, true, true]);
    let person = begun[0].session.person;
    assert_eq!(run(house.sign_in.sessions_of(person)).unwrap().len(), 5);
    let kept = begun[5].session.id;
    let ended = run(house.sign_in.end_of(person, Ending::Revoked, &origin(), |session| session.id != kept));
    assert_eq!(ended, Ok(4));
    assert!(house.resume(&begun[5]).is_some());
}

#[test]
fn signing_in_again_replaces_the_session_and_its_secret() {
    let house = House::new();
    let first = house.begin(&house.assertion("alice")).unwrap();
    let resumed = house.resume(&first).unwrap();
    let rules = house.directory.connection(CONNECTION).unwrap().rules.clone();
    let second = run(house.sign_in.begin(
        &house.assertion("alice"),
        &house.giving(&rules),
        &Standing::NotNeeded,
        &TenantSettings::default(),
        &origin(),
        Some(&resumed),
    ))
    .unwrap();
    assert!(house.resume(&first).is_none());
    assert!(house.resume(&second).is_some());
    assert_ne!(first.secret.expose(), second.secret.expose());
    assert_eq!(first.session.person, second.session.person);
}

#[test]
fn broken_glass_is_in_the_session_until_it_expires() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    let patient = RecordId([5; 16]);
    let glass =
        GlassBroken { patient, expires: house.doubles.clock.now().plus_seconds(600), emergency: false, review: None };
    let resumed = house.resume(&begun).unwrap();
    assert_eq!(run(house.sign_in.set_glass(&resumed, Some(glass), &TenantSettings::default().sessions)), Ok(true));
    assert!(house.resume(&begun).unwrap().circumstances.glass_broken_for(Some(patient)));
    house.doubles.clock.advance(600);
    assert!(!house.resume(&begun).unwrap().circumstances.glass_broken_for(Some(patient)));
}

#[test]
fn the_glass_can_be_broken_in_the_request_that_prolongs_the_session() {
    let house = House::new();
    let begun = house.begin(&house.assertion("alice")).unwrap();
    house.doubles.clock.advance(TOUCH_SECONDS);
    let resumed = house.resume(&begun).unwrap();
    let glass = GlassBroken {
        patient: RecordId([5; 16]),
        expires: house.doubles.clock.now().plus_seconds(600),
        emergency: false,
        review: None,
    };
    assert_eq!(run(house.sign_in.set_glass(&resumed, Some(glass), &TenantSettings::default().sessions)), Ok(true));
}

#[test]
fn another_secret_finds_nothing() {
    let house = House::new();
    house.begin(&house.assertion("alice")).unwrap();
    let guess = domain::secret::Secret::new([0; 32]);
    assert!(run(house.sign_in.resume(&guess, &house.directory, Address::Allowed)).unwrap().is_none());
}

#[test]
fn people_of_one_name_at_two_issuers_are_two() {
    let house = House::new();
    let one = house.begin(&house.assertion("alice")).unwrap();
    let other = Assertion { issuer: "https://other.example".into(), ..house.assertion("alice") };
    let other = house.begin(&other).unwrap();
    assert_ne!(one.session.person, other.session.person);
    assert_ne!(Account::connection(house.tenant), CONNECTION);
}

fn by<'a>(house: &House, subject: &'a Subject) -> By<'a> {
    let actor = Actor::new(subject, "admin", CorrelationId([8; 16]));
    By { actor, context: domain::access::Context::console(house.doubles.clock.now()) }
}

#[test]
fn an_admin_sees_and_ends_sessions_of_the_own_tenant_and_it_is_their_act() {
    let house = House::new();
    let (one, two) = (house.assertion("one"), house.assertion("two"));
    let begun = [&one, &one, &two].map(|assertion| house.begin(assertion).unwrap());
    let supervision = Supervision { sign_in: &house.sign_in, directory: &house.directory };
    let subject = |tenant, role| Subject::console("amy", tenant, Roles::of(&[role]));
    let (admin, foreign) = (subject(house.tenant, Role::Admin), subject(house.other, Role::Admin));
    let sessions = |subject| run(supervision.sessions(&by(&house, subject), None, |all| (all, ())));
    assert_eq!(sessions(&admin).unwrap().0.len(), 3);
    let provider = subject(house.tenant, Role::Provider);
    assert!(sessions(&provider).err() == Some(NotSupervised::Denied));

    let end = |subject: &Subject, ended| run(supervision.end(&by(&house, subject), ended));
    let (first, person) = (begun[0].session.id, begun[2].session.person);
    for theirs in [Ended::Session(first), Ended::Person(person)] {
        assert_eq!(end(&foreign, theirs), Err(NotSupervised::NotFound), "it is another tenant's");
    }
    assert_eq!(end(&foreign, Ended::Everybody), Ok(0));
    assert_eq!(end(&provider, Ended::Session(first)), Err(NotSupervised::Denied));
    assert!(house.resume(&begun[0]).is_some());
    assert_eq!(end(&admin, Ended::Session(first)), Ok(1));
    assert_eq!(end(&admin, Ended::Session(first)), Err(NotSupervised::NotFound));
    assert!(house.resume(&begun[0]).is_none() && house.resume(&begun[1]).is_some());
    assert_eq!(end(&admin, Ended::Person(person)), Ok(1));
    assert_eq!(end(&admin, Ended::Everybody), Ok(1));
    assert_eq!(end(&admin, Ended::Everybody), Ok(0));
    assert!(begun.iter().all(|begun| house.resume(begun).is_none()));

    let block = run(house.doubles.store.entries(ChainId::from(house.tenant), 1, 1_000)).unwrap();
    let lines = String::from_utf8(block.lines).unwrap();
    let acts = lines.lines().filter(|line| line.contains("\"session.end\"") && line.contains("\"amy\""));
    assert_eq!(acts.count(), 4);
    for action in ["\"user.read\"", "\"user.change\""] {
        let denied = |line: &str| line.contains(action) && line.contains("\"outcome\":\"denied\"");
        assert_eq!(lines.lines().filter(|line| denied(line)).count(), 1, "{action} was denied once");
    }
}

#[test]
fn what_is_ended_while_a_connection_is_disabled_does_not_go_on_when_it_is_enabled() {
    let house = House::new();
    let begun = house.begin(&house.assertion("one")).unwrap();
    let tenant = house.directory.tenant(house.tenant).unwrap().clone();
    let connection = Connection { enabled: false, ..connection(house.tenant) };
    let disabled = Directory::new([tenant], [], [], []).with_people([connection], [], []);
    assert!(!disabled.still_admits(&begun.session));
    let supervision = Supervision { sign_in: &house.sign_in, directory: &disabled };
    let admin = Subject::console("amy", house.tenant, Roles::of(&[Role::Admin]));
    let shown = run(supervision.sessions(&by(&house, &admin), None, |all| (all, ())));
    assert_eq!(shown.unwrap().0.len(), 0, "it does not go on at present");
    assert_eq!(run(supervision.end(&by(&house, &admin), Ended::Everybody)), Ok(1));
    assert!(house.resume(&begun).is_none());
}

#[test]
fn a_list_names_each_person_once_until_their_last_session_is_ended() {
    let house = House::new();
    let names = |list: &str, of: &[u8]| {
        let owner = house.sign_in.book.keys.owner(list, &[of]);
        run(house.sign_in.book.of_owner::<RecordId>(TicketKind::SessionName, owner, 1_000)).unwrap().len()
    };
    let provided = RecordId([6; 16]);
    let rules = house.directory.connection(CONNECTION).unwrap().rules.clone();
    let settings = TenantSettings::default();
    let begin = |name: &str| {
        let standing = Standing::Active { person: provided, since: Timestamp(0), groups: None };
        let assertion = house.assertion(name);
        let begun =
            run(house.sign_in.begin(&assertion, &house.giving(&rules), &standing, &settings, &origin(), None)).unwrap();
        run(house.sign_in.name(&begun.session, &settings.sessions, "theirs")).unwrap();
        begun
    };
    let theirs = [CONNECTION.as_bytes().as_slice(), b"theirs"].concat();
    let listed = || names("tenant", house.tenant.as_bytes());
    let mut last = begin("alice");
    for _ in 0..60 {
        // Most sessions are never signed out of: they run out unused.
        house.doubles.clock.advance(IDLE);
        last = begin("alice");
    }
    assert_eq!((listed(), names("provisioned", provided.as_bytes()), names("provider-name", &theirs)), (1, 1, 1));
    let found = || run(house.sign_in.sessions_in(house.tenant)).unwrap().len();
    assert_eq!(found(), 1, "longer than a session lasts after the first");

    let other = begin("alice");
    let resumed = house.resume(&other).unwrap();
    run(house.sign_in.end(&resumed, Ending::SignedOut, &origin())).unwrap();
    assert_eq!((listed(), found()), (1, 1), "one goes on");
    begin("bob");
    run(house.sign_in.end_of(last.session.person, Ending::Revoked, &origin(), |_| true)).unwrap();
    assert_eq!((listed(), found()), (1, 1), "bob");
    begin("alice");
    assert_eq!((listed(), found()), (2, 2));
}

/// Randomness during which something else happens, once.
struct Meanwhile {
    entropy: Arc<dyn Entropy>,
    happens: Mutex<Option<Box<dyn FnOnce() + Send>>>,
}

impl Entropy for Meanwhile {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Unavailable> {
        let happens = self.happens.lock().unwrap().take();
        happens.into_iter().for_each(|happens| happens());
        self.entropy.fill(buffer)
    }
}

#[test]
fn of_two_who_sign_in_at_once_where_one_may_one_goes_on() {
    let house = House::new();
    // Another gateway on the same database, whose tickets are sealed with this randomness.
    let gateway = |entropy: Arc<dyn Entropy>| SignIn {
        book: Arc::new(TicketBook {
            tickets: house.sign_in.book.tickets.clone(),
            keys: TicketKeys::derive(&house.doubles.roots.session),
            clock: house.doubles.clock.clone(),
            entropy,
        }),
        ledger: house.doubles.ledger.clone(),
        vault: house.doubles.vault.clone(),
        clock: house.doubles.clock.clone(),
        entropy: house.doubles.entropy.clone(),
        refusals: house.sign_in.refusals.clone(),
    };
    let settings: TenantSettings =
        serde_json::from_str(r#"{"sessions":{"idle_seconds":900,"absolute_seconds":43200,"concurrent":1}}"#).unwrap();
    let begin = |sign_in: &SignIn, assertion: &Assertion, connection: &Connection, settings: &TenantSettings| {
        run(sign_in.begin(assertion, connection, &Standing::NotNeeded, settings, &origin(), None)).unwrap()
    };
    let (assertion, known) = (house.assertion("alice"), connection(house.tenant));
    let (other, begun) = (gateway(house.doubles.entropy.clone()), Arc::new(Mutex::new(None)));
    let happens = {
        let (assertion, known, settings, begun) = (assertion.clone(), known.clone(), settings.clone(), begun.clone());
        // Once the first has seen that there is room, and before its session is there.
        move || *begun.lock().unwrap() = Some(begin(&other, &assertion, &known, &settings))
    };
    let meanwhile = Meanwhile { entropy: house.doubles.entropy.clone(), happens: Mutex::new(Some(Box::new(happens))) };
    let first = begin(&gateway(Arc::new(meanwhile)), &assertion, &known, &settings);
    let second = begun.lock().unwrap().take().unwrap();
    assert_eq!([&first, &second].iter().filter(|begun| house.resume(begun).is_some()).count(), 1);
}
