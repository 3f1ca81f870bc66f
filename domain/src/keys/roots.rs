//! The five root keys of an installation.

use crate::ports::{Entropy, Unavailable};
use crate::secret::{Secret, SecretBytes};
use alloc::vec::Vec;

/// Five independent root keys; in clear only in memory, while the gateway runs.
///
/// ```text
///   root 32 | audit 32 | index 32 | content 32 | session 32       the bytes a custody slot wraps
/// ```
pub struct Roots {
    /// Wraps the tenant keys.
    pub root: Secret<32>,
    /// The chain's keys come from it.
    pub audit: Secret<32>,
    /// Index tokens and names come from it.
    pub index: Secret<32>,
    /// Keyed hashes of content come from it.
    pub content: Secret<32>,
    /// What is handed to clients and comes back (search cursors, sessions) is protected under it.
    pub session: Secret<32>,
}

impl Roots {
    /// How many bytes [`Roots::to_bytes`] gives.
    pub const LENGTH: usize = 160;

    /// Draws new roots.
    ///
    /// # Errors
    /// [`Unavailable`] when the source of randomness fails.
    pub fn generate(entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        Ok(Self {
            root: Secret::fill(entropy)?,
            audit: Secret::fill(entropy)?,
            index: Secret::fill(entropy)?,
            content: Secret::fill(entropy)?,
            session: Secret::fill(entropy)?,
        })
    }

    /// Joins the roots, to be wrapped.
    #[must_use]
    pub fn to_bytes(&self) -> SecretBytes {
        let mut bytes = Vec::with_capacity(Self::LENGTH);
        for secret in [&self.root, &self.audit, &self.index, &self.content, &self.session] {
            bytes.extend_from_slice(secret.expose());
        }
        SecretBytes::new(bytes)
    }

    /// Reads what [`Roots::to_bytes`] gave; `None` at any other length.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut parts = bytes.chunks(32).map(Secret::from_slice);
        let roots = Self {
            root: parts.next()??,
            audit: parts.next()??,
            index: parts.next()??,
            content: parts.next()??,
            session: parts.next()??,
        };
        parts.next().is_none().then_some(roots)
    }
}
