//! OBX-6 as the unit of quantities.

use std::borrow::Cow;

use r4::json::{Decimal, Object};
use r4::tables::uri;

use super::code::codings;
use super::identity::trimmed;
use super::scope::Scope;
use crate::message::Repetition;

/// A unit: what it is called, and its code where it has one.
#[derive(Default)]
pub(super) struct Unit<'m> {
    /// As people read it.
    pub(super) text: Cow<'m, str>,
    coded: Option<(Cow<'static, str>, Cow<'m, str>)>,
}

impl<'m> Unit<'m> {
    /// Reads OBX-6 (CE, CWE).
    ///
    /// UCUM only where the sender says UCUM, in any of the three codings: `mg/dl` is no UCUM just because it looks like it. A code of
    /// the sender's own is kept where it says something else than the text.
    pub(super) fn read(value: Repetition<'m>, scope: &Scope<'_>) -> Self {
        let (code, text) = (trimmed(value.component(1).text()), trimmed(value.component(2).text()));
        let ucum = codings(value).find(|coding| coding.address(scope, None) == uri::UCUM);
        let coded = match ucum {
            Some(coding) => Some((Cow::Borrowed(uri::UCUM), coding.code)),
            None => codings(value)
                .next()
                .filter(|coding| !coding.system.is_empty() && !text.is_empty() && coding.code != text)
                .map(|coding| (coding.address(scope, None), coding.code)),
        };
        let shown = if text.is_empty() { code } else { text };
        let shown = match &coded {
            Some((_, code)) if shown.is_empty() => code.clone(),
            _ => shown,
        };
        Unit { text: shown, coded }
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

    /// Writes the members of a Quantity.
    pub(super) fn write_quantity(&self, json: &mut Object<'_>, comparator: Option<&str>, value: &Decimal<'_>) {
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
