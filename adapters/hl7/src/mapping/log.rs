//! What became of each field: the account of a mapping, without any values.
//!
//! Mapping code reads fields through a [`Row`], and every read says where the field goes. What is valued and was never read is
//! listed as not mapped, so nothing can be forgotten by forgetting to list it.

use std::cell::RefCell;
use std::collections::VecDeque;

use domain::id::RecordId;
use domain::kind::Kind;
use r4::json;

use super::directory::Reference;
use super::issue::Issue;
use crate::message::{Field, Message, Segment};

/// Collects where fields went, and what was wrong with them.
pub(super) struct Log {
    targets: RefCell<Vec<(Kind, RecordId)>>,
    marks: RefCell<Vec<Mark>>,
    issues: RefCell<Vec<Place>>,
}

/// The number of a resource in the account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target(u32);

impl Target {
    /// No resource: the field shapes the mapping itself, as a set id or a value type.
    pub(super) const STRUCTURE: Target = Target(u32::MAX);
}

#[derive(Clone, Copy)]
struct Mark {
    element: &'static str,
    segment: usize,
    target: Target,
    components: u32,
    field: u8,
}

impl Mark {
    fn says(&self) -> (u8, &'static str) {
        (self.field, self.element)
    }
}

struct Place {
    segment: usize,
    field: u8,
    issue: Issue,
}

/// All components of a field.
pub(super) const WHOLE: u32 = u32::MAX;

/// The set of these components.
pub(super) const fn parts(numbers: &[u32]) -> u32 {
    let mut rest = numbers;
    let mut set = 0u32;
    while let Some((number, others)) = rest.split_first() {
        set |= 1u32.wrapping_shl(*number);
        rest = others;
    }
    set
}

impl Log {
    /// Makes an empty account of a message.
    pub(super) fn of(message: &Message) -> Self {
        let marks = message.segments().len().saturating_mul(MARKS_A_SEGMENT).min(MOST_MARKS_AT_FIRST);
        Self { targets: RefCell::default(), marks: RefCell::new(Vec::with_capacity(marks)), issues: RefCell::default() }
    }

    /// Names a resource that fields go to.
    pub(super) fn target(&self, kind: Kind, id: RecordId) -> Target {
        let mut targets = self.targets.borrow_mut();
        if let Some(at) = targets.iter().rposition(|known| *known == (kind, id)) {
            return Target(u32::try_from(at).unwrap_or(u32::MAX));
        }
        targets.push((kind, id));
        Target(u32::try_from(targets.len().saturating_sub(1)).unwrap_or(u32::MAX))
    }

    /// Reads a segment for a resource.
    pub(super) fn row<'m>(&'m self, segment: Segment<'m>, target: Target) -> Row<'m> {
        Row { segment, log: self, target }
    }

    /// Renders the account: `{"mapped":[…],"not_mapped":[…],"issues":[…]}`.
    ///
    /// An item of `mapped` has `fields`, or says by `like` which earlier item, counted from 0, has the same: the rows of a report mostly do.
    pub(super) fn render(&self, message: &Message) -> String {
        let segments: Vec<Segment<'_>> = message.segments().collect();
        let marks = in_order(&self.marks.borrow(), segments.len());
        json::object(|account| {
            account.integer("version", 2);
            account.array("mapped", |list| self.write_mapped(list, &marks, &segments));
            account.array("not_mapped", |list| write_unread(list, &marks, &segments));
            account.array("issues", |list| {
                for place in self.issues.borrow().iter() {
                    let Some(segment) = segments.get(place.segment) else {
                        continue;
                    };
                    list.object(|item| {
                        item.text("path", &path(segment, place.field, 0));
                        item.text("code", place.issue.code());
                        item.text("text", place.issue.text());
                    });
                }
            });
        })
    }

    fn write_mapped(&self, list: &mut json::Array<'_>, marks: &[Mark], segments: &[Segment<'_>]) {
        let targets = self.targets.borrow();
        let same = |a: &Mark, b: &Mark| a.segment == b.segment && a.target == b.target;
        let mut written = 0u64;
        let mut recent: VecDeque<(u64, &[Mark])> = VecDeque::with_capacity(RECENT);
        for run in marks.chunk_by(same) {
            let Some(first) = run.first().filter(|mark| mark.target != Target::STRUCTURE) else {
                continue;
            };
            let target = usize::try_from(first.target.0).ok().and_then(|at| targets.get(at));
            let (Some(segment), Some((kind, id))) = (segments.get(first.segment), target) else {
                continue;
            };
            let like = recent.iter().find(|(_, other)| other.iter().map(Mark::says).eq(run.iter().map(Mark::says)));
            list.object(|item| {
                item.text("from", &path(segment, 0, 0));
                Reference { kind: *kind, id: *id }.write_text(item, "to");
                match like {
                    Some((at, _)) => item.integer("like", *at),
                    None => item.array("fields", |fields| write_fields(fields, run)),
                }
            });
            if like.is_none() {
                recent.truncate(RECENT.saturating_sub(1));
                recent.push_front((written, run));
            }
            written = written.saturating_add(1);
        }
    }
}

/// How many different lists of fields are remembered, so that a message of many different rows stays cheap.
const RECENT: usize = 8;
/// Marks of a segment in most messages; room for as many is made at first, within the limit.
const MARKS_A_SEGMENT: usize = 16;
const MOST_MARKS_AT_FIRST: usize = 4_096;

/// Puts marks in the order of their segments, and those of a segment in the order of their targets.
fn in_order(marks: &[Mark], segments: usize) -> Vec<Mark> {
    let mut places = vec![0usize; segments];
    for mark in marks {
        if let Some(count) = places.get_mut(mark.segment) {
            *count = count.saturating_add(1);
        }
    }
    let mut next = 0usize;
    for place in &mut places {
        let count = std::mem::replace(place, next);
        next = next.saturating_add(count);
    }
    let mut ordered = marks.to_vec();
    for mark in marks {
        if let Some(place) = places.get_mut(mark.segment) {
            if let Some(slot) = ordered.get_mut(*place) {
                *slot = *mark;
            }
            *place = place.saturating_add(1);
        }
    }
    for of_segment in ordered.chunk_by_mut(|a, b| a.segment == b.segment) {
        of_segment.sort_by_key(|mark| mark.target);
    }
    ordered
}

/// Writes which fields a run of marks read, and the elements they became; each pair once.
fn write_fields(fields: &mut json::Array<'_>, run: &[Mark]) {
    for (at, mark) in run.iter().enumerate() {
        let before = run.get(..at).unwrap_or_default();
        if before.iter().any(|other| other.says() == mark.says()) {
            continue;
        }
        fields.array(|pair| {
            pair.integer(u64::from(mark.field));
            pair.text(mark.element);
        });
    }
}

/// Lists every valued part that no mark covers.
fn write_unread(list: &mut json::Array<'_>, marks: &[Mark], segments: &[Segment<'_>]) {
    let mut rest = marks;
    for segment in segments {
        let ours = rest.iter().take_while(|mark| mark.segment == segment.ordinal()).count();
        let (run, after) = rest.split_at_checked(ours).unwrap_or((rest, &[]));
        rest = after;
        if segment.name() == "MSH" {
            // The header is the transport's, but for what Provenance takes of it.
            continue;
        }
        if run.is_empty() {
            write_place(list, &path(segment, 0, 0), "segment_not_supported");
            continue;
        }
        let mut read = [0u32; 128];
        for mark in run {
            if let Some(components) = read.get_mut(usize::from(mark.field)) {
                *components |= mark.components;
            }
        }
        for (number, components) in read.iter().enumerate().skip(1).take(segment.field_count()) {
            if *components != WHOLE {
                write_unread_field(list, segment, number, *components);
            }
        }
        // Fields beyond the last one any version of HL7 has.
        for number in read.len()..=segment.field_count() {
            write_unread_field(list, segment, number, 0);
        }
    }
}

fn write_unread_field(list: &mut json::Array<'_>, segment: &Segment<'_>, number: usize, read: u32) {
    let field = segment.field(number);
    let shown = u8::try_from(number).unwrap_or(u8::MAX);
    if field.is_empty() {
        return;
    }
    if read == 0 {
        let reason = if field.is_null() { "deletes_nothing" } else { "no_target" };
        write_place(list, &path(segment, shown, 0), reason);
        return;
    }
    let mut seen = read;
    for repetition in field.repetitions() {
        for component in 1..=repetition.component_count() {
            let bit = u32::try_from(component).map_or(0, |bit| 1u32.checked_shl(bit).unwrap_or(0));
            if bit != 0 && seen & bit == 0 && !repetition.component(component).is_empty() {
                seen |= bit;
                write_place(list, &path(segment, shown, component), "no_target");
            }
        }
    }
}

fn write_place(list: &mut json::Array<'_>, path: &str, reason: &str) {
    list.object(|item| {
        item.text("path", path);
        item.text("reason", reason);
    });
}

/// `OBX[2]-5.3`; field and component are left out when 0.
fn path(segment: &Segment<'_>, field: u8, component: usize) -> String {
    let mut path = String::with_capacity(16);
    path.push_str(segment.name());
    path.push('[');
    push_number(&mut path, segment.occurrence());
    path.push(']');
    for (mark, number) in [('-', usize::from(field)), ('.', component)] {
        if number > 0 {
            path.push(mark);
            push_number(&mut path, number);
        }
    }
    path
}

fn push_number(path: &mut String, number: usize) {
    json::push_integer(path, u64::try_from(number).unwrap_or(u64::MAX));
}

/// A segment being read for one resource.
#[derive(Clone, Copy)]
pub(super) struct Row<'m> {
    pub(super) segment: Segment<'m>,
    log: &'m Log,
    target: Target,
}

impl<'m> Row<'m> {
    /// The same segment, read for another resource.
    pub(super) fn to(self, target: Target) -> Row<'m> {
        Row { target, ..self }
    }

    /// Another segment, read for the same resource.
    pub(super) fn beside(&self, segment: Segment<'m>) -> Row<'m> {
        Row { segment, ..*self }
    }

    /// Looks at a field without saying that it goes anywhere.
    pub(super) fn peek(&self, number: u8) -> Field<'m> {
        self.segment.field(usize::from(number))
    }

    /// Reads a field into an element.
    pub(super) fn take(&self, number: u8, element: &'static str) -> Field<'m> {
        self.take_parts(number, element, WHOLE)
    }

    /// Reads some components of a field into an element; the others stay unread.
    pub(super) fn take_parts(&self, number: u8, element: &'static str, components: u32) -> Field<'m> {
        let field = self.peek(number);
        if !field.is_empty() {
            self.log.marks.borrow_mut().push(Mark {
                segment: self.segment.ordinal(),
                target: self.target,
                field: number,
                element,
                components,
            });
        }
        field
    }

    /// Says that fields shape the mapping and need no place of their own.
    pub(super) fn structural(&self, numbers: &[u8]) {
        for number in numbers {
            self.to(Target::STRUCTURE).take(*number, "");
        }
    }

    /// Says that fields say again what the same fields of another segment said.
    pub(super) fn repeats(&self, of: &Row<'m>, numbers: impl Iterator<Item = u8>) {
        for number in numbers {
            if self.peek(number).raw() == of.peek(number).raw() {
                self.take(number, "");
            }
        }
    }

    /// Says that something about a field is worth an operator's look.
    pub(super) fn issue(&self, number: u8, issue: Issue) {
        self.log.issues.borrow_mut().push(Place { segment: self.segment.ordinal(), field: number, issue });
    }
}
