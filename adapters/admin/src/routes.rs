//! The routes: a path becomes an endpoint, a request a visit and a body, an outcome an answer.

use crate::answer::{self, MERGE_PATCH};
use crate::problem::Problem;
use crate::service::Service;
use crate::visit::Visit;
use crate::{connections, reviews, sessions, sign_ins, users};
use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};
use domain::id::CorrelationId;
use form::request::{self, NotAnswered};
use form::route;
use serde_json::Value;
use std::sync::Arc;

const MOUNT: &str = "/admin/v1";

/// What a path means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    Description,
    Connections,
    Connection,
    Rules,
    Test,
    ProvisioningTokens,
    ProvisioningToken,
    RefusedSignIns,
    Users,
    User,
    Reset,
    Clinics,
    Settings,
    Sessions,
    EndSessions,
    Session,
    Reviews,
    Review,
    Close,
}

/// Every path, with its methods and the parameters that a query may have; a part in braces stands for one of any name.
const TABLE: &[(Endpoint, &str, &str, &[&str])] = &[
    (Endpoint::Description, "openapi.json", "GET", &[]),
    (Endpoint::Connections, "connections", "GET, POST", PAGED),
    (Endpoint::Connection, "connections/{connection}", "GET, PATCH", &[]),
    (Endpoint::Rules, "connections/{connection}/rules", "GET, PUT", &[]),
    (Endpoint::Test, "connections/{connection}/test", "POST", &[]),
    (Endpoint::ProvisioningTokens, "connections/{connection}/provisioning-tokens", "POST", &[]),
    (Endpoint::ProvisioningToken, "connections/{connection}/provisioning-tokens/{mark}", "DELETE", &[]),
    (Endpoint::RefusedSignIns, "refused-sign-ins", "GET", &["correlation", "connection", "last"]),
    (Endpoint::Users, "users", "GET, POST", PAGED),
    (Endpoint::User, "users/{user}", "GET, PATCH", &[]),
    (Endpoint::Reset, "users/{user}/reset", "POST", &[]),
    (Endpoint::Clinics, "clinics", "GET", PAGED),
    (Endpoint::Settings, "settings", "GET", &[]),
    (Endpoint::Sessions, "sessions", "GET", &["limit", "after", "person"]),
    (Endpoint::EndSessions, "sessions/end", "POST", &[]),
    (Endpoint::Session, "sessions/{session}", "DELETE", &[]),
    (Endpoint::Reviews, "reviews", "GET", &["limit", "after", "state"]),
    (Endpoint::Review, "reviews/{review}", "GET", &[]),
    (Endpoint::Close, "reviews/{review}/close", "POST", &[]),
];

const PAGED: &[&str] = &["limit", "after"];

/// Returns every path that is served, with its methods.
pub fn routes() -> impl Iterator<Item = (String, &'static str)> {
    TABLE.iter().map(|(_, path, allowed, _)| (format!("{MOUNT}/{path}"), *allowed))
}

/// Mounts the endpoints; anything else below them answers 404.
pub fn configure(application: &mut web::ServiceConfig, service: Arc<Service>) {
    let serve = move |request: HttpRequest, body: web::Payload| dispatch(Arc::clone(&service), request, body);
    application.service(web::scope(MOUNT).default_service(web::to(serve)));
}

async fn dispatch(service: Arc<Service>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let administration = service.administration();
    let (clock, entropy) = (administration.clock.as_ref(), administration.entropy.as_ref());
    let Ok(correlation) = request::number(&request, clock, entropy) else {
        return answer::problem(&Problem::Unavailable, None);
    };
    let timeout = service.settings.limits.request_timeout;
    let doing = async move { serve(&service, &request, body, correlation).await };
    let done = request::answered(timeout, doing).await.unwrap_or_else(|why| match why {
        NotAnswered::TimedOut => Err(Problem::TimedOut),
        NotAnswered::Ended => Err(Problem::Unavailable),
    });
    let mut response = match done {
        Ok(response) => response,
        Err(problem) => answer::problem(&problem, Some(correlation)),
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
    // Whoever shows no token is not told what there is.
    let visit = Visit::admit(service, request, correlation).await?;
    match asked(&visit, request, body).await {
        Ok(response) => Ok(response),
        Err(problem) => {
            visit.record_problem(&problem).await?;
            Err(problem)
        }
    }
}

/// A request that an endpoint takes.
pub(crate) struct Asked<'a> {
    pub(crate) http: &'a HttpRequest,
    pub(crate) endpoint: Endpoint,
    /// What stands for the parts in braces.
    pub(crate) parts: Vec<&'a str>,
    /// The parameters that the query may have.
    pub(crate) parameters: &'static [&'static str],
    pub(crate) body: Value,
}

impl Asked<'_> {
    pub(crate) fn is(&self, method: Method) -> bool {
        *self.http.method() == method
    }

    /// Returns the id that a path names; what is none names nothing.
    pub(crate) fn id<T: std::str::FromStr>(&self) -> Result<T, Problem> {
        self.parts.first().and_then(|part| part.parse().ok()).ok_or(Problem::NotFound)
    }
}

async fn asked(visit: &Visit<'_>, request: &HttpRequest, body: web::Payload) -> Result<HttpResponse, Problem> {
    let path = request.path().strip_prefix(MOUNT).and_then(|path| path.strip_prefix('/')).unwrap_or_default();
    let (endpoint, allowed, parameters, parts) = find(path).ok_or(Problem::NoRoute)?;
    if !route::allows(allowed, request.method()) {
        return Err(Problem::NotAllowed(allowed));
    }
    // Every endpoint is asked with the parameters that it has, whatever it does with them.
    let parameters = if *request.method() == Method::GET { parameters } else { &[] };
    crate::query::Query::read(request.query_string(), parameters)?;
    visit.ask_to_add(endpoint, request.method()).await?;
    let body = read(visit, endpoint, request, body).await?;
    let asked = Asked { http: request, endpoint, parts, parameters, body };
    match endpoint {
        Endpoint::Description => Ok(answer::text(include_str!("openapi.json"))),
        Endpoint::Connections
        | Endpoint::Connection
        | Endpoint::Rules
        | Endpoint::Test
        | Endpoint::ProvisioningTokens
        | Endpoint::ProvisioningToken => connections::serve(visit, asked).await,
        Endpoint::RefusedSignIns => sign_ins::serve(visit, &asked).await,
        Endpoint::Users | Endpoint::User | Endpoint::Reset | Endpoint::Clinics | Endpoint::Settings => {
            users::serve(visit, asked).await
        }
        Endpoint::Sessions | Endpoint::EndSessions | Endpoint::Session => sessions::serve(visit, asked).await,
        Endpoint::Reviews | Endpoint::Review | Endpoint::Close => reviews::serve(visit, asked).await,
    }
}

/// An endpoint, its methods, its parameters, and what stands for the parts in braces.
type Found<'a> = (Endpoint, &'static str, &'static [&'static str], Vec<&'a str>);

/// Finds the endpoint of a path.
fn find(path: &str) -> Option<Found<'_>> {
    let ((endpoint, _, allowed, parameters), parts) = route::find(TABLE, |(_, pattern, _, _)| pattern, path)?;
    Some((*endpoint, allowed, parameters, parts))
}

/// Reads the body that a request must have, or that it has none.
async fn read(
    visit: &Visit<'_>,
    endpoint: Endpoint,
    request: &HttpRequest,
    body: web::Payload,
) -> Result<Value, Problem> {
    let limits = &visit.service.settings.limits;
    let needed = match *request.method() {
        Method::PATCH => Some(MERGE_PATCH),
        Method::POST if matches!(endpoint, Endpoint::Test | Endpoint::ProvisioningTokens) => None,
        Method::POST | Method::PUT => Some("application/json"),
        _ => None,
    };
    let media = request::media_type(request);
    if let Some(needed) = needed.filter(|needed| !media.eq_ignore_ascii_case(needed)) {
        return Err(Problem::MediaType(needed));
    }
    let bytes = request::body(body, limits.max_body_bytes, limits.body_timeout).await?;
    match needed {
        None if bytes.is_empty() => Ok(Value::Null),
        None => Err(Problem::Syntax("no body is taken here")),
        Some(_) => form::json::read(&bytes, limits.max_body_depth).map_err(Problem::Syntax),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_path_means_one_endpoint() {
        let found = |path| find(path).map(|(endpoint, _, _, parts)| (endpoint, parts));
        assert_eq!(found("connections"), Some((Endpoint::Connections, vec![])));
        assert_eq!(found("connections/1/rules"), Some((Endpoint::Rules, vec!["1"])));
        assert_eq!(found("connections/1/provisioning-tokens/2"), Some((Endpoint::ProvisioningToken, vec!["1", "2"])));
        assert_eq!(found("sessions/end"), Some((Endpoint::EndSessions, vec![])));
        assert_eq!(found("sessions/1"), Some((Endpoint::Session, vec!["1"])));
        for none in ["", "Connections", "connections/", "connections/1/", "connections/1/2", "//", "users/1/reset/2"] {
            assert_eq!(found(none), None, "{none}");
        }
    }

    #[test]
    fn the_description_has_every_route_and_parameter_and_no_other() {
        let description: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        assert_eq!(description["openapi"], "3.1.0");
        let mut described = BTreeSet::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap().iter().filter(|(name, _)| *name != "parameters") {
                let mut names: Vec<&str> = Vec::new();
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let parameter = resolved(&description, parameter);
                    if parameter["in"] == "query" {
                        names.push(parameter["name"].as_str().unwrap());
                    }
                }
                names.sort_unstable();
                described.insert(format!("{} {path} {}", method.to_uppercase(), names.join(" ")));
                let in_path: Vec<&str> = item["parameters"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|parameter| resolved(&description, parameter)["name"].as_str().unwrap())
                    .collect();
                let braces = path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
                assert_eq!(in_path, braces.collect::<Vec<_>>(), "{path}");
                for code in ["401", "403", "429", "500", "503"] {
                    // Whoever is admitted may read the description itself.
                    let comes = code != "403" || !path.ends_with("/openapi.json");
                    assert_eq!(operation["responses"].get(code).is_some(), comes, "{method} {path} describes {code}");
                }
            }
        }
        let mut served = BTreeSet::new();
        for (_, path, methods, parameters) in TABLE {
            for method in methods.split(", ") {
                let mut names = if method == "GET" { parameters.to_vec() } else { vec![] };
                names.sort_unstable();
                served.insert(format!("{method} {MOUNT}/{path} {}", names.join(" ")));
            }
        }
        assert_eq!(described, served);
    }

    #[test]
    fn every_reference_in_the_description_leads_somewhere() {
        fn walk(root: &Value, value: &Value) {
            match value {
                Value::Object(members) => {
                    if let Some(reference) = members.get("$ref").and_then(Value::as_str) {
                        let pointer = reference.strip_prefix('#').unwrap();
                        assert!(root.pointer(pointer).is_some(), "{reference}");
                    }
                    members.values().for_each(|value| walk(root, value));
                }
                Value::Array(items) => items.iter().for_each(|value| walk(root, value)),
                _ => {}
            }
        }
        let description: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
        walk(&description, &description);
    }

    fn resolved<'a>(root: &'a Value, value: &'a Value) -> &'a Value {
        match value.get("$ref").and_then(Value::as_str) {
            Some(reference) => root.pointer(reference.strip_prefix('#').unwrap()).unwrap(),
            None => value,
        }
    }
}
