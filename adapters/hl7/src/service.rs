//! The way of one message: envelope, interface, reading, mapping, intake, acknowledgement.
//!
//! Every frame ends in one of three places: with the records (and `AA`), in quarantine byte for
//! byte (and a refusal), or with its sender (no answer, the connection closed) because nothing
//! could be stored.

use crate::acknowledgement::{AckIdentity, Outcome, acknowledge};
use crate::counters::Counters;
use crate::delivery::{BoxFuture, Delivery, Received, Reply, Service};
use crate::mapping::{self, SenderProfile};
use crate::message::{
    self, AcceptanceProfile, Charset, Envelope, Fault, FaultCode, Judgement, ReadOptions, judge, read_envelope,
    require_content, why_no_envelope,
};
use crate::turns::Turns;
use domain::access::Subject;
use domain::directory::{
    Directory, Interface, InterfaceRefusal, MappingFailureAs, UnavailableAs, subject_for_interface,
};
use domain::id::{ClinicId, CorrelationId, RecordId};
use domain::intake::{self, Incoming, Intake, NotReceived};
use domain::keys::NameKey;
use domain::ports::{Clock, Entropy, KeyVault};
use domain::time::{Timestamp, civil};
use domain::write::Routing;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Receives messages for every listener of a gateway.
pub struct Reception {
    intake: Intake,
    turns: Turns,
    vault: Arc<dyn KeyVault>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    directory: watch::Receiver<Arc<Directory>>,
    counters: Arc<Counters>,
    prepared: Mutex<Prepared>,
    replies: AtomicU32,
}

/// What is made once from each interface of one directory.
#[derive(Default)]
struct Prepared {
    of: Option<Arc<Directory>>,
    interfaces: HashMap<RecordId, Arc<Channel>>,
}

/// An interface, ready to be received by.
pub(crate) struct Channel {
    interface: Interface,
    subject: Subject,
    acceptance: AcceptanceProfile,
    reading: ReadOptions,
    time_zone: TimeZone,
}

/// Where a frame is kept when it does not become records, and as whose.
struct Custodian<'a> {
    subject: &'a Subject,
    clinic: Option<ClinicId>,
    unavailable_as: UnavailableAs,
}

impl Reception {
    /// Makes the reception of a gateway.
    #[must_use]
    pub fn new(intake: Intake, directory: watch::Receiver<Arc<Directory>>, counters: Arc<Counters>) -> Self {
        Self {
            vault: Arc::clone(&intake.vault),
            clock: Arc::clone(&intake.clock),
            entropy: Arc::clone(&intake.entropy),
            intake,
            turns: Turns::new(),
            directory,
            counters,
            prepared: Mutex::new(Prepared::default()),
            replies: AtomicU32::new(0),
        }
    }

    async fn frame(&self, delivery: &Delivery<'_>, bytes: &[u8]) -> Reply {
        let received = self.clock.now();
        let gateway = Subject::gateway();
        let nobody = Custodian { subject: &gateway, clinic: None, unavailable_as: UnavailableAs::Close };
        let Some(envelope) = read_envelope(bytes) else {
            let outcome = Outcome::Rejected(why_no_envelope(bytes));
            return self.refuse(delivery, &nobody, bytes, None, outcome, received).await;
        };
        let channel = match self.channel(delivery, &envelope) {
            Ok(channel) => channel,
            Err(refusal) => {
                let fault = Fault::new(FaultCode::UnknownSender, unknown_sender(refusal));
                return self
                    .refuse(delivery, &nobody, bytes, Some(&envelope), Outcome::Rejected(fault), received)
                    .await;
            }
        };
        let owner = Custodian {
            subject: &channel.subject,
            clinic: channel.interface.clinic,
            unavailable_as: channel.interface.unavailable_as,
        };
        match channel.judge(&envelope) {
            Judgement::Take(_) => {}
            Judgement::Acknowledgement => {
                self.counters.acknowledgements_received.add(1);
                return Reply::Silent;
            }
            Judgement::Refuse(fault) => {
                return self.refuse(delivery, &owner, bytes, Some(&envelope), Outcome::of(fault), received).await;
            }
        }
        let secrets = self.vault.secrets(channel.subject.tenant);
        let incoming = match channel.map(bytes, &envelope, &secrets.naming, received) {
            Ok(incoming) => incoming,
            Err(fault) => {
                return self.refuse(delivery, &owner, bytes, Some(&envelope), Outcome::of(fault), received).await;
            }
        };

        let Some(correlation) = self.correlation() else { return Reply::Close };
        let identity = [envelope.sending_application(), envelope.sending_facility(), envelope.control_id()];
        let delivered = self.delivered(delivery, &owner, bytes, &identity, correlation, received);
        let outcome = match self.turns.receive(&self.intake, &delivered, &incoming).await {
            Ok(intake::Received::Stored { message, routing }) => {
                tracing::info!(%correlation, record = %message, routing = routing.name(), "message stored");
                let as_error = channel.interface.mapping_failure_as == MappingFailureAs::ApplicationError;
                match routing {
                    Routing::Unmapped if as_error => Outcome::ApplicationError(Fault::new(
                        FaultCode::Internal,
                        "stored, but kept out of the records; a person will look",
                    )),
                    _ => Outcome::Accepted,
                }
            }
            Ok(intake::Received::Repeated) => {
                tracing::info!(%correlation, "message repeated");
                Outcome::Repeated
            }
            Err(NotReceived::Denied) => {
                Outcome::Rejected(Fault::new(FaultCode::UnknownSender, "this interface may not deliver results"))
            }
            Err(why @ (NotReceived::Contended | NotReceived::Unavailable)) => {
                return self.unavailable(&owner, Some(&envelope), correlation, received, why);
            }
        };
        self.answer(Some(&envelope), &outcome, received)
    }

    /// Closes on a peer that no interface of the listener expects: what strangers send is not worth a disk.
    async fn stranger(&self, listener: &str, peer: SocketAddr) {
        let gateway = Subject::gateway();
        if let Some(correlation) = self.correlation() {
            let delivered = intake::Delivery {
                subject: &gateway,
                clinic: None,
                workstation: listener,
                address: peer.to_string(),
                correlation,
                received: self.clock.now(),
                bytes: &[],
                identity: &[],
            };
            if self.intake.turn_away(&delivered, "no interface of this listener expects the address").await.is_err() {
                tracing::error!(%correlation, "a peer turned away could not be recorded");
            }
        }
    }

    /// Keeps bytes that were not taken, then says so. Never answers for bytes it could not keep.
    async fn refuse(
        &self,
        delivery: &Delivery<'_>,
        owner: &Custodian<'_>,
        bytes: &[u8],
        envelope: Option<&Envelope>,
        outcome: Outcome,
        received: Timestamp,
    ) -> Reply {
        let Some(correlation) = self.correlation() else { return Reply::Close };
        let reason = match &outcome {
            Outcome::ApplicationError(fault) | Outcome::Rejected(fault) => fault.what,
            Outcome::Accepted | Outcome::Repeated | Outcome::NoReply => "not taken",
        };
        let delivered = self.delivered(delivery, owner, bytes, &[], correlation, received);
        match self.intake.quarantine(&delivered, reason).await {
            Ok(message) => {
                tracing::warn!(%correlation, record = %message, reason, "message refused and quarantined");
                self.answer(envelope, &outcome, received)
            }
            Err(why) => self.unavailable(owner, envelope, correlation, received, why),
        }
    }

    /// Keeps a frame that was no frame; nobody can be answered.
    async fn bad(&self, delivery: &Delivery<'_>, bytes: &[u8], reason: &'static str) -> Reply {
        let received = self.clock.now();
        let gateway = Subject::gateway();
        let channel = read_envelope(bytes).and_then(|envelope| self.channel(delivery, &envelope).ok());
        let owner = channel.as_ref().map_or(
            Custodian { subject: &gateway, clinic: None, unavailable_as: UnavailableAs::Close },
            |channel| Custodian {
                subject: &channel.subject,
                clinic: channel.interface.clinic,
                unavailable_as: channel.interface.unavailable_as,
            },
        );
        let Some(correlation) = self.correlation() else { return Reply::Close };
        let delivered = self.delivered(delivery, &owner, bytes, &[], correlation, received);
        match self.intake.quarantine(&delivered, reason).await {
            Ok(message) => {
                tracing::warn!(%correlation, record = %message, reason, "broken frame quarantined");
                Reply::Silent
            }
            Err(_) => {
                tracing::error!(%correlation, "storage unavailable, broken frame not kept");
                Reply::Close
            }
        }
    }

    fn delivered<'a>(
        &self,
        delivery: &Delivery<'a>,
        owner: &Custodian<'a>,
        bytes: &'a [u8],
        identity: &'a [&'a [u8]],
        correlation: CorrelationId,
        received: Timestamp,
    ) -> intake::Delivery<'a> {
        intake::Delivery {
            subject: owner.subject,
            clinic: owner.clinic,
            workstation: delivery.listener,
            address: delivery.peer.to_string(),
            correlation,
            received,
            bytes,
            identity,
        }
    }

    /// Answers as the interface wants it while nothing can be stored; by default not at all.
    fn unavailable(
        &self,
        owner: &Custodian<'_>,
        envelope: Option<&Envelope>,
        correlation: CorrelationId,
        received: Timestamp,
        why: NotReceived,
    ) -> Reply {
        let fault = if why == NotReceived::Contended {
            let waited = crate::turns::PATIENCE.as_secs();
            tracing::error!(%correlation, waited, "records contended: others changed them all the while, message left with its sender");
            Fault::new(FaultCode::Internal, "other messages are changing the same records; send again later")
        } else {
            tracing::error!(%correlation, "storage unavailable, message left with its sender");
            Fault::new(FaultCode::Internal, "storage is not available; send again later")
        };
        match owner.unavailable_as {
            UnavailableAs::Close => {
                self.counters.unanswered.add(1);
                Reply::Close
            }
            UnavailableAs::ApplicationError => self.answer(envelope, &Outcome::ApplicationError(fault), received),
            UnavailableAs::ApplicationReject => self.answer(envelope, &Outcome::Rejected(fault), received),
        }
    }

    fn answer(&self, envelope: Option<&Envelope>, outcome: &Outcome, now: Timestamp) -> Reply {
        if let Some(code) = outcome.code() {
            self.counters.acknowledged(code);
        }
        let reply = self.replies.fetch_add(1, Ordering::Relaxed);
        // Unique as long as a process lives and never starts in the same millisecond; at most 20 characters.
        let control_id = format!("{:X}{:06X}", now.millis(), reply & 0x00ff_ffff);
        let identity = AckIdentity { control_id: &control_id, timestamp: &hl7_time(now) };
        Reply::Send(acknowledge(envelope, outcome, &identity))
    }

    fn channel(&self, delivery: &Delivery<'_>, envelope: &Envelope) -> Result<Arc<Channel>, InterfaceRefusal> {
        let directory = Arc::clone(&self.directory.borrow());
        let interface = directory.interface_for(
            delivery.listener,
            &envelope.text(3, 1),
            &envelope.text(4, 1),
            delivery.peer.ip().to_canonical(),
        )?;
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        if !prepared.of.as_ref().is_some_and(|known| Arc::ptr_eq(known, &directory)) {
            *prepared = Prepared { of: Some(Arc::clone(&directory)), interfaces: HashMap::new() };
        }
        let channel = prepared.interfaces.entry(interface.id).or_insert_with(|| Arc::new(Channel::new(interface)));
        Ok(Arc::clone(channel))
    }

    fn correlation(&self) -> Option<CorrelationId> {
        let mut bytes = [0; 16];
        self.entropy.fill(&mut bytes).ok()?;
        Some(CorrelationId::from_random(bytes))
    }
}

impl Service for Reception {
    fn expects(&self, listener: &str, peer: IpAddr) -> bool {
        self.directory.borrow().accepts_peer(listener, peer.to_canonical())
    }

    fn turned_away<'a>(&'a self, listener: &'a str, peer: SocketAddr) -> BoxFuture<'a, ()> {
        Box::pin(self.stranger(listener, peer))
    }

    fn receive<'a>(&'a self, delivery: Delivery<'a>) -> BoxFuture<'a, Reply> {
        Box::pin(async move {
            // Asked again: the interface may have been closed while the connection was open.
            if !self.expects(delivery.listener, delivery.peer.ip()) {
                tracing::warn!(listener = delivery.listener, "peer of a closed interface turned away");
                self.stranger(delivery.listener, delivery.peer).await;
                return Reply::Close;
            }
            match delivery.event.clone() {
                Received::Frame { bytes, .. } => self.frame(&delivery, &bytes).await,
                Received::Bad { bytes, reason } => self.bad(&delivery, &bytes, reason.as_str()).await,
            }
        })
    }
}

impl Channel {
    pub(crate) fn new(interface: &Interface) -> Self {
        let takes = |letter| interface.processing_ids.contains(&letter);
        let mut reading = ReadOptions::default();
        reading.charset.override_with = interface.character_set.as_deref().and_then(Charset::named);
        Self {
            subject: subject_for_interface(interface),
            acceptance: AcceptanceProfile { production: takes('P'), training: takes('T'), debugging: takes('D') },
            reading,
            time_zone: TimeZone::get(&interface.time_zone).unwrap_or(TimeZone::UTC),
            interface: interface.clone(),
        }
    }

    /// Borrows the partner behind the interface.
    pub(crate) const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Says whether the interface takes a message with this envelope.
    pub(crate) fn judge(&self, envelope: &Envelope) -> Judgement {
        judge(envelope, &self.acceptance)
    }

    /// Reads and maps a message that the interface takes.
    pub(crate) fn map(
        &self,
        bytes: &[u8],
        envelope: &Envelope,
        names: &NameKey,
        received: Timestamp,
    ) -> Result<Incoming, Fault> {
        let message = message::read(bytes, &self.reading)?;
        require_content(&message)?;
        Ok(mapping::map(&message, &self.sender(envelope), names, received))
    }

    /// Names the sender: local codes and numbers lie under its facility and application.
    fn sender(&self, envelope: &Envelope) -> SenderProfile {
        SenderProfile {
            name: format!("{}|{}", envelope.text(4, 1), envelope.text(3, 1)),
            time_zone: self.time_zone.clone(),
            authorities: BTreeMap::new(),
        }
    }
}

/// Says whether an IANA time zone of this name is known here; an interface that names another would be read in UTC.
#[must_use]
pub fn knows_time_zone(name: &str) -> bool {
    TimeZone::get(name).is_ok()
}

fn unknown_sender(refusal: InterfaceRefusal) -> &'static str {
    match refusal {
        InterfaceRefusal::Unknown => "no interface is configured for this sender (MSH-3, MSH-4) on this listener",
        InterfaceRefusal::AddressNotAllowed => "this address may not send for this sender (MSH-3, MSH-4)",
        InterfaceRefusal::Ambiguous => {
            "several interfaces fit this sender; the receiver's configuration must be made clearer"
        }
    }
}

/// Renders a moment as an HL7 timestamp with its zone (HL7 v2.5.1 §2.A.78).
fn hl7_time(now: Timestamp) -> String {
    let (year, month, day) = civil(now.0.div_euclid(86_400_000_000));
    let seconds = now.0.rem_euclid(86_400_000_000).div_euclid(1_000_000);
    let (hour, minute, second) =
        (seconds.div_euclid(3_600), seconds.div_euclid(60).rem_euclid(60), seconds.rem_euclid(60));
    format!("{year:04}{month:02}{day:02}{hour:02}{minute:02}{second:02}+0000")
}
