//! A vault that asks its store every time and keeps only what is not stored yet.

use crate::id::{DataKeyId, TenantId};
use crate::keys::{
    Compartment, DataKey, Roots, TenantKey, TenantSecrets, WrappedDataKey, WrappedTenantKey, rewrap_data_key,
    unwrap_data_key, unwrap_tenant_key, wrap_data_key, wrap_tenant_key,
};
use crate::ports::{BoxFuture, Clock, Entropy, HeldKey, KeyFault, KeyVault, Store, TenantKeyMaker, Unavailable};
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Opens and makes keys with roots that are simply there; works over any store.
pub struct MemoryVault {
    store: Arc<dyn Store>,
    roots: Arc<Roots>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    unstored: Mutex<Unstored>,
    secrets: Mutex<BTreeMap<TenantId, Arc<TenantSecrets>>>,
}

type Unstored = BTreeMap<(TenantId, Compartment), (Arc<DataKey>, WrappedDataKey)>;

impl MemoryVault {
    /// Makes a vault over a store.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, roots: Arc<Roots>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { store, roots, clock, entropy, unstored: Mutex::default(), secrets: Mutex::default() }
    }

    fn unstored(&self) -> MutexGuard<'_, Unstored> {
        self.unstored.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn tenant_keys(&self, tenant: TenantId) -> Result<Vec<TenantKey>, KeyFault> {
        let wrapped = self.store.tenant_keys(tenant).await.map_err(|Unavailable| KeyFault::Unavailable)?;
        wrapped.iter().map(|key| unwrap_tenant_key(&self.roots.root, key)).collect()
    }

    async fn open(&self, wrapped: &WrappedDataKey) -> Result<Arc<DataKey>, KeyFault> {
        let keys = self.tenant_keys(wrapped.tenant).await?;
        let under = keys.iter().find(|key| key.generation == wrapped.generation).ok_or(KeyFault::Missing)?;
        unwrap_data_key(under, wrapped).map(Arc::new)
    }
}

impl KeyVault for MemoryVault {
    fn current(&self, tenant: TenantId, compartment: Compartment) -> BoxFuture<'_, Result<HeldKey, KeyFault>> {
        Box::pin(async move {
            let stored =
                self.store.data_key_of(tenant, compartment).await.map_err(|Unavailable| KeyFault::Unavailable)?;
            if let Some(wrapped) = stored {
                return Ok(HeldKey { key: self.open(&wrapped).await?, unstored: None });
            }
            let known = self.unstored().get(&(tenant, compartment)).cloned();
            if let Some((key, wrapped)) = known {
                return Ok(HeldKey { key, unstored: Some(wrapped) });
            }
            let keys = self.tenant_keys(tenant).await?;
            let under = keys.last().ok_or(KeyFault::Missing)?;
            let key = DataKey::generate(under, compartment, self.clock.now(), self.entropy.as_ref())
                .map_err(|Unavailable| KeyFault::Unavailable)?;
            let wrapped = wrap_data_key(under, &key, self.entropy.as_ref())?;
            let made = (Arc::new(key), wrapped);
            let mut unstored = self.unstored();
            let (key, wrapped) = unstored.entry((tenant, compartment)).or_insert(made).clone();
            Ok(HeldKey { key, unstored: Some(wrapped) })
        })
    }

    fn find(&self, tenant: TenantId, id: DataKeyId) -> BoxFuture<'_, Result<Arc<DataKey>, KeyFault>> {
        Box::pin(async move {
            let stored = self.store.data_key(tenant, id).await.map_err(|Unavailable| KeyFault::Unavailable)?;
            self.open(&stored.ok_or(KeyFault::Missing)?).await
        })
    }

    fn stored(&self, tenant: TenantId, ids: &[DataKeyId]) {
        self.unstored().retain(|(of, _), (key, _)| *of != tenant || !ids.contains(&key.id));
    }

    fn secrets(&self, tenant: TenantId) -> Arc<TenantSecrets> {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        let derive = || Arc::new(TenantSecrets::derive(&self.roots, tenant));
        Arc::clone(secrets.entry(tenant).or_insert_with(derive))
    }
}

impl TenantKeyMaker for MemoryVault {
    fn make_tenant_key(&self, tenant: TenantId, generation: u32) -> Result<WrappedTenantKey, Unavailable> {
        let key = TenantKey::generate(tenant, generation, self.entropy.as_ref())?;
        wrap_tenant_key(&self.roots.root, &key, self.entropy.as_ref())
    }

    fn rewrap(
        &self,
        tenant: TenantId,
        keys: Vec<WrappedDataKey>,
        generation: u32,
    ) -> BoxFuture<'_, Result<Vec<WrappedDataKey>, KeyFault>> {
        Box::pin(async move {
            let generations = self.tenant_keys(tenant).await?;
            let of = |number| generations.iter().find(|key| key.generation == number).ok_or(KeyFault::Missing);
            let to = of(generation)?;
            keys.iter().map(|row| rewrap_data_key(of(row.generation)?, to, row, self.entropy.as_ref())).collect()
        })
    }
}
