//! OBX-7 as reference ranges.

use r4::json::{Array, Decimal};

use super::unit::Unit;
use super::value::split_comparator;
use crate::message::Field;

/// Adds a range for each repetition: its text always, its ends only where the text allows one reading.
pub(super) fn write(list: &mut Array<'_>, field: Field<'_>, unit: &Unit<'_>) {
    for value in field.repetitions() {
        let text = value.text();
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        list.object(|range| {
            let (low, high) = ends(unit.cut_off(text));
            if let Some(low) = low {
                range.object("low", |quantity| unit.write_quantity(quantity, "referenceRange", None, &low));
            }
            if let Some(high) = high {
                range.object("high", |quantity| unit.write_quantity(quantity, "referenceRange", None, &high));
            }
            range.text("text", text);
        });
    }
}

/// Reads `3.5-5.1`, `-5 - 5`, `3.5 to 5.5`, `<10`, `>=3`, the unit cut off; nothing from anything else.
fn ends(text: &str) -> (Option<Decimal<'_>>, Option<Decimal<'_>>) {
    match split_comparator(text) {
        (Some("<" | "<="), number) => return (None, plain(number)),
        (Some(_), number) => return (plain(number), None),
        (None, _) => {}
    }
    // A minus sign may open the text: the dash between the ends is looked for behind the first character.
    let dash = text.char_indices().skip(1).find(|(_, c)| matches!(c, '-' | '–')).map(|(at, c)| (at, c.len_utf8()));
    let word = text.find(" to ").map(|at| (at, 4));
    let Some((at, length)) = word.or(dash) else {
        return (None, None);
    };
    let (Some(low), Some(high)) = (text.get(..at), text.get(at.saturating_add(length)..)) else {
        return (None, None);
    };
    match (plain(low), plain(high)) {
        (Some(low), Some(high)) if low.compare(&high).is_some_and(|order| order.is_le()) => (Some(low), Some(high)),
        _ => (None, None),
    }
}

/// A number without a power of ten: in a range, `E` is more often a typing error.
fn plain(text: &str) -> Option<Decimal<'_>> {
    if text.contains(['e', 'E']) { None } else { Decimal::read(text) }
}

#[cfg(test)]
mod tests {
    use super::ends;

    fn read(text: &str) -> (Option<String>, Option<String>) {
        let (low, high) = ends(text);
        let write = |number: r4::json::Decimal<'_>| {
            let mut out = String::new();
            number.write(&mut out);
            out
        };
        (low.map(write), high.map(write))
    }

    #[test]
    fn ends_are_read_only_where_there_is_one_reading() {
        let some = |text: &str| Some(text.to_owned());
        for (text, low, high) in [
            ("3.5-5.50", some("3.5"), some("5.50")),
            ("-5 - 5", some("-5"), some("5")),
            ("-10--5", some("-10"), some("-5")),
            ("3.5 to 5.5", some("3.5"), some("5.5")),
            ("<10", None, some("10")),
            ("<= 0.9", None, some("0.9")),
            (">=3", some("3"), None),
            ("M: 3-5; F: 2-4", None, None),
            ("Negative", None, None),
            ("5-3", None, None),
            ("1-2-3", None, None),
            ("3,5-5,5", None, None),
            ("0-1E3", None, None),
            ("7", None, None),
        ] {
            assert_eq!(read(text), (low, high), "{text}");
        }
    }
}
