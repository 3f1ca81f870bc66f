//! A browser without a screen: keeps cookies by host, follows nothing by itself, and posts the forms it is told to.

use crate::gateway::PATIENCE;
use reqwest::{Client, Method, Url, redirect};
use std::collections::BTreeMap;
use tokio::runtime::{Builder, Runtime};

/// A browser.
pub struct Browser {
    runtime: Runtime,
    http: Client,
    cookies: BTreeMap<String, BTreeMap<String, String>>,
}

/// A page, or the way to one.
pub struct Page {
    /// Where it came from.
    pub url: Url,
    /// The status code.
    pub status: u16,
    /// Where it leads.
    pub location: Option<Url>,
    /// The body.
    pub body: String,
}

impl Browser {
    /// Makes a browser without cookies.
    #[must_use]
    pub fn new() -> Self {
        drop(rustls::crypto::ring::default_provider().install_default());
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let http = Client::builder().timeout(PATIENCE).no_proxy().redirect(redirect::Policy::none());
        Self { runtime, http: http.build().expect("an HTTP client"), cookies: BTreeMap::new() }
    }

    /// Gets a page.
    pub fn get(&mut self, url: &str) -> Page {
        self.ask(Method::GET, url, None)
    }

    /// Gets a page; `None` when there is no whole answer.
    pub fn try_get(&mut self, url: &str) -> Option<Page> {
        self.try_ask(Method::GET, url, None).ok()
    }

    /// Posts a form, as a browser on the same site does.
    pub fn post(&mut self, url: &str, form: &[(&str, &str)]) -> Page {
        self.ask(Method::POST, url, Some(form))
    }

    /// Follows the way to its end.
    pub fn follow(&mut self, page: Page) -> Page {
        let mut page = page;
        for _ in 0..12 {
            let Some(next) = page.location.clone() else { return page };
            page = self.get(next.as_str());
        }
        panic!("no end of redirects at {}", page.url);
    }

    /// Returns the value of a cookie for a host.
    #[must_use]
    pub fn cookie(&self, host: &str, name: &str) -> Option<&str> {
        self.cookies.get(host)?.get(name).map(String::as_str)
    }

    /// Sets a cookie for a host, as somebody does who stole it.
    pub fn set_cookie(&mut self, host: &str, name: &str, value: &str) {
        self.cookies.entry(host.to_owned()).or_default().insert(name.to_owned(), value.to_owned());
    }

    fn ask(&mut self, method: Method, url: &str, form: Option<&[(&str, &str)]>) -> Page {
        self.try_ask(method, url, form).expect("the server answers")
    }

    fn try_ask(&mut self, method: Method, url: &str, form: Option<&[(&str, &str)]>) -> reqwest::Result<Page> {
        let url = Url::parse(url).expect("an address");
        let host = authority(&url);
        let kept = self.cookies.entry(host.clone()).or_default();
        let cookies = kept.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let mut request = self.http.request(method, url.clone()).header("accept", "text/html");
        if !cookies.is_empty() {
            request = request.header("cookie", cookies);
        }
        if let Some(form) = form {
            request = request.header("origin", url.origin().ascii_serialization()).form(form);
        }
        let (status, headers, body) = self.runtime.block_on(async {
            let response = request.send().await?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            Ok::<_, reqwest::Error>((status, headers, response.text().await?))
        })?;
        for cookie in headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok()) {
            let (pair, rules) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let rules = rules.to_ascii_lowercase();
            if rules.contains("max-age=0") || rules.contains("expires=thu, 01 jan 1970") {
                kept.remove(name.trim());
            } else {
                kept.insert(name.trim().to_owned(), value.to_owned());
            }
        }
        let location = headers.get("location").and_then(|to| to.to_str().ok()).and_then(|to| url.join(to).ok());
        Ok(Page { url, status, location: location.filter(|_| (300..400).contains(&status)), body })
    }
}

impl Default for Browser {
    fn default() -> Self {
        Self::new()
    }
}

impl Page {
    /// Returns the value of a hidden field of the first form that has it.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<String> {
        let at = self.body.find(&format!("name=\"{name}\""))?;
        let tag = self.body.get(..at)?.rfind('<').and_then(|start| self.body.get(start..))?;
        let tag = tag.split('>').next()?;
        tag.split("value=\"").nth(1)?.split('"').next().map(str::to_owned)
    }
}

fn authority(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default())
}
