//! Reading HL7 v2 messages: bytes to text, text to segments, and the fault when it cannot be done.
//!
//! [`read`] gives a [`Message`], which owns its text and hands out cheap views: [`Segment`], [`Field`], [`Repetition`],
//! [`Component`]. [`read_envelope`] gives the routing facts even of a message whose body is bad, so that its sender can
//! always be answered. Nothing here prints what a message holds.
//!
//! The grammar is read by hl7-parser, behind a guard: line ends are normalised first, delimiters are counted before its
//! tree is built, every byte must be consumed, and escape sequences are decoded here (its own decoder panics on text
//! outside ASCII).

mod acceptance;
mod charset;
mod envelope;
mod escape;
mod fault;
mod index;
mod lines;
mod read;
mod separators;
mod view;

pub use acceptance::{AcceptanceProfile, Judgement, Leniency, judge, require_content};
pub use charset::{Charset, CharsetPolicy, CharsetUsed, Source};
pub use envelope::{Envelope, MAX_HEADER_BYTES, read_envelope};
pub use escape::{escape, unescape};
pub use fault::{Fault, FaultCode, Location, SegmentName};
pub use read::{ReadLimits, ReadOptions, Remark, read, why_no_envelope};
pub use separators::Separators;
pub use view::{Component, Field, Message, Repetition, Segment};
