//! PV1 and PV2 as Encounter, where they name a visit.

use std::borrow::Cow;

use domain::id::RecordId;
use domain::index::Field as IndexField;
use domain::intake::{IncomingMember, IncomingRecord};
use domain::kind::Kind;
use r4::json::{self, Array, Object};
use r4::tables::{encounter_class, encounter_status, uri};

use super::code::{CWE, write_absent, write_concept, write_deleted, write_not_sent};
use super::directory::{Reference, write_profile};
use super::groups::Group;
use super::identity::Identity;
use super::issue::Issue;
use super::log::{Row, Target, parts};
use super::period::Period;
use super::scope::Scope;
use super::terms::Terms;
use crate::message::Repetition;

const CX: u32 = parts(&[1, 4, 5]);
/// The components of PL that make a place's name: point of care, room, bed, facility, building, floor, description.
const PL: u32 = parts(&[1, 2, 3, 4, 7, 8, 9]);

/// Maps the visit of a group; `None` when PV1 names neither a visit, nor its time, nor a place, as the stub `PV1|1|U` does.
pub(super) fn map<'m>(group: &Group<'m>, patient: RecordId, scope: &Scope<'m>) -> Option<IncomingRecord> {
    let pv1 = group.pv1?;
    let unplaced = scope.log.row(pv1, Target::STRUCTURE);
    let visit = Identity::of(unplaced.peek(19).first(), 1, 4, 5);
    let place = place_of(unplaced.peek(3).first());
    let start = unplaced.peek(44).text();
    if visit.is_none() && place.is_empty() && start.trim().is_empty() {
        return None;
    }
    let id = match &visit {
        // Some senders use one number for everybody; a visit is one patient's.
        Some(visit) => {
            scope.name("encounter", &["number", &patient.to_string(), &visit.authority(scope), &visit.value])
        }
        None => scope.name("encounter", &["visit", &patient.to_string(), start.trim(), &place]),
    };
    let row = unplaced.to(scope.log.target(Kind::Encounter, id));
    row.structural(&[1]);
    let mut terms = Terms::default();
    terms.add(Kind::Encounter, IndexField::Patient, &patient.to_string());
    let content = json::resource("Encounter", &id.to_string(), |json| {
        write(json, &row, group, patient, visit.as_ref(), scope, &mut terms);
    });
    Some(IncomingRecord {
        kind: Kind::Encounter,
        id,
        patient: Some(patient),
        as_of: scope.as_of(),
        members: vec![IncomingMember { kind: Kind::Encounter, id, content }],
        terms: terms.finish(),
    })
}

fn write<'m>(
    json: &mut Object<'_>,
    row: &Row<'m>,
    group: &Group<'m>,
    patient: RecordId,
    visit: Option<&Identity<'m>>,
    scope: &Scope<'m>,
    terms: &mut Terms,
) {
    let zone = &scope.sender.time_zone;
    let class = row.take(2, "class").text();
    let (start, end) = (row.take(44, "period").text(), row.take(45, "period").text());
    let period = Period::read(row, (44, &start), (45, &end), scope);
    let admission = row.take_parts(4, "type", CWE).first();
    if !admission.is_empty() {
        write_profile(json, uri::US_CORE_ENCOUNTER);
    }
    json.array("identifier", |list| {
        row.take_parts(19, "identifier", CX);
        let other = Identity::of(row.take_parts(50, "identifier", CX).first(), 1, 4, 5);
        for (identity, kind) in [(visit, "VN"), (other.as_ref(), "")] {
            if let Some(identity) = identity {
                terms.add(Kind::Encounter, IndexField::Identifier, &identity.value);
                list.object(|json| identity.write(json, scope, kind));
            }
        }
    });
    // Who has a time of leaving has left, even when the time is wrong.
    let status = if end.trim().is_empty() { encounter_status(&class).unwrap_or("unknown") } else { "finished" };
    json.text("status", status);
    write_class(json, row, &class, scope);
    json.array("type", |list| {
        list.object(|concept| {
            if row.peek(4).is_null() {
                write_absent(concept, "unknown");
            }
            super::code::write_concept_members(
                concept,
                admission,
                scope,
                Some("http://terminology.hl7.org/CodeSystem/v2-0007"),
            );
        });
    });
    let service = row.take_parts(10, "serviceType", CWE).first();
    if row.peek(10).is_null() {
        write_deleted(json, "serviceType");
    }
    write_concept(json, "serviceType", service, scope, Some("http://terminology.hl7.org/CodeSystem/v2-0069"));
    Reference { kind: Kind::Patient, id: patient }.write(json, "subject");
    json.array("participant", |list| {
        for (number, code) in [(7u8, "ATND"), (8, "REF"), (9, "CON"), (17, "ADM"), (52, "PART")] {
            write_participants(list, row, number, code, scope);
        }
    });
    json.object("period", |json| {
        period.write_members(json, zone);
        for (number, name) in [(44u8, "_start"), (45, "_end")] {
            if row.peek(number).is_null() {
                write_deleted(json, name);
            }
        }
    });
    match (period.both(), period.start()) {
        (Some((start, end)), _) => terms.add_period(Kind::Encounter, start, end),
        (None, Some(start)) => terms.add_moment(Kind::Encounter, start),
        (None, None) => {}
    }
    if let Some(pv2) = group.pv2 {
        let pv2 = row.beside(pv2);
        let reason = pv2.take_parts(3, "reasonCode", CWE).first();
        json.array("reasonCode", |list| {
            list.object(|concept| super::code::write_concept_members(concept, reason, scope, None));
        });
    }
    json.object("hospitalization", |stay| {
        let source = row.take_parts(14, "hospitalization", CWE).first();
        write_concept(stay, "admitSource", source, scope, Some("http://terminology.hl7.org/CodeSystem/v2-0023"));
        let disposition = row.take_parts(36, "hospitalization", CWE).first();
        write_concept(
            stay,
            "dischargeDisposition",
            disposition,
            scope,
            Some("http://terminology.hl7.org/CodeSystem/v2-0112"),
        );
    });
    json.array("location", |list| {
        let now = if class.trim().eq_ignore_ascii_case("P") { "planned" } else { "active" };
        // The id tells a merge which field a place came from: each changes by itself.
        for (number, id, status) in [
            (3u8, "assigned", now),
            (6, "prior", "completed"),
            (11, "temporary", "active"),
            (42, "pending", "reserved"),
        ] {
            let field = row.take_parts(number, "location", PL);
            let place = place_of(field.first());
            if field.is_null() {
                list.object(|json| {
                    json.text("id", id);
                    write_deleted(json, "location");
                });
            } else if !place.is_empty() {
                list.object(|json| {
                    json.text("id", id);
                    json.object("location", |location| location.text("display", &place));
                    json.text("status", status);
                });
            }
        }
    });
}

/// Writes the class; a code of no table stays the sender's own, an absent one is said to be unknown.
fn write_class(json: &mut Object<'_>, row: &Row<'_>, class: &str, scope: &Scope<'_>) {
    let (system, code): (Cow<'_, str>, &str) = match encounter_class(class) {
        Some(known) => (Cow::Borrowed(known.system), known.code),
        None if class.trim().is_empty() => (Cow::Borrowed(uri::NULL_FLAVOR), "UNK"),
        None => {
            row.issue(2, Issue::CodeUnknown);
            (Cow::Owned(format!("{}:code:HL70004", scope.local)), class)
        }
    };
    json.object("class", |coding| {
        match row.peek(2) {
            field if field.is_null() => write_absent(coding, "unknown"),
            field if field.is_empty() => write_not_sent(coding),
            _ => {}
        }
        coding.text("system", &system);
        coding.code("code", code);
    });
}

fn write_participants<'m>(list: &mut Array<'_>, row: &Row<'m>, number: u8, code: &str, scope: &Scope<'m>) {
    let field = row.take(number, "participant");
    for value in field.repetitions() {
        let person = scope.practitioner(value);
        if person.is_none() && !field.is_null() {
            continue;
        }
        list.object(|json| {
            json.array("type", |types| {
                types.object(|concept| {
                    concept.single("coding", |coding| {
                        coding.text("system", uri::PARTICIPATION);
                        coding.text("code", code);
                    });
                });
            });
            match person {
                Some(person) => person.write(json, "individual"),
                None => write_deleted(json, "individual"),
            }
        });
    }
}

/// A place in words: its parts from the largest to the smallest are left in the sender's order.
fn place_of(place: Repetition<'_>) -> String {
    let mut words = String::new();
    for number in [9usize, 1, 2, 3, 8, 7, 4] {
        let word = place.component(number).sub(1).text();
        let word = word.trim();
        if !word.is_empty() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
    }
    words
}
