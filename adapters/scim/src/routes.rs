//! The routes: a path becomes an endpoint, a request a visit and a body, an outcome an answer.
//!
//! Every endpoint lies below its connection, so that what a provider is told is one address, and a token that is shown to
//! another connection is shown to nobody.

use crate::answer;
use crate::endpoint;
use crate::problem::Problem;
use crate::service::Service;
use crate::visit::Visit;
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::id::CorrelationId;
use domain::kind::Kind;
use form::{request, route};
use serde_json::Value;
use std::sync::Arc;

const MOUNT: &str = "/scim/v2";

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Configuration,
    ResourceTypes,
    ResourceType,
    Schemas,
    Schema,
    Users,
    User,
    Groups,
    Group,
    /// What RFC 7644 has and this does not.
    NotOffered,
}

impl Endpoint {
    /// Returns what is changed there.
    const fn kind(self) -> Option<Kind> {
        match self {
            Endpoint::Users | Endpoint::User => Some(Kind::ProvisionedPerson),
            Endpoint::Groups | Endpoint::Group => Some(Kind::ProvisionedGroup),
            Endpoint::Configuration
            | Endpoint::ResourceTypes
            | Endpoint::ResourceType
            | Endpoint::Schemas
            | Endpoint::Schema
            | Endpoint::NotOffered => None,
        }
    }
}

/// Every path below a connection, with its methods; a part in braces stands for one of any name.
const TABLE: &[(Endpoint, &str, &str)] = &[
    (Endpoint::Configuration, "ServiceProviderConfig", "GET"),
    (Endpoint::ResourceTypes, "ResourceTypes", "GET"),
    (Endpoint::ResourceType, "ResourceTypes/{id}", "GET"),
    (Endpoint::Schemas, "Schemas", "GET"),
    (Endpoint::Schema, "Schemas/{id}", "GET"),
    (Endpoint::Users, "Users", "GET, POST"),
    (Endpoint::User, "Users/{id}", "GET, PUT, PATCH, DELETE"),
    (Endpoint::Groups, "Groups", "GET, POST"),
    (Endpoint::Group, "Groups/{id}", "GET, PUT, PATCH, DELETE"),
    (Endpoint::NotOffered, "Bulk", "POST"),
    (Endpoint::NotOffered, "Me", "GET, PUT, PATCH, DELETE, POST"),
    (Endpoint::NotOffered, "Users/.search", "POST"),
    (Endpoint::NotOffered, "Groups/.search", "POST"),
    (Endpoint::NotOffered, ".search", "POST"),
];

/// Returns every path that is served, with its methods.
pub fn routes() -> impl Iterator<Item = (String, &'static str)> {
    TABLE.iter().map(|(_, path, allowed)| (format!("{MOUNT}/{{connection}}/{path}"), *allowed))
}

/// Mounts the endpoints; anything else below them answers 404.
pub fn configure(application: &mut web::ServiceConfig, service: Arc<Service>) {
    let serve = move |request: HttpRequest, body: web::Payload| dispatch(Arc::clone(&service), request, body);
    application.service(web::scope(MOUNT).default_service(web::to(serve)));
}

async fn dispatch(service: Arc<Service>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let administration = &service.settings.administration;
    let (clock, entropy) = (administration.clock.as_ref(), administration.entropy.as_ref());
    let Ok(correlation) = request::number(&request, clock, entropy) else {
        return answer::problem(Problem::Unavailable);
    };
    let timeout = service.settings.limits.request_timeout;
    let doing = async move { serve(&service, &request, body, correlation).await };
    let mut response = match request::answered(timeout, doing).await.unwrap_or(Err(Problem::Unavailable)) {
        Ok(response) => response,
        Err(problem) => answer::problem(problem),
    };
    form::answer::number(&mut response, correlation);
    response
}

async fn serve(
    service: &Service,
    request: &HttpRequest,
    body: web::Payload,
    correlation: CorrelationId,
) -> Result<HttpResponse, Problem> {
    let path = request.path().strip_prefix(MOUNT).unwrap_or_default();
    let path = path.trim_start_matches('/').trim_end_matches('/');
    let (connection, path) = path.split_once('/').unwrap_or((path, ""));
    // Whoever shows no token is not told what there is.
    let visit = Visit::admit(service, request, connection, correlation).await?;
    let (endpoint, allowed, parts) = find(path).ok_or(Problem::NotFound)?;
    if !route::allows(allowed, request.method()) {
        return Err(Problem::NotAllowed(allowed));
    }
    let id = parts.first().copied().unwrap_or_default();
    let done = async {
        let body = match *request.method() {
            Method::POST | Method::PUT | Method::PATCH => read(service, request, body).await?,
            _ => Value::Null,
        };
        endpoint::serve(&visit, request, endpoint, id, &body).await
    };
    let done = done.await;
    if let (Err(problem), Some(kind)) = (&done, endpoint.kind())
        && *request.method() != Method::GET
    {
        visit.note_refused(kind, id, *problem).await;
    }
    done
}

/// Finds the endpoint of a path below a connection, its methods, and what the path names.
fn find(path: &str) -> Option<(Endpoint, &'static str, Vec<&str>)> {
    let ((endpoint, _, allowed), parts) = route::find(TABLE, |(_, pattern, _)| pattern, path)?;
    Some((*endpoint, allowed, parts))
}

async fn read(service: &Service, request: &HttpRequest, body: web::Payload) -> Result<Value, Problem> {
    let media = request::media_type(request);
    if !["application/scim+json", "application/json"].iter().any(|known| media.eq_ignore_ascii_case(known)) {
        return Err(Problem::MediaType);
    }
    let limits = &service.settings.limits;
    let bytes = request::body(body, limits.max_body_bytes, limits.body_timeout).await?;
    let value = form::json::read_caseless(&bytes, limits.max_body_depth).map_err(Problem::Syntax)?;
    if value.is_object() { Ok(value) } else { Err(Problem::Syntax("the body must be an object")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_means_one_endpoint() {
        let found = |path| find(path).map(|(endpoint, _, parts)| (endpoint, parts));
        assert_eq!(found("Users"), Some((Endpoint::Users, vec![])));
        assert_eq!(found("Users/1"), Some((Endpoint::User, vec!["1"])));
        assert_eq!(found("Users/.search"), Some((Endpoint::NotOffered, vec![])));
        assert_eq!(found("Bulk"), Some((Endpoint::NotOffered, vec![])));
        for none in ["", "users", "Users/1/2", "Nothing"] {
            assert_eq!(found(none), None);
        }
    }
}
