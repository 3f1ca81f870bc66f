//! A person's decisions about messages that are kept out of the records: take one in after all, or close it.
//!
//! ```text
//!   take_up: decide, open, record who decides and why ─► Waiting: the bytes as they came
//!                                                          ├─ map them anew ─► replay: join, seal, chain as any message
//!                                                          └─ dismiss: closed, nothing is mapped
//! ```
//!
//! Nothing opens before the decision is in the chain. What held the message back is asked again, by the same code: a replay
//! is no way around it, and what still holds stays held. The one thing that a person may decide is that an order belongs to
//! another patient, and that only where the report known for the first one was taken back as a whole.

use super::account::{account, mapping};
use super::{Delivery, Incoming, Intake, Joining, MAX_ATTEMPTS, NotJoined, NotReceived, NotWritten, Place, Plan, join};
use crate::access::{self, ReplayMessage, Resource};
use crate::audit::Context;
use crate::id::RecordId;
use crate::journal::{Act, Actor};
use crate::keys::{Compartment, ContentMac};
use crate::kind::Kind;
use crate::ports::{KeyFault, NotRecorded};
use crate::record;
use crate::record::content::{Content, Member};
use crate::time::Timestamp;
use crate::write::{ConflictReason, Routing, StoredRecord, WriteSet};
use alloc::borrow::Cow;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Who decides about a message, and how.
pub struct Decision<'a> {
    /// The person.
    pub actor: Actor<'a>,
    /// The circumstances that the policy asks about.
    pub circumstances: access::Context,
    /// Why, in the person's own words; kept in the chain.
    pub reason: &'a str,
    /// That a report which was taken back may begin anew for another patient.
    pub accept_patient_change: bool,
}

/// A message that waits for a person, opened for one who decided about it.
pub struct Waiting {
    stored: StoredRecord,
    compartment: Compartment,
    before: ContentMac,
    bytes: Vec<u8>,
    trace: String,
}

impl Waiting {
    /// Borrows the bytes, exactly as they came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns when they came.
    #[must_use]
    pub const fn received(&self) -> Timestamp {
        self.stored.arrival
    }

    /// Says whether they are a message, and not a frame that was kept without being read.
    #[must_use]
    pub fn is_message(&self) -> bool {
        self.stored.kind == Kind::Hl7Message
    }
}

/// What became of a message that was replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Replayed {
    /// It is in the records, or too old to change them.
    Done(Routing),
    /// It is still held, and this is why; nothing of it was applied.
    Held(&'static str),
}

/// Why nothing became of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDecided {
    /// There is no such message.
    Absent,
    /// It does not wait for anybody.
    NotWaiting(Routing),
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// It does not open, or a record that it changes does not.
    Integrity,
    /// Somebody else decided meanwhile.
    Changed,
    /// The database, the ledger or the keys do not answer.
    Unavailable,
}

impl Intake {
    /// Opens a message that waits, once it is in the chain who decides about it, what (`message.replay`, `message.dismiss`) and why.
    ///
    /// # Errors
    /// [`NotDecided`]; a denial is recorded.
    pub async fn take_up(&self, decision: &Decision<'_>, action: &str, id: RecordId) -> Result<Waiting, NotDecided> {
        let actor = &decision.actor;
        let tenant = actor.subject.tenant;
        let stored = self.store.load(tenant, &[id]).await.map_err(|_| NotDecided::Unavailable)?;
        let is_message = |record: &StoredRecord| matches!(record.kind, Kind::Hl7Message | Kind::QuarantinedFrame);
        let stored = stored.into_iter().find(is_message).ok_or(NotDecided::Absent)?;
        let heading = record::heading(&stored.sealed).map_err(|_| NotDecided::Integrity)?;
        let key = self.vault.find(tenant, heading.data_key).await.map_err(|fault| match fault {
            KeyFault::Unavailable => NotDecided::Unavailable,
            KeyFault::Missing | KeyFault::Broken => NotDecided::Integrity,
        })?;
        let patient = match key.compartment {
            Compartment::Patient(patient) => Some(patient),
            Compartment::Own(_) | Compartment::Context | Compartment::Directory => None,
        };
        let resource = Resource::record(tenant, stored.kind).with_clinic(stored.clinic).with_patient(patient);
        let (kind, named) = (stored.kind.name(), id.to_string());
        let roles: Vec<String> = actor.subject.roles.iter().map(|role| role.name().to_string()).collect();
        let permit = match access::authorise::<ReplayMessage>(actor.subject, &resource, &decision.circumstances) {
            Ok(permit) => permit,
            Err(denial) => {
                let act = Act::denied(action, kind, &named, denial.reason());
                self.note(actor, act, Context { roles, ..Context::default() }).await?;
                return Err(NotDecided::Denied);
            }
        };
        if !matches!(stored.routing, Routing::Unmapped | Routing::Quarantined) {
            return Err(NotDecided::NotWaiting(stored.routing));
        }
        let rule = permit.rule().to_string();
        let opened = record::open(permit, &key, &stored).map_err(|_| NotDecided::Integrity)?;
        let before = opened.content_mac(&self.vault.secrets(tenant).content);
        let accepted = if decision.accept_patient_change { "; a change of patient is accepted" } else { "" };
        let reason = Some(format!("{}{accepted}", decision.reason));
        let context = Context { reason, rule: Some(rule), roles, ..Context::default() };
        let receipt = self.noted(actor, Act::done(action, kind, &named), context).await?;
        let disclosed = opened.disclose(&receipt);
        let bytes = disclosed.bytes(stored.kind, id).unwrap_or_default().to_vec();
        let trace = disclosed.text(Kind::MessageTrace, id).unwrap_or_default().to_string();
        Ok(Waiting { compartment: key.compartment, stored, before, bytes, trace })
    }

    /// Takes a message in as if it came now by this interface: `by` names it as the sender, with the bytes of `waiting`.
    ///
    /// # Errors
    /// [`NotDecided`]; then nothing of it is applied.
    pub async fn replay(
        &self,
        decision: &Decision<'_>,
        waiting: &Waiting,
        by: &Delivery<'_>,
        incoming: &Incoming,
    ) -> Result<Replayed, NotDecided> {
        let tenant = by.subject.tenant;
        if tenant != waiting.stored.tenant {
            return Err(NotDecided::Absent);
        }
        let actor = Actor::new(by.subject, by.workstation, by.correlation);
        let secrets = self.vault.secrets(tenant);
        let place = waiting.place();
        for _ in 0..MAX_ATTEMPTS {
            let accept = decision.accept_patient_change;
            let joining = Joining {
                merge: self.merge.as_ref(),
                content: &secrets.content,
                now: self.clock.now(),
                accept_patient_change: accept,
            };
            let Some((stored, keys)) = self.stored(by, incoming).await? else { return Err(NotDecided::Integrity) };
            let joined = match join(by, incoming, &stored, &keys, &joining) {
                Ok(joined) => joined,
                Err(NotJoined::Denied(denial)) => {
                    let (kind, id) = (waiting.stored.kind.name(), waiting.stored.id.to_string());
                    let act = Act::denied(access::Action::MessageReceive.name(), kind, &id, denial.reason());
                    self.note(&actor, act, Context::default()).await?;
                    return Err(NotDecided::Denied);
                }
                Err(NotJoined::Integrity(id)) => {
                    let act = Act::failed("IntegrityFailure", Kind::DiagnosticReport.name(), &id.to_string());
                    self.note(&actor, act, Context::default()).await?;
                    return Err(NotDecided::Integrity);
                }
            };
            let routing = joined.routing;
            if matches!(routing, Routing::Unmapped | Routing::Quarantined) {
                return self.still_held(decision, waiting, joined.reason).await;
            }
            let write = match self.write_set(&actor, by, incoming, &place, joined).await {
                Ok(write) => write,
                Err(NotWritten::TooLarge) => {
                    return self
                        .still_held(decision, waiting, "a stored record that it changes would grow too large")
                        .await;
                }
                Err(NotWritten::Unavailable) => return Err(NotDecided::Unavailable),
            };
            match self.recorded(write).await {
                Ok(()) => return Ok(Replayed::Done(routing)),
                Err(NotDecided::Changed) => self.unchanged(waiting).await?,
                Err(fault) => return Err(fault),
            }
        }
        Err(NotDecided::Unavailable)
    }

    /// Closes a message: it is kept as it came, and waits for nobody any more.
    ///
    /// # Errors
    /// [`NotDecided`]; then it waits as before.
    pub async fn dismiss(&self, decision: &Decision<'_>, waiting: &Waiting) -> Result<(), NotDecided> {
        let Actor { subject, workstation, correlation, .. } = decision.actor;
        let id = waiting.stored.id;
        let (now, place) = (self.clock.now(), waiting.place());
        let account = account(Routing::Dismissed, "closed by a person", &mapping(&waiting.trace)).into_bytes();
        let member = |kind, bytes| Member { kind, id, version: place.version(), last_updated: now, bytes };
        let plan = Plan {
            kind: waiting.stored.kind,
            id,
            compartment: waiting.compartment,
            content: Content {
                as_of: place.arrival,
                members: alloc::vec![
                    member(waiting.stored.kind, Cow::Borrowed(waiting.bytes())),
                    member(Kind::MessageTrace, account.into()),
                ],
            },
            replaces: place.replaces,
            version: place.version(),
            arrival: place.arrival,
            routing: Routing::Dismissed,
            before: place.before,
        };
        let delivery = Delivery {
            subject,
            clinic: waiting.stored.clinic,
            workstation,
            address: decision.actor.address.unwrap_or_default().to_string(),
            correlation,
            received: now,
            bytes: waiting.bytes(),
            identity: &[],
        };
        let mut write = WriteSet::default();
        let context = Context { reason: Some(decision.reason.to_string()), ..Context::default() };
        self.add(&decision.actor, &delivery, plan, Some(context), &mut write)
            .await
            .map_err(|_| NotDecided::Unavailable)?;
        self.recorded(write).await
    }

    /// Chains that a decision changed nothing, and why.
    async fn still_held(
        &self,
        decision: &Decision<'_>,
        waiting: &Waiting,
        reason: &'static str,
    ) -> Result<Replayed, NotDecided> {
        let (kind, id) = (waiting.stored.kind.name(), waiting.stored.id.to_string());
        let act = Act::failed(access::Action::MessageReplay.name(), kind, &id);
        let context = Context { reason: Some(format!("still held: {reason}")), ..Context::default() };
        self.note(&decision.actor, act, context).await?;
        Ok(Replayed::Held(reason))
    }

    async fn recorded(&self, write: WriteSet) -> Result<(), NotDecided> {
        let made: Vec<_> = write.keys.iter().map(|key| (key.tenant, key.id)).collect();
        self.ledger.record(write).await.map_err(|fault| match fault {
            NotRecorded::Conflict(ConflictReason::Version | ConflictReason::Claimed) => NotDecided::Changed,
            NotRecorded::Busy | NotRecorded::Unavailable => NotDecided::Unavailable,
        })?;
        for (tenant, id) in made {
            self.vault.stored(tenant, &[id]);
        }
        Ok(())
    }

    /// Fails unless the message is still where it was found.
    async fn unchanged(&self, waiting: &Waiting) -> Result<(), NotDecided> {
        let StoredRecord { tenant, id, version, .. } = waiting.stored;
        let now = self.store.load(tenant, &[id]).await.map_err(|_| NotDecided::Unavailable)?;
        if now.iter().any(|record| record.version == version) { Ok(()) } else { Err(NotDecided::Changed) }
    }
}

impl Waiting {
    fn place(&self) -> Place {
        Place {
            id: self.stored.id,
            arrival: self.stored.arrival,
            replaces: Some(self.stored.version),
            before: Some(self.before),
        }
    }
}

impl From<NotReceived> for NotDecided {
    fn from(_: NotReceived) -> Self {
        Self::Unavailable
    }
}
