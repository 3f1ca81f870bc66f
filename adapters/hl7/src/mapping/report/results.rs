//! The observations of a report, and what each of them gives it: results, documents, who answers for it.

use super::About;
use crate::mapping::attachment::Document;
use crate::mapping::code::write_absent;
use crate::mapping::directory::Reference;
use crate::mapping::groups::Noted;
use crate::mapping::issue::Issue;
use crate::mapping::observation::{self, Logical, Surroundings, Written};
use crate::mapping::plan::Plan;
use crate::mapping::scope::Scope;
use crate::mapping::terms::Terms;
use crate::mapping::value::ValueType;
use domain::id::RecordId;
use domain::intake::IncomingMember;
use domain::kind::Kind;
use r4::json;
use r4::tables::Section;

/// The observations of a report, and what the report says of them.
#[derive(Default)]
pub(super) struct Results {
    pub(super) observations: Vec<IncomingMember>,
    /// Results in order.
    pub(super) answers: Vec<RecordId>,
    /// Observations that support the request.
    pub(super) supporting: Vec<RecordId>,
    pub(super) documents: Vec<Document>,
    /// Documents that were taken back and no result stands for, as Attachments without content.
    pub(super) withdrawn: Vec<String>,
    pub(super) performers: Vec<Reference>,
}

impl Results {
    fn add(&mut self, written: Written, answers: bool) {
        let id = written.member.id;
        match (written.supporting, answers) {
            (true, _) => self.supporting.push(id),
            (false, true) => self.answers.push(id),
            (false, false) => {}
        }
        self.documents.extend(written.documents);
        for performer in written.performers {
            // Who answers for the report is the organization, or its director; observers answer for their observation.
            if performer.kind != Kind::Practitioner && !self.performers.contains(&performer) {
                self.performers.push(performer);
            }
        }
        self.observations.push(written.member);
    }
}

/// Writes the observations of an order, and those that stand beside it.
pub(super) fn write<'m>(
    plan: &Plan<'m, '_>,
    about: &About<'_, 'm>,
    section: Section,
    effective: &str,
    scope: &Scope<'m>,
    terms: &mut Terms,
) -> Results {
    let mut results = Results::default();
    let around = |request, specimen, prefix| Surroundings {
        patient: about.patient,
        encounter: about.encounter,
        request,
        section,
        prefix,
        effective,
        specimen,
    };
    let after =
        plan.results.iter().filter_map(Logical::head).find(|head| head.after.is_some_and(|after| !after.describes));
    if let Some(first) = after {
        scope.log.row(first.segment, scope.log.target(Kind::DiagnosticReport, plan.id)).issue(0, Issue::AfterSpecimen);
    }
    for logical in &plan.results {
        let specimen = logical.head().and_then(|head| specimen_of(plan, head, scope));
        let around = around(Some(plan.request), specimen, plan.prefix.as_str());
        if let Some(written) = observation::write(logical, &around, scope, terms) {
            if written.supporting {
                results.withdrawn.extend(withdrawn_document(logical, &written));
            }
            results.add(written, true);
        }
    }
    let patient = format!("{}|patient", scope.sender.name);
    for logical in &about.beside {
        let around = Surroundings { effective: "", ..around(None, None, patient.as_str()) };
        if let Some(written) = observation::write(logical, &around, scope, terms) {
            results.withdrawn.extend(withdrawn_document(logical, &written));
            results.add(written, false);
        }
    }
    results
}

/// Says that the document of a row was taken back, for a merge with the stored report ([`r4::merge`]).
///
/// Of a result the report says it by naming the result and presenting nothing of it; of an observation that is none it is said here.
fn withdrawn_document(logical: &Logical<'_, '_>, written: &Written) -> Option<String> {
    let row = logical.head()?.segment;
    let document = ValueType::read(&row.field(2).text()) == ValueType::Document;
    if !document || !(logical.is_withdrawn() || row.field(5).is_null()) || !written.documents.is_empty() {
        return None;
    }
    Some(json::object(|attachment| {
        attachment.text("id", &logical.id.to_string());
        write_absent(attachment, "error");
    }))
}

/// The specimen of a result: the one OBX-33 names, else the one it stands behind, else the only one.
fn specimen_of<'m>(plan: &Plan<'m, '_>, head: &Noted<'m>, scope: &Scope<'m>) -> Option<(RecordId, bool)> {
    let named = head.segment.field(33).first();
    if !named.is_empty() {
        let value = |number: usize| named.component(number).sub(1).raw();
        let found = plan.order.specimens.iter().position(|noted| {
            let ids = noted.segment.field(2).first();
            [1usize, 2]
                .into_iter()
                .any(|number| !value(number).is_empty() && ids.component(number).sub(1).raw() == value(number))
        });
        if let Some(id) = found.and_then(|at| plan.specimens.get(at)) {
            scope.log.row(head.segment, scope.log.target(Kind::DiagnosticReport, plan.id)).take(33, "specimen");
            return Some((*id, false));
        }
    }
    if let Some(after) = head.after {
        return plan.specimens.get(after.specimen).map(|id| (*id, after.describes));
    }
    match plan.specimens.as_slice() {
        [only] => Some((*only, false)),
        _ => None,
    }
}
