//! The store port over either dialect.

use crate::commit;
use crate::decode;
use crate::engine::{Engine, Row, Transaction, Value};
use crate::find;
use crate::statements as sql;
use domain::audit::{ChainHead, ChainId};
use domain::id::{DataKeyId, RecordId, TenantId};
use domain::index::IndexToken;
use domain::keys::{Compartment, WrappedDataKey, WrappedTenantKey};
use domain::kind::Kind;
use domain::ports::{BoxFuture, CommitFault, EntryBlock, Find, SealedContexts, Store, Unavailable};
use domain::write::{Batch, StoredRecord, Version};
use sqlx::AssertSqlSafe;

/// A store in a SQL database.
pub(crate) struct SqlStore<E>(pub(crate) E);

/// Most records of one family that are returned.
const FAMILY_LIMIT: i64 = 8;
/// Most ids asked for in one statement; more are asked for in several.
const IDS_A_STATEMENT: usize = 64;

impl<E: Engine> Store for SqlStore<E> {
    fn load(&self, tenant: TenantId, ids: &[RecordId]) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        let ids = ids.to_vec();
        Box::pin(async move {
            let mut found = Vec::with_capacity(ids.len());
            for ids in ids.chunks(IDS_A_STATEMENT) {
                let ids: Vec<&[u8]> = ids.iter().map(|id| id.0.as_slice()).collect();
                let rows = self.0.fetch_several(&sql::LOAD, &tenant.0, &ids).await?;
                found.extend(decode::all(&rows, decode::record)?);
            }
            Ok(found)
        })
    }

    fn load_family(&self, tenant: TenantId, id: RecordId) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        Box::pin(async move {
            let (low, high) = id.family_range();
            let values = [Value::Blob(&tenant.0), Value::Blob(&low.0), Value::Blob(&high.0), Value::Int(FAMILY_LIMIT)];
            decode::all(&self.0.fetch(sql::LOAD_FAMILY, &values).await?, decode::record)
        })
    }

    fn versions(
        &self,
        tenant: TenantId,
        id: RecordId,
        before: Option<Version>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        Box::pin(async move {
            let before = before.map_or(i64::MAX, i64::from);
            let values = [Value::Blob(&tenant.0), Value::Blob(&id.0), Value::Int(before), Value::Int(i64::from(limit))];
            decode::all(&self.0.fetch(sql::VERSIONS, &values).await?, decode::record)
        })
    }

    fn find(&self, tenant: TenantId, mut query: Find) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        Box::pin(async move {
            if query.limit == 0 || query.all_of.iter().any(Vec::is_empty) {
                return Ok(Vec::new());
            }
            query.all_of = self.rarest(&tenant, find::distinct(query.all_of)).await?;
            let question = find::question::<E>(&tenant, &query);
            let rows = self.0.fetch(AssertSqlSafe(question.sql), &question.values).await?;
            decode::all(&rows, decode::record)
        })
    }

    fn data_key(&self, tenant: TenantId, id: DataKeyId) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>> {
        Box::pin(async move {
            let values = [Value::Blob(&tenant.0), Value::Blob(&id.0)];
            decode::first(&self.0.fetch(sql::DATA_KEY, &values).await?, decode::data_key)
        })
    }

    fn data_key_of(
        &self,
        tenant: TenantId,
        compartment: Compartment,
    ) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>> {
        Box::pin(async move {
            let compartment = compartment.to_bytes();
            let values = [Value::Blob(&tenant.0), Value::Blob(&compartment)];
            decode::first(&self.0.fetch(sql::DATA_KEY_OF, &values).await?, decode::data_key)
        })
    }

    fn data_keys_below(
        &self,
        tenant: TenantId,
        generation: u32,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<WrappedDataKey>, Unavailable>> {
        Box::pin(async move {
            let values = [Value::Blob(&tenant.0), Value::Int(i64::from(generation)), Value::Int(i64::from(limit))];
            decode::all(&self.0.fetch(sql::DATA_KEYS_BELOW, &values).await?, decode::data_key)
        })
    }

    fn rewrap(&self, keys: Vec<WrappedDataKey>) -> BoxFuture<'_, Result<u64, Unavailable>> {
        Box::pin(async move {
            let values: Vec<Value<'_>> = keys
                .iter()
                .flat_map(|key| {
                    [
                        Value::Blob(&key.tenant.0),
                        Value::Blob(&key.id.0),
                        Value::Int(i64::from(key.generation)),
                        Value::Blob(&key.wrapped),
                    ]
                })
                .collect();
            self.write_rows(&sql::REWRAP, &values).await
        })
    }

    fn tenant_keys(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<WrappedTenantKey>, Unavailable>> {
        Box::pin(async move {
            decode::all(&self.0.fetch(sql::TENANT_KEYS, &[Value::Blob(&tenant.0)]).await?, decode::tenant_key)
        })
    }

    fn add_tenant_key(&self, key: WrappedTenantKey) -> BoxFuture<'_, Result<bool, Unavailable>> {
        Box::pin(async move {
            let values = [Value::Blob(&key.tenant.0), Value::Int(i64::from(key.generation)), Value::Blob(&key.wrapped)];
            Ok(self.write_rows(&sql::ADD_TENANT_KEY, &values).await? == 1)
        })
    }

    fn heads(&self) -> BoxFuture<'_, Result<Vec<(ChainId, ChainHead)>, Unavailable>> {
        Box::pin(async move { decode::all(&self.0.fetch(sql::HEADS, &[]).await?, decode::head) })
    }

    fn entries(&self, chain: ChainId, from: u64, limit: u32) -> BoxFuture<'_, Result<EntryBlock, Unavailable>> {
        Box::pin(async move {
            let values = [Value::Blob(&chain.0), Value::count(from), Value::Int(i64::from(limit))];
            let rows = self.0.fetch(E::ENTRIES, &values).await?;
            let row = rows.first().ok_or_else(decode::broken)?;
            let count = row.int(0).and_then(|count| u32::try_from(count).ok()).ok_or_else(decode::broken)?;
            let without_context = decode::sequences(row.blob(2).unwrap_or_default()).ok_or_else(decode::broken)?;
            Ok(EntryBlock { lines: row.blob(1).unwrap_or_default().to_vec(), count, without_context })
        })
    }

    fn context(&self, chain: ChainId, sequence: u64) -> BoxFuture<'_, Result<Option<Vec<u8>>, Unavailable>> {
        Box::pin(async move {
            let rows = self.0.fetch(sql::CONTEXT, &[Value::Blob(&chain.0), Value::count(sequence)]).await?;
            Ok(rows.first().and_then(|row| row.blob(0)).map(<[u8]>::to_vec))
        })
    }

    fn contexts(&self, chain: ChainId, from: u64, count: u32) -> BoxFuture<'_, Result<SealedContexts, Unavailable>> {
        Box::pin(async move {
            let behind = Value::count(from.saturating_add(u64::from(count)));
            let rows = self.0.fetch(sql::CONTEXTS, &[Value::Blob(&chain.0), Value::count(from), behind]).await?;
            decode::all(&rows, decode::context)
        })
    }

    fn add_checkpoint(&self, chain: ChainId, segment: u64, note: String) -> BoxFuture<'_, Result<(), Unavailable>> {
        Box::pin(async move {
            let mut transaction = self.0.begin().await.map_err(|_| Unavailable)?;
            let values = [Value::Blob(&chain.0), Value::count(segment), Value::Text(&note)];
            transaction.execute(sql::ADD_CHECKPOINT, &values).await.map_err(|_| Unavailable)?;
            transaction.commit().await.map_err(|_| Unavailable)
        })
    }

    fn checkpoints(&self, chain: ChainId) -> BoxFuture<'_, Result<Vec<(u64, String)>, Unavailable>> {
        Box::pin(async move {
            decode::all(&self.0.fetch(sql::CHECKPOINTS, &[Value::Blob(&chain.0)]).await?, decode::checkpoint)
        })
    }

    fn mark(&self, tenant: TenantId, kinds: &[Kind]) -> BoxFuture<'_, Result<u64, Unavailable>> {
        let directory = kinds.iter().all(|kind| (40..=49).contains(&kind.code()));
        let statement = if directory { sql::MARK_DIRECTORY } else { sql::MARK };
        let statement = statement.replace("{kinds}", &find::kind_list(kinds));
        let nothing = kinds.is_empty();
        Box::pin(async move {
            if nothing {
                return Ok(0);
            }
            let rows = self.0.fetch(AssertSqlSafe(statement), &[Value::Blob(&tenant.0)]).await?;
            rows.first().and_then(|row| row.int(0)?.try_into().ok()).ok_or_else(decode::broken)
        })
    }

    fn commit<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<(), CommitFault>> {
        Box::pin(commit::commit(&self.0, batch))
    }
}

impl<E: Engine> SqlStore<E> {
    /// Runs one statement over rows in a transaction of its own.
    async fn write_rows(&self, bulk: &'static sql::Bulk, values: &[Value<'_>]) -> Result<u64, Unavailable> {
        let mut transaction = self.0.begin().await.map_err(|_| Unavailable)?;
        let changed = transaction.bulk(bulk, values).await.map_err(|_| Unavailable)?;
        transaction.commit().await.map_err(|_| Unavailable)?;
        Ok(changed)
    }

    /// Chooses the groups to ask for, the rarest first: its records are walked, so that a code in every report does
    /// not make a search for one patient walk all reports.
    async fn rarest(
        &self,
        tenant: &TenantId,
        groups: Vec<Vec<IndexToken>>,
    ) -> Result<Vec<Vec<IndexToken>>, Unavailable> {
        if groups.len() < 2 {
            return Ok(groups);
        }
        let question = find::frequencies(tenant, &groups);
        let rows = self.0.fetch(AssertSqlSafe(question.sql), &question.values).await?;
        let row = rows.first().ok_or_else(decode::broken)?;
        let mut counted: Vec<_> = groups.iter().enumerate().collect();
        counted.sort_by_key(|(at, _)| row.int(*at).unwrap_or(i64::MAX));
        Ok(counted.into_iter().take(find::ASKED_GROUPS).map(|(_, group)| group.clone()).collect())
    }
}
