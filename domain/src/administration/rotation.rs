//! Rotation of a tenant's key while gateways serve: a new generation first, then the data keys move to it.

use super::entries::ruled;
use super::{Administration, By, NotChanged};
use crate::access::{ManageKeys, Permit, Resource, authorise};
use crate::audit::Context;
use crate::id::TenantId;
use crate::journal::Act;
use crate::kind::Kind;
use alloc::string::ToString;

/// Data keys moved at a time.
pub const REWRAP_PAGE: u32 = 500;

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotation {
    /// The newest generation of the tenant's key.
    pub generation: u32,
    /// How many data keys were moved to it.
    pub moved: u64,
}

impl Administration {
    /// Begins a new generation of a tenant's key and moves the data keys to it; no record is touched.
    ///
    /// A gateway may go on wrapping new data keys under the generation before for about a second: after a pause, call
    /// [`Administration::finish_rotation`]. `progress` is told after each page how many data keys have been moved so far.
    ///
    /// # Errors
    /// [`NotChanged`]; after `Unavailable` some data keys may have moved, and finishing moves the rest.
    pub async fn rotate_tenant_key(
        &self,
        by: &By<'_>,
        tenant: TenantId,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Rotation, NotChanged> {
        let permit = self.may_rotate(by, tenant).await?;
        let newest = self.newest_generation(tenant).await?;
        let generation = newest.checked_add(1).ok_or(NotChanged::Integrity)?;
        let key = self.maker.make_tenant_key(tenant, generation)?;
        // Said before it is done: a generation that nobody announced must not exist.
        self.note_generation(by, &permit, "key.rotate", tenant, generation).await?;
        if !self.store.add_tenant_key(key).await? {
            return Err(NotChanged::Raced);
        }
        self.move_data_keys(by, &permit, tenant, generation, progress).await
    }

    /// Moves the data keys that are still wrapped under an older generation to the newest one.
    ///
    /// # Errors
    /// As [`Administration::rotate_tenant_key`].
    pub async fn finish_rotation(
        &self,
        by: &By<'_>,
        tenant: TenantId,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Rotation, NotChanged> {
        let permit = self.may_rotate(by, tenant).await?;
        let generation = self.newest_generation(tenant).await?;
        self.move_data_keys(by, &permit, tenant, generation, progress).await
    }

    async fn move_data_keys(
        &self,
        by: &By<'_>,
        permit: &Permit<ManageKeys>,
        tenant: TenantId,
        generation: u32,
        progress: &(dyn Fn(u64) + Sync),
    ) -> Result<Rotation, NotChanged> {
        let mut moved: u64 = 0;
        loop {
            let page = self.store.data_keys_below(tenant, generation, REWRAP_PAGE).await?;
            if page.is_empty() {
                break;
            }
            let page = self.maker.rewrap(tenant, page, generation).await?;
            let replaced = self.store.rewrap(page).await?;
            if replaced == 0 {
                // Rows that are listed and cannot be replaced would be listed for ever.
                return Err(NotChanged::Integrity);
            }
            moved = moved.saturating_add(replaced);
            progress(moved);
        }
        if moved > 0 {
            self.note_generation(by, permit, "key.rewrap", tenant, generation).await?;
        }
        Ok(Rotation { generation, moved })
    }

    /// Decides on the tenant's entry in the system's keeping: keys are the operator's, whichever tenant they serve.
    async fn may_rotate(&self, by: &By<'_>, tenant: TenantId) -> Result<Permit<ManageKeys>, NotChanged> {
        let subject = by.actor.subject;
        let keeper = if subject.tenant == TenantId::SYSTEM { TenantId::SYSTEM } else { tenant };
        match authorise::<ManageKeys>(subject, &Resource::of_tenant(keeper), &by.context) {
            Ok(permit) => Ok(permit),
            Err(denial) => {
                self.note_denial(by, Kind::Tenant, &tenant.to_string(), &denial).await?;
                Err(NotChanged::Denied)
            }
        }
    }

    async fn newest_generation(&self, tenant: TenantId) -> Result<u32, NotChanged> {
        let keys = self.store.tenant_keys(tenant).await?;
        keys.iter().map(|key| key.generation).max().ok_or(NotChanged::UnknownTenant)
    }

    async fn note_generation(
        &self,
        by: &By<'_>,
        permit: &Permit<ManageKeys>,
        action: &str,
        tenant: TenantId,
        generation: u32,
    ) -> Result<(), NotChanged> {
        let act = Act::done(action, Kind::Tenant.name(), &tenant.to_string());
        let reason = Some(alloc::format!("generation {generation}"));
        self.note(by, act, Context { reason, ..ruled(permit) }).await
    }
}
