//! A searchset and its links.

use super::bench::Answer;
use crate::case::Stop;
use serde_json::Value;

/// A Bundle that a search returned, with the answer it came in.
pub(super) struct Bundle {
    pub(super) answer: Answer,
    value: Value,
}

impl Bundle {
    /// Expects status 200 and a Bundle of type `searchset`.
    pub(super) fn read(answer: Answer) -> Result<Self, Stop> {
        answer.status_is(200)?;
        let value = answer.json()?;
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        answer.check(
            text("resourceType") == Some("Bundle") && text("type") == Some("searchset"),
            "a Bundle of type searchset",
        )?;
        Ok(Self { answer, value })
    }

    /// The resources that matched, without those only included.
    pub(super) fn matches(&self) -> Vec<Value> {
        self.in_mode("match")
    }

    /// The resources brought along by `_include`.
    pub(super) fn included(&self) -> Vec<Value> {
        self.in_mode("include")
    }

    /// `Bundle.total`.
    pub(super) fn total(&self) -> Option<u64> {
        self.value.get("total").and_then(Value::as_u64)
    }

    /// The URL of a link.
    pub(super) fn link(&self, relation: &str) -> Option<String> {
        self.value
            .get("link")?
            .as_array()?
            .iter()
            .find(|link| link.get("relation").and_then(Value::as_str) == Some(relation))?
            .get("url")?
            .as_str()
            .map(str::to_owned)
    }

    /// The ids of the resources that matched.
    pub(super) fn ids(&self) -> Vec<String> {
        self.matches().iter().filter_map(id).collect()
    }

    fn in_mode(&self, mode: &str) -> Vec<Value> {
        let entries = self.value.get("entry").and_then(Value::as_array);
        entries
            .into_iter()
            .flatten()
            .filter(|entry| {
                let found = entry.pointer("/search/mode").and_then(Value::as_str);
                found.unwrap_or("match") == mode
            })
            .filter_map(|entry| entry.get("resource").cloned())
            .collect()
    }
}

/// The id of a resource.
pub(super) fn id(resource: &Value) -> Option<String> {
    resource.get("id").and_then(Value::as_str).map(str::to_owned)
}

/// `Type/id` of a resource.
pub(super) fn address(resource: &Value) -> Option<String> {
    let kind = resource.get("resourceType").and_then(Value::as_str)?;
    Some(format!("{kind}/{}", id(resource)?))
}

/// Says whether a CodeableConcept, or any of a list of them, has a coding with this code.
pub(super) fn has_code(concepts: Option<&Value>, system: Option<&str>, code: &str) -> bool {
    let list = match concepts {
        Some(Value::Array(list)) => list.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    list.iter().filter_map(|concept| concept.get("coding").and_then(Value::as_array)).flatten().any(|coding| {
        let text = |name: &str| coding.get(name).and_then(Value::as_str);
        text("code") == Some(code) && (system.is_none() || text("system") == system)
    })
}
