//! Periods: two moments, of which the later is never before the earlier.

use jiff::tz::TimeZone;
use r4::json::Object;

use super::issue::Issue;
use super::log::Row;
use super::moment::Moment;
use super::scope::{Scope, write_original_text};

/// From when to when; the text of an end that was no date, or lay before the other, is kept.
pub(super) struct Period<'t> {
    start: Option<Moment>,
    end: Option<Moment>,
    sent: [&'t str; 2],
}

impl<'t> Period<'t> {
    /// Reads two dates of a row, each a field's number and its text; what does not count of them is an issue.
    pub(super) fn read(row: &Row<'_>, start: (u8, &'t str), end: (u8, &'t str), scope: &Scope<'_>) -> Self {
        let period = Self::of([start.1, end.1], scope);
        for ((number, text), moment) in [(start, &period.start), (end, &period.end)] {
            if moment.is_none() && !text.trim().is_empty() {
                row.issue(number, Issue::DateInvalid);
            }
        }
        period
    }

    /// Reads two dates; of an end before its start only the start counts.
    pub(super) fn of(sent: [&'t str; 2], scope: &Scope<'_>) -> Self {
        let [start, end] = sent.map(|text| Moment::read(text, &scope.sender.time_zone));
        let backwards = matches!((&start, &end), (Some(start), Some(end)) if end.is_before(start));
        Self { start, end: end.filter(|_| !backwards), sent }
    }

    /// When it began.
    pub(super) fn start(&self) -> Option<&Moment> {
        self.start.as_ref()
    }

    /// Whether neither end is a date.
    pub(super) fn is_unknown(&self) -> bool {
        self.start.is_none() && self.end.is_none()
    }

    /// When it began and ended, where both are known.
    pub(super) fn both(&self) -> Option<(&Moment, &Moment)> {
        self.start.as_ref().zip(self.end.as_ref())
    }

    /// Writes it as one of two elements: `moment` where there is no end, else `period`.
    pub(super) fn write_choice(&self, json: &mut Object<'_>, moment: &str, period: &str, zone: &TimeZone) {
        let [start, _] = self.sent;
        match (&self.start, &self.end) {
            (_, Some(_)) => json.object(period, |period| self.write_members(period, zone)),
            (Some(from), None) => from.write(json, moment, zone),
            (None, None) if start.trim().is_empty() => {}
            (None, None) => write_original_text(json, moment, start),
        }
    }

    /// Writes the members of a Period.
    pub(super) fn write_members(&self, period: &mut Object<'_>, zone: &TimeZone) {
        let [start, end] = self.sent;
        for (name, moment, text) in [("start", &self.start, start), ("end", &self.end, end)] {
            match moment {
                Some(moment) => moment.write(period, name, zone),
                None if text.trim().is_empty() => {}
                None => write_original_text(period, name, text),
            }
        }
    }
}
