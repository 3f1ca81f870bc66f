//! Reads JSON strictly: a member that stands twice is refused, for readers differ on which of the two counts (RFC 8259 §4).

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::collections::BTreeSet;
use std::fmt;

/// Reads a document that is nested no deeper than `max_depth`.
///
/// # Errors
/// What is wrong, in words that repeat nothing of it.
pub fn read(bytes: &[u8], max_depth: usize) -> Result<Value, &'static str> {
    if is_deeper(bytes, max_depth) {
        return Err("the body is nested deeper than is taken");
    }
    let read: Result<Strict, _> = serde_json::from_slice(bytes);
    match read {
        Ok(Strict(value)) => Ok(value),
        Err(fault) if fault.is_data() => Err(TWICE),
        Err(_) => Err("the body is no JSON"),
    }
}

/// Reads the same where names are compared without regard to case (RFC 7643 §2.1): two that differ by case alone are one that stands twice.
///
/// # Errors
/// What is wrong, in words that repeat nothing of it.
pub fn read_caseless(bytes: &[u8], max_depth: usize) -> Result<Value, &'static str> {
    let value = read(bytes, max_depth)?;
    if has_alike(&value) { Err(TWICE) } else { Ok(value) }
}

fn has_alike(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        Value::Array(items) => items.iter().any(has_alike),
        Value::Object(members) => {
            let mut names = BTreeSet::new();
            members.iter().any(|(name, value)| !names.insert(name.to_ascii_lowercase()) || has_alike(value))
        }
    }
}

const TWICE: &str = "a member of the body stands twice";

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Strict)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some((name, Strict(value))) = members.next_entry::<String, Strict>()? {
            if all.insert(name, value).is_some() {
                return Err(A::Error::custom("twice"));
            }
        }
        Ok(Value::Object(all))
    }
}

/// Says whether a body is nested deeper than is taken, before it is read.
fn is_deeper(body: &[u8], most: usize) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => {
                depth = depth.saturating_add(1);
                if depth > most {
                    return true;
                }
            }
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_member_that_stands_twice_is_refused_at_any_depth() {
        assert_eq!(read(br#"{"a":[1,{"b":null,"c":"d"}]}"#, 4), Ok(json!({ "a": [1, { "b": null, "c": "d" }] })));
        for twice in
            [&br#"{"a":1,"a":1}"#[..], br#"{"x":[{"enabled":true,"enabled":false}]}"#, br#"{"a":1,"\u0061":2}"#]
        {
            assert_eq!(read(twice, 4), Err("a member of the body stands twice"));
        }
    }

    #[test]
    fn names_that_differ_by_case_alone_are_one_where_case_does_not_count() {
        for twice in [&br#"{"active":true,"Active":false}"#[..], br#"{"x":[{"y":{"a":1,"A":1}}]}"#] {
            assert!(read(twice, 4).is_ok());
            assert_eq!(read_caseless(twice, 4), Err("a member of the body stands twice"));
        }
        assert_eq!(read_caseless(br#"{"a":{"A":[1]}}"#, 4), Ok(json!({ "a": { "A": [1] } })));
        assert_eq!(read_caseless(br#"{"a":1,"a":1}"#, 4), Err("a member of the body stands twice"));
    }

    #[test]
    fn what_is_no_json_or_too_deep_is_refused() {
        for broken in [&b""[..], b"{", b"{} {}", b"\xff", b"{'a':1}", b"[1,]"] {
            assert_eq!(read(broken, 4), Err("the body is no JSON"));
        }
        assert_eq!(read(b"[[[[[1]]]]]", 4), Err("the body is nested deeper than is taken"));
        assert!(read(br#"{"a":"[[[[[[[["}"#, 1).is_ok());
    }
}
