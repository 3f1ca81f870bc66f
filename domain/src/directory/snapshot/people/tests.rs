//! Lookups of people's ways in, and which sessions go on.

use super::*;
use crate::access::{Clinics, Factor, Purpose, Role, Roles};
use crate::directory::{ApplicationUse, Hidden, OidcSettings, Protocol, Provisioning, Tenant};
use crate::id::ClinicId;
use crate::identity::Criterion;
use crate::time::Timestamp;
use std::vec;
use std::vec::Vec;

const TENANT: TenantId = TenantId([1; 16]);
const OTHER: TenantId = TenantId([2; 16]);
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn tenant(id: TenantId, addresses: &[&str]) -> Tenant {
    let addresses = addresses.iter().map(|text| String::from(*text)).collect();
    let settings = TenantSettings { addresses, ..TenantSettings::default() };
    Tenant { id, name: "Hospital".into(), settings, created: NOW }
}

fn connection(number: u8, tenant: TenantId) -> Connection {
    let settings = OidcSettings::new("https://idp.example".into(), "sealgate".into());
    let (id, protocol) = (RecordId([number; 16]), Protocol::Oidc(settings));
    let rules = vec![giving(Role::Staff), giving(Role::Provider)];
    Connection {
        id,
        tenant,
        name: "idp".into(),
        enabled: true,
        protocol,
        rules,
        provisioning: Provisioning::default(),
        created: NOW,
        ended: None,
    }
}

fn giving(role: Role) -> Rule {
    let (when, roles) = (Criterion::Group("all".into()), Roles::of(&[role]));
    Rule { when, roles, clinics: Clinics::All, purpose: Purpose::Treatment }
}

fn account(number: u8, tenant: TenantId, name: &str) -> Account {
    Account {
        id: RecordId([number; 16]),
        tenant,
        name: name.into(),
        display: "Somebody".into(),
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        password: Some(Hidden::new("$argon2id$".into())),
        totp: None,
        recovery: vec![],
        security_keys: vec![],
        enabled: true,
        created: NOW,
        password_changed: Some(NOW),
        ended: None,
    }
}

fn directory(connections: Vec<Connection>, accounts: Vec<Account>) -> Directory {
    Directory::new([tenant(TENANT, &[]), tenant(OTHER, &[])], [], [], []).with_people(connections, accounts, [])
}

fn session_of(account: &Account) -> Session {
    let assertion = account.to_assertion(Factor::Shown, NOW);
    Session::begin(RecordId([8; 16]), RecordId([9; 16]), &assertion, account.to_admitted(), "127.0.0.1", NOW)
}

#[test]
fn an_account_is_found_by_its_name_in_any_case_within_its_tenant() {
    let directory = directory(vec![], vec![account(1, TENANT, "Ada.Müller"), account(2, OTHER, "ada.müller")]);
    let found = |tenant, name: &str| directory.account_by_name(tenant, name).map(|account| account.id.0[0]);
    assert_eq!(found(TENANT, "ADA.MÜLLER"), Some(1));
    assert_eq!(found(OTHER, " ada.mu\u{308}ller "), Some(2), "composed and decomposed are one");
    assert_eq!(found(TENANT, "ada"), None);
    assert_eq!(found(TenantId([3; 16]), "ada.müller"), None);
}

#[test]
fn connections_are_found_by_id_and_by_tenant() {
    let directory = directory(vec![connection(1, TENANT), connection(2, OTHER), connection(3, TENANT)], vec![]);
    assert_eq!(directory.connections_of(TENANT).map(|found| found.id.0[0]).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(directory.connection(RecordId([2; 16])).map(|found| found.tenant), Some(OTHER));
    assert!(directory.connection(RecordId([4; 16])).is_none());
}

#[test]
fn an_application_is_found_by_the_text_of_its_id() {
    let roles = Roles::of(&[Role::ReadOnly]);
    let application = Application {
        id: RecordId([5; 16]),
        tenant: TENANT,
        name: "registry".into(),
        r#use: ApplicationUse::Backend { roles, clinics: Clinics::All, purpose: Purpose::Treatment },
        jwks: None,
        jwks_uri: Some("https://registry.example/keys".into()),
        secret_hash: None,
        scopes: vec!["system/*.rs".into()],
        enabled: true,
        created: NOW,
        ended: None,
    };
    let directory = Directory::default().with_people([], [], [application]);
    let found = |id: &str| directory.application_by_client_id(id).is_some();
    assert!(found("05050505-0505-0505-0505-050505050505"));
    assert!(!found("05050505-0505-0505-0505-050505050506") && !found("registry") && !found(""));
}

#[test]
fn an_address_outside_of_the_tenants_list_is_not_allowed() {
    let directory = Directory::new([tenant(TENANT, &["10.0.0.0/8", "::1"]), tenant(OTHER, &[])], [], [], []);
    let allowed = |tenant, address: &str| directory.address_allowed(tenant, address.parse().unwrap());
    assert!(allowed(TENANT, "10.1.2.3") && allowed(TENANT, "::1") && allowed(TENANT, "::ffff:10.1.2.3"));
    assert!(!allowed(TENANT, "192.0.2.1") && !allowed(TENANT, "127.0.0.1"));
    assert!(allowed(OTHER, "192.0.2.1"), "no list means any address");
    assert!(!allowed(TenantId([3; 16]), "10.1.2.3"), "an unknown tenant has none");
    let broken = Directory::new([tenant(TENANT, &["everywhere"])], [], [], []);
    assert!(!broken.address_allowed(TENANT, "10.1.2.3".parse().unwrap()));
}

#[test]
fn a_session_by_an_account_goes_on_while_the_account_says_the_same() {
    let account = account(1, TENANT, "ada");
    let session = session_of(&account);
    let admits = |account: Account| directory(vec![], vec![account]).still_admits(&session);
    assert!(admits(account.clone()));
    assert!(admits(Account { display: "Ada".into(), recovery: vec!["00".into()], ..account.clone() }));
    for changed in [
        Account { enabled: false, ..account.clone() },
        Account { roles: Roles::of(&[Role::Provider, Role::Admin]), ..account.clone() },
        Account { roles: Roles::of(&[Role::ReadOnly]), ..account.clone() },
        Account { clinics: Clinics::Some(vec![ClinicId([1; 16])]), ..account.clone() },
        Account { purpose: Purpose::Operations, ..account.clone() },
        Account { password_changed: Some(NOW.plus_seconds(1)), ..account.clone() },
        Account { ended: Some(NOW.plus_seconds(1)), ..account.clone() },
        Account { tenant: OTHER, ..account.clone() },
        Account { id: RecordId([7; 16]), ..account.clone() },
    ] {
        assert!(!admits(changed));
    }
    let kept = Session { password_changed: None, ..session.clone() };
    let admits = |account: Account| directory(vec![], vec![account]).still_admits(&kept);
    assert!(admits(account.clone()), "of before the moment was kept");
    assert!(!admits(Account { password_changed: Some(NOW.plus_seconds(1)), ..account.clone() }));
    assert!(!directory(vec![], vec![]).still_admits(&session));
    assert!(!Directory::default().with_people([], [account], []).still_admits(&session), "its tenant is gone");
}

#[test]
fn a_session_that_administers_some_clinics_from_before_is_over_and_one_without_it_goes_on() {
    let clinics = Clinics::Some(vec![ClinicId([1; 16])]);
    let roles = Roles::of(&[Role::Provider, Role::Admin]);
    let account = Account { roles, clinics: clinics.clone(), ..account(1, TENANT, "ada") };
    let admitted = session_of(&account);
    assert_eq!(admitted.roles, Roles::of(&[Role::Provider]));
    let before = Session { roles, ..admitted.clone() };
    let by_account = directory(vec![], vec![account.clone()]);
    assert!(by_account.still_admits(&admitted) && !by_account.still_admits(&before));
    let rule = Rule { roles, clinics, ..giving(Role::Provider) };
    let connection = Connection { rules: vec![rule], ..connection(5, TENANT) };
    let by = |session: &Session| {
        let issuer = connection.issuer().into();
        Session { connection: connection.id, issuer, ..session.clone() }
    };
    let by_connection = directory(vec![connection.clone()], vec![]);
    assert!(by_connection.still_admits(&by(&admitted)) && !by_connection.still_admits(&by(&before)));
}

#[test]
fn a_session_by_a_connection_goes_on_while_a_rule_of_it_gives_what_it_has() {
    let connection = connection(5, TENANT);
    let account = account(1, TENANT, "ada");
    let session = Session { connection: connection.id, issuer: "https://idp.example".into(), ..session_of(&account) };
    let admits = |connection: Connection| directory(vec![connection], vec![account.clone()]).still_admits(&session);
    assert!(admits(connection.clone()));
    assert!(admits(Connection { name: "renamed".into(), ..connection.clone() }));
    assert!(!admits(Connection { enabled: false, ..connection.clone() }));
    assert!(!admits(Connection { rules: vec![giving(Role::Staff)], ..connection.clone() }));
    let elsewhere = Rule { clinics: Clinics::Some(vec![ClinicId([1; 16])]), ..giving(Role::Provider) };
    assert!(!admits(Connection { rules: vec![elsewhere], ..connection.clone() }));
    assert!(!admits(Connection { tenant: OTHER, ..connection.clone() }));
    assert!(
        !admits(Connection { ended: Some(NOW.plus_seconds(1)), ..connection.clone() }),
        "it was disabled meanwhile"
    );
    assert!(!admits(Connection { id: RecordId([3; 16]), ..connection }));
}

#[test]
fn an_identity_provider_that_names_itself_like_us_gains_no_account() {
    let account = account(1, TENANT, "ada");
    let connection = connection(5, TENANT);
    let posing = Session { connection: connection.id, ..session_of(&account) };
    assert!(!directory(vec![], vec![account.clone()]).still_admits(&posing), "its connection decides");
    let foreign = Session { issuer: "https://idp.example".into(), ..session_of(&account) };
    assert!(!directory(vec![connection], vec![account]).still_admits(&foreign));
}

#[test]
fn an_origin_is_of_the_tenants_whose_enabled_applications_have_it() {
    let application = |number: u8, tenant, redirect: &str, enabled| {
        let redirect_uris = vec![redirect.into()];
        Application {
            id: RecordId([number; 16]),
            tenant,
            name: "app".into(),
            r#use: ApplicationUse::Launch { redirect_uris, launch_uri: None, confidential: false },
            jwks: None,
            jwks_uri: None,
            secret_hash: None,
            scopes: vec!["openid".into()],
            enabled,
            created: NOW,
            ended: None,
        }
    };
    let directory = Directory::default().with_people(
        [],
        [],
        [
            application(1, TENANT, "https://app.example/back", true),
            application(2, OTHER, "https://other.example/back", true),
            application(3, OTHER, "https://off.example/back", false),
        ],
    );
    let asked = |origin, tenant| directory.origin_registered(origin, tenant);
    assert!(asked("https://app.example", Some(TENANT)) && asked("https://app.example", None));
    assert!(!asked("https://app.example", Some(OTHER)) && !asked("https://other.example", Some(TENANT)));
    assert!(!asked("https://off.example", None) && !asked("https://app.example/back", None) && !asked("null", None));
}
