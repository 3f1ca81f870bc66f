//! What is wrong with a message, said without repeating any of it.

use std::fmt;

/// A fault in a received message: what kind, where, and a constant sentence.
///
/// It never holds a value of the message, so it may be logged and written into an acknowledgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct Fault {
    /// The kind of fault, with its number in table 0357.
    pub code: FaultCode,
    /// The place in the message, when the fault has one.
    pub location: Option<Location>,
    /// What the rule is, for people; a constant.
    pub what: &'static str,
}

impl Fault {
    /// Makes a fault of the message as a whole.
    pub const fn new(code: FaultCode, what: &'static str) -> Self {
        Self { code, location: None, what }
    }

    /// Makes a fault at a place.
    pub const fn at(code: FaultCode, location: Location, what: &'static str) -> Self {
        Self { code, location: Some(location), what }
    }
}

/// The kinds of fault a reader or the acceptance rules can find.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultCode {
    /// The content does not begin with an MSH segment.
    NoHeader,
    /// MSH is there, but its delimiters or length make it unreadable.
    UnreadableHeader,
    /// A second MSH stands in the same frame.
    SecondHeader,
    /// The frame holds a batch (FHS, BHS, BTS or FTS).
    Batch,
    /// The message is one fragment of a longer one (ADD, DSC or MSH-14).
    Continuation,
    /// A line is not a segment and cannot belong to the one before it.
    Unconsumed,
    /// The message is longer than the limit.
    TooLarge,
    /// The message has more segments, fields, repetitions or parts than the limits.
    TooManyParts,
    /// The character set is unknown, not supported, or not what was declared.
    Charset,
    /// The type in MSH-9.1 is not taken here.
    UnsupportedType,
    /// The trigger event in MSH-9.2 is not taken here.
    UnsupportedEvent,
    /// The processing id in MSH-11 is not taken on this interface.
    UnsupportedProcessingId,
    /// The version in MSH-12 is not taken here.
    UnsupportedVersion,
    /// A field that cannot be done without is empty.
    RequiredFieldMissing,
    /// A segment that cannot be done without is missing or out of place.
    SegmentSequence,
    /// No interface takes messages from this sender.
    UnknownSender,
    /// The content is well formed, but could not be applied (mapping, identity).
    Internal,
}

impl FaultCode {
    /// The number of the error condition (HL7 v2.5.1 §2.15.5.3, table 0357).
    pub const fn number(self) -> u16 {
        match self {
            Self::NoHeader | Self::SecondHeader | Self::SegmentSequence => 100,
            Self::RequiredFieldMissing => 101,
            Self::UnreadableHeader => 102,
            Self::Charset => 103,
            Self::TooLarge => 104,
            Self::TooManyParts => 198,
            Self::Continuation | Self::Unconsumed => 199,
            Self::Batch | Self::UnsupportedType => 200,
            Self::UnsupportedEvent => 201,
            Self::UnsupportedProcessingId => 202,
            Self::UnsupportedVersion => 203,
            Self::UnknownSender => 204,
            Self::Internal => 207,
        }
    }

    /// The text that table 0357 gives to the number.
    pub const fn text(self) -> &'static str {
        match self.number() {
            100 => "Segment sequence error",
            101 => "Required field missing",
            102 => "Data type error",
            103 => "Table value not found",
            104 => "Value too long",
            198 => "Non-conformant cardinality",
            200 => "Unsupported message type",
            201 => "Unsupported event code",
            202 => "Unsupported processing id",
            203 => "Unsupported version id",
            204 => "Unknown key identifier",
            207 => "Application internal error",
            _ => "Other HL7 error",
        }
    }

    /// Whether the message is rejected (AR) rather than answered as an error in content (AE).
    ///
    /// Original mode: what MSH-9, 11 or 12 say is not acceptable, or there is no message to speak of (HL7 v2.5.1 §2.9.2.2).
    pub const fn rejects(self) -> bool {
        match self {
            Self::NoHeader
            | Self::UnreadableHeader
            | Self::SecondHeader
            | Self::Batch
            | Self::Continuation
            | Self::UnsupportedType
            | Self::UnsupportedEvent
            | Self::UnsupportedProcessingId
            | Self::UnsupportedVersion
            | Self::UnknownSender => true,
            Self::Unconsumed
            | Self::TooLarge
            | Self::TooManyParts
            | Self::Charset
            | Self::RequiredFieldMissing
            | Self::SegmentSequence
            | Self::Internal => false,
        }
    }
}

/// A place in a message, as ERL writes it (HL7 v2.5.1 §2.A.28).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The segment's name.
    pub segment: SegmentName,
    /// Which one among the segments of that name, from 1.
    pub occurrence: usize,
    /// The field, from 1.
    pub field: Option<usize>,
    /// The repetition, from 1.
    pub repetition: Option<usize>,
    /// The component, from 1.
    pub component: Option<usize>,
    /// The subcomponent, from 1.
    pub subcomponent: Option<usize>,
}

impl Location {
    /// Names a segment.
    pub const fn segment(segment: SegmentName, occurrence: usize) -> Self {
        Self { segment, occurrence, field: None, repetition: None, component: None, subcomponent: None }
    }

    /// Names a field of the first MSH.
    pub const fn header(field: usize) -> Self {
        Self::segment(SegmentName::MSH, 1).field(field)
    }

    /// Narrows the place to a field.
    #[must_use]
    pub const fn field(mut self, field: usize) -> Self {
        self.field = Some(field);
        self
    }

    /// Narrows the place to a component of the first repetition.
    #[must_use]
    pub const fn component(mut self, component: usize) -> Self {
        self.repetition = Some(1);
        self.component = Some(component);
        self
    }
}

/// The three letters or digits of a segment's name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SegmentName([u8; 3]);

impl SegmentName {
    /// The message header.
    pub const MSH: Self = Self(*b"MSH");
    /// The observation request.
    pub const OBR: Self = Self(*b"OBR");

    /// Takes a name of exactly three ASCII letters or digits.
    pub fn new(name: &str) -> Option<Self> {
        let letters: [u8; 3] = name.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_alphanumeric).then_some(Self(letters))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Debug for SegmentName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
