//! The keys of local accounts, derived from the session root.

use domain::secret::Secret;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroize;

/// The keys of local accounts.
pub struct LocalKeys {
    /// Goes into every password before it is hashed, so that a stolen table of hashes cannot be searched by itself.
    pub pepper: Secret<32>,
    /// Seals what a browser keeps about the accounts that signed in at it.
    pub browsers: Secret<32>,
}

impl LocalKeys {
    /// Derives the keys from the session root (NIST SP 800-108r1 §4, HMAC as the pseudorandom function, one block).
    #[must_use]
    pub fn derive(session_root: &Secret<32>) -> Self {
        let key = |purpose: &[u8]| Secret::new(mac(session_root, &[purpose]));
        Self { pepper: key(b"sealgate/local/pepper/1"), browsers: key(b"sealgate/local/browsers/1") }
    }
}

/// Returns the HMAC-SHA256 of fields, each under its length, so that no two lists of fields look alike (RFC 2104).
pub(super) fn mac(key: &Secret<32>, fields: &[&[u8]]) -> [u8; 32] {
    // A key shorter than the block is padded with zeros (RFC 2104 §2).
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (place, byte) in block.iter_mut().zip(key.expose()) {
        *place = *byte;
    }
    let mut mac = Hmac::<Sha256>::new(&block);
    block.as_mut_slice().zeroize();
    for field in fields {
        mac.update(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
        mac.update(field);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_byte_between_fields_changes_the_mac() {
        let key = Secret::new([7; 32]);
        assert_ne!(mac(&key, &[b"ab", b"c"]), mac(&key, &[b"a", b"bc"]));
        assert_ne!(mac(&key, &[b"ab"]), mac(&key, &[b"ab", b""]));
    }

    #[test]
    fn each_purpose_has_a_key_of_its_own() {
        let keys = LocalKeys::derive(&Secret::new([7; 32]));
        assert_ne!(keys.pepper.expose(), keys.browsers.expose());
    }
}
