//! One report with all that belongs to it, and its documents.

use super::subject_beside;
use crate::answer::Answer;
use crate::clinical::{Document, Report, references};
use crate::pages::{Here, ReportPage, render};
use crate::problem::Problem;
use crate::visit::Visit;
use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::{Caller, Refusal, Resource, Search, TotalMode};
use domain::write::Version;

/// Shows a report.
pub(crate) async fn report(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let caller = visit.caller()?;
    let id = visit.record("report");
    let (found, beside) = with_all(visit, &caller, id, &named).await?;
    let page = ReportPage {
        frame: visit.frame(Here::Patients),
        patient: subject_beside(&found.content, &beside),
        report: Report::read(&found, &beside),
        old: false,
        documents_at: format!("/reports/{id}/documents"),
        documents_stay: documents_stay(visit)?,
    };
    Ok(Answer::page(render(&page)?))
}

/// Hands out a document of a report.
pub(crate) async fn document(visit: &Visit<'_>) -> Result<Answer, Problem> {
    hand_out(visit, None).await
}

/// Hands out the document that the path names, of the current version or this one.
pub(super) async fn hand_out(visit: &Visit<'_>, version: Option<Version>) -> Result<Answer, Problem> {
    let number = visit.part("number").parse().map_err(|_| Problem::NotFound)?;
    let stays = documents_stay(visit)?;
    let found = visit.service.retrieval.take_out(&visit.caller()?, visit.record("report"), version).await;
    let report = found.map_err(|refusal| match refusal {
        // The same for what is there and what is not.
        Refusal::NotFound if stays => Problem::NothingLeaves,
        other => other.into(),
    })?;
    Document::open(&report.content, number).map(Answer::download).ok_or(Problem::NotFound)
}

/// Says whether no file is handed out in this session now, for the glass is broken in it.
pub(super) fn documents_stay(visit: &Visit<'_>) -> Result<bool, Problem> {
    Ok(visit.signed_in()?.resumed.circumstances.glass_broken())
}

/// Returns a report and what `named` finds in its text, as one disclosure that lists all of it; persons behind roles as another.
pub(super) async fn with_all(
    visit: &Visit<'_>,
    caller: &Caller,
    id: RecordId,
    named: &(dyn Fn(&Resource) -> Vec<(Kind, RecordId)> + Sync),
) -> Result<(Resource, Vec<Resource>), Problem> {
    let mut page = by_ids(visit, caller, Kind::DiagnosticReport, vec![id], named).await?;
    let report = page.0.pop().ok_or(Problem::NotFound)?;
    let mut beside = page.1;
    let roles = roles(&report.content);
    if !roles.is_empty() {
        let of_role = |role: &Resource| {
            let paths: &[&[&str]] = &[&["practitioner", "reference"], &["organization", "reference"]];
            references(&role.content, paths, &[Kind::Practitioner, Kind::Organization])
        };
        let (found, theirs) = by_ids(visit, caller, Kind::PractitionerRole, roles, &of_role).await?;
        beside.extend(found);
        beside.extend(theirs);
    }
    Ok((report, beside))
}

/// What a report names and is read with it.
pub(super) fn named(report: &Resource) -> Vec<(Kind, RecordId)> {
    let paths: &[&[&str]] = &[
        &["subject", "reference"],
        &["result", "reference"],
        &["specimen", "reference"],
        &["performer", "reference"],
        &["resultsInterpreter", "reference"],
    ];
    let kinds = &[Kind::Patient, Kind::Observation, Kind::Specimen, Kind::Practitioner, Kind::Organization];
    references(&report.content, paths, kinds)
}

fn roles(content: &str) -> Vec<RecordId> {
    let paths: &[&[&str]] = &[&["performer", "reference"], &["resultsInterpreter", "reference"]];
    references(content, paths, &[Kind::PractitionerRole]).into_iter().map(|(_, id)| id).collect()
}

async fn by_ids(
    visit: &Visit<'_>,
    caller: &Caller,
    kind: Kind,
    ids: Vec<RecordId>,
    include: &(dyn Fn(&Resource) -> Vec<(Kind, RecordId)> + Sync),
) -> Result<(Vec<Resource>, Vec<Resource>), Problem> {
    let search = Search {
        kind,
        terms: Vec::new(),
        count: u32::try_from(ids.len()).unwrap_or(u32::MAX),
        ids: Some(ids),
        matches: &|_| true,
        include: Some(include),
        after: None,
        total: TotalMode::None,
        only_count: false,
    };
    // Whoever may look for none of these is told what somebody is told who may not see this one, as on every page about a report.
    let page = visit.service.retrieval.search(caller, search).await.map_err(|refusal| match refusal {
        Refusal::Forbidden => Refusal::NotFound,
        other => other,
    })?;
    Ok((page.matches, page.included))
}
