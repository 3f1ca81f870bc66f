//! Anchors: how far each chain was, kept in a file outside the database.
//!
//! Removing the newest entries, or putting back an older database, leaves a chain that is whole in itself.
//! What gives it away is that it once was longer. The file has a header and then, for each chain, two slots
//! that are written in turn, so that a write torn by a crash leaves the one before.
//!
//! ```text
//!   header  128: "SGANCHOR" | version u16 = 1 | slot size u16 = 128 | zeros
//!   slot    128: chain id 16 | length u64 | tag 32 | time i64 (µs) | counter u64 | MAC 32 | zeros 24
//!           MAC = HMAC-SHA256(anchor key, "sealgate/anchor/1" | the 72 bytes before the MAC)
//!   place of slot s (0, 1) of the n-th chain: 128 + (2n + s) · 128; unused slots are zeros
//! ```
//!
//! Integers are big-endian. 128 divides 512, so no slot straddles a disk sector. Within a pair the genuine
//! slot with the higher counter counts; a slot with an even counter stands first, one with an odd counter second.
//!
//! A slot that is neither genuine nor unused was torn or altered, and its bytes do not tell which: whoever alters can
//! leave what a torn write leaves. The chain tells. A slot is written behind a commit that is durable, so behind a torn
//! one the chain has gone further than the anchor before; a chain that ends there was cut. What remains, an altered slot
//! and a chain cut within the last commits, cannot be told from a power cut: such an anchor is [`Anchor::in_doubt`], and
//! whoever opens the file says so, aloud and in the chain. A slot that was used is never unused again: the second write
//! of a pair is synced as the first is.
//!
//! Anchor a new chain (at length 0) before its first entry is
//! committed; then a chain with entries and without an anchor is a break, never an unlucky crash. Somebody
//! who can put back both the database and this file is caught only by a copy kept elsewhere.

use super::{AnchorKey, Break, BreakKind, ChainHead, ChainId};
use crate::secret::constant_time_eq;
use crate::time::Timestamp;
use alloc::vec::Vec;
use core::fmt;
use hmac::Mac;

/// How far a chain was known to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Anchor {
    /// The chain.
    pub chain: ChainId,
    /// Number of its entries.
    pub length: u64,
    /// MAC of its last entry; zeros where there is none.
    pub tag: [u8; 32],
    /// When the anchor was written.
    pub time: Timestamp,
    /// Counts the writes of this chain's anchor.
    pub counter: u64,
    /// The other slot of its pair is not genuine: a newer anchor stood there, torn by a power cut or altered since.
    pub in_doubt: bool,
}

impl Anchor {
    /// Says of a head that its chain was known to be there; to be compared, not written.
    #[must_use]
    pub const fn at(chain: ChainId, head: &ChainHead) -> Self {
        Self { chain, length: head.length, tag: head.tag, time: head.time, counter: 0, in_doubt: false }
    }

    /// Returns the break that an anchor in doubt is for whoever must be sure: what follows it may be cut.
    #[must_use]
    pub const fn doubt(&self) -> Break {
        Break { chain: self.chain, sequence: self.length.saturating_add(1), kind: BreakKind::AnchorAltered }
    }
}

/// The anchors of every chain, as the file has them.
#[derive(Default)]
pub struct Anchors {
    /// One for each pair of slots; `None` for a pair whose first write was torn.
    pairs: Vec<Option<Anchor>>,
}

/// One write to the anchor file: these bytes at this offset, then sync.
pub struct SlotWrite {
    /// Offset in the file, in bytes.
    pub offset: u64,
    /// The slot.
    pub bytes: [u8; SLOT_BYTES],
    /// Nothing stood there before: it must be on the disk before anything else is written.
    pub first_of_its_place: bool,
}

impl Anchors {
    /// Returns the bytes of a file without anchors.
    #[must_use]
    pub fn new_file() -> [u8; SLOT_BYTES] {
        let mut header = [0; SLOT_BYTES];
        let start = HEADER.iter().chain(&1u16.to_be_bytes()).chain(&[0, 128]).copied().collect::<Vec<u8>>();
        for (slot, byte) in header.iter_mut().zip(start) {
            *slot = byte;
        }
        header
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`AnchorFault::NotAnAnchorFile`] when the header is another; [`AnchorFault::Altered`] when neither
    /// slot of a chain is genuine, or two pairs speak of one chain.
    pub fn read(bytes: &[u8], key: &AnchorKey) -> Result<Self, AnchorFault> {
        let slots = bytes.strip_prefix(&Self::new_file()).ok_or(AnchorFault::NotAnAnchorFile)?;
        let mut pairs: Vec<Option<Anchor>> = Vec::new();
        for pair in slots.chunks(SLOT_BYTES.saturating_mul(2)) {
            let places = pair.chunks(SLOT_BYTES).zip(0u64..);
            let read: Vec<Slot> = places.map(|(slot, place)| read_slot(slot, place, key)).collect();
            let genuine =
                read.iter().filter_map(|slot| if let Slot::Genuine(anchor) = slot { Some(*anchor) } else { None });
            let mut newest = genuine.max_by_key(|anchor| anchor.counter);
            let altered = read.iter().filter(|slot| matches!(slot, Slot::Altered)).count();
            let twice = newest.is_some_and(|new| pairs.iter().flatten().any(|known| known.chain == new.chain));
            let strangers =
                read.iter().any(|slot| matches!((slot, newest), (Slot::Genuine(a), Some(b)) if a.chain != b.chain));
            if altered > 1 || twice || strangers {
                return Err(AnchorFault::Altered);
            }
            if let Some(anchor) = &mut newest {
                let genuine = read.iter().filter(|slot| matches!(slot, Slot::Genuine(_))).count();
                // After its first write a pair has one slot, from the second on two.
                anchor.in_doubt = altered > 0 || (genuine < 2 && anchor.counter > 1);
            }
            pairs.push(newest);
        }
        Ok(Self { pairs })
    }

    /// Returns the anchor of a chain.
    #[must_use]
    pub fn of(&self, chain: ChainId) -> Option<&Anchor> {
        self.all().find(|anchor| anchor.chain == chain)
    }

    /// Returns the anchor that a chain with this head must have; `None` for a chain that is still empty.
    ///
    /// # Errors
    /// [`BreakKind::AnchorMissing`] when the chain has entries and no anchor.
    pub fn demand(&self, chain: ChainId, head: &ChainHead) -> Result<Option<&Anchor>, Break> {
        let anchor = self.of(chain);
        let missing = Break { chain, sequence: head.length, kind: BreakKind::AnchorMissing };
        if anchor.is_none() && head.length > 0 { Err(missing) } else { Ok(anchor) }
    }

    /// Returns every anchor. A chain that is anchored and has no head any more was removed whole: [`compare`] it
    /// with [`ChainHead::EMPTY`].
    pub fn all(&self) -> impl Iterator<Item = &Anchor> {
        self.pairs.iter().flatten()
    }

    /// Moves the anchor of a chain to its head; returns what to write, or `None` when it is there already or beyond.
    ///
    /// Call it only with a head that is committed: an anchor ahead of the database reads as truncation.
    pub fn advance(&mut self, chain: ChainId, head: &ChainHead, now: Timestamp, key: &AnchorKey) -> Option<SlotWrite> {
        let place = self.pairs.iter().position(|pair| pair.is_some_and(|anchor| anchor.chain == chain));
        // A torn first write left a pair without owner; it is the next to be given away.
        let place = place.or_else(|| self.pairs.iter().position(Option::is_none)).unwrap_or(self.pairs.len());
        if place == self.pairs.len() {
            self.pairs.push(None);
        }
        let pair = self.pairs.get_mut(place)?;
        if pair.is_some_and(|anchor| anchor.length >= head.length) {
            return None;
        }
        let counter = pair.map_or(1, |anchor| anchor.counter.saturating_add(1));
        let anchor = Anchor { chain, length: head.length, tag: head.tag, time: now, counter, in_doubt: false };
        *pair = Some(anchor);
        let slot = u64::try_from(place).ok()?.checked_mul(2)?.checked_add(counter.rem_euclid(2))?;
        let offset = slot.checked_add(1)?.checked_mul(128)?;
        Some(SlotWrite { offset, bytes: render_slot(&anchor, key), first_of_its_place: counter <= 2 })
    }
}

/// Compares a chain with its anchor; `tag_at_anchor` is the MAC of the entry at the anchor's length.
///
/// # Errors
/// [`BreakKind::Truncated`] at the first missing entry when the chain is shorter than it was;
/// [`BreakKind::RolledBack`] at the anchored entry when another stands there; [`BreakKind::AnchorAltered`] behind the
/// anchored entry when the chain ends there though a newer anchor was written.
pub fn compare(anchor: &Anchor, head: &ChainHead, tag_at_anchor: Option<[u8; 32]>) -> Result<(), Break> {
    let chain = anchor.chain;
    if head.length < anchor.length {
        return Err(Break { chain, sequence: head.length.saturating_add(1), kind: BreakKind::Truncated });
    }
    if anchor.length > 0 && tag_at_anchor != Some(anchor.tag) {
        return Err(Break { chain, sequence: anchor.length, kind: BreakKind::RolledBack });
    }
    if anchor.in_doubt && head.length == anchor.length {
        return Err(anchor.doubt());
    }
    Ok(())
}

/// Why an anchor file cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorFault {
    /// The header is missing or of another version.
    NotAnAnchorFile,
    /// Both slots of a chain were altered, or slots were moved.
    Altered,
}

impl fmt::Display for AnchorFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AnchorFault::NotAnAnchorFile => "not an anchor file of this version",
            AnchorFault::Altered => "the anchor file was altered or belongs to another root",
        })
    }
}

impl core::error::Error for AnchorFault {}

enum Slot {
    Unused,
    Genuine(Anchor),
    Altered,
}

/// Reads the slot at a place of its pair; a genuine one that was copied to the other place is altered.
fn read_slot(slot: &[u8], place: u64, key: &AnchorKey) -> Slot {
    if slot.iter().all(|byte| *byte == 0) {
        return Slot::Unused;
    }
    let genuine = genuine_slot(slot, key).filter(|anchor| anchor.counter.rem_euclid(2) == place);
    genuine.map_or(Slot::Altered, Slot::Genuine)
}

fn genuine_slot(slot: &[u8], key: &AnchorKey) -> Option<Anchor> {
    let (body, rest) = slot.split_first_chunk::<BODY_BYTES>()?;
    let (mac, padding) = rest.split_first_chunk::<32>()?;
    let whole = padding.len() == PADDING_BYTES && padding.iter().all(|byte| *byte == 0);
    if !whole || !constant_time_eq(&slot_mac(body, key), mac) {
        return None;
    }
    let (chain, rest) = body.split_first_chunk()?;
    let (length, rest) = rest.split_first_chunk()?;
    let (tag, rest) = rest.split_first_chunk()?;
    let (time, counter) = rest.split_first_chunk()?;
    Some(Anchor {
        chain: ChainId(*chain),
        length: u64::from_be_bytes(*length),
        tag: *tag,
        time: Timestamp(i64::from_be_bytes(*time)),
        counter: u64::from_be_bytes(counter.try_into().ok()?),
        in_doubt: false,
    })
}

fn render_slot(anchor: &Anchor, key: &AnchorKey) -> [u8; SLOT_BYTES] {
    let mut body = Vec::with_capacity(SLOT_BYTES);
    body.extend_from_slice(&anchor.chain.0);
    body.extend_from_slice(&anchor.length.to_be_bytes());
    body.extend_from_slice(&anchor.tag);
    body.extend_from_slice(&anchor.time.0.to_be_bytes());
    body.extend_from_slice(&anchor.counter.to_be_bytes());
    let mac = slot_mac(&body, key);
    body.extend_from_slice(&mac);
    let mut slot = [0; SLOT_BYTES];
    for (place, byte) in slot.iter_mut().zip(body) {
        *place = byte;
    }
    slot
}

fn slot_mac(body: &[u8], key: &AnchorKey) -> [u8; 32] {
    let mut mac = key.keyed();
    mac.update(b"sealgate/anchor/1");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

const HEADER: &[u8; 8] = b"SGANCHOR";

/// Bytes of a slot, and of the header.
pub const SLOT_BYTES: usize = 128;
const BODY_BYTES: usize = 72;
const PADDING_BYTES: usize = 24;
