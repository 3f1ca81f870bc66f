//! The RSA keys that sign ID tokens: those of the crate that has OpenSSL.

use domain::ports::Unavailable;
use domain::secret::SecretBytes;
use smart::RsaKeys;

/// Makes keys and signs with them.
pub struct IdTokenKeys;

impl RsaKeys for IdTokenKeys {
    fn make(&self) -> Result<SecretBytes, Unavailable> {
        sso::rsa::make()
    }

    fn public(&self, key: &SecretBytes) -> Result<(Vec<u8>, Vec<u8>), Unavailable> {
        sso::rsa::public(key)
    }

    fn sign(&self, key: &SecretBytes, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        sso::rsa::sign(key, message)
    }
}
