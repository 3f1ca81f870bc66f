//! The keys of tickets, and the sealed form.

use super::{Owner, StoredTicket, TicketKey, TicketKind};
use crate::id::TenantId;
use crate::keys::{Fields, MacKey, OneUse};
use crate::ports::{Entropy, Unavailable};
use crate::secret::Secret;
use alloc::vec::Vec;

/// Finds, seals and opens tickets; derived from the session root.
pub struct TicketKeys {
    find: MacKey,
    seal: Secret<32>,
}

/// What identifies a ticket; all of it is authenticated.
#[derive(Clone, Copy)]
pub(super) struct TicketBinding {
    pub(super) kind: TicketKind,
    pub(super) tenant: TenantId,
    pub(super) key: TicketKey,
    pub(super) owner: Owner,
    pub(super) revision: u32,
    pub(super) expires: i64,
}

impl TicketBinding {
    pub(super) fn of(kind: TicketKind, stored: &StoredTicket) -> Self {
        Self {
            kind,
            tenant: stored.tenant,
            key: stored.key,
            owner: stored.owner,
            revision: stored.revision,
            expires: stored.expires.0,
        }
    }

    /// ```text
    ///   each field: length u32 | bytes          big-endian
    ///   "SGT1" | kind u8 | tenant 16 | key 32 | owner 32 | revision u32 | expires i64, microseconds
    /// ```
    fn aad(&self) -> Fields {
        Fields::of("SGT1")
            .with(&[self.kind.code()])
            .with(self.tenant.as_bytes())
            .with(&self.key.0)
            .with(&self.owner.0)
            .with(&self.revision.to_be_bytes())
            .with(&self.expires.to_be_bytes())
    }
}

impl TicketKeys {
    /// Derives the keys from the session root.
    #[must_use]
    pub fn derive(session_root: &Secret<32>) -> Self {
        let root = MacKey::new(session_root);
        let key = |purpose: &str| root.derive(Fields::of(purpose).as_bytes());
        Self { find: MacKey::new(&key("sealgate/ticket/find/1")), seal: key("sealgate/ticket/seal/1") }
    }

    /// Returns the key of the ticket that this secret or name finds.
    #[must_use]
    pub fn key(&self, kind: TicketKind, name: &[&[u8]]) -> TicketKey {
        TicketKey(self.hash("key", kind.code(), name))
    }

    /// Returns the owner of this name; the space keeps names of different things apart.
    #[must_use]
    pub fn owner(&self, space: &str, name: &[&[u8]]) -> Owner {
        Owner(self.hash(space, 0, name))
    }

    fn hash(&self, space: &str, code: u8, name: &[&[u8]]) -> [u8; 32] {
        let fields = Fields::of(space).with(&[code]);
        self.find.mac(&[name.iter().fold(fields, |fields, part| fields.with(part)).as_bytes()])
    }

    /// ```text
    ///   "SGT1" | message_id 32 | commitment 32 | ciphertext | tag 16
    /// ```
    pub(super) fn seal(
        &self,
        binding: &TicketBinding,
        clear: &[u8],
        entropy: &dyn Entropy,
    ) -> Result<Vec<u8>, Unavailable> {
        let mut id = [0; 32];
        entropy.fill(&mut id)?;
        let once = self.once(&id).ok_or(Unavailable)?;
        let mut sealed = Vec::with_capacity(clear.len().saturating_add(OVERHEAD));
        sealed.extend_from_slice(MAGIC);
        sealed.extend_from_slice(&id);
        sealed.extend_from_slice(&once.commitment);
        sealed.extend_from_slice(clear);
        let text = sealed.get_mut(HEADING..).ok_or(Unavailable)?;
        let tag = once.encrypt(&crate::keys::ZERO_NONCE, binding.aad().as_bytes(), text).ok_or(Unavailable)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    pub(super) fn open(&self, binding: &TicketBinding, sealed: &[u8]) -> Option<zeroize::Zeroizing<Vec<u8>>> {
        let rest = sealed.strip_prefix(MAGIC)?;
        let (id, rest) = rest.split_first_chunk::<32>()?;
        let (commitment, rest) = rest.split_first_chunk::<32>()?;
        let (text, tag) = rest.split_last_chunk::<16>()?;
        let once = self.once(id)?;
        if !crate::secret::constant_time_eq(commitment, &once.commitment) {
            return None;
        }
        let mut clear = zeroize::Zeroizing::new(text.to_vec());
        once.decrypt(&crate::keys::ZERO_NONCE, binding.aad().as_bytes(), &mut clear, *tag)?;
        Some(clear)
    }

    fn once(&self, id: &[u8; 32]) -> Option<OneUse> {
        OneUse::derive(self.seal.expose(), id, &[b"sealgate/ticket/1"]).ok()
    }
}

const MAGIC: &[u8] = b"SGT1";
const HEADING: usize = 4 + 32 + 32;
const OVERHEAD: usize = HEADING + 16;
