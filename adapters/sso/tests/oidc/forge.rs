//! Keys made at run time and tokens signed with them, right or wrong.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openssl::bn::{BigNum, BigNumContext};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::hash::{MessageDigest, hash};
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use serde_json::{Value, json};
use std::sync::LazyLock;

/// A key that signs.
pub(crate) enum Key {
    Rsa(PKey<Private>),
    P256(EcKey<Private>),
    Shared(Vec<u8>),
    /// Signs by nothing at all.
    None,
}

/// The provider's RSA key.
pub(crate) static RSA: LazyLock<Key> = LazyLock::new(|| rsa(2048));
/// Another RSA key, the provider's next or somebody else's.
pub(crate) static OTHER: LazyLock<Key> = LazyLock::new(|| rsa(2048));
/// An RSA key that is too short.
pub(crate) static SHORT: LazyLock<Key> = LazyLock::new(|| rsa(1024));
/// The provider's elliptic key.
pub(crate) static EC: LazyLock<Key> =
    LazyLock::new(|| Key::P256(EcKey::generate(&EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap()).unwrap()));

fn rsa(bits: u32) -> Key {
    Key::Rsa(PKey::from_rsa(Rsa::generate(bits).unwrap()).unwrap())
}

impl Key {
    /// The public part as the provider publishes it.
    pub(crate) fn public(&self, kid: Option<&str>) -> Value {
        let number = |number: BigNum| encode(&number.to_vec());
        let mut key = match self {
            Key::Rsa(key) => {
                let rsa = key.rsa().unwrap();
                json!({ "kty": "RSA", "use": "sig", "n": number(rsa.n().to_owned().unwrap()), "e": number(rsa.e().to_owned().unwrap()) })
            }
            Key::P256(key) => {
                let (mut x, mut y, mut context) =
                    (BigNum::new().unwrap(), BigNum::new().unwrap(), BigNumContext::new().unwrap());
                key.public_key().affine_coordinates(key.group(), &mut x, &mut y, &mut context).unwrap();
                let padded = |number: &BigNum| encode(&number.to_vec_padded(32).unwrap());
                json!({ "kty": "EC", "use": "sig", "crv": "P-256", "x": padded(&x), "y": padded(&y) })
            }
            Key::Shared(_) | Key::None => panic!("has no public part"),
        };
        if let Some(kid) = kid {
            key["kid"] = json!(kid);
        }
        key
    }

    /// The public part in PEM form, which the confusion of RSA and HMAC takes as a secret.
    pub(crate) fn public_pem(&self) -> Vec<u8> {
        match self {
            Key::Rsa(key) => key.public_key_to_pem().unwrap(),
            _ => panic!("an RSA key is confused"),
        }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        match self {
            Key::Rsa(key) => Signer::new(MessageDigest::sha256(), key).unwrap().sign_oneshot_to_vec(message).unwrap(),
            Key::P256(key) => {
                let signature = EcdsaSig::sign(&hash(MessageDigest::sha256(), message).unwrap(), key).unwrap();
                [signature.r().to_vec_padded(32).unwrap(), signature.s().to_vec_padded(32).unwrap()].concat()
            }
            Key::Shared(secret) => {
                let key = PKey::hmac(secret).unwrap();
                Signer::new(MessageDigest::sha256(), &key).unwrap().sign_oneshot_to_vec(message).unwrap()
            }
            Key::None => Vec::new(),
        }
    }

    /// A token with this header and these claims.
    pub(crate) fn token(&self, header: &Value, claims: &Value) -> String {
        self.token_of(&header.to_string(), &claims.to_string())
    }

    /// A token of these very texts.
    pub(crate) fn token_of(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", encode(header.as_bytes()), encode(claims.as_bytes()));
        let signature = self.sign(signed.as_bytes());
        format!("{signed}.{}", encode(&signature))
    }
}

/// The left half of the SHA-256 of an access token, as `at_hash` has it.
pub(crate) fn at_hash(access_token: &str) -> String {
    encode(&hash(MessageDigest::sha256(), access_token.as_bytes()).unwrap()[..16])
}

/// The S256 challenge of a PKCE verifier.
pub(crate) fn challenge(verifier: &str) -> String {
    encode(&hash(MessageDigest::sha256(), verifier.as_bytes()).unwrap())
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn decode(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap()
}
