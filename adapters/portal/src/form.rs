//! Reads `application/x-www-form-urlencoded` text strictly: bodies of forms and queries.

use zeroize::Zeroizing;

/// Most fields of a form.
const MAX_FIELDS: usize = 64;

/// The fields of a form; wiped when dropped, since passwords and names are among them.
#[derive(Default)]
pub(crate) struct Form(Vec<(String, Zeroizing<String>)>);

/// Says that a form is not one: a broken escape, bytes that are not UTF-8, a field given twice, or more than 64 fields.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAForm;

impl Form {
    /// Reads a form; a field that is given twice could mean two things, so it means none.
    pub(crate) fn read(text: &str) -> Result<Self, NotAForm> {
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for piece in text.split('&').filter(|piece| !piece.is_empty()) {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            let name = decode(name)?;
            if fields.len() >= MAX_FIELDS || fields.iter().any(|(known, _)| *known == name) {
                return Err(NotAForm);
            }
            fields.push((name, Zeroizing::new(decode(value)?)));
        }
        Ok(Self(fields))
    }

    /// Returns a field; empty when it is not there.
    pub(crate) fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Encodes a text for a query.
pub(crate) fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            use std::fmt::Write;
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

fn decode(text: &str) -> Result<String, NotAForm> {
    if !text.contains(['%', '+']) {
        return Ok(text.to_owned());
    }
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let (high, low) = (hex(bytes.next())?, hex(bytes.next())?);
                out.push((high << 4) | low);
            }
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).map_err(|_| NotAForm)
}

fn hex(digit: Option<u8>) -> Result<u8, NotAForm> {
    digit.and_then(|digit| char::from(digit).to_digit(16)).and_then(|value| u8::try_from(value).ok()).ok_or(NotAForm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_broken_or_ambiguous_is_no_form() {
        for text in ["a=%", "a=%4", "a=%zz", "a=%ff", "a=1&a=2", "a=1&%61=2"] {
            assert!(Form::read(text).is_err(), "{text}");
        }
        let many: Vec<String> = (0..65).map(|n| format!("f{n}=1")).collect();
        assert!(Form::read(&many.join("&")).is_err());
        let form = Form::read("a=1+2&b=%C3%A9&c").unwrap();
        assert_eq!((form.get("a"), form.get("b"), form.get("c"), form.get("d")), ("1 2", "é", "", ""));
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(text in ".{0,40}") {
            let form = Form::read(&format!("x={}", encode(&text))).unwrap();
            prop_assert_eq!(form.get("x"), text);
        }
    }
}
