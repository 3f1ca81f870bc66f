//! Showing a provider that we are its client by a key of ours, instead of by a secret that both know: `private_key_jwt` (OpenID Connect
//! Core §9, RFC 7523 §2.2).
//!
//! ```text
//!   connection ── keys, sealed ──┬── public halves ──► /auth/oidc/keys/{connection} ──► provider
//!                                └── the first signs an assertion, good once and for a minute ──► token endpoint
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
use openssl::pkey::{PKey, Private};
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

/// Renders the public halves of keys (RFC 7517 §5), each with its certificate.
///
/// # Errors
/// [`Unavailable`] when one cannot be read.
pub fn key_set(keys: &[ClientKey]) -> Result<String, Unavailable> {
    let keys: Vec<Value> = keys.iter().map(public).collect::<Result<_, _>>()?;
    Ok(json!({ "keys": keys }).to_string())
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
    let certificate = der(&key.certificate).map_err(|_| Refusal::Settings)?;
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
    let signature = sign(key, message.as_bytes()).map_err(|Unavailable| Refusal::Settings)?;
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
    let private = Zeroizing::new(der(key.private.expose())?);
    let signed = || -> Result<Vec<u8>, ErrorStack> {
        let private = PKey::private_key_from_pkcs8(&private)?;
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
