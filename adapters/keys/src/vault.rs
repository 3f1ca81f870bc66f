//! The vault: opens tenants' keys with the root and keeps what it opened for a while.

use domain::id::{DataKeyId, TenantId};
use domain::keys::{self, Compartment, DataKey, Roots, TenantKey, TenantSecrets, WrappedDataKey, WrappedTenantKey};
use domain::ports::{BoxFuture, Clock, Entropy, HeldKey, KeyFault, KeyVault, Store, TenantKeyMaker, Unavailable};
use lru::LruCache;
use std::collections::HashMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Most data keys kept open at a time.
pub const MAX_OPEN_KEYS: usize = 65_536;
/// How long the generations of a tenant's key are believed, so that a rotation elsewhere is noticed.
pub const GENERATION_TTL: Duration = Duration::from_secs(1);

/// Opens and makes keys with the roots of one installation.
pub struct Vault {
    store: Arc<dyn Store>,
    roots: Arc<Roots>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    open: Mutex<Open>,
}

/// What is open now; wiped as it leaves.
struct Open {
    tenants: HashMap<TenantId, Generations>,
    by_id: LruCache<(TenantId, DataKeyId), Arc<DataKey>>,
    by_compartment: LruCache<(TenantId, Compartment), Current>,
    secrets: HashMap<TenantId, Arc<TenantSecrets>>,
}

struct Generations {
    loaded: Instant,
    keys: Vec<Arc<TenantKey>>,
}

#[derive(Clone)]
struct Current {
    key: Arc<DataKey>,
    unstored: Option<WrappedDataKey>,
}

impl Vault {
    /// Makes a vault over opened roots.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, roots: Arc<Roots>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let room = NonZeroUsize::new(MAX_OPEN_KEYS).unwrap_or(NonZeroUsize::MIN);
        let open = Open {
            tenants: HashMap::new(),
            by_id: LruCache::new(room),
            by_compartment: LruCache::new(room),
            secrets: HashMap::new(),
        };
        Self { store, roots, clock, entropy, open: Mutex::new(open) }
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns a generation of a tenant's key; the newest when none is named.
    async fn tenant_key(&self, tenant: TenantId, generation: Option<u32>) -> Result<Arc<TenantKey>, KeyFault> {
        if let Some(key) = self.known_tenant_key(tenant, generation) {
            return Ok(key);
        }
        let wrapped = self.store.tenant_keys(tenant).await.map_err(|_| KeyFault::Unavailable)?;
        let mut keys = Vec::with_capacity(wrapped.len());
        for key in &wrapped {
            keys.push(Arc::new(keys::unwrap_tenant_key(&self.roots.root, key)?));
        }
        self.open().tenants.insert(tenant, Generations { loaded: Instant::now(), keys });
        self.known_tenant_key(tenant, generation).ok_or(KeyFault::Missing)
    }

    fn known_tenant_key(&self, tenant: TenantId, generation: Option<u32>) -> Option<Arc<TenantKey>> {
        let open = self.open();
        let known = open.tenants.get(&tenant)?;
        match generation {
            // An old generation never changes, however long ago it was loaded.
            Some(generation) => known.keys.iter().find(|key| key.generation == generation).cloned(),
            None if known.loaded.elapsed() < GENERATION_TTL => {
                known.keys.iter().max_by_key(|key| key.generation).cloned()
            }
            None => None,
        }
    }

    async fn make_current(&self, tenant: TenantId, compartment: Compartment) -> Result<HeldKey, KeyFault> {
        let stored = self.store.data_key_of(tenant, compartment).await.map_err(|_| KeyFault::Unavailable)?;
        let current = match stored {
            Some(wrapped) => {
                let kek = self.tenant_key(tenant, Some(wrapped.generation)).await?;
                Current { key: Arc::new(keys::unwrap_data_key(&kek, &wrapped)?), unstored: None }
            }
            None => {
                let kek = self.tenant_key(tenant, None).await?;
                let key = DataKey::generate(&kek, compartment, self.clock.now(), self.entropy.as_ref())
                    .map_err(|_| KeyFault::Unavailable)?;
                let wrapped = keys::wrap_data_key(&kek, &key, self.entropy.as_ref())?;
                Current { key: Arc::new(key), unstored: Some(wrapped) }
            }
        };
        let mut open = self.open();
        // Somebody else may have been first; one key a compartment is enough.
        if let Some(first) = open.by_compartment.get(&(tenant, compartment)) {
            return Ok(HeldKey { key: Arc::clone(&first.key), unstored: first.unstored.clone() });
        }
        open.by_id.put((tenant, current.key.id), Arc::clone(&current.key));
        open.by_compartment.put((tenant, compartment), current.clone());
        Ok(HeldKey { key: current.key, unstored: current.unstored })
    }
}

impl TenantKeyMaker for Vault {
    fn make_tenant_key(&self, tenant: TenantId, generation: u32) -> Result<WrappedTenantKey, Unavailable> {
        let key = TenantKey::generate(tenant, generation, self.entropy.as_ref())?;
        keys::wrap_tenant_key(&self.roots.root, &key, self.entropy.as_ref())
    }

    fn rewrap(
        &self,
        tenant: TenantId,
        keys: Vec<WrappedDataKey>,
        generation: u32,
    ) -> BoxFuture<'_, Result<Vec<WrappedDataKey>, KeyFault>> {
        Box::pin(async move {
            let target = self.tenant_key(tenant, Some(generation)).await?;
            let mut rewrapped = Vec::with_capacity(keys.len());
            for old in keys {
                let kek = self.tenant_key(tenant, Some(old.generation)).await?;
                rewrapped.push(keys::rewrap_data_key(&kek, &target, &old, self.entropy.as_ref())?);
            }
            Ok(rewrapped)
        })
    }
}

impl KeyVault for Vault {
    fn current(&self, tenant: TenantId, compartment: Compartment) -> BoxFuture<'_, Result<HeldKey, KeyFault>> {
        let known = self.open().by_compartment.get(&(tenant, compartment)).cloned();
        Box::pin(async move {
            match known {
                Some(known) => Ok(HeldKey { key: known.key, unstored: known.unstored }),
                None => self.make_current(tenant, compartment).await,
            }
        })
    }

    fn find(&self, tenant: TenantId, id: DataKeyId) -> BoxFuture<'_, Result<Arc<DataKey>, KeyFault>> {
        let known = self.open().by_id.get(&(tenant, id)).cloned();
        Box::pin(async move {
            if let Some(key) = known {
                return Ok(key);
            }
            let wrapped = self.store.data_key(tenant, id).await.map_err(|_| KeyFault::Unavailable)?;
            let wrapped = wrapped.ok_or(KeyFault::Missing)?;
            let kek = self.tenant_key(tenant, Some(wrapped.generation)).await?;
            let key = Arc::new(keys::unwrap_data_key(&kek, &wrapped)?);
            self.open().by_id.put((tenant, id), Arc::clone(&key));
            Ok(key)
        })
    }

    fn stored(&self, tenant: TenantId, ids: &[DataKeyId]) {
        let mut open = self.open();
        for id in ids {
            let Some(compartment) = open.by_id.get(&(tenant, *id)).map(|key| key.compartment) else { continue };
            if let Some(current) = open.by_compartment.get_mut(&(tenant, compartment))
                && current.key.id == *id
            {
                current.unstored = None;
            }
        }
    }

    fn secrets(&self, tenant: TenantId) -> Arc<TenantSecrets> {
        let roots = Arc::clone(&self.roots);
        Arc::clone(self.open().secrets.entry(tenant).or_insert_with(|| Arc::new(TenantSecrets::derive(&roots, tenant))))
    }
}
