//! The directory and its keys, administered over the doubles of the ports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::access::{Clinics, Context, Purpose, Role, Roles, Subject};
use domain::administration::{Administration, By, NewClient, NotChanged};
use domain::audit::{Break, BreakKind, ChainId, Contents, NotRead};
use domain::directory::{Interface, Invalid, MappingFailureAs, Tenant, UnavailableAs};
use domain::double::{Installation, run};
use domain::id::{ClinicId, CorrelationId, RecordId, TenantId};
use domain::journal::Actor;
use domain::keys::Compartment;
use domain::kind::Kind;
use domain::ports::{BoxFuture, Clock, Find, KeyVault, Store, Witness};
use std::sync::{Arc, Mutex};

struct House {
    doubles: Installation,
    administration: Administration,
    operator: Subject,
}

impl House {
    fn new() -> Self {
        let doubles = Installation::new(1).unwrap();
        let administration = doubles.administration();
        assert_eq!(run(administration.prepare_system()), Ok(true));
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        Self { doubles, administration, operator }
    }

    fn by<'a>(&self, subject: &'a Subject) -> By<'a> {
        let actor = Actor::new(subject, "console", CorrelationId([9; 16]));
        By { actor, context: Context::console(self.doubles.clock.now()) }
    }

    fn add_tenant(&self, name: &str) -> Tenant {
        run(self.administration.add_tenant(&self.by(&self.operator), name)).unwrap()
    }

    fn new_client(&self, tenant: TenantId, name: &str) -> NewClient {
        NewClient {
            tenant,
            name: name.into(),
            roles: Roles::of(&[Role::ReadOnly]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            expires: None,
        }
    }

    /// The actions, resource types and outcomes of a chain, oldest first.
    fn chain(&self, chain: ChainId) -> Vec<String> {
        let block = run(self.doubles.store.entries(chain, 1, 1_000)).unwrap();
        let text = String::from_utf8(block.lines).unwrap();
        let word = |entry: &serde_json::Value, name: &str| entry[name].as_str().unwrap().to_string();
        text.lines()
            .map(|line| {
                let entry: serde_json::Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
                format!("{} {} {}", word(&entry, "action"), word(&entry, "resource_type"), word(&entry, "outcome"))
            })
            .collect()
    }

    fn stored(&self, kind: Kind) -> usize {
        let query = Find { kinds: vec![kind], limit: 1_000, ..Find::default() };
        run(self.doubles.store.find(TenantId::SYSTEM, query)).unwrap().len()
    }
}

fn interface(tenant: TenantId, name: &str, peer: &str) -> Interface {
    Interface {
        id: RecordId([0; 16]),
        tenant,
        clinic: None,
        name: name.into(),
        listener: "lab".into(),
        sending_application: Some("LAB".into()),
        sending_facility: None,
        peers: vec![peer.into()],
        time_zone: "Europe/Berlin".into(),
        character_set: None,
        processing_ids: vec!['P'],
        unavailable_as: UnavailableAs::Close,
        mapping_failure_as: MappingFailureAs::ApplicationAccept,
        enabled: true,
        created: domain::time::Timestamp(0),
    }
}

#[test]
fn what_is_added_is_in_the_next_snapshot_and_in_both_chains() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    let clinic = run(house.administration.add_clinic(&by, tenant.id, "West")).unwrap();
    let wanted = Interface { clinic: Some(clinic.id), ..interface(tenant.id, "lab results", "127.0.0.1") };
    let added = run(house.administration.add_interface(&by, wanted)).unwrap();
    let (client, token) = run(house.administration.add_client(&by, house.new_client(tenant.id, "viewer"))).unwrap();

    let directory = run(house.administration.load_directory()).unwrap();
    assert_eq!(directory.tenant(tenant.id).map(|tenant| tenant.name.as_str()), Some("Hospital"));
    assert_eq!(directory.clinics().count(), 1);
    let now = house.doubles.clock.now();
    assert_eq!(directory.client_by_token(token.expose(), now), Some(&client));
    let found = directory.interface_for("lab", "LAB", "ANY", "127.0.0.1".parse().unwrap());
    assert_eq!(found, Ok(&added));
    assert_ne!(added.id, RecordId([0; 16]));

    let changes =
        ["create Tenant success", "create Clinic success", "create Interface success", "create ApiClient success"];
    assert_eq!(house.chain(ChainId::SYSTEM), changes);
    assert_eq!(house.chain(ChainId::from(tenant.id)), changes);
}

#[test]
fn neither_names_nor_tokens_are_stored_in_clear() {
    let house = House::new();
    let tenant = house.add_tenant("Plainly Visible Hospital");
    let by = house.by(&house.operator);
    let (_, token) = run(house.administration.add_client(&by, house.new_client(tenant.id, "plainly visible"))).unwrap();
    let query = Find { limit: 100, ..Find::default() };
    let secret = token.expose().rsplit('.').next().unwrap().as_bytes();
    for record in run(house.doubles.store.find(TenantId::SYSTEM, query)).unwrap() {
        for planted in [b"lainly".as_slice(), secret] {
            assert!(!record.sealed.windows(planted.len()).any(|window| window == planted));
        }
    }
}

#[test]
fn a_name_is_taken_once_per_kind_and_tenant_whatever_its_case() {
    let house = House::new();
    let by = house.by(&house.operator);
    let one = house.add_tenant("Hospital");
    let two = house.add_tenant("Practice");
    assert_eq!(run(house.administration.add_tenant(&by, "HOSPITAL")).err(), Some(NotChanged::NameTaken));
    assert!(run(house.administration.add_clinic(&by, one.id, "West")).is_ok());
    assert!(run(house.administration.add_clinic(&by, two.id, "West")).is_ok());
    assert_eq!(run(house.administration.add_clinic(&by, one.id, "West")).err(), Some(NotChanged::NameTaken));
    assert_eq!((house.stored(Kind::Tenant), house.stored(Kind::Clinic)), (2, 2));
}

#[test]
fn what_breaks_a_rule_or_names_what_is_not_there_is_refused_and_nothing_is_written() {
    let house = House::new();
    let by = house.by(&house.operator);
    let (one, two) = (house.add_tenant("Hospital"), house.add_tenant("Practice"));
    let foreign = run(house.administration.add_clinic(&by, two.id, "East")).unwrap();
    let nowhere = TenantId([3; 16]);
    let administration = &house.administration;
    assert_eq!(run(administration.add_tenant(&by, "")).err(), Some(NotChanged::Invalid(Invalid::Name)));
    assert_eq!(run(administration.add_clinic(&by, nowhere, "West")).err(), Some(NotChanged::UnknownTenant));
    for clinic in [foreign.id, ClinicId([4; 16])] {
        let wanted = Interface { clinic: Some(clinic), ..interface(one.id, "lab", "::1") };
        assert_eq!(run(administration.add_interface(&by, wanted)).err(), Some(NotChanged::UnknownClinic));
        let wanted = NewClient { clinics: Clinics::Some(vec![clinic]), ..house.new_client(one.id, "viewer") };
        assert_eq!(run(administration.add_client(&by, wanted)).err(), Some(NotChanged::UnknownClinic));
    }
    let wanted = interface(nowhere, "lab", "::1");
    assert_eq!(run(administration.add_interface(&by, wanted)).err(), Some(NotChanged::UnknownTenant));
    let wanted = NewClient { roles: Roles::of(&[Role::SystemOperator]), ..house.new_client(one.id, "viewer") };
    assert_eq!(
        run(administration.add_client(&by, wanted)).err(),
        Some(NotChanged::Invalid(Invalid::RoleNotForClients))
    );
    assert_eq!(run(administration.disable_client(&by, RecordId(foreign.id.0))).err(), Some(NotChanged::UnknownEntry));
    assert_eq!((house.stored(Kind::Interface), house.stored(Kind::ApiClient)), (0, 0));
    assert_eq!(house.chain(ChainId::SYSTEM).len(), 3);
}

#[test]
fn two_interfaces_that_could_not_be_told_apart_are_refused() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    let administration = &house.administration;
    let first = run(administration.add_interface(&by, interface(tenant.id, "one", "10.0.0.0/8"))).unwrap();
    let twin = run(administration.add_interface(&by, interface(tenant.id, "two", "10.0.0.0/8")));
    assert_eq!(twin.err(), Some(NotChanged::RouteTaken));
    assert!(run(administration.add_interface(&by, interface(tenant.id, "three", "10.1.0.0/16"))).is_ok());
    run(administration.disable_interface(&by, first.id)).unwrap();
    assert!(run(administration.add_interface(&by, interface(tenant.id, "four", "10.0.0.0/8"))).is_ok());
}

#[test]
fn a_disabled_client_is_refused_and_its_first_version_is_kept() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    let (client, token) = run(house.administration.add_client(&by, house.new_client(tenant.id, "viewer"))).unwrap();
    house.doubles.clock.advance(5);
    assert!(!run(house.administration.disable_client(&by, client.id)).unwrap().enabled);
    let directory = run(house.administration.load_directory()).unwrap();
    assert_eq!(directory.client_by_token(token.expose(), house.doubles.clock.now()), None);
    let versions = run(house.doubles.store.versions(TenantId::SYSTEM, client.id, None, 10)).unwrap();
    assert_eq!(versions.iter().map(|record| record.version).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(house.chain(ChainId::from(tenant.id)).last().unwrap(), "update ApiClient success");
}

#[test]
fn a_change_of_an_entry_names_its_content_before_and_after() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    let (client, _) = run(house.administration.add_client(&by, house.new_client(tenant.id, "viewer"))).unwrap();
    run(house.administration.disable_client(&by, client.id)).unwrap();
    for chain in [ChainId::SYSTEM, ChainId::from(tenant.id)] {
        let block = run(house.doubles.store.entries(chain, 2, 10)).unwrap();
        let entries: Vec<serde_json::Value> = String::from_utf8(block.lines)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line.split_once(' ').unwrap().1).unwrap())
            .collect();
        assert_eq!(entries[0]["after_hash"], entries[1]["before_hash"]);
        assert_ne!(entries[1]["after_hash"], entries[1]["before_hash"]);
    }
}

#[test]
fn only_operator_and_admin_administer_and_every_denial_is_recorded() {
    let house = House::new();
    let (one, two) = (house.add_tenant("Hospital"), house.add_tenant("Practice"));
    let admin = Subject::console("ada", one.id, Roles::of(&[Role::Admin]));
    let by = house.by(&admin);
    let administration = &house.administration;
    assert!(run(administration.add_clinic(&by, one.id, "West")).is_ok());
    assert_eq!(run(administration.add_clinic(&by, two.id, "West")).err(), Some(NotChanged::Denied));
    assert_eq!(run(administration.add_tenant(&by, "Third")).err(), Some(NotChanged::Denied));
    assert_eq!(run(administration.rotate_tenant_key(&by, one.id, &|_| {})).err(), Some(NotChanged::Denied));
    let everyone_else = [Role::Provider, Role::Staff, Role::ReadOnly, Role::ClinicalDirector, Role::Auditor];
    let provider = Subject::console("pat", one.id, Roles::of(&everyone_else));
    assert_eq!(run(administration.add_clinic(&house.by(&provider), one.id, "East")).err(), Some(NotChanged::Denied));
    assert_eq!(
        house.chain(ChainId::from(one.id)),
        [
            "create Tenant success",
            "create Clinic success",
            "directory.change Clinic denied",
            "directory.change Tenant denied",
            "key.rotate Tenant denied",
            "directory.change Clinic denied",
        ]
    );
    assert_eq!(house.chain(ChainId::from(two.id)), ["create Tenant success"]);
}

#[test]
fn while_the_store_does_not_answer_nothing_is_changed() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    house.doubles.store.set_unavailable(true);
    assert_eq!(run(house.administration.add_tenant(&by, "Practice")).err(), Some(NotChanged::Unavailable));
    assert_eq!(run(house.administration.add_clinic(&by, tenant.id, "West")).err(), Some(NotChanged::Unavailable));
    assert!(run(house.administration.load_directory()).is_err());
    house.doubles.store.set_unavailable(false);
    assert_eq!(house.chain(ChainId::SYSTEM).len(), 1);
    assert!(run(house.administration.add_tenant(&by, "Practice")).is_ok());
}

#[test]
fn an_entry_that_was_moved_or_changed_does_not_load() {
    let house = House::new();
    let (one, two) = (house.add_tenant("Hospital"), house.add_tenant("Practice"));
    let ids = [RecordId(one.id.0), RecordId(two.id.0)];
    let mut records = run(house.doubles.store.load(TenantId::SYSTEM, &ids)).unwrap();
    let (mut moved, original) = (records.remove(0), records.remove(0));
    moved.sealed.clone_from(&original.sealed);
    house.doubles.store.tamper(moved);
    assert_eq!(run(house.administration.load_directory()).err(), Some(NotChanged::Integrity));
}

#[test]
fn an_older_version_of_an_entry_put_back_is_not_taken_for_the_directory() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    let (client, _) = run(house.administration.add_client(&by, house.new_client(tenant.id, "viewer"))).unwrap();
    let older = run(house.doubles.store.load(TenantId::SYSTEM, &[client.id])).unwrap().remove(0);
    run(house.administration.disable_client(&by, client.id)).unwrap();
    assert!(run(house.administration.load_directory()).is_ok());
    house.doubles.store.tamper(older);
    let broken = Break { chain: ChainId::SYSTEM, sequence: 3, kind: BreakKind::RecordRolledBack };
    assert_eq!(run(house.administration.load_directory()).err(), Some(NotChanged::Broken(broken)));
    // Nor is anything built on it.
    assert_eq!(run(house.administration.add_clinic(&by, tenant.id, "West")).err(), Some(NotChanged::Broken(broken)));
}

/// Changes the directory each time it is about to say what stands in the chain.
struct Restless {
    inner: Arc<dyn Witness>,
    administration: Administration,
    operator: Subject,
    changes: Mutex<Vec<TenantId>>,
}

impl Witness for Restless {
    fn directory(&self) -> BoxFuture<'_, Result<Contents, NotRead>> {
        Box::pin(async move {
            let tenant = *self.changes.lock().unwrap().first().unwrap();
            let actor = Actor::new(&self.operator, "console", CorrelationId([9; 16]));
            let by = By { actor, context: Context::console(domain::time::Timestamp(0)) };
            let number = self.changes.lock().unwrap().len();
            self.administration.add_clinic(&by, tenant, &format!("Clinic {number}")).await.unwrap();
            self.changes.lock().unwrap().push(tenant);
            self.inner.directory().await
        })
    }
}

#[test]
fn a_directory_that_changes_all_the_time_still_loads() {
    let house = House::new();
    let tenant = house.add_tenant("Hospital").id;
    let restless = Restless {
        inner: Arc::clone(&house.administration.witness),
        administration: house.doubles.administration(),
        operator: house.operator.clone(),
        changes: Mutex::new(vec![tenant]),
    };
    let administration = Administration { witness: Arc::new(restless), ..house.doubles.administration() };
    let directory = run(administration.load_directory()).unwrap();
    assert!(directory.tenant(tenant).is_some());
}

#[test]
fn a_deleted_entry_is_missed() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    let wanted = interface(tenant.id, "lab results", "127.0.0.1");
    let added = run(house.administration.add_interface(&by, wanted)).unwrap();
    house.doubles.store.delete(TenantId::SYSTEM, added.id);
    let broken = Break { chain: ChainId::SYSTEM, sequence: 2, kind: BreakKind::RecordMissing };
    assert_eq!(run(house.administration.load_directory()).err(), Some(NotChanged::Broken(broken)));
}

#[test]
fn a_rotation_moves_every_data_key_and_everything_still_opens() {
    let house = House::new();
    let by = house.by(&house.operator);
    let tenant = house.add_tenant("Hospital");
    // Data keys of the tenant, stored as any write would store them.
    for number in 0..7 {
        let held = run(house.doubles.vault.current(tenant.id, Compartment::Own(RecordId([number; 16])))).unwrap();
        let write = domain::write::WriteSet { keys: held.unstored.into_iter().collect(), ..Default::default() };
        run(domain::ports::Ledger::record(house.doubles.ledger.as_ref(), write)).unwrap();
    }
    let told = Mutex::new(Vec::new());
    let progress = |moved| told.lock().unwrap().push(moved);
    let rotation = run(house.administration.rotate_tenant_key(&by, tenant.id, &progress)).unwrap();
    assert_eq!((rotation.generation, rotation.moved), (2, 7));
    assert_eq!(*told.lock().unwrap(), [7]);
    assert_eq!(run(house.administration.finish_rotation(&by, tenant.id, &|_| {})).unwrap().moved, 0);
    assert!(run(house.doubles.store.data_keys_below(tenant.id, 2, 10)).unwrap().is_empty());
    for number in 0..7 {
        let held = run(house.doubles.vault.current(tenant.id, Compartment::Own(RecordId([number; 16])))).unwrap();
        assert_eq!(held.key.kek_generation, 2);
        assert!(held.unstored.is_none());
    }

    // The system's own key rotates alike, and the directory opens under it.
    let rotation = run(house.administration.rotate_tenant_key(&by, TenantId::SYSTEM, &|_| {})).unwrap();
    assert_eq!(rotation.generation, 2);
    assert!(rotation.moved > 0);
    assert!(run(house.administration.load_directory()).unwrap().tenant(tenant.id).is_some());
    let unknown = run(house.administration.rotate_tenant_key(&by, TenantId([8; 16]), &|_| {}));
    assert_eq!(unknown.err(), Some(NotChanged::UnknownTenant));
    assert!(house.chain(ChainId::SYSTEM).contains(&"key.rotate Tenant success".to_string()));
}
