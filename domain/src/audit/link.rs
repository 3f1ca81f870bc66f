//! Links drafts to a chain.
//!
//! ```text
//!   entry_mac = HMAC-SHA256(segment key, "sealgate/audit/1" | chain id 16 | length u32 | bytes)
//!               bytes: the canonical entry without its entry_mac member; length: of these bytes, big-endian
//!   prior_entry_mac of entry 1 = HMAC-SHA256(key of segment 0, "genesis" | chain id 16)
//! ```
//!
//! [`super::verify`] reads the same rules and shares none of this code.

use super::canonical::{Canonical, Place};
use super::chain::segment_of;
use super::keys::KeyedMac;
use super::{ChainHead, ChainId, ChainKeys, Draft, LinkedEntry};
use crate::time::Timestamp;
use alloc::vec::Vec;
use hmac::Mac;

/// Links drafts, in order, to the head of their chain; returns the entries and the head that follows.
///
/// Pure: linking again to a moved head gives the entries that belong there. Times are cut to the
/// millisecond and never run backwards within a chain. The first entry of a chain has sequence number 1.
pub fn link<'d>(
    keys: &mut ChainKeys,
    chain: ChainId,
    head: ChainHead,
    drafts: impl IntoIterator<Item = &'d Draft>,
) -> (Vec<LinkedEntry>, ChainHead) {
    let mut canonical = Canonical::default();
    let mut head = head;
    let mut entries = Vec::new();
    for draft in drafts {
        let sequence = head.length.saturating_add(1);
        let prior = if head.length == 0 { genesis(keys, chain) } else { head.tag };
        let time = draft.time.clamp(EARLIEST, LATEST).to_millisecond().max(head.time);
        let unsigned = canonical.render(draft, &Place { sequence, time, prior });
        let tag = mac(keys.keyed(chain, segment_of(sequence)), chain, unsigned.parts());
        entries.push(LinkedEntry { chain, sequence, bytes: unsigned.with_mac(&tag), context: draft.context.clone() });
        head = ChainHead { length: sequence, tag, time };
    }
    (entries, head)
}

/// Returns what the first entry of a chain names as the MAC before it.
pub(super) fn genesis(keys: &mut ChainKeys, chain: ChainId) -> [u8; 32] {
    let mut mac = keys.keyed(chain, 0);
    mac.update(b"genesis");
    mac.update(&chain.0);
    mac.finalize().into_bytes().into()
}

fn mac(mut mac: KeyedMac, chain: ChainId, (front, back): (&[u8], &[u8])) -> [u8; 32] {
    let length = u32::try_from(front.len().saturating_add(back.len())).unwrap_or(u32::MAX);
    mac.update(b"sealgate/audit/1");
    mac.update(&chain.0);
    mac.update(&length.to_be_bytes());
    mac.update(front);
    mac.update(back);
    mac.finalize().into_bytes().into()
}

/// The first and last moments that the four-digit year of an entry can say.
const EARLIEST: Timestamp = Timestamp(-62_135_596_800_000_000);
const LATEST: Timestamp = Timestamp(253_402_300_799_999_000);
