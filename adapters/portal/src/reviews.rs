//! The queue of reviews: who broke the glass, why, what was opened behind it, and the judgement.

use crate::answer::Answer;
use crate::clinical::words;
use crate::glass::reason_in_words;
use crate::pages::{
    ActLine, Errors, Here, Judged, ReviewLine, ReviewPage, ReviewTold, ReviewsPage, UnreadablePage, render,
};
use crate::problem::Problem;
use crate::visit::Visit;
use actix_web::http::StatusCode;
use domain::access::Action;
use domain::emergency::{Listed, NOTE, NotDone, Review, Seen, SeenAct, Verdict};
use domain::id::RecordId;
use domain::kind::Kind;
use domain::time::Timestamp;

/// Most records that are named of one search.
const MOST_NAMED: usize = 20;
/// Most reviews on the page.
const MOST: u32 = 200;

/// Lists those that are open, soonest due first; or the newest, whatever became of them.
pub(crate) async fn list(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let all = !visit.query.text("all").is_empty();
    let caller = visit.caller()?;
    let mut reviews = visit.service.emergency.reviews(&caller, !all, None, MOST).await?.listed;
    if !all {
        reviews.reverse();
    }
    let hours = hours(visit)?;
    let lines = reviews.iter().map(|listed| {
        let (broken, told) = match listed {
            Listed::Read(review) => (review.broken, Some(review)),
            Listed::Unreadable(unreadable) => (unreadable.broken, None),
        };
        ReviewLine {
            id: listed.id().to_string(),
            broken: words::instant(broken),
            due: words::instant(listed.due(hours)),
            overdue: listed.is_overdue(hours, visit.now),
            told: told.map(|review| ReviewTold {
                display: review.display.clone(),
                reason: reason_in_words(&review.reason).to_owned(),
                verdict: review.closed.as_ref().map(|closed| verdict_in_words(closed.verdict)),
            }),
        }
    });
    let page = ReviewsPage { frame: visit.frame(Here::Reviews), reviews: lines.collect(), all, hours };
    Ok(Answer::page(render(&page)?))
}

/// Shows one.
pub(crate) async fn show(visit: &Visit<'_>) -> Result<Answer, Problem> {
    page(visit, visit.record("review"), Errors::default()).await
}

/// Judges one.
pub(crate) async fn close(visit: &Visit<'_>) -> Result<Answer, Problem> {
    let (caller, id) = (visit.caller()?, visit.record("review"));
    let emergency = &visit.service.emergency;
    let note = visit.form.text("note");
    let verdict = match Verdict::from_name(visit.form.text("verdict")) {
        Some(verdict) if verdict.takes(note) => verdict,
        wrong => {
            let errors = match wrong {
                None => Errors::one("verdict", "Say whether it was justified."),
                Some(_) if note.chars().count() > *NOTE.end() => Errors::one("note", "Write at most 2,000 characters."),
                Some(Verdict::Unreadable) => Errors::one("note", "Say in at least ten characters what was found."),
                Some(_) => Errors::one("note", "Say in at least ten characters what was wrong."),
            };
            return Ok(page(visit, id, errors).await?.with_status(StatusCode::BAD_REQUEST));
        }
    };
    match emergency.close(&caller, id, verdict, note).await {
        // Whoever was second sees what the first one found.
        Ok(_) | Err(NotDone::Closed) => Ok(Answer::see(format!("/reviews/{id}"))),
        Err(fault) => Err(fault.into()),
    }
}

async fn page(visit: &Visit<'_>, id: RecordId, errors: Errors) -> Result<Answer, Problem> {
    let caller = visit.caller()?;
    let review = match visit.service.emergency.review(&caller, id).await {
        Ok(review) => review,
        Err(NotDone::Integrity) => {
            let (token, id, note) = (visit.token(), id.to_string(), visit.form.text("note").to_owned());
            let page = UnreadablePage { frame: visit.frame(Here::Reviews), errors, token, id, note };
            return Ok(Answer::page(render(&page)?));
        }
        Err(fault) => return Err(fault.into()),
    };
    let review = &review;
    let seen = visit.service.emergency.seen(&caller, review).await?;
    let hours = hours(visit)?;
    let more = seen.more;
    let page = ReviewPage {
        frame: visit.frame(Here::Reviews),
        errors,
        token: visit.token(),
        id: review.id.to_string(),
        display: review.display.clone(),
        person: review.person.clone(),
        broken: words::instant(review.broken),
        ended: ended(visit, review, &seen),
        reason: reason_in_words(&review.reason).to_owned(),
        words: review.words.clone(),
        patient: review.patient.to_string(),
        opens: visit.might(Action::FhirRead, Kind::Patient),
        due: words::instant(review.due(hours)),
        overdue: review.closed.is_none() && review.due(hours) <= visit.now,
        correlation: review.correlation.to_string(),
        acts: seen.acts.iter().map(|act| line(act, review.patient)).collect(),
        more,
        own: review.person == caller.subject.principal.id,
        judged: review.closed.as_ref().map(|closed| Judged {
            words: verdict_in_words(closed.verdict),
            good: closed.verdict == Verdict::Justified,
            by: closed.display.clone(),
            at: words::instant(closed.at),
            note: closed.note.clone(),
        }),
        verdict: visit.form.text("verdict").to_owned(),
        note: visit.form.text("note").to_owned(),
    };
    Ok(Answer::page(render(&page)?))
}

fn ended(visit: &Visit<'_>, review: &Review, seen: &Seen) -> String {
    let at = |text: &str| Timestamp::from_rfc3339(text).map_or_else(|| text.to_owned(), words::instant);
    match &seen.ended {
        Some(end) if end.by_time => format!("{}, by time", at(&end.at)),
        Some(end) => format!("{}, before its time", at(&end.at)),
        None if visit.now < review.until => format!("not yet; at the latest {}", words::instant(review.until)),
        None => words::instant(review.until),
    }
}

fn line(act: &SeenAct, patient: RecordId) -> ActLine {
    let words = match act.action.as_str() {
        "fhir.read" => "Opened",
        "fhir.search" => "Looked for",
        "fhir.hit" => "Was shown",
        "fhir.history" => "Listed the versions of",
        "report.export" => "Took out a file of",
        other => other,
    };
    let named = if act.returned.is_empty() && !act.id.is_empty() {
        vec![format!("{}/{}", act.kind, act.id)]
    } else {
        act.returned.iter().take(MOST_NAMED).cloned().collect()
    };
    ActLine {
        what: format!("{words} {}", act.kind),
        further: act.returned.len().saturating_sub(named.len()),
        patient: named.contains(&format!("{}/{patient}", Kind::Patient)),
        named,
        at: act.at.clone(),
        entry: act.sequence,
        behind_glass: act.behind_glass,
        done: act.outcome == "success",
        outcome: act.outcome.clone(),
    }
}

const fn verdict_in_words(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Justified => "Justified",
        Verdict::NotJustified => "Not justified",
        Verdict::Unreadable => "Could not be read",
    }
}

fn hours(visit: &Visit<'_>) -> Result<u32, Problem> {
    let tenant = visit.signed_in()?.resumed.session.tenant;
    Ok(visit.directory.settings(tenant).ok_or(Problem::NotFound)?.break_glass_review_hours)
}
