//! A gateway's side of a sign-in, on a clock that stands.

use crate::forge::{EC, Key, RSA, at_hash};
use crate::provider::{Page, Provider};
use domain::directory::{Connection, Hidden, OidcSettings, Protocol};
use domain::double::{self, FixedClock, MemoryTickets, SeededEntropy};
use domain::id::{RecordId, TenantId};
use domain::time::Timestamp;
use serde_json::{Value, json};
use sso::http::{EgressClient, Limits};
use sso::oidc::{Answer, Begun, Purpose, Refusal, RelyingParty, Verified};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

pub(crate) const CLIENT: &str = "gate:way";
pub(crate) const SECRET: &str = "s3cr&t/with+odd%characters-0123456789";
pub(crate) const REDIRECT: &str = "https://gateway.example/auth/oidc/callback";
pub(crate) const ACCESS_TOKEN: &str = "an-access-token";

/// A provider, a connection with it and a gateway.
pub(crate) struct Bench {
    pub(crate) provider: Provider,
    pub(crate) connection: Connection,
    pub(crate) party: RelyingParty,
    pub(crate) clock: Arc<FixedClock>,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) signer: &'static Key,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        let provider = Provider::start().await;
        provider.page("/jwks", Page::json(&json!({ "keys": [RSA.public(Some("rs-1")), EC.public(Some("es-1"))] })));
        let clock = Arc::new(FixedClock::new(present()));
        let mut settings = OidcSettings::new(provider.issuer.clone(), CLIENT.to_owned());
        settings.client_secret = Some(Hidden::new(SECRET.to_owned()));
        settings.second_factor_acr = vec!["urn:mfa".to_owned()];
        settings.allow_http_loopback = true;
        let connection = Connection {
            id: RecordId([7; 16]),
            tenant: TenantId([8; 16]),
            name: "provider".to_owned(),
            enabled: true,
            protocol: Protocol::Oidc(settings),
            rules: Vec::new(),
            provisioning: domain::directory::Provisioning::default(),
            created: Timestamp(0),
            ended: None,
        };
        let party = party(&clock, Duration::from_secs(10));
        let now = seconds(clock.as_ref());
        let claims = json!({
            "iss": provider.issuer, "aud": CLIENT, "sub": "alice", "iat": now, "exp": now + 300,
            "sid": "session-1", "name": "Alice", "groups": ["lab"], "roles": ["Provider"], "amr": ["pwd"],
            "at_hash": at_hash(ACCESS_TOKEN),
        });
        let header = json!({ "alg": "RS256", "kid": "rs-1" });
        Self { provider, connection, party, clock, header, claims, signer: &RSA }
    }

    pub(crate) fn settings(&mut self) -> &mut OidcSettings {
        match &mut self.connection.protocol {
            Protocol::Oidc(settings) => settings,
            Protocol::Saml(_) => panic!("the connection is one of OpenID Connect"),
        }
    }

    /// Waits at most this long for the provider from now on.
    pub(crate) fn with_patience(&mut self, time: Duration) {
        self.party = party(&self.clock, time);
    }

    pub(crate) async fn begin(&self) -> Result<Begun, Refusal> {
        self.party.begin(&self.connection, REDIRECT, Purpose::SignIn, None).await
    }

    /// Goes to the provider and back: what it answers to a sign-in that was begun.
    pub(crate) fn answer(&self, begun: &Begun) -> Answer {
        Answer {
            code: Some("a-code".to_owned()),
            state: query(&begun.redirect).remove("state"),
            iss: Some(self.provider.issuer.clone()),
            error: None,
        }
    }

    /// Puts the nonce of a sign-in into the claims, unless they have one already.
    pub(crate) fn token(&mut self, begun: &Begun) -> String {
        let nonce = query(&begun.redirect)["nonce"].clone();
        let claims = self.claims.as_object_mut().unwrap();
        claims.entry("nonce").or_insert(json!(nonce));
        claims.retain(|_, value| !value.is_null());
        self.signer.token(&self.header, &self.claims)
    }

    pub(crate) fn hands_out(&self, id_token: &str) {
        let answer =
            json!({ "access_token": ACCESS_TOKEN, "token_type": "Bearer", "id_token": id_token, "expires_in": 60 });
        self.provider.page("/token", Page::json(&answer));
    }

    pub(crate) async fn finish(&self, begun: &Begun, answer: &Answer) -> Result<Verified, Refusal> {
        self.party.finish(&self.connection, REDIRECT, &begun.pending, answer).await
    }

    /// A whole sign-in with the token as it is bent.
    pub(crate) async fn sign_in(&mut self) -> Result<Verified, Refusal> {
        let begun = self.begin().await?;
        let token = self.token(&begun);
        self.hands_out(&token);
        self.finish(&begun, &self.answer(&begun)).await
    }

    pub(crate) fn now(&self) -> i64 {
        seconds(self.clock.as_ref())
    }
}

fn party(clock: &Arc<FixedClock>, time: Duration) -> RelyingParty {
    let http = EgressClient::new(None, Limits { time, ..Limits::default() }).unwrap();
    let entropy = Arc::new(SeededEntropy::new(1));
    let book = double::book(Arc::new(MemoryTickets::default()), clock);
    RelyingParty::new(http, clock.clone(), entropy, Arc::new(book))
}

/// The present second: the second opinion has no clock but the machine's.
fn present() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    Timestamp(0).plus_seconds(i64::try_from(since.as_secs()).unwrap())
}

fn seconds(clock: &FixedClock) -> i64 {
    domain::ports::Clock::now(clock).0 / 1_000_000
}

/// The query of a URL.
pub(crate) fn query(url: &str) -> HashMap<String, String> {
    let url = openidconnect::url::Url::parse(url).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
