//! One JSON object for scripts.

use super::Report;
use crate::case::{Finding, Verdict};
use serde::Serialize;

pub(super) fn render(report: &Report) -> String {
    let totals = report.totals();
    let document = Document {
        tool: "sealgate-conformance",
        version: env!("CARGO_PKG_VERSION"),
        suite: report.suite,
        target: &report.target,
        passed: totals.pass,
        failed: totals.fail,
        skipped: totals.skip,
        errors: totals.error,
        cases: report.findings.iter().map(|finding| row(report, finding)).collect(),
    };
    // Serialising strings and numbers into memory cannot fail.
    serde_json::to_string_pretty(&document).map_or_else(|_| String::from("{}\n"), |text| text + "\n")
}

#[derive(Serialize)]
struct Document<'a> {
    tool: &'a str,
    version: &'a str,
    suite: &'a str,
    target: &'a str,
    passed: usize,
    failed: usize,
    skipped: usize,
    errors: usize,
    cases: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Row<'a> {
    id: &'a str,
    title: &'a str,
    clause: &'a str,
    importance: &'a str,
    verdict: &'a str,
    milliseconds: u128,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    received: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reproduce: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

fn row<'a>(report: &Report, finding: &'a Finding) -> Row<'a> {
    let (verdict, reason, evidence) = match &finding.verdict {
        Verdict::Pass => ("pass", None, None),
        Verdict::Fail(evidence) => ("fail", None, Some(evidence)),
        Verdict::Skip(reason) => ("skip", Some(reason.as_str()), None),
        Verdict::Error(reason) => ("error", Some(reason.as_str()), None),
    };
    Row {
        id: finding.id,
        title: finding.title,
        clause: finding.clause,
        importance: finding.importance.name(),
        verdict,
        milliseconds: finding.elapsed.as_millis(),
        reason,
        expected: evidence.map(|evidence| evidence.expected.as_str()),
        sent: evidence.map(|evidence| evidence.sent.as_str()),
        received: evidence.map(|evidence| evidence.received.as_str()),
        reproduce: evidence.map(|evidence| evidence.reproduce.as_str()),
        command: evidence.map(|_| report.command(finding.id)),
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{Format, example};

    #[test]
    fn the_json_report_names_every_case_with_its_verdict() {
        let text = example::report().render(Format::Json);
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["failed"], 1);
        let verdicts: Vec<_> =
            value["cases"].as_array().unwrap().iter().map(|case| case["verdict"].as_str().unwrap()).collect();
        assert_eq!(verdicts, ["pass", "fail", "skip", "error"]);
        assert_eq!(value["cases"][1]["received"], "<VT>MSA|AA|a1<CR>\n<FS><CR>");
        assert_eq!(value["cases"][2]["reason"], "not claimed");
        assert!(value["cases"][0].get("sent").is_none());
    }
}
