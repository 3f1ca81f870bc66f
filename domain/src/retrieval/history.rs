//! Older versions: one by its number, or all of them, newest first.
//!
//! A resource that is sealed with others keeps its version while only they change, so several
//! versions of the record may hold one and the same version of the resource.

use super::opening::{Found, Located};
use super::{Caller, MAX_HELD_BYTES, Refusal, Resource, Retrieval, asked, reference, resource};
use crate::access::{Action, Opens, Read};
use crate::audit::Context;
use crate::id::RecordId;
use crate::journal::Act;
use crate::kind::Kind;
use crate::record::Opened;
use crate::write::{StoredRecord, Version};
use alloc::string::ToString;
use alloc::vec::Vec;

/// How many stored versions of a record one request may open.
pub const MAX_VERSIONS_OPENED: u32 = 1_000;

/// Versions of one resource, newest first.
pub struct History {
    /// The versions.
    pub entries: Vec<Resource>,
    /// How many there are in all; `None` when the policy hides some.
    pub total: Option<u32>,
    /// The version below which the next page begins; `None` at the end.
    pub next: Option<Version>,
}

impl Retrieval {
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
        let located = self.locate_version::<Read>(caller, kind, id, version).await?;
        self.disclose_one(caller, Action::FhirRead, kind, id, located).await
    }

    /// Finds one version of a resource, and opens it to do `A`.
    pub(super) async fn locate_version<A: Opens>(
        &self,
        caller: &Caller,
        kind: Kind,
        id: RecordId,
        version: Version,
    ) -> Result<Located<Opened>, Refusal> {
        Ok(match self.locate::<A>(caller, kind, id).await? {
            Located::There((_, current)) if current.version_of(kind, id) == Some(version) => Located::There(current),
            Located::There((record, _)) => self.earlier::<A>(caller, kind, id, &record, version).await?,
            other => other.map(|(_, opened)| opened),
        })
    }

    async fn earlier<A: Opens>(
        &self,
        caller: &Caller,
        kind: Kind,
        id: RecordId,
        record: &StoredRecord,
        version: Version,
    ) -> Result<Located<Opened>, Refusal> {
        let mut walk = Walk::below(record.version);
        while let Some(older) = self.next_older(record, &mut walk).await? {
            for stored in &older {
                match self.open::<A>(caller, kind, stored).await? {
                    Found::Opened(opened) if opened.version_of(kind, id) == Some(version) => {
                        return Ok(match self.visible::<A>(caller, &opened, kind, id) {
                            Some(Ok(())) => Located::There(opened),
                            Some(Err(reason)) => Located::Hidden(reason.name()),
                            None => Located::Absent,
                        });
                    }
                    Found::Opened(_) | Found::Hidden(_) => {}
                }
            }
        }
        Ok(Located::Absent)
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
        let action = Action::FhirHistory;
        let (record, current) = match self.locate::<Read>(caller, kind, id).await? {
            Located::There(found) => found,
            Located::Hidden(reason) => return Err(self.hidden(caller, action, kind, id, reason).await),
            Located::Absent => return Err(self.absent(caller, action, kind, id).await),
        };
        let newest = current.version_of(kind, id).unwrap_or_default();
        let mut page = Page { kind, id, count, before, versions: Vec::new(), bytes: 0, hidden: false, full: false };
        page.take(current, record.sealed.len());
        let mut walk = Walk::below(record.version);
        while !page.full
            && let Some(older) = self.next_older(&record, &mut walk).await?
        {
            for stored in &older {
                match self.open::<Read>(caller, kind, stored).await? {
                    Found::Opened(opened) => match self.visible::<Read>(caller, &opened, kind, id) {
                        Some(Ok(())) => page.take(opened, stored.sealed.len()),
                        Some(Err(_)) => page.hidden = true,
                        None => {}
                    },
                    Found::Hidden(_) => page.hidden = true,
                }
            }
        }
        let more = page.full || walk.is_cut();
        let named = |opened: &Opened| {
            let version = opened.version_of(kind, id).unwrap_or_default();
            alloc::format!("{}/_history/{version}", reference(kind, id))
        };
        let returned = page.versions.iter().map(named).collect();
        let act = Act::done(action.name(), kind.name(), &id.to_string());
        let receipt = self.record(caller, act, Context { returned, ..asked(caller) }).await?;
        let versions = page.versions.into_iter();
        let entries: Vec<_> = versions.filter_map(|opened| resource(opened, &receipt, kind, id)).collect();
        let next = entries.last().map(|entry| entry.version).filter(|_| more);
        Ok(History { entries, total: (!page.hidden).then_some(newest), next })
    }

    async fn next_older(&self, record: &StoredRecord, walk: &mut Walk) -> Result<Option<Vec<StoredRecord>>, Refusal> {
        if walk.below <= 1 || walk.is_cut() {
            return Ok(None);
        }
        let older = self.older(record, walk.below).await?;
        walk.below = older.last().map_or(0, |last| last.version);
        walk.opened = walk.opened.saturating_add(u32::try_from(older.len()).unwrap_or(u32::MAX));
        Ok(Some(older).filter(|older| !older.is_empty()))
    }
}

/// How far the walk through older versions has come.
struct Walk {
    below: Version,
    opened: u32,
}

impl Walk {
    fn below(version: Version) -> Self {
        Self { below: version, opened: 0 }
    }

    /// Says whether the walk ended for its cost, with versions left.
    fn is_cut(&self) -> bool {
        self.opened >= MAX_VERSIONS_OPENED && self.below > 1
    }
}

/// A page of versions as it fills.
struct Page {
    kind: Kind,
    id: RecordId,
    count: u32,
    before: Option<Version>,
    versions: Vec<Opened>,
    bytes: usize,
    hidden: bool,
    /// There was one more than the page takes.
    full: bool,
}

impl Page {
    fn take(&mut self, opened: Opened, bytes: usize) {
        let version = opened.version_of(self.kind, self.id);
        let wanted = version.is_some_and(|version| self.before.is_none_or(|before| version < before))
            && self.versions.last().and_then(|last| last.version_of(self.kind, self.id)) != version;
        if !wanted || self.full {
            return;
        }
        let room = u32::try_from(self.versions.len()).is_ok_and(|taken| taken < self.count);
        self.bytes = self.bytes.saturating_add(bytes);
        if room && (self.versions.is_empty() || self.bytes <= MAX_HELD_BYTES) {
            self.versions.push(opened);
        } else {
            self.full = true;
        }
    }
}
