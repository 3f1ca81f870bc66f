//! The routing facts of a message, read from the bytes of MSH even when the body is bad.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use super::separators::Separators;

/// Reads the envelope; `None` when the content does not begin with a usable MSH.
///
/// Blank lines, spaces and a byte order mark before MSH are skipped. A header longer than [`MAX_HEADER_BYTES`] is not
/// usable: parts of it are echoed in the acknowledgement.
pub fn read_envelope(bytes: &[u8]) -> Option<Envelope> {
    let start = skip_before_header(bytes);
    let end = memchr::memchr2(b'\r', b'\n', start).unwrap_or(start.len());
    let header = start.get(..end)?;
    if header.len() > MAX_HEADER_BYTES {
        return None;
    }
    let separators = Separators::read(header)?;
    let mut fields = Vec::with_capacity(24);
    let mut from = 0usize;
    for at in memchr::memchr_iter(separators.field, header).take(MAX_HEADER_FIELDS) {
        fields.push(from..at);
        from = at.saturating_add(1);
    }
    fields.push(from..header.len());
    Some(Envelope { header: header.into(), fields: fields.into_boxed_slice(), separators })
}

/// The longest MSH segment that is read, in bytes.
pub const MAX_HEADER_BYTES: usize = 64 * 1024;

/// Fields of MSH beyond this number are not looked at; v2.9 defines 28.
const MAX_HEADER_FIELDS: usize = 64;

/// Drops what senders put before MSH without meaning anything by it.
pub(crate) fn skip_before_header(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii_start()
}

/// The routing facts of one message: MSH as bytes, cut at its field separators.
///
/// All accessors return what the sender wrote, byte for byte, and an empty slice for what is absent. Fields are
/// numbered as in HL7: MSH-1 is the separator itself, MSH-2 the encoding characters.
#[derive(Clone)]
pub struct Envelope {
    header: Box<[u8]>,
    /// Pieces between separators: the first is the word MSH, the one at `n` is MSH-(n + 1).
    fields: Box<[Range<usize>]>,
    separators: Separators,
}

impl Envelope {
    /// The delimiters the message declares.
    pub fn separators(&self) -> &Separators {
        &self.separators
    }

    /// A field of MSH by its HL7 number.
    pub fn field(&self, number: usize) -> &[u8] {
        if number == 1 {
            return self.header.get(3..4).unwrap_or_default();
        }
        number
            .checked_sub(1)
            .filter(|piece| *piece > 0)
            .and_then(|piece| self.fields.get(piece))
            .and_then(|range| self.header.get(range.clone()))
            .unwrap_or_default()
    }

    /// A component of the first repetition of a field, from 1.
    pub fn component(&self, field: usize, component: usize) -> &[u8] {
        let first = match self.separators.repetition {
            Some(repetition) => self.field(field).split(|byte| *byte == repetition).next(),
            None => Some(self.field(field)),
        };
        first
            .unwrap_or_default()
            .split(|byte| *byte == self.separators.component)
            .nth(component.saturating_sub(1))
            .unwrap_or_default()
    }

    /// A component as text, with U+FFFD for bytes that are not UTF-8.
    pub fn text(&self, field: usize, component: usize) -> Cow<'_, str> {
        String::from_utf8_lossy(self.component(field, component))
    }

    /// MSH-3, all components.
    pub fn sending_application(&self) -> &[u8] {
        self.field(3)
    }

    /// MSH-4, all components.
    pub fn sending_facility(&self) -> &[u8] {
        self.field(4)
    }

    /// MSH-5, all components.
    pub fn receiving_application(&self) -> &[u8] {
        self.field(5)
    }

    /// MSH-6, all components.
    pub fn receiving_facility(&self) -> &[u8] {
        self.field(6)
    }

    /// MSH-7, when the sender made the message.
    pub fn timestamp(&self) -> &[u8] {
        self.component(7, 1)
    }

    /// MSH-9.1, the message code, as `ORU`.
    pub fn message_code(&self) -> &[u8] {
        self.component(9, 1)
    }

    /// MSH-9.2, the trigger event, as `R01`.
    pub fn trigger(&self) -> &[u8] {
        self.component(9, 2)
    }

    /// MSH-9.3, the message structure, as `ORU_R01`; often absent.
    pub fn structure(&self) -> &[u8] {
        self.component(9, 3)
    }

    /// MSH-10, exactly as sent; it goes back in MSA-2.
    pub fn control_id(&self) -> &[u8] {
        self.field(10)
    }

    /// MSH-11.1, as `P`, `T` or `D`.
    pub fn processing_id(&self) -> &[u8] {
        self.component(11, 1)
    }

    /// MSH-12.1, as `2.5.1`.
    pub fn version(&self) -> &[u8] {
        self.component(12, 1)
    }

    /// MSH-13, the sequence number, if the sender uses that protocol.
    pub fn sequence_number(&self) -> &[u8] {
        self.field(13)
    }

    /// MSH-14, valued only on a fragment of a longer message.
    pub fn continuation(&self) -> &[u8] {
        self.field(14)
    }

    /// MSH-15, when an accept acknowledgement is wanted.
    pub fn accept_acknowledgement(&self) -> &[u8] {
        self.field(15)
    }

    /// MSH-16, when an application acknowledgement is wanted.
    pub fn application_acknowledgement(&self) -> &[u8] {
        self.field(16)
    }

    /// MSH-18, the character set, with repetitions.
    pub fn charset(&self) -> &[u8] {
        self.field(18)
    }
}

impl fmt::Debug for Envelope {
    /// Names the type only: MSH is the sender's, and headers have been seen to carry names.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Envelope").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::read_envelope;

    const HEADER: &[u8] =
        b"MSH|^~\\&|LAB^1.2^ISO|NORTH|GW|CDR|20260314||ORU^R01^ORU_R01|A 1|P^T|2.5.1^USA|7||AL|NE||8859/1\rPID|";

    #[test]
    fn every_routing_fact_is_read() {
        let envelope = read_envelope(HEADER).unwrap();
        assert_eq!(envelope.field(1), b"|");
        assert_eq!(envelope.field(2), b"^~\\&");
        assert_eq!(envelope.sending_application(), b"LAB^1.2^ISO");
        assert_eq!(envelope.sending_facility(), b"NORTH");
        assert_eq!(envelope.receiving_application(), b"GW");
        assert_eq!(envelope.receiving_facility(), b"CDR");
        assert_eq!(envelope.timestamp(), b"20260314");
        assert_eq!(envelope.message_code(), b"ORU");
        assert_eq!(envelope.trigger(), b"R01");
        assert_eq!(envelope.structure(), b"ORU_R01");
        assert_eq!(envelope.control_id(), b"A 1");
        assert_eq!(envelope.processing_id(), b"P");
        assert_eq!(envelope.version(), b"2.5.1");
        assert_eq!(envelope.sequence_number(), b"7");
        assert_eq!(envelope.accept_acknowledgement(), b"AL");
        assert_eq!(envelope.application_acknowledgement(), b"NE");
        assert_eq!(envelope.charset(), b"8859/1");
        assert_eq!(envelope.field(0), b"");
        assert_eq!(envelope.field(99), b"");
    }

    #[test]
    fn blank_lines_and_a_byte_order_mark_before_the_header_are_skipped() {
        let envelope = read_envelope(b"\xEF\xBB\xBF\r\n  MSH|^~\\&|LAB").unwrap();
        assert_eq!(envelope.sending_application(), b"LAB");
    }

    #[test]
    fn a_header_with_a_truncation_character_keeps_its_numbers() {
        let envelope = read_envelope(b"MSH|^~\\&#|LAB|NORTH||||||ID1\n").unwrap();
        assert_eq!(envelope.sending_application(), b"LAB");
        assert_eq!(envelope.control_id(), b"ID1");
    }

    #[test]
    fn what_is_not_a_header_gives_nothing() {
        for bytes in [&b""[..], b"MSH", b"MSH|", b"PID|1\rMSH|^~\\&|", b"<ORU_R01/>"] {
            assert!(read_envelope(bytes).is_none());
        }
        let mut long = b"MSH|^~\\&|".to_vec();
        long.resize(super::MAX_HEADER_BYTES + 1, b'A');
        assert!(read_envelope(&long).is_none());
    }
}
