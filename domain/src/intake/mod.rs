//! Receiving a result: decide, join with what is stored, seal, index, chain, and only then accept.
//!
//! Everything between loading what is stored and handing the write set to the ledger is straight
//! and synchronous. A message that loses a race against another is joined anew, at most
//! [`MAX_ATTEMPTS`] times; then it is [`NotReceived::Contended`], and the caller may wait and ask again.

mod account;
mod aim;
mod incoming;
mod join;
mod replay;

pub use account::Account;
pub use incoming::{Hold, Incoming, IncomingMember, IncomingRecord, Merge, NamedResult, Stage, Standing};
pub use replay::{Decision, NotDecided, Replayed, Waiting};

use crate::access::{self, Receive, Resource, Subject};
use crate::audit::Context;
use crate::id::{ClinicId, CorrelationId, RecordId};
use crate::journal::{Act, Actor};
use crate::keys::{Compartment, DataKey};
use crate::kind::Kind;
use crate::ports::{Clock, Entropy, KeyFault, KeyVault, Ledger, NotRecorded, Receipt, Store};
use crate::record::content::{Content, Member};
use crate::record::{self, Binding, SealFault};
use crate::time::Timestamp;
use crate::write::{Claim, ConflictReason, IndexTerm, RecordWrite, Routing, StoredRecord, WriteSet};
use account::account;
use alloc::borrow::Cow;
use alloc::collections::BTreeSet;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use join::{Joined, Joining, NotJoined, join, renamed};

/// How often a message that lost a race is joined anew at once.
pub const MAX_ATTEMPTS: u32 = 4;

/// Receives results.
pub struct Intake {
    /// Reads what is stored.
    pub store: Arc<dyn Store>,
    /// Makes the write durable and chained.
    pub ledger: Arc<dyn Ledger>,
    /// Gives the keys.
    pub vault: Arc<dyn KeyVault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Joins stored and incoming content.
    pub merge: Arc<dyn Merge>,
}

/// A message that arrived, with who sent it.
pub struct Delivery<'a> {
    /// The interface it came in by, as a subject.
    pub subject: &'a Subject,
    /// The clinic its records belong to.
    pub clinic: Option<ClinicId>,
    /// The listener it came in by.
    pub workstation: &'a str,
    /// The peer's address, for the sealed context.
    pub address: String,
    /// Ties its entries together.
    pub correlation: CorrelationId,
    /// When its last byte arrived.
    pub received: Timestamp,
    /// The bytes, exactly as they came.
    pub bytes: &'a [u8],
    /// What makes it the same message when it comes again: sender, control id. The bytes are added.
    pub identity: &'a [&'a [u8]],
}

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// Stored, sealed, indexed and in the chain.
    Stored {
        /// The message's own record.
        message: RecordId,
        /// Where it stands.
        routing: Routing,
    },
    /// The very same message is stored already.
    Repeated,
}

/// Why a delivery is not accepted; nothing of it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotReceived {
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// Other messages, or other gateways, were faster each time; asked again a little later, it will be stored.
    Contended,
    /// The database, the ledger or the keys do not answer: the sender should keep it.
    Unavailable,
}

impl Intake {
    /// Stores a mapped message with its records. When this returns `Ok`, all of it is durable and chained.
    ///
    /// # Errors
    /// [`NotReceived`]; then nothing of it is stored.
    pub async fn receive(&self, delivery: &Delivery<'_>, incoming: &Incoming) -> Result<Received, NotReceived> {
        let actor = Actor::new(delivery.subject, delivery.workstation, delivery.correlation);
        let message = RecordId::from_time(delivery.received, self.random()?);
        let secrets = self.vault.secrets(delivery.subject.tenant);
        let mut unjoinable = false;
        for _ in 0..MAX_ATTEMPTS {
            let joining = Joining {
                merge: self.merge.as_ref(),
                content: &secrets.content,
                now: self.clock.now(),
                accept_patient_change: false,
            };
            let joined = match self.stored(delivery, incoming).await? {
                Some((stored, keys)) if !unjoinable => join(delivery, incoming, &stored, &keys, &joining),
                Some(_) | None => Ok(Joined::held(Routing::Unmapped, "a stored record that it changes does not open")),
            };
            let joined = match joined {
                Ok(joined) => joined,
                Err(NotJoined::Denied(denial)) => {
                    let action = access::Action::MessageReceive.name();
                    let act = Act::denied(action, Kind::Hl7Message.name(), &message.to_string(), denial.reason());
                    let context = Context { address: Some(delivery.address.clone()), ..Context::default() };
                    self.note(&actor, act, context).await?;
                    return Err(NotReceived::Denied);
                }
                Err(NotJoined::Integrity(id)) => {
                    let act = Act::failed("IntegrityFailure", Kind::DiagnosticReport.name(), &id.to_string());
                    self.note(&actor, act, Context::default()).await?;
                    // The sender cannot mend it: the message is kept as a work item, its queue goes on.
                    Joined::held(Routing::Unmapped, "a stored record that it changes does not open")
                }
            };
            let routing = joined.routing;
            let write =
                match self.write_set(&actor, delivery, incoming, &Place::new(message, delivery.received), joined).await
                {
                    Ok(write) => write,
                    Err(NotWritten::TooLarge) if !unjoinable => {
                        unjoinable = true;
                        continue;
                    }
                    Err(_) => return Err(NotReceived::Unavailable),
                };
            let made: Vec<_> = write.keys.iter().map(|key| key.id).collect();
            match self.ledger.record(write).await {
                Ok(_) => {
                    self.vault.stored(delivery.subject.tenant, &made);
                    return Ok(Received::Stored { message, routing });
                }
                Err(NotRecorded::Conflict(ConflictReason::Claimed)) => return Ok(Received::Repeated),
                Err(NotRecorded::Conflict(ConflictReason::Version)) => {}
                Err(NotRecorded::Busy) => return Err(NotReceived::Contended),
                Err(NotRecorded::Unavailable) => return Err(NotReceived::Unavailable),
            }
        }
        Err(NotReceived::Contended)
    }

    /// Keeps bytes that are no message, exactly as they came, and chains that they did come.
    ///
    /// # Errors
    /// [`NotReceived`]; then they are not stored.
    pub async fn quarantine(&self, delivery: &Delivery<'_>, reason: &'static str) -> Result<RecordId, NotReceived> {
        let actor = Actor::new(delivery.subject, delivery.workstation, delivery.correlation);
        let id = RecordId::from_time(delivery.received, self.random()?);
        let mut write = WriteSet::default();
        let member = |kind, bytes| Member { kind, id, version: 1, last_updated: delivery.received, bytes };
        let why = account(Routing::Quarantined, reason, "").into_bytes();
        let content = Content {
            as_of: delivery.received,
            members: alloc::vec![
                member(Kind::QuarantinedFrame, delivery.bytes.into()),
                member(Kind::MessageTrace, why.into()),
            ],
        };
        let plan = Plan {
            kind: Kind::QuarantinedFrame,
            id,
            compartment: Compartment::Own(id),
            content,
            replaces: None,
            version: 1,
            arrival: delivery.received,
            routing: Routing::Quarantined,
            before: None,
        };
        let context =
            Context { address: Some(delivery.address.clone()), reason: Some(reason.to_string()), ..Context::default() };
        self.add(&actor, delivery, plan, Some(context), &mut write).await?;
        let made: Vec<_> = write.keys.iter().map(|key| key.id).collect();
        self.ledger.record(write).await.map_err(|_| NotReceived::Unavailable)?;
        self.vault.stored(delivery.subject.tenant, &made);
        Ok(id)
    }

    /// Chains that somebody was turned away unheard; nothing of what they sent is kept.
    ///
    /// # Errors
    /// [`NotReceived::Unavailable`].
    pub async fn turn_away(&self, delivery: &Delivery<'_>, reason: &'static str) -> Result<(), NotReceived> {
        let actor = Actor::new(delivery.subject, delivery.workstation, delivery.correlation);
        let act = Act::denied(access::Action::MessageReceive.name(), Kind::Hl7Message.name(), "", reason);
        self.note(&actor, act, Context { address: Some(delivery.address.clone()), ..Context::default() }).await
    }

    /// Loads what the message may change, and the keys to open it; `None` when one of them cannot be opened.
    async fn stored(
        &self,
        delivery: &Delivery<'_>,
        incoming: &Incoming,
    ) -> Result<Option<(Vec<StoredRecord>, Vec<Arc<DataKey>>)>, NotReceived> {
        let tenant = delivery.subject.tenant;
        if incoming.held.is_some() || incoming.records.is_empty() {
            return Ok(Some((Vec::new(), Vec::new())));
        }
        let ids: Vec<_> = incoming.records.iter().map(|record| record.id).collect();
        let stored = self.store.load(tenant, &ids).await.map_err(|_| NotReceived::Unavailable)?;
        let mut keys = Vec::with_capacity(stored.len());
        for record in &stored {
            let Ok(heading) = record::heading(&record.sealed) else { return Ok(None) };
            match self.vault.find(tenant, heading.data_key).await {
                Ok(key) => keys.push(key),
                Err(KeyFault::Unavailable) => return Err(NotReceived::Unavailable),
                Err(KeyFault::Missing | KeyFault::Broken) => return Ok(None),
            }
        }
        Ok(Some((stored, keys)))
    }

    async fn write_set(
        &self,
        actor: &Actor<'_>,
        delivery: &Delivery<'_>,
        incoming: &Incoming,
        place: &Place,
        joined: Joined<'_>,
    ) -> Result<WriteSet, NotWritten> {
        let tenant = delivery.subject.tenant;
        let secrets = self.vault.secrets(tenant);
        let mut write = WriteSet::default();
        let message = place.id;
        if place.replaces.is_none() {
            let mut identity = Vec::from(delivery.identity);
            identity.push(delivery.bytes);
            write.claims.push(Claim { tenant, token: secrets.content.claim("message", &identity), message });
        }

        let member = |kind, bytes| Member {
            kind,
            id: message,
            version: place.version(),
            last_updated: delivery.received,
            bytes,
        };
        let trace = renamed(&incoming.trace, &joined.renamed);
        let account = account(joined.routing, joined.reason, &trace).into_bytes();
        let content = Content {
            as_of: place.arrival,
            members: alloc::vec![
                member(Kind::Hl7Message, Cow::Borrowed(delivery.bytes)),
                member(Kind::MessageTrace, account.into()),
            ],
        };
        let patients: BTreeSet<_> = incoming.records.iter().filter_map(|record| record.patient).collect();
        let compartment = match (patients.first(), patients.len()) {
            (Some(patient), 1) => Compartment::Patient(*patient),
            _ => Compartment::Own(message),
        };
        let context = Context {
            address: Some(delivery.address.clone()),
            returned: joined.plans.iter().map(|plan| plan.reference()).collect(),
            reason: Some(joined.reason.to_string()),
            ..Context::default()
        };
        let plan = Plan {
            kind: Kind::Hl7Message,
            id: message,
            compartment,
            content,
            replaces: place.replaces,
            version: place.version(),
            arrival: place.arrival,
            routing: joined.routing,
            before: place.before,
        };
        self.add(actor, delivery, plan, Some(context), &mut write).await?;
        for plan in joined.plans {
            let (id, arrival) = (plan.id, plan.arrival);
            self.add(actor, delivery, plan, None, &mut write).await?;
            let terms = incoming.records.iter().filter(|record| record.id == id).flat_map(|record| &record.terms);
            let tokens: BTreeSet<_> = terms.map(|term| secrets.index.token(term)).collect();
            write.terms.extend(tokens.into_iter().map(|token| IndexTerm { tenant, token, record: id, arrival }));
        }
        Ok(write)
    }

    /// Seals one record and adds its row, its data key if new, and its audit draft.
    async fn add(
        &self,
        actor: &Actor<'_>,
        delivery: &Delivery<'_>,
        plan: Plan<'_>,
        context: Option<Context>,
        write: &mut WriteSet,
    ) -> Result<(), NotWritten> {
        let tenant = delivery.subject.tenant;
        let held = self.vault.current(tenant, plan.compartment).await.map_err(|_| NotReceived::Unavailable)?;
        let clinic = Plan::clinic_of(plan.kind, delivery.clinic);
        let plaintext = plan.content.encode()?;
        let binding = Binding {
            tenant,
            clinic,
            compartment: plan.compartment,
            kind: plan.kind,
            id: plan.id,
            version: plan.version,
        };
        let sealed = record::seal(&held.key, &binding, &plaintext, self.entropy.as_ref())?;
        if let Some(key) = held.unstored
            && !write.keys.iter().any(|known| known.id == key.id)
        {
            write.keys.push(key);
        }
        let after = self.vault.secrets(tenant).content.mac(&plaintext);
        let action = if plan.replaces.is_some() { "update" } else { "create" };
        let mut act = Act::changed(action, plan.kind.name(), &plan.id.to_string(), plan.before, after);
        if let Some(context) = context {
            act = self.with_context(actor, act, context, write).await?;
        }
        write.drafts.push(act.draft(actor, self.clock.now()));
        write.records.push(RecordWrite {
            tenant,
            id: plan.id,
            kind: plan.kind,
            clinic,
            replaces: plan.replaces,
            version: plan.version,
            arrival: plan.arrival,
            last_updated: delivery.received,
            routing: plan.routing,
            sealed,
        });
        Ok(())
    }

    async fn with_context(
        &self,
        actor: &Actor<'_>,
        act: Act,
        context: Context,
        write: &mut WriteSet,
    ) -> Result<Act, NotReceived> {
        let held = self
            .vault
            .current(actor.subject.tenant, Compartment::Context)
            .await
            .map_err(|_| NotReceived::Unavailable)?;
        if let Some(key) = held.unstored
            && !write.keys.iter().any(|known| known.id == key.id)
        {
            write.keys.push(key);
        }
        let secrets = self.vault.secrets(actor.subject.tenant);
        act.with_context(actor, &context, &held.key, &secrets.content, self.entropy.as_ref())
            .map_err(|_| NotReceived::Unavailable)
    }

    /// Records an act that changes nothing: a denial, a failure.
    async fn note(&self, actor: &Actor<'_>, act: Act, context: Context) -> Result<(), NotReceived> {
        self.noted(actor, act, context).await.map(|_| ())
    }

    /// Records an act that changes nothing, and returns the proof that it is in the chain.
    async fn noted(&self, actor: &Actor<'_>, act: Act, context: Context) -> Result<Receipt, NotReceived> {
        let mut write = WriteSet::default();
        let act = self.with_context(actor, act, context, &mut write).await?;
        write.drafts.push(act.draft(actor, self.clock.now()));
        self.ledger.record(write).await.map_err(|_| NotReceived::Unavailable)
    }

    fn random(&self) -> Result<[u8; 10], NotReceived> {
        let mut bytes = [0; 10];
        self.entropy.fill(&mut bytes).map_err(|_| NotReceived::Unavailable)?;
        Ok(bytes)
    }
}

/// Where a message is to be stored: as a new record, or in the place of its version before.
struct Place {
    id: RecordId,
    arrival: Timestamp,
    replaces: Option<u32>,
    before: Option<crate::keys::ContentMac>,
}

impl Place {
    const fn new(id: RecordId, arrival: Timestamp) -> Self {
        Self { id, arrival, replaces: None, before: None }
    }

    fn version(&self) -> u32 {
        self.replaces.map_or(1, |version| version.saturating_add(1))
    }
}

/// One record to be written, still in clear.
struct Plan<'a> {
    kind: Kind,
    id: RecordId,
    compartment: Compartment,
    content: Content<'a>,
    replaces: Option<u32>,
    version: u32,
    arrival: Timestamp,
    routing: Routing,
    before: Option<crate::keys::ContentMac>,
}

impl Plan<'_> {
    /// Patients, practitioners and organizations belong to the whole tenant; what a clinic orders belongs to it.
    fn clinic_of(kind: Kind, of_interface: Option<ClinicId>) -> Option<ClinicId> {
        match kind {
            Kind::DiagnosticReport | Kind::Encounter | Kind::Hl7Message | Kind::QuarantinedFrame => of_interface,
            _ => None,
        }
    }

    fn reference(&self) -> String {
        alloc::format!("{}/{}", self.kind.name(), self.id)
    }

    /// Returns the same plan with bytes of its own.
    fn into_owned(self) -> Plan<'static> {
        let own = |member: Member<'_>| Member { bytes: Cow::Owned(member.bytes.into_owned()), ..member };
        let members = self.content.members.into_iter().map(own).collect();
        Plan { content: Content { as_of: self.content.as_of, members }, ..self }
    }
}

/// The permit every delivery needs before anything stored is opened for it.
fn permit(
    delivery: &Delivery<'_>,
    patient: Option<RecordId>,
    kind: Kind,
) -> Result<access::Permit<Receive>, access::Denial> {
    let resource = Resource {
        tenant: delivery.subject.tenant,
        clinic: delivery.clinic,
        kind: Some(kind),
        patient,
        ..Resource::default()
    };
    access::authorise::<Receive>(delivery.subject, &resource, &access::Context::at(delivery.received))
}

/// Why a write set cannot be made.
enum NotWritten {
    /// A record would be larger than a record may be.
    TooLarge,
    /// Keys or randomness do not answer.
    Unavailable,
}

impl From<SealFault> for NotWritten {
    fn from(fault: SealFault) -> Self {
        match fault {
            SealFault::TooLarge => Self::TooLarge,
            SealFault::WrongKey | SealFault::Unavailable => Self::Unavailable,
        }
    }
}

impl From<NotReceived> for NotWritten {
    fn from(_: NotReceived) -> Self {
        Self::Unavailable
    }
}

impl From<NotWritten> for NotReceived {
    fn from(_: NotWritten) -> Self {
        Self::Unavailable
    }
}
