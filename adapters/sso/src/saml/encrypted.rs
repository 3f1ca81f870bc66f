//! The form of an encrypted assertion: which keys are wrapped how, and the ciphertext.
//!
//! ```text
//!   EncryptedAssertion
//!     EncryptedData
//!       EncryptionMethod          AES-128 or AES-256, GCM or CBC
//!       KeyInfo
//!         EncryptedKey …          RSA-OAEP; at most four, here or beside EncryptedData
//!       CipherData / CipherValue
//! ```

use super::facts::value;
use super::names::{
    AES128_CBC, AES128_GCM, AES256_CBC, AES256_GCM, ASSERTION, DSIG, MGF1_SHA1, MGF1_SHA256, RSA_OAEP, RSA_OAEP_MGF1P,
    SHA1, SHA256, XENC, XENC11,
};
use super::refusal::Refusal;
use super::xml::Element;

/// An encrypted assertion as it came.
#[derive(Clone, PartialEq, Eq)]
pub struct Encrypted {
    /// The cipher.
    pub(super) cipher: Cipher,
    /// The same key, wrapped for one or several of our certificates.
    pub(super) keys: Vec<WrappedKey>,
    /// The ciphertext in base64.
    pub(super) text: String,
}

/// The cipher of an assertion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cipher {
    /// AES with a 128-bit key, CBC mode.
    Aes128Cbc,
    /// AES with a 256-bit key, CBC mode.
    Aes256Cbc,
    /// AES with a 128-bit key, Galois/Counter mode.
    Aes128Gcm,
    /// AES with a 256-bit key, Galois/Counter mode.
    Aes256Gcm,
}

/// A key wrapped by RSA-OAEP.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct WrappedKey {
    /// The hash of the label.
    pub(super) digest: Digest,
    /// The hash of the mask.
    pub(super) mask: Digest,
    /// The wrapped key in base64.
    pub(super) text: String,
}

/// A hash within RSA-OAEP, where SHA-1 is as good as any (RFC 8017 §B.1 needs no collision resistance of it).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    /// SHA-1, the default of XML Encryption.
    Sha1,
    /// SHA-256.
    Sha256,
}

/// Most wrapped keys of one assertion.
const MAX_KEYS: usize = 4;

impl Encrypted {
    /// Reads an element `EncryptedAssertion`.
    ///
    /// # Errors
    /// [`Refusal::EncryptedAssertion`]: another form, another algorithm.
    pub(super) fn read(element: &Element) -> Result<Self, Refusal> {
        read(element).ok_or(Refusal::EncryptedAssertion)
    }
}

fn read(element: &Element) -> Option<Encrypted> {
    let data = element.only(XENC, "EncryptedData").filter(|_| element.is(ASSERTION, "EncryptedAssertion"))?;
    let beside = element.all(XENC, "EncryptedKey");
    let within = data.all(DSIG, "KeyInfo").flat_map(|info| info.all(XENC, "EncryptedKey"));
    let keys: Vec<_> = within.chain(beside).map(wrapped_key).collect::<Option<_>>()?;
    let cipher = match data.only(XENC, "EncryptionMethod")?.attribute("Algorithm")? {
        AES128_CBC => Cipher::Aes128Cbc,
        AES256_CBC => Cipher::Aes256Cbc,
        AES128_GCM => Cipher::Aes128Gcm,
        AES256_GCM => Cipher::Aes256Gcm,
        _ => return None,
    };
    let keys = Some(keys).filter(|keys| (1..=MAX_KEYS).contains(&keys.len()))?;
    Some(Encrypted { cipher, keys, text: cipher_value(data)? })
}

fn wrapped_key(element: &Element) -> Option<WrappedKey> {
    let method = element.only(XENC, "EncryptionMethod")?;
    let digest = match method.all(DSIG, "DigestMethod").next().map(|digest| digest.attribute("Algorithm")) {
        None | Some(Some(SHA1)) => Digest::Sha1,
        Some(Some(SHA256)) => Digest::Sha256,
        Some(_) => return None,
    };
    let named = method.all(XENC11, "MGF").next().map(|mask| mask.attribute("Algorithm"));
    let mask = match (method.attribute("Algorithm")?, named) {
        (RSA_OAEP_MGF1P, None) | (RSA_OAEP, None | Some(Some(MGF1_SHA1))) => Digest::Sha1,
        (RSA_OAEP, Some(Some(MGF1_SHA256))) => Digest::Sha256,
        _ => return None,
    };
    // A label other than the empty one has never been seen in SAML.
    let label = method.all(XENC, "OAEPparams").all(|label| label.text() == Some(""));
    label.then_some(WrappedKey { digest, mask, text: cipher_value(element)? })
}

fn cipher_value(element: &Element) -> Option<String> {
    value(element.only(XENC, "CipherData")?.only(XENC, "CipherValue")?).ok()
}
