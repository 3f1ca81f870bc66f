//! The support code: 160 random bits, written so that a person can read and type them.

use crate::ports::{Entropy, Unavailable};
use crate::secret::Secret;
use alloc::string::String;
use core::fmt;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A secret printed once, kept in a safe, and typed when nothing else opens the roots.
///
/// ```text
///   XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-XXXX-CCCC
///   X  160 random bits, 5 a character, in Crockford's base 32 (no I, L, O, U)
///   C  the first 20 bits of SHA-256("sealgate/support-code/1" | the 20 bytes): finds a mistyped code at once
/// ```
pub struct SupportCode(Secret<20>);

/// Why a text is no support code. It does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SupportCodeFault {
    /// It has not 36 characters beside hyphens and spaces.
    Length,
    /// A character is none of the 32.
    Character,
    /// Every character is possible, the check does not fit: one is mistyped or two are swapped.
    Check,
}

impl fmt::Display for SupportCodeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SupportCodeFault::Length => "a support code has nine groups of four characters",
            SupportCodeFault::Character => "a support code has only digits and letters without I, L, O and U",
            SupportCodeFault::Check => "the support code is mistyped: its last group does not fit the others",
        })
    }
}

impl core::error::Error for SupportCodeFault {}

impl SupportCode {
    /// Draws a support code.
    ///
    /// # Errors
    /// [`Unavailable`] when the source of randomness fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        Secret::fill(entropy).map(Self)
    }

    /// Reads a support code in either case, with or without hyphens and spaces; `O` reads as 0, `I` and `L` as 1.
    ///
    /// # Errors
    /// [`SupportCodeFault`].
    pub fn parse(text: &str) -> Result<Self, SupportCodeFault> {
        let mut digits = Zeroizing::new([0u8; CHARACTERS]);
        let mut places = digits.iter_mut();
        for character in text.chars().filter(|character| *character != '-' && !character.is_whitespace()) {
            *places.next().ok_or(SupportCodeFault::Length)? =
                value(character.to_ascii_uppercase()).ok_or(SupportCodeFault::Character)?;
        }
        if places.next().is_some() {
            return Err(SupportCodeFault::Length);
        }
        let mut bytes = Zeroizing::new([0u8; 20]);
        let (secret, check) = digits.split_at(32);
        for (five, group) in bytes.chunks_exact_mut(5).zip(secret.chunks_exact(8)) {
            let bits = group.iter().fold(0u64, |bits, digit| (bits << 5) | u64::from(*digit));
            five.copy_from_slice(bits.to_be_bytes().last_chunk::<5>().unwrap_or(&[0; 5]));
        }
        let code = Self(Secret::new(*bytes));
        if code.check().as_slice() == check { Ok(code) } else { Err(SupportCodeFault::Check) }
    }

    /// Renders the code in nine groups of four.
    #[must_use]
    pub fn render(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(CHARACTERS.saturating_add(8)));
        for (number, digit) in self.digits().iter().chain(&self.check()).enumerate() {
            if number != 0 && number.is_multiple_of(4) {
                text.push('-');
            }
            text.push(ALPHABET.get(usize::from(*digit)).copied().map_or('?', char::from));
        }
        text
    }

    /// Borrows the 20 bytes, the secret of a slot of kind `SupportCode`.
    #[must_use]
    pub fn expose(&self) -> &[u8; 20] {
        self.0.expose()
    }

    fn digits(&self) -> Zeroizing<[u8; 32]> {
        let mut digits = Zeroizing::new([0; 32]);
        for (group, five) in digits.chunks_exact_mut(8).zip(self.0.expose().chunks_exact(5)) {
            let mut bits = five.iter().fold(0u64, |bits, byte| (bits << 8) | u64::from(*byte));
            for digit in group.iter_mut().rev() {
                *digit = low_five(bits);
                bits >>= 5;
            }
        }
        digits
    }

    fn check(&self) -> [u8; 4] {
        let hash: [u8; 32] =
            Sha256::new().chain_update(b"sealgate/support-code/1").chain_update(self.0.expose()).finalize().into();
        let mut bits = hash.first_chunk::<4>().map_or(0, |first| u64::from(u32::from_be_bytes(*first) >> 12));
        let mut check = [0; 4];
        for digit in check.iter_mut().rev() {
            *digit = low_five(bits);
            bits >>= 5;
        }
        check
    }
}

fn low_five(bits: u64) -> u8 {
    u8::try_from(bits & 31).unwrap_or_default()
}

fn value(character: char) -> Option<u8> {
    let character = match character {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().position(|letter| char::from(*letter) == character).and_then(|at| u8::try_from(at).ok())
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARACTERS: usize = 36;
