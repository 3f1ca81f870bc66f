//! Signed tokens in compact form (RFC 7515) and the keys that verify them (RFC 7517).
//!
//! The keys and their signatures are openidconnect's; everything that decides which key may verify what is here, since
//! that crate takes the allowed algorithms from the provider's own document, takes RSA keys of any length, and has no words
//! for causes. Deliberately absent: signatures by a secret shared with the provider, since who can verify those can forge them,
//! and encrypted tokens.

use super::Refusal;
use super::claims::Claims;
use super::once::Once;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openidconnect::JsonWebKey;
use openidconnect::core::{CoreJsonCurveType as Curve, CoreJsonWebKey, CoreJwsSigningAlgorithm as Core};
use serde_json::Value;

/// A token that was read and whose signature nobody has looked at.
pub(super) struct Token<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    claims: Claims,
    signed: &'a str,
    signature: Vec<u8>,
}

/// The keys of a provider that can verify signatures.
pub(super) struct Keys(Vec<Key>);

struct Key {
    kid: Option<String>,
    family: Family,
    algorithm: Option<String>,
    web: CoreJsonWebKey,
}

/// A signature algorithm that is known here. `none` is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Algorithm {
    name: &'static str,
    family: Family,
    core: &'static Core,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl<'a> Token<'a> {
    /// Reads a token of one of these types (`typ`, in lower case; a token without is of any) and allowed algorithms.
    pub(super) fn read(text: &'a str, types: &[&str], allowed: &[Algorithm]) -> Result<Self, Refusal> {
        if text.len() > MAX_TOKEN_BYTES {
            return Err(Refusal::TokenMalformed);
        }
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(Refusal::TokenMalformed);
        };
        match parts.count() {
            0 => {}
            2 => return Err(Refusal::TokenEncrypted),
            _ => return Err(Refusal::TokenMalformed),
        }
        let fields = object(header)?;
        let word = |name: &str| match fields.get(name) {
            None => Ok(None),
            Some(Value::String(word)) => Ok(Some(word.as_str())),
            Some(_) => Err(Refusal::TokenMalformed),
        };
        let algorithm = word("alg")?.ok_or(Refusal::TokenMalformed)?;
        if algorithm.eq_ignore_ascii_case("none") {
            return Err(Refusal::AlgorithmNone);
        }
        if fields.contains_key("crit") {
            return Err(Refusal::CriticalHeader);
        }
        if fields.contains_key("enc") {
            return Err(Refusal::TokenEncrypted);
        }
        let of_type = word("typ")?.is_none_or(|found| types.contains(&found.to_ascii_lowercase().as_str()));
        if !of_type || fields.contains_key("cty") {
            return Err(Refusal::TokenType);
        }
        let algorithm = allowed.iter().find(|known| known.name == algorithm).ok_or(Refusal::AlgorithmNotAllowed)?;
        let signed = header.len().saturating_add(1).saturating_add(claims.len());
        Ok(Self {
            algorithm: *algorithm,
            kid: word("kid")?.map(str::to_owned),
            claims: object(claims)?,
            signed: text.get(..signed).ok_or(Refusal::TokenMalformed)?,
            signature: URL_SAFE_NO_PAD.decode(signature).map_err(|_| Refusal::TokenMalformed)?,
        })
    }

    /// Says whether another set of keys might verify it, given why this one did not.
    pub(super) fn might_have_newer_key(&self, refusal: Refusal) -> bool {
        // A provider of one key without a name may have replaced it.
        refusal == Refusal::UnknownKey || refusal == Refusal::Signature && self.kid.is_none()
    }

    /// Verifies the signature with a key of the provider. Names of keys and places of keys in the header choose among these
    /// at most; nothing is ever fetched or trusted because a token says so.
    pub(super) fn verify(&self, keys: &Keys) -> Result<(), Refusal> {
        let fits = |key: &&Key| {
            key.family == self.algorithm.family
                && key.algorithm.as_deref().is_none_or(|only| only == self.algorithm.name)
                && (self.kid.is_none() || key.kid == self.kid)
        };
        let mut fitting = keys.0.iter().filter(fits);
        let key = fitting.next().ok_or(Refusal::UnknownKey)?;
        if fitting.next().is_some() {
            return Err(Refusal::AmbiguousKey);
        }
        let right = key.web.verify_signature(self.algorithm.core, self.signed.as_bytes(), &self.signature);
        right.map_err(|_| Refusal::Signature)
    }

    /// Gives up what a token that was verified says, and the algorithm whose hash `at_hash` is made with.
    pub(super) fn into_claims(self) -> (Claims, Algorithm) {
        (self.claims, self.algorithm)
    }
}

impl Keys {
    /// Reads a key set, passing over keys that verify nothing here; `None` when it is none or has no usable key.
    pub(super) fn read(body: &[u8]) -> Option<Self> {
        let set: Value = serde_json::from_slice(body).ok()?;
        let keys: Vec<Key> = set.get("keys")?.as_array()?.iter().filter_map(key).take(MAX_KEYS).collect();
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Says whether one of the keys verifies one of the algorithms.
    pub(super) fn fit(&self, allowed: &[Algorithm]) -> bool {
        self.0.iter().any(|key| allowed.iter().any(|algorithm| algorithm.family == key.family))
    }
}

fn key(key: &Value) -> Option<Key> {
    let word = |name: &str| key.get(name).and_then(Value::as_str);
    let family = match (word("kty")?, word("crv")) {
        ("RSA", _) => Family::Rsa,
        ("EC", Some("P-256")) => Family::P256,
        ("EC", Some("P-384")) => Family::P384,
        ("OKP", Some("Ed25519")) => Family::Ed25519,
        _ => return None,
    };
    let signs = word("use").is_none_or(|usage| usage == "sig");
    let verifies = key.get("key_ops").and_then(Value::as_array).is_none_or(|ops| ops.iter().any(|op| op == "verify"));
    let long_enough =
        family != Family::Rsa || word("n").and_then(modulus_bits).is_some_and(|bits| RSA_BITS.contains(&bits));
    if !signs || !verifies || !long_enough {
        return None;
    }
    Some(Key {
        kid: word("kid").map(str::to_owned),
        family,
        algorithm: word("alg").map(str::to_owned),
        web: serde_json::from_value(key.clone()).ok()?,
    })
}

fn modulus_bits(modulus: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(modulus.trim_end_matches('=')).ok()?;
    let mut significant = bytes.iter().skip_while(|byte| **byte == 0);
    let first = significant.next()?;
    let unused = usize::try_from(first.leading_zeros()).ok()?;
    significant.count().checked_add(1)?.checked_mul(8)?.checked_sub(unused)
}

fn object(part: &str) -> Result<Claims, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Refusal::TokenMalformed)?;
    match serde_json::from_slice::<Once>(&bytes) {
        Ok(Once) => serde_json::from_slice(&bytes).map_err(|_| Refusal::TokenMalformed),
        Err(fault) if fault.is_data() => Err(Refusal::MemberTwice),
        Err(_) => Err(Refusal::TokenMalformed),
    }
}

impl Algorithm {
    /// Returns the algorithms of these names, leaving out those that are not known here.
    pub(super) fn named(names: &[String]) -> Vec<Algorithm> {
        ALGORITHMS.iter().filter(|known| names.iter().any(|name| name == known.name)).copied().collect()
    }

    /// Returns its name (RFC 7518 §3.1).
    pub(super) const fn name(self) -> &'static str {
        self.name
    }

    /// Returns the hash of this algorithm over any bytes.
    pub(super) fn hash(self, bytes: &[u8]) -> Option<Vec<u8>> {
        // The crate hashes by key and algorithm; a key of the family with nothing in it is enough for that.
        let key = match self.family {
            Family::Rsa => CoreJsonWebKey::new_rsa(Vec::new(), Vec::new(), None),
            Family::P256 => CoreJsonWebKey::new_ec(Vec::new(), Vec::new(), Curve::P256, None),
            Family::P384 => CoreJsonWebKey::new_ec(Vec::new(), Vec::new(), Curve::P384, None),
            Family::Ed25519 => CoreJsonWebKey::new_okp(Vec::new(), Curve::Ed25519, None),
        };
        key.hash_bytes(bytes, self.core).ok()
    }
}

const fn algorithm(name: &'static str, family: Family, core: &'static Core) -> Algorithm {
    Algorithm { name, family, core }
}

const ALGORITHMS: [Algorithm; 9] = [
    algorithm("RS256", Family::Rsa, &Core::RsaSsaPkcs1V15Sha256),
    algorithm("RS384", Family::Rsa, &Core::RsaSsaPkcs1V15Sha384),
    algorithm("RS512", Family::Rsa, &Core::RsaSsaPkcs1V15Sha512),
    algorithm("PS256", Family::Rsa, &Core::RsaSsaPssSha256),
    algorithm("PS384", Family::Rsa, &Core::RsaSsaPssSha384),
    algorithm("PS512", Family::Rsa, &Core::RsaSsaPssSha512),
    algorithm("ES256", Family::P256, &Core::EcdsaP256Sha256),
    algorithm("ES384", Family::P384, &Core::EcdsaP384Sha384),
    algorithm("EdDSA", Family::Ed25519, &Core::EdDsa),
];

/// The longest token that is read; those of Entra ID with 200 groups have about 10 KiB.
const MAX_TOKEN_BYTES: usize = 64 * 1024;
/// Most keys that are kept of a key set.
const MAX_KEYS: usize = 64;
/// RSA keys below are too weak, keys above cost too much to use.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;
