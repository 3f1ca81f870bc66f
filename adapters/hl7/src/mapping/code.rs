//! Coded values (CE, CWE, CNE, CF, IS, ID) as CodeableConcept and Coding.

use std::borrow::Cow;

use r4::json::{Array, Object};
use r4::tables::{coding_system, is_hl7_table, oid_system, uri};

use super::identity::{percent, trimmed};
use super::log::parts;
use super::scope::Scope;
use crate::message::Repetition;

/// The components of CWE that a CodeableConcept has room for.
pub(super) const CWE: u32 = parts(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 17, 20]);

/// Where the three codings of CWE stand: code, text, system, version, system OID.
const TRIPLETS: [[usize; 5]; 3] = [[1, 2, 3, 7, 14], [4, 5, 6, 8, 17], [10, 11, 12, 13, 20]];

/// One coding of a coded value.
pub(super) struct Coding<'m> {
    pub(super) code: Cow<'m, str>,
    pub(super) display: Cow<'m, str>,
    pub(super) system: Cow<'m, str>,
    pub(super) version: Cow<'m, str>,
    pub(super) oid: Cow<'m, str>,
}

/// Reads the codings of a coded value that have a code.
pub(super) fn codings<'m>(value: Repetition<'m>) -> impl Iterator<Item = Coding<'m>> {
    let sent = value.component_count();
    TRIPLETS.into_iter().filter(move |[code, ..]| *code <= sent).filter_map(
        move |[code, display, system, version, oid]| {
            let text = |number: usize| trimmed(value.component(number).text());
            let code = text(code);
            (!code.is_empty()).then(|| Coding {
                code,
                display: text(display),
                system: text(system),
                version: text(version),
                oid: text(oid),
            })
        },
    )
}

/// The text of a coded value: what the user saw (CWE.9), else the first description there is.
pub(super) fn text_of(value: Repetition<'_>) -> Cow<'_, str> {
    if value.is_empty() {
        return Cow::Borrowed("");
    }
    [9usize, 2, 5, 11]
        .into_iter()
        .map(|number| value.component(number).text())
        .find(|text| !text.trim().is_empty())
        .unwrap_or_default()
}

/// The text of a coded value, or its code.
pub(super) fn words_of(value: Repetition<'_>) -> String {
    let text = text_of(value);
    let text = if text.trim().is_empty() { value.component(1).text() } else { text };
    trimmed(text).into_owned()
}

/// Writes element `name` as CodeableConcept: every coding that has a code, and the text.
///
/// `table` is the code system of a value that names none itself, as the field's HL7 table; without one it is the sender's own.
pub(super) fn write_concept(
    json: &mut Object<'_>,
    name: &str,
    value: Repetition<'_>,
    scope: &Scope<'_>,
    table: Option<&str>,
) {
    // Most fields are empty, and an empty one is not worth looking at in parts.
    if !value.is_empty() {
        json.object(name, |concept| write_concept_members(concept, value, scope, table));
    }
}

/// Writes the members of a CodeableConcept.
pub(super) fn write_concept_members(
    concept: &mut Object<'_>,
    value: Repetition<'_>,
    scope: &Scope<'_>,
    table: Option<&str>,
) {
    concept.array("coding", |list| {
        for coding in codings(value) {
            coding.write(list, scope, table);
        }
    });
    concept.text("text", &text_of(value));
}

impl Coding<'_> {
    /// Adds the coding to a list.
    pub(super) fn write(&self, list: &mut Array<'_>, scope: &Scope<'_>, table: Option<&str>) {
        list.object(|json| {
            json.text("system", &self.address(scope, table));
            json.text("version", &self.version);
            json.code("code", &self.code);
            json.text("display", &self.display);
        });
    }

    /// The address of the code system.
    ///
    /// A name that only the sender knows (`L`, `99LAB`) is below the sender's own name: the same code at another sender is another code.
    pub(super) fn address(&self, scope: &Scope<'_>, table: Option<&str>) -> Cow<'static, str> {
        let name = self.system.as_ref();
        if let Some(address) = coding_system(name) {
            return Cow::Borrowed(address);
        }
        match is_hl7_table(name) {
            Some("0005") => return Cow::Borrowed(uri::CDC_RACE),
            Some(digits) => return Cow::Owned(format!("{}{digits}", uri::V2)),
            None => {}
        }
        for oid in [name, self.oid.as_ref()] {
            let is_oid =
                oid.len() > 3 && oid.contains('.') && oid.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            if is_oid {
                return oid_system(oid).map_or_else(|| Cow::Owned(format!("urn:oid:{oid}")), Cow::Borrowed);
            }
        }
        let is_address = ["http://", "https://", "urn:"].iter().any(|scheme| name.starts_with(scheme));
        if is_address && !name.contains(char::is_whitespace) {
            return Cow::Owned(name.to_owned());
        }
        match (name.is_empty(), table) {
            (true, Some(table)) => Cow::Owned(table.to_owned()),
            (true, None) => Cow::Owned([scope.local.as_str(), ":code"].concat()),
            (false, _) => Cow::Owned([scope.local.as_str(), ":code:", &percent(name)].concat()),
        }
    }
}

/// Writes element `name` as a CodeableConcept of one code of ours.
pub(super) fn write_code(json: &mut Object<'_>, name: &str, system: &str, code: &str) {
    json.object(name, |concept| {
        concept.single("coding", |coding| {
            coding.text("system", system);
            coding.code("code", code);
        });
    });
}

/// Writes the code an element was mapped from, as an extension beside it.
pub(super) fn write_alternate_code(json: &mut Object<'_>, name: &str, system: &str, code: &str) {
    json.object(&format!("_{name}"), |beside| {
        beside.single("extension", |extension| {
            extension.text("url", uri::ALTERNATE_CODES);
            write_code(extension, "valueCodeableConcept", system, code);
        });
    });
}

/// Says of element `name` that the sender deleted it (`""`): a merge with what is stored ([`r4::merge`]) takes it as sent.
pub(super) fn write_deleted(json: &mut Object<'_>, name: &str) {
    json.object(name, |element| write_absent(element, "unknown"));
}

/// Says of an element that it was written because nothing was sent: a merge with what is stored ([`r4::merge`]) prefers that.
pub(super) fn write_not_sent(json: &mut Object<'_>) {
    json.single("extension", |extension| {
        extension.text("url", uri::ASSUMED);
        extension.text("valueCode", "not-sent");
    });
}

/// Writes why an element is absent, as its extension.
pub(super) fn write_absent(json: &mut Object<'_>, reason: &str) {
    json.single("extension", |extension| {
        extension.text("url", uri::ABSENT);
        extension.text("valueCode", reason);
    });
}
