//! People and groups as an identity provider told of them ahead of their sign-in (SCIM 2.0).

use super::entry::{Entry, Heading, Invalid};
use super::provisioning::ProvisionedSubject;
use super::text;
use crate::id::{RecordId, TenantId};
use crate::identity::moved;
use crate::index::{Field, normalise};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most e-mail addresses of a person.
pub const MAX_EMAILS: usize = 8;

/// How many names that a person gave up are remembered, so that nobody comes by one of them without the provider having told of them.
/// Beyond it only those are kept by which the connection knows people, and a change of these is refused; whoever is taken back may be
/// added anew. Nobody stays in for that: whoever is deactivated with the same change is.
pub const MAX_EARLIER_NAMES: usize = 32;

/// Most members of a group.
pub const MAX_MEMBERS: usize = 10_000;

/// A person of a connection's provider. Who may sign in as what is still decided by the connection's rules.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedPerson {
    /// Its id.
    pub id: RecordId,
    /// The connection's tenant.
    pub tenant: TenantId,
    /// The connection whose provider told of it.
    pub connection: RecordId,
    /// The provider's user name, unique in the connection without regard to case (RFC 7643 §4.1.1).
    pub user_name: String,
    /// The provider's id, unique in the connection.
    #[serde(default)]
    pub external_id: Option<String>,
    /// A name for people to read.
    #[serde(default)]
    pub display: Option<String>,
    /// The parts of the name.
    #[serde(default)]
    pub name: PersonName,
    /// E-mail addresses.
    #[serde(default)]
    pub emails: Vec<Email>,
    /// Whether the person may sign in.
    pub active: bool,
    /// Whether the provider took it back: then nothing of the person is kept but these ids, and by what to know them again.
    #[serde(default)]
    pub removed: bool,
    /// What is kept of the names of a person who was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former: Option<Former>,
    /// What is kept of names it had before; [`MAX_EARLIER_NAMES`] at most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Former>,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
    /// When the provider last deactivated it, took it back or made it somebody else; sessions from before it are over.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::optional_moment")]
    pub ended: Option<Timestamp>,
}

/// By what a person who was taken back is known again where they sign in: digests of what is compared with a subject.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Former {
    /// SHA-256 of the user name as it is compared, hexadecimal.
    user_name: String,
    /// SHA-256 of the provider's id, hexadecimal.
    #[serde(default)]
    external_id: Option<String>,
}

impl Former {
    fn of(person: &ProvisionedPerson) -> Self {
        let digest = |subject: ProvisionedSubject| subject.of(person).map(|own| subject.digest(own));
        Self {
            user_name: digest(ProvisionedSubject::UserName).unwrap_or_default(),
            external_id: digest(ProvisionedSubject::ExternalId),
        }
    }

    /// Returns the digest of what is compared.
    pub(super) fn digest(&self, subject: ProvisionedSubject) -> Option<&str> {
        match subject {
            ProvisionedSubject::ExternalId => self.external_id.as_deref(),
            ProvisionedSubject::UserName => Some(&self.user_name),
        }
    }
}

/// The parts of a person's name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct PersonName {
    /// The whole name.
    pub formatted: Option<String>,
    /// The family name.
    pub family: Option<String>,
    /// The given name.
    pub given: Option<String>,
}

/// An e-mail address of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Email {
    /// The address.
    pub value: String,
    /// What it is for, such as `work`.
    #[serde(default)]
    pub r#type: Option<String>,
    /// Whether it goes before the others.
    #[serde(default)]
    pub primary: bool,
}

/// A group of people of a connection's provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProvisionedGroup {
    /// Its id.
    pub id: RecordId,
    /// The connection's tenant.
    pub tenant: TenantId,
    /// The connection whose provider told of it.
    pub connection: RecordId,
    /// Its name, by which rules may ask for it; unique in the connection without regard to case.
    pub display: String,
    /// The provider's id, by which rules may ask for it; unique in the connection.
    #[serde(default)]
    pub external_id: Option<String>,
    /// The people in it, lowest id first, each once.
    #[serde(default)]
    pub members: Vec<RecordId>,
    /// Whether the provider took it back.
    #[serde(default)]
    pub removed: bool,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

/// A name under which a provider finds what it told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Handle {
    /// `userName` of a person, `displayName` of a group.
    Name,
    /// `externalId`.
    External,
}

impl Handle {
    /// Returns the word that stands for it under the MAC of index terms and claims.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Handle::Name => "name",
            Handle::External => "external",
        }
    }

    /// Says whether two values are the same under this handle: names without regard to case, ids to the letter.
    #[must_use]
    pub fn same(self, one: &str, other: &str) -> bool {
        match self {
            Handle::Name => normalise(Field::Label, one) == normalise(Field::Label, other),
            Handle::External => one == other,
        }
    }
}

/// An entry that a provider keeps through its connection.
pub trait Provisioned: Entry + Clone + PartialEq {
    /// Returns the connection.
    fn connection(&self) -> RecordId;
    /// Says whether the provider took it back.
    fn is_removed(&self) -> bool;
    /// Returns what it is once the provider took it back: its ids, and nothing that names who it was.
    #[must_use]
    fn taken_back(&self) -> Self;
    /// Returns the same with what must be remembered of the form it takes the place of now, at a connection that compares this.
    #[must_use]
    fn succeeding(self, before: &Self, compared: ProvisionedSubject, now: Timestamp) -> Self;
    /// Returns the same as it is where somebody else had one of its names before.
    #[must_use]
    fn in_place_of_another(self, now: Timestamp) -> Self;
    /// Returns the names under which it is found; none once it was taken back.
    fn handles(&self) -> Vec<(Handle, &str)>;
    /// Returns the people it refers to.
    fn people(&self) -> &[RecordId];

    /// Says whether it has this name.
    fn is_named(&self, handle: Handle, value: &str) -> bool {
        self.handles().iter().any(|(known, text)| *known == handle && handle.same(text, value))
    }
}

impl Provisioned for ProvisionedPerson {
    fn connection(&self) -> RecordId {
        self.connection
    }

    fn is_removed(&self) -> bool {
        self.removed
    }

    fn taken_back(&self) -> Self {
        Self {
            user_name: String::from("removed"),
            external_id: None,
            display: None,
            name: PersonName::default(),
            emails: Vec::new(),
            active: false,
            removed: true,
            former: self.former.clone().or_else(|| Some(Former::of(self))),
            ..self.clone()
        }
    }

    /// Names that are given up are remembered like those of somebody who was taken back: where a connection admits people it was not
    /// told of, whoever signs in by such a name would else be one of those, whatever the provider says of the person by now.
    fn succeeding(mut self, before: &Self, compared: ProvisionedSubject, now: Timestamp) -> Self {
        // Whoever had a session as what it was comes back as somebody else, or not: told of as it was again, they sign in anew.
        let led = |person: &Self| compared.of(person).map(|own| compared.compared(own));
        let elsewhere = led(before).is_some_and(|own| led(&self).as_ref() != Some(&own));
        if self.active != before.active || elsewhere {
            self.ended = Some(moved(before.since(), now));
        }
        let (given_up, now) = (Former::of(before), Former::of(&self));
        if !self.removed && given_up != now && !self.earlier.contains(&given_up) {
            self.earlier.push(given_up);
        }
        if self.earlier.len() > MAX_EARLIER_NAMES {
            // What is left of a name that the connection does not compare helps nobody.
            let mut known: BTreeSet<String> = now.digest(compared).map(String::from).into_iter().collect();
            self.earlier.retain(|former| former.digest(compared).is_some_and(|digest| known.insert(digest.into())));
        }
        self
    }

    fn in_place_of_another(self, now: Timestamp) -> Self {
        Self { ended: Some(moved(self.since(), now)), ..self }
    }

    fn handles(&self) -> Vec<(Handle, &str)> {
        handles(self.removed, &self.user_name, self.external_id.as_deref())
    }

    fn people(&self) -> &[RecordId] {
        &[]
    }
}

impl Provisioned for ProvisionedGroup {
    fn connection(&self) -> RecordId {
        self.connection
    }

    fn is_removed(&self) -> bool {
        self.removed
    }

    fn taken_back(&self) -> Self {
        Self { display: String::from("removed"), external_id: None, members: Vec::new(), removed: true, ..self.clone() }
    }

    fn succeeding(self, _: &Self, _: ProvisionedSubject, _: Timestamp) -> Self {
        self
    }

    fn in_place_of_another(self, _: Timestamp) -> Self {
        self
    }

    fn handles(&self) -> Vec<(Handle, &str)> {
        handles(self.removed, &self.display, self.external_id.as_deref())
    }

    fn people(&self) -> &[RecordId] {
        &self.members
    }
}

impl ProvisionedPerson {
    /// Returns the moment that names what the provider told, see [`Since`](crate::identity::Since).
    pub(super) fn since(&self) -> Timestamp {
        self.ended.unwrap_or(self.created)
    }
}

fn handles<'a>(removed: bool, name: &'a str, external: Option<&'a str>) -> Vec<(Handle, &'a str)> {
    if removed {
        return Vec::new();
    }
    core::iter::once((Handle::Name, name)).chain(external.map(|id| (Handle::External, id))).collect()
}

impl Entry for ProvisionedPerson {
    const KIND: Kind = Kind::ProvisionedPerson;

    fn heading(&self) -> Heading<'_> {
        Heading { record: self.id, tenant: self.tenant, name: &self.user_name }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::value(&self.user_name, Invalid::UserName)?;
        if let Some(id) = &self.external_id {
            text::value(id, Invalid::ExternalId)?;
        }
        let names = [&self.display, &self.name.formatted, &self.name.family, &self.name.given];
        names.into_iter().flatten().try_for_each(|name| text::value(name, Invalid::PersonName))?;
        // Whoever goes with their last name goes; they can be called otherwise no more, and not come back.
        let most = if self.active { MAX_EARLIER_NAMES } else { MAX_EARLIER_NAMES.saturating_add(1) };
        if self.earlier.len() > most {
            return Err(Invalid::EarlierNames);
        }
        let email = |email: &Email| {
            text::value(&email.value, Invalid::Emails)?;
            email.r#type.as_deref().map_or(Ok(()), |r#type| text::value(r#type, Invalid::Emails))
        };
        if self.emails.len() > MAX_EMAILS || self.emails.iter().filter(|email| email.primary).count() > 1 {
            return Err(Invalid::Emails);
        }
        self.emails.iter().try_for_each(email)
    }
}

impl Entry for ProvisionedGroup {
    const KIND: Kind = Kind::ProvisionedGroup;

    fn heading(&self) -> Heading<'_> {
        Heading { record: self.id, tenant: self.tenant, name: &self.display }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::value(&self.display, Invalid::GroupName)?;
        if let Some(id) = &self.external_id {
            text::value(id, Invalid::ExternalId)?;
        }
        let ordered = self.members.iter().zip(self.members.iter().skip(1)).all(|(one, next)| one < next);
        if ordered && self.members.len() <= MAX_MEMBERS { Ok(()) } else { Err(Invalid::MemberCount) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn person() -> ProvisionedPerson {
        ProvisionedPerson {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            connection: RecordId([3; 16]),
            user_name: "ada@hospital.example".into(),
            external_id: Some("7d1f".into()),
            display: Some("Ada Byron".into()),
            name: PersonName { formatted: None, family: Some("Byron".into()), given: Some("Ada".into()) },
            emails: vec![Email { value: "ada@hospital.example".into(), r#type: Some("work".into()), primary: true }],
            active: true,
            removed: false,
            former: None,
            earlier: Vec::new(),
            created: Timestamp(0),
            ended: None,
        }
    }

    #[test]
    fn a_person_is_held_to_its_limits() {
        let good = person();
        assert_eq!(good.validate(), Ok(()));
        let long = "x".repeat(513);
        let email = |value: &str, primary| Email { value: value.into(), r#type: None, primary };
        for (broken, why) in [
            (ProvisionedPerson { user_name: String::new(), ..good.clone() }, Invalid::UserName),
            (ProvisionedPerson { user_name: long.clone(), ..good.clone() }, Invalid::UserName),
            (ProvisionedPerson { external_id: Some("a\nb".into()), ..good.clone() }, Invalid::ExternalId),
            (ProvisionedPerson { display: Some(long), ..good.clone() }, Invalid::PersonName),
            (ProvisionedPerson { emails: vec![email("", false)], ..good.clone() }, Invalid::Emails),
            (ProvisionedPerson { emails: vec![email("a", true), email("b", true)], ..good.clone() }, Invalid::Emails),
            (ProvisionedPerson { emails: vec![email("a", false); 9], ..good.clone() }, Invalid::Emails),
        ] {
            assert_eq!(broken.validate(), Err(why));
        }
    }

    #[test]
    fn nobody_stays_in_because_they_had_too_many_names() {
        use alloc::string::ToString;
        let called = |before: &ProvisionedPerson, name: usize, active| {
            let after = ProvisionedPerson { external_id: Some(name.to_string()), active, ..before.clone() };
            after.succeeding(before, ProvisionedSubject::ExternalId, Timestamp(0))
        };
        let full = (0..MAX_EARLIER_NAMES).fold(person(), |before, name| called(&before, name, true));
        assert_eq!((full.earlier.len(), full.validate()), (MAX_EARLIER_NAMES, Ok(())));
        assert_eq!(called(&full, 99, true).validate(), Err(Invalid::EarlierNames));
        let gone = called(&full, 99, false);
        assert_eq!((gone.earlier.len(), gone.validate()), (MAX_EARLIER_NAMES + 1, Ok(())));
        assert_eq!(called(&gone, 100, false).validate(), Err(Invalid::EarlierNames), "it is bounded nevertheless");
        assert_eq!(called(&gone, 99, true).validate(), Err(Invalid::EarlierNames));
        assert_eq!(gone.taken_back().validate(), Ok(()));
    }

    #[test]
    fn names_that_the_connection_does_not_compare_may_change_without_end() {
        let marry = |before: &ProvisionedPerson, number: usize| {
            let after = ProvisionedPerson { user_name: alloc::format!("ada-{number}"), ..before.clone() };
            after.succeeding(before, ProvisionedSubject::ExternalId, Timestamp(0))
        };
        let other = ProvisionedPerson { external_id: Some("other".into()), ..person() };
        let renamed = other.succeeding(&person(), ProvisionedSubject::ExternalId, Timestamp(0));
        let often = (0..100).fold(renamed, |before, number| marry(&before, number));
        assert_eq!(often.validate(), Ok(()));
        let digest = Former::of(&person());
        assert!(
            often.earlier.iter().any(|former| former.external_id == digest.external_id),
            "what counts is remembered"
        );
    }

    #[test]
    fn what_was_taken_back_says_nothing_of_the_person_and_has_no_name() {
        let gone = person().taken_back();
        assert_eq!(gone.validate(), Ok(()));
        assert!(gone.removed && !gone.active && gone.handles().is_empty());
        let text = serde_json::to_string(&gone).unwrap();
        assert!(!text.contains("Ada") && !text.contains("ada") && !text.contains("7d1f"), "{text}");
    }

    #[test]
    fn names_are_the_same_whatever_their_case_and_ids_are_not() {
        assert!(person().is_named(Handle::Name, "ADA@Hospital.example"));
        assert!(person().is_named(Handle::External, "7d1f") && !person().is_named(Handle::External, "7D1F"));
    }

    #[test]
    fn the_members_of_a_group_are_in_order_and_each_once() {
        let group = |members: &[u8]| ProvisionedGroup {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            connection: RecordId([3; 16]),
            display: "Laboratory".into(),
            external_id: None,
            members: members.iter().map(|byte| RecordId([*byte; 16])).collect(),
            removed: false,
            created: Timestamp(0),
        };
        assert_eq!(group(&[1, 2, 3]).validate(), Ok(()));
        assert_eq!(group(&[2, 1]).validate(), Err(Invalid::MemberCount));
        assert_eq!(group(&[1, 1]).validate(), Err(Invalid::MemberCount));
    }
}
