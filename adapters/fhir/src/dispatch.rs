//! One request from its first look to its answer.

use crate::answer::{self, Answer};
use crate::caller;
use crate::interaction;
use crate::negotiate::{self, Style};
use crate::outcome::Problem;
use crate::route::{self, Route};
use crate::service::Service;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use cors::{Readers, Sends};
use domain::id::TenantId;
use domain::retrieval::Caller;
use std::sync::Arc;

/// Where the FHIR interface is mounted.
const MOUNT: &str = "/fhir";

/// Returns every path that is served with its methods, as the `Allow` header says them; a part in braces stands for any one part.
pub fn routes() -> impl Iterator<Item = (String, &'static str)> {
    route::paths().map(|(path, allowed)| (format!("{MOUNT}{path}"), allowed))
}

/// Returns what mounts the interface under `/fhir` of an actix application; anything else there answers 404.
pub fn configure(service: Arc<Service>) -> impl Fn(&mut web::ServiceConfig) + Clone {
    move |application| {
        let service = Arc::clone(&service);
        application.service(
            web::scope(MOUNT)
                .default_service(web::to(move |request, body| dispatch(Arc::clone(&service), request, body))),
        );
    }
}

/// What an interaction needs to know of its request.
pub(crate) struct Request<'a> {
    pub(crate) http: &'a HttpRequest,
    pub(crate) route: Route,
    pub(crate) caller: Caller,
    /// Whether the token lets its holder know who the person is.
    pub(crate) tells_person: bool,
    /// The parameters of the query, and of the body of a `_search`, decoded.
    pub(crate) pairs: Vec<(String, String)>,
}

async fn dispatch(service: Arc<Service>, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let origin = cors::origin(&request);
    if let Some(answer) =
        cors::preflight(&request, SENDS, readers(&request, &|origin| may_read(&service, origin, None)))
    {
        return answer;
    }
    let correlation = match caller::correlation(&service, &request) {
        Ok(correlation) => correlation,
        Err(problem) => return answer::problem(problem, Style::default(), ""),
    };
    let made;
    let request_id = match caller::request_id(&request) {
        Some(given) => given,
        None => {
            made = correlation.to_string();
            &made
        }
    };
    let mut style = Style::default();
    let mut tenant = None;
    let answered = async {
        let route = look(&service, &request)?;
        let query = request.query_string();
        let mut pairs = form::pairs(query)?;
        let posted =
            if *request.method() == Method::POST { posted(&service, &request, body).await? } else { String::new() };
        pairs.extend(form::pairs(&posted)?);
        style = negotiate::style(request.headers(), &pairs)?;
        if route == Route::Metadata {
            return interaction::metadata(&service, &pairs);
        }
        let asked = asked(&request, request_id, &posted);
        let (caller, tells_person) = caller::admit(&service, &request, correlation, asked).await?;
        tenant = Some(caller.subject.tenant);
        interaction::answer(&service, Request { http: &request, route, caller, tells_person, pairs }).await
    };
    let answered: Result<Answer, Problem> =
        tokio::time::timeout(service.limits.request_timeout, answered).await.unwrap_or(Err(Problem::Timeout));
    let mut response = match answered {
        Ok(answer) => answer.write(style, request_id),
        Err(problem) => answer::problem(problem, style, request_id),
    };
    cors::mark(&mut response, origin, readers(&request, &|origin| may_read(&service, origin, tenant)));
    response
}

/// What pages of other sites may send: what is looked at here.
const SENDS: Sends = Sends {
    methods: "GET, HEAD, POST",
    headers: "Accept, Authorization, Content-Type, If-Modified-Since, If-None-Match, Prefer, X-Request-Id",
};

/// Returns which pages may read the answer: every one what needs no token, the others what their tenant lets them.
fn readers<'a>(request: &HttpRequest, registered: &'a dyn Fn(&str) -> bool) -> Readers<'a> {
    let path = request.path().strip_prefix(MOUNT).unwrap_or_default();
    match Route::read(&Method::GET, path) {
        Ok(Route::Metadata) => Readers::Anybody,
        _ => Readers::Registered(registered),
    }
}

fn may_read(service: &Service, origin: &str, tenant: Option<TenantId>) -> bool {
    service.admission.may_read(origin, tenant)
}

/// Checks what can be checked without reading a body or knowing who asks.
fn look(service: &Service, request: &HttpRequest) -> Result<Route, Problem> {
    if request.query_string().len() > service.limits.max_query_bytes {
        return Err(Problem::QueryTooLong);
    }
    let headers = request.headers().iter().map(|(name, value)| name.as_str().len().saturating_add(value.len()));
    if headers.fold(0, usize::saturating_add) > service.limits.max_header_bytes {
        return Err(Problem::HeadersTooLong);
    }
    let path = request.path().strip_prefix(MOUNT).unwrap_or_default();
    Ok(Route::read(request.method(), path)?)
}

/// Reads the body of a posted search.
async fn posted(service: &Service, request: &HttpRequest, body: web::Payload) -> Result<String, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    // A posted search may put everything into the query and have no body at all.
    let empty = length == Some("0") || (length.is_none() && !request.headers().contains_key(header::TRANSFER_ENCODING));
    if !(media.eq_ignore_ascii_case("application/x-www-form-urlencoded") || (media.is_empty() && empty)) {
        return Err(Problem::UnsupportedMedia);
    }
    match body.to_bytes_limited(service.limits.max_body_bytes).await {
        Ok(Ok(bytes)) => String::from_utf8(bytes.into()).map_err(|_| Problem::NotAForm),
        Ok(Err(_)) => Err(Problem::BodyBroken),
        Err(_) => Err(Problem::BodyTooLong),
    }
}

/// Says what was asked, for the sealed context.
fn asked(request: &HttpRequest, request_id: &str, posted: &str) -> String {
    let target = request.uri().path_and_query().map_or(request.path(), |target| target.as_str());
    let mut asked = format!("{} {target} request-id={request_id}", request.method());
    if !posted.is_empty() {
        asked.push_str(" body=");
        asked.push_str(posted);
    }
    asked
}
