//! Applies a batch: everything or nothing.
//!
//! ```text
//!   BEGIN
//!     heads     move from where the batch was linked         fewer rows than moves   → HeadMoved
//!     claims    take                                         fewer rows than claims  → Conflicts
//!     records   add first versions                           fewer rows than records → Conflicts
//!     versions  keep the current ones, then replace them     fewer rows than versions→ Conflicts
//!     keys                                                   those that are there stay
//!     entries   add                                          fewer rows than entries → HeadMoved
//!     terms                                                  those that are there stay
//!   COMMIT
//! ```
//!
//! Conflicts are found by counting rows, not by an error, so the good path costs no question. Only when a
//! count is short is the transaction undone and the database asked who was in the way.

use crate::decode;
use crate::engine::{Engine, Fault, Filled, Row, Short, Transaction, Value};
use crate::statements as sql;
use domain::id::TenantId;
use domain::ports::{CommitFault, Unavailable};
use domain::write::{Batch, Conflict, ConflictReason, HeadMove, RecordWrite, Version, WriteSet};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// How long a batch may take, waiting for the writer included.
pub(crate) const COMMIT_LIMIT: Duration = Duration::from_secs(30);
/// Most ids or tokens asked for in one question.
const ASKED_AT_ONCE: usize = 256;

/// Applies a batch.
pub(crate) async fn commit<E: Engine>(engine: &E, batch: &Batch<'_>) -> Result<(), CommitFault> {
    let doubles = doubles(batch.members);
    if !doubles.is_empty() {
        return Err(CommitFault::Conflicts(doubles));
    }
    match apply(engine, batch).await {
        Ok(()) => Ok(()),
        Err(Stop::Fault(fault)) => Err(fault.into()),
        Err(Stop::Taken) => match conflicts(engine, batch.members).await {
            Ok(conflicts) if !conflicts.is_empty() => Err(CommitFault::Conflicts(conflicts)),
            // Nobody is in the way any more: link and try again.
            Ok(_) => Err(CommitFault::HeadMoved),
            Err(Unavailable) => Err(CommitFault::Unavailable),
        },
    }
}

enum Stop {
    Fault(Fault),
    /// A claim is taken or a record is not where a write expects it.
    Taken,
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

async fn apply<E: Engine>(engine: &E, batch: &Batch<'_>) -> Result<(), Stop> {
    let deadline = Instant::now().checked_add(COMMIT_LIMIT).ok_or(Fault::Unavailable)?;
    let rows = Rows::of(batch);
    let written = async {
        let mut transaction = engine.begin().await?;
        rows.write(&mut transaction).await?;
        Ok::<_, Stop>(transaction)
    };
    // What is dropped here undoes itself: a transaction that is not committed is rolled back.
    let transaction = within(deadline, written).await.ok_or(Fault::Unavailable)??;
    within(deadline, transaction.commit()).await.unwrap_or(Err(Fault::Unknown)).map_err(Stop::Fault)
}

async fn within<T>(deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
    timeout_at(deadline, work).await.ok()
}

/// A batch as rows, one list of values for each statement.
#[derive(Default)]
struct Rows<'a> {
    first_heads: Vec<Value<'a>>,
    moved_heads: Vec<Value<'a>>,
    claims: Vec<Value<'a>>,
    added: Vec<Value<'a>>,
    kept: Vec<Value<'a>>,
    replaced: Vec<Value<'a>>,
    keys: Vec<Value<'a>>,
    terms: Vec<Value<'a>>,
    entries: Vec<Value<'a>>,
}

impl<'a> Rows<'a> {
    fn of(batch: &'a Batch<'a>) -> Self {
        let mut rows = Rows::default();
        // One order for everybody: two gateways that move the same chains wait for each other, never crosswise.
        let mut moves: Vec<&HeadMove> = batch.moves.iter().collect();
        moves.sort_unstable_by_key(|moved| moved.chain);
        for moved in moves {
            rows.head(moved);
        }
        for member in batch.members {
            rows.member(member);
        }
        // In the order of the index: neighbours of a batch land on one page, and the next place is near the last.
        let mut terms: Vec<_> = batch.members.iter().flat_map(|member| &member.terms).collect();
        terms.sort_unstable_by_key(|term| (term.tenant, term.token, term.arrival, term.record));
        for term in terms {
            rows.terms.extend([
                Value::Blob(&term.tenant.0),
                Value::Blob(&term.token.0),
                Value::Int(term.arrival.0),
                Value::Blob(&term.record.0),
            ]);
        }
        for entry in &batch.entries {
            rows.entries.extend([
                Value::Blob(&entry.chain.0),
                Value::count(entry.sequence),
                Value::Blob(&entry.bytes),
                entry.context.as_deref().into(),
            ]);
        }
        rows
    }

    fn head(&mut self, moved: &'a HeadMove) {
        let HeadMove { chain, from, to } = moved;
        let to = [Value::count(to.length), Value::Blob(&to.tag), Value::Int(to.time.0)];
        if from.length == 0 {
            self.first_heads.push(Value::Blob(&chain.0));
            self.first_heads.extend(to);
        } else {
            self.moved_heads.extend([Value::Blob(&chain.0), Value::count(from.length), Value::Blob(&from.tag)]);
            self.moved_heads.extend(to);
        }
    }

    fn member(&mut self, member: &'a WriteSet) {
        for claim in &member.claims {
            self.claims.extend([
                Value::Blob(&claim.tenant.0),
                Value::Blob(&claim.token),
                Value::Blob(&claim.message.0),
            ]);
        }
        for record in &member.records {
            self.record(record);
        }
        for key in &member.keys {
            self.keys.extend([
                Value::Blob(&key.tenant.0),
                Value::Blob(&key.id.0),
                Value::Compartment(key.compartment.to_bytes()),
                Value::Int(i64::from(key.generation)),
                Value::Int(key.created.0),
                Value::Blob(&key.wrapped),
            ]);
        }
    }

    fn record(&mut self, record: &'a RecordWrite) {
        let (tenant, id) = (Value::Blob(&record.tenant.0), Value::Blob(&record.id.0));
        let clinic = Value::from(record.clinic.as_ref().map(|clinic| clinic.0.as_slice()));
        let version = Value::Int(i64::from(record.version));
        let (updated, routing) = (Value::Int(record.last_updated.0), Value::Int(i64::from(record.routing.code())));
        let sealed = Value::Blob(&record.sealed);
        match record.replaces {
            None => {
                let (kind, arrival) = (Value::Int(i64::from(record.kind.code())), Value::Int(record.arrival.0));
                self.added.extend([tenant, id, kind, clinic, version, arrival, updated, routing, sealed]);
            }
            Some(current) => {
                let current = Value::Int(i64::from(current));
                self.kept.extend([tenant, id, current]);
                self.replaced.extend([tenant, id, current, clinic, version, updated, routing, sealed]);
            }
        }
    }

    async fn write<T: Transaction>(&self, transaction: &mut T) -> Result<(), Stop> {
        let all = [
            (&sql::FIRST_HEADS, &self.first_heads, Short::Moved),
            (&sql::MOVE_HEADS, &self.moved_heads, Short::Moved),
            (&sql::TAKE_CLAIMS, &self.claims, Short::Taken),
            (&sql::ADD_RECORDS, &self.added, Short::Taken),
            (&sql::KEEP_VERSIONS, &self.kept, Short::Taken),
            (&sql::REPLACE_RECORDS, &self.replaced, Short::Taken),
            (&sql::ADD_DATA_KEYS, &self.keys, Short::Fine),
            (&sql::ADD_ENTRIES, &self.entries, Short::Moved),
            (&sql::ADD_TERMS, &self.terms, Short::Fine),
        ];
        let filled = all.iter().filter(|(_, values, _)| !values.is_empty());
        let filled: Vec<_> = filled.map(|(bulk, values, short)| Filled { bulk, values, short: *short }).collect();
        match transaction.bulks(&filled).await?.map(|filled| filled.short) {
            Some(Short::Moved) => Err(Stop::Fault(Fault::Moved)),
            Some(Short::Taken) => Err(Stop::Taken),
            Some(Short::Fine) | None => Ok(()),
        }
    }
}

/// Finds members that want what an earlier member of the same batch takes.
pub(crate) fn doubles<'a>(members: impl IntoIterator<Item = &'a WriteSet>) -> Vec<Conflict> {
    let (mut claims, mut records) = (BTreeSet::new(), BTreeSet::new());
    let mut found = Vec::new();
    for (member, write) in members.into_iter().enumerate() {
        // A member refused takes nothing, so what it wants is entered only if all of it is free.
        let own_claims: Vec<_> = write.claims.iter().map(|claim| (claim.tenant, claim.token)).collect();
        let own_records: Vec<_> = write.records.iter().map(|record| (record.tenant, record.id)).collect();
        if own_claims.iter().any(|claim| claims.contains(claim)) || has_doubles(&own_claims) {
            found.push(Conflict { member, reason: ConflictReason::Claimed });
        } else if own_records.iter().any(|record| records.contains(record)) || has_doubles(&own_records) {
            found.push(Conflict { member, reason: ConflictReason::Version });
        } else {
            claims.extend(own_claims);
            records.extend(own_records);
        }
    }
    found
}

fn has_doubles<T: Ord>(items: &[T]) -> bool {
    let mut seen = BTreeSet::new();
    !items.iter().all(|item| seen.insert(item))
}

/// Asks the database which members cannot be applied.
async fn conflicts<E: Engine>(engine: &E, members: &[WriteSet]) -> Result<Vec<Conflict>, Unavailable> {
    let claims = by_tenant(members.iter().flat_map(|write| &write.claims).map(|claim| (claim.tenant, &claim.token)));
    let records =
        by_tenant(members.iter().flat_map(|write| &write.records).map(|record| (record.tenant, &record.id.0)));
    let mut taken = BTreeSet::new();
    for (tenant, tokens) in &claims {
        for tokens in tokens.chunks(ASKED_AT_ONCE) {
            let tokens: Vec<&[u8]> = tokens.iter().map(|token| token.as_slice()).collect();
            for row in engine.fetch_several(&sql::TAKEN_CLAIMS, &tenant.0, &tokens).await? {
                taken.insert((*tenant, bytes(row.blob(0))?));
            }
        }
    }
    let mut current: BTreeMap<(TenantId, [u8; 16]), Version> = BTreeMap::new();
    for (tenant, ids) in &records {
        for ids in ids.chunks(ASKED_AT_ONCE) {
            let ids: Vec<&[u8]> = ids.iter().map(|id| id.as_slice()).collect();
            for row in engine.fetch_several(&sql::CURRENT_VERSIONS, &tenant.0, &ids).await? {
                let version = row.int(1).and_then(|version| version.try_into().ok()).ok_or_else(decode::broken)?;
                current.insert((*tenant, bytes(row.blob(0))?), version);
            }
        }
    }
    let blocked = members.iter().enumerate().filter_map(|(member, write)| {
        if write.claims.iter().any(|claim| taken.contains(&(claim.tenant, claim.token))) {
            return Some(Conflict { member, reason: ConflictReason::Claimed });
        }
        let stale = |record: &RecordWrite| current.get(&(record.tenant, record.id.0)).copied() != record.replaces;
        write.records.iter().any(stale).then_some(Conflict { member, reason: ConflictReason::Version })
    });
    Ok(blocked.collect())
}

fn by_tenant<'a>(items: impl Iterator<Item = (TenantId, &'a [u8; 16])>) -> BTreeMap<TenantId, Vec<&'a [u8; 16]>> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (tenant, item) in items {
        groups.entry(tenant).or_default().push(item);
    }
    groups
}

fn bytes(column: Option<&[u8]>) -> Result<[u8; 16], Unavailable> {
    column.and_then(|bytes| bytes.try_into().ok()).ok_or_else(decode::broken)
}
