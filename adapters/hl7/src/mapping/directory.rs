//! Practitioners, their roles and organizations: records of their own, each once a message.

use std::borrow::Cow;
use std::cell::RefCell;

use domain::id::RecordId;
use domain::index::{Field as IndexField, Term};
use domain::intake::{IncomingMember, IncomingRecord};
use domain::kind::Kind;
use r4::json::{self, Array, Object};
use r4::tables::uri;

use super::code::write_code;
use super::identity::Identity;
use super::person::{Name, write_addresses, write_telecoms};
use super::scope::Scope;
use super::terms::Terms;
use crate::message::{Field, Repetition};

/// What a message says of people and organizations.
#[derive(Default)]
pub(super) struct Directory<'m> {
    /// What a text was read as: the same person stands in many orders of a message.
    read: RefCell<Vec<(&'m str, Shape, Option<Reference>)>>,
    records: RefCell<Vec<IncomingRecord>>,
}

/// How a text is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Xcn,
    Ndl,
    Xon,
}

/// A reference to a resource.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) kind: Kind,
    pub(super) id: RecordId,
}

impl Reference {
    /// Writes element `name` as this reference.
    pub(super) fn write(self, json: &mut Object<'_>, name: &str) {
        json.object(name, |reference| self.write_member(reference));
    }

    /// Adds this reference to a list.
    pub(super) fn write_item(self, list: &mut Array<'_>) {
        list.object(|reference| self.write_member(reference));
    }

    /// Writes the `reference` member itself.
    pub(super) fn write_member(self, reference: &mut Object<'_>) {
        self.write_text(reference, "reference");
    }

    /// Writes the reference as a text: `Patient/` and so on, with the id.
    pub(super) fn write_text(self, json: &mut Object<'_>, name: &str) {
        json.joined(name, [self.kind.name(), "/", self.id.to_text().as_str()]);
    }
}

/// An organization as some segment names it.
pub(super) struct Named<'m> {
    pub(super) name: Cow<'m, str>,
    /// Identifier system, value and type.
    pub(super) identifiers: Vec<(Cow<'static, str>, Cow<'m, str>, &'static str)>,
    pub(super) addresses: Option<Field<'m>>,
    pub(super) telecoms: Option<Field<'m>>,
}

impl<'m> Directory<'m> {
    /// Hands over the records that were collected.
    pub(super) fn take(&self) -> Vec<IncomingRecord> {
        self.records.take()
    }

    fn known(&self, text: &'m str, shape: Shape) -> Option<Option<Reference>> {
        let read = self.read.borrow();
        read.iter()
            .find(|(other, other_shape, _)| *other == text && *other_shape == shape)
            .map(|(_, _, reference)| *reference)
    }

    fn learn(&self, text: &'m str, shape: Shape, reference: Option<Reference>) -> Option<Reference> {
        self.read.borrow_mut().push((text, shape, reference));
        reference
    }

    /// Keeps a record; of two with the same id the one that says more.
    fn keep(&self, scope: &Scope<'_>, kind: Kind, id: RecordId, content: String, terms: Vec<Term>) -> Reference {
        let mut records = self.records.borrow_mut();
        match records.iter_mut().find(|record| record.id == id) {
            Some(record) => {
                let mut all = Terms::default();
                all.extend(std::mem::take(&mut record.terms));
                all.extend(terms);
                record.terms = all.finish();
                if let Some(member) = record.members.first_mut().filter(|member| member.content.len() < content.len()) {
                    member.content = content;
                }
            }
            None => records.push(IncomingRecord {
                kind,
                id,
                patient: None,
                as_of: scope.as_of(),
                members: vec![IncomingMember { kind, id, content }],
                terms,
            }),
        }
        Reference { kind, id }
    }
}

impl<'m> Scope<'m> {
    /// Reads XCN: a person with an id, or at least a name; `None` when there is neither.
    pub(super) fn practitioner(&self, value: Repetition<'m>) -> Option<Reference> {
        if value.is_empty() {
            return None;
        }
        if let Some(known) = self.directory.known(value.raw(), Shape::Xcn) {
            return known;
        }
        let identity = Identity::of(value, 1, 9, 13);
        let name = Name::of_practitioner(value);
        let degree = value.component(7).text();
        let reference = self.keep_practitioner(identity.as_ref(), &name, &degree);
        self.directory.learn(value.raw(), Shape::Xcn, reference)
    }

    /// Reads NDL: a person (CNN) in subcomponents.
    pub(super) fn practitioner_of_ndl(&self, value: Repetition<'m>) -> Option<Reference> {
        if let Some(known) = self.directory.known(value.raw(), Shape::Ndl) {
            return known;
        }
        let person = value.component(1);
        let text = |number: usize| super::identity::trimmed(person.sub(number).text());
        let id = text(1);
        let identity = (!id.is_empty()).then(|| Identity {
            value: id,
            namespace: text(9),
            universal: text(10),
            universal_type: text(11),
            kind: Cow::Borrowed(""),
        });
        let name = Name::of_parts(text(2), [text(3), text(4)], text(5), text(6));
        let reference = self.keep_practitioner(identity.as_ref(), &name, &text(7));
        self.directory.learn(value.raw(), Shape::Ndl, reference)
    }

    fn keep_practitioner(&self, identity: Option<&Identity<'_>>, name: &Name<'_>, degree: &str) -> Option<Reference> {
        let id = match identity {
            Some(identity) => self.name("practitioner", &["identifier", &identity.system(self), &identity.value]),
            None if name.is_empty() => return None,
            None => {
                let [first, second] = &name.given;
                self.name("practitioner", &["name", &self.sender.name, &name.family, first, second])
            }
        };
        let conforms = identity.is_some() && !name.family.is_empty();
        let content = json::resource("Practitioner", &id.to_string(), |json| {
            if conforms {
                write_profile(json, uri::US_CORE_PRACTITIONER);
            }
            if let Some(identity) = identity {
                json.single("identifier", |json| identity.write(json, self, ""));
            }
            json.single("name", |json| name.write(json));
            if !degree.trim().is_empty() {
                json.single("qualification", |json| {
                    json.object("code", |code| {
                        code.single("coding", |coding| {
                            coding.text("system", uri::V2_0360);
                            coding.code("code", degree);
                        });
                    });
                });
            }
        });
        let mut terms = Terms::default();
        if let Some(identity) = identity {
            terms.add(Kind::Practitioner, IndexField::Identifier, &identity.value);
        }
        add_names(&mut terms, Kind::Practitioner, name);
        Some(self.directory.keep(self, Kind::Practitioner, id, content, terms.finish()))
    }

    /// Reads XON: name, id (XON.10, else XON.3) and authority; the address that came with its first mention counts.
    pub(super) fn organization_of_xon(
        &self,
        value: Repetition<'m>,
        addresses: Option<Field<'m>>,
        telecoms: Option<Field<'m>>,
    ) -> Option<Reference> {
        if value.is_empty() {
            return None;
        }
        if let Some(known) = self.directory.known(value.raw(), Shape::Xon) {
            return known;
        }
        let number = if value.component(10).is_empty() { 3 } else { 10 };
        let identifiers = Identity::of(value, number, 6, 7).map(|identity| (identity.system(self), identity.value, ""));
        let reference = self.organization(Named {
            name: super::identity::trimmed(value.component(1).text()),
            identifiers: identifiers.into_iter().collect(),
            addresses,
            telecoms,
        });
        self.directory.learn(value.raw(), Shape::Xon, reference)
    }

    /// Keeps an organization; `None` when it has neither name nor identifier.
    pub(super) fn organization(&self, named: Named<'m>) -> Option<Reference> {
        let id = match named.identifiers.first() {
            Some((system, value, _)) => self.name("organization", &["identifier", system, value]),
            None if named.name.is_empty() => return None,
            None => self.name("organization", &["name", &self.sender.name, &named.name]),
        };
        let content = json::resource("Organization", &id.to_string(), |json| {
            if !named.name.is_empty() {
                write_profile(json, uri::US_CORE_ORGANIZATION);
            }
            json.array("identifier", |list| {
                for (system, value, kind) in &named.identifiers {
                    list.object(|json| {
                        if !kind.is_empty() {
                            write_code(json, "type", uri::V2_0203, kind);
                        }
                        json.text("system", system);
                        json.text("value", value);
                    });
                }
            });
            json.boolean("active", true);
            json.text("name", &named.name);
            if let Some(telecoms) = named.telecoms {
                json.array("telecom", |list| write_telecoms(list, telecoms.repetitions(), None, self));
            }
            if let Some(addresses) = named.addresses {
                json.array("address", |list| write_addresses(list, addresses.repetitions(), self));
            }
        });
        let mut terms = Terms::default();
        for (_, value, _) in &named.identifiers {
            terms.add(Kind::Organization, IndexField::Identifier, value);
        }
        terms.add_name(Kind::Organization, IndexField::Name, &named.name);
        Some(self.directory.keep(self, Kind::Organization, id, content, terms.finish()))
    }

    /// Keeps a role: a person at an organization, with a code of what for where there is one.
    pub(super) fn role(&self, person: Reference, at: Reference, code: Option<(&str, &str)>) -> Reference {
        let (system, code) = code.unwrap_or_default();
        let id = self.name("role", &[&person.id.to_string(), &at.id.to_string(), system, code]);
        let content = json::resource("PractitionerRole", &id.to_string(), |json| {
            person.write(json, "practitioner");
            at.write(json, "organization");
            if !code.is_empty() {
                json.array("code", |list| {
                    list.object(|concept| {
                        concept.single("coding", |coding| {
                            coding.text("system", system);
                            coding.text("code", code);
                        });
                    });
                });
            }
        });
        self.directory.keep(self, Kind::PractitionerRole, id, content, Vec::new())
    }
}

/// Adds the names of a person to the terms.
pub(super) fn add_names(terms: &mut Terms, kind: Kind, name: &Name<'_>) {
    for field in [IndexField::Family, IndexField::Name] {
        terms.add_name(kind, field, &name.family);
    }
    for given in &name.given {
        if kind == Kind::Patient {
            terms.add_name(kind, IndexField::Given, given);
        }
        terms.add_name(kind, IndexField::Name, given);
    }
}

/// Writes `meta.profile`.
pub(super) fn write_profile(json: &mut Object<'_>, profile: &str) {
    json.object("meta", |meta| meta.array("profile", |list| list.text(profile)));
}
