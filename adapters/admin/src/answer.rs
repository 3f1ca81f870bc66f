//! Answers: JSON that nobody caches.

use crate::problem::Problem;
use crate::tag;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::id::{CorrelationId, RecordId};
use domain::write::Version;
use serde_json::{Value, json};

/// Answers with an entry as it is stored, and the tag of its version.
pub(crate) fn entry(value: &Value, version: Version) -> HttpResponse {
    start(StatusCode::OK).insert_header((header::ETAG, tag::of(version))).body(value.to_string())
}

/// Answers that an entry is there now.
pub(crate) fn created(value: &Value, version: Version, location: &str) -> HttpResponse {
    start(StatusCode::CREATED)
        .insert_header((header::ETAG, tag::of(version)))
        .insert_header((header::LOCATION, location.to_owned()))
        .body(value.to_string())
}

/// Answers with something that has no version.
pub(crate) fn document(value: &Value) -> HttpResponse {
    start(StatusCode::OK).body(value.to_string())
}

/// Answers with a text that is JSON already.
pub(crate) fn text(text: &'static str) -> HttpResponse {
    start(StatusCode::OK).body(text)
}

/// Answers with a page of a list, and after which item the next begins.
pub(crate) fn list(items: Vec<Value>, next: Option<RecordId>) -> HttpResponse {
    document(&json!({ "items": items, "next": next }))
}

/// Answers that it was done, with nothing to say.
pub(crate) fn done() -> HttpResponse {
    start(StatusCode::NO_CONTENT).finish()
}

/// Answers that something is wrong.
pub(crate) fn problem(problem: &Problem, correlation: Option<CorrelationId>) -> HttpResponse {
    let status = problem.status();
    let mut value = json!({
        "type": format!("urn:sealgate:problem:{}", problem.name()),
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": problem.detail(),
        "correlation": correlation.map(|id| id.to_string()),
    });
    let fault = match problem {
        Problem::Field(fault) => Some(json!([{ "pointer": fault.pointer, "detail": fault.detail }])),
        Problem::Query(name, detail) => Some(json!([{ "parameter": name, "detail": detail }])),
        _ => None,
    };
    if let (Some(value), Some(fault)) = (value.as_object_mut(), fault) {
        value.insert("errors".to_owned(), fault);
    }
    let mut response = form::answer::start(status, "application/problem+json");
    match problem {
        Problem::Unauthenticated => {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"administration\""));
        }
        Problem::NotAllowed(methods) => {
            response.insert_header((header::ALLOW, *methods));
        }
        Problem::MediaType(needed) if *needed == MERGE_PATCH => {
            response.insert_header(("accept-patch", MERGE_PATCH));
        }
        Problem::TooManyRefused(seconds) => {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        Problem::Unavailable | Problem::TimedOut => {
            response.insert_header((header::RETRY_AFTER, "5"));
        }
        // The rest of what was sent is not read: the connection cannot be used again.
        Problem::TooLong | Problem::TooSlow => {
            response.force_close();
        }
        _ => {}
    }
    response.body(value.to_string())
}

/// The media type of changes (RFC 7396 §4).
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";

fn start(status: StatusCode) -> HttpResponseBuilder {
    form::answer::start(status, "application/json")
}
