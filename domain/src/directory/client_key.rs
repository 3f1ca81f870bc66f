//! Keys by which a connection shows its provider that we are its client, instead of by a shared secret (RFC 7523 §2.2).

use super::entry::Invalid;
use super::hidden::Hidden;
use super::text;
use crate::time::Timestamp;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Most keys of a connection: one that signs, and others while providers come to know them.
pub const MAX_CLIENT_KEYS: usize = 4;

/// A key of ours at one provider, and the certificate by which some providers want to know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientKey {
    /// Its name in key sets and in the headers of what it signs.
    pub id: String,
    /// What it signs by.
    pub algorithm: ClientAlgorithm,
    /// The private key: PKCS #8, DER, base64.
    pub private: Hidden,
    /// A certificate of it, signed by itself: DER, base64.
    pub certificate: String,
    /// When it was made.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

/// What a client key signs by (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ClientAlgorithm {
    /// ECDSA with P-256 and SHA-256.
    #[serde(rename = "ES256")]
    Es256,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    #[serde(rename = "RS256")]
    Rs256,
}

impl ClientAlgorithm {
    /// Returns its registered name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            ClientAlgorithm::Es256 => "ES256",
            ClientAlgorithm::Rs256 => "RS256",
        }
    }
}

/// For whom what a client key signs is meant to be (`aud`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AssertionAudience {
    /// The provider's token endpoint (OpenID Connect Core §9).
    #[default]
    TokenEndpoint,
    /// The provider's issuer.
    Issuer,
}

impl AssertionAudience {
    /// Returns the word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            AssertionAudience::TokenEndpoint => "token-endpoint",
            AssertionAudience::Issuer => "issuer",
        }
    }

    /// Says whether it is what it is when nobody says otherwise.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

pub(super) fn validate(keys: &[ClientKey]) -> Result<(), Invalid> {
    let ids: Vec<&str> = keys.iter().map(|key| key.id.as_str()).collect();
    let distinct = ids.iter().enumerate().all(|(at, id)| !ids.iter().take(at).any(|other| other == id));
    let base64 = |text: &str| {
        (1..=MAX_KEY_BYTES).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'='))
    };
    let fits = |key: &ClientKey| base64(key.private.expose()) && base64(&key.certificate);
    if keys.len() > MAX_CLIENT_KEYS || !distinct || !keys.iter().all(fits) {
        return Err(Invalid::ClientKeys);
    }
    ids.iter().try_for_each(|id| text::value(id, Invalid::ClientKeys))
}

/// Most bytes of a key or certificate.
const MAX_KEY_BYTES: usize = 8_192;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::client_key as key;
    use std::vec;

    #[test]
    fn the_stored_form_of_a_key_stays_as_it_is() {
        let text = serde_json::to_string(&key("a")).unwrap();
        insta::assert_snapshot!(text, @r#"{"id":"a","algorithm":"ES256","private":"AAAA","certificate":"AAAA","created":"1970-01-01T00:00:00.000Z"}"#);
        assert_eq!(serde_json::from_str::<ClientKey>(&text).unwrap(), key("a"));
        assert_eq!(serde_json::to_string(&AssertionAudience::Issuer).unwrap(), "\"issuer\"");
    }

    #[test]
    fn keys_are_few_readable_and_told_apart() {
        assert_eq!(validate(&[]), Ok(()));
        assert_eq!(validate(&["a", "b", "c", "d"].map(key)), Ok(()));
        for broken in [
            ["a", "b", "c", "d", "e"].map(key).to_vec(),
            vec![key("a"), key("a")],
            vec![key("")],
            vec![ClientKey { private: Hidden::new(String::new()), ..key("a") }],
            vec![ClientKey { private: Hidden::new("-----BEGIN".into()), ..key("a") }],
            vec![ClientKey { certificate: String::new(), ..key("a") }],
        ] {
            assert_eq!(validate(&broken), Err(Invalid::ClientKeys));
        }
    }
}
