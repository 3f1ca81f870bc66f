//! OperationOutcome: what a client is told when an answer is not what it asked for.

use crate::json;
pub use fhir_sdk::r4b::codes::{IssueSeverity, IssueType};

/// Renders an OperationOutcome with one issue.
///
/// `text` is for people and must hold nothing of what was asked or stored.
#[must_use]
pub fn render(severity: IssueSeverity, code: IssueType, text: &str) -> String {
    json::object(|outcome| {
        outcome.text("resourceType", "OperationOutcome");
        outcome.single("issue", |issue| {
            issue.text("severity", severity.as_ref());
            issue.text("code", code.as_ref());
            issue.object("details", |details| details.text("text", text));
        });
    })
}
