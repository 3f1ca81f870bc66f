//! The cookies: what finds the session, what binds a sign-in under way to its browser, and what local accounts know a browser by.

use actix_web::HttpRequest;
use actix_web::http::header;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::secret::Secret;
use zeroize::Zeroizing;

/// The name of the cookie that local accounts know a browser by.
const BROWSER: &str = "__Host-sealgate-browser";

/// How the names of the cookies begin that carry sign-ins under way: one each, so that whoever begins in one window can finish in another.
const BEGUN: &str = "__Host-sealgate-sign-in-";

/// One of the two cookies that hold a secret of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cookie {
    /// Finds the session. Not sent with requests that other sites make, other than by following a link.
    Session,
    /// Binds a sign-in under way. Other sites may make a browser send it: identity providers answer by a form.
    SignIn,
}

/// How a provider has the browser bring its answer: whether other sites may make it send the cookie with anything but a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AnsweredBy {
    /// By a link (OpenID Connect Core §3.1.2.5).
    Link,
    /// By a form (SAML Bindings §3.5).
    Form,
}

impl Cookie {
    /// Returns its name; the prefix makes browsers hold it to this host, this origin and TLS (RFC 6265bis §4.1.3.2).
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Cookie::Session => "__Host-sealgate",
            Cookie::SignIn => "__Host-sealgate-sign-in",
        }
    }

    /// Reads it; `None` unless there is exactly one of its name and it has the form of a secret.
    ///
    /// Of two nobody knows which is ours: a page on a neighbouring host may have set the other.
    pub(crate) fn read(self, request: &HttpRequest) -> Option<Secret<32>> {
        let mut found = pairs(request).filter(|(name, _)| *name == self.name()).map(|(_, value)| value);
        match (found.next(), found.next()) {
            (Some(only), None) => read_secret(only),
            _ => None,
        }
    }

    /// Reads what local accounts know this browser by; made and judged by them alone, and worth nothing by itself.
    pub(crate) fn browser(request: &HttpRequest) -> Option<String> {
        pairs(request).filter(|(name, _)| *name == BROWSER).last().map(|(_, value)| value.to_owned())
    }

    /// Returns the sign-ins under way that the browser carries, as name and value; the name is without its beginning.
    pub(crate) fn begun(request: &HttpRequest) -> impl Iterator<Item = (&str, &str)> {
        pairs(request).filter_map(|(name, value)| Some((name.strip_prefix(BEGUN)?, value)))
    }

    /// Returns the header value by which the browser carries a sign-in for ten minutes; the name is a keyed hash in base64url.
    pub(crate) fn set_begun(name: &str, value: &str, answered: AnsweredBy) -> Zeroizing<String> {
        let same_site = match answered {
            AnsweredBy::Link => "Lax",
            AnsweredBy::Form => "None",
        };
        Zeroizing::new(format!("{BEGUN}{name}={value}; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age=600"))
    }

    /// Returns the header value that takes one away; `None` for a name that is none of ours.
    pub(crate) fn unset_begun(name: &str) -> Option<String> {
        let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
        plain.then(|| format!("{BEGUN}{name}=; Path=/; Secure; HttpOnly; SameSite=None; Max-Age=0"))
    }

    /// Returns the header value that keeps it for 90 days, which is how long it is taken note of.
    pub(crate) fn set_browser(value: &str) -> String {
        format!("{BROWSER}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=7776000")
    }

    /// Returns the header value that sets it.
    pub(crate) fn set(self, secret: &Secret<32>) -> Zeroizing<String> {
        let value = Zeroizing::new(write_secret(secret));
        let rules = match self {
            // It lives as long as the browser; the server ends it sooner.
            Cookie::Session => "Path=/; Secure; HttpOnly; SameSite=Lax",
            Cookie::SignIn => "Path=/; Secure; HttpOnly; SameSite=None; Max-Age=600",
        };
        Zeroizing::new(format!("{}={}; {rules}", self.name(), value.as_str()))
    }

    /// Returns the header value that takes it away.
    pub(crate) fn unset(self) -> String {
        let same_site = match self {
            Cookie::Session => "Lax",
            Cookie::SignIn => "None",
        };
        format!("{}=; Path=/; Secure; HttpOnly; SameSite={same_site}; Max-Age=0", self.name())
    }
}

/// Returns every cookie that came, as name and value; lines that are no text are passed over.
fn pairs(request: &HttpRequest) -> impl Iterator<Item = (&str, &str)> {
    let lines = request.headers().get_all(header::COOKIE).filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='))
}

/// Writes a secret as 43 characters of base64url.
pub(crate) fn write_secret(secret: &Secret<32>) -> String {
    URL_SAFE_NO_PAD.encode(secret.expose())
}

/// Reads a secret from its 43 characters.
pub(crate) fn read_secret(text: &str) -> Option<Secret<32>> {
    if text.len() != 43 {
        return None;
    }
    let bytes = Zeroizing::new(URL_SAFE_NO_PAD.decode(text).ok()?);
    Secret::from_slice(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn read(cookies: &[&str]) -> Option<[u8; 32]> {
        let mut request = TestRequest::default();
        for line in cookies {
            request = request.append_header((header::COOKIE, *line));
        }
        Cookie::Session.read(&request.to_http_request()).map(|secret| *secret.expose())
    }

    #[test]
    fn the_cookies_are_held_to_this_host_and_out_of_scripts() {
        for cookie in [Cookie::Session, Cookie::SignIn] {
            for value in [cookie.set(&Secret::new([1; 32])).to_string(), cookie.unset()] {
                assert!(value.starts_with("__Host-"), "{value}");
                for rule in ["; Path=/;", "; Secure;", "; HttpOnly;"] {
                    assert!(value.contains(rule), "{value}");
                }
                assert!(!value.contains("Domain"));
            }
        }
        assert!(Cookie::Session.set(&Secret::new([1; 32])).ends_with("SameSite=Lax"));
        assert!(Cookie::SignIn.set(&Secret::new([1; 32])).ends_with("SameSite=None; Max-Age=600"));
    }

    #[test]
    fn a_secret_reads_back_and_one_of_two_is_nobodys() {
        let mine = format!("__Host-sealgate={}", write_secret(&Secret::new([7; 32])));
        assert_eq!(read(&[&mine]), Some([7; 32]));
        assert_eq!(read(&[&format!("a=b; {mine}; c=d")]), Some([7; 32]));
        assert_eq!(read(&[&mine, &mine]), None);
        assert_eq!(read(&[&format!("{mine}; {mine}")]), None);
        for other in ["", "__Host-sealgate=", "__Host-sealgate=short", "sealgate=x", "__host-sealgate=x"] {
            assert_eq!(read(&[other]), None, "{other}");
        }
    }

    #[test]
    fn other_sites_make_a_browser_send_a_sign_in_only_where_its_answer_is_a_form() {
        let set = |answered| Cookie::set_begun("name", "value", answered).to_string();
        assert!(set(AnsweredBy::Link).contains("; SameSite=Lax;"));
        assert!(set(AnsweredBy::Form).contains("; SameSite=None;"));
    }
}
