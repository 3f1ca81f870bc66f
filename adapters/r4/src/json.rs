//! Writing FHIR JSON exactly: numbers keep the text they had, and nothing empty is ever written.
//!
//! fhir-sdk's decimals are floating point and its writer re-shapes what it is given, so mapped resources are written here, straight
//! into one string. An object or array in which nothing was written disappears together with its name (FHIR R4 §2.6.2: no
//! empty objects, arrays or strings), which is why callers hand in closures instead of checking first.

mod decimal;

pub use decimal::Decimal;

/// Writes one object and returns its text; `{}` when nothing was written.
pub fn object(write: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = String::with_capacity(512);
    out.push('{');
    write(&mut Object { out: &mut out });
    out.push('}');
    out
}

/// Writes one resource: its type, its id, then what `write` adds.
pub fn resource(kind: &str, id: &str, write: impl FnOnce(&mut Object<'_>)) -> String {
    let mut out = String::with_capacity(2048);
    out.push('{');
    let mut json = Object { out: &mut out };
    json.text("resourceType", kind);
    json.text("id", id);
    write(&mut json);
    out.push('}');
    out
}

/// An object being written.
pub struct Object<'a> {
    out: &'a mut String,
}

impl Object<'_> {
    /// Writes a string, without control characters; skipped when nothing visible is left.
    pub fn text(&mut self, name: &str, value: &str) {
        if is_blank(value) {
            return;
        }
        self.name(name);
        quote(self.out, value);
    }

    /// Writes a string that is given in parts, of which at least one is visible.
    pub fn joined<const N: usize>(&mut self, name: &str, parts: [&str; N]) {
        self.name(name);
        self.out.push('"');
        parts.into_iter().for_each(|part| push_escaped(self.out, part));
        self.out.push('"');
    }

    /// Writes a code: white space at its ends goes, inside it becomes single spaces (FHIR R4 §2.24.0.1).
    pub fn code(&mut self, name: &str, value: &str) {
        let trimmed = value.trim();
        if trimmed.bytes().any(|byte| byte <= b' ') {
            let words: Vec<&str> = trimmed.split_whitespace().collect();
            self.text(name, &words.join(" "));
        } else {
            self.text(name, trimmed);
        }
    }

    /// Writes a number exactly as it stands.
    pub fn decimal(&mut self, name: &str, value: &Decimal<'_>) {
        self.name(name);
        value.write(self.out);
    }

    /// Writes a whole number.
    pub fn integer(&mut self, name: &str, value: u64) {
        self.name(name);
        push_integer(self.out, value);
    }

    /// Writes true or false.
    pub fn boolean(&mut self, name: &str, value: bool) {
        self.name(name);
        self.out.push_str(if value { "true" } else { "false" });
    }

    /// Writes text that is JSON already; the caller vouches for it.
    pub fn raw(&mut self, name: &str, json: &str) {
        if json.is_empty() {
            return;
        }
        separate(self.out);
        quote(self.out, name);
        self.out.push(':');
        self.out.push_str(json);
    }

    /// Writes an object; nothing at all when nothing is written in it.
    pub fn object(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        let before = self.out.len();
        self.name(name);
        nested(self.out, before, '{', '}', |out| write(&mut Object { out }));
    }

    /// Writes an array; nothing at all when nothing is written in it.
    pub fn array(&mut self, name: &str, write: impl FnOnce(&mut Array<'_>)) {
        let before = self.out.len();
        self.name(name);
        nested(self.out, before, '[', ']', |out| write(&mut Array { out }));
    }

    /// Writes an array with one object in it.
    pub fn single(&mut self, name: &str, write: impl FnOnce(&mut Object<'_>)) {
        self.array(name, |array| array.object(write));
    }

    /// Writes the members of an object that was written elsewhere, braces included; `{}` adds nothing.
    pub fn members(&mut self, object: &str) {
        let Some(inner) = object.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
            return;
        };
        if !inner.is_empty() {
            separate(self.out);
            self.out.push_str(inner);
        }
    }

    fn name(&mut self, name: &str) {
        self.out.push_str(if is_open(self.out) { "\"" } else { ",\"" });
        self.out.push_str(name);
        self.out.push_str("\":");
    }
}

/// An array being written.
pub struct Array<'a> {
    out: &'a mut String,
}

impl Array<'_> {
    /// Adds a string, without control characters; skipped when nothing visible is left.
    pub fn text(&mut self, value: &str) {
        if is_blank(value) {
            return;
        }
        separate(self.out);
        quote(self.out, value);
    }

    /// Adds a whole number.
    pub fn integer(&mut self, value: u64) {
        separate(self.out);
        push_integer(self.out, value);
    }

    /// Adds text that is JSON already; the caller vouches for it.
    pub fn raw(&mut self, json: &str) {
        if json.is_empty() {
            return;
        }
        separate(self.out);
        self.out.push_str(json);
    }

    /// Adds an object, unless nothing is written in it.
    pub fn object(&mut self, write: impl FnOnce(&mut Object<'_>)) {
        let before = self.out.len();
        separate(self.out);
        nested(self.out, before, '{', '}', |out| write(&mut Object { out }));
    }

    /// Adds an array, unless nothing is written in it.
    pub fn array(&mut self, write: impl FnOnce(&mut Array<'_>)) {
        let before = self.out.len();
        separate(self.out);
        nested(self.out, before, '[', ']', |out| write(&mut Array { out }));
    }
}

/// Writes brackets around what `write` adds, or takes back everything from `before` on.
fn nested(out: &mut String, before: usize, open: char, close: char, write: impl FnOnce(&mut String)) {
    out.push(open);
    let inside = out.len();
    write(out);
    if out.len() == inside {
        out.truncate(before);
    } else {
        out.push(close);
    }
}

/// Writes a comma unless the last character opened an object or array; values never end in one.
fn separate(out: &mut String) {
    if !is_open(out) {
        out.push(',');
    }
}

fn is_open(out: &str) -> bool {
    matches!(out.as_bytes().last(), None | Some(b'{' | b'['))
}

fn is_blank(value: &str) -> bool {
    // Nearly every text begins with something visible.
    !value.as_bytes().first().is_some_and(u8::is_ascii_graphic)
        && value.chars().all(|c| c.is_whitespace() || c.is_control())
}

/// Appends a whole number in decimal digits.
pub fn push_integer(out: &mut String, value: u64) {
    let mut place: u64 = 1;
    while value.div_euclid(place) >= 10 {
        place = place.saturating_mul(10);
    }
    while place > 0 {
        let digit = u8::try_from(value.div_euclid(place).rem_euclid(10)).unwrap_or_default();
        out.push(char::from(b'0'.saturating_add(digit)));
        place = place.div_euclid(10);
    }
}

fn quote(out: &mut String, value: &str) {
    out.push('"');
    push_escaped(out, value);
    out.push('"');
}

fn push_escaped(out: &mut String, value: &str) {
    if has_special(value.as_bytes()) {
        push_special(out, value);
    } else {
        out.push_str(value);
    }
}

/// Whether a byte cannot stand in a JSON string as it is.
fn is_special(byte: u8) -> bool {
    byte < b' ' || matches!(byte, b'"' | b'\\' | 0x7f)
}

/// Whether any byte cannot; eight at a time, since nearly all texts have none and most are short.
fn has_special(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<8>() else {
        return bytes.iter().any(|byte| is_special(*byte));
    };
    let (words, _) = bytes.as_chunks::<8>();
    // The last eight bytes overlap those before them, so that no rest is left to look at singly.
    let special = words.iter().chain([last]).fold(0, |special, word| special | specials(u64::from_le_bytes(*word)));
    special != 0
}

/// Marks special bytes by their highest bit; a mark above the lowest one may be false, none is missing.
fn specials(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = 0x8080_8080_8080_8080;
    let below = |word: u64, bound: u8| word.wrapping_sub(ONES.wrapping_mul(u64::from(bound))) & !word & HIGHEST;
    let equal = |byte: u8| below(word ^ ONES.wrapping_mul(u64::from(byte)), 1);
    below(word, b' ') | equal(b'"') | equal(b'\\') | equal(0x7f)
}

fn push_special(out: &mut String, value: &str) {
    let mut rest = value;
    while let Some(at) = rest.bytes().position(is_special) {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            // What FHIR R4 §2.24.0.1 forbids in a string.
            Some(_) | None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
}

#[cfg(test)]
mod tests {
    use super::{Decimal, object, resource};
    use proptest::prelude::*;

    #[test]
    fn a_number_keeps_the_text_it_had() {
        let text = object(|json| {
            json.decimal("value", &Decimal::read("1.50").unwrap());
            json.integer("size", 7);
            json.boolean("active", true);
        });
        assert_eq!(text, r#"{"value":1.50,"size":7,"active":true}"#);
    }

    #[test]
    fn nothing_empty_is_written() {
        let text = resource("Patient", "1", |json| {
            json.text("a", "");
            json.text("b", " \u{0}\t");
            json.object("c", |json| json.array("d", |array| array.object(|json| json.text("e", ""))));
            json.single("f", |json| json.code("g", " x \n y "));
            json.array("h", |array| {
                array.text("");
                array.text("1");
                array.array(|_| {});
                array.raw("2");
            });
        });
        assert_eq!(text, r#"{"resourceType":"Patient","id":"1","f":[{"g":"x y"}],"h":["1",2]}"#);
    }

    #[test]
    fn members_of_another_object_are_joined_in() {
        let text = object(|json| {
            json.members("{}");
            json.text("a", "{");
            json.members(r#"{"b":1}"#);
        });
        assert_eq!(text, r#"{"a":"{","b":1}"#);
    }

    #[test]
    fn a_special_byte_is_found_wherever_it_stands() {
        for length in 1..20usize {
            for at in 0..length {
                for byte in 0..=127u8 {
                    let mut text = vec![b'x'; length];
                    text[at] = byte;
                    assert_eq!(super::has_special(&text), super::is_special(byte), "{byte} at {at} of {length}");
                }
            }
        }
    }

    #[test]
    fn whole_numbers_are_written_in_digits() {
        for value in [0, 7, 10, 99, 100, 4_294_967_296, u64::MAX] {
            let mut out = String::new();
            super::push_integer(&mut out, value);
            assert_eq!(out, value.to_string());
        }
    }

    proptest! {
        #[test]
        fn every_text_reads_back_without_its_control_characters(value in "\\PC*|(?s).*", name in "[a-z]{1,8}") {
            let written = object(|json| json.text(&name, &value));
            let read: serde_json::Value = serde_json::from_str(&written).unwrap();
            let kept: String = value.chars().filter(|c| !c.is_ascii_control() || matches!(c, '\t' | '\n' | '\r')).collect();
            match read.get(&name) {
                Some(found) => prop_assert_eq!(found.as_str(), Some(kept.as_str())),
                None => prop_assert!(kept.chars().all(|c| c.is_whitespace() || c.is_control())),
            }
        }
    }
}
