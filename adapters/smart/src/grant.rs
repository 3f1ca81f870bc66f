//! The three endpoints without HTTP: tokens for client credentials, introspection, revocation.

use crate::access_token::{Granted, TOKEN_SECONDS, registered, subject};
use form::Form;
use crate::journal::Origin;
use crate::refusal::{Face, Refused};
use crate::service::Service;
use domain::access::{Level, NotGranted, Scopes, grant, narrow};
use serde_json::{Value, json};

impl Service {
    /// Issues an access token (RFC 6749 §4.4, SMART Backend Services); it is in the chain before this returns.
    pub(crate) async fn issue(&self, origin: Origin, form: &Form, basic: bool) -> Result<Value, Refused> {
        match form.get("grant_type") {
            Some("client_credentials") => {}
            Some(_) => return Err(Refused::new(Face::UnsupportedGrant, "grant-type")),
            None => return Err(Refused::new(Face::InvalidRequest, "no-grant-type")),
        }
        let application = self.authenticate(origin, form, basic).await?;
        let invalid = |reason| Refused::new(Face::InvalidScope, reason).of(application.id);
        let asked = form.get("scope").ok_or(invalid("no-scope"))?;
        let scopes = grant(asked, &registered(&application), &[Level::System]).map_err(|not| match not {
            NotGranted::Malformed => invalid("scope-malformed"),
            NotGranted::Nothing => invalid("scope-not-registered"),
        })?;
        let Some(subject) = subject(&application, scopes.clone()) else {
            return Err(Refused::new(Face::InvalidClient, "disabled-client").of(application.id));
        };
        let granted = Granted { client: application.id, scopes, issued: self.settings.clock.now() };
        // Nobody knows the token before the entry about it is durable; without the entry it is never given out.
        let token =
            self.tokens.issue(&application, &granted).await.map_err(|fault| Refused::from(fault).of(application.id))?;
        self.record(origin, &subject, "TokenIssued").await?;
        Ok(json!({
            "access_token": String::from_utf8_lossy(token.expose()),
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": subject.scopes.render(),
        }))
    }

    /// Tells a client of the same tenant what a token is good for (RFC 7662).
    pub(crate) async fn introspect(&self, origin: Origin, form: &Form, basic: bool) -> Result<Value, Refused> {
        let asking = self.authenticate(origin, form, basic).await?;
        let token = form.get("token").ok_or(Refused::new(Face::InvalidRequest, "no-token").of(asking.id))?;
        let inactive = json!({ "active": false });
        let Some(kept) = self.tokens.find(token).await? else { return Ok(inactive) };
        let directory = self.directory();
        let Some(application) = directory.application(kept.value.client).filter(|known| known.enabled) else {
            return Ok(inactive);
        };
        if kept.tenant != asking.tenant || application.tenant != asking.tenant {
            return Ok(inactive);
        }
        let scopes = Scopes::Limited(narrow(&kept.value.scopes, &registered(application)));
        Ok(json!({
            "active": true,
            "token_type": "bearer",
            "scope": scopes.render(),
            "client_id": kept.value.client,
            "sub": kept.value.client,
            "iss": self.addresses.issuer,
            "aud": self.addresses.issuer,
            "iat": kept.value.issued.millis().div_euclid(1_000),
            "exp": kept.expires.millis().div_euclid(1_000),
        }))
    }

    /// Takes a client's own token back (RFC 7009); one that is unknown or over is as good as taken back.
    pub(crate) async fn revoke(&self, origin: Origin, form: &Form, basic: bool) -> Result<(), Refused> {
        let asking = self.authenticate(origin, form, basic).await?;
        let token = form.get("token").ok_or(Refused::new(Face::InvalidRequest, "no-token").of(asking.id))?;
        let Some(kept) = self.tokens.find(token).await? else { return Ok(()) };
        if kept.value.client != asking.id {
            return Err(Refused::new(Face::UnauthorizedClient, "token-of-another-client").of(asking.id));
        }
        let Some(subject) = subject(&asking, kept.value.scopes.clone()) else { return Ok(()) };
        self.tokens.revoke(&kept).await?;
        self.record(origin, &subject, "TokenRevoked").await?;
        Ok(())
    }
}
