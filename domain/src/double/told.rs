//! What entries tell beside their 14 fields, for tests that hold an adapter to it.

use super::Installation;
use crate::access::{self, ReadAudit, Resource, Role, Roles, Subject, authorise};
use crate::audit::{ChainId, Context, EntryView};
use crate::id::TenantId;
use crate::ports::{KeyVault, Store};
use crate::record::{self, ContextBinding};
use alloc::string::String;
use alloc::vec::Vec;

/// An entry that has a context.
pub struct Told {
    /// What was done.
    pub action: String,
    /// To which kind of resource.
    pub kind: String,
    /// The context, opened.
    pub context: Context,
}

impl Installation {
    /// Returns the entries of a tenant's chain that have a context, oldest first; `None` where one does not open.
    pub async fn told(&self, tenant: TenantId) -> Option<Vec<Told>> {
        let chain = ChainId::from(tenant);
        let auditor = Subject::console("auditor", tenant, Roles::of(&[Role::Auditor]));
        let asked = access::Context::console(crate::ports::Clock::now(self.clock.as_ref()));
        let permit = authorise::<ReadAudit>(&auditor, &Resource::of_tenant(tenant), &asked).ok()?;
        let block = self.store.entries(chain, 1, MAX_ENTRIES).await.ok()?;
        let mut told = Vec::new();
        for line in block.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let at = line.iter().position(|byte| *byte == b' ')?;
            let entry = EntryView::read(line.get(at.checked_add(1)?..)?)?;
            let Some(sealed) = self.store.context(chain, entry.sequence()).await.ok()? else { continue };
            let key = self.vault.find(tenant, record::heading(&sealed).ok()?.data_key).await.ok()?;
            let resource_id = entry.resource_id();
            let (after, correlation) = (entry.after_mac()?, entry.correlation_id().parse().ok()?);
            let binding = ContextBinding { tenant, resource_id: &resource_id, after, correlation };
            let clear = record::open_context(&permit, &key, &binding, &sealed).ok()?;
            let context = Context::from_json(core::str::from_utf8(&clear).ok()?)?;
            let (action, kind) = (entry.action().into_owned(), entry.resource_type().into_owned());
            told.push(Told { action, kind, context });
        }
        Some(told)
    }
}

/// Most entries that are looked at.
const MAX_ENTRIES: u32 = 10_000;
