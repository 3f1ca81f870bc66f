//! OBR as DiagnosticReport, and the record with everything that belongs to it alone.

mod results;

use self::results::Results;
use domain::id::RecordId;
use domain::index::Field as IndexField;
use domain::intake::{IncomingMember, IncomingRecord};
use domain::kind::Kind;
use r4::json::{self, Array, Object};
use r4::tables::{Section, report_status, section, uri};

use super::code::{
    CWE, codings, write_absent, write_alternate_code, write_code, write_concept_members, write_not_sent,
};
use super::directory::Reference;
use super::groups::Group;
use super::issue::Issue;
use super::log::Row;
use super::moment::Moment;
use super::observation::Logical;
use super::period::Period;
use super::plan::Plan;
use super::provenance;
use super::scope::{Scope, write_original_text};
use super::terms::Terms;
use super::{note, order, specimen};
use crate::message::Message;

/// Who a report is about, and what else stands around it.
pub(super) struct About<'a, 'm> {
    pub(super) message: &'m Message,
    pub(super) group: &'a Group<'m>,
    pub(super) patient: RecordId,
    pub(super) encounter: Option<RecordId>,
    /// MSH-4 as an organization.
    pub(super) facility: Option<Reference>,
    /// Observations of the patient that are results of no report; kept beside this one.
    pub(super) beside: Vec<Logical<'m, 'a>>,
}

/// Maps one order: the report, its request, specimens, observations and provenance.
pub(super) fn map<'m>(plan: &Plan<'m, '_>, about: &About<'_, 'm>, scope: &Scope<'m>) -> IncomingRecord {
    let row = scope.log.row(plan.order.obr, scope.log.target(Kind::DiagnosticReport, plan.id));
    row.structural(&[1]);
    let mut terms = Terms::default();
    terms.add(Kind::DiagnosticReport, IndexField::Patient, &about.patient.to_string());
    if let Some(encounter) = about.encounter {
        terms.add(Kind::DiagnosticReport, IndexField::Encounter, &encounter.to_string());
    }
    for identity in [&plan.numbers.placer, &plan.numbers.filler].into_iter().flatten() {
        terms.add(Kind::DiagnosticReport, IndexField::Identifier, &identity.value);
    }
    for coding in codings(plan.order.obr.field(4).first()) {
        terms.add(Kind::DiagnosticReport, IndexField::Code, &coding.code);
    }
    let section = Category::read(&row);
    let effective = Effective::read(plan, &row, scope, &mut terms);
    let results = results::write(plan, about, section.section, &effective.own, scope, &mut terms);
    let mut members = Vec::with_capacity(results.observations.len().saturating_add(8));
    let content = write(plan, about, &row, &section, &effective, &results, scope);
    members.push(IncomingMember { kind: Kind::DiagnosticReport, id: plan.id, content });
    members.push(order::map(plan, about.patient, about.encounter, &results.supporting, scope));
    members.extend(write_specimens(plan, about.patient, &row, scope));
    let targets: Vec<Reference> = members
        .iter()
        .chain(&results.observations)
        .map(|member| Reference { kind: member.kind, id: member.id })
        .collect();
    members.extend(provenance::map(plan.id, &targets, about.message, about.facility, scope));
    members.extend(results.observations);
    IncomingRecord {
        kind: Kind::DiagnosticReport,
        id: plan.id,
        patient: Some(about.patient),
        as_of: scope.as_of(),
        members,
        terms: terms.finish(),
    }
}

fn write_specimens<'m>(
    plan: &Plan<'m, '_>,
    patient: RecordId,
    row: &Row<'m>,
    scope: &Scope<'m>,
) -> Vec<IncomingMember> {
    if plan.order.specimens.is_empty() {
        return plan.specimens.iter().map(|id| specimen::map_of_order(row, *id, patient, scope)).collect();
    }
    plan.order
        .specimens
        .iter()
        .zip(&plan.specimens)
        .map(|(noted, id)| specimen::map(noted, *id, patient, scope))
        .collect()
}

/// OBR-24, and whether the report is a laboratory's.
struct Category {
    section: Section,
    known: bool,
}

impl Category {
    fn read(row: &Row<'_>) -> Self {
        let code = row.take_parts(24, "category", CWE).text();
        let found = section(&code);
        if found.is_none() {
            row.issue(24, if code.trim().is_empty() { Issue::CategoryAbsent } else { Issue::CategoryUnknown });
        }
        Category { section: found.unwrap_or(Section::LABORATORY), known: found.is_some() }
    }

    fn write(&self, list: &mut Array<'_>, row: &Row<'_>, scope: &Scope<'_>) {
        let sent = row.peek(24).text();
        let not_sent = !self.known && sent.trim().is_empty();
        let mut add = |system: &str, code: &str| {
            list.object(|concept| {
                if not_sent {
                    write_not_sent(concept);
                }
                concept.single("coding", |coding| {
                    coding.text("system", system);
                    coding.code("code", code);
                });
            });
        };
        if self.section.laboratory {
            add(uri::V2_0074, "LAB");
        }
        if self.known && self.section.code != "LAB" {
            add(uri::V2_0074, self.section.code);
        }
        if let Some(note) = self.section.note {
            add(note.system, note.code);
        }
        if !self.known && !sent.trim().is_empty() {
            add(&format!("{}:code:HL70074", scope.local), &sent);
        }
    }
}

/// When the results hold.
struct Effective {
    /// OBR-7 and OBR-8 as members of an object; empty braces where there is no date. Observations without a time of their own take it.
    own: String,
    /// What the report says: the same, else when the specimen was taken, else the first time of a result.
    report: String,
    known: bool,
}

impl Effective {
    fn read<'m>(plan: &Plan<'m, '_>, row: &Row<'m>, scope: &Scope<'m>, terms: &mut Terms) -> Self {
        let zone = &scope.sender.time_zone;
        let (start, end) = (row.take(7, "effective").text(), row.take(8, "effective").text());
        let period = Period::read(row, (7, &start), (8, &end), scope);
        if let Some(from) = period.start() {
            match period.both() {
                Some((from, to)) => terms.add_period(Kind::DiagnosticReport, from, to),
                None => terms.add_moment(Kind::DiagnosticReport, from),
            }
            let own = json::object(|json| period.write_choice(json, "effectiveDateTime", "effectivePeriod", zone));
            return Effective { report: own.clone(), own, known: true };
        }
        let collected = specimen::collected(&plan.order.specimens, scope).map(|moment| (moment, "specimen-collection"));
        let other = collected.or_else(|| {
            let times = plan
                .order
                .results
                .iter()
                .filter_map(|noted| Moment::read(&noted.segment.field(14).component(1).text(), zone));
            times.min_by_key(|moment| moment.at).map(|moment| (moment, "first-result"))
        });
        let report = json::object(|json| match &other {
            Some((moment, whence)) => {
                terms.add_moment(Kind::DiagnosticReport, moment);
                moment.write_assumed(json, "effectiveDateTime", zone, whence, &start);
            }
            // That it was deleted is no error of the sender's, but the only reason that no merge takes for silence.
            None if row.peek(7).is_null() => json.object("_effectiveDateTime", |beside| write_absent(beside, "error")),
            None if start.trim().is_empty() => {
                json.object("_effectiveDateTime", |beside| write_absent(beside, "unknown"))
            }
            None => write_original_text(json, "effectiveDateTime", &start),
        });
        Effective { own: json::object(|_| {}), report, known: other.is_some() }
    }
}

fn write<'m>(
    plan: &Plan<'m, '_>,
    about: &About<'_, 'm>,
    row: &Row<'m>,
    category: &Category,
    effective: &Effective,
    results: &Results,
    scope: &Scope<'m>,
) -> String {
    let target = scope.log.target(Kind::DiagnosticReport, plan.id);
    let orc = plan.order.orc.map(|orc| scope.log.row(orc, target));
    let code = row.take_parts(4, "code", CWE).first();
    let conforms = category.section.laboratory && effective.known && !code.is_empty();
    json::resource("DiagnosticReport", &plan.id.to_string(), |json| {
        json.object("meta", |meta| {
            if conforms {
                meta.array("profile", |list| list.text(uri::US_CORE_REPORT));
            }
            order::write_labels(meta, orc.as_ref(), scope);
        });
        json.array("extension", |list| write_extensions(list, plan, about, row, orc.as_ref(), scope));
        order::write_identifiers(json, plan, row, orc.as_ref(), scope);
        json.array("basedOn", |list| Reference { kind: Kind::ServiceRequest, id: plan.request }.write_item(list));
        write_status(json, row);
        json.array("category", |list| category.write(list, row, scope));
        json.object("code", |concept| {
            if code.is_empty() {
                row.issue(4, Issue::CodeAbsent);
                write_absent(concept, "unknown");
            } else {
                write_concept_members(concept, code, scope, None);
            }
        });
        Reference { kind: Kind::Patient, id: about.patient }.write(json, "subject");
        if let Some(encounter) = about.encounter {
            Reference { kind: Kind::Encounter, id: encounter }.write(json, "encounter");
        }
        json.members(&effective.report);
        write_issued(json, row, scope);
        json.array("performer", |list| write_performers(list, row, about, results, scope));
        json.array("resultsInterpreter", |list| {
            for value in row.take(32, "resultsInterpreter").repetitions() {
                if let Some(person) = scope.practitioner_of_ndl(value) {
                    person.write_item(list);
                }
            }
        });
        json.array("specimen", |list| {
            plan.specimens.iter().for_each(|id| Reference { kind: Kind::Specimen, id: *id }.write_item(list));
        });
        json.array("result", |list| {
            results.answers.iter().for_each(|id| Reference { kind: Kind::Observation, id: *id }.write_item(list));
        });
        json.array("presentedForm", |list| {
            results.documents.iter().for_each(|document| list.raw(&document.whole()));
            results.withdrawn.iter().for_each(|withdrawn| list.raw(withdrawn));
        });
    })
}

/// Writes the status; never `final` for a code that is missing or unknown.
fn write_status(json: &mut Object<'_>, row: &Row<'_>) {
    let sent = row.take(25, "status").text();
    match report_status(&sent) {
        Some(status) => {
            if status.alias {
                row.issue(25, Issue::StatusAlias);
            }
            if status.code == "unknown" {
                row.issue(25, Issue::StatusUnknown);
            }
            json.text("status", status.code);
            if !status.exact {
                write_alternate_code(json, "status", if status.alias { uri::V2_0085 } else { uri::V2_0123 }, &sent);
            }
        }
        None if sent.trim().is_empty() => {
            row.issue(25, Issue::StatusAbsent);
            json.text("status", "unknown");
        }
        None => {
            row.issue(25, Issue::StatusUnknown);
            json.text("status", "unknown");
            write_alternate_code(json, "status", uri::V2_0123, &sent);
        }
    }
}

/// Writes when this version was released: OBR-22 where it has a time of day, else the time of the message, which is then marked; what else
/// OBR-22 says stands beside.
fn write_issued(json: &mut Object<'_>, row: &Row<'_>, scope: &Scope<'_>) {
    let zone = &scope.sender.time_zone;
    let sent = row.take(22, "issued").text();
    let released = scope.moment(row, 22, &sent);
    if let Some(released) = released.as_ref().filter(|released| released.timed) {
        released.write(json, "issued", zone);
        return;
    }
    if released.is_some() {
        row.issue(22, Issue::DateImprecise);
    }
    match scope.sent.as_ref().filter(|made| made.timed) {
        Some(made) => made.write_assumed(json, "issued", zone, "message-time", &sent),
        None => {
            let received = Moment { text: scope.received.rfc3339(), at: scope.received, timed: true, assumed: false };
            received.write_assumed(json, "issued", zone, "receipt-time", &sent);
        }
    }
}

/// Adds notes, which a report of R4 has no element for, and the reason of its status.
///
/// Notes behind PID belong to this report: on Patient they would stick.
fn write_extensions<'m>(
    list: &mut Array<'_>,
    plan: &Plan<'m, '_>,
    about: &About<'_, 'm>,
    row: &Row<'m>,
    orc: Option<&Row<'m>>,
    scope: &Scope<'m>,
) {
    for notes in [&about.group.notes, &plan.order.notes] {
        for annotation in note::read(notes, row, "extension", scope) {
            list.object(|extension| {
                extension.text("url", uri::REPORT_NOTE);
                extension.raw("valueAnnotation", &annotation);
            });
        }
    }
    let Some(orc) = orc else {
        return;
    };
    for value in orc.take_parts(16, "extension", CWE).repetitions() {
        list.object(|extension| {
            if !value.is_empty() {
                extension.text("url", uri::STATUS_REASON);
                extension.object("valueCodeableConcept", |concept| write_concept_members(concept, value, scope, None));
            }
        });
    }
}

/// Adds who answers for the report: the organizations of its results, else the sending facility; then technician and typist.
fn write_performers<'m>(
    list: &mut Array<'_>,
    row: &Row<'m>,
    about: &About<'_, 'm>,
    results: &Results,
    scope: &Scope<'m>,
) {
    results.performers.iter().for_each(|performer| performer.write_item(list));
    if let Some(facility) = about.facility.filter(|_| results.performers.is_empty()) {
        facility.write_item(list);
    }
    for (number, function) in [(34u8, "SPRF"), (35, "TRANS")] {
        for value in row.take(number, "performer").repetitions() {
            let Some(person) = scope.practitioner_of_ndl(value) else {
                continue;
            };
            list.object(|reference| {
                reference.single("extension", |extension| {
                    extension.text("url", uri::PERFORMER_FUNCTION);
                    write_code(extension, "valueCodeableConcept", uri::PARTICIPATION, function);
                });
                person.write_member(reference);
            });
        }
    }
}
