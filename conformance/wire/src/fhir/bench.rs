//! The FHIR endpoint under test: requests, answers, and the patient the cases ask about.

use super::bundle::Bundle;
use crate::case::{Evidence, Outcome, Stop};
use crate::{mllp, show};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Certificate, Client, Method, redirect};
use serde_json::Value;
use std::time::Duration;
use tokio::sync::OnceCell;

/// A bearer token; it is sent and never shown.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// Takes a token as it stands in its file, without the white space around it.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_owned())
    }
}

/// What the tester says about the endpoint.
#[derive(Clone)]
pub struct Options {
    /// The base URL, for example `https://localhost:8443/fhir`.
    pub base: String,
    /// Sent with every request, but for the cases that leave it out.
    pub token: Option<Token>,
    /// PEM text of the certificates to trust; the system's own when absent.
    pub ca: Option<Vec<u8>>,
    /// Id of a patient with laboratory results.
    pub patient: Option<String>,
    /// An MLLP endpoint that fills the FHIR endpoint with the seed messages.
    pub seed: Option<mllp::Options>,
    /// How long to wait for an answer.
    pub timeout: Duration,
}

impl Options {
    /// Describes an endpoint that asks for no token and trusts the system's certificates.
    #[must_use]
    pub fn plain(base: impl Into<String>) -> Self {
        Self { base: base.into(), token: None, ca: None, patient: None, seed: None, timeout: Duration::from_secs(10) }
    }
}

/// The FHIR endpoint under test.
pub struct Bench {
    options: Options,
    http: Client,
    patient: OnceCell<Result<String, Missing>>,
    seeded: OnceCell<Result<(), Missing>>,
}

/// Why a case cannot have what it needs.
#[derive(Clone)]
enum Missing {
    NotGiven(String),
    Failed(String),
}

impl From<Missing> for Stop {
    fn from(missing: Missing) -> Self {
        match missing {
            Missing::NotGiven(why) => Self::Skip(why),
            Missing::Failed(why) => Self::Broken(why),
        }
    }
}

/// A request as a case composes it.
pub(crate) struct Request {
    method: Method,
    target: String,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
    anonymous: bool,
}

impl Request {
    /// A GET of a path below the base, or of an absolute URL.
    pub(crate) fn get(target: impl Into<String>) -> Self {
        Self::new(Method::GET, target)
    }

    pub(crate) fn new(method: Method, target: impl Into<String>) -> Self {
        Self { method, target: target.into(), headers: Vec::new(), body: Vec::new(), anonymous: false }
    }

    /// A POST with a body.
    pub(crate) fn post(target: impl Into<String>, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::sending(Method::POST, target, kind, body)
    }

    /// A request with a body.
    pub(crate) fn sending(method: Method, target: impl Into<String>, kind: &str, body: impl Into<Vec<u8>>) -> Self {
        let mut request = Self::new(method, target).with("content-type", kind);
        request.body = body.into();
        request
    }

    /// Adds a header, or replaces what the bench would send.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Leaves the token out.
    pub(crate) fn anonymous(mut self) -> Self {
        self.anonymous = true;
        self
    }
}

/// What came back, beside what was asked.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    sent: String,
    by_hand: String,
}

impl Answer {
    /// A header as text, empty when absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or_default()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Stop> {
        serde_json::from_slice(&self.body).map_err(|_| self.fail("a body of JSON"))
    }

    /// Expects a status.
    pub(crate) fn status_is(&self, status: u16) -> Outcome {
        self.check(self.status == status, format!("status {status}"))
    }

    /// Expects one of these statuses, and an OperationOutcome with at least one issue.
    pub(super) fn refuses_with(&self, statuses: &[u16]) -> Outcome {
        let wanted: Vec<String> = statuses.iter().map(u16::to_string).collect();
        self.check(
            statuses.contains(&self.status),
            format!("status {} with an OperationOutcome", wanted.join(" or ")),
        )?;
        self.holds_outcome()
    }

    /// Expects any status from 400 to 499, and an OperationOutcome.
    pub(super) fn refuses(&self) -> Outcome {
        self.check((400..500).contains(&self.status), "a status from 400 to 499 with an OperationOutcome")?;
        self.holds_outcome()
    }

    fn holds_outcome(&self) -> Outcome {
        let body = self.json()?;
        let issue = body.pointer("/issue/0");
        let text = |name: &str| issue.and_then(|issue| issue.get(name)).and_then(Value::as_str);
        let severities = ["fatal", "error", "warning", "information"];
        self.check(
            body.get("resourceType").and_then(Value::as_str) == Some("OperationOutcome")
                && text("severity").is_some_and(|found| severities.contains(&found))
                && text("code").is_some(),
            "an OperationOutcome whose issue has a severity and a code",
        )
    }

    /// Fails with what was expected unless the condition holds.
    pub(crate) fn check(&self, holds: bool, expected: impl Into<String>) -> Outcome {
        if holds { Ok(()) } else { Err(self.fail(expected)) }
    }

    /// A failure with this request and this answer.
    pub(crate) fn fail(&self, expected: impl Into<String>) -> Stop {
        let mut received = format!("HTTP {}\n", self.status);
        for (name, value) in &self.headers {
            received.push_str(&format!("{name}: {}\n", show::bytes(value.as_bytes())));
        }
        received.push('\n');
        received.push_str(&show::bytes(&self.body));
        Stop::Fail(Box::new(Evidence {
            expected: expected.into(),
            sent: self.sent.clone(),
            received,
            reproduce: self.by_hand.clone(),
        }))
    }
}

impl Bench {
    /// Prepares the run; nothing is sent yet.
    ///
    /// # Errors
    /// A sentence when the certificates cannot be used.
    pub fn new(mut options: Options) -> Result<Self, String> {
        // Another caller in the same process may have chosen a provider already, which serves as well.
        drop(rustls::crypto::ring::default_provider().install_default());
        options.base = options.base.trim_end_matches('/').to_owned();
        let mut builder = Client::builder()
            .timeout(options.timeout)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .user_agent(concat!("sealgate-conformance/", env!("CARGO_PKG_VERSION")));
        if let Some(pem) = &options.ca {
            let certificates = Certificate::from_pem_bundle(pem).map_err(|error| error.to_string())?;
            builder = builder.tls_certs_only(certificates);
        }
        let http = builder.build().map_err(|error| error.to_string())?;
        Ok(Self { options, http, patient: OnceCell::new(), seeded: OnceCell::new() })
    }

    /// Asks for the metadata once.
    ///
    /// # Errors
    /// The reason why no HTTP answer came.
    pub async fn reach(&self) -> Result<(), String> {
        match self.send(Request::get("metadata").anonymous()).await {
            Err(Stop::Broken(reason)) => Err(reason),
            _ => Ok(()),
        }
    }

    /// Scheme, host and port of the endpoint.
    pub(crate) fn origin(&self) -> &str {
        let base = self.options.base.as_str();
        let start = base.find("://").map_or(0, |at| at.saturating_add(3));
        let end = base.get(start..).and_then(|rest| rest.find('/')).map(|at| at.saturating_add(start));
        end.and_then(|end| base.get(..end)).unwrap_or(base)
    }

    /// Skips a case that makes no sense without a token.
    pub(super) fn needs_token(&self) -> Outcome {
        match self.options.token {
            Some(_) => Ok(()),
            None => Err(Stop::Skip("no --token-file given: the endpoint is taken as open".into())),
        }
    }

    pub(super) async fn get(&self, target: impl Into<String>) -> Result<Answer, Stop> {
        self.send(Request::get(target)).await
    }

    pub(crate) async fn send(&self, request: Request) -> Result<Answer, Stop> {
        let absolute = ["http://", "https://"].iter().any(|scheme| request.target.starts_with(scheme));
        let url = if absolute { request.target.clone() } else { format!("{}/{}", self.options.base, request.target) };
        let headers = self.headers(&request)?;
        let sent = sent(&request, &url);
        let by_hand = by_hand(&request, &url, self.options.token.is_some());
        let failed = |error: reqwest::Error| {
            let mut reason = format!("no answer to {} {url}: {error}", request.method);
            let mut cause = std::error::Error::source(&error);
            while let Some(inner) = cause {
                reason.push_str(&format!(": {inner}"));
                cause = inner.source();
            }
            Stop::Broken(reason)
        };
        let mut response = self
            .http
            .request(request.method.clone(), &url)
            .headers(headers)
            .body(request.body.clone())
            .send()
            .await
            .map_err(failed)?;
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            const LIMIT: usize = 64 << 20;
            body.extend_from_slice(&chunk);
            if body.len() > LIMIT {
                return Err(Stop::Broken(format!("the answer to {url} is larger than 64 MiB")));
            }
        }
        Ok(Answer { status, headers, body, sent, by_hand })
    }

    /// Searches, and expects a searchset.
    pub(super) async fn search(&self, query: impl Into<String>) -> Result<Bundle, Stop> {
        Bundle::read(self.get(query).await?)
    }

    /// Searches and follows every `next` link.
    pub(super) async fn search_all(&self, query: impl Into<String>) -> Result<Vec<Value>, Stop> {
        const PAGES: usize = 500;
        let mut page = self.search(query).await?;
        let mut found = page.matches();
        for _ in 0..PAGES {
            let Some(next) = page.link("next") else { return Ok(found) };
            page = self.search(next).await?;
            found.extend(page.matches());
        }
        Err(page.answer.fail(format!("an end of the pages within {PAGES}")))
    }

    /// Sends the seed messages once; skips the case when the tester named no MLLP endpoint.
    pub(super) async fn seeded(&self) -> Outcome {
        let seed = async { self.sow().await.map_err(reason) };
        self.seeded.get_or_init(|| seed).await.clone().map_err(Stop::from)
    }

    /// Sends the seed messages, whether or not they were sent before.
    pub(super) async fn sow(&self) -> Outcome {
        let Some(options) = &self.options.seed else {
            return Err(Stop::Skip("needs --seed-mllp HOST:PORT, which fills the endpoint".into()));
        };
        let bench = mllp::Bench::new(options.clone());
        for vector in ["seed_1_preliminary", "seed_2_final", "seed_3_document"] {
            bench.seed(vector).await?;
        }
        Ok(())
    }

    /// The id of the patient the cases ask about: the one named, else the seeded one, else any with a report.
    pub(super) async fn patient(&self) -> Result<String, Stop> {
        let find = async {
            if let Some(id) = &self.options.patient {
                return Ok(id.clone());
            }
            let found = if self.options.seed.is_some() {
                self.seeded().await.map_err(reason)?;
                self.seeded_patient().await.map_err(reason)?
            } else {
                self.some_patient().await.map_err(reason)?
            };
            found.ok_or_else(|| Missing::NotGiven("no patient with a report found: name one with --patient".into()))
        };
        self.patient.get_or_init(|| find).await.clone().map_err(Stop::from)
    }

    /// The report of the patient that is asked about first.
    pub(super) async fn report(&self) -> Result<Value, Stop> {
        let patient = self.patient().await?;
        let bundle = self.search(format!("DiagnosticReport?patient={patient}")).await?;
        bundle.matches().into_iter().next().ok_or_else(|| Stop::Skip(format!("patient {patient} has no report")))
    }

    async fn seeded_patient(&self) -> Result<Option<String>, Stop> {
        let bundle = self.search("Patient?identifier=SGC-SEED").await?;
        Ok(bundle.ids().into_iter().next())
    }

    async fn some_patient(&self) -> Result<Option<String>, Stop> {
        let bundle = self.search("DiagnosticReport?_count=10").await?;
        Ok(bundle.matches().iter().find_map(|report| {
            let reference = report.pointer("/subject/reference")?.as_str()?;
            let id = reference.rsplit_once("Patient/")?.1;
            id.split('/').next().map(str::to_owned)
        }))
    }

    fn headers(&self, request: &Request) -> Result<HeaderMap, Stop> {
        let mut headers = HeaderMap::new();
        headers.insert("accept", HeaderValue::from_static("application/fhir+json"));
        if let (Some(token), false) = (&self.options.token, request.anonymous) {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.0))
                .map_err(|_| Stop::Broken("the token holds characters no header can carry".into()))?;
            value.set_sensitive(true);
            headers.insert("authorization", value);
        }
        for (name, value) in &request.headers {
            let value = HeaderValue::from_bytes(value)
                .map_err(|_| Stop::Broken(format!("the header {name} cannot carry its value")))?;
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }
}

fn reason(stop: Stop) -> Missing {
    match stop {
        Stop::Skip(why) => Missing::NotGiven(why),
        Stop::Broken(why) => Missing::Failed(why),
        Stop::Fail(evidence) => Missing::Failed(format!(
            "what the case needs could not be made ready: expected {}, sent {}, received {}",
            evidence.expected, evidence.sent, evidence.received
        )),
    }
}

fn sent(request: &Request, url: &str) -> String {
    let mut text = format!("{} {url}\n", request.method);
    for (name, value) in &request.headers {
        text.push_str(&format!("{name}: {}\n", show::bytes(value)));
    }
    if !request.body.is_empty() {
        text.push_str(&show::bytes(&request.body));
    }
    text
}

fn by_hand(request: &Request, url: &str, token: bool) -> String {
    const PASTEABLE: usize = 2_000;
    let mut line = format!("curl -i -X {}", request.method);
    if token && !request.anonymous {
        line.push_str(" -H \"Authorization: Bearer $TOKEN\"");
    }
    for (name, value) in &request.headers {
        line.push_str(&format!(" -H {}", show::quoted(&format!("{name}: {}", show::bytes(value)))));
    }
    line.push_str(&format!(" {}", show::quoted(url)));
    if request.body.is_empty() {
        line
    } else if request.body.len() > PASTEABLE {
        format!("{line} --data-binary @BODY   (see `sealgate-conformance vector`)")
    } else {
        format!("printf {} | {line} --data-binary @-", show::printf(&request.body))
    }
}
