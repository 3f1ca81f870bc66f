//! The receiver of a site's own, and how it knows that it is us who tell it.
//!
//! ```text
//!   POST …
//!   Content-Type: application/json
//!   Sealgate-Signature: t=<seconds since 1970>,v1=<hex HMAC-SHA256(key, t "." body)>
//! ```
//!
//! The receiver answers with 2xx, checks the signature over the bytes as they came, and refuses a `t` that is old. The same
//! alarm may come twice: `review` tells, or `correlation`.

use crate::config::SignOn;
use crate::exit::{Exit, Outcome, Stop};
use crate::sign_on::authorities;
use domain::secret::SecretBytes;
use domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use keys::file::read_secret_file;
use sha2::Sha256;
use sso::http::{Destinations, EgressClient, Fault, Limits, secure};
use std::fmt;
use std::fmt::Write;
use std::time::Duration;

/// How long the receiver may take, and how much it may answer: three seconds and 64 KiB.
const LIMITS: Limits = Limits { time: Duration::from_secs(3), body_bytes: 1 << 16 };
/// Fewest bytes of the key.
const MIN_KEY_BYTES: usize = 32;
/// The header with the signature.
const SIGNATURE: &str = "sealgate-signature";

/// A receiver.
pub struct Webhook {
    client: EgressClient,
    to: Destinations,
    url: String,
    key: SecretBytes,
}

/// Why an alarm was not accepted; says nothing of what came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTold {
    /// There was no answer.
    NoAnswer(Fault),
    /// There was one, and it did not say yes.
    Status(u16),
}

impl fmt::Display for NotTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NotTold::NoAnswer(fault) => fault.fmt(f),
            NotTold::Status(status) => write!(f, "the receiver answered with status {status}"),
        }
    }
}

impl Webhook {
    /// Reads the settings; `None` where there is no receiver.
    ///
    /// # Errors
    /// [`Exit::Configuration`] with what is wrong.
    pub fn of(settings: &SignOn) -> Outcome<Option<Self>> {
        let wrong = |line: String| Stop::new(Exit::Configuration, line);
        let (url, key_file) = match (&settings.break_glass_webhook, &settings.break_glass_webhook_key_file) {
            (None, None) => return Ok(None),
            (Some(url), Some(key_file)) => (url, key_file),
            _ => {
                let line = "[sign_on] break_glass_webhook and break_glass_webhook_key_file belong together";
                return Err(wrong(line.to_owned()));
            }
        };
        let own = secure(url, true).map_err(|why| wrong(format!("[sign_on] break_glass_webhook: {why}")))?;
        let key = read_secret_file(key_file).map_err(|fault| Stop::new(Exit::Configuration, fault))?;
        if key.expose().len() < MIN_KEY_BYTES {
            return Err(wrong(format!("{}: the key has at least {MIN_KEY_BYTES} bytes", key_file.display())));
        }
        let client = authorities(settings, LIMITS)?;
        Ok(Some(Self { client, to: Destinations::new(&own, &[], true), url: url.clone(), key }))
    }

    /// Sends a document of JSON.
    ///
    /// # Errors
    /// `NotTold`.
    pub async fn send(&self, body: String, now: Timestamp) -> Result<(), NotTold> {
        let signature = signature(self.key.expose(), now, &body);
        let reply = self.client.post_json(&self.to, &self.url, body, (SIGNATURE, &signature)).await;
        match reply.map_err(NotTold::NoAnswer)?.status {
            200..=299 => Ok(()),
            status => Err(NotTold::Status(status)),
        }
    }
}

fn signature(key: &[u8], now: Timestamp, body: &str) -> String {
    let seconds = now.0.div_euclid(1_000_000);
    let mut text = format!("t={seconds},v1=");
    // An HMAC takes a key of any length, so there is always one.
    if let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) {
        mac.update(format!("{seconds}.{body}").as_bytes());
        for byte in mac.finalize().into_bytes() {
            let _ = write!(text, "{byte:02x}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_one_that_any_other_program_makes() {
        // printf '1.{}' | openssl dgst -sha256 -hmac key
        let expected = "t=1,v1=1ba6b8171186efc613e8bcc0cbdab2748f24984d7c5a84faa2637afa0e40d224";
        assert_eq!(signature(b"key", Timestamp(1_000_999), "{}"), expected);
    }
}
