//! Reads what a gateway logged: no panic, and no error that nothing explains.

use crate::findings::{Findings, Promise};
use serde_json::Value;

/// Errors that the load brings about on purpose.
const EXPECTED: [&str; 1] = ["many wrong passwords for one account"];
/// What a panic looks like, in our log and in Rust's own words.
const PANICS: [&str; 2] = ["internal fault", "panicked at"];

/// Looks through everything that one process wrote to standard error.
pub(crate) fn judge(log: &str, process: u32, findings: &Findings) {
    for line in log.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_default();
        let message = event["message"].as_str().unwrap_or_default();
        let is_error = event["level"] == "ERROR" && !EXPECTED.contains(&message);
        if is_error || PANICS.iter().any(|panic| line.contains(panic)) {
            findings.broken(Promise::Log, format!("process {process}: {line}"));
        }
    }
}
