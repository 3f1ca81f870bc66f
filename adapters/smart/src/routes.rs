//! The routes: a request becomes a form and its origin, an outcome becomes an answer that nobody caches.

use crate::client::Shown;
use crate::journal::Origin;
use crate::refusal::{Face, Refused};
use crate::service::Service;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use cors::{Readers, Sends};
use domain::id::CorrelationId;
use form::Form;
use form::route::allows;
use serde_json::json;
use std::future::Future;
use std::sync::Arc;

/// What is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Endpoint {
    Configuration,
    OpenidConfiguration,
    Jwks,
    Token,
    Introspection,
    Revocation,
}

/// Everything that is served, with the methods of each.
const TABLE: &[(Endpoint, &str, &str)] = &[
    (Endpoint::Configuration, "/fhir/.well-known/smart-configuration", "GET, HEAD"),
    // Not asked for by the standard; some clients look here as well.
    (Endpoint::Configuration, "/.well-known/smart-configuration", "GET, HEAD"),
    (Endpoint::OpenidConfiguration, "/.well-known/openid-configuration", "GET, HEAD"),
    (Endpoint::Jwks, "/oauth/jwks", "GET, HEAD"),
    (Endpoint::Token, "/oauth/token", "POST"),
    (Endpoint::Introspection, "/oauth/introspect", "POST"),
    (Endpoint::Revocation, "/oauth/revoke", "POST"),
];

/// Returns every path that is served with its methods, as the `Allow` header says them.
pub fn routes() -> impl Iterator<Item = (String, &'static str)> {
    TABLE.iter().map(|(_, path, allowed)| ((*path).to_owned(), *allowed))
}

/// Mounts the endpoints; before whatever else answers below `/fhir`, since what is mounted first is asked first.
pub fn configure(application: &mut web::ServiceConfig, service: Arc<Service>) {
    for &(endpoint, path, allowed) in TABLE {
        let service = Arc::clone(&service);
        application.service(web::resource(path).to(move |request: HttpRequest, body: web::Payload| {
            let service = Arc::clone(&service);
            async move {
                if let Some(answer) = preflight(&service, endpoint, allowed, &request) {
                    return answer;
                }
                if !allows(allowed, request.method()) {
                    return not_allowed(allowed);
                }
                match endpoint {
                    Endpoint::Configuration => public(service.smart.clone()),
                    Endpoint::OpenidConfiguration => public(service.openid.clone()),
                    Endpoint::Jwks => key_set(&service).await,
                    Endpoint::Token | Endpoint::Introspection | Endpoint::Revocation => {
                        answer(&service, endpoint, &request, body).await
                    }
                }
            }
        }));
    }
}

/// Answers the preflight of a page of another site; nobody has one who asks what somebody else's token is good for.
fn preflight(
    service: &Service,
    endpoint: Endpoint,
    methods: &'static str,
    request: &HttpRequest,
) -> Option<HttpResponse> {
    // Without `Authorization`: a page keeps no secret, so an application in one is public or signs.
    let sends = Sends { methods, headers: "Accept, Content-Type, X-Request-Id" };
    match endpoint {
        Endpoint::Configuration | Endpoint::OpenidConfiguration | Endpoint::Jwks => {
            cors::preflight(request, sends, Readers::Anybody)
        }
        Endpoint::Token | Endpoint::Revocation => {
            let registered = |origin: &str| service.directory().origin_registered(origin, None);
            cors::preflight(request, sends, Readers::Registered(&registered))
        }
        Endpoint::Introspection => None,
    }
}

/// Reads the form, does the work, and records a refusal before it is answered.
async fn answer(service: &Arc<Service>, endpoint: Endpoint, request: &HttpRequest, body: web::Payload) -> HttpResponse {
    let Ok(correlation) = correlation(service, request) else {
        return problem(&Refused::new(Face::Unavailable, "unavailable"));
    };
    let peer = form::request::peer(request);
    let origin = Origin { peer, correlation };
    let mut tenant = None;
    let done = async {
        let form = read(service, request, body).await?;
        let directory = service.directory();
        if endpoint != Endpoint::Revocation && !directory.is_confirmed() {
            return Err(Refused::new(Face::Unavailable, "directory-unconfirmed"));
        }
        tenant =
            form.get("client_id").and_then(|named| directory.application_by_client_id(named)).map(|known| known.tenant);
        let shown = shown(request);
        match endpoint {
            Endpoint::Token => {
                let issued = service.issue(origin, &form, shown).await?;
                tenant = tenant.or(issued.holder);
                Ok(Some(issued.answer))
            }
            Endpoint::Introspection => service.introspect(origin, &form, shown).await.map(Some),
            Endpoint::Revocation => service.revoke(origin, &form, shown).await.map(|()| None),
            Endpoint::Configuration | Endpoint::OpenidConfiguration | Endpoint::Jwks => Ok(None),
        }
    };
    let mut response = match within(service, done).await {
        Ok(Some(value)) => start(StatusCode::OK).body(value.to_string()),
        Ok(None) => start(StatusCode::OK).body("{}"),
        Err(refused) => {
            let refused = service.record_refusal(origin, refused).await;
            problem(&refused)
        }
    };
    form::answer::number(&mut response, correlation);
    if endpoint != Endpoint::Introspection {
        // Tokens are for pages of their own tenant, which a page names by itself or by its refresh token; what went wrong before is for every registered one.
        let named = tenant.is_some() || !response.status().is_success();
        let registered = |origin: &str| named && service.directory().origin_registered(origin, tenant);
        cors::mark(&mut response, cors::origin(request), Readers::Registered(&registered));
    }
    response
}

async fn within<T>(service: &Service, work: impl Future<Output = Result<T, Refused>>) -> Result<T, Refused> {
    let timeout = tokio::time::timeout(service.settings.limits.request_timeout, work).await;
    timeout.unwrap_or(Err(Refused::new(Face::Unavailable, "timeout")))
}

/// Reads a form from the body alone: what stands in an address ends in logs (RFC 6749 §2.3.1).
async fn read(service: &Service, request: &HttpRequest, body: web::Payload) -> Result<Form, Refused> {
    let invalid = |reason| Refused::new(Face::InvalidRequest, reason);
    if !request.query_string().is_empty() {
        return Err(invalid("parameters-in-address"));
    }
    let media = form::request::media_type(request);
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(invalid("media-type"));
    }
    match body.to_bytes_limited(service.settings.limits.max_body_bytes).await {
        Ok(Ok(bytes)) => Form::read_bytes(&bytes).map_err(|_| invalid("form")),
        Ok(Err(_)) => Err(invalid("body-broken")),
        Err(_) => Err(Refused::new(Face::TooLong, "body-too-long")),
    }
}

/// Takes over a request id that is a UUID, else makes one.
fn correlation(service: &Service, request: &HttpRequest) -> Result<CorrelationId, domain::ports::Unavailable> {
    form::request::number(request, service.settings.clock.as_ref(), service.settings.entropy.as_ref())
}

fn shown(request: &HttpRequest) -> Shown<'_> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    match (headers.next().map(|value| value.to_str()), headers.next()) {
        (None, _) => Shown::Form,
        (Some(Ok(value)), None) => Shown::Header(value),
        (Some(_), _) => Shown::Unreadable,
    }
}

async fn key_set(service: &Service) -> HttpResponse {
    match within(service, service.signing.key_set()).await {
        Ok(keys) => public(keys),
        Err(refused) => problem(&refused),
    }
}

fn public(document: String) -> HttpResponse {
    let mut response = HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .insert_header((header::CACHE_CONTROL, "max-age=300"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(document);
    // Public, and fetched by pages of other origins.
    cors::mark(&mut response, None, Readers::Anybody);
    response
}

fn problem(refused: &Refused) -> HttpResponse {
    let face = refused.face;
    let mut response = start(face.status());
    match face {
        Face::InvalidClient => {
            response.insert_header((header::WWW_AUTHENTICATE, "Basic realm=\"oauth\""));
        }
        Face::Unavailable => {
            response.insert_header((header::RETRY_AFTER, "5"));
        }
        Face::TooMany(seconds) | Face::SlowDown(seconds) => {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        // The rest of what was sent is not read: the connection cannot be used again.
        Face::TooLong => {
            response.force_close();
        }
        Face::InvalidRequest
        | Face::InvalidGrant
        | Face::InvalidScope
        | Face::UnsupportedGrant
        | Face::UnauthorizedClient => {}
    }
    response.body(json!({ "error": face.error(), "error_description": face.description() }).to_string())
}

fn not_allowed(methods: &'static str) -> HttpResponse {
    start(StatusCode::METHOD_NOT_ALLOWED)
        .insert_header((header::ALLOW, methods))
        .body(json!({ "error": "invalid_request", "error_description": "the method is not served here" }).to_string())
}

fn start(status: StatusCode) -> HttpResponseBuilder {
    let mut response = form::answer::start(status, "application/json");
    response.insert_header((header::PRAGMA, "no-cache"));
    response
}
