//! Decimals as the text they had.

use core::cmp::Ordering;

/// A number whose text is a JSON number with exactly the value and precision that were sent.
///
/// Borrowed from the text it was read from; writing it adds at most a zero before the point.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Decimal<'a> {
    negative: bool,
    /// Digits before the point without leading zeros; empty for zero.
    whole: &'a str,
    /// Digits after the point, as many as were sent.
    fraction: &'a str,
    /// Power of ten, as sent.
    exponent: &'a str,
}

/// Most digits, and furthest power of ten, written as a number; beyond that a reader's decimals give up.
const MOST_DIGITS: usize = 64;

impl<'a> Decimal<'a> {
    /// Reads `[+-]digits[.digits][E[+-]digits]`, ASCII digits only; `None` for every other text.
    ///
    /// Leading zeros and a leading `+` go, `.5` gains its zero, `5.` loses its point: JSON has no such numbers and the value
    /// stays the same. More than 64 digits, or a power of ten beyond ±64, are refused (`1e400` is no number to any reader).
    #[must_use]
    pub fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let (negative, unsigned) = match text.split_at_checked(1)? {
            ("-", rest) => (true, rest),
            ("+", rest) => (false, rest),
            _ => (false, text),
        };
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent_of(exponent)?),
            None => (unsigned, ""),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = whole.len().saturating_add(fraction.len());
        if digits == 0 || digits > MOST_DIGITS || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        Some(Self { negative, whole: whole.trim_start_matches('0'), fraction, exponent })
    }

    /// Appends the number as JSON.
    pub fn write(&self, out: &mut String) {
        if self.negative {
            out.push('-');
        }
        out.push_str(if self.whole.is_empty() { "0" } else { self.whole });
        if !self.fraction.is_empty() {
            out.push('.');
            out.push_str(self.fraction);
        }
        if !self.exponent.is_empty() {
            out.push('E');
            out.push_str(self.exponent);
        }
    }

    /// Compares two numbers by value; `None` when one of them has a power of ten.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if !self.exponent.is_empty() || !other.exponent.is_empty() {
            return None;
        }
        let (left, right) = (self.is_zero(), other.is_zero());
        Some(match (self.negative && !left, other.negative && !right) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.magnitude(other),
            (true, true) => other.magnitude(self),
        })
    }

    fn is_zero(&self) -> bool {
        self.whole.is_empty() && self.fraction.bytes().all(|digit| digit == b'0')
    }

    fn magnitude(&self, other: &Self) -> Ordering {
        let fraction = |number: &Self| number.fraction.trim_end_matches('0').to_owned();
        self.whole
            .len()
            .cmp(&other.whole.len())
            .then_with(|| self.whole.cmp(other.whole))
            .then_with(|| fraction(self).cmp(&fraction(other)))
    }
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Checks a power of ten and returns its text, sign included.
fn exponent_of(text: &str) -> Option<&str> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let small = digits.parse::<u8>().ok().is_some_and(|power| usize::from(power) <= MOST_DIGITS);
    (small && all_digits(digits)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::Decimal;
    use core::cmp::Ordering;
    use proptest::prelude::*;

    fn written(text: &str) -> Option<String> {
        let mut out = String::new();
        Decimal::read(text)?.write(&mut out);
        Some(out)
    }

    #[test]
    fn value_and_precision_are_kept_and_json_is_valid() {
        for (sent, wanted) in [
            ("140", "140"),
            ("+5", "5"),
            ("-3.50", "-3.50"),
            ("0010.50", "10.50"),
            ("007", "7"),
            (".5", "0.5"),
            ("5.", "5"),
            ("000", "0"),
            ("-0.0", "-0.0"),
            ("1.20E3", "1.20E3"),
            ("1e-3", "1E-3"),
            (" 7.4 ", "7.4"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(written(sent).as_deref(), Some(wanted), "{sent}");
        }
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in [
            "", ".", "-", "+-5", "--", "1,5", "1e400", "1e", "NaN", "Infinity", "5%", "1-2", "١٢", "0x1F", "1 2",
            "1.2.3", "5+",
        ] {
            assert!(Decimal::read(text).is_none(), "{text}");
        }
        assert!(Decimal::read(&"1".repeat(65)).is_none());
    }

    #[test]
    fn numbers_compare_by_value() {
        let compare = |a: &str, b: &str| Decimal::read(a).unwrap().compare(&Decimal::read(b).unwrap());
        assert_eq!(compare("3.50", "3.5"), Some(Ordering::Equal));
        assert_eq!(compare("-5", "5"), Some(Ordering::Less));
        assert_eq!(compare("-5", "-4.9"), Some(Ordering::Less));
        assert_eq!(compare("10", "9.99"), Some(Ordering::Greater));
        assert_eq!(compare("-0", "0.0"), Some(Ordering::Equal));
        assert_eq!(compare("1E1", "1"), None);
    }

    proptest! {
        #[test]
        fn a_written_number_is_json_and_has_the_same_value(text in "[+-]?[0-9]{0,12}(\\.[0-9]{0,6})?([eE][+-]?[0-9]{1,2})?") {
            if let Some(json) = written(&text) {
                prop_assert!(serde_json::from_str::<serde_json::Number>(&json).is_ok());
                prop_assert_eq!(json.parse::<f64>().unwrap(), text.parse::<f64>().unwrap());
            }
        }
    }
}
