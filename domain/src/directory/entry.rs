//! What every directory entry has, and the two plainest: tenant and clinic.

use super::text;
use crate::id::{ClinicId, RecordId, TenantId};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::String;
use core::fmt;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// A value that is kept as a record of the directory.
pub trait Entry: Serialize + DeserializeOwned + Send + Sync {
    /// Its kind.
    const KIND: Kind;
    /// Returns the id of its record.
    fn record(&self) -> RecordId;
    /// Returns the tenant it is about.
    fn tenant(&self) -> TenantId;
    /// Returns its name, unique per kind within its tenant; tenants are unique among themselves.
    fn name(&self) -> &str;
    /// Says what is wrong with it.
    ///
    /// # Errors
    /// [`Invalid`], the first rule it breaks.
    fn validate(&self) -> Result<(), Invalid>;
}

/// The rule that a directory entry breaks; says nothing of what it contains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Invalid {
    /// A name is empty, longer than [`MAX_NAME_BYTES`](super::MAX_NAME_BYTES), padded with spaces or holds control characters.
    Name,
    /// The listener's name is no name.
    Listener,
    /// The sending application or facility is empty, too long or holds control characters.
    Sender,
    /// No peer address is allowed, or more than [`MAX_PEERS`](super::MAX_PEERS) ranges are given.
    PeerCount,
    /// A peer range is no IP address with an optional prefix, or has bits set below the prefix.
    Peer,
    /// The time zone is no IANA name.
    TimeZone,
    /// The character set is no value of HL7 table 0211.
    CharacterSet,
    /// A processing id is none of P, T and D (HL7 table 0103), or there is none.
    ProcessingId,
    /// A client has no role.
    Roles,
    /// A client has a role that is for people, interfaces or the gateway itself.
    RoleNotForClients,
    /// The hash of a token is not 64 hexadecimal digits.
    TokenHash,
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Invalid::Name => "a name must have 1 to 128 bytes, no control characters and no space at its ends",
            Invalid::Listener => "the listener must be named as in the configuration",
            Invalid::Sender => "sending application and facility must have 1 to 128 bytes and no control characters",
            Invalid::PeerCount => "between 1 and 64 peer ranges must be given; 0.0.0.0/0 and ::/0 allow every address",
            Invalid::Peer => {
                "a peer must be an IP address or a range such as 10.1.0.0/16, with no bit set below the prefix"
            }
            Invalid::TimeZone => "the time zone must be an IANA name such as Europe/Berlin",
            Invalid::CharacterSet => {
                "the character set must be named as in HL7 table 0211, such as UNICODE UTF-8 or 8859/1"
            }
            Invalid::ProcessingId => "processing ids must be among P, T and D",
            Invalid::Roles => "a client needs at least one role",
            Invalid::RoleNotForClients => "a client may be provider, staff, read-only, clinical-director or auditor",
            Invalid::TokenHash => "the hash of the token must be 64 hexadecimal digits",
        })
    }
}

impl core::error::Error for Invalid {}

/// A legal party whose data and keys are separate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tenant {
    /// Its id.
    pub id: TenantId,
    /// Its name.
    pub name: String,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

impl Entry for Tenant {
    const KIND: Kind = Kind::Tenant;

    fn record(&self) -> RecordId {
        RecordId(self.id.0)
    }

    fn tenant(&self) -> TenantId {
        self.id
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)
    }
}

/// A unit inside a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clinic {
    /// Its id.
    pub id: ClinicId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

impl Entry for Clinic {
    const KIND: Kind = Kind::Clinic;

    fn record(&self) -> RecordId {
        RecordId(self.id.0)
    }

    fn tenant(&self) -> TenantId {
        self.tenant
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)
    }
}
