//! Secret bytes: boxed, wiped when dropped, never printed, copied or compared by accident.

use crate::ports::{Entropy, Unavailable};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// A secret of fixed length that stays where it was made and is wiped when dropped.
pub struct Secret<const N: usize>(Box<Zeroizing<[u8; N]>>);

impl<const N: usize> Secret<N> {
    /// Moves the bytes into the box and wipes the argument's copy.
    #[must_use]
    pub fn new(mut bytes: [u8; N]) -> Self {
        let secret = Self(Box::new(Zeroizing::new(bytes)));
        bytes.zeroize();
        secret
    }

    /// Draws a secret.
    ///
    /// # Errors
    /// [`Unavailable`] when the source of randomness fails.
    pub fn fill(entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        let mut secret = Self(Box::new(Zeroizing::new([0; N])));
        entropy.fill(secret.0.as_mut_slice())?;
        Ok(secret)
    }

    /// Copies a secret of exactly this length out of a slice; `None` at any other length.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self(Box::new(Zeroizing::new([0; N])));
        if bytes.len() != N {
            return None;
        }
        secret.0.copy_from_slice(bytes);
        Some(secret)
    }

    /// Borrows the bytes; the borrower must not keep a copy.
    #[must_use]
    pub fn expose(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for Secret<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret<{N}>")
    }
}

/// A secret of any length, wiped when dropped.
///
/// It never grows after it was made, since a growing vector leaves its old bytes behind.
pub struct SecretBytes(Zeroizing<Vec<u8>>);

impl SecretBytes {
    /// Takes over a vector; what lies in its spare capacity is wiped with it.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Borrows the bytes; the borrower must not keep a copy.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBytes")
    }
}

/// Compares two byte strings in a time that depends on their lengths only.
#[must_use]
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_secret_prints_its_name_only() {
        assert_eq!(format!("{:?}", Secret::new([0x41; 4])), "Secret<4>");
        assert_eq!(format!("{:?}", SecretBytes::new(b"AAAA".to_vec())), "SecretBytes");
    }

    #[test]
    fn a_secret_is_taken_from_a_slice_of_its_own_length_only() {
        assert_eq!(Secret::<4>::from_slice(b"abcd").map(|secret| *secret.expose()), Some(*b"abcd"));
        assert!(Secret::<4>::from_slice(b"abc").is_none());
        assert!(Secret::<4>::from_slice(b"abcde").is_none());
    }

    #[test]
    fn only_equal_bytes_compare_equal() {
        assert!(constant_time_eq(b"same", b"same"));
        assert!(!constant_time_eq(b"same", b"sane"));
        assert!(!constant_time_eq(b"same", b"same "));
    }
}
