//! Health and metrics on a loopback port of their own; nothing here speaks of any patient.

use crate::exit::{Exit, Outcome, Stop};
use crate::metrics;
use crate::{alarms, break_glass};
use actix_web::http::StatusCode;
use actix_web::{App, HttpResponse, HttpServer, web};
use domain::directory::Directory;
use domain::id::TenantId;
use domain::ports::Store;
use hl7::Counters;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::Recorder;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// How long the database may take to answer before the gateway counts as not ready.
const READY_TIMEOUT: Duration = Duration::from_secs(2);

/// What health and metrics are read from.
#[derive(Clone)]
pub struct Health {
    /// The database.
    pub store: Arc<dyn Store>,
    /// The ledger.
    pub recorder: Arc<Recorder>,
    /// The MLLP listeners.
    pub counters: Arc<Counters>,
    /// What is counted of emergency access.
    pub glass: Arc<break_glass::Gauges>,
    /// What waits to be told.
    pub alarms: Arc<alarms::Gauges>,
    /// The directory in force.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Set while older entries are still being verified.
    pub verifying: Arc<AtomicBool>,
    /// Set once the gateway is told to stop.
    pub stopping: CancellationToken,
}

/// What is served.
#[derive(Debug, Clone, Copy)]
enum Endpoint {
    Live,
    Ready,
    Metrics,
}

/// Everything that is served, for `GET` alone.
const TABLE: &[(Endpoint, &str)] =
    &[(Endpoint::Live, "/health/live"), (Endpoint::Ready, "/health/ready"), (Endpoint::Metrics, "/metrics")];

/// Returns every path that is served, with its methods.
pub fn routes() -> impl Iterator<Item = (String, &'static str)> {
    TABLE.iter().map(|(_, path)| ((*path).to_owned(), "GET"))
}

/// Says what a part of the gateway serves.
pub fn say_routes(part: &'static str, routes: impl Iterator<Item = (String, &'static str)>) {
    for (path, methods) in routes {
        tracing::debug!(part, path, methods, "route");
    }
}

/// Serves `/health/live`, `/health/ready` and `/metrics` until `stop`.
///
/// # Errors
/// [`Exit::Unavailable`] when the port cannot be served.
pub fn serve(socket: TcpListener, health: Health, stop: CancellationToken) -> Outcome {
    say_routes("operations", routes());
    let server = HttpServer::new(move || {
        TABLE.iter().fold(App::new().app_data(web::Data::new(health.clone())), |application, (endpoint, path)| {
            let route = match endpoint {
                Endpoint::Live => web::get().to(live),
                Endpoint::Ready => web::get().to(ready),
                Endpoint::Metrics => web::get().to(scrape),
            };
            application.route(path, route)
        })
    })
    .workers(1)
    .disable_signals()
    .listen(socket)
    .map_err(|why| Stop::new(Exit::Unavailable, format!("health and metrics cannot be served: {why}")))?
    .run();
    let handle = server.handle();
    tokio::spawn(server);
    tokio::spawn(async move {
        stop.cancelled().await;
        handle.stop(false).await;
    });
    Ok(())
}

async fn live() -> &'static str {
    "live\n"
}

async fn ready(health: web::Data<Health>) -> HttpResponse {
    if health.stopping.is_cancelled() {
        return said(StatusCode::SERVICE_UNAVAILABLE, "stopping\n");
    }
    let confirmed = health.directory.borrow().is_confirmed();
    match tokio::time::timeout(READY_TIMEOUT, health.store.mark(TenantId::SYSTEM, &[])).await {
        // Results are taken, so whoever sends them is not to be led elsewhere: every gateway on this database is as this one.
        Ok(Ok(_)) if !confirmed => said(StatusCode::OK, "ready for results alone: the directory cannot be loaded\n"),
        Ok(Ok(_)) if health.verifying.load(Ordering::Relaxed) => {
            said(StatusCode::OK, "ready, verifying older audit entries\n")
        }
        Ok(Ok(_)) => said(StatusCode::OK, "ready\n"),
        Ok(Err(_)) | Err(_) => said(StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n"),
    }
}

async fn scrape(health: web::Data<Health>) -> HttpResponse {
    let text = metrics::render(&health.counters, &health.recorder.metrics(), &health.glass, &health.alarms);
    HttpResponse::Ok().content_type("text/plain; version=0.0.4; charset=utf-8").body(text)
}

fn said(status: StatusCode, text: &'static str) -> HttpResponse {
    HttpResponse::build(status).content_type("text/plain; charset=utf-8").body(text)
}
