//! The segments of a message, however its lines end.

use std::ops::Range;

use super::fault::{Fault, FaultCode, Location, SegmentName};
use super::read::{ReadLimits, Remark};
use super::separators::Separators;

/// A message with one carriage return after every segment, and where the segments are.
pub(super) struct Lines {
    pub(super) text: String,
    pub(super) segments: Vec<Range<usize>>,
    pub(super) remarks: Vec<Remark>,
}

/// Puts every segment on a line of its own.
///
/// CR, LF and CRLF end a line; blank lines and spaces before a segment name go. A line that is no segment but follows
/// an OBX or NTE is a line break inside its text (base64 in lines of 76, a report with bare LF), and is joined to it
/// with a line feed; any other is a fault, since a parser would drop it and all after it without a word.
pub(super) fn normalise(text: &str, separators: &Separators, limits: &ReadLimits) -> Result<Lines, Fault> {
    let mut lines = Lines {
        text: String::with_capacity(text.len().saturating_add(2)),
        segments: Vec::with_capacity(32),
        remarks: Vec::new(),
    };
    for line in split(text) {
        lines.add(line, separators)?;
        if lines.segments.len() > limits.segments {
            return Err(Fault::new(FaultCode::TooManyParts, "the message has more segments than the limit"));
        }
    }
    Ok(lines)
}

impl Lines {
    fn add(&mut self, line: &str, separators: &Separators) -> Result<(), Fault> {
        let trimmed = line.trim_start_matches([' ', '\t']);
        if trimmed.bytes().all(|byte| byte <= b' ') {
            return Ok(());
        }
        match Shape::of(trimmed, separators) {
            Shape::Segment => self.open(trimmed),
            Shape::Bare => {
                self.open(trimmed.trim_end());
                self.extend(&[separators.field]);
                self.remark(Remark::BareSegment);
            }
            Shape::Broken => return Err(self.unconsumed()),
            Shape::Text if self.takes_text() => {
                self.extend(b"\n");
                self.push(line);
                self.remark(Remark::FoldedLine);
            }
            Shape::Text => return Err(self.unconsumed()),
        }
        Ok(())
    }

    fn open(&mut self, line: &str) {
        if !self.text.is_empty() {
            self.text.push('\r');
        }
        let start = self.text.len();
        self.segments.push(start..start);
        self.push(line);
    }

    fn push(&mut self, text: &str) {
        if text.contains('\0') {
            self.text.push_str(&text.replace('\0', "\u{FFFD}"));
            self.remark(Remark::NulReplaced);
        } else {
            self.text.push_str(text);
        }
        let end = self.text.len();
        if let Some(segment) = self.segments.last_mut() {
            segment.end = end;
        }
    }

    fn extend(&mut self, ascii: &[u8]) {
        self.text.extend(ascii.iter().copied().map(char::from));
        let end = self.text.len();
        if let Some(segment) = self.segments.last_mut() {
            segment.end = end;
        }
    }

    fn remark(&mut self, remark: Remark) {
        if !self.remarks.contains(&remark) {
            self.remarks.push(remark);
        }
    }

    fn takes_text(&self) -> bool {
        matches!(self.last_name(), Some("OBX" | "NTE"))
    }

    fn last_name(&self) -> Option<&str> {
        let segment = self.segments.last()?;
        self.text.get(segment.clone())?.get(..3)
    }

    /// The fault is placed at the segment before the line: the line itself is not to be repeated.
    fn unconsumed(&self) -> Fault {
        let what = "a line is neither a segment nor the text of one";
        let Some(name) = self.last_name().and_then(SegmentName::new) else {
            return Fault::new(FaultCode::Unconsumed, what);
        };
        let occurrence = self
            .segments
            .iter()
            .filter(|segment| self.text.get((*segment).clone()).is_some_and(|line| line.starts_with(name.as_str())))
            .count();
        Fault::at(FaultCode::Unconsumed, Location::segment(name, occurrence), what)
    }
}

enum Shape {
    /// Three letters or digits and a field separator.
    Segment,
    /// A name alone, as `DSC`.
    Bare,
    /// A name of the wrong length before a field separator, as `OB|1`.
    Broken,
    /// Anything else.
    Text,
}

impl Shape {
    fn of(line: &str, separators: &Separators) -> Self {
        let bytes = line.as_bytes();
        let name = bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
        let capital = bytes.first().is_some_and(u8::is_ascii_uppercase);
        let at_separator = bytes.get(name) == Some(&separators.field);
        match name {
            3 if at_separator => Self::Segment,
            3 if capital && line.trim_end().len() == 3 => Self::Bare,
            0 if at_separator => Self::Broken,
            1..=5 if at_separator && is_upper(bytes, name) => Self::Broken,
            _ => Self::Text,
        }
    }
}

fn is_upper(bytes: &[u8], count: usize) -> bool {
    bytes.iter().take(count).all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// Lines without their ends; an empty one between CR and LF does no harm.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest?;
        match memchr::memchr2(b'\r', b'\n', now.as_bytes()) {
            Some(end) => {
                let (line, tail) = now.split_at(end);
                rest = tail.get(1..);
                Some(line)
            }
            None => {
                rest = None;
                Some(now)
            }
        }
    })
}
