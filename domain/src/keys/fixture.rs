//! Fixed keys and a counting source of randomness, for tests.

use super::{Compartment, DataKey, Roots, TenantKey};
use crate::id::{DataKeyId, TenantId};
use crate::ports::{Entropy, Unavailable};
use crate::secret::Secret;
use crate::time::Timestamp;
use core::sync::atomic::{AtomicU64, Ordering};
use sha2::{Digest, Sha256};

/// Gives the same bytes in every run: block `n` is SHA-256 of `n` as 8 bytes.
pub(crate) struct Counting(AtomicU64);

impl Counting {
    pub(crate) const fn from(start: u64) -> Self {
        Self(AtomicU64::new(start))
    }
}

impl Entropy for Counting {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Unavailable> {
        for part in buffer.chunks_mut(32) {
            let block = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_be_bytes());
            part.copy_from_slice(&block[..part.len()]);
        }
        Ok(())
    }
}

/// A source of randomness that fails.
pub(crate) struct Dry;

impl Entropy for Dry {
    fn fill(&self, _: &mut [u8]) -> Result<(), Unavailable> {
        Err(Unavailable)
    }
}

pub(crate) const TENANT: TenantId = TenantId([0x11; 16]);
pub(crate) const OTHER_TENANT: TenantId = TenantId([0x22; 16]);

/// Roots of the bytes 1, 2, 3, 4, 5.
pub(crate) fn roots() -> Roots {
    let [root, audit, index, content, session] = [1, 2, 3, 4, 5].map(|byte| Secret::new([byte; 32]));
    Roots { root, audit, index, content, session }
}

/// Generation 3 of the key of [`TENANT`], all bytes 6.
pub(crate) fn tenant_key() -> TenantKey {
    TenantKey { tenant: TENANT, generation: 3, secret: Secret::new([6; 32]) }
}

/// A data key of [`TENANT`], all bytes 7.
pub(crate) fn data_key(compartment: Compartment) -> DataKey {
    DataKey {
        id: DataKeyId([0x44; 16]),
        tenant: TENANT,
        compartment,
        kek_generation: 3,
        created: Timestamp(1_700_000_000_000_000),
        secret: Secret::new([7; 32]),
    }
}

/// Reads hexadecimal text, spaces and line ends left out.
pub(crate) fn hex(text: &str) -> alloc::vec::Vec<u8> {
    let digits: alloc::string::String = text.split_whitespace().collect();
    super::hex::read(&digits).unwrap()
}

/// Returns the text of a fixed vector.
pub(crate) fn vector(name: &str) -> &'static str {
    let lines = include_str!("../../tests/vectors/fixed.txt").lines();
    let found = lines.filter_map(|line| line.split_once(" = ")).find(|(key, _)| *key == name);
    found.map(|(_, value)| value).unwrap()
}
