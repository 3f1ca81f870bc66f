//! Notes beside the records: the contexts of audit entries, and search cursors.

use super::{Heading, IntegrityFailure, SealFault, sealed};
use crate::access::{OpensContexts, Permit, VerifyAudit};
use crate::id::{CorrelationId, TenantId};
use crate::keys::{Compartment, ContentKey, ContentMac, DataKey, Fields};
use crate::ports::Entropy;
use alloc::vec::Vec;
use zeroize::Zeroize;

/// The entry a sealed context belongs to, or the question a cursor does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ContextBinding<'a> {
    /// The tenant whose chain holds the entry.
    pub tenant: TenantId,
    /// The entry's `resource_id`; for a cursor, who asked.
    pub resource_id: &'a str,
    /// The entry's `after_hash`; for a cursor, the keyed hash of the question.
    pub after: ContentMac,
    /// The entry's `correlation_id`.
    pub correlation: CorrelationId,
}

/// Seals the context of an audit entry, in the sealed form of a record.
///
/// # Errors
/// [`SealFault`] as [`super::seal`] gives it.
pub fn seal_context(
    key: &DataKey,
    binding: &ContextBinding<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealFault> {
    seal(key, Column::Context, binding, plaintext, entropy)
}

/// Opens the context of an audit entry; one permit serves for all entries of a listing.
///
/// # Errors
/// [`IntegrityFailure`], whatever the reason.
pub fn open_context<A: OpensContexts>(
    permit: &Permit<A>,
    key: &DataKey,
    binding: &ContextBinding<'_>,
    sealed: &[u8],
) -> Result<Vec<u8>, IntegrityFailure> {
    if permit.tenant() != binding.tenant {
        return Err(IntegrityFailure);
    }
    open(key, Column::Context, binding, sealed)
}

/// Says whether the sealed context beside an entry is the one that was sealed with it; nothing of it leaves.
///
/// It must open as this entry's. Where `own` is given, `after` is the hash of the context itself, and that must fit too.
///
/// # Errors
/// [`IntegrityFailure`], whatever the reason.
pub fn verify_context(
    permit: &Permit<VerifyAudit>,
    key: &DataKey,
    binding: &ContextBinding<'_>,
    own: Option<&ContentKey>,
    sealed: &[u8],
) -> Result<(), IntegrityFailure> {
    if permit.tenant() != binding.tenant {
        return Err(IntegrityFailure);
    }
    let mut clear = open(key, Column::Context, binding, sealed)?;
    let fits = own.is_none_or(|own| own.mac(&clear) == binding.after);
    clear.zeroize();
    if fits { Ok(()) } else { Err(IntegrityFailure) }
}

/// Seals a search cursor, which goes to a client and comes back.
///
/// # Errors
/// [`SealFault`] as [`super::seal`] gives it.
pub fn seal_cursor(
    key: &DataKey,
    binding: &ContextBinding<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealFault> {
    seal(key, Column::Cursor, binding, plaintext, entropy)
}

/// Opens a search cursor; it holds a place in an order and nothing about anybody, so it needs no permit.
///
/// # Errors
/// [`IntegrityFailure`], whatever the reason.
pub fn open_cursor(key: &DataKey, binding: &ContextBinding<'_>, sealed: &[u8]) -> Result<Vec<u8>, IntegrityFailure> {
    open(key, Column::Cursor, binding, sealed)
}

fn seal(
    key: &DataKey,
    column: Column,
    binding: &ContextBinding<'_>,
    plaintext: &[u8],
    entropy: &dyn Entropy,
) -> Result<Vec<u8>, SealFault> {
    if key.tenant != binding.tenant || key.compartment != Compartment::Context {
        return Err(SealFault::WrongKey);
    }
    sealed::seal(key, plaintext, entropy, |heading| binding.aad(column, heading))
}

fn open(
    key: &DataKey,
    column: Column,
    binding: &ContextBinding<'_>,
    sealed: &[u8],
) -> Result<Vec<u8>, IntegrityFailure> {
    if key.tenant != binding.tenant || key.compartment != Compartment::Context {
        return Err(IntegrityFailure);
    }
    sealed::open(key, sealed, |heading| binding.aad(column, heading))
}

#[derive(Clone, Copy)]
enum Column {
    Context,
    Cursor,
}

impl ContextBinding<'_> {
    /// Returns the authenticated data.
    ///
    /// ```text
    ///   each field: length u32 | bytes          big-endian
    ///   "SGR1" | suite u8 | tenant 16 | compartment 17 | resource_id | after_hash 32 | correlation_id 16
    ///          | kek_generation u32 | dek_id 16 | column "context" or "cursor"
    /// ```
    fn aad(&self, column: Column, heading: &Heading) -> Fields {
        let column: &[u8] = match column {
            Column::Context => b"context",
            Column::Cursor => b"cursor",
        };
        Fields::of("SGR1")
            .with(&[heading.suite.code()])
            .with(self.tenant.as_bytes())
            .with(&Compartment::Context.to_bytes())
            .with(self.resource_id.as_bytes())
            .with(&self.after.0)
            .with(self.correlation.as_bytes())
            .with(&heading.kek_generation.to_be_bytes())
            .with(heading.data_key.as_bytes())
            .with(column)
    }
}
