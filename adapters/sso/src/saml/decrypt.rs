//! Opens encrypted assertions (XML Encryption 1.1), with one answer to everything that is wrong.
//!
//! What is opened comes from anybody, for our certificate is public. So a wrapped key that does not open is replaced by a
//! random one and the work goes on: who asks learns nothing from the time it takes, and there is one refusal.

use super::encrypted::{Cipher, Digest, Encrypted, WrappedKey};
use super::gate::LIMITS;
use super::keys::KeyPair;
use super::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use domain::ports::Entropy;
use openssl::encrypt::Decrypter;
use openssl::hash::MessageDigest;
use openssl::rsa::Padding;
use openssl::symm;
use zeroize::Zeroizing;

/// Opens an assertion by the first of the keys that it was encrypted for, and returns its text.
///
/// # Errors
/// [`Refusal::EncryptedAssertion`] whatever is wrong; [`Refusal::Unavailable`] without randomness.
pub(super) fn open(sealed: &Encrypted, keys: &[KeyPair], entropy: &dyn Entropy) -> Result<Zeroizing<String>, Refusal> {
    let mut key = Zeroizing::new([0; 32]);
    entropy.fill(key.as_mut_slice()).map_err(|_| Refusal::Unavailable)?;
    let length = sealed.cipher.key_length();
    for wrapped in &sealed.keys {
        for pair in keys {
            if let Some(found) = unwrap(wrapped, pair).filter(|found| found.len() == length) {
                key.iter_mut().zip(found.iter()).for_each(|(byte, found)| *byte = *found);
            }
        }
    }
    let text = key.get(..length).and_then(|key| decrypt(sealed, key));
    text.and_then(|text| String::from_utf8(text.to_vec()).ok()).map(Zeroizing::new).ok_or(Refusal::EncryptedAssertion)
}

impl Cipher {
    const fn key_length(self) -> usize {
        match self {
            Cipher::Aes128Cbc | Cipher::Aes128Gcm => 16,
            Cipher::Aes256Cbc | Cipher::Aes256Gcm => 32,
        }
    }

    fn implementation(self) -> symm::Cipher {
        match self {
            Cipher::Aes128Cbc => symm::Cipher::aes_128_cbc(),
            Cipher::Aes256Cbc => symm::Cipher::aes_256_cbc(),
            Cipher::Aes128Gcm => symm::Cipher::aes_128_gcm(),
            Cipher::Aes256Gcm => symm::Cipher::aes_256_gcm(),
        }
    }
}

impl Digest {
    fn implementation(self) -> MessageDigest {
        match self {
            Digest::Sha1 => MessageDigest::sha1(),
            Digest::Sha256 => MessageDigest::sha256(),
        }
    }
}

fn unwrap(wrapped: &WrappedKey, pair: &KeyPair) -> Option<Zeroizing<Vec<u8>>> {
    let sealed = decode(&wrapped.text)?;
    let mut decrypter = Decrypter::new(pair.key()).ok()?;
    decrypter.set_rsa_padding(Padding::PKCS1_OAEP).ok()?;
    decrypter.set_rsa_oaep_md(wrapped.digest.implementation()).ok()?;
    decrypter.set_rsa_mgf1_md(wrapped.mask.implementation()).ok()?;
    let mut key = Zeroizing::new(vec![0; decrypter.decrypt_len(&sealed).ok()?]);
    let length = decrypter.decrypt(&sealed, &mut key).ok()?;
    key.truncate(length);
    Some(key)
}

/// ```text
///   GCM   iv 12 | ciphertext | tag 16       XML Encryption 1.1 §5.2.4
///   CBC   iv 16 | ciphertext                §5.2.2; the last byte of the clear text says how many bytes are padding
/// ```
fn decrypt(sealed: &Encrypted, key: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let bytes = decode(&sealed.text)?;
    let cipher = sealed.cipher.implementation();
    match sealed.cipher {
        Cipher::Aes128Gcm | Cipher::Aes256Gcm => {
            let (iv, rest) = bytes.split_first_chunk::<12>()?;
            let (text, tag) = rest.split_last_chunk::<16>()?;
            symm::decrypt_aead(cipher, key, Some(iv), &[], text, tag).ok().map(Zeroizing::new)
        }
        Cipher::Aes128Cbc | Cipher::Aes256Cbc => {
            let (iv, text) = bytes.split_first_chunk::<16>()?;
            let mut crypter = symm::Crypter::new(cipher, symm::Mode::Decrypt, key, Some(iv)).ok()?;
            crypter.pad(false);
            let mut clear = Zeroizing::new(vec![0; text.len().checked_add(16)?]);
            let updated = crypter.update(text, &mut clear).ok()?;
            let length = updated.checked_add(crypter.finalize(clear.get_mut(updated..)?).ok()?)?;
            clear.truncate(length);
            let padding = usize::from(*clear.last()?);
            let kept = length.checked_sub(padding).filter(|_| (1..=16).contains(&padding))?;
            clear.truncate(kept);
            Some(clear)
        }
    }
}

fn decode(text: &str) -> Option<Vec<u8>> {
    if text.len() > LIMITS.bytes {
        return None;
    }
    STANDARD.decode(text.bytes().filter(|b| !b.is_ascii_whitespace()).collect::<Vec<_>>()).ok()
}
