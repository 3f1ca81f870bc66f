//! One request from its first look to its answer.

use crate::answer::Answer;
use crate::doors::BackAt;
use crate::pages::{Frame, Here, ProblemPage, render};
use crate::problem::Problem;
use crate::route::{Door, Page, Row, TABLE};
use crate::service::Service;
use crate::visit::Visit;
use crate::{
    account, address, clinical_pages, credentials, federation, glass, key_step, launching, local, reviews,
    security_keys, signing_in,
};
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use domain::access::Action;
use domain::id::CorrelationId;
use domain::kind::Kind;
use form::Form;
use form::request::NotAnswered;
use std::sync::Arc;
use tokio::time::timeout;
use zeroize::Zeroizing;

/// Mounts the pages: exactly the rows of the table, and a page for everything else that nobody serves.
///
/// It is to be mounted last: what other parts of the gateway serve must be mounted before.
pub fn configure(application: &mut web::ServiceConfig, service: Arc<Service>) {
    for row in TABLE {
        let service = Arc::clone(&service);
        application.service(web::resource(row.path).to(move |request: HttpRequest, body: web::Payload| {
            let service = Arc::clone(&service);
            async move { dispatch(service, row, request, body).await }
        }));
    }
    application.default_service(web::to(move |request: HttpRequest| {
        let service = Arc::clone(&service);
        async move { nowhere(&service, &request) }
    }));
}

async fn dispatch(service: Arc<Service>, row: &'static Row, request: HttpRequest, body: web::Payload) -> HttpResponse {
    let correlation = match correlation(&service) {
        Ok(correlation) => correlation,
        Err(problem) => return plain_problem(problem, String::new()),
    };
    let reference = correlation.to_string();
    let done = answered(service, row, request, body, correlation).await;
    let mut response = done.unwrap_or_else(|problem| plain_answer(problem, reference.clone())).write(&reference);
    if response.status() == actix_web::http::StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(row.allow));
    }
    response
}

/// Answers a request, within its time. What it changes is changed to its end, also where nobody waits for the answer any more: between an
/// entry in the chain and what it tells of, nothing is left undone.
async fn answered(
    service: Arc<Service>,
    row: &'static Row,
    request: HttpRequest,
    body: web::Payload,
    correlation: CorrelationId,
) -> Result<Answer, Problem> {
    let (within, changes) = (service.limits.request_timeout, row.changes(request.method()));
    let answering = async move {
        let visit = arrive(&service, row, &request, body, correlation).await?;
        Ok(match answer(&visit).await {
            Ok(answer) => launching::on_the_way(&visit, answer).await,
            Err(problem) => problem_answer(&visit, problem),
        })
    };
    if !changes {
        return timeout(within, answering).await.map_err(|_| Problem::Timeout)?;
    }
    form::request::answered(within, answering).await.map_err(|why| match why {
        NotAnswered::TimedOut => Problem::Timeout,
        NotAnswered::Ended => Problem::Unavailable,
    })?
}

/// Checks what can be checked, in the order of its cost, and finds out who comes.
async fn arrive<'a>(
    service: &'a Service,
    row: &'static Row,
    request: &'a HttpRequest,
    body: web::Payload,
    correlation: CorrelationId,
) -> Result<Visit<'a>, Problem> {
    if !row.allows(request.method()) {
        return Err(Problem::NotAllowed(row.allow));
    }
    if request.query_string().len() > service.limits.max_query_bytes {
        return Err(Problem::TooLong);
    }
    let posted = *request.method() == Method::POST;
    // A provider's query is read by the part that verifies it, byte for byte.
    let query = if row.door == Door::CrossSite { Form::default() } else { Form::read(request.query_string())? };
    let mut visit = Visit::begin(service, request, row, correlation, query).await?;
    address::check(&visit).await?;
    if posted {
        // Nothing was begun yet: what does not come in time is not waited for.
        let reading = timeout(service.limits.request_timeout, read_form(service, row, request, body));
        visit.form = reading.await.map_err(|_| Problem::Timeout)??;
    }
    let needs_session = row.door == Door::SignedIn && visit.person().is_none();
    if posted
        && !needs_session
        && let Err(problem) = visit.check_form()
    {
        return Err(visit.refuse(visit.chain(), "form-forged", problem).await);
    }
    Ok(visit)
}

async fn read_form(service: &Service, row: &Row, request: &HttpRequest, body: web::Payload) -> Result<Form, Problem> {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let media = media.split(';').next().unwrap_or_default().trim();
    if !media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(Problem::NotAForm);
    }
    let from_provider = row.page == Page::SamlAcs;
    let most = if from_provider { service.limits.max_saml_bytes } else { service.limits.max_form_bytes };
    match body.to_bytes_limited(most).await {
        Ok(Ok(bytes)) => {
            let text = String::from_utf8(bytes.into()).map(Zeroizing::new).map_err(|_| Problem::NotAForm)?;
            Ok(Form::read(&text)?)
        }
        Ok(Err(_)) => Err(Problem::NotAForm),
        Err(_) => Err(Problem::TooLong),
    }
}

async fn answer(visit: &Visit<'_>) -> Result<Answer, Problem> {
    if visit.row.door == Door::SignedIn && visit.person().is_none() {
        return match visit.row.page {
            Page::Consent | Page::ChoosePatient => launching::to_sign_in(visit).await,
            _ => Ok(visit.to_sign_in()),
        };
    }
    let posted = *visit.http.method() == Method::POST;
    match visit.row.page {
        Page::Home => signing_in::home(visit),
        Page::Asset => signing_in::asset(visit),
        Page::Discover if posted => signing_in::discovered(visit),
        Page::Discover => signing_in::discover(visit),
        Page::SignIn => signing_in::choose(visit),
        Page::Password => local::password(visit).await,
        Page::Code if posted => local::code(visit, false).await,
        Page::Code => local::ask_code(visit, false).await,
        Page::Key => key_step::check(visit).await,
        Page::Recovery if posted => local::code(visit, true).await,
        Page::Recovery => local::ask_code(visit, true).await,
        Page::Enrol if posted => local::enrolled(visit).await,
        Page::Enrol => local::enrol(visit).await,
        Page::EnrolKey => key_step::enrol(visit).await,
        Page::Invitation if posted => local::take_up(visit).await,
        Page::Invitation => local::invited(visit).await,
        Page::Start => federation::start(visit).await,
        Page::OidcCallback => federation::oidc_callback(visit, BackAt::Common).await,
        Page::OidcOwnCallback => federation::oidc_callback(visit, BackAt::Own).await,
        Page::OidcKeys => federation::oidc_keys(visit),
        Page::OidcBackchannel => federation::oidc_backchannel(visit).await,
        Page::SamlAcs => federation::saml_acs(visit).await,
        Page::SamlMetadata => federation::saml_metadata(visit),
        Page::SamlLogout => federation::saml_logout(visit).await,
        Page::StepUp => signing_in::step_up(visit),
        Page::SignOut => federation::sign_out(visit).await,
        Page::SignedOut => signing_in::signed_out(visit),
        Page::Ending => signing_in::ending(visit),
        Page::Ended => signing_in::ended(visit),
        Page::Account => account::show(visit).await,
        Page::ChangePassword if posted => credentials::change_password(visit).await,
        Page::ChangePassword => credentials::password(visit).await,
        Page::Authenticator if posted => credentials::replace_authenticator(visit).await,
        Page::Authenticator => credentials::authenticator(visit).await,
        Page::SecurityKeys if posted => security_keys::add(visit).await,
        Page::SecurityKeys => security_keys::list(visit).await,
        Page::RemoveKey => security_keys::remove(visit).await,
        Page::RecoveryCodes if posted => credentials::draw_recovery_codes(visit).await,
        Page::RecoveryCodes => credentials::recovery_codes(visit).await,
        Page::EndSession => account::end_one(visit).await,
        Page::EndOthers => account::end_others(visit).await,
        Page::FindPatient if posted => clinical_pages::look(visit).await,
        Page::FindPatient => clinical_pages::find(visit),
        Page::FoundPatients => clinical_pages::found(visit).await,
        Page::Patient => clinical_pages::patient(visit).await,
        Page::Report => clinical_pages::report(visit).await,
        Page::History => clinical_pages::history(visit).await,
        Page::Version => clinical_pages::version(visit).await,
        Page::Document => clinical_pages::document(visit).await,
        Page::OldDocument => clinical_pages::old_document(visit).await,
        Page::OpenApplication => launching::open(visit).await,
        Page::Authorize => launching::ask(visit).await,
        Page::Consent if posted => launching::decide(visit).await,
        Page::Consent => launching::show(visit).await,
        Page::ChoosePatient if posted => launching::choose(visit).await,
        Page::ChoosePatient => launching::offer(visit).await,
        Page::BreakGlass if posted => glass::smash(visit).await,
        Page::BreakGlass => glass::ask(visit).await,
        Page::EndGlass => glass::mend(visit).await,
        Page::Reviews => reviews::list(visit).await,
        Page::Review if posted => reviews::close(visit).await,
        Page::Review => reviews::show(visit).await,
    }
}

/// Says what went wrong to whoever came, with the way on that they have.
pub(crate) fn problem_answer(visit: &Visit<'_>, problem: Problem) -> Answer {
    let frame = visit.frame(Here::Elsewhere);
    let hidden = problem == Problem::NotFound && visit.might(Action::BreakGlassStart, Kind::Patient);
    let clinical = matches!(visit.row.page, Page::Patient | Page::Report | Page::History | Page::Version);
    let offer = (hidden && clinical).then(|| match visit.row.page {
        Page::Patient => format!("/break-glass?patient={}", visit.record("patient")),
        _ => "/break-glass".to_owned(),
    });
    let (onward, onward_words) = match (visit.person(), problem) {
        (None, _) => ("/sign-in", "Sign in"),
        (Some(_), Problem::Denied) => ("/account", "Your account"),
        (Some(_), _) => ("/", "Start page"),
    };
    problem_page(frame, problem, offer, onward, onward_words)
}

fn plain_answer(problem: Problem, reference: String) -> Answer {
    problem_page(Frame::plain(reference), problem, None, "/", "Start page")
}

fn plain_problem(problem: Problem, reference: String) -> HttpResponse {
    plain_answer(problem, reference.clone()).write(&reference)
}

fn problem_page(
    frame: Frame,
    problem: Problem,
    offer: Option<String>,
    onward: &str,
    onward_words: &'static str,
) -> Answer {
    let page = ProblemPage { frame, words: problem.words(), offer, onward: onward.to_owned(), onward_words };
    // A page that cannot be written leaves its status.
    Answer::page_with(problem.status(), render(&page).unwrap_or_default()).retry_after(problem.wait())
}

/// Answers what nobody serves.
fn nowhere(service: &Service, _: &HttpRequest) -> HttpResponse {
    match correlation(service) {
        Ok(correlation) => plain_problem(Problem::NotFound, correlation.to_string()),
        Err(problem) => plain_problem(problem, String::new()),
    }
}

fn correlation(service: &Service) -> Result<CorrelationId, Problem> {
    let mut random = [0; 10];
    service.retrieval.entropy.fill(&mut random)?;
    Ok(CorrelationId::from_time(service.retrieval.clock.now(), random))
}

impl From<form::NotAForm> for Problem {
    fn from(_: form::NotAForm) -> Self {
        Problem::NotAForm
    }
}
