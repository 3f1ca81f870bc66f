//! Whether a form was sent from a page of ours, by two signs that another site cannot make.
//!
//! One is a field in the form: a keyed hash of the secret in the browser's cookie. The other is what browsers say of
//! where a request comes from (`Sec-Fetch-Site`, `Origin`). Both must hold.

use actix_web::http::header::HeaderMap;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::secret::{Secret, constant_time_eq};
use domain::ticket::TicketKeys;

/// The name of the hidden field.
pub(crate) const FIELD: &str = "csrf";

/// Returns the value of the hidden field for whoever holds this secret.
pub(crate) fn token(keys: &TicketKeys, secret: &Secret<32>) -> String {
    URL_SAFE_NO_PAD.encode(keys.owner("form", &[secret.expose()]).0)
}

/// Says whether the field has the value that belongs to the secret.
pub(crate) fn token_fits(keys: &TicketKeys, secret: &Secret<32>, given: &str) -> bool {
    constant_time_eq(token(keys, secret).as_bytes(), given.as_bytes())
}

/// Says whether the browser says that the request comes from a page of this origin.
///
/// Pages that ask for no referrer send `Origin: null` with their own forms, so that alone says nothing: then
/// `Sec-Fetch-Site` must speak. A browser that sends neither is refused.
pub(crate) fn comes_from_here(headers: &HeaderMap, origin: &str) -> bool {
    let only = |name: &str| {
        let mut values = headers.get_all(name);
        match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().map(Some).ok_or(()),
            (None, _) => Ok(None),
            (Some(_), Some(_)) => Err(()),
        }
    };
    let (Ok(given), Ok(site)) = (only("origin"), only("sec-fetch-site")) else {
        return false;
    };
    match (given, site) {
        (Some(given), _) if given != "null" && given != origin => false,
        (_, Some(site)) => site == "same-origin",
        (Some(given), None) => given == origin,
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    const HERE: &str = "https://here.example";

    fn comes(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        comes_from_here(&headers, HERE)
    }

    #[test]
    fn a_form_of_ours_is_told_by_what_the_browser_says() {
        assert!(comes(&[("origin", HERE), ("sec-fetch-site", "same-origin")]));
        assert!(comes(&[("origin", "null"), ("sec-fetch-site", "same-origin")]), "pages without referrer");
        assert!(comes(&[("origin", HERE)]), "an older browser");
    }

    #[test]
    fn a_form_from_elsewhere_is_told_too() {
        assert!(!comes(&[]));
        assert!(!comes(&[("origin", "null")]));
        for site in ["cross-site", "same-site", "none", "", "Same-Origin"] {
            assert!(!comes(&[("origin", HERE), ("sec-fetch-site", site)]), "{site}");
        }
        for origin in
            ["https://evil.example", "http://here.example", "https://here.example.evil", "https://here.example:444", ""]
        {
            assert!(!comes(&[("origin", origin), ("sec-fetch-site", "same-origin")]), "{origin}");
        }
        assert!(!comes(&[("origin", HERE), ("origin", HERE)]));
        assert!(!comes(&[("origin", HERE), ("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site")]));
    }

    #[test]
    fn the_field_belongs_to_one_secret() {
        let keys = TicketKeys::derive(&Secret::new([1; 32]));
        let (mine, theirs) = (Secret::new([2; 32]), Secret::new([3; 32]));
        assert!(token_fits(&keys, &mine, &token(&keys, &mine)));
        assert!(!token_fits(&keys, &mine, &token(&keys, &theirs)));
        assert!(!token_fits(&keys, &mine, ""));
        let others = TicketKeys::derive(&Secret::new([9; 32]));
        assert!(!token_fits(&keys, &mine, &token(&others, &mine)));
    }
}
