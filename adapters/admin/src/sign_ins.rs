//! Refused sign-ins in words: which step did not hold, why, and what to do.

use crate::answer;
use crate::diagnosis::{Explained, Looking};
use crate::problem::Problem;
use crate::query::Query;
use crate::routes::Asked;
use crate::visit::Visit;
use actix_web::HttpResponse;
use domain::id::RecordId;

/// How many are explained where nobody says.
const USUAL: usize = 20;
/// Most that are explained at once.
const MOST: usize = 100;

pub(crate) async fn serve(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let query = Query::read(asked.http.query_string(), asked.parameters)?;
    let looking = Looking {
        correlation: query.id("correlation")?,
        connection: query.id::<RecordId>("connection")?,
        last: query.number("last", USUAL, MOST)?,
    };
    let explained = visit.service.settings.diagnosis.explain(&visit.by(), &looking).await?;
    Ok(answer::list(explained.iter().map(Explained::to_json).collect(), None))
}
