//! The terms by which records are found.

use domain::index::{Field, Term};
use domain::kind::Kind;

use super::moment::Moment;

/// Collects terms; handed out each once.
#[derive(Default)]
pub(super) struct Terms {
    all: Vec<Term>,
    /// The last moment added: the rows of a report mostly have the same.
    last: Option<(Kind, String)>,
}

/// Longest period of which every day is a term; of a longer one the months are.
const MOST_DAYS: i64 = 62;
const MOST_MONTHS: usize = 120;
const DAY: i64 = 86_400_000_000;

impl Terms {
    /// Adds a term, unless it is blank.
    pub(super) fn add(&mut self, kind: Kind, field: Field, value: &str) {
        let value = value.trim();
        if !value.is_empty() {
            self.all.push(Term { kind, field, value: value.to_owned() });
        }
    }

    /// Adds a name: as a whole, and each of its words.
    pub(super) fn add_name(&mut self, kind: Kind, field: Field, name: &str) {
        self.add(kind, field, name);
        for word in name.split([' ', '-', '\'', ',']).filter(|word| word.chars().count() > 1) {
            self.add(kind, field, word);
        }
    }

    /// Adds the days and months of a moment.
    pub(super) fn add_moment(&mut self, kind: Kind, moment: &Moment) {
        if self.last.as_ref().is_some_and(|(last, text)| *last == kind && *text == moment.text) {
            return;
        }
        self.last = Some((kind, moment.text.clone()));
        for day in moment.days() {
            self.add(kind, Field::Day, &day);
            self.add(kind, Field::Month, day.get(..7).unwrap_or_default());
        }
        match moment.text.len() {
            4 => (1..=12).for_each(|month| self.add(kind, Field::Month, &format!("{}-{month:02}", moment.text))),
            7 => self.add(kind, Field::Month, &moment.text),
            _ => {}
        }
    }

    /// Adds the days and months between two moments, ends included.
    pub(super) fn add_period(&mut self, kind: Kind, start: &Moment, end: &Moment) {
        self.add_moment(kind, start);
        self.add_moment(kind, end);
        let days = end.at.0.saturating_sub(start.at.0).div_euclid(DAY);
        let mut months = 0usize;
        let mut last = String::new();
        for step in 0..days.clamp(0, 36_525) {
            let at = start.at.0.saturating_add(step.saturating_mul(DAY));
            let (year, month, day) = domain::time::civil(at.div_euclid(DAY));
            if days <= MOST_DAYS {
                self.add(kind, Field::Day, &format!("{year:04}-{month:02}-{day:02}"));
            }
            let month = format!("{year:04}-{month:02}");
            if month != last {
                months = months.saturating_add(1);
                self.add(kind, Field::Month, &month);
                last = month;
            }
            if months > MOST_MONTHS {
                break;
            }
        }
    }

    /// Adds terms that were collected elsewhere.
    pub(super) fn extend(&mut self, terms: Vec<Term>) {
        self.all.extend(terms);
    }

    /// Returns what was collected, in order of kind, field and value.
    pub(super) fn finish(mut self) -> Vec<Term> {
        self.all.sort_unstable_by(|a, b| (a.kind, a.field, &a.value).cmp(&(b.kind, b.field, &b.value)));
        self.all.dedup();
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::{Moment, Terms};
    use domain::index::Field;
    use domain::kind::Kind;
    use jiff::tz::TimeZone;

    fn values(terms: Terms, field: Field) -> Vec<String> {
        terms.finish().into_iter().filter(|term| term.field == field).map(|term| term.value).collect()
    }

    #[test]
    fn a_year_is_found_by_each_of_its_months_and_by_no_day() {
        let mut terms = Terms::default();
        terms.add_moment(Kind::DiagnosticReport, &Moment::read("2026", &TimeZone::UTC).unwrap());
        assert_eq!(values(terms, Field::Month).len(), 12);
    }

    #[test]
    fn a_period_is_found_by_each_of_its_days() {
        let mut terms = Terms::default();
        let read = |text| Moment::read(text, &TimeZone::UTC).unwrap();
        terms.add_period(Kind::DiagnosticReport, &read("20260227"), &read("20260302"));
        assert_eq!(values(terms, Field::Day), ["2026-02-27", "2026-02-28", "2026-03-01", "2026-03-02"]);
    }

    #[test]
    fn a_name_is_found_by_each_of_its_words_once() {
        let mut terms = Terms::default();
        terms.add_name(Kind::Patient, Field::Family, "van den BERG");
        terms.add_name(Kind::Patient, Field::Family, "BERG");
        assert_eq!(values(terms, Field::Family), ["BERG", "den", "van", "van den BERG"]);
    }
}
