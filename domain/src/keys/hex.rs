//! Lower-case hexadecimal text, for files that people look at.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&Hex(bytes.as_ref()))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>, T: TryFrom<Vec<u8>>>(deserializer: D) -> Result<T, D::Error> {
    let bytes = read(&String::deserialize(deserializer)?);
    bytes
        .and_then(|bytes| T::try_from(bytes).ok())
        .ok_or_else(|| serde::de::Error::custom("expected an even number of hexadecimal digits of the right length"))
}

/// Bytes that display as lower-case digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

pub(super) fn read(text: &str) -> Option<Vec<u8>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    pairs
        .iter()
        .map(|pair| {
            let plain = pair.iter().all(u8::is_ascii_hexdigit);
            plain.then(|| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok()).flatten()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn bytes_read_back_from_their_digits() {
        let bytes = [0x00, 0x7f, 0xff];
        assert_eq!(Hex(&bytes).to_string(), "007fff");
        assert_eq!(read("007fFF").as_deref(), Some(bytes.as_slice()));
        for bad in ["0", "0g", "+1", " 1", "é"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
