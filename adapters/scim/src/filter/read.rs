//! The reader of filters: recursive, with the depth and the terms counted.

use super::{Comparison, Filter, MAX_FILTER_BYTES, MAX_FILTER_DEPTH, MAX_FILTER_TERMS, Unread};
use crate::path::Path;
use serde_json::Value;

/// Reads a whole text as one filter; `brackets` says whether values of a list may be chosen in it.
pub(super) fn filter(text: &str, brackets: bool) -> Result<Filter, Unread> {
    if text.len() > MAX_FILTER_BYTES {
        return Err(Unread::TooMuch);
    }
    let mut reader = Reader { rest: text, terms: 0, depth: 0, brackets };
    let filter = reader.any()?;
    reader.rest = reader.rest.trim_start();
    if reader.rest.is_empty() { Ok(filter) } else { Err(Unread::Form) }
}

struct Reader<'a> {
    rest: &'a str,
    terms: usize,
    depth: usize,
    brackets: bool,
}

impl<'a> Reader<'a> {
    /// Reads `… or …`.
    fn any(&mut self) -> Result<Filter, Unread> {
        let mut filter = self.all()?;
        while self.word_if("or") {
            filter = Filter::Or(Box::new(filter), Box::new(self.all()?));
        }
        Ok(filter)
    }

    /// Reads `… and …`.
    fn all(&mut self) -> Result<Filter, Unread> {
        let mut filter = self.one()?;
        while self.word_if("and") {
            filter = Filter::And(Box::new(filter), Box::new(self.one()?));
        }
        Ok(filter)
    }

    /// Reads a comparison, `not (…)` or `(…)`.
    fn one(&mut self) -> Result<Filter, Unread> {
        let before = self.rest;
        if self.word_if("not") {
            if self.rest.trim_start().starts_with('(') {
                return Ok(Filter::Not(Box::new(self.group()?)));
            }
            self.rest = before;
        }
        if self.rest.trim_start().starts_with('(') {
            return self.group();
        }
        self.term()
    }

    fn group(&mut self) -> Result<Filter, Unread> {
        self.depth = self.depth.saturating_add(1);
        if self.depth > MAX_FILTER_DEPTH {
            return Err(Unread::TooMuch);
        }
        self.rest = self.rest.trim_start().strip_prefix('(').ok_or(Unread::Form)?;
        let inner = self.any()?;
        self.rest = self.rest.trim_start().strip_prefix(')').ok_or(Unread::Form)?;
        self.depth = self.depth.saturating_sub(1);
        Ok(inner)
    }

    fn term(&mut self) -> Result<Filter, Unread> {
        self.terms = self.terms.saturating_add(1);
        if self.terms > MAX_FILTER_TERMS {
            return Err(Unread::TooMuch);
        }
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']'));
        let (name, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        let mut path = Path::name(name).ok_or(Unread::Form)?;
        self.rest = rest;
        if let Some(inner) = rest.strip_prefix('[') {
            if !self.brackets || path.part.is_some() {
                return Err(Unread::Form);
            }
            let mut reader = Reader { rest: inner, terms: self.terms, depth: self.depth, brackets: false };
            path.chosen = Some(Box::new(reader.any()?));
            self.terms = reader.terms;
            self.rest = reader.rest.trim_start().strip_prefix(']').ok_or(Unread::Form)?;
            // `emails[…]` alone asks whether there is such a value.
            return Ok(Filter::Present(path));
        }
        let word = self.word();
        let comparison = match word.to_ascii_lowercase().as_str() {
            "pr" => return Ok(Filter::Present(path)),
            "eq" => Comparison::Equal,
            "ne" => Comparison::NotEqual,
            "co" => Comparison::Contains,
            "sw" => Comparison::StartsWith,
            "ew" => Comparison::EndsWith,
            "gt" => Comparison::Greater,
            "ge" => Comparison::GreaterOrEqual,
            "lt" => Comparison::Less,
            "le" => Comparison::LessOrEqual,
            _ => return Err(Unread::Form),
        };
        Ok(Filter::Compare(path, comparison, self.value()?))
    }

    /// Takes the next word of letters.
    fn word(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        let end = self.rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// Takes the next word if it is this one and nothing is joined to it.
    fn word_if(&mut self, wanted: &str) -> bool {
        let before = self.rest;
        let word = self.word();
        let ends = self.rest.is_empty() || self.rest.starts_with(|c: char| c.is_whitespace() || c == '(');
        if word.eq_ignore_ascii_case(wanted) && ends {
            return true;
        }
        self.rest = before;
        false
    }

    /// Takes a text, a truth value, a number or null, in the form of JSON.
    fn value(&mut self) -> Result<Value, Unread> {
        self.rest = self.rest.trim_start();
        let end = if self.rest.starts_with('"') {
            end_of_text(self.rest).ok_or(Unread::Form)?
        } else {
            self.rest.find(|c: char| c.is_whitespace() || matches!(c, ')' | ']')).unwrap_or(self.rest.len())
        };
        let (literal, rest) = self.rest.split_at(end);
        self.rest = rest;
        match serde_json::from_str(literal) {
            Ok(value @ (Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Null)) => Ok(value),
            // Entra ID writes truth values with a capital.
            _ if literal.eq_ignore_ascii_case("true") => Ok(Value::Bool(true)),
            _ if literal.eq_ignore_ascii_case("false") => Ok(Value::Bool(false)),
            _ => Err(Unread::Form),
        }
    }
}

/// Returns where a text in quotes ends, behind the last of them.
fn end_of_text(text: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at.checked_add(1),
            _ => {}
        }
    }
    None
}
