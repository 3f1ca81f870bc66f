//! Conditional reading: an unchanged resource is answered with 304 (RFC 9110 §13, R4 http §3.1.0.4).

use actix_web::http::header::{self, HeaderMap, HttpDate};
use domain::time::Timestamp;
use domain::write::Version;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

/// Says whether the client has this version already.
///
/// `If-None-Match` is read leniently, `W/"3"`, `"3"` and `3` alike, and beats `If-Modified-Since`.
pub(crate) fn is_unchanged(headers: &HeaderMap, version: Version, last_updated: Timestamp) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        let version = version.to_string();
        let tags = headers.get_all(header::IF_NONE_MATCH).filter_map(|value| value.to_str().ok());
        return tags
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"') == version);
    }
    let since = headers.get(header::IF_MODIFIED_SINCE).and_then(|value| value.to_str().ok());
    since
        .and_then(|text| HttpDate::from_str(text).ok())
        .is_some_and(|since| moment(last_updated) <= SystemTime::from(since))
}

/// Returns the `Last-Modified` of a moment: whole seconds, the precision of HTTP.
pub(crate) fn http_date(moment_of: Timestamp) -> String {
    HttpDate::from(moment(moment_of)).to_string()
}

fn moment(at: Timestamp) -> SystemTime {
    let seconds = at.millis().div_euclid(1_000);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn unchanged(name: HeaderName, value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        is_unchanged(&headers, 3, Timestamp::from_rfc3339("2026-11-21T10:00:00.900Z").unwrap())
    }

    #[test]
    fn a_known_version_is_unchanged_however_its_tag_is_written() {
        for tag in ["W/\"3\"", "\"3\"", "3", "*", "W/\"1\", W/\"3\""] {
            assert!(unchanged(header::IF_NONE_MATCH, tag), "{tag}");
        }
        for tag in ["W/\"2\"", "33", "", "W/", "\"\""] {
            assert!(!unchanged(header::IF_NONE_MATCH, tag), "{tag}");
        }
    }

    #[test]
    fn a_date_is_compared_by_whole_seconds() {
        assert_eq!(
            http_date(Timestamp::from_rfc3339("2026-11-21T10:00:00.900Z").unwrap()),
            "Sat, 21 Nov 2026 10:00:00 GMT"
        );
        assert!(unchanged(header::IF_MODIFIED_SINCE, "Sat, 21 Nov 2026 10:00:00 GMT"));
        assert!(!unchanged(header::IF_MODIFIED_SINCE, "Sat, 21 Nov 2026 09:59:59 GMT"));
        assert!(!unchanged(header::IF_MODIFIED_SINCE, "yesterday"));
    }
}
