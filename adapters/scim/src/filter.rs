//! Filters (RFC 7644 §3.4.2.2): read into a tree of bounded depth, then asked of a resource in its JSON form.
//!
//! A reader of our own, of one page: what crates there are bound neither depth nor number of terms, and their models refuse
//! what providers send.

mod read;

use crate::path::Path;
use serde_json::Value;

/// Longest filter, in bytes.
pub const MAX_FILTER_BYTES: usize = 4_096;
/// How deep a filter may be nested.
pub const MAX_FILTER_DEPTH: usize = 8;
/// Most comparisons of a filter.
pub const MAX_FILTER_TERMS: usize = 64;

/// What a resource must be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// An attribute has a value.
    Present(Path),
    /// An attribute compares so with a value.
    Compare(Path, Comparison, Value),
    /// Both hold.
    And(Box<Filter>, Box<Filter>),
    /// One of them holds.
    Or(Box<Filter>, Box<Filter>),
    /// It does not hold.
    Not(Box<Filter>),
}

/// How an attribute compares with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// The same.
    Equal,
    /// Not the same.
    NotEqual,
    /// The value is in it.
    Contains,
    /// It begins with the value.
    StartsWith,
    /// It ends with the value.
    EndsWith,
    /// It comes after the value.
    Greater,
    /// It comes after the value or is the same.
    GreaterOrEqual,
    /// It comes before the value.
    Less,
    /// It comes before the value or is the same.
    LessOrEqual,
}

/// Why a filter or a path is not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It is longer, deeper or of more terms than is taken.
    TooMuch,
    /// It has not the form of one.
    Form,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// `Unread`, in words that do not repeat the text.
    pub fn read(text: &str) -> Result<Self, Unread> {
        read::filter(text, true)
    }

    /// Returns how many comparisons it has.
    pub(crate) fn terms(&self) -> usize {
        match self {
            Filter::Present(path) | Filter::Compare(path, _, _) => {
                path.chosen.as_ref().map_or(0, |chosen| chosen.terms()).saturating_add(1)
            }
            Filter::And(one, other) | Filter::Or(one, other) => one.terms().saturating_add(other.terms()),
            Filter::Not(inner) => inner.terms(),
        }
    }

    /// Says whether it asks about an attribute, named in lower case.
    pub(crate) fn asks_about(&self, attribute: &str) -> bool {
        match self {
            Filter::Present(path) | Filter::Compare(path, _, _) => path.attribute == attribute,
            Filter::And(one, other) | Filter::Or(one, other) => {
                one.asks_about(attribute) || other.asks_about(attribute)
            }
            Filter::Not(inner) => inner.asks_about(attribute),
        }
    }

    /// Says whether a resource is like that.
    #[must_use]
    pub fn fits(&self, resource: &Value) -> bool {
        match self {
            Filter::Present(path) => found(resource, path).iter().any(|value| is_something(value)),
            Filter::Compare(path, comparison, wanted) => {
                let found = found(resource, path);
                let exact = is_exact(path);
                match comparison {
                    // Of several values none is it; of no value at all as well.
                    Comparison::NotEqual => {
                        !found.iter().any(|value| compares(value, Comparison::Equal, wanted, exact))
                    }
                    other => found.iter().any(|value| compares(value, *other, wanted, exact)),
                }
            }
            Filter::And(one, other) => one.fits(resource) && other.fits(resource),
            Filter::Or(one, other) => one.fits(resource) || other.fits(resource),
            Filter::Not(inner) => !inner.fits(resource),
        }
    }
}

/// Reads what stands in the brackets of a path, which has no brackets itself.
pub(crate) fn read_value_filter(text: &str) -> Result<Filter, Unread> {
    read::filter(text, false)
}

/// Returns the values that a path leads to; those of a list one by one.
fn found<'a>(resource: &'a Value, path: &Path) -> Vec<&'a Value> {
    let Some(attribute) = member(resource, &path.attribute).filter(|_| !path.foreign) else { return Vec::new() };
    let values: Vec<&Value> = match attribute {
        Value::Array(values) => values.iter().collect(),
        one => vec![one],
    };
    let chosen = values.into_iter().filter(|value| path.chosen.as_ref().is_none_or(|filter| filter.fits(value)));
    let part = |value: &'a Value| match (&path.part, value) {
        (Some(part), value) => member(value, part),
        (None, Value::Object(_)) => member(value, "value").or(Some(value)),
        (None, value) => Some(value),
    };
    chosen.filter_map(part).collect()
}

/// Returns a member of an object by its name without regard to case.
pub(crate) fn member<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
    object.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_something(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(values) => !values.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

/// Says whether an attribute is compared to the letter (RFC 7643 §4, `caseExact`).
fn is_exact(path: &Path) -> bool {
    matches!(path.attribute.as_str(), "id" | "externalid" | "meta" | "members" | "groups")
}

fn compares(found: &Value, comparison: Comparison, wanted: &Value, exact: bool) -> bool {
    let (found, wanted) = match (found, wanted) {
        // Entra ID writes truth values as text.
        (Value::Bool(found), Value::String(_)) => (Value::String(found.to_string()), wanted.clone()),
        (found, wanted) => (found.clone(), wanted.clone()),
    };
    let (Value::String(found), Value::String(wanted)) = (&found, &wanted) else {
        return comparison == Comparison::Equal && found == wanted;
    };
    let folded = |text: &str| if exact { text.to_owned() } else { text.to_lowercase() };
    let (found, wanted) = (folded(found), folded(wanted));
    match comparison {
        Comparison::Equal => found == wanted,
        Comparison::NotEqual => found != wanted,
        Comparison::Contains => found.contains(&wanted),
        Comparison::StartsWith => found.starts_with(&wanted),
        Comparison::EndsWith => found.ends_with(&wanted),
        Comparison::Greater => found > wanted,
        Comparison::GreaterOrEqual => found >= wanted,
        Comparison::Less => found < wanted,
        Comparison::LessOrEqual => found <= wanted,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn fits(filter: &str) -> bool {
        let ada = json!({
            "id": "7", "userName": "Ada@hospital.example", "externalId": "Obj", "active": false,
            "name": { "familyName": "Byron" }, "meta": { "lastModified": "2026-03-01T00:00:00.000Z" },
            "emails": [{ "type": "work", "value": "ada@w.example" }, { "type": "home", "value": "ada@h.example" }],
        });
        Filter::read(filter).unwrap_or_else(|why| panic!("{filter}: {why:?}")).fits(&ada)
    }

    #[test]
    fn a_filter_says_what_a_resource_is_like() {
        for filter in [
            r#"userName eq "ada@HOSPITAL.example""#,
            r#"USERNAME Eq "ada@hospital.example""#,
            r#"urn:ietf:params:scim:schemas:core:2.0:User:userName sw "ada""#,
            r#"externalId eq "Obj" and id eq "7""#,
            r#"externalId eq "obj" or (name.familyName co "yro" and not (active eq true))"#,
            r#"active eq "False""#,
            r#"emails[type eq "work" and value ew "w.example"]"#,
            r#"emails eq "ada@h.example""#,
            r#"emails.type eq "home""#,
            r#"title pr or name pr"#,
            r#"displayName ne "x""#,
            r#"meta.lastModified gt "2026-02-01T00:00:00.000Z""#,
            r#"userName eq "\u0041da@hospital.example""#,
        ] {
            assert!(fits(filter), "{filter}");
        }
        for filter in [
            r#"externalId eq "obj""#,
            r#"title pr"#,
            r#"emails[type eq "work" and value ew "h.example"]"#,
            r#"not (userName pr)"#,
            r#"active eq true"#,
            r#"urn:other:schema:userName pr"#,
        ] {
            assert!(!fits(filter), "{filter}");
        }
    }

    #[test]
    fn and_goes_before_or() {
        assert!(fits(r#"id eq "7" or id eq "8" and id eq "9""#));
        assert!(!fits(r#"(id eq "7" or id eq "8") and id eq "9""#));
    }

    #[test]
    fn what_is_no_filter_or_too_much_of_one_is_refused() {
        for text in [
            "",
            "userName",
            "userName eq",
            r#"userName eq "a"#,
            r#"userName is "a""#,
            r#"userName eq "a" and"#,
            r#"(userName eq "a""#,
            r#"userName eq "a")"#,
            r#"not userName eq "a""#,
            r#"userName eq {"a":1}"#,
            r#"emails[emails[type pr]]"#,
            r#"userName eq "a" userName eq "b""#,
        ] {
            assert_eq!(Filter::read(text), Err(Unread::Form), "{text}");
        }
        let deep = format!("{}id pr{}", "(".repeat(9), ")".repeat(9));
        let wide = vec!["id pr"; 65].join(" or ");
        for text in [deep, wide, format!("id eq \"{}\"", "x".repeat(MAX_FILTER_BYTES))] {
            assert_eq!(Filter::read(&text), Err(Unread::TooMuch));
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(text in "[ -~\u{e9}]{0,80}") {
            let _ = Filter::read(&text);
            let _ = Path::read(&text);
        }

        #[test]
        fn what_is_made_of_tokens_is_read_or_refused(tokens in prop::collection::vec(prop::sample::select(
            vec!["userName", "eq", "\"a\"", "(", ")", "not", "and", "or", "pr", "emails[", "]", ".value", "true", "12"]), 0..12)) {
            let text = tokens.join(" ");
            if let Ok(filter) = Filter::read(&text) {
                let _ = filter.fits(&json!({ "userName": "a" }));
            }
        }

        #[test]
        fn equality_finds_the_very_text(name in "\\PC{0,20}") {
            let filter = format!("userName eq {}", Value::String(name.clone()));
            let resource = json!({ "userName": name });
            prop_assert!(Filter::read(&filter).unwrap().fits(&resource));
        }
    }
}
