//! The listener and the sender over real sockets on port 0.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use hl7::frame::{BadReason, Deadlines, FrameLimits};
use hl7::listener::{Limits, ListenerSettings, serve};
use hl7::message::read_envelope;
use hl7::send::{SendError, Sender, Target};
use hl7::{BoxFuture, Counters, Delivery, Fingerprint, Received, Reply, Service};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Answers AA with the control id, closes on `CLOSE`, is silent on `SILENT`, and waits for a permit on `WAIT`.
struct Echo {
    seen: Mutex<Vec<Seen>>,
    gate: Semaphore,
    /// Whether any peer is expected.
    closed: AtomicBool,
    turned_away: AtomicUsize,
}

#[derive(Debug, Clone, PartialEq)]
enum Seen {
    Frame(String, bool, Option<Fingerprint>),
    Bad(usize, BadReason),
}

impl Service for Echo {
    fn expects(&self, listener: &str, peer: IpAddr) -> bool {
        assert_eq!((listener, peer.is_loopback()), ("lab", true));
        !self.closed.load(Ordering::Relaxed)
    }

    fn turned_away<'a>(&'a self, _listener: &'a str, _peer: SocketAddr) -> BoxFuture<'a, ()> {
        self.turned_away.fetch_add(1, Ordering::Relaxed);
        Box::pin(async {})
    }

    fn receive<'a>(&'a self, delivery: Delivery<'a>) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            assert_eq!(delivery.listener, "lab");
            let (bytes, lenient_end) = match delivery.event {
                Received::Frame { bytes, lenient_end } => (bytes, lenient_end),
                Received::Bad { bytes, reason } => {
                    self.seen.lock().unwrap().push(Seen::Bad(bytes.len(), reason));
                    return Reply::Silent;
                }
            };
            let id =
                read_envelope(&bytes).map(|e| String::from_utf8_lossy(e.control_id()).into_owned()).unwrap_or_default();
            self.seen.lock().unwrap().push(Seen::Frame(id.clone(), lenient_end, delivery.certificate));
            match id.as_str() {
                "CLOSE" => Reply::Close,
                "SILENT" => Reply::Silent,
                "WAIT" => {
                    self.gate.acquire().await.unwrap().forget();
                    reply(&id)
                }
                "LATE" => Reply::Send([answer("EARLIER"), b"\x1c\r\x0b".to_vec(), answer(&id)].concat()),
                _ => reply(&id),
            }
        })
    }
}

fn reply(id: &str) -> Reply {
    Reply::Send(answer(id))
}

fn answer(id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|GW|C|LAB|N|2026||ACK|1|P|2.5\rMSA|AA|{id}|stored\r").into_bytes()
}

fn message(id: &str) -> String {
    format!("MSH|^~\\&|LAB|N|GW|C|2026||ORU^R01|{id}|P|2.5\rOBR|1\r")
}

struct Running {
    address: SocketAddr,
    echo: Arc<Echo>,
    counters: Arc<Counters>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn start(limits: Limits, tls: Option<Arc<ServerConfig>>) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let echo = Arc::new(Echo {
            seen: Mutex::new(Vec::new()),
            gate: Semaphore::new(0),
            closed: AtomicBool::new(false),
            turned_away: AtomicUsize::new(0),
        });
        let counters = Arc::new(Counters::default());
        let shutdown = CancellationToken::new();
        let settings = ListenerSettings { name: "lab".to_owned(), limits, tls };
        let service: Arc<dyn Service> = echo.clone();
        let task = tokio::spawn(serve(socket, settings, service, Arc::clone(&counters), shutdown.clone()));
        Self { address, echo, counters, shutdown, task }
    }

    async fn connect(&self) -> Line {
        Line(TcpStream::connect(self.address).await.unwrap())
    }

    async fn sender(&self, tls: Option<(Arc<ClientConfig>, ServerName<'static>)>) -> Result<Sender, SendError> {
        Sender::connect(Target { address: self.address.to_string(), tls, wait: Duration::from_secs(5) }).await
    }

    fn seen(&self) -> Vec<Seen> {
        self.echo.seen.lock().unwrap().clone()
    }

    async fn stop(self) -> Arc<Echo> {
        self.shutdown.cancel();
        self.task.await.unwrap();
        assert_eq!(self.counters.open.get(), 0);
        self.echo
    }
}

struct Line(TcpStream);

impl Line {
    async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    async fn message(&mut self, id: &str) {
        self.write(format!("\x0b{}\x1c\r", message(id))).await;
    }

    /// The control id of the next answer.
    async fn answered(&mut self) -> String {
        let mut bytes = Vec::new();
        while !bytes.ends_with(b"\x1c\r") {
            bytes.push(self.0.read_u8().await.unwrap());
        }
        assert_eq!(bytes.first(), Some(&0x0b));
        let text = String::from_utf8(bytes).unwrap();
        text.split('|').rev().nth(1).unwrap().to_owned()
    }

    /// Whether the peer closed, with nothing more said.
    async fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0u8; 1]).await, Ok(0) | Err(_))
    }
}

fn frame(id: &str) -> Seen {
    Seen::Frame(id.to_owned(), false, None)
}

#[tokio::test]
async fn frames_are_answered_in_order_however_they_arrive() {
    let running = Running::start(Limits::default(), None).await;
    let mut line = running.connect().await;
    line.write(format!("\x0b{}\x1c\r\x0b{}\x1c\r", message("A"), message("B"))).await;
    assert_eq!(line.answered().await, "A");
    assert_eq!(line.answered().await, "B");
    for byte in format!("\x0b{}\x1c\r", message("C")).bytes() {
        line.write([byte]).await;
    }
    assert_eq!(line.answered().await, "C");
    line.write("\n").await;
    line.message("SILENT").await;
    line.message("D").await;
    assert_eq!(line.answered().await, "D");
    assert_eq!(running.counters.frames.get(), 5);
    assert_eq!(running.counters.junk_bytes.get(), 1);
    assert_eq!(running.counters.unanswered.get(), 1);
    assert_eq!(running.counters.connections.get(), 1);
    running.stop().await;
}

#[tokio::test]
async fn trouble_of_our_own_closes_without_an_answer() {
    let running = Running::start(Limits::default(), None).await;
    let mut line = running.connect().await;
    line.message("CLOSE").await;
    assert!(line.is_closed().await);
    running.stop().await;
}

#[tokio::test]
async fn a_large_frame_arrives_whole() {
    let running = Running::start(Limits::default(), None).await;
    let mut line = running.connect().await;
    let body = "A".repeat(3 * 1024 * 1024);
    line.write(format!("\x0b{}OBX|{body}\r\x1c\r", message("BIG"))).await;
    assert_eq!(line.answered().await, "BIG");
    line.message("SMALL").await;
    assert_eq!(line.answered().await, "SMALL");
    running.stop().await;
}

#[tokio::test]
async fn bad_frames_reach_the_service_byte_for_byte() {
    let running = Running::start(
        Limits { frames: FrameLimits { frame_bytes: 1000, ..FrameLimits::default() }, ..Limits::default() },
        None,
    )
    .await;
    let mut line = running.connect().await;
    line.write(b"\x0bMSH|cut").await;
    line.message("A").await;
    assert_eq!(line.answered().await, "A");
    line.write(b"\x0bMSH|partial").await;
    line.0.shutdown().await.unwrap();
    assert!(line.is_closed().await);
    let mut line = running.connect().await;
    line.write([b"\x0b".as_slice(), &[b'A'; 1001]].concat()).await;
    assert!(line.is_closed().await);
    assert_eq!(
        running.seen(),
        [
            Seen::Bad(7, BadReason::NewStart),
            frame("A"),
            Seen::Bad(11, BadReason::Unfinished),
            Seen::Bad(1000, BadReason::TooLarge),
        ]
    );
    assert_eq!(running.counters.bad_frames.get(), 3);
    running.stop().await;
}

#[tokio::test]
async fn another_protocol_is_closed_and_counted() {
    let running = Running::start(Limits::default(), None).await;
    for bytes in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\x16\x03\x01\x00\x7a", b"SSH-2.0-x\r\n"] {
        let mut line = running.connect().await;
        line.write(bytes).await;
        assert!(line.is_closed().await);
    }
    assert_eq!(running.counters.foreign.get(), 3);
    assert!(running.seen().is_empty());
    running.stop().await;
}

#[tokio::test]
async fn silence_after_a_lone_end_block_ends_the_frame() {
    let running = Running::start(
        Limits {
            deadlines: Deadlines { lenient_end: Duration::from_millis(50), ..Deadlines::default() },
            ..Limits::default()
        },
        None,
    )
    .await;
    let mut line = running.connect().await;
    line.write(format!("\x0b{}\x1c", message("A"))).await;
    assert_eq!(line.answered().await, "A");
    line.write("\r").await;
    line.message("B").await;
    assert_eq!(line.answered().await, "B");
    assert_eq!(running.seen(), [Seen::Frame("A".to_owned(), true, None), frame("B")]);
    assert_eq!(running.counters.lenient_ends.get(), 1);
    running.stop().await;
}

#[tokio::test]
async fn connections_above_the_limit_wait_for_their_turn() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let running = Running::start(limits, None).await;
    let mut first = running.connect().await;
    first.message("A").await;
    assert_eq!(first.answered().await, "A");
    let mut second = running.connect().await;
    second.message("B").await;
    drop(first);
    assert_eq!(second.answered().await, "B");
    assert!(running.counters.at_limit.get() >= 1);
    running.stop().await;
}

#[tokio::test]
async fn strangers_are_closed_on_unread_and_hold_no_place() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let running = Running::start(limits, None).await;
    running.echo.closed.store(true, Ordering::Relaxed);
    let mut strangers = Vec::new();
    for _ in 0..20 {
        let mut stranger = running.connect().await;
        let _ = stranger.0.write_all(b"\x0bMSH|^~\\&|").await;
        assert!(stranger.is_closed().await);
        strangers.push(stranger);
    }
    running.echo.closed.store(false, Ordering::Relaxed);
    let mut sender = running.connect().await;
    sender.message("A").await;
    assert_eq!(sender.answered().await, "A");
    assert_eq!(running.counters.strangers.get(), 20);
    assert_eq!(running.counters.connections.get(), 1);
    assert_eq!(running.seen().len(), 1);
    drop(sender);
    let echo = running.stop().await;
    assert_eq!(echo.turned_away.load(Ordering::Relaxed), 1, "a flood of strangers is one note");
}

#[tokio::test]
async fn a_stop_finishes_the_frame_in_hand() {
    let running = Running::start(Limits::default(), None).await;
    let mut busy = running.connect().await;
    let mut half = running.connect().await;
    let mut idle = running.connect().await;
    busy.message("WAIT").await;
    let begun = "\x0bMSH|^~\\&|LAB|N|GW|C|2026||ORU^R01|";
    half.write(format!("\x0b{}\x1c\r{begun}", message("A"))).await;
    assert_eq!(half.answered().await, "A");
    while running.seen().len() < 2 {
        tokio::task::yield_now().await;
    }
    running.shutdown.cancel();
    assert!(idle.is_closed().await);
    running.echo.gate.add_permits(1);
    assert_eq!(busy.answered().await, "WAIT");
    assert!(busy.is_closed().await);
    half.write(b"HALF|P|2.5\r\x1c\r").await;
    assert_eq!(half.answered().await, "HALF");
    assert!(half.is_closed().await);
    assert!(TcpStream::connect(running.address).await.is_err());
    running.stop().await;
}

#[tokio::test]
async fn a_stop_does_not_wait_for_ever() {
    let limits = Limits { drain: Duration::from_millis(50), ..Limits::default() };
    let running = Running::start(limits, None).await;
    let mut line = running.connect().await;
    line.message("WAIT").await;
    while running.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    running.stop().await;
    assert!(line.is_closed().await);
}

#[tokio::test]
async fn a_sender_gets_the_answer_to_its_own_message() {
    let running = Running::start(Limits::default(), None).await;
    let mut sender = running.sender(None).await.unwrap();
    for id in ["A", "LATE", "B"] {
        let answer = sender.send(message(id).as_bytes()).await.unwrap();
        assert!(answer.is_accepted());
        assert_eq!(answer.control_id, id.as_bytes());
        assert_eq!(answer.reason, "stored");
    }
    let closed = sender.send(message("CLOSE").as_bytes()).await;
    assert!(matches!(closed, Err(SendError::Closed | SendError::Broken(_))));
    running.stop().await;
}

struct Authority {
    certificate: rcgen::Certificate,
    issuer: rcgen::Issuer<'static, rcgen::KeyPair>,
}

type Identity = (Vec<rustls::pki_types::CertificateDer<'static>>, PrivateKeyDer<'static>);

impl Authority {
    fn new() -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut parameters = rcgen::CertificateParams::new(Vec::new()).unwrap();
        parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap();
        let issuer = rcgen::Issuer::new(parameters, key);
        Self { certificate, issuer }
    }

    fn issue(&self) -> Identity {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["localhost".to_owned()]).unwrap().signed_by(&key, &self.issuer).unwrap();
        let key = PrivatePkcs8KeyDer::from(key.serialize_der());
        (vec![certificate.der().clone()], key.into())
    }

    fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.certificate.der().clone()).unwrap();
        roots
    }

    fn server(&self) -> Arc<ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(self.roots()), Arc::clone(&provider))
                .build()
                .unwrap();
        let (chain, key) = self.issue();
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)
            .unwrap();
        Arc::new(config)
    }

    fn client(&self, identity: Option<Identity>) -> (Arc<ClientConfig>, ServerName<'static>) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots());
        let config = match identity {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).unwrap(),
            None => builder.with_no_client_auth(),
        };
        (Arc::new(config), ServerName::try_from("localhost").unwrap())
    }
}

#[tokio::test]
async fn mutual_tls_hands_the_fingerprint_to_the_service() {
    let authority = Authority::new();
    let running = Running::start(Limits::default(), Some(authority.server())).await;
    let identity = authority.issue();
    let fingerprint = Fingerprint::of(identity.0.first().unwrap());
    let mut sender = running.sender(Some(authority.client(Some(identity)))).await.unwrap();
    assert!(sender.send(message("A").as_bytes()).await.unwrap().is_accepted());
    assert_eq!(running.seen(), [Seen::Frame("A".to_owned(), false, Some(fingerprint))]);
    running.stop().await;
}

#[tokio::test]
async fn without_a_certificate_or_tls_nothing_is_taken() {
    let authority = Authority::new();
    let running = Running::start(Limits::default(), Some(authority.server())).await;
    // With TLS 1.3 the client learns of the refusal when it first reads.
    if let Ok(mut sender) = running.sender(Some(authority.client(None))).await {
        assert!(sender.send(message("A").as_bytes()).await.is_err());
    }
    let mut line = running.connect().await;
    line.message("A").await;
    assert!(line.is_closed().await);
    assert!(running.seen().is_empty());
    assert_eq!(running.counters.handshakes_failed.get(), 2);
    running.stop().await;
}
