//! A store in memory.

use crate::audit::{ChainHead, ChainId};
use crate::id::{DataKeyId, RecordId, TenantId};
use crate::index::IndexToken;
use crate::keys::{Compartment, WrappedDataKey, WrappedTenantKey};
use crate::kind::Kind;
use crate::ports::{BoxFuture, CommitFault, EntryBlock, Find, SealedContexts, Store, Unavailable};
use crate::time::Timestamp;
use crate::write::{Batch, Conflict, ConflictReason, IndexTerm, StoredRecord, Version, WriteSet};
use alloc::boxed::Box;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::future::ready;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Keeps records, index, keys and chains in memory.
#[derive(Default)]
pub struct MemoryStore(Mutex<State>);

#[derive(Default)]
struct State {
    unavailable: bool,
    records: BTreeMap<(TenantId, RecordId), Vec<StoredRecord>>,
    terms: BTreeSet<IndexTerm>,
    claims: BTreeSet<(TenantId, [u8; 16])>,
    data_keys: BTreeMap<(TenantId, DataKeyId), WrappedDataKey>,
    tenant_keys: BTreeMap<(TenantId, u32), WrappedTenantKey>,
    heads: BTreeMap<ChainId, ChainHead>,
    entries: BTreeMap<(ChainId, u64), Entry>,
    checkpoints: BTreeMap<(ChainId, u64), String>,
    marks: BTreeMap<(TenantId, Kind), u64>,
}

struct Entry {
    bytes: Vec<u8>,
    context: Option<Vec<u8>>,
}

impl MemoryStore {
    /// Makes every call fail with `Unavailable` from now on, or answer again.
    pub fn set_unavailable(&self, unavailable: bool) {
        self.lock().unavailable = unavailable;
    }

    /// Puts a record in place of what is stored, as somebody would who writes to the database by hand.
    pub fn tamper(&self, record: StoredRecord) {
        if let Some(current) = self.lock().records.entry((record.tenant, record.id)).or_default().last_mut() {
            *current = record;
        }
    }

    /// Puts a chain's head in place of what is stored and removes the entries behind it, as somebody would who
    /// writes to the database by hand.
    pub fn tamper_head(&self, chain: ChainId, head: ChainHead) {
        let mut state = self.lock();
        state.heads.insert(chain, head);
        state.entries.retain(|(of, sequence), _| *of != chain || *sequence <= head.length);
    }

    /// Deletes a record with all its versions, as somebody would who writes to the database by hand.
    pub fn delete(&self, tenant: TenantId, id: RecordId) {
        self.lock().records.remove(&(tenant, id));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read<'a, T: Send + 'a>(&self, look: impl FnOnce(&State) -> T) -> BoxFuture<'a, Result<T, Unavailable>> {
        let state = self.lock();
        let answer = if state.unavailable { Err(Unavailable) } else { Ok(look(&state)) };
        Box::pin(ready(answer))
    }

    fn change<'a, T: Send + 'a>(&self, change: impl FnOnce(&mut State) -> T) -> BoxFuture<'a, Result<T, Unavailable>> {
        let mut state = self.lock();
        let answer = if state.unavailable { Err(Unavailable) } else { Ok(change(&mut state)) };
        Box::pin(ready(answer))
    }
}

impl Store for MemoryStore {
    fn load(&self, tenant: TenantId, ids: &[RecordId]) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        let wanted: BTreeSet<RecordId> = ids.iter().copied().collect();
        self.read(|state| wanted.iter().filter_map(|id| state.current(tenant, *id)).cloned().collect())
    }

    fn load_family(&self, tenant: TenantId, id: RecordId) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        let (lowest, highest) = id.family_range();
        self.read(|state| {
            let family = state.records.range((tenant, lowest)..=(tenant, highest));
            family.filter_map(|(_, versions)| versions.last()).take(FAMILY).cloned().collect()
        })
    }

    fn versions(
        &self,
        tenant: TenantId,
        id: RecordId,
        before: Option<Version>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        self.read(|state| {
            let versions = state.records.get(&(tenant, id)).map(Vec::as_slice).unwrap_or_default();
            let wanted = versions.iter().rev().filter(|record| before.is_none_or(|before| record.version < before));
            wanted.take(count(limit)).cloned().collect()
        })
    }

    fn find(&self, tenant: TenantId, query: Find) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        self.read(|state| {
            let groups: Vec<_> = query.all_of.iter().map(|group| state.records_with(tenant, group)).collect();
            let lowest = RecordId([0; 16]);
            let all = state.records.range((tenant, lowest)..).take_while(|((of, _), _)| *of == tenant);
            let mut hits: Vec<&StoredRecord> = all
                .filter_map(|(_, versions)| versions.last())
                .filter(|record| query.kinds.is_empty() || query.kinds.contains(&record.kind))
                .filter(|record| query.routing.is_none_or(|routing| record.routing == routing))
                .filter(|record| query.before.is_none_or(|before| (record.arrival, record.id) < before))
                .filter(|record| groups.iter().all(|group| group.contains(&record.id)))
                .collect();
            hits.sort_by_key(|record| core::cmp::Reverse((record.arrival, record.id)));
            hits.into_iter().take(count(query.limit)).cloned().collect()
        })
    }

    fn data_key(&self, tenant: TenantId, id: DataKeyId) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>> {
        self.read(|state| state.data_keys.get(&(tenant, id)).cloned())
    }

    fn data_key_of(
        &self,
        tenant: TenantId,
        compartment: Compartment,
    ) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>> {
        self.read(|state| {
            let mine = |key: &&WrappedDataKey| key.tenant == tenant && key.compartment == compartment;
            state.data_keys.values().filter(mine).max_by_key(|key| key.created).cloned()
        })
    }

    fn data_keys_below(
        &self,
        tenant: TenantId,
        generation: u32,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<WrappedDataKey>, Unavailable>> {
        self.read(|state| {
            let older = |key: &&WrappedDataKey| key.tenant == tenant && key.generation < generation;
            state.data_keys.values().filter(older).take(count(limit)).cloned().collect()
        })
    }

    fn rewrap(&self, keys: Vec<WrappedDataKey>) -> BoxFuture<'_, Result<u64, Unavailable>> {
        self.change(|state| {
            let mut replaced: u64 = 0;
            for key in keys {
                if let Some(row) = state.data_keys.get_mut(&(key.tenant, key.id)) {
                    *row = key;
                    replaced = replaced.saturating_add(1);
                }
            }
            replaced
        })
    }

    fn tenant_keys(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<WrappedTenantKey>, Unavailable>> {
        self.read(|state| {
            state.tenant_keys.range((tenant, 0)..=(tenant, u32::MAX)).map(|(_, key)| key.clone()).collect()
        })
    }

    fn add_tenant_key(&self, key: WrappedTenantKey) -> BoxFuture<'_, Result<bool, Unavailable>> {
        self.change(|state| {
            let place = (key.tenant, key.generation);
            let absent = !state.tenant_keys.contains_key(&place);
            state.tenant_keys.entry(place).or_insert(key);
            absent
        })
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<(ChainId, ChainHead)>, Unavailable>> {
        self.read(|state| state.heads.iter().map(|(chain, head)| (*chain, *head)).collect())
    }

    fn entries(&self, chain: ChainId, from: u64, limit: u32) -> BoxFuture<'_, Result<EntryBlock, Unavailable>> {
        self.read(|state| {
            let mut block = EntryBlock::default();
            for ((_, sequence), entry) in state.entries.range((chain, from)..=(chain, u64::MAX)).take(count(limit)) {
                block.lines.extend_from_slice(sequence.to_string().as_bytes());
                block.lines.push(b' ');
                block.lines.extend_from_slice(&entry.bytes);
                block.lines.push(b'\n');
                block.count = block.count.saturating_add(1);
                block.without_context.extend(entry.context.is_none().then_some(*sequence));
            }
            block
        })
    }

    fn context(&self, chain: ChainId, sequence: u64) -> BoxFuture<'_, Result<Option<Vec<u8>>, Unavailable>> {
        self.read(|state| state.entries.get(&(chain, sequence)).and_then(|entry| entry.context.clone()))
    }

    fn contexts(&self, chain: ChainId, from: u64, count: u32) -> BoxFuture<'_, Result<SealedContexts, Unavailable>> {
        self.read(|state| {
            let behind = from.saturating_add(u64::from(count));
            let entries = state.entries.range((chain, from)..(chain, behind));
            entries.filter_map(|((_, sequence), entry)| Some((*sequence, entry.context.clone()?))).collect()
        })
    }

    fn add_checkpoint(&self, chain: ChainId, segment: u64, note: String) -> BoxFuture<'_, Result<(), Unavailable>> {
        self.change(|state| {
            state.checkpoints.entry((chain, segment)).or_insert(note);
        })
    }

    fn checkpoints(&self, chain: ChainId) -> BoxFuture<'_, Result<Vec<(u64, String)>, Unavailable>> {
        self.read(|state| {
            let notes = state.checkpoints.range((chain, 0)..=(chain, u64::MAX));
            notes.map(|((_, segment), note)| (*segment, note.clone())).collect()
        })
    }

    fn mark(&self, tenant: TenantId, kinds: &[Kind]) -> BoxFuture<'_, Result<u64, Unavailable>> {
        let kinds: BTreeSet<Kind> = kinds.iter().copied().collect();
        self.read(|state| {
            let marks = kinds.iter().filter_map(|kind| state.marks.get(&(tenant, *kind)));
            marks.fold(0u64, |sum, mark| sum.saturating_add(*mark))
        })
    }

    fn commit<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<(), CommitFault>> {
        let mut state = self.lock();
        let answer = if state.unavailable { Err(CommitFault::Unavailable) } else { state.commit(batch) };
        Box::pin(ready(answer))
    }
}

impl State {
    fn current(&self, tenant: TenantId, id: RecordId) -> Option<&StoredRecord> {
        self.records.get(&(tenant, id))?.last()
    }

    fn records_with(&self, tenant: TenantId, tokens: &[IndexToken]) -> BTreeSet<RecordId> {
        let term = |token, id, arrival| IndexTerm { tenant, token, record: id, arrival };
        let from = |token| term(token, RecordId([0; 16]), Timestamp(i64::MIN));
        let to = |token| term(token, RecordId([255; 16]), Timestamp(i64::MAX));
        tokens.iter().flat_map(|token| self.terms.range(from(*token)..=to(*token))).map(|term| term.record).collect()
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), CommitFault> {
        let head = |chain| self.heads.get(chain).copied().unwrap_or(ChainHead::EMPTY);
        if batch.moves.iter().any(|to| head(&to.chain) != to.from) {
            return Err(CommitFault::HeadMoved);
        }
        let conflicts = self.conflicts(batch.members);
        if !conflicts.is_empty() {
            return Err(CommitFault::Conflicts(conflicts));
        }
        for member in batch.members {
            self.apply(member);
        }
        for entry in &batch.entries {
            let stored = Entry { bytes: entry.bytes.clone(), context: entry.context.clone() };
            self.entries.insert((entry.chain, entry.sequence), stored);
        }
        self.heads.extend(batch.moves.iter().map(|to| (to.chain, to.to)));
        Ok(())
    }

    /// Names every member that cannot be applied after those before it; one that cannot leaves no trace for the next.
    fn conflicts(&self, members: &[WriteSet]) -> Vec<Conflict> {
        let mut claimed: BTreeSet<(TenantId, [u8; 16])> = BTreeSet::new();
        let mut written: BTreeMap<(TenantId, RecordId), Version> = BTreeMap::new();
        let mut conflicts = Vec::new();
        for (number, member) in members.iter().enumerate() {
            let mut claims = BTreeSet::new();
            let mut versions = BTreeMap::new();
            let mut reason = None;
            for claim in &member.claims {
                let place = (claim.tenant, claim.token);
                if self.claims.contains(&place) || claimed.contains(&place) || !claims.insert(place) {
                    reason = Some(ConflictReason::Claimed);
                }
            }
            for record in &member.records {
                let place = (record.tenant, record.id);
                let stored = || self.current(record.tenant, record.id).map(|stored| stored.version);
                let now = versions.get(&place).or_else(|| written.get(&place)).copied().or_else(stored);
                if now != record.replaces {
                    reason = reason.or(Some(ConflictReason::Version));
                }
                versions.insert(place, record.version);
            }
            match reason {
                Some(reason) => conflicts.push(Conflict { member: number, reason }),
                None => {
                    claimed.append(&mut claims);
                    written.append(&mut versions);
                }
            }
        }
        conflicts
    }

    fn apply(&mut self, member: &WriteSet) {
        for key in &member.keys {
            self.data_keys.entry((key.tenant, key.id)).or_insert_with(|| key.clone());
        }
        for record in &member.records {
            let stored = StoredRecord {
                tenant: record.tenant,
                id: record.id,
                kind: record.kind,
                clinic: record.clinic,
                version: record.version,
                arrival: record.arrival,
                last_updated: record.last_updated,
                routing: record.routing,
                sealed: record.sealed.clone(),
            };
            self.records.entry((record.tenant, record.id)).or_default().push(stored);
            let mark = self.marks.entry((record.tenant, record.kind)).or_default();
            *mark = mark.saturating_add(1);
        }
        self.terms.extend(member.terms.iter().copied());
        self.claims.extend(member.claims.iter().map(|claim| (claim.tenant, claim.token)));
    }
}

fn count(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Most records returned of one family.
const FAMILY: usize = 8;
