//! Our own keys: what signs our requests and what opens assertions, with certificates for the identity provider.

use domain::time::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::x509::{X509, X509Name};
use std::fmt;
use zeroize::Zeroizing;

/// Fewest bits of an RSA key, ours or an identity provider's.
pub const MIN_RSA_BITS: u32 = 2048;

/// The keys of a service provider. The first of each list is used; all are published, and all open assertions.
///
/// To change a key: add the new one last, wait until every identity provider has read the metadata, put it first, wait
/// until the sign-ins under way are over, and take the old one away.
pub struct ServiceKeys {
    /// Sign our requests.
    pub signing: Vec<KeyPair>,
    /// Open assertions. Apart from signing, for keys are to serve one purpose.
    pub encryption: Vec<KeyPair>,
}

/// A private RSA key and its certificate.
pub struct KeyPair {
    certificate: X509,
    key: PKey<Private>,
}

/// A key pair that was made, to be kept by the caller.
pub struct MadeKeyPair {
    /// The certificate in PEM.
    pub certificate_pem: String,
    /// The private key in PEM (PKCS #8).
    pub key_pem: Zeroizing<String>,
}

/// Why a key pair cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// The certificate or the key is not readable PEM.
    Unreadable,
    /// The key is not RSA of at least 2048 bits.
    Weak,
    /// The certificate is of another key.
    Mismatch,
    /// The key could not be made.
    NotMade,
}

impl KeyPair {
    /// Reads a pair from PEM.
    ///
    /// # Errors
    /// [`KeyFault`].
    pub fn from_pem(certificate_pem: &str, key_pem: &str) -> Result<Self, KeyFault> {
        let certificate = X509::from_pem(certificate_pem.as_bytes()).map_err(|_| KeyFault::Unreadable)?;
        // A callback keeps openssl from asking the terminal for a passphrase.
        let key =
            PKey::private_key_from_pem_callback(key_pem.as_bytes(), |_| Ok(0)).map_err(|_| KeyFault::Unreadable)?;
        if key.id() != Id::RSA || key.bits() < MIN_RSA_BITS {
            return Err(KeyFault::Weak);
        }
        let public = certificate.public_key().map_err(|_| KeyFault::Unreadable)?;
        if public.public_eq(&key) { Ok(Self { certificate, key }) } else { Err(KeyFault::Mismatch) }
    }

    /// Makes an RSA key of 3072 bits and a certificate signed by itself that is valid for ten years.
    ///
    /// Identity providers pin the certificate, so its end serves nobody; openssl draws the randomness.
    ///
    /// # Errors
    /// [`KeyFault::NotMade`].
    pub fn make(name: &str, now: Timestamp) -> Result<MadeKeyPair, KeyFault> {
        make(name, now).map_err(|_| KeyFault::NotMade)
    }

    /// Returns the certificate (DER).
    ///
    /// # Errors
    /// [`KeyFault::Unreadable`].
    pub fn certificate_der(&self) -> Result<Vec<u8>, KeyFault> {
        self.certificate.to_der().map_err(|_| KeyFault::Unreadable)
    }

    pub(super) const fn key(&self) -> &PKey<Private> {
        &self.key
    }
}

fn make(name: &str, now: Timestamp) -> Result<MadeKeyPair, ErrorStack> {
    let key = PKey::from_rsa(Rsa::generate(3072)?)?;
    let mut subject = X509Name::builder()?;
    let short: String = name.chars().filter(|c| c.is_ascii_graphic()).take(64).collect();
    subject.append_entry_by_nid(Nid::COMMONNAME, if short.is_empty() { "sealgate" } else { &short })?;
    let subject = subject.build();
    let mut serial = BigNum::new()?;
    serial.rand(159, MsbOption::MAYBE_ZERO, false)?;
    let seconds = now.0.div_euclid(1_000_000);
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(serial.to_asn1_integer()?.as_ref())?;
    builder.set_subject_name(&subject)?;
    builder.set_issuer_name(&subject)?;
    builder.set_not_before(Asn1Time::from_unix(seconds.saturating_sub(DAY))?.as_ref())?;
    builder.set_not_after(Asn1Time::from_unix(seconds.saturating_add(DAY.saturating_mul(3_650)))?.as_ref())?;
    builder.set_pubkey(&key)?;
    builder.sign(&key, MessageDigest::sha256())?;
    let text = |pem: Vec<u8>| String::from_utf8(pem).unwrap_or_default();
    Ok(MadeKeyPair {
        certificate_pem: text(builder.build().to_pem()?),
        key_pem: Zeroizing::new(text(key.private_key_to_pem_pkcs8()?)),
    })
}

const DAY: i64 = 86_400;

impl fmt::Display for KeyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unreadable => "the certificate or the key is not readable PEM",
            Self::Weak => "the key is not RSA of at least 2048 bits",
            Self::Mismatch => "the certificate is of another key",
            Self::NotMade => "the key could not be made",
        })
    }
}

impl std::error::Error for KeyFault {}
