//! Lines for people.

use super::Report;
use crate::case::{Finding, Verdict};

pub(super) fn render(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        text.push_str(&line(report, finding));
    }
    text.push_str(&closing(report));
    text
}

/// Writes one finding: a line, and below it what a failure, a skip or an error has to say.
#[must_use]
pub fn line(report: &Report, finding: &Finding) -> String {
    let word = match &finding.verdict {
        Verdict::Pass => "pass",
        Verdict::Fail(_) => "FAIL",
        Verdict::Skip(_) => "skip",
        Verdict::Error(_) => "ERROR",
    };
    let mut text = format!(
        "{:<9} {word:<5} {:<6} {}  [{}]\n",
        finding.id,
        finding.importance.name(),
        finding.title,
        finding.clause,
    );
    match &finding.verdict {
        Verdict::Pass => {}
        Verdict::Skip(reason) | Verdict::Error(reason) => part(&mut text, "because", reason),
        Verdict::Fail(evidence) => {
            part(&mut text, "expected", &evidence.expected);
            part(&mut text, "sent", &evidence.sent);
            part(&mut text, "received", &evidence.received);
            part(&mut text, "again", &report.command(finding.id));
            part(&mut text, "by hand", &evidence.reproduce);
        }
    }
    text
}

/// Writes the closing line, with the numbers.
#[must_use]
pub fn closing(report: &Report) -> String {
    let totals = report.totals();
    format!(
        "{} {}: {} cases, {} passed, {} failed, {} skipped, {} errors\n",
        report.suite,
        report.target,
        report.findings.len(),
        totals.pass,
        totals.fail,
        totals.skip,
        totals.error,
    )
}

fn part(text: &mut String, name: &str, value: &str) {
    for (number, line) in value.lines().enumerate() {
        let name = if number == 0 { name } else { "" };
        text.push_str(&format!("          {name:<9} {line}\n"));
    }
}

#[cfg(test)]
mod tests {
    use crate::report::{Format, example};

    #[test]
    fn a_failure_shows_what_was_sent_what_came_back_and_how_to_repeat_it() {
        insta::assert_snapshot!(example::report().render(Format::Text));
    }
}
