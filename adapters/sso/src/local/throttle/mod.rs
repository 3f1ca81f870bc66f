//! Slowing down whoever guesses, without locking out whoever is guessed at.
//!
//! ```text
//!   a browser that has not signed in here ─► bucket of everybody ─► of its network ─► of the account + growing delay
//!   a browser that has                    ─► its own bucket and delay for this account, nothing else
//! ```
//!
//! An attack on an account therefore fills buckets in which the browser of its owner is not. An account that is not there
//! is slowed down as one that is: buckets go by the name that was typed. What is remembered is bounded, lies in the memory
//! of one gateway, and is forgotten at a restart; the buckets of several gateways add up.

pub use domain::rate::Rate;

use domain::id::TenantId;
use domain::index::{Field, normalise};
use domain::rate::Bucket;
use domain::time::Timestamp;
use lru::LruCache;
use sha2::{Digest, Sha256};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The failure in a row at which somebody should look.
pub const ALERT_AT: u32 = 20;

/// How many failures in a row bring no delay.
pub const FREE_FAILURES: u32 = 5;

/// The longest delay, in seconds; 96 guesses a day remain. NIST SP 800-63B-4 §3.2.2 disables a password after 100 failures
/// in a row; that would let anybody lock out anybody, so somebody is told at the 20th instead, see [`ALERT_AT`].
pub const MAX_DELAY_SECONDS: u32 = 900;

/// After how many seconds without a failure the earlier ones are forgotten: a day.
pub const FORGET_SECONDS: i64 = 86_400;

/// How much is admitted, and how much is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleLimits {
    /// Attempts of all browsers that are not known, so that a flood leaves processors to everything else.
    pub everybody: Rate,
    /// Attempts from one network: a /24 of IPv4, a /56 of IPv6. A right password gives its attempt back, since a whole
    /// hospital may come from one address.
    pub network: Rate,
    /// Attempts at one account from browsers that are not known to it.
    pub account: Rate,
    /// Attempts at one account from one browser that is known to it.
    pub browser: Rate,
    /// Most networks that are remembered, and most accounts and browsers; the one not seen for longest is forgotten.
    /// Each takes about 100 bytes.
    pub remembered: usize,
}

impl Default for ThrottleLimits {
    /// 100 at once and 25 a second in all; 60 and one a second from a network; 10 and two a minute at an account or from a
    /// known browser; 65,536 remembered.
    fn default() -> Self {
        Self {
            everybody: Rate { burst: 100, every_ms: 40 },
            network: Rate { burst: 60, every_ms: 1_000 },
            account: Rate { burst: 10, every_ms: 30_000 },
            browser: Rate { burst: 10, every_ms: 30_000 },
            remembered: 65_536,
        }
    }
}

/// Slows down whoever guesses.
pub struct Throttle {
    limits: ThrottleLimits,
    state: Mutex<State>,
}

/// An attempt that was admitted; its outcome is to be told.
#[must_use]
#[derive(Debug, Clone, Copy)]
pub struct Admission {
    account: Name,
    network: Name,
    browser: Option<Name>,
    at: Timestamp,
}

/// Says how many seconds to wait, at least 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub u32);

/// Failures in a row after one more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Failures {
    /// How many.
    pub count: u32,
    /// Whether it is the [`ALERT_AT`]th: said once in a row.
    pub alert: bool,
}

impl Throttle {
    /// Makes a throttle that remembers nothing yet.
    #[must_use]
    pub fn new(limits: ThrottleLimits) -> Self {
        let remembered = NonZeroUsize::new(limits.remembered).unwrap_or(NonZeroUsize::MIN);
        let state = State {
            everybody: Bucket::FULL,
            networks: LruCache::new(remembered),
            accounts: LruCache::new(remembered),
            browsers: LruCache::new(remembered),
        };
        Self { limits, state: Mutex::new(state) }
    }

    /// Admits an attempt at a name in a tenant, or says how long to wait. `browser` names a browser that is known to the
    /// account. Whoever is told to wait has used up nothing.
    ///
    /// # Errors
    /// [`Wait`].
    pub fn admit(
        &self,
        tenant: TenantId,
        name: &str,
        address: IpAddr,
        browser: Option<[u8; 16]>,
        now: Timestamp,
    ) -> Result<Admission, Wait> {
        let account = Name::of_account(tenant, name);
        let admission = Admission {
            account,
            network: Name::of_network(address),
            browser: browser.map(|browser| Name::of_browser(account, browser)),
            at: now,
        };
        let wait = self.state().admit(&self.limits, &admission, now);
        if wait > 0 { Err(Wait(seconds(wait))) } else { Ok(admission) }
    }

    /// Takes note that the attempt failed.
    pub fn failed(&self, admission: &Admission, now: Timestamp) -> Failures {
        let mut state = self.state();
        let guessed = state.guessed(admission);
        let count = guessed.failures(now).saturating_add(1);
        (guessed.failures, guessed.last_failure) = (count, now);
        Failures { count, alert: count == ALERT_AT }
    }

    /// Takes note that the attempt succeeded: failures are forgotten, and what it took is given back.
    pub fn succeeded(&self, admission: &Admission, now: Timestamp) {
        let mut state = self.state();
        state.guessed(admission).failures = 0;
        state.give_back(&self.limits, admission, now);
    }

    /// Takes note that the attempt was not looked at: what it took is given back.
    pub fn not_tried(&self, admission: &Admission, now: Timestamp) {
        self.state().give_back(&self.limits, admission, now);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State {
    everybody: Bucket,
    networks: LruCache<Name, Bucket>,
    accounts: LruCache<Name, Guessed>,
    browsers: LruCache<Name, Guessed>,
}

/// What is guessed at: a bucket and the failures in a row.
#[derive(Clone, Copy)]
struct Guessed {
    bucket: Bucket,
    failures: u32,
    last_failure: Timestamp,
}

impl State {
    /// Takes from every bucket or, when one of them is empty, from none. Returns how many microseconds to wait.
    fn admit(&mut self, limits: &ThrottleLimits, admission: &Admission, now: Timestamp) -> i64 {
        if admission.browser.is_some() {
            let known = self.guessed(admission);
            let wait = known.bucket.wait(limits.browser, now).max(known.delay(now));
            if wait == 0 {
                known.bucket.take(limits.browser, now);
            }
            return wait;
        }
        let everybody = self.everybody.wait(limits.everybody, now);
        let network = self.networks.get(&admission.network).copied().unwrap_or(Bucket::FULL);
        let account = self.accounts.get(&admission.account).copied().unwrap_or(Guessed::never());
        let wait = everybody
            .max(network.wait(limits.network, now))
            .max(account.bucket.wait(limits.account, now))
            .max(account.delay(now));
        // Only what is admitted is remembered anew: names that were made up push nobody's failures out.
        if wait == 0 {
            self.everybody.take(limits.everybody, now);
            self.networks.get_or_insert_mut(admission.network, || Bucket::FULL).take(limits.network, now);
            self.accounts.get_or_insert_mut(admission.account, Guessed::never).bucket.take(limits.account, now);
        }
        wait
    }

    fn give_back(&mut self, limits: &ThrottleLimits, admission: &Admission, now: Timestamp) {
        let taken = admission.at;
        if admission.browser.is_some() {
            self.guessed(admission).bucket.give_back(limits.browser, taken, now);
            return;
        }
        self.everybody.give_back(limits.everybody, taken, now);
        self.networks.get_or_insert_mut(admission.network, || Bucket::FULL).give_back(limits.network, taken, now);
        self.guessed(admission).bucket.give_back(limits.account, taken, now);
    }

    fn guessed(&mut self, admission: &Admission) -> &mut Guessed {
        match admission.browser {
            Some(browser) => self.browsers.get_or_insert_mut(browser, Guessed::never),
            None => self.accounts.get_or_insert_mut(admission.account, Guessed::never),
        }
    }
}

impl Guessed {
    const fn never() -> Self {
        Self { bucket: Bucket::FULL, failures: 0, last_failure: Timestamp(0) }
    }

    fn failures(&self, now: Timestamp) -> u32 {
        if now < self.last_failure.plus_seconds(FORGET_SECONDS) { self.failures } else { 0 }
    }

    /// One second after the sixth failure, then twice as long each time. Returns what is left of it, in microseconds.
    fn delay(&self, now: Timestamp) -> i64 {
        let Some(beyond) = self.failures(now).checked_sub(FREE_FAILURES).and_then(|beyond| beyond.checked_sub(1))
        else {
            return 0;
        };
        let delay =
            i64::from(1_u32.checked_shl(beyond).unwrap_or(u32::MAX).min(MAX_DELAY_SECONDS)).saturating_mul(1_000_000);
        // A clock that was set back prolongs no delay.
        self.last_failure.0.min(now.0).saturating_add(delay).saturating_sub(now.0).max(0)
    }
}

/// The hash under which something is remembered: fixed size, whatever was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Name([u8; 16]);

impl Name {
    fn of_account(tenant: TenantId, name: &str) -> Self {
        // Spellings of one name share a bucket; the longest name that is looked at is bounded.
        let shown: String = name.chars().take(MAX_NAME_CHARACTERS).collect();
        // As accounts are looked up: whatever reaches one account shares its bucket.
        Self::of(b"account", &[tenant.as_bytes(), normalise(Field::Label, &shown).as_bytes()])
    }

    fn of_network(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => {
                let network = Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << 8));
                Self::of(b"network", &[&network.octets()])
            }
            IpAddr::V6(address) => {
                let network = Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 72));
                Self::of(b"network", &[&network.octets()])
            }
        }
    }

    fn of_browser(account: Self, browser: [u8; 16]) -> Self {
        Self::of(b"browser", &[&account.0, &browser])
    }

    fn of(space: &[u8; 7], parts: &[&[u8]]) -> Self {
        let hash: [u8; 32] = parts.iter().fold(Sha256::new_with_prefix(space), Digest::chain_update).finalize().into();
        Self(hash.first_chunk::<16>().copied().unwrap_or_default())
    }
}

/// Rounds up to seconds.
fn seconds(micros: i64) -> u32 {
    let whole = micros.saturating_add(999_999).div_euclid(1_000_000);
    u32::try_from(whole).unwrap_or(u32::MAX).max(1)
}

/// Most characters of a name that tell it from others.
const MAX_NAME_CHARACTERS: usize = 256;

#[cfg(test)]
mod tests;
