//! Groups: between the entry of the directory and the JSON of a SCIM group (RFC 7643 §4.2).

use crate::filter::{Comparison, Filter, member};
use crate::patch::{Target, Verb};
use crate::path::{GROUP, Path};
use crate::problem::Problem;
use crate::text::optional;
use domain::administration::Stored;
use domain::directory::{Directory, ProvisionedGroup};
use domain::id::RecordId;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Renders a group; `base` is the address of the connection's endpoints. People who were taken back are in it no more.
pub(crate) fn render(stored: &Stored<ProvisionedGroup>, directory: &Directory, base: &str) -> Value {
    let mut group = without_members(stored, base);
    let there = stored.entry.members.iter().filter(|id| !directory.was_taken_back(**id));
    let members: Vec<Value> = there
        .map(|id| json!({ "value": id.to_string(), "type": "User", "$ref": format!("{base}/Users/{id}") }))
        .collect();
    if let Some(group) = group.as_object_mut().filter(|_| !members.is_empty()) {
        group.insert("members".to_owned(), Value::Array(members));
    }
    group
}

/// Renders a group as if nobody were in it.
pub(crate) fn without_members(stored: &Stored<ProvisionedGroup>, base: &str) -> Value {
    let entry = &stored.entry;
    let mut group = Map::new();
    group.insert("schemas".to_owned(), json!([GROUP]));
    group.insert("id".to_owned(), json!(entry.id.to_string()));
    group.insert("displayName".to_owned(), json!(entry.display));
    if let Some(id) = &entry.external_id {
        group.insert("externalId".to_owned(), json!(id));
    }
    let meta = json!({
        "resourceType": "Group",
        "created": entry.created.rfc3339(),
        "lastModified": stored.last_updated.rfc3339(),
        "version": format!("W/\"{}\"", stored.version),
        "location": format!("{base}/Groups/{}", entry.id),
    });
    group.insert("meta".to_owned(), meta);
    Value::Object(group)
}

/// A group while it is changed.
pub(crate) struct Draft {
    display: String,
    external_id: Option<String>,
    members: BTreeSet<RecordId>,
    /// Comparisons of members with terms of filters that are left to a change.
    left: usize,
}

impl Draft {
    /// Begins with a group as it is.
    pub(crate) fn of(group: &ProvisionedGroup) -> Self {
        Self {
            display: group.display.clone(),
            external_id: group.external_id.clone(),
            members: group.members.iter().copied().collect(),
            left: MAX_COMPARISONS,
        }
    }

    /// Begins with nothing, as a group that is entered whole does.
    pub(crate) const fn blank() -> Self {
        Self { display: String::new(), external_id: None, members: BTreeSet::new(), left: MAX_COMPARISONS }
    }

    /// Returns the group as it is now; people who were taken back are in it no more.
    pub(crate) fn finish(self, group: &ProvisionedGroup, directory: &Directory) -> ProvisionedGroup {
        let members = self.members.into_iter().filter(|id| !directory.was_taken_back(*id)).collect();
        ProvisionedGroup { display: self.display, external_id: self.external_id, members, ..group.clone() }
    }
}

impl Target for Draft {
    fn change(&mut self, verb: Verb, path: &Path, value: &Value) -> Result<(), Problem> {
        let text = || if verb == Verb::Remove { Ok(None) } else { optional(value) };
        if path.part.is_some() || (path.chosen.is_some() && path.attribute != "members") {
            return Err(Problem::Path("no part of this attribute can be changed"));
        }
        match path.attribute.as_str() {
            "displayname" => self.display = text()?.ok_or(Problem::Value("displayName is needed"))?,
            "externalid" => self.external_id = text()?,
            "members" => self.members(verb, path.chosen.as_deref(), value)?,
            _ => return Err(Problem::Path("there is no such attribute")),
        }
        Ok(())
    }
}

impl Draft {
    fn members(&mut self, verb: Verb, chosen: Option<&Filter>, value: &Value) -> Result<(), Problem> {
        match (verb, chosen) {
            (Verb::Remove, Some(Filter::Compare(path, Comparison::Equal, Value::String(id))))
                if path.attribute == "value" && path.part.is_none() =>
            {
                // Whoever is in no group by this id is in it no more as well.
                if let Ok(id) = id.parse() {
                    self.members.remove(&id);
                }
            }
            (Verb::Remove, Some(filter)) => {
                let comparisons = self.members.len().saturating_mul(filter.terms());
                self.left = self.left.checked_sub(comparisons).ok_or(Problem::TooMany(TOO_MANY))?;
                self.members.retain(|id| !filter.fits(&json!({ "value": id.to_string() })));
            }
            (Verb::Remove, None) if value.is_null() => self.members.clear(),
            // An older way of Entra ID: the members to remove stand as the value.
            (Verb::Remove, None) => {
                for id in ids(value)? {
                    self.members.remove(&id);
                }
            }
            (Verb::Add | Verb::Replace, Some(_)) => {
                return Err(Problem::Path("members are added and removed, not changed"));
            }
            (Verb::Add, None) => self.members.extend(ids(value)?),
            (Verb::Replace, None) => self.members = ids(value)?.into_iter().collect(),
        }
        Ok(())
    }
}

fn ids(value: &Value) -> Result<Vec<RecordId>, Problem> {
    let one = |value: &Value| {
        let id = value.as_str().or_else(|| member(value, "value").and_then(Value::as_str));
        id.and_then(|id| id.parse().ok()).ok_or(Problem::Value(UNKNOWN_MEMBER))
    };
    match value {
        Value::Null => Ok(Vec::new()),
        Value::Array(values) => values.iter().map(one).collect(),
        value => Ok(vec![one(value)?]),
    }
}

/// Most comparisons of a member with a term of a filter in one change, operations together: a third of a second of one core. The
/// longest filter over the largest group is one and half; `value eq` is looked up and costs none.
const MAX_COMPARISONS: usize = 1_000_000;
const TOO_MANY: &str = "the filters of this change have too much to compare; remove members by `value eq`";

/// What is said of members that are nobody.
pub(crate) const UNKNOWN_MEMBER: &str = "a member must be a user of this connection, by its id";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::patch;

    const ADA: &str = "0199a1b2-0000-7000-8000-000000000001";
    const BOB: &str = "0199a1b2-0000-7000-8000-000000000002";

    fn members(operation: Value) -> Result<Vec<String>, Problem> {
        let mut draft = Draft { display: "Lab".into(), members: [ADA.parse().unwrap()].into(), ..Draft::blank() };
        patch::apply(&mut draft, &patch::read(&json!({ "Operations": [operation] }), 10)?)?;
        Ok(draft.members.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn members_come_and_go_in_every_way_that_providers_have() {
        let both = vec![ADA.to_owned(), BOB.to_owned()];
        for (operation, left) in [
            (json!({ "op": "Add", "path": "members", "value": [{ "value": BOB }] }), both.clone()),
            (
                json!({ "op": "add", "value": { "members": [{ "value": BOB, "display": "Bob" }, { "value": ADA }] } }),
                both.clone(),
            ),
            (json!({ "op": "add", "path": "members", "value": { "value": BOB } }), both),
            (json!({ "op": "replace", "path": "members", "value": [{ "value": BOB }] }), vec![BOB.to_owned()]),
            (json!({ "op": "Remove", "path": format!("members[value eq \"{ADA}\"]") }), vec![]),
            (json!({ "op": "remove", "path": format!("members[value eq \"{BOB}\"]") }), vec![ADA.to_owned()]),
            (json!({ "op": "remove", "path": format!("members[value eq \"{BOB}\" or value eq \"{ADA}\"]") }), vec![]),
            (json!({ "op": "remove", "path": "members", "value": [{ "value": ADA }] }), vec![]),
            (json!({ "op": "remove", "path": "members" }), vec![]),
        ] {
            assert_eq!(members(operation.clone()), Ok(left), "{operation}");
        }
        for operation in [
            json!({ "op": "add", "path": "members", "value": [{ "value": "ada" }] }),
            json!({ "op": "add", "path": "members", "value": [{}] }),
            json!({ "op": "remove", "path": "displayName" }),
        ] {
            assert_eq!(members(operation.clone()).unwrap_err().scim_type(), Some("invalidValue"), "{operation}");
        }
    }

    #[test]
    fn filters_over_a_large_group_are_bounded_and_the_usual_removal_is_not() {
        let everybody: BTreeSet<_> =
            (0..10_000_u64).map(|number| format!("0199a1b2-0000-7000-8000-{number:012x}").parse().unwrap()).collect();
        let change = |operation: Value, times: usize| {
            let mut draft = Draft { display: "Lab".into(), members: everybody.clone(), ..Draft::blank() };
            let operations = vec![operation; times];
            patch::apply(&mut draft, &patch::read(&json!({ "Operations": operations }), 1_000)?)?;
            Ok(draft.members.len())
        };
        let contains = json!({ "op": "remove", "path": "members[value co \"x\"]" });
        assert_eq!(change(contains.clone(), 10), Ok(10_000));
        let refused: Problem = change(contains, 101).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.scim_type()), (400, Some("tooMany")));
        assert_eq!(change(json!({ "op": "remove", "path": format!("members[value eq \"{ADA}\"]") }), 1_000), Ok(9_999));
    }
}
