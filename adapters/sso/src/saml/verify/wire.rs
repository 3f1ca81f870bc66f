//! What gateway and helper say to each other.
//!
//! ```text
//!   question   "SGV1" | count u8 | count x (length u32 | certificate) | document to the end     big-endian
//!   answer     "SGV1" | enforced u8 | 1 verified, 0 not | what was verified, to the end
//! ```

use super::confine::Enforced;
use crate::saml::gate::LIMITS;

/// Most bytes of an answer: what a document may have, and what declaring namespaces anew may add.
pub(super) const MAX_ANSWER_BYTES: u64 = 1 << 20;

/// Most bytes of a question: the document and the certificates.
pub(super) const MAX_QUESTION_BYTES: u64 = 1 << 20;

const MAGIC: &[u8] = b"SGV1";

/// What the helper found.
pub(super) enum Answer {
    /// The part that is signed.
    Verified(String),
    /// Something is not signed by any of the certificates.
    NotVerified,
}

/// What a helper is asked.
pub(super) struct Question {
    pub(super) certificates: Vec<Vec<u8>>,
    pub(super) document: String,
}

/// Writes a question; `None` when it is larger than any may be.
pub(super) fn question(document: &str, certificates: &[Vec<u8>]) -> Option<Vec<u8>> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(u8::try_from(certificates.len()).ok()?);
    for certificate in certificates {
        bytes.extend_from_slice(&u32::try_from(certificate.len()).ok()?.to_be_bytes());
        bytes.extend_from_slice(certificate);
    }
    bytes.extend_from_slice(document.as_bytes());
    let small = document.len() <= LIMITS.bytes && u64::try_from(bytes.len()).ok()? <= MAX_QUESTION_BYTES;
    small.then_some(bytes)
}

/// Reads a question.
pub(super) fn read_question(bytes: &[u8]) -> Option<Question> {
    let (count, mut rest) = bytes.strip_prefix(MAGIC)?.split_first()?;
    let mut certificates = Vec::new();
    for _ in 0..*count {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (certificate, after) = after.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        certificates.push(certificate.to_vec());
        rest = after;
    }
    Some(Question { certificates, document: String::from_utf8(rest.to_vec()).ok()? })
}

/// Writes an answer.
pub(super) fn answer(enforced: Enforced, answer: &Answer) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.push(enforced.bits());
    match answer {
        Answer::Verified(signed) => {
            bytes.push(1);
            bytes.extend_from_slice(signed.as_bytes());
        }
        Answer::NotVerified => bytes.push(0),
    }
    bytes
}

/// Reads an answer; `None` when it is not whole.
pub(super) fn read_answer(bytes: Vec<u8>) -> Option<(Enforced, Answer)> {
    let ([enforced, verified], signed) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
    let answer = match verified {
        1 => Answer::Verified(String::from_utf8(signed.to_vec()).ok()?),
        0 if signed.is_empty() => Answer::NotVerified,
        _ => return None,
    };
    Some((Enforced::from_bits(*enforced), answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_reads_back_and_a_cut_one_does_not() {
        let bytes = question("<a/>", &[vec![1, 2, 3], Vec::new()]).unwrap();
        let read = read_question(&bytes).unwrap();
        assert_eq!((read.certificates, read.document.as_str()), (vec![vec![1, 2, 3], Vec::new()], "<a/>"));
        assert!(read_question(&bytes[..12]).is_none());
        assert!(question(&"x".repeat(LIMITS.bytes + 1), &[]).is_none());
    }

    #[test]
    fn an_answer_reads_back() {
        let bytes = answer(Enforced::from_bits(7), &Answer::Verified("<a/>".to_owned()));
        assert!(matches!(read_answer(bytes), Some((_, Answer::Verified(signed))) if signed == "<a/>"));
        assert!(read_answer(b"SGV1".to_vec()).is_none());
    }
}
