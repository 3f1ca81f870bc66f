//! OBX-5 by the type in OBX-2: the `value[x]` of an observation or of one of its components.

use std::borrow::Cow;

use r4::json::{Decimal, Object};
use r4::tables::uri;

use super::code::write_concept_members;
use super::issue::Issue;
use super::log::Row;
use super::moment::read_time;
use super::period::Period;
use super::scope::Scope;
use super::unit::Unit;
use crate::message::Repetition;

/// What sort of value OBX-2 announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueType {
    /// NM.
    Number,
    /// SN: comparator, number, separator, number.
    Structured,
    /// ST: one text a repetition.
    Text,
    /// TX, FT: repetitions are paragraphs of one text.
    Paragraphs,
    /// CE, CWE, CNE, CF, IS.
    Coded,
    /// DT, TS, DTM.
    Moment,
    /// TM.
    Time,
    /// DR.
    Period,
    /// NR.
    Range,
    /// ED.
    Document,
    /// RP.
    Pointer,
    /// A type of HL7 that FHIR has no value for.
    Other,
    /// OBX-2 is empty.
    Absent,
    /// OBX-2 is no type.
    Unknown,
}

impl ValueType {
    /// Reads OBX-2, without regard to case or white space.
    pub(super) fn read(text: &str) -> ValueType {
        let mut name = [0u8; 4];
        let text = text.trim().as_bytes();
        let Some(space) = name.get_mut(..text.len()) else {
            return ValueType::Unknown;
        };
        space.copy_from_slice(text);
        space.make_ascii_uppercase();
        match core::str::from_utf8(space).unwrap_or("?") {
            "NM" => ValueType::Number,
            "SN" => ValueType::Structured,
            "ST" => ValueType::Text,
            "TX" | "FT" => ValueType::Paragraphs,
            "CE" | "CWE" | "CNE" | "CF" | "IS" => ValueType::Coded,
            "DT" | "TS" | "DTM" => ValueType::Moment,
            "TM" => ValueType::Time,
            "DR" => ValueType::Period,
            "NR" => ValueType::Range,
            "ED" => ValueType::Document,
            "RP" => ValueType::Pointer,
            "AD" | "CD" | "CK" | "CN" | "CNN" | "CP" | "CQ" | "CX" | "EI" | "HD" | "ID" | "MA" | "MO" | "NA" | "PL"
            | "PN" | "SI" | "TN" | "VR" | "XAD" | "XCN" | "XON" | "XPN" | "XTN" => ValueType::Other,
            "" => ValueType::Absent,
            _ => ValueType::Unknown,
        }
    }

    /// Whether rows of this type with the same code and sub-id are lines of one text.
    pub(super) fn is_text(self) -> bool {
        matches!(self, ValueType::Text | ValueType::Paragraphs)
    }
}

/// Most bytes of a FHIR string (FHIR R4 §2.24.0.1); what is longer becomes a document.
pub(super) const LONGEST_STRING: usize = 1024 * 1024;

/// Writes one repetition of OBX-5 as `value[x]`. Says whether anything was written; a value that cannot be what its type says is
/// kept as text, with an issue, and never dropped.
pub(super) fn write(
    json: &mut Object<'_>,
    kind: ValueType,
    value: Repetition<'_>,
    unit: &Unit<'_>,
    row: &Row<'_>,
    scope: &Scope<'_>,
) -> bool {
    if value.is_empty() || value.raw() == "\"\"" {
        return false;
    }
    let zone = &scope.sender.time_zone;
    let written = match kind {
        ValueType::Number => write_number(json, &value.text(), unit, row),
        ValueType::Structured => write_structured(json, value, unit, row),
        ValueType::Coded => write_coded(json, value, unit, scope),
        ValueType::Moment => match scope.moment(row, 5, &value.component(1).text()) {
            Some(moment) => {
                moment.write(json, "valueDateTime", zone);
                true
            }
            None => false,
        },
        ValueType::Time => match read_time(&value.component(1).text()) {
            Some(time) => {
                json.text("valueTime", &time);
                true
            }
            None => {
                row.issue(5, Issue::DateInvalid);
                false
            }
        },
        ValueType::Period => write_period(json, value, row, scope),
        ValueType::Range => write_range(json, value.component(1).text(), value.component(2).text(), unit),
        ValueType::Pointer => {
            row.issue(5, Issue::PointerNotFollowed);
            false
        }
        ValueType::Other => {
            row.issue(2, Issue::ValueTypeAsText);
            false
        }
        ValueType::Absent => {
            row.issue(2, Issue::ValueTypeAbsent);
            false
        }
        ValueType::Unknown => {
            row.issue(2, Issue::ValueTypeUnknown);
            false
        }
        ValueType::Text | ValueType::Paragraphs | ValueType::Document => false,
    };
    written || write_text(json, kind, value, unit)
}

/// Where the fields of a value go.
const ELEMENT: &str = "value";

/// Writes a value as the text it came as; a number that is text keeps its unit behind it.
fn write_text(json: &mut Object<'_>, kind: ValueType, value: Repetition<'_>, unit: &Unit<'_>) -> bool {
    let mut text = match kind {
        ValueType::Structured => (1..=value.component_count())
            .map(|number| value.component(number).text())
            .filter(|part| !part.trim().is_empty())
            .collect::<Vec<_>>()
            .join(" "),
        _ => value.text().trim_end().to_owned(),
    };
    match kind {
        ValueType::Number
        | ValueType::Structured
        | ValueType::Text
        | ValueType::Paragraphs
        | ValueType::Range
        | ValueType::Other
        | ValueType::Absent
        | ValueType::Unknown => unit.put_behind(&mut text, ELEMENT),
        // Dates, codes, documents and pointers have no unit.
        ValueType::Coded
        | ValueType::Moment
        | ValueType::Time
        | ValueType::Period
        | ValueType::Document
        | ValueType::Pointer => {}
    }
    let written = !text.trim().is_empty();
    json.text("valueString", &text);
    written
}

fn write_number(json: &mut Object<'_>, text: &str, unit: &Unit<'_>, row: &Row<'_>) -> bool {
    let bare = unit.cut_off(text);
    if let Some(number) = Decimal::read(text).or_else(|| Decimal::read(bare)) {
        json.object("valueQuantity", |quantity| unit.write_quantity(quantity, ELEMENT, None, &number));
        return true;
    }
    let (comparator, rest) = split_comparator(bare.trim());
    match (comparator, Decimal::read(rest)) {
        (Some(comparator), Some(number)) => {
            row.issue(5, Issue::NumberStructured);
            json.object("valueQuantity", |quantity| unit.write_quantity(quantity, ELEMENT, Some(comparator), &number));
            true
        }
        _ => {
            row.issue(5, Issue::NumberUnreadable);
            false
        }
    }
}

/// Cuts a comparator off, if it is one that FHIR knows.
pub(super) fn split_comparator(text: &str) -> (Option<&'static str>, &str) {
    for comparator in ["<=", ">=", "<", ">"] {
        if let Some(rest) = text.strip_prefix(comparator) {
            return (Some(comparator), rest.trim_start());
        }
    }
    for (sign, comparator) in [("≤", "<="), ("≥", ">=")] {
        if let Some(rest) = text.strip_prefix(sign) {
            return (Some(comparator), rest.trim_start());
        }
    }
    (None, text)
}

/// Writes SN (HL7 v2.5.1 §2.A.70): Quantity, Ratio for `:` and `/`, Range for `-`; `<>`, `+` and half ranges have no counterpart.
fn write_structured(json: &mut Object<'_>, value: Repetition<'_>, unit: &Unit<'_>, row: &Row<'_>) -> bool {
    let part = |number: usize| super::identity::trimmed(value.component(number).text());
    let (sign, first, separator, second) = (part(1), part(2), part(3), part(4));
    if value.component_count() == 1 {
        // Sent as if it were NM, comparator and all.
        return write_number(json, &sign, unit, row);
    }
    let comparator = match sign.as_ref() {
        "" | "=" => Some(None),
        known @ ("<" | "<=" | ">" | ">=") => Some(split_comparator(known).0),
        _ => None,
    };
    let written = match (comparator, Decimal::read(&first), separator.as_ref(), Decimal::read(&second)) {
        (Some(comparator), Some(number), "", None) if second.is_empty() => {
            json.object("valueQuantity", |quantity| unit.write_quantity(quantity, ELEMENT, comparator, &number));
            true
        }
        (Some(comparator), Some(first), ":" | "/", Some(second)) => {
            json.object("valueRatio", |ratio| {
                ratio.object("numerator", |quantity| unit.write_quantity(quantity, ELEMENT, comparator, &first));
                ratio.object("denominator", |quantity| unit.write_quantity(quantity, ELEMENT, None, &second));
            });
            true
        }
        (Some(None), Some(_), "-", Some(_)) => write_range(json, first, second, unit),
        _ => false,
    };
    if !written {
        row.issue(5, Issue::StructuredUnreadable);
    }
    written
}

fn write_range(json: &mut Object<'_>, low: Cow<'_, str>, high: Cow<'_, str>, unit: &Unit<'_>) -> bool {
    let (Some(low), Some(high)) = (Decimal::read(&low), Decimal::read(&high)) else {
        return false;
    };
    if low.compare(&high).is_none_or(|order| order.is_gt()) {
        return false;
    }
    json.object("valueRange", |range| {
        range.object("low", |quantity| unit.write_quantity(quantity, ELEMENT, None, &low));
        range.object("high", |quantity| unit.write_quantity(quantity, ELEMENT, None, &high));
    });
    true
}

fn write_coded(json: &mut Object<'_>, value: Repetition<'_>, unit: &Unit<'_>, scope: &Scope<'_>) -> bool {
    let mut written = false;
    unit.stand_beside(&super::code::text_of(value), ELEMENT);
    json.object("valueCodeableConcept", |concept| {
        write_concept_members(concept, value, scope, None);
        written = super::code::codings(value).next().is_some() || !super::code::text_of(value).trim().is_empty();
    });
    written
}

fn write_period(json: &mut Object<'_>, value: Repetition<'_>, row: &Row<'_>, scope: &Scope<'_>) -> bool {
    let (start, end) = (value.component(1).text(), value.component(2).text());
    let period = Period::read(row, (5, &start), (5, &end), scope);
    if period.is_unknown() {
        return false;
    }
    json.object("valuePeriod", |json| period.write_members(json, &scope.sender.time_zone));
    true
}

/// Why there is no value, in FHIR's words, from OBX-11.
pub(super) fn absent_reason(status: &str) -> &'static str {
    match status.trim() {
        "X" | "x" => "not-performed",
        "N" | "n" => "not-asked",
        "D" | "W" | "d" | "w" => "error",
        "I" | "O" | "S" | "P" | "R" | "i" | "o" | "s" | "p" | "r" => "temp-unknown",
        _ => "unknown",
    }
}

/// Writes `dataAbsentReason`.
pub(super) fn write_absent(json: &mut Object<'_>, reason: &str, removed: bool) {
    json.object("dataAbsentReason", |concept| {
        concept.single("coding", |coding| {
            coding.text("system", uri::ABSENT_REASON);
            coding.text("code", reason);
        });
        if removed {
            concept.text("text", r4::merge::VALUE_REMOVED);
        }
    });
}
