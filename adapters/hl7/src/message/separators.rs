//! The delimiters a message declares for itself in MSH-1 and MSH-2.

/// The delimiters of one message (HL7 v2.5.1 §2.5.4).
///
/// All are ASCII punctuation and all differ; anything else makes the header unreadable, since a letter or digit as
/// delimiter would cut values apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Separators {
    /// Between fields, `|`.
    pub field: u8,
    /// Between components, `^`.
    pub component: u8,
    /// Between repetitions, `~`.
    pub repetition: Option<u8>,
    /// Around escape sequences, `\`.
    pub escape: Option<u8>,
    /// Between subcomponents, `&`.
    pub subcomponent: Option<u8>,
    /// Marks a truncated value, `#`; v2.7 and later.
    pub truncation: Option<u8>,
}

impl Separators {
    /// The delimiters nearly everybody uses: `|^~\&`.
    pub const USUAL: Self = Self {
        field: b'|',
        component: b'^',
        repetition: Some(b'~'),
        escape: Some(b'\\'),
        subcomponent: Some(b'&'),
        truncation: None,
    };

    /// Reads MSH-1 and MSH-2 from the start of a header segment; `None` unless they are usable.
    pub fn read(header: &[u8]) -> Option<Self> {
        let (&field, rest) = header.strip_prefix(b"MSH")?.split_first()?;
        let encoding = match rest.split(|byte| *byte == field).next()? {
            DOUBLED => USUAL_ENCODING,
            as_sent => as_sent,
        };
        let mut characters = encoding.iter().copied();
        let separators = Self {
            field,
            component: characters.next()?,
            repetition: characters.next(),
            escape: characters.next(),
            subcomponent: characters.next(),
            truncation: characters.next(),
        };
        (characters.next().is_none() && separators.usable()).then_some(separators)
    }

    /// MSH-2 as it stood.
    pub fn encoding_characters(&self) -> impl Iterator<Item = u8> {
        [Some(self.component), self.repetition, self.escape, self.subcomponent, self.truncation].into_iter().flatten()
    }

    fn usable(&self) -> bool {
        let mut seen = 0u128;
        std::iter::once(self.field).chain(self.encoding_characters()).all(|byte| {
            let bit = 1u128.checked_shl(u32::from(byte)).unwrap_or(0);
            let fresh = byte.is_ascii_punctuation() && seen & bit == 0;
            seen |= bit;
            fresh
        })
    }
}

const USUAL_ENCODING: &[u8] = br"^~\&";
/// What comes of a header that went through one string literal too many; seen from test tools and small senders.
const DOUBLED: &[u8] = br"^~\\&";

#[cfg(test)]
mod tests {
    use super::Separators;

    #[test]
    fn usual_delimiters_are_read() {
        assert_eq!(Separators::read(br"MSH|^~\&|LAB"), Some(Separators::USUAL));
        assert_eq!(Separators::read(br"MSH|^~\&"), Some(Separators::USUAL));
    }

    #[test]
    fn a_truncation_character_is_read() {
        let read = Separators::read(br"MSH|^~\&#|LAB").unwrap();
        assert_eq!(read.truncation, Some(b'#'));
    }

    #[test]
    fn a_doubled_escape_character_is_taken_for_one() {
        assert_eq!(Separators::read(br"MSH|^~\\&|LAB"), Some(Separators::USUAL));
    }

    #[test]
    fn a_short_list_leaves_the_rest_undeclared() {
        let read = Separators::read(b"MSH|^~|LAB").unwrap();
        assert_eq!((read.escape, read.subcomponent), (None, None));
    }

    #[test]
    fn letters_doubles_and_lengths_are_refused() {
        for header in [
            &b"MSHaBcDeFaLAB"[..],
            br"MSH|^~^&|LAB",
            br"MSH|^~\&#!|LAB",
            b"MSH||LAB",
            b"MSH|",
            b"MSH",
            b"msh|^~\\&|",
            b"MSH|^\x80\\&|",
        ] {
            assert_eq!(Separators::read(header), None);
        }
    }
}
