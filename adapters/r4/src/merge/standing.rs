//! How far a report has come, as its own content says.

use domain::intake::{Stage, Standing};
use domain::time::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
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

/// Says whether a report or a result was taken back, as its status tells.
pub(super) fn withdrawn(content: &str) -> bool {
    let status = serde_json::from_str::<Finding<'_>>(content).ok().and_then(|finding| finding.status);
    matches!(status.as_deref(), Some("entered-in-error" | "cancelled"))
}

/// Says whether a report was taken back, or says nothing but what its results say.
pub(super) fn report_withdrawn(content: &str) -> bool {
    let Ok(report) = serde_json::from_str::<Finding<'_>>(content) else { return false };
    let says_nothing_itself = report.presented_form.is_none() && report.conclusion.is_none();
    withdrawn(content) || (says_nothing_itself && report.result.is_some())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Finding<'a> {
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    presented_form: Option<&'a RawValue>,
    #[serde(borrow)]
    conclusion: Option<&'a RawValue>,
    #[serde(borrow)]
    result: Option<&'a RawValue>,
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
    fn a_report_is_withdrawn_with_its_status_or_where_its_results_say_all_of_it() {
        for (content, expected) in [
            (r#"{"status":"entered-in-error","presentedForm":[{}]}"#, true),
            (r#"{"status":"cancelled"}"#, true),
            (r#"{"status":"corrected","result":[{"reference":"Observation/1"}]}"#, true),
            (r#"{"status":"final","result":[{}],"presentedForm":[{}]}"#, false),
            (r#"{"status":"final","result":[{}],"conclusion":"x"}"#, false),
            (r#"{"status":"final"}"#, false),
            ("no report", false),
        ] {
            assert_eq!(report_withdrawn(content), expected, "{content}");
        }
        assert!(withdrawn(r#"{"status":"entered-in-error","valueString":"x"}"#));
        assert!(!withdrawn(r#"{"status":"final"}"#) && !withdrawn("no result"));
    }

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
