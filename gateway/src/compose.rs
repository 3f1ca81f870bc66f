//! The composition root: the only place that names SQLite, PostgreSQL, MLLP and FHIR together.

use crate::admission::Clients;
use crate::alarms::{self, Sender, Webhook};
use crate::application_keys::ApplicationKeys;
use crate::break_glass::{self, Keeper};
use crate::chains::{Chains, NotVerified};
use crate::config::{Config, Mllp};
use crate::exit::{Exit, Outcome, Stop};
use crate::id_token_keys::IdTokenKeys;
use crate::installation::Installation;
use crate::operations::{self, Health};
use crate::{endings, sign_on, sweep, tls, watch};
use actix_web::web::ServiceConfig;
use domain::audit::{ChainHead, ChainId};
use domain::intake::Intake;
use domain::retrieval::Retrieval;
use hl7::listener::{self, ListenerSettings};
use hl7::service::Reception;
use hl7::{Counters, Service};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Where a gateway listens.
#[derive(Debug, Clone, Default)]
pub struct Addresses {
    /// Each MLLP listener by name.
    pub mllp: Vec<(String, SocketAddr)>,
    /// The FHIR server.
    pub fhir: Option<SocketAddr>,
    /// Health and metrics.
    pub operations: Option<SocketAddr>,
}

/// A gateway that serves.
pub struct Gateway {
    addresses: Addresses,
    installation: Installation,
    listeners: Vec<JoinHandle<()>>,
    fhir: Option<JoinHandle<std::io::Result<()>>>,
    sweeping: JoinHandle<()>,
    keeping: JoinHandle<()>,
    stop: CancellationToken,
    /// Stopped after everything that uses it.
    stop_operations: CancellationToken,
    broken: CancellationToken,
}

impl Gateway {
    /// Binds every port and starts serving an installation whose chains are verified.
    ///
    /// `rest` names the chains of which only the tail was verified: the rest is verified while the gateway
    /// serves, and a break stops it.
    ///
    /// # Errors
    /// [`Exit::Unavailable`] when a port is taken, [`Exit::Configuration`] when a certificate is wrong.
    pub async fn start(config: &Config, installation: Installation, rest: Vec<(ChainId, ChainHead)>) -> Outcome<Self> {
        let stop = CancellationToken::new();
        let stop_operations = CancellationToken::new();
        let broken = CancellationToken::new();
        let mut addresses = Addresses::default();

        // Everything is bound before anything is served: a gateway that cannot have all its ports takes no message.
        let mut bound = Vec::new();
        for settings in &config.mllp {
            let socket = TcpListener::bind(settings.bind).await.map_err(|why| not_bound(settings.bind, &why))?;
            addresses
                .mllp
                .push((settings.name.clone(), socket.local_addr().map_err(|why| not_bound(settings.bind, &why))?));
            bound.push((settings, socket));
        }
        let fhir_socket = config.fhir.bind.map(bind).transpose()?;
        let operations_socket = config.operations.bind.map(bind).transpose()?;
        let address = |socket: &std::net::TcpListener| socket.local_addr().ok();
        addresses.fhir = fhir_socket.as_ref().and_then(address);
        addresses.operations = operations_socket.as_ref().and_then(address);

        let webhook = Webhook::of(&config.sign_on)?;
        let directory = watch::directory(&installation, stop.clone()).await?;
        let glass: Arc<break_glass::Gauges> = Arc::default();
        let keeper = Keeper::new(&installation, directory.clone(), webhook.is_some(), Arc::clone(&glass));
        let alarms: Arc<alarms::Gauges> = Arc::default();
        let sender = webhook.map(|webhook| Sender::new(&installation, webhook, Arc::clone(&alarms)));
        let verifying = Arc::new(AtomicBool::new(!rest.is_empty()));
        let counters: Arc<Counters> = Arc::default();
        let reception: Arc<dyn Service> =
            Arc::new(Reception::new(intake(&installation), directory.clone(), Arc::clone(&counters)));
        let mut listeners = Vec::new();
        for (settings, socket) in bound {
            let settings = listener_settings(settings)?;
            let serving =
                listener::serve(socket, settings, Arc::clone(&reception), Arc::clone(&counters), stop.clone());
            listeners.push(tokio::spawn(serving));
        }
        let fhir = match fhir_socket {
            Some(socket) => Some(serve_fhir(config, &installation, socket, directory.clone(), stop.clone())?),
            None => None,
        };
        if let Some(socket) = operations_socket {
            let health = Health {
                store: Arc::clone(&installation.store),
                recorder: Arc::clone(&installation.recorder),
                counters,
                glass,
                alarms,
                directory: directory.clone(),
                verifying: Arc::clone(&verifying),
                stopping: stop.clone(),
            };
            operations::serve(socket, health, stop_operations.clone())?;
        }
        verify_rest(&installation, rest, verifying, broken.clone());
        let (tickets, clock) = (Arc::clone(&installation.tickets), Arc::clone(&installation.clock));
        let (refusals, stopping) = (Arc::clone(&installation.refusals), stop.clone());
        let sweeping = tokio::spawn(async move {
            tokio::join!(
                sweep::tickets(tickets, Arc::clone(&clock), stopping.clone()),
                sweep::refusals(&refusals, stopping.clone()),
                endings::warn(directory, clock, stopping),
            );
        });
        let stopping = stop.clone();
        let keeping = tokio::spawn(async move {
            tokio::join!(break_glass::keep(keeper, stopping.clone()), async {
                if let Some(sender) = sender {
                    alarms::send(sender, stopping.clone()).await;
                }
            });
        });
        Ok(Self { addresses, installation, listeners, fhir, sweeping, keeping, stop, stop_operations, broken })
    }

    /// Returns where it listens.
    #[must_use]
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Serves until `shutdown` completes, then stops in order: listeners, work in hand, recorder, database.
    ///
    /// # Errors
    /// [`Exit::BrokenChain`] when verification in the background or the recorder found a break.
    pub async fn run_until(self, shutdown: impl Future<Output = ()>) -> Outcome {
        let recorder = Arc::clone(&self.installation.recorder);
        let broken = tokio::select! {
            () = shutdown => false,
            () = self.broken.cancelled() => true,
            _ = recorder.broken() => true,
        };
        self.stop.cancel();
        for listener in self.listeners {
            if listener.await.is_err() {
                tracing::error!("a listener ended abruptly");
            }
        }
        if let Some(fhir) = self.fhir
            && !matches!(fhir.await, Ok(Ok(())))
        {
            tracing::error!("the fhir server ended abruptly");
        }
        if self.sweeping.await.is_err() {
            tracing::error!("the sweeper of tickets ended abruptly");
        }
        if self.keeping.await.is_err() {
            tracing::error!("the keeper of broken glass, or the sender of alarms, ended abruptly");
        }
        self.installation.close().await;
        self.stop_operations.cancel();
        if broken || recorder.found_broken().is_some() {
            return Err(Stop::new(
                Exit::BrokenChain,
                "stopped: an audit chain is broken or could not be read; `sealgate audit verify` says where",
            ));
        }
        Ok(())
    }
}

/// Returns the use case that takes messages in, for the listeners and for the console.
#[must_use]
pub fn intake(installation: &Installation) -> Intake {
    Intake {
        store: Arc::clone(&installation.store),
        ledger: installation.recorder.clone(),
        vault: installation.vault.clone(),
        clock: Arc::clone(&installation.clock),
        entropy: Arc::clone(&installation.entropy),
        merge: Arc::new(r4::merge::ResourceMerge),
    }
}

/// Returns the use case that reads, for the FHIR server and for the console.
#[must_use]
pub fn retrieval(installation: &Installation) -> Retrieval {
    Retrieval {
        store: Arc::clone(&installation.store),
        ledger: installation.recorder.clone(),
        vault: installation.vault.clone(),
        clock: Arc::clone(&installation.clock),
        entropy: Arc::clone(&installation.entropy),
        labels: Arc::new(r4::labels::SecurityLabels),
    }
}

fn listener_settings(settings: &Mllp) -> Outcome<ListenerSettings> {
    let mut limits = listener::Limits { connections: settings.max_connections, ..listener::Limits::default() };
    limits.frames.frame_bytes = settings.max_frame_bytes;
    limits.deadlines.frame = Duration::from_secs(settings.frame_timeout_seconds);
    limits.deadlines.idle = Duration::from_secs(settings.idle_timeout_seconds);
    let tls = settings.tls.as_ref().map(tls::server).transpose()?.map(Arc::new);
    Ok(ListenerSettings { name: settings.name.clone(), limits, tls })
}

fn serve_fhir(
    config: &Config,
    installation: &Installation,
    socket: std::net::TcpListener,
    directory: tokio::sync::watch::Receiver<Arc<domain::directory::Directory>>,
    stop: CancellationToken,
) -> Outcome<JoinHandle<std::io::Result<()>>> {
    let tls = config.fhir.tls.as_ref().map(tls::server).transpose()?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let base = match (&config.fhir.base_url, socket.local_addr()) {
        (Some(base), _) => base.clone(),
        (None, Ok(address)) => format!("{scheme}://{address}/fhir"),
        (None, Err(why)) => return Err(Stop::new(Exit::Unavailable, format!("the FHIR port has no address: {why}"))),
    };
    let applications = applications(config, installation, &base, directory.clone())?;
    let pages = sign_on::pages(config, installation, &base, directory.clone())?;
    let provisioning = sign_on::provisioning(installation, &base, directory.clone());
    let clients = Arc::new(Clients {
        directory: directory.clone(),
        tokens: applications.tokens(),
        refusals: Arc::clone(&installation.refusals),
        clock: Arc::clone(&installation.clock),
    });
    let administration = sign_on::administration(config, installation, &base, directory, clients.clone())?;
    let limits = fhir::Limits {
        request_timeout: Duration::from_secs(config.fhir.request_timeout_seconds),
        ..fhir::Limits::default()
    };
    let make = if config.sign_on.enabled { fhir::Service::with_smart } else { fhir::Service::new };
    let service = make(retrieval(installation), clients, &base, env!("CARGO_PKG_VERSION"), limits);
    let limits = fhir::ServeLimits { max_connections: config.fhir.max_connections, ..fhir::ServeLimits::default() };
    let forwarded = config.fhir.forwarded_header;
    let proxies = fhir::Proxies::read(&config.fhir.trusted_proxies, forwarded).map_err(|_| {
        Stop::new(Exit::Configuration, "`trusted_proxies` of [fhir] is not a list of ranges of addresses")
    })?;
    // What is mounted first is asked first: the pages answer whatever nobody else serves.
    let mut parts = vec![Part::new("fhir", fhir::routes(), fhir::configure(service))];
    if let Some(pages) = pages {
        let mount = move |listener: &mut ServiceConfig| smart::configure(listener, Arc::clone(&applications));
        parts.insert(0, Part::new("smart", smart::routes(), mount));
        let mount = move |listener: &mut ServiceConfig| scim::configure(listener, Arc::clone(&provisioning));
        parts.push(Part::new("scim", scim::routes(), mount));
        let mount = move |listener: &mut ServiceConfig| admin::configure(listener, Arc::clone(&administration));
        parts.push(Part::new("admin", admin::routes(), mount));
        let mount = move |listener: &mut ServiceConfig| portal::configure(listener, Arc::clone(&pages));
        parts.push(Part::new("portal", portal::routes(), mount));
    }
    let parts: Arc<[Part]> = parts.into();
    let mount = move |listener: &mut ServiceConfig| parts.iter().for_each(|part| (part.mount)(listener));
    Ok(tokio::spawn(fhir::serve(socket, tls, mount, limits, proxies, async move { stop.cancelled().await })))
}

/// A part of what the listener serves. There is none without a list of its routes, and each of them is said when the gateway starts:
/// tests hold every one to what it answers to whom.
struct Part {
    mount: Box<dyn Fn(&mut ServiceConfig) + Send + Sync>,
}

impl Part {
    fn new(
        name: &'static str,
        routes: impl Iterator<Item = (String, &'static str)>,
        mount: impl Fn(&mut ServiceConfig) + Send + Sync + 'static,
    ) -> Self {
        operations::say_routes(name, routes);
        Self { mount: Box::new(mount) }
    }
}

/// Puts together what gives access tokens to registered applications.
fn applications(
    config: &Config,
    installation: &Installation,
    base: &str,
    directory: tokio::sync::watch::Receiver<Arc<domain::directory::Directory>>,
) -> Outcome<Arc<smart::Service>> {
    Ok(smart::Service::new(smart::Settings {
        base: base.to_owned(),
        directory,
        book: Arc::new(installation.book()),
        jwks: Arc::new(ApplicationKeys { client: sign_on::egress(&config.sign_on)? }),
        rsa: Arc::new(IdTokenKeys),
        ledger: installation.recorder.clone(),
        vault: installation.vault.clone(),
        clock: Arc::clone(&installation.clock),
        entropy: Arc::clone(&installation.entropy),
        refusals: Arc::clone(&installation.refusals),
        limits: smart::Limits::default(),
    }))
}

/// How long the verification of what was left out at start waits before it tries again.
const REST_PAUSES: [Duration; 8] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_secs(60),
    Duration::from_secs(300),
    Duration::from_secs(600),
];

/// Verifies what was left out at start, one chain after another.
fn verify_rest(
    installation: &Installation,
    rest: Vec<(ChainId, ChainHead)>,
    verifying: Arc<AtomicBool>,
    broken: CancellationToken,
) {
    let (store, roots) = (Arc::clone(&installation.store), Arc::clone(&installation.roots));
    tokio::spawn(async move {
        for (chain, head) in rest {
            let chains = Chains { store: &store, audit_root: &roots.audit, anchors: None };
            let mut verified = chains.chain(chain, &head, 0).await;
            for pause in REST_PAUSES {
                if !matches!(verified, Err(NotVerified::Unavailable)) {
                    break;
                }
                tracing::error!(%chain, seconds = pause.as_secs(), "audit chain cannot be read to be verified; trying again");
                tokio::time::sleep(pause).await;
                verified = chains.chain(chain, &head, 0).await;
            }
            match verified {
                Ok(()) => tracing::info!(%chain, entries = head.length, "audit chain verified"),
                Err(NotVerified::Unavailable) => {
                    // What cannot be read is not verified: to serve on would be to take it on trust.
                    tracing::error!(%chain, "audit chain was never read to be verified; stopping");
                    broken.cancel();
                    return;
                }
                Err(NotVerified::Broken(found)) => {
                    tracing::error!(diagnosis = found.to_json(), "audit chain is broken");
                    broken.cancel();
                    return;
                }
            }
        }
        verifying.store(false, Ordering::Relaxed);
    });
}

fn bind(address: SocketAddr) -> Outcome<std::net::TcpListener> {
    let socket = std::net::TcpListener::bind(address).map_err(|why| not_bound(address, &why))?;
    socket.set_nonblocking(true).map_err(|why| not_bound(address, &why))?;
    Ok(socket)
}

fn not_bound(address: SocketAddr, why: &std::io::Error) -> Stop {
    Stop::new(Exit::Unavailable, format!("cannot listen on {address}: {why}"))
}
