//! Signed checkpoints of closed segments, and the key that signs them.
//!
//! A checkpoint is a C2SP signed note with the body of a tlog-checkpoint: anyone who has the public key
//! can check it, without any secret.
//!
//! ```text
//!   sealgate/audit/<chain id>                      origin: no name of a tenant
//!   131072                                         entries from the first to the end of the segment
//!   <base64: RFC 6962 root over all of them>
//!   segment <base64: root over the last 65,536>    extension line: lets one segment be checked alone
//!
//!   — sealgate/audit/<chain id> <base64: key hash 4 | Ed25519 signature 64>
//! ```
//!
//! The leaves are the canonical bytes of the entries, MACs included. The key hash is the first four bytes
//! of `SHA-256(key name | 0x0A | 0x01 | public key)`. A later checkpoint covers all earlier entries, so
//! whoever keeps only the newest one can still tell whether the past was rewritten.

use super::keys::signing_seed;
use super::merkle::Tree;
use super::{Break, BreakKind, ChainHead, ChainId, SEGMENT_ENTRIES};
use crate::secret::Secret;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

/// What the checkpoint of a closed segment states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// The chain.
    pub chain: ChainId,
    /// The closed segment, counted from 0.
    pub segment: u64,
    /// Merkle root over every entry up to the end of the segment.
    pub root: [u8; 32],
    /// Merkle root over the entries of the segment alone.
    pub segment_root: [u8; 32],
}

impl Checkpoint {
    /// States the next segment: `earlier` are the checkpoints of all segments before it, lowest first.
    #[must_use]
    pub fn following(chain: ChainId, earlier: &[Checkpoint], segment_root: [u8; 32]) -> Self {
        let mut tree = Tree::default();
        for checkpoint in earlier {
            tree.push_subtree(checkpoint.segment_root);
        }
        tree.push_subtree(segment_root);
        let segment = u64::try_from(earlier.len()).unwrap_or(u64::MAX);
        Self { chain, segment, root: tree.root(), segment_root }
    }

    /// Returns how many entries it covers, from the first.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.segment.saturating_add(1).saturating_mul(SEGMENT_ENTRIES)
    }
}

/// The Ed25519 key that signs checkpoints and exports.
pub struct CheckpointKey(SigningKey);

impl CheckpointKey {
    /// Derives from the audit root.
    #[must_use]
    pub fn derive(audit_root: &Secret<32>) -> Self {
        Self(SigningKey::from_bytes(signing_seed(audit_root).expose()))
    }

    /// Signs a checkpoint and returns the note.
    #[must_use]
    pub fn sign(&self, checkpoint: &Checkpoint) -> String {
        let body = format!(
            "{}\n{}\n{}\nsegment {}\n",
            key_name(checkpoint.chain),
            checkpoint.size(),
            STANDARD.encode(checkpoint.root),
            STANDARD.encode(checkpoint.segment_root)
        );
        self.sign_note(checkpoint.chain, &body)
    }

    /// Returns the key with which signatures are checked.
    #[must_use]
    pub fn public(&self) -> PublicKey {
        PublicKey(self.0.verifying_key())
    }

    /// Signs a note's text, which ends in a line feed.
    pub(super) fn sign_note(&self, chain: ChainId, body: &str) -> String {
        let mut signature = self.public().key_hash(chain).to_vec();
        signature.extend_from_slice(&self.0.sign(body.as_bytes()).to_bytes());
        format!("{body}\n— {} {}\n", key_name(chain), STANDARD.encode(signature))
    }
}

/// The public half: checks checkpoints and exports, and keeps no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// Renders the key as a C2SP verifier key: `name+hash+base64`, the name being the chain's.
    #[must_use]
    pub fn to_text(&self, chain: ChainId) -> String {
        let hash = u32::from_be_bytes(self.key_hash(chain));
        let mut key = alloc::vec![ED25519];
        key.extend_from_slice(self.0.as_bytes());
        format!("{}+{hash:08x}+{}", key_name(chain), STANDARD.encode(key))
    }

    /// Reads a verifier key of this chain; `None` when it is another's or damaged.
    #[must_use]
    pub fn from_text(chain: ChainId, text: &str) -> Option<Self> {
        // The alphabet of base64 has a plus sign too: the key is what follows the name and eight hex digits.
        let encoded = text.strip_prefix(&key_name(chain))?.strip_prefix('+')?.get(9..)?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (kind, key) = bytes.split_first()?;
        let key = Self(VerifyingKey::from_bytes(key.try_into().ok()?).ok()?);
        (*kind == ED25519 && key.to_text(chain) == text).then_some(key)
    }

    /// Checks a note and returns the checkpoint of the chain that it states; `None` when anything is amiss.
    #[must_use]
    pub fn open(&self, chain: ChainId, note: &str) -> Option<Checkpoint> {
        let mut lines = self.open_note(chain, note)?.lines();
        let origin = lines.next()?;
        let size: u64 = decimal(lines.next()?)?;
        let root = hash(lines.next()?)?;
        let segment_root = hash(lines.next()?.strip_prefix("segment ")?)?;
        let segment = size.div_euclid(SEGMENT_ENTRIES).checked_sub(1)?;
        let checkpoint = Checkpoint { chain, segment, root, segment_root };
        (origin == key_name(chain) && checkpoint.size() == size && lines.next().is_none()).then_some(checkpoint)
    }

    /// Checks a note's signature and returns its text.
    pub(super) fn open_note<'n>(&self, chain: ChainId, note: &'n str) -> Option<&'n str> {
        let split = note.rfind("\n\n")?.checked_add(1)?;
        let (body, rest) = note.split_at_checked(split)?;
        let signature =
            rest.strip_prefix("\n— ")?.strip_prefix(&key_name(chain))?.strip_prefix(' ')?.strip_suffix('\n')?;
        let signature = STANDARD.decode(signature).ok()?;
        let (hash, signature) = signature.split_first_chunk::<4>()?;
        let signature = Signature::from_slice(signature).ok()?;
        let genuine = *hash == self.key_hash(chain) && self.0.verify_strict(body.as_bytes(), &signature).is_ok();
        genuine.then_some(body)
    }

    fn key_hash(&self, chain: ChainId) -> [u8; 4] {
        let mut hash = Sha256::new();
        hash.update(key_name(chain).as_bytes());
        hash.update([b'\n', ED25519]);
        hash.update(self.0.as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = hash.finalize().into();
        [a, b, c, d]
    }
}

/// Checks all checkpoints of a chain against each other, against its head and against the roots that were
/// computed from its entries; returns them, lowest first.
///
/// `roots` need not hold every segment: those that were not read are vouched for by signature alone.
///
/// # Errors
/// [`BreakKind::CheckpointBad`] at the first entry of the first segment whose checkpoint does not hold;
/// [`BreakKind::Truncated`] when the chain is shorter than its checkpoints.
pub fn check_checkpoints(
    chain: ChainId,
    public: &PublicKey,
    notes: &[(u64, String)],
    head: &ChainHead,
    roots: &BTreeMap<u64, [u8; 32]>,
) -> Result<Vec<Checkpoint>, Break> {
    let mut tree = Tree::default();
    let mut found = Vec::with_capacity(notes.len());
    for (expected, (segment, note)) in (0u64..).zip(notes) {
        let sequence = expected.saturating_mul(SEGMENT_ENTRIES).saturating_add(1);
        let bad = Break { chain, sequence, kind: BreakKind::CheckpointBad };
        let checkpoint = public.open(chain, note).ok_or(bad)?;
        tree.push_subtree(checkpoint.segment_root);
        let read = roots.get(&expected).is_none_or(|root| *root == checkpoint.segment_root);
        if *segment != expected || checkpoint.segment != expected || checkpoint.root != tree.root() || !read {
            return Err(bad);
        }
        if checkpoint.size() > head.length {
            let sequence = head.length.saturating_add(1);
            return Err(Break { chain, sequence, kind: BreakKind::Truncated });
        }
        found.push(checkpoint);
    }
    Ok(found)
}

/// Returns the name of the chain's key, which is also the origin of its checkpoints.
pub(super) fn key_name(chain: ChainId) -> String {
    format!("sealgate/audit/{chain}")
}

/// Reads a base64 hash; the encoding has one form only.
pub(super) fn hash(text: &str) -> Option<[u8; 32]> {
    STANDARD.decode(text).ok()?.try_into().ok()
}

/// Reads a decimal number without leading zeros.
pub(super) fn decimal(text: &str) -> Option<u64> {
    text.parse::<u64>().ok().filter(|number| number.to_string() == text)
}

/// The algorithm byte of Ed25519 in C2SP signed notes.
const ED25519: u8 = 1;
