//! OpenID Connect as a way in.

use super::{Arrival, BackAt, Departure, Ending, IdentityProviders, Outcome, Receipt, Refusal, Reply};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::{Connection, Hidden};
use domain::id::RecordId;
use domain::ports::{BoxFuture, Entropy};
use domain::secret::Secret;
use sso::oidc::{Answer, Pending, Purpose, RelyingParty, key_set};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The OpenID providers of every connection.
pub struct OidcProviders {
    party: Arc<RelyingParty>,
    entropy: Arc<dyn Entropy>,
    redirect_uri: String,
    signed_out: String,
    /// The keys of which it was said that they cannot be read.
    said: Mutex<BTreeSet<(RecordId, String)>>,
}

impl OidcProviders {
    /// Returns the address to come back to, which the provider knows.
    fn redirect_uri(&self, connection: &Connection, back_at: BackAt) -> String {
        match back_at {
            BackAt::Own => format!("{}/{}", self.redirect_uri, connection.id),
            BackAt::Common => self.redirect_uri.clone(),
        }
    }

    /// Puts the way in together; `origin` is scheme, host and port under which browsers reach us.
    #[must_use]
    pub fn new(party: Arc<RelyingParty>, entropy: Arc<dyn Entropy>, origin: &str) -> Self {
        let origin = origin.trim_end_matches('/');
        let redirect_uri = format!("{origin}/auth/oidc/callback");
        let signed_out = format!("{origin}/signed-out");
        Self { party, entropy, redirect_uri, signed_out, said: Mutex::default() }
    }
}

impl OidcProviders {
    /// Says which keys cannot be published: each once, for anybody may ask for the keys.
    fn say(&self, connection: &Connection, left_out: &[String]) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        for key in left_out.iter().filter(|key| said.insert((connection.id, (*key).clone()))) {
            tracing::error!(
                connection = %connection.id,
                key,
                "a key of ours cannot be read and is not published; `sealgate sso test` says more"
            );
        }
    }
}

impl IdentityProviders for OidcProviders {
    fn begin<'a>(&'a self, connection: &'a Connection, fresh: bool) -> BoxFuture<'a, Result<Departure, Refusal>> {
        let purpose = if fresh { Purpose::StepUp { max_age_seconds: 0 } } else { Purpose::SignIn };
        Box::pin(async move {
            let own = connection.oidc().is_some_and(|settings| settings.own_redirect);
            let back_at = if own { BackAt::Own } else { BackAt::Common };
            let begun = self.party.begin(connection, &self.redirect_uri(connection, back_at), purpose, None).await;
            let begun = begun.map_err(|refusal| refusal.name())?;
            let handle = begun.pending.state.expose().to_owned();
            let kept = serde_json::to_string(&begun.pending).map_err(|_| "not-kept")?;
            Ok(Departure { address: begun.redirect, handle, kept: Hidden::new(kept), back_at })
        })
    }

    fn finish<'a>(
        &'a self,
        connection: &'a Connection,
        kept: Option<&'a Hidden>,
        reply: Reply<'a>,
    ) -> BoxFuture<'a, Result<Arrival, Refusal>> {
        Box::pin(async move {
            let pending: Pending = read(kept.ok_or("not-begun")?)?;
            let answer = Answer {
                code: given(reply.code),
                state: given(reply.state),
                iss: given(reply.iss),
                error: given(reply.error),
            };
            // The settings may have changed since it was begun; the provider compares with what it was asked with.
            let redirect_uri = self.redirect_uri(connection, reply.back_at);
            let verified = self.party.finish(connection, &redirect_uri, &pending, &answer).await;
            let verified = verified.map_err(|refusal| refusal.name())?;
            Ok(Arrival { assertion: verified.assertion, proof: None, name: None })
        })
    }

    fn sign_out<'a>(&'a self, connection: &'a Connection, _: Option<&'a Hidden>) -> BoxFuture<'a, Option<String>> {
        Box::pin(async move {
            let state = URL_SAFE_NO_PAD.encode(Secret::<16>::fill(self.entropy.as_ref()).ok()?.expose());
            self.party.sign_out_url(connection, &self.signed_out, &state).await
        })
    }

    fn ending<'a>(&'a self, connection: &'a Connection, text: &'a str) -> BoxFuture<'a, Result<Ending, Refusal>> {
        Box::pin(async move {
            let ended = self.party.back_channel(connection, text).await.map_err(|refusal| refusal.name())?;
            let issuer = connection.oidc().map(|settings| settings.issuer.clone()).unwrap_or_default();
            let person = ended.subject.map(|subject| (issuer, subject));
            let receipt = Receipt::Oidc(ended.notice);
            Ok(Ending { sessions: ended.session.into_iter().collect(), person, receipt, ..Ending::default() })
        })
    }

    fn ended<'a>(
        &'a self,
        connection: &'a Connection,
        ending: &'a Ending,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<String>, Refusal>> {
        Box::pin(async move {
            if let (Receipt::Oidc(notice), Outcome::Ended | Outcome::UnknownPerson) = (&ending.receipt, outcome) {
                self.party.noticed(connection, notice).await.map_err(|refusal| refusal.name())?;
            }
            Ok(None)
        })
    }

    fn metadata(&self, connection: &Connection) -> Result<Option<String>, Refusal> {
        let keys = connection.oidc().map(|settings| settings.client_keys.as_slice()).unwrap_or_default();
        if keys.is_empty() {
            return Ok(None);
        }
        let set = key_set(keys);
        self.say(connection, &set.left_out);
        // A set without keys would have the provider forget those that it knows.
        if set.published == 0 { Err("client-key-unreadable") } else { Ok(Some(set.json)) }
    }
}

fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

fn read<T: serde::de::DeserializeOwned>(kept: &Hidden) -> Result<T, Refusal> {
    serde_json::from_str(kept.expose()).map_err(|_| "not-kept")
}
