//! People and groups that identity providers tell of: reading and changing them, one connection at a time.
//!
//! A name of theirs is taken for the first time by a claim, of which there can be one. Whoever takes it after that, from
//! somebody who has another name by now or was taken back, writes the earliest of those anew with it, at the version that was
//! seen: of two that take a name at once one succeeds, and the other looks again and finds it taken.

use super::entries::{Beside, Current, ruled};
use super::{Administration, By, NotChanged};
use crate::access::{Resource, ViewDirectory, authorise};
use crate::directory::{Connection, Entry, Handle, Provisioned, ProvisionedPerson};
use crate::id::{RecordId, TenantId};
use crate::index::{Field, Term, normalise};
use crate::journal::Act;
use crate::ports::Find;
use crate::time::Timestamp;
use crate::write::{StoredRecord, Version, WriteSet};
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// An entry as it is stored, with what tells its versions apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored<E> {
    /// The entry.
    pub entry: E,
    /// Its version: 1, 2, 3 …
    pub version: Version,
    /// When this version was written.
    pub last_updated: Timestamp,
}

/// An entry before and after a change; the same where nothing had to be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed<E> {
    /// What it was.
    pub before: E,
    /// What it is.
    pub after: Stored<E>,
}

/// Which entries are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// Every one of the connection.
    All,
    /// Those of these ids.
    Ids(Vec<RecordId>),
    /// Those that have any of these names.
    Named(Vec<(Handle, String)>),
}

/// Why an entry was not changed: the caller's own reason, or one of the administration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangeFault<F> {
    /// The change refused.
    Refused(F),
    /// It is not at the version that was expected.
    OtherVersion,
    /// It was not written.
    NotChanged(NotChanged),
}

impl<F> From<NotChanged> for ChangeFault<F> {
    fn from(fault: NotChanged) -> Self {
        ChangeFault::NotChanged(fault)
    }
}

impl Administration {
    /// Returns the wanted entries of a connection, earliest added first; the reading is in the chain before this returns.
    ///
    /// # Errors
    /// [`NotChanged::Denied`], [`NotChanged::Integrity`], [`NotChanged::Unavailable`].
    pub async fn provisioned<E: Provisioned>(
        &self,
        by: &By<'_>,
        connection: &Connection,
        wanted: &Wanted,
    ) -> Result<Vec<Stored<E>>, NotChanged> {
        let id = match wanted {
            Wanted::Ids(ids) if ids.len() == 1 => ids.first().map(ToString::to_string).unwrap_or_default(),
            Wanted::All | Wanted::Ids(_) | Wanted::Named(_) => String::new(),
        };
        self.note_reading::<E>(by, connection.tenant, &id).await?;
        let found = self.wanted::<E>(connection, wanted).await?;
        Ok(found
            .into_iter()
            .map(|Current { entry, version, last_updated, .. }| Stored { entry, version, last_updated })
            .collect())
    }

    /// Adds an entry; its id, tenant, connection and moment of creation must be given, see [`Administration::new_record`].
    ///
    /// # Errors
    /// [`NotChanged::NameTaken`] when another entry of the connection has one of its names, [`NotChanged::UnknownMember`]
    /// when it refers to somebody who is not there; else [`NotChanged`].
    pub async fn provision<E: Provisioned>(
        &self,
        by: &By<'_>,
        connection: &Connection,
        entry: E,
    ) -> Result<Stored<E>, NotChanged> {
        for _ in 0..MAX_TRIES {
            match self.store_provisioned(by, connection, None, entry.clone()).await {
                // Taken a moment ago, by somebody who may have given it up since: look again.
                Err(NotChanged::Raced) => {}
                stored => return stored,
            }
        }
        Err(NotChanged::Raced)
    }

    /// Changes an entry of a connection, at the expected version where one is given; whoever changes it at the same moment
    /// is built upon. What changes nothing is not written.
    ///
    /// # Errors
    /// [`ChangeFault`]; [`NotChanged::UnknownEntry`] when there is no such entry, or it was taken back.
    pub async fn change_provisioned<E: Provisioned, F>(
        &self,
        by: &By<'_>,
        connection: &Connection,
        id: RecordId,
        expected: Option<Version>,
        change: impl Fn(&E) -> Result<E, F>,
    ) -> Result<Changed<E>, ChangeFault<F>> {
        for _ in 0..MAX_TRIES {
            let mut found = self.wanted::<E>(connection, &Wanted::Ids(alloc::vec![id])).await?;
            let Some(current) = found.pop() else {
                // Asked about like anything else: what is refused is recorded, whether it is there or not.
                self.note_reading::<E>(by, connection.tenant, &id.to_string()).await?;
                return Err(NotChanged::UnknownEntry.into());
            };
            if expected.is_some_and(|expected| expected != current.version) {
                self.note_reading::<E>(by, connection.tenant, &id.to_string()).await?;
                return Err(ChangeFault::OtherVersion);
            }
            let before = current.entry.clone();
            let after = match change(&before) {
                Ok(after) => after.succeeding(&before, connection.provisioning.subject, self.now()),
                Err(refused) => {
                    self.note_reading::<E>(by, connection.tenant, &id.to_string()).await?;
                    return Err(ChangeFault::Refused(refused));
                }
            };
            if after == before {
                self.note_reading::<E>(by, connection.tenant, &id.to_string()).await?;
                let Current { version, last_updated, .. } = current;
                return Ok(Changed { after: Stored { entry: after, version, last_updated }, before });
            }
            match self.store_provisioned(by, connection, Some(&current), after).await {
                Err(NotChanged::Raced) => {}
                Err(fault) => return Err(fault.into()),
                Ok(after) => return Ok(Changed { before, after }),
            }
        }
        Err(NotChanged::Raced.into())
    }

    /// Returns an id and the moment of creation for an entry to be added.
    ///
    /// # Errors
    /// [`NotChanged::Unavailable`] when there is no randomness.
    pub fn new_record(&self) -> Result<(RecordId, Timestamp), NotChanged> {
        let created = self.now();
        Ok((RecordId::from_time(created, self.random()?), created))
    }

    async fn store_provisioned<E: Provisioned>(
        &self,
        by: &By<'_>,
        connection: &Connection,
        replaced: Option<&Current<E>>,
        entry: E,
    ) -> Result<Stored<E>, NotChanged> {
        let permit = self.permit(by, E::KIND, connection.tenant, entry.record()).await?;
        entry.validate().map_err(NotChanged::Invalid)?;
        if entry.connection() != connection.id || entry.tenant() != connection.tenant {
            return Err(NotChanged::UnknownEntry);
        }
        let known = replaced.map(|stored| stored.entry.people()).unwrap_or_default();
        let known: BTreeSet<RecordId> = known.iter().copied().collect();
        let added: Vec<RecordId> = entry.people().iter().filter(|id| !known.contains(*id)).copied().collect();
        self.hold_people(connection, &added).await?;

        let mut own = Beside::default();
        if replaced.is_none() {
            own.terms.push(term::<E>(connection, "all"));
        }
        let mut former: BTreeMap<RecordId, Current<E>> = BTreeMap::new();
        for (handle, value) in entry.handles() {
            if replaced.is_some_and(|stored| stored.entry.is_named(handle, value)) {
                continue;
            }
            own.terms.push(named::<E>(connection, handle, value));
            match self.had_before(connection, &entry, handle, value).await? {
                None => own.claims.push(self.claim::<E>(connection, handle, value)),
                Some(earliest) => {
                    former.insert(earliest.entry.record(), earliest);
                }
            }
        }
        former.remove(&entry.record());
        let entry = if former.is_empty() { entry } else { entry.in_place_of_another(self.now()) };
        let mut write = WriteSet::default();
        let (version, last_updated) = self.prepare(permit, by, &entry, replaced, own, &mut write).await?;
        for (id, stored) in former {
            let permit = self.permit(by, E::KIND, connection.tenant, id).await?;
            self.prepare(permit, by, &stored.entry, Some(&stored), Beside::default(), &mut write).await?;
        }
        match self.record(write).await {
            // Somebody took a name since it was looked up; who has it now, the next look tells.
            Err(NotChanged::NameTaken) => Err(NotChanged::Raced),
            recorded => recorded.map(|()| Stored { entry, version, last_updated }),
        }
    }

    /// Returns the earliest entry that ever had a name, none having it now; `None` when none ever had.
    async fn had_before<E: Provisioned>(
        &self,
        connection: &Connection,
        entry: &E,
        handle: Handle,
        value: &str,
    ) -> Result<Option<Current<E>>, NotChanged> {
        let mut earliest = None;
        // Latest first, so that the last one is the earliest.
        for stored in self.found(&named::<E>(connection, handle, value)).await? {
            let holder: Current<E> = self.opened(&stored).await?;
            if holder.entry.is_named(handle, value) && holder.entry.record() != entry.record() {
                return Err(NotChanged::NameTaken);
            }
            earliest = Some(holder);
        }
        Ok(earliest)
    }

    /// Refuses people who are not there: of another connection, taken back, or never told of.
    async fn hold_people(&self, connection: &Connection, ids: &[RecordId]) -> Result<(), NotChanged> {
        for page in ids.chunks(PAGE) {
            let found = self.wanted::<ProvisionedPerson>(connection, &Wanted::Ids(page.to_vec())).await?;
            if found.len() != page.len() {
                return Err(NotChanged::UnknownMember);
            }
        }
        Ok(())
    }

    /// Finds and opens the wanted entries; what was taken back is not there.
    async fn wanted<E: Provisioned>(
        &self,
        connection: &Connection,
        wanted: &Wanted,
    ) -> Result<Vec<Current<E>>, NotChanged> {
        let stored = match wanted {
            Wanted::All => self.found(&term::<E>(connection, "all")).await?,
            Wanted::Ids(ids) => self.store.load(TenantId::SYSTEM, ids).await?,
            Wanted::Named(names) => {
                let mut stored = Vec::new();
                for (handle, value) in names {
                    stored.extend(self.found(&named::<E>(connection, *handle, value)).await?);
                }
                stored
            }
        };
        let mut found = Vec::new();
        let mut seen = BTreeSet::new();
        for stored in stored.iter().filter(|stored| stored.kind == E::KIND && seen.insert(stored.id)) {
            let current: Current<E> = self.opened(stored).await?;
            let named = match wanted {
                Wanted::All | Wanted::Ids(_) => true,
                Wanted::Named(names) => names.iter().any(|(handle, value)| current.entry.is_named(*handle, value)),
            };
            if named && !current.entry.is_removed() && current.entry.connection() == connection.id {
                found.push((stored.arrival, stored.id, current));
            }
        }
        found.sort_by_key(|(arrival, id, _)| (*arrival, *id));
        Ok(found.into_iter().map(|(_, _, current)| current).collect())
    }

    /// Returns every record that has a term.
    async fn found(&self, term: &Term) -> Result<Vec<StoredRecord>, NotChanged> {
        let token = self.vault.secrets(TenantId::SYSTEM).index.token(term);
        let mut found = Vec::new();
        let mut before = None;
        loop {
            let limit = u32::try_from(PAGE).unwrap_or(u32::MAX);
            let query = Find {
                kinds: alloc::vec![term.kind],
                all_of: alloc::vec![alloc::vec![token]],
                before,
                limit,
                ..Find::default()
            };
            let page = self.store.find(TenantId::SYSTEM, query).await?;
            before = page.last().map(|last| (last.arrival, last.id));
            let whole = page.len() == PAGE;
            found.extend(page);
            if !whole {
                return Ok(found);
            }
        }
    }

    /// Decides about looking at entries of a tenant, and records it.
    pub(super) async fn note_reading<E: Entry>(
        &self,
        by: &By<'_>,
        tenant: TenantId,
        id: &str,
    ) -> Result<(), NotChanged> {
        let resource = Resource::record(tenant, E::KIND);
        match authorise::<ViewDirectory>(by.actor.subject, &resource, &by.context) {
            Ok(permit) => {
                let act = Act::done(<ViewDirectory as crate::access::Act>::ACTION.name(), E::KIND.name(), id);
                self.note(by, act, ruled(&permit)).await
            }
            Err(denial) => {
                self.note_denial(by, E::KIND, id, &denial).await?;
                Err(NotChanged::Denied)
            }
        }
    }

    fn claim<E: Entry>(&self, connection: &Connection, handle: Handle, value: &str) -> [u8; 16] {
        let value = match handle {
            Handle::Name => normalise(Field::Label, value),
            Handle::External => value.to_string(),
        };
        let parts: [&[u8]; 4] =
            [&[E::KIND.code()], connection.id.as_bytes(), handle.word().as_bytes(), value.as_bytes()];
        self.vault.secrets(TenantId::SYSTEM).content.claim("provisioned", &parts)
    }
}

fn term<E: Entry>(connection: &Connection, what: &str) -> Term {
    Term { kind: E::KIND, field: Field::Label, value: alloc::format!("{}/{what}", connection.id) }
}

fn named<E: Entry>(connection: &Connection, handle: Handle, value: &str) -> Term {
    term::<E>(connection, &alloc::format!("{}/{value}", handle.word()))
}

/// Records read or looked up at a time.
const PAGE: usize = 500;
/// How often an attempt is made that others come in the way of.
const MAX_TRIES: u32 = 16;
