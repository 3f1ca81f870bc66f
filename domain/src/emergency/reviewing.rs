//! The queue of reviews: listing, looking, closing.

use super::review::{Closed, Listed, Review, Unreadable, Verdict, due};
use super::{Emergency, NotDone, reference};
use crate::access::{Action, Resource, ReviewGlass, authorise};
use crate::audit;
use crate::id::{RecordId, TenantId};
use crate::journal::Act;
use crate::keys::ContentMac;
use crate::kind::Kind;
use crate::ports::{Find, Unavailable};
use crate::record;
use crate::retrieval::Caller;
use crate::time::Timestamp;
use crate::write::{Routing, StoredRecord, WriteSet};
use alloc::boxed::Box;
use alloc::format;
use alloc::string::ToString;
use alloc::vec::Vec;

/// Most open reviews of a tenant that are counted.
pub const MAX_COUNTED: u32 = 1_000;

/// How many reviews wait in a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Those that are open.
    pub open: u64,
    /// Those of them whose time is over.
    pub overdue: u64,
}

/// Reviews of a tenant, newest first.
pub struct Reviews {
    /// The reviews.
    pub listed: Vec<Listed>,
    /// Whether there are more, which were not looked at.
    pub more: bool,
}

impl Emergency {
    /// Returns the tenant's reviews, newest first, at most `limit`, and only those before another where one is given; that they were
    /// looked at is recorded before. One that does not open is among them and hides no other.
    ///
    /// # Errors
    /// [`NotDone::Denied`], [`NotDone::Unavailable`]; [`NotDone::NotFound`] when there is no review to be before.
    pub async fn reviews(
        &self,
        caller: &Caller,
        open_only: bool,
        before: Option<RecordId>,
        limit: u32,
    ) -> Result<Reviews, NotDone> {
        self.permitted(caller, "").await?;
        let before = match before {
            Some(id) => Some((self.stored(caller.subject.tenant, id).await?.arrival, id)),
            None => None,
        };
        let query = Find {
            before,
            kinds: alloc::vec![Kind::GlassReview],
            routing: open_only.then_some(Routing::Review),
            // One more, which tells that there are more, and is not opened.
            limit: limit.saturating_add(1),
            ..Find::default()
        };
        let found = self.store.find(caller.subject.tenant, query).await?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut listed = Vec::with_capacity(found.len());
        for stored in found.iter().take(limit) {
            listed.push(match self.open(caller, stored).await {
                Ok((review, _)) => Listed::Read(Box::new(review)),
                Err(NotDone::Integrity) => Listed::Unreadable(Unreadable {
                    id: stored.id,
                    broken: stored.arrival,
                    open: stored.routing == Routing::Review,
                }),
                Err(fault) => return Err(fault),
            });
        }
        let returned = listed.iter().map(|review: &Listed| reference(review.id())).collect();
        self.looked(caller, "", returned).await?;
        Ok(Reviews { listed, more: found.len() > limit })
    }

    /// Returns one review; that it was looked at is recorded before.
    ///
    /// # Errors
    /// [`NotDone`].
    pub async fn review(&self, caller: &Caller, id: RecordId) -> Result<Review, NotDone> {
        self.permitted(caller, &id.to_string()).await?;
        let stored = self.stored(caller.subject.tenant, id).await?;
        let (review, _) = self.open(caller, &stored).await?;
        self.looked(caller, &id.to_string(), Vec::new()).await?;
        Ok(review)
    }

    /// Judges a breaking. One that does not open is closed as [`Verdict::Unreadable`], with what its reviewer found; who it was that broke
    /// the glass, the chain says.
    ///
    /// # Errors
    /// [`NotDone`]; of several who close it at once, one does.
    pub async fn close(&self, caller: &Caller, id: RecordId, verdict: Verdict, note: &str) -> Result<Review, NotDone> {
        let rule = self.permitted(caller, &id.to_string()).await?;
        if !verdict.takes(note) {
            return Err(NotDone::Note);
        }
        let stored = self.stored(caller.subject.tenant, id).await?;
        let (review, before) = match (self.open(caller, &stored).await, verdict) {
            (Ok((review, _)), Verdict::Unreadable) if review.closed.is_none() => return Err(NotDone::Readable),
            (Ok((review, before)), _) => (review, Some(before)),
            (Err(NotDone::Integrity), Verdict::Unreadable) if stored.routing != Routing::Review => {
                return Err(NotDone::Closed);
            }
            (Err(NotDone::Integrity), Verdict::Unreadable) => (self.told_by_the_chain(&stored).await?, None),
            (Err(fault), _) => return Err(fault),
        };
        if review.person == caller.subject.principal.id {
            self.refused(caller, &id.to_string(), "own-review").await?;
            return Err(NotDone::Own);
        }
        if review.closed.is_some() {
            return Err(NotDone::Closed);
        }
        let now = self.clock.now().to_millisecond();
        let principal = &caller.subject.principal;
        let closed = Closed {
            at: now,
            by: principal.id.clone(),
            display: principal.display.clone(),
            verdict,
            note: note.trim().to_string(),
        };
        let review = Review { closed: Some(closed), ..review };
        let mut write = WriteSet::default();
        let after = self.store_review(&mut write, &review, Some(stored.version)).await?;
        let actor = caller.actor();
        let changed = Act::changed("update", Kind::GlassReview.name(), &id.to_string(), before, after);
        write.drafts.push(changed.draft(&actor, now));
        let context = audit::Context {
            reason: Some(format!("{}: {}", verdict.name(), note.trim())),
            rule: Some(rule.to_string()),
            ..audit::Context::default()
        };
        let act = Act::done("BreakGlassReviewed", Kind::GlassReview.name(), &id.to_string());
        let act = self.with_context(&mut write, act, &actor, &context).await?;
        write.drafts.push(act.draft(&actor, now));
        self.record(write).await?;
        Ok(review)
    }

    /// Counts the open reviews of a tenant, at most [`MAX_COUNTED`], and those of them that are due. Nothing is opened.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn counts(&self, tenant: TenantId, hours: u32) -> Result<Counts, Unavailable> {
        let query = Find {
            kinds: alloc::vec![Kind::GlassReview],
            routing: Some(Routing::Review),
            limit: MAX_COUNTED,
            ..Find::default()
        };
        let found = self.store.find(tenant, query).await?;
        let now: Timestamp = self.clock.now();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        let overdue = found.iter().filter(|stored| due(stored.arrival, hours) <= now).count();
        Ok(Counts { open: count(found.len()), overdue: count(overdue) })
    }

    /// Decides whether the caller may review; a denial is recorded. Returns the rule that permits.
    pub(super) async fn permitted(&self, caller: &Caller, id: &str) -> Result<&'static str, NotDone> {
        let resource = Resource::record(caller.subject.tenant, Kind::GlassReview);
        match authorise::<ReviewGlass>(&caller.subject, &resource, &caller.circumstances) {
            Ok(permit) => Ok(permit.rule()),
            Err(denial) => {
                self.refused(caller, id, denial.reason()).await?;
                Err(NotDone::Denied)
            }
        }
    }

    async fn refused(&self, caller: &Caller, id: &str, reason: &str) -> Result<(), NotDone> {
        let act = Act::denied(Action::BreakGlassReview.name(), Kind::GlassReview.name(), id, reason);
        self.note(caller, act, audit::Context::default()).await
    }

    async fn looked(&self, caller: &Caller, id: &str, returned: Vec<alloc::string::String>) -> Result<(), NotDone> {
        let act = Act::done(Action::BreakGlassReview.name(), Kind::GlassReview.name(), id);
        let context = audit::Context { returned, ..audit::Context::default() };
        self.note(caller, act, context).await
    }

    async fn stored(&self, tenant: TenantId, id: RecordId) -> Result<StoredRecord, NotDone> {
        let found = self.store.load(tenant, &[id]).await?;
        found.into_iter().find(|stored| stored.kind == Kind::GlassReview).ok_or(NotDone::NotFound)
    }

    /// Opens a review; that one does not open is recorded.
    async fn open(&self, caller: &Caller, stored: &StoredRecord) -> Result<(Review, ContentMac), NotDone> {
        let opened = self.opened(caller, stored).await;
        if matches!(opened, Err(NotDone::Integrity)) {
            let act = Act::failed("IntegrityFailure", Kind::GlassReview.name(), &stored.id.to_string());
            self.note(caller, act, audit::Context::default()).await?;
        }
        opened
    }

    async fn opened(&self, caller: &Caller, stored: &StoredRecord) -> Result<(Review, ContentMac), NotDone> {
        let heading = record::heading(&stored.sealed).map_err(|_| NotDone::Integrity)?;
        let key = self.vault.find(stored.tenant, heading.data_key).await?;
        let resource = Resource::record(stored.tenant, stored.kind);
        let permit = authorise::<ReviewGlass>(&caller.subject, &resource, &caller.circumstances);
        let opened = record::open(permit.map_err(|_| NotDone::Denied)?, &key, stored);
        let opened = opened.map_err(|_| NotDone::Integrity)?;
        let review: Review = opened
            .with(Kind::GlassReview, stored.id, |_, text| serde_json::from_str(text).ok())
            .flatten()
            .ok_or(NotDone::Integrity)?;
        let mac = opened.content_mac(&self.vault.secrets(stored.tenant).content);
        Ok((review, mac))
    }
}
