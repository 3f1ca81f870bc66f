//! Lookups and validation of the directory.

use super::*;
use crate::access::{Action, Context, Resource, decide};
use crate::directory::{BearerToken, Entry, Invalid, MAX_CLINICS, MappingFailureAs, TenantSettings, UnavailableAs};
use crate::double::SeededEntropy;
use crate::id::ClinicId;
use crate::kind::Kind;
use std::format;
use std::vec;

const TENANT: TenantId = TenantId([1; 16]);
const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

fn interface(number: u8, sender: (Option<&str>, Option<&str>), peers: &[&str]) -> Interface {
    Interface {
        id: RecordId([number; 16]),
        tenant: TENANT,
        clinic: None,
        name: format!("interface {number}"),
        listener: "lab".into(),
        sending_application: sender.0.map(String::from),
        sending_facility: sender.1.map(String::from),
        peers: peers.iter().map(|peer| String::from(*peer)).collect(),
        time_zone: "Europe/Berlin".into(),
        character_set: None,
        processing_ids: vec!['P'],
        unavailable_as: UnavailableAs::Close,
        mapping_failure_as: MappingFailureAs::ApplicationAccept,
        enabled: true,
        created: NOW,
    }
}

fn client(number: u8) -> (ApiClient, BearerToken) {
    let id = RecordId([number; 16]);
    let token = BearerToken::generate(id, &SeededEntropy::new(u64::from(number))).unwrap();
    let client = ApiClient {
        id,
        tenant: TENANT,
        name: "reader".into(),
        roles: Roles::of(&[Role::ReadOnly]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        token_hash: token.hash(),
        expires: None,
        enabled: true,
        created: NOW,
    };
    (client, token)
}

fn of_interfaces(interfaces: impl IntoIterator<Item = Interface>) -> Directory {
    Directory::new([], [], interfaces, [])
}

fn of_clients(clients: impl IntoIterator<Item = ApiClient>) -> Directory {
    Directory::new([], [], [], clients)
}

fn found(directory: &Directory, application: &str, facility: &str, peer: &str) -> Result<u8, InterfaceRefusal> {
    directory.interface_for("lab", application, facility, peer.parse().unwrap()).map(|found| found.id.0[0])
}

#[test]
fn the_interface_that_names_more_of_the_sender_wins() {
    let all = &["0.0.0.0/0"];
    let directory = of_interfaces([
        interface(1, (None, None), all),
        interface(2, (None, Some("WEST")), all),
        interface(3, (Some("LAB"), None), all),
        interface(4, (Some("LAB"), Some("WEST")), all),
    ]);
    assert_eq!(found(&directory, "LAB", "WEST", "10.0.0.1"), Ok(4));
    assert_eq!(found(&directory, "LAB", "EAST", "10.0.0.1"), Ok(3));
    assert_eq!(found(&directory, "RIS", "WEST", "10.0.0.1"), Ok(2));
    assert_eq!(found(&directory, "RIS", "EAST", "10.0.0.1"), Ok(1));
}

#[test]
fn a_peer_that_may_not_use_its_senders_interface_does_not_fall_through_to_a_general_one() {
    let directory =
        of_interfaces([interface(1, (None, None), &["0.0.0.0/0"]), interface(2, (Some("LAB"), None), &["10.0.0.0/8"])]);
    assert_eq!(found(&directory, "LAB", "", "10.1.1.1"), Ok(2));
    assert_eq!(found(&directory, "LAB", "", "192.0.2.1"), Err(InterfaceRefusal::AddressNotAllowed));
}

#[test]
fn among_interfaces_of_one_sender_the_narrowest_range_wins_and_equals_are_refused() {
    let directory = of_interfaces([
        interface(1, (None, None), &["10.0.0.0/8"]),
        interface(2, (None, None), &["10.1.0.0/16", "10.2.0.0/16"]),
        interface(3, (None, None), &["10.2.0.0/16"]),
    ]);
    assert_eq!(found(&directory, "A", "B", "10.9.0.1"), Ok(1));
    assert_eq!(found(&directory, "A", "B", "10.1.0.1"), Ok(2));
    assert_eq!(found(&directory, "A", "B", "10.2.0.1"), Err(InterfaceRefusal::Ambiguous));
    assert!(interface(2, (None, None), &["10.1.0.0/16", "10.2.0.0/16"]).competes_with(&interface(
        3,
        (None, None),
        &["10.2.0.0/16"]
    )));
}

#[test]
fn another_listener_a_disabled_interface_and_a_strange_sender_are_unknown() {
    let mut disabled = interface(1, (Some("LAB"), None), &["::/0", "0.0.0.0/0"]);
    let directory = of_interfaces([disabled.clone()]);
    assert_eq!(found(&directory, "lab", "", "::1"), Err(InterfaceRefusal::Unknown));
    assert_eq!(
        directory.interface_for("other", "LAB", "", "::1".parse().unwrap()).map(|found| found.id),
        Err(InterfaceRefusal::Unknown)
    );
    assert!(directory.accepts_peer("lab", "::1".parse().unwrap()));
    disabled.enabled = false;
    let directory = of_interfaces([disabled]);
    assert_eq!(found(&directory, "LAB", "", "::1"), Err(InterfaceRefusal::Unknown));
    assert!(!directory.accepts_peer("lab", "::1".parse().unwrap()));
}

#[test]
fn a_client_is_known_by_its_own_token_only() {
    let ((one, token), (two, other)) = (client(1), client(2));
    let directory = of_clients([one.clone(), two]);
    assert_eq!(directory.client_by_token(token.expose(), NOW).map(|found| found.id), Some(one.id));
    assert!(token.expose().starts_with("sgt_") && token.expose().len() == 70);
    // The id of one client with the secret of another, and everything near a token.
    let mixed = format!("{}{}", &token.expose()[..27], &other.expose()[27..]);
    let flipped = token.expose().replace("sgt_", "SGT_");
    let longer = format!("{}A", token.expose());
    for presented in
        [mixed.as_str(), flipped.as_str(), longer.as_str(), &token.expose()[..69], "", "sgt_", "sgt_.", "é"]
    {
        assert!(directory.client_by_token(presented, NOW).is_none());
    }
}

#[test]
fn a_disabled_or_expired_client_is_refused() {
    let (mut client, token) = client(1);
    client.expires = Some(NOW);
    assert!(of_clients([client.clone()]).client_by_token(token.expose(), Timestamp(NOW.0 - 1)).is_some());
    assert!(of_clients([client.clone()]).client_by_token(token.expose(), NOW).is_none());
    client.expires = None;
    client.enabled = false;
    assert!(of_clients([client]).client_by_token(token.expose(), NOW).is_none());
}

#[test]
fn an_interface_may_deliver_and_may_not_read() {
    let subject = subject_for_interface(&interface(1, (None, None), &["::1"]));
    let context = Context::at(NOW);
    let message = Resource::record(TENANT, Kind::Hl7Message);
    let report = Resource::record(TENANT, Kind::DiagnosticReport);
    assert!(decide(&subject, Action::MessageReceive, &message, &context).is_permit());
    assert!(!decide(&subject, Action::FhirRead, &report, &context).is_permit());
    assert!(!decide(&subject, Action::FhirSearch, &report, &context).is_permit());
    assert!(!decide(&subject, Action::MessageView, &message, &context).is_permit());
}

#[test]
fn a_client_of_one_clinic_reads_that_clinic_and_what_is_shared() {
    let (mut client, _) = client(1);
    let clinic = ClinicId([5; 16]);
    client.clinics = Clinics::Some(vec![clinic]);
    let subject = subject_for_client(&client);
    let reads = |kind, clinic| {
        decide(&subject, Action::FhirRead, &Resource::record(TENANT, kind).with_clinic(clinic), &Context::at(NOW))
            .is_permit()
    };
    assert!(reads(Kind::DiagnosticReport, Some(clinic)));
    assert!(!reads(Kind::DiagnosticReport, Some(ClinicId([6; 16]))));
    assert!(!reads(Kind::DiagnosticReport, None));
    assert!(reads(Kind::Patient, None) && reads(Kind::Organization, None));
}

#[test]
fn every_entry_reads_back_from_its_json() {
    let (client, _) = client(1);
    let interface = interface(1, (Some("LAB"), None), &["10.0.0.0/8"]);
    let tenant = Tenant { id: TENANT, name: "Hospital".into(), settings: TenantSettings::default(), created: NOW };
    let clinic = Clinic { id: ClinicId([2; 16]), tenant: TENANT, name: "West".into(), created: NOW };
    assert_eq!(serde_json::from_str::<ApiClient>(&serde_json::to_string(&client).unwrap()).unwrap(), client);
    assert_eq!(serde_json::from_str::<Interface>(&serde_json::to_string(&interface).unwrap()).unwrap(), interface);
    assert_eq!(serde_json::from_str::<Tenant>(&serde_json::to_string(&tenant).unwrap()).unwrap(), tenant);
    assert_eq!(serde_json::from_str::<Clinic>(&serde_json::to_string(&clinic).unwrap()).unwrap(), clinic);
    insta::assert_snapshot!(serde_json::to_string(&interface).unwrap(), @r#"{"id":"01010101-0101-0101-0101-010101010101","tenant":"01010101-0101-0101-0101-010101010101","clinic":null,"name":"interface 1","listener":"lab","sending_application":"LAB","sending_facility":null,"peers":["10.0.0.0/8"],"time_zone":"Europe/Berlin","character_set":null,"processing_ids":["P"],"unavailable_as":"close","mapping_failure_as":"AA","enabled":true,"created":"2023-11-14T22:13:20.000Z"}"#);
}

#[test]
fn a_tenant_from_before_there_were_settings_has_the_usual_ones() {
    let before =
        r#"{"id":"01010101-0101-0101-0101-010101010101","name":"Hospital","created":"2023-11-14T22:13:20.000Z"}"#;
    let tenant = serde_json::from_str::<Tenant>(before).unwrap();
    assert_eq!(tenant.settings, TenantSettings::default());
    insta::assert_snapshot!(serde_json::to_string(&tenant).unwrap(), @r#"{"id":"01010101-0101-0101-0101-010101010101","name":"Hospital","settings":{"sessions":{"idle_seconds":900,"absolute_seconds":43200,"concurrent":5},"addresses":[],"second_factor":"required","break_glass_review_hours":72},"created":"2023-11-14T22:13:20.000Z"}"#);
}

#[test]
fn each_broken_rule_of_an_interface_is_named() {
    let good = || interface(1, (Some("LAB"), None), &["10.0.0.0/8", "::1"]);
    assert_eq!(good().validate(), Ok(()));
    let long = "x".repeat(129);
    for (broken, rule) in [
        (Interface { name: String::new(), ..good() }, Invalid::Name),
        (Interface { name: long.clone(), ..good() }, Invalid::Name),
        (Interface { name: " padded".into(), ..good() }, Invalid::Name),
        (Interface { name: "two\nlines".into(), ..good() }, Invalid::Name),
        (Interface { listener: String::new(), ..good() }, Invalid::Listener),
        (Interface { sending_application: Some(String::new()), ..good() }, Invalid::Sender),
        (Interface { sending_facility: Some("a\tb".into()), ..good() }, Invalid::Sender),
        (Interface { peers: vec![], ..good() }, Invalid::PeerCount),
        (Interface { peers: vec!["::1".into(); 65], ..good() }, Invalid::PeerCount),
        (Interface { peers: vec!["10.1.2.3/8".into()], ..good() }, Invalid::Peer),
        (Interface { time_zone: String::new(), ..good() }, Invalid::TimeZone),
        (Interface { time_zone: "Europe//Berlin".into(), ..good() }, Invalid::TimeZone),
        (Interface { time_zone: "../etc/passwd".into(), ..good() }, Invalid::TimeZone),
        (Interface { character_set: Some("UTF;8".into()), ..good() }, Invalid::CharacterSet),
        (Interface { processing_ids: vec![], ..good() }, Invalid::ProcessingId),
        (Interface { processing_ids: vec!['X'], ..good() }, Invalid::ProcessingId),
    ] {
        assert_eq!(broken.validate(), Err(rule));
    }
}

#[test]
fn a_client_reads_or_administers_and_nothing_else() {
    let (good, _) = client(1);
    assert_eq!(good.validate(), Ok(()));
    assert_eq!(ApiClient { roles: Roles::NONE, ..good.clone() }.validate(), Err(Invalid::Roles));
    let administering = ApiClient { roles: Roles::of(&[Role::Admin, Role::Auditor]), ..good.clone() };
    assert_eq!(administering.validate(), Ok(()));
    for role in [Role::Provider, Role::Staff, Role::ReadOnly, Role::ClinicalDirector] {
        let both = ApiClient { roles: Roles::of(&[Role::Admin, role]), ..good.clone() };
        assert_eq!(both.validate(), Err(Invalid::RolesApart));
    }
    for role in [Role::SystemOperator, Role::IntegrationEngine, Role::Provisioner] {
        let roles = good.roles.with(role);
        assert_eq!(ApiClient { roles, ..good.clone() }.validate(), Err(Invalid::RoleNotForClients));
    }
    let some = Clinics::Some(vec![ClinicId([1; 16])]);
    let split = ApiClient { clinics: some.clone(), ..administering.clone() };
    assert_eq!(split.validate(), Err(Invalid::AdminOfClinics));
    assert!(!subject_for_client(&split).roles.contains(Role::Admin), "one from before administers no more");
    assert_eq!(ApiClient { clinics: some, ..good.clone() }.validate(), Ok(()));
    let many = Clinics::Some(vec![ClinicId([1; 16]); MAX_CLINICS + 1]);
    assert_eq!(ApiClient { clinics: many, ..good.clone() }.validate(), Err(Invalid::ClinicCount));
    assert_eq!(ApiClient { token_hash: "00".into(), ..good }.validate(), Err(Invalid::TokenHash));
}
