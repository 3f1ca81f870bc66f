//! RSA keys that sign what we say ourselves. OpenSSL's run in constant time; they are here because OpenSSL is.

use domain::ports::Unavailable;
use domain::secret::SecretBytes;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::sign::Signer;

/// Bits of a key that is made.
const BITS: u32 = 2048;

/// Makes a private key (PKCS #8, DER); openssl draws the randomness.
///
/// # Errors
/// [`Unavailable`] when it cannot be made.
pub fn make() -> Result<SecretBytes, Unavailable> {
    let made = || PKey::from_rsa(Rsa::generate(BITS)?)?.private_key_to_pkcs8();
    made().map(SecretBytes::new).map_err(|_| Unavailable)
}

/// Returns the modulus and the exponent of a private key, big-endian without leading zeros.
///
/// # Errors
/// [`Unavailable`] when the key cannot be read.
pub fn public(key: &SecretBytes) -> Result<(Vec<u8>, Vec<u8>), Unavailable> {
    let read = || -> Result<_, ErrorStack> {
        let rsa = PKey::private_key_from_pkcs8(key.expose())?.rsa()?;
        Ok((rsa.n().to_vec(), rsa.e().to_vec()))
    };
    read().map_err(|_| Unavailable)
}

/// Signs by RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3, RS256).
///
/// # Errors
/// [`Unavailable`] when the key cannot be read.
pub fn sign(key: &SecretBytes, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
    let signed = || -> Result<_, ErrorStack> {
        let key = PKey::private_key_from_pkcs8(key.expose())?;
        let mut signer = Signer::new(MessageDigest::sha256(), &key)?;
        signer.sign_oneshot_to_vec(message)
    };
    signed().map_err(|_| Unavailable)
}

#[cfg(test)]
mod tests {
    use super::*;
    use openssl::bn::BigNum;
    use openssl::sign::Verifier;

    #[test]
    fn what_a_key_signs_its_public_half_verifies() {
        let key = make().unwrap();
        let (modulus, exponent) = public(&key).unwrap();
        assert_eq!((modulus.len(), exponent.as_slice()), (256, &[1, 0, 1][..]));
        let number = |bytes: &[u8]| BigNum::from_slice(bytes).unwrap();
        let theirs = PKey::from_rsa(Rsa::from_public_components(number(&modulus), number(&exponent)).unwrap()).unwrap();
        let signature = sign(&key, b"message").unwrap();
        let verifies = |message: &[u8]| {
            let mut verifier = Verifier::new(MessageDigest::sha256(), &theirs).unwrap();
            verifier.verify_oneshot(&signature, message).unwrap()
        };
        assert!(verifies(b"message") && !verifies(b"massage"));
        assert!(public(&SecretBytes::new(b"no key".to_vec())).is_err());
    }
}
