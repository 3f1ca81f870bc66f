//! A case, what it may conclude, and the run of a suite.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// One clause of a specification, put to an endpoint.
///
/// `B` is the bench: the connection to the endpoint and what the tester said about it.
pub struct Case<B> {
    /// Stable name, for example `ACK-02`; never reused for another clause.
    pub id: &'static str,
    /// What the endpoint does when it conforms, as a sentence.
    pub title: &'static str,
    /// Where the rule is written, for example `HL7 v2.5.1 §2.9.2`.
    pub clause: &'static str,
    /// How strongly the clause asks.
    pub importance: Importance,
    /// The optional feature this case needs; a tester leaves it out with `--without`.
    pub feature: Option<&'static str>,
    /// Runs the case.
    pub run: for<'a> fn(&'a B) -> Running<'a>,
}

/// A case on its way to its conclusion.
pub type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What a case concludes: nothing to say, or why it stopped.
pub type Outcome = Result<(), Stop>;

/// Why a case stopped before its end.
#[derive(Debug)]
pub enum Stop {
    /// The endpoint broke the clause.
    Fail(Box<Evidence>),
    /// The case does not apply here; the reason is shown.
    Skip(String),
    /// The case could not be carried out, which says nothing about the clause.
    Broken(String),
}

/// What shows that an endpoint broke a clause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What the clause asks for.
    pub expected: String,
    /// What the tool sent, in printable form.
    pub sent: String,
    /// What came back, in printable form.
    pub received: String,
    /// A shell line that shows the same without this tool.
    pub reproduce: String,
}

/// How strongly a clause asks, in the words of RFC 2119.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Importance {
    /// The specification leaves it open; the case says what good endpoints do.
    May,
    /// The specification recommends it.
    Should,
    /// The specification requires it.
    Shall,
}

impl Importance {
    /// Names it in lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::May => "may",
            Self::Should => "should",
            Self::Shall => "shall",
        }
    }
}

/// The conclusion of one case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The endpoint did what the clause asks.
    Pass,
    /// It did not.
    Fail(Box<Evidence>),
    /// The case was left out, for this reason; never counted as passed.
    Skip(String),
    /// The case could not be carried out, for this reason.
    Error(String),
}

/// One line of a report.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The case's id.
    pub id: &'static str,
    /// The case's title.
    pub title: &'static str,
    /// The clause it checks.
    pub clause: &'static str,
    /// How strongly the clause asks.
    pub importance: Importance,
    /// What came out.
    pub verdict: Verdict,
    /// How long the case took.
    pub elapsed: Duration,
}

/// Which cases of a suite to run.
#[derive(Debug, Clone)]
pub struct Selection {
    /// Ids, or beginnings of ids such as `ACK`; empty means all.
    pub only: Vec<String>,
    /// Optional features the endpoint does not claim.
    pub without: BTreeSet<String>,
    /// The weakest importance still run.
    pub least: Importance,
    /// How long one case may take before it counts as an error.
    pub case_limit: Duration,
}

impl Default for Selection {
    fn default() -> Self {
        Self {
            only: Vec::new(),
            without: BTreeSet::new(),
            least: Importance::May,
            case_limit: Duration::from_secs(120),
        }
    }
}

impl Selection {
    fn names<B>(&self, case: &Case<B>) -> bool {
        let named = |wanted: &String| {
            case.id.eq_ignore_ascii_case(wanted)
                || (!wanted.contains('-')
                    && case.id.split('-').next().is_some_and(|group| group.eq_ignore_ascii_case(wanted)))
        };
        case.importance >= self.least && (self.only.is_empty() || self.only.iter().any(named))
    }
}

/// Runs the selected cases one after the other and hands each finding out as it falls.
pub async fn run<B: Sync>(
    cases: &[Case<B>],
    bench: &B,
    selection: &Selection,
    each: &mut (dyn FnMut(&Finding) + Send),
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for case in cases.iter().filter(|case| selection.names(case)) {
        let begun = Instant::now();
        let verdict = match case.feature {
            Some(feature) if selection.without.contains(feature) => {
                Verdict::Skip(format!("the endpoint is said to be without {feature}"))
            }
            _ => match tokio::time::timeout(selection.case_limit, (case.run)(bench)).await {
                Ok(outcome) => outcome.into(),
                Err(_) => Verdict::Error(format!("not finished after {} s", selection.case_limit.as_secs())),
            },
        };
        let finding = Finding {
            id: case.id,
            title: case.title,
            clause: case.clause,
            importance: case.importance,
            verdict,
            elapsed: begun.elapsed(),
        };
        each(&finding);
        findings.push(finding);
    }
    findings
}

impl From<Outcome> for Verdict {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Ok(()) => Self::Pass,
            Err(Stop::Fail(evidence)) => Self::Fail(evidence),
            Err(Stop::Skip(reason)) => Self::Skip(reason),
            Err(Stop::Broken(reason)) => Self::Error(reason),
        }
    }
}

/// How many cases ended in which way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Passed.
    pub pass: usize,
    /// Failed.
    pub fail: usize,
    /// Left out.
    pub skip: usize,
    /// Could not be carried out.
    pub error: usize,
}

impl Totals {
    /// Counts the findings of a run.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let mut totals = Self::default();
        for finding in findings {
            let count = match finding.verdict {
                Verdict::Pass => &mut totals.pass,
                Verdict::Fail(_) => &mut totals.fail,
                Verdict::Skip(_) => &mut totals.skip,
                Verdict::Error(_) => &mut totals.error,
            };
            *count = count.saturating_add(1);
        }
        totals
    }

    /// Says whether the run may be called good: nothing failed and nothing could not be carried out.
    #[must_use]
    pub fn is_clean(self) -> bool {
        self.fail == 0 && self.error == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASES: &[Case<()>] = &[
        case("AAA-01", Importance::Shall, None, |()| Box::pin(async { Ok(()) })),
        case("AAA-02", Importance::Should, Some("extras"), |()| Box::pin(async { Err(Stop::Broken("no".into())) })),
        case("BBB-01", Importance::May, None, |()| Box::pin(std::future::pending())),
    ];

    const fn case(
        id: &'static str,
        importance: Importance,
        feature: Option<&'static str>,
        run: for<'a> fn(&'a ()) -> Running<'a>,
    ) -> Case<()> {
        Case { id, title: "t", clause: "c", importance, feature, run }
    }

    async fn ids(selection: &Selection) -> Vec<(&'static str, Verdict)> {
        run(CASES, &(), selection, &mut |_| {}).await.into_iter().map(|finding| (finding.id, finding.verdict)).collect()
    }

    #[tokio::test]
    async fn a_feature_the_endpoint_is_without_is_skipped_and_not_passed() {
        let selection = Selection {
            only: vec!["aaa".into()],
            without: BTreeSet::from(["extras".to_owned()]),
            ..Selection::default()
        };
        let found = ids(&selection).await;
        assert_eq!(found[0], ("AAA-01", Verdict::Pass));
        assert!(matches!(&found[1], ("AAA-02", Verdict::Skip(why)) if why.contains("extras")));
    }

    #[tokio::test]
    async fn a_case_that_never_ends_is_an_error() {
        let selection =
            Selection { only: vec!["BBB-01".into()], case_limit: Duration::from_millis(10), ..Selection::default() };
        assert!(matches!(ids(&selection).await[..], [("BBB-01", Verdict::Error(_))]));
    }

    #[tokio::test]
    async fn importance_limits_what_is_run() {
        let selection = Selection { least: Importance::Shall, ..Selection::default() };
        assert_eq!(ids(&selection).await.len(), 1);
    }
}
