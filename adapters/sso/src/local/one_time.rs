//! One-time passwords of an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, as every app reads them.
//!
//! A code is accepted once: the step it belongs to is kept as a ticket and only ever moves forward, by compare-and-set, so
//! that of two at once one succeeds (RFC 6238 §5.2). A wrong code costs a try in the same write that decides about it; so
//! guesses that come in parallel count one by one.

use super::refusal::{Reason, Refusal};
use domain::directory::Hidden;
use domain::id::{RecordId, TenantId};
use domain::ports::Unavailable;
use domain::secret::{Secret, constant_time_eq};
use domain::ticket::{Kept, TicketBook, TicketKind};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::sync::Arc;
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

/// Seconds of a step (RFC 6238 §4.1).
pub const STEP_SECONDS: i64 = 30;

/// How many steps an app's clock may be ahead or behind (RFC 6238 §5.2).
pub const DRIFT_STEPS: i64 = 1;

/// How many tries there are in a window.
pub const TRIES: u32 = 5;

/// Seconds of a window, from its first wrong code on: a quarter of an hour. Guessing for a day finds a code with a chance
/// of one in 700, and only whoever has the password may guess.
pub const WINDOW_SECONDS: i64 = 900;

/// Decides about one-time passwords.
pub struct OneTimePasswords {
    book: Arc<TicketBook>,
}

/// A secret that an app is to take over, and the address that its camera reads.
pub struct Enrolment {
    /// 160 bits in base 32 without padding (RFC 4226 §4, RFC 4648 §6), to be typed where there is no camera.
    pub secret: Hidden,
    /// `otpauth://totp/…`, to be shown as a QR code and nowhere else.
    pub uri: Hidden,
}

impl OneTimePasswords {
    /// Makes a judge over a book of tickets.
    #[must_use]
    pub fn new(book: Arc<TicketBook>) -> Self {
        Self { book }
    }

    /// Draws a secret for an account. It counts only once a code of it was accepted.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn draw(&self, issuer: &str, account: &str) -> Result<Enrolment, Unavailable> {
        let secret = Secret::<20>::fill(self.book.entropy.as_ref())?;
        let secret = totp_rs::Secret::from(*secret.expose()).to_base32();
        Ok(Enrolment::of(Hidden::new(secret), issuer, account))
    }

    /// Accepts a code of an account's secret, once.
    ///
    /// # Errors
    /// [`Reason::WrongCode`], [`Reason::CodeUsed`], [`Reason::TooManyCodes`]; [`Reason::NotEnrolled`] when the secret
    /// cannot be read; [`Reason::Busy`] when others decide about this account without end.
    pub async fn accept(
        &self,
        tenant: TenantId,
        account: RecordId,
        secret: &Hidden,
        code: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let totp = totp(secret).ok_or(Reason::NotEnrolled)?;
        let shown = candidates(&totp, code, now);
        let name: [&[u8]; 2] = [tenant.as_bytes(), account.as_bytes()];
        let (key, owner) = (self.book.keys.key(KIND, &name), self.book.keys.owner("account", &name));
        for _ in 0..RACES {
            let kept: Option<Kept<State>> = self.book.find(KIND, key).await?;
            let before = kept.as_ref().map_or(State::default(), |kept| kept.value);
            let (after, decided) = before.decide(&shown, now)?;
            let expires = now.plus_seconds(REMEMBERED_SECONDS);
            let written = match &kept {
                Some(kept) => self.book.replace(KIND, kept, expires, &after).await?,
                None => self.book.put(KIND, tenant, key, owner, expires, &after).await?,
            };
            if written {
                return decided.map_err(Refusal::from);
            }
        }
        Err(Reason::Busy.into())
    }
}

impl Enrolment {
    /// Makes the address of a secret (Key URI Format of Google Authenticator: label, secret, issuer).
    pub(super) fn of(secret: Hidden, issuer: &str, account: &str) -> Self {
        let mut uri = String::with_capacity(MAX_URI_BYTES);
        uri.push_str("otpauth://totp/");
        escape(issuer, &mut uri);
        uri.push_str("%3A");
        escape(account, &mut uri);
        uri.push_str("?secret=");
        uri.push_str(secret.expose());
        uri.push_str("&issuer=");
        escape(issuer, &mut uri);
        uri.push_str("&algorithm=SHA1&digits=6&period=30");
        Self { secret, uri: Hidden::new(uri) }
    }
}

/// What is remembered about an account's one-time passwords.
#[derive(Clone, Copy, Serialize, Deserialize)]
struct State {
    /// The last step that was accepted.
    accepted: i64,
    /// Wrong codes in the window.
    wrong: u32,
    /// When the window began.
    since: Timestamp,
}

impl Default for State {
    fn default() -> Self {
        Self { accepted: i64::MIN, wrong: 0, since: Timestamp(0) }
    }
}

/// The steps, earliest first, of which the shown code is the code.
type Shown = Vec<i64>;

impl State {
    /// Decides about a code; what it returns counts once the state was written.
    fn decide(self, shown: &Shown, now: Timestamp) -> Result<(Self, Result<(), Reason>), Reason> {
        let ends = self.since.plus_seconds(WINDOW_SECONDS);
        // Clocks of two gateways differ a little, and requests overtake one another: only a window that begins far in the
        // future began before the clock was set back, and is over.
        let is_over = self.wrong == 0 || now >= ends || now.plus_seconds(WINDOW_SECONDS) < self.since;
        let window = if is_over { Self { wrong: 0, since: now, ..self } } else { self };
        if window.wrong >= TRIES {
            return Err(Reason::TooManyCodes(seconds_until(ends, now)));
        }
        Ok(match shown.iter().find(|step| **step > self.accepted || self.is_from_a_wrong_clock(**step)) {
            Some(step) => (Self { accepted: *step, wrong: 0, since: now }, Ok(())),
            None => {
                let reason = if shown.is_empty() { Reason::WrongCode } else { Reason::CodeUsed };
                (Self { wrong: window.wrong.saturating_add(1), ..window }, Err(reason))
            }
        })
    }

    /// A step accepted while the clock was days ahead would refuse every code until then.
    fn is_from_a_wrong_clock(self, step: i64) -> bool {
        self.accepted.saturating_sub(step) > REMEMBERED_SECONDS.div_euclid(STEP_SECONDS)
    }
}

/// Returns the steps around now of which this is the code; compares with each of them, in constant time.
fn candidates(totp: &Totp, code: &str, now: Timestamp) -> Shown {
    let digits: Zeroizing<String> =
        Zeroizing::new(code.chars().filter(|c| !c.is_whitespace()).take(DIGITS_READ).collect());
    let present = now.0.div_euclid(1_000_000).div_euclid(STEP_SECONDS);
    let first = present.saturating_sub(DRIFT_STEPS);
    let mut shown = Vec::new();
    for step in first..=present.saturating_add(DRIFT_STEPS) {
        let Ok(seconds) = u64::try_from(step.saturating_mul(STEP_SECONDS)) else { continue };
        let expected = Zeroizing::new(totp.generate(seconds).to_string());
        if constant_time_eq(expected.as_bytes(), digits.as_bytes()) {
            shown.push(step);
        }
    }
    shown
}

fn totp(secret: &Hidden) -> Option<Totp> {
    let secret = totp_rs::Secret::try_from_base32(secret.expose()).ok()?;
    Builder::new().with_secret(secret).build().ok()
}

fn seconds_until(end: Timestamp, now: Timestamp) -> u32 {
    let micros = end.0.saturating_sub(now.0).saturating_add(999_999);
    u32::try_from(micros.div_euclid(1_000_000)).unwrap_or(1).max(1)
}

/// Writes what is not unreserved as percent-escapes of its bytes (RFC 3986 §2.1, §2.3).
fn escape(text: &str, into: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            into.push(char::from(byte));
        } else {
            let _ = write!(into, "%{byte:02X}");
        }
    }
}

const KIND: TicketKind = TicketKind::OneTimePassword;
/// How often a decision that somebody else overtook is made anew.
const RACES: usize = 64;
/// For how long the last step and the tries are remembered, in seconds; much longer than any code holds.
const REMEMBERED_SECONDS: i64 = 86_400;
/// Most characters of a code that are looked at; one more than a code has, so that a longer one is wrong.
const DIGITS_READ: usize = 7;
/// Room for names of 128 bytes, escaped, so that the secret is written once.
const MAX_URI_BYTES: usize = 1_536;

#[cfg(test)]
mod tests;
