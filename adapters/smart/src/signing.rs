//! The keys that sign ID tokens: made here, kept sealed among the tickets, shared by every gateway of an installation.
//!
//! ```text
//!   quarter n    key n signs; in its last two days key n+1 is made and published with it
//!   quarter n+1  key n+1 signs; key n is still published
//!   quarter n+2  key n is gone
//! ```
//! Whoever asks for the key set, or is the first to need a key, has it made. Of gateways that make one at once the first stores it, and all
//! read what is stored: they publish and use the same.
//! RS256, since every OpenID provider must have it (OpenID Connect Discovery §3) and conformance suites ask for it.

use crate::refusal::Refused;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::directory::Hidden;
use domain::id::TenantId;
use domain::ports::{Clock, Unavailable};
use domain::secret::SecretBytes;
use domain::ticket::{NotKept, Owner, TicketBook, TicketKey, TicketKind};
use domain::time::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use zeroize::Zeroizing;

/// How long a key signs, in seconds: 90 days. It is published for as long again.
pub const KEY_SECONDS: i64 = 90 * 86_400;
/// How long before it signs a key is published, in seconds: two days. Applications that keep the key set, as they may, know it by then.
pub const AHEAD_SECONDS: i64 = 2 * 86_400;
/// Characters of a key's name.
const KID_CHARACTERS: usize = 16;

/// RSA keys of 2048 bits or more; the gateway gives those of OpenSSL, which run in constant time.
pub trait RsaKeys: Send + Sync {
    /// Makes a private key (PKCS #8, DER). It may take a second.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot be made.
    fn make(&self) -> Result<SecretBytes, Unavailable>;

    /// Returns the modulus and the exponent of a private key, big-endian without leading zeros.
    ///
    /// # Errors
    /// [`Unavailable`] when the key cannot be read.
    fn public(&self, key: &SecretBytes) -> Result<(Vec<u8>, Vec<u8>), Unavailable>;

    /// Signs by RSASSA-PKCS1-v1_5 with SHA-256.
    ///
    /// # Errors
    /// [`Unavailable`] when the key cannot be read.
    fn sign(&self, key: &SecretBytes, message: &[u8]) -> Result<Vec<u8>, Unavailable>;
}

/// The keys of an installation.
pub(crate) struct Signing {
    book: Arc<TicketBook>,
    rsa: Arc<dyn RsaKeys>,
    clock: Arc<dyn Clock>,
    /// By quarter; `None` where there was no key in that quarter.
    held: Mutex<BTreeMap<i64, Option<Arc<SigningKey>>>>,
    /// Held while a key is looked for or made, so that it is made once.
    making: tokio::sync::Mutex<()>,
}

/// A key that signs.
pub(crate) struct SigningKey {
    key: SecretBytes,
    /// Its name in headers and in the key set.
    pub(crate) kid: String,
    /// The public half (RFC 7517).
    jwk: Value,
}

impl Signing {
    pub(crate) fn new(book: Arc<TicketBook>, rsa: Arc<dyn RsaKeys>, clock: Arc<dyn Clock>) -> Self {
        Self { book, rsa, clock, held: Mutex::default(), making: tokio::sync::Mutex::default() }
    }

    /// Returns the key that signs now, made if there is none.
    pub(crate) async fn current(&self) -> Result<Arc<SigningKey>, Refused> {
        let quarter = self.quarter();
        match self.of(quarter, true).await? {
            Some(key) => Ok(key),
            None => Err(Refused::from(Unavailable)),
        }
    }

    pub(crate) fn sign(&self, key: &SigningKey, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        self.rsa.sign(&key.key, message)
    }

    /// Renders the public halves of the present key, of the one before it, and of the next where its time is near (RFC 7517 §5).
    pub(crate) async fn key_set(&self) -> Result<String, Refused> {
        let (now, before) = (self.current().await?, self.of(self.quarter().saturating_sub(1), false).await?);
        let ahead = quarter_of(self.clock.now().plus_seconds(AHEAD_SECONDS));
        let next = if ahead > self.quarter() { self.of(ahead, true).await } else { Ok(None) };
        // Nothing is signed with it yet: without it those that are in use are published all the same.
        let next = next.unwrap_or_else(|Refused { reason, .. }| {
            tracing::error!(reason, "the next key of ID tokens cannot be made or opened, and is not published");
            None
        });
        let keys: Vec<&Value> = std::iter::once(&now).chain(&before).chain(&next).map(|key| &key.jwk).collect();
        Ok(json!({ "keys": keys }).to_string())
    }

    fn quarter(&self) -> i64 {
        quarter_of(self.clock.now())
    }

    async fn of(&self, quarter: i64, make: bool) -> Result<Option<Arc<SigningKey>>, Refused> {
        if let Some(known) = self.known(quarter) {
            return Ok(known);
        }
        let _making = self.making.lock().await;
        if let Some(known) = self.known(quarter) {
            return Ok(known);
        }
        let mut found = self.stored(quarter).await?;
        if found.is_none() && make {
            self.make(quarter).await?;
            // Read back: another gateway may have been first.
            found = self.stored(quarter).await?;
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = self.quarter().saturating_sub(1);
        held.retain(|known, _| *known >= oldest);
        // That a key is missing is remembered of quarters that are over only.
        if found.is_some() || !make {
            held.insert(quarter, found.clone());
        }
        Ok(found)
    }

    fn known(&self, quarter: i64) -> Option<Option<Arc<SigningKey>>> {
        // What is held is whole at every moment: a panic elsewhere cannot have left it half-written.
        self.held.lock().unwrap_or_else(PoisonError::into_inner).get(&quarter).cloned()
    }

    async fn stored(&self, quarter: i64) -> Result<Option<Arc<SigningKey>>, Refused> {
        let (key, _) = self.names(quarter);
        let Some(kept) = self.book.find::<Hidden>(TicketKind::SigningKey, key).await? else { return Ok(None) };
        let der = STANDARD.decode(kept.value.expose()).map_err(|_| Refused::from(NotKept::Integrity))?;
        let key = SecretBytes::new(der);
        let (modulus, exponent) = self.rsa.public(&key)?;
        let hash = URL_SAFE_NO_PAD.encode(Sha256::digest(&modulus));
        let kid: String = hash.chars().take(KID_CHARACTERS).collect();
        let (n, e) = (URL_SAFE_NO_PAD.encode(modulus), URL_SAFE_NO_PAD.encode(exponent));
        let jwk = json!({ "kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": n, "e": e });
        Ok(Some(Arc::new(SigningKey { key, kid, jwk })))
    }

    async fn make(&self, quarter: i64) -> Result<(), Refused> {
        let rsa = Arc::clone(&self.rsa);
        let made = tokio::task::spawn_blocking(move || rsa.make()).await.map_err(|_| Refused::from(Unavailable))??;
        let text = Zeroizing::new(STANDARD.encode(made.expose()));
        let (key, owner) = self.names(quarter);
        let end = Timestamp(0).plus_seconds(quarter.saturating_add(2).saturating_mul(KEY_SECONDS));
        let value = Hidden::new(text.to_string());
        self.book.put(TicketKind::SigningKey, TenantId::SYSTEM, key, owner, end, &value).await?;
        Ok(())
    }

    fn names(&self, quarter: i64) -> (TicketKey, Owner) {
        let keys = &self.book.keys;
        let name: [&[u8]; 2] = [b"id-token", &quarter.to_be_bytes()];
        (keys.key(TicketKind::SigningKey, &name), keys.owner("signing-key", &[b"id-token"]))
    }
}

fn quarter_of(moment: Timestamp) -> i64 {
    moment.0.div_euclid(KEY_SECONDS.saturating_mul(1_000_000))
}
