//! A witness that reads the whole chain each time.

use crate::audit::{ChainKeys, Contents, NotRead};
use crate::keys::Roots;
use crate::ports::{BoxFuture, Store, Witness};
use alloc::boxed::Box;
use alloc::sync::Arc;

/// Reads the system chain from its first entry whenever it is asked; works over any store.
pub struct MemoryWitness {
    store: Arc<dyn Store>,
    keys: ChainKeys,
}

impl MemoryWitness {
    /// Makes a witness over a store, with the chain keys of these roots.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, roots: &Roots) -> Self {
        Self { store, keys: ChainKeys::derive(&roots.audit) }
    }
}

impl Witness for MemoryWitness {
    fn directory(&self) -> BoxFuture<'_, Result<Contents, NotRead>> {
        Box::pin(async move {
            let mut contents = Contents::of_directory();
            contents.follow(self.store.as_ref(), &self.keys).await?;
            Ok(contents)
        })
    }
}
