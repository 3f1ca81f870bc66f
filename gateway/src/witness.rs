//! What the system chain says of the directory, kept up to date for as long as an installation is open.

use domain::audit::{ChainKeys, Contents, NotRead};
use domain::ports::{BoxFuture, Store, Witness};
use domain::secret::Secret;
use std::sync::Arc;
use tokio::sync::Mutex;

/// Reads the system chain once from its first entry, and after that what is new in it.
pub struct SystemChain {
    store: Arc<dyn Store>,
    keys: ChainKeys,
    read: Mutex<Contents>,
}

impl SystemChain {
    /// Begins; nothing is read before it is asked.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, audit_root: &Secret<32>) -> Self {
        Self { store, keys: ChainKeys::derive(audit_root), read: Mutex::new(Contents::of_directory()) }
    }
}

impl Witness for SystemChain {
    fn directory(&self) -> BoxFuture<'_, Result<Contents, NotRead>> {
        Box::pin(async move {
            let mut read = self.read.lock().await;
            read.follow(self.store.as_ref(), &self.keys).await?;
            Ok(read.clone())
        })
    }
}
