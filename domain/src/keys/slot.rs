//! Custody slots: the roots, wrapped under something a person or a machine holds.
//!
//! ```text
//!   secret (passphrase | support code)  ── Argon2id(salt, parameters) ──┐
//!   secret (credential file)            ── HKDF-SHA256(salt = slot id) ─┴─► slot key 32
//!
//!   check    = HMAC-SHA256(slot key, "sealgate/slot/check/1"), first 16 bytes
//!   wrapped  = the roots, wrapped under the slot key; authenticated: id, kind, parameters
//! ```
//!
//! Every slot opens the same roots, so adding or removing one re-encrypts nothing. The check tells
//! a wrong secret from a damaged file. Parameters are bounded before they are used: a forged file
//! cannot make the gateway fill its memory or work for hours.

use super::hex;
use super::wrap::{unwrap, wrap};
use super::{Fields, MacKey, Roots};
use crate::ports::{Entropy, Unavailable};
use crate::secret::{Secret, constant_time_eq};
use alloc::vec::Vec;
use argon2::{Algorithm, Argon2, Params, Version};
use core::fmt;
use hkdf::Hkdf;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use zeroize::Zeroizing;

/// One way to the roots, as it is stored in the key file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its number in the key file; never used again after the slot is removed.
    pub id: u32,
    /// What opens it.
    pub kind: SlotKind,
    /// How the secret becomes a key; `None` for a credential file, which is a key already.
    pub kdf: Option<KdfParams>,
    /// The wrapped roots.
    #[serde(with = "hex")]
    pub wrapped: Vec<u8>,
    /// Tells a wrong secret from a damaged slot.
    #[serde(with = "hex")]
    pub check: [u8; 16],
}

/// What opens a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SlotKind {
    /// Something a person knows.
    Passphrase,
    /// Something printed once and kept in a safe; see [`super::SupportCode`].
    SupportCode,
    /// At least 32 random bytes in a file that only the gateway may read.
    CredentialFile,
}

/// How Argon2id makes a key out of a secret (RFC 9106).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KdfParams {
    /// Memory in KiB, at least 8 a lane, at most [`MAX_MEMORY_KIB`].
    pub memory_kib: u32,
    /// Passes over it, at least 1, at most [`MAX_PASSES`].
    pub passes: u32,
    /// Lanes, at least 1, at most [`MAX_LANES`].
    pub lanes: u32,
    /// Drawn for this slot.
    #[serde(with = "hex")]
    pub salt: [u8; 16],
}

/// The most memory a slot may ask for: 1 GiB.
pub const MAX_MEMORY_KIB: u32 = 1024 * 1024;
/// The most passes a slot may ask for.
pub const MAX_PASSES: u32 = 10;
/// The most lanes a slot may ask for.
pub const MAX_LANES: u32 = 16;
/// The least length of a credential file, in bytes.
pub const MIN_CREDENTIAL: usize = 32;

impl KdfParams {
    /// Draws a salt for the given costs.
    ///
    /// # Errors
    /// [`Unavailable`] when the source of randomness fails.
    pub fn draw(memory_kib: u32, passes: u32, lanes: u32, entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt)?;
        Ok(Self { memory_kib, passes, lanes, salt })
    }

    /// Draws a salt for 256 MiB, 3 passes and 4 lanes: about a second on one core of 2024.
    ///
    /// # Errors
    /// [`Unavailable`] when the source of randomness fails.
    pub fn recommended(entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        Self::draw(256 * 1024, 3, 4, entropy)
    }
}

/// Why a slot cannot be made or opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotFault {
    /// The secret is not the slot's.
    Wrong,
    /// The slot asks for what is out of bounds; the text names the bound.
    Refused(&'static str),
    /// The secret fits and the roots do not open: the slot was damaged or changed.
    Broken,
    /// The source of randomness does not answer.
    Unavailable,
}

impl fmt::Display for SlotFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SlotFault::Wrong => f.write_str("the secret does not open this key slot"),
            SlotFault::Refused(bound) => write!(f, "the key slot is refused: {bound}"),
            SlotFault::Broken => f.write_str("the key slot is damaged: its secret fits, its content does not open"),
            SlotFault::Unavailable => f.write_str("the source of randomness did not answer"),
        }
    }
}

impl core::error::Error for SlotFault {}

impl Slot {
    /// Wraps the roots under a secret. Takes as long as the parameters say: keep it off the async workers.
    ///
    /// # Errors
    /// [`SlotFault::Refused`] when parameters are missing, superfluous or out of bounds, or the
    /// credential is too short; [`SlotFault::Unavailable`] when the source of randomness fails.
    pub fn seal(
        id: u32,
        roots: &Roots,
        kind: SlotKind,
        secret: &[u8],
        kdf: Option<KdfParams>,
        entropy: &dyn Entropy,
    ) -> Result<Self, SlotFault> {
        let mut slot = Self { id, kind, kdf, wrapped: Vec::new(), check: [0; 16] };
        let key = slot.key(secret)?;
        slot.check = check(&key);
        slot.wrapped = wrap(&key, &slot.aad(), roots.to_bytes().expose(), entropy)
            .map_err(|Unavailable| SlotFault::Unavailable)?;
        Ok(slot)
    }

    /// Opens the roots. Takes as long as the parameters say: keep it off the async workers.
    ///
    /// # Errors
    /// [`SlotFault`]; [`SlotFault::Wrong`] also when salt or parameters were changed within their
    /// bounds, since then the right secret gives another key.
    pub fn open(&self, secret: &[u8]) -> Result<Roots, SlotFault> {
        let key = self.key(secret)?;
        if !constant_time_eq(&check(&key), &self.check) {
            return Err(SlotFault::Wrong);
        }
        let clear = unwrap(&key, &self.aad(), &self.wrapped).ok_or(SlotFault::Broken)?;
        Roots::from_bytes(clear.expose()).ok_or(SlotFault::Broken)
    }

    fn key(&self, secret: &[u8]) -> Result<Secret<32>, SlotFault> {
        match (self.kind, &self.kdf) {
            (SlotKind::Passphrase | SlotKind::SupportCode, Some(kdf)) => argon2id(secret, kdf),
            (SlotKind::CredentialFile, None) if secret.len() < MIN_CREDENTIAL => {
                Err(SlotFault::Refused("a credential file has at least 32 bytes"))
            }
            (SlotKind::CredentialFile, None) => {
                let mut key = Zeroizing::new([0; 32]);
                Hkdf::<Sha256>::new(Some(&self.id.to_be_bytes()), secret)
                    .expand(b"sealgate/slot/credential/1", key.as_mut_slice())
                    .map_err(|_| SlotFault::Broken)?;
                Ok(Secret::new(*key))
            }
            (SlotKind::Passphrase | SlotKind::SupportCode, None) => {
                Err(SlotFault::Refused("a passphrase or support code needs Argon2id parameters"))
            }
            (SlotKind::CredentialFile, Some(_)) => {
                Err(SlotFault::Refused("a credential file takes no Argon2id parameters"))
            }
        }
    }

    fn aad(&self) -> Fields {
        let kind: u8 = match self.kind {
            SlotKind::Passphrase => 1,
            SlotKind::SupportCode => 2,
            SlotKind::CredentialFile => 3,
        };
        let fields = Fields::of("sealgate/slot/1").with(&self.id.to_be_bytes()).with(&[kind]);
        let Some(kdf) = &self.kdf else { return fields };
        fields
            .with(&kdf.memory_kib.to_be_bytes())
            .with(&kdf.passes.to_be_bytes())
            .with(&kdf.lanes.to_be_bytes())
            .with(&kdf.salt)
    }
}

fn argon2id(secret: &[u8], kdf: &KdfParams) -> Result<Secret<32>, SlotFault> {
    if kdf.memory_kib > MAX_MEMORY_KIB {
        return Err(SlotFault::Refused("more than 1 GiB of memory"));
    }
    if kdf.passes > MAX_PASSES {
        return Err(SlotFault::Refused("more than 10 passes"));
    }
    if kdf.lanes > MAX_LANES {
        return Err(SlotFault::Refused("more than 16 lanes"));
    }
    let params = Params::new(kdf.memory_kib, kdf.passes, kdf.lanes, Some(32))
        .map_err(|_| SlotFault::Refused("fewer than 1 pass, 1 lane or 8 KiB of memory a lane"))?;
    let mut key = Zeroizing::new([0; 32]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(secret, &kdf.salt, key.as_mut_slice())
        .map_err(|_| SlotFault::Refused("the memory it asks for is not to be had"))?;
    Ok(Secret::new(*key))
}

fn check(key: &Secret<32>) -> [u8; 16] {
    let mac = MacKey::new(key).mac(&[b"sealgate/slot/check/1"]);
    mac.first_chunk().copied().unwrap_or_default()
}
