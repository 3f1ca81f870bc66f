//! Wrapping: a key under another key.

use super::once::ZERO_NONCE;
use super::{DataKey, Fields, OneUse, TenantKey, WrappedDataKey, WrappedTenantKey};
use crate::id::TenantId;
use crate::ports::{Entropy, KeyFault, Unavailable};
use crate::secret::{Secret, SecretBytes, constant_time_eq};
use alloc::vec::Vec;

/// Wraps a tenant key under the root.
///
/// # Errors
/// [`Unavailable`] when the source of randomness fails.
pub fn wrap_tenant_key(
    root: &Secret<32>,
    key: &TenantKey,
    entropy: &dyn Entropy,
) -> Result<WrappedTenantKey, Unavailable> {
    let aad = tenant_key_aad(key.tenant, key.generation);
    let wrapped = wrap(root, &aad, key.secret.expose(), entropy)?;
    Ok(WrappedTenantKey { tenant: key.tenant, generation: key.generation, wrapped })
}

/// Opens a wrapped tenant key.
///
/// # Errors
/// [`KeyFault::Broken`] when the root is another one or any field of the row was changed.
pub fn unwrap_tenant_key(root: &Secret<32>, key: &WrappedTenantKey) -> Result<TenantKey, KeyFault> {
    let aad = tenant_key_aad(key.tenant, key.generation);
    let secret = unwrap(root, &aad, &key.wrapped).and_then(|clear| Secret::from_slice(clear.expose()));
    let secret = secret.ok_or(KeyFault::Broken)?;
    Ok(TenantKey { tenant: key.tenant, generation: key.generation, secret })
}

/// Wraps a data key under a key of its tenant, which may be of another generation than before.
///
/// # Errors
/// [`KeyFault::Broken`] when the keys belong to different tenants; [`KeyFault::Unavailable`] when
/// the source of randomness fails.
pub fn wrap_data_key(under: &TenantKey, key: &DataKey, entropy: &dyn Entropy) -> Result<WrappedDataKey, KeyFault> {
    if under.tenant != key.tenant {
        return Err(KeyFault::Broken);
    }
    let mut row = WrappedDataKey {
        tenant: key.tenant,
        id: key.id,
        compartment: key.compartment,
        generation: under.generation,
        created: key.created,
        wrapped: Vec::new(),
    };
    row.wrapped = wrap(&under.secret, &data_key_aad(&row), key.secret.expose(), entropy)
        .map_err(|Unavailable| KeyFault::Unavailable)?;
    Ok(row)
}

/// Opens a wrapped data key.
///
/// # Errors
/// [`KeyFault::Broken`] when the tenant key is another one or any field of the row was changed.
pub fn unwrap_data_key(under: &TenantKey, row: &WrappedDataKey) -> Result<DataKey, KeyFault> {
    if under.tenant != row.tenant || under.generation != row.generation {
        return Err(KeyFault::Broken);
    }
    let clear = unwrap(&under.secret, &data_key_aad(row), &row.wrapped);
    let secret = clear.and_then(|clear| Secret::from_slice(clear.expose())).ok_or(KeyFault::Broken)?;
    Ok(DataKey {
        id: row.id,
        tenant: row.tenant,
        compartment: row.compartment,
        kek_generation: row.generation,
        created: row.created,
        secret,
    })
}

/// Moves a wrapped data key from one generation of its tenant's key to another.
///
/// # Errors
/// [`KeyFault`] as [`unwrap_data_key`] and [`wrap_data_key`] give it.
pub fn rewrap_data_key(
    from: &TenantKey,
    to: &TenantKey,
    row: &WrappedDataKey,
    entropy: &dyn Entropy,
) -> Result<WrappedDataKey, KeyFault> {
    wrap_data_key(to, &unwrap_data_key(from, row)?, entropy)
}

/// Wraps secret bytes under a key.
///
/// ```text
///   "SGK1" | salt 32 | commitment 32 | ciphertext | tag 16
///   key    = HKDF-SHA256(ikm = wrapping key, salt, info = "sealgate/wrap/1"), see OneUse; nonce zero
///   aad    = fields that name what is wrapped, length-prefixed
/// ```
///
/// # Errors
/// [`Unavailable`] when the source of randomness fails.
pub(super) fn wrap(
    key: &Secret<32>,
    aad: &Fields,
    clear: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, Unavailable> {
    let mut salt = [0; 32];
    entropy.fill(&mut salt)?;
    let once = OneUse::derive(key.expose(), &salt, &[PURPOSE]).map_err(|_| Unavailable)?;
    let mut wrapped = Vec::with_capacity(clear.len().saturating_add(OVERHEAD));
    wrapped.extend_from_slice(MAGIC);
    wrapped.extend_from_slice(&salt);
    wrapped.extend_from_slice(&once.commitment);
    let start = wrapped.len();
    wrapped.extend_from_slice(clear);
    let text = wrapped.get_mut(start..).unwrap_or_default();
    let tag = once.encrypt(&ZERO_NONCE, aad.as_bytes(), text).ok_or(Unavailable)?;
    wrapped.extend_from_slice(&tag);
    Ok(wrapped)
}

/// Opens what [`wrap`] made; `None` for everything else, without saying why.
pub(super) fn unwrap(key: &Secret<32>, aad: &Fields, wrapped: &[u8]) -> Option<SecretBytes> {
    let rest = wrapped.strip_prefix(MAGIC)?;
    let (salt, rest) = rest.split_first_chunk::<32>()?;
    let (commitment, rest) = rest.split_first_chunk::<32>()?;
    let (text, tag) = rest.split_last_chunk::<16>()?;
    let once = OneUse::derive(key.expose(), salt, &[PURPOSE]).ok()?;
    if !constant_time_eq(&once.commitment, commitment) {
        return None;
    }
    let mut clear = text.to_vec();
    once.decrypt(&ZERO_NONCE, aad.as_bytes(), &mut clear, *tag)?;
    Some(SecretBytes::new(clear))
}

fn tenant_key_aad(tenant: TenantId, generation: u32) -> Fields {
    Fields::of("sealgate/tenant-key/1").with(tenant.as_bytes()).with(&generation.to_be_bytes())
}

fn data_key_aad(row: &WrappedDataKey) -> Fields {
    Fields::of("sealgate/data-key/1")
        .with(row.tenant.as_bytes())
        .with(row.id.as_bytes())
        .with(&row.compartment.to_bytes())
        .with(&row.generation.to_be_bytes())
        .with(&row.created.0.to_be_bytes())
}

const MAGIC: &[u8; 4] = b"SGK1";
const PURPOSE: &[u8] = b"sealgate/wrap/1";
const OVERHEAD: usize = 4 + 32 + 32 + 16;
