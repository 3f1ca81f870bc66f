//! Tenant keys and data keys, in clear and wrapped.

use super::Compartment;
use crate::id::{DataKeyId, TenantId};
use crate::ports::{Entropy, Unavailable};
use crate::secret::Secret;
use crate::time::Timestamp;
use alloc::vec::Vec;

/// A tenant's key of one generation; wraps the tenant's data keys.
pub struct TenantKey {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// 1, 2, 3 …; new data keys are wrapped under the highest.
    pub generation: u32,
    pub(super) secret: Secret<32>,
}

impl TenantKey {
    /// Draws the key of a generation.
    ///
    /// # Errors
    /// [`Unavailable`] when the source of randomness fails.
    pub fn generate(tenant: TenantId, generation: u32, entropy: &dyn Entropy) -> Result<Self, Unavailable> {
        Ok(Self { tenant, generation, secret: Secret::fill(entropy)? })
    }
}

/// The key of one compartment; every write under it is sealed with a key derived from it.
pub struct DataKey {
    /// Its name in the sealed form.
    pub id: DataKeyId,
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// What it may seal and open.
    pub compartment: Compartment,
    /// The generation of the tenant key that it is wrapped under.
    pub kek_generation: u32,
    /// When it was made.
    pub created: Timestamp,
    pub(crate) secret: Secret<32>,
}

impl DataKey {
    /// Draws a data key for a compartment of the tenant whose key will wrap it.
    ///
    /// # Errors
    /// [`Unavailable`] when the source of randomness fails.
    pub fn generate(
        under: &TenantKey,
        compartment: Compartment,
        created: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self, Unavailable> {
        let mut id = [0; 16];
        entropy.fill(&mut id)?;
        Ok(Self {
            id: DataKeyId::from_random(id),
            tenant: under.tenant,
            compartment,
            kek_generation: under.generation,
            created,
            secret: Secret::fill(entropy)?,
        })
    }
}

/// A tenant key as it is stored, wrapped under the root.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedTenantKey {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its generation.
    pub generation: u32,
    /// The wrapped form.
    pub wrapped: Vec<u8>,
}

/// A data key as it is stored, wrapped under a tenant key.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedDataKey {
    /// The tenant it belongs to.
    pub tenant: TenantId,
    /// Its id.
    pub id: DataKeyId,
    /// What it may seal and open.
    pub compartment: Compartment,
    /// The generation of the tenant key that wraps it.
    pub generation: u32,
    /// When it was made.
    pub created: Timestamp,
    /// The wrapped form.
    pub wrapped: Vec<u8>,
}
