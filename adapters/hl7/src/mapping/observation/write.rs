//! Writing one observation.

use std::borrow::Cow;

use domain::id::RecordId;
use domain::intake::IncomingMember;
use domain::kind::Kind;
use r4::json::{self, Array, Object};
use r4::tables::{Section, interpretation, uri};

use super::super::attachment::{self, Document};
use super::super::code::{CWE, codings, text_of, write_absent, write_concept, write_concept_members};
use super::super::directory::{Named, Reference, write_profile};
use super::super::groups::Noted;
use super::super::identity::Identity;
use super::super::issue::Issue;
use super::super::log::{Row, parts};
use super::super::note;
use super::super::range;
use super::super::scope::{Scope, write_original_text};
use super::super::terms::Terms;
use super::super::unit::Unit;
use super::super::value::{self, LONGEST_STRING, ValueType};
use super::extensions::write_extensions;
use super::logical::{Joined, Logical, Part};
use super::status::{has_value, least_final, write_status};
use crate::message::{Field, Repetition};

/// What an observation is about and belongs to.
pub(in super::super) struct Surroundings<'a> {
    pub(in super::super) patient: RecordId,
    pub(in super::super) encounter: Option<RecordId>,
    pub(in super::super) request: Option<RecordId>,
    pub(in super::super) section: Section,
    /// Sender and order, before the observation's own part of its identifier.
    pub(in super::super) prefix: &'a str,
    /// Writes when the observation holds where OBX-14 says nothing: the order's time.
    pub(in super::super) effective: &'a str,
    /// The specimen, and whether the row describes it.
    pub(in super::super) specimen: Option<(RecordId, bool)>,
}

/// A written observation, and what the report takes from it.
pub(in super::super) struct Written {
    pub(in super::super) member: IncomingMember,
    pub(in super::super) documents: Vec<Document>,
    pub(in super::super) performers: Vec<Reference>,
    /// Whether OBX-29 says that this supports the order rather than answers it.
    pub(in super::super) supporting: bool,
}

/// Writes one observation.
pub(in super::super) fn write<'m>(
    logical: &Logical<'m, '_>,
    around: &Surroundings<'_>,
    scope: &Scope<'m>,
    terms: &mut Terms,
) -> Option<Written> {
    let head = logical.head()?;
    let row = scope.log.row(head.segment, scope.log.target(Kind::Observation, logical.id));
    row.structural(&[1, 2]);
    let code = row.take_parts(3, "code", CWE).first();
    logical.withdrawn.iter().for_each(|noted| read_withdrawn(noted, &row));
    if logical.is_withdrawn() {
        return Some(write_withdrawn(logical, &row, around, scope));
    }
    let coded = !code.is_empty();
    let unit_of = |joined: &Joined<'m, '_>| Unit::read(&row.beside(joined.noted.segment), scope);
    let units: Vec<Unit<'m>> = logical.rows.iter().map(unit_of).collect();
    let unit = units.first()?;
    let status = least_final(logical, &row);
    let mut documents = read_documents(logical, &row, code);
    let own_time = row.take_parts(14, "effective", parts(&[1])).text();
    let moment = scope.moment(&row, 14, &own_time).inspect(|moment| terms.add_moment(Kind::DiagnosticReport, moment));
    let to_the_day = moment.as_ref().is_none_or(|moment| moment.text.len() >= 10);
    let performers = read_performers(&row, scope);
    let supporting = supports(&row);
    let conforms = coded && around.section.laboratory && unit.conforms() && to_the_day;
    let content = json::resource("Observation", &logical.id.to_string(), |json| {
        if conforms {
            write_profile(json, uri::US_CORE_OBSERVATION);
        }
        write_extensions(json, &row, &documents, scope);
        write_identifiers(json, logical, &row, around, scope);
        if let Some(request) = around.request {
            json.array("basedOn", |list| Reference { kind: Kind::ServiceRequest, id: request }.write_item(list));
        }
        write_status(json, &row, &status, has_value(logical));
        write_category(json, &row, around.section);
        write_code(json, &row, code, scope);
        Reference { kind: Kind::Patient, id: around.patient }.write(json, "subject");
        if let Some((specimen, true)) = around.specimen {
            json.array("focus", |list| Reference { kind: Kind::Specimen, id: specimen }.write_item(list));
        }
        if let Some(encounter) = around.encounter {
            Reference { kind: Kind::Encounter, id: encounter }.write(json, "encounter");
        }
        match &moment {
            Some(moment) => moment.write(json, "effectiveDateTime", &scope.sender.time_zone),
            None if own_time.trim().is_empty() => json.members(around.effective),
            // The order's time would pass for the row's own.
            None => write_original_text(json, "effectiveDateTime", &own_time),
        }
        json.array("performer", |list| performers.iter().for_each(|performer| performer.write_item(list)));
        write_values(json, logical, &row, code, &units, &status, &mut documents, scope);
        json.array("note", |list| write_notes(list, logical, &row, &units, !documents.is_empty(), scope));
        write_site_and_method(json, &row, scope);
        if let Some((specimen, _)) = around.specimen {
            Reference { kind: Kind::Specimen, id: specimen }.write(json, "specimen");
        }
        write_device(json, &row, scope);
        json.array("referenceRange", |list| range::write(list, row.take(7, "referenceRange"), unit));
        json.array("hasMember", |list| {
            logical.members.iter().for_each(|id| Reference { kind: Kind::Observation, id: *id }.write_item(list));
        });
        if let Some(parent) = logical.derived_from {
            json.array("derivedFrom", |list| Reference { kind: Kind::Observation, id: parent }.write_item(list));
        }
    });
    if documents.is_empty() && awaits_document(logical) {
        documents.push(Document::awaited(logical.id));
    }
    let member = IncomingMember { kind: Kind::Observation, id: logical.id, content };
    Some(Written { member, documents, performers, supporting })
}

/// Writes an observation that was taken back: deleted, or another patient's. Nothing that was said may stand here in any form.
fn write_withdrawn(logical: &Logical<'_, '_>, row: &Row<'_>, around: &Surroundings<'_>, scope: &Scope<'_>) -> Written {
    let status = row.take(11, "status").text();
    row.structural(&[4]);
    for joined in logical.rows.iter().skip(1) {
        read_withdrawn(joined.noted, row);
    }
    let content = json::resource("Observation", &logical.id.to_string(), |json| {
        json.array("identifier", |list| write_name(list, logical, around));
        write_status(json, row, &status, false);
        write_code(json, row, row.peek(3).first(), scope);
        Reference { kind: Kind::Patient, id: around.patient }.write(json, "subject");
        value::write_absent(json, "error", true);
    });
    Written {
        member: IncomingMember { kind: Kind::Observation, id: logical.id, content },
        documents: Vec::new(),
        performers: Vec::new(),
        supporting: supports(row),
    }
}

/// Says that a row named what is gone; what it says beyond that is not mapped.
fn read_withdrawn<'m>(noted: &Noted<'m>, head: &Row<'m>) {
    let row = head.beside(noted.segment);
    row.structural(&[1, 2, 3, 4]);
    row.take(11, "status");
}

/// Whether the rows announce a document without bringing or deleting one: the one that is stored must stay.
fn awaits_document(logical: &Logical<'_, '_>) -> bool {
    let mut documents = logical.rows.iter().filter(|joined| joined.part == Part::Document).peekable();
    documents.peek().is_some() && documents.all(|joined| joined.noted.segment.field(5).is_empty())
}

fn write_code(json: &mut Object<'_>, row: &Row<'_>, code: Repetition<'_>, scope: &Scope<'_>) {
    json.object("code", |concept| {
        if code.is_empty() {
            row.issue(3, Issue::CodeAbsent);
            write_absent(concept, "unknown");
        } else {
            write_concept_members(concept, code, scope, None);
        }
    });
}

fn write_identifiers(
    json: &mut Object<'_>,
    logical: &Logical<'_, '_>,
    row: &Row<'_>,
    around: &Surroundings<'_>,
    scope: &Scope<'_>,
) {
    row.take(4, "identifier");
    json.array("identifier", |list| {
        write_name(list, logical, around);
        if let Some(identity) = Identity::entity(row.take(21, "identifier").first()) {
            list.object(|json| identity.write(json, scope, "FILL"));
        }
    });
}

/// Writes what the observation is called within its sender: by what a later row is known to speak of it.
fn write_name(list: &mut Array<'_>, logical: &Logical<'_, '_>, around: &Surroundings<'_>) {
    list.object(|identifier| {
        let (code, sub_id) = (logical.key.code(), logical.key.sub_id);
        let (between, repetition) =
            if logical.repetition > 0 { ("|", logical.repetition.to_string()) } else { ("", String::new()) };
        let before_time = if logical.time.is_empty() { "" } else { "|" };
        identifier.text("system", uri::OBSERVATION_IDENTIFIER);
        let parts = [around.prefix, "|", code, "|", sub_id, before_time, &logical.time, between, &repetition];
        identifier.joined("value", parts);
    });
}

fn write_category(json: &mut Object<'_>, row: &Row<'_>, section: Section) {
    json.array("category", |list| {
        list.object(|concept| {
            concept.single("coding", |coding| {
                coding.text("system", uri::OBSERVATION_CATEGORY);
                coding.text("code", section.observation);
            });
        });
        for value in row.take_parts(29, "category", CWE).repetitions() {
            let code = value.component(1).text();
            list.object(|concept| {
                concept.single("coding", |coding| {
                    if !code.trim().is_empty() {
                        coding.text("system", "http://terminology.hl7.org/CodeSystem/v2-0936");
                        coding.code("code", &code);
                    }
                });
            });
        }
    });
}

/// OBX-29 (table 0936): answers to questions at ordering and supporting information are no results.
fn supports(row: &Row<'_>) -> bool {
    let is = |code: Cow<'_, str>| matches!(code.trim(), "QST" | "SCI");
    row.peek(29).repetitions().any(|value| is(value.component(1).text()))
}

/// Writes `value[x]`, or `component` where there are several values, or why there is none.
#[expect(clippy::too_many_arguments, reason = "one call, and each is a part of the row that was read already")]
fn write_values<'m>(
    json: &mut Object<'_>,
    logical: &Logical<'m, '_>,
    row: &Row<'m>,
    code: Repetition<'m>,
    units: &[Unit<'m>],
    status: &str,
    documents: &mut Vec<Document>,
    scope: &Scope<'m>,
) {
    let kind = ValueType::read(&row.peek(2).text());
    let field = row.take(5, "value");
    for joined in logical.rows.iter().skip(1) {
        read_further(joined, row, status);
    }
    let several = logical.rows.iter().any(|joined| joined.part == Part::Component)
        || (!matches!(kind, ValueType::Paragraphs | ValueType::Document) && valued(field).count() > 1);
    write_interpretation(json, row, scope);
    if kind.is_text() && (kind == ValueType::Paragraphs || !several) {
        let text = text_of_rows(logical, units);
        if text.len() > LONGEST_STRING {
            documents.push(Document::of_text(logical.id, documents.len(), &text, &text_of(code)));
            value::write_absent(json, "unsupported", false);
        } else if text.trim().is_empty() {
            write_no_value(json, status, field.is_null());
        } else {
            json.text("valueString", &text);
        }
    } else if several {
        json.array("component", |list| write_components(list, logical, code, units, scope));
    } else if !documents.is_empty() {
        value::write_absent(json, "unsupported", false);
    } else if let Some(unit) = units.first()
        && !value::write(json, kind, valued(field).next().unwrap_or(field.first()), unit, row, scope)
    {
        write_no_value(json, status, field.is_null());
    }
    repeat_unit(logical, row, units);
}

/// The repetitions that say something; a lone one is the value, wherever it stands.
fn valued(field: Field<'_>) -> impl Iterator<Item = Repetition<'_>> {
    field.repetitions().filter(|repetition| !repetition.is_empty())
}

fn write_no_value(json: &mut Object<'_>, status: &str, removed: bool) {
    value::write_absent(json, value::absent_reason(status), removed);
}

/// Says where the fields of a further row go, and what of it is lost.
fn read_further<'m>(joined: &Joined<'m, '_>, head: &Row<'m>, status: &str) {
    let row = head.beside(joined.noted.segment);
    row.structural(&[1, 2, 3, 4]);
    if joined.part != Part::Component {
        row.take(5, "value");
    }
    let own = row.take(11, "status").text();
    if own.trim() != status.trim() {
        row.issue(11, Issue::StatusDiffers);
    }
    row.repeats(head, (7..=30).filter(|number| *number != 11));
}

/// Says of further rows that repeat a unit which was written that it stands there for them as well.
fn repeat_unit<'m>(logical: &Logical<'m, '_>, head: &Row<'m>, units: &[Unit<'m>]) {
    if !units.first().is_some_and(Unit::is_written) {
        return;
    }
    for (joined, own) in logical.rows.iter().zip(units).skip(1) {
        if joined.part != Part::Component && !own.is_written() {
            head.beside(joined.noted.segment).repeats(head, std::iter::once(6));
        }
    }
}

/// The lines of an observation's text; one that is a number has its row's unit behind it.
fn text_of_rows<'m>(logical: &Logical<'m, '_>, units: &[Unit<'m>]) -> String {
    let mut text = String::new();
    let rows = logical.rows.iter().zip(units).filter(|(joined, _)| joined.part == Part::Value);
    for (at, (joined, unit)) in rows.enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let mut line = String::new();
        // Empty repetitions are blank lines of paragraphs, and nothing in a plain text.
        let plain = ValueType::read(&joined.noted.segment.field(2).text()) == ValueType::Text;
        let paragraphs = joined.noted.segment.field(5).repetitions().filter(|text| !plain || !text.is_empty());
        for (at, paragraph) in paragraphs.enumerate() {
            if at > 0 {
                line.push('\n');
            }
            line.push_str(&paragraph.text());
        }
        unit.put_behind(&mut line, "value");
        text.push_str(&line);
    }
    text
}

/// Adds a component for each value of each row; an empty repetition keeps its place.
fn write_components<'m>(
    list: &mut Array<'_>,
    logical: &Logical<'m, '_>,
    code: Repetition<'m>,
    units: &[Unit<'m>],
    scope: &Scope<'m>,
) {
    let rows = logical.rows.iter().zip(units);
    for (joined, unit) in rows.filter(|(joined, _)| matches!(joined.part, Part::Value | Part::Component)) {
        let row = scope.log.row(joined.noted.segment, scope.log.target(Kind::Observation, logical.id));
        let kind = ValueType::read(&row.peek(2).text());
        for repetition in row.take(5, "component").repetitions() {
            list.object(|component| {
                write_concept(component, "code", code, scope, None);
                if !value::write(component, kind, repetition, unit, &row, scope) {
                    value::write_absent(component, "unknown", false);
                }
                if joined.part == Part::Component {
                    write_interpretation(component, &row, scope);
                    component.array("referenceRange", |list| range::write(list, row.take(7, "component"), unit));
                }
            });
        }
    }
}

/// Writes OBX-8; a code of no table is kept as the sender's own, in a coding that says so.
fn write_interpretation(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    let field = row.take_parts(8, "interpretation", CWE);
    if field.is_null() {
        return;
    }
    json.array("interpretation", |list| {
        for value in field.repetitions() {
            let code = value.component(1).text();
            list.object(|concept| {
                concept.array("coding", |list| match interpretation(&code) {
                    Some(known) => list.object(|coding| {
                        coding.text("system", uri::INTERPRETATION);
                        coding.text("code", known);
                    }),
                    None => {
                        let own = format!("{}:code:HL70078", scope.local);
                        for coding in codings(value) {
                            row.issue(8, Issue::CodeUnknown);
                            coding.write(list, scope, Some(&own));
                        }
                    }
                });
                concept.text("text", &text_of(value));
            });
        }
    });
}

fn write_notes<'m>(
    list: &mut Array<'_>,
    logical: &Logical<'m, '_>,
    row: &Row<'m>,
    units: &[Unit<'m>],
    documents: bool,
    scope: &Scope<'m>,
) {
    let mut told = None;
    for unit in units.iter().filter_map(Unit::told_apart) {
        if told.replace(unit) != Some(unit) {
            list.object(|note| note.text("text", &format!("The unit sent beside the value is {unit}.")));
        }
    }
    if documents {
        list.object(|note| note.text("text", "The document is among the presented forms of the report."));
    }
    for joined in &logical.rows {
        if joined.part == Part::Comment {
            for paragraph in joined.noted.segment.field(5).repetitions() {
                list.object(|note| note.text("text", &paragraph.text()));
            }
        }
        note::write(list, &joined.noted.notes, row, "note", scope);
    }
}

fn write_site_and_method(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    write_concept(
        json,
        "bodySite",
        row.take_parts(20, "bodySite", CWE).first(),
        scope,
        Some("http://terminology.hl7.org/CodeSystem/v2-0163"),
    );
    write_concept(json, "method", row.take_parts(17, "method", CWE).first(), scope, None);
}

fn write_device(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    if let Some(identity) = Identity::entity(row.take(18, "device").first()) {
        json.object("device", |device| {
            device.text("type", "Device");
            device.object("identifier", |json| identity.write(json, scope, ""));
        });
    }
}

/// Who made the observation: the organization of OBX-23 (else OBX-15), with its director (OBX-25), and the observers of OBX-16.
fn read_performers<'m>(row: &Row<'m>, scope: &Scope<'m>) -> Vec<Reference> {
    let mut performers = Vec::new();
    let address = row.take(24, "performer");
    let organization =
        scope.organization_of_xon(row.take(23, "performer").first(), Some(address), None).or_else(|| {
            let producer = row.take_parts(15, "performer", parts(&[1, 2, 3, 9])).first();
            let coding = codings(producer).next();
            scope.organization(Named {
                name: text_of(producer),
                identifiers: coding.map(|coding| (coding.address(scope, None), coding.code, "")).into_iter().collect(),
                addresses: None,
                telecoms: None,
            })
        });
    let director = scope.practitioner(row.take(25, "performer").first());
    match (organization, director) {
        (Some(organization), Some(director)) => {
            performers.push(scope.role(director, organization, Some((uri::V2_0912, "MDIR"))))
        }
        (Some(organization), None) => performers.push(organization),
        (None, Some(director)) => performers.push(director),
        (None, None) => {}
    }
    for value in row.take(16, "performer").repetitions() {
        performers.extend(scope.practitioner(value).filter(|person| !performers.contains(person)));
    }
    performers
}

fn read_documents<'m>(logical: &Logical<'m, '_>, head: &Row<'m>, code: Repetition<'m>) -> Vec<Document> {
    let mut values = Vec::new();
    for joined in logical.rows.iter().filter(|joined| joined.part == Part::Document) {
        let row = head.beside(joined.noted.segment);
        values.extend(
            row.peek(5)
                .repetitions()
                .filter(|value| !value.is_empty() && value.raw() != "\"\"")
                .map(|value| (row, value)),
        );
    }
    if values.is_empty() { Vec::new() } else { attachment::read(logical.id, &values, &text_of(code)) }
}
