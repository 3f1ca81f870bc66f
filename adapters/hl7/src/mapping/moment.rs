//! Dates and times: precision kept, zones added only where FHIR demands one, and then marked.

use domain::time::{Timestamp, civil, days_from_civil, days_in};
use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use r4::json::Object;
use r4::tables::uri;

/// A date or moment as FHIR writes it, with the precision that was sent.
#[derive(Clone)]
pub(super) struct Moment {
    /// `YYYY`, `YYYY-MM`, `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM:SS[.f…]±HH:MM`.
    pub(super) text: String,
    /// The moment itself; the start of the day, month or year when no time was sent.
    pub(super) at: Timestamp,
    /// Whether a time of day was sent.
    pub(super) timed: bool,
    /// Whether the zone is the sender's configured one.
    pub(super) assumed: bool,
}

impl Moment {
    /// Reads a DTM, TS or DT value (HL7 v2.5.1 §2.A.22); `None` unless it is a real date.
    ///
    /// Hours without minutes, which FHIR cannot say, become the full hour. A zone on a bare date is dropped: FHIR has none there.
    pub(super) fn read(text: &str, zone: &TimeZone) -> Option<Moment> {
        let (digits, offset) = split_zone(text.trim())?;
        let (digits, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if !matches!(digits.len(), 4 | 6 | 8 | 10 | 12 | 14) || !all_digits(digits) || !all_digits(fraction) {
            return None;
        }
        let part = |from: usize, to: usize| digits.get(from..to).and_then(|part| part.parse::<i64>().ok());
        let year = part(0, 4).filter(|year| *year > 0)?;
        let (month, day) = (part(4, 6), part(6, 8));
        if month.is_some_and(|month| !(1..=12).contains(&month))
            || day.is_some_and(|day| !(1..=days_in(year, month.unwrap_or(0))).contains(&day))
        {
            return None;
        }
        let days = days_from_civil(year, month.unwrap_or(1), day.unwrap_or(1));
        let midnight = days.checked_mul(86_400)?;
        let Some(hour) = part(8, 10) else {
            let at = midnight.checked_sub(offset_at(zone, midnight)?)?;
            return Some(Moment { text: date_text(digits), at: seconds(at)?, timed: false, assumed: false });
        };
        let (minute, second) = (part(10, 12).unwrap_or(0), part(12, 14).unwrap_or(0));
        if hour > 23 || minute > 59 || second > 59 || (digits.len() < 14 && !fraction.is_empty()) {
            return None;
        }
        let local = midnight
            .checked_add(hour.checked_mul(3_600)?)?
            .checked_add(minute.checked_mul(60)?)?
            .checked_add(second)?;
        let (shift, assumed) = match offset {
            Some(minutes) => (minutes.checked_mul(60)?, false),
            None => (offset_at(zone, local)?, true),
        };
        let mut text = String::with_capacity(32);
        text.push_str(&date_text(digits));
        for (mark, from, to) in [('T', 8, 10), (':', 10, 12), (':', 12, 14)] {
            text.push(mark);
            text.push_str(digits.get(from..to).unwrap_or("00"));
        }
        if !fraction.is_empty() {
            text.push('.');
            text.push_str(fraction);
        }
        push_offset(&mut text, shift);
        let micros = fraction.bytes().chain(*b"000000").take(6).fold(0i64, |micros, digit| {
            micros.saturating_mul(10).saturating_add(i64::from(digit.saturating_sub(b'0')))
        });
        let at = Timestamp(seconds(local.checked_sub(shift)?)?.0.checked_add(micros)?);
        Some(Moment { text, at, timed: true, assumed })
    }

    /// Whether it lies before another; a day or month without a time is before another only as far as both say.
    pub(super) fn is_before(&self, other: &Moment) -> bool {
        if self.timed && other.timed {
            return self.at < other.at;
        }
        let said = self.text.len().min(other.text.len()).min(10);
        self.text.get(..said) < other.text.get(..said)
    }

    /// Writes the moment as element `name`, with the marks it needs beside it.
    pub(super) fn write(&self, json: &mut Object<'_>, name: &str, zone: &TimeZone) {
        json.text(name, &self.text);
        if self.assumed {
            json.object(&format!("_{name}"), |beside| beside.array("extension", |list| write_zone_mark(list, zone)));
        }
    }

    /// Writes the moment as element `name` that was taken from elsewhere, which `whence` names; `sent` is what stood in its place and
    /// could not be used.
    pub(super) fn write_assumed(&self, json: &mut Object<'_>, name: &str, zone: &TimeZone, whence: &str, sent: &str) {
        json.text(name, &self.text);
        json.object(&format!("_{name}"), |beside| {
            beside.array("extension", |list| {
                list.object(|mark| {
                    mark.text("url", uri::ASSUMED);
                    mark.text("valueCode", whence);
                });
                if !sent.trim().is_empty() {
                    list.object(|mark| {
                        mark.text("url", uri::ORIGINAL_TEXT);
                        mark.text("valueString", sent);
                    });
                }
                if self.assumed {
                    write_zone_mark(list, zone);
                }
            });
        });
    }

    /// The dates a search may know this moment by: as written, and in UTC.
    pub(super) fn days(&self) -> impl Iterator<Item = String> {
        let written = self.text.get(..10).map(ToOwned::to_owned);
        let utc = self.timed.then(|| {
            let (year, month, day) = civil(self.at.0.div_euclid(86_400_000_000));
            format!("{year:04}-{month:02}-{day:02}")
        });
        written.into_iter().chain(utc)
    }
}

/// Returns the zone of a message whose MSH-7 names another offset than `zone`, the sender's, had at that moment.
///
/// The offset of MSH-7 is the default of all times of the message (HL7 v2.5.1 §2.A.22). Where it is that of the sender's zone, the zone says
/// more: an offset in March is wrong for a time in July.
pub(super) fn zone_beside(zone: &TimeZone, sent: &str) -> Option<TimeZone> {
    let (_, minutes) = split_zone(sent.trim())?;
    let shift = minutes?.checked_mul(60)?;
    let moment = Moment::read(sent, zone)?;
    let at = jiff::Timestamp::from_second(moment.at.0.div_euclid(1_000_000)).ok()?;
    let stated = Offset::from_seconds(i32::try_from(shift).ok()?).ok()?;
    (zone.to_offset(at) != stated).then(|| TimeZone::fixed(stated))
}

/// Writes the date without time as FHIR wants it: `YYYY`, `YYYY-MM` or `YYYY-MM-DD`.
fn date_text(digits: &str) -> String {
    let mut text = String::with_capacity(10);
    for (from, to) in [(0, 4), (4, 6), (6, 8)] {
        if let Some(part) = digits.get(from..to) {
            if from > 0 {
                text.push('-');
            }
            text.push_str(part);
        }
    }
    text
}

/// Appends an offset in seconds as `±HH:MM`.
fn push_offset(text: &mut String, shift: i64) {
    let minutes = shift.abs().div_euclid(60);
    text.push(if shift < 0 { '-' } else { '+' });
    for (mark, value) in [("", minutes.div_euclid(60)), (":", minutes.rem_euclid(60))] {
        text.push_str(mark);
        for digit in [value.div_euclid(10), value.rem_euclid(10)] {
            text.push(u32::try_from(digit).ok().and_then(|digit| char::from_digit(digit, 10)).unwrap_or('0'));
        }
    }
}

const ZONE_ASSUMED: &str = "time-zone";

/// Whether a resource has a moment that is marked as read in an assumed zone.
pub(super) fn has_zone_mark(content: &str) -> bool {
    content.contains(&format!("\"valueCode\":\"{ZONE_ASSUMED}\""))
}

fn write_zone_mark(list: &mut r4::json::Array<'_>, zone: &TimeZone) {
    list.object(|mark| {
        mark.text("url", uri::ASSUMED);
        mark.text("valueCode", ZONE_ASSUMED);
    });
    if let Some(name) = zone.iana_name() {
        list.object(|mark| {
            mark.text("url", uri::TIME_ZONE);
            mark.text("valueCode", name);
        });
    }
}

/// Reads a TM value (HL7 v2.5.1 §2.A.75) as FHIR's time, `HH:MM:SS[.f…]`; a zone on it is dropped, since FHIR's time has none.
pub(super) fn read_time(text: &str) -> Option<String> {
    let (digits, _) = split_zone(text.trim())?;
    let (digits, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if !matches!(digits.len(), 2 | 4 | 6) || !all_digits(digits) || !all_digits(fraction) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).map_or(Some(0), |part| part.parse::<u32>().ok());
    let (hour, minute, second) = (part(0, 2)?, part(2, 4)?, part(4, 6)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour:02}:{minute:02}:{second:02}{point}{fraction}"))
}

/// Cuts the zone off: the digits, and the offset in minutes if there is one.
fn split_zone(text: &str) -> Option<(&str, Option<i64>)> {
    if let Some(digits) = text.strip_suffix('Z') {
        return Some((digits, Some(0)));
    }
    let Some((digits, zone)) = text.find(['+', '-']).and_then(|at| text.split_at_checked(at)) else {
        return Some((text, None));
    };
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hours, minutes) = match zone.len() {
        2 => (zone, "0"),
        4 => zone.split_at_checked(2)?,
        5 => zone.split_once(':')?,
        _ => return None,
    };
    if !all_digits(hours) || !all_digits(minutes) {
        return None;
    }
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    let total = hours.checked_mul(60)?.checked_add(minutes)?;
    if minutes > 59 || total > 14 * 60 {
        return None;
    }
    Some((digits, Some(if sign == "-" { total.saturating_neg() } else { total })))
}

/// Returns the zone's offset from UTC in seconds at a local time, which is given in seconds since 1970-01-01T00:00 local.
///
/// A time that an hour change skips or repeats is taken as its first possible meaning.
fn offset_at(zone: &TimeZone, local: i64) -> Option<i64> {
    let (year, month, day) = civil(local.div_euclid(86_400));
    let of_day = local.rem_euclid(86_400);
    let (hour, minute, second) =
        (of_day.div_euclid(3_600), of_day.div_euclid(60).rem_euclid(60), of_day.rem_euclid(60));
    let small = |value: i64| i8::try_from(value).ok();
    let moment = DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?,
        0,
    )
    .ok()?;
    let timestamp = zone.to_ambiguous_timestamp(moment).compatible().ok()?;
    // FHIR's offsets have no seconds; those of local mean time before standard time are cut to minutes.
    let offset = local.checked_sub(timestamp.as_second())?;
    Some(offset.div_euclid(60).saturating_mul(60))
}

fn seconds(at: i64) -> Option<Timestamp> {
    at.checked_mul(1_000_000).map(Timestamp)
}

fn all_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::{Moment, read_time};
    use jiff::tz::TimeZone;

    fn read(text: &str) -> Option<(String, bool)> {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        Moment::read(text, &zone).map(|moment| (moment.text, moment.assumed))
    }

    #[test]
    fn precision_and_zone_are_kept() {
        for (sent, wanted) in [
            ("2026", "2026"),
            ("202603", "2026-03"),
            ("20260314", "2026-03-14"),
            ("20260314+0100", "2026-03-14"),
            ("202603140930+0000", "2026-03-14T09:30:00+00:00"),
            ("20260314093015.1230-0500", "2026-03-14T09:30:15.1230-05:00"),
            ("20260314093015-0000", "2026-03-14T09:30:15+00:00"),
            ("20260314093015Z", "2026-03-14T09:30:15+00:00"),
            ("2026031409+0530", "2026-03-14T09:00:00+05:30"),
        ] {
            assert_eq!(read(sent), Some((wanted.to_owned(), false)), "{sent}");
        }
    }

    #[test]
    fn a_missing_zone_is_the_senders_and_is_marked() {
        assert_eq!(read("20260314093000"), Some(("2026-03-14T09:30:00+01:00".to_owned(), true)));
        assert_eq!(read("20260714093000"), Some(("2026-07-14T09:30:00+02:00".to_owned(), true)));
        // The hour that the clocks skip, and the one they repeat.
        assert_eq!(read("20260329023000"), Some(("2026-03-29T02:30:00+01:00".to_owned(), true)));
        assert_eq!(read("20261025023000"), Some(("2026-10-25T02:30:00+02:00".to_owned(), true)));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "20261301",
            "20260230",
            "20260314240000",
            "2026031",
            "00000101",
            "20260314 0930",
            "2026-03-14",
            "abcd",
            "20260314093060",
            "20260314+9900",
            "２０２６",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_moment_is_known_by_its_local_day_and_its_day_in_utc() {
        let moment = Moment::read("20260314003000+0100", &TimeZone::UTC).unwrap();
        assert_eq!(moment.days().collect::<Vec<_>>(), ["2026-03-14", "2026-03-13"]);
        assert_eq!(moment.at.rfc3339(), "2026-03-13T23:30:00.000Z");
    }

    #[test]
    fn times_of_day_are_read() {
        assert_eq!(read_time("0830").as_deref(), Some("08:30:00"));
        assert_eq!(read_time("083015.25+0100").as_deref(), Some("08:30:15.25"));
        assert_eq!(read_time("2460"), None);
        assert_eq!(read_time("8:30"), None);
    }
}
