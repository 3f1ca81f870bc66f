//! Changes of a resource: operations of a PATCH one after another on a copy, so that all of them take effect or none.

use crate::filter::{Unread, member};
use crate::path::Path;
use crate::problem::Problem;
use serde_json::Value;
use std::collections::BTreeSet;

/// What an operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Replace,
    Remove,
}

/// One operation of a PATCH.
#[derive(Debug)]
pub(crate) struct Operation {
    verb: Verb,
    path: Option<Path>,
    value: Value,
}

/// A resource that operations change.
pub(crate) trait Target {
    /// Changes what a path leads to; `Null` where no value was given.
    fn change(&mut self, verb: Verb, path: &Path, value: &Value) -> Result<(), Problem>;
}

/// Reads the operations of a PATCH (RFC 7644 §3.5.2); the verb is read without case, as Entra ID writes `Add`.
pub(crate) fn read(body: &Value, most: usize) -> Result<Vec<Operation>, Problem> {
    let operations = member(body, "operations").and_then(Value::as_array);
    let operations = operations.filter(|operations| !operations.is_empty());
    let operations = operations.ok_or(Problem::Syntax("a change needs Operations"))?;
    if operations.len() > most {
        return Err(Problem::TooLong);
    }
    operations.iter().map(operation).collect()
}

fn operation(operation: &Value) -> Result<Operation, Problem> {
    let verb = member(operation, "op").and_then(Value::as_str).unwrap_or_default();
    let verb = match verb.to_ascii_lowercase().as_str() {
        "add" => Verb::Add,
        "replace" => Verb::Replace,
        "remove" => Verb::Remove,
        _ => return Err(Problem::Syntax("an operation is add, replace or remove")),
    };
    let path = match member(operation, "path") {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.trim().is_empty() => None,
        Some(Value::String(text)) => Some(path(text)?),
        Some(_) => return Err(Problem::Path("a path is a text")),
    };
    let value = member(operation, "value").cloned();
    match (verb, &path, &value) {
        (Verb::Remove, None, _) => Err(Problem::NoTarget("a remove needs a path")),
        (Verb::Add | Verb::Replace, _, None) => Err(Problem::Value("an add or a replace needs a value")),
        _ => Ok(Operation { verb, path, value: value.unwrap_or_default() }),
    }
}

/// Changes a target by operations; after an error it is not to be used.
pub(crate) fn apply(target: &mut impl Target, operations: &[Operation]) -> Result<(), Problem> {
    for Operation { verb, path, value } in operations {
        match path {
            Some(path) => within(target, *verb, path, value)?,
            None => each(target, *verb, value, false)?,
        }
    }
    Ok(())
}

/// Sets everything that a whole resource says; what only the server sets is passed over (RFC 7644 §3.3, §3.5.1).
pub(crate) fn whole(target: &mut impl Target, resource: &Value) -> Result<(), Problem> {
    each(target, Verb::Replace, resource, true)
}

fn each(target: &mut impl Target, verb: Verb, members: &Value, whole: bool) -> Result<(), Problem> {
    let members = members.as_object().ok_or(Problem::Syntax("an object is needed here"))?;
    // The same attribute with its schema before it and without: which of the two counts, nobody says.
    let mut named = BTreeSet::new();
    for (name, value) in members {
        // Entra ID names parts of attributes in this place as well: `name.familyName`, `emails[type eq "work"].value`.
        let path = path(name)?;
        let plain = !path.foreign && path.chosen.is_none();
        if plain && !named.insert((path.attribute.clone(), path.part.clone())) {
            return Err(Problem::Syntax("an attribute stands twice"));
        }
        if !(whole && is_read_only(&path)) {
            within(target, verb, &path, value)?;
        }
    }
    Ok(())
}

fn within(target: &mut impl Target, verb: Verb, path: &Path, value: &Value) -> Result<(), Problem> {
    if path.foreign || matches!(path.attribute.as_str(), "schemas") || NOT_KEPT.contains(&path.attribute.as_str()) {
        return Ok(());
    }
    if is_read_only(path) {
        return Err(Problem::Mutability("id, meta and groups are set by the server"));
    }
    target.change(verb, path, value)
}

fn path(text: &str) -> Result<Path, Problem> {
    Path::read(text).map_err(|why| match why {
        Unread::TooMuch => Problem::Path("the path is longer, or its filter more, than is taken"),
        Unread::Form => Problem::Path("the path has not the form of one"),
    })
}

fn is_read_only(path: &Path) -> bool {
    matches!(path.attribute.as_str(), "id" | "meta" | "groups")
}

/// Attributes of RFC 7643 §4.1 that admission has no use for: taken, so that a provider's usual mapping works, and not kept.
const NOT_KEPT: [&str; 15] = [
    "nickname",
    "profileurl",
    "title",
    "usertype",
    "preferredlanguage",
    "locale",
    "timezone",
    "password",
    "phonenumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509certificates",
];
