//! Directory entries as sealed records of the system tenant: loading all, reading one, writing one.

use super::{Administration, By, NotChanged};
use crate::access::{self, Administer, Denial, Permit, Resource, Subject, authorise};
use crate::audit::{self, Break, BreakKind, Contents};
use crate::directory::{
    Account, ApiClient, Application, Clinic, Connection, Directory, Entry, Interface, ProvisionedGroup,
    ProvisionedPerson, Tenant,
};
use crate::id::{RecordId, TenantId};
use crate::index::{Field, Term, normalise};
use crate::journal::Act;
use crate::keys::{Compartment, ContentMac};
use crate::kind::Kind;
use crate::ports::Find;
use crate::record::content::{Content, Member};
use crate::record::{self, Binding, Opened, SealFault};
use crate::time::Timestamp;
use crate::write::{Claim, IndexTerm, RecordWrite, Routing, StoredRecord, Version, WriteSet};
use alloc::collections::BTreeMap;
use alloc::string::ToString;
use alloc::vec::Vec;

/// An entry as it is stored now.
pub(super) struct Current<E> {
    pub(super) entry: E,
    pub(super) version: Version,
    pub(super) last_updated: Timestamp,
    arrival: Timestamp,
    mac: ContentMac,
    mac_of_tenant: ContentMac,
}

/// What is written with an entry besides it.
#[derive(Default)]
pub(super) struct Beside {
    /// What it is found by from now on.
    pub(super) terms: Vec<Term>,
    /// Names that nobody may have taken yet.
    pub(super) claims: Vec<[u8; 16]>,
}

impl Administration {
    /// Opens every entry and returns them as one snapshot: exactly the entries that the system chain tells of.
    ///
    /// It is the gateway reading its own configuration: no patient data, and no entry in the chain. An entry that was
    /// deleted, or of which an older version was put back, opens as well as any; the chain tells.
    ///
    /// # Errors
    /// [`NotChanged::Integrity`] when an entry does not open, [`NotChanged::Broken`] when one is not what the chain
    /// says, [`NotChanged::Unavailable`].
    pub async fn load_directory(&self) -> Result<Directory, NotChanged> {
        let mut stated = self.witness.directory().await?;
        for _ in 0..MAX_LOADS {
            let mut found = BTreeMap::new();
            let directory = Directory::new(
                self.all::<Tenant>(&mut found).await?,
                self.all::<Clinic>(&mut found).await?,
                self.all::<Interface>(&mut found).await?,
                self.all::<ApiClient>(&mut found).await?,
            )
            .with_people(
                self.all::<Connection>(&mut found).await?,
                self.all::<Account>(&mut found).await?,
                self.all::<Application>(&mut found).await?,
            )
            .with_provisioned(
                self.all::<ProvisionedPerson>(&mut found).await?,
                self.all::<ProvisionedGroup>(&mut found).await?,
            );
            // An entry that was changed meanwhile may be read as it was or as it is: whoever changes entries all the time must
            // not keep everybody from reading them. Only what was changed twice is loaded again.
            let before = core::mem::replace(&mut stated, self.witness.directory().await?);
            if hold(&found, &before, &stated).map_err(NotChanged::Broken)? {
                return Ok(directory);
            }
        }
        Err(NotChanged::Unavailable)
    }

    /// Opens every entry of a kind, and adds the hash of its content to `found`.
    async fn all<E: Entry>(&self, found: &mut BTreeMap<RecordId, ContentMac>) -> Result<Vec<E>, NotChanged> {
        let mut entries = Vec::new();
        let mut before = None;
        loop {
            let query = Find { kinds: alloc::vec![E::KIND], before, limit: PAGE, ..Find::default() };
            let page = self.store.find(TenantId::SYSTEM, query).await?;
            for stored in &page {
                let (entry, content, _) = self.open::<E>(stored).await?;
                found.insert(stored.id, content);
                entries.push(entry);
            }
            match page.last() {
                Some(last) => before = Some((last.arrival, last.id)),
                None => return Ok(entries),
            }
        }
    }

    /// Returns one entry as it is stored now.
    pub(super) async fn current<E: Entry>(&self, id: RecordId) -> Result<Current<E>, NotChanged> {
        let stored = self.store.load(TenantId::SYSTEM, &[id]).await?;
        let stored = stored.into_iter().find(|stored| stored.kind == E::KIND).ok_or(NotChanged::UnknownEntry)?;
        self.opened(&stored).await
    }

    /// Opens a record of the directory as it is stored now.
    pub(super) async fn opened<E: Entry>(&self, stored: &StoredRecord) -> Result<Current<E>, NotChanged> {
        let (entry, mac, mac_of_tenant) = self.open::<E>(stored).await?;
        let StoredRecord { version, last_updated, arrival, .. } = *stored;
        Ok(Current { entry, version, last_updated, arrival, mac, mac_of_tenant })
    }

    /// Opens an entry by the gateway's own right.
    async fn open<E: Entry>(&self, stored: &StoredRecord) -> Result<(E, ContentMac, ContentMac), NotChanged> {
        let heading = record::heading(&stored.sealed).map_err(|_| NotChanged::Integrity)?;
        let key = self.vault.find(stored.tenant, heading.data_key).await?;
        let resource = Resource::record(stored.tenant, stored.kind);
        let permit = authorise::<Administer>(&Subject::gateway(), &resource, &access::Context::at(self.clock.now()));
        let opened = record::open(permit.map_err(|_| NotChanged::Denied)?, &key, stored);
        let opened: Opened = opened.map_err(|_| NotChanged::Integrity)?;
        let entry: E = opened
            .with(E::KIND, stored.id, |_, text| serde_json::from_str(text).ok())
            .flatten()
            .ok_or(NotChanged::Integrity)?;
        let mac = |tenant| opened.content_mac(&self.vault.secrets(tenant).content);
        let (of_system, of_tenant) = (mac(TenantId::SYSTEM), mac(entry.tenant()));
        Ok((entry, of_system, of_tenant))
    }

    /// Writes a new entry and claims its name.
    pub(super) async fn add<E: Entry>(
        &self,
        permit: Permit<Administer>,
        by: &By<'_>,
        entry: &E,
    ) -> Result<(), NotChanged> {
        let system = self.vault.secrets(TenantId::SYSTEM);
        // Tenants are unique among themselves, everything else within its tenant.
        let within = if E::KIND == Kind::Tenant { TenantId::SYSTEM } else { entry.tenant() };
        let name = normalise(Field::Label, entry.name());
        let claim = system.content.claim("directory", &[&[E::KIND.code()], within.as_bytes(), name.as_bytes()]);
        let term = Term { kind: E::KIND, field: Field::Label, value: entry.name().to_string() };
        let beside = Beside { terms: alloc::vec![term], claims: alloc::vec![claim] };
        self.write(permit, by, entry, None, beside).await.map(|_| ())
    }

    /// Writes a new version of an entry, which keeps its name. Returns that version, and when it was written.
    pub(super) async fn replace<E: Entry>(
        &self,
        permit: Permit<Administer>,
        by: &By<'_>,
        stored: &Current<E>,
        entry: &E,
    ) -> Result<(Version, Timestamp), NotChanged> {
        self.write(permit, by, entry, Some(stored), Beside::default()).await
    }

    /// Writes an entry; the permit is spent by it. Returns its version now, and when it was written.
    pub(super) async fn write<E: Entry>(
        &self,
        permit: Permit<Administer>,
        by: &By<'_>,
        entry: &E,
        replaced: Option<&Current<E>>,
        beside: Beside,
    ) -> Result<(Version, Timestamp), NotChanged> {
        let mut write = WriteSet::default();
        let written = self.prepare(permit, by, entry, replaced, beside, &mut write).await?;
        self.record(write).await?;
        Ok(written)
    }

    /// Adds an entry to what is to be written together; the permit is spent by it.
    pub(super) async fn prepare<E: Entry>(
        &self,
        permit: Permit<Administer>,
        by: &By<'_>,
        entry: &E,
        replaced: Option<&Current<E>>,
        beside: Beside,
        write: &mut WriteSet,
    ) -> Result<(Version, Timestamp), NotChanged> {
        let now = self.now();
        let id = entry.record();
        let version = replaced.map_or(1, |stored| stored.version.saturating_add(1));
        let arrival = replaced.map_or(now, |stored| stored.arrival);
        let bytes = serde_json::to_vec(entry).map_err(|_| NotChanged::Integrity)?;
        let member = Member { kind: E::KIND, id, version, last_updated: now, bytes: bytes.into() };
        let plaintext = Content { as_of: now, members: alloc::vec![member] }.encode()?;

        let held = self.vault.current(TenantId::SYSTEM, Compartment::Directory).await?;
        let binding = Binding {
            tenant: TenantId::SYSTEM,
            clinic: None,
            compartment: Compartment::Directory,
            kind: E::KIND,
            id,
            version,
        };
        let sealed = record::seal(&held.key, &binding, &plaintext, self.entropy.as_ref())?;
        write.keys.extend(held.unstored);
        write.records.push(RecordWrite {
            tenant: TenantId::SYSTEM,
            id,
            kind: E::KIND,
            clinic: None,
            replaces: replaced.map(|stored| stored.version),
            version,
            arrival,
            last_updated: now,
            routing: Routing::None,
            sealed,
        });

        let system = self.vault.secrets(TenantId::SYSTEM);
        for term in &beside.terms {
            let token = system.index.token(term);
            write.terms.push(IndexTerm { tenant: TenantId::SYSTEM, token, record: id, arrival });
        }
        for claim in beside.claims {
            write.claims.push(Claim { tenant: TenantId::SYSTEM, token: claim, message: id });
        }

        let action = if replaced.is_some() { "update" } else { "create" };
        let macs = |stored: &Current<E>| (stored.mac, stored.mac_of_tenant);
        let (of_system, of_tenant) = replaced.map(macs).unzip();
        for (chain, before) in [(TenantId::SYSTEM, of_system), (entry.tenant(), of_tenant)] {
            let after = self.vault.secrets(chain).content.mac(&plaintext);
            let act = Act::changed(action, E::KIND.name(), &id.to_string(), before, after);
            // The rule that permitted it stands beside the entry in the chain of whoever did it.
            let act = if chain == by.actor.subject.tenant {
                self.with_context(by, act, ruled(&permit), write).await?
            } else {
                act
            };
            write.drafts.push(act.draft_for(&by.actor, chain, now));
        }
        Ok((version, now))
    }

    /// Records a denial in the chain of the subject's tenant, with its reason beside it.
    pub(super) async fn note_denial(
        &self,
        by: &By<'_>,
        kind: Kind,
        id: &str,
        denial: &Denial,
    ) -> Result<(), NotChanged> {
        let act = Act::denied(denial.action.name(), kind.name(), id, denial.reason());
        self.note(by, act, audit::Context::default()).await
    }

    /// Records an act that changes no record, with its context, in the chain of the subject's tenant.
    pub(super) async fn note(&self, by: &By<'_>, act: Act, context: audit::Context) -> Result<(), NotChanged> {
        let mut write = WriteSet::default();
        let act = self.with_context(by, act, context, &mut write).await?;
        write.drafts.push(act.draft(&by.actor, self.now()));
        self.record(write).await
    }

    async fn with_context(
        &self,
        by: &By<'_>,
        act: Act,
        context: audit::Context,
        write: &mut WriteSet,
    ) -> Result<Act, NotChanged> {
        let tenant = by.actor.subject.tenant;
        let roles = by.actor.subject.roles.iter().map(|role| role.name().to_string()).collect();
        let context = audit::Context { roles, ..context };
        let held = self.vault.current(tenant, Compartment::Context).await?;
        write.keys.extend(held.unstored);
        let secrets = self.vault.secrets(tenant);
        Ok(act.with_context(&by.actor, &context, &held.key, &secrets.content, self.entropy.as_ref())?)
    }

    /// Hands a write set to the ledger and tells the vault which of its keys are stored now.
    pub(super) async fn record(&self, write: WriteSet) -> Result<(), NotChanged> {
        let made: Vec<_> = write.keys.iter().map(|key| (key.tenant, key.id)).collect();
        self.ledger.record(write).await?;
        for (tenant, id) in made {
            self.vault.stored(tenant, &[id]);
        }
        Ok(())
    }
}

/// Holds the entries that were found against those that the chain told of before they were read and after.
///
/// `false` when an entry is neither as it was nor as it is, yet was changed in between: then it may have been changed twice.
fn hold(found: &BTreeMap<RecordId, ContentMac>, before: &Contents, stated: &Contents) -> Result<bool, Break> {
    let mut settled = true;
    for (id, entry) in stated.iter() {
        let content = found.get(&id);
        if content == Some(&entry.content) {
            continue;
        }
        let earlier = before.of(id);
        if earlier == Some(entry) {
            let kind = content.map_or(BreakKind::RecordMissing, |_| BreakKind::RecordRolledBack);
            return Err(stated.broken(entry, kind));
        }
        settled &= content == earlier.map(|entry| &entry.content);
    }
    // One more than that was never recorded: no entry is the first that is missing.
    let unstated = found.keys().any(|id| stated.of(*id).is_none());
    if unstated {
        return Err(Break { chain: stated.chain(), sequence: 0, kind: BreakKind::RecordRolledBack });
    }
    Ok(settled)
}

/// Returns a context that says by which rule a permit was given.
pub(super) fn ruled<A: access::Act>(permit: &Permit<A>) -> audit::Context {
    audit::Context { rule: Some(permit.rule().to_string()), ..audit::Context::default() }
}

impl From<SealFault> for NotChanged {
    fn from(fault: SealFault) -> Self {
        match fault {
            SealFault::TooLarge | SealFault::WrongKey => NotChanged::Integrity,
            SealFault::Unavailable => NotChanged::Unavailable,
        }
    }
}

/// Entries read at a time.
const PAGE: u32 = 500;
/// How often the directory is loaded again because it was changed meanwhile.
const MAX_LOADS: u32 = 16;
