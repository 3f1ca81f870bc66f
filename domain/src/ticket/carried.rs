//! Values that a browser carries: sealed like a ticket, and stored nowhere.
//!
//! Whoever begins something leaves nothing behind here, so nobody can fill what is kept. What is to happen once needs a mark of its
//! own when it happens ([`TicketKind::Used`]).

use super::sealed::TicketBinding;
use super::{NotKept, Owner, StoredTicket, TicketBook, TicketKey, TicketKind};
use crate::id::TenantId;
use crate::time::Timestamp;
use alloc::vec::Vec;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A value that came back.
pub struct Carried<T> {
    /// The value.
    pub value: T,
    /// The tenant it is about.
    pub tenant: TenantId,
    /// When it expires.
    pub expires: Timestamp,
    /// The key it was opened with, which names it.
    pub key: TicketKey,
}

impl TicketBook {
    /// Seals a value for a browser to carry until it expires.
    ///
    /// The key and the owner are authenticated with it: it opens for whoever names the same, and as the same kind.
    ///
    /// ```text
    ///   expires i64, microseconds | tenant 16 | sealed as a ticket of revision 0             big-endian
    /// ```
    /// Tickets that are stored begin at revision 1, so that neither is ever taken for the other.
    ///
    /// # Errors
    /// [`NotKept`].
    pub fn carry<T: Serialize>(
        &self,
        kind: TicketKind,
        tenant: TenantId,
        key: TicketKey,
        owner: Owner,
        expires: Timestamp,
        value: &T,
    ) -> Result<Vec<u8>, NotKept> {
        let clear = zeroize::Zeroizing::new(serde_json::to_vec(value).map_err(|_| NotKept::Integrity)?);
        let binding = TicketBinding::of(kind, &carried(tenant, key, owner, expires));
        let sealed = self.keys.seal(&binding, &clear, self.entropy.as_ref())?;
        let mut bytes = Vec::with_capacity(HEADING.saturating_add(sealed.len()));
        bytes.extend_from_slice(&expires.0.to_be_bytes());
        bytes.extend_from_slice(tenant.as_bytes());
        bytes.extend_from_slice(&sealed);
        Ok(bytes)
    }

    /// Opens what a browser carried; `None` when it is not ours, somebody else's, for something else, altered or over.
    #[must_use]
    pub fn open_carried<T: DeserializeOwned>(
        &self,
        kind: TicketKind,
        key: TicketKey,
        owner: Owner,
        bytes: &[u8],
    ) -> Option<Carried<T>> {
        let (expires, rest) = bytes.split_first_chunk::<8>()?;
        let (tenant, sealed) = rest.split_first_chunk::<16>()?;
        let (expires, tenant) = (Timestamp(i64::from_be_bytes(*expires)), TenantId(*tenant));
        if expires <= self.clock.now() {
            return None;
        }
        let clear = self.keys.open(&TicketBinding::of(kind, &carried(tenant, key, owner, expires)), sealed)?;
        let value = serde_json::from_slice(&clear).ok()?;
        Some(Carried { value, tenant, expires, key })
    }
}

/// Returns until when something that is carried says to be good; not to be relied upon before it is opened.
#[must_use]
pub fn carried_until(bytes: &[u8]) -> Option<Timestamp> {
    bytes.first_chunk::<8>().map(|expires| Timestamp(i64::from_be_bytes(*expires)))
}

const fn carried(tenant: TenantId, key: TicketKey, owner: Owner, expires: Timestamp) -> StoredTicket {
    StoredTicket { key, owner, tenant, revision: 0, expires, sealed: Vec::new() }
}

const HEADING: usize = 8 + 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::{FixedClock, MemoryTickets, SeededEntropy, run};
    use crate::secret::Secret;
    use crate::ticket::TicketKeys;
    use alloc::string::{String, ToString};
    use alloc::sync::Arc;

    const TENANT: TenantId = TenantId([1; 16]);
    const KIND: TicketKind = TicketKind::SignIn;

    fn book(root: u8) -> (TicketBook, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::new(Timestamp(0)));
        let book = TicketBook {
            tickets: Arc::new(MemoryTickets::default()),
            keys: TicketKeys::derive(&Secret::new([root; 32])),
            clock: clock.clone(),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        (book, clock)
    }

    fn names(book: &TicketBook, name: &[u8]) -> (TicketKey, Owner) {
        (book.keys.key(KIND, &[name]), book.keys.owner("browser", &[b"one"]))
    }

    fn carry(book: &TicketBook) -> Vec<u8> {
        let (key, owner) = names(book, b"state");
        book.carry(KIND, TENANT, key, owner, Timestamp(0).plus_seconds(600), &"value").unwrap()
    }

    #[test]
    fn what_is_carried_opens_for_the_same_name_owner_and_kind_and_nothing_is_stored() {
        let (book, _) = book(7);
        let bytes = carry(&book);
        let (key, owner) = names(&book, b"state");
        let opened = book.open_carried::<String>(KIND, key, owner, &bytes).unwrap();
        let until = Timestamp(0).plus_seconds(600);
        assert_eq!((opened.value.as_str(), opened.tenant, opened.expires), ("value", TENANT, until));
        assert_eq!(carried_until(&bytes), Some(until));
        let (other, _) = names(&book, b"other");
        assert!(book.open_carried::<String>(KIND, other, owner, &bytes).is_none());
        assert!(book.open_carried::<String>(KIND, key, Owner([9; 32]), &bytes).is_none());
        assert!(book.open_carried::<String>(TicketKind::Code, key, owner, &bytes).is_none());
        assert!(run(book.find::<String>(KIND, key)).unwrap().is_none());
    }

    #[test]
    fn what_is_over_altered_cut_or_of_another_gateway_does_not_open() {
        let (book, clock) = book(7);
        let bytes = carry(&book);
        let (key, owner) = names(&book, b"state");
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(book.open_carried::<String>(KIND, key, owner, &altered).is_none(), "{at}");
            assert!(book.open_carried::<String>(KIND, key, owner, &bytes[..at]).is_none(), "{at}");
        }
        let (other, _) = self::book(8);
        let (theirs, _) = names(&other, b"state");
        assert!(other.open_carried::<String>(KIND, theirs, owner, &bytes).is_none());
        clock.advance(599);
        assert!(book.open_carried::<String>(KIND, key, owner, &bytes).is_some());
        clock.advance(1);
        assert!(book.open_carried::<String>(KIND, key, owner, &bytes).is_none());
    }

    #[test]
    fn a_stored_ticket_is_never_taken_for_a_carried_one() {
        run(async {
            let (book, clock) = book(7);
            let (key, owner) = names(&book, b"state");
            let expires = Timestamp(0).plus_seconds(600);
            assert!(book.put(KIND, TENANT, key, owner, expires, &"stored".to_string()).await.unwrap());
            let stored = book.tickets.find(key, crate::ports::Clock::now(clock.as_ref())).await.unwrap().unwrap();
            let mut bytes = expires.0.to_be_bytes().to_vec();
            bytes.extend_from_slice(TENANT.as_bytes());
            bytes.extend_from_slice(&stored.sealed);
            assert!(book.open_carried::<String>(KIND, key, owner, &bytes).is_none());
        });
    }
}
