//! Reading and searching: load, decide, open, record the disclosure, and only then answer.
//!
//! A record is loaded by the family of an id, because a resource that belongs to one report alone
//! is sealed with it. The policy judges the authenticated heading before anything is opened; what
//! was opened stays inside [`Opened`] until the ledger has given its receipt.

mod cursor;
mod history;
mod message;
mod opening;
mod own;
mod search;

pub use cursor::{CURSOR_SECONDS, CursorFault, Position};
pub use history::{History, MAX_VERSIONS_OPENED};
pub use message::{MessageHeading, MessageView};
pub use search::{Include, MAX_INCLUDED, MAX_OPENED, Page, Search, TotalMode};

use opening::Located;

use crate::access::{self, Action, Part, Read, Subject, TakeOut};
use crate::audit::Context;
use crate::id::{CorrelationId, RecordId};
use crate::journal::{Act, Actor, Journal};
use crate::keys::Compartment;
use crate::kind::Kind;
use crate::ports::{Clock, Entropy, KeyFault, KeyVault, Ledger, Receipt, Store};
use crate::record::Opened;
use crate::time::Timestamp;
use crate::write::Version;
use alloc::string::{String, ToString};
use alloc::sync::Arc;

/// Most sealed bytes that one request holds open: 64 MiB. A page or a history ends there and goes on in the next.
pub const MAX_HELD_BYTES: usize = 64 * 1024 * 1024;

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
    /// Reads what decisions about opened content need.
    pub labels: Arc<dyn ReadLabels>,
}

/// Reads what the policy asks of opened content; pure, implemented where FHIR is understood.
pub trait ReadLabels: Send + Sync {
    /// Returns the labels of a resource (`meta.security`); labels that are unknown restrict as much as any.
    fn labels(&self, content: &str) -> access::Labels;

    /// Says whether a resource has what a part of a scope asks, exactly as a search by the same parameter and value finds it.
    fn fits(&self, kind: Kind, part: &Part, content: &str) -> bool;
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

impl Caller {
    /// Returns the caller as entries name whoever acts.
    #[must_use]
    pub fn actor(&self) -> Actor<'_> {
        Actor {
            address: Some(&self.address),
            request: Some(&self.request),
            ..Actor::new(&self.subject, &self.workstation, self.correlation)
        }
    }
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
        let located = self.locate::<Read>(caller, kind, id).await?;
        self.disclose_one(caller, Action::FhirRead, kind, id, located.map(|(_, opened)| opened)).await
    }

    /// Returns a report for its documents to be handed out as files: in its current version, or this one. What may be read may not always
    /// be taken out: behind broken glass nothing is.
    ///
    /// # Errors
    /// [`Refusal`]; absence and denial are recorded too.
    pub async fn take_out(
        &self,
        caller: &Caller,
        report: RecordId,
        version: Option<Version>,
    ) -> Result<Resource, Refusal> {
        let kind = Kind::DiagnosticReport;
        let located = match version {
            Some(version) => self.locate_version::<TakeOut>(caller, kind, report, version).await?,
            None => self.locate::<TakeOut>(caller, kind, report).await?.map(|(_, opened)| opened),
        };
        self.disclose_one(caller, Action::ReportExport, kind, report, located).await
    }

    async fn disclose_one(
        &self,
        caller: &Caller,
        action: Action,
        kind: Kind,
        id: RecordId,
        located: Located<Opened>,
    ) -> Result<Resource, Refusal> {
        let opened = match located {
            Located::There(opened) => opened,
            Located::Hidden(reason) => return Err(self.hidden(caller, action, kind, id, reason).await),
            Located::Absent => return Err(self.absent(caller, action, kind, id).await),
        };
        let receipt =
            self.record(caller, Act::done(action.name(), kind.name(), &id.to_string()), asked(caller)).await?;
        resource(opened, &receipt, kind, id).ok_or(Refusal::NotFound)
    }

    /// Records that what was found was denied, and returns the refusal to answer with: the same as for absence.
    async fn hidden(&self, caller: &Caller, action: Action, kind: Kind, id: RecordId, reason: &str) -> Refusal {
        let act = Act::denied(action.name(), kind.name(), &id.to_string(), reason);
        self.record(caller, act, asked(caller)).await.err().unwrap_or(Refusal::NotFound)
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
        let journal = Journal {
            ledger: self.ledger.as_ref(),
            vault: self.vault.as_ref(),
            clock: self.clock.as_ref(),
            entropy: self.entropy.as_ref(),
        };
        journal.record(&caller.actor(), act, &context).await.map_err(refusal)
    }

    /// Returns the caller's circumstances at this moment.
    fn context(&self, caller: &Caller) -> access::Context {
        access::Context { now: self.clock.now(), ..caller.circumstances }
    }
}

fn asked(caller: &Caller) -> Context {
    let glass = caller.circumstances.break_glass.filter(|_| caller.circumstances.glass_broken());
    Context {
        glass: glass.map(|glass| glass.patient.to_string()),
        scopes: caller.subject.scopes.texts(),
        ..Context::default()
    }
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
