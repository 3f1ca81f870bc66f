//! Reviews of emergency access: what waits, what was opened, and the judgement. By a person alone, see the policy.

use crate::answer;
use crate::fields::Fields;
use crate::problem::Problem;
use crate::query::Query;
use crate::render;
use crate::routes::{Asked, Endpoint};
use crate::visit::Visit;
use actix_web::HttpResponse;
use domain::emergency::{Listed, Review, Verdict};
use domain::id::RecordId;
use domain::time::Timestamp;
use serde_json::Value;

pub(crate) async fn serve(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    match asked.endpoint {
        Endpoint::Reviews => list(visit, &asked).await,
        Endpoint::Close => close(visit, asked).await,
        _ => show(visit, asked.id()?).await,
    }
}

async fn list(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let query = Query::read(asked.http.query_string(), asked.parameters)?;
    let page = query.page()?;
    let open_only = match query.get("state") {
        None | Some("open") => true,
        Some("all") => false,
        Some(_) => return Err(Problem::Query("state", "must be one of: open, all")),
    };
    let limit = u32::try_from(page.limit).unwrap_or(u32::MAX);
    let found = visit.service.settings.emergency.reviews(&visit.caller(), open_only, page.after, limit).await?;
    let next = found.listed.last().map(Listed::id).filter(|_| found.more);
    let (hours, now) = (hours(visit), now(visit));
    let shown = found.listed.iter().map(|listed| render::listed(listed, visit.tenant(), hours, now));
    Ok(answer::list(shown.collect(), next))
}

async fn show(visit: &Visit<'_>, id: RecordId) -> Result<HttpResponse, Problem> {
    let (emergency, caller) = (&visit.service.settings.emergency, visit.caller());
    let review = emergency.review(&caller, id).await?;
    let seen = emergency.seen(&caller, &review).await?;
    Ok(answer::document(&render::opened(shown(visit, &review), &seen)))
}

async fn close(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    let id = asked.id()?;
    let mut fields = Fields::of("", asked.body)?;
    let verdicts: Vec<_> = Verdict::ALL.iter().map(|verdict| (verdict.name(), *verdict)).collect();
    let verdict = fields.word("verdict", &verdicts)?;
    let verdict = fields.needed("verdict", verdict)?;
    let note = fields.text("note")?.unwrap_or_default();
    fields.end()?;
    let review = visit.service.settings.emergency.close(&visit.caller(), id, verdict, &note).await?;
    Ok(answer::document(&shown(visit, &review)))
}

fn shown(visit: &Visit<'_>, review: &Review) -> Value {
    render::review(review, hours(visit), now(visit))
}

/// Returns within how many hours the tenant wants reviews.
fn hours(visit: &Visit<'_>) -> u32 {
    let settings = visit.directory.settings(visit.tenant());
    settings.map(|settings| settings.break_glass_review_hours).unwrap_or_default()
}

fn now(visit: &Visit<'_>) -> Timestamp {
    visit.service.administration().clock.now()
}
