//! A small FHIR client that blocks: it shows answers as the text they are, since the text is what is tested.

use crate::gateway::PATIENCE;
use reqwest::{Client, Method, RequestBuilder};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};

/// A client with one token.
pub struct Fhir {
    runtime: Runtime,
    http: Client,
    base: String,
    token: Option<String>,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case, in the order they came.
    pub headers: Vec<(String, String)>,
    /// The body, exactly.
    pub body: String,
}

impl Fhir {
    /// Makes a client of a base URL.
    #[must_use]
    pub fn new(base: &str, token: Option<&str>) -> Self {
        // Another client in this process may have chosen the provider already.
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = Client::builder().timeout(PATIENCE).no_proxy().build().expect("an HTTP client");
        Self { runtime, http, base: base.to_owned(), token: token.map(str::to_owned) }
    }

    /// Gets a path below the base, or an absolute URL such as a `next` link.
    #[must_use]
    pub fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    /// Does the same with further headers.
    #[must_use]
    pub fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = headers
            .iter()
            .fold(self.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
        self.answer(request).expect("the server answers")
    }

    /// Gets a path; `None` when there is no whole answer.
    #[must_use]
    pub fn try_get(&self, path: &str) -> Option<Answer> {
        self.answer(self.request(Method::GET, path)).ok()
    }

    /// Posts a body of a media type.
    #[must_use]
    pub fn post(&self, path: &str, kind: &str, body: &str) -> Answer {
        let request = self.request(Method::POST, path).header("content-type", kind).body(body.to_owned());
        self.answer(request).expect("the server answers")
    }

    /// Sends a request of any method.
    #[must_use]
    pub fn send(&self, method: &str, path: &str) -> Answer {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        self.answer(self.request(method, path)).expect("the server answers")
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.base) };
        let request = self.http.request(method, url);
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    fn answer(&self, request: RequestBuilder) -> reqwest::Result<Answer> {
        self.runtime.block_on(async {
            let answer = request.send().await?;
            let status = answer.status().as_u16();
            let text = |value: &reqwest::header::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
            let headers = answer.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect();
            Ok(Answer { status, headers, body: answer.text().await? })
        })
    }
}

impl Answer {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body)
            .unwrap_or_else(|_| panic!("status {} with a body that is not JSON", self.status))
    }

    /// A header, empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }

    /// The resources of a bundle.
    #[must_use]
    pub fn resources(&self) -> Vec<Value> {
        let bundle = self.json();
        assert_eq!(self.status, 200, "a search is answered: {}", self.body);
        assert_eq!(bundle["resourceType"], "Bundle", "a search is answered by a bundle");
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        entries.into_iter().map(|entry| entry["resource"].clone()).collect()
    }

    /// The link to the next page of a bundle.
    #[must_use]
    pub fn next(&self) -> Option<String> {
        let bundle = self.json();
        let link = bundle["link"].as_array()?.iter().find(|link| link["relation"] == "next")?;
        link["url"].as_str().map(str::to_owned)
    }

    /// Expects a status and an OperationOutcome.
    pub fn is_outcome(&self, status: u16) {
        assert_eq!(self.status, status, "the status of {}", self.body);
        assert_eq!(self.json()["resourceType"], "OperationOutcome", "every error has an OperationOutcome");
    }
}
