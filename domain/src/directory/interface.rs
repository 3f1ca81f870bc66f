//! A configured connection with a partner that sends messages.

use super::entry::{Entry, Heading, Invalid};
use super::network::AddressRange;
use super::text::{self, MAX_PEERS};
use crate::id::{ClinicId, RecordId, TenantId};
use crate::kind::Kind;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// A configured connection with a partner; a message belongs to the interface that its listener, sender and peer address name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interface {
    /// Its id.
    pub id: RecordId,
    /// The tenant whose records it delivers.
    pub tenant: TenantId,
    /// The clinic that the delivered records belong to; `None` for the whole tenant.
    #[serde(default)]
    pub clinic: Option<ClinicId>,
    /// Its name.
    pub name: String,
    /// The listener it comes in by, named as in the configuration.
    pub listener: String,
    /// MSH-3, first component; `None` fits every application.
    #[serde(default)]
    pub sending_application: Option<String>,
    /// MSH-4, first component; `None` fits every facility.
    #[serde(default)]
    pub sending_facility: Option<String>,
    /// Peer addresses and ranges it is accepted from; there is no way to leave this open by accident.
    pub peers: Vec<String>,
    /// IANA name of the zone in which timestamps without an offset are read.
    pub time_zone: String,
    /// Character set of messages without MSH-18, as HL7 table 0211 names it.
    #[serde(default)]
    pub character_set: Option<String>,
    /// Processing ids that are accepted (MSH-11, HL7 table 0103).
    #[serde(default = "production")]
    pub processing_ids: Vec<char>,
    /// What the sender gets while nothing can be stored.
    #[serde(default)]
    pub unavailable_as: UnavailableAs,
    /// What the sender gets for a message that is stored but could not be mapped.
    #[serde(default)]
    pub mapping_failure_as: MappingFailureAs,
    /// Whether messages are accepted by it.
    pub enabled: bool,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

impl Interface {
    /// Says whether a message could belong to both alike: same listener and sender, a peer range in common.
    #[must_use]
    pub fn competes_with(&self, other: &Interface) -> bool {
        self.enabled
            && other.enabled
            && self.listener == other.listener
            && self.sending_application == other.sending_application
            && self.sending_facility == other.sending_facility
            && self.peers.iter().any(|peer| {
                let range = peer.parse::<AddressRange>();
                range.is_ok() && other.peers.iter().any(|peer| peer.parse::<AddressRange>() == range)
            })
    }
}

/// What the sender gets while nothing can be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum UnavailableAs {
    /// No reply: the socket is closed, and the sender keeps the message.
    #[default]
    #[serde(rename = "close")]
    Close,
    /// Application error.
    #[serde(rename = "AE")]
    ApplicationError,
    /// Application reject.
    #[serde(rename = "AR")]
    ApplicationReject,
}

/// What the sender gets for a message that is stored but could not be mapped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum MappingFailureAs {
    /// Application accept: it is stored, and mapping it is our work now.
    #[default]
    #[serde(rename = "AA")]
    ApplicationAccept,
    /// Application error.
    #[serde(rename = "AE")]
    ApplicationError,
}

impl Entry for Interface {
    const KIND: Kind = Kind::Interface;

    fn heading(&self) -> Heading<'_> {
        Heading { record: self.id, tenant: self.tenant, name: &self.name }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)?;
        text::name(&self.listener, Invalid::Listener)?;
        for sender in [&self.sending_application, &self.sending_facility].into_iter().flatten() {
            text::name(sender, Invalid::Sender)?;
        }
        if self.peers.is_empty() || self.peers.len() > MAX_PEERS {
            return Err(Invalid::PeerCount);
        }
        if self.peers.iter().any(|peer| peer.parse::<AddressRange>().is_err()) {
            return Err(Invalid::Peer);
        }
        text::zone(&self.time_zone)?;
        if let Some(set) = &self.character_set {
            let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, ' ' | '/' | '-' | '_');
            if text::name(set, Invalid::CharacterSet).is_err() || !set.chars().all(plain) {
                return Err(Invalid::CharacterSet);
            }
        }
        let known = |id: &char| matches!(id, 'P' | 'T' | 'D');
        if self.processing_ids.is_empty() || self.processing_ids.len() > 3 || !self.processing_ids.iter().all(known) {
            return Err(Invalid::ProcessingId);
        }
        Ok(())
    }
}

fn production() -> Vec<char> {
    alloc::vec!['P']
}
