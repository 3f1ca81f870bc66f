//! What a tenant decides about the people who sign in.

use super::entry::Invalid;
use super::network::AddressRange;
use super::text;
use crate::access::{Role, Roles};
use crate::identity::{Session, SessionLimits, moved};
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::RangeInclusive;
use serde::{Deserialize, Serialize};

/// Most address ranges of a tenant.
pub const MAX_ADDRESSES: usize = 256;

/// For how long a session may go unused, in seconds.
pub const IDLE_SECONDS: RangeInclusive<i64> = 60..=43_200;

/// How long a session may last in all, in seconds.
pub const ABSOLUTE_SECONDS: RangeInclusive<i64> = 300..=86_400;

/// How many sessions one person may hold.
pub const CONCURRENT: RangeInclusive<u32> = 1..=50;

/// Within how many hours a breaking of the glass is to be reviewed.
pub const REVIEW_HOURS: RangeInclusive<u32> = 1..=720;

/// What a tenant decides about the people who sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TenantSettings {
    /// How long sessions last, and how many one person may hold.
    pub sessions: SessionLimits,
    /// Addresses and ranges its people and applications may come from; empty: any.
    pub addresses: Vec<String>,
    /// Who must show a second factor.
    pub second_factor: SecondFactor,
    /// When that was last changed; sessions from before it in which none was shown are over.
    #[serde(skip_serializing_if = "Option::is_none", with = "text::optional_moment")]
    pub second_factor_changed: Option<Timestamp>,
    /// Within how many hours a breaking of the glass is to be reviewed.
    pub break_glass_review_hours: u32,
}

impl Default for TenantSettings {
    /// A second factor for everybody, from any address, and three days for a review.
    fn default() -> Self {
        Self {
            sessions: SessionLimits::default(),
            addresses: Vec::new(),
            second_factor: SecondFactor::default(),
            second_factor_changed: None,
            break_glass_review_hours: 72,
        }
    }
}

/// Who must show a second factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondFactor {
    /// Everybody.
    #[default]
    Required,
    /// Everybody but those who are provider or staff and nothing else.
    RelaxedForStaff,
}

impl SecondFactor {
    /// Says whether somebody with these roles must show one.
    #[must_use]
    pub fn is_required_of(self, roles: Roles) -> bool {
        match self {
            SecondFactor::Required => true,
            SecondFactor::RelaxedForStaff => {
                roles == Roles::NONE || roles.without(Role::Provider).without(Role::Staff) != Roles::NONE
            }
        }
    }
}

impl TenantSettings {
    /// Returns the moment that names whom a second factor is asked of, see [`Since`](crate::identity::Since).
    pub(crate) fn since(&self) -> Timestamp {
        self.second_factor_changed.unwrap_or(Timestamp(0))
    }

    /// Returns the same with that moment moved, where it is asked of others than before.
    pub(crate) fn following(self, before: &Self, now: Timestamp) -> Self {
        let second_factor_changed = if self.second_factor == before.second_factor {
            before.second_factor_changed
        } else {
            Some(moved(before.since(), now))
        };
        Self { second_factor_changed, ..self }
    }

    /// Says whether a session goes on as far as the second factor goes: one was shown, or none was asked for ever since it began.
    #[must_use]
    pub fn factor_suffices(&self, session: &Session) -> bool {
        session.second_factor
            || !(self.second_factor.is_required_of(session.roles)
                || session.is_before(self.second_factor_changed, session.since.factor))
    }

    pub(super) fn validate(&self) -> Result<(), Invalid> {
        let limits = &self.sessions;
        let fits = IDLE_SECONDS.contains(&limits.idle_seconds)
            && ABSOLUTE_SECONDS.contains(&limits.absolute_seconds)
            && limits.idle_seconds <= limits.absolute_seconds
            && CONCURRENT.contains(&limits.concurrent);
        if !fits {
            return Err(Invalid::SessionLimits);
        }
        if !REVIEW_HOURS.contains(&self.break_glass_review_hours) {
            return Err(Invalid::ReviewHours);
        }
        let is_range = |text: &String| text.parse::<AddressRange>().is_ok();
        if self.addresses.len() > MAX_ADDRESSES || !self.addresses.iter().all(is_range) {
            return Err(Invalid::Address);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_factor_is_relaxed_for_those_who_are_provider_or_staff_and_nothing_else() {
        for role in Role::ALL {
            let relaxed = matches!(role, Role::Provider | Role::Staff);
            assert_eq!(SecondFactor::RelaxedForStaff.is_required_of(Roles::of(&[*role])), !relaxed, "{role:?}");
            assert!(SecondFactor::Required.is_required_of(Roles::of(&[*role])));
        }
        let relaxed = SecondFactor::RelaxedForStaff;
        assert!(!relaxed.is_required_of(Roles::of(&[Role::Provider, Role::Staff])));
        assert!(relaxed.is_required_of(Roles::of(&[Role::Provider, Role::Admin])));
        assert!(relaxed.is_required_of(Roles::NONE));
    }

    #[test]
    fn settings_out_of_their_limits_are_refused() {
        let limits = |idle_seconds, absolute_seconds, concurrent| TenantSettings {
            sessions: SessionLimits { idle_seconds, absolute_seconds, concurrent },
            ..TenantSettings::default()
        };
        assert_eq!(TenantSettings::default().validate(), Ok(()));
        for broken in [
            limits(59, 43_200, 5),
            limits(900, 299, 5),
            limits(900, 86_401, 5),
            limits(900, 600, 5),
            limits(900, 43_200, 0),
            limits(900, 43_200, 51),
            limits(i64::MIN, i64::MAX, 5),
        ] {
            assert_eq!(broken.validate(), Err(Invalid::SessionLimits));
        }
        let addresses = |addresses: &[&str]| TenantSettings {
            addresses: addresses.iter().map(|text| String::from(*text)).collect(),
            ..TenantSettings::default()
        };
        assert_eq!(addresses(&["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]).validate(), Ok(()));
        assert_eq!(addresses(&["10.1.2.3/8"]).validate(), Err(Invalid::Address));
        assert_eq!(addresses(&["::1"; 257]).validate(), Err(Invalid::Address));
    }
}
