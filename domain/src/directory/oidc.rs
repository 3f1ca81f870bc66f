//! How a connection speaks OpenID Connect.

use super::client_key::{self, AssertionAudience, ClientKey};
use super::entry::Invalid;
use super::hidden::Hidden;
use super::text;
use super::url::{Host, WebAddress};
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// Algorithms that an ID token may be signed with (RFC 7518 §3.1, RFC 8037 §3.1). None with a shared secret: who can
/// verify those can forge them.
pub const SIGNATURE_ALGORITHMS: &[&str] =
    &["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// Claims that name an address or an account rather than a person (OpenID Connect Core §5.7: only `iss` with `sub` is for good).
const REASSIGNED_CLAIMS: &[&str] = &["email", "upn", "preferred_username", "unique_name"];

/// Claims that are one person's for good by what they are: the subject itself (OpenID Connect Core §5.7), and the directories' own marks.
const LASTING_CLAIMS: &[&str] =
    &["sub", "oid", "objectguid", "objectsid", "objectidentifier", "immutableid", "entryuuid"];

/// What names are made of, in words without marks between them, whoever vouches for it: names of people, of accounts, and addresses.
const NAMES: &[&str] = &[
    "name",
    "givenname",
    "familyname",
    "surname",
    "middlename",
    "nickname",
    "displayname",
    "fullname",
    "commonname",
    "cn",
    "preferredusername",
    "username",
    "uniquename",
    "upn",
    "userprincipalname",
    "login",
    "loginname",
    "samaccountname",
    "winaccountname",
    "windowsaccountname",
    "email",
    "mail",
    "emailaddress",
    "phone",
    "phonenumber",
    "profile",
];

/// Claims about the token, the sign-in, or what many people share.
const OF_THE_SIGN_IN: &[&str] = &[
    "iss", "aud", "exp", "iat", "nbf", "jti", "azp", "nonce", "athash", "chash", "authtime", "sid", "typ", "acr",
    "amr", "tid", "groups", "roles",
];

/// Most hosts that a connection may be asked at, besides the issuer's own.
pub const MAX_EGRESS: usize = 16;

/// How a connection speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcSettings {
    /// The issuer's identifier, exactly as its ID tokens write it (`iss`).
    pub issuer: String,
    /// How the issuer knows us.
    pub client_id: String,
    /// What we show it at its token endpoint. `None`: the first of the keys signs instead, unless they wait; without one that signs we
    /// are a public client, which PKCE alone protects.
    #[serde(default)]
    pub client_secret: Option<Hidden>,
    /// Keys that the provider is told of, the one that signs first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_keys: Vec<ClientKey>,
    /// Whether they are published only and none signs: until somebody says that the provider knows one. Where this was not noted
    /// yet, the first signs wherever there is no secret.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub keys_wait: bool,
    /// For whom what they sign is meant to be.
    #[serde(default, skip_serializing_if = "AssertionAudience::is_usual")]
    pub assertion_audience: AssertionAudience,
    /// Whether people come back to an address that is this connection's alone, so that no provider can pass off another's answer as
    /// its own (RFC 9700 §4.4.2.2). Those from before it could be are known to their providers by the common address.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub own_redirect: bool,
    /// What is asked for; has `openid` among it.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Algorithms accepted on ID tokens, whatever the issuer offers; see [`SIGNATURE_ALGORITHMS`].
    #[serde(default = "algorithms")]
    pub algorithms: Vec<String>,
    /// The claim that lists groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// The claim that lists roles; a path such as `realm_access.roles` leads into objects.
    #[serde(default = "roles_claim")]
    pub roles_claim: String,
    /// The claim that names the person for good: `sub`; `oid` at Entra ID.
    #[serde(default = "subject_claim")]
    pub subject_claim: String,
    /// Whether an operator vouches that this claim is one person's for good, where that is not known here.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub subject_claim_vouched: bool,
    /// The claim with a name for people to read.
    #[serde(default = "display_claim")]
    pub display_claim: String,
    /// Values of `acr` that vouch for a second factor.
    #[serde(default)]
    pub second_factor_acr: Vec<String>,
    /// Values of `amr`, any of which vouches for a second factor by itself. None: what RFC 8176 §2 says of the methods is counted,
    /// which is `mfa`, or two of different kinds (what one knows, has, is).
    #[serde(default)]
    pub second_factor_amr: Vec<String>,
    /// Values of `acr` that are asked for (`acr_values`).
    #[serde(default)]
    pub request_acr: Vec<String>,
    /// How long ago the person may have proved who they are, in seconds; `None` asks for nothing.
    #[serde(default)]
    pub max_age_seconds: Option<i64>,
    /// Hosts, `host` or `host:port`, that may be asked besides the issuer's own.
    #[serde(default)]
    pub egress: Vec<String>,
    /// Whether the issuer may be asked without TLS at a loopback address; for trials on one machine.
    #[serde(default)]
    pub allow_http_loopback: bool,
    /// Whether issuer and hosts were named by API: then they are not asked at addresses of private networks, unless the operator allows
    /// the range.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub by_api: bool,
}

impl OidcSettings {
    /// Returns the settings of an issuer and client, everything else as it is when nobody says otherwise.
    #[must_use]
    pub fn new(issuer: String, client_id: String) -> Self {
        Self {
            issuer,
            client_id,
            client_secret: None,
            client_keys: Vec::new(),
            keys_wait: false,
            assertion_audience: AssertionAudience::default(),
            own_redirect: false,
            scopes: scopes(),
            algorithms: algorithms(),
            groups_claim: groups_claim(),
            roles_claim: roles_claim(),
            subject_claim: subject_claim(),
            subject_claim_vouched: false,
            display_claim: display_claim(),
            second_factor_acr: Vec::new(),
            second_factor_amr: Vec::new(),
            request_acr: Vec::new(),
            max_age_seconds: None,
            egress: Vec::new(),
            allow_http_loopback: false,
            by_api: false,
        }
    }

    /// Says whether the same provider vouches for the same people by the same proof. By what we prove who we are, what is asked at which
    /// hosts, and how people are called does not decide that; everything else does, also what is added later.
    pub(super) fn vouches_like(&self, other: &Self) -> bool {
        let like = Self {
            client_secret: other.client_secret.clone(),
            client_keys: other.client_keys.clone(),
            keys_wait: other.keys_wait,
            assertion_audience: other.assertion_audience,
            own_redirect: other.own_redirect,
            scopes: other.scopes.clone(),
            display_claim: other.display_claim.clone(),
            egress: other.egress.clone(),
            allow_http_loopback: other.allow_http_loopback,
            by_api: other.by_api,
            ..self.clone()
        };
        like == *other
    }

    /// Returns the key that signs instead of a secret, where we are known by one.
    #[must_use]
    pub fn signing_key(&self) -> Option<&ClientKey> {
        self.client_keys.first().filter(|_| self.client_secret.is_none() && !self.keys_wait)
    }

    /// Publishes a key beside those there are. It does not sign: the provider is to know it before.
    pub fn publish_key(&mut self, key: ClientKey) {
        self.keys_wait |= self.signing_key().is_none();
        self.client_keys.push(key);
    }

    /// Lets a key sign from now on, instead of another or of a secret, which is forgotten. `false` where there is no such key.
    pub fn sign_by(&mut self, id: &str) -> bool {
        let Some(at) = self.client_keys.iter().position(|key| key.id == id) else { return false };
        let key = self.client_keys.remove(at);
        self.client_keys.insert(0, key);
        self.client_secret = None;
        self.keys_wait = false;
        true
    }

    /// Shows this secret from now on, or none. A key that signed signs on where there was no secret and is none; else keys wait, so
    /// that to take a secret away lets no key sign that the provider may not know.
    pub fn set_secret(&mut self, secret: Option<Hidden>) {
        let changes = self.client_secret.is_some() || secret.is_some();
        self.keys_wait |= changes && !self.client_keys.is_empty();
        self.client_secret = secret;
    }

    /// Says whether the claim that names people is one person's for good: known for it, or vouched for and no name or address.
    ///
    /// Those that were set before there was this rule stay as they are.
    ///
    /// # Errors
    /// [`Invalid::SubjectClaim`].
    pub(crate) fn names_for_good(&self) -> Result<(), Invalid> {
        // Of a path or an address the last step says what it is.
        let last = self.subject_claim.rsplit(['/', ':', '.']).next().unwrap_or_default();
        let word: String = last.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
        let word = word.as_str();
        let is_name = word.is_empty() || NAMES.contains(&word) || OF_THE_SIGN_IN.contains(&word);
        if !is_name && (LASTING_CLAIMS.contains(&word) || self.subject_claim_vouched) {
            Ok(())
        } else {
            Err(Invalid::SubjectClaim)
        }
    }

    pub(super) fn validate(&self) -> Result<(), Invalid> {
        let issuer = WebAddress::read(&self.issuer).ok_or(Invalid::Issuer)?;
        // OpenID Connect Core §2: the issuer has neither query nor fragment.
        if issuer.has_query || issuer.has_fragment || !issuer.is_safe(self.allow_http_loopback) {
            return Err(Invalid::Issuer);
        }
        text::value(&self.client_id, Invalid::ClientId)?;
        if let Some(secret) = &self.client_secret {
            text::secret(secret.expose())?;
        }
        client_key::validate(&self.client_keys)?;
        if !self.scopes.iter().any(|scope| scope == "openid") {
            return Err(Invalid::OpenIdScope);
        }
        text::scopes(&self.scopes)?;
        let known = |algorithm: &String| SIGNATURE_ALGORITHMS.contains(&algorithm.as_str());
        if self.algorithms.is_empty() || !self.algorithms.iter().all(known) {
            return Err(Invalid::Algorithm);
        }
        for claim in [&self.groups_claim, &self.roles_claim, &self.subject_claim, &self.display_claim] {
            text::value(claim, Invalid::Claim)?;
        }
        // Providers give these to somebody else once they are free, or let people change them: that person would be taken for this one.
        if REASSIGNED_CLAIMS.iter().any(|claim| self.subject_claim.eq_ignore_ascii_case(claim)) {
            return Err(Invalid::SubjectClaim);
        }
        for values in [&self.second_factor_acr, &self.second_factor_amr, &self.request_acr] {
            text::values(values, Invalid::FactorValue)?;
        }
        if self.max_age_seconds.is_some_and(|seconds| seconds < 0) {
            return Err(Invalid::MaxAge);
        }
        if self.egress.len() > MAX_EGRESS || !self.egress.iter().all(|host| Host::read(host).is_some()) {
            return Err(Invalid::Egress);
        }
        Ok(())
    }
}

fn scopes() -> Vec<String> {
    ["openid", "profile"].map(String::from).to_vec()
}

fn algorithms() -> Vec<String> {
    ["RS256", "ES256"].map(String::from).to_vec()
}

fn groups_claim() -> String {
    String::from("groups")
}

fn roles_claim() -> String {
    String::from("roles")
}

fn subject_claim() -> String {
    String::from("sub")
}

fn display_claim() -> String {
    String::from("name")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::double::client_key as key;

    #[test]
    fn a_person_is_named_by_what_is_theirs_for_good() {
        let named = |claim: &str, subject_claim_vouched| {
            OidcSettings { subject_claim: claim.into(), subject_claim_vouched, ..settings() }.names_for_good()
        };
        for claim in
            ["sub", "oid", "objectguid", "objectGUID", "http://schemas.microsoft.com/identity/claims/objectidentifier"]
        {
            assert_eq!(named(claim, false), Ok(()), "{claim}");
        }
        for claim in ["employee_number", "hospital.person_id", "http://hospital.example/claims/badge"] {
            assert_eq!((named(claim, false), named(claim, true)), (Err(Invalid::SubjectClaim), Ok(())), "{claim}");
        }
        for claim in [
            "name",
            "Given_Name",
            "nickname",
            "user_name",
            "preferred_username",
            "e-mail",
            "mail",
            "upn",
            "sAMAccountName",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress",
            "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
            "profile.email",
            "sid",
            "nonce",
            "groups",
            "tid",
            "-",
        ] {
            assert_eq!(named(claim, true), Err(Invalid::SubjectClaim), "{claim}");
        }
    }

    fn settings() -> OidcSettings {
        OidcSettings::new("https://idp.example".into(), "sealgate".into())
    }

    fn signs(settings: &OidcSettings) -> Option<&str> {
        settings.signing_key().map(|key| key.id.as_str())
    }

    #[test]
    fn a_key_signs_once_it_is_said_and_never_by_itself() {
        let mut settings = settings();
        settings.publish_key(key("a"));
        assert_eq!(signs(&settings), None, "the first key of a public client waits");
        assert!(settings.sign_by("a") && !settings.sign_by("b"));
        settings.publish_key(key("b"));
        assert_eq!(signs(&settings), Some("a"), "one more waits beside the one that signs");
        settings.set_secret(None);
        assert_eq!(signs(&settings), Some("a"), "there was no secret to take away");
        settings.set_secret(Some(Hidden::new("secret".into())));
        settings.set_secret(None);
        assert_eq!(signs(&settings), None, "without the secret nothing signs by itself");
        assert!(settings.sign_by("b"));
        assert_eq!(signs(&settings), Some("b"));
    }

    #[test]
    fn a_connection_from_before_signs_by_its_first_key_as_it_did() {
        let mut before = settings();
        before.client_keys = ["a", "b"].map(key).to_vec();
        let text = serde_json::to_string(&before).unwrap();
        assert!(!text.contains("keys_wait"), "{text}");
        let mut read: OidcSettings = serde_json::from_str(&text).unwrap();
        assert_eq!(signs(&read), Some("a"));
        read.publish_key(key("c"));
        assert_eq!(signs(&read), Some("a"));
        let waiting = OidcSettings { keys_wait: true, ..before };
        let text = serde_json::to_string(&waiting).unwrap();
        assert_eq!(serde_json::from_str::<OidcSettings>(&text).unwrap(), waiting);
    }
}
