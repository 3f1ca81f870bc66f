//! The use cases over the doubles, put together as a gateway puts them together over the real ports.

use super::{FixedClock, Installation, SeededEntropy};
use crate::emergency::Emergency;
use crate::intake::{Intake, Merge};
use crate::journal::Journal;
use crate::ports::Tickets;
use crate::refusals::Refusals;
use crate::retrieval::{ReadLabels, Retrieval};
use crate::secret::Secret;
use crate::sign_in::SignIn;
use crate::ticket::{TicketBook, TicketKeys};
use alloc::sync::Arc;

/// Returns a book of tickets for tests that need no installation: always with the same keys, and with entropy from the same seed.
#[must_use]
pub fn book(tickets: Arc<dyn Tickets>, clock: &Arc<FixedClock>) -> TicketBook {
    let keys = TicketKeys::derive(&Secret::new([7; 32]));
    TicketBook { tickets, keys, clock: clock.clone(), entropy: Arc::new(SeededEntropy::new(1)) }
}

impl Installation {
    /// Returns a book of these tickets.
    #[must_use]
    pub fn book(&self, tickets: Arc<dyn Tickets>) -> Arc<TicketBook> {
        let keys = TicketKeys::derive(&self.roots.session);
        Arc::new(TicketBook { tickets, keys, clock: self.clock.clone(), entropy: self.entropy.clone() })
    }

    /// Returns what begins and ends sessions.
    #[must_use]
    pub fn sign_in(&self, book: &Arc<TicketBook>, refusals: &Arc<Refusals>) -> SignIn {
        SignIn {
            book: Arc::clone(book),
            ledger: self.ledger.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            refusals: Arc::clone(refusals),
        }
    }

    /// Returns what breaks the glass and keeps its reviews.
    #[must_use]
    pub fn emergency(&self, book: &Arc<TicketBook>) -> Emergency {
        Emergency {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            book: Arc::clone(book),
        }
    }

    /// Returns what takes messages in.
    #[must_use]
    pub fn intake(&self, merge: Arc<dyn Merge>) -> Intake {
        Intake {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            merge,
        }
    }

    /// Returns what reads and searches.
    #[must_use]
    pub fn retrieval(&self, labels: Arc<dyn ReadLabels>) -> Retrieval {
        Retrieval {
            store: self.store.clone(),
            ledger: self.ledger.clone(),
            vault: self.vault.clone(),
            clock: self.clock.clone(),
            entropy: self.entropy.clone(),
            labels,
        }
    }

    /// Returns what records acts.
    #[must_use]
    pub fn journal(&self) -> Journal<'_> {
        let Self { ledger, vault, clock, entropy, .. } = self;
        Journal { ledger: ledger.as_ref(), vault: vault.as_ref(), clock: clock.as_ref(), entropy: entropy.as_ref() }
    }
}
