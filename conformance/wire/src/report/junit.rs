//! JUnit XML for continuous-integration servers.

use super::Report;
use crate::case::{Finding, Verdict};
use std::time::Duration;

pub(super) fn render(report: &Report) -> String {
    let totals = report.totals();
    let time: Duration = report.findings.iter().map(|finding| finding.elapsed).sum();
    let counts = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{:.3}\"",
        report.findings.len(),
        totals.fail,
        totals.error,
        totals.skip,
        time.as_secs_f64(),
    );
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites {counts}>\n  <testsuite name=\"{} {}\" {counts}>\n",
        report.suite,
        escaped(&report.target),
    );
    for finding in &report.findings {
        xml.push_str(&case(report, finding));
    }
    xml.push_str("  </testsuite>\n</testsuites>\n");
    xml
}

fn case(report: &Report, finding: &Finding) -> String {
    let opening = format!(
        "    <testcase classname=\"{}\" name=\"{} {}\" time=\"{:.3}\"",
        escaped(finding.clause),
        finding.id,
        escaped(finding.title),
        finding.elapsed.as_secs_f64(),
    );
    let inside = match &finding.verdict {
        Verdict::Pass => return format!("{opening}/>\n"),
        Verdict::Skip(reason) => format!("<skipped message=\"{}\"/>", escaped(reason)),
        Verdict::Error(reason) => format!("<error message=\"{}\"/>", escaped(reason)),
        Verdict::Fail(evidence) => format!(
            "<failure type=\"{}\" message=\"expected {}\">sent:\n{}\nreceived:\n{}\nagain: {}\nby hand: {}</failure>",
            finding.importance.name(),
            escaped(&evidence.expected),
            escaped(&evidence.sent),
            escaped(&evidence.received),
            escaped(&report.command(finding.id)),
            escaped(&evidence.reproduce),
        ),
    };
    format!("{opening}>\n      {inside}\n    </testcase>\n")
}

/// Escapes for text and attributes, and drops what XML 1.0 cannot hold at all.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            control if control.is_control() => out.push('\u{fffd}'),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::escaped;
    use crate::report::{Format, example};

    #[test]
    fn the_junit_report_escapes_what_it_quotes() {
        insta::assert_snapshot!(example::report().render(Format::Junit));
    }

    #[test]
    fn characters_xml_cannot_hold_are_replaced() {
        assert_eq!(escaped("a\u{1}\u{ffff}<\"&>"), "a\u{fffd}\u{fffd}&lt;&quot;&amp;&gt;");
    }
}
