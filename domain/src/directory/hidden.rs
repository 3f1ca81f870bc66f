//! A secret inside a directory entry.

use crate::secret::constant_time_eq;
use alloc::string::String;
use core::fmt;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

/// A secret text that is stored in a sealed entry: a client secret, the hash of a password, the seed of one-time passwords.
///
/// Wiped when dropped, compared in constant time, never printed. It is written as plain text where its entry is written,
/// for an entry is sealed as a whole; whoever shows an entry to people must leave it out. A copy is made on purpose only:
/// a changed entry holds the secrets of the one before.
#[derive(Clone)]
pub struct Hidden(Zeroizing<String>);

impl Hidden {
    /// Takes over a text; what lies in its spare capacity is wiped with it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Borrows the text; the borrower must not keep a copy.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden")
    }
}

impl PartialEq for Hidden {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_bytes(), other.0.as_bytes())
    }
}

impl Eq for Hidden {}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::format;

    #[test]
    fn a_hidden_text_is_written_and_read_as_text_and_printed_as_its_name() {
        let hidden = Hidden::new("seed".into());
        assert_eq!(serde_json::to_string(&hidden).unwrap(), r#""seed""#);
        assert_eq!(serde_json::from_str::<Hidden>(r#""seed""#).unwrap(), hidden);
        assert_eq!(format!("{hidden:?}"), "Hidden");
    }
}
