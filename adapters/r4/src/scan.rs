//! Walks JSON text in place: no tree is built, numbers stay the text they are.
//!
//! Text that is not JSON yields fewer members, never a panic; what is stored was written by us and is well-formed.

use memchr::memchr2;
use std::borrow::Cow;

/// A value inside a JSON text.
#[derive(Clone, Copy)]
pub struct Json<'a> {
    whole: &'a str,
    from: usize,
    to: usize,
}

/// A member of an object.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// Its name as it is written, without the quotes.
    pub name: &'a str,
    /// Its value.
    pub value: Json<'a>,
    /// Where the name starts in the whole text, at its opening quote.
    pub start: usize,
}

impl<'a> Json<'a> {
    /// Takes the value that a text consists of, without the space around it; it is not looked through.
    #[must_use]
    pub fn of(whole: &'a str) -> Self {
        let from = skip_space(whole.as_bytes(), 0);
        let to = whole.trim_end_matches([' ', '\t', '\n', '\r']).len().max(from);
        Self { whole, from, to }
    }

    /// Returns the text of the value.
    #[must_use]
    pub fn text(self) -> &'a str {
        self.whole.get(self.from..self.to).unwrap_or_default()
    }

    /// Returns where the value starts and ends in the whole text.
    #[must_use]
    pub fn span(self) -> (usize, usize) {
        (self.from, self.to)
    }

    /// Says whether this is an object.
    #[must_use]
    pub fn is_object(self) -> bool {
        self.first() == Some(b'{')
    }

    /// Says whether this is an array.
    #[must_use]
    pub fn is_array(self) -> bool {
        self.first() == Some(b'[')
    }

    /// Returns the members of an object, in order; nothing for any other value.
    #[must_use]
    pub fn members(self) -> Members<'a> {
        let at = if self.is_object() { self.from.saturating_add(1) } else { self.to };
        Members { whole: self.whole, at, to: self.to }
    }

    /// Returns the elements of an array, in order; nothing for any other value.
    #[must_use]
    pub fn elements(self) -> Elements<'a> {
        let at = if self.is_array() { self.from.saturating_add(1) } else { self.to };
        Elements { whole: self.whole, at, to: self.to }
    }

    /// Returns the first member of this name.
    #[must_use]
    pub fn get(self, name: &str) -> Option<Json<'a>> {
        self.members().find(|member| member.is(name)).map(|member| member.value)
    }

    /// Returns the text that a string stands for.
    #[must_use]
    pub fn string(self) -> Option<Cow<'a, str>> {
        let text = self.text();
        let inner = text.strip_prefix('"')?.strip_suffix('"')?;
        if inner.contains('\\') {
            return serde_json::from_str::<String>(text).ok().map(Cow::Owned);
        }
        Some(Cow::Borrowed(inner))
    }

    /// Calls `visit` for every value that the path leads to, arrays flattened, until it answers `true`.
    pub fn any(self, path: &[&str], visit: &mut dyn FnMut(Json<'a>) -> bool) -> bool {
        if self.is_array() {
            return self.elements().any(|element| element.step(path, visit));
        }
        self.step(path, visit)
    }

    fn step(self, path: &[&str], visit: &mut dyn FnMut(Json<'a>) -> bool) -> bool {
        let Some((name, rest)) = path.split_first() else {
            return visit(self);
        };
        self.get(name).is_some_and(|value| value.any(rest, visit))
    }

    fn first(self) -> Option<u8> {
        self.whole.as_bytes().get(self.from).copied()
    }
}

impl Member<'_> {
    /// Says whether the member has this name, escapes in it resolved.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.name == name
            || (self.name.contains('\\')
                && serde_json::from_str::<String>(&format!("\"{}\"", self.name)).is_ok_and(|read| read == name))
    }
}

/// The members of an object.
pub struct Members<'a> {
    whole: &'a str,
    at: usize,
    to: usize,
}

impl<'a> Iterator for Members<'a> {
    type Item = Member<'a>;

    fn next(&mut self) -> Option<Member<'a>> {
        let bytes = self.whole.as_bytes();
        let start = skip_separator(bytes, self.at);
        if start >= self.to || bytes.get(start) != Some(&b'"') {
            return None;
        }
        let name_end = string_end(bytes, start)?;
        let name = self.whole.get(start.checked_add(1)?..name_end.checked_sub(1)?)?;
        let colon = skip_space(bytes, name_end);
        if bytes.get(colon) != Some(&b':') {
            return None;
        }
        let from = skip_space(bytes, colon.checked_add(1)?);
        let to = value_end(bytes, from)?;
        self.at = to;
        Some(Member { name, value: Json { whole: self.whole, from, to }, start })
    }
}

/// The elements of an array.
pub struct Elements<'a> {
    whole: &'a str,
    at: usize,
    to: usize,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Json<'a>;

    fn next(&mut self) -> Option<Json<'a>> {
        let bytes = self.whole.as_bytes();
        let from = skip_separator(bytes, self.at);
        if from >= self.to || bytes.get(from) == Some(&b']') {
            return None;
        }
        let to = value_end(bytes, from)?;
        self.at = to;
        Some(Json { whole: self.whole, from, to })
    }
}

fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at = at.saturating_add(1);
    }
    at
}

fn skip_separator(bytes: &[u8], at: usize) -> usize {
    let at = skip_space(bytes, at);
    if bytes.get(at) == Some(&b',') { skip_space(bytes, at.saturating_add(1)) } else { at }
}

/// Returns where the string that starts at `at` ends, behind its closing quote.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at.checked_add(1)?;
    loop {
        at = at.checked_add(memchr2(b'"', b'\\', bytes.get(at..)?)?)?;
        if bytes.get(at) == Some(&b'"') {
            return at.checked_add(1);
        }
        at = at.checked_add(2)?;
    }
}

/// Returns where the value that starts at `at` ends; containers are counted, not descended, so depth costs no stack.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => container_end(bytes, at),
        b',' | b':' | b'}' | b']' => None,
        _ => {
            let rest = bytes.get(at..)?;
            let length = rest.iter().position(|b| matches!(b, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'));
            at.checked_add(length.unwrap_or(rest.len()))
        }
    }
}

fn container_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0usize;
    loop {
        match bytes.get(at)? {
            b'"' => {
                at = string_end(bytes, at)?;
                continue;
            }
            b'{' | b'[' => depth = depth.checked_add(1)?,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return at.checked_add(1);
                }
            }
            _ => {}
        }
        at = at.checked_add(1)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_elements_are_found_in_order_with_their_exact_text() {
        let text = " {\"a\" : 1.50, \"b\":[ {\"c\":\"x\\\"}\"} , null,[1,2]],\"\\u0064\":true } ";
        let json = Json::of(text);
        let members: Vec<_> = json.members().map(|m| (m.name, m.value.text())).collect();
        assert_eq!(members, [("a", "1.50"), ("b", "[ {\"c\":\"x\\\"}\"} , null,[1,2]]"), ("\\u0064", "true")]);
        let elements: Vec<_> = json.get("b").unwrap().elements().map(Json::text).collect();
        assert_eq!(elements, ["{\"c\":\"x\\\"}\"}", "null", "[1,2]"]);
        assert_eq!(json.get("d").unwrap().text(), "true");
        let mut seen = Vec::new();
        json.any(&["b", "c"], &mut |value| {
            seen.push(value.string().unwrap().into_owned());
            false
        });
        assert_eq!(seen, ["x\"}"]);
    }

    #[test]
    fn text_that_is_no_json_yields_less_and_never_panics() {
        for text in
            ["", "{", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":}", "[,", "[[[[", "\"\\", "{]", "nul", "{\"a\":\"\\u12"]
        {
            let json = Json::of(text);
            assert!(json.members().count() <= 1, "{text}");
            assert!(json.elements().count() <= 1, "{text}");
            assert!(json.get("a").and_then(Json::string).is_none());
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{{\"a\":{}{},\"b\":2}}", "[".repeat(500_000), "]".repeat(500_000));
        assert_eq!(Json::of(&deep).get("b").unwrap().text(), "2");
    }
}
