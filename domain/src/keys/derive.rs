//! Keys that are derived from the roots: hashing, naming, indexing.

use super::hex::Hex;
use super::{Fields, Roots};
use crate::id::{RecordId, TenantId};
use crate::index::IndexKey;
use crate::secret::Secret;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// The keys of one tenant that are derived from the roots.
pub struct TenantSecrets {
    /// The tenant.
    pub tenant: TenantId,
    /// Makes index tokens.
    pub index: IndexKey,
    /// Hashes content.
    pub content: ContentKey,
    /// Makes ids out of names.
    pub naming: NameKey,
}

impl TenantSecrets {
    /// Derives the keys of a tenant.
    #[must_use]
    pub fn derive(roots: &Roots, tenant: TenantId) -> Self {
        let derive = |root: &Secret<32>, purpose: &str| {
            MacKey::new(root).derive(Fields::of(purpose).with(tenant.as_bytes()).as_bytes())
        };
        Self {
            tenant,
            index: IndexKey::new(&derive(&roots.index, "sealgate/index/1")),
            content: ContentKey(MacKey::new(&derive(&roots.content, "sealgate/content/1"))),
            naming: NameKey(MacKey::new(&derive(&roots.index, "sealgate/naming/1"))),
        }
    }
}

/// Makes ids out of names, so that the same sender and number give the same record.
pub struct NameKey(MacKey);

impl NameKey {
    /// Returns the id of a name in a space, as a UUID of version 8 (RFC 9562 §5.8).
    #[must_use]
    pub fn name(&self, space: &str, parts: &[&str]) -> RecordId {
        let fields = parts.iter().fold(Fields::of(space), |fields, part| fields.with(part.as_bytes()));
        RecordId::from_name(first_half(&self.0.mac(&[fields.as_bytes()])))
    }
}

/// Hashes content under a key, so that a hash in the chain says nothing about what was hashed.
pub struct ContentKey(MacKey);

impl ContentKey {
    /// Returns the keyed hash of a content.
    #[must_use]
    pub fn mac(&self, bytes: &[u8]) -> ContentMac {
        ContentMac(self.0.mac(&[b"sealgate/content-mac/1", bytes]))
    }

    /// Returns the keyed name of something that may exist once in a space.
    ///
    /// The parts are hashed one by one under their lengths; none of them is copied.
    #[must_use]
    pub fn claim(&self, space: &str, parts: &[&[u8]]) -> [u8; 16] {
        let mut mac = self.0.0.clone();
        mac.update(Fields::of("sealgate/claim/1").with(space.as_bytes()).as_bytes());
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        first_half(&mac.finalize().into_bytes().into())
    }
}

/// The keyed hash of a content, as it stands in `before_hash` and `after_hash`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentMac(pub [u8; 32]);

impl fmt::Display for ContentMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Hex(&self.0).fmt(f)
    }
}

impl fmt::Debug for ContentMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An HMAC-SHA256 key, scheduled once (RFC 2104); wiped when dropped.
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Schedules a key.
    pub(crate) fn new(key: &Secret<32>) -> Self {
        // A key shorter than the block is padded with zeros (RFC 2104 §2).
        let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
        for (place, byte) in block.iter_mut().zip(key.expose()) {
            *place = *byte;
        }
        let mac = Hmac::<Sha256>::new(&block);
        block.as_mut_slice().zeroize();
        Self(mac)
    }

    /// Returns the MAC of the parts, joined as they are: the caller sees to it that no two lists look alike.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Derives a key (NIST SP 800-108r1 §4, HMAC as the pseudorandom function, one block).
    pub(crate) fn derive(&self, purpose: &[u8]) -> Secret<32> {
        Secret::new(self.mac(&[purpose]))
    }
}

fn first_half(mac: &[u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    for (place, byte) in half.iter_mut().zip(mac) {
        *place = *byte;
    }
    half
}
