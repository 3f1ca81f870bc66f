//! The key hierarchy: what wraps what, and what is derived from what.
//!
//! ```text
//!   slot (passphrase, support code, credential file)         slot, support_code
//!     └─ wraps ─► Roots { root, audit, index, content, session }   roots
//!                   root    ─ wraps ─► TenantKey, by generation    wrap
//!                                        └─ wraps ─► DataKey, one per compartment
//!                                                      └─ HKDF ─► a key of its own for every write  (record)
//!                   audit   ─ HKDF ─► one key per chain and segment, anchors, signing seed          audit::keys
//!                   index   ─ HMAC ─► index key, naming key, per tenant                             derive
//!                   content ─ HMAC ─► content key, per tenant
//! ```
//!
//! A patient's data key is the unit of crypto-shredding: delete its row, and nothing of that
//! patient opens any more. Changing a tenant key re-wraps data keys and touches no record.
//! Deliberately absent: where keys are kept and cached (`adapters/keys`).

mod compartment;
mod derive;
mod fields;
#[cfg(test)]
pub(crate) mod fixture;
mod hex;
mod hierarchy;
mod once;
mod roots;
pub mod slot;
mod support_code;
#[cfg(test)]
mod tests;
mod wrap;

pub use compartment::Compartment;
pub use derive::{ContentKey, ContentMac, NameKey, TenantSecrets};
pub use hierarchy::{DataKey, TenantKey, WrappedDataKey, WrappedTenantKey};
pub use roots::Roots;
pub use support_code::{SupportCode, SupportCodeFault};
pub use wrap::{rewrap_data_key, unwrap_data_key, unwrap_tenant_key, wrap_data_key, wrap_tenant_key};

pub(crate) use derive::MacKey;
pub(crate) use fields::Fields;
pub(crate) use once::{OneUse, ZERO_NONCE};
