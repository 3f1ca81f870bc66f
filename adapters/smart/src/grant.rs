//! The three endpoints without HTTP: tokens, introspection, revocation.

use crate::access_token::{Granted, TOKEN_SECONDS, may_tell, registered, subject};
use crate::client::Shown;
use crate::id_token::seconds;
use crate::journal::Origin;
use crate::refusal::{Face, Refused};
use crate::service::Service;
use domain::access::{Level, NotGranted, Scopes, Subject, grant, narrow};
use domain::directory::{Application, ApplicationUse};
use domain::id::TenantId;
use domain::launch::{ACCESS_SECONDS, Given, Grant, NotGiven, Word};
use domain::ports::Unavailable;
use domain::ticket::Kept;
use form::Form;
use serde_json::{Value, json};
use std::sync::Arc;

/// An access token and what goes with it.
pub(crate) struct Issued {
    pub(crate) answer: Value,
    /// Whose pages may read it, where the refresh token said whose it is and nothing else did.
    pub(crate) holder: Option<TenantId>,
}

impl From<Value> for Issued {
    fn from(answer: Value) -> Self {
        Self { answer, holder: None }
    }
}

impl Service {
    /// Issues an access token; it is in the chain before this returns.
    pub(crate) async fn issue(
        self: &Arc<Self>,
        origin: Origin,
        form: &Form,
        shown: Shown<'_>,
    ) -> Result<Issued, Refused> {
        match form.get("grant_type") {
            Some("client_credentials") => self.issue_to_itself(origin, form, shown).await.map(Issued::from),
            Some("authorization_code") => {
                let application = self.launched(origin, form, shown).await?;
                let code = form.get("code").ok_or(Refused::new(Face::InvalidRequest, "no-code").of(application.id))?;
                let (redirect, verifier) = (form.text("redirect_uri"), form.text("code_verifier"));
                let directory = self.directory();
                let given = self.launches.redeem(code, application.id, redirect, verifier, &directory).await;
                self.issue_for_a_person(origin, &application, given, true).await.map(Issued::from)
            }
            Some("refresh_token") => {
                let token = form.get("refresh_token").ok_or(Refused::new(Face::InvalidRequest, "no-refresh-token"))?;
                let nameless = self.nameless(form, shown);
                let application = if nameless {
                    // A public application need not name itself where the token does (RFC 6749 §6); some do not.
                    self.public(origin, &self.launches.holder(token).await?.to_string())?
                } else {
                    self.launched(origin, form, shown).await?
                };
                let directory = self.directory();
                let given = self.launches.refresh(token, application.id, form.get("scope"), &directory).await;
                let answer = self.issue_for_a_person(origin, &application, given, false).await?;
                Ok(Issued { answer, holder: nameless.then_some(application.tenant) })
            }
            Some(_) => Err(Refused::new(Face::UnsupportedGrant, "grant-type")),
            None => Err(Refused::new(Face::InvalidRequest, "no-grant-type")),
        }
    }

    /// Issues a token to an application that acts by itself (RFC 6749 §4.4, SMART Backend Services).
    async fn issue_to_itself(&self, origin: Origin, form: &Form, shown: Shown<'_>) -> Result<Value, Refused> {
        let application = self.client(origin, form, shown).await?;
        let invalid = |reason| Refused::new(Face::InvalidScope, reason).of(application.id);
        let not_for_this = Refused::new(Face::UnauthorizedClient, "acts-for-people-only").of(application.id);
        if subject(&application, Vec::new()).is_none() {
            return Err(not_for_this);
        }
        let asked = form.get("scope").ok_or(invalid("no-scope"))?;
        let scopes = grant(asked, &registered(&application), &[Level::System]).map_err(|not| match not {
            NotGranted::Malformed => invalid("scope-malformed"),
            NotGranted::Nothing => invalid("scope-not-registered"),
        })?;
        let subject = subject(&application, scopes.clone()).ok_or(not_for_this)?;
        let now = self.settings.clock.now();
        let granted = Granted { client: application.id, scopes, issued: now, grant: None, tells_person: false };
        // Nobody knows the token before the entry about it is durable; without the entry it is never given out.
        let expires = now.plus_seconds(TOKEN_SECONDS);
        let token = self.tokens.issue(&application, &granted, expires).await;
        let token = token.map_err(|fault| Refused::from(fault).of(application.id))?;
        self.record(origin, &subject, application.id, "TokenIssued").await?;
        Ok(json!({
            "access_token": String::from_utf8_lossy(token.expose()),
            "token_type": "bearer",
            "expires_in": TOKEN_SECONDS,
            "scope": subject.scopes.render(),
        }))
    }

    /// Issues tokens for what a person granted (RFC 6749 §4.1.4, §6; SMART App Launch 2.2 §4.4).
    async fn issue_for_a_person(
        self: &Arc<Self>,
        origin: Origin,
        application: &Application,
        given: Result<Given, NotGiven>,
        first: bool,
    ) -> Result<Value, Refused> {
        let Given { grant, wish, refresh, until } = match given {
            Ok(given) => given,
            Err(mut not) => {
                if let Some(kept) = not.revoked.take() {
                    self.take_back(origin, *kept, not.reason).await?;
                }
                return Err(Refused::from(not).of(application.id));
            }
        };
        let now = self.settings.clock.now();
        let expires = now.plus_seconds(ACCESS_SECONDS).min(until);
        let subject = grant.to_subject(wish.records.clone());
        let granted = Granted {
            client: application.id,
            scopes: wish.records.clone(),
            issued: now,
            grant: Some(grant.id),
            tells_person: wish.has(Word::FhirUser) && may_tell(application, Word::FhirUser),
        };
        let token = self.tokens.issue(application, &granted, expires).await;
        let token = token.map_err(|fault| Refused::from(fault).of(application.id))?;
        let shown = String::from_utf8_lossy(token.expose());
        let id_token = if first { self.id_token(&grant, &shown).await? } else { None };
        let action = if first { "TokenIssued" } else { "TokenRefreshed" };
        self.record(origin, &subject, application.id, action).await?;
        let mut answer = json!({
            "access_token": shown,
            "token_type": "Bearer",
            "expires_in": seconds(expires).saturating_sub(seconds(now)),
            "scope": wish.render(),
            // The pages here do not stay open around an application.
            "need_patient_banner": true,
        });
        let more = [
            ("patient", grant.patient.map(|patient| patient.to_string())),
            ("refresh_token", refresh.map(|token| String::from_utf8_lossy(token.expose()).into_owned())),
            ("id_token", id_token),
        ];
        if let Some(answer) = answer.as_object_mut() {
            answer.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), json!(value?)))));
        }
        Ok(answer)
    }

    /// Authenticates an application that people launch.
    async fn launched(&self, origin: Origin, form: &Form, shown: Shown<'_>) -> Result<Application, Refused> {
        let application = self.client(origin, form, shown).await?;
        match application.r#use {
            ApplicationUse::Launch { .. } => Ok(application),
            ApplicationUse::Backend { .. } => {
                Err(Refused::new(Face::UnauthorizedClient, "acts-by-itself-only").of(application.id))
            }
        }
    }

    /// Tells a client of the same tenant what a token is good for (RFC 7662).
    pub(crate) async fn introspect(&self, origin: Origin, form: &Form, shown: Shown<'_>) -> Result<Value, Refused> {
        let asking = self.confidential(origin, form, shown).await?;
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
        let mut answer = json!({
            "active": true,
            "token_type": "bearer",
            "client_id": kept.value.client,
            "iss": self.addresses.issuer,
            "aud": self.addresses.base,
            "iat": seconds(kept.value.issued),
            "exp": seconds(kept.expires),
        });
        let more = match kept.value.grant {
            None => {
                let scopes = Scopes::Limited(narrow(&kept.value.scopes, &registered(application)));
                json!({ "scope": scopes.render(), "sub": kept.value.client })
            }
            Some(grant) => {
                let admitted = self.launches.admit(grant, application.id, &kept.value.scopes, &directory).await?;
                let Some((subject, _, grant)) = admitted else { return Ok(inactive) };
                // Who it is was a scope of its own, which the person may have declined (SMART App Launch 2.2, token introspection).
                let tells_person = kept.value.tells_person && may_tell(application, Word::FhirUser);
                let told = [
                    ("scope", Some(json!(subject.scopes.render()))),
                    ("sub", grant.wish.has(Word::OpenId).then(|| json!(grant.session.person))),
                    ("fhirUser", tells_person.then(|| json!(self.fhir_user(&grant)))),
                    ("patient", grant.patient.map(|patient| json!(patient))),
                ];
                told.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }
        };
        if let (Some(answer), Value::Object(more)) = (answer.as_object_mut(), more) {
            answer.extend(more);
        }
        Ok(answer)
    }

    /// Takes a client's own token back (RFC 7009); one that is unknown or over is as good as taken back.
    ///
    /// With a refresh token goes everything that was granted with it.
    pub(crate) async fn revoke(self: &Arc<Self>, origin: Origin, form: &Form, shown: Shown<'_>) -> Result<(), Refused> {
        let asking = self.client(origin, form, shown).await?;
        let token = form.get("token").ok_or(Refused::new(Face::InvalidRequest, "no-token").of(asking.id))?;
        let anothers = Refused::new(Face::UnauthorizedClient, "token-of-another-client").of(asking.id);
        match self.launches.given_up(token, asking.id).await {
            Ok(Some(kept)) => return self.take_back(origin, kept, "given-up").await,
            Ok(None) => {}
            Err(not) if not.is_unavailable() => return Err(Refused::from(not).of(asking.id)),
            Err(_) => return Err(anothers),
        }
        let Some(kept) = self.tokens.find(token).await? else { return Ok(()) };
        if kept.value.client != asking.id {
            return Err(anothers);
        }
        let acting: Option<Subject> = match kept.value.grant {
            None => subject(&asking, kept.value.scopes.clone()),
            Some(grant) => {
                let admitted = self.launches.admit(grant, asking.id, &kept.value.scopes, &self.directory()).await?;
                admitted.map(|(subject, _, _)| subject)
            }
        };
        // In the chain first, like everything that happens here.
        if let Some(subject) = acting {
            self.record(origin, &subject, asking.id, "TokenRevoked").await?;
        }
        self.tokens.revoke(&kept).await?;
        Ok(())
    }

    /// Takes a grant away with everything that came of it, once that is in the chain; when it cannot be recorded, it goes on.
    ///
    /// It is done also where nobody waits for it any more: else the chain would say of what goes on that it was taken away.
    async fn take_back(
        self: &Arc<Self>,
        origin: Origin,
        kept: Kept<Grant>,
        reason: &'static str,
    ) -> Result<(), Refused> {
        let service = Arc::clone(self);
        let done = tokio::spawn(async move {
            service.record_revoked(origin, &kept.value, reason).await?;
            service.launches.take_back(&kept).await?;
            Ok::<(), Refused>(())
        });
        done.await.map_err(|_| Refused::from(Unavailable))?
    }

    /// Authenticates an application that can prove who it is.
    async fn confidential(&self, origin: Origin, form: &Form, shown: Shown<'_>) -> Result<Application, Refused> {
        let application = self.client(origin, form, shown).await?;
        match application.r#use {
            ApplicationUse::Launch { confidential: false, .. } => {
                Err(Refused::new(Face::InvalidClient, "public-client").of(application.id))
            }
            ApplicationUse::Launch { .. } | ApplicationUse::Backend { .. } => Ok(application),
        }
    }
}
