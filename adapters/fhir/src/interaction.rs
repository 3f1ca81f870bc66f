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
    let of_patient = patient.map(|patient| ("patient".to_owned(), format!("Patient/{patient}")));
    let pairs: Vec<_> = request.pairs.iter().cloned().chain(of_patient).collect();
    let query = search::read(kind, &pairs, settings)?;
    let retrieval = &service.retrieval;
    let question = format!("{kind}?{}", query.identity());
    let after = match query.cursor() {
        None => None,
        Some(text) => {
            let sealed = URL_SAFE_NO_PAD.decode(text).map_err(|_| Problem::CursorInvalid)?;
            Some(retrieval.open_cursor(&request.caller, question.as_bytes(), &sealed).await?)
        }
    };
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
            let sealed = retrieval.seal_cursor(&request.caller, question.as_bytes(), position).await?;
            Some(URL_SAFE_NO_PAD.encode(sealed))
        }
    };
    let links = Links {
        this: page_link(service, &query, query.cursor()),
        next: next.map(|cursor| page_link(service, &query, Some(&cursor))),
    };
    Ok(Answer::Plain(bundle::searchset(&service.base, &page, &links, query.ignored())))
}

fn page_link(service: &Service, query: &Query, cursor: Option<&str>) -> String {
    let mut link = format!("{}/{}", service.base, query.kind());
    let asked = query.self_query();
    let mut mark = '?';
    if !asked.is_empty() {
        link.push(mark);
        link.push_str(&asked);
        mark = '&';
    }
    if let Some(cursor) = cursor {
        link.push(mark);
        link.push_str("_cursor=");
        link.push_str(cursor);
    }
    link
}

/// Refuses parameters that a read does not have.
fn only_form(pairs: &[(String, String)]) -> Result<(), Problem> {
    let known = pairs.iter().all(|(name, _)| matches!(name.as_str(), "_format" | "_pretty"));
    if known { Ok(()) } else { Err(Problem::Parameter) }
}
