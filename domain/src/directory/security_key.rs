//! A security key, or an authenticator built into a device, of a person's account (WebAuthn).

use super::entry::Invalid;
use super::hidden::Hidden;
use super::text;
use crate::id::RecordId;
use crate::time::Timestamp;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// Most security keys of an account.
pub const MAX_SECURITY_KEYS: usize = 10;

/// Most bytes of what the answers of one key are verified with.
pub const MAX_VERIFIER_BYTES: usize = 8 * 1024;

/// A key that a person may show as the second factor.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityKey {
    /// Its id here.
    pub id: RecordId,
    /// What its person calls it; no other key of the account has the same name, whatever the case.
    pub name: String,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub added: Timestamp,
    /// The credential id by which browser and key know it (WebAuthn Level 3 §4), base64url without padding.
    pub credential: String,
    /// The host it was made for (the relying party id, WebAuthn Level 3 §5.1.2): it answers pages of this host and of no other. Empty
    /// for keys from before it was written down, which are taken to be of the present one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub host: String,
    /// Its public key and what goes with it, as the part that verifies its answers writes it: JSON. Nothing in it proves who
    /// somebody is; it is hidden because it tells one key from all others.
    pub verifier: Hidden,
}

impl SecurityKey {
    /// Says whether it answers pages of this host; `None` is a gateway that is known by no name, whose pages no key answers.
    #[must_use]
    pub fn is_of(&self, host: Option<&str>) -> bool {
        host.is_some_and(|host| self.host.is_empty() || self.host == host)
    }
}

/// Checks the keys of one account.
pub(super) fn validate(keys: &[SecurityKey]) -> Result<(), Invalid> {
    if keys.len() > MAX_SECURITY_KEYS {
        return Err(Invalid::SecurityKeyCount);
    }
    for (at, key) in keys.iter().enumerate() {
        text::name(&key.name, Invalid::SecurityKeyName)?;
        let verifier = key.verifier.expose();
        let read = verifier.starts_with('{') && verifier.len() <= MAX_VERIFIER_BYTES;
        if !read || !is_credential(&key.credential) || !is_host(&key.host) {
            return Err(Invalid::SecurityKey);
        }
        let before = || keys.iter().take(at);
        if before().any(|other| other.name.to_lowercase() == key.name.to_lowercase()) {
            return Err(Invalid::SecurityKeyName);
        }
        if before().any(|other| other.id == key.id || other.credential == key.credential) {
            return Err(Invalid::SecurityKey);
        }
    }
    Ok(())
}

/// At most 1,023 bytes (WebAuthn Level 3 §4, credential ID), which are 1,364 characters.
fn is_credential(text: &str) -> bool {
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    letters && (1..=1_364).contains(&text.len())
}

/// A name of at most 253 letters (RFC 1035 §2.3.4), or nothing.
fn is_host(text: &str) -> bool {
    text.len() <= 253 && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_'))
}
