//! A small sender: one message out, its acknowledgement back. What `sealgate send` runs on.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;

use crate::frame::{Closed, Deadlines, Event, FrameLimits, Frames, Next};
use crate::message::read_envelope;

/// A connection to a receiver, for one message after the other.
pub struct Sender {
    frames: Frames<Box<dyn Stream>>,
    wait: Duration,
}

/// Where and how to send.
pub struct Target {
    /// Host and port.
    pub address: String,
    /// TLS with this configuration and server name; plain MLLP without.
    pub tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    /// For connecting, and again for each answer; 30 s is usual.
    pub wait: Duration,
}

impl Sender {
    /// Connects.
    ///
    /// # Errors
    /// `Connect` with the system's reason, `TimedOut` if nothing happened in time.
    pub async fn connect(target: Target) -> Result<Self, SendError> {
        let connecting = async {
            let stream = TcpStream::connect(&target.address).await?;
            stream.set_nodelay(true)?;
            Ok::<Box<dyn Stream>, io::Error>(match target.tls {
                None => Box::new(stream),
                Some((config, name)) => Box::new(TlsConnector::from(config).connect(name, stream).await?),
            })
        };
        let stream =
            timeout(target.wait, connecting).await.map_err(|_| SendError::TimedOut)?.map_err(SendError::Connect)?;
        let deadlines = Deadlines { write: target.wait, ..Deadlines::default() };
        Ok(Self { frames: Frames::new(stream, FrameLimits::default(), deadlines), wait: target.wait })
    }

    /// Sends one message in one write and waits for the acknowledgement whose MSA-2 is its control id.
    ///
    /// Other acknowledgements are late ones of earlier messages and are passed over. For bytes without a readable MSH
    /// any acknowledgement counts.
    ///
    /// # Errors
    /// After `TimedOut` the connection must not be used again: its answer may still come.
    pub async fn send(&mut self, message: &[u8]) -> Result<Answer, SendError> {
        let began = Instant::now();
        let deadline = began.checked_add(self.wait).unwrap_or(began);
        let envelope = read_envelope(message);
        let wanted = envelope.as_ref().map(|envelope| envelope.control_id());
        self.frames.send(message).await.map_err(SendError::Broken)?;
        loop {
            let next = timeout_at(deadline, self.frames.next()).await.map_err(|_| SendError::TimedOut)?;
            let bytes = match next {
                Next::Event(Event::Frame { bytes, .. }) => bytes,
                Next::Event(event) if event.is_last() => return Err(SendError::NotMllp),
                Next::Event(_) => continue,
                Next::Closed(Closed::Broken(error)) => return Err(SendError::Broken(error)),
                Next::Closed(Closed::Peer | Closed::Idle) => return Err(SendError::Closed),
            };
            let answer = Answer::read(bytes, began.elapsed()).ok_or(SendError::NotAnAnswer)?;
            if wanted.is_none_or(|wanted| answer.control_id == wanted) {
                return Ok(answer);
            }
        }
    }
}

/// An acknowledgement that was received.
pub struct Answer {
    /// MSA-1, as `AA`.
    pub code: String,
    /// MSA-2, as sent.
    pub control_id: Vec<u8>,
    /// MSA-3, the reason in words.
    pub reason: String,
    /// The ERR segments as they stood.
    pub errors: Vec<String>,
    /// How long it took.
    pub elapsed: Duration,
    /// The whole answer.
    pub bytes: Bytes,
}

impl Answer {
    /// Whether the message was taken: AA or CA.
    pub fn is_accepted(&self) -> bool {
        matches!(self.code.as_str(), "AA" | "CA")
    }

    fn read(bytes: Bytes, elapsed: Duration) -> Option<Self> {
        let separator = read_envelope(&bytes)?.separators().field;
        let lines = || bytes.split(|byte| matches!(byte, b'\r' | b'\n'));
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        let msa = lines().find(|line| line.starts_with(b"MSA"))?;
        let mut fields = msa.split(|byte| *byte == separator).skip(1);
        let mut field = || fields.next().unwrap_or_default();
        Some(Self {
            code: text(field()),
            control_id: field().to_vec(),
            reason: text(field()),
            errors: lines().filter(|line| line.starts_with(b"ERR")).map(text).collect(),
            elapsed,
            bytes: bytes.clone(),
        })
    }
}

/// Why no acknowledgement was received.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection could be made.
    #[error("the receiver cannot be reached")]
    Connect(#[source] io::Error),
    /// Nothing came in time.
    #[error("the receiver did not answer in time")]
    TimedOut,
    /// The receiver closed the connection: it did not take the message, or could not store it.
    #[error("the receiver closed the connection without an answer")]
    Closed,
    /// The connection broke.
    #[error("the connection broke")]
    Broken(#[source] io::Error),
    /// What came back is not MLLP.
    #[error("the receiver does not speak MLLP")]
    NotMllp,
    /// What came back is no acknowledgement.
    #[error("the receiver's answer is not an acknowledgement")]
    NotAnAnswer,
}

/// A byte stream, plain or TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}
