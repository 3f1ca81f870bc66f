//! People and groups that providers tell of, kept over the doubles of the ports.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::access::{Clinics, Context, Factor, Purpose, Role, Roles, Subject};
use domain::administration::{Administration, By, ChangeFault, NotChanged, Stored, Wanted};
use domain::audit::ChainId;
use domain::directory::{
    Connection, Directory, Email, Handle, OidcSettings, PersonName, Protocol, Provisioned, ProvisionedGroup,
    ProvisionedPerson, Provisioning, ProvisioningToken,
};
use domain::double::{Installation, run};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::identity::{Assertion, Criterion, Groups, Rule, Session, admit};
use domain::journal::Actor;
use domain::ports::{Clock, Store};
use domain::time::Timestamp;

struct House {
    doubles: Installation,
    administration: Administration,
    connection: Connection,
    provider: Subject,
    elsewhere: TenantId,
}

impl House {
    fn new() -> Self {
        let doubles = Installation::new(3).unwrap();
        let administration = doubles.administration();
        run(administration.prepare_system()).unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let by = By {
            actor: Actor::new(&operator, "console", CorrelationId([9; 16])),
            context: Context::console(doubles.clock.now()),
        };
        let tenant = run(administration.add_tenant(&by, "Hospital")).unwrap().id;
        let elsewhere = run(administration.add_tenant(&by, "Another hospital")).unwrap().id;
        let settings = OidcSettings::new("https://idp.example".into(), "sealgate".into());
        let connection = Connection {
            id: RecordId([0; 16]),
            tenant,
            name: "Hospital login".into(),
            enabled: true,
            protocol: Protocol::Oidc(settings),
            rules: Vec::new(),
            provisioning: Provisioning::default(),
            created: Timestamp(0),
            ended: None,
        };
        let connection = run(administration.add_connection(&by, connection)).unwrap();
        let token = connection.draw_provisioning_token(doubles.entropy.as_ref()).unwrap();
        let kept = ProvisioningToken::of(&token, doubles.clock.now());
        let connection = run(administration.change_connection(&by, connection.id, |connection| {
            connection.provisioning.tokens.push(kept);
            connection.provisioning.required = true;
        }))
        .unwrap();
        assert!(connection.provisioner("sgp_other").is_none());
        let provider = connection.provisioner(token.expose()).unwrap();
        Self { doubles, administration, connection, provider, elsewhere }
    }

    fn by<'a>(&self, subject: &'a Subject) -> By<'a> {
        let actor = Actor::new(subject, "scim", CorrelationId([8; 16]));
        By { actor, context: Context::at(self.doubles.clock.now()) }
    }

    fn person(&self, name: &str, external: Option<&str>) -> ProvisionedPerson {
        let (id, created) = self.administration.new_record().unwrap();
        ProvisionedPerson {
            id,
            tenant: self.connection.tenant,
            connection: self.connection.id,
            user_name: name.into(),
            external_id: external.map(Into::into),
            display: Some("Ada Byron".into()),
            name: PersonName::default(),
            emails: vec![Email { value: "ada@hospital.example".into(), r#type: None, primary: true }],
            active: true,
            removed: false,
            former: None,
            earlier: Vec::new(),
            created,
            ended: None,
        }
    }

    fn add(&self, name: &str, external: Option<&str>) -> Result<Stored<ProvisionedPerson>, NotChanged> {
        self.doubles.clock.advance(1);
        let person = self.person(name, external);
        run(self.administration.provision(&self.by(&self.provider), &self.connection, person))
    }

    fn group(&self, name: &str, members: Vec<RecordId>) -> Result<Stored<ProvisionedGroup>, NotChanged> {
        let (id, created) = self.administration.new_record().unwrap();
        let group = ProvisionedGroup {
            id,
            tenant: self.connection.tenant,
            connection: self.connection.id,
            display: name.into(),
            external_id: None,
            members,
            removed: false,
            created,
        };
        run(self.administration.provision(&self.by(&self.provider), &self.connection, group))
    }

    fn change(
        &self,
        id: RecordId,
        expected: Option<u32>,
        change: impl Fn(&mut ProvisionedPerson),
    ) -> Result<Stored<ProvisionedPerson>, ChangeFault<()>> {
        let changed = run(self.administration.change_provisioned(
            &self.by(&self.provider),
            &self.connection,
            id,
            expected,
            |person: &ProvisionedPerson| {
                let mut person = person.clone();
                change(&mut person);
                Ok(person)
            },
        ));
        changed.map(|changed| changed.after)
    }

    fn take_back(&self, id: RecordId) {
        let gone = |person: &ProvisionedPerson| Ok::<_, ()>(person.taken_back());
        let by = self.by(&self.provider);
        run(self.administration.change_provisioned(&by, &self.connection, id, None, gone)).unwrap();
    }

    fn find(&self, wanted: &Wanted) -> Vec<Stored<ProvisionedPerson>> {
        run(self.administration.provisioned(&self.by(&self.provider), &self.connection, wanted)).unwrap()
    }

    fn named(&self, name: &str) -> usize {
        self.find(&Wanted::Named(vec![(Handle::Name, name.into())])).len()
    }

    fn directory(&self) -> Directory {
        run(self.administration.load_directory()).unwrap()
    }

    fn chain(&self) -> Vec<String> {
        let block = run(self.doubles.store.entries(ChainId::from(self.connection.tenant), 1, 1_000)).unwrap();
        let text = String::from_utf8(block.lines).unwrap();
        let word = |entry: &serde_json::Value, place: &str| entry.pointer(place).unwrap().as_str().unwrap().to_string();
        text.lines()
            .map(|line| {
                let entry: serde_json::Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
                let words =
                    ["/action", "/resource_type", "/outcome", "/user_id/display"].map(|name| word(&entry, name));
                words.join(" ")
            })
            .collect()
    }
}

#[test]
fn what_a_provider_tells_is_kept_found_and_in_the_chain() {
    let house = House::new();
    let ada = house.add("ada@hospital.example", Some("object-1")).unwrap();
    assert_eq!((ada.version, house.named("ADA@hospital.example")), (1, 1));
    assert_eq!(house.find(&Wanted::Named(vec![(Handle::External, "object-1".into())])).len(), 1);
    assert_eq!(house.find(&Wanted::Named(vec![(Handle::External, "OBJECT-1".into())])).len(), 0);
    house.add("bob@hospital.example", None).unwrap();
    let all = house.find(&Wanted::All);
    assert_eq!(
        all.iter().map(|person| person.entry.user_name.as_str()).collect::<Vec<_>>(),
        ["ada@hospital.example", "bob@hospital.example"]
    );
    let changed = house.change(ada.entry.id, Some(1), |person| person.active = false).unwrap();
    assert_eq!(changed.version, 2);
    let chain = house.chain();
    assert!(chain.contains(&"create ProvisionedPerson success provisioning by Hospital login".into()), "{chain:?}");
    assert!(chain.contains(&"update ProvisionedPerson success provisioning by Hospital login".into()), "{chain:?}");
    assert!(chain.contains(&"directory.read ProvisionedPerson success provisioning by Hospital login".into()));
    assert!(!chain.join("").contains("ada"), "no name of a person");
    house.directory();
}

#[test]
fn a_name_is_one_persons_until_it_is_given_up_however_often() {
    let house = House::new();
    let ada = house.add("ada", Some("1")).unwrap().entry.id;
    assert_eq!(house.add("ADA", None).err(), Some(NotChanged::NameTaken));
    assert_eq!(house.add("other", Some("1")).err(), Some(NotChanged::NameTaken));
    assert!(house.add("other", Some("2")).is_ok());
    for _ in 0..3 {
        house.change(ada, None, |person| person.user_name = "countess".into()).unwrap();
        house.change(ada, None, |person| person.user_name = "Ada".into()).unwrap();
    }
    house.take_back(ada);
    assert_eq!((house.named("ada"), house.named("countess")), (0, 0));
    let again = house.add("ada", Some("1")).unwrap().entry.id;
    assert_ne!(again, ada);
    let taken = house.change(again, None, |person| person.user_name = "other".into());
    assert_eq!(taken.err(), Some(ChangeFault::NotChanged(NotChanged::NameTaken)));
    house.take_back(again);
    assert!(house.add("ada", Some("1")).is_ok() && house.add("countess", None).is_ok());
    house.directory();
}

#[test]
fn what_builds_on_another_version_is_refused_and_what_changes_nothing_is_not_written() {
    let house = House::new();
    let ada = house.add("ada", None).unwrap().entry.id;
    assert_eq!(house.change(ada, Some(1), |person| person.active = false).unwrap().version, 2);
    assert_eq!(house.change(ada, Some(1), |person| person.active = true).err(), Some(ChangeFault::OtherVersion));
    assert_eq!(house.change(ada, None, |person| person.active = false).unwrap().version, 2);
    house.take_back(ada);
    let gone = house.change(ada, None, |person| person.active = true);
    assert_eq!(gone.err(), Some(ChangeFault::NotChanged(NotChanged::UnknownEntry)));
    assert!(house.find(&Wanted::Ids(vec![ada])).is_empty());
    assert!(house.directory().was_taken_back(ada));
}

#[test]
fn a_group_has_people_of_its_own_connection_alone() {
    let house = House::new();
    let ada = house.add("ada", None).unwrap().entry.id;
    let group = house.group("Laboratory", vec![ada]).unwrap();
    assert_eq!(house.directory().provisioned_groups(ada).collect::<Vec<_>>(), [(group.entry.id, "Laboratory")]);
    assert_eq!(house.group("Ward", vec![RecordId([7; 16])]).err(), Some(NotChanged::UnknownMember));
    let bob = house.add("bob", None).unwrap().entry.id;
    house.take_back(bob);
    assert_eq!(house.group("Ward", vec![bob]).err(), Some(NotChanged::UnknownMember));
    assert_eq!(house.group("LABORATORY", vec![]).err(), Some(NotChanged::NameTaken));
}

#[test]
fn a_provider_keeps_people_of_its_own_tenant_and_nothing_else() {
    let house = House::new();
    let other = Subject { tenant: house.elsewhere, ..house.provider.clone() };
    let person = house.person("ada", None);
    let denied = run(house.administration.provision(&house.by(&other), &house.connection, person));
    assert_eq!(denied.err(), Some(NotChanged::Denied));
    let read =
        run(house.administration.provisioned::<ProvisionedPerson>(&house.by(&other), &house.connection, &Wanted::All));
    assert_eq!(read.err(), Some(NotChanged::Denied));
    let disable = run(house.administration.change_connection(&house.by(&house.provider), house.connection.id, |one| {
        one.enabled = false;
    }));
    assert_eq!(disable.err(), Some(NotChanged::Denied), "no right to the connection itself");
}

#[test]
fn what_a_deactivation_ended_does_not_come_back_with_the_person() {
    let mut house = House::new();
    let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
    let rule = Rule {
        when: Criterion::Subject("object-1".into()),
        roles: Roles::of(&[Role::Staff]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
    };
    let by = By { context: Context::console(house.doubles.clock.now()), ..house.by(&operator) };
    let ruled = |connection: &mut Connection| connection.rules = vec![rule];
    house.connection = run(house.administration.change_connection(&by, house.connection.id, ruled)).unwrap();
    let begin = |house: &House| {
        let assertion = Assertion {
            connection: house.connection.id,
            tenant: house.connection.tenant,
            issuer: house.connection.issuer().into(),
            subject: "object-1".into(),
            display: "Ada".into(),
            roles: Vec::new(),
            groups: Groups::Unknown,
            attributes: Vec::new(),
            factor: Factor::Shown,
            authenticated: house.doubles.clock.now(),
            until: None,
            provider_session: None,
        };
        let standing = house.directory().standing(&assertion);
        let admitted = admit(&house.connection.rules, &assertion, &standing).unwrap();
        let now = house.doubles.clock.now();
        Session::begin(RecordId([7; 16]), RecordId([8; 16]), &assertion, admitted, "::1", now)
    };
    let told = house.add("ada", Some("object-1")).unwrap().entry;
    let first = begin(&house);
    assert!(house.directory().still_admits(&first));
    house.change(told.id, None, |person| person.user_name = "ada.king".into()).unwrap();
    assert!(house.directory().still_admits(&first), "another name of hers ends nothing");
    house.change(told.id, None, |person| person.active = false).unwrap();
    assert!(!house.directory().still_admits(&first));
    house.change(told.id, None, |person| person.active = true).unwrap();
    assert!(!house.directory().still_admits(&first), "she is back, what she had is not");

    let second = begin(&house);
    assert!(house.directory().still_admits(&second));
    house.change(told.id, None, |person| person.external_id = Some("object-2".into())).unwrap();
    assert!(!house.directory().still_admits(&second));
    house.change(told.id, None, |person| person.external_id = Some("object-1".into())).unwrap();
    assert!(!house.directory().still_admits(&second), "another person came by it meanwhile, or might have");

    let third = begin(&house);
    house.take_back(told.id);
    assert!(!house.directory().still_admits(&third));
    house.add("ada", Some("object-1")).unwrap();
    assert!(!house.directory().still_admits(&third), "told of anew");
    assert!(house.directory().still_admits(&begin(&house)));
}
