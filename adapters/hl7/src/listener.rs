//! The MLLP server: a function of a socket, limits, a service and a way to stop it.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::connection::{Peer, converse};
use crate::counters::Counters;
use crate::delivery::{Fingerprint, Service};
use crate::frame::{Deadlines, FrameBudget, FrameLimits, Frames};

/// Accepts connections and serves them until `shutdown`, then drains and returns.
///
/// Stopping: no new connection is accepted, every connection finishes and answers what it has received, and what is left
/// after the drain time is cut. A stop never loses a message: what was not answered, its sender has.
pub async fn serve(
    socket: TcpListener,
    settings: ListenerSettings,
    service: Arc<dyn Service>,
    counters: Arc<Counters>,
    shutdown: CancellationToken,
) {
    let limits = settings.limits;
    let permits = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let server = Arc::new(Server {
        name: Arc::from(settings.name),
        tls: settings.tls.map(TlsAcceptor::from),
        limits,
        budget: FrameBudget::new(limits.open_frame_bytes, limits.frames.frame_bytes),
        service,
        counters,
        tasks: TaskTracker::new(),
        cut: CancellationToken::new(),
    });
    let mut strangers = Strangers::default();
    while let Some((stream, address, permit)) =
        shutdown.run_until_cancelled(server.accept(&socket, &permits, &mut strangers)).await
    {
        server.spawn(Arc::clone(&server).attend(stream, address, permit, shutdown.clone()));
    }
    // Frees the port at once: a successor may take it over while we drain.
    drop(socket);
    server.tasks.close();
    if timeout(limits.drain, server.tasks.wait()).await.is_err() {
        tracing::warn!(listener = %server.name, open = server.tasks.len(), "drain time is over, connections cut");
        server.cut.cancel();
        server.tasks.wait().await;
    }
}

/// What makes one listener different from another.
pub struct ListenerSettings {
    /// Its name in configuration and logs.
    pub name: String,
    /// How much it takes, and for how long.
    pub limits: Limits,
    /// TLS; plain MLLP without. Whether clients must prove a certificate is its verifier's choice.
    pub tls: Option<Arc<ServerConfig>>,
}

/// Everything that is bounded on a listener.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections open at once; 1,024. Further ones wait in the system's queue.
    pub connections: usize,
    /// Sizes of frames.
    pub frames: FrameLimits,
    /// Bytes that frames above 64 KiB may hold together; 256 MiB, and never less than one frame. A frame that finds
    /// no room waits, unread.
    pub open_frame_bytes: usize,
    /// Deadlines on a connection.
    pub deadlines: Deadlines,
    /// For the TLS handshake; 10 s.
    pub handshake: Duration,
    /// For finishing after a stop; 20 s.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            frames: FrameLimits::default(),
            open_frame_bytes: 256 * 1024 * 1024,
            deadlines: Deadlines::default(),
            handshake: Duration::from_secs(10),
            drain: Duration::from_secs(20),
        }
    }
}

/// Half-open connections are found after this time and a few probes; balancers cut silent ones after minutes.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(15);
/// Pause after an accept that failed for want of descriptors or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Of peers that nobody expects one is told in this time, in the log and in the audit trail; the others are counted.
const STRANGER_PAUSE: Duration = Duration::from_secs(10);
const VT: u8 = 0x0B;

struct Server {
    name: Arc<str>,
    tls: Option<TlsAcceptor>,
    limits: Limits,
    budget: FrameBudget,
    service: Arc<dyn Service>,
    counters: Arc<Counters>,
    tasks: TaskTracker,
    cut: CancellationToken,
}

impl Server {
    /// Runs something that ends with the listener.
    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let cut = self.cut.clone();
        self.tasks.spawn(async move { cut.run_until_cancelled(work).await });
    }

    /// Waits for a permit, then for a connection of a peer that is expected.
    ///
    /// Anybody else is closed on before a permit, memory or a handshake is spent on them.
    async fn accept(
        self: &Arc<Self>,
        socket: &TcpListener,
        permits: &Arc<Semaphore>,
        strangers: &mut Strangers,
    ) -> (TcpStream, SocketAddr, OwnedSemaphorePermit) {
        if permits.available_permits() == 0 {
            self.counters.at_limit.add(1);
            tracing::warn!(listener = %self.name, limit = self.limits.connections, "connection limit reached");
        }
        // The semaphore is never closed; if it were, nothing more would be accepted.
        let Ok(permit) = Arc::clone(permits).acquire_owned().await else {
            return std::future::pending().await;
        };
        loop {
            match socket.accept().await {
                Ok((stream, address)) if self.service.expects(&self.name, address.ip()) => {
                    return (stream, address, permit);
                }
                Ok((stream, address)) => {
                    drop(stream);
                    self.turn_away(address, strangers);
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    tracing::warn!(listener = %self.name, kind = %error.kind(), "connection not accepted");
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn turn_away(self: &Arc<Self>, address: SocketAddr, strangers: &mut Strangers) {
        self.counters.strangers.add(1);
        let Some(connections) = strangers.due(Instant::now()) else { return };
        tracing::warn!(listener = %self.name, peer = %address, connections, "unexpected peer turned away");
        let server = Arc::clone(self);
        self.spawn(async move { server.service.turned_away(&server.name, address).await });
    }

    async fn attend(
        self: Arc<Self>,
        stream: TcpStream,
        address: SocketAddr,
        permit: OwnedSemaphorePermit,
        shutdown: CancellationToken,
    ) {
        let _permit = permit;
        let _open = Open::count(&self.counters);
        if let Err(error) = tune(&stream) {
            tracing::debug!(listener = %self.name, kind = %error.kind(), "socket options not set");
        }
        match &self.tls {
            None => self.talk(stream, address, None, &shutdown).await,
            // Boxed, so that plain connections do not pay for the size of TLS state.
            Some(acceptor) => {
                Box::pin(async {
                    if let Some(stream) = self.handshake(acceptor, stream, address).await {
                        let certificate = certificate_of(&stream);
                        self.talk(stream, address, certificate, &shutdown).await;
                    }
                })
                .await;
            }
        }
    }

    async fn talk<S>(
        &self,
        stream: S,
        address: SocketAddr,
        certificate: Option<Fingerprint>,
        shutdown: &CancellationToken,
    ) where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let peer = Peer {
            listener: Arc::clone(&self.name),
            address,
            certificate,
            service: Arc::clone(&self.service),
            counters: Arc::clone(&self.counters),
        };
        let frames = Frames::new(stream, self.limits.frames, self.limits.deadlines).within(self.budget.clone());
        converse(frames, &peer, shutdown).await;
    }

    async fn handshake(
        &self,
        acceptor: &TlsAcceptor,
        stream: TcpStream,
        address: SocketAddr,
    ) -> Option<TlsStream<TcpStream>> {
        let shake = async {
            let mut first = [0u8];
            if stream.peek(&mut first).await? == 1 && first == [VT] {
                return Err(io::Error::other(
                    "plain MLLP on a TLS port: switch TLS on at the sender or off for this listener",
                ));
            }
            acceptor.accept(stream).await
        };
        let failed = match timeout(self.limits.handshake, shake).await {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => error,
            Err(_) => io::Error::other("the TLS handshake took too long"),
        };
        self.counters.handshakes_failed.add(1);
        tracing::warn!(listener = %self.name, peer = %address, reason = %failed, "tls handshake failed");
        None
    }
}

/// Peers turned away and not told of yet.
#[derive(Default)]
struct Strangers {
    told: Option<Instant>,
    untold: usize,
}

impl Strangers {
    /// Counts one more; returns how many there are to tell of, when it is time.
    fn due(&mut self, now: Instant) -> Option<usize> {
        self.untold = self.untold.saturating_add(1);
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < STRANGER_PAUSE) {
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }
}

/// Counts a connection for as long as it lives, also when its task panics.
struct Open(Arc<Counters>);

impl Open {
    fn count(counters: &Arc<Counters>) -> Self {
        counters.connections.add(1);
        counters.open.add(1);
        Self(Arc::clone(counters))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.drop_one();
    }
}

/// Answers are small and waited for: no delay. Silent lines must be found dead: keepalive.
fn tune(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let keepalive = TcpKeepalive::new().with_time(KEEPALIVE).with_interval(KEEPALIVE_INTERVAL);
    SockRef::from(stream).set_tcp_keepalive(&keepalive)
}

fn certificate_of(stream: &TlsStream<TcpStream>) -> Option<Fingerprint> {
    let (_, session) = stream.get_ref();
    session.peer_certificates().and_then(<[_]>::first).map(|certificate| Fingerprint::of(certificate))
}

fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
