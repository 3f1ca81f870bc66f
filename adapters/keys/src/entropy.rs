//! The operating system's randomness.

use domain::ports::{Entropy, Unavailable};

/// Draws from the operating system (`getrandom`).
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Unavailable> {
        getrandom::fill(buffer).map_err(|_| Unavailable)
    }
}
