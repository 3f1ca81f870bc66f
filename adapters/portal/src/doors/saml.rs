//! SAML 2.0 as a way in.

use super::{Arrival, BackAt, Departure, Ending, IdentityProviders, Outcome, Receipt, Refusal, Reply};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::{Connection, Hidden};
use domain::ports::{BoxFuture, Entropy};
use domain::secret::Secret;
use sso::saml::{Ask, LoggedIn, LogoutMessage, LogoutOutcome, Pending, ServiceProvider, Urls};
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
            Ok(Departure { address: begun.redirect, handle, kept: Hidden::new(kept), back_at: BackAt::Own })
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
            // The provider ends sessions by this name, also where a person is told by an attribute.
            let name = verified.logged_in.as_ref().map(|logged_in| logged_in.name_id.value.clone());
            let proof = verified.logged_in.and_then(|logged_in| serde_json::to_string(&logged_in).ok());
            Ok(Arrival { assertion: verified.assertion, proof: proof.map(Hidden::new), name })
        })
    }

    fn sign_out<'a>(&'a self, connection: &'a Connection, proof: Option<&'a Hidden>) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let logged_in: LoggedIn = serde_json::from_str(proof?.expose()).ok()?;
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
                    let name = asked.name_id.value.clone();
                    // Told by an attribute, a person has another subject, and somebody else may have this one.
                    let settings = connection.saml().filter(|settings| settings.subject_attribute.is_none());
                    let person = settings.map(|settings| (settings.idp_entity_id.clone(), name.clone()));
                    let sessions = asked.session_indexes.clone();
                    Ok(Ending { sessions, person, name: Some(name), receipt: Receipt::Saml(asked) })
                }
            }
        })
    }

    fn ended<'a>(
        &'a self,
        connection: &'a Connection,
        ending: &'a Ending,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<String>, Refusal>> {
        Box::pin(async move {
            let Receipt::Saml(asked) = &ending.receipt else { return Ok(None) };
            let marked = match outcome {
                Outcome::Ended | Outcome::UnknownPerson => self.provider.logout_done(connection, asked).await.is_ok(),
                Outcome::Failed => true,
            };
            let outcome = match outcome {
                Outcome::Ended if marked => LogoutOutcome::Ended,
                Outcome::UnknownPerson if marked => LogoutOutcome::UnknownPerson,
                Outcome::Ended | Outcome::UnknownPerson | Outcome::Failed => LogoutOutcome::Failed,
            };
            // A provider without an address for answers gets none.
            Ok(self.provider.logout_answer(connection, &self.urls(connection), asked, outcome).ok())
        })
    }

    fn metadata(&self, connection: &Connection) -> Result<Option<String>, Refusal> {
        let rendered = self.provider.metadata(connection, &self.urls(connection));
        rendered.map(Some).map_err(|refusal| refusal.name())
    }
}
