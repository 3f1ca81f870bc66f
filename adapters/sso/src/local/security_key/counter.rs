//! How often a key has signed, as it says itself: only ever more.

use super::super::refusal::{Reason, Refusal};
use super::RACES;
use domain::directory::{Account, SecurityKey};
use domain::id::{RecordId, TenantId};
use domain::ports::Unavailable;
use domain::ticket::{Kept, TicketBook, TicketKey, TicketKind};
use domain::time::Timestamp;

/// Forgets how often keys have signed that an account has no more.
///
/// # Errors
/// [`Unavailable`]; then what is left of them is swept when their time is over.
pub async fn forget_counters(
    book: &TicketBook,
    tenant: TenantId,
    account: RecordId,
    keys: &[SecurityKey],
) -> Result<(), Unavailable> {
    for key in keys {
        book.tickets.take(found_by(book, tenant, account, key), book.clock.now()).await?;
    }
    Ok(())
}

/// Moves the counter of a key forward (WebAuthn Level 3 §6.1.1). One that counted before and does not go on was copied, or its
/// answer was. Keys that are kept in step between devices never count: their answers say 0.
pub(super) async fn advance(
    book: &TicketBook,
    account: &Account,
    key: &SecurityKey,
    shown: u32,
    now: Timestamp,
) -> Result<(), Refusal> {
    let name: [&[u8]; 3] = [account.tenant.as_bytes(), account.id.as_bytes(), key.credential.as_bytes()];
    let (found_by, owner) = (found_by(book, account.tenant, account.id, key), book.keys.owner("key", &name));
    for _ in 0..RACES {
        // What the key counted when it was added is in its verifier, and was compared with already.
        let kept: Option<Kept<u32>> = book.find(COUNTER, found_by).await?;
        let last = kept.as_ref().map_or(0, |kept| kept.value);
        if shown == 0 && last == 0 {
            return Ok(());
        }
        if shown <= last {
            return Err(Reason::CounterWentBack.into());
        }
        let expires = now.plus_seconds(REMEMBERED_SECONDS);
        let written = match &kept {
            Some(kept) => book.replace(COUNTER, kept, expires, &shown).await?,
            None => book.put(COUNTER, account.tenant, found_by, owner, expires, &shown).await?,
        };
        if written {
            return Ok(());
        }
    }
    Err(Reason::Busy.into())
}

fn found_by(book: &TicketBook, tenant: TenantId, account: RecordId, key: &SecurityKey) -> TicketKey {
    book.keys.key(COUNTER, &[tenant.as_bytes(), account.as_bytes(), key.credential.as_bytes()])
}

const COUNTER: TicketKind = TicketKind::KeyCounter;
/// For how long a counter is remembered after the key was last used, in seconds: ten years.
const REMEMBERED_SECONDS: i64 = 3_652 * 86_400;
