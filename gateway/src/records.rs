//! Holding the records against the chains: none missing, put back or altered.

use crate::chains::NotVerified;
use crate::exit::{Exit, Stop};
use crate::installation::Installation;
use domain::access::{Permit, VerifyAudit};
use domain::audit::{Break, BreakKind, ChainId, ChainKeys, Contents, NotRead, Stated};
use domain::id::RecordId;
use domain::ports::{KeyFault, KeyVault, Unavailable};
use domain::record;
use domain::write::StoredRecord;
use std::sync::atomic::{AtomicU64, Ordering};

/// Records loaded at a time.
const PAGE: usize = 64;

/// Why the records were not found to be what the chain says.
#[derive(Debug)]
pub enum NotHeld {
    /// This record, as `Kind/id`, is not what the entry at the break says.
    Record(Break, String),
    /// The chain itself is not verified.
    Chain(NotVerified),
}

impl From<NotRead> for NotHeld {
    fn from(fault: NotRead) -> Self {
        Self::Chain(match fault {
            NotRead::Broken(broken) => NotVerified::Broken(broken),
            NotRead::Unavailable => NotVerified::Unavailable,
        })
    }
}

impl From<Unavailable> for NotHeld {
    fn from(Unavailable: Unavailable) -> Self {
        Self::Chain(NotVerified::Unavailable)
    }
}

impl From<NotHeld> for Stop {
    /// The same line of JSON as for a broken chain, and the record.
    fn from(fault: NotHeld) -> Self {
        match fault {
            NotHeld::Record(broken, record) => {
                let mut line = broken.to_json();
                if line.pop().is_some() {
                    line.push_str(&format!(r#","record":"{record}"}}"#));
                }
                Stop::new(Exit::BrokenChain, line)
            }
            NotHeld::Chain(fault) => fault.into(),
        }
    }
}

/// Compares each record of a chain's tenant with the newest entry about it. Returns how many there are.
///
/// Every record is opened to be hashed; the permit lets nothing but that hash out. What a serving gateway changes
/// meanwhile is looked at again. `held` counts on for whoever waits.
///
/// # Errors
/// [`NotHeld`] with the first record that is not what the chain says.
pub async fn verify(
    installation: &Installation,
    permit: &Permit<VerifyAudit>,
    chain: ChainId,
    held: &AtomicU64,
) -> Result<u64, NotHeld> {
    let keys = ChainKeys::derive(&installation.roots.audit);
    let mut contents = Contents::of_records(chain);
    contents.follow(installation.store.as_ref(), &keys).await?;
    let mut open: Vec<(RecordId, Stated)> = contents.iter().map(|(id, stated)| (id, *stated)).collect();
    let count = u64::try_from(open.len()).unwrap_or(u64::MAX);
    while !open.is_empty() {
        let mut suspects = Vec::new();
        for page in open.chunks(PAGE) {
            suspects.extend(compare(installation, permit, page).await?);
            held.fetch_add(u64::try_from(page.len()).unwrap_or(u64::MAX), Ordering::Relaxed);
        }
        // The chain is read after the records: an entry that is not in it by now was never there.
        contents.follow(installation.store.as_ref(), &keys).await?;
        open.clear();
        for (id, stated, kind) in suspects {
            match contents.of(id) {
                Some(now) if *now != stated => open.push((id, *now)),
                _ => {
                    let broken = Break { chain, sequence: stated.sequence, kind };
                    return Err(NotHeld::Record(broken, format!("{}/{id}", stated.kind)));
                }
            }
        }
    }
    Ok(count)
}

/// Returns those of a page that are not what is said of them, and how.
async fn compare(
    installation: &Installation,
    permit: &Permit<VerifyAudit>,
    page: &[(RecordId, Stated)],
) -> Result<Vec<(RecordId, Stated, BreakKind)>, NotHeld> {
    let ids: Vec<_> = page.iter().map(|(id, _)| *id).collect();
    let stored = installation.store.load(permit.tenant(), &ids).await?;
    let mut suspects = Vec::new();
    for (id, stated) in page {
        let fault = match stored.iter().find(|record| record.id == *id) {
            None => Some(BreakKind::RecordMissing),
            Some(record) => judge(installation, permit, record, stated).await?,
        };
        suspects.extend(fault.map(|kind| (*id, *stated, kind)));
    }
    Ok(suspects)
}

async fn judge(
    installation: &Installation,
    permit: &Permit<VerifyAudit>,
    stored: &StoredRecord,
    stated: &Stated,
) -> Result<Option<BreakKind>, NotHeld> {
    let Ok(heading) = record::heading(&stored.sealed) else { return Ok(Some(BreakKind::RecordAltered)) };
    let key = match installation.vault.find(stored.tenant, heading.data_key).await {
        Ok(key) => key,
        Err(KeyFault::Missing | KeyFault::Broken) => return Ok(Some(BreakKind::RecordAltered)),
        Err(KeyFault::Unavailable) => return Err(Unavailable.into()),
    };
    let secrets = installation.vault.secrets(stored.tenant);
    Ok(match record::content_mac(permit, &key, &secrets.content, stored) {
        Err(_) => Some(BreakKind::RecordAltered),
        Ok(content) if content != stated.content => Some(BreakKind::RecordRolledBack),
        Ok(_) => None,
    })
}
