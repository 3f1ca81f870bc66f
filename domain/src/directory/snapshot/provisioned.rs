//! Lookups of people that providers told of: by the subject of an assertion, and the groups they are in.

use super::Directory;
use super::bounds::{Bounded, MAX_REMEMBERED};
use crate::directory::{Connection, ProvisionedGroup, ProvisionedGroups, ProvisionedPerson};
use crate::id::RecordId;
use crate::identity::{Assertion, ProvidedGroups, Session, Standing};
use crate::time::Timestamp;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// Who is provisioned: what sign-in needs of them, and no names of people.
#[derive(Default)]
pub(super) struct Known {
    /// By connection and what is compared with a subject.
    people: BTreeMap<(RecordId, String), Person>,
    /// The groups of each person.
    groups: BTreeMap<RecordId, Vec<Arc<Group>>>,
    /// By connection, who was taken back: the latest [`MAX_REMEMBERED`], which groups may still name.
    removed: BTreeMap<RecordId, BTreeSet<RecordId>>,
    /// By connection, the digests of what was compared with a subject: of people who were taken back, and of names given up.
    former: BTreeMap<RecordId, BTreeSet<String>>,
    /// Connections with more of those than are remembered.
    full: BTreeSet<RecordId>,
    /// By connection, how many people and groups its provider told of, those taken back included.
    told: BTreeMap<RecordId, (usize, usize)>,
}

struct Person {
    id: RecordId,
    active: bool,
    since: Timestamp,
    ended: Option<Timestamp>,
}

struct Group {
    id: RecordId,
    display: String,
    external: Option<String>,
}

impl Directory {
    /// Adds the people and groups that providers told of; after [`Directory::with_people`], for it is by connection.
    #[must_use]
    pub fn with_provisioned(
        self,
        people: impl IntoIterator<Item = ProvisionedPerson>,
        groups: impl IntoIterator<Item = ProvisionedGroup>,
    ) -> Self {
        let mut known = Known::default();
        for person in people {
            let (told, _) = known.told.entry(person.connection).or_default();
            *told = told.saturating_add(1);
            if person.removed {
                let removed = known.removed.entry(person.connection).or_default();
                removed.insert(person.id);
                if removed.len() > MAX_REMEMBERED {
                    // Ids begin with the time: the earliest goes.
                    removed.pop_first();
                }
            }
            let Some(connection) = self.connection(person.connection) else { continue };
            let subject = connection.provisioning.subject;
            for digest in person.former.iter().chain(&person.earlier).filter_map(|former| former.digest(subject)) {
                let former = known.former.entry(connection.id).or_default();
                if former.len() < MAX_REMEMBERED {
                    former.insert(digest.into());
                } else if !former.contains(digest) {
                    known.full.insert(connection.id);
                }
            }
            let Some(own) = subject.of(&person) else { continue };
            let key = (connection.id, subject.compared(own));
            let (since, ended) = (person.since(), person.ended);
            known.people.insert(key, Person { id: person.id, active: person.active, since, ended });
        }
        for group in groups {
            let (_, told) = known.told.entry(group.connection).or_default();
            *told = told.saturating_add(1);
            if group.removed {
                continue;
            }
            let ProvisionedGroup { id, display, external_id, members, .. } = group;
            let group = Arc::new(Group { id, display, external: external_id });
            for member in members {
                known.groups.entry(member).or_default().push(Arc::clone(&group));
            }
        }
        Self { provisioned: known, ..self }
    }

    /// Returns what the provider of an assertion's connection told of the person ahead of this sign-in.
    #[must_use]
    pub fn standing(&self, assertion: &Assertion) -> Standing {
        match self.connection(assertion.connection) {
            Some(connection) => self.standing_of(connection, &assertion.subject),
            None => Standing::Missing,
        }
    }

    /// Returns the groups that a person is in by what their provider told: id and name.
    pub fn provisioned_groups(&self, person: RecordId) -> impl Iterator<Item = (RecordId, &str)> {
        let groups = self.provisioned.groups.get(&person).map(Vec::as_slice).unwrap_or_default();
        groups.iter().map(|group| (group.id, group.display.as_str()))
    }

    /// Returns how many of this are kept for a connection's provider.
    #[must_use]
    pub fn held(&self, connection: RecordId, what: Bounded) -> usize {
        let (people, groups) = self.provisioned.told.get(&connection).copied().unwrap_or_default();
        match what {
            Bounded::People => people,
            Bounded::Groups => groups,
            Bounded::FormerNames => self.provisioned.former.get(&connection).map_or(0, BTreeSet::len),
        }
    }

    /// Says whether a provider took this person back.
    #[must_use]
    pub fn was_taken_back(&self, person: RecordId) -> bool {
        self.provisioned.removed.values().any(|removed| removed.contains(&person))
    }

    /// Says whether provisioning lets a session go on: the person may come and might ever since, and is still in the group that it rests
    /// on.
    pub(super) fn provisioning_admits(&self, connection: &Connection, session: &Session) -> bool {
        let groups = match self.standing_of(connection, &session.subject) {
            Standing::NotNeeded => None,
            Standing::Active { groups, .. } => groups,
            Standing::Missing | Standing::Deactivated => return false,
        };
        let told = self.provisioned.people.get(&(connection.id, connection.provisioned_key(&session.subject)));
        if session.is_before(told.and_then(|person| person.ended), session.since.told) {
            return false;
        }
        session.provided_group.as_ref().is_none_or(|group| groups.is_some_and(|groups| groups.named.contains(group)))
    }

    fn standing_of(&self, connection: &Connection, subject: &str) -> Standing {
        let key = (connection.id, connection.provisioned_key(subject));
        // Whoever was told of anew is among the people again.
        let former = |own: &str| {
            let digest = connection.provisioning.subject.digest(own);
            self.provisioned.former.get(&connection.id).is_some_and(|former| former.contains(&digest))
        };
        let only_known = connection.provisioning.required || self.provisioned.full.contains(&connection.id);
        match self.provisioned.people.get(&key) {
            None if former(&key.1) => Standing::Deactivated,
            None if only_known => Standing::Missing,
            None => Standing::NotNeeded,
            Some(person) if !person.active => Standing::Deactivated,
            Some(person) => {
                let always = match connection.provisioning.groups {
                    ProvisionedGroups::Never => None,
                    ProvisionedGroups::WhenUnknown => Some(false),
                    ProvisionedGroups::Always => Some(true),
                };
                let groups = always.map(|always| ProvidedGroups { named: self.names_of_groups(person.id), always });
                Standing::Active { person: person.id, since: person.since, groups }
            }
        }
    }

    /// Returns what rules may call the groups of a person: their names and their ids at the provider.
    fn names_of_groups(&self, person: RecordId) -> Vec<String> {
        let groups = self.provisioned.groups.get(&person).map(Vec::as_slice).unwrap_or_default();
        let named = |group: &Arc<Group>| [Some(group.display.clone()), group.external.clone()];
        groups.iter().flat_map(named).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Clinics, Factor, Purpose, Role, Roles};
    use crate::directory::{
        OidcSettings, PersonName, Protocol, Provisioned, ProvisionedSubject, Provisioning, Tenant, TenantSettings,
    };
    use crate::id::TenantId;
    use crate::identity::{Criterion, Groups, Rule, admit};
    use alloc::string::ToString;
    use alloc::vec;

    const TENANT: TenantId = TenantId([1; 16]);
    const CONNECTION: RecordId = RecordId([2; 16]);
    const ADA: RecordId = RecordId([3; 16]);
    const NOW: Timestamp = Timestamp(0);

    fn connection(provisioning: Provisioning) -> Connection {
        let settings = OidcSettings::new("https://idp.example".into(), "sealgate".into());
        let when = Criterion::Group("lab".into());
        let rule = Rule { when, roles: Roles::of(&[Role::Staff]), clinics: Clinics::All, purpose: Purpose::Treatment };
        Connection {
            id: CONNECTION,
            tenant: TENANT,
            name: "idp".into(),
            enabled: true,
            protocol: Protocol::Oidc(settings),
            rules: vec![rule],
            provisioning,
            created: NOW,
            ended: None,
        }
    }

    fn person(active: bool) -> ProvisionedPerson {
        ProvisionedPerson {
            id: ADA,
            tenant: TENANT,
            connection: CONNECTION,
            user_name: "Ada@hospital.example".into(),
            external_id: Some("object-1".into()),
            display: None,
            name: PersonName::default(),
            emails: Vec::new(),
            active,
            removed: false,
            former: None,
            earlier: Vec::new(),
            created: NOW,
            ended: None,
        }
    }

    fn directory(connection: Connection, person: Option<ProvisionedPerson>, members: Vec<RecordId>) -> Directory {
        let tenant = Tenant { id: TENANT, name: "Hospital".into(), settings: TenantSettings::default(), created: NOW };
        let group = ProvisionedGroup {
            id: RecordId([9; 16]),
            tenant: TENANT,
            connection: CONNECTION,
            display: "Laboratory".into(),
            external_id: Some("lab".into()),
            members,
            removed: false,
            created: NOW,
        };
        Directory::new([tenant], [], [], []).with_people([connection], [], []).with_provisioned(person, [group])
    }

    fn assertion(subject: &str) -> Assertion {
        Assertion {
            connection: CONNECTION,
            tenant: TENANT,
            issuer: "https://idp.example".into(),
            subject: subject.into(),
            display: "Ada".into(),
            roles: Vec::new(),
            groups: Groups::Unknown,
            attributes: Vec::new(),
            factor: Factor::Shown,
            authenticated: NOW,
            until: None,
            provider_session: None,
        }
    }

    fn required() -> Provisioning {
        Provisioning { required: true, ..Provisioning::default() }
    }

    #[test]
    fn what_fills_up_is_counted_with_those_who_were_taken_back() {
        let told = |number: u8| ProvisionedPerson { id: RecordId([number; 16]), ..person(true) };
        let people = [told(1), told(2).taken_back(), told(3)];
        let directory = directory(connection(required()), None, Vec::new()).with_provisioned(people, []);
        let held = |what| directory.held(CONNECTION, what);
        assert_eq!(Bounded::ALL.iter().copied().map(held).collect::<Vec<_>>(), [3, 0, 1]);
        assert_eq!(directory.held(ADA, Bounded::People), 0);
    }

    #[test]
    fn only_who_was_told_of_and_is_active_stands_where_that_is_required() {
        let standing =
            |person, subject: &str| directory(connection(required()), person, Vec::new()).standing(&assertion(subject));
        assert_eq!(
            standing(Some(person(true)), "object-1"),
            Standing::Active { person: ADA, since: NOW, groups: None }
        );
        assert_eq!(standing(Some(person(false)), "object-1"), Standing::Deactivated);
        assert_eq!(standing(Some(person(true)), "object-2"), Standing::Missing);
        assert_eq!(standing(Some(person(true).taken_back()), "object-1"), Standing::Deactivated);
        let open = directory(connection(Provisioning::default()), Some(person(false)), Vec::new());
        assert_eq!(open.standing(&assertion("object-2")), Standing::NotNeeded);
        assert_eq!(open.standing(&assertion("object-1")), Standing::Deactivated, "required or not");
    }

    #[test]
    fn whoever_was_taken_back_does_not_stand_until_they_are_told_of_anew() {
        let gone = person(true).taken_back();
        let again = ProvisionedPerson { id: RecordId([4; 16]), ..person(true) };
        let by_name = Provisioning { subject: ProvisionedSubject::UserName, ..Provisioning::default() };
        for (provisioning, subject) in [(Provisioning::default(), "object-1"), (by_name, "ADA@hospital.example")] {
            let standing = |people: Vec<ProvisionedPerson>, subject| {
                let none = directory(connection(provisioning.clone()), None, Vec::new());
                none.with_provisioned(people, []).standing(&assertion(subject))
            };
            assert_eq!(standing(vec![gone.clone()], subject), Standing::Deactivated);
            assert_eq!(standing(vec![gone.clone(), gone.taken_back()], subject), Standing::Deactivated);
            assert_eq!(standing(vec![gone.clone()], "somebody else"), Standing::NotNeeded);
            let told_anew = Standing::Active { person: again.id, since: NOW, groups: None };
            assert_eq!(standing(vec![again.clone(), gone.clone()], subject), told_anew);
            assert_eq!(standing(vec![gone.clone(), again.clone()], subject), told_anew);
        }
    }

    #[test]
    fn a_name_that_was_given_up_is_nobodys_until_somebody_else_is_told_of_by_it() {
        let named = |id: &str| ProvisionedPerson { external_id: Some(id.into()), ..person(true) };
        let now = named("object-2").succeeding(&named("object-1"), ProvisionedSubject::ExternalId, NOW);
        let standing = |people: Vec<ProvisionedPerson>, subject| {
            let none = directory(connection(Provisioning::default()), None, Vec::new());
            none.with_provisioned(people, []).standing(&assertion(subject))
        };
        assert_eq!(standing(vec![now.clone()], "object-1"), Standing::Deactivated);
        let renamed = Standing::Active { person: ADA, since: now.since(), groups: None };
        assert_eq!(standing(vec![now.clone()], "object-2"), renamed);
        let gone = now.clone().taken_back();
        for subject in ["object-1", "object-2"] {
            assert_eq!(standing(vec![gone.clone()], subject), Standing::Deactivated, "{subject}");
        }
        let other = ProvisionedPerson { id: RecordId([4; 16]), ..named("object-1") };
        let active = Standing::Active { person: other.id, since: NOW, groups: None };
        assert_eq!(standing(vec![now.clone(), other], "object-1"), active);
        // Back and forth takes no more room, and the present name is the person's.
        let back = named("object-1").succeeding(&named("object-2"), ProvisionedSubject::ExternalId, NOW).succeeding(
            &named("object-2"),
            ProvisionedSubject::ExternalId,
            NOW,
        );
        assert_eq!(back.earlier.len(), 1);
        let again = ProvisionedPerson { earlier: now.earlier.clone(), ..named("object-1") };
        assert_eq!(standing(vec![again], "object-1"), Standing::Active { person: ADA, since: NOW, groups: None });
    }

    #[test]
    fn more_than_is_remembered_closes_a_connection_to_people_it_was_not_told_of() {
        let named = |number: usize| ProvisionedPerson {
            id: RecordId::from_name([3; 16]),
            external_id: Some(number.to_string()),
            ..person(true)
        };
        let known = |count: usize| {
            let none = directory(connection(Provisioning::default()), None, Vec::new());
            let gone = (0..count).map(|number| named(number).taken_back());
            none.with_provisioned(gone.chain([person(true)]), [])
        };
        let (most, more) = (known(MAX_REMEMBERED), known(MAX_REMEMBERED + 1));
        assert_eq!(most.standing(&assertion("7")), Standing::Deactivated);
        assert_eq!(most.standing(&assertion("somebody else")), Standing::NotNeeded);
        assert_eq!(
            more.standing(&assertion("somebody else")),
            Standing::Missing,
            "who was forgotten may be among them"
        );
        assert_eq!(more.standing(&assertion("object-1")), Standing::Active { person: ADA, since: NOW, groups: None });
    }

    #[test]
    fn the_subject_is_compared_with_what_the_connection_says() {
        let by_name = Provisioning { subject: ProvisionedSubject::UserName, ..required() };
        let directory = directory(connection(by_name), Some(person(true)), Vec::new());
        assert!(matches!(directory.standing(&assertion("ada@HOSPITAL.example")), Standing::Active { .. }));
        assert_eq!(directory.standing(&assertion("object-1")), Standing::Missing);
        for other in [
            " ada@hospital.example",
            "ada@hospital.example ",
            "\u{ff21}da@hospital.example",
            "ada@hospital\u{2024}example",
            "ada@ho\u{17f}pital.example",
            "ada@hospital.ex\u{200b}ample",
        ] {
            assert_eq!(directory.standing(&assertion(other)), Standing::Missing, "{other:?} is somebody else");
        }
    }

    #[test]
    fn an_object_id_of_entra_is_found_without_the_directory_it_is_joined_to() {
        let mut entra = connection(required());
        if let Protocol::Oidc(settings) = &mut entra.protocol {
            settings.subject_claim = "oid".into();
        }
        let directory = directory(entra, Some(person(true)), Vec::new());
        assert!(matches!(directory.standing(&assertion("tenant/object-1")), Standing::Active { .. }));
    }

    #[test]
    fn groups_are_those_that_the_connection_asks_for() {
        let groups = |groups| Provisioning { groups, ..required() };
        let standing = |asked, members| {
            directory(connection(groups(asked)), Some(person(true)), members).standing(&assertion("object-1"))
        };
        let with = |named: &[&str], always| Standing::Active {
            since: NOW,
            person: ADA,
            groups: Some(ProvidedGroups { named: named.iter().map(ToString::to_string).collect(), always }),
        };
        assert_eq!(standing(ProvisionedGroups::WhenUnknown, vec![ADA]), with(&["Laboratory", "lab"], false));
        assert_eq!(standing(ProvisionedGroups::Always, Vec::new()), with(&[], true));
        assert_eq!(
            standing(ProvisionedGroups::Never, vec![ADA]),
            Standing::Active { person: ADA, since: NOW, groups: None }
        );
    }

    fn by_assertion() -> Assertion {
        Assertion { groups: Groups::Known(vec!["lab".into()]), ..assertion("object-1") }
    }

    /// Begins a session by what the directory knows of the person.
    fn session(directory: &Directory, assertion: Assertion) -> Session {
        let rules = &directory.connection(CONNECTION).unwrap().rules;
        let admitted = admit(rules, &assertion, &directory.standing(&assertion)).unwrap();
        Session::begin(RecordId([5; 16]), RecordId([6; 16]), &assertion, admitted, "::1", NOW)
    }

    #[test]
    fn a_session_by_a_group_that_was_told_ahead_goes_on_while_its_person_is_in_it() {
        let by = |groups| connection(Provisioning { groups, ..required() });
        let with = |groups, members| directory(by(groups), Some(person(true)), members);
        for groups in [ProvisionedGroups::WhenUnknown, ProvisionedGroups::Always] {
            let begun = session(&with(groups, vec![ADA]), assertion("object-1"));
            assert!(with(groups, vec![ADA]).still_admits(&begun));
            assert!(!with(groups, Vec::new()).still_admits(&begun), "the role went with the group");
            assert!(!with(ProvisionedGroups::Never, vec![ADA]).still_admits(&begun), "nobody vouches for it");
            let gone = Directory { provisioned: Known::default(), ..with(groups, Vec::new()) };
            assert!(!gone.still_admits(&begun));
        }
        let asserted = session(&with(ProvisionedGroups::WhenUnknown, vec![ADA]), by_assertion());
        assert!(
            with(ProvisionedGroups::WhenUnknown, Vec::new()).still_admits(&asserted),
            "its sign-in named the group"
        );
    }

    #[test]
    fn a_session_goes_on_while_the_person_stands() {
        let session = session(&directory(connection(Provisioning::default()), None, Vec::new()), by_assertion());
        let admits = |person| directory(connection(required()), person, Vec::new()).still_admits(&session);
        assert!(admits(Some(person(true))));
        assert!(!admits(Some(person(false))) && !admits(None) && !admits(Some(person(true).taken_back())));
        // It began before the provider told of anybody.
        let admits = |person| directory(connection(Provisioning::default()), person, Vec::new()).still_admits(&session);
        assert!(admits(None) && admits(Some(person(true))));
        assert!(!admits(Some(person(false))) && !admits(Some(person(true).taken_back())));
    }
}
