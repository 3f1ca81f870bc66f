//! The public keys of applications: registered by value, or fetched from the address they registered.

use crate::assertion::Algorithm;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::{Application, MAX_JWKS_BYTES};
use domain::ports::{BoxFuture, Clock, Unavailable};
use domain::time::Timestamp;
use jsonwebtoken::DecodingKey;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// How long fetched keys are used, in seconds.
pub const KEPT_SECONDS: i64 = 600;
/// How long fetched keys are used when they cannot be fetched anew, in seconds.
const STALE_SECONDS: i64 = 3_600;
/// How long an address is left alone after it was asked, in seconds, whatever keys are named.
pub const REFETCH_SECONDS: i64 = 30;
/// Most addresses whose keys are held.
const MAX_ADDRESSES: usize = 1_024;
/// Most keys of one set that are looked at.
const MAX_KEYS: usize = 64;
/// Sizes of an RSA modulus that are accepted, in bytes: 2048 to 4096 bits.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// Fetches a key set from an address that an application registered; the gateway gives it its guarded client.
pub trait JwksSource: Send + Sync {
    /// Returns the document.
    ///
    /// # Errors
    /// [`Unavailable`] when the address may not be asked, does not answer, or answers with something else.
    fn fetch<'a>(&'a self, address: &'a str) -> BoxFuture<'a, Result<String, Unavailable>>;
}

/// Why there is no key to verify with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoKey {
    /// The application has none of this name for this algorithm.
    Unknown,
    /// Its keys cannot be fetched.
    Unreachable,
}

/// Finds keys, and holds those that were fetched.
pub(crate) struct KeySets {
    source: Arc<dyn JwksSource>,
    clock: Arc<dyn Clock>,
    held: Mutex<BTreeMap<String, Arc<tokio::sync::Mutex<Held>>>>,
}

/// The keys of one address; locked while they are fetched, so that they are fetched once.
#[derive(Default)]
struct Held {
    asked: Option<Timestamp>,
    /// The document, and when it was fetched.
    document: Option<(String, Timestamp)>,
}

impl KeySets {
    pub(crate) fn new(source: Arc<dyn JwksSource>, clock: Arc<dyn Clock>) -> Self {
        Self { source, clock, held: Mutex::default() }
    }

    /// Returns the application's key of this name, if it is one for this algorithm.
    pub(crate) async fn key(
        &self,
        application: &Application,
        kid: &str,
        algorithm: Algorithm,
    ) -> Result<DecodingKey, NoKey> {
        if let Some(document) = &application.jwks {
            return find(document, kid, algorithm).ok_or(NoKey::Unknown);
        }
        let address = application.jwks_uri.as_deref().ok_or(NoKey::Unknown)?;
        let held = self.held(address);
        let mut held = held.lock().await;
        let now = self.clock.now();
        let age_below = |since: Timestamp, seconds: i64| now < since.plus_seconds(seconds);
        if let Some((document, fetched)) = &held.document
            && age_below(*fetched, KEPT_SECONDS)
            && let Some(key) = find(document, kid, algorithm)
        {
            return Ok(key);
        }
        if !held.asked.is_some_and(|asked| age_below(asked, REFETCH_SECONDS)) {
            held.asked = Some(now);
            if let Ok(document) = self.source.fetch(address).await
                && document.len() <= MAX_JWKS_BYTES
            {
                held.document = Some((document, now));
            }
        }
        match &held.document {
            Some((document, fetched)) if age_below(*fetched, STALE_SECONDS) => {
                find(document, kid, algorithm).ok_or(NoKey::Unknown)
            }
            _ => Err(NoKey::Unreachable),
        }
    }

    fn held(&self, address: &str) -> Arc<tokio::sync::Mutex<Held>> {
        // What is held is whole at every moment: a panic elsewhere cannot have left it half-written.
        let mut all = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_ADDRESSES && !all.contains_key(address) {
            all.clear();
        }
        Arc::clone(all.entry(address.to_owned()).or_default())
    }
}

#[derive(Deserialize)]
struct KeySet {
    keys: Vec<serde_json::Value>,
}

/// A public key (RFC 7517 §4, RFC 7518 §6).
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    r#use: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
}

/// Finds the one key of this name that fits the algorithm; two of them are as good as none.
fn find(document: &str, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
    let set: KeySet = serde_json::from_str(document).ok()?;
    // A key of a type that is not known here is somebody else's business, not a broken set.
    let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| serde_json::from_value::<Jwk>(key).ok());
    let mut fitting = keys.filter(|key| key.kid.as_deref() == Some(kid) && key.is_for(algorithm));
    let (only, None) = (fitting.next()?, fitting.next()) else { return None };
    only.decoding_key(algorithm)
}

impl Jwk {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        let kind = match algorithm {
            Algorithm::Rs384 => self.kty == "RSA",
            Algorithm::Es384 => self.kty == "EC" && self.crv.as_deref() == Some("P-384"),
        };
        kind && self.r#use.as_deref().is_none_or(|purpose| purpose == "sig")
            && self.key_ops.as_ref().is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
            && self.alg.as_deref().is_none_or(|name| name == algorithm.name())
    }

    fn decoding_key(&self, algorithm: Algorithm) -> Option<DecodingKey> {
        match algorithm {
            Algorithm::Rs384 => {
                let (modulus, exponent) = (self.n.as_deref()?, self.e.as_deref()?);
                let bytes = URL_SAFE_NO_PAD.decode(modulus).ok()?;
                let significant = bytes.iter().skip_while(|byte| **byte == 0).count();
                let small = URL_SAFE_NO_PAD.decode(exponent).ok()?.len() <= 4;
                let fits = small && MODULUS_BYTES.contains(&significant);
                fits.then(|| DecodingKey::from_rsa_components(modulus, exponent).ok()).flatten()
            }
            Algorithm::Es384 => DecodingKey::from_ec_components(self.x.as_deref()?, self.y.as_deref()?).ok(),
        }
    }
}
