//! Showing a provider that we are its client by a key of ours, instead of by a secret that both know: `private_key_jwt` (OpenID Connect
//! Core §9, RFC 7523 §2.2).
//!
//! ```text
//!   connection ── keys, sealed ──┬── public halves ──► /auth/oidc/keys/{connection} ──► provider
//!                                └── the one in use signs an assertion, good once and for a minute ──► token endpoint
//! ```

use super::Refusal;
use super::provider::Document;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::directory::{AssertionAudience, ClientAlgorithm, ClientKey, Hidden, OidcSettings};
use domain::ports::{Entropy, Unavailable};
use domain::secret::Secret;
use domain::time::Timestamp;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, BigNumContext, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::ecdsa::EcdsaSig;
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{Id, PKey, Private};
use openssl::rsa::Rsa;
use openssl::sign::Signer;
use openssl::x509::{X509, X509Name};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// How long an assertion is good, in seconds.
pub const ASSERTION_SECONDS: i64 = 60;

/// How long the certificate of a key is valid, in days. Providers that know keys by their certificates want a new one by then.
pub const CERTIFICATE_DAYS: i64 = 730;

/// How long before the end of its certificate a key is to be replaced, in days.
pub const WARNING_DAYS: i64 = 60;

/// What is wrong with a key of ours, or will be before long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyFault {
    /// The private key cannot be read.
    Private,
    /// The certificate cannot be read.
    Certificate,
    /// The certificate is of another key.
    Mismatch,
    /// The certificate has ended.
    Ended,
    /// The certificate ends within [`WARNING_DAYS`].
    EndsSoon,
}

impl KeyFault {
    /// Every fault.
    pub const ALL: &'static [KeyFault] =
        &[KeyFault::Private, KeyFault::Certificate, KeyFault::Mismatch, KeyFault::Ended, KeyFault::EndsSoon];

    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            KeyFault::Private => "private-key-unreadable",
            KeyFault::Certificate => "certificate-unreadable",
            KeyFault::Mismatch => "certificate-of-another-key",
            KeyFault::Ended => "certificate-ended",
            KeyFault::EndsSoon => "certificate-ends-soon",
        }
    }

    /// Returns a sentence for the operator: what it means and what to do.
    #[must_use]
    pub const fn explain(self) -> &'static str {
        match self {
            KeyFault::Private => {
                "What is stored of it cannot be read as a private key of its algorithm, so it cannot sign: `sealgate connection key make`, then `use`."
            }
            KeyFault::Certificate => {
                "Its certificate cannot be read, so it is not published and cannot sign; the others are: `sealgate connection key make`, then `use`."
            }
            KeyFault::Mismatch => {
                "Its certificate is of another key, so the provider refuses what it signs: `sealgate connection key make`, then `use`."
            }
            KeyFault::Ended => {
                "Its certificate has ended. Providers that know keys by their certificates, as Entra ID does, refuse it: `sealgate connection key make`, enter the new one there, then `use`."
            }
            KeyFault::EndsSoon => {
                "Its certificate ends soon. Make another in time, for providers that know keys by their certificates: `sealgate connection key make`, enter it there, then `use`."
            }
        }
    }

    /// Says whether nothing can be signed by the key, or nothing that is taken.
    #[must_use]
    pub const fn breaks(self) -> bool {
        match self {
            KeyFault::Private | KeyFault::Certificate | KeyFault::Mismatch => true,
            KeyFault::Ended | KeyFault::EndsSoon => false,
        }
    }
}

/// Returns when the certificate of a key ends.
#[must_use]
pub fn certificate_end(key: &ClientKey) -> Timestamp {
    key.created.plus_seconds(CERTIFICATE_DAYS.saturating_mul(DAY))
}

/// Looks at a key as it is stored; `None` where all is well with it.
#[must_use]
pub fn look_at(key: &ClientKey, now: Timestamp) -> Option<KeyFault> {
    let Ok(private) = private(key) else { return Some(KeyFault::Private) };
    let certificate = der(&key.certificate).and_then(|der| X509::from_der(&der).map_err(|_| Unavailable));
    let Ok(public) = certificate.and_then(|certificate| certificate.public_key().map_err(|_| Unavailable)) else {
        return Some(KeyFault::Certificate);
    };
    let end = certificate_end(key);
    if !public.public_eq(&private) {
        Some(KeyFault::Mismatch)
    } else if end <= now {
        Some(KeyFault::Ended)
    } else if end <= now.plus_seconds(WARNING_DAYS.saturating_mul(DAY)) {
        Some(KeyFault::EndsSoon)
    } else {
        None
    }
}

/// What is published of a connection's keys.
pub struct KeySet {
    /// The public halves of those that can be read (RFC 7517 §5), each with its certificate.
    pub json: String,
    /// How many these are.
    pub published: usize,
    /// The ids of those that cannot.
    pub left_out: Vec<String>,
}

/// Makes a key and its certificate; openssl draws the randomness. RSA takes a second.
///
/// # Errors
/// [`Unavailable`] when it cannot be made.
pub fn make(algorithm: ClientAlgorithm, now: Timestamp) -> Result<ClientKey, Unavailable> {
    let made = || -> Result<_, ErrorStack> {
        let key = draw(algorithm)?;
        Ok((Zeroizing::new(key.private_key_to_pkcs8()?), certificate(&key, now)?.to_der()?))
    };
    let (private, certificate) = made().map_err(|_| Unavailable)?;
    let mut id = thumbprint(&certificate);
    id.truncate(ID_CHARACTERS);
    let private = Hidden::new(STANDARD.encode(&*private));
    Ok(ClientKey { id, algorithm, private, certificate: STANDARD.encode(certificate), created: now.to_millisecond() })
}

/// Renders the public halves of keys; one that cannot be read takes no other away.
#[must_use]
pub fn key_set(keys: &[ClientKey]) -> KeySet {
    let (mut published, mut left_out) = (Vec::new(), Vec::new());
    for key in keys {
        match public(key) {
            Ok(jwk) => published.push(jwk),
            Err(Unavailable) => left_out.push(key.id.clone()),
        }
    }
    KeySet { published: published.len(), json: json!({ "keys": published }).to_string(), left_out }
}

/// Renders the certificate of a key in PEM.
///
/// # Errors
/// [`Unavailable`] when it cannot be read.
pub fn certificate_pem(key: &ClientKey) -> Result<String, Unavailable> {
    let pem = X509::from_der(&der(&key.certificate)?).and_then(|certificate| certificate.to_pem());
    String::from_utf8(pem.map_err(|_| Unavailable)?).map_err(|_| Unavailable)
}

/// Signs that we are the client, for one request to the token endpoint.
pub(super) fn assertion(
    key: &ClientKey,
    settings: &OidcSettings,
    document: &Document,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> Result<Hidden, Refusal> {
    let certificate = der(&key.certificate).map_err(|Unavailable| Refusal::ClientKey)?;
    // One that cannot be read was never published: the provider would refuse us, with a word that says less.
    X509::from_der(&certificate).map_err(|_| Refusal::ClientKey)?;
    let header = json!({
        "alg": key.algorithm.name(), "typ": "JWT", "kid": key.id,
        // By this Entra ID finds the certificate.
        "x5t#S256": thumbprint(&certificate),
    });
    let name = Secret::<16>::fill(entropy).map_err(|_| Refusal::Store)?;
    let issued = now.0.div_euclid(1_000_000);
    let audience = match settings.assertion_audience {
        AssertionAudience::TokenEndpoint => &document.token_endpoint,
        AssertionAudience::Issuer => &settings.issuer,
    };
    let claims = json!({
        "iss": settings.client_id, "sub": settings.client_id, "aud": audience,
        "jti": URL_SAFE_NO_PAD.encode(name.expose()),
        "iat": issued, "exp": issued.saturating_add(ASSERTION_SECONDS),
    });
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let message = format!("{}.{}", part(&header), part(&claims));
    let signature = sign(key, message.as_bytes()).map_err(|Unavailable| Refusal::ClientKey)?;
    Ok(Hidden::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
}

fn draw(algorithm: ClientAlgorithm) -> Result<PKey<Private>, ErrorStack> {
    match algorithm {
        ClientAlgorithm::Es256 => {
            PKey::from_ec_key(EcKey::generate(EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?.as_ref())?)
        }
        ClientAlgorithm::Rs256 => PKey::from_rsa(Rsa::generate(RSA_BITS)?),
    }
}

fn certificate(key: &PKey<Private>, now: Timestamp) -> Result<X509, ErrorStack> {
    let mut subject = X509Name::builder()?;
    subject.append_entry_by_nid(Nid::COMMONNAME, "sealgate")?;
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
    let end = seconds.saturating_add(DAY.saturating_mul(CERTIFICATE_DAYS));
    builder.set_not_after(Asn1Time::from_unix(end)?.as_ref())?;
    builder.set_pubkey(key)?;
    builder.sign(key, MessageDigest::sha256())?;
    Ok(builder.build())
}

/// Renders the public half of a key as its certificate has it.
fn public(key: &ClientKey) -> Result<Value, Unavailable> {
    let certificate = der(&key.certificate)?;
    let read = || -> Result<Value, ErrorStack> {
        let public = X509::from_der(&certificate)?.public_key()?;
        let encoded = |number: &[u8]| URL_SAFE_NO_PAD.encode(number);
        Ok(match key.algorithm {
            ClientAlgorithm::Es256 => {
                let public = public.ec_key()?;
                let (mut x, mut y, mut context) = (BigNum::new()?, BigNum::new()?, BigNumContext::new()?);
                public.public_key().affine_coordinates(public.group(), &mut x, &mut y, &mut context)?;
                let padded = |number: &BigNum| number.to_vec_padded(COORDINATE_BYTES);
                json!({ "kty": "EC", "crv": "P-256", "x": encoded(&padded(&x)?), "y": encoded(&padded(&y)?) })
            }
            ClientAlgorithm::Rs256 => {
                let public = public.rsa()?;
                json!({ "kty": "RSA", "n": encoded(&public.n().to_vec()), "e": encoded(&public.e().to_vec()) })
            }
        })
    };
    let mut jwk = read().map_err(|_| Unavailable)?;
    let more = json!({
        "use": "sig", "alg": key.algorithm.name(), "kid": key.id,
        "x5c": [key.certificate], "x5t#S256": thumbprint(&certificate),
    });
    if let (Some(jwk), Value::Object(more)) = (jwk.as_object_mut(), more) {
        jwk.extend(more);
    }
    Ok(jwk)
}

/// Signs as JWS does (RFC 7518 §3.3, §3.4): the two numbers of ECDSA side by side.
fn sign(key: &ClientKey, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
    let private = private(key)?;
    let signed = || -> Result<Vec<u8>, ErrorStack> {
        let signature = Signer::new(MessageDigest::sha256(), &private)?.sign_oneshot_to_vec(message)?;
        match key.algorithm {
            ClientAlgorithm::Rs256 => Ok(signature),
            ClientAlgorithm::Es256 => {
                let both = EcdsaSig::from_der(&signature)?;
                let padded = |number: &openssl::bn::BigNumRef| number.to_vec_padded(COORDINATE_BYTES);
                Ok([padded(both.r())?, padded(both.s())?].concat())
            }
        }
    };
    signed().map_err(|_| Unavailable)
}

/// Reads a private key, which must be of the key's algorithm.
fn private(key: &ClientKey) -> Result<PKey<Private>, Unavailable> {
    let bytes = Zeroizing::new(der(key.private.expose())?);
    let private = PKey::private_key_from_pkcs8(&bytes).map_err(|_| Unavailable)?;
    let wanted = match key.algorithm {
        ClientAlgorithm::Es256 => Id::EC,
        ClientAlgorithm::Rs256 => Id::RSA,
    };
    if private.id() == wanted { Ok(private) } else { Err(Unavailable) }
}

fn der(base64: &str) -> Result<Vec<u8>, Unavailable> {
    STANDARD.decode(base64).map_err(|_| Unavailable)
}

fn thumbprint(certificate: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(certificate))
}

/// Characters of a key's name: 96 bits of its certificate's thumbprint.
const ID_CHARACTERS: usize = 16;
/// Bits of an RSA key.
const RSA_BITS: u32 = 2048;
/// Bytes of a coordinate of P-256.
const COORDINATE_BYTES: i32 = 32;
const DAY: i64 = 86_400;

#[cfg(test)]
mod tests {
    use super::*;

    fn keys() -> [ClientKey; 2] {
        [1, 2].map(|second| make(ClientAlgorithm::Es256, Timestamp(0).plus_seconds(second)).unwrap())
    }

    #[test]
    fn one_key_that_cannot_be_read_takes_no_other_away() {
        let [mut broken, good] = keys();
        assert_eq!(key_set(&[broken.clone(), good.clone()]).published, 2);
        broken.certificate = "AAAA".to_owned();
        let set = key_set(&[broken.clone(), good.clone()]);
        assert_eq!((set.published, set.left_out.as_slice()), (1, [broken.id.clone()].as_slice()));
        assert!(set.json.contains(&good.id) && !set.json.contains(&broken.id), "{}", set.json);
        let none = key_set(&[broken]);
        assert_eq!((none.published, none.json.as_str()), (0, r#"{"keys":[]}"#));
    }

    #[test]
    fn each_fault_of_a_key_is_found_and_explained() {
        let ([good, other], now) = (keys(), Timestamp(0).plus_seconds(3));
        assert_eq!(look_at(&good, now), None);
        let end = certificate_end(&good);
        for (key, now, fault) in [
            (ClientKey { private: Hidden::new("AAAA".to_owned()), ..good.clone() }, now, KeyFault::Private),
            (ClientKey { algorithm: ClientAlgorithm::Rs256, ..good.clone() }, now, KeyFault::Private),
            (ClientKey { certificate: "AAAA".to_owned(), ..good.clone() }, now, KeyFault::Certificate),
            (ClientKey { certificate: other.certificate.clone(), ..good.clone() }, now, KeyFault::Mismatch),
            (good.clone(), end, KeyFault::Ended),
            (good.clone(), end.plus_seconds(-60 * DAY), KeyFault::EndsSoon),
        ] {
            assert_eq!(look_at(&key, now), Some(fault));
        }
        assert_eq!(look_at(&good, end.plus_seconds(-60 * DAY - 1)), None);
        let names: std::collections::BTreeSet<_> = KeyFault::ALL.iter().map(|fault| fault.name()).collect();
        assert_eq!(names.len(), KeyFault::ALL.len());
        assert!(KeyFault::ALL.iter().all(|fault| fault.explain().ends_with('.')));
    }
}
