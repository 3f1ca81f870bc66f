//! What is kept beside a received message: where it stands and why, and what became of each of its fields.
//!
//! ```text
//!   {"state":"quarantined","reason":"…", …the account of the mapping, where there is one… }
//! ```
//!
//! It is sealed with the message. So the state in the column, by which work is listed, can be held against it.

use crate::write::Routing;
use alloc::format;
use alloc::string::{String, ToString};
use serde::Deserialize;

/// Puts state and reason in front of the account of a mapping, which is a JSON object, or empty where nothing was mapped.
pub(super) fn account(state: Routing, reason: &str, mapping: &str) -> String {
    // A constant sentence of our own; nothing here can fail to serialise.
    let reason = serde_json::to_string(reason).unwrap_or_default();
    let state = state.name();
    match mapping.trim().strip_prefix('{').map(str::trim_start) {
        Some(rest) if rest != "}" => format!(r#"{{"state":"{state}","reason":{reason},{rest}"#),
        Some(_) | None => format!(r#"{{"state":"{state}","reason":{reason}}}"#),
    }
}

/// Returns the account of the mapping alone, out of what was kept beside a message.
pub(super) fn mapping(account: &str) -> String {
    let Ok(serde_json::Value::Object(mut members)) = serde_json::from_str(account) else { return String::new() };
    members.remove("state");
    members.remove("reason");
    serde_json::Value::Object(members).to_string()
}

/// Where a message stands and why, as it was sealed with it; messages of earlier releases do not say.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Account {
    state: Option<String>,
    /// Why it stands there, as a sentence that is the same for every message.
    pub reason: Option<String>,
}

impl Account {
    /// Reads the account beside a message.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Says whether a message with this account may stand where the column says.
    #[must_use]
    pub fn fits(&self, state: Routing) -> bool {
        self.state.as_deref().is_none_or(|own| own == state.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_and_reason_stand_before_whatever_was_mapped() {
        let mapped = account(Routing::Late, "older", r#"{"version":2,"mapped":[]}"#);
        assert_eq!(mapped, r#"{"state":"late","reason":"older","version":2,"mapped":[]}"#);
        for nothing in ["", "{}", "{ }"] {
            assert_eq!(
                account(Routing::Quarantined, "a \"b\"", nothing),
                r#"{"state":"quarantined","reason":"a \"b\""}"#
            );
        }
    }

    #[test]
    fn the_mapping_comes_back_without_state_and_reason() {
        let mapped = r#"{"issues":[],"mapped":[{"from":"OBR[1]"}],"version":2}"#;
        assert_eq!(mapping(&account(Routing::Quarantined, "why", mapped)), mapped);
        assert_eq!(mapping(&account(Routing::Quarantined, "why", "")), "{}");
        assert_eq!(mapping(""), "");
    }

    #[test]
    fn an_account_fits_its_own_state_alone() {
        let read = Account::read(&account(Routing::Quarantined, "why", r#"{"version":2}"#));
        assert_eq!(read.reason.as_deref(), Some("why"));
        assert!(read.fits(Routing::Quarantined) && !read.fits(Routing::Mapped));
        // One of an earlier release says nothing, so it cannot be held against anything.
        assert!(Account::read(r#"{"version":2}"#).fits(Routing::Mapped));
    }
}
