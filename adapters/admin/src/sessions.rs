//! Who is signed in, and ending that.

use crate::answer;
use crate::fields::{Fault, Fields};
use crate::problem::Problem;
use crate::query::Query;
use crate::render;
use crate::routes::{Asked, Endpoint};
use crate::visit::Visit;
use actix_web::HttpResponse;
use domain::id::RecordId;
use domain::identity::Session;
use domain::supervision::Ended;
use serde_json::{Value, json};

pub(crate) async fn serve(visit: &Visit<'_>, asked: Asked<'_>) -> Result<HttpResponse, Problem> {
    match asked.endpoint {
        Endpoint::EndSessions => end(visit, asked.body).await,
        Endpoint::Session => {
            let ended = Ended::Session(asked.id()?);
            visit.supervision().end(&visit.by(), ended).await?;
            Ok(answer::done())
        }
        _ => list(visit, &asked).await,
    }
}

async fn list(visit: &Visit<'_>, asked: &Asked<'_>) -> Result<HttpResponse, Problem> {
    let query = Query::read(asked.http.query_string(), asked.parameters)?;
    let (page, person) = (query.page()?, query.id::<RecordId>("person")?);
    let page = |all: Vec<_>| page.of(all.into_iter(), |session: &Session| session.id);
    let (found, next) = visit.supervision().sessions(&visit.by(), person, page).await?;
    Ok(answer::list(found.iter().map(|session| render::session(session, &visit.directory)).collect(), next))
}

/// Ends every session of a person, with what the person let applications have, or of everybody.
async fn end(visit: &Visit<'_>, body: Value) -> Result<HttpResponse, Problem> {
    let mut fields = Fields::of("", body)?;
    let (person, everybody) = (fields.text("person")?, fields.flag("everybody")?);
    let person: Option<RecordId> = person
        .map(|text| text.parse().map_err(|_| Fault::new("/person", "an id of 36 characters is needed here")))
        .transpose()?;
    let ended = match (person, everybody) {
        (Some(person), None) => Ended::Person(person),
        (None, Some(true)) => Ended::Everybody,
        _ => return Err(Fault::new("", "one of \"person\" and \"everybody\": true is needed here").into()),
    };
    fields.end()?;
    let count = visit.supervision().end(&visit.by(), ended).await?;
    Ok(answer::document(&json!({ "ended": count })))
}
