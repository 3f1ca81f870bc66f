//! Normalisers: one spelling for what should be found as the same.

use super::Field;
use alloc::string::String;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The version of these rules. It is part of every field's key: an index made by other rules finds nothing.
pub const NORMALISER_VERSION: u16 = 1;

/// Returns the spelling under which a value is indexed and looked up.
///
/// References: the id, without type or address before it. Identifiers, codes, labels: NFKC, case
/// folded, trimmed. Dates: `YYYY-MM-DD`, `YYYY-MM` or `YYYY`, cut to the field's precision; the
/// compact form of HL7 (`YYYYMMDD…`) reads the same. Names: NFKC, without case, accents,
/// punctuation and spaces, as FHIR R4 §3.1.1.4.8 matches strings.
#[must_use]
pub fn normalise(field: Field, value: &str) -> String {
    match field {
        Field::Patient | Field::Encounter | Field::BasedOn | Field::Performer | Field::Specimen | Field::Target => {
            // Folded first: NFKC makes a stroke of what looked like a letter (℀). Ids of ours are plain and stay as they are.
            let folded = folded(value);
            folded.rsplit('/').next().unwrap_or(&folded).trim().into()
        }
        Field::Identifier | Field::Code | Field::MessageControlId | Field::Label => folded(value),
        Field::Day | Field::BirthDate => date(value, 10),
        Field::Month => date(value, 7),
        Field::Family | Field::Given | Field::Name => name(value),
    }
}

/// NFKC of the case-folded NFKC, trimmed; twice, since folding can make what NFKC changes again.
fn folded(value: &str) -> String {
    if value.is_ascii() {
        return value.trim().to_ascii_lowercase();
    }
    let once: String = value.nfkc().flat_map(fold).nfkc().collect();
    let twice: String = once.nfkc().flat_map(fold).nfkc().collect();
    twice.trim().into()
}

fn name(value: &str) -> String {
    if value.is_ascii() {
        let letters = value.chars().filter(char::is_ascii_alphanumeric);
        return letters.map(|letter| letter.to_ascii_lowercase()).collect();
    }
    let letters: String = value
        .nfkd()
        .flat_map(fold)
        .nfkd()
        .filter(|letter| !is_combining_mark(*letter) && letter.is_alphanumeric())
        .collect();
    letters.nfkc().collect()
}

/// Upper, then lower case: `ß` and `SS`, `ς` and `Σ` come out the same.
fn fold(letter: char) -> impl Iterator<Item = char> {
    letter.to_uppercase().flat_map(char::to_lowercase)
}

/// Cuts a date to a precision of `length` characters, 10 for the day and 7 for the month.
fn date(value: &str, length: usize) -> String {
    let wide: String;
    let text = if value.is_ascii() {
        value.trim()
    } else {
        wide = value.nfkc().collect();
        wide.trim()
    };
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let iso = match (digits, text.get(..4), text.get(4..6), text.get(6..8)) {
        (8.., Some(year), Some(month), Some(day)) => [year, "-", month, "-", day].concat(),
        (6 | 7, Some(year), Some(month), _) => [year, "-", month].concat(),
        _ => text.get(..10).unwrap_or(text).into(),
    };
    // What is no date may be cut after a space: trimmed again, or it would read otherwise the second time.
    iso.get(..length).unwrap_or(&iso).trim_end().into()
}
