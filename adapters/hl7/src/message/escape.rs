//! Escape sequences in text (HL7 v2.5.1 §2.7).

use std::borrow::Cow;

use super::charset::Charset;
use super::separators::Separators;

/// Decodes the escape sequences of a value, once.
///
/// | sequence | becomes |
/// |---|---|
/// | `\F\ \S\ \T\ \R\ \E\ \P\` | the delimiter |
/// | `\Xhh..\` | the bytes, read as UTF-8 if they are, else in the message's character set |
/// | `\.br\ \.sp\ \.sp3\ \.ce\` | line breaks |
/// | `\.sk3\` | spaces |
/// | `\.in..\ \.ti..\ \.fi\ \.nf\ \H\ \N\` | nothing: layout and highlighting |
/// | `\Z..\ \C....\ \M......\`, unknown, unterminated | left as they stand |
pub fn unescape<'a>(raw: &'a str, separators: &Separators, charset: Charset) -> Cow<'a, str> {
    let Some(escape) = separators.escape else {
        return Cow::Borrowed(raw);
    };
    let Some(first) = memchr::memchr(escape, raw.as_bytes()) else {
        return Cow::Borrowed(raw);
    };
    let (before, mut rest) = raw.split_at(first);
    let mut text = String::with_capacity(raw.len());
    text.push_str(before);
    let mark = char::from(escape);
    while let Some((plain, after)) = rest.split_once(mark) {
        text.push_str(plain);
        match after.split_once(mark) {
            Some((body, tail)) if write_sequence(&mut text, body, separators, charset) => {
                rest = tail;
            }
            _ => {
                // Not a sequence: keep the mark, and let the next one open a sequence of its own.
                text.push(mark);
                rest = after;
            }
        }
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// Encodes a text so that it can stand inside a field without being taken for structure.
///
/// Delimiters get their sequence, line ends and other control characters `\Xhh\`. Where a message declares no escape
/// character, they become spaces: nothing may break out of its field.
pub fn escape<'a>(text: &'a str, separators: &Separators) -> Cow<'a, str> {
    let special = |c: char| c.is_ascii_control() || letter_of(c, separators).is_some();
    let Some(first) = text.find(special) else {
        return Cow::Borrowed(text);
    };
    let (before, rest) = text.split_at(first);
    let mut encoded = String::with_capacity(text.len().saturating_add(16));
    encoded.push_str(before);
    for c in rest.chars() {
        match (separators.escape.map(char::from), letter_of(c, separators)) {
            (Some(mark), Some(letter)) => encoded.extend([mark, letter, mark]),
            (Some(mark), None) if c.is_ascii_control() => {
                let code = u32::from(c);
                let digit = |value: u32| char::from_digit(value, 16).unwrap_or('0').to_ascii_uppercase();
                encoded.extend([mark, 'X', digit(code >> 4), digit(code & 0xF), mark]);
            }
            (None, Some(_)) => encoded.push(' '),
            (None, None) if c.is_ascii_control() => encoded.push(' '),
            (Some(_) | None, None) => encoded.push(c),
        }
    }
    Cow::Owned(encoded)
}

/// The letter that stands for a delimiter between escape marks.
fn letter_of(c: char, separators: &Separators) -> Option<char> {
    let byte = u8::try_from(c).ok()?;
    let is = |separator: Option<u8>| separator == Some(byte);
    if byte == separators.field {
        Some('F')
    } else if byte == separators.component {
        Some('S')
    } else if is(separators.subcomponent) {
        Some('T')
    } else if is(separators.repetition) {
        Some('R')
    } else if is(separators.escape) {
        Some('E')
    } else if is(separators.truncation) {
        Some('P')
    } else {
        None
    }
}

/// Writes what a sequence stands for; false if it is none we know.
fn write_sequence(text: &mut String, body: &str, separators: &Separators, charset: Charset) -> bool {
    let delimiter = match body {
        "F" => Some(separators.field),
        "S" => Some(separators.component),
        "T" => separators.subcomponent,
        "R" => separators.repetition,
        "E" => separators.escape,
        "P" => separators.truncation,
        "H" | "N" => return true,
        _ => None,
    };
    if let Some(delimiter) = delimiter {
        text.push(char::from(delimiter));
        return true;
    }
    if let Some(command) = body.strip_prefix('.') {
        return write_format(text, command);
    }
    match body.strip_prefix('X') {
        Some(digits) => write_hex(text, digits, charset),
        None => false,
    }
}

/// Formatting commands of FT (HL7 v2.5.1 §2.7.6): line breaks survive, layout does not.
fn write_format(text: &mut String, command: &str) -> bool {
    let Some((name, argument)) = command.split_at_checked(2) else {
        return false;
    };
    let argument = argument.trim().trim_start_matches('+');
    let count = match argument {
        "" => Some(1),
        digits => digits.parse::<usize>().ok(),
    };
    match (name, count) {
        ("br", _) if argument.is_empty() => text.push('\n'),
        ("sp" | "ce", Some(lines)) => text.extend(repeat('\n', lines)),
        ("sk", Some(spaces)) => text.extend(repeat(' ', spaces)),
        ("in" | "ti" | "fi" | "nf", _) => {}
        _ => return false,
    }
    true
}

/// A hostile `\.sp999999999\` must not fill memory.
fn repeat(c: char, count: usize) -> impl Iterator<Item = char> {
    const MOST: usize = 100;
    std::iter::repeat_n(c, count.min(MOST))
}

fn write_hex(text: &mut String, digits: &str, charset: Charset) -> bool {
    let digits = digits.as_bytes();
    let bytes: Option<Vec<u8>> = digits
        .chunks(2)
        .map(|pair| match pair {
            [high, low] => Some((nibble(*high)? << 4) | nibble(*low)?),
            _ => None,
        })
        .collect();
    let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
        return false;
    };
    match std::str::from_utf8(&bytes) {
        Ok(decoded) => text.push_str(decoded),
        Err(_) => text.push_str(&charset.decode(&bytes)),
    }
    true
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decoded(raw: &str) -> String {
        unescape(raw, &Separators::USUAL, Charset::WINDOWS_1252).into_owned()
    }

    #[test]
    fn delimiters_are_decoded_once() {
        assert_eq!(decoded(r"A\F\B\S\C\T\D\R\E\E\F"), r"A|B^C&D~E\F");
        assert_eq!(decoded(r"\E\F\E\"), r"\F\");
        assert_eq!(decoded(r"é\F\b 日本\T\x"), "é|b 日本&x");
    }

    #[test]
    fn hexadecimal_is_decoded_as_utf8_or_in_the_charset() {
        assert_eq!(decoded(r"x\X41\y\X0A\z"), "xAy\nz");
        assert_eq!(decoded(r"\XC3BC\"), "ü");
        assert_eq!(decoded(r"\XFC\"), "ü");
    }

    #[test]
    fn layout_becomes_line_breaks_or_nothing() {
        assert_eq!(decoded(r"a\.br\b\.sp2\c\.sp\d\.ce\e"), "a\nb\n\nc\nd\ne");
        assert_eq!(decoded(r"\.in+4\\.ti-2\\.fi\\.nf\\H\HIGH\N\"), "HIGH");
        assert_eq!(decoded(r"a\.sk3\b"), "a   b");
        assert_eq!(decoded(r"\.sp99999999999\").len(), 100);
    }

    #[test]
    fn what_is_no_sequence_stays() {
        for text in [
            r"100\ of 5",
            r"C:\LAB\X\R",
            r"C:\temp\file",
            r"a\Zlocal\b\Q\c",
            r"\M2442\plain\C2842\",
            r"\X4\ \XZZ\ \.zz\ \P\",
            "\\",
            r"\\",
        ] {
            assert_eq!(decoded(text), text);
        }
        assert_eq!(decoded(r"C:\temp\F\x"), r"C:\temp|x");
    }

    #[test]
    fn nothing_escapes_its_field_even_without_an_escape_character() {
        let separators = Separators { escape: None, ..Separators::USUAL };
        assert_eq!(escape("a|b\rOBX|c", &separators), "a b OBX c");
        assert_eq!(escape("a|b\rOBX|c", &Separators::USUAL), r"a\F\b\X0D\OBX\F\c");
    }

    proptest! {
        #[test]
        fn escaping_then_unescaping_gives_the_text_back(text in ".*|[|^~\\\\&#\r\n\\x00-\\x20A-Z.]*") {
            for separators in [Separators::USUAL, Separators { truncation: Some(b'#'), ..Separators::USUAL }] {
                let escaped = escape(&text, &separators);
                prop_assert!(!escaped.contains(['|', '^', '~', '&', '\r', '\n']));
                prop_assert_eq!(unescape(&escaped, &separators, Charset::UTF_8), text.as_str());
            }
        }

        #[test]
        fn any_text_can_be_unescaped(text in "(\\\\|[.XHFbrsp0-9a-z]|\\PC)*") {
            let _ = decoded(&text);
        }
    }
}
