//! Turns at what is costly: so many at once of each tenant, so that none waits for another.

use domain::id::TenantId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Turns of every tenant. Taken after the policy has decided: whoever may not holds up nobody.
pub(super) struct Turns {
    each: usize,
    /// One for each tenant that ever asked; there are as many as the directory has.
    of: Mutex<BTreeMap<TenantId, Arc<Semaphore>>>,
}

impl Turns {
    /// Lets each tenant have so many at once.
    pub(super) fn new(each: usize) -> Self {
        Self { each, of: Mutex::default() }
    }

    /// Waits for a turn of a tenant, which ends when it is dropped.
    pub(super) async fn take(&self, tenant: TenantId) -> Option<OwnedSemaphorePermit> {
        let turns = {
            let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(of.entry(tenant).or_insert_with(|| Arc::new(Semaphore::new(self.each))))
        };
        // It is never closed, so there is always a turn in the end.
        turns.acquire_owned().await.ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn one_tenant_waits_for_itself_and_for_no_other() {
        let turns = Turns::new(1);
        let soon = |tenant| tokio::time::timeout(Duration::from_millis(20), turns.take(TenantId([tenant; 16])));
        let one = soon(1).await.unwrap();
        assert!(soon(1).await.is_err());
        assert!(soon(2).await.is_ok());
        drop(one);
        assert!(soon(1).await.is_ok());
    }
}
