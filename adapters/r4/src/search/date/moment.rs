//! A date or time as it is written, as a range whose width is its precision.

use domain::time::{days_from_civil, days_in};

/// From `lo`, included, to `hi`, excluded, in microseconds.
#[derive(Clone, Copy)]
pub(super) struct Range {
    pub(super) lo: i64,
    pub(super) hi: i64,
}

/// How much of a moment is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    Year,
    Month,
    Day,
    Time,
}

/// A date or time as it is written: a range on the local clock, and the zone where one is given.
#[derive(Clone, Copy)]
pub(super) struct Moment {
    pub(super) wall: Range,
    pub(super) width: i64,
    pub(super) precision: Precision,
    /// Offset from UTC in microseconds.
    pub(super) zone: Option<i64>,
}

impl Moment {
    /// Returns the range in UTC; that on the local clock where no zone is given.
    pub(super) fn utc(self) -> Range {
        let zone = self.zone.unwrap_or_default();
        Range { lo: self.wall.lo.saturating_sub(zone), hi: self.wall.hi.saturating_sub(zone) }
    }

    /// Reads `YYYY[-MM[-DD[Thh:mm[:ss[.f…]][Z|±hh:mm]]]]`.
    pub(super) fn read(text: &str) -> Option<Moment> {
        let (date, time) = match text.split_once('T') {
            Some((date, time)) => (date, Some(time)),
            None => (text, None),
        };
        let mut parts = date.split('-');
        let year = number(parts.next()?, 4)?;
        let month = parts.next().map(|text| number(text, 2));
        let day = parts.next().map(|text| number(text, 2));
        if year == 0 || parts.next().is_some() {
            return None;
        }
        match (month, day) {
            (None, _) if time.is_none() => Some(Self::days(
                days_from_civil(year, 1, 1),
                days_from_civil(year.checked_add(1)?, 1, 1),
                Precision::Year,
            )),
            (Some(month), None) if time.is_none() => {
                let month = month.filter(|month| (1..=12).contains(month))?;
                let first = days_from_civil(year, month, 1);
                Some(Self::days(first, first.checked_add(days_in(year, month))?, Precision::Month))
            }
            (Some(month), Some(day)) => {
                let (month, day) = (month?, day?);
                if !(1..=days_in(year, month)).contains(&day) {
                    return None;
                }
                let first = days_from_civil(year, month, day);
                match time {
                    None => Some(Self::days(first, first.checked_add(1)?, Precision::Day)),
                    Some(time) => Self::time(first.checked_mul(DAY)?, time),
                }
            }
            _ => None,
        }
    }

    fn days(from: i64, to: i64, precision: Precision) -> Moment {
        let wall = Range { lo: from.saturating_mul(DAY), hi: to.saturating_mul(DAY) };
        Moment { wall, width: wall.hi.saturating_sub(wall.lo), precision, zone: None }
    }

    fn time(midnight: i64, text: &str) -> Option<Moment> {
        let zone_at = text.find(['Z', '+', '-', ' ']).unwrap_or(text.len());
        let (clock, zone) = text.split_at_checked(zone_at)?;
        let zone = match zone.split_at_checked(1) {
            None => None,
            Some(("Z", "")) => Some(0),
            Some(("-", rest)) => Some(offset(rest)?.checked_neg()?),
            // A plus sign that a client forgot to encode arrives as a space.
            Some(("+" | " ", rest)) => Some(offset(rest)?),
            Some(_) => return None,
        };
        let (clock, fraction) = match clock.split_once('.') {
            Some((clock, fraction)) => (clock, Some(fraction)),
            None => (clock, None),
        };
        let mut parts = clock.split(':');
        let (hour, minute) = (number(parts.next()?, 2)?, number(parts.next()?, 2)?);
        let second = parts.next().map(|text| number(text, 2));
        if hour > 23 || minute > 59 || parts.next().is_some() || (second.is_none() && fraction.is_some()) {
            return None;
        }
        // A leap second is noted as 60; the day of a computer has none.
        let seconds = second.map_or(Some(0), |second| second.filter(|second| *second <= 60))?.min(59);
        let (micros, width) = match (second, fraction) {
            (None, _) => (0, MINUTE),
            (Some(_), None) => (0, SECOND),
            (Some(_), Some(fraction)) => sub_second(fraction)?,
        };
        let lo = hour
            .checked_mul(60)?
            .checked_add(minute)?
            .checked_mul(60)?
            .checked_add(seconds)?
            .checked_mul(SECOND)?
            .checked_add(micros)?
            .checked_add(midnight)?;
        let wall = Range { lo, hi: lo.checked_add(width)? };
        Some(Moment { wall, width, precision: Precision::Time, zone })
    }
}

pub(super) const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
pub(super) const DAY: i64 = 24 * 60 * MINUTE;

fn number(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// Reads `hh:mm` as microseconds; no zone is further than 14 hours from UTC.
fn offset(text: &str) -> Option<i64> {
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (number(hours, 2)?, number(minutes, 2)?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    (minutes < 60 && total <= 14 * 60).then(|| total.saturating_mul(MINUTE))
}

/// Reads the digits behind the point: microseconds, and how wide the last digit is; below a microsecond nothing is told apart.
fn sub_second(text: &str) -> Option<(i64, i64)> {
    if text.is_empty() || text.len() > 12 || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut micros = 0i64;
    let mut width = SECOND;
    for digit in text.chars().take(6) {
        width = width.div_euclid(10);
        micros = micros.checked_add(i64::from(digit.to_digit(10)?).checked_mul(width)?)?;
    }
    Some((micros, width))
}
