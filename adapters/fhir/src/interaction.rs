//! The interactions: read, vread, history, search and metadata.

use crate::answer::Answer;
use crate::conditional;
use crate::dispatch::Request;
use crate::negotiate;
use crate::outcome::Problem;
use crate::route::Route;
use crate::service::Service;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::{Resource, Search, TotalMode};
use domain::write::Version;
use r4::bundle::{self, Links};
use r4::meta::with_meta;
use r4::search::{self, Query, Settings, Total};
use r4::signed_in;

/// Answers `GET metadata`; it needs no token.
pub(crate) fn metadata(service: &Service, pairs: &[(String, String)]) -> Result<Answer, Problem> {
    let known = |name: &str, value: &str| match name {
        "_format" | "_pretty" => true,
        "mode" => matches!(value, "full" | "normative" | "terminology"),
        _ => false,
    };
    if !pairs.iter().all(|(name, value)| known(name, value)) {
        return Err(Problem::Parameter);
    }
    Ok(Answer::Versioned { json: service.statement.clone(), version: 1, last_updated: service.since })
}

/// Answers an interaction of an admitted caller.
pub(crate) async fn answer(service: &Service, request: Request<'_>) -> Result<Answer, Problem> {
    match request.route {
        Route::Metadata => metadata(service, &request.pairs),
        Route::Read(kind, id) => {
            only_form(&request.pairs)?;
            if let Some(id) = id.filter(|id| request.tells_person && request.caller.is(kind, *id)) {
                let own = signed_in::render(&id.to_string(), &request.caller.subject.principal.display);
                return Ok(Answer::Plain(service.retrieval.read_self(&request.caller, id, own).await?));
            }
            let resource = service.retrieval.read(&request.caller, kind, ours(id)).await?;
            Ok(versioned(&request, resource))
        }
        Route::Version(kind, id, version) => {
            only_form(&request.pairs)?;
            // Versions begin at 1: none is 0, so a text that is no version is asked for, and recorded, like an absent one.
            let version = version.unwrap_or_default();
            let resource = service.retrieval.version(&request.caller, kind, ours(id), version).await?;
            Ok(versioned(&request, resource))
        }
        Route::History(kind, id) => history(service, &request, kind, ours(id)).await,
        Route::Search(kind) => find(service, &request, kind, None).await,
        Route::OfPatient(kind, patient) => find(service, &request, kind, Some(ours(patient))).await,
    }
}

/// Returns the id to ask for; a text that cannot be an id of ours asks for one that nobody has, so that the attempt
/// is decided and recorded like any other.
fn ours(id: Option<RecordId>) -> RecordId {
    id.unwrap_or(RecordId([0; 16]))
}

fn versioned(request: &Request<'_>, resource: Resource) -> Answer {
    let (version, last_updated) = (resource.version, resource.last_updated);
    if conditional::is_unchanged(request.http.headers(), version, last_updated) {
        return Answer::Unchanged { version, last_updated };
    }
    Answer::Versioned { json: with_meta(&resource.content, version, last_updated), version, last_updated }
}

async fn history(service: &Service, request: &Request<'_>, kind: Kind, id: RecordId) -> Result<Answer, Problem> {
    let limits = &service.limits;
    let mut count = limits.default_count;
    let mut before: Option<Version> = None;
    for (name, value) in &request.pairs {
        let number = || value.parse::<u32>().map_err(|_| Problem::Parameter);
        match name.as_str() {
            "_format" | "_pretty" => {}
            "_count" => count = number()?.clamp(1, limits.max_count),
            "_before" => before = Some(number()?),
            _ => return Err(Problem::Parameter),
        }
    }
    let history = service.retrieval.history(&request.caller, kind, id, count, before).await?;
    let page = |before: Option<Version>| {
        let address = format!("{}/{kind}/{id}/_history?_count={count}", service.base);
        before.map_or(address.clone(), |before| format!("{address}&_before={before}"))
    };
    let links = Links { this: page(before), next: history.next.map(|next| page(Some(next))) };
    Ok(Answer::Plain(bundle::history(&service.base, &history, &links)))
}

async fn find(
    service: &Service,
    request: &Request<'_>,
    kind: Kind,
    patient: Option<RecordId>,
) -> Result<Answer, Problem> {
    let settings = Settings {
        base: &service.base,
        now: service.retrieval.clock.now(),
        default_count: service.limits.default_count,
        max_count: service.limits.max_count,
        lenient: negotiate::is_lenient(request.http.headers()),
    };
    let retrieval = &service.retrieval;
    let (cursors, asked): (Vec<_>, Vec<_>) = request.pairs.iter().cloned().partition(|(name, _)| name == "_cursor");
    let (pairs, after) = match cursors.as_slice() {
        [] => {
            let of_patient = patient.map(|patient| ("patient".to_owned(), format!("Patient/{patient}")));
            (asked.into_iter().chain(of_patient).collect::<Vec<_>>(), None)
        }
        [(_, text)] => {
            let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| Problem::CursorInvalid)?;
            let (position, question) = retrieval.open_cursor(&request.caller, kind, &sealed).await?;
            // The question is in the cursor; beside it only the form of the answer may be asked for.
            if asked.iter().any(|(name, _)| !matches!(name.as_str(), "_count" | "_format" | "_pretty")) {
                return Err(Problem::CursorInvalid);
            }
            let question = form::pairs(&question).map_err(|_| Problem::CursorInvalid)?;
            (question.into_iter().chain(asked).collect(), Some(position))
        }
        _ => return Err(Problem::CursorInvalid),
    };
    let query = search::read(kind, &pairs, settings)?;
    let matches = |resource: &Resource| query.matches(resource.last_updated, &resource.content);
    let include = |resource: &Resource| query.included(&resource.content);
    let page = retrieval
        .search(
            &request.caller,
            Search {
                kind,
                terms: query.terms().to_vec(),
                ids: query.ids().map(<[RecordId]>::to_vec),
                matches: &matches,
                include: query.includes().then_some(&include),
                count: query.count(),
                after,
                total: match query.total() {
                    Total::None => TotalMode::None,
                    Total::Accurate => TotalMode::Accurate,
                },
                only_count: query.only_count(),
            },
        )
        .await?;
    let next = match &page.next {
        None => None,
        Some(position) => {
            let sealed = retrieval.seal_cursor(&request.caller, kind, &query.identity(), position).await?;
            Some(URL_SAFE_NO_PAD.encode(sealed))
        }
    };
    let links = Links {
        this: match cursors.first() {
            None => first_link(service, &query),
            Some((_, cursor)) => next_link(service, &query, cursor),
        },
        next: next.map(|cursor| next_link(service, &query, &cursor)),
    };
    Ok(Answer::Plain(bundle::searchset(&service.base, &page, &links, query.ignored())))
}

/// The address of the first page: what was understood of the question.
fn first_link(service: &Service, query: &Query) -> String {
    let asked = query.self_query();
    let mark = if asked.is_empty() { "" } else { "?" };
    format!("{}/{}{mark}{asked}", service.base, query.kind())
}

/// The address of a further page: the cursor, and the size of a page where one was asked for.
fn next_link(service: &Service, query: &Query, cursor: &str) -> String {
    let count = query.asked_count().map_or_else(String::new, |count| format!("_count={count}&"));
    format!("{}/{}?{count}_cursor={cursor}", service.base, query.kind())
}

/// Refuses parameters that a read does not have.
fn only_form(pairs: &[(String, String)]) -> Result<(), Problem> {
    let known = pairs.iter().all(|(name, _)| matches!(name.as_str(), "_format" | "_pretty"));
    if known { Ok(()) } else { Err(Problem::Parameter) }
}
