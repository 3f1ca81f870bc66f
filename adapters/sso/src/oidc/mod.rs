//! Signing in by OpenID Connect: the authorization code flow with PKCE, state and nonce (OpenID Connect Core §3.1).
//!
//! ```text
//!   browser ── begin ─► provider ─► browser ── Answer ─► finish ─► domain::identity::Assertion
//!                 │                                        ▲ │
//!                 └─ Pending: kept by the caller, sealed ──┘ └─ code ─► tokens ─► keys, claims, user information
//! ```
//!
//! Never is anything believed because a provider's own document or a token says so: which algorithms count, which hosts
//! are asked, who the issuer is and who we are stand in the connection. Every refusal has a word of its own ([`Refusal`]).
//!
//! ID tokens are judged here and not by openidconnect, whose keys and signatures are used: its verifier takes no note of `azp`,
//! `nbf`, `iat`, an empty `sub` or `at_hash`, has no words for causes, and fails on any standard claim of an unusual form, such
//! as AD FS and Cognito write. Tests hold it beside ours as a second opinion.
//!
//! Deliberately absent: implicit and hybrid flows, dynamic registration, encrypted tokens, signatures by shared secrets, refresh
//! tokens (a session here is never prolonged by them).

mod cache;
mod check;
mod claims;
mod client_key;
mod exchange;
mod jose;
mod logout;
mod once;
mod person;
mod provider;
mod refusal;

pub use check::{Step, Verdict, told_by_api};
pub use client_key::{
    ASSERTION_SECONDS, CERTIFICATE_DAYS, KeyFault, KeySet, WARNING_DAYS, certificate_end, certificate_pem, key_set,
    look_at as look_at_client_key, make as make_client_key,
};
pub use logout::{Ended, Notice};
pub use refusal::Refusal;

use crate::http::{EgressClient, secure};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use cache::Providers;
use claims::{Claims, Expected};
use domain::directory::{Connection, Hidden};
use domain::id::RecordId;
use domain::identity::Assertion;
use domain::ports::{Clock, Entropy};
use domain::secret::{Secret, constant_time_eq};
use domain::ticket::TicketBook;
use domain::time::Timestamp;
use exchange::Trade;
use jose::{Algorithm, Token};
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use provider::{Document, Party};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// This gateway as a client of identity providers; one for all connections.
pub struct RelyingParty {
    http: EgressClient,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    book: Arc<TicketBook>,
    providers: Providers,
}

/// What a person is sent to the provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To prove again who they are, before something that asks for it.
    StepUp {
        /// How long ago that may have been, in seconds; 0 asks for it now.
        max_age_seconds: i64,
    },
}

/// A sign-in that was begun.
pub struct Begun {
    /// Where the browser is to be sent.
    pub redirect: String,
    /// What is needed to finish it.
    pub pending: Pending,
}

/// What must be known to finish a sign-in.
///
/// The caller keeps it sealed, bound to the browser and to the state, forgets it after [`PENDING_SECONDS`], and lets one sign-in at most
/// come of it. A refusal does not use it up.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// The connection it was begun for.
    pub connection: RecordId,
    /// The issuer it was begun with.
    pub issuer: String,
    /// What it was begun for.
    pub purpose: Purpose,
    /// When it was begun.
    pub begun: Timestamp,
    /// The state that the answer must have; 256 random bits.
    pub state: Hidden,
    nonce: Hidden,
    verifier: Hidden,
}

/// How long a sign-in may take from its beginning to its answer, in seconds.
pub const PENDING_SECONDS: i64 = 600;

/// What the provider's answer has in its query, each as it was received.
#[derive(Default)]
pub struct Answer {
    /// The code.
    pub code: Option<String>,
    /// The state.
    pub state: Option<String>,
    /// The issuer (RFC 9207).
    pub iss: Option<String>,
    /// The error.
    pub error: Option<String>,
}

/// A sign-in that was finished.
pub struct Verified {
    /// The facts about the person.
    pub assertion: Assertion,
}

impl RelyingParty {
    /// Makes the client; nothing is fetched before it is needed.
    #[must_use]
    pub fn new(http: EgressClient, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, book: Arc<TicketBook>) -> Self {
        Self { http, clock, entropy, book, providers: Providers::default() }
    }

    /// Begins a sign-in: where to send the browser, and what to remember.
    ///
    /// `login_hint` is what the person called themselves, if they did (OpenID Connect Core §3.1.2.1); a long one is left out.
    ///
    /// # Errors
    /// [`Refusal`] of the connection or of what the provider says of itself.
    pub async fn begin(
        &self,
        connection: &Connection,
        redirect_uri: &str,
        purpose: Purpose,
        login_hint: Option<&str>,
    ) -> Result<Begun, Refusal> {
        let party = Party::of(connection)?;
        let now = self.clock.now();
        let document = self.providers.document(&party, &self.http, now).await?;
        if !document.may_do_pkce() {
            return Err(Refusal::Pkce);
        }
        let pending = Pending {
            connection: party.id,
            issuer: party.settings.issuer.clone(),
            purpose,
            begun: now,
            state: self.draw()?,
            nonce: self.draw()?,
            verifier: self.draw()?,
        };
        Ok(Begun { redirect: redirect(&party, &document, redirect_uri, &pending, login_hint)?, pending })
    }

    /// Finishes a sign-in with the provider's answer.
    ///
    /// The caller sees to it that `pending` is not used after it was finished, bounds how often it is tried, and gives the address that it
    /// was begun with: the provider compares both.
    ///
    /// # Errors
    /// [`Refusal`], the first rule that is broken.
    pub async fn finish(
        &self,
        connection: &Connection,
        redirect_uri: &str,
        pending: &Pending,
        answer: &Answer,
    ) -> Result<Verified, Refusal> {
        let party = Party::of(connection)?;
        let now = self.clock.now();
        if pending.connection != party.id || pending.issuer != party.settings.issuer {
            return Err(Refusal::OtherConnection);
        }
        if pending.begun.plus_seconds(PENDING_SECONDS) <= now {
            return Err(Refusal::SignInExpired);
        }
        let state = answer.state.as_deref().ok_or(Refusal::StateMissing)?;
        if !constant_time_eq(state.as_bytes(), pending.state.expose().as_bytes()) {
            return Err(Refusal::StateMismatch);
        }
        let document = self.providers.document(&party, &self.http, now).await?;
        let code = code(answer, &party, &document)?;
        let verifier = pending.verifier.expose();
        let proof = match party.settings.signing_key() {
            Some(key) => Some(client_key::assertion(key, party.settings, &document, now, self.entropy.as_ref())?),
            None => None,
        };
        let trade = Trade { code, redirect_uri, verifier, proof };
        let tokens = exchange::tokens(&self.http, &party, &document, &trade).await?;
        let (claims, algorithm) = self.open(&party, tokens.id_token.expose(), &ID_TOKEN_TYPES).await?;
        claims::judge(&claims, &expected(&party, pending, now))?;
        let access_token = tokens.access_token.as_ref();
        claims::access_token_hash(&claims, access_token.map(Hidden::expose), algorithm)?;
        let user_info = match (party.user_info(&document), access_token) {
            (Some(url), Some(access_token)) if person::is_incomplete(party.settings, &claims) => {
                let subject = claims::text(&claims, "sub")?;
                Some(exchange::user_info(&self.http, &party, url, access_token, subject).await?)
            }
            _ => None,
        };
        let assertion = person::assertion(connection, party.settings, &claims, user_info.as_ref(), now)?;
        Ok(Verified { assertion })
    }

    /// Returns where to send the browser so that the person is signed out at the provider too (OpenID Connect RP-Initiated
    /// Logout 1.0); `None` when the provider offers no such thing or does not answer.
    ///
    /// We are named by `client_id`, which the standard lets stand for `id_token_hint` (§2): an ID token has a person's name in it, and
    /// addresses are kept in histories and logs. To post it instead needs a script, or a policy that lets forms go anywhere. Keycloak
    /// and oidc-provider then ask the person whether to sign out; Entra ID asks which account where there are several.
    pub async fn sign_out_url(
        &self,
        connection: &Connection,
        post_logout_redirect_uri: &str,
        state: &str,
    ) -> Option<String> {
        let party = Party::of(connection).ok()?;
        let document = self.providers.document(&party, &self.http, self.clock.now()).await.ok()?;
        let endpoint = document.end_session_endpoint.as_deref()?;
        let mut url = secure(endpoint, party.settings.allow_http_loopback).ok()?;
        url.query_pairs_mut()
            .append_pair("client_id", &party.settings.client_id)
            .append_pair("post_logout_redirect_uri", post_logout_redirect_uri)
            .append_pair("state", state);
        Some(url.into())
    }

    /// Takes a sign-out notice (`logout_token`) that somebody who says they are the provider sent here.
    ///
    /// Once the sessions have ended, [`RelyingParty::noticed`] is to be called: until then the provider may send the notice again,
    /// so that one which took effect by half is not lost.
    ///
    /// # Errors
    /// [`Refusal`]; then no session is to be ended.
    pub async fn back_channel(&self, connection: &Connection, logout_token: &str) -> Result<Ended, Refusal> {
        let party = Party::of(connection)?;
        let (claims, _) = self.open(&party, logout_token, &logout::TYPES).await?;
        logout::judge(&party, &self.book, &claims, self.clock.now()).await
    }

    /// Remembers a sign-out notice whose sessions have ended, so that it counts no more.
    ///
    /// # Errors
    /// [`Refusal::Store`]; then it may come again.
    pub async fn noticed(&self, connection: &Connection, notice: &Notice) -> Result<(), Refusal> {
        logout::remember(&Party::of(connection)?, &self.book, notice).await
    }

    /// Checks a connection, on or off, without signing anybody in; steps in the order they were taken.
    pub async fn check(&self, connection: &Connection) -> Vec<Step> {
        check::check(&self.http, connection, self.clock.now()).await
    }

    /// Reads a token and verifies its signature, reading the provider's keys again once when none fits.
    async fn open(&self, party: &Party<'_>, text: &str, types: &[&str]) -> Result<(Claims, Algorithm), Refusal> {
        let token = Token::read(text, types, &party.algorithms)?;
        let now = self.clock.now();
        let keys = self.providers.keys(party, &self.http, now).await?;
        if let Err(refusal) = token.verify(&keys) {
            if !token.might_have_newer_key(refusal) {
                return Err(refusal);
            }
            let newer = self.providers.newer_keys(party, &self.http, &keys, now).await;
            let newer = newer.ok_or(refusal)?;
            token.verify(&newer)?;
        }
        Ok(token.into_claims())
    }

    /// Draws 256 bits and writes them as 43 characters, which is also the form of a PKCE verifier (RFC 7636 §4.1).
    fn draw(&self) -> Result<Hidden, Refusal> {
        let bits = Secret::<32>::fill(self.entropy.as_ref()).map_err(|_| Refusal::Store)?;
        Ok(Hidden::new(URL_SAFE_NO_PAD.encode(bits.expose())))
    }
}

/// Returns the code of an answer that is from the provider that was asked.
fn code<'a>(answer: &'a Answer, party: &Party<'_>, document: &Document) -> Result<&'a str, Refusal> {
    // Compared when it is there and demanded when it is promised (RFC 9207 §2.4).
    match answer.iss.as_deref() {
        Some(issuer) if issuer != party.settings.issuer => return Err(Refusal::AnswerIssuer),
        None if document.names_issuer_in_answers() => return Err(Refusal::AnswerIssuerMissing),
        Some(_) | None => {}
    }
    match answer.error.as_deref() {
        None => {}
        Some("access_denied") => return Err(Refusal::Denied),
        Some("server_error" | "temporarily_unavailable") => return Err(Refusal::ProviderUnavailable),
        Some(_) => return Err(Refusal::ProviderError),
    }
    answer.code.as_deref().filter(|code| !code.is_empty() && code.len() <= MAX_CODE_BYTES).ok_or(Refusal::CodeMissing)
}

fn redirect(
    party: &Party<'_>,
    document: &Document,
    redirect_uri: &str,
    pending: &Pending,
    login_hint: Option<&str>,
) -> Result<String, Refusal> {
    let settings = party.settings;
    let challenge =
        PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(pending.verifier.expose().into()));
    let mut url = secure(&document.authorization_endpoint, settings.allow_http_loopback)?;
    let mut query = url.query_pairs_mut();
    query
        .append_pair("response_type", "code")
        .append_pair("client_id", &settings.client_id)
        .append_pair("redirect_uri", redirect_uri)
        .append_pair("scope", &settings.scopes.join(" "))
        .append_pair("state", pending.state.expose())
        .append_pair("nonce", pending.nonce.expose())
        .append_pair("code_challenge", challenge.as_str())
        .append_pair("code_challenge_method", "S256");
    if let Some(seconds) = max_age(party, pending.purpose) {
        query.append_pair("max_age", &seconds.to_string());
    }
    if matches!(pending.purpose, Purpose::StepUp { .. }) {
        // AD FS knows this and not max_age.
        query.append_pair("prompt", "login");
    }
    if !settings.request_acr.is_empty() {
        query.append_pair("acr_values", &settings.request_acr.join(" "));
    }
    if let Some(hint) = login_hint.filter(|hint| hint.len() <= MAX_HINT_BYTES) {
        query.append_pair("login_hint", hint);
    }
    drop(query);
    Ok(url.into())
}

fn expected<'a>(party: &Party<'a>, pending: &'a Pending, now: Timestamp) -> Expected<'a> {
    Expected {
        issuer: &party.settings.issuer,
        client_id: &party.settings.client_id,
        nonce: pending.nonce.expose(),
        begun: pending.begun,
        max_age_seconds: max_age(party, pending.purpose),
        now,
    }
}

fn max_age(party: &Party<'_>, purpose: Purpose) -> Option<i64> {
    match purpose {
        Purpose::SignIn => party.settings.max_age_seconds,
        Purpose::StepUp { max_age_seconds } => Some(max_age_seconds.max(0)),
    }
}

/// Types of an ID token; an access token (`at+jwt`) or a sign-out notice is none.
const ID_TOKEN_TYPES: [&str; 2] = ["jwt", "application/jwt"];
/// The longest code; those of Entra ID have about 1,500 bytes.
const MAX_CODE_BYTES: usize = 8_192;
/// The longest hint that is passed on.
const MAX_HINT_BYTES: usize = 256;
