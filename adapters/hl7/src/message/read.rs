//! Reading a message: tolerant about form, strict about losing anything.

use super::charset::{self, CharsetPolicy, Source};
use super::envelope::{MAX_HEADER_BYTES, read_envelope, skip_before_header};
use super::fault::{Fault, FaultCode, Location, SegmentName};
use super::index::Index;
use super::lines::{Lines, normalise};
use super::view::Message;

/// Reads one message from the bytes of a frame or a file.
///
/// Everything that was sent ends up in a segment or the message is refused: nothing is dropped in silence. No memory
/// is spent beyond what `options.limits` allow.
///
/// # Errors
/// A [`Fault`] with the rule that was broken; the sender can still be answered through [`read_envelope`].
pub fn read(bytes: &[u8], options: &ReadOptions) -> Result<Message, Fault> {
    if bytes.len() > options.limits.message_bytes.min(MOST_BYTES) {
        return Err(Fault::new(FaultCode::TooLarge, "the message is longer than the limit"));
    }
    let envelope = read_envelope(bytes).ok_or_else(|| why_no_envelope(bytes))?;
    let (text, charset) = charset::decode(bytes, envelope.charset(), &options.charset)?;
    let Lines { text, segments, mut remarks } = normalise(&text, envelope.separators(), &options.limits)?;
    if charset.source == Source::Detected && !envelope.charset().is_empty() {
        remarks.push(Remark::CharsetMisdeclared);
    }
    if !envelope.continuation().is_empty() {
        return Err(Fault::at(
            FaultCode::Continuation,
            Location::header(14),
            "a continued message is not taken in fragments",
        ));
    }
    let mut index = Index::new(envelope.separators(), text.len());
    for segment in segments {
        let line = text.get(segment.clone()).unwrap_or_default();
        judge_segment(line, envelope.separators().field, index.segments.is_empty())?;
        index.add(line, segment.start, &options.limits)?;
    }
    Ok(Message::new(text, index, envelope, charset, remarks))
}

/// How to read.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReadOptions {
    /// Which character set to take.
    pub charset: CharsetPolicy,
    /// How much to take.
    pub limits: ReadLimits,
}

/// The most a message may hold. What is above is a fault before memory is spent on it.
#[derive(Debug, Clone, Copy)]
pub struct ReadLimits {
    /// Bytes of the whole message; 16 MiB.
    pub message_bytes: usize,
    /// Segments; 50,000.
    pub segments: usize,
    /// Fields of one segment; 1,024.
    pub fields: usize,
    /// Repetitions of one field; 4,096.
    pub repetitions: usize,
    /// Delimiters of one segment; 65,536.
    pub segment_parts: usize,
    /// Delimiters of the whole message; 1,000,000.
    pub message_parts: usize,
}

impl Default for ReadLimits {
    fn default() -> Self {
        Self {
            message_bytes: 16 * 1024 * 1024,
            segments: 50_000,
            fields: 1_024,
            repetitions: 4_096,
            segment_parts: 65_536,
            message_parts: 1_000_000,
        }
    }
}

/// Something tolerated in a message, worth telling its sender's administrator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remark {
    /// A line break inside a field of OBX or NTE was kept as a line feed in its text.
    FoldedLine,
    /// A segment name stood alone, without a field separator.
    BareSegment,
    /// The bytes are UTF-8 and MSH-18 says something else; they were read as UTF-8.
    CharsetMisdeclared,
    /// NUL characters became U+FFFD.
    NulReplaced,
}

/// Offsets are kept in 32 bits, and decoding may triple a length.
const MOST_BYTES: usize = 1024 * 1024 * 1024;

/// Says why [`read_envelope`] finds none, as exactly as the first bytes allow.
#[must_use]
pub fn why_no_envelope(bytes: &[u8]) -> Fault {
    if let Err(fault) = charset::decode(bytes, b"", &CharsetPolicy::default()) {
        return fault;
    }
    let start = skip_before_header(bytes);
    if [&b"FHS"[..], b"BHS", b"BTS", b"FTS"].iter().any(|name| start.starts_with(name)) {
        return BATCH;
    }
    if !start.starts_with(b"MSH") {
        return Fault::new(FaultCode::NoHeader, "the content does not begin with an MSH segment");
    }
    let line = start.split(|byte| matches!(byte, b'\r' | b'\n')).next();
    if line.is_some_and(|line| line.len() > MAX_HEADER_BYTES) {
        return Fault::new(FaultCode::TooLarge, "the MSH segment is longer than the limit");
    }
    Fault::new(FaultCode::UnreadableHeader, "the delimiters in MSH-1 and MSH-2 cannot be used")
}

const BATCH: Fault =
    Fault::new(FaultCode::Batch, "batches (FHS, BHS, BTS) are not taken; send each message in a frame of its own");

/// Refuses segments that would make this more, or less, than one whole message.
fn judge_segment(line: &str, separator: u8, first: bool) -> Result<(), Fault> {
    let valued = || line.bytes().skip(3).any(|byte| byte != separator && byte > b' ');
    match line.get(..3) {
        Some("MSH") if !first => Err(Fault::at(
            FaultCode::SecondHeader,
            Location::segment(SegmentName::MSH, 2),
            "a second MSH stands in the same frame",
        )),
        Some("FHS" | "BHS" | "BTS" | "FTS") => Err(BATCH),
        Some("ADD" | "DSC") if valued() => {
            Err(Fault::new(FaultCode::Continuation, "a continued message (ADD, DSC) is not taken in fragments"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::Segment;

    const MSH: &str = "MSH|^~\\&|LAB|N|GW|C|2026||ORU^R01|ID1|P|2.5.1\r";

    fn message(body: &str) -> Result<Message, Fault> {
        read(format!("{MSH}{body}").as_bytes(), &ReadOptions::default())
    }

    fn fault(bytes: &[u8]) -> FaultCode {
        read(bytes, &ReadOptions::default()).unwrap_err().code
    }

    fn names(message: &Message) -> Vec<&str> {
        message.segments().map(|segment| segment.name()).collect()
    }

    fn segment<'a>(message: &'a Message, name: &str) -> Segment<'a> {
        message.segments().find(|s| s.name() == name).unwrap()
    }

    #[test]
    fn parts_are_numbered_as_in_hl7() {
        let message = message("PID|1||A^^^X&1.2&ISO^MR~B||DOE^\\T\\^||\"\"|\rOBX|1\rOBX|2\r").unwrap();
        let msh = segment(&message, "MSH");
        assert_eq!(msh.field(1).raw(), "|");
        assert_eq!(msh.field(2).raw(), "^~\\&");
        assert_eq!(msh.field(2).text(), "^~\\&");
        assert_eq!(msh.field(10).text(), "ID1");
        assert_eq!(msh.field_count(), 12);
        let pid = segment(&message, "PID");
        assert_eq!(pid.field_count(), 8);
        assert_eq!(pid.field(3).raw(), "A^^^X&1.2&ISO^MR~B");
        assert_eq!(pid.field(3).repetitions().count(), 2);
        assert_eq!(pid.field(3).component(4).sub(2).raw(), "1.2");
        assert_eq!(pid.field(3).component(4).text(), "X&1.2&ISO");
        assert_eq!(pid.field(3).component(1).sub(1).raw(), "A");
        assert!(pid.field(3).component(1).sub(2).is_empty());
        assert_eq!(pid.field(3).first().component_count(), 5);
        assert_eq!(pid.field(5).component(2).text(), "&");
        assert!(pid.field(7).is_null() && pid.field(7).text().is_empty());
        assert!(pid.field(4).is_empty() && pid.field(99).is_empty());
        assert_eq!(pid.field(4).repetitions().count(), 0);
        assert_eq!(pid.field(99).first().component_count(), 0);
        let places: Vec<_> = message.segments().map(|s| (s.name(), s.ordinal(), s.occurrence())).collect();
        assert_eq!(places, [("MSH", 0, 1), ("PID", 1, 1), ("OBX", 2, 1), ("OBX", 3, 2)]);
    }

    #[test]
    fn any_line_end_is_taken() {
        for body in ["PID|1\rOBR|1\r", "PID|1\nOBR|1\n", "PID|1\r\nOBR|1", "\r\n\nPID|1\r\r  OBR|1\n \x1a"] {
            assert_eq!(names(&message(body).unwrap()), ["MSH", "PID", "OBR"]);
        }
    }

    #[test]
    fn unicode_line_separators_are_data() {
        let message = message("OBX|1|TX|a\u{2028}b\u{85}c").unwrap();
        assert_eq!(segment(&message, "OBX").field(3).raw(), "a\u{2028}b\u{85}c");
    }

    #[test]
    fn a_line_break_inside_a_result_stays_in_its_field() {
        let message = message("OBX|1|ED|X||^A^PDF^Base64^JVBE\r\nRi0x\r\n  LjQK||||||F\rNTE|1").unwrap();
        assert_eq!(segment(&message, "OBX").field(5).component(5).raw(), "JVBE\nRi0x\n  LjQK");
        assert_eq!(segment(&message, "OBX").field(11).raw(), "F");
        assert_eq!(message.remarks(), [Remark::FoldedLine]);
    }

    #[test]
    fn a_name_without_fields_is_an_empty_segment() {
        let message = message("PV1\rOBR|1").unwrap();
        assert_eq!(names(&message), ["MSH", "PV1", "OBR"]);
        assert_eq!(message.remarks(), [Remark::BareSegment]);
    }

    #[test]
    fn what_would_be_dropped_is_a_fault() {
        for body in ["OB|1\r", "PID|1\rnot a segment\r", "OBX|1\r|x\r", "OBXX|1\r"] {
            assert_eq!(message(body).unwrap_err().code, FaultCode::Unconsumed);
        }
        let fault = message("PID|1\rOBX|1\rOB|1\r").unwrap_err();
        assert_eq!(fault.location.unwrap().segment.as_str(), "OBX");
    }

    #[test]
    fn each_broken_rule_has_its_code() {
        assert_eq!(fault(b""), FaultCode::NoHeader);
        assert_eq!(fault(b"PID|1\rMSH|^~\\&|"), FaultCode::NoHeader);
        assert_eq!(fault(b"<ORU_R01/>"), FaultCode::NoHeader);
        assert_eq!(fault(b"msh|^~\\&|"), FaultCode::NoHeader);
        assert_eq!(fault(b"MSH|"), FaultCode::UnreadableHeader);
        assert_eq!(fault(b"MSHaBcDeFa"), FaultCode::UnreadableHeader);
        for first in ["FHS", "BHS", "BTS", "FTS"] {
            assert_eq!(fault(format!("{first}|^~\\&|\rMSH|^~\\&|").as_bytes()), FaultCode::Batch);
        }
        assert_eq!(fault(b"M\0S\0H\0|\0"), FaultCode::UnreadableHeader);
        let of = |body: &str| message(body).unwrap_err().code;
        assert_eq!(of("MSH|^~\\&|\r"), FaultCode::SecondHeader);
        assert_eq!(of("OBR|1\rBTS|1"), FaultCode::Batch);
        assert_eq!(of("ADD|more"), FaultCode::Continuation);
        assert_eq!(of("DSC|CP1|F"), FaultCode::Continuation);
        assert!(message("DSC||\r").is_ok());
        assert_eq!(fault(b"MSH|^~\\&|A|B|C|D|2026||ORU|1|P|2.5||CONT\r"), FaultCode::Continuation);
    }

    #[test]
    fn limits_are_kept_before_memory_is_spent() {
        let of = |body: String| message(&body).unwrap_err().code;
        assert_eq!(of(format!("OBX{}", "|".repeat(1_025))), FaultCode::TooManyParts);
        assert_eq!(of(format!("OBX|{}", "~".repeat(5_000))), FaultCode::TooManyParts);
        assert_eq!(of(format!("OBX|{}", "^".repeat(70_000))), FaultCode::TooManyParts);
        assert_eq!(of("OBX|\r".repeat(50_001)), FaultCode::TooManyParts);
        assert_eq!(of("OBX||||||||||||||||||||||||\r".repeat(45_000)), FaultCode::TooManyParts);
        assert_eq!(fault(&vec![b'A'; 16 * 1024 * 1024 + 1]), FaultCode::TooLarge);
        assert!(message(&format!("OBX{}", "|".repeat(1_024))).is_ok());
    }

    #[test]
    fn nul_never_reaches_the_text() {
        let message = message("PID|1||A\0B").unwrap();
        assert_eq!(segment(&message, "PID").field(3).raw(), "A\u{FFFD}B");
        assert_eq!(message.remarks(), [Remark::NulReplaced]);
    }

    #[test]
    fn utf8_under_another_declaration_is_read_and_remarked_on() {
        let header = "MSH|^~\\&|A|B|C|D|2026||ORU^R01|1|P|2.5|||||DE|8859/1\rPID|1||Müller\r";
        let message = read(header.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(segment(&message, "PID").field(3).raw(), "Müller");
        assert_eq!(message.remarks(), [Remark::CharsetMisdeclared]);
    }

    #[test]
    fn delimiters_of_the_senders_own_choice_are_used() {
        let bytes = b"MSH#$*@%#LABX#N#GW#C#2026##ORU$R01#1#P#2.5.1\rPID#1##9$$$N%1.2%ISO##A|B@F@$C";
        let message = read(bytes, &ReadOptions::default()).unwrap();
        let pid = segment(&message, "PID");
        assert_eq!(pid.field(3).component(4).sub(2).raw(), "1.2");
        assert_eq!(pid.field(5).component(1).text(), "A|B#");
    }

    #[test]
    fn a_truncation_character_shifts_nothing() {
        let bytes = b"MSH|^~\\&#|LAB|N|GW|C|2026||ORU^R01|ID1|P|2.7\rOBX|1|ST|T||cut#";
        let message = read(bytes, &ReadOptions::default()).unwrap();
        assert_eq!(segment(&message, "MSH").field(10).raw(), "ID1");
        assert_eq!(segment(&message, "MSH").field(2).raw(), "^~\\&#");
        assert_eq!(segment(&message, "OBX").field(5).text(), "cut#");
    }

    #[test]
    fn nothing_of_the_content_is_printed() {
        let message = message("PID|1||SECRET").unwrap();
        let printed = format!("{message:?} {:?}", message.envelope());
        assert_eq!(printed, "Message { segments: 2, .. } Envelope { .. }");
    }

    #[test]
    fn a_message_may_be_moved_between_threads() {
        fn movable<T: Send + Sync + 'static>(_: &T) {}
        movable(&message("PID|1").unwrap());
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = read_envelope(&bytes);
            let _ = read(&bytes, &ReadOptions::default());
        }

        #[test]
        fn no_bytes_after_a_header_make_the_reader_panic(
            header in "MSH[|^~\\\\&#A]{0,9}",
            body in "([A-Z]{2}[A-Z0-9]|[|^~\\\\&\r\n \"]|\\PC){0,80}",
        ) {
            if let Ok(message) = read(format!("{header}{body}").as_bytes(), &ReadOptions::default()) {
                for segment in message.segments() {
                    for number in 0..=segment.field_count() {
                        for repetition in segment.field(number).repetitions() {
                            let _ = repetition.component(1).sub(1).text();
                        }
                    }
                }
            }
        }
    }
}
