//! Doubles of the ports in memory, for tests; behind the cargo feature `double`.
//!
//! They keep the sentences of [`crate::ports`] — `conformance/ports` holds them to it beside SQLite and PostgreSQL — and
//! nothing survives them. They are no store for real data: everything lies in ordinary memory.

mod keys;
mod ledger;
mod small;
mod store;
mod tickets;
mod told;
mod use_cases;
mod vault;
mod witness;

pub use keys::{client_key, security_key};
pub use ledger::MemoryLedger;
pub use small::{FixedClock, SeededEntropy, run};
pub use store::MemoryStore;
pub use tickets::MemoryTickets;
pub use told::Told;
pub use use_cases::book;
pub use vault::MemoryVault;
pub use witness::MemoryWitness;

use crate::administration::Administration;
use crate::keys::Roots;
use crate::ports::Store;
use crate::refusals::{RefusalLimits, Refusals};
use crate::time::Timestamp;
use alloc::sync::Arc;

/// Every double, put together as a gateway puts together the real ones.
pub struct Installation {
    /// The store.
    pub store: Arc<MemoryStore>,
    /// The ledger over it.
    pub ledger: Arc<MemoryLedger>,
    /// The vault over it.
    pub vault: Arc<MemoryVault>,
    /// The clock, at 2026-01-01T00:00:00Z to begin with.
    pub clock: Arc<FixedClock>,
    /// The entropy.
    pub entropy: Arc<SeededEntropy>,
    /// The root keys.
    pub roots: Arc<Roots>,
}

impl Installation {
    /// Makes an empty installation; the same seed gives the same keys and ids. `None` never happens with these doubles.
    #[must_use]
    pub fn new(seed: u64) -> Option<Self> {
        let entropy = Arc::new(SeededEntropy::new(seed));
        let clock = Arc::new(FixedClock::new(Timestamp::from_rfc3339("2026-01-01T00:00:00Z")?));
        let roots = Arc::new(Roots::generate(entropy.as_ref()).ok()?);
        let store = Arc::new(MemoryStore::default());
        let port: Arc<dyn Store> = store.clone();
        let ledger = Arc::new(MemoryLedger::new(Arc::clone(&port), &roots));
        let vault = Arc::new(MemoryVault::new(port, Arc::clone(&roots), clock.clone(), entropy.clone()));
        Some(Self { store, ledger, vault, clock, entropy, roots })
    }

    /// Returns a record of refusals over these doubles; `None` never happens with them.
    #[must_use]
    pub fn refusals(&self, limits: RefusalLimits) -> Option<Arc<Refusals>> {
        let (ledger, vault) = (self.ledger.clone(), self.vault.clone());
        Refusals::new(limits, ledger, vault, self.clock.clone(), self.entropy.clone()).ok().map(Arc::new)
    }

    /// Returns the administration over these doubles.
    #[must_use]
    pub fn administration(&self) -> Administration {
        Administration {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            vault: self.vault.clone(),
            witness: Arc::new(MemoryWitness::new(self.store.clone(), &self.roots)),
            maker: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
        }
    }
}
