//! What the cases are made of: small write sets, and a hand that links and commits them.

use crate::{Failure, ensure};
use domain::audit::{ChainHead, ChainId, ChainKeys, Draft, Outcome, UserId, Verifier, link};
use domain::id::{ClinicId, CorrelationId, DataKeyId, RecordId, TenantId};
use domain::index::IndexToken;
use domain::keys::{Compartment, WrappedDataKey};
use domain::kind::Kind;
use domain::ports::{CommitFault, Find, Store};
use domain::secret::Secret;
use domain::time::Timestamp;
use domain::write::{Batch, Claim, HeadMove, IndexTerm, RecordWrite, Routing, StoredRecord, Version, WriteSet};
use std::collections::BTreeMap;

/// The audit root that every case links and verifies with.
#[must_use]
pub fn audit_root() -> Secret<32> {
    Secret::new([0x5a; 32])
}

/// Two tenants that must never meet.
pub(crate) const OURS: TenantId = TenantId([0xa1; 16]);
pub(crate) const THEIRS: TenantId = TenantId([0xb2; 16]);

/// An id whose bytes spread over the whole range, so that nothing depends on the order of writing.
pub(crate) fn id(number: u64) -> RecordId {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let mut bytes = [0; 16];
    for (slot, byte) in bytes.iter_mut().zip(spread.into_iter().chain(number.to_be_bytes())) {
        *slot = byte;
    }
    RecordId(bytes)
}

pub(crate) fn token(number: u64) -> IndexToken {
    IndexToken(id(number.wrapping_add(1 << 40)).0)
}

pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp(1_790_000_000_000_000).plus_seconds(seconds)
}

/// The first version of a report that arrived so many seconds after the start.
pub(crate) fn report(tenant: TenantId, number: u64, arrival: i64) -> RecordWrite {
    RecordWrite {
        tenant,
        id: id(number),
        kind: Kind::DiagnosticReport,
        clinic: Some(ClinicId([3; 16])),
        replaces: None,
        version: 1,
        arrival: at(arrival),
        last_updated: at(arrival),
        routing: Routing::None,
        sealed: sealed(number, 1),
    }
}

/// The version that follows one.
pub(crate) fn next(record: &RecordWrite, seconds: i64) -> RecordWrite {
    let version = record.version.saturating_add(1);
    RecordWrite {
        replaces: Some(record.version),
        version,
        last_updated: at(seconds),
        sealed: [record.sealed.as_slice(), &version.to_be_bytes()].concat(),
        ..*record
    }
}

pub(crate) fn sealed(number: u64, version: Version) -> Vec<u8> {
    [b"sealed".as_slice(), &number.to_be_bytes(), &version.to_be_bytes(), &[0, 0xff, b'\n']].concat()
}

pub(crate) fn term(record: &RecordWrite, token: IndexToken) -> IndexTerm {
    IndexTerm { tenant: record.tenant, token, record: record.id, arrival: record.arrival }
}

pub(crate) fn claim(tenant: TenantId, number: u64) -> Claim {
    Claim { tenant, token: id(number).0, message: id(number) }
}

pub(crate) fn data_key(tenant: TenantId, number: u64, patient: u64, generation: u32, created: i64) -> WrappedDataKey {
    WrappedDataKey {
        tenant,
        id: DataKeyId(id(number).0),
        compartment: Compartment::Patient(id(patient)),
        generation,
        created: at(created),
        wrapped: sealed(number, generation),
    }
}

/// A draft for the chain of a tenant; `number` makes its entry recognisable.
pub(crate) fn draft(tenant: TenantId, number: u64) -> Draft {
    Draft {
        chain: ChainId::from(tenant),
        time: at(0),
        user: UserId { id: "case".into(), display: "Case".into() },
        workstation: "bench".into(),
        action: "create".into(),
        resource_type: "DiagnosticReport".into(),
        resource_id: number.to_string(),
        outcome: Outcome::Success,
        before: None,
        after: None,
        correlation: CorrelationId([4; 16]),
        context: None,
    }
}

/// A write set with one record, its terms and one draft.
pub(crate) fn write(record: RecordWrite, tokens: &[IndexToken]) -> WriteSet {
    let terms = tokens.iter().map(|token| term(&record, *token)).collect();
    WriteSet { drafts: vec![draft(record.tenant, 0)], terms, records: vec![record], ..WriteSet::default() }
}

/// Links the write sets to the heads as they are now and commits them.
pub(crate) async fn commit(store: &dyn Store, members: &[WriteSet]) -> Result<(), CommitFault> {
    let heads = heads(store).await.map_err(|_| CommitFault::Unavailable)?;
    store.commit(&linked(members, &heads)).await
}

/// Links the write sets to these heads.
pub(crate) fn linked<'m>(members: &'m [WriteSet], heads: &BTreeMap<ChainId, ChainHead>) -> Batch<'m> {
    let mut keys = ChainKeys::derive(&audit_root());
    let mut chains: BTreeMap<ChainId, Vec<&Draft>> = BTreeMap::new();
    for draft in members.iter().flat_map(|member| &member.drafts) {
        chains.entry(draft.chain).or_default().push(draft);
    }
    let mut batch = Batch { members, moves: Vec::new(), entries: Vec::new() };
    for (chain, drafts) in chains {
        let from = heads.get(&chain).copied().unwrap_or(ChainHead::EMPTY);
        let (entries, to) = link(&mut keys, chain, from, drafts);
        batch.entries.extend(entries);
        batch.moves.push(HeadMove { chain, from, to });
    }
    batch
}

pub(crate) async fn heads(store: &dyn Store) -> Result<BTreeMap<ChainId, ChainHead>, Failure> {
    Ok(store.heads().await?.into_iter().collect())
}

/// Reads a chain whole, a few entries at a time, and checks every MAC, every link and the head.
pub(crate) async fn verified(store: &dyn Store, chain: ChainId) -> Result<ChainHead, Failure> {
    let keys = ChainKeys::derive(&audit_root());
    let mut verifier = Verifier::new(chain, &keys);
    loop {
        let from = verifier.head().length.saturating_add(1);
        let block = store.entries(chain, from, 7).await?;
        if block.count == 0 {
            break;
        }
        verifier.block(&block.lines).map_err(|found| Failure(found.to_string()))?;
    }
    let head = heads(store).await?.get(&chain).copied().unwrap_or(ChainHead::EMPTY);
    verifier.finish(&head).map(|verified| verified.head).map_err(|found| Failure(found.to_string()))
}

/// A question for reports with all of these groups of tokens.
pub(crate) fn having(groups: &[&[IndexToken]]) -> Find {
    Find {
        kinds: vec![Kind::DiagnosticReport],
        all_of: groups.iter().map(|group| group.to_vec()).collect(),
        limit: 100,
        ..Find::default()
    }
}

/// Says which of our numbers the records are, in the order they came.
pub(crate) fn numbers(found: &[StoredRecord], among: impl Iterator<Item = u64>) -> Vec<u64> {
    let known: BTreeMap<RecordId, u64> = among.map(|number| (id(number), number)).collect();
    found.iter().filter_map(|record| known.get(&record.id).copied()).collect()
}

/// Fails unless the stored record is what was written.
pub(crate) fn reads_back(found: &StoredRecord, written: &RecordWrite) -> Result<(), Failure> {
    let equal = found.tenant == written.tenant
        && found.id == written.id
        && found.kind == written.kind
        && found.clinic == written.clinic
        && found.version == written.version
        && found.arrival == written.arrival
        && found.last_updated == written.last_updated
        && found.routing == written.routing
        && found.sealed == written.sealed;
    ensure(equal, "a record does not read back as it was written")
}
