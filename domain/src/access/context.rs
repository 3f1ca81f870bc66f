//! Under which circumstances it is asked: time, address, session, second factor, broken glass.

use crate::id::RecordId;
use crate::time::Timestamp;

/// The circumstances of a request, found out by whoever admitted it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Context {
    /// The present moment.
    pub now: Timestamp,
    /// Whether the peer address is one the subject may come from.
    pub address: Address,
    /// Whether the session is current.
    pub session: Session,
    /// Whether a second factor was shown.
    pub factor: Factor,
    /// The overlay of a person who broke the glass for one patient.
    pub break_glass: Option<BreakGlass>,
}

impl Context {
    /// Returns the context of a request by a system whose credential and address were checked for this one request.
    #[must_use]
    pub const fn at(now: Timestamp) -> Self {
        Self {
            now,
            address: Address::Allowed,
            session: Session::NotApplicable,
            factor: Factor::NotApplicable,
            break_glass: None,
        }
    }

    /// Returns the context of a person at the console, who holds an account of the machine and the secret of the custody: two factors.
    #[must_use]
    pub const fn console(now: Timestamp) -> Self {
        Self { now, address: Address::Allowed, session: Session::Current, factor: Factor::Shown, break_glass: None }
    }

    /// Returns the overlay if it holds now for this patient.
    #[must_use]
    pub fn glass_broken_for(&self, patient: Option<RecordId>) -> bool {
        self.break_glass.is_some_and(|glass| self.now < glass.expires && Some(glass.patient) == patient)
    }

    /// Says whether any glass is broken now.
    #[must_use]
    pub fn glass_broken(&self) -> bool {
        self.break_glass.is_some_and(|glass| self.now < glass.expires)
    }
}

/// Whether the peer address is one the subject may come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Address {
    /// It is in the list, or there is no list.
    Allowed,
    /// It is not in the list.
    NotAllowed,
}

/// Whether the session is current.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Session {
    /// Neither idle too long, nor too old, nor ended.
    Current,
    /// Over.
    Ended,
    /// A system, which authenticates with each request or connection.
    NotApplicable,
}

/// Whether a second factor was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Factor {
    /// It was.
    Shown,
    /// It was not; then a person may do nothing.
    Missing,
    /// A system, to which this does not apply. A person with this value is refused.
    NotApplicable,
}

/// A person's emergency access to one patient.
///
/// It lifts clinic scope and labels for reading that patient until it expires, and in a medical emergency also withheld consent and
/// what is known of substance use (42 CFR §2.51). It never lifts the tenant, never exports, and while it holds the person may
/// administer nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakGlass {
    /// The patient.
    pub patient: RecordId,
    /// The moment from which it no longer holds.
    pub expires: Timestamp,
    /// Whether a medical emergency was named as the reason.
    pub emergency: bool,
}
