//! A run as text, JSON or JUnit.

mod json;
mod junit;
mod text;

use crate::case::{Finding, Totals};

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Lines for people.
    Text,
    /// One JSON object.
    Json,
    /// JUnit XML, as continuous-integration servers read it.
    Junit,
}

/// What was run against what, and what was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// `mllp` or `fhir`.
    pub suite: &'static str,
    /// The endpoint as the tester named it.
    pub target: String,
    /// The further options of the run, as a shell takes them; empty for none.
    pub options: String,
    /// One finding for each case, in order.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Counts the verdicts.
    #[must_use]
    pub fn totals(&self) -> Totals {
        Totals::of(&self.findings)
    }

    /// Writes the whole report in a format.
    #[must_use]
    pub fn render(&self, format: Format) -> String {
        match format {
            Format::Text => text::render(self),
            Format::Json => json::render(self),
            Format::Junit => junit::render(self),
        }
    }

    /// Says how to run one case of this report again.
    #[must_use]
    pub fn command(&self, id: &str) -> String {
        let space = if self.options.is_empty() { "" } else { " " };
        format!("sealgate-conformance {} {}{space}{} --only {id}", self.suite, self.target, self.options)
    }
}

pub use text::{closing, line};

#[cfg(test)]
pub(crate) mod example {
    use super::Report;
    use crate::case::{Evidence, Finding, Importance, Verdict};
    use std::time::Duration;

    pub(crate) fn report() -> Report {
        let finding = |id, title, importance, verdict| Finding {
            id,
            title,
            clause: "HL7 v2.5.1 §2.9.2",
            importance,
            verdict,
            elapsed: Duration::from_millis(12),
        };
        Report {
            suite: "mllp",
            target: "127.0.0.1:2575".into(),
            options: "--tls --ca ca.pem".into(),
            findings: vec![
                finding("ACK-01", "A stored result is answered AA", Importance::Shall, Verdict::Pass),
                finding(
                    "ACK-02",
                    "MSA-2 is <MSH-10> & nothing else",
                    Importance::Shall,
                    Verdict::Fail(Box::new(Evidence {
                        expected: "MSA-2 \"A1\"".into(),
                        sent: "<VT>MSH|^~\\&|<CR>\n<FS><CR>".into(),
                        received: "<VT>MSA|AA|a1<CR>\n<FS><CR>".into(),
                        reproduce: "printf '\\013MSH' | nc -w 5 127.0.0.1 2575".into(),
                    })),
                ),
                finding("ENH-01", "CA on request", Importance::May, Verdict::Skip("not claimed".into())),
                finding("MLLP-01", "One block", Importance::Should, Verdict::Error("refused".into())),
            ],
        }
    }
}
