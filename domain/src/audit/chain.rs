//! What names a chain and what says where it stands.

use crate::id::{NotAnId, TenantId};
use crate::time::Timestamp;
use core::fmt;
use core::str::FromStr;

/// Names a chain: the id of the tenant whose acts it holds, or [`ChainId::SYSTEM`].
///
/// It is part of every MAC, so entries of one chain mean nothing in another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChainId(pub [u8; 16]);

impl ChainId {
    /// The chain of acts that belong to no tenant: start, custody, directory.
    pub const SYSTEM: Self = Self(TenantId::SYSTEM.0);

    /// Returns the tenant whose acts the chain holds.
    #[must_use]
    pub const fn tenant(self) -> TenantId {
        TenantId(self.0)
    }
}

impl From<TenantId> for ChainId {
    fn from(tenant: TenantId) -> Self {
        Self(tenant.0)
    }
}

impl fmt::Display for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.tenant(), f)
    }
}

impl fmt::Debug for ChainId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ChainId {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Self, NotAnId> {
        text.parse::<TenantId>().map(Self::from)
    }
}

/// Where a chain stands: how many entries it has, the MAC of the last one and its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChainHead {
    /// Number of entries, which is also the sequence number of the last one.
    pub length: u64,
    /// `entry_mac` of the last entry; zeros in an empty chain.
    pub tag: [u8; 32],
    /// Time of the last entry; the next one is never earlier.
    pub time: Timestamp,
}

impl ChainHead {
    /// The head of a chain without entries.
    pub const EMPTY: Self = Self { length: 0, tag: [0; 32], time: Timestamp(0) };
}

/// Entries in one segment: the span of one segment key and of one checkpoint.
pub const SEGMENT_ENTRIES: u64 = 65_536;

/// Returns the segment of an entry: 0 for the entries 1 to 65,536.
#[must_use]
pub const fn segment_of(sequence: u64) -> u64 {
    sequence.saturating_sub(1).div_euclid(SEGMENT_ENTRIES)
}
