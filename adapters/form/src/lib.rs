//! Reads what requests carry strictly: `application/x-www-form-urlencoded` text (queries, and the bodies of forms), JSON
//! ([`json`]), and what every endpoint reads first ([`request`]). What else all endpoints do alike is here too: finding what a path
//! means ([`route`]), and what an answer says of itself ([`answer`]).
//!
//! A text that could be read in two ways is not read at all. The `form_urlencoded` crate follows the URL standard, which
//! takes a broken escape as it stands and replaces bytes that are not UTF-8; here that would let two readers of one request
//! see two names. So this is ours.

pub mod answer;
pub mod json;
pub mod request;
pub mod route;

use zeroize::Zeroizing;

/// Most fields of a [`Form`].
pub const MAX_FIELDS: usize = 64;

/// The fields of a form, each given once; wiped when dropped, since passwords and names are among them.
#[derive(Default)]
pub struct Form(Vec<(String, Zeroizing<String>)>);

/// Says that a text is no form: a broken escape, bytes that are not UTF-8; of a [`Form`] also a field given twice, or more than
/// [`MAX_FIELDS`].
#[derive(Debug, PartialEq, Eq)]
pub struct NotAForm;

impl Form {
    /// Reads a form; a field that is given twice could mean two things, so it means none (RFC 6749 §3.2 says so too).
    ///
    /// # Errors
    /// [`NotAForm`].
    pub fn read(text: &str) -> Result<Self, NotAForm> {
        let mut fields: Vec<(String, Zeroizing<String>)> = Vec::new();
        for piece in pieces(text) {
            let (name, value) = piece?;
            if fields.len() >= MAX_FIELDS || fields.iter().any(|(known, _)| *known == name) {
                return Err(NotAForm);
            }
            fields.push((name, Zeroizing::new(value)));
        }
        Ok(Self(fields))
    }

    /// Reads the body of a request.
    ///
    /// # Errors
    /// [`NotAForm`].
    pub fn read_bytes(body: &[u8]) -> Result<Self, NotAForm> {
        Self::read(std::str::from_utf8(body).map_err(|_| NotAForm)?)
    }

    /// Borrows a field's value; one without a value is as if it were not there (RFC 6749 §3.1).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|value| !value.is_empty())
    }

    /// Borrows a field's value; empty when it is not there.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str())
    }
}

/// Returns the decoded names and values, in order, where a name may be given more than once.
///
/// # Errors
/// [`NotAForm`].
pub fn pairs(text: &str) -> Result<Vec<(String, String)>, NotAForm> {
    pieces(text).collect()
}

/// Encodes a text to be a name or a value.
#[must_use]
pub fn encode(text: &str) -> String {
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

/// Decodes piece by piece; empty ones between `&` are skipped.
fn pieces(text: &str) -> impl Iterator<Item = Result<(String, String), NotAForm>> {
    text.split('&').filter(|piece| !piece.is_empty()).map(|piece| {
        let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
        Ok((decode(name)?, decode(value)?))
    })
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
    fn names_and_values_are_decoded_in_order() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs("a=1&b=x%7Cy&&c=a+b&d&e=%C3%A9%2B&a=2").unwrap(),
            [pair("a", "1"), pair("b", "x|y"), pair("c", "a b"), pair("d", ""), pair("e", "é+"), pair("a", "2")]
        );
        assert_eq!(pairs("").unwrap(), []);
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for text in ["a=%", "a=%2", "a=%zz", "a=%ff", "%ff=1", "%=1", "a=%c3%28", "a=%+1"] {
            assert_eq!(pairs(text), Err(NotAForm), "{text}");
            assert!(Form::read(text).is_err(), "{text}");
        }
        assert!(Form::read_bytes(&[b'a', 0xff]).is_err());
    }

    #[test]
    fn a_form_has_each_field_once_and_not_too_many() {
        for text in ["a=1&a=2", "a=1&%61=2", "a&a", "a=&a=1"] {
            assert!(Form::read(text).is_err(), "{text}");
        }
        let many = |count: usize| (0..count).map(|number| format!("f{number}=1")).collect::<Vec<_>>().join("&");
        assert!(Form::read(&many(MAX_FIELDS)).is_ok());
        assert!(Form::read(&many(MAX_FIELDS + 1)).is_err());
    }

    #[test]
    fn a_field_without_a_value_is_as_if_it_were_not_there() {
        let form = Form::read("scope=system%2F*.rs+a&empty=&flag").unwrap();
        assert_eq!(form.get("scope"), Some("system/*.rs a"));
        for name in ["empty", "flag", "other"] {
            assert_eq!((form.get(name), form.text(name)), (None, ""));
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_reads_back(text in ".{0,40}") {
            let form = Form::read(&format!("x={}", encode(&text))).unwrap();
            prop_assert_eq!(form.text("x"), text);
        }
    }
}
