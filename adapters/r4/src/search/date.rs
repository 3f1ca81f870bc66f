//! Date search: prefixes on ranges whose width is the precision of what is written (R4 search §3.1.1.4.7).
//!
//! ```text
//!   asked    |=====|            eq  found lies within asked        ne  it does not
//!   found  |---|                gt  found reaches beyond its end   lt  found begins before it
//!                               sa  found begins after its end     eb  found ends before it begins
//!                               ge  gt or eq                       le  lt or eq      ap  they overlap, widened
//! ```
//! A date without a zone is compared with what clocks showed where the value was written ("dates do not have time
//! zones, and time zones should not be considered"); with a zone, both are compared in UTC.

mod moment;

use self::moment::{DAY, Moment, Precision, Range, SECOND};
use crate::scan::Json;
use domain::time::Timestamp;

/// One date asked for.
pub(super) struct Asked {
    prefix: Prefix,
    moment: Moment,
    /// By how much `ap` widens the range, in microseconds.
    slack: i64,
}

/// How the asked range and the found one must lie.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    StartsAfter,
    EndsBefore,
    Approximate,
}

impl Asked {
    /// Reads one alternative: an optional prefix and a date, time or part of one; `now` sets how wide `ap` is.
    pub(super) fn read(text: &str, now: Timestamp) -> Option<Asked> {
        let (prefix, rest) = match text.split_at_checked(2) {
            Some(("eq", rest)) => (Prefix::Equal, rest),
            Some(("ne", rest)) => (Prefix::NotEqual, rest),
            Some(("gt", rest)) => (Prefix::Greater, rest),
            Some(("lt", rest)) => (Prefix::Less, rest),
            Some(("ge", rest)) => (Prefix::GreaterOrEqual, rest),
            Some(("le", rest)) => (Prefix::LessOrEqual, rest),
            Some(("sa", rest)) => (Prefix::StartsAfter, rest),
            Some(("eb", rest)) => (Prefix::EndsBefore, rest),
            Some(("ap", rest)) => (Prefix::Approximate, rest),
            _ => (Prefix::Equal, text),
        };
        let moment = Moment::read(rest)?;
        let slack = now.0.saturating_sub(moment.utc().lo).saturating_abs().div_euclid(10);
        Some(Asked { prefix, moment, slack })
    }

    /// Returns the days on any clock, `YYYY-MM-DD`, on one of which a fitting value must begin; `None` when unbounded or wide.
    pub(super) fn days(&self) -> Option<Vec<String>> {
        if self.prefix != Prefix::Equal || self.moment.width > DAY {
            return None;
        }
        let day = self.moment.utc().lo.div_euclid(DAY);
        if self.moment.zone.is_none() {
            return Some(vec![day_text(day)]);
        }
        Some(vec![day_text(day.saturating_sub(1)), day_text(day), day_text(day.saturating_add(1))])
    }

    /// Returns the month, `YYYY-MM`, in which a fitting value must begin, when a month is what was asked for.
    pub(super) fn month(&self) -> Option<String> {
        let is_month = self.prefix == Prefix::Equal && self.moment.precision == Precision::Month;
        is_month.then(|| day_text(self.moment.wall.lo.div_euclid(DAY)).get(..7).map(str::to_owned))?
    }

    /// Returns the whole date, when exactly one was asked for without a time.
    pub(super) fn date(&self) -> Option<String> {
        let is_date = self.prefix == Prefix::Equal && self.moment.precision == Precision::Day;
        is_date.then(|| day_text(self.moment.wall.lo.div_euclid(DAY)))
    }

    /// Says whether a date, dateTime, instant or Period of a resource is what was asked for.
    pub(super) fn fits(&self, value: Json<'_>) -> bool {
        if value.is_object() {
            let end = |name: &str| value.get(name).and_then(Json::string).map(|text| Moment::read(&text));
            let (start, end) = match (end("start"), end("end")) {
                (None, None) | (Some(None), _) | (_, Some(None)) => return false,
                (start, end) => (start.flatten(), end.flatten()),
            };
            return self.compare(Range {
                lo: start.map_or(i64::MIN, |moment| self.side(moment).lo),
                hi: end.map_or(i64::MAX, |moment| self.side(moment).hi),
            });
        }
        let Some(found) = value.string().and_then(|text| Moment::read(&text)) else {
            return false;
        };
        let mut range = self.side(found);
        if found.width == SECOND && self.moment.width < SECOND {
            // A value noted to the second is not said to last one: it fits a finer question at its beginning.
            range.hi = range.lo.saturating_add(self.moment.width);
        }
        self.compare(range)
    }

    /// Says whether a moment known to the millisecond is what was asked for.
    pub(super) fn fits_moment(&self, found: Timestamp) -> bool {
        let lo = found.to_millisecond().0;
        self.compare(Range { lo, hi: lo.saturating_add(1_000) })
    }

    fn side(&self, found: Moment) -> Range {
        if self.moment.zone.is_some() { found.utc() } else { found.wall }
    }

    fn compare(&self, found: Range) -> bool {
        let asked = if self.moment.zone.is_some() { self.moment.utc() } else { self.moment.wall };
        let within = asked.lo <= found.lo && found.hi <= asked.hi;
        match self.prefix {
            Prefix::Equal => within,
            Prefix::NotEqual => !within,
            Prefix::Greater => found.hi > asked.hi,
            Prefix::Less => found.lo < asked.lo,
            Prefix::GreaterOrEqual => found.hi > asked.hi || within,
            Prefix::LessOrEqual => found.lo < asked.lo || within,
            Prefix::StartsAfter => found.lo >= asked.hi,
            Prefix::EndsBefore => found.hi <= asked.lo,
            Prefix::Approximate => {
                found.lo < asked.hi.saturating_add(self.slack) && found.hi > asked.lo.saturating_sub(self.slack)
            }
        }
    }
}

/// Returns the day, `YYYY-MM-DD`, on the clock of where it was written, on which a date or Period begins.
pub(super) fn first_day(value: Json<'_>) -> Option<String> {
    let start = if value.is_object() { value.get("start")?.string()? } else { value.string()? };
    let moment = Moment::read(&start)?;
    (moment.width <= DAY).then(|| day_text(moment.wall.lo.div_euclid(DAY)))
}

/// Returns the month, `YYYY-MM`, in which a date or Period begins; `None` when only a year is known.
pub(super) fn first_month(value: Json<'_>) -> Option<String> {
    let start = if value.is_object() { value.get("start")?.string()? } else { value.string()? };
    let moment = Moment::read(&start)?;
    (moment.precision != Precision::Year)
        .then(|| day_text(moment.wall.lo.div_euclid(DAY)).get(..7).map(str::to_owned))?
}

fn day_text(day: i64) -> String {
    let (year, month, day) = domain::time::civil(day);
    format!("{year:04}-{month:02}-{day:02}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: &str = "2026-11-21T00:00:00Z";

    fn asked(text: &str) -> Asked {
        Asked::read(text, Timestamp::from_rfc3339(NOW).unwrap()).unwrap()
    }

    fn fits(text: &str, value: &str) -> bool {
        let value = if value.starts_with('{') { value.to_owned() } else { format!("\"{value}\"") };
        asked(text).fits(Json::of(&value))
    }

    /// One value against the nine prefixes, in the order eq ne gt lt ge le sa eb.
    fn row(date: &str, value: &str) -> String {
        ["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb"]
            .iter()
            .filter(|prefix| fits(&format!("{prefix}{date}"), value))
            .copied()
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn a_day_asked_for_is_compared_by_range_with_values_of_every_precision() {
        for (value, expected) in [
            ("2024-03-05", "eq ge le"),
            ("2024-03-05T00:00:00Z", "eq ge le"),
            ("2024-03-05T23:59:59.999Z", "eq ge le"),
            ("2024-03-06", "ne gt ge sa"),
            ("2024-03-06T00:00:00Z", "ne gt ge sa"),
            ("2024-03-04", "ne lt le eb"),
            ("2024-03-04T23:59:59Z", "ne lt le eb"),
            ("2024-03", "ne gt lt ge le"),
            ("2024", "ne gt lt ge le"),
            ("2023", "ne lt le eb"),
            ("2025", "ne gt ge sa"),
        ] {
            assert_eq!(row("2024-03-05", value), expected, "{value}");
        }
    }

    #[test]
    fn a_period_is_compared_by_its_ends_and_an_open_end_is_endless() {
        for (start, end, expected) in [
            (Some("2024-03-05T08:00:00Z"), Some("2024-03-05T09:00:00Z"), "eq ge le"),
            (Some("2024-03-05"), Some("2024-03-05"), "eq ge le"),
            (Some("2024-03-04"), Some("2024-03-06"), "ne gt lt ge le"),
            (Some("2024-03-04"), Some("2024-03-05"), "ne lt le"),
            (Some("2024-03-05"), Some("2024-03-06"), "ne gt ge"),
            (Some("2024-03-06"), Some("2024-03-07"), "ne gt ge sa"),
            (Some("2024-03-01"), Some("2024-03-04"), "ne lt le eb"),
            (Some("2024-03-05"), None, "ne gt ge"),
            (Some("2024-03-06"), None, "ne gt ge sa"),
            (None, Some("2024-03-05"), "ne lt le"),
            (None, Some("2024-03-04"), "ne lt le eb"),
        ] {
            let ends = [start.map(|s| format!("\"start\":\"{s}\"")), end.map(|e| format!("\"end\":\"{e}\""))];
            let value = format!("{{{}}}", ends.into_iter().flatten().collect::<Vec<_>>().join(","));
            assert_eq!(row("2024-03-05", &value), expected, "{value}");
        }
        assert_eq!(row("2024-03-05", "{}"), "");
        assert_eq!(row("2024-03-05", r#"{"start":"soon"}"#), "");
    }

    #[test]
    fn an_instant_asked_for_is_compared_in_utc() {
        for (value, expected) in [
            ("2024-03-05T12:00:00Z", "eq ge le"),
            ("2024-03-05T07:00:00-05:00", "eq ge le"),
            ("2024-03-05T12:00:00.5Z", "eq ge le"),
            ("2024-03-05T12:00:01Z", "ne gt ge sa"),
            ("2024-03-05T11:59:59Z", "ne lt le eb"),
            ("2024-03-05T13:30:00+02:00", "ne lt le eb"),
            ("2024-03-05", "ne gt lt ge le"),
        ] {
            assert_eq!(row("2024-03-05T12:00:00Z", value), expected, "{value}");
        }
        assert_eq!(row("2024-03-05T12:00:00.000Z", "2024-03-05T12:00:00Z"), "eq ge le");
        assert_eq!(row("2024-03-05T12:00:00.001Z", "2024-03-05T12:00:00Z"), "ne lt le eb");
        assert_eq!(row("2024-03-05T12:00Z", "2024-03-05T12:00:59Z"), "eq ge le");
    }

    #[test]
    fn a_date_without_zone_is_compared_with_the_clock_of_where_the_value_was_written() {
        assert!(fits("2024-03-05", "2024-03-05T23:30:00-05:00"));
        assert!(!fits("2024-03-06", "2024-03-05T23:30:00-05:00"));
        assert!(fits("2024-03-05T23:30", "2024-03-05T23:30:00-05:00"));
        assert!(fits("2024-03-06T04:30:00Z", "2024-03-05T23:30:00-05:00"));
        assert!(fits("2024-03-06T06:30:00 02:00", "2024-03-05T23:30:00-05:00"));
    }

    #[test]
    fn approximate_widens_by_a_tenth_of_the_distance_from_now() {
        assert!(fits("ap2026-11-11", "2026-11-12T12:00:00Z"));
        assert!(!fits("ap2026-11-11", "2026-11-14"));
        assert!(fits("ap2016-11-21", "2017-06-01"));
        assert!(!fits("ap2016-11-21", "2018-06-01"));
    }

    #[test]
    fn what_is_no_date_is_refused() {
        for text in [
            "",
            "eq",
            "24-03-05",
            "2024-3-5",
            "2024-13",
            "2024-00",
            "2024-02-30",
            "2024-03-05T",
            "2024-03-05T10",
            "2024T10:00:00Z",
            "2024-03-05T24:00:00Z",
            "2024-03-05T10:60:00Z",
            "2024-03-05T10:00:61Z",
            "2024-03-05T10:00:00+15:00",
            "2024-03-05T10:00:00+0200",
            "2024-03-05T10:00.5Z",
            "2024-03-05T10:00:00.Z",
            "xx2024",
            "gteq2024",
            "2024-03-05Z",
            "0000",
            "2024-03-05T10:00:00ZZ",
            "٢٠٢٤",
        ] {
            assert!(Asked::read(text, Timestamp(0)).is_none(), "{text}");
        }
    }

    #[test]
    fn the_index_is_asked_for_every_day_on_which_a_fitting_value_can_begin() {
        assert_eq!(asked("2024-03-05").days().unwrap(), ["2024-03-05"]);
        assert_eq!(asked("2024-03-05T23:00").days().unwrap(), ["2024-03-05"]);
        assert_eq!(asked("2024-03-01T00:00:00Z").days().unwrap(), ["2024-02-29", "2024-03-01", "2024-03-02"]);
        assert_eq!(asked("2024-03").month().unwrap(), "2024-03");
        assert_eq!(asked("2024-03-05").date().unwrap(), "2024-03-05");
        assert!(asked("2024-03").days().is_none() && asked("2024").month().is_none());
        assert!(asked("ge2024-03-05").days().is_none() && asked("ne2024-03").month().is_none());
    }

    fn written() -> impl Strategy<Value = String> {
        (1990i64..2030, 1i64..=12, 1i64..=28, 0i64..24, 0i64..60, -14i64..=14, 0u8..6).prop_map(
            |(y, mo, d, h, mi, z, form)| match form {
                0 => format!("{y:04}"),
                1 => format!("{y:04}-{mo:02}"),
                2 => format!("{y:04}-{mo:02}-{d:02}"),
                3 => format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:30Z"),
                4 => format!(
                    "{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:30.250{}{:02}:00",
                    if z < 0 { '-' } else { '+' },
                    z.abs()
                ),
                _ => {
                    format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:30{}{:02}:00", if z < 0 { '-' } else { '+' }, z.abs())
                }
            },
        )
    }

    proptest! {
        #[test]
        fn the_prefixes_obey_their_laws(date in written(), start in written(), end in prop::option::of(written())) {
            let value = match &end {
                None => start.clone(),
                Some(end) => format!("{{\"start\":\"{start}\",\"end\":\"{end}\"}}"),
            };
            let is = |prefix: &str| fits(&format!("{prefix}{date}"), &value);
            prop_assert_ne!(is("eq"), is("ne"));
            prop_assert_eq!(is("ge"), is("gt") || is("eq"));
            prop_assert_eq!(is("le"), is("lt") || is("eq"));
            prop_assert_eq!(fits(&date, &value), is("eq"));
            if end.is_none() {
                prop_assert!(!is("sa") || is("gt"));
                prop_assert!(!is("eb") || is("lt"));
                prop_assert!(!(is("sa") && is("eb")));
                prop_assert!(fits(&start, &start));
            }
        }

        #[test]
        fn the_index_never_misses_a_value_that_fits(date in written(), value in written()) {
            if fits(&date, &value) {
                let text = format!("\"{value}\"");
                if let Some(days) = asked(&date).days() {
                    prop_assert!(days.contains(&first_day(Json::of(&text)).unwrap()));
                }
                if let Some(month) = asked(&date).month() {
                    prop_assert_eq!(first_month(Json::of(&text)).unwrap(), month);
                }
            }
        }
    }
}
