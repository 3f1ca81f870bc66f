//! Tickets in a map.

use crate::ports::{BoxFuture, Tickets, Unavailable};
use crate::ticket::{Owner, StoredTicket, TicketKey};
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, Ordering};
use std::sync::Mutex;

/// Keeps tickets in memory.
#[derive(Default)]
pub struct MemoryTickets {
    tickets: Mutex<BTreeMap<TicketKey, StoredTicket>>,
    refuses_replacing: AtomicBool,
}

impl MemoryTickets {
    /// Makes every replacing fail with `Unavailable` from now on, or succeed again.
    pub fn refuse_replacing(&self, refuse: bool) {
        self.refuses_replacing.store(refuse, Ordering::Relaxed);
    }

    /// Returns how many are kept, those that are over included.
    #[must_use]
    pub fn count(&self) -> usize {
        self.with(|tickets| tickets.len()).unwrap_or_default()
    }

    fn with<T>(&self, act: impl FnOnce(&mut BTreeMap<TicketKey, StoredTicket>) -> T) -> Result<T, Unavailable> {
        self.tickets.lock().map(|mut tickets| act(&mut tickets)).map_err(|_| Unavailable)
    }
}

impl Tickets for MemoryTickets {
    fn put(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>> {
        let stored = self.with(|tickets| {
            if tickets.get(&ticket.key).is_some_and(|there| now < there.expires) || ticket.revision != 1 {
                return false;
            }
            tickets.insert(ticket.key, ticket);
            true
        });
        Box::pin(async move { stored })
    }

    fn find(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>> {
        let found = self.with(|tickets| tickets.get(&key).filter(|ticket| now < ticket.expires).cloned());
        Box::pin(async move { found })
    }

    fn take(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>> {
        let taken = self.with(|tickets| tickets.remove(&key).filter(|ticket| now < ticket.expires));
        Box::pin(async move { taken })
    }

    fn replace(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>> {
        if self.refuses_replacing.load(Ordering::Relaxed) {
            return Box::pin(async { Err(Unavailable) });
        }
        let replaced = self.with(|tickets| match tickets.get_mut(&ticket.key) {
            Some(there) if now < there.expires && there.revision.checked_add(1) == Some(ticket.revision) => {
                *there = ticket;
                true
            }
            _ => false,
        });
        Box::pin(async move { replaced })
    }

    fn of_owner(
        &self,
        owner: Owner,
        now: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredTicket>, Unavailable>> {
        let found = self.with(|tickets| {
            let mut found: Vec<_> =
                tickets.values().filter(|ticket| ticket.owner == owner && now < ticket.expires).cloned().collect();
            found.sort_by_key(|ticket| (ticket.expires, ticket.key));
            found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
            found
        });
        Box::pin(async move { found })
    }

    fn remove_all(&self, owner: Owner) -> BoxFuture<'_, Result<u64, Unavailable>> {
        let removed = self.with(|tickets| {
            let before = tickets.len();
            tickets.retain(|_, ticket| ticket.owner != owner);
            u64::try_from(before.saturating_sub(tickets.len())).unwrap_or(u64::MAX)
        });
        Box::pin(async move { removed })
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> BoxFuture<'_, Result<u64, Unavailable>> {
        let swept = self.with(|tickets| {
            let over = tickets.values().filter(|ticket| ticket.expires <= now).map(|ticket| ticket.key);
            let over: Vec<_> = over.take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
            over.iter().for_each(|key| drop(tickets.remove(key)));
            u64::try_from(over.len()).unwrap_or(u64::MAX)
        });
        Box::pin(async move { swept })
    }
}
