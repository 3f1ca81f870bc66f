//! Which accounts signed in at a browser before: what keeps an attack on an account from slowing down its owner.
//!
//! ```text
//!   base64url( version 1 | browser 16 | ( account 16 | seconds u64 )* | mac 32 )         big-endian
//!   account  the first half of HMAC(key, "account", tenant, account id, browser): tells nobody which account it is
//!   seconds  when it last signed in here, since the epoch
//!   mac      HMAC(key, "browser", everything before it)
//! ```
//!
//! Nothing of it is a proof of who somebody is. It is not bound to a session and outlives it; several people may share a
//! browser, as they do at a ward.

use super::keys::mac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::{RecordId, TenantId};
use domain::ports::{Entropy, Unavailable};
use domain::secret::{Secret, constant_time_eq};
use domain::time::Timestamp;
use std::sync::Arc;

/// For how long a browser is known to an account after it signed in there, in seconds: 90 days.
pub const KNOWN_SECONDS: i64 = 90 * 86_400;

/// Most accounts that a browser is known to; the one that signed in longest ago makes room.
pub const ACCOUNTS_PER_BROWSER: usize = 8;

/// Recognises browsers by a cookie that only this gateway can make.
pub struct Browsers {
    key: Secret<32>,
    entropy: Arc<dyn Entropy>,
}

impl Browsers {
    /// Makes a recogniser with an HMAC key.
    #[must_use]
    pub fn new(key: Secret<32>, entropy: Arc<dyn Entropy>) -> Self {
        Self { key, entropy }
    }

    /// Returns the browser's name when its cookie says that this account signed in there within [`KNOWN_SECONDS`].
    #[must_use]
    pub fn recognise(&self, cookie: &str, tenant: TenantId, account: RecordId, now: Timestamp) -> Option<[u8; 16]> {
        let known = self.read(cookie)?;
        let wanted = self.account(tenant, account, &known.browser);
        let fits = |(account, since): &([u8; 16], u64)| constant_time_eq(account, &wanted) && is_recent(*since, now);
        known.accounts.iter().any(fits).then_some(known.browser)
    }

    /// Returns the cookie to keep at a browser where an account has signed in just now, from the one it had.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness for a browser that had none.
    pub fn remember(
        &self,
        cookie: Option<&str>,
        tenant: TenantId,
        account: RecordId,
        now: Timestamp,
    ) -> Result<String, Unavailable> {
        let mut known = match cookie.and_then(|cookie| self.read(cookie)) {
            Some(known) => known,
            None => {
                let mut browser = [0; 16];
                self.entropy.fill(&mut browser)?;
                Known { browser, accounts: Vec::new() }
            }
        };
        let account = self.account(tenant, account, &known.browser);
        known.accounts.retain(|(other, since)| *other != account && is_recent(*since, now));
        known.accounts.insert(0, (account, now.millis().div_euclid(1_000)));
        known.accounts.truncate(ACCOUNTS_PER_BROWSER);
        Ok(self.render(&known))
    }

    fn read(&self, cookie: &str) -> Option<Known> {
        if cookie.len() > MAX_COOKIE_CHARACTERS {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (body, tag) = bytes.split_last_chunk::<32>()?;
        if !constant_time_eq(tag, &mac(&self.key, &[b"browser", body])) {
            return None;
        }
        let (browser, entries) = body.strip_prefix(&[VERSION])?.split_first_chunk::<16>()?;
        let (entries, []) = entries.as_chunks::<ENTRY_BYTES>() else { return None };
        let accounts = entries.iter().filter_map(|entry| {
            let (account, since) = entry.split_first_chunk::<16>()?;
            Some((*account, u64::from_be_bytes(*since.first_chunk()?)))
        });
        Some(Known { browser: *browser, accounts: accounts.collect() })
    }

    fn render(&self, known: &Known) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(&known.browser);
        for (account, since) in &known.accounts {
            bytes.extend_from_slice(account);
            bytes.extend_from_slice(&since.to_be_bytes());
        }
        let tag = mac(&self.key, &[b"browser", &bytes]);
        bytes.extend_from_slice(&tag);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    fn account(&self, tenant: TenantId, account: RecordId, browser: &[u8; 16]) -> [u8; 16] {
        let mac = mac(&self.key, &[b"account", tenant.as_bytes(), account.as_bytes(), browser]);
        mac.first_chunk::<16>().copied().unwrap_or_default()
    }
}

/// A cookie, read: the accounts, the latest first.
struct Known {
    browser: [u8; 16],
    accounts: Vec<([u8; 16], u64)>,
}

/// Not from the future by more than a minute either: after the clock was set back, the browser signs in anew.
fn is_recent(since: u64, now: Timestamp) -> bool {
    let Ok(since) = i64::try_from(since) else { return false };
    let age = now.0.div_euclid(1_000_000).saturating_sub(since);
    (-60..KNOWN_SECONDS).contains(&age)
}

const VERSION: u8 = 1;
const ENTRY_BYTES: usize = 16 + 8;
/// Base64 of the longest cookie: 241 bytes.
const MAX_COOKIE_CHARACTERS: usize = (1 + 16 + ENTRY_BYTES * ACCOUNTS_PER_BROWSER + 32).div_ceil(3) * 4;

#[cfg(test)]
mod tests {
    use super::*;
    use domain::double::SeededEntropy;

    const TENANT: TenantId = TenantId([1; 16]);
    const ALICE: RecordId = RecordId([2; 16]);
    const BOB: RecordId = RecordId([3; 16]);
    const NOW: Timestamp = Timestamp(1_700_000_000_000_000);

    fn browsers(key: u8) -> Browsers {
        Browsers::new(Secret::new([key; 32]), Arc::new(SeededEntropy::new(1)))
    }

    #[test]
    fn a_browser_is_known_to_the_accounts_that_signed_in_there() {
        let browsers = browsers(7);
        let alone = browsers.remember(None, TENANT, ALICE, NOW).unwrap();
        let shared = browsers.remember(Some(&alone), TENANT, BOB, NOW).unwrap();
        assert!(browsers.recognise(&alone, TENANT, ALICE, NOW).is_some());
        assert_eq!(browsers.recognise(&alone, TENANT, BOB, NOW), None);
        assert_eq!(browsers.recognise(&alone, TenantId([9; 16]), ALICE, NOW), None);
        let (alice, bob) =
            (browsers.recognise(&shared, TENANT, ALICE, NOW), browsers.recognise(&shared, TENANT, BOB, NOW));
        assert!(alice.is_some() && alice == bob, "one browser");
        let other = browsers.remember(None, TENANT, ALICE, NOW).unwrap();
        assert_ne!(browsers.recognise(&other, TENANT, ALICE, NOW), alice, "another browser");
    }

    #[test]
    fn it_is_known_for_ninety_days_after_the_last_time() {
        let browsers = browsers(7);
        let cookie = browsers.remember(None, TENANT, ALICE, NOW).unwrap();
        let last = NOW.plus_seconds(KNOWN_SECONDS - 1);
        assert!(browsers.recognise(&cookie, TENANT, ALICE, last).is_some());
        assert!(browsers.recognise(&cookie, TENANT, ALICE, last.plus_seconds(1)).is_none());
        assert!(browsers.recognise(&cookie, TENANT, ALICE, NOW.plus_seconds(-3_600)).is_none());
        let again = browsers.remember(Some(&cookie), TENANT, ALICE, last).unwrap();
        assert!(browsers.recognise(&again, TENANT, ALICE, last.plus_seconds(86_400)).is_some());
        assert_eq!(again.len(), cookie.len(), "an account is there once");
    }

    #[test]
    fn the_account_that_signed_in_longest_ago_makes_room() {
        let browsers = browsers(7);
        let mut cookie = None;
        for number in 0..=8 {
            let at = NOW.plus_seconds(i64::from(number));
            cookie = Some(browsers.remember(cookie.as_deref(), TENANT, RecordId([number; 16]), at).unwrap());
        }
        let cookie = cookie.unwrap();
        assert!(cookie.len() <= MAX_COOKIE_CHARACTERS);
        assert!(browsers.recognise(&cookie, TENANT, RecordId([0; 16]), NOW).is_none());
        for number in 1..=8 {
            assert!(browsers.recognise(&cookie, TENANT, RecordId([number; 16]), NOW).is_some(), "{number}");
        }
    }

    #[test]
    fn a_cookie_that_was_made_elsewhere_altered_or_cut_is_as_none() {
        let cookie = browsers(7).remember(None, TENANT, ALICE, NOW).unwrap();
        assert!(browsers(8).recognise(&cookie, TENANT, ALICE, NOW).is_none());
        let bytes = URL_SAFE_NO_PAD.decode(&cookie).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(browsers(7).recognise(&URL_SAFE_NO_PAD.encode(altered), TENANT, ALICE, NOW).is_none());
            assert!(browsers(7).recognise(&URL_SAFE_NO_PAD.encode(&bytes[..at]), TENANT, ALICE, NOW).is_none());
        }
        for text in ["", "=", "%", &"A".repeat(10_000)] {
            assert!(browsers(7).recognise(text, TENANT, ALICE, NOW).is_none());
            assert!(browsers(7).remember(Some(text), TENANT, ALICE, NOW).is_ok(), "it is known anew");
        }
    }
}
