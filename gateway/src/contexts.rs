//! Holding the sealed contexts against the entries they stand beside: none overwritten, exchanged or removed.

use crate::chains::NotVerified;
use crate::installation::Installation;
use domain::access::{Permit, VerifyAudit};
use domain::audit::{Break, BreakKind, ChainHead, ChainId, ChainKeys, EntryView, Verifier};
use domain::id::CorrelationId;
use domain::keys::ContentMac;
use domain::ports::{KeyFault, KeyVault, Unavailable};
use domain::record::{self, ContextBinding};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// Entries looked at together; the context of a search names up to a thousand ids.
const BLOCK_ENTRIES: u32 = 256;

/// Opens the context of each entry of a chain up to a head that was verified. Returns how many there are.
///
/// Each must open as the context of the entry beside which it stands, and be the one whose hash the entry has. The permit lets
/// nothing out of them. `held` counts on for whoever waits.
///
/// # Errors
/// [`NotVerified`] with the first context that is missing or not the entry's own.
pub async fn verify(
    installation: &Installation,
    permit: &Permit<VerifyAudit>,
    chain: ChainId,
    head: &ChainHead,
    held: &AtomicU64,
) -> Result<u64, NotVerified> {
    let keys = ChainKeys::derive(&installation.roots.audit);
    let mut verifier = Verifier::new(chain, &keys);
    let mut count = 0u64;
    while verifier.head().length < head.length {
        let from = verifier.head().length.saturating_add(1);
        let left = head.length.saturating_sub(verifier.head().length);
        let limit = u32::try_from(left).unwrap_or(BLOCK_ENTRIES).min(BLOCK_ENTRIES);
        let block = installation.store.entries(chain, from, limit).await?;
        let contexts = installation.store.contexts(chain, from, limit).await?;
        let contexts: BTreeMap<u64, Vec<u8>> = contexts.into_iter().collect();
        let mut beside = Vec::with_capacity(contexts.len());
        let mut missing = None;
        verifier.block_with(&block.lines, |entry| match contexts.get(&entry.sequence()) {
            Some(sealed) => beside.push((Vouched::read(entry), sealed)),
            None if entry.vouches_for_context() => missing = missing.or(Some(entry.sequence())),
            None => {}
        })?;
        if block.count == 0 {
            return Err(Break { chain, sequence: from, kind: BreakKind::Truncated }.into());
        }
        if let Some(sequence) = missing {
            return Err(Break { chain, sequence, kind: BreakKind::ContextMissing }.into());
        }
        for (vouched, sealed) in &beside {
            if !holds(installation, permit, chain, vouched, sealed).await? {
                return Err(Break { chain, sequence: vouched.sequence, kind: BreakKind::ContextAltered }.into());
            }
        }
        let looked_at = u64::try_from(beside.len()).unwrap_or(u64::MAX);
        count = count.saturating_add(looked_at);
        held.fetch_add(looked_at, Ordering::Relaxed);
    }
    Ok(count)
}

/// What an entry says about the context beside it.
struct Vouched {
    sequence: u64,
    resource_id: String,
    after: Option<ContentMac>,
    correlation: Option<CorrelationId>,
    /// Whether `after` is the hash of the context, not that of a record.
    own: bool,
}

impl Vouched {
    fn read(entry: &EntryView<'_>) -> Self {
        Self {
            sequence: entry.sequence(),
            resource_id: entry.resource_id().into_owned(),
            after: entry.after_mac(),
            correlation: entry.correlation_id().parse().ok(),
            own: entry.vouches_for_context(),
        }
    }
}

async fn holds(
    installation: &Installation,
    permit: &Permit<VerifyAudit>,
    chain: ChainId,
    vouched: &Vouched,
    sealed: &[u8],
) -> Result<bool, NotVerified> {
    let tenant = chain.tenant();
    // No entry without a hash was written with a context.
    let (Some(after), Some(correlation)) = (vouched.after, vouched.correlation) else { return Ok(false) };
    let Ok(heading) = record::heading(sealed) else { return Ok(false) };
    let key = match installation.vault.find(tenant, heading.data_key).await {
        Ok(key) => key,
        Err(KeyFault::Missing | KeyFault::Broken) => return Ok(false),
        Err(KeyFault::Unavailable) => return Err(Unavailable.into()),
    };
    let binding = ContextBinding { tenant, resource_id: &vouched.resource_id, after, correlation };
    let secrets = installation.vault.secrets(tenant);
    let own = vouched.own.then_some(&secrets.content);
    Ok(record::verify_context(permit, &key, &binding, own, sealed).is_ok())
}
