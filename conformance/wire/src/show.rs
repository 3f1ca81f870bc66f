//! Bytes and commands in a form that people can read and paste.

/// Shows bytes as text: control characters by name, a line break after each segment, cut after 1,500 bytes.
#[must_use]
pub fn bytes(raw: &[u8]) -> String {
    const LIMIT: usize = 1_500;
    let shown = raw.get(..LIMIT.min(raw.len())).unwrap_or_default();
    let mut text = String::with_capacity(shown.len());
    for chunk in shown.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\x0b' => text.push_str("<VT>"),
                '\x1c' => text.push_str("<FS>"),
                '\r' => text.push_str("<CR>\n"),
                '\n' => text.push_str("<LF>\n"),
                control if control.is_control() => {
                    text.push_str(&format!("<{:02X}>", u32::from(control)));
                }
                plain => text.push(plain),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("<{byte:02X}>"));
        }
    }
    let mut text = text.trim_end_matches('\n').to_owned();
    if raw.is_empty() {
        text.push_str("(nothing)");
    } else if raw.len() > shown.len() {
        text.push_str(&format!(" … ({} bytes in all)", raw.len()));
    }
    text
}

/// Writes bytes as the argument of POSIX `printf`, in single quotes.
#[must_use]
pub fn printf(raw: &[u8]) -> String {
    let mut text = String::from("'");
    for &byte in raw {
        match byte {
            b'\\' => text.push_str("\\\\"),
            b'%' => text.push_str("%%"),
            b'\'' => text.push_str("'\\''"),
            b' '..=b'~' => text.push(char::from(byte)),
            other => text.push_str(&format!("\\{other:03o}")),
        }
    }
    text.push('\'');
    text
}

/// Quotes text for a shell.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn framing_bytes_are_shown_by_name() {
        assert_eq!(bytes(b"\x0bMSH|\r\x1c\r"), "<VT>MSH|<CR>\n<FS><CR>");
        assert_eq!(bytes(b""), "(nothing)");
        assert_eq!(bytes(b"a\xff\x00"), "a<FF><00>");
    }

    #[test]
    fn long_input_is_cut_and_says_so() {
        assert!(bytes(&[b'x'; 2_000]).ends_with("… (2000 bytes in all)"));
    }

    #[test]
    fn printf_gives_back_every_byte() {
        assert_eq!(printf(b"\x0b%\\'A\xff"), r"'\013%%\\'\''A\377'");
    }
}
