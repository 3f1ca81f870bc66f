//! Reads `application/x-www-form-urlencoded` text strictly: query strings and the body of a `_search`.

/// Says that a form is not one: a broken escape, or bytes that are not UTF-8.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAForm;

/// Returns the decoded names and values, in order; empty pieces between `&` are skipped.
pub(crate) fn read(text: &str) -> Result<Vec<(String, String)>, NotAForm> {
    text.split('&')
        .filter(|piece| !piece.is_empty())
        .map(|piece| {
            let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect()
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

    #[test]
    fn names_and_values_are_decoded_in_order() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            read("a=1&b=x%7Cy&&c=a+b&d&e=%C3%A9%2B&a=2").unwrap(),
            [pair("a", "1"), pair("b", "x|y"), pair("c", "a b"), pair("d", ""), pair("e", "é+"), pair("a", "2")]
        );
        assert_eq!(read("").unwrap(), []);
    }

    #[test]
    fn a_broken_escape_is_refused() {
        for text in ["a=%", "a=%2", "a=%zz", "%ff=1", "a=%c3%28", "a=%+1"] {
            assert_eq!(read(text), Err(NotAForm), "{text}");
        }
    }
}
