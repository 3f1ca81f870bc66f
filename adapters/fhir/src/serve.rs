//! The HTTP server: a function of a listener, limits, a service and the moment to stop.

use crate::proxies::Proxies;
use actix_web::dev::Service;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer};
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

/// Bounds of connections.
#[derive(Debug, Clone)]
pub struct ServeLimits {
    /// Threads that serve; one for each core where it is `None`.
    pub workers: Option<usize>,
    /// Most connections open at once, over all threads.
    pub max_connections: usize,
    /// Longest time until the headers of a request are there: what holds off clients that trickle.
    pub header_timeout: Duration,
    /// How long an idle connection is kept.
    pub keep_alive: Duration,
    /// How long a closing connection is waited for.
    pub disconnect_timeout: Duration,
    /// How long requests in hand may take when the server stops, in whole seconds.
    pub stop_timeout: Duration,
}

impl Default for ServeLimits {
    fn default() -> Self {
        Self {
            workers: None,
            max_connections: 10_000,
            header_timeout: Duration::from_secs(10),
            keep_alive: Duration::from_secs(75),
            disconnect_timeout: Duration::from_secs(5),
            stop_timeout: Duration::from_secs(30),
        }
    }
}

/// Serves until `shutdown` completes, then finishes the requests in hand.
///
/// `mount` says what is served: [`configure`](crate::configure), and beside it whatever shares the address.
/// What is mounted first is asked first.
///
/// `proxies` are believed about whose requests they pass on.
///
/// With `tls` every connection is TLS; the configuration's ALPN list must not offer HTTP/2, which is not built in.
///
/// # Errors
/// When the listener cannot be served from, or the server breaks.
pub async fn serve(
    listener: TcpListener,
    tls: Option<rustls::ServerConfig>,
    mount: impl Fn(&mut ServiceConfig) + Clone + Send + 'static,
    limits: ServeLimits,
    proxies: Proxies,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let workers = limits.workers.unwrap_or(cores).max(1);
    let application = move || {
        let proxies = proxies.clone();
        // Once, before anybody looks at it: whose request it is, for lists of addresses, limits and entries alike.
        let told = move |mut request: actix_web::dev::ServiceRequest, next: &_| {
            if let Some(socket) = request.head().peer_addr {
                let peer = proxies.peer(socket.ip(), request.headers());
                request.head_mut().peer_addr = Some(SocketAddr::new(peer, socket.port()));
            }
            Service::call(next, request)
        };
        App::new().wrap_fn(told).configure(mount.clone())
    };
    let server = HttpServer::new(application)
        .workers(workers)
        .max_connections(limits.max_connections.div_ceil(workers))
        .client_request_timeout(limits.header_timeout)
        .client_disconnect_timeout(limits.disconnect_timeout)
        .keep_alive(limits.keep_alive)
        .shutdown_timeout(limits.stop_timeout.as_secs())
        .tcp_nodelay(true)
        .disable_signals();
    let server = match tls {
        Some(tls) => server.listen_rustls_0_23(listener, tls)?,
        None => server.listen(listener)?,
    }
    .run();
    let handle = server.handle();
    let stop = async move {
        shutdown.await;
        handle.stop(true).await;
        // The server's own future ends once it has stopped.
        std::future::pending::<io::Result<()>>().await
    };
    tokio::select! {
        ended = server => ended,
        ended = stop => ended,
    }
}
