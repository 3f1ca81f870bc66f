//! Entity tags: the version of an entry, compared strongly (RFC 9110 §8.8.3, §13.1.1).

use crate::problem::Problem;
use actix_web::HttpRequest;
use actix_web::http::header::IF_MATCH;
use domain::write::Version;

/// Returns the tag of a version.
pub(crate) fn of(version: Version) -> String {
    format!("\"{version}\"")
}

/// Returns the version that a change must find; `None` for any (`*`).
///
/// A change without it might undo somebody else's, and is refused (RFC 6585 §3).
pub(crate) fn expected(request: &HttpRequest) -> Result<Option<Version>, Problem> {
    let mut headers = request.headers().get_all(IF_MATCH);
    let given = match (headers.next(), headers.next()) {
        (Some(only), None) => only.to_str().map_err(|_| Problem::OneTag)?.trim(),
        (None, _) => return Err(Problem::PreconditionRequired),
        (Some(_), Some(_)) => return Err(Problem::OneTag),
    };
    if given == "*" {
        return Ok(None);
    }
    if given.starts_with("W/") {
        // A weak tag never matches.
        return Err(Problem::Precondition);
    }
    let tag = given.strip_prefix('"').and_then(|tag| tag.strip_suffix('"')).ok_or(Problem::OneTag)?;
    if tag.contains('"') {
        return Err(Problem::OneTag);
    }
    // A tag that we never gave is one that nothing has.
    tag.parse().map(Some).map_err(|_| Problem::Precondition)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_change_names_one_version() {
        let read = |given: &str| expected(&TestRequest::default().insert_header((IF_MATCH, given)).to_http_request());
        assert!(matches!(read("\"3\""), Ok(Some(3))) && matches!(read(" * "), Ok(None)));
        assert!(matches!(expected(&TestRequest::default().to_http_request()), Err(Problem::PreconditionRequired)));
        for never in ["W/\"3\"", "\"\"", "\"-1\"", "\"three\""] {
            assert!(matches!(read(never), Err(Problem::Precondition)), "{never}");
        }
        for several in ["\"1\", \"2\"", "3", ""] {
            assert!(matches!(read(several), Err(Problem::OneTag)), "{several}");
        }
    }
}
