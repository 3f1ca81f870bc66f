//! Looking at received messages: where each stands, and one as it came with what became of it.

use super::{Caller, Refusal, Retrieval, asked, patient_of};
use crate::access::{self, Action, ViewMessage};
use crate::id::RecordId;
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
}

/// A received message in clear, its view recorded.
pub struct MessageView {
    /// Where it stands.
    pub heading: MessageHeading,
    /// The bytes, exactly as they came.
    pub raw: Vec<u8>,
    /// What was mapped and what was not, as JSON; `None` for a frame that was no message.
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
        Ok(found.iter().map(heading).collect())
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
        Ok(MessageView {
            heading: heading(&stored),
            raw: disclosed.bytes(stored.kind, id).unwrap_or_default().to_vec(),
            trace: disclosed.text(Kind::MessageTrace, id).map(ToString::to_string),
        })
    }
}

fn heading(stored: &StoredRecord) -> MessageHeading {
    MessageHeading { id: stored.id, kind: stored.kind, received: stored.arrival, routing: stored.routing }
}
