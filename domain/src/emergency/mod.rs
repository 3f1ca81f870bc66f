//! Emergency access: breaking the glass for one patient, the alarm about it, its end, and its review.
//!
//! ```text
//!   smash ─► ticket in the outbox ─► one write set: the review, BreakGlassActivated ─► the session may open the patient
//!                   │
//!   keeper of the gateway ─► the alarm is sent ─► BreakGlassAlerted
//!                         └► the time is over  ─► BreakGlassExpired      once, by a claim, however many gateways there are
//!   the person            ─► mends it before   ─► BreakGlassEnded        by the same claim
//!   a reviewer            ─► list, look, close ─► BreakGlassReviewed     never one's own
//! ```
//!
//! Never: broken glass without its review, or a review without its entry (they commit in one write set); an alarm that is lost
//! with the process (the ticket is kept before anything else); a review judged by whoever broke the glass.
//!
//! Deliberately absent: how an alarm is sent, and the session, which holds the glass, see
//! [`SignIn::set_glass`](crate::sign_in::SignIn::set_glass).

mod outbox;
mod review;
mod reviewing;
mod seen;
mod unreadable;

pub(crate) use outbox::pause_after;
pub use outbox::{GIVE_UP_SECONDS, OUTBOX, Waiting};
pub use review::{Closed, Listed, NOTE, Review, Unreadable, Verdict};
pub use reviewing::{Counts, MAX_COUNTED, Reviews};
pub use seen::{MAX_SEEN, Seen, SeenAct};
pub use unreadable::UNREADABLE;

use crate::access::{self, Action, Decision, Resource, Subject, decide};
use crate::audit;
use crate::id::{CorrelationId, RecordId};
use crate::journal::{Act, Actor};
use crate::keys::{Compartment, ContentMac};
use crate::kind::Kind;
use crate::ports::{Clock, Entropy, KeyFault, KeyVault, Ledger, NotRecorded, Receipt, Store, Unavailable};
use crate::record::content::{Content, Member};
use crate::record::{self, Binding, SealFault};
use crate::retrieval::Caller;
use crate::ticket::{NotKept, TicketBook};
use crate::write::{Claim, ConflictReason, RecordWrite, Routing, Version, WriteSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

/// Breaks the glass and keeps what follows from it.
pub struct Emergency {
    /// Keeps reviews and entries.
    pub store: Arc<dyn Store>,
    /// Makes them durable and chained.
    pub ledger: Arc<dyn Ledger>,
    /// Gives the keys of reviews and contexts.
    pub vault: Arc<dyn KeyVault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Keeps what is still to be done.
    pub book: Arc<TicketBook>,
}

/// What is broken, and why.
#[derive(Clone, Copy)]
pub struct Smashing<'a> {
    /// The patient.
    pub patient: RecordId,
    /// The session that will hold the glass.
    pub session: RecordId,
    /// The code of the reason.
    pub reason: &'a str,
    /// The reason in the person's own words.
    pub words: &'a str,
    /// The rule that permits it, from [`Emergency::may`].
    pub rule: &'a str,
    /// How long it holds, in seconds.
    pub seconds: i64,
    /// Whether an alarm about it is owed: there is somebody to tell.
    pub alarm: bool,
}

/// Why nothing was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDone {
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// Nobody reviews what they did themselves; the attempt is in the chain.
    Own,
    /// There is no such review.
    NotFound,
    /// It was closed already.
    Closed,
    /// The note is too long, or too short for finding fault.
    Note,
    /// What is stored does not open.
    Integrity,
    /// It opens, and is therefore not closed as unreadable.
    Readable,
    /// The database, the ledger or the keys do not answer.
    Unavailable,
}

impl Emergency {
    /// Decides whether somebody may break the glass for a patient, or at all where none is named yet. Returns the rule that
    /// permits; a denial is recorded.
    ///
    /// Whoever is let in without a second factor breaks no glass: a tenant may waive it for daily work, not for this.
    ///
    /// # Errors
    /// [`NotDone::Denied`], [`NotDone::Unavailable`].
    pub async fn may(
        &self,
        caller: &Caller,
        second_factor: bool,
        patient: Option<RecordId>,
    ) -> Result<&'static str, NotDone> {
        let resource = Resource::record(caller.subject.tenant, Kind::Patient).with_patient(patient);
        let denied = match decide(&caller.subject, Action::BreakGlassStart, &resource, &caller.circumstances) {
            Decision::Permit { rule, .. } if second_factor => return Ok(rule),
            Decision::Permit { .. } => access::Reason::FactorMissing,
            Decision::Deny(reason) => reason,
        };
        let id = patient.map(|patient| patient.to_string()).unwrap_or_default();
        let act = Act::denied(Action::BreakGlassStart.name(), Kind::Patient.name(), &id, denied.name());
        self.note(caller, act, audit::Context::default()).await?;
        Err(NotDone::Denied)
    }

    /// Breaks the glass: when this returns, the reason is in the chain, the review is open and the alarm is on its way, whatever
    /// becomes of this process. The session is to be given the glass then.
    ///
    /// # Errors
    /// [`NotDone::Integrity`], [`NotDone::Unavailable`]; then nothing may be opened.
    pub async fn smash(&self, caller: &Caller, smashing: &Smashing<'_>) -> Result<Review, NotDone> {
        let now = self.clock.now().to_millisecond();
        let mut random = [0; 10];
        self.entropy.fill(&mut random)?;
        let review = Review {
            id: RecordId::from_time(now, random),
            tenant: caller.subject.tenant,
            person: caller.subject.principal.id.clone(),
            display: caller.subject.principal.display.clone(),
            session: smashing.session,
            correlation: caller.correlation,
            patient: smashing.patient,
            reason: smashing.reason.to_string(),
            words: smashing.words.to_string(),
            broken: now,
            until: now.plus_seconds(smashing.seconds),
            closed: None,
        };
        // The ticket goes first: one without a review is thrown away, a review without one would never be told of.
        self.keep_waiting(&review, smashing.alarm).await?;
        let mut write = WriteSet::default();
        let after = self.store_review(&mut write, &review, None).await?;
        let actor = caller.actor();
        let created = Act::changed("create", Kind::GlassReview.name(), &review.id.to_string(), None, after);
        write.drafts.push(created.draft(&actor, now));
        let context = audit::Context {
            reason: Some(format!("{}: {}", smashing.reason, smashing.words)),
            rule: Some(smashing.rule.to_string()),
            returned: alloc::vec![reference(review.id)],
            ..audit::Context::default()
        };
        let act = Act::done("BreakGlassActivated", Kind::Patient.name(), &smashing.patient.to_string());
        let act = self.with_context(&mut write, act, &actor, &context).await?;
        write.drafts.push(act.draft(&actor, now));
        self.record(write).await?;
        Ok(review)
    }

    /// Records that whoever tried found no such patient.
    ///
    /// # Errors
    /// [`NotDone::Unavailable`].
    pub async fn missed(&self, caller: &Caller, patient: Option<RecordId>) -> Result<(), NotDone> {
        let id = patient.map(|patient| patient.to_string()).unwrap_or_default();
        let act = Act::failed("BreakGlassActivated", Kind::Patient.name(), &id);
        let context = audit::Context { reason: Some("not found".to_string()), ..audit::Context::default() };
        self.note(caller, act, context).await
    }

    /// Records that the person ended it before its time, for this reason; the session has lost the glass before, so that nothing
    /// is opened after the recorded end. What has ended already is left alone.
    ///
    /// # Errors
    /// [`NotDone::Unavailable`]; then whoever looks after the outbox records it, for no session holds the glass.
    pub async fn end(&self, caller: &Caller, review: RecordId, patient: RecordId, why: &str) -> Result<(), NotDone> {
        let context = audit::Context { reason: Some(why.to_string()), ..audit::Context::default() };
        self.end_once(&caller.actor(), review, patient, "BreakGlassEnded", context).await
    }

    /// Records an end with its claim: of all who see it end, one writes it down.
    async fn end_once(
        &self,
        actor: &Actor<'_>,
        review: RecordId,
        patient: RecordId,
        action: &str,
        context: audit::Context,
    ) -> Result<(), NotDone> {
        let act = Act::done(action, Kind::Patient.name(), &patient.to_string());
        self.once("glass-ended", actor, review, act, context).await
    }

    /// Records an act about a review that is recorded once in all.
    async fn once(
        &self,
        space: &str,
        actor: &Actor<'_>,
        review: RecordId,
        act: Act,
        context: audit::Context,
    ) -> Result<(), NotDone> {
        let tenant = actor.subject.tenant;
        let context = audit::Context { returned: alloc::vec![reference(review)], ..context };
        let mut write = WriteSet::default();
        let act = self.with_context(&mut write, act, actor, &context).await?;
        write.drafts.push(act.draft(actor, self.clock.now()));
        let token = self.vault.secrets(tenant).content.claim(space, &[review.as_bytes()]);
        write.claims.push(Claim { tenant, token, message: review });
        match self.record(write).await {
            Ok(_) | Err(NotWritten::Conflict(ConflictReason::Claimed)) => Ok(()),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Adds a version of a review to a write set. Returns the keyed hash of its content.
    async fn store_review(
        &self,
        write: &mut WriteSet,
        review: &Review,
        replaces: Option<Version>,
    ) -> Result<ContentMac, NotDone> {
        let Review { tenant, id, broken, .. } = *review;
        let now = self.clock.now().to_millisecond();
        let version = replaces.map_or(1, |version| version.saturating_add(1));
        let bytes = serde_json::to_vec(review).map_err(|_| NotDone::Integrity)?;
        let member = Member { kind: Kind::GlassReview, id, version, last_updated: now, bytes: bytes.into() };
        let plaintext = Content { as_of: now, members: alloc::vec![member] }.encode()?;
        let compartment = Compartment::Own(id);
        let held = self.vault.current(tenant, compartment).await?;
        let binding = Binding { tenant, clinic: None, compartment, kind: Kind::GlassReview, id, version };
        let sealed = record::seal(&held.key, &binding, &plaintext, self.entropy.as_ref())?;
        write.keys.extend(held.unstored);
        write.records.push(RecordWrite {
            tenant,
            id,
            kind: Kind::GlassReview,
            clinic: None,
            replaces,
            version,
            arrival: broken,
            last_updated: now,
            routing: if review.closed.is_none() { Routing::Review } else { Routing::None },
            sealed,
        });
        Ok(self.vault.secrets(tenant).content.mac(&plaintext))
    }

    /// Records an act of the caller that changes no record.
    async fn note(&self, caller: &Caller, act: Act, context: audit::Context) -> Result<(), NotDone> {
        let mut write = WriteSet::default();
        let actor = caller.actor();
        let act = self.with_context(&mut write, act, &actor, &context).await?;
        write.drafts.push(act.draft(&actor, self.clock.now()));
        self.record(write).await?;
        Ok(())
    }

    async fn with_context(
        &self,
        write: &mut WriteSet,
        act: Act,
        actor: &Actor<'_>,
        context: &audit::Context,
    ) -> Result<Act, NotDone> {
        let tenant = actor.subject.tenant;
        let roles = actor.subject.roles.iter().map(|role| role.name().to_string()).collect();
        let context = audit::Context { roles, ..context.clone() };
        let held = self.vault.current(tenant, Compartment::Context).await?;
        write.keys.extend(held.unstored);
        let secrets = self.vault.secrets(tenant);
        Ok(act.with_context(actor, &context, &held.key, &secrets.content, self.entropy.as_ref())?)
    }

    async fn record(&self, write: WriteSet) -> Result<Receipt, NotWritten> {
        let made: Vec<_> = write.keys.iter().map(|key| (key.tenant, key.id)).collect();
        let receipt = self.ledger.record(write).await.map_err(|fault| match fault {
            NotRecorded::Conflict(reason) => NotWritten::Conflict(reason),
            NotRecorded::Busy | NotRecorded::Unavailable => NotWritten::Unavailable,
        })?;
        for (tenant, id) in made {
            self.vault.stored(tenant, &[id]);
        }
        Ok(receipt)
    }
}

/// Why a write set was not written.
enum NotWritten {
    Conflict(ConflictReason),
    Unavailable,
}

impl From<NotWritten> for NotDone {
    fn from(fault: NotWritten) -> Self {
        match fault {
            NotWritten::Conflict(ConflictReason::Version) => NotDone::Closed,
            NotWritten::Conflict(ConflictReason::Claimed) | NotWritten::Unavailable => NotDone::Unavailable,
        }
    }
}

/// Returns the gateway itself as it acts in a tenant's chain.
fn gateway(tenant: crate::id::TenantId) -> Subject {
    Subject { tenant, ..Subject::gateway() }
}

fn gateway_actor(subject: &Subject, correlation: CorrelationId) -> Actor<'_> {
    Actor::new(subject, "gateway", correlation)
}

fn reference(review: RecordId) -> String {
    format!("{}/{review}", Kind::GlassReview)
}

impl fmt::Display for NotDone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            NotDone::Denied => "not permitted",
            NotDone::Own => "nobody reviews what they did themselves",
            NotDone::NotFound => "there is no such review",
            NotDone::Closed => "the review is closed already",
            NotDone::Note => "the note has at most 2,000 characters, and at least 10 where fault is found",
            NotDone::Integrity => "a stored review does not open",
            NotDone::Readable => "the review opens: it is judged, not closed as unreadable",
            NotDone::Unavailable => "the database, the ledger or the keys do not answer",
        })
    }
}

impl core::error::Error for NotDone {}

impl From<Unavailable> for NotDone {
    fn from(Unavailable: Unavailable) -> Self {
        NotDone::Unavailable
    }
}

impl From<KeyFault> for NotDone {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Missing | KeyFault::Broken => NotDone::Integrity,
            KeyFault::Unavailable => NotDone::Unavailable,
        }
    }
}

impl From<NotKept> for NotDone {
    fn from(fault: NotKept) -> Self {
        match fault {
            NotKept::Integrity => NotDone::Integrity,
            NotKept::Unavailable => NotDone::Unavailable,
        }
    }
}

impl From<SealFault> for NotDone {
    fn from(fault: SealFault) -> Self {
        match fault {
            SealFault::TooLarge | SealFault::WrongKey => NotDone::Integrity,
            SealFault::Unavailable => NotDone::Unavailable,
        }
    }
}
