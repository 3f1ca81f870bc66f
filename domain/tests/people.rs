//! Connections, accounts, applications and settings, administered over the doubles of the ports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::access::{Clinics, Context, Factor, Purpose, Role, Roles, Subject};
use domain::administration::{Administration, By, ChangeFault, NewAccount, NotChanged, Renewal, Reset, UnknownToken};
use domain::audit::ChainId;
use domain::directory::{
    Account, Application, ApplicationUse, Connection, Directory, Hidden, Invalid, OidcSettings, Protocol, Provisioning,
    SecondFactor, SecurityKey,
};
use domain::double::{Installation, run, security_key};
use domain::id::{ClinicId, CorrelationId, RecordId, TenantId};
use domain::identity::{Criterion, Rule, Session};
use domain::journal::Actor;
use domain::ports::{Clock, Find, Store};
use domain::time::Timestamp;

struct House {
    doubles: Installation,
    administration: Administration,
    operator: Subject,
    tenant: TenantId,
}

impl House {
    fn new() -> Self {
        let doubles = Installation::new(1).unwrap();
        let administration = doubles.administration();
        run(administration.prepare_system()).unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let mut house = Self { doubles, administration, operator, tenant: TenantId::SYSTEM };
        house.tenant = run(house.administration.add_tenant(&house.by(&house.operator), "Hospital")).unwrap().id;
        house
    }

    fn by<'a>(&self, subject: &'a Subject) -> By<'a> {
        let actor = Actor::new(subject, "console", CorrelationId([9; 16]));
        By { actor, context: Context::console(self.doubles.clock.now()) }
    }

    fn operator(&self) -> By<'_> {
        self.by(&self.operator)
    }

    fn directory(&self) -> Directory {
        run(self.administration.load_directory()).unwrap()
    }

    fn add_account(&self, name: &str) -> Account {
        run(self.administration.add_account(&self.operator(), new_account(self.tenant, name))).unwrap()
    }

    /// Takes up an invitation, then signs in.
    fn signed_in(&self, account: &Account) -> Session {
        let renewal = everything(account);
        let account = run(self.administration.renew(&self.by(&person(account)), account.id, renewal)).unwrap();
        self.doubles.clock.advance(1);
        let now = self.doubles.clock.now();
        let assertion = account.to_assertion(Factor::Shown, now);
        Session::begin(RecordId([7; 16]), RecordId([8; 16]), &assertion, account.to_admitted(), "::1", now)
    }

    fn chain(&self, tenant: TenantId) -> Vec<String> {
        let block = run(self.doubles.store.entries(ChainId::from(tenant), 1, 1_000)).unwrap();
        let text = String::from_utf8(block.lines).unwrap();
        let word = |entry: &serde_json::Value, place: &str| entry.pointer(place).unwrap().as_str().unwrap().to_string();
        text.lines()
            .map(|line| {
                let entry: serde_json::Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
                let words = ["/action", "/resource_type", "/outcome", "/user_id/id"].map(|name| word(&entry, name));
                words.join(" ")
            })
            .collect()
    }
}

fn person(account: &Account) -> Subject {
    Subject::console("ada-herself", account.tenant, account.roles)
}

fn new_account(tenant: TenantId, name: &str) -> NewAccount {
    NewAccount {
        tenant,
        name: name.into(),
        display: "Ada Byron".into(),
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
    }
}

fn hash(word: &str) -> Hidden {
    Hidden::new(format!("$argon2id$v=19$m=65536,t=3,p=1$c2FsdA${word}"))
}

fn everything(account: &Account) -> Renewal {
    let totp = Some(Hidden::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".into()));
    let (since, recovery) = (account.password_changed, vec!["0".repeat(64), "1".repeat(64)]);
    Renewal::All { since, password: hash("first"), totp, recovery }
}

fn connection(tenant: TenantId, rules: Vec<Rule>) -> Connection {
    let protocol = Protocol::Oidc(OidcSettings::new("https://idp.example".into(), "sealgate".into()));
    let (id, created) = (RecordId([0; 16]), Timestamp(0));
    Connection {
        id,
        tenant,
        name: "hospital login".into(),
        enabled: true,
        protocol,
        rules,
        provisioning: Provisioning::default(),
        created,
        ended: None,
    }
}

fn rule(clinics: Clinics) -> Rule {
    let (when, roles) = (Criterion::Group("lab".into()), Roles::of(&[Role::Staff]));
    Rule { when, roles, clinics, purpose: Purpose::Treatment }
}

fn application(tenant: TenantId) -> Application {
    Application {
        id: RecordId([0; 16]),
        tenant,
        name: "registry".into(),
        r#use: ApplicationUse::Backend {
            roles: Roles::of(&[Role::ReadOnly]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
        },
        jwks: None,
        jwks_uri: Some("https://registry.example/keys".into()),
        secret_hash: None,
        scopes: vec!["system/*.rs".into()],
        enabled: true,
        created: Timestamp(0),
        ended: None,
    }
}

#[test]
fn what_is_added_and_changed_is_in_the_next_snapshot_and_in_both_chains() {
    let house = House::new();
    let (by, administration) = (house.operator(), &house.administration);
    let connection = run(administration.add_connection(&by, connection(house.tenant, vec![]))).unwrap();
    let account = house.add_account("Ada");
    let application = run(administration.add_application(&by, application(house.tenant))).unwrap();
    let directory = house.directory();
    assert_eq!(directory.connection(connection.id), Some(&connection));
    assert_eq!(directory.account_by_name(house.tenant, "ADA"), Some(&account));
    assert_eq!(directory.application_by_client_id(&application.id.to_string()), Some(&application));

    let changed = run(administration.change_connection(&by, connection.id, |connection| {
        connection.rules.push(rule(Clinics::All));
        connection.name = "renamed".into();
        connection.tenant = TenantId([9; 16]);
    }));
    let changed = changed.unwrap();
    assert_eq!((changed.rules.len(), changed.name.as_str(), changed.tenant), (1, "hospital login", house.tenant));
    run(administration.change_application(&by, application.id, |application| application.enabled = false)).unwrap();
    run(administration.change_settings(&by, house.tenant, |settings| settings.addresses.push("10.0.0.0/8".into())))
        .unwrap();
    let directory = house.directory();
    assert_eq!(directory.connection(connection.id), Some(&changed));
    assert!(!directory.application(application.id).unwrap().enabled);
    assert!(!directory.address_allowed(house.tenant, "192.0.2.1".parse().unwrap()));

    let changes = [
        "create Tenant success root",
        "create Connection success root",
        "create Account success root",
        "create Application success root",
        "update Connection success root",
        "update Application success root",
        "update Tenant success root",
    ];
    assert_eq!(house.chain(TenantId::SYSTEM), changes);
    assert_eq!(house.chain(house.tenant), changes);
}

#[test]
fn what_breaks_a_rule_or_names_what_is_not_there_is_refused() {
    let house = House::new();
    let (by, administration) = (house.operator(), &house.administration);
    let other = run(administration.add_tenant(&by, "Practice")).unwrap().id;
    let foreign = run(administration.add_clinic(&by, other, "East")).unwrap().id;
    let foreign = || Clinics::Some(vec![foreign]);
    let wanted = connection(house.tenant, vec![rule(foreign())]);
    assert_eq!(run(administration.add_connection(&by, wanted)).err(), Some(NotChanged::UnknownClinic));
    let wanted = NewAccount { clinics: foreign(), ..new_account(house.tenant, "ada") };
    assert_eq!(run(administration.add_account(&by, wanted)).err(), Some(NotChanged::UnknownClinic));
    let nowhere = TenantId([3; 16]);
    assert_eq!(
        run(administration.add_account(&by, new_account(nowhere, "ada"))).err(),
        Some(NotChanged::UnknownTenant)
    );
    assert_eq!(run(administration.change_settings(&by, nowhere, |_| {})).err(), Some(NotChanged::UnknownTenant));
    let added = run(administration.add_connection(&by, connection(house.tenant, vec![]))).unwrap();
    let changed = run(administration.change_connection(&by, added.id, |connection| {
        connection.rules.push(rule(foreign()));
    }));
    assert_eq!(changed.err(), Some(NotChanged::UnknownClinic));
    let changed = run(administration.change_settings(&by, house.tenant, |settings| settings.sessions.idle_seconds = 0));
    assert_eq!(changed.err(), Some(NotChanged::Invalid(Invalid::SessionLimits)));
    let account = house.add_account("ada");
    assert_eq!(
        run(administration.add_account(&by, new_account(house.tenant, "ADA"))).err(),
        Some(NotChanged::NameTaken)
    );
    assert_eq!(
        run(administration.change_connection(&by, account.id, |_| {})).err(),
        Some(NotChanged::UnknownEntry),
        "an account is no connection"
    );
}

#[test]
fn an_admin_changes_the_people_of_the_own_tenant_and_nobody_elses() {
    let house = House::new();
    let administration = &house.administration;
    let other = run(administration.add_tenant(&house.operator(), "Practice")).unwrap().id;
    let admin = Subject::console("amy", house.tenant, Roles::of(&[Role::Admin]));
    let by = house.by(&admin);
    let account = run(administration.add_account(&by, new_account(house.tenant, "ada"))).unwrap();
    assert!(run(administration.change_account(&by, account.id, |account| account.enabled = false)).is_ok());
    assert_eq!(run(administration.add_account(&by, new_account(other, "ada"))).err(), Some(NotChanged::Denied));
    assert_eq!(
        run(administration.change_settings(&by, house.tenant, |settings| {
            settings.second_factor = SecondFactor::RelaxedForStaff;
        }))
        .err(),
        Some(NotChanged::Denied),
        "what a tenant asks of its people is the operator's to decide"
    );
    let provider = Subject::console("pat", house.tenant, Roles::of(&[Role::Provider]));
    let by = house.by(&provider);
    let denied = run(administration.change_account(&by, account.id, |account| account.enabled = true));
    assert_eq!(denied.err(), Some(NotChanged::Denied));
    assert_eq!(house.chain(house.tenant).last().unwrap(), "directory.change Account denied pat");
}

#[test]
fn an_admin_makes_and_takes_over_nobody_who_audits() {
    let house = House::new();
    let administration = &house.administration;
    let admin = Subject::console("amy", house.tenant, Roles::of(&[Role::Admin]));
    let (operator, by) = (house.operator(), house.by(&admin));
    let auditor = || NewAccount { roles: Roles::of(&[Role::Auditor]), ..new_account(house.tenant, "olga") };
    assert_eq!(run(administration.add_account(&by, auditor())).err(), Some(NotChanged::Denied));
    let olga = run(administration.add_account(&operator, auditor())).unwrap();
    // An invitation to somebody else's account is the way into it.
    assert_eq!(run(administration.reset_account(&by, olga.id, Reset::Password)).err(), Some(NotChanged::Denied));
    let plain = run(administration.change_account(&by, olga.id, |account| account.roles = Roles::of(&[Role::Staff])));
    assert_eq!(plain.err(), Some(NotChanged::Denied));
    let ada = house.add_account("ada");
    let raised = run(administration.change_account(&by, ada.id, |account| account.roles = Roles::of(&[Role::Auditor])));
    assert_eq!(raised.err(), Some(NotChanged::Denied));

    let mut auditing = rule(Clinics::All);
    auditing.roles = Roles::of(&[Role::Auditor]);
    let added = run(administration.add_connection(&by, connection(house.tenant, vec![auditing.clone()])));
    assert_eq!(added.err(), Some(NotChanged::Denied));
    let added = run(administration.add_connection(&operator, connection(house.tenant, vec![auditing]))).unwrap();
    // Another issuer behind the same rules would be as good as another rule.
    let moved = run(administration.change_connection(&by, added.id, |connection| {
        let settings = OidcSettings::new("https://elsewhere.example".into(), "sealgate".into());
        connection.protocol = Protocol::Oidc(settings);
    }));
    assert_eq!(moved.err(), Some(NotChanged::Denied));
    let dropped = run(administration.change_connection(&by, added.id, |connection| connection.rules.clear()));
    assert_eq!(dropped.err(), Some(NotChanged::Denied));
    assert_eq!(house.chain(house.tenant).last().unwrap(), "directory.change Connection denied amy");
}

#[test]
fn an_admin_cannot_change_their_own_account() {
    let house = House::new();
    let administration = &house.administration;
    let amy = run(administration.add_account(
        &house.operator(),
        NewAccount { roles: Roles::of(&[Role::Admin]), ..new_account(house.tenant, "amy") },
    ));
    let amy = amy.unwrap();
    let herself = Subject::console(&administration.person_of(&amy).to_string(), house.tenant, amy.roles);
    let by = house.by(&herself);
    let both = Roles::of(&[Role::Admin, Role::ClinicalDirector]);
    let raised = run(administration.change_account(&by, amy.id, |account| account.roles = both));
    assert_eq!(raised.err(), Some(NotChanged::Denied));
    assert_eq!(run(administration.reset_account(&by, amy.id, Reset::Password)).err(), Some(NotChanged::Denied));
    let other = house.add_account("ada");
    assert!(run(administration.change_account(&by, other.id, |account| account.enabled = false)).is_ok());
}

#[test]
fn a_change_is_made_at_the_version_that_was_seen() {
    let house = House::new();
    let administration = &house.administration;
    let admin = Subject::console("amy", house.tenant, Roles::of(&[Role::Admin]));
    let by = house.by(&admin);
    let account = house.add_account("ada");
    let disable = |account: &mut Account| {
        account.enabled = false;
        Ok::<(), &str>(())
    };
    let seen = run(administration.look_at::<Account>(&by, account.id)).unwrap();
    assert_eq!(seen.version, 1);
    let changed = run(administration.change(&by, account.id, Some(1), disable)).unwrap();
    assert_eq!((changed.before.enabled, changed.after.entry.enabled, changed.after.version), (true, false, 2));
    let late = run(administration.change(&by, account.id, Some(1), disable));
    assert_eq!(late.err(), Some(ChangeFault::OtherVersion));
    let late = run(administration.reset_account_at(&by, account.id, Some(1), Reset::Password));
    assert_eq!(late.err(), Some(ChangeFault::OtherVersion));
    let refused = run(administration.change(&by, account.id, Some(2), |_: &mut Account| Err("not so")));
    assert_eq!(refused.err(), Some(ChangeFault::Refused("not so")));
    assert_eq!(run(administration.stored_account(account.id)).unwrap(), changed.after.entry);
}

#[test]
fn what_is_another_tenants_is_not_there() {
    let house = House::new();
    let administration = &house.administration;
    let other = run(administration.add_tenant(&house.operator(), "Practice")).unwrap().id;
    let admin = Subject::console("eve", other, Roles::of(&[Role::Admin]));
    let by = house.by(&admin);
    let account = house.add_account("ada");
    for id in [account.id, RecordId([9; 16])] {
        let seen = run(administration.look_at::<Account>(&by, id));
        assert_eq!(seen.err(), Some(NotChanged::UnknownEntry));
        let changed = run(administration.change(&by, id, Some(9), |_: &mut Account| Ok::<(), ()>(())));
        assert_eq!(changed.err(), Some(ChangeFault::NotChanged(NotChanged::UnknownEntry)));
    }
    assert!(house.chain(other).contains(&"directory.change Account denied eve".to_owned()));
}

#[test]
fn a_provider_tells_of_people_by_a_token_until_it_is_taken_back() {
    let house = House::new();
    let (by, administration) = (house.operator(), &house.administration);
    let id = run(administration.add_connection(&by, connection(house.tenant, vec![]))).unwrap().id;
    let (stored, token) = run(administration.add_provisioning_token(&by, id, Some(1))).unwrap();
    assert_eq!((stored.version, stored.entry.provisioning.tokens.len()), (2, 1));
    assert!(house.directory().connection(id).unwrap().provisioner(token.expose()).is_some());
    let mark = stored.entry.provisioning.tokens.first().unwrap().mark().to_owned();
    let none = run(administration.revoke_provisioning_token(&by, id, None, "0000"));
    assert_eq!(none.err(), Some(ChangeFault::Refused(UnknownToken)));
    run(administration.revoke_provisioning_token(&by, id, Some(2), &mark)).unwrap();
    assert!(house.directory().connection(id).unwrap().provisioner(token.expose()).is_none());
}

#[test]
fn a_change_of_an_account_ends_its_sessions_for_good() {
    let house = House::new();
    let (by, administration) = (house.operator(), &house.administration);
    type Change = fn(&mut Account);
    let changes: [(&str, Change); 3] = [
        ("disabled", |account| account.enabled = false),
        ("roles", |account| account.roles = Roles::of(&[Role::ReadOnly])),
        ("clinics", |account| account.clinics = Clinics::Some(vec![])),
    ];
    for (what, change) in changes {
        let account = house.add_account(what);
        let session = house.signed_in(&account);
        assert!(house.directory().still_admits(&session));
        run(administration.change_account(&by, account.id, change)).unwrap();
        assert!(!house.directory().still_admits(&session), "{what}");
        let undone = run(administration.change_account(&by, account.id, |changed| {
            (changed.enabled, changed.roles, changed.clinics) = (true, account.roles, account.clinics.clone());
        }));
        assert!(!house.directory().still_admits(&session), "{what}, undone");
        let undone = undone.unwrap();
        let (now, assertion) = (house.doubles.clock.now(), undone.to_assertion(Factor::Shown, Timestamp(0)));
        let anew = Session::begin(RecordId([7; 16]), RecordId([8; 16]), &assertion, undone.to_admitted(), "::1", now);
        assert!(house.directory().still_admits(&anew), "{what}: whoever signs in anew comes in");
        let renamed = |account: &mut Account| account.display = "Ada King".into();
        run(administration.change_account(&by, account.id, renamed)).unwrap();
        assert!(house.directory().still_admits(&anew), "a name ends nothing");
    }
    let account = house.add_account("reset");
    let session = house.signed_in(&account);
    let reset = run(administration.reset_account(&by, account.id, Reset::Password)).unwrap();
    assert_eq!((reset.password, reset.totp.is_some(), reset.recovery.len()), (None, true, 2));
    assert!(!house.directory().still_admits(&session));
    let reset = run(administration.reset_account(&by, account.id, Reset::PasswordAndFactor)).unwrap();
    assert_eq!((reset.password, reset.totp, reset.recovery.len()), (None, None, 0));
}

#[test]
fn who_changes_an_account_cannot_set_what_proves_that_it_is_them() {
    let house = House::new();
    let account = house.add_account("ada");
    house.signed_in(&account);
    let changed = run(house.administration.change_account(&house.operator(), account.id, |account| {
        account.password = Some(hash("mine"));
        account.totp = None;
        account.recovery.clear();
        account.security_keys.push(key(1));
        account.name = "somebody".into();
        account.display = "Ada King".into();
    }));
    let changed = changed.unwrap();
    assert!(changed.password == Some(hash("first")) && changed.totp.is_some() && changed.recovery.len() == 2);
    assert!(changed.security_keys.is_empty());
    assert_eq!((changed.name.as_str(), changed.display.as_str()), ("ada", "Ada King"));
}

#[test]
fn a_person_renews_what_is_theirs_and_sessions_from_before_are_over() {
    let house = House::new();
    let account = house.add_account("ada");
    let session = house.signed_in(&account);
    let ada = person(&account);
    let (by, administration) = (house.by(&ada), &house.administration);
    let renew = |renewal| run(administration.renew(&by, account.id, renewal));
    let goes_on = || house.directory().still_admits(&session);

    renew(Renewal::Rehash(hash("first"), hash("stronger"))).unwrap();
    assert_eq!(renew(Renewal::Rehash(hash("first"), hash("other"))).err(), Some(NotChanged::Raced));
    renew(Renewal::UsedRecovery("1".repeat(64))).unwrap();
    assert_eq!(renew(Renewal::UsedRecovery("1".repeat(64))).err(), Some(NotChanged::Raced), "a code is used once");
    let since = run(house.administration.stored_account(account.id)).unwrap().password_changed;
    renew(Renewal::Recovery { since, recovery: vec!["2".repeat(64)] }).unwrap();
    assert!(goes_on());
    assert_eq!(
        renew(Renewal::Password { since, password: Hidden::new("in clear".into()) }).err(),
        Some(NotChanged::Invalid(Invalid::PasswordHash))
    );
    house.doubles.clock.advance(1);
    renew(Renewal::Password { since, password: hash("second") }).unwrap();
    assert!(!goes_on());
    let before = run(house.administration.stored_account(account.id)).unwrap();
    let factor = |totp: Option<&str>| Renewal::SecondFactor {
        before: before.totp.clone(),
        since: before.password_changed,
        totp: totp.map(|seed| Hidden::new(seed.to_owned())),
        recovery: vec![],
    };
    renew(factor(Some("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"))).unwrap();
    let second = renew(factor(Some("KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU")));
    assert_eq!(second.err(), Some(NotChanged::Raced), "of two who enrol at once, one does");
    assert_eq!(house.chain(house.tenant).last().unwrap(), "update Account success ada-herself", "as their own act");
}

const HERE: &str = "here.example";

fn removed(key: u8, since: Option<Timestamp>) -> Renewal {
    Renewal::RemovedSecurityKey { since, key: RecordId([key; 16]), host: Some(HERE.to_owned()) }
}

fn key(number: u8) -> SecurityKey {
    security_key(number, HERE)
}

#[test]
fn one_more_key_ends_no_session_and_a_removed_one_ends_them_all() {
    let house = House::new();
    let account = house.add_account("ada");
    let session = house.signed_in(&account);
    let ada = person(&account);
    let (by, administration) = (house.by(&ada), &house.administration);
    let renew = |renewal| run(administration.renew(&by, account.id, renewal));
    let since = run(administration.stored_account(account.id)).unwrap().password_changed;
    let add = |number, recovery| Renewal::SecurityKey { since, key: key(number), recovery };
    let stale = Renewal::SecurityKey { since: None, key: key(1), recovery: None };
    assert_eq!(renew(stale).err(), Some(NotChanged::Raced), "proved before the last change");
    let first = renew(add(1, Some(vec![])));
    assert_eq!(first.err(), Some(NotChanged::Raced), "it would not be the first second factor");
    for number in 1..=10 {
        renew(add(number, None)).unwrap();
    }
    assert_eq!(renew(add(11, None)).err(), Some(NotChanged::Invalid(Invalid::SecurityKeyCount)));
    assert_eq!(renew(add(1, None)).err(), Some(NotChanged::Invalid(Invalid::SecurityKeyCount)));
    assert!(house.directory().still_admits(&session));
    house.doubles.clock.advance(1);
    let removed = renew(self::removed(4, since)).unwrap();
    assert_eq!((removed.security_keys.len(), removed.recovery.len()), (9, 2));
    assert!(!house.directory().still_admits(&session));
    let again = renew(self::removed(4, removed.password_changed));
    assert_eq!(again.err(), Some(NotChanged::UnknownEntry));
    let reset = run(administration.reset_account(&house.operator(), account.id, Reset::PasswordAndFactor)).unwrap();
    assert!(reset.security_keys.is_empty() && !reset.has_second_factor());
}

#[test]
fn a_key_may_be_all_there_is_and_then_nobody_takes_it_away_alone() {
    let house = House::new();
    let account = house.add_account("ada");
    let ada = person(&account);
    let (by, administration) = (house.by(&ada), &house.administration);
    let renew = |renewal| run(administration.renew(&by, account.id, renewal));
    let since = renew(Renewal::Password { since: None, password: hash("first") }).unwrap().password_changed;
    let add = |number, recovery| Renewal::SecurityKey { since, key: key(number), recovery };
    assert_eq!(renew(add(1, None)).err(), Some(NotChanged::Raced), "the first comes with recovery codes");
    house.doubles.clock.advance(1);
    let first = renew(add(1, Some(vec!["3".repeat(64)]))).unwrap();
    assert!(first.has_second_factor() && first.recovery.len() == 1 && first.password_changed > since);
    let alone = renew(removed(1, first.password_changed));
    assert_eq!(alone.err(), Some(NotChanged::LastFactor));
    let operator = house.operator();
    let remove = |by: &By<'_>, key: u8, host: Option<&str>| {
        run(administration.remove_security_key(by, account.id, RecordId([key; 16]), host))
    };
    let alone = remove(&operator, 1, Some(HERE));
    assert_eq!(alone.err(), Some(NotChanged::LastFactor));
    let unknown = remove(&operator, 2, Some(HERE));
    assert_eq!(unknown.err(), Some(NotChanged::UnknownEntry));
    let since = first.password_changed;
    renew(Renewal::SecurityKey { since, key: key(2), recovery: None }).unwrap();
    let session = {
        let now = house.doubles.clock.now();
        let assertion = first.to_assertion(Factor::Shown, now);
        Session::begin(RecordId([7; 16]), RecordId([8; 16]), &assertion, first.to_admitted(), "::1", now)
    };
    let removed = remove(&operator, 1, Some(HERE)).unwrap();
    assert_eq!(removed.security_keys.len(), 1);
    assert!(!house.directory().still_admits(&session), "whoever has it is out");
    let denied = remove(&house.by(&ada), 2, Some(HERE));
    assert_eq!(denied.err(), Some(NotChanged::Denied), "other people's keys are the operator's");
    let all = Renewal::All { since: removed.password_changed, password: hash("new"), totp: None, recovery: vec![] };
    assert!(renew(all).unwrap().security_keys.is_empty(), "an invitation begins anew");
}

#[test]
fn a_key_of_a_former_host_cannot_be_shown_and_the_password_alone_sets_up_no_other() {
    let house = House::new();
    let account = house.add_account("ada");
    let ada = person(&account);
    let (by, administration) = (house.by(&ada), &house.administration);
    let renew = |renewal| run(administration.renew(&by, account.id, renewal));
    renew(Renewal::Password { since: account.password_changed, password: hash("first") }).unwrap();
    let since = run(administration.stored_account(account.id)).unwrap().password_changed;
    let codes = || Some(vec!["3".repeat(64)]);
    let first = renew(Renewal::SecurityKey { since, key: key(1), recovery: codes() }).unwrap();
    let moved = |number| SecurityKey { host: "there.example".to_owned(), ..key(number) };
    let there = Some("there.example");
    assert!(first.can_show_second_factor(Some(HERE)) && !first.can_show_second_factor(there));
    let since = first.password_changed;
    let more = renew(Renewal::SecurityKey { since, key: moved(2), recovery: codes() });
    assert_eq!(more.err(), Some(NotChanged::Raced), "it is no first one, which would come with recovery codes");
    let operator = house.operator();
    let remove = |key: u8| run(administration.remove_security_key(&operator, account.id, RecordId([key; 16]), there));
    assert_eq!(remove(1).err(), Some(NotChanged::LastFactor), "a password alone would set up another");
    house.doubles.clock.advance(1);
    let first = renew(Renewal::SecurityKey { since, key: moved(2), recovery: None }).unwrap();
    assert!(first.can_show_second_factor(there) && first.security_keys.len() == 2);
    assert_eq!(remove(2).err(), Some(NotChanged::LastFactor));
    assert_eq!(remove(1).unwrap().security_keys.len(), 1, "the new one is left");
}

#[test]
fn nobody_renews_an_account_of_another_tenant_or_a_disabled_one() {
    let house = House::new();
    let other = run(house.administration.add_tenant(&house.operator(), "Practice")).unwrap().id;
    let account = house.add_account("ada");
    let stranger = Subject::console("eve", other, Roles::of(&[Role::Admin]));
    let renewed = run(house.administration.renew(&house.by(&stranger), account.id, everything(&account)));
    assert_eq!(renewed.err(), Some(NotChanged::UnknownEntry));
    let disable = |account: &mut Account| account.enabled = false;
    run(house.administration.change_account(&house.operator(), account.id, disable)).unwrap();
    let renewed = run(house.administration.renew(&house.by(&person(&account)), account.id, everything(&account)));
    assert_eq!(renewed.err(), Some(NotChanged::UnknownEntry));
}

#[test]
fn neither_names_nor_secrets_of_people_are_stored_in_clear() {
    let house = House::new();
    let account = house.add_account("plainly visible");
    house.signed_in(&account);
    let clinics = vec![ClinicId([1; 16])];
    assert!(
        run(house.administration.change_account(&house.operator(), account.id, |account| {
            account.clinics = Clinics::Some(clinics);
        }))
        .is_err()
    );
    for record in run(house.doubles.store.find(TenantId::SYSTEM, Find { limit: 100, ..Find::default() })).unwrap() {
        for planted in ["lainly", "Byron", "argon2id", "GEZDGNBV"] {
            assert!(!record.sealed.windows(planted.len()).any(|window| window == planted.as_bytes()), "{planted}");
        }
    }
}

#[test]
fn no_two_states_of_an_account_have_the_same_moment_of_change_whatever_the_clock_says() {
    let house = House::new();
    let account = house.add_account("ada");
    house.signed_in(&account);
    let reset = |reset| {
        let done = run(house.administration.reset_account(&house.operator(), account.id, reset)).unwrap();
        done.password_changed.unwrap()
    };
    let first = reset(Reset::Password);
    let second = reset(Reset::Password);
    assert!(second > first, "within one millisecond");
    house.doubles.clock.advance(-3_600);
    let third = reset(Reset::PasswordAndFactor);
    assert!(third > second, "by a gateway whose clock is an hour behind");
    let ada = person(&account);
    let account = run(house.administration.stored_account(account.id)).unwrap();
    let renewed = run(house.administration.renew(&house.by(&ada), account.id, everything(&account))).unwrap();
    assert!(renewed.password_changed.unwrap() > third);
}

#[test]
fn a_session_of_a_gateway_whose_clock_is_ahead_is_over_after_a_reset() {
    let house = House::new();
    let account = house.add_account("ada");
    house.signed_in(&account);
    let account = run(house.administration.stored_account(account.id)).unwrap();
    let ahead = house.doubles.clock.now().plus_seconds(30);
    let assertion = account.to_assertion(Factor::Shown, ahead);
    let session = Session::begin(RecordId([7; 16]), RecordId([8; 16]), &assertion, account.to_admitted(), "::1", ahead);
    assert!(house.directory().still_admits(&session));
    run(house.administration.reset_account(&house.operator(), account.id, Reset::Password)).unwrap();
    assert!(!house.directory().still_admits(&session));
}

#[test]
fn a_session_of_a_gateway_whose_clock_is_behind_goes_on_after_what_it_began_with() {
    let house = House::new();
    let account = house.add_account("ada");
    let before = house.directory();
    house.signed_in(&account);
    let account = run(house.administration.stored_account(account.id)).unwrap();
    let behind = house.doubles.clock.now().plus_seconds(-30);
    let assertion = account.to_assertion(Factor::Shown, behind);
    let session =
        Session::begin(RecordId([7; 16]), RecordId([8; 16]), &assertion, account.to_admitted(), "::1", behind);
    assert!(house.directory().still_admits(&session));
    assert!(before.still_admits(&session), "a directory that is a moment old ends nothing that began since");
}

#[test]
fn what_a_person_began_before_a_reset_does_not_undo_it() {
    let house = House::new();
    let account = house.add_account("ada");
    house.signed_in(&account);
    let read = run(house.administration.stored_account(account.id)).unwrap();
    let reset =
        run(house.administration.reset_account(&house.operator(), account.id, Reset::PasswordAndFactor)).unwrap();
    let since = read.password_changed;
    let key = RecordId([4; 16]);
    for begun in [
        everything(&read),
        Renewal::Password { since, password: hash("second") },
        Renewal::Rehash(hash("first"), hash("stronger")),
        Renewal::SecondFactor { before: None, since, totp: None, recovery: vec![] },
        Renewal::RemovedSecurityKey { host: Some(HERE.to_owned()), since, key },
        Renewal::Recovery { since, recovery: vec!["2".repeat(64)] },
        Renewal::UsedRecovery("1".repeat(64)),
    ] {
        let renewed = run(house.administration.renew(&house.by(&person(&account)), account.id, begun));
        assert_eq!(renewed.err(), Some(NotChanged::Raced));
    }
    assert!(run(house.administration.stored_account(account.id)).unwrap() == reset);
}

#[test]
fn a_connection_knows_people_by_what_is_theirs_for_good() {
    let house = House::new();
    let named = |connection: &mut Connection, claim: &str, vouched: bool| {
        let Protocol::Oidc(settings) = &mut connection.protocol else { return };
        settings.subject_claim = claim.into();
        settings.subject_claim_vouched = vouched;
    };
    let refused = Err(NotChanged::Invalid(Invalid::SubjectClaim));
    let mut new = connection(house.tenant, Vec::new());
    named(&mut new, "badge", false);
    assert_eq!(run(house.administration.add_connection(&house.operator(), new.clone())).map(|_| ()), refused);
    named(&mut new, "badge", true);
    let id = run(house.administration.add_connection(&house.operator(), new)).unwrap().id;
    let change = |claim: &'static str, vouched| {
        let change = |connection: &mut Connection| named(connection, claim, vouched);
        run(house.administration.change_connection(&house.operator(), id, change)).map(|_| ())
    };
    assert_eq!((change("name", true), change("badge", false)), (refused, refused));
    let off = |connection: &mut Connection| connection.enabled = false;
    assert!(run(house.administration.change_connection(&house.operator(), id, off)).is_ok());
    assert_eq!(change("sub", false), Ok(()));
}
