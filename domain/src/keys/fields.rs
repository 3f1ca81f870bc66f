//! Length-prefixed fields: the one form of everything that is authenticated but not encrypted.

use alloc::vec::Vec;

/// Bytes in which no two different lists of fields look alike.
///
/// ```text
///   ( length u32 | bytes )*        big-endian
/// ```
pub(crate) struct Fields(Vec<u8>);

impl Fields {
    /// Starts a list with the name of what it is for.
    pub(crate) fn of(purpose: &str) -> Self {
        Self(Vec::with_capacity(256)).with(purpose.as_bytes())
    }

    /// Adds a field.
    pub(crate) fn with(mut self, bytes: &[u8]) -> Self {
        // A field of 4 GiB cannot be in memory beside its copy on any machine we run on; if it
        // were, its length would saturate and still differ from every other list's.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&length.to_be_bytes());
        self.0.extend_from_slice(bytes);
        self
    }

    /// Borrows the whole.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_byte_between_fields_changes_the_whole() {
        assert_ne!(
            Fields::of("x").with(b"ab").with(b"c").as_bytes(),
            Fields::of("x").with(b"a").with(b"bc").as_bytes()
        );
        assert_ne!(Fields::of("x").with(b"").as_bytes(), Fields::of("x").as_bytes());
        assert_eq!(Fields::of("x").with(b"ab").as_bytes(), b"\0\0\0\x01x\0\0\0\x02ab");
    }
}
