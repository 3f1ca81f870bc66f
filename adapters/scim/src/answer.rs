//! Answers: SCIM JSON that nobody caches.

use crate::problem::Problem;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::{Value, json};

const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// Answers with a resource as it is stored, or as it is left after the choice of attributes.
pub(crate) fn resource(status: StatusCode, value: &Value, version: u32, location: &str) -> HttpResponse {
    start(status)
        .insert_header((header::ETAG, format!("W/\"{version}\"")))
        .insert_header((header::LOCATION, location.to_owned()))
        .body(value.to_string())
}

/// Answers with something that is the same for everybody.
pub(crate) fn document(value: &Value) -> HttpResponse {
    start(StatusCode::OK).body(value.to_string())
}

/// Answers with a page of a list.
pub(crate) fn list(total: usize, start_index: usize, resources: Vec<Value>) -> HttpResponse {
    let value = json!({
        "schemas": [LIST],
        "totalResults": total,
        "startIndex": start_index,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    });
    start(StatusCode::OK).body(value.to_string())
}

/// Answers that it was done, or that nothing is newer, with nothing to say.
pub(crate) fn empty(status: StatusCode) -> HttpResponse {
    start(status).finish()
}

/// Answers that something is wrong (RFC 7644 §3.12).
pub(crate) fn problem(problem: Problem) -> HttpResponse {
    let mut error = json!({
        "schemas": [ERROR],
        "status": problem.status().as_str(),
        "detail": problem.detail(),
    });
    if let (Some(object), Some(r#type)) = (error.as_object_mut(), problem.scim_type()) {
        object.insert("scimType".to_owned(), json!(r#type));
    }
    let mut response = start(problem.status());
    match problem {
        Problem::Unauthenticated => {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer realm=\"scim\""));
        }
        Problem::NotAllowed(methods) => {
            response.insert_header((header::ALLOW, methods));
        }
        Problem::TooManyRefused(seconds) => {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        Problem::Unavailable => {
            response.insert_header((header::RETRY_AFTER, "5"));
        }
        // The rest of what was sent is not read: the connection cannot be used again.
        Problem::TooLong | Problem::TooSlow => {
            response.force_close();
        }
        Problem::Denied
        | Problem::Full
        | Problem::NotFound
        | Problem::NotOffered
        | Problem::MediaType
        | Problem::Syntax(_)
        | Problem::Filter(_)
        | Problem::TooMany(_)
        | Problem::TooManyNames
        | Problem::Path(_)
        | Problem::NoTarget(_)
        | Problem::Value(_)
        | Problem::Mutability(_)
        | Problem::Uniqueness
        | Problem::Precondition
        | Problem::Raced => {}
    }
    response.body(error.to_string())
}

fn start(status: StatusCode) -> HttpResponseBuilder {
    form::answer::start(status, "application/scim+json")
}
