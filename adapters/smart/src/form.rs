//! Reads `application/x-www-form-urlencoded` bodies strictly: each parameter once (RFC 6749 §3.2).

use std::collections::BTreeMap;

/// The parameters of a request.
pub(crate) struct Form(BTreeMap<String, String>);

/// Most parameters of a form.
const MAX_PARAMETERS: usize = 32;

impl Form {
    /// Reads a body; `None` when it is no form, a parameter stands twice, or there are too many.
    ///
    /// A parameter without a value is as if it were not there (RFC 6749 §3.1), but not twice.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(body).ok()?;
        let mut pairs = BTreeMap::new();
        for piece in text.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            if pairs.insert(decode(name)?, decode(value)?).is_some() || pairs.len() > MAX_PARAMETERS {
                return None;
            }
        }
        Some(Self(pairs))
    }

    /// Borrows the value of a parameter that has one.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                let (high, low) = (digit()?, digit()?);
                out.push((high << 4) | low);
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_decoded_and_stand_once() {
        let form = Form::read(b"scope=system%2F*.rs+a&grant_type=client_credentials&empty=&flag").unwrap();
        assert_eq!(form.get("scope"), Some("system/*.rs a"));
        assert_eq!((form.get("empty"), form.get("flag"), form.get("other")), (None, None, None));
        for body in ["a=1&a=2", "a=1&%61=1", "a&a", "a=%", "a=%2", "a=%zz", "a=%ff", "%=1"] {
            assert!(Form::read(body.as_bytes()).is_none(), "{body}");
        }
        assert!(Form::read(&[b'a', 0xff]).is_none());
        let many: Vec<String> = (0..=MAX_PARAMETERS).map(|number| format!("p{number}=1")).collect();
        assert!(Form::read(many.join("&").as_bytes()).is_none());
    }
}
