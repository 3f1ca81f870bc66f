//! Which pages of other sites may read an answer: cross-origin requests (Fetch §3.2, SMART App Launch 2.2 §"Considerations for
//! Cross-Origin Resource Sharing (CORS) support").
//!
//! Never: cookies (`Access-Control-Allow-Credentials` is never sent, so a page has nothing but the token it holds), and `*` for what
//! only some may read.
//!
//! The `actix-cors` crate decides before a request is answered, by the head of the request alone. Who may read here depends on whose
//! data is answered, which is known afterwards; so this is ours.

use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse};

/// For how long a browser may remember what was answered to a preflight, in seconds. Short, though it decides little: whether the
/// answer itself may be read is said with every answer.
pub const PREFLIGHT_SECONDS: u32 = 600;

/// What a page may read of an answer besides its body and the headers that every page may read (Fetch §"CORS-safelisted response-header
/// name").
const EXPOSED: &str = "ETag, Last-Modified, Location, Retry-After, WWW-Authenticate, X-Request-Id";

/// Who may read an answer.
#[derive(Clone, Copy)]
pub enum Readers<'a> {
    /// Every page: it says nothing about anybody.
    Anybody,
    /// Pages of the origins that this says yes to.
    Registered(&'a dyn Fn(&str) -> bool),
}

/// What pages of other sites may send to an address.
#[derive(Debug, Clone, Copy)]
pub struct Sends {
    /// The methods, as a list with commas.
    pub methods: &'static str,
    /// The headers beyond those that every page may send, as a list with commas.
    pub headers: &'static str,
}

/// Answers a preflight; `None` when the request is none.
///
/// It is answered without looking at anything but the origin, and alike whatever the address: an origin that may not read
/// anything here learns that and nothing else.
#[must_use]
pub fn preflight(request: &HttpRequest, sends: Sends, readers: Readers<'_>) -> Option<HttpResponse> {
    let asks = request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    if *request.method() != Method::OPTIONS || !asks {
        return None;
    }
    let origin = origin(request)?;
    let mut response = HttpResponse::new(StatusCode::NO_CONTENT);
    if let Some(allowed) = allowed(Some(origin), readers) {
        let headers = response.headers_mut();
        let seconds = header::HeaderValue::from(PREFLIGHT_SECONDS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, header::HeaderValue::from_static(sends.methods));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, header::HeaderValue::from_static(sends.headers));
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, seconds);
    }
    vary(&mut response, readers);
    Some(response)
}

/// Says on an answer whether the page that asked may read it.
pub fn mark(response: &mut HttpResponse, origin: Option<&str>, readers: Readers<'_>) {
    if let Some(allowed) = allowed(origin, readers) {
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, header::HeaderValue::from_static(EXPOSED));
    }
    vary(response, readers);
}

/// Returns the origin of the page that asks, where a browser names one (RFC 6454 §7); two of them are none.
#[must_use]
pub fn origin(request: &HttpRequest) -> Option<&str> {
    let mut headers = request.headers().get_all(header::ORIGIN);
    let (only, None) = (headers.next()?, headers.next()) else {
        return None;
    };
    only.to_str().ok().filter(|origin| origin.len() <= MAX_ORIGIN_BYTES)
}

fn allowed(origin: Option<&str>, readers: Readers<'_>) -> Option<header::HeaderValue> {
    match readers {
        Readers::Anybody => Some(header::HeaderValue::from_static("*")),
        Readers::Registered(is) => {
            origin.filter(|origin| is(origin)).and_then(|origin| header::HeaderValue::from_str(origin).ok())
        }
    }
}

/// Says that the answer to another page could be another one, so that no store of answers mixes them up.
fn vary(response: &mut HttpResponse, readers: Readers<'_>) {
    if let Readers::Registered(_) = readers {
        response.headers_mut().append(header::VARY, header::HeaderValue::from_static("Origin"));
    }
}

/// Longest origin that is looked at, in bytes: a scheme, a name of 253 and a port.
const MAX_ORIGIN_BYTES: usize = 272;

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    const SENDS: Sends = Sends { methods: "GET, HEAD", headers: "Authorization" };
    const OURS: &str = "https://app.example";

    fn ours(origin: &str) -> bool {
        origin == OURS
    }

    fn asking(origin: &str) -> TestRequest {
        let wanted = (header::ACCESS_CONTROL_REQUEST_METHOD, "GET");
        TestRequest::with_uri("/").method(Method::OPTIONS).insert_header(wanted).insert_header((header::ORIGIN, origin))
    }

    fn said(response: &HttpResponse) -> Vec<String> {
        let headers = response.headers().iter();
        let mut said: Vec<_> = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        said.sort();
        said
    }

    #[test]
    fn a_preflight_says_what_a_registered_page_may_send() {
        let answer = preflight(&asking(OURS).to_http_request(), SENDS, Readers::Registered(&ours)).unwrap();
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let expected = [
            "access-control-allow-headers: Authorization",
            "access-control-allow-methods: GET, HEAD",
            "access-control-allow-origin: https://app.example",
            "access-control-max-age: 600",
            "vary: Origin",
        ];
        assert_eq!(said(&answer), expected);
    }

    #[test]
    fn a_preflight_of_any_other_page_says_nothing() {
        for origin in ["https://evil.example", "null", "https://app.example.evil", "HTTPS://APP.EXAMPLE", "*", ""] {
            let answer = preflight(&asking(origin).to_http_request(), SENDS, Readers::Registered(&ours)).unwrap();
            assert_eq!(said(&answer), ["vary: Origin"], "{origin}");
        }
    }

    #[test]
    fn what_is_no_preflight_is_not_answered_as_one() {
        let plain = TestRequest::with_uri("/").method(Method::OPTIONS).insert_header((header::ORIGIN, OURS));
        let twice = asking(OURS).append_header((header::ORIGIN, "https://evil.example"));
        let long = asking(&format!("https://{}.example", "a".repeat(300)));
        for request in [plain, twice, long, asking(OURS).method(Method::GET)] {
            assert!(preflight(&request.to_http_request(), SENDS, Readers::Registered(&ours)).is_none());
        }
    }

    #[test]
    fn an_answer_is_marked_for_the_page_that_asked_and_never_allows_cookies() {
        let marked = |origin, readers| {
            let mut answer = HttpResponse::new(StatusCode::OK);
            mark(&mut answer, origin, readers);
            said(&answer)
        };
        let exposed = format!("access-control-expose-headers: {EXPOSED}");
        let allowed = ["access-control-allow-origin: https://app.example", exposed.as_str(), "vary: Origin"];
        assert_eq!(marked(Some(OURS), Readers::Registered(&ours)), allowed);
        for other in [None, Some("https://evil.example"), Some("null")] {
            assert_eq!(marked(other, Readers::Registered(&ours)), ["vary: Origin"]);
        }
        let anybody = ["access-control-allow-origin: *", exposed.as_str()];
        assert_eq!(marked(None, Readers::Anybody), anybody);
    }
}
