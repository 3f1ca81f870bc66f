//! The endpoint under test and the messages sent to it.

use super::link::{Link, Reply, framed};
use crate::case::{Outcome, Stop};
use crate::hl7::{Message, set_field};
use crate::{show, vectors};
use rustls::pki_types::ServerName;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// What the tester says about the endpoint.
#[derive(Clone)]
pub struct Options {
    /// `host:port`.
    pub address: String,
    /// Client side of TLS and the name to expect in the certificate; plain TCP when absent.
    pub tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    /// How long to wait for a connection or a reply.
    pub timeout: Duration,
    /// How long nothing must come where no reply is due.
    pub quiet: Duration,
    /// MSH-3 for the messages, where the endpoint only knows certain senders.
    pub sending_application: Option<String>,
    /// MSH-4 for the messages.
    pub sending_facility: Option<String>,
    /// Beginning of every message control id of this run, at most 14 characters.
    pub run: String,
}

impl Options {
    /// Describes a plain endpoint with the usual waiting times: 10 s for a reply, 1 s of silence.
    #[must_use]
    pub fn plain(address: impl Into<String>, run: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            tls: None,
            timeout: Duration::from_secs(10),
            quiet: Duration::from_secs(1),
            sending_application: None,
            sending_facility: None,
            run: run.into(),
        }
    }
}

/// The MLLP endpoint under test.
pub struct Bench {
    pub(super) options: Options,
    serial: AtomicUsize,
}

/// A message ready to be sent.
#[derive(Clone)]
pub struct Sample {
    /// The message without framing.
    pub bytes: Vec<u8>,
    /// Its MSH-10.
    pub control: Vec<u8>,
}

impl Sample {
    /// Replaces a field; see [`set_field`].
    #[must_use]
    pub fn with(mut self, segment: &str, number: usize, value: &[u8]) -> Self {
        self.bytes = set_field(&self.bytes, segment, number, value);
        if segment == "MSH" && number == 10 {
            self.control = value.to_vec();
        }
        self
    }

    /// The message between its start and end block.
    #[must_use]
    pub fn framed(&self) -> Vec<u8> {
        framed(&self.bytes)
    }

    pub(super) fn field(&self, segment: &str, number: usize) -> Vec<u8> {
        Message::read(&self.bytes).map(|message| message.field(segment, number).to_vec()).unwrap_or_default()
    }
}

impl Bench {
    /// Prepares the run; nothing is sent yet.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self { options, serial: AtomicUsize::new(0) }
    }

    /// Opens one connection and closes it again.
    ///
    /// # Errors
    /// The reason why the endpoint cannot be reached.
    pub async fn reach(&self) -> io::Result<()> {
        self.stream().await.map(drop)
    }

    /// Sends a vector as it stands, but for the sender the tester named, and expects AA.
    ///
    /// Control id and content stay the same from run to run, so an endpoint that knows repeats stores it once.
    ///
    /// # Errors
    /// [`Stop`] when the endpoint does not answer AA.
    pub async fn seed(&self, vector: &str) -> Outcome {
        let sample = self.addressed(read(vector)?);
        self.exchange_as(&sample, &["AA"]).await.map(drop)
    }

    /// A message control id that this run has not used.
    pub(super) fn control_id(&self) -> Vec<u8> {
        let serial = self.serial.fetch_add(1, Ordering::Relaxed);
        format!("{}{serial:04}", self.options.run).into_bytes()
    }

    /// A vector with a control id of its own.
    pub(super) fn sample(&self, vector: &str) -> Result<Sample, Stop> {
        let sample = self.addressed(read(vector)?);
        if sample.control.is_empty() {
            return Ok(sample);
        }
        let control = self.control_id();
        Ok(sample.with("MSH", 10, &control))
    }

    /// An ORU^R01 with nothing wrong, and order numbers of its own.
    pub(super) fn good(&self) -> Result<Sample, Stop> {
        let sample = self.sample("good")?;
        let order = [b"SGF-".as_slice(), &sample.control, b"^LABX"].concat();
        Ok(sample.with("ORC", 3, &order).with("OBR", 3, &order))
    }

    pub(super) async fn connect(&self) -> Result<Link<'_>, Stop> {
        match self.stream().await {
            Ok(stream) => Ok(Link::new(self, stream)),
            Err(error) => Err(Stop::Broken(format!("cannot connect to {}: {error}", self.options.address))),
        }
    }

    /// Sends one message on a connection of its own and reads its acknowledgement.
    pub(super) async fn exchange(&self, sample: &Sample) -> Result<(Link<'_>, Reply), Stop> {
        let mut link = self.connect().await?;
        link.send(&sample.framed()).await;
        let reply = link.reply().await?;
        Ok((link, reply))
    }

    /// Sends one message and expects one of these codes with the message's own control id.
    pub(super) async fn exchange_as(&self, sample: &Sample, codes: &[&str]) -> Result<(Link<'_>, Reply), Stop> {
        let (link, reply) = self.exchange(sample).await?;
        reply.says(&link, codes, &sample.control)?;
        Ok((link, reply))
    }

    /// Sends a vector and expects what its heading says: the code, and the ERR condition if it names one.
    pub(super) async fn as_headed(&self, vector: &str) -> Outcome {
        let heading = vectors::hl7(vector).ok_or_else(|| missing(vector))?;
        let codes: Vec<&str> = heading.codes().collect();
        let (link, reply) = self.exchange_as(&self.sample(vector)?, &codes).await?;
        match heading.condition() {
            Some(condition) => link.check(
                reply.message.condition() == condition.as_bytes(),
                format!("an ERR segment with the code {condition} of table 0357"),
            ),
            None => Ok(()),
        }
    }

    /// Proves on a new connection that the endpoint still answers.
    pub(super) async fn still_serves(&self) -> Outcome {
        self.exchange_as(&self.good()?, &["AA"]).await.map(drop)
    }

    /// A shell line that sends these bytes without this tool.
    pub(super) fn by_hand(&self, sent: &[u8]) -> String {
        const PASTEABLE: usize = 6_000;
        let (host, port) = self.options.address.rsplit_once(':').unwrap_or((&self.options.address, ""));
        let host = host.trim_matches(['[', ']']);
        let peer = if self.options.tls.is_some() {
            format!("openssl s_client -quiet -connect {}", self.options.address)
        } else {
            format!("nc -w 5 {host} {port}")
        };
        if sent.len() > PASTEABLE {
            return format!("too long to paste ({} bytes); see `sealgate-conformance vector`", sent.len());
        }
        format!("printf {} | {peer}", show::printf(sent))
    }

    /// Puts the tester's sender into the message.
    fn addressed(&self, mut sample: Sample) -> Sample {
        for (number, value) in [(3, &self.options.sending_application), (4, &self.options.sending_facility)] {
            if let Some(value) = value {
                sample = sample.with("MSH", number, value.as_bytes());
            }
        }
        sample
    }

    async fn stream(&self) -> io::Result<Box<dyn super::link::Stream>> {
        let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection in time");
        let opened = async {
            let stream = TcpStream::connect(&self.options.address).await?;
            stream.set_nodelay(true)?;
            let stream: Box<dyn super::link::Stream> = match &self.options.tls {
                None => Box::new(stream),
                Some((configuration, name)) => {
                    Box::new(TlsConnector::from(Arc::clone(configuration)).connect(name.clone(), stream).await?)
                }
            };
            Ok(stream)
        };
        tokio::time::timeout(self.options.timeout, opened).await.map_err(late)?
    }
}

fn read(vector: &str) -> Result<Sample, Stop> {
    let found = vectors::hl7(vector).ok_or_else(|| missing(vector))?;
    let control = Message::read(found.bytes).map(|message| message.field("MSH", 10).to_vec()).unwrap_or_default();
    Ok(Sample { bytes: found.bytes.to_vec(), control })
}

fn missing(vector: &str) -> Stop {
    Stop::Broken(format!("the vector {vector} is not built in"))
}
