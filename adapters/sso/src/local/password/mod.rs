//! Passwords: what is accepted as one, how it is hashed, and how many are hashed at once.
//!
//! ```text
//!   text ─► NFC, at most 256 characters ─► HMAC(pepper) ─► Argon2id ─► PHC string
//!                                                          └ a pool: at most one a core, a bounded queue, else Busy
//! ```
//!
//! Unicode is normalised to NFC and each code point counts as one character (NIST SP 800-63B-4 §3.1.1.2). Nothing is cut
//! off and no mixture of characters is asked for. Deliberately absent: expiry of passwords, hints and questions.

mod breached;
mod hash;
mod pool;
mod text;

pub use breached::{Breached, BreachedFault, MAX_LOADED, MAX_LOADED_BYTES};
pub use hash::{Costs, CostsOutOfBounds};
pub use pool::{Busy, Lane, PoolLimits, WAITING_KNOWN, WAITING_PER_TURN};
pub use text::{MAX_CHARACTERS, MIN_CHARACTERS, MIN_CHARACTERS_ALONE, Password, Setting, Unfit};

use super::keys::mac;
use domain::directory::Hidden;
use domain::ports::{Entropy, Unavailable};
use domain::secret::{Secret, constant_time_eq};
use hash::{SALT_BYTES, Stored};
use pool::Pool;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use zeroize::Zeroizing;

/// Hashes and verifies passwords.
pub struct Passwords {
    hasher: Arc<Hasher>,
    pool: Pool,
}

/// What came out of comparing a password with a stored hash.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the password; the hash to store instead, where the stored one was made with other costs or another pepper.
    Right {
        /// The new hash.
        rehash: Option<Hidden>,
    },
    /// It is not, or there is none to compare with.
    Wrong,
    /// The stored hash cannot be read, asks for too much, or was made with a pepper that is not here.
    Unreadable,
}

/// Why a new password was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// It is unfit; the person can choose another.
    Unfit(Unfit),
    /// Too much is being hashed.
    Busy,
    /// The list of breached passwords or the source of randomness does not answer.
    Unavailable,
}

impl Passwords {
    /// Makes a hasher with these costs; the pepper is an HMAC key that is kept apart from the hashes.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn new(
        costs: Costs,
        pepper: Option<Secret<32>>,
        limits: PoolLimits,
        breached: Option<Breached>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Unavailable> {
        let pepper = pepper.map(Pepper::new);
        // It stands in for accounts that are not there: its salt is drawn, and no password has its hash.
        let mut nobody = Stored {
            costs,
            pepper: pepper.as_ref().map(|pepper| pepper.id),
            salt: [0; SALT_BYTES].to_vec(),
            hash: [0; 32],
        };
        entropy.fill(&mut nobody.salt)?;
        entropy.fill(&mut nobody.hash)?;
        let hasher = Hasher { costs, pepper, breached, entropy, nobody, hashed: AtomicU64::new(0) };
        Ok(Self { hasher: Arc::new(hasher), pool: Pool::new(limits) })
    }

    /// Compares a password with a stored hash, or with none. Whatever is stored, exactly one Argon2 hash is computed
    /// before it is known whether the password is right; only a right one is perhaps hashed anew.
    ///
    /// # Errors
    /// [`Busy`] at once when the queue is full.
    pub async fn verify(
        &self,
        stored: Option<&Hidden>,
        presented: Option<Password>,
        lane: Lane,
    ) -> Result<Verdict, Busy> {
        let (hasher, stored) = (Arc::clone(&self.hasher), stored.cloned());
        self.pool.run(lane, move || hasher.verify(stored.as_ref(), presented.as_ref())).await
    }

    /// Takes a new password: checks that it is fit, also against the list of breached ones, and hashes it.
    ///
    /// # Errors
    /// [`NotTaken`].
    pub async fn take(&self, text: &str, setting: &Setting<'_>) -> Result<Hidden, NotTaken> {
        let password = Password::read(text).ok_or(NotTaken::Unfit(Unfit::TooLong))?;
        password.check(setting).map_err(NotTaken::Unfit)?;
        let hasher = Arc::clone(&self.hasher);
        // Somebody who sets a password has shown who they are: they do not queue with strangers.
        self.pool.run(Lane::Known, move || hasher.take(&password)).await.map_err(|Busy| NotTaken::Busy)?
    }

    /// Returns how many Argon2 hashes were computed so far.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.hasher.hashed.load(Ordering::Relaxed)
    }
}

struct Hasher {
    costs: Costs,
    pepper: Option<Pepper>,
    breached: Option<Breached>,
    entropy: Arc<dyn Entropy>,
    nobody: Stored,
    hashed: AtomicU64,
}

/// An HMAC key, and the name under which a PHC string says that it was used.
struct Pepper {
    key: Secret<32>,
    id: [u8; 8],
}

impl Pepper {
    fn new(key: Secret<32>) -> Self {
        let [a, b, c, d, e, f, g, h, ..] = mac(&key, &[b"sealgate/local/pepper-id/1"]);
        Self { key, id: [a, b, c, d, e, f, g, h] }
    }
}

impl Hasher {
    fn verify(&self, stored: Option<&Hidden>, presented: Option<&Password>) -> Verdict {
        let read = stored.map(|stored| Stored::read(stored.expose()).filter(|stored| self.has_pepper(stored)));
        let against = read.as_ref().and_then(Option::as_ref).unwrap_or(&self.nobody);
        let nothing = Password::nothing();
        let computed = self.hash(presented.unwrap_or(&nothing), against);
        let same = computed.is_some_and(|computed| constant_time_eq(computed.as_slice(), &against.hash));
        match (read, presented) {
            (Some(None), _) => Verdict::Unreadable,
            (Some(Some(stored)), Some(password)) if same => Verdict::Right { rehash: self.rehash(&stored, password) },
            (Some(Some(_)) | None, _) => Verdict::Wrong,
        }
    }

    fn has_pepper(&self, stored: &Stored) -> bool {
        stored.pepper.is_none_or(|id| self.pepper.as_ref().is_some_and(|pepper| pepper.id == id))
    }

    /// A hash with other costs is made anew while the password is known; without randomness it stays as it is.
    fn rehash(&self, stored: &Stored, password: &Password) -> Option<Hidden> {
        let current = stored.costs == self.costs
            && stored.salt.len() >= SALT_BYTES
            && stored.pepper == self.pepper.as_ref().map(|pepper| pepper.id);
        if current { None } else { self.make(password).ok() }
    }

    fn take(&self, password: &Password) -> Result<Hidden, NotTaken> {
        if let Some(breached) = &self.breached {
            match breached.contains(password.expose()) {
                Ok(false) => {}
                Ok(true) => return Err(NotTaken::Unfit(Unfit::Breached)),
                Err(_) => return Err(NotTaken::Unavailable),
            }
        }
        self.make(password).map_err(|Unavailable| NotTaken::Unavailable)
    }

    fn make(&self, password: &Password) -> Result<Hidden, Unavailable> {
        let mut salt = vec![0; SALT_BYTES];
        self.entropy.fill(&mut salt)?;
        let pepper = self.pepper.as_ref().map(|pepper| pepper.id);
        let mut stored = Stored { costs: self.costs, pepper, salt, hash: [0; 32] };
        stored.hash = *self.hash(password, &stored).ok_or(Unavailable)?;
        stored.render().map(Hidden::new).ok_or(Unavailable)
    }

    fn hash(&self, password: &Password, stored: &Stored) -> Option<Zeroizing<[u8; 32]>> {
        self.hashed.fetch_add(1, Ordering::Relaxed);
        match (&self.pepper, stored.pepper) {
            (Some(pepper), Some(_)) => {
                let peppered = mac(&pepper.key, &[b"sealgate/local/password/1", password.expose().as_bytes()]);
                stored.compute(Zeroizing::new(peppered).as_slice())
            }
            (_, _) => stored.compute(password.expose().as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests;
