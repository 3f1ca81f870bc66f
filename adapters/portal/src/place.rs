//! Places inside these pages that a person may be sent back to; nothing from outside ever becomes an address elsewhere.

use crate::route;
use actix_web::http::Method;
use form::encode;

/// Longest address of a place, in bytes; a sealed cursor fits.
const MAX_BYTES: usize = 2_048;

/// A path of our own, with its query, that a person may be sent to.
///
/// It is a page that is read (`GET`) by somebody who is signed in: never a form's target, never sign-in or sign-out, never
/// another host, however a browser would read the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place(String);

impl Place {
    /// Takes a text that came from outside; `None` unless it is exactly such a place.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let plain = |byte: u8| {
            byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~' | b'?' | b'=' | b'&' | b'%')
        };
        let (path, _) = text.split_once('?').unwrap_or((text, ""));
        let well_formed = text.len() <= MAX_BYTES
            && text.starts_with('/')
            && !path.contains("//")
            && !path.contains('%')
            && !path.split('/').any(|part| part == "." || part == "..")
            && text.bytes().all(plain);
        let known = || route::find(&Method::GET, path).is_some_and(|row| row.can_be_returned_to());
        (well_formed && known()).then(|| Self(text.to_owned()))
    }

    /// Returns where somebody goes who came from nowhere.
    pub(crate) fn home() -> Self {
        Self("/".to_owned())
    }

    /// Borrows the path.
    pub(crate) fn path(&self) -> &str {
        &self.0
    }

    /// Returns another path of ours that remembers this place.
    pub(crate) fn behind(&self, path: &str) -> String {
        if *self == Self::home() { path.to_owned() } else { format!("{path}?return={}", encode(&self.0)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "0190a1b2-0000-8000-8000-000000000001";

    #[test]
    fn pages_of_ours_are_places() {
        for text in ["/patients", "/account", "/"] {
            assert!(Place::read(text).is_some(), "{text}");
        }
        assert!(Place::read(&format!("/reports/{ID}/versions/2")).is_some());
        assert!(Place::read(&format!("/patients/{ID}?at=AbC_-9")).is_some());
    }

    #[test]
    fn nothing_else_is() {
        for text in [
            "",
            "patients",
            "//evil.example",
            "//evil.example/patients",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "/%2f%2fevil.example",
            "/%5cevil.example",
            "/patients/../sign-out",
            "/./patients",
            "/patients//x",
            "/patients\r\nSet-Cookie: a=b",
            "/patients\n",
            "/patients\t",
            " /patients",
            "/patients#x",
            "/patients?x=<script>",
            "/@evil.example",
            "/sign-out",
            "/sign-in",
            "/signed-out",
            "/session-ending",
            "/auth/oidc/callback",
            "/break-glass/end",
            "/assets/x.css",
            "/fhir/Patient",
            "/nowhere",
            "/.evil.example",
            "/patients?return=//evil.example:80",
        ] {
            assert_eq!(Place::read(text), None, "{text:?}");
        }
        assert_eq!(Place::read(&format!("/patients?at={}", "a".repeat(MAX_BYTES))), None);
    }

    proptest! {
        #[test]
        fn a_place_always_stays_at_this_host(text in "[/\\\\a-z:@.?%\\t\\n ]{0,24}") {
            if let Some(place) = Place::read(&text) {
                prop_assert!(place.path().starts_with('/'));
                prop_assert!(!place.path().starts_with("//") && !place.path().contains(['\\', ':', '@', '\t', '\n']));
            }
        }
    }
}
