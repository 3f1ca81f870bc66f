//! SPM, or OBR-15 of older versions, as Specimen.

use domain::id::RecordId;
use domain::intake::IncomingMember;
use domain::kind::Kind;
use r4::json::{self, Decimal, Object};
use r4::tables::uri;

use super::code::{CWE, write_absent, write_concept, write_concept_members};
use super::directory::{Reference, write_profile};
use super::groups::Noted;
use super::identity::Identity;
use super::log::{Row, parts};
use super::moment::Moment;
use super::note;
use super::patient::yes_or_no;
use super::period::Period;
use super::scope::Scope;
use crate::message::{Field, Repetition};

const V2_0487: &str = "http://terminology.hl7.org/CodeSystem/v2-0487";
const EIP: u32 = parts(&[1, 2]);
const CQ: u32 = parts(&[1, 2]);

/// Maps one SPM.
pub(super) fn map<'m>(noted: &Noted<'m>, id: RecordId, patient: RecordId, scope: &Scope<'m>) -> IncomingMember {
    let row = scope.log.row(noted.segment, scope.log.target(Kind::Specimen, id));
    row.structural(&[1]);
    let kind = row.take_parts(4, "type", CWE).first();
    let content = json::resource("Specimen", &id.to_string(), |json| {
        if !kind.is_empty() {
            write_profile(json, uri::US_CORE_SPECIMEN);
        }
        json.array("identifier", |list| {
            let ids = row.take_parts(2, "identifier", EIP).first();
            for (number, kind) in [(1usize, "PGN"), (2, "FGN")] {
                if let Some(identity) = Identity::nested(ids.component(number)) {
                    list.object(|json| identity.write(json, scope, kind));
                }
            }
            for value in row.take(31, "identifier").repetitions() {
                if let Some(identity) = Identity::of(value, 1, 4, 5) {
                    list.object(|json| identity.write(json, scope, ""));
                }
            }
            if let Some(identity) = Identity::entity(row.take(32, "identifier").first()) {
                list.object(|json| identity.write(json, scope, "SHIP"));
            }
        });
        if let Some(identity) = Identity::of(row.take(30, "accessionIdentifier").first(), 1, 4, 5) {
            json.object("accessionIdentifier", |json| identity.write(json, scope, "ACSN"));
        }
        if let Some(available) = yes_or_no(&row.take(20, "status").text()) {
            json.text("status", if available { "available" } else { "unavailable" });
        }
        write_type(json, kind, scope);
        Reference { kind: Kind::Patient, id: patient }.write(json, "subject");
        let received = row.take(18, "receivedTime").text();
        scope.write_moment(json, "receivedTime", &row, 18, &received);
        write_parent(json, &row, scope);
        json.object("collection", |json| {
            write_collected(json, &row, scope);
            write_quantity(json, row.take_parts(12, "collection", CQ));
            let method = row.take_parts(7, "collection", CWE).first();
            write_concept(json, "method", method, scope, Some("http://terminology.hl7.org/CodeSystem/v2-0488"));
            let site = row.take_parts(8, "collection", CWE).first();
            write_concept(json, "bodySite", site, scope, None);
        });
        json.single("container", |json| {
            let container = row.take_parts(27, "container", CWE).first();
            write_concept(json, "type", container, scope, None);
            let additive = row.take_parts(6, "container", CWE).first();
            write_concept(
                json,
                "additiveCodeableConcept",
                additive,
                scope,
                Some("http://terminology.hl7.org/CodeSystem/v2-0371"),
            );
        });
        json.array("condition", |list| {
            let conditions = row.take_parts(24, "condition", CWE).repetitions();
            // Why a specimen was rejected (SPM-21) is a condition of it; the guide has no other place.
            let rejections = row.take_parts(21, "condition", CWE).repetitions();
            let table = |code: &str| format!("{}{code}", uri::V2);
            for value in conditions {
                list.object(|concept| write_concept_members(concept, value, scope, Some(&table("0493"))));
            }
            for value in rejections {
                list.object(|concept| write_concept_members(concept, value, scope, Some(&table("0490"))));
            }
        });
        json.array("note", |list| {
            for value in row.take(14, "note").repetitions() {
                list.object(|note| note.text("text", &value.text()));
            }
            note::write(list, &noted.notes, &row, "note", scope);
        });
    });
    IncomingMember { kind: Kind::Specimen, id, content }
}

/// Maps the specimen that OBR alone speaks of (OBR-15, SPS), as messages before v2.5 do.
pub(super) fn map_of_order<'m>(obr: &Row<'m>, id: RecordId, patient: RecordId, scope: &Scope<'m>) -> IncomingMember {
    let row = obr.to(scope.log.target(Kind::Specimen, id));
    let source = row.take_parts(15, "type", parts(&[1, 2, 3, 4, 6])).first();
    let content = json::resource("Specimen", &id.to_string(), |json| {
        write_profile(json, uri::US_CORE_SPECIMEN);
        json.object("type", |concept| write_nested(concept, source, 1, scope, "0070"));
        Reference { kind: Kind::Patient, id: patient }.write(json, "subject");
        let received = row.take(14, "receivedTime").text();
        scope.write_moment(json, "receivedTime", &row, 14, &received);
        json.object("collection", |json| {
            let collector = row.take(10, "collection").first();
            if let Some(person) = scope.practitioner(collector) {
                person.write(json, "collector");
            }
            let (start, end) = (row.take(7, "collection").text(), row.take(8, "collection").text());
            // The report, which has the same two fields, says what is wrong with them.
            let period = Period::of([&start, &end], scope);
            period.write_choice(json, "collectedDateTime", "collectedPeriod", &scope.sender.time_zone);
            write_quantity(json, row.take_parts(9, "collection", CQ));
            json.object("bodySite", |concept| write_nested(concept, source, 4, scope, "0163"));
        });
        json.single("condition", |concept| write_nested(concept, source, 6, scope, "0493"));
        json.array("note", |list| {
            list.object(|note| note.text("text", &source.component(3).text()));
            for value in row.take_parts(39, "note", CWE).repetitions() {
                list.object(|note| note.text("text", &super::code::text_of(value)));
            }
        });
    });
    IncomingMember { kind: Kind::Specimen, id, content }
}

/// Writes a coded value that stands in the subcomponents of a component (SPS), or as a plain code there.
fn write_nested(concept: &mut Object<'_>, source: Repetition<'_>, number: usize, scope: &Scope<'_>, table: &str) {
    let value = source.component(number);
    let part = |sub: usize| super::identity::trimmed(value.sub(sub).text());
    let coding =
        super::code::Coding { code: part(1), display: part(2), system: part(3), version: part(7), oid: part(14) };
    concept.array("coding", |list| {
        if !coding.code.is_empty() {
            coding.write(list, scope, Some(&format!("{}{table}", uri::V2)));
        }
    });
    concept.text("text", if coding.display.is_empty() { &coding.code } else { &coding.display });
}

/// Writes the type; an absent one is said to be unknown, since US Core wants one.
fn write_type(json: &mut Object<'_>, kind: Repetition<'_>, scope: &Scope<'_>) {
    json.object("type", |concept| {
        if kind.is_empty() {
            write_absent(concept, "unknown");
        } else {
            write_concept_members(concept, kind, scope, Some(V2_0487));
        }
    });
}

/// Writes the specimen this one was taken from, by identifier.
fn write_parent(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    let parents = row.take_parts(3, "parent", EIP);
    json.array("parent", |list| {
        for value in parents.repetitions() {
            let Some(identity) = Identity::nested(value.component(2)).or_else(|| Identity::nested(value.component(1)))
            else {
                continue;
            };
            list.object(|reference| {
                reference.text("type", "Specimen");
                reference.object("identifier", |json| identity.write(json, scope, ""));
            });
        }
    });
}

/// Writes when it was collected: SPM-17, a moment or a period (DR).
fn write_collected(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    let range = row.take_parts(17, "collection", parts(&[1, 2])).first();
    let (start, end) = (range.component(1).text(), range.component(2).text());
    let period = Period::read(row, (17, &start), (17, &end), scope);
    period.write_choice(json, "collectedDateTime", "collectedPeriod", &scope.sender.time_zone);
}

/// Writes a composite quantity (CQ); its unit has a code only where UCUM says so.
fn write_quantity(json: &mut Object<'_>, field: Field<'_>) {
    let amount = field.component(1).text();
    let Some(amount) = Decimal::read(&amount) else {
        return;
    };
    let unit = field.component(2);
    json.object("quantity", |quantity| {
        quantity.decimal("value", &amount);
        let (code, text) = (unit.sub(1).text(), unit.sub(2).text());
        quantity.text("unit", if text.trim().is_empty() { &code } else { &text });
        if unit.sub(3).text().trim().eq_ignore_ascii_case("UCUM") {
            quantity.text("system", uri::UCUM);
            quantity.code("code", &code);
        }
    });
}

/// When the first specimen with a date was collected.
pub(super) fn collected(specimens: &[Noted<'_>], scope: &Scope<'_>) -> Option<Moment> {
    specimens.iter().find_map(|noted| {
        let range = noted.segment.field(17).first();
        Moment::read(&range.component(1).text(), &scope.sender.time_zone)
    })
}
