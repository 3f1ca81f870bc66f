//! The sealed form: its layout, sealing and opening.
//!
//! ```text
//!   "SGR1" | suite u8 | kek_generation u32 | dek_id 16 | message_id 32 | commitment 32 | body      big-endian
//!
//!   message_id   32 random bytes
//!   key, commitment = HKDF-SHA256(ikm = data key, salt = message_id, info = "sealgate/record/1" | suite), see OneUse
//!   padded       plaintext | 0x80 | 0x00 …   up to the next multiple of 256 (ISO/IEC 7816-4)
//!
//!   suite 1      up to 1 MiB of plaintext
//!     body       ciphertext of padded | tag 16                     nonce: 12 zero bytes
//!   suite 2      above 1 MiB, up to 64 MiB
//!     body       ( ciphertext of 1 MiB | tag 16 )* , ciphertext of the rest, padded | tag 16
//!     nonce      7 zero bytes | number of the chunk u32 | 1 for the last chunk, else 0
//! ```
//!
//! The key is used for this message only, so a nonce of zero never repeats. The flag in the last
//! nonce makes a message that was cut between chunks fail (STREAM, Hoang et al. 2015). Compression
//! is inside the plaintext ([`super::content`]), frame by frame, so that one resource of a record
//! can be read without unpacking the others; the suite therefore says nothing about it.

use super::{IntegrityFailure, SealFault};
use crate::id::DataKeyId;
use crate::keys::{DataKey, Fields, OneUse};
use crate::ports::Entropy;
use crate::secret::constant_time_eq;
use alloc::vec::Vec;

/// The most bytes of plaintext that are sealed as one: 64 MiB.
pub const MAX_PLAINTEXT: usize = 64 * 1024 * 1024;

/// How the body is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// One ciphertext.
    Single,
    /// Chunks of 1 MiB.
    Chunked,
}

impl Suite {
    /// Returns the number that stands for it in the sealed form.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Suite::Single => 1,
            Suite::Chunked => 2,
        }
    }

    fn from_code(code: u8) -> Option<Self> {
        [Suite::Single, Suite::Chunked].into_iter().find(|suite| suite.code() == code)
    }

    fn nonce(self, chunk: u32, last: bool) -> [u8; 12] {
        match self {
            Suite::Single => [0; 12],
            Suite::Chunked => {
                let [a, b, c, d] = chunk.to_be_bytes();
                [0, 0, 0, 0, 0, 0, 0, a, b, c, d, u8::from(last)]
            }
        }
    }
}

/// What a sealed form says in clear; authenticated only once it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heading {
    /// How the body is laid out.
    pub suite: Suite,
    /// The generation of the tenant key that wrapped the data key when this was sealed.
    pub kek_generation: u32,
    /// The data key.
    pub data_key: DataKeyId,
    /// The salt of this message.
    pub message_id: [u8; 32],
}

/// Reads the heading of a sealed form, without any key.
///
/// # Errors
/// [`IntegrityFailure`] when this is no sealed form.
pub fn heading(sealed: &[u8]) -> Result<Heading, IntegrityFailure> {
    split(sealed).map(|(heading, _, _)| heading).ok_or(IntegrityFailure)
}

pub(super) fn seal(
    key: &DataKey,
    plaintext: &[u8],
    entropy: &dyn Entropy,
    aad: impl FnOnce(&Heading) -> Fields,
) -> Result<Vec<u8>, SealFault> {
    if plaintext.len() > MAX_PLAINTEXT {
        return Err(SealFault::TooLarge);
    }
    let mut message_id = [0; 32];
    entropy.fill(&mut message_id)?;
    let suite = if plaintext.len() > CHUNK { Suite::Chunked } else { Suite::Single };
    let heading = Heading { suite, kek_generation: key.kek_generation, data_key: key.id, message_id };
    let once = once(key, &heading).ok_or(SealFault::TooLarge)?;
    let aad = aad(&heading);

    let chunks = plaintext.len().div_ceil(CHUNK).max(1);
    let mut sealed =
        Vec::with_capacity(plaintext.len().saturating_add(HEADING + BUCKET).saturating_add(chunks.saturating_mul(TAG)));
    sealed.extend_from_slice(MAGIC);
    sealed.push(suite.code());
    sealed.extend_from_slice(&heading.kek_generation.to_be_bytes());
    sealed.extend_from_slice(heading.data_key.as_bytes());
    sealed.extend_from_slice(&message_id);
    sealed.extend_from_slice(&once.commitment);

    let mut rest = plaintext;
    let mut number: u32 = 0;
    loop {
        let start = sealed.len();
        let last = match rest.split_at_checked(CHUNK) {
            Some((chunk, after)) if !after.is_empty() => {
                sealed.extend_from_slice(chunk);
                rest = after;
                false
            }
            _ => {
                sealed.extend_from_slice(rest);
                sealed.push(0x80);
                let length = sealed.len().saturating_sub(start).next_multiple_of(BUCKET);
                sealed.resize(start.saturating_add(length), 0);
                true
            }
        };
        let text = sealed.get_mut(start..).unwrap_or_default();
        let tag = once.encrypt(&suite.nonce(number, last), aad.as_bytes(), text).ok_or(SealFault::TooLarge)?;
        sealed.extend_from_slice(&tag);
        if last {
            return Ok(sealed);
        }
        number = number.saturating_add(1);
    }
}

pub(super) fn open(
    key: &DataKey,
    sealed: &[u8],
    aad: impl FnOnce(&Heading) -> Fields,
) -> Result<Vec<u8>, IntegrityFailure> {
    open_checked(key, sealed, aad).ok_or(IntegrityFailure)
}

fn open_checked(key: &DataKey, sealed: &[u8], aad: impl FnOnce(&Heading) -> Fields) -> Option<Vec<u8>> {
    let (heading, commitment, mut body) = split(sealed)?;
    if heading.data_key != key.id || body.len() > MAX_BODY {
        return None;
    }
    let once = once(key, &heading)?;
    if !constant_time_eq(&once.commitment, commitment) {
        return None;
    }
    let aad = aad(&heading);
    let mut plain = Vec::with_capacity(body.len());
    let mut number: u32 = 0;
    loop {
        // A last chunk is longer than a full one by its padding, at most.
        let last = body.len() <= CHUNK + BUCKET + TAG;
        let (chunk, after) = if last { (body, [].as_slice()) } else { body.split_at_checked(CHUNK + TAG)? };
        let (text, tag) = chunk.split_last_chunk::<TAG>()?;
        let start = plain.len();
        plain.extend_from_slice(text);
        let text = plain.get_mut(start..)?;
        once.decrypt(&heading.suite.nonce(number, last), aad.as_bytes(), text, *tag)?;
        if last {
            break;
        }
        if heading.suite == Suite::Single {
            return None;
        }
        body = after;
        number = number.checked_add(1)?;
    }
    let length = plain.iter().rposition(|byte| *byte != 0)?;
    if plain.get(length) != Some(&0x80) || plain.len().checked_sub(length)? > BUCKET {
        return None;
    }
    plain.truncate(length);
    Some(plain)
}

fn split(sealed: &[u8]) -> Option<(Heading, &[u8; 32], &[u8])> {
    let rest = sealed.strip_prefix(MAGIC)?;
    let (suite, rest) = rest.split_first()?;
    let (kek_generation, rest) = rest.split_first_chunk::<4>()?;
    let (data_key, rest) = rest.split_first_chunk::<16>()?;
    let (message_id, rest) = rest.split_first_chunk::<32>()?;
    let (commitment, body) = rest.split_first_chunk::<32>()?;
    let heading = Heading {
        suite: Suite::from_code(*suite)?,
        kek_generation: u32::from_be_bytes(*kek_generation),
        data_key: DataKeyId(*data_key),
        message_id: *message_id,
    };
    Some((heading, commitment, body))
}

fn once(key: &DataKey, heading: &Heading) -> Option<OneUse> {
    OneUse::derive(key.secret.expose(), &heading.message_id, &[b"sealgate/record/1", &[heading.suite.code()]]).ok()
}

const MAGIC: &[u8; 4] = b"SGR1";
const HEADING: usize = 4 + 1 + 4 + 16 + 32 + 32;
const TAG: usize = 16;
const CHUNK: usize = 1024 * 1024;
const BUCKET: usize = 256;
const MAX_BODY: usize = MAX_PLAINTEXT + BUCKET + (MAX_PLAINTEXT / CHUNK + 1) * TAG;
