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
}
