//! Just enough HL7 v2 to read an acknowledgement and to change one field of a message.
//!
//! Written apart from any gateway's parser on purpose, so that a fault there cannot hide here.

/// A message taken apart into segments; fields are looked up on demand.
#[derive(Clone, PartialEq, Eq)]
pub struct Message {
    segments: Vec<Vec<u8>>,
    separator: u8,
    component: u8,
}

impl Message {
    /// Reads a message whose first segment is MSH and whose segments end with CR.
    ///
    /// Returns nothing when there is no MSH with its separator and encoding characters.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(b"MSH")?;
        let (&separator, rest) = rest.split_first()?;
        let &component = rest.first()?;
        let segments =
            bytes.split(|&byte| byte == b'\r').filter(|segment| !segment.is_empty()).map(<[u8]>::to_vec).collect();
        Some(Self { segments, separator, component })
    }

    /// Names the segments in order.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.segments.iter().map(|segment| segment.get(..3).unwrap_or(segment))
    }

    /// Says whether a segment occurs.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.names().any(|found| found == name.as_bytes())
    }

    /// The raw bytes of a field in the first segment of that name, empty when absent.
    ///
    /// Counts as the standard does: MSH-1 is the separator itself.
    #[must_use]
    pub fn field(&self, name: &str, number: usize) -> &[u8] {
        let Some(segment) = self.segments.iter().find(|segment| segment.starts_with(name.as_bytes())) else {
            return b"";
        };
        if name == "MSH" && number == 1 {
            return segment.get(3..4).unwrap_or_default();
        }
        let index = if name == "MSH" { number.saturating_sub(1) } else { number };
        segment.split(|&byte| byte == self.separator).nth(index).unwrap_or_default()
    }

    /// The raw bytes of a component, counted from 1, empty when absent.
    #[must_use]
    pub fn component(&self, name: &str, field: usize, number: usize) -> &[u8] {
        self.field(name, field).split(|&byte| byte == self.component).nth(number.saturating_sub(1)).unwrap_or_default()
    }

    /// The table 0357 code of the first ERR segment, wherever the message's version puts it.
    ///
    /// ERR-3.1 from version 2.5 on, the fourth component of ERR-1 before.
    #[must_use]
    pub fn condition(&self) -> Vec<u8> {
        let modern = self.component("ERR", 3, 1);
        if !modern.is_empty() {
            return modern.to_vec();
        }
        // ELD.4 is a coded value inside a component, so its parts stand between subcomponent separators.
        let subcomponent = self.field("MSH", 2).get(3).copied().unwrap_or(b'&');
        self.component("ERR", 1, 4).split(|&byte| byte == subcomponent).next().unwrap_or_default().to_vec()
    }
}

/// Replaces one field of the first segment of that name, adding separators where the segment is too short.
///
/// A message without that segment, or without a readable MSH, comes back as it was.
#[must_use]
pub fn set_field(message: &[u8], name: &str, number: usize, value: &[u8]) -> Vec<u8> {
    let Some(&separator) = message.strip_prefix(b"MSH").and_then(<[u8]>::first) else {
        return message.to_vec();
    };
    let mut out = Vec::with_capacity(message.len().saturating_add(value.len()));
    let mut done = false;
    for line in message.split_inclusive(|&byte| byte == b'\r' || byte == b'\n') {
        if done || !line.starts_with(name.as_bytes()) {
            out.extend_from_slice(line);
            continue;
        }
        done = true;
        let end = line.iter().position(|&byte| byte == b'\r' || byte == b'\n').unwrap_or(line.len());
        let (segment, terminator) = line.split_at_checked(end).unwrap_or((line, b""));
        let index = if name == "MSH" { number.saturating_sub(1) } else { number };
        let mut fields: Vec<&[u8]> = segment.split(|&byte| byte == separator).collect();
        while fields.len() <= index {
            fields.push(b"");
        }
        if let Some(field) = fields.get_mut(index) {
            *field = value;
        }
        out.extend_from_slice(&fields.join(&separator));
        out.extend_from_slice(terminator);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACK: &[u8] =
        b"MSH|^~\\&|A^1|B|C|D|2026||ACK^R01^ACK|7|P|2.5.1\rMSA|AR|X1|no\rERR||MSH^1^9|200^Unsupported^HL70357|E\r";

    #[test]
    fn fields_are_counted_as_the_standard_counts_them() {
        let ack = Message::read(ACK).unwrap();
        assert_eq!(ack.field("MSH", 1), b"|");
        assert_eq!(ack.field("MSH", 2), b"^~\\&");
        assert_eq!(ack.component("MSH", 3, 2), b"1");
        assert_eq!(ack.field("MSH", 12), b"2.5.1");
        assert_eq!(ack.field("MSA", 2), b"X1");
        assert_eq!(ack.field("MSA", 9), b"");
        assert_eq!(ack.condition(), b"200");
        assert!(ack.has("ERR") && !ack.has("PID"));
    }

    #[test]
    fn the_older_error_segment_is_read_too() {
        let ack = Message::read(b"MSH|^~\\&|A\rMSA|AR|1\rERR|MSH^1^9^200&Unsupported&HL70357\r").unwrap();
        assert_eq!(ack.condition(), b"200");
    }

    #[test]
    fn a_field_is_replaced_and_nothing_else_changes() {
        assert_eq!(set_field(b"MSH|^~\\&|A|B\r\nPID|1", "MSH", 3, b"Z"), b"MSH|^~\\&|Z|B\r\nPID|1");
        assert_eq!(set_field(b"MSH#$#A\rPID#1\r", "PID", 3, b"9"), b"MSH#$#A\rPID#1##9\r");
        assert_eq!(set_field(b"no message", "MSH", 3, b"Z"), b"no message");
    }
}
