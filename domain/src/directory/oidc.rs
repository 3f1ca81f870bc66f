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

/// Most hosts that a connection may be asked at, besides the issuer's own.
pub const MAX_EGRESS: usize = 16;

/// How a connection speaks OpenID Connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OidcSettings {
    /// The issuer's identifier, exactly as its ID tokens write it (`iss`).
    pub issuer: String,
    /// How the issuer knows us.
    pub client_id: String,
    /// What we show it at its token endpoint. `None`: the first of the keys signs instead; without keys we are a public client, which
    /// PKCE alone protects.
    #[serde(default)]
    pub client_secret: Option<Hidden>,
    /// Keys that the provider is told of, the one that signs first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub client_keys: Vec<ClientKey>,
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
            assertion_audience: AssertionAudience::default(),
            own_redirect: false,
            scopes: scopes(),
            algorithms: algorithms(),
            groups_claim: groups_claim(),
            roles_claim: roles_claim(),
            subject_claim: subject_claim(),
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

    /// Returns the key that signs instead of a secret, where we are known by one.
    #[must_use]
    pub fn signing_key(&self) -> Option<&ClientKey> {
        self.client_keys.first().filter(|_| self.client_secret.is_none())
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
