//! A system that reads over FHIR, and the bearer token it shows.

use super::entry::{Entry, Heading, Invalid};
use super::text;
use crate::access::{Clinics, Purpose, Roles};
use crate::id::{RecordId, TenantId};
use crate::kind::Kind;
use crate::ports::{Entropy, Unavailable};
use crate::secret::{SecretBytes, constant_time_eq};
use crate::time::Timestamp;
use alloc::string::String;
use serde::{Deserialize, Serialize};

/// A system that reads over FHIR with a bearer token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiClient {
    /// Its id; the first part of its token.
    pub id: RecordId,
    /// The tenant it is admitted to.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// Its roles.
    pub roles: Roles,
    /// The clinics its roles reach.
    pub clinics: Clinics,
    /// What it reads for.
    #[serde(default)]
    pub purpose: Purpose,
    /// SHA-256 of its token, hexadecimal. The token has 256 random bits, so a plain hash cannot be searched.
    pub token_hash: String,
    /// The moment from which its token is refused.
    #[serde(default, with = "text::optional_moment")]
    pub expires: Option<Timestamp>,
    /// Whether its token is accepted.
    pub enabled: bool,
    /// When it was added.
    #[serde(with = "text::moment")]
    pub created: Timestamp,
}

impl ApiClient {
    /// Says whether this is the client's token and holds now; compares in constant time.
    #[must_use]
    pub fn accepts(&self, presented: &str, now: Timestamp) -> bool {
        let same = constant_time_eq(text::sha256(presented).as_bytes(), self.token_hash.as_bytes());
        same && self.enabled && self.expires.is_none_or(|expires| now < expires)
    }
}

impl Entry for ApiClient {
    const KIND: Kind = Kind::ApiClient;

    fn heading(&self) -> Heading<'_> {
        Heading { record: self.id, tenant: self.tenant, name: &self.name }
    }

    fn validate(&self) -> Result<(), Invalid> {
        text::name(&self.name, Invalid::Name)?;
        text::roles_of_systems(self.roles)?;
        text::reach(self.roles, &self.clinics)?;
        if text::is_sha256(&self.token_hash) { Ok(()) } else { Err(Invalid::TokenHash) }
    }
}

/// A new bearer token: shown once, wiped when dropped, stored as its hash only.
///
/// ```text
///   "sgt_" | client id, 22 characters | "." | 256 random bits, 43 characters        base64url without padding (RFC 4648 §5)
/// ```
/// A token for provisioning begins with `sgp_` and names its connection.
pub struct BearerToken(SecretBytes);

/// What a bearer token is for; told by how it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenUse {
    /// A client that reads over FHIR.
    Client,
    /// A provider's service that tells of people.
    Provisioning,
}

impl TokenUse {
    const fn prefix(self) -> &'static str {
        match self {
            TokenUse::Client => TOKEN_PREFIX,
            TokenUse::Provisioning => "sgp_",
        }
    }
}

impl BearerToken {
    /// Draws the token of a client.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn generate(client: RecordId, entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        Self::draw(TokenUse::Client, client, entropy)
    }

    pub(super) fn draw(r#use: TokenUse, owner: RecordId, entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        let mut random = [0; 32];
        entropy.fill(&mut random)?;
        // Sized once, so that growing leaves no copy behind.
        let mut text = String::with_capacity(TOKEN_CHARACTERS);
        text.push_str(r#use.prefix());
        base64url(owner.as_bytes(), &mut text);
        text.push('.');
        base64url(&random, &mut text);
        zeroize::Zeroize::zeroize(&mut random);
        Ok(Self(SecretBytes::new(text.into_bytes())))
    }

    /// Borrows the token, to show it.
    #[must_use]
    pub fn expose(&self) -> &str {
        core::str::from_utf8(self.0.expose()).unwrap_or_default()
    }

    /// Returns what is stored of it.
    #[must_use]
    pub fn hash(&self) -> String {
        text::sha256(self.expose())
    }
}

/// Returns the part of a presented token that names the client; `None` when it has not the form of a token.
pub(super) fn named_client(presented: &str) -> Option<&str> {
    let (client, secret) = presented.strip_prefix(TOKEN_PREFIX)?.split_once('.')?;
    (client.len() == ID_CHARACTERS && secret.len() == SECRET_CHARACTERS).then_some(client)
}

/// Returns how a client is named in its token.
pub(super) fn name_in_token(client: RecordId) -> String {
    let mut text = String::with_capacity(ID_CHARACTERS);
    base64url(client.as_bytes(), &mut text);
    text
}

/// Writes bytes six bits at a time, most significant first, without padding.
fn base64url(bytes: &[u8], text: &mut String) {
    for group in bytes.chunks(3) {
        let [a, b, c] = [group.first(), group.get(1), group.get(2)].map(|byte| u32::from(byte.copied().unwrap_or(0)));
        let bits = a << 16 | b << 8 | c;
        let characters = [bits >> 18, bits >> 12, bits >> 6, bits].map(|six| u8::try_from(six & 63).unwrap_or(0));
        for six in characters.into_iter().take(group.len().saturating_add(1)) {
            text.push(match six {
                0..=25 => char::from(b'A'.saturating_add(six)),
                26..=51 => char::from(b'a'.saturating_add(six.saturating_sub(26))),
                52..=61 => char::from(b'0'.saturating_add(six.saturating_sub(52))),
                62 => '-',
                _ => '_',
            });
        }
    }
}

const TOKEN_PREFIX: &str = "sgt_";
const ID_CHARACTERS: usize = 22;
const SECRET_CHARACTERS: usize = 43;
const TOKEN_CHARACTERS: usize = 4 + ID_CHARACTERS + 1 + SECRET_CHARACTERS;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64url_writes_the_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut written = String::new();
            base64url(bytes.as_bytes(), &mut written);
            assert_eq!(written, text);
        }
        let mut written = String::new();
        base64url(&[0xfb, 0xff, 0xbf], &mut written);
        assert_eq!(written, "-_-_");
    }
}
