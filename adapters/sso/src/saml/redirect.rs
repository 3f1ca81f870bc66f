//! The redirect binding (SAML Bindings §3.4): messages deflated into a query that is signed as it is written.
//!
//! A signature covers the query's bytes as they were sent, so they are verified as they came: whoever decodes and encodes
//! again would refuse the lower-case escapes of .NET, or verify something other than what is read.

use super::gate::LIMITS;
use super::keys::KeyPair;
use super::names::{ECDSA_SHA256, ECDSA_SHA384, ECDSA_SHA512, RSA_SHA256, RSA_SHA384, RSA_SHA512};
use super::provider::IdentityProvider;
use super::refusal::Refusal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use openssl::hash::MessageDigest;
use openssl::pkey::{Id, PKey, Public};
use openssl::sign::{Signer, Verifier};
use std::io::{Read, Write};

/// Which of the two messages a query carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    /// `SAMLRequest`.
    Request,
    /// `SAMLResponse`.
    Response,
}

/// A message whose signature was verified.
pub(super) struct Received {
    pub(super) carried: Carried,
    pub(super) document: Vec<u8>,
    pub(super) relay: Option<String>,
}

impl Carried {
    const fn parameter(self) -> &'static str {
        match self {
            Carried::Request => "SAMLRequest",
            Carried::Response => "SAMLResponse",
        }
    }
}

/// Returns the address that takes a message there, signed (RSA-SHA256).
///
/// # Errors
/// [`Refusal::Unavailable`] when it cannot be signed.
pub(super) fn send(
    location: &str,
    carried: Carried,
    document: &str,
    relay: Option<&str>,
    pair: &KeyPair,
) -> Result<String, Refusal> {
    let mut deflater = DeflateEncoder::new(Vec::new(), Compression::default());
    deflater.write_all(document.as_bytes()).map_err(|_| Refusal::Unavailable)?;
    let message = STANDARD.encode(deflater.finish().map_err(|_| Refusal::Unavailable)?);
    let relay = relay.map(|relay| format!("&RelayState={}", percent(relay))).unwrap_or_default();
    let query = format!("{}={}{relay}&SigAlg={}", carried.parameter(), percent(&message), percent(RSA_SHA256));
    let signature = Signer::new(MessageDigest::sha256(), pair.key())
        .and_then(|mut signer| signer.sign_oneshot_to_vec(query.as_bytes()))
        .map_err(|_| Refusal::Unavailable)?;
    let separator = if location.contains('?') { '&' } else { '?' };
    Ok(format!("{location}{separator}{query}&Signature={}", percent(&STANDARD.encode(signature))))
}

/// Reads and verifies the raw query of a request, the part behind `?` as it came.
///
/// # Errors
/// [`Refusal`]: of the query, of its signature, or of the size of the message.
pub(super) fn receive(raw_query: &str, provider: &IdentityProvider) -> Result<Received, Refusal> {
    if raw_query.len() > MAX_QUERY_BYTES {
        return Err(Refusal::TooLarge);
    }
    let mut query = Query::default();
    for pair in raw_query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Refusal::QueryForm)?;
        let place = match name {
            "SAMLRequest" => &mut query.request,
            "SAMLResponse" => &mut query.response,
            "RelayState" => &mut query.relay,
            "SigAlg" => &mut query.algorithm,
            "Signature" => &mut query.signature,
            "SAMLEncoding" => &mut query.encoding,
            // An escape in a name would let another reader see a parameter that this one does not.
            _ if name.contains(['%', '+']) => return Err(Refusal::QueryForm),
            _ => continue,
        };
        if place.replace(value).is_some() {
            return Err(Refusal::QueryDuplicate);
        }
    }
    query.verified(provider)
}

/// Most bytes of a query: what servers take in a request line, and more.
const MAX_QUERY_BYTES: usize = 64 * 1024;

#[derive(Default)]
struct Query<'q> {
    request: Option<&'q str>,
    response: Option<&'q str>,
    relay: Option<&'q str>,
    algorithm: Option<&'q str>,
    signature: Option<&'q str>,
    encoding: Option<&'q str>,
}

impl Query<'_> {
    fn verified(&self, provider: &IdentityProvider) -> Result<Received, Refusal> {
        let (carried, message) = match (self.request, self.response) {
            (Some(message), None) => (Carried::Request, message),
            (None, Some(message)) => (Carried::Response, message),
            (Some(_), Some(_)) => return Err(Refusal::QueryDuplicate),
            (None, None) => return Err(Refusal::QueryMissing),
        };
        let raw_algorithm = self.algorithm.ok_or(Refusal::QueryMissing)?;
        let signature =
            STANDARD.decode(unescape(self.signature.ok_or(Refusal::QueryMissing)?)?).map_err(|_| Refusal::NotBase64)?;
        let encoding = self.encoding.map(unescape).transpose()?;
        if encoding.is_some_and(|encoding| encoding != "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE") {
            return Err(Refusal::QueryForm);
        }
        let relay = self.relay.map(|relay| format!("&RelayState={relay}")).unwrap_or_default();
        let signed = format!("{}={message}{relay}&SigAlg={raw_algorithm}", carried.parameter());
        let algorithm = Algorithm::named(&unescape(raw_algorithm)?).ok_or(Refusal::SignatureAlgorithm)?;
        if !provider.keys.iter().any(|key| algorithm.verifies(key, signed.as_bytes(), &signature)) {
            return Err(Refusal::Signature);
        }
        let deflated = STANDARD.decode(unescape(message)?).map_err(|_| Refusal::NotBase64)?;
        Ok(Received { carried, document: inflate(&deflated)?, relay: self.relay.map(unescape).transpose()? })
    }
}

struct Algorithm {
    kind: Id,
    digest: MessageDigest,
}

impl Algorithm {
    fn named(uri: &str) -> Option<Self> {
        let (kind, digest) = match uri {
            RSA_SHA256 => (Id::RSA, MessageDigest::sha256()),
            RSA_SHA384 => (Id::RSA, MessageDigest::sha384()),
            RSA_SHA512 => (Id::RSA, MessageDigest::sha512()),
            ECDSA_SHA256 => (Id::EC, MessageDigest::sha256()),
            ECDSA_SHA384 => (Id::EC, MessageDigest::sha384()),
            ECDSA_SHA512 => (Id::EC, MessageDigest::sha512()),
            _ => return None,
        };
        Some(Self { kind, digest })
    }

    fn verifies(&self, key: &PKey<Public>, signed: &[u8], signature: &[u8]) -> bool {
        if key.id() != self.kind {
            return false;
        }
        let signature = if self.kind == Id::EC { der(signature) } else { Some(signature.to_vec()) };
        let verify = |signature: Vec<u8>| Verifier::new(self.digest, key)?.verify_oneshot(&signature, signed);
        signature.is_some_and(|signature| verify(signature).unwrap_or(false))
    }
}

/// XML signatures write the two numbers of ECDSA side by side (RFC 6931 §2.3.6); openssl wants them in DER.
fn der(signature: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = signature.split_at_checked(signature.len().div_euclid(2))?;
    let number = |bytes| BigNum::from_slice(bytes).ok();
    EcdsaSig::from_private_components(number(r)?, number(s)?).ok()?.to_der().ok()
}

fn inflate(deflated: &[u8]) -> Result<Vec<u8>, Refusal> {
    let most = u64::try_from(LIMITS.bytes).unwrap_or(u64::MAX);
    let mut document = Vec::new();
    let mut limited = DeflateDecoder::new(deflated).take(most.saturating_add(1));
    limited.read_to_end(&mut document).map_err(|_| Refusal::NotBase64)?;
    if document.len() > LIMITS.bytes { Err(Refusal::TooLarge) } else { Ok(document) }
}

fn percent(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~') => escaped.push(char::from(b)),
            b => escaped.push_str(&format!("%{b:02X}")),
        }
    }
    escaped
}

fn unescape(raw: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let (digits, after) = after.split_first_chunk::<2>().ok_or(Refusal::QueryForm)?;
                let digits = std::str::from_utf8(digits).map_err(|_| Refusal::QueryForm)?;
                if !digits.chars().all(|c| c.is_ascii_hexdigit()) {
                    return Err(Refusal::QueryForm);
                }
                bytes.push(u8::from_str_radix(digits, 16).map_err(|_| Refusal::QueryForm)?);
                rest = after;
            }
            byte => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).map_err(|_| Refusal::QueryForm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_escaped_reads_back(text in "\\PC{0,40}") {
            prop_assert_eq!(unescape(&percent(&text)), Ok(text));
        }

        #[test]
        fn no_query_makes_the_reader_panic(text in "[%+&=A-F0-9a-z]{0,60}") {
            let _ = unescape(&text);
        }
    }

    #[test]
    fn escapes_in_either_case_are_read_and_broken_ones_are_not() {
        assert_eq!(unescape("%2b%2B+").as_deref(), Ok("++ "));
        for broken in ["%", "%2", "%+1", "%zz", "%ff"] {
            assert_eq!(unescape(broken), Err(Refusal::QueryForm), "{broken}");
        }
    }

    #[test]
    fn a_deflate_bomb_is_cut_off() {
        let mut deflater = DeflateEncoder::new(Vec::new(), Compression::best());
        deflater.write_all(&vec![b' '; 64 << 20]).unwrap();
        let bomb = deflater.finish().unwrap();
        assert!(bomb.len() < 128 * 1024);
        assert_eq!(inflate(&bomb), Err(Refusal::TooLarge));
    }
}
