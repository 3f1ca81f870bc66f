//! OBX-6 as the unit of quantities.

use std::borrow::Cow;
use std::cell::Cell;

use r4::json::{Decimal, Object};
use r4::tables::uri;

use super::code::{CWE, codings};
use super::identity::trimmed;
use super::issue::Issue;
use super::log::{Row, parts};
use super::scope::Scope;

/// A unit: what it is called, and its code where it has one.
///
/// The field counts as mapped by being written, not by being read: a unit that no value has room for is listed as not mapped.
pub(super) struct Unit<'m> {
    row: Row<'m>,
    /// As people read it.
    text: Cow<'m, str>,
    /// The components that say no more than the text.
    shown: u32,
    coded: Option<(Cow<'static, str>, Cow<'m, str>)>,
    written: Cell<bool>,
    apart: Cell<bool>,
}

impl<'m> Unit<'m> {
    /// Reads OBX-6 (CE, CWE) of a row.
    ///
    /// UCUM only where the sender says UCUM, in any of the three codings: `mg/dl` is no UCUM just because it looks like it. A code of
    /// the sender's own is kept where it says something else than the text.
    pub(super) fn read(row: &Row<'m>, scope: &Scope<'_>) -> Self {
        let value = row.peek(6).first();
        let (code, text) = (trimmed(value.component(1).text()), trimmed(value.component(2).text()));
        let ucum = codings(value).find(|coding| coding.address(scope, None) == uri::UCUM);
        let coded = match ucum {
            Some(coding) => Some((Cow::Borrowed(uri::UCUM), coding.code)),
            None => codings(value)
                .next()
                .filter(|coding| !coding.system.is_empty() && !text.is_empty() && coding.code != text)
                .map(|coding| (coding.address(scope, None), coding.code)),
        };
        let shown = match (code.is_empty(), text.is_empty()) {
            (true, true) => CWE,
            (false, true) => parts(&[1]),
            (_, false) if code == text => parts(&[1, 2]),
            (_, false) => parts(&[2]),
        };
        let text = if text.is_empty() { code } else { text };
        let text = match &coded {
            Some((_, code)) if text.is_empty() => code.clone(),
            _ => text,
        };
        Unit { row: *row, text, shown, coded, written: Cell::new(false), apart: Cell::new(false) }
    }

    /// Whether it stands anywhere in what was written.
    pub(super) fn is_written(&self) -> bool {
        self.written.get()
    }

    fn take(&self, element: &'static str, components: u32) {
        if !self.written.replace(true) {
            self.row.take_parts(6, element, components);
        }
    }

    /// Whether US Core takes quantities in it: without a code, or with one of UCUM.
    pub(super) fn conforms(&self) -> bool {
        self.coded.as_ref().is_none_or(|(system, _)| system == uri::UCUM)
    }

    /// Cuts the unit off a text that ends in it (`5 mg/dL`), as OBX-6 calls it or codes it.
    ///
    /// A unit that begins with a digit (`10*3/uL`) must stand apart: without a space nobody knows where the number ends.
    pub(super) fn cut_off<'t>(&self, text: &'t str) -> &'t str {
        let code = self.coded.as_ref().map(|(_, code)| code.as_ref());
        [Some(self.text.as_ref()), code]
            .into_iter()
            .flatten()
            .filter(|unit| !unit.is_empty())
            .find_map(|unit| {
                let rest = text.trim_end().strip_suffix(unit)?;
                let apart = rest.ends_with(char::is_whitespace) || !unit.starts_with(|c: char| c.is_ascii_digit());
                apart.then(|| rest.trim_end())
            })
            .unwrap_or(text)
    }

    /// Puts the unit behind a text that is a number and no more, as `<0.01` or `1:40`, unless the text ends in it.
    ///
    /// Behind words it would make another statement of them: `4.5 mmol/L` is not `4.5 mmol/L mg/dL`. Such a text is left as it is, and the
    /// unit is to be told apart from it.
    pub(super) fn put_behind(&self, text: &mut String, element: &'static str) {
        if is_bare_number(text) && !self.text.is_empty() {
            text.truncate(text.trim_end().len());
            text.push(' ');
            text.push_str(&self.text);
            self.take(element, self.shown);
        } else {
            self.stand_beside(text, element);
        }
    }

    /// Says that the unit belongs to a text that was written without it; one with a number in it needs the unit told.
    pub(super) fn stand_beside(&self, text: &str, element: &'static str) {
        if self.text.is_empty() || !text.contains(char::is_numeric) {
            return;
        }
        if self.ends(text) {
            self.take(element, self.shown);
        } else if !self.apart.replace(true) {
            self.row.issue(6, Issue::UnitApart);
            self.take("note", self.shown);
        }
    }

    /// Its text, where a note has to tell it.
    pub(super) fn told_apart(&self) -> Option<&str> {
        self.apart.get().then_some(self.text.as_ref())
    }

    /// Whether a text with a number in it ends in the unit as a word: `5 mg` does not end in `g`, nor `510*3/uL` in `10*3/uL`.
    fn ends(&self, text: &str) -> bool {
        let Some(rest) = text.trim_end().strip_suffix(self.text.as_ref()) else {
            return false;
        };
        let digits = self.text.starts_with(|c: char| c.is_ascii_digit());
        rest.contains(|c: char| c.is_ascii_digit())
            && rest.ends_with(|c: char| c.is_whitespace() || (c.is_ascii_digit() && !digits))
    }

    /// Writes the members of a Quantity as part of an element.
    pub(super) fn write_quantity(
        &self,
        json: &mut Object<'_>,
        element: &'static str,
        comparator: Option<&str>,
        value: &Decimal<'_>,
    ) {
        self.take(element, CWE);
        json.decimal("value", value);
        if let Some(comparator) = comparator {
            json.text("comparator", comparator);
        }
        json.text("unit", &self.text);
        if let Some((system, code)) = &self.coded {
            json.text("system", system);
            json.code("code", code);
        }
    }
}

/// Whether a text in one line is made of digits and the signs that numbers, ranges and titres are written with.
fn is_bare_number(text: &str) -> bool {
    let mut before = ' ';
    let mut rest = text.trim().chars().peekable();
    let mut digits = false;
    while let Some(c) = rest.next() {
        let sign = matches!(
            c,
            ' ' | '.' | ',' | ':' | '-' | '–' | '+' | '<' | '>' | '=' | '≤' | '≥' | '/' | '(' | ')' | '*' | '^'
        );
        let power = matches!(c, 'e' | 'E')
            && before.is_ascii_digit()
            && rest.peek().is_some_and(|next| next.is_ascii_digit() || matches!(next, '+' | '-'));
        if !c.is_ascii_digit() && !sign && !power {
            return false;
        }
        digits = digits || c.is_ascii_digit();
        before = c;
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::is_bare_number;

    #[test]
    fn a_bare_number_has_no_words() {
        for bare in ["5", " <0.01 ", ">= 1:40", "1,234", "1-2", "5+", "1e400", "1.2E-3", "≤5", "2^10", "(5)"] {
            assert!(is_bare_number(bare), "{bare}");
        }
        for words in ["", "-", "5 mg", "45 %", "5\n6", "e5", "5E", "see 3", "١٢", "NaN"] {
            assert!(!is_bare_number(words), "{words}");
        }
    }
}
