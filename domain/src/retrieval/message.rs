//! Looking at received messages: where each stands, and one as it came with what became of it.

use super::{Caller, Refusal, Retrieval, asked, patient_of};
use crate::access::{self, Action, ViewMessage};
use crate::id::RecordId;
use crate::intake::Account;
use crate::journal::Act;
use crate::kind::Kind;
use crate::ports::{Find, KeyFault};
use crate::record;
use crate::time::Timestamp;
use crate::write::{Routing, StoredRecord};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Where a received message stands; says nothing of its content.
pub struct MessageHeading {
    /// Its id.
    pub id: RecordId,
    /// A message, or a frame that was none.
    pub kind: Kind,
    /// When it was received.
    pub received: Timestamp,
    /// Where it stands.
    pub routing: Routing,
    /// Why it stands there, where it is kept out of the records or changed nothing: a constant sentence.
    pub reason: Option<String>,
}

/// A received message in clear, its view recorded.
pub struct MessageView {
    /// Where it stands.
    pub heading: MessageHeading,
    /// The bytes, exactly as they came.
    pub raw: Vec<u8>,
    /// What was mapped and what was not, as JSON; `None` for a frame that was kept without being read.
    pub trace: Option<String>,
}

impl Retrieval {
    /// Lists received messages, newest first, at most `limit`.
    ///
    /// # Errors
    /// [`Refusal::Forbidden`], [`Refusal::Unavailable`].
    pub async fn messages(
        &self,
        caller: &Caller,
        routing: Option<Routing>,
        limit: u32,
    ) -> Result<Vec<MessageHeading>, Refusal> {
        self.may(caller, Action::MessageView, Kind::Hl7Message).await?;
        let query =
            Find { kinds: alloc::vec![Kind::Hl7Message, Kind::QuarantinedFrame], routing, limit, ..Find::default() };
        let found = self.store.find(caller.subject.tenant, query).await.map_err(|_| Refusal::Unavailable)?;
        let mut headings = Vec::with_capacity(found.len());
        for stored in &found {
            let reason = if stored.routing == Routing::Mapped { None } else { self.reason(caller, stored).await? };
            headings.push(heading(stored, reason));
        }
        Ok(headings)
    }

    /// Looks inside a message for the sentence that says why it stands where it does; nothing else of it leaves.
    async fn reason(&self, caller: &Caller, stored: &StoredRecord) -> Result<Option<String>, Refusal> {
        let Ok(sealed) = record::heading(&stored.sealed) else { return Ok(None) };
        let key = match self.vault.find(stored.tenant, sealed.data_key).await {
            Ok(key) => key,
            Err(KeyFault::Unavailable) => return Err(Refusal::Unavailable),
            Err(KeyFault::Missing | KeyFault::Broken) => return Ok(None),
        };
        let resource = access::Resource::record(stored.tenant, stored.kind)
            .with_clinic(stored.clinic)
            .with_patient(patient_of(key.compartment));
        let permit = access::authorise::<ViewMessage>(&caller.subject, &resource, &self.context(caller));
        let opened = permit.ok().and_then(|permit| record::open(permit, &key, stored).ok());
        Ok(opened
            .and_then(|opened| opened.with(Kind::MessageTrace, stored.id, |_, text| Account::read(text).reason)?))
    }

    /// Shows one received message.
    ///
    /// # Errors
    /// [`Refusal`]; absence and denial are recorded too.
    pub async fn message(&self, caller: &Caller, id: RecordId) -> Result<MessageView, Refusal> {
        let action = Action::MessageView;
        let tenant = caller.subject.tenant;
        let stored = self.store.load(tenant, &[id]).await.map_err(|_| Refusal::Unavailable)?;
        let stored = stored.into_iter().find(|record| matches!(record.kind, Kind::Hl7Message | Kind::QuarantinedFrame));
        let Some(stored) = stored else {
            return Err(self.absent(caller, action, Kind::Hl7Message, id).await);
        };
        let Ok(sealed) = record::heading(&stored.sealed) else {
            return Err(self.broken(caller, stored.kind, id).await);
        };
        let key = match self.vault.find(tenant, sealed.data_key).await {
            Ok(key) => key,
            Err(KeyFault::Unavailable) => return Err(Refusal::Unavailable),
            Err(KeyFault::Missing | KeyFault::Broken) => return Err(self.broken(caller, stored.kind, id).await),
        };
        let resource = access::Resource::record(tenant, stored.kind)
            .with_clinic(stored.clinic)
            .with_patient(patient_of(key.compartment));
        let permit = match access::authorise::<ViewMessage>(&caller.subject, &resource, &self.context(caller)) {
            Ok(permit) => permit,
            Err(denial) => {
                let act = Act::denied(action.name(), stored.kind.name(), &id.to_string(), denial.reason());
                self.record(caller, act, asked(caller)).await?;
                return Err(Refusal::NotFound);
            }
        };
        let Ok(opened) = record::open(permit, &key, &stored) else {
            return Err(self.broken(caller, stored.kind, id).await);
        };
        let act = Act::done(action.name(), stored.kind.name(), &id.to_string());
        let receipt = self.record(caller, act, asked(caller)).await?;
        let disclosed = opened.disclose(&receipt);
        let trace = disclosed.text(Kind::MessageTrace, id);
        let reason = trace.and_then(|text| Account::read(text).reason);
        Ok(MessageView {
            heading: heading(&stored, reason),
            raw: disclosed.bytes(stored.kind, id).unwrap_or_default().to_vec(),
            trace: trace.filter(|_| stored.kind == Kind::Hl7Message).map(ToString::to_string),
        })
    }
}

fn heading(stored: &StoredRecord, reason: Option<String>) -> MessageHeading {
    let StoredRecord { id, kind, arrival: received, routing, .. } = *stored;
    MessageHeading { id, kind, received, routing, reason }
}
