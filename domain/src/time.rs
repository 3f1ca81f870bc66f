//! Moments in time: microseconds since 1970-01-01T00:00:00Z, handed in by the caller.

use alloc::string::String;
use core::fmt::Write;
use serde::{Deserialize, Serialize};

/// A moment in microseconds since the Unix epoch, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Returns whole milliseconds since the epoch, never negative.
    #[must_use]
    pub fn millis(self) -> u64 {
        u64::try_from(self.0.div_euclid(1_000)).unwrap_or_default()
    }

    /// Drops what is below the millisecond, the precision of audit entries and of `meta.lastUpdated`.
    #[must_use]
    pub fn to_millisecond(self) -> Self {
        Self(self.0.div_euclid(1_000).saturating_mul(1_000))
    }

    /// Returns the moment this many seconds later, or the last representable one.
    #[must_use]
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1_000_000)))
    }

    /// Renders `YYYY-MM-DDTHH:MM:SS.mmmZ` (RFC 3339, always UTC, always three digits of fraction).
    #[must_use]
    pub fn rfc3339(self) -> String {
        let mut text = String::with_capacity(24);
        let (year, month, day) = civil(self.0.div_euclid(86_400_000_000));
        let of_day = self.0.rem_euclid(86_400_000_000).div_euclid(1_000);
        let (ms, s) = (of_day.rem_euclid(1_000), of_day.div_euclid(1_000));
        let (h, m, s) = (s.div_euclid(3_600), s.div_euclid(60).rem_euclid(60), s.rem_euclid(60));
        let _ = write!(text, "{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}.{ms:03}Z");
        text
    }

    /// Reads `YYYY-MM-DDTHH:MM:SS[.f…](Z|±HH:MM)`; `None` when the text is anything else.
    #[must_use]
    pub fn from_rfc3339(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let mut parts = date.splitn(3, '-').map(digits);
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        let rest = rest.strip_prefix('T')?;
        let (clock, rest) = rest.split_at_checked(8)?;
        let mut parts = clock.splitn(3, ':').map(digits);
        let (h, m, s) = (parts.next()??, parts.next()??, parts.next()??);
        if !(1..=12).contains(&month) || !(1..=days_in(year, month)).contains(&day) || h > 23 || m > 59 || s > 60 {
            return None;
        }
        let (fraction, zone) = match rest.strip_prefix('.') {
            Some(rest) => {
                let end = rest.find(|c: char| !c.is_ascii_digit())?;
                let (fraction, zone) = rest.split_at_checked(end)?;
                let micros = fraction.chars().chain("000000".chars()).take(6).collect::<String>();
                (digits(&micros)?, zone)
            }
            None => (0, rest),
        };
        let offset = if zone == "Z" { 0 } else { zone_minutes(zone)? };
        let days = days_from_civil(year, month, day);
        let seconds = days
            .checked_mul(86_400)?
            .checked_add(h.checked_mul(3_600)?)?
            .checked_add(m.checked_mul(60)?)?
            .checked_add(s)?
            .checked_sub(offset.checked_mul(60)?)?;
        seconds.checked_mul(1_000_000)?.checked_add(fraction).map(Self)
    }
}

fn zone_minutes(zone: &str) -> Option<i64> {
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (h, m) = rest.split_once(':')?;
    let minutes = digits(h)?.checked_mul(60)?.checked_add(digits(m)?)?;
    (rest.len() == 5 && minutes <= 14 * 60).then(|| minutes.saturating_mul(sign))
}

fn digits(text: &str) -> Option<i64> {
    (!text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Returns the number of days of a month of the Gregorian calendar; 0 for a month that is none.
#[must_use]
pub fn days_in(year: i64, month: i64) -> i64 {
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0) => 29,
        2 => 28,
        _ => 0,
    }
}

/// Returns the days since 1970-01-01 of a date of the proleptic Gregorian calendar.
#[must_use]
pub fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year.saturating_sub(1) } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let shifted = month.saturating_add(9).rem_euclid(12);
    let of_year = shifted.saturating_mul(153).saturating_add(2).div_euclid(5).saturating_add(day).saturating_sub(1);
    let days = of_era
        .saturating_mul(365)
        .saturating_add(of_era.div_euclid(4))
        .saturating_sub(of_era.div_euclid(100))
        .saturating_add(of_year);
    era.saturating_mul(146_097).saturating_add(days).saturating_sub(719_468)
}

/// Returns (year, month, day) of a number of days since 1970-01-01.
#[must_use]
pub fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days.saturating_add(719_468);
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = of_era
        .saturating_sub(of_era.div_euclid(1_460))
        .saturating_add(of_era.div_euclid(36_524))
        .saturating_sub(of_era.div_euclid(146_096))
        .div_euclid(365);
    let of_year = of_era.saturating_sub(
        year_of_era
            .saturating_mul(365)
            .saturating_add(year_of_era.div_euclid(4))
            .saturating_sub(year_of_era.div_euclid(100)),
    );
    let shifted_month = of_year.saturating_mul(5).saturating_add(2).div_euclid(153);
    let day =
        of_year.saturating_sub(shifted_month.saturating_mul(153).saturating_add(2).div_euclid(5)).saturating_add(1);
    let month = shifted_month.saturating_add(2).rem_euclid(12).saturating_add(1);
    let year = year_of_era.saturating_add(era.saturating_mul(400)).saturating_add(i64::from(month <= 2));
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_reads_back_from_its_text() {
        for text in [
            "1970-01-01T00:00:00.000Z",
            "2026-11-21T23:59:59.999Z",
            "2000-02-29T12:00:00.120Z",
            "1969-12-31T23:59:59.000Z",
        ] {
            assert_eq!(Timestamp::from_rfc3339(text).map(Timestamp::rfc3339).as_deref(), Some(text));
        }
        assert_eq!(
            Timestamp::from_rfc3339("2026-11-21T01:00:00+02:00").map(Timestamp::rfc3339).as_deref(),
            Some("2026-11-20T23:00:00.000Z")
        );
        for bad in [
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-01",
            "2026-01-01T00:00:00",
            "2026-01-01T24:00:00Z",
            "",
        ] {
            assert_eq!(Timestamp::from_rfc3339(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_day_of_four_centuries_reads_back() {
        for day in -146_097..146_097 {
            let (y, m, d) = civil(day);
            assert_eq!(days_from_civil(y, m, d), day);
        }
    }
}
