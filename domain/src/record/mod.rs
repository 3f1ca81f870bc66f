//! Records: sealed with a key of their own, opened behind a permit only.
//!
//! [`content`] says what is inside, [`seal`] and [`open`] lock and unlock it, [`Opened`] is what
//! one may look at before a disclosure is in the chain and [`Disclosed`] what a reader gets after.
//! Every failure is one [`IntegrityFailure`]: it does not tell a forger how far he came.

mod binding;
mod compression;
pub mod content;
mod context;
mod opened;
mod sealed;
#[cfg(test)]
mod tests;

pub use binding::{Binding, SCHEMA};
pub use context::{ContextBinding, open_context, open_cursor, seal_context, seal_cursor, verify_context};
pub use opened::{Disclosed, Opened};
pub use sealed::{Heading, MAX_PLAINTEXT, Suite, heading};

use crate::access::{Opens, Permit, VerifyAudit};
use crate::intake::Account;
use crate::keys::{ContentKey, ContentMac, DataKey};
use crate::kind::Kind;
use crate::ports::{Entropy, Unavailable};
use crate::write::StoredRecord;
use alloc::vec::Vec;
use core::fmt;

/// Seals the plaintext of a record under a key derived for this write alone.
///
/// # Errors
/// [`SealFault::TooLarge`] above [`MAX_PLAINTEXT`], [`SealFault::WrongKey`] when the key belongs to
/// another tenant or compartment, [`SealFault::Unavailable`] when the source of randomness fails.
pub fn seal(key: &DataKey, binding: &Binding, plaintext: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, SealFault> {
    if key.tenant != binding.tenant || key.compartment != binding.compartment {
        return Err(SealFault::WrongKey);
    }
    sealed::seal(key, plaintext, entropy, |heading| binding.aad(heading))
}

/// Opens a stored record under a permit that covers it.
///
/// # Errors
/// [`IntegrityFailure`], whatever the reason: the permit is for something else, the key is another
/// one, the record or any of its columns was changed, moved or cut.
pub fn open<A: Opens>(permit: Permit<A>, key: &DataKey, stored: &StoredRecord) -> Result<Opened, IntegrityFailure> {
    if !permit.covers(stored.tenant, stored.kind, key.compartment) || key.tenant != stored.tenant {
        return Err(IntegrityFailure);
    }
    unseal(key, stored)
}

/// Returns the keyed hash of a stored record's content, to be held against the chain; nothing else leaves.
///
/// Opens inside, under a permit to verify that spans the tenant: what comes out says nothing about anybody. A message must
/// stand where its own account says, or it would not be listed as the work that it is.
///
/// # Errors
/// [`IntegrityFailure`], as for [`open`].
pub fn content_mac(
    permit: &Permit<VerifyAudit>,
    key: &DataKey,
    content: &ContentKey,
    stored: &StoredRecord,
) -> Result<ContentMac, IntegrityFailure> {
    if permit.tenant() != stored.tenant || key.tenant != stored.tenant {
        return Err(IntegrityFailure);
    }
    let opened = unseal(key, stored)?;
    let mut listed = true;
    opened.inspect_kind(Kind::MessageTrace, |_, account| listed = Account::read(account).fits(stored.routing));
    if listed { Ok(opened.content_mac(content)) } else { Err(IntegrityFailure) }
}

fn unseal(key: &DataKey, stored: &StoredRecord) -> Result<Opened, IntegrityFailure> {
    let binding = Binding {
        tenant: stored.tenant,
        clinic: stored.clinic,
        compartment: key.compartment,
        kind: stored.kind,
        id: stored.id,
        version: stored.version,
    };
    let plaintext = sealed::open(key, &stored.sealed, |heading| binding.aad(heading))?;
    Opened::read(binding, plaintext)
}

/// Says that something sealed does not open: it was changed, moved or cut, or the key or permit is not its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IntegrityFailure;

impl fmt::Display for IntegrityFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the sealed form does not open")
    }
}

impl core::error::Error for IntegrityFailure {}

/// Why something cannot be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealFault {
    /// The content is above its limit.
    TooLarge,
    /// The key belongs to another tenant or compartment.
    WrongKey,
    /// The source of randomness does not answer.
    Unavailable,
}

impl fmt::Display for SealFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SealFault::TooLarge => "the content is too large to be sealed",
            SealFault::WrongKey => "the key is not of this tenant and compartment",
            SealFault::Unavailable => "the source of randomness did not answer",
        })
    }
}

impl core::error::Error for SealFault {}

impl From<Unavailable> for SealFault {
    fn from(Unavailable: Unavailable) -> Self {
        SealFault::Unavailable
    }
}
