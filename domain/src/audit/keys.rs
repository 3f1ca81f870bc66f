//! Keys of the audit chains, all derived from the audit root and from nothing else.
//!
//! ```text
//!   audit root ─HKDF-SHA256─┬─ "sealgate/audit/segment/1" | chain id 16 | segment u64 ─► ChainKey   (HMAC-SHA256)
//!                           ├─ "sealgate/audit/anchor/1" ─────────────────────────────► AnchorKey  (HMAC-SHA256)
//!                           └─ "sealgate/audit/checkpoint/1" ─────────────────────────► SigningKey (Ed25519 seed)
//! ```
//!
//! A segment key opens one segment of one chain: an auditor who is given it can check that segment
//! and learns nothing about the others. Whoever holds it could also forge entries of that segment;
//! what he cannot forge are checkpoints.

use super::ChainId;
use crate::secret::Secret;
use alloc::collections::BTreeMap;
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit};
use sha2::Sha256;
use zeroize::Zeroize;

/// HMAC-SHA256 with the key already absorbed.
pub(crate) type KeyedMac = Hmac<Sha256>;

/// Derives the segment keys of every chain, and keeps the keyed states in use.
pub struct ChainKeys {
    root: Secret<32>,
    keyed: BTreeMap<(ChainId, u64), KeyedMac>,
}

impl ChainKeys {
    /// Derives from the audit root.
    #[must_use]
    pub fn derive(audit_root: &Secret<32>) -> Self {
        Self { root: Secret::new(*audit_root.expose()), keyed: BTreeMap::new() }
    }

    /// Returns the keyed MAC of a segment, derived once while it is among the last used.
    pub(super) fn keyed(&mut self, chain: ChainId, segment: u64) -> KeyedMac {
        if let Some(found) = self.keyed.get(&(chain, segment)) {
            return found.clone();
        }
        // Segments only grow, so states of closed ones are what fills the map; starting over costs microseconds.
        if self.keyed.len() >= KEYED_STATES {
            self.keyed.clear();
        }
        let made = keyed_mac(self.key(chain, segment).expose());
        self.keyed.insert((chain, segment), made.clone());
        made
    }

    fn key(&self, chain: ChainId, segment: u64) -> ChainKey {
        ChainKey(expand(&self.root, &[SEGMENT_LABEL, &chain.0, &segment.to_be_bytes()]))
    }
}

/// Gives the key of a segment, from the audit root or from a file given to an auditor.
pub trait SegmentKeys: Send + Sync {
    /// Returns the key; `None` when this source does not have it.
    fn segment_key(&self, chain: ChainId, segment: u64) -> Option<ChainKey>;
}

impl SegmentKeys for ChainKeys {
    fn segment_key(&self, chain: ChainId, segment: u64) -> Option<ChainKey> {
        Some(self.key(chain, segment))
    }
}

/// The HMAC-SHA256 key of one segment of one chain.
pub struct ChainKey(Secret<32>);

impl ChainKey {
    /// Takes a key as it was exported.
    #[must_use]
    pub fn new(key: Secret<32>) -> Self {
        Self(key)
    }

    /// Lends the key bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        self.0.expose()
    }
}

/// The HMAC-SHA256 key of the anchor file.
pub struct AnchorKey(Secret<32>);

impl AnchorKey {
    /// Derives from the audit root.
    #[must_use]
    pub fn derive(audit_root: &Secret<32>) -> Self {
        Self(expand(audit_root, &[ANCHOR_LABEL]))
    }

    pub(super) fn keyed(&self) -> KeyedMac {
        keyed_mac(self.0.expose())
    }
}

/// Derives the Ed25519 seed with which checkpoints are signed.
pub(super) fn signing_seed(audit_root: &Secret<32>) -> Secret<32> {
    expand(audit_root, &[CHECKPOINT_LABEL])
}

fn expand(root: &Secret<32>, info: &[&[u8]]) -> Secret<32> {
    let mut okm = zeroize::Zeroizing::new([0u8; 32]);
    // RFC 5869 refuses only outputs beyond 255 hashes; this is one.
    let expanded = Hkdf::<Sha256>::new(Some(SALT), root.expose()).expand_multi_info(info, okm.as_mut());
    debug_assert!(expanded.is_ok());
    Secret::new(*okm)
}

fn keyed_mac(key: &[u8; 32]) -> KeyedMac {
    let mut block = hmac::digest::Key::<KeyedMac>::default();
    if let Some(front) = block.get_mut(..32) {
        front.copy_from_slice(key);
    }
    let mac = KeyedMac::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

const SALT: &[u8] = b"sealgate/audit";
const SEGMENT_LABEL: &[u8] = b"sealgate/audit/segment/1";
const ANCHOR_LABEL: &[u8] = b"sealgate/audit/anchor/1";
const CHECKPOINT_LABEL: &[u8] = b"sealgate/audit/checkpoint/1";

/// Most keyed states kept; each takes about 200 bytes.
const KEYED_STATES: usize = 4_096;
