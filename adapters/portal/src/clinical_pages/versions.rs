//! The versions of a report, and one of them as it stood.

use super::reports::{documents_stay, hand_out, named, with_all};
use super::subject_of;
use crate::answer::Answer;
use crate::clinical::{Heading, Report};
use crate::pages::{Here, HistoryPage, ReportPage, VersionLine, render};
use crate::problem::Problem;
use crate::visit::Visit;
use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::{Caller, Refusal, Resource};
use domain::time::Timestamp;
use domain::write::Version;

/// Most results of an older version that are looked up; what is beyond is said to be missing.
const MAX_RESULTS: usize = 100;
/// Most versions of one result that are looked through.
const MAX_VERSIONS: u32 = 50;

/// Lists the versions.
pub(crate) async fn history(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let caller = visit.caller()?;
    let id = visit.record("report");
    let before: Option<Version> = match visit.query.text("before") {
        "" => None,
        text => Some(text.parse().map_err(|_| Problem::NotFound)?),
    };
    let retrieval = &visit.service.retrieval;
    let found = retrieval.history(&caller, Kind::DiagnosticReport, id, visit.service.limits.page, before).await?;
    let newest = found.entries.first().ok_or(Problem::NotFound)?;
    let patient = subject_of(visit, &caller, &newest.content).await?;
    let line = |(at, one): (usize, &Resource)| {
        let current = at == 0 && before.is_none();
        let href = if current { format!("/reports/{id}") } else { format!("/reports/{id}/versions/{}", one.version) };
        VersionLine { heading: Heading::read(one), current, href }
    };
    let page = HistoryPage {
        frame: visit.frame(Here::Patients),
        patient,
        report: id.to_string(),
        name: Heading::read(newest).name,
        versions: found.entries.iter().enumerate().map(line).collect(),
        next: found.next.map(|next| format!("/reports/{id}/history?before={next}")),
    };
    Ok(Answer::page(render(&page)?))
}

/// Shows an older version with its results as they stood until the next.
pub(crate) async fn version(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let caller = visit.caller()?;
    let id = visit.record("report");
    let wanted: Version = visit.part("version").parse().map_err(|_| Problem::NotFound)?;
    // The one wanted and the one that replaced it, whose moment says how long it held.
    let above = wanted.checked_add(2).ok_or(Problem::NotFound)?;
    let pair = visit.service.retrieval.history(&caller, Kind::DiagnosticReport, id, 2, Some(above)).await?;
    let old = pair.entries.iter().find(|one| one.version == wanted).ok_or(Problem::NotFound)?;
    let Some(next) = pair.entries.iter().find(|one| one.version == wanted.saturating_add(1)) else {
        return Ok(Answer::see(format!("/reports/{id}")));
    };
    // Of what stands around it the present form is read; of results the form of that time.
    let around =
        |_: &Resource| named(old).into_iter().filter(|(kind, _)| *kind != Kind::Observation).collect::<Vec<_>>();
    let (_, mut beside) = with_all(visit, &caller, id, &around).await?;
    beside.extend(results_then(visit, &caller, old, next.last_updated).await?);
    let page = ReportPage {
        frame: visit.frame(Here::Patients),
        patient: super::subject_beside(&old.content, &beside),
        report: Report::read(old, &beside),
        old: true,
        documents_at: format!("/reports/{id}/versions/{wanted}/documents"),
        documents_stay: documents_stay(visit)?,
    };
    Ok(Answer::page(render(&page)?))
}

/// Hands out a document of an older version.
pub(crate) async fn old_document(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let wanted: Version = visit.part("version").parse().map_err(|_| Problem::NotFound)?;
    hand_out(visit, Some(wanted)).await
}

/// Returns the results of an older version in the form they had just before a moment.
async fn results_then(
    visit: &Visit<'_>,
    caller: &Caller,
    old: &Resource,
    until: Timestamp,
) -> Result<Vec<Resource>, Problem> {
    let results = named(old).into_iter().filter(|(kind, _)| *kind == Kind::Observation);
    let ids: Vec<RecordId> = results.map(|(_, id)| id).take(MAX_RESULTS).collect();
    let mut then = Vec::new();
    for id in ids {
        match visit.service.retrieval.history(caller, Kind::Observation, id, MAX_VERSIONS, None).await {
            Ok(found) => then.extend(found.entries.into_iter().find(|one| one.last_updated < until)),
            Err(Refusal::NotFound | Refusal::Forbidden) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Ok(then)
}
