//! Values as the very text they stand in, since a JSON parser would turn `5.50` into `5.5`.

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Finds the text of the value at a path such as `interpretation.0.text` in a JSON document.
pub(super) fn at<'a>(document: &'a str, path: &str) -> Option<&'a str> {
    let mut here = document;
    for step in path.split('.') {
        here = match step.parse::<usize>() {
            Ok(index) => {
                let list: Vec<&RawValue> = serde_json::from_str(here).ok()?;
                list.get(index)?.get()
            }
            Err(_) => {
                let object: BTreeMap<std::borrow::Cow<'_, str>, &RawValue> = serde_json::from_str(here).ok()?;
                object.get(step)?.get()
            }
        };
    }
    Some(here)
}

#[cfg(test)]
mod tests {
    use super::at;

    #[test]
    fn trailing_zeros_are_seen() {
        let text = r#"{"a": [{"b": 5.50}, {"c": "x"}], "d": 1e2}"#;
        assert_eq!(at(text, "a.0.b"), Some("5.50"));
        assert_eq!(at(text, "a.1.c"), Some("\"x\""));
        assert_eq!(at(text, "d"), Some("1e2"));
        assert_eq!(at(text, "a.2"), None);
        assert_eq!(at(text, "a.b"), None);
    }
}
