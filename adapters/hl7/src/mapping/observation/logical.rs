//! Which rows make one observation.

use std::borrow::Cow;
use std::collections::HashMap;
use std::rc::Rc;

use domain::id::RecordId;

use super::super::code::{codings, text_of};
use super::super::groups::Noted;
use super::super::identity::trimmed;
use super::super::moment::Moment;
use super::super::scope::Scope;
use super::super::value::ValueType;
use crate::message::Segment;

/// One observation: the row that says what it is, and the rows that go on with it.
pub(in super::super) struct Logical<'m, 'g> {
    /// The rows it is written from: all of them were taken back, or none.
    pub(in super::super) rows: Vec<Joined<'m, 'g>>,
    /// Rows that were taken back beside others that stand.
    pub(in super::super) withdrawn: Vec<&'g Noted<'m>>,
    pub(in super::super) id: RecordId,
    pub(in super::super) key: Rc<Key<'m>>,
    /// Its own time, where that is part of its name; else empty.
    pub(in super::super) time: String,
    /// Which of several that are called so.
    pub(in super::super) repetition: usize,
    /// Observations that are parts of this one, as susceptibilities are of an organism.
    pub(in super::super) members: Vec<RecordId>,
    /// The observation that this one goes back to.
    pub(in super::super) derived_from: Option<RecordId>,
}

/// A row of an observation, and what it adds.
pub(in super::super) struct Joined<'m, 'g> {
    pub(in super::super) noted: &'g Noted<'m>,
    pub(in super::super) part: Part,
}

/// What a row adds to its observation.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Part {
    /// The first value, or a line of the text.
    Value,
    /// A further value with the same sub-id.
    Component,
    /// A comment behind a value that is no text.
    Comment,
    /// A document.
    Document,
}

/// What rows have in common that belong together: OBX-3 and OBX-4 (HL7 v2.5.1 §7.4.2.4).
///
/// All codings count, each as what it means (`LN` and `LOINC` are one system) and in an order of their own, so that neither spelling nor
/// the order of primary and alternate makes another analyte of one, and two local codes with one LOINC code stay two.
#[derive(PartialEq, Eq, Hash)]
pub(in super::super) struct Key<'m> {
    /// Address of the system and code, those of standard systems first; a text alone has no system.
    codings: Vec<(Cow<'static, str>, Cow<'m, str>)>,
    pub(in super::super) sub_id: &'m str,
}

impl<'m> Key<'m> {
    fn of(obx: Segment<'m>, scope: &Scope<'_>) -> Self {
        let value = obx.field(3).first();
        let mut codings: Vec<_> = codings(value).map(|coding| (coding.address(scope, None), coding.code)).collect();
        codings.sort_unstable_by(|one, other| {
            let own = |(system, _): &(Cow<'_, str>, Cow<'_, str>)| system.starts_with(&scope.local);
            own(one).cmp(&own(other)).then_with(|| one.cmp(other))
        });
        codings.dedup();
        let text = trimmed(text_of(value));
        if codings.is_empty() && !text.is_empty() {
            codings.push((Cow::Borrowed(""), text));
        }
        Key { codings, sub_id: obx.field(4).raw().trim() }
    }

    /// The first code; the text where there is no code.
    pub(in super::super) fn code(&self) -> &str {
        self.codings.first().map_or("", |(_, code)| code)
    }

    /// Whether another field means this by a code, and by a sub-id if it gives one.
    pub(in super::super) fn is_called(&self, code: &str, sub_id: &str) -> bool {
        self.codings.iter().any(|(_, own)| own == code.trim()) && (sub_id.is_empty() || self.sub_id == sub_id.trim())
    }

    fn is_nameless(&self) -> bool {
        self.codings.is_empty()
    }

    /// The parts of a name; the last three have a fixed place, so that no two keys give the same.
    fn parts<'a>(&'a self, time: &'a str, repetition: &'a str) -> Vec<&'a str> {
        let codings = self.codings.iter().flat_map(|(system, code)| [system.as_ref(), code.as_ref()]);
        codings.chain([self.sub_id, time, repetition]).collect()
    }
}

/// Joins rows to observations, in the order of their first rows; `name` makes an id of what an observation is called.
///
/// - Rows without any name in OBX-3, and rows of different times, never join.
/// - Lines of text (ST, TX, FT) are one text, blank ones kept; text behind a value that is no text is a comment on it. Either has no unit,
///   range or flag of its own: else it is a result.
/// - Documents (ED) belong to the observation before them.
/// - A second value that is no text is a component where both name the same sub-id and status. Otherwise (no sub-id: a series, or a
///   careless sender) it is an observation of its own: one value must never stand for another.
/// - Rows that were taken back leave those that stand.
///
/// Without a sub-id, a time of its own (OBX-14, other than OBR-7 of `order`) is part of the name, so that a later row for 09:00 never lands
/// on 08:00. A correction that comes with another time is brought to what it corrects where it is joined with what is stored
/// ([`domain::intake`]). What not even the time tells apart is told apart by its place.
pub(in super::super) fn logicals<'m, 'g>(
    order: Option<Segment<'m>>,
    rows: &'g [Noted<'m>],
    scope: &Scope<'_>,
    mut name: impl FnMut(&[&str]) -> RecordId,
) -> Vec<Logical<'m, 'g>> {
    let mut all: Vec<Logical<'m, 'g>> = Vec::with_capacity(rows.len());
    let mut latest: HashMap<Rc<Key<'m>>, usize> = HashMap::with_capacity(rows.len());
    let mut taken: HashMap<RecordId, usize> = HashMap::with_capacity(rows.len());
    let order = order.and_then(|obr| OrderTime::read(obr, scope));
    for noted in rows {
        let key = Rc::new(Key::of(noted.segment, scope));
        let next = all.len();
        let latest = latest.entry(Rc::clone(&key)).or_insert(next);
        let known = if key.is_nameless() { None } else { all.get_mut(*latest) };
        if let Some(logical) = known
            && let Some(part) = logical.takes(noted)
        {
            logical.rows.push(Joined { noted, part });
            continue;
        }
        let time = if key.sub_id.is_empty() { own_time(order.as_ref(), noted.segment, scope) } else { String::new() };
        let first = name(&key.parts(&time, "0"));
        let repetition = *taken.entry(first).and_modify(|count| *count = count.saturating_add(1)).or_insert(0);
        let id = if repetition == 0 { first } else { name(&key.parts(&time, &repetition.to_string())) };
        *latest = next;
        all.push(Logical {
            rows: vec![Joined { noted, part: first_part(noted) }],
            withdrawn: Vec::new(),
            id,
            key,
            time,
            repetition,
            members: Vec::new(),
            derived_from: None,
        });
    }
    all.iter_mut().for_each(Logical::settle);
    all
}

impl<'m> Logical<'m, '_> {
    /// The row that says what the observation is.
    pub(in super::super) fn head(&self) -> Option<&Noted<'m>> {
        self.rows.first().map(|row| row.noted)
    }

    /// Whether all of it was taken back.
    pub(in super::super) fn is_withdrawn(&self) -> bool {
        self.head().is_some_and(is_withdrawn)
    }

    /// What a further row would add; `None` when it is an observation of its own.
    fn takes(&self, noted: &Noted<'m>) -> Option<Part> {
        let head = self.head()?.segment;
        let (row, kind) = (noted.segment, kind_of(noted));
        let same = |number: usize| head.field(number).raw() == row.field(number).raw();
        let adds_nothing = |number: usize| row.field(number).is_empty() || same(number);
        if !adds_nothing(14) && !head.field(14).is_empty() {
            return None;
        }
        if kind == ValueType::Document {
            return Some(Part::Document);
        }
        let value = self.rows.iter().find(|row| row.part == Part::Value);
        let Some(value) = value.map(|row| kind_of(row.noted)) else {
            return Some(Part::Value);
        };
        match (value.is_text(), kind.is_text()) {
            // A unit, range or flag of its own makes it a result: joined, one would stand for both.
            (_, true) if ![6, 7, 8].into_iter().all(adds_nothing) => None,
            (true, true) => Some(Part::Value),
            (false, true) => Some(Part::Comment),
            (false, false) => (!head.field(4).is_empty() && same(11) && same(14)).then_some(Part::Component),
            (true, false) => None,
        }
    }

    /// Takes out the rows that were taken back, unless all were; the others join anew, since the first may be gone.
    fn settle(&mut self) {
        let withdrawn = self.rows.iter().filter(|row| is_withdrawn(row.noted)).count();
        if withdrawn == 0 || withdrawn == self.rows.len() {
            return;
        }
        for row in std::mem::take(&mut self.rows) {
            if is_withdrawn(row.noted) {
                self.withdrawn.push(row.noted);
            } else {
                let part = self.takes(row.noted).unwrap_or_else(|| first_part(row.noted));
                self.rows.push(Joined { noted: row.noted, part });
            }
        }
    }
}

/// OBR-7, as it was sent and as it was read.
struct OrderTime<'m> {
    sent: Cow<'m, str>,
    moment: Moment,
}

impl<'m> OrderTime<'m> {
    fn read(obr: Segment<'m>, scope: &Scope<'_>) -> Option<Self> {
        let sent = obr.field(7).text();
        Moment::read(&sent, &scope.sender.time_zone).map(|moment| Self { sent, moment })
    }
}

/// OBX-14 where it is another time than the order's (OBR-7), however either is written.
fn own_time(order: Option<&OrderTime<'_>>, row: Segment<'_>, scope: &Scope<'_>) -> String {
    let sent = row.field(14).text();
    if sent.is_empty() || order.is_some_and(|order| order.sent == sent) {
        return String::new();
    }
    let Some(own) = Moment::read(&sent, &scope.sender.time_zone) else {
        return sent.trim().to_owned();
    };
    // A date alone is the order's when the order was on that day.
    let is_orders = |order: &Moment| order.at == own.at || order.text.starts_with(&own.text);
    if order.is_some_and(|order| is_orders(&order.moment)) { String::new() } else { own.at.rfc3339() }
}

/// Whether OBX-11 takes the row back: deleted (D), or another patient's (W).
fn is_withdrawn(noted: &Noted<'_>) -> bool {
    matches!(noted.segment.field(11).text().trim(), "D" | "W" | "d" | "w")
}

fn first_part(noted: &Noted<'_>) -> Part {
    if kind_of(noted) == ValueType::Document { Part::Document } else { Part::Value }
}

fn kind_of(noted: &Noted<'_>) -> ValueType {
    ValueType::read(&noted.segment.field(2).text())
}
