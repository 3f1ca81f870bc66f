//! A key that is used once, with a commitment to it.

use aes_gcm::aead::inout::InOutBuf;
use aes_gcm::{AeadInOut, Aes256Gcm, KeyInit, Tag};
use hkdf::{Hkdf, InvalidLength};
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// The nonce of a key that encrypts one message only.
pub(crate) const ZERO_NONCE: [u8; 12] = [0; 12];

/// An AES-256-GCM key that is used for one message, and the commitment to it.
///
/// ```text
///   okm = HKDF-SHA256(ikm = key, salt = 32 random bytes, info = purpose), 64 bytes     RFC 5869
///   okm = AES-256-GCM key 32 | commitment 32
/// ```
///
/// AES-GCM does not commit to its key: one ciphertext can open under two keys. The commitment is
/// stored beside the ciphertext and compared before anything is decrypted, so a ciphertext opens
/// under one key only. A random salt for every message makes counting of nonces needless.
pub(crate) struct OneUse {
    cipher: Aes256Gcm,
    /// Stored beside the ciphertext.
    pub(crate) commitment: [u8; 32],
}

impl OneUse {
    /// Derives the key of one message.
    ///
    /// # Errors
    /// Never for the 64 bytes asked here; HKDF refuses more than 8,160.
    pub(crate) fn derive(key: &[u8; 32], salt: &[u8; 32], purpose: &[&[u8]]) -> Result<Self, InvalidLength> {
        let mut okm = Zeroizing::new([0; 64]);
        Hkdf::<Sha256>::new(Some(salt), key).expand_multi_info(purpose, okm.as_mut_slice())?;
        let (key, rest) = okm.split_at(32);
        let mut bytes = aes_gcm::Key::<Aes256Gcm>::default();
        bytes.copy_from_slice(key);
        let cipher = Aes256Gcm::new(&bytes);
        bytes.as_mut_slice().zeroize();
        let mut commitment = [0; 32];
        commitment.copy_from_slice(rest);
        Ok(Self { cipher, commitment })
    }

    /// Encrypts in place; `None` when the text is longer than GCM allows (64 GiB).
    pub(crate) fn encrypt(&self, nonce: &[u8; 12], aad: &[u8], text: &mut [u8]) -> Option<[u8; 16]> {
        self.cipher.encrypt_inout_detached(&(*nonce).into(), aad, InOutBuf::from(text)).ok().map(Into::into)
    }

    /// Decrypts in place; `None`, and nothing decrypted, when the tag does not fit.
    pub(crate) fn decrypt(&self, nonce: &[u8; 12], aad: &[u8], text: &mut [u8], tag: [u8; 16]) -> Option<()> {
        self.cipher.decrypt_inout_detached(&(*nonce).into(), aad, InOutBuf::from(text), &Tag::from(tag)).ok()
    }
}
