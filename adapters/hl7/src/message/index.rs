//! The structure of a message as byte ranges, taken over from hl7-parser's tree one field at a time.
//!
//! hl7-parser borrows the text and spends four vectors a field (648 MB were seen for one megabyte of `|`), so its tree
//! lives for one field only, delimiters are counted before it is built, and what is kept is 16 bytes a part. Fields
//! without a delimiter inside have nothing to be parsed, and those with components alone are cut at one character: only
//! fields with repetitions or subcomponents see the parser, which would otherwise be the greater part of reading.

use std::collections::HashMap;

use hl7_parser::message as tree;
use hl7_parser::parser::parse_field_with_separators;

use super::fault::{Fault, FaultCode, Location, SegmentName};
use super::read::ReadLimits;
use super::separators::Separators;

/// All parts of a message, level by level.
pub(super) struct Index {
    separators: Separators,
    /// What each byte is in this message.
    classes: [Class; 256],
    pub(super) segments: Vec<SegmentEntry>,
    pub(super) fields: Vec<Node>,
    pub(super) repetitions: Vec<Node>,
    pub(super) components: Vec<Node>,
    pub(super) subcomponents: Vec<Node>,
    /// How often each segment name was seen so far.
    names: HashMap<SegmentName, u32>,
    /// Delimiters seen so far.
    parts: usize,
}

pub(super) struct SegmentEntry {
    pub(super) name: SegmentName,
    pub(super) occurrence: u32,
    /// The line, and which of `fields` are its.
    pub(super) node: Node,
}

/// A stretch of text and its parts on the next level: `count` of them from `first`.
///
/// A repetition or component with no parts of its own has none listed: it is its only part.
#[derive(Clone, Copy, Default)]
pub(super) struct Node {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) first: u32,
    pub(super) count: u32,
}

impl Index {
    /// Makes the index of a message of so many bytes, which `add` fills.
    pub(super) fn new(separators: &Separators, bytes: usize) -> Self {
        Self {
            separators: *separators,
            classes: classes(separators),
            segments: Vec::with_capacity(32),
            fields: Vec::with_capacity(bytes.div_euclid(FIELD_BYTES)),
            repetitions: Vec::with_capacity(bytes.div_euclid(PART_BYTES)),
            components: Vec::with_capacity(bytes.div_euclid(PART_BYTES)),
            subcomponents: Vec::new(),
            names: HashMap::new(),
            parts: 0,
        }
    }

    /// Adds the segment that `line` holds, which stands at `start` in the text.
    pub(super) fn add(&mut self, line: &str, start: usize, limits: &ReadLimits) -> Result<(), Fault> {
        let name = line
            .get(..3)
            .and_then(SegmentName::new)
            .ok_or(Fault::new(FaultCode::Unconsumed, "a segment has no readable name"))?;
        let occurrence = self.occurrence(name);
        let location = || Location::segment(name, usize_of(occurrence));
        let first = self.fields.len();
        let mut parts = 0usize;
        let mut at = NAME_AND_SEPARATOR;
        if name == SegmentName::MSH {
            // MSH-1 is the separator itself and MSH-2 the delimiters, which must not be cut by themselves.
            self.add_plain(start.saturating_add(3), 1);
        }
        let mut rest = Some(line.get(at..).unwrap_or_default());
        let mut number = 0usize;
        while let Some(body) = rest {
            let (field, mut shape, behind) = self.cut(body);
            rest = behind;
            let place = start.saturating_add(at);
            if name == SegmentName::MSH && number == 0 {
                shape = Shape::default();
            }
            parts = parts.saturating_add(1).saturating_add(shape.delimiters);
            self.within(limits, number, parts, &shape)
                .map_err(|what| Fault::at(FaultCode::TooManyParts, location(), what))?;
            if shape.delimiters == 0 {
                self.add_plain(place, field.len());
            } else if !shape.deep {
                self.add_components(field, place);
            } else {
                self.add_structured(field, place).ok_or_else(|| {
                    let field = number.saturating_add(1);
                    let what = "part of a field cannot be read";
                    Fault::at(FaultCode::Unconsumed, location().field(field), what)
                })?;
            }
            at = at.saturating_add(field.len()).saturating_add(1);
            number = number.saturating_add(1);
        }
        self.parts = self.parts.saturating_add(parts);
        self.segments.push(SegmentEntry {
            name,
            occurrence,
            node: node(start, 0..line.len(), first, self.fields.len()),
        });
        Ok(())
    }

    /// Cuts the first field off a line: the field, what is in it, and what stands behind it.
    ///
    /// Most fields are a few bytes long, where looking at each byte once is cheapest; in a document the wide search is.
    fn cut<'t>(&self, line: &'t str) -> (&'t str, Shape, Option<&'t str>) {
        let mut shape = Shape::default();
        for (at, byte) in line.bytes().take(SHORT_FIELD).enumerate() {
            let class = self.classes.get(usize::from(byte)).copied().unwrap_or(Class::Plain);
            if class == Class::Plain {
                continue;
            }
            if class == Class::Field {
                return (line.get(..at).unwrap_or_default(), shape, line.get(at.saturating_add(1)..));
            }
            shape.add(class);
        }
        if line.len() <= SHORT_FIELD {
            return (line, shape, None);
        }
        let (field, behind) = line
            .split_once(char::from(self.separators.field))
            .map_or((line, None), |(field, behind)| (field, Some(behind)));
        (field, Shape::of(field, &self.separators), behind)
    }

    /// Refuses a field that is too much, before anything is built of it; `parts` are those of its segment so far.
    fn within(&self, limits: &ReadLimits, number: usize, parts: usize, shape: &Shape) -> Result<(), &'static str> {
        if shape.repetitions >= limits.repetitions {
            return Err("a field has more repetitions than the limit");
        }
        if number >= limits.fields {
            return Err("a segment has more fields than the limit");
        }
        if parts > limits.segment_parts || self.parts.saturating_add(parts) > limits.message_parts {
            return Err("the message has more parts than the limit");
        }
        Ok(())
    }

    fn occurrence(&mut self, name: SegmentName) -> u32 {
        let seen = self.names.entry(name).or_default();
        *seen = seen.saturating_add(1);
        *seen
    }

    /// Adds a field that is its only part.
    fn add_plain(&mut self, start: usize, length: usize) {
        let first = self.repetitions.len();
        if length > 0 {
            self.repetitions.push(node(start, 0..length, 0, 0));
        }
        self.fields.push(node(start, 0..length, first, self.repetitions.len()));
    }

    /// Adds a field of one repetition, whose components have no parts.
    fn add_components(&mut self, text: &str, start: usize) {
        let first = self.components.len();
        let mut from = 0usize;
        for (at, _) in text.bytes().enumerate().filter(|(_, byte)| *byte == self.separators.component) {
            self.components.push(node(start, from..at, 0, 0));
            from = at.saturating_add(1);
        }
        self.components.push(node(start, from..text.len(), 0, 0));
        let repetition = self.repetitions.len();
        self.repetitions.push(node(start, 0..text.len(), first, self.components.len()));
        self.fields.push(node(start, 0..text.len(), repetition, self.repetitions.len()));
    }

    /// Adds a field with delimiters inside; `None` unless the parser took all of it.
    fn add_structured(&mut self, text: &str, start: usize) -> Option<()> {
        let field = parse_field_with_separators(text, parser_separators(&self.separators))
            .ok()
            .filter(|field| field.range == (0..text.len()))?;
        let first = self.repetitions.len();
        for repetition in &field.repeats {
            self.add_repetition(repetition, start);
        }
        self.fields.push(node(start, field.range, first, self.repetitions.len()));
        Some(())
    }

    fn add_repetition(&mut self, repetition: &tree::Repeat<'_>, start: usize) {
        let first = self.components.len();
        let simple = match repetition.components.as_slice() {
            [] => true,
            [only] => only.subcomponents.len() < 2,
            _ => false,
        };
        if !simple {
            for component in &repetition.components {
                self.add_component(component, start);
            }
        }
        self.repetitions.push(node(start, repetition.range.clone(), first, self.components.len()));
    }

    fn add_component(&mut self, component: &tree::Component<'_>, start: usize) {
        let first = self.subcomponents.len();
        if component.subcomponents.len() > 1 {
            for part in &component.subcomponents {
                self.subcomponents.push(node(start, part.range.clone(), 0, 0));
            }
        }
        self.components.push(node(start, component.range.clone(), first, self.subcomponents.len()));
    }
}

/// Length of a segment's name and the separator after it.
const NAME_AND_SEPARATOR: usize = 4;

/// Fields of at most so many bytes are looked at byte by byte.
const SHORT_FIELD: usize = 128;
/// Bytes that a field, and a repetition or component, takes in most messages at least; room is made accordingly.
const FIELD_BYTES: usize = 8;
const PART_BYTES: usize = 16;

/// What a byte is in a message.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Plain,
    Field,
    Component,
    Repetition,
    Subcomponent,
}

fn classes(separators: &Separators) -> [Class; 256] {
    let mut classes = [Class::Plain; 256];
    for (byte, class) in [
        (Some(separators.field), Class::Field),
        (Some(separators.component), Class::Component),
        (separators.repetition, Class::Repetition),
        (separators.subcomponent, Class::Subcomponent),
    ] {
        if let Some(place) = byte.and_then(|byte| classes.get_mut(usize::from(byte))) {
            *place = class;
        }
    }
    classes
}

/// What delimiters a field has inside.
#[derive(Default)]
struct Shape {
    delimiters: usize,
    repetitions: usize,
    /// Whether there are others than those of components.
    deep: bool,
}

impl Shape {
    fn of(field: &str, separators: &Separators) -> Self {
        let or_component = |byte: Option<u8>| byte.unwrap_or(separators.component);
        let (repetition, subcomponent) = (or_component(separators.repetition), or_component(separators.subcomponent));
        let mut shape = Shape::default();
        for at in memchr::memchr3_iter(separators.component, repetition, subcomponent, field.as_bytes()) {
            let found = field.as_bytes().get(at).copied();
            shape.add(match found {
                Some(byte) if byte == separators.component => Class::Component,
                _ if found == separators.repetition => Class::Repetition,
                _ => Class::Subcomponent,
            });
        }
        shape
    }

    fn add(&mut self, class: Class) {
        self.delimiters = self.delimiters.saturating_add(1);
        self.repetitions = self.repetitions.saturating_add(usize::from(class == Class::Repetition));
        self.deep |= class != Class::Component;
    }
}

/// A delimiter the message does not declare is given as a carriage return, which no line holds.
fn parser_separators(separators: &Separators) -> tree::Separators {
    let or_none = |byte: Option<u8>| byte.map_or('\r', char::from);
    tree::Separators {
        field: char::from(separators.field),
        component: char::from(separators.component),
        subcomponent: or_none(separators.subcomponent),
        repetition: or_none(separators.repetition),
        escape: or_none(separators.escape),
        lenient_newlines: false,
    }
}

fn node(base: usize, range: std::ops::Range<usize>, first: usize, after: usize) -> Node {
    Node {
        start: u32_of(base.saturating_add(range.start)),
        end: u32_of(base.saturating_add(range.end)),
        first: u32_of(first),
        count: u32_of(after.saturating_sub(first)),
    }
}

/// Offsets fit: the reader refuses messages longer than `u32` counts.
fn u32_of(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

pub(super) fn usize_of(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}
