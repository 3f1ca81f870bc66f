//! Reading and searching: load, decide, open, record the disclosure, and only then answer.
//!
//! A record is loaded by the family of an id, because a resource that belongs to one report alone
//! is sealed with it. The policy judges the authenticated heading before anything is opened; what
//! was opened stays inside [`Opened`] until the ledger has given its receipt.

mod cursor;
mod message;
mod search;

pub use cursor::{CURSOR_SECONDS, CursorFault, Position};
pub use message::{MessageHeading, MessageView};
pub use search::{Include, MAX_INCLUDED, MAX_OPENED, Page, Search, TotalMode};

use crate::access::{self, Action, Opens, Permit, Read, Subject};
use crate::audit::Context;
use crate::id::{CorrelationId, RecordId};
use crate::journal::{Act, Actor};
use crate::keys::Compartment;
use crate::kind::Kind;
use crate::ports::{Clock, Entropy, KeyFault, KeyVault, Ledger, Receipt, Store};
use crate::record::{self, Opened};
use crate::time::Timestamp;
use crate::write::{StoredRecord, Version, WriteSet};
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How many stored versions of a record a read of an old version may open.
pub const MAX_VERSIONS_OPENED: u32 = 1_000;

/// Reads and searches records.
#[derive(Clone)]
pub struct Retrieval {
    /// Reads what is stored.
    pub store: Arc<dyn Store>,
    /// Records disclosures.
    pub ledger: Arc<dyn Ledger>,
    /// Gives the keys.
    pub vault: Arc<dyn KeyVault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Reads the labels of opened content.
    pub labels: Arc<dyn ReadLabels>,
}

/// Reads security labels; pure, implemented where FHIR is understood.
pub trait ReadLabels: Send + Sync {
    /// Returns the labels of a resource (`meta.security`); labels that are unknown restrict as much as any.
    fn labels(&self, content: &str) -> access::Labels;
}

/// Who asks, and with what words.
pub struct Caller {
    /// The admitted subject.
    pub subject: Subject,
    /// What was found out as it was admitted: session, second factor, address. Its moment is not used.
    pub circumstances: access::Context,
    /// The client or listener it asks from.
    pub workstation: String,
    /// The peer's address, for the sealed context.
    pub address: String,
    /// Ties its entries and log lines together.
    pub correlation: CorrelationId,
    /// What was asked, for the sealed context.
    pub request: String,
}

/// One version of one resource, in clear, its disclosure recorded.
pub struct Resource {
    /// Its type.
    pub kind: Kind,
    /// Its id.
    pub id: RecordId,
    /// Its version.
    pub version: Version,
    /// When this version was stored.
    pub last_updated: Timestamp,
    /// Its exact JSON text, without `meta.versionId` and `meta.lastUpdated`.
    pub content: String,
}

/// Versions of one resource, newest first.
pub struct History {
    /// The versions.
    pub entries: Vec<Resource>,
    /// How many there are in all, where that is known.
    pub total: Option<u32>,
    /// The version below which the next page begins; `None` at the end.
    pub next: Option<Version>,
}

/// Why nothing is disclosed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Absent, hidden or another tenant's: one and the same answer.
    NotFound,
    /// The subject may not do this to any resource of this kind.
    Forbidden,
    /// The question would open more records than one request may.
    TooCostly,
    /// A stored record does not open; an `IntegrityFailure` is in the chain.
    Integrity,
    /// The database, the ledger or the keys do not answer.
    Unavailable,
}

impl Retrieval {
    /// Returns the current version of a resource.
    ///
    /// # Errors
    /// [`Refusal`]; absence and denial are recorded too.
    pub async fn read(&self, caller: &Caller, kind: Kind, id: RecordId) -> Result<Resource, Refusal> {
        let found = self.locate(caller, kind, id).await?;
        self.disclose_one(caller, Action::FhirRead, kind, id, found.map(|(_, opened)| opened)).await
    }

    /// Returns one version of a resource.
    ///
    /// # Errors
    /// [`Refusal`]; absence and denial are recorded too.
    pub async fn version(
        &self,
        caller: &Caller,
        kind: Kind,
        id: RecordId,
        version: Version,
    ) -> Result<Resource, Refusal> {
        let mut found = None;
        if let Some((record, current)) = self.locate(caller, kind, id).await? {
            let is_it = |opened: &Opened| opened.version_of(kind, id) == Some(version);
            if is_it(&current) {
                found = Some(current);
            } else {
                let mut before = Some(record.version);
                let mut opened_so_far = 0u32;
                while let Some(below) = before.filter(|below| *below > 1 && opened_so_far < MAX_VERSIONS_OPENED) {
                    let older = self.older(&record, below).await?;
                    before = older.last().map(|record| record.version);
                    for record in &older {
                        opened_so_far = opened_so_far.saturating_add(1);
                        if let Found::Opened(opened) = self.open::<Read>(caller, kind, record).await?
                            && is_it(&opened)
                            && opened.with(kind, id, |_, text| self.labelled(caller, &opened, text)) == Some(Ok(()))
                        {
                            found = Some(opened);
                        }
                    }
                    if found.is_some() || older.is_empty() {
                        break;
                    }
                }
            }
        }
        self.disclose_one(caller, Action::FhirRead, kind, id, found).await
    }

    /// Returns versions of a resource, newest first, those below `before` when given, at most `count`.
    ///
    /// # Errors
    /// [`Refusal`]; absence and denial are recorded too.
    pub async fn history(
        &self,
        caller: &Caller,
        kind: Kind,
        id: RecordId,
        count: u32,
        before: Option<Version>,
    ) -> Result<History, Refusal> {
        let Some((record, current)) = self.locate(caller, kind, id).await? else {
            return Err(self.absent(caller, Action::FhirHistory, kind, id).await);
        };
        let newest = current.version_of(kind, id).unwrap_or_default();
        let mut versions: Vec<Opened> = Vec::new();
        let wanted = |opened: &Opened, versions: &[Opened]| {
            let version = opened.version_of(kind, id);
            version.is_some_and(|version| before.is_none_or(|before| version < before))
                && versions.last().and_then(|last| last.version_of(kind, id)) != version
        };
        if wanted(&current, &versions) {
            versions.push(current);
        }
        let enough = usize::try_from(count).unwrap_or(usize::MAX);
        let mut below = record.version;
        let mut opened_so_far = 0u32;
        while versions.len() <= enough && below > 1 && opened_so_far < MAX_VERSIONS_OPENED {
            let older = self.older(&record, below).await?;
            let Some(last) = older.last() else { break };
            below = last.version;
            for record in &older {
                opened_so_far = opened_so_far.saturating_add(1);
                if let Found::Opened(opened) = self.open::<Read>(caller, kind, record).await?
                    && wanted(&opened, &versions)
                    && opened.with(kind, id, |_, text| self.labelled(caller, &opened, text)) == Some(Ok(()))
                {
                    versions.push(opened);
                }
            }
        }
        let more = versions.len() > enough;
        versions.truncate(enough);
        let context = Context { returned: alloc::vec![reference(kind, id)], ..asked(caller) };
        let receipt =
            self.record(caller, Act::done(Action::FhirHistory.name(), kind.name(), &id.to_string()), context).await?;
        let entries: Vec<_> = versions.into_iter().filter_map(|opened| resource(opened, &receipt, kind, id)).collect();
        let next = entries.last().map(|entry| entry.version).filter(|_| more);
        Ok(History { entries, total: Some(newest), next })
    }

    /// Finds the record that holds a resource and opens it; `None` when it is absent or hidden.
    async fn locate(
        &self,
        caller: &Caller,
        kind: Kind,
        id: RecordId,
    ) -> Result<Option<(StoredRecord, Opened)>, Refusal> {
        let tenant = caller.subject.tenant;
        let family = self.store.load_family(tenant, id).await.map_err(|_| Refusal::Unavailable)?;
        for record in family {
            if record.kind != kind.record() {
                continue;
            }
            let opened = match self.open::<Read>(caller, kind, &record).await? {
                Found::Opened(opened) => opened,
                Found::Hidden(denial) => {
                    self.hidden(caller, kind, id, denial.reason()).await?;
                    continue;
                }
            };
            match opened.with(kind, id, |_, text| self.labelled(caller, &opened, text)) {
                None => {}
                Some(Ok(())) => return Ok(Some((record, opened))),
                Some(Err(reason)) => self.hidden(caller, kind, id, reason.name()).await?,
            }
        }
        Ok(None)
    }

    /// Decides once more when what was opened is labelled; unlabelled content was decided on its heading.
    fn labelled(&self, caller: &Caller, opened: &Opened, text: &str) -> Result<(), access::Reason> {
        let labels = self.labels.labels(text);
        if labels.is_empty() {
            return Ok(());
        }
        let binding = opened.binding();
        let resource = access::Resource::record(binding.tenant, binding.kind)
            .with_clinic(binding.clinic)
            .with_patient(patient_of(binding.compartment))
            .with_labels(labels);
        match access::decide(&caller.subject, Action::FhirRead, &resource, &self.context(caller)) {
            access::Decision::Permit { .. } => Ok(()),
            access::Decision::Deny(reason) => Err(reason),
        }
    }

    /// Records that a resource that is there was denied.
    async fn hidden(&self, caller: &Caller, kind: Kind, id: RecordId, reason: &str) -> Result<(), Refusal> {
        let act = Act::denied(Action::FhirRead.name(), kind.name(), &id.to_string(), reason);
        self.record(caller, act, asked(caller)).await.map(|_| ())
    }

    async fn older(&self, record: &StoredRecord, below: Version) -> Result<Vec<StoredRecord>, Refusal> {
        const PAGE: u32 = 50;
        self.store.versions(record.tenant, record.id, Some(below), PAGE).await.map_err(|_| Refusal::Unavailable)
    }

    /// Decides on a record's authenticated heading and opens it.
    async fn open<A: Opens>(&self, caller: &Caller, kind: Kind, stored: &StoredRecord) -> Result<Found, Refusal> {
        let Ok(heading) = record::heading(&stored.sealed) else {
            return Err(self.broken(caller, kind, stored.id).await);
        };
        let key = match self.vault.find(stored.tenant, heading.data_key).await {
            Ok(key) => key,
            Err(KeyFault::Unavailable) => return Err(Refusal::Unavailable),
            // Nothing destroys data keys yet: a record that names none of its tenant's was changed or moved.
            Err(KeyFault::Missing | KeyFault::Broken) => return Err(self.broken(caller, kind, stored.id).await),
        };
        let resource = access::Resource {
            tenant: stored.tenant,
            clinic: stored.clinic,
            kind: Some(stored.kind),
            patient: patient_of(key.compartment),
            ..access::Resource::default()
        };
        let permit: Permit<A> = match access::authorise(&caller.subject, &resource, &self.context(caller)) {
            Ok(permit) => permit,
            Err(denial) => return Ok(Found::Hidden(denial)),
        };
        match record::open(permit, &key, stored) {
            Ok(opened) => Ok(Found::Opened(opened)),
            Err(_) => Err(self.broken(caller, kind, stored.id).await),
        }
    }

    async fn disclose_one(
        &self,
        caller: &Caller,
        action: Action,
        kind: Kind,
        id: RecordId,
        found: Option<Opened>,
    ) -> Result<Resource, Refusal> {
        let Some(opened) = found else {
            return Err(self.absent(caller, action, kind, id).await);
        };
        let receipt =
            self.record(caller, Act::done(action.name(), kind.name(), &id.to_string()), asked(caller)).await?;
        resource(opened, &receipt, kind, id).ok_or(Refusal::NotFound)
    }

    /// Records that nothing was found, and returns the refusal to answer with.
    async fn absent(&self, caller: &Caller, action: Action, kind: Kind, id: RecordId) -> Refusal {
        let act = Act::failed(action.name(), kind.name(), &id.to_string());
        let context = Context { reason: Some("not found".to_string()), ..asked(caller) };
        self.record(caller, act, context).await.err().unwrap_or(Refusal::NotFound)
    }

    /// Records that a stored record does not open, and returns the refusal to answer with.
    async fn broken(&self, caller: &Caller, kind: Kind, id: RecordId) -> Refusal {
        let act = Act::failed("IntegrityFailure", kind.name(), &id.to_string());
        self.record(caller, act, asked(caller)).await.err().unwrap_or(Refusal::Integrity)
    }

    /// Refuses unless the subject may do this to resources of this kind at all; a denial is recorded.
    async fn may(&self, caller: &Caller, action: Action, kind: Kind) -> Result<(), Refusal> {
        let resource =
            access::Resource { tenant: caller.subject.tenant, kind: Some(kind), ..access::Resource::default() };
        match access::decide(&caller.subject, action, &resource, &self.context(caller)) {
            access::Decision::Permit { .. } => Ok(()),
            access::Decision::Deny(reason) => {
                let act = Act::denied(action.name(), kind.name(), "", reason.name());
                self.record(caller, act, asked(caller)).await?;
                Err(Refusal::Forbidden)
            }
        }
    }

    /// Records one act with its sealed context; nothing leaves before this returns.
    async fn record(&self, caller: &Caller, act: Act, context: Context) -> Result<Receipt, Refusal> {
        let tenant = caller.subject.tenant;
        let held = self.vault.current(tenant, Compartment::Context).await.map_err(refusal)?;
        let actor =
            Actor { subject: &caller.subject, workstation: &caller.workstation, correlation: caller.correlation };
        let secrets = self.vault.secrets(tenant);
        let act = act
            .with_context(&actor, &context, &held.key, &secrets.content, self.entropy.as_ref())
            .map_err(|_| Refusal::Unavailable)?;
        let mut write = WriteSet::default();
        let made = held.unstored.as_ref().map(|key| key.id);
        write.keys.extend(held.unstored);
        write.drafts.push(act.draft(&actor, self.clock.now()));
        let receipt = self.ledger.record(write).await.map_err(|_| Refusal::Unavailable)?;
        if let Some(id) = made {
            self.vault.stored(tenant, &[id]);
        }
        Ok(receipt)
    }

    /// Returns the caller's circumstances at this moment.
    fn context(&self, caller: &Caller) -> access::Context {
        access::Context { now: self.clock.now(), ..caller.circumstances }
    }
}

/// What became of opening one stored record.
enum Found {
    Opened(Opened),
    /// The policy denies it; whether that is an entry of its own is for the caller to say.
    Hidden(access::Denial),
}

fn asked(caller: &Caller) -> Context {
    Context { address: Some(caller.address.clone()), request: Some(caller.request.clone()), ..Context::default() }
}

fn reference(kind: Kind, id: RecordId) -> String {
    alloc::format!("{}/{id}", kind.name())
}

fn patient_of(compartment: Compartment) -> Option<RecordId> {
    match compartment {
        Compartment::Patient(patient) => Some(patient),
        Compartment::Own(_) | Compartment::Context | Compartment::Directory => None,
    }
}

fn resource(opened: Opened, receipt: &Receipt, kind: Kind, id: RecordId) -> Option<Resource> {
    let disclosed = opened.disclose(receipt);
    let heading = disclosed.heading(kind, id)?;
    let content = disclosed.text(kind, id)?.to_string();
    Some(Resource { kind, id, version: heading.version, last_updated: heading.last_updated, content })
}

fn refusal(fault: KeyFault) -> Refusal {
    match fault {
        KeyFault::Missing | KeyFault::Broken => Refusal::Integrity,
        KeyFault::Unavailable => Refusal::Unavailable,
    }
}
