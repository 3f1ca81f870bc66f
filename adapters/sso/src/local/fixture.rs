//! What the tests of local accounts share.

use super::accounts::{Accounts, Attempt, LocalSettings};
use super::keys::LocalKeys;
use super::password::{Costs, PoolLimits};
use super::throttle::ThrottleLimits;
use domain::access::{Clinics, Purpose, Role, Roles};
use domain::directory::{Account, SecondFactor};
use domain::double::{self, FixedClock, MemoryTickets};
use domain::id::{RecordId, TenantId};
use domain::secret::Secret;
use domain::ticket::TicketBook;
use domain::time::Timestamp;
use std::sync::Arc;

pub(super) const TENANT: TenantId = TenantId([1; 16]);
pub(super) const ORIGIN: &str = "https://results.example:8443";
pub(super) const PASSWORD: &str = "correct horse battery";

/// An empty book of tickets, and its clock.
pub(super) fn book() -> (Arc<TicketBook>, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::new(Timestamp(0).plus_seconds(1_700_000_010)));
    let book = double::book(Arc::new(MemoryTickets::default()), &clock);
    (Arc::new(book), clock)
}

/// Local accounts whose hashes cost nothing.
pub(super) fn accounts(throttle: ThrottleLimits) -> (Arc<Accounts>, Arc<FixedClock>) {
    let (book, clock) = book();
    let settings = LocalSettings {
        costs: Costs::CHEAP,
        pool: PoolLimits { hashing: 2, waiting: 1_000, waiting_known: 16 },
        throttle,
        breached: None,
        origin: ORIGIN.to_owned(),
    };
    let accounts = Accounts::new(LocalKeys::derive(&Secret::new([7; 32])), settings, book).unwrap();
    (Arc::new(accounts), clock)
}

/// A provider with neither password nor second factor.
pub(super) fn account() -> Account {
    Account {
        id: RecordId([2; 16]),
        tenant: TENANT,
        name: "alice".to_owned(),
        display: "Alice Smith".to_owned(),
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        password: None,
        totp: None,
        recovery: Vec::new(),
        security_keys: Vec::new(),
        enabled: true,
        created: Timestamp(0),
        password_changed: None,
        ended: None,
    }
}

/// An attempt at this name from a browser that is not known.
pub(super) fn attempt(name: &str) -> Attempt<'_> {
    Attempt {
        tenant: TENANT,
        name,
        address: [192, 0, 2, 1].into(),
        browser: None,
        second_factor: SecondFactor::Required,
    }
}
