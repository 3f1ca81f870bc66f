//! What form of answer a client accepts (R4 http §3.1.0.1.11): JSON of FHIR 4.0, or nothing.

use actix_web::http::header::{self, HeaderMap};

/// How an answer is to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Style {
    /// Laid out for people.
    pub(crate) pretty: bool,
}

/// Says that the client accepts nothing that is served.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAcceptable;

/// Reads `_format` (which beats `Accept`), `_pretty` and `Accept`.
pub(crate) fn style(headers: &HeaderMap, pairs: &[(String, String)]) -> Result<Style, NotAcceptable> {
    let last = |name: &str| pairs.iter().rev().find(|(given, _)| given == name).map(|(_, value)| value.as_str());
    let accepted = match last("_format") {
        Some(format) => is_json(format),
        None => accepts_json(headers),
    };
    let pretty = match last("_pretty") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(NotAcceptable),
    };
    if accepted { Ok(Style { pretty }) } else { Err(NotAcceptable) }
}

/// Says whether the client wants unknown search parameters left out (`Prefer: handling=lenient`).
pub(crate) fn is_lenient(headers: &HeaderMap) -> bool {
    let preferences = headers.get_all("prefer").filter_map(|value| value.to_str().ok());
    preferences.flat_map(|value| value.split([',', ';'])).any(|preference| preference.trim() == "handling=lenient")
}

fn accepts_json(headers: &HeaderMap) -> bool {
    let mut given = false;
    for value in headers.get_all(header::ACCEPT) {
        given = true;
        // A header that is not text accepts nothing we could name.
        let ranges = value.to_str().unwrap_or_default();
        if ranges.split(',').any(is_json) {
            return true;
        }
    }
    !given
}

/// Says whether a media range, or a word of `_format`, covers FHIR JSON of version 4.0.
fn is_json(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let media = parts.next().unwrap_or_default().to_ascii_lowercase();
    // A plus sign that a client forgot to encode arrives as a space.
    let known = matches!(
        media.as_str(),
        "" | "*/*"
            | "application/*"
            | "application/fhir+json"
            | "application/fhir json"
            | "application/json"
            | "text/json"
            | "json"
    );
    known
        && parts.all(|parameter| match parameter.split_once('=') {
            Some((name, value)) if name.trim().eq_ignore_ascii_case("fhirVersion") => {
                matches!(value.trim().trim_matches('"'), "4.0" | "4.0.0" | "4.0.1")
            }
            Some((name, value)) if name.trim().eq_ignore_ascii_case("q") => {
                !matches!(value.trim(), "0" | "0." | "0.0" | "0.00" | "0.000")
            }
            _ => true,
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::HeaderValue;

    fn accepts(accept: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_str(accept).unwrap());
        style(&headers, &[]).is_ok()
    }

    #[test]
    fn json_of_fhir_4_0_is_accepted_under_each_of_its_names() {
        for accept in [
            "*/*",
            "application/*",
            "application/fhir+json",
            "application/fhir+json; charset=utf-8",
            "application/fhir+json; fhirVersion=4.0",
            "Application/JSON",
            "text/json",
            "application/fhir+xml;q=1, application/fhir+json;q=0.5",
            "text/html, */*;q=0.1",
        ] {
            assert!(accepts(accept), "{accept}");
        }
        assert!(style(&HeaderMap::new(), &[]).is_ok());
    }

    #[test]
    fn nothing_else_is() {
        for accept in
            ["application/fhir+xml", "text/html", "application/fhir+json;q=0", "application/fhir+json; fhirVersion=5.0"]
        {
            assert!(!accepts(accept), "{accept}");
        }
    }

    #[test]
    fn the_format_parameter_beats_the_header() {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/fhir+xml"));
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(style(&headers, &[pair("_format", "json")]), Ok(Style { pretty: false }));
        assert_eq!(
            style(&headers, &[pair("_format", "application/fhir json"), pair("_pretty", "true")]),
            Ok(Style { pretty: true })
        );
        headers.clear();
        assert_eq!(style(&headers, &[pair("_format", "xml")]), Err(NotAcceptable));
    }
}
