//! Answers on the wire: every one has a request id, is not cached and says what it is.

use crate::conditional::http_date;
use crate::negotiate::Style;
use crate::outcome::Problem;
use crate::route::NoRoute;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::retrieval::Refusal;
use domain::time::Timestamp;
use domain::write::Version;

/// What an interaction answers with.
pub(crate) enum Answer {
    /// A resource or bundle without a version of its own.
    Plain(String),
    /// One version of a resource.
    Versioned {
        /// Its JSON.
        json: String,
        /// Its version.
        version: Version,
        /// When that was stored.
        last_updated: Timestamp,
    },
    /// The client has this version already.
    Unchanged {
        /// The version.
        version: Version,
        /// When that was stored.
        last_updated: Timestamp,
    },
}

impl Answer {
    /// Writes the answer.
    pub(crate) fn write(self, style: Style, request_id: &str) -> HttpResponse {
        let laid_out = |json: String| if style.pretty { r4::pretty(&json) } else { json };
        match self {
            Answer::Plain(json) => start(StatusCode::OK, request_id).body(laid_out(json)),
            Answer::Versioned { json, version, last_updated } => {
                let mut response = start(StatusCode::OK, request_id);
                stamp(&mut response, version, last_updated);
                response.body(laid_out(json))
            }
            Answer::Unchanged { version, last_updated } => {
                let mut response = start(StatusCode::NOT_MODIFIED, request_id);
                stamp(&mut response, version, last_updated);
                response.finish()
            }
        }
    }
}

/// Writes a problem as its OperationOutcome.
pub(crate) fn problem(problem: Problem, style: Style, request_id: &str) -> HttpResponse {
    let mut response = start(problem.status(), request_id);
    match problem {
        Problem::Unauthenticated(crate::service::Unauthenticated::Missing) => {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"fhir\""));
        }
        Problem::Unauthenticated(crate::service::Unauthenticated::Unknown) => {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"fhir\", error=\"invalid_token\""));
        }
        Problem::TooManyRefused(seconds) => {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        Problem::NoRoute(NoRoute::NotAllowed(methods)) => {
            response.insert_header((header::ALLOW, methods));
        }
        Problem::Refused(Refusal::Unavailable) | Problem::Timeout => {
            response.insert_header((header::RETRY_AFTER, "5"));
        }
        // The rest of what was sent is not read: the connection cannot be used again.
        Problem::BodyTooLong | Problem::BodyBroken | Problem::HeadersTooLong => {
            response.force_close();
        }
        _ => {}
    }
    let json = problem.outcome();
    response.body(if style.pretty { r4::pretty(&json) } else { json })
}

fn start(status: StatusCode, request_id: &str) -> HttpResponseBuilder {
    let mut response = form::answer::start(status, "application/fhir+json; charset=utf-8");
    response.insert_header(("x-request-id", request_id));
    response
}

fn stamp(response: &mut HttpResponseBuilder, version: Version, last_updated: Timestamp) {
    response
        .insert_header((header::ETAG, format!("W/\"{version}\"")))
        .insert_header((header::LAST_MODIFIED, http_date(last_updated)));
}
