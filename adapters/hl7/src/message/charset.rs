//! From bytes to text: which character set a message is in, and how sure that is.
//!
//! Order: the interface's override, then MSH-18 (table 0211), then UTF-8 if the bytes are valid, then the configured
//! fallback. A Latin set in MSH-18 yields to bytes that are valid UTF-8: no text says so by chance. An empty MSH-18 means ASCII by the text of the standard and Windows-1252 or UTF-8 in hospitals.

use std::borrow::Cow;

use encoding_rs::Encoding;

use super::fault::{Fault, FaultCode, Location};

/// Decodes a message.
///
/// `declared` is MSH-18 as it stood, repetitions and all.
///
/// # Errors
/// `UnreadableHeader` for UTF-16 and UTF-32; `Charset` for a declared name we do not know when the bytes are not UTF-8 either.
pub(super) fn decode<'a>(
    bytes: &'a [u8],
    declared: &[u8],
    policy: &CharsetPolicy,
) -> Result<(Cow<'a, str>, CharsetUsed), Fault> {
    if is_wide(bytes) {
        // Not even MSH can be read as bytes, so there is nothing to answer to.
        return Err(Fault::new(FaultCode::UnreadableHeader, "UTF-16 and UTF-32 are not taken over MLLP"));
    }
    let bytes = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    if let Some(charset) = policy.override_with {
        return Ok(decode_as(bytes, charset, Source::Override, policy.fallback));
    }
    match Declared::read(declared) {
        Declared::Known(charset) if charset.is_latin() && !bytes.is_ascii() => Ok(detect(bytes, policy.fallback)
            .unwrap_or_else(|| decode_as(bytes, charset, Source::Declared, policy.fallback))),
        Declared::Known(charset) => Ok(decode_as(bytes, charset, Source::Declared, policy.fallback)),
        Declared::Ascii => Ok(detect(bytes, policy.fallback).unwrap_or_else(|| fall_back(bytes, policy.fallback))),
        Declared::Unknown => detect(bytes, policy.fallback).ok_or(Fault::at(
            FaultCode::Charset,
            Location::header(18),
            "the character set of MSH-18 is not known here",
        )),
    }
}

/// What an interface says about character sets.
#[derive(Debug, Clone, Copy)]
pub struct CharsetPolicy {
    /// Used whatever MSH-18 says, for senders that declare it falsely.
    pub override_with: Option<Charset>,
    /// Used when nothing usable is declared and the bytes are not UTF-8.
    pub fallback: Charset,
}

impl Default for CharsetPolicy {
    fn default() -> Self {
        Self { override_with: None, fallback: Charset::WINDOWS_1252 }
    }
}

/// A character set messages may be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// UTF-8.
    pub const UTF_8: Self = Self(encoding_rs::UTF_8);
    /// Windows-1252, which holds all of ISO 8859-1.
    pub const WINDOWS_1252: Self = Self(encoding_rs::WINDOWS_1252);

    /// Finds a character set by its HL7 name (table 0211) or a common other one, in any case.
    pub fn named(name: &str) -> Option<Self> {
        match Declared::read(name.as_bytes()) {
            Declared::Known(charset) => Some(charset),
            Declared::Ascii if !name.trim().is_empty() => Some(Self::UTF_8),
            Declared::Ascii | Declared::Unknown => None,
        }
    }

    /// The name in the WHATWG encoding standard.
    pub fn name(self) -> &'static str {
        self.0.name()
    }

    /// Whether it has one byte for each of the letters of Western and Central Europe.
    fn is_latin(self) -> bool {
        use encoding_rs as e;
        [e::WINDOWS_1252, e::ISO_8859_2, e::ISO_8859_3, e::ISO_8859_4, e::WINDOWS_1254, e::ISO_8859_15]
            .contains(&self.0)
    }

    /// Decodes a few bytes, as an escape sequence `\Xhh..\` brings them; malformed ones become U+FFFD.
    pub(crate) fn decode(self, bytes: &[u8]) -> String {
        self.0.decode_without_bom_handling(bytes).0.into_owned()
    }
}

/// The character set a message was read in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CharsetUsed {
    /// The character set.
    pub charset: Charset,
    /// What bytes in escape sequences are in when they are no UTF-8: the same, or the fallback where that is UTF-8.
    pub escaped: Charset,
    /// Why this one.
    pub source: Source,
    /// Whether bytes did not fit it and became U+FFFD.
    pub lossy: bool,
}

impl CharsetUsed {
    /// Whether the choice rests on the bytes or the fallback rather than on somebody's word.
    pub fn assumed(&self) -> bool {
        matches!(self.source, Source::Detected | Source::Fallback)
    }
}

/// Where the choice of a character set came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The interface's configuration.
    Override,
    /// MSH-18.
    Declared,
    /// All bytes are ASCII, so that nothing had to be chosen.
    Ascii,
    /// The bytes are valid UTF-8 and not ASCII.
    Detected,
    /// The configured fallback; also when declared UTF-8 proved false.
    Fallback,
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

fn decode_as(bytes: &[u8], charset: Charset, source: Source, fallback: Charset) -> (Cow<'_, str>, CharsetUsed) {
    if charset == Charset::UTF_8 {
        return match std::str::from_utf8(bytes) {
            Ok(text) => (Cow::Borrowed(text), CharsetUsed { escaped: fallback, ..used(charset, source, false) }),
            Err(_) => fall_back(bytes, fallback),
        };
    }
    let (text, lossy) = charset.0.decode_without_bom_handling(bytes);
    (text, used(charset, source, lossy))
}

fn detect(bytes: &[u8], fallback: Charset) -> Option<(Cow<'_, str>, CharsetUsed)> {
    let text = std::str::from_utf8(bytes).ok()?;
    let source = if text.is_ascii() { Source::Ascii } else { Source::Detected };
    Some((Cow::Borrowed(text), CharsetUsed { escaped: fallback, ..used(Charset::UTF_8, source, false) }))
}

fn fall_back(bytes: &[u8], fallback: Charset) -> (Cow<'_, str>, CharsetUsed) {
    let (text, lossy) = fallback.0.decode_without_bom_handling(bytes);
    (text, used(fallback, Source::Fallback, lossy))
}

fn used(charset: Charset, source: Source, lossy: bool) -> CharsetUsed {
    CharsetUsed { charset, escaped: charset, source, lossy }
}

/// Whether the bytes are UTF-16 or UTF-32: a byte order mark, or a zero byte inside the word MSH.
fn is_wide(bytes: &[u8]) -> bool {
    [&b"\xFF\xFE"[..], b"\xFE\xFF", b"M\0S\0", b"\0M\0S", b"M\0\0\0", b"\0\0\0M"]
        .iter()
        .any(|mark| bytes.starts_with(mark))
}

enum Declared {
    /// ASCII, or nothing at all.
    Ascii,
    Known(Charset),
    Unknown,
}

impl Declared {
    /// Reads MSH-18. Alternate sets in later repetitions matter only for ISO 2022, where the first one is plain ASCII.
    fn read(field: &[u8]) -> Self {
        let Ok(field) = std::str::from_utf8(field) else {
            return Self::Unknown;
        };
        let mut result = Self::Ascii;
        for name in field.split('~') {
            match Self::name(&name.trim().to_ascii_uppercase()) {
                Self::Ascii => {}
                found @ (Self::Known(_) | Self::Unknown) => {
                    result = found;
                    break;
                }
            }
        }
        result
    }

    fn name(name: &str) -> Self {
        use encoding_rs as e;
        let encoding = match name {
            "" | "ASCII" | "US-ASCII" | "ISO IR6" | "\"\"" => return Self::Ascii,
            "UNICODE" | "UNICODE UTF-8" | "UTF-8" | "UTF8" => e::UTF_8,
            "8859/1" | "8859-1" | "LATIN1" => e::WINDOWS_1252,
            "8859/2" | "8859-2" => e::ISO_8859_2,
            "8859/3" => e::ISO_8859_3,
            "8859/4" => e::ISO_8859_4,
            "8859/5" => e::ISO_8859_5,
            "8859/6" => e::ISO_8859_6,
            "8859/7" => e::ISO_8859_7,
            "8859/8" => e::ISO_8859_8,
            "8859/9" | "8859-9" => e::WINDOWS_1254,
            "8859/15" | "8859-15" => e::ISO_8859_15,
            "ISO IR14" | "ISO IR87" | "ISO IR159" => e::ISO_2022_JP,
            "GB 18030-2000" => e::GB18030,
            "KS X 1001" => e::EUC_KR,
            "BIG-5" => e::BIG5,
            other => match Encoding::for_label_no_replacement(other.as_bytes()) {
                Some(found) if found != e::UTF_16LE && found != e::UTF_16BE => found,
                _ => return Self::Unknown,
            },
        };
        Self::Known(Charset(encoding))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], declared: &str) -> Result<(String, CharsetUsed), Fault> {
        decode(bytes, declared.as_bytes(), &CharsetPolicy::default()).map(|(text, used)| (text.into_owned(), used))
    }

    #[test]
    fn ascii_needs_no_assumption() {
        let (_, used) = read(b"MSH|x", "").unwrap();
        assert_eq!(used.source, Source::Ascii);
        assert!(!used.assumed());
    }

    #[test]
    fn undeclared_utf8_is_detected_and_marked_assumed() {
        let (text, used) = read("MSH|Müller".as_bytes(), "").unwrap();
        assert_eq!(text, "MSH|Müller");
        assert!(used.assumed());
    }

    #[test]
    fn undeclared_bytes_that_are_not_utf8_use_the_fallback() {
        let (text, used) = read(b"MSH|M\xFCller", "").unwrap();
        assert_eq!(text, "MSH|Müller");
        assert_eq!(used.source, Source::Fallback);
    }

    #[test]
    fn declared_utf8_that_is_false_uses_the_fallback() {
        let (text, used) = read(b"MSH|M\xFCller", "UNICODE UTF-8").unwrap();
        assert_eq!(text, "MSH|Müller");
        assert!(used.assumed());
    }

    #[test]
    fn utf8_under_a_declared_latin_set_is_read_as_utf8() {
        for declared in ["8859/1", "8859/2", "8859/15"] {
            let (text, used) = read("MSH|Müller".as_bytes(), declared).unwrap();
            assert_eq!((text.as_str(), used.source), ("MSH|Müller", Source::Detected));
            assert_eq!(read(b"MSH|M\xFCller", declared).unwrap().0, "MSH|Müller");
        }
        assert_eq!(read(b"MSH|x", "8859/1").unwrap().1.source, Source::Declared);
        assert_eq!(read(b"MSH|\xC3\xA9", "8859/5").unwrap().0, "MSH|УЉ");
    }

    #[test]
    fn the_override_wins_over_the_declaration() {
        let policy = CharsetPolicy { override_with: Charset::named("8859/2"), ..CharsetPolicy::default() };
        let (text, used) = decode(b"MSH|\xB1", b"8859/1", &policy).unwrap();
        assert_eq!((text.as_ref(), used.source), ("MSH|ą", Source::Override));
    }

    #[test]
    fn a_byte_order_mark_is_dropped() {
        assert_eq!(read(b"\xEF\xBB\xBFMSH|x", "").unwrap().0, "MSH|x");
    }

    #[test]
    fn utf16_is_refused() {
        for bytes in [&b"M\0S\0H\0|\0"[..], b"\0M\0S\0H", b"\xFF\xFEM\0", b"\xFE\xFF\0M"] {
            assert_eq!(read(bytes, "").unwrap_err().code, FaultCode::UnreadableHeader);
        }
    }

    #[test]
    fn an_unknown_name_is_a_fault_unless_the_bytes_speak_for_themselves() {
        assert!(read(b"MSH|x", "KLINGON-8").is_ok());
        assert!(read("MSH|é".as_bytes(), "UNICODE UTF-16").is_ok());
        assert_eq!(read(b"MSH|\xFC", "KLINGON-8").unwrap_err().code, FaultCode::Charset);
    }

    #[test]
    fn iso_2022_in_a_later_repetition_is_used() {
        let (text, used) = read(b"MSH|\x1B$B$\"\x1B(B", "~ISO IR87").unwrap();
        assert_eq!(text, "MSH|あ");
        assert!(!used.lossy);
    }
}
