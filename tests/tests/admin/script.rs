//! An administrator's script, and what it can be held to.

use reqwest::{Client, Method};
use serde_json::Value;
use tests::browser::{Browser, Page};
use tests::gateway::{Gateway, PATIENCE, eventually};
use tests::home::Home;
use tokio::runtime::{Builder, Runtime};

/// The media type of changes (RFC 7396).
pub(crate) const PATCH: &str = "application/merge-patch+json";

/// An administrator's script.
pub(crate) struct Script {
    pub(crate) origin: String,
    pub(crate) token: String,
    pub(crate) runtime: Runtime,
    pub(crate) http: Client,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) tag: String,
    pub(crate) number: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn done(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    pub(crate) fn id(&self) -> String {
        self.body["id"].as_str().unwrap_or_else(|| panic!("an id: {}", self.body)).to_owned()
    }

    /// The status and the word of a problem.
    pub(crate) fn problem(&self) -> (u16, &str) {
        let word = self.body["type"].as_str().and_then(|name| name.strip_prefix("urn:sealgate:problem:"));
        assert_eq!(self.body["correlation"].as_str(), Some(self.number.as_str()));
        (self.status, word.unwrap_or_else(|| panic!("a problem: {}", self.body)))
    }
}

impl Script {
    pub(crate) fn new(gateway: &Gateway, token: &str) -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        Self {
            origin: gateway.origin(),
            token: token.to_owned(),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
            http: Client::builder().timeout(PATIENCE).no_proxy().build().unwrap(),
        }
    }

    /// A script of a client that is added with these roles.
    pub(crate) fn of_client(home: &Home, gateway: &Gateway, tenant: &str, roles: &[&str]) -> Self {
        let name = roles.join("-");
        let mut add = vec!["client", "add", &name, "--tenant", tenant];
        add.extend(roles.iter().flat_map(|role| ["--role", *role]));
        let script = Self::new(gateway, home.done(&add).trim());
        eventually("the client is in force", || script.get("/openapi.json").status == 200);
        script
    }

    pub(crate) fn ask(&self, method: Method, path: &str, tag: Option<&str>, body: Option<(&str, &Value)>) -> Answer {
        let mut request = self.http.request(method, format!("{}/admin/v1{path}", self.origin)).bearer_auth(&self.token);
        if let Some(tag) = tag {
            request = request.header("if-match", tag);
        }
        if let Some((media, body)) = body {
            request = request.header("content-type", media).body(body.to_string());
        }
        self.runtime.block_on(async {
            let response = request.send().await.unwrap();
            let header = |name: &str| {
                response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
            };
            let (status, tag, number) = (response.status().as_u16(), header("etag"), header("x-request-id"));
            assert_eq!(header("cache-control"), "no-store");
            let body = serde_json::from_str(&response.text().await.unwrap()).unwrap_or_default();
            Answer { status, tag, number, body }
        })
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, None, Some(("application/json", body)))
    }

    pub(crate) fn put(&self, path: &str, tag: &str, body: &Value) -> Answer {
        self.ask(Method::PUT, path, Some(tag), Some(("application/json", body)))
    }

    pub(crate) fn patch(&self, path: &str, tag: &str, body: &Value) -> Answer {
        self.ask(Method::PATCH, path, Some(tag), Some((PATCH, body)))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.ask(Method::DELETE, path, None, None)
    }
}

pub(crate) fn chain(home: &Home) -> Vec<Value> {
    let shown = home.done(&["audit", "show", "--tenant", &home.first().name, "--limit", "500", "--json"]);
    shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

pub(crate) fn has(chain: &[Value], action: &str, kind: &str, outcome: &str) -> bool {
    chain.iter().any(|entry| {
        (entry["action"].as_str(), entry["resource_type"].as_str(), entry["outcome"].as_str())
            == (Some(action), Some(kind), Some(outcome))
    })
}

/// Lets an application act for somebody; returns its access token.
pub(crate) fn let_act(browser: &mut Browser, origin: &str, client: &str, scope: &str) -> String {
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
    const BACK: &str = "http://127.0.0.1:9/back";
    let ask = format!(
        "{origin}/oauth/authorize?response_type=code&client_id={client}&redirect_uri={BACK}&scope={scope}\
         &state=state-of-the-console-0123456789&aud={origin}/fhir&code_challenge={CHALLENGE}&code_challenge_method=S256"
    );
    eventually("the application is in force", || browser.get(&ask).location.is_some());
    let begun = browser.get(&ask);
    let consent = browser.follow(begun);
    assert!(consent.body.contains("Administer with your rights"), "{}: {}", consent.url, consent.body);
    let csrf = consent.field("csrf").unwrap();
    let form = [("csrf", csrf.as_str()), ("answer", "allow"), ("wish-0", "1")];
    let back: Page = browser.post(consent.url.as_str(), &form);
    let location = back.location.unwrap_or_else(|| panic!("a way back: {}", back.body));
    let code = location.query_pairs().find(|(name, _)| name == "code").map(|(_, code)| code.into_owned());
    let code = code.unwrap_or_else(|| panic!("a code: {location}"));
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.as_str()),
        ("redirect_uri", BACK),
        ("client_id", client),
        ("code_verifier", VERIFIER),
    ];
    let given = Browser::new().post(&format!("{origin}/oauth/token"), &form);
    let given: Value = serde_json::from_str(&given.body).unwrap();
    given["access_token"].as_str().unwrap_or_else(|| panic!("a token: {given}")).to_owned()
}
