//! What a provider says of itself (OpenID Connect Discovery §3), as far as it matters here.

use super::Refusal;
use super::jose::{Algorithm, Keys};
use crate::http::{Destinations, EgressClient, secure};
use domain::directory::{Connection, OidcSettings};
use domain::id::{RecordId, TenantId};
use serde::Deserialize;

/// A connection whose settings can be used: where requests may go and which algorithms count.
pub(super) struct Party<'a> {
    pub(super) id: RecordId,
    pub(super) tenant: TenantId,
    pub(super) settings: &'a OidcSettings,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) destinations: Destinations,
    discovery: String,
}

/// The discovery document of a provider, checked: the issuer is the one that is configured and every address is secure.
#[derive(Deserialize)]
pub(super) struct Document {
    issuer: String,
    pub(super) authorization_endpoint: String,
    pub(super) token_endpoint: String,
    pub(super) jwks_uri: String,
    pub(super) userinfo_endpoint: Option<String>,
    pub(super) end_session_endpoint: Option<String>,
    pub(super) id_token_signing_alg_values_supported: Option<Vec<String>>,
    pub(super) token_endpoint_auth_methods_supported: Option<Vec<String>>,
    pub(super) token_endpoint_auth_signing_alg_values_supported: Option<Vec<String>>,
    pub(super) code_challenge_methods_supported: Option<Vec<String>>,
    pub(super) acr_values_supported: Option<Vec<String>>,
    authorization_response_iss_parameter_supported: Option<bool>,
    backchannel_logout_supported: Option<bool>,
}

impl<'a> Party<'a> {
    /// Takes a connection that is switched on.
    pub(super) fn of(connection: &'a Connection) -> Result<Self, Refusal> {
        if connection.enabled { Self::even_if_disabled(connection) } else { Err(Refusal::Disabled) }
    }

    /// Takes a connection, so that it can be checked before it is switched on.
    pub(super) fn even_if_disabled(connection: &'a Connection) -> Result<Self, Refusal> {
        let settings = connection.oidc().ok_or(Refusal::NotOidc)?;
        let issuer = secure(&settings.issuer, settings.allow_http_loopback)?;
        let algorithms = Algorithm::named(&settings.algorithms);
        if settings.client_id.is_empty() || algorithms.is_empty() || issuer.query().is_some() {
            return Err(Refusal::Settings);
        }
        Ok(Self {
            id: connection.id,
            tenant: connection.tenant,
            settings,
            algorithms,
            destinations: Destinations::new(&issuer, &settings.egress, settings.allow_http_loopback)
                .guarded(settings.by_api),
            discovery: format!("{}/.well-known/openid-configuration", settings.issuer.trim_end_matches('/')),
        })
    }

    /// Fetches the discovery document.
    pub(super) async fn fetch_document(&self, http: &EgressClient) -> Result<Document, Refusal> {
        let reply = http.get(&self.destinations, &self.discovery, None).await?;
        match reply.status {
            200 => {}
            429 | 500.. => return Err(Refusal::ProviderUnavailable),
            _ => return Err(Refusal::DiscoveryUnreadable),
        }
        let document: Document = serde_json::from_slice(&reply.body).map_err(|_| Refusal::DiscoveryUnreadable)?;
        if document.issuer != self.settings.issuer {
            return Err(Refusal::DiscoveryIssuer);
        }
        document.check_addresses(self)?;
        Ok(document)
    }

    /// Fetches the provider's keys.
    pub(super) async fn fetch_keys(&self, http: &EgressClient, document: &Document) -> Result<Keys, Refusal> {
        let reply = http.get(&self.destinations, &document.jwks_uri, None).await?;
        match reply.status {
            200 => Keys::read(&reply.body).ok_or(Refusal::KeysUnreadable),
            429 | 500.. => Err(Refusal::ProviderUnavailable),
            _ => Err(Refusal::KeysUnreadable),
        }
    }

    /// Says whether people can sign in by what the provider says of itself: PKCE, and a way to show who we are.
    pub(super) fn is_served_by(&self, document: &Document) -> bool {
        let shows = match (&self.settings.client_secret, self.settings.signing_key()) {
            (Some(_), _) => document.takes("client_secret_basic") || document.takes("client_secret_post"),
            (None, Some(_)) => document.takes("private_key_jwt"),
            (None, None) => true,
        };
        document.may_do_pkce() && shows
    }

    /// Says whether the provider may be asked for user information.
    pub(super) fn user_info<'d>(&self, document: &'d Document) -> Option<&'d str> {
        // That of Entra ID is on another host and adds nothing; whoever needs it allows the host.
        document.userinfo_endpoint.as_deref().filter(|url| self.destinations.permit(url).is_ok())
    }
}

impl Document {
    /// Where the browser goes must be secure; where we go must also be allowed.
    fn check_addresses(&self, party: &Party<'_>) -> Result<(), Refusal> {
        for url in [&self.token_endpoint, &self.jwks_uri] {
            party.destinations.permit(url)?;
        }
        let browser = std::iter::once(&self.authorization_endpoint).chain(&self.end_session_endpoint);
        for url in browser.chain(&self.userinfo_endpoint) {
            secure(url, party.settings.allow_http_loopback)?;
        }
        Ok(())
    }

    /// Says whether PKCE with S256 is offered; a provider that is silent about it, as Entra ID is, may well do it.
    pub(super) fn may_do_pkce(&self) -> bool {
        self.code_challenge_methods_supported
            .as_ref()
            .is_none_or(|methods| methods.iter().any(|method| method == "S256"))
    }

    /// Says whether answers name their issuer (RFC 9207 §3).
    pub(super) fn names_issuer_in_answers(&self) -> bool {
        self.authorization_response_iss_parameter_supported == Some(true)
    }

    /// Says whether the provider sends sign-out notices.
    pub(super) fn sends_logout_tokens(&self) -> bool {
        self.backchannel_logout_supported == Some(true)
    }

    /// Says whether a way to authenticate the client is offered; a provider that is silent takes `client_secret_basic`.
    pub(super) fn takes(&self, method: &str) -> bool {
        match &self.token_endpoint_auth_methods_supported {
            Some(methods) => methods.iter().any(|offered| offered == method),
            None => method == "client_secret_basic",
        }
    }
}
