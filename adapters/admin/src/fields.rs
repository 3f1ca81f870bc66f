//! The members of an object in a body, each read as what it must be. What is left over was not understood, and is refused.

use domain::directory::MAX_CLINICS;
use serde_json::{Map, Value};

/// What is wrong with a body, and where: a JSON pointer (RFC 6901) and a sentence that repeats no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) pointer: String,
    pub(crate) detail: String,
}

impl Fault {
    pub(crate) fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// An object that is being read.
pub(crate) struct Fields {
    pointer: String,
    members: Map<String, Value>,
}

impl Fields {
    /// Begins to read an object; `pointer` says where it stands.
    pub(crate) fn of(pointer: impl Into<String>, value: Value) -> Result<Self, Fault> {
        let pointer = pointer.into();
        match value {
            Value::Object(members) => Ok(Self { pointer, members }),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(Fault::new(pointer, "an object is needed here"))
            }
        }
    }

    /// Returns where a member stands.
    pub(crate) fn at(&self, name: &str) -> String {
        format!("{}/{name}", self.pointer)
    }

    /// Says whether a member is there still.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.members.contains_key(name)
    }

    /// Returns a value that must be there.
    pub(crate) fn needed<T>(&self, name: &str, value: Option<T>) -> Result<T, Fault> {
        value.ok_or_else(|| Fault::new(self.at(name), "this is needed"))
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.members.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Fault::new(self.at(name), "a text is needed here")),
        }
    }

    /// Reads a text that `null` takes away.
    pub(crate) fn text_or_null(&mut self, name: &str) -> Result<Option<Option<String>>, Fault> {
        if self.members.get(name).is_some_and(Value::is_null) {
            self.members.remove(name);
            return Ok(Some(None));
        }
        self.text(name).map(|text| text.map(Some))
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        match self.members.remove(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Fault::new(self.at(name), "true or false is needed here")),
        }
    }

    /// Reads a whole number that `null` takes away.
    pub(crate) fn number_or_null(&mut self, name: &str) -> Result<Option<Option<i64>>, Fault> {
        match self.members.remove(name) {
            None => Ok(None),
            Some(Value::Null) => Ok(Some(None)),
            Some(value) => match value.as_i64() {
                Some(number) => Ok(Some(Some(number))),
                None => Err(Fault::new(self.at(name), "a whole number is needed here")),
            },
        }
    }

    pub(crate) fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Fault> {
        match self.members.remove(name) {
            None => Ok(None),
            Some(Value::Array(items)) if items.len() <= MAX_ITEMS => Ok(Some(items)),
            Some(Value::Array(_)) => {
                Err(Fault::new(self.at(name), format!("at most {MAX_ITEMS} items are taken here")))
            }
            Some(_) => Err(Fault::new(self.at(name), "a list is needed here")),
        }
    }

    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        let Some(items) = self.list(name)? else { return Ok(None) };
        let text = |(place, item): (usize, Value)| match item {
            Value::String(text) => Ok(text),
            _ => Err(Fault::new(format!("{}/{place}", self.at(name)), "a text is needed here")),
        };
        items.into_iter().enumerate().map(text).collect::<Result<_, _>>().map(Some)
    }

    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Fields>, Fault> {
        let pointer = self.at(name);
        self.members.remove(name).map(|value| Fields::of(pointer, value)).transpose()
    }

    /// Returns a member as it stands.
    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name)
    }

    /// Reads one of some words.
    pub(crate) fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        let known = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        found.map(Some).ok_or_else(|| Fault::new(self.at(name), format!("must be one of: {}", known())))
    }

    /// Refuses what is left: nothing is passed over.
    pub(crate) fn end(self) -> Result<(), Fault> {
        let Some(name) = self.members.keys().next() else { return Ok(()) };
        let detail = if READ_ONLY.contains(&name.as_str()) {
            "this is told and cannot be set: leave it out"
        } else {
            "there is no such field; see /admin/v1/openapi.json"
        };
        // What somebody put where a name belongs may be anything, and is repeated only where it looks like a name.
        let plain =
            name.len() <= MAX_NAME_BYTES && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
        let pointer = if plain { self.at(name) } else { self.pointer };
        Err(Fault::new(pointer, detail))
    }
}

/// Longest list that is read: of clinics. What a list of its kind may have at most, its entry says.
const MAX_ITEMS: usize = MAX_CLINICS;

/// Members that answers have and nobody sets.
const READ_ONLY: &[&str] = &[
    "id",
    "tenant",
    "created",
    "addresses",
    "client_secret_set",
    "client_keys",
    "tokens",
    "person",
    "password_set",
    "second_factor_set",
    "security_keys",
    "recovery_codes_left",
];

/// Longest name of an unknown field that is repeated.
const MAX_NAME_BYTES: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_wrong_value_is_named_by_its_place() {
        let fields = || Fields::of("/protocol", json!({ "a": 1, "b": ["x", 2], "c": null })).unwrap();
        let place = |fault: Fault| fault.pointer;
        assert_eq!(fields().text("a").map_err(place), Err("/protocol/a".to_owned()));
        assert_eq!(fields().texts("b").map_err(place), Err("/protocol/b/1".to_owned()));
        assert_eq!(fields().flag("c").map_err(place), Err("/protocol/c".to_owned()));
        assert_eq!(fields().text_or_null("c"), Ok(Some(None)));
        assert_eq!(fields().word("b", &[("x", 1)]).map_err(place), Err("/protocol/b".to_owned()));
        assert_eq!(fields().text("absent"), Ok(None));
    }

    #[test]
    fn a_list_has_an_end() {
        let texts = |count| Fields::of("", json!({ "some": vec!["x"; count] })).unwrap().texts("some");
        assert_eq!(texts(MAX_ITEMS).map(|texts| texts.map_or(0, |texts| texts.len())), Ok(MAX_ITEMS));
        assert_eq!(texts(MAX_ITEMS + 1).map_err(|fault| fault.pointer), Err("/some".to_owned()));
    }

    #[test]
    fn what_is_left_over_is_refused_and_repeated_only_where_it_is_a_name() {
        let end = |value| Fields::of("", value).unwrap().end().unwrap_err();
        assert_eq!(end(json!({ "enabeld": true })).pointer, "/enabeld");
        assert_eq!(end(json!({ "hunter2 is my password": 1 })).pointer, "");
        assert!(end(json!({ "id": "1" })).detail.contains("cannot be set"));
        assert_eq!(Fields::of("", json!({})).unwrap().end(), Ok(()));
    }
}
