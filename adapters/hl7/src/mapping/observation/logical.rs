//! Which rows make one observation.

use std::collections::HashMap;

use domain::id::RecordId;

use super::super::groups::Noted;
use super::super::value::ValueType;
use crate::message::Segment;

/// One observation: the row that says what it is, and the rows that go on with it.
pub(in super::super) struct Logical<'m, 'g> {
    pub(in super::super) rows: Vec<Joined<'m, 'g>>,
    pub(in super::super) id: RecordId,
    /// What it is called in the report's family: code, system, sub-id, and which of several that are called so.
    pub(in super::super) key: Key<'m>,
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
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Key<'m> {
    pub(in super::super) code: &'m str,
    pub(in super::super) system: &'m str,
    pub(in super::super) sub_id: &'m str,
}

impl<'m> Key<'m> {
    fn of(obx: Segment<'m>) -> Self {
        let value = obx.field(3).first();
        let code = value.component(1).raw();
        let code = if code.is_empty() { value.component(2).raw() } else { code };
        Key { code, system: value.component(3).raw(), sub_id: obx.field(4).raw() }
    }
}

/// Joins rows to observations, in the order of their first rows; `name` makes the id of key and repetition.
///
/// - Lines of text (ST, TX, FT) are one text, blank ones kept.
/// - Documents (ED) belong to the observation before them; text behind a value that is no text is a comment on it.
/// - A second value that is no text is a component where both name the same sub-id, status and time. Otherwise (no sub-id: a series, or a
///   careless sender) it is an observation of its own, told apart by its place: one value must never stand for another.
pub(in super::super) fn logicals<'m, 'g>(
    rows: &'g [Noted<'m>],
    mut name: impl FnMut(&Key<'m>, usize) -> RecordId,
) -> Vec<Logical<'m, 'g>> {
    let mut all: Vec<Logical<'m, 'g>> = Vec::with_capacity(rows.len());
    let mut latest: HashMap<Key<'m>, usize> = HashMap::with_capacity(rows.len());
    for noted in rows {
        let key = Key::of(noted.segment);
        let known = latest.get(&key).copied();
        let repetition = match known.and_then(|at| all.get_mut(at)) {
            Some(logical) => match logical.takes(noted) {
                Some(part) => {
                    logical.rows.push(Joined { noted, part });
                    continue;
                }
                None => logical.repetition.saturating_add(1),
            },
            None => 0,
        };
        let part = if kind_of(noted) == ValueType::Document { Part::Document } else { Part::Value };
        latest.insert(key, all.len());
        all.push(Logical {
            rows: vec![Joined { noted, part }],
            id: name(&key, repetition),
            key,
            repetition,
            members: Vec::new(),
            derived_from: None,
        });
    }
    all
}

impl<'m> Logical<'m, '_> {
    /// The row that says what the observation is.
    pub(in super::super) fn head(&self) -> Option<&Noted<'m>> {
        self.rows.first().map(|row| row.noted)
    }

    /// What a further row would add; `None` when it is an observation of its own.
    fn takes(&self, noted: &Noted<'m>) -> Option<Part> {
        let head = self.head()?;
        let kind = kind_of(noted);
        if kind == ValueType::Document {
            return Some(Part::Document);
        }
        let value = self.rows.iter().find(|row| row.part == Part::Value);
        let Some(value) = value.map(|row| kind_of(row.noted)) else {
            return Some(Part::Value);
        };
        if kind.is_text() {
            return Some(if value.is_text() { Part::Value } else { Part::Comment });
        }
        let same = |number: usize| head.segment.field(number).raw() == noted.segment.field(number).raw();
        (!value.is_text() && !head.segment.field(4).is_empty() && same(11) && same(14)).then_some(Part::Component)
    }
}

fn kind_of(noted: &Noted<'_>) -> ValueType {
    ValueType::read(&noted.segment.field(2).text())
}
