//! Keeping values as tickets: typed on this side, sealed on the other.

use super::sealed::TicketBinding;
use super::{Owner, StoredTicket, TicketKey, TicketKeys, TicketKind};
use crate::id::TenantId;
use crate::ports::{Clock, Entropy, Tickets, Unavailable};
use crate::time::Timestamp;
use alloc::sync::Arc;
use alloc::vec::Vec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Keeps values as tickets.
pub struct TicketBook {
    /// Where they are kept.
    pub tickets: Arc<dyn Tickets>,
    /// What finds, seals and opens them.
    pub keys: TicketKeys,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
}

/// A value that was kept, and what is needed to write it again.
pub struct Kept<T> {
    /// The value.
    pub value: T,
    /// The tenant it is about.
    pub tenant: TenantId,
    /// When it expires.
    pub expires: Timestamp,
    key: TicketKey,
    owner: Owner,
    revision: u32,
}

/// Why a value was not kept or found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// A stored ticket does not open: altered, moved, or sealed by other roots.
    Integrity,
    /// The database or the source of randomness does not answer.
    Unavailable,
}

impl From<Unavailable> for NotKept {
    fn from(Unavailable: Unavailable) -> Self {
        NotKept::Unavailable
    }
}

impl TicketBook {
    /// Keeps a new value; `false` when something is kept under that key already.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn put<T: Serialize>(
        &self,
        kind: TicketKind,
        tenant: TenantId,
        key: TicketKey,
        owner: Owner,
        expires: Timestamp,
        value: &T,
    ) -> Result<bool, NotKept> {
        let ticket =
            self.seal(kind, StoredTicket { key, owner, tenant, revision: 1, expires, sealed: Vec::new() }, value)?;
        Ok(self.tickets.put(ticket, self.clock.now()).await?)
    }

    /// Returns a value, to be looked at.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn find<T: DeserializeOwned>(
        &self,
        kind: TicketKind,
        key: TicketKey,
    ) -> Result<Option<Kept<T>>, NotKept> {
        let found = self.tickets.find(key, self.clock.now()).await?;
        found.map(|stored| self.open(kind, &stored)).transpose()
    }

    /// Takes a value out; of several callers at once, one gets it.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn take<T: DeserializeOwned>(
        &self,
        kind: TicketKind,
        key: TicketKey,
    ) -> Result<Option<Kept<T>>, NotKept> {
        let taken = self.tickets.take(key, self.clock.now()).await?;
        taken.map(|stored| self.open(kind, &stored)).transpose()
    }

    /// Writes a value again; `false` when somebody else did so since it was read, or it is gone.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn replace<T: Serialize, O>(
        &self,
        kind: TicketKind,
        kept: &Kept<O>,
        expires: Timestamp,
        value: &T,
    ) -> Result<bool, NotKept> {
        let revision = kept.revision.checked_add(1).ok_or(NotKept::Integrity)?;
        let (key, owner, tenant) = (kept.key, kept.owner, kept.tenant);
        let ticket =
            self.seal(kind, StoredTicket { key, owner, tenant, revision, expires, sealed: Vec::new() }, value)?;
        Ok(self.tickets.replace(ticket, self.clock.now()).await?)
    }

    /// Returns an owner's values of a kind, soonest to expire first, at most `limit`; those of other kinds are passed over.
    ///
    /// # Errors
    /// [`NotKept::Unavailable`].
    pub async fn of_owner<T: DeserializeOwned>(
        &self,
        kind: TicketKind,
        owner: Owner,
        limit: u32,
    ) -> Result<Vec<Kept<T>>, NotKept> {
        let stored = self.tickets.of_owner(owner, self.clock.now(), limit).await?;
        Ok(stored.iter().filter_map(|stored| self.open(kind, stored).ok()).collect())
    }

    /// Takes back one value that was read.
    ///
    /// # Errors
    /// [`NotKept::Unavailable`].
    pub async fn remove<T>(&self, kept: &Kept<T>) -> Result<bool, NotKept> {
        Ok(self.tickets.take(kept.key, self.clock.now()).await?.is_some())
    }

    fn seal<T: Serialize>(&self, kind: TicketKind, ticket: StoredTicket, value: &T) -> Result<StoredTicket, NotKept> {
        let clear = zeroize::Zeroizing::new(serde_json::to_vec(value).map_err(|_| NotKept::Integrity)?);
        let sealed = self.keys.seal(&TicketBinding::of(kind, &ticket), &clear, self.entropy.as_ref())?;
        Ok(StoredTicket { sealed, ..ticket })
    }

    fn open<T: DeserializeOwned>(&self, kind: TicketKind, stored: &StoredTicket) -> Result<Kept<T>, NotKept> {
        let clear = self.keys.open(&TicketBinding::of(kind, stored), &stored.sealed).ok_or(NotKept::Integrity)?;
        let value = serde_json::from_slice(&clear).map_err(|_| NotKept::Integrity)?;
        let StoredTicket { key, owner, tenant, revision, expires, .. } = *stored;
        Ok(Kept { value, tenant, expires, key, owner, revision })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::{self, FixedClock, MemoryTickets, run};

    fn book() -> (TicketBook, Arc<MemoryTickets>, Arc<FixedClock>) {
        let (tickets, clock) = (Arc::new(MemoryTickets::default()), Arc::new(FixedClock::new(Timestamp(0))));
        let book = double::book(tickets.clone(), &clock);
        (book, tickets, clock)
    }

    const TENANT: TenantId = TenantId([1; 16]);

    async fn put(book: &TicketBook, name: &[u8], value: &str) -> bool {
        let (key, owner) = (book.keys.key(TicketKind::Session, &[name]), book.keys.owner("person", &[b"alice"]));
        let expires = book.clock.now().plus_seconds(60);
        book.put(TicketKind::Session, TENANT, key, owner, expires, &value).await.unwrap()
    }

    #[test]
    fn a_value_is_found_by_its_name_and_kind_only() {
        run(async {
            let (book, _, _) = book();
            assert!(put(&book, b"one", "value").await);
            let key = book.keys.key(TicketKind::Session, &[b"one"]);
            let kept = book.find::<alloc::string::String>(TicketKind::Session, key).await.unwrap().unwrap();
            assert_eq!((kept.value.as_str(), kept.tenant), ("value", TENANT));
            let other = book.find::<alloc::string::String>(TicketKind::Code, key).await;
            assert_eq!(other.err(), Some(NotKept::Integrity), "the kind is authenticated");
            let key = book.keys.key(TicketKind::Code, &[b"one"]);
            assert!(book.find::<alloc::string::String>(TicketKind::Code, key).await.unwrap().is_none());
        });
    }

    #[test]
    fn what_is_taken_is_gone_and_what_expired_was_never_there() {
        run(async {
            let (book, _, clock) = book();
            put(&book, b"one", "value").await;
            let key = book.keys.key(TicketKind::Session, &[b"one"]);
            assert!(book.take::<alloc::string::String>(TicketKind::Session, key).await.unwrap().is_some());
            assert!(book.take::<alloc::string::String>(TicketKind::Session, key).await.unwrap().is_none());
            put(&book, b"one", "again").await;
            clock.advance(60);
            assert!(book.find::<alloc::string::String>(TicketKind::Session, key).await.unwrap().is_none());
        });
    }

    #[test]
    fn of_two_who_read_the_same_revision_one_writes() {
        run(async {
            let (book, _, _) = book();
            put(&book, b"one", "value").await;
            let key = book.keys.key(TicketKind::Session, &[b"one"]);
            let first = book.find::<alloc::string::String>(TicketKind::Session, key).await.unwrap().unwrap();
            let second = book.find::<alloc::string::String>(TicketKind::Session, key).await.unwrap().unwrap();
            assert!(book.replace(TicketKind::Session, &first, first.expires, &"first").await.unwrap());
            assert!(!book.replace(TicketKind::Session, &second, second.expires, &"second").await.unwrap());
        });
    }

    #[test]
    fn a_ticket_that_was_moved_prolonged_or_given_away_does_not_open() {
        run(async {
            let (book, tickets, clock) = book();
            put(&book, b"one", "value").await;
            let key = book.keys.key(TicketKind::Session, &[b"one"]);
            let stored = tickets.find(key, clock.now()).await.unwrap().unwrap();
            let altered = [
                StoredTicket { expires: stored.expires.plus_seconds(1), ..stored.clone() },
                StoredTicket { tenant: TenantId([2; 16]), ..stored.clone() },
                StoredTicket { owner: Owner([9; 32]), ..stored.clone() },
                StoredTicket { key: TicketKey([9; 32]), ..stored.clone() },
                StoredTicket { revision: 2, ..stored.clone() },
            ];
            for altered in altered {
                assert!(book.open::<alloc::string::String>(TicketKind::Session, &altered).is_err());
            }
            for at in 0..stored.sealed.len() {
                let mut altered = stored.clone();
                altered.sealed[at] ^= 1;
                assert!(book.open::<alloc::string::String>(TicketKind::Session, &altered).is_err());
            }
            assert!(book.open::<alloc::string::String>(TicketKind::Session, &stored).is_ok());
        });
    }
}
