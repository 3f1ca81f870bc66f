//! Answers on the wire: every one carries the same protective headers, whatever is in it.

use crate::clinical::Download;
use crate::launching::destination;
use crate::{script, stylesheet};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What a browser may load and do with a page: our stylesheet, our pictures, our forms; nothing is run, but our one script on the
/// pages on which a security key may be used.
pub(crate) const CONTENT_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
     frame-ancestors 'none'; base-uri 'none'";
/// The same for a document of others: it is handed out, and where a browser shows it nevertheless, in a cage.
const DOCUMENT_POLICY: &str = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'";
/// What in it says where forms may lead.
const OWN_FORMS: &str = "form-action 'self'";
/// Most that is added to it, in bytes: proxies take 4 or 8 KiB of headers together. What is beyond it browsers may refuse to
/// open from the page; such an application is launched by its own request.
const MAX_LEADS_TO_BYTES: usize = 2_048;
/// Two years, as lists of such hosts ask for.
const STRICT_TRANSPORT: &str = "max-age=63072000; includeSubDomains";

/// An answer.
pub(crate) struct Answer {
    body: Body,
    cookies: Vec<Zeroizing<String>>,
    /// Whether the browser is to forget what it kept.
    forget: bool,
    /// After how many seconds it is worth trying again.
    wait: Option<u32>,
    /// Where the forms of the page may lead besides our own pages.
    leads_to: Vec<String>,
    /// The address of the script that the page loads.
    script: Option<String>,
}

enum Body {
    Page(StatusCode, String),
    /// To another page of ours, read with `GET`.
    See(String),
    /// To an identity provider.
    Away(String),
    Download(Download),
    Stylesheet,
    Script,
    Metadata(String),
    KeySet(String),
    /// To a machine: a status, and a short JSON text or nothing.
    Short(StatusCode, &'static str),
}

impl Answer {
    /// A page.
    pub(crate) fn page(html: String) -> Self {
        Self::of(Body::Page(StatusCode::OK, html))
    }

    /// A page with another status.
    pub(crate) fn page_with(status: StatusCode, html: String) -> Self {
        Self::of(Body::Page(status, html))
    }

    /// Sends to another page of ours; the path is one that we wrote, or a [`Place`](crate::place::Place).
    pub(crate) fn see(path: impl Into<String>) -> Self {
        Self::of(Body::See(path.into()))
    }

    /// Sends to an address of an identity provider, which `sso` has made from its configuration.
    pub(crate) fn away(address: String) -> Self {
        Self::of(Body::Away(address))
    }

    /// Hands out a document.
    pub(crate) fn download(document: Download) -> Self {
        Self::of(Body::Download(document))
    }

    /// Hands out the stylesheet.
    pub(crate) fn stylesheet() -> Self {
        Self::of(Body::Stylesheet)
    }

    /// Hands out the script.
    pub(crate) fn script() -> Self {
        Self::of(Body::Script)
    }

    /// Hands out SAML metadata.
    pub(crate) fn metadata(xml: String) -> Self {
        Self::of(Body::Metadata(xml))
    }

    /// Hands out public keys.
    pub(crate) fn key_set(json: String) -> Self {
        Self::of(Body::KeySet(json))
    }

    /// Answers a machine.
    pub(crate) fn short(status: StatusCode, json: &'static str) -> Self {
        Self::of(Body::Short(status, json))
    }

    /// Returns the same with a cookie set or taken away.
    pub(crate) fn with_cookie(mut self, value: impl Into<Zeroizing<String>>) -> Self {
        self.cookies.push(value.into());
        self
    }

    /// Returns the same, and the browser forgets the pages it kept.
    pub(crate) fn forgetting(self) -> Self {
        Self { forget: true, ..self }
    }

    /// Returns the same page with another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        match self.body {
            Body::Page(_, html) => Self { body: Body::Page(status, html), ..self },
            body => Self { body, ..self },
        }
    }

    /// Says whether it is a page.
    pub(crate) const fn is_page(&self) -> bool {
        matches!(self.body, Body::Page(..))
    }

    /// Returns the same, and says after how many seconds it is worth trying again.
    pub(crate) fn retry_after(self, wait: Option<u32>) -> Self {
        Self { wait, ..self }
    }

    /// Returns the same page, whose forms may lead to an application's registered address; browsers hold redirects behind a form to
    /// what the page allows (CSP Level 3 §6.4.1).
    pub(crate) fn leading_to(mut self, address: &str) -> Self {
        let taken = self.leads_to.iter().map(|target| target.len().saturating_add(1)).fold(0, usize::saturating_add);
        let fits = |target: &String| taken.saturating_add(target.len()) < MAX_LEADS_TO_BYTES;
        self.leads_to.extend(form_target(address).filter(|target| !self.leads_to.contains(target) && fits(target)));
        self
    }

    /// Returns the same page, which may load the script at this address and no other.
    pub(crate) fn scripted(self, script: Option<String>) -> Self {
        Self { script, ..self }
    }

    fn of(body: Body) -> Self {
        Self { body, cookies: Vec::new(), forget: false, wait: None, leads_to: Vec::new(), script: None }
    }

    /// Writes the answer.
    pub(crate) fn write(self, request_id: &str) -> HttpResponse {
        let mut response = match &self.body {
            Body::Page(status, _) | Body::Short(status, _) => HttpResponse::build(*status),
            Body::See(to) | Body::Away(to) => {
                let mut response = HttpResponse::SeeOther();
                response.insert_header((header::LOCATION, to.as_str()));
                response
            }
            Body::Download(_) | Body::Stylesheet | Body::Script | Body::Metadata(_) | Body::KeySet(_) => {
                HttpResponse::Ok()
            }
        };
        let policy = if matches!(self.body, Body::Download(_)) { DOCUMENT_POLICY } else { CONTENT_POLICY };
        let policy = match self.leads_to.as_slice() {
            [] => Cow::Borrowed(policy),
            more => Cow::Owned(policy.replace(OWN_FORMS, &format!("{OWN_FORMS} {}", more.join(" ")))),
        };
        let policy = match &self.script {
            Some(script) => Cow::Owned(format!("{policy}; script-src {script}")),
            None => policy,
        };
        let named_by_content = matches!(self.body, Body::Stylesheet | Body::Script);
        let kept = if named_by_content { "public, max-age=31536000, immutable" } else { "no-store" };
        protect(&mut response, &policy, kept, request_id);
        for cookie in &self.cookies {
            response.append_header((header::SET_COOKIE, cookie.as_str()));
        }
        if let Some(seconds) = self.wait {
            response.insert_header((header::RETRY_AFTER, seconds.to_string()));
        }
        if self.forget {
            response.insert_header(("clear-site-data", "\"cache\""));
        }
        match self.body {
            Body::Page(_, html) => response.content_type("text/html; charset=utf-8").body(html),
            Body::See(_) | Body::Away(_) => response.finish(),
            Body::Stylesheet => response.content_type("text/css; charset=utf-8").body(stylesheet::TEXT),
            Body::Script => response.content_type("text/javascript; charset=utf-8").body(script::TEXT),
            Body::Metadata(xml) => response.content_type("application/samlmetadata+xml").body(xml),
            Body::KeySet(json) => response.content_type("application/json").body(json),
            Body::Short(_, "") => response.finish(),
            Body::Short(_, json) => response.content_type("application/json").body(json),
            Body::Download(document) => {
                let disposition = format!("attachment; filename=\"{}\"", document.name);
                response.insert_header((header::CONTENT_DISPOSITION, disposition));
                response.content_type(document.media).body(document.bytes)
            }
        }
    }
}

/// Returns an address as a source of the content policy: scheme, host and port, or a private scheme; `None` for what could be read as more.
fn form_target(address: &str) -> Option<String> {
    let destination = destination(address);
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'.' | b'-' | b'_' | b'[' | b']' | b'+');
    let target = if destination.contains("://") { destination.to_owned() } else { format!("{destination}:") };
    (target.len() > 1 && target.bytes().all(plain)).then_some(target)
}

fn protect(response: &mut HttpResponseBuilder, policy: &str, kept: &str, request_id: &str) {
    response
        .insert_header((header::CONTENT_SECURITY_POLICY, policy))
        .insert_header((header::STRICT_TRANSPORT_SECURITY, STRICT_TRANSPORT))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .insert_header((header::X_FRAME_OPTIONS, "DENY"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header(("cross-origin-opener-policy", "same-origin"))
        .insert_header(("cross-origin-resource-policy", "same-origin"))
        .insert_header(("permissions-policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()"))
        .insert_header((header::CACHE_CONTROL, kept))
        .insert_header(("x-request-id", request_id));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_page_may_lead_to_is_bounded_and_the_first_stay() {
        let answer = (0..10_000).fold(Answer::page(String::new()), |answer, number| {
            answer.leading_to(&format!("https://application-{number}.example/launch"))
        });
        let written = answer.write("id");
        let policy = written.headers().get(header::CONTENT_SECURITY_POLICY).unwrap().to_str().unwrap();
        assert!(policy.contains("form-action 'self' https://application-0.example https://application-1.example"));
        assert!(policy.len().saturating_sub(CONTENT_POLICY.len()) <= MAX_LEADS_TO_BYTES, "{}", policy.len());
    }
}
