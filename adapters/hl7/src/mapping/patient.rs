//! PID, PD1 and NK1 as Patient.

use domain::index::Field as IndexField;
use domain::intake::{IncomingMember, IncomingRecord};
use domain::kind::Kind;
use r4::json::{self, Object};
use r4::tables::{ethnicity, gender, is_race_category, marital_status, uri};

use super::code::{
    CWE, codings, text_of, words_of, write_alternate_code, write_concept, write_deleted as write_deleted_member,
};
use super::directory::add_names;
use super::groups::Group;
use super::identity::Identity;
use super::issue::Issue;
use super::log::{Row, Target, parts};
use super::period::Period;
use super::person::{Name, XAD, XPN, XTN, write_address, write_addresses, write_deleted, write_names, write_telecoms};
use super::scope::{Scope, write_original_text};
use super::terms::Terms;
use crate::message::Repetition;

const CX: u32 = parts(&[1, 4, 5, 7, 8]);

/// Maps the patient of a group; `None` when no PID names one.
pub(super) fn map<'m>(group: &Group<'m>, scope: &Scope<'m>) -> Option<IncomingRecord> {
    let pid = group.pid?;
    let unplaced = scope.log.row(pid, Target::STRUCTURE);
    let Some(identity) = identify(&unplaced, scope) else {
        unplaced.issue(3, Issue::PatientUnidentified);
        return None;
    };
    if !identity.has_authority() {
        unplaced.issue(3, Issue::AuthorityAbsent);
    }
    let id = scope.name("patient", &[&identity.authority(scope), &identity.value]);
    let row = unplaced.to(scope.log.target(Kind::Patient, id));
    row.structural(&[1]);
    let mut terms = Terms::default();
    let content = json::resource("Patient", &id.to_string(), |json| write(json, &row, group, scope, &mut terms));
    Some(IncomingRecord {
        kind: Kind::Patient,
        id,
        patient: Some(id),
        as_of: scope.as_of(),
        members: vec![IncomingMember { kind: Kind::Patient, id, content }],
        terms: terms.finish(),
    })
}

/// The identifier a patient is known by: a medical record number, else one internal to the patient's institution, else any that is no
/// social security, licence, account or visit number; of several the smallest by authority and value, since senders list them in any order.
///
/// The others are shared by strangers and mistyped too often to put results together by. PID-2 and PID-4 count where PID-3 is empty (v2.1,
/// 2.2).
fn identify<'m>(pid: &Row<'m>, scope: &Scope<'m>) -> Option<Identity<'m>> {
    let is =
        |identity: &Identity<'_>, kinds: &[&str]| kinds.iter().any(|kind| identity.kind.eq_ignore_ascii_case(kind));
    let read = |number: u8| {
        let identities = pid.peek(number).repetitions().filter_map(|value| Identity::of(value, 1, 4, 5));
        identities.filter(|identity| !is(identity, &["SS", "DL", "AN", "PPN", "MC", "MA", "SN", "VN"]))
    };
    let rank = |identity: &Identity<'_>| match identity {
        identity if is(identity, &["MR"]) => 0u8,
        identity if is(identity, &["PI"]) => 1,
        _ => 2,
    };
    read(3)
        .min_by_key(|identity| (rank(identity), identity.authority(scope), identity.value.clone()))
        .or_else(|| read(2).next())
        .or_else(|| read(4).next())
}

fn write<'m>(json: &mut Object<'_>, row: &Row<'m>, group: &Group<'m>, scope: &Scope<'m>, terms: &mut Terms) {
    let named = row.peek(5).repetitions().any(|value| !Name::of_person(value).is_empty());
    if named {
        super::directory::write_profile(json, uri::US_CORE_PATIENT);
    }
    json.array("extension", |list| {
        write_race(list, row);
        write_ethnicity(list, row);
        let maiden = row.take_parts(6, "extension", parts(&[1])).component(1).sub(1).text();
        if !maiden.trim().is_empty() {
            list.object(|extension| {
                extension.text("url", "http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName");
                extension.text("valueString", &maiden);
            });
        }
        let religion = row.take_parts(17, "extension", CWE).first();
        if !religion.raw().is_empty() {
            list.object(|extension| {
                extension.text("url", "http://hl7.org/fhir/StructureDefinition/patient-religion");
                write_concept(
                    extension,
                    "valueCodeableConcept",
                    religion,
                    scope,
                    Some("http://terminology.hl7.org/CodeSystem/v2-0006"),
                );
            });
        }
        let place = row.take(23, "extension").text();
        if !place.trim().is_empty() {
            list.object(|extension| {
                extension.text("url", "http://hl7.org/fhir/StructureDefinition/patient-birthPlace");
                extension.object("valueAddress", |address| address.text("text", &place));
            });
        }
    });
    json.array("identifier", |list| {
        for number in [2u8, 3, 4] {
            for value in row.take_parts(number, "identifier", CX).repetitions() {
                if let Some(identity) = Identity::of(value, 1, 4, 5) {
                    terms.add(Kind::Patient, IndexField::Identifier, &identity.value);
                    list.object(|json| {
                        identity.write(json, scope, "");
                        let (start, end) = (value.component(7).text(), value.component(8).text());
                        let valid = Period::read(row, (number, &start), (number, &end), scope);
                        json.object("period", |json| valid.write_members(json, &scope.sender.time_zone));
                    });
                }
            }
        }
        let social = row.take(19, "identifier").text();
        if !social.trim().is_empty() {
            terms.add(Kind::Patient, IndexField::Identifier, &social);
            list.object(|json| {
                super::code::write_code(json, "type", uri::V2_0203, "SS");
                json.text("system", "http://hl7.org/fhir/sid/us-ssn");
                json.text("value", social.trim());
            });
        }
    });
    json.array("name", |list| {
        for number in [5u8, 9] {
            let field = row.take_parts(number, "name", XPN);
            write_names(list, field.repetitions(), scope);
            for value in field.repetitions() {
                add_names(terms, Kind::Patient, &Name::of_person(value));
            }
        }
    });
    json.array("telecom", |list| {
        for (number, used_as) in [(13u8, Some("home")), (14, Some("work")), (40, None)] {
            let field = row.take_parts(number, "telecom", XTN);
            if field.is_null() {
                write_deleted(list);
            } else {
                write_telecoms(list, field.repetitions(), used_as, scope);
            }
        }
    });
    write_gender(json, row);
    write_birth_date(json, row, scope, terms);
    write_death(json, row, scope);
    json.array("address", |list| {
        let field = row.take_parts(11, "address", XAD);
        if field.is_null() {
            write_deleted(list);
        } else {
            write_addresses(list, field.repetitions(), scope);
        }
    });
    write_marital_status(json, row, scope);
    match row.take(25, "multipleBirth").text().trim().parse::<u64>() {
        Ok(order) => json.integer("multipleBirthInteger", order),
        Err(_) => {
            if let Some(twin) = yes_or_no(&row.take(24, "multipleBirth").text()) {
                json.boolean("multipleBirthBoolean", twin);
            }
        }
    }
    json.array("contact", |list| {
        for contact in &group.contacts {
            list.object(|json| write_contact(json, &row.beside(*contact), scope));
        }
    });
    let language = row.take_parts(15, "communication", CWE).first();
    json.single("communication", |json| {
        write_concept(json, "language", language, scope, Some("urn:ietf:bcp:47"));
    });
    if let Some(pd1) = group.pd1 {
        let pd1 = row.beside(pd1);
        json.array("generalPractitioner", |list| {
            for value in pd1.take(3, "generalPractitioner").repetitions() {
                if let Some(reference) = scope.organization_of_xon(value, None, None) {
                    reference.write_item(list);
                }
            }
            for value in pd1.take(4, "generalPractitioner").repetitions() {
                if let Some(reference) = scope.practitioner(value) {
                    reference.write_item(list);
                }
            }
        });
    }
}

/// Writes the gender; `unknown` where none was sent, since US Core wants one, and the sent code beside it where that says more.
///
/// An `unknown` that was sent has its code beside it as well, which tells a merge the one from the other ([`r4::merge`]).
fn write_gender(json: &mut Object<'_>, row: &Row<'_>) {
    let field = row.take(8, "gender");
    if field.is_null() {
        return write_deleted_member(json, "_gender");
    }
    let code = field.text();
    let code = code.trim();
    match gender(code) {
        Some((target, true)) if target != "unknown" => json.text("gender", target),
        Some((target, _)) => {
            json.text("gender", target);
            write_alternate_code(json, "gender", "http://terminology.hl7.org/CodeSystem/v2-0001", code);
        }
        None => {
            json.text("gender", "unknown");
            if !code.is_empty() {
                row.issue(8, Issue::CodeUnknown);
                write_alternate_code(json, "gender", "http://terminology.hl7.org/CodeSystem/v2-0001", code);
            }
        }
    }
}

fn write_birth_date(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>, terms: &mut Terms) {
    let field = row.take(7, "birthDate");
    if field.is_null() {
        return write_deleted_member(json, "_birthDate");
    }
    let text = field.text();
    if text.trim().is_empty() {
        return;
    }
    let Some(moment) = scope.moment(row, 7, &text) else {
        write_original_text(json, "birthDate", &text);
        return;
    };
    if moment.at > scope.as_of() {
        row.issue(7, Issue::BirthInFuture);
    }
    let day = moment.text.get(..10).unwrap_or(&moment.text);
    json.text("birthDate", day);
    terms.add(Kind::Patient, IndexField::BirthDate, day);
    if moment.timed {
        json.object("_birthDate", |beside| {
            beside.single("extension", |extension| {
                extension.text("url", "http://hl7.org/fhir/StructureDefinition/patient-birthTime");
                moment.write(extension, "valueDateTime", &scope.sender.time_zone);
            });
        });
    }
}

/// Writes `deceased[x]`: the date of death wins over the indicator. One that cannot be read stays as text, and says nothing by itself.
fn write_death(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    let (date, indicator) = (row.take(29, "deceased"), row.take(30, "deceased"));
    let deleted = date.is_null() || indicator.is_null();
    let (date, indicator) = (date.text(), indicator.text());
    let moment = scope.moment(row, 29, &date);
    match (moment, yes_or_no(&indicator)) {
        (Some(moment), _) => moment.write(json, "deceasedDateTime", &scope.sender.time_zone),
        (None, Some(dead)) => {
            json.boolean("deceasedBoolean", dead);
            if !date.trim().is_empty() {
                write_original_text(json, "deceasedBoolean", &date);
            }
        }
        (None, None) if !date.trim().is_empty() => write_original_text(json, "deceasedDateTime", &date),
        (None, None) if deleted => write_deleted_member(json, "_deceasedBoolean"),
        (None, None) => {}
    }
}

fn write_marital_status(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    let field = row.take_parts(16, "maritalStatus", CWE);
    if field.is_null() {
        return write_deleted_member(json, "maritalStatus");
    }
    let value = field.first();
    let known = marital_status(&value.component(1).text());
    json.object("maritalStatus", |concept| {
        concept.array("coding", |list| {
            if let Some(known) = known {
                list.object(|coding| {
                    coding.text("system", known.system);
                    coding.text("code", known.code);
                });
            }
            for coding in codings(value) {
                coding.write(list, scope, Some("http://terminology.hl7.org/CodeSystem/v2-0002"));
            }
        });
        concept.text("text", &text_of(value));
    });
}

/// Adds US Core's race: categories of the CDC where codes of it came, the text always.
fn write_race(list: &mut json::Array<'_>, row: &Row<'_>) {
    let field = row.take_parts(10, "extension", CWE);
    if field.raw().is_empty() || field.is_null() {
        return;
    }
    let values: Vec<Repetition<'_>> = field.repetitions().filter(|value| !value.is_empty()).collect();
    let words: Vec<String> = values.iter().map(|value| words_of(*value)).filter(|word| !word.is_empty()).collect();
    list.object(|extension| {
        extension.text("url", uri::US_CORE_RACE);
        extension.array("extension", |list| {
            for value in &values {
                for coding in codings(*value).filter(|coding| looks_like_cdc(&coding.code)) {
                    let url = if is_race_category(&coding.code) { "ombCategory" } else { "detailed" };
                    write_cdc(list, url, uri::CDC_RACE, &coding.code, &coding.display);
                }
            }
            list.object(|text| {
                text.text("url", "text");
                text.text("valueString", &words.join(", "));
            });
        });
    });
}

fn write_ethnicity(list: &mut json::Array<'_>, row: &Row<'_>) {
    let field = row.take_parts(22, "extension", CWE);
    if field.raw().is_empty() || field.is_null() {
        return;
    }
    let value = field.first();
    list.object(|extension| {
        extension.text("url", uri::US_CORE_ETHNICITY);
        extension.array("extension", |list| {
            if let Some(known) = codings(value).find_map(|coding| ethnicity(&coding.code)) {
                write_cdc(list, "ombCategory", known.system, known.code, "");
            }
            list.object(|text| {
                text.text("url", "text");
                text.text("valueString", &words_of(value));
            });
        });
    });
}

fn write_cdc(list: &mut json::Array<'_>, url: &str, system: &str, code: &str, display: &str) {
    list.object(|category| {
        category.text("url", url);
        category.object("valueCoding", |coding| {
            coding.text("system", system);
            coding.code("code", code);
            coding.text("display", display);
        });
    });
}

/// Codes of the CDC have the form `2106-3`.
fn looks_like_cdc(code: &str) -> bool {
    code.split_once('-').is_some_and(|(number, check)| {
        number.len() == 4 && check.len() == 1 && code.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    })
}

/// Writes a next of kin as a contact of the patient.
fn write_contact<'m>(json: &mut Object<'_>, row: &Row<'m>, scope: &Scope<'m>) {
    row.structural(&[1]);
    json.array("relationship", |list| {
        for value in row.take_parts(3, "contact", CWE).repetitions() {
            list.object(|concept| {
                super::code::write_concept_members(
                    concept,
                    value,
                    scope,
                    Some("http://terminology.hl7.org/CodeSystem/v2-0063"),
                );
            });
        }
    });
    let name = Name::of_person(row.take_parts(2, "contact", XPN).first());
    json.object("name", |json| {
        if !name.is_empty() {
            name.write(json);
        }
    });
    json.array("telecom", |list| {
        write_telecoms(list, row.take_parts(5, "contact", XTN).repetitions(), Some("home"), scope);
        write_telecoms(list, row.take_parts(6, "contact", XTN).repetitions(), Some("work"), scope);
    });
    json.object("address", |json| write_address(json, row.take_parts(4, "contact", XAD).first(), scope));
}

/// Table 0136.
pub(super) fn yes_or_no(code: &str) -> Option<bool> {
    match code.trim() {
        "Y" | "y" => Some(true),
        "N" | "n" => Some(false),
        _ => None,
    }
}
