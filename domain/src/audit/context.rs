//! What an entry's 14 fields have no place for, as it is before it is sealed.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// The clear form of a context record: from where, why, under which rule, and what was given.
///
/// Sealed in the tenant's context compartment and stored beside its entry, which vouches for it: it is
/// bound by `resource_id`, `after_hash` and the correlation id. It may hold patient data (a search says
/// what was searched for), so it has no `Debug` and must not be logged. Absent members are not written.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Context {
    /// Network address of the peer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// What was asked, as it was asked: method and path of a search with its parameters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The purpose of use that the subject stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Why the decision fell as it did, or why something failed; for break-glass the words of the user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The rule of the policy table that permitted it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The patient for whom the glass was broken in the session in which it was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glass: Option<String>,
    /// The roles that the subject had at that moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// How the person showed a second factor (RFC 8176 §2, and `fido`), where that is more than that they did.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// The scopes of the token that was shown, where there was one that limits.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// References (`DiagnosticReport/id`) to everything that was given or made.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub returned: Vec<String>,
    /// Routing facts of a message: sending application and facility, type, version, hash of the control id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub envelope: BTreeMap<String, String>,
    /// How many acts the entry stands for, where they were too many to be written singly: in all, by reason, by address.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub counts: BTreeMap<String, u64>,
}

impl Context {
    /// Renders the record as JSON, the bytes that are hashed and sealed.
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts, lists of texts and maps with text keys: nothing here can fail to serialise.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// Reads an opened record; unknown members are left out, so that older programs read newer records.
    #[must_use]
    pub fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_context_reads_back_and_leaves_out_what_is_absent() {
        let context = Context {
            address: Some("192.0.2.7".into()),
            returned: vec!["DiagnosticReport/1".into()],
            envelope: [("MSH-9".into(), "ORU^R01".into())].into(),
            ..Context::default()
        };
        let text = context.to_json();
        assert_eq!(text, r#"{"address":"192.0.2.7","returned":["DiagnosticReport/1"],"envelope":{"MSH-9":"ORU^R01"}}"#);
        assert!(Context::from_json(&text) == Some(context));
        assert_eq!(Context::default().to_json(), "{}");
    }

    #[test]
    fn a_context_of_a_later_release_is_still_read() {
        assert!(
            Context::from_json(r#"{"reason":"x","weather":"fair"}"#).is_some_and(|c| c.reason.as_deref() == Some("x"))
        );
    }
}
