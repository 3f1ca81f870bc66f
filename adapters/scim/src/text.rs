//! Values as providers write them.

use crate::problem::Problem;
use serde_json::Value;

/// Returns a text; an empty one and null mean that there is none.
pub(crate) fn optional(value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Problem::Value("a text is needed here"))
        }
    }
}

/// Returns a truth value, which Entra ID writes as text with a capital.
pub(crate) fn truth(value: &Value) -> Result<bool, Problem> {
    match value {
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Value::Null | Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            Err(Problem::Value("true or false is needed here"))
        }
    }
}

/// Says whether a body is nested deeper than is taken, before it is read.
pub(crate) fn is_deeper(body: &[u8], most: usize) -> bool {
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
    fn truth_is_read_however_a_provider_writes_it() {
        for value in [json!(false), json!("False"), json!("false")] {
            assert_eq!(truth(&value), Ok(false));
        }
        for value in [json!(null), json!(0), json!("no"), json!([false])] {
            assert!(truth(&value).is_err());
        }
    }

    #[test]
    fn brackets_in_a_text_do_not_make_it_deep() {
        assert!(!is_deeper(br#"{"a":"[[[[{{\"[["}"#, 2));
        assert!(is_deeper(br#"{"a":[[1]]}"#, 2) && !is_deeper(br#"{"a":[[1]]}"#, 3));
    }
}
