//! A person's session: who was admitted as what, and until when.

use super::admission::Admitted;
use super::assertion::Assertion;
use super::since::Since;
use crate::access::{self, BreakGlass, Clinics, Factor, Principal, PrincipalKind, Purpose, Roles, Scopes, Subject};
use crate::id::{RecordId, TenantId};
use crate::time::Timestamp;
use alloc::string::{String, ToString};
use serde::{Deserialize, Serialize};

/// One person signed in at one browser. Kept sealed; the browser holds a secret that finds it and nothing else.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Its public name, for lists and for the audit chain.
    pub id: RecordId,
    /// The tenant.
    pub tenant: TenantId,
    /// The connection it came by.
    pub connection: RecordId,
    /// The person's stable name, see [`Assertion::person`].
    pub person: RecordId,
    /// Who vouched.
    pub issuer: String,
    /// The person's name there.
    pub subject: String,
    /// A name for people to read.
    pub display: String,
    /// Their roles.
    pub roles: Roles,
    /// The clinics these reach.
    pub clinics: Clinics,
    /// What they act for.
    pub purpose: Purpose,
    /// The group that its admission rests on, where the provider told ahead who is in it: it holds while the person is.
    #[serde(default)]
    pub provided_group: Option<String>,
    /// When password or second factor of its account had last been changed as it began; `None` for a connection's, and where it was
    /// kept before this was.
    #[serde(default)]
    pub password_changed: Option<Timestamp>,
    /// What it began with; nothing where it was kept before this was.
    #[serde(default)]
    pub since: Since,
    /// Whether a second factor was shown.
    pub second_factor: bool,
    /// Whether the tenant lets people with these roles in without one.
    pub factor_waived: bool,
    /// When it began.
    pub started: Timestamp,
    /// When the person last proved who they are.
    pub authenticated: Timestamp,
    /// When it was last used.
    pub seen: Timestamp,
    /// The moment from which the issuer no longer stands by it.
    pub until: Option<Timestamp>,
    /// The issuer's name for its own session.
    pub provider_session: Option<String>,
    /// The address it began from.
    pub address: String,
    /// The glass that is broken in it.
    pub glass: Option<GlassBroken>,
}

/// The emergency access to one patient that a session holds.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct GlassBroken {
    /// The patient.
    pub patient: RecordId,
    /// The moment from which it no longer holds.
    pub expires: Timestamp,
    /// Whether a medical emergency was named as the reason.
    #[serde(default)]
    pub emergency: bool,
    /// Its review.
    #[serde(default)]
    pub review: Option<RecordId>,
}

/// How long sessions of a tenant last, and how many one person may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionLimits {
    /// Unused for this long, it is over, in seconds.
    pub idle_seconds: i64,
    /// This long after it began, it is over, in seconds.
    pub absolute_seconds: i64,
    /// Most sessions of one person; a further one ends the oldest.
    pub concurrent: u32,
}

impl Default for SessionLimits {
    /// A quarter of an hour unused, twelve hours in all, five at a time.
    fn default() -> Self {
        Self { idle_seconds: 900, absolute_seconds: 43_200, concurrent: 5 }
    }
}

impl Session {
    /// Begins the session of an admitted person.
    #[must_use]
    pub fn begin(
        id: RecordId,
        person: RecordId,
        assertion: &Assertion,
        admitted: Admitted,
        address: &str,
        now: Timestamp,
    ) -> Self {
        Self {
            id,
            tenant: assertion.tenant,
            connection: assertion.connection,
            person,
            issuer: assertion.issuer.clone(),
            subject: assertion.subject.clone(),
            display: assertion.display.clone(),
            roles: admitted.roles,
            clinics: admitted.clinics,
            purpose: admitted.purpose,
            provided_group: admitted.provided_group,
            password_changed: admitted.password_changed,
            since: admitted.since,
            second_factor: assertion.factor == Factor::Shown,
            factor_waived: false,
            started: now,
            authenticated: assertion.authenticated,
            seen: now,
            until: assertion.until,
            provider_session: assertion.provider_session.clone(),
            address: address.to_string(),
            glass: None,
        }
    }

    /// Returns the moment from which it is over if it is not used until then.
    #[must_use]
    pub fn ends(&self, limits: &SessionLimits) -> Timestamp {
        self.seen.plus_seconds(limits.idle_seconds).min(self.ends_at_most(limits))
    }

    /// Returns the moment at which it is over however much it is used.
    #[must_use]
    pub fn ends_at_most(&self, limits: &SessionLimits) -> Timestamp {
        let absolute = self.started.plus_seconds(limits.absolute_seconds);
        absolute.min(self.until.unwrap_or(absolute))
    }

    /// Says whether it is over.
    #[must_use]
    pub fn state(&self, now: Timestamp, limits: &SessionLimits) -> access::Session {
        if now < self.ends(limits) { access::Session::Current } else { access::Session::Ended }
    }

    /// Says whether it is over because an entry that it rests on ended what was before `ended`; `begun` is what it began with of that
    /// entry.
    pub(crate) fn is_before(&self, ended: Option<Timestamp>, begun: Option<Timestamp>) -> bool {
        ended.is_some_and(|ended| ended > begun.unwrap_or(self.started))
    }

    /// Returns who acts in it.
    #[must_use]
    pub fn to_subject(&self) -> Subject {
        Subject {
            principal: Principal {
                id: self.person.to_string(),
                display: self.display.clone(),
                kind: PrincipalKind::Person,
            },
            tenant: self.tenant,
            roles: self.roles,
            clinics: self.clinics.clone(),
            purpose: self.purpose,
            scopes: Scopes::Unrestricted,
            compartment: None,
        }
    }

    /// Returns the circumstances under which it acts now.
    #[must_use]
    pub fn circumstances(&self, now: Timestamp, limits: &SessionLimits, address: access::Address) -> access::Context {
        access::Context {
            now,
            address,
            session: self.state(now, limits),
            factor: if self.second_factor || self.factor_waived { Factor::Shown } else { Factor::Missing },
            break_glass: self.glass.map(|GlassBroken { patient, expires, emergency, .. }| BreakGlass {
                patient,
                expires,
                emergency,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn session(started: i64, seen: i64, until: Option<i64>) -> Session {
        Session {
            id: RecordId([1; 16]),
            tenant: TenantId([2; 16]),
            connection: RecordId([3; 16]),
            person: RecordId([4; 16]),
            issuer: String::new(),
            subject: String::new(),
            display: String::new(),
            roles: Roles::NONE,
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            provided_group: None,
            password_changed: None,
            second_factor: true,
            factor_waived: false,
            started: Timestamp(0).plus_seconds(started),
            authenticated: Timestamp(0).plus_seconds(started),
            seen: Timestamp(0).plus_seconds(seen),
            until: until.map(|until| Timestamp(0).plus_seconds(until)),
            provider_session: None,
            address: String::new(),
            glass: None,
            since: Since::default(),
        }
    }

    #[test]
    fn a_session_ends_at_the_earliest_of_its_limits() {
        let limits = SessionLimits::default();
        let at = |seconds| Timestamp(0).plus_seconds(seconds);
        assert_eq!(session(0, 100, None).ends(&limits), at(1_000), "unused");
        assert_eq!(session(0, 43_000, None).ends(&limits), at(43_200), "too old");
        assert_eq!(session(0, 100, Some(500)).ends(&limits), at(500), "the issuer says so");
        assert_eq!(session(0, 100, None).state(at(999), &limits), access::Session::Current);
        assert_eq!(session(0, 100, None).state(at(1_000), &limits), access::Session::Ended);
    }

    proptest! {
        #[test]
        fn what_has_ended_never_comes_back(seen in 0_i64..50_000, now in 0_i64..100_000, later in 0_i64..100_000) {
            let (limits, session) = (SessionLimits::default(), session(0, seen, None));
            let at = |seconds| Timestamp(0).plus_seconds(seconds);
            if session.state(at(now), &limits) == access::Session::Ended {
                prop_assert_eq!(session.state(at(now.saturating_add(later)), &limits), access::Session::Ended);
            }
        }
    }
}
