//! SAML 2.0 as a way in.

use super::{Arrival, Departure, Ending, IdentityProviders, Refusal, Reply};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::{Connection, Hidden};
use domain::ports::{BoxFuture, Entropy};
use domain::secret::Secret;
use sso::saml::{Ask, LoggedIn, LogoutMessage, Pending, ServiceProvider, Urls};
use std::sync::Arc;

/// The SAML identity providers of every connection.
pub struct SamlProviders {
    provider: Arc<ServiceProvider>,
    entropy: Arc<dyn Entropy>,
    origin: String,
}

impl SamlProviders {
    /// Puts the way in together; `origin` is scheme, host and port under which browsers reach us.
    #[must_use]
    pub fn new(provider: Arc<ServiceProvider>, entropy: Arc<dyn Entropy>, origin: &str) -> Self {
        Self { provider, entropy, origin: origin.trim_end_matches('/').to_owned() }
    }

    fn urls(&self, connection: &Connection) -> Urls {
        Urls::at(&self.origin, connection.id)
    }

    /// Draws a handle of 192 bits: 32 characters, well below the 80 bytes that a relay may have (SAML Bindings §3.4.3).
    fn handle(&self) -> Result<String, Refusal> {
        let bits = Secret::<24>::fill(self.entropy.as_ref()).map_err(|_| "unavailable")?;
        Ok(URL_SAFE_NO_PAD.encode(bits.expose()))
    }
}

impl IdentityProviders for SamlProviders {
    fn begin<'a>(&'a self, connection: &'a Connection, fresh: bool) -> BoxFuture<'a, Result<Departure, Refusal>> {
        Box::pin(async move {
            let handle = self.handle()?;
            // Who proves it once more does so with a second factor; otherwise the identity provider decides what it asks for.
            let known = connection.saml().filter(|_| fresh).map(|settings| settings.second_factor_contexts.clone());
            let ask = Ask { fresh, contexts: known.unwrap_or_default() };
            let begun = self.provider.begin(connection, &self.urls(connection), &handle, &ask);
            let begun = begun.map_err(|refusal| refusal.name())?;
            let kept = serde_json::to_string(&begun.pending).map_err(|_| "not-kept")?;
            Ok(Departure { address: begun.redirect, handle, kept: Hidden::new(kept) })
        })
    }

    fn finish<'a>(
        &'a self,
        connection: &'a Connection,
        kept: Option<&'a Hidden>,
        reply: Reply<'a>,
    ) -> BoxFuture<'a, Result<Arrival, Refusal>> {
        Box::pin(async move {
            let pending: Option<Pending> =
                kept.map(|kept| serde_json::from_str(kept.expose())).transpose().map_err(|_| "not-kept")?;
            let urls = self.urls(connection);
            let verified = self.provider.finish(connection, &urls, pending.as_ref(), reply.saml_response).await;
            let verified = verified.map_err(|refusal| refusal.name())?;
            let proof = verified.logged_in.and_then(|logged_in| serde_json::to_string(&logged_in).ok());
            Ok(Arrival { assertion: verified.assertion, proof: proof.map(Hidden::new) })
        })
    }

    fn sign_out<'a>(&'a self, connection: &'a Connection, proof: &'a Hidden) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let logged_in: LoggedIn = serde_json::from_str(proof.expose()).ok()?;
            let relay = self.handle().ok()?;
            let begun = self.provider.logout_begin(connection, &self.urls(connection), &logged_in, &relay);
            begun.ok().map(|begun| begun.redirect)
        })
    }

    fn ending<'a>(&'a self, connection: &'a Connection, text: &'a str) -> BoxFuture<'a, Result<Ending, Refusal>> {
        Box::pin(async move {
            let urls = self.urls(connection);
            let message = self.provider.logout_read(connection, &urls, text).await;
            match message.map_err(|refusal| refusal.name())? {
                LogoutMessage::Answered(_) => Ok(Ending::default()),
                LogoutMessage::Asked(asked) => {
                    let answer = self.provider.logout_answer(connection, &urls, &asked).ok();
                    let issuer = connection.saml().map(|settings| settings.idp_entity_id.clone()).unwrap_or_default();
                    let all = asked.session_indexes.is_empty();
                    let person = all.then(|| (issuer, asked.name_id.value.clone()));
                    Ok(Ending { sessions: asked.session_indexes, person, answer })
                }
            }
        })
    }

    fn metadata(&self, connection: &Connection) -> Result<Option<String>, Refusal> {
        let rendered = self.provider.metadata(connection, &self.urls(connection));
        rendered.map(Some).map_err(|refusal| refusal.name())
    }
}
