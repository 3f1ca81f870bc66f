//! A message that was read, and cheap views of its parts.
//!
//! Parts are numbered as in HL7, from 1. What is absent is empty rather than an error: a field that was not sent and a
//! field that was sent empty mean the same, and `""` (delete) is told apart by [`Field::is_null`].

use std::borrow::Cow;
use std::fmt;

use super::charset::CharsetUsed;
use super::envelope::Envelope;
use super::escape::unescape;
use super::fault::{Location, SegmentName};
use super::index::{Index, Node, SegmentEntry, usize_of};
use super::read::Remark;
use super::separators::Separators;

/// One message. Owns its text; never printed.
pub struct Message {
    text: String,
    index: Index,
    envelope: Envelope,
    charset: CharsetUsed,
    remarks: Vec<Remark>,
}

impl Message {
    pub(super) fn new(
        text: String,
        index: Index,
        envelope: Envelope,
        charset: CharsetUsed,
        remarks: Vec<Remark>,
    ) -> Self {
        Self { text, index, envelope, charset, remarks }
    }

    /// The segments in order, MSH first.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = Segment<'_>> + ExactSizeIterator + Clone {
        self.index.segments.iter().enumerate().map(|(ordinal, entry)| Segment { message: self, entry, ordinal })
    }

    /// The routing facts of MSH.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The character set the message was read in.
    pub fn charset(&self) -> &CharsetUsed {
        &self.charset
    }

    /// What was tolerated while reading.
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    /// The delimiters the message declares.
    pub fn separators(&self) -> &Separators {
        self.envelope.separators()
    }

    /// The whole text, one carriage return between segments, escape sequences as they stood.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn slice(&self, node: Node) -> &str {
        self.text.get(usize_of(node.start)..usize_of(node.end)).unwrap_or_default()
    }

    fn unescape<'a>(&self, raw: &'a str) -> Cow<'a, str> {
        if raw == NULL {
            return Cow::Borrowed("");
        }
        unescape(raw, self.separators(), self.charset.escaped)
    }
}

impl fmt::Debug for Message {
    /// Prints how many segments there are, and nothing of what they hold.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("segments", &self.index.segments.len()).finish_non_exhaustive()
    }
}

/// `""` asks to delete what is stored (HL7 v2.5.1 §2.5.3).
const NULL: &str = "\"\"";

/// One segment of a message.
#[derive(Clone, Copy)]
pub struct Segment<'a> {
    message: &'a Message,
    entry: &'a SegmentEntry,
    ordinal: usize,
}

impl<'a> Segment<'a> {
    /// The three letters, as `OBX`.
    pub fn name(&self) -> &'a str {
        self.entry.name.as_str()
    }

    /// The place in the message, from 0.
    pub fn ordinal(&self) -> usize {
        self.ordinal
    }

    /// Which one it is among the segments of its name, from 1.
    pub fn occurrence(&self) -> usize {
        usize_of(self.entry.occurrence)
    }

    /// The whole line.
    pub fn raw(&self) -> &'a str {
        self.message.slice(self.entry.node)
    }

    /// How many fields were sent, empty ones and MSH-1 counted.
    pub fn field_count(&self) -> usize {
        usize_of(self.entry.node.count)
    }

    /// A field by its HL7 number; an absent one is empty.
    pub fn field(&self, number: usize) -> Field<'a> {
        Field { message: self.message, node: child(self.entry.node, &self.message.index.fields, number) }
    }

    /// The place of this segment, for a fault.
    pub fn location(&self) -> Location {
        let name: SegmentName = self.entry.name;
        Location::segment(name, self.occurrence())
    }
}

/// One field, with all its repetitions.
#[derive(Clone, Copy)]
pub struct Field<'a> {
    message: &'a Message,
    node: Node,
}

impl<'a> Field<'a> {
    /// The text as it stood, delimiters and escape sequences included.
    pub fn raw(&self) -> &'a str {
        self.message.slice(self.node)
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.node.start == self.node.end
    }

    /// Whether `""` was sent: what is stored is to be deleted.
    pub fn is_null(&self) -> bool {
        self.raw() == NULL
    }

    /// The repetitions in order, empty ones between others included; none for an empty field.
    pub fn repetitions(&self) -> impl Iterator<Item = Repetition<'a>> + use<'a> {
        let message = self.message;
        children(self.node, &message.index.repetitions).iter().map(move |node| Repetition { message, node: *node })
    }

    /// The first repetition; an empty one if there is none.
    pub fn first(&self) -> Repetition<'a> {
        Repetition { message: self.message, node: child(self.node, &self.message.index.repetitions, 1) }
    }

    /// A component of the first repetition.
    pub fn component(&self, number: usize) -> Component<'a> {
        self.first().component(number)
    }

    /// The first component of the first repetition, escape sequences decoded; `""` is empty.
    ///
    /// This is the value of a field of a simple type, and the code of a coded one. For free text, in which senders forget to
    /// escape delimiters, use [`Repetition::text`], which cuts nothing off.
    pub fn text(&self) -> Cow<'a, str> {
        self.component(1).text()
    }
}

/// One repetition of a field.
#[derive(Clone, Copy)]
pub struct Repetition<'a> {
    message: &'a Message,
    node: Node,
}

impl<'a> Repetition<'a> {
    /// The text as it stood.
    pub fn raw(&self) -> &'a str {
        self.message.slice(self.node)
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.node.start == self.node.end
    }

    /// A component; an absent one is empty.
    pub fn component(&self, number: usize) -> Component<'a> {
        let node = if self.node.count == 0 && number == 1 {
            self.node
        } else {
            child(self.node, &self.message.index.components, number)
        };
        Component { message: self.message, node }
    }

    /// How many components were sent; 0 for an empty repetition.
    pub fn component_count(&self) -> usize {
        match self.node.count {
            0 if self.is_empty() => 0,
            0 => 1,
            count => usize_of(count),
        }
    }

    /// The whole repetition as one text, escape sequences decoded and stray delimiters kept; `""` is empty.
    pub fn text(&self) -> Cow<'a, str> {
        self.message.unescape(self.raw())
    }
}

/// One component, or one subcomponent.
#[derive(Clone, Copy)]
pub struct Component<'a> {
    message: &'a Message,
    node: Node,
}

impl<'a> Component<'a> {
    /// The text as it stood.
    pub fn raw(&self) -> &'a str {
        self.message.slice(self.node)
    }

    /// Whether nothing was sent.
    pub fn is_empty(&self) -> bool {
        self.node.start == self.node.end
    }

    /// A subcomponent; an absent one is empty, and the first of a component without any is the component itself.
    pub fn sub(&self, number: usize) -> Component<'a> {
        let node = if self.node.count == 0 && number == 1 {
            self.node
        } else {
            child(self.node, &self.message.index.subcomponents, number)
        };
        Component { message: self.message, node }
    }

    /// The component as text, escape sequences decoded; `""` is empty.
    ///
    /// Subcomponents are not cut apart, so that a forgotten escape (`AT&T`) loses nothing; use [`Component::sub`] first where the
    /// type has subcomponents.
    pub fn text(&self) -> Cow<'a, str> {
        self.message.unescape(self.raw())
    }
}

fn child(parent: Node, level: &[Node], number: usize) -> Node {
    number.checked_sub(1).and_then(|at| children(parent, level).get(at)).copied().unwrap_or_default()
}

fn children(parent: Node, level: &[Node]) -> &[Node] {
    let first = usize_of(parent.first);
    level.get(first..first.saturating_add(usize_of(parent.count))).unwrap_or_default()
}
