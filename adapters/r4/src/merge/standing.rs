//! How far a report has come, as its own content says.

use domain::intake::{Stage, Standing};
use domain::time::Timestamp;
use serde::Deserialize;
use std::borrow::Cow;

/// Reads status and release of a DiagnosticReport.
///
/// A release that was assumed (from the message, or from its arrival) is none: two clocks are never compared.
pub(super) fn standing(content: &str) -> Standing {
    let Ok(report) = serde_json::from_str::<Report<'_>>(content) else {
        return Standing::default();
    };
    let status = report.status.as_deref().unwrap_or_default();
    let assumed = report.about_issued.is_some_and(|about| {
        about.extension.iter().filter_map(|one| one.code.as_deref()).any(|code| code.ends_with("-time"))
    });
    let issued = report.issued.filter(|_| !assumed);
    Standing {
        released: issued.and_then(|issued| Timestamp::from_rfc3339(&issued)),
        retracted: status == "entered-in-error",
        stage: match status {
            "final" => Stage::Final,
            "amended" | "corrected" | "appended" | "cancelled" | "entered-in-error" => Stage::Revised,
            _ => Stage::Open,
        },
    }
}

#[derive(Deserialize)]
struct Report<'a> {
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    issued: Option<Cow<'a, str>>,
    #[serde(rename = "_issued", borrow)]
    about_issued: Option<About<'a>>,
}

#[derive(Deserialize)]
struct About<'a> {
    #[serde(borrow, default)]
    extension: Vec<Extension<'a>>,
}

#[derive(Deserialize)]
struct Extension<'a> {
    #[serde(rename = "valueCode", borrow)]
    code: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_counts_unless_it_was_assumed() {
        let sent = standing(r#"{"status":"final","issued":"2026-03-01T10:12:00+00:00"}"#);
        assert_eq!(sent.released, Timestamp::from_rfc3339("2026-03-01T10:12:00Z"));
        assert_eq!(sent.stage, Stage::Final);
        let assumed = standing(
            r#"{"status":"preliminary","issued":"2026-03-01T10:12:00Z","_issued":{"extension":[{"url":"x","valueCode":"message-time"}]}}"#,
        );
        assert_eq!((assumed.released, assumed.stage), (None, Stage::Open));
        assert!(standing(r#"{"status":"corrected"}"#).stage > sent.stage);
        assert_eq!(standing("no report"), Standing::default());
    }
}
