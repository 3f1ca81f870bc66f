//! The anchor file.

use super::*;
use crate::audit::{AnchorFault, AnchorKey, Anchors, Break, BreakKind, SLOT_BYTES, SlotWrite, compare};
use std::string::String;

fn key() -> AnchorKey {
    AnchorKey::derive(&root())
}

fn head(length: u64) -> ChainHead {
    ChainHead { length, tag: [u8::try_from(length % 256).unwrap(); 32], time: Timestamp(0) }
}

fn apply(file: &mut Vec<u8>, write: &SlotWrite, bytes: usize) {
    let offset = usize::try_from(write.offset).unwrap();
    if file.len() < offset + bytes {
        file.resize(offset + bytes, 0);
    }
    file[offset..offset + bytes].copy_from_slice(&write.bytes[..bytes]);
}

/// A file with two chains, the first advanced to 0, 5 and 9.
fn file() -> (Vec<u8>, Anchors) {
    let mut bytes = Anchors::new_file().to_vec();
    let mut anchors = Anchors::read(&bytes, &key()).unwrap();
    for (chain, length) in [(CHAIN, 0), (ChainId::SYSTEM, 2), (CHAIN, 5), (CHAIN, 9)] {
        let write = anchors.advance(chain, &head(length), Timestamp(77), &key()).unwrap();
        apply(&mut bytes, &write, SLOT_BYTES);
    }
    (bytes, anchors)
}

#[test]
fn a_file_reads_back_what_was_written_last() {
    let (bytes, written) = file();
    let read = Anchors::read(&bytes, &key()).unwrap();
    assert_eq!(read.all().collect::<Vec<_>>(), written.all().collect::<Vec<_>>());
    let anchor = read.of(CHAIN).unwrap();
    assert_eq!((anchor.length, anchor.tag, anchor.counter, anchor.time), (9, [9; 32], 3, Timestamp(77)));
    assert_eq!(read.of(ChainId::SYSTEM).unwrap().length, 2);
    assert!(read.of(ChainId([9; 16])).is_none());
}

#[test]
fn a_chain_with_entries_must_have_an_anchor_and_an_anchored_chain_must_exist() {
    let (_, anchors) = file();
    let stranger = ChainId([9; 16]);
    let missing = Break { chain: stranger, sequence: 4, kind: BreakKind::AnchorMissing };
    assert_eq!(anchors.demand(stranger, &head(4)), Err(missing));
    assert_eq!(anchors.demand(stranger, &ChainHead::EMPTY), Ok(None));
    let anchor = anchors.demand(CHAIN, &head(9)).unwrap().unwrap();
    let removed = Break { chain: CHAIN, sequence: 1, kind: BreakKind::Truncated };
    assert_eq!(compare(anchor, &ChainHead::EMPTY, None), Err(removed));
}

#[test]
fn an_anchor_never_moves_back() {
    let (_, mut anchors) = file();
    assert!(anchors.advance(CHAIN, &head(9), Timestamp(0), &key()).is_none());
    assert!(anchors.advance(CHAIN, &head(3), Timestamp(0), &key()).is_none());
}

#[test]
fn a_write_torn_at_any_byte_leaves_the_anchor_before() {
    let (bytes, mut anchors) = file();
    let write = anchors.advance(CHAIN, &head(20), Timestamp(78), &key()).unwrap();
    for torn in 0..SLOT_BYTES {
        let mut bytes = bytes.clone();
        apply(&mut bytes, &write, torn);
        let read = Anchors::read(&bytes, &key()).unwrap();
        let anchor = *read.of(CHAIN).unwrap();
        // The last bytes of a slot are padding: from there on the write is whole.
        assert_eq!(anchor.length, if torn < 104 { 9 } else { 20 }, "torn at {torn}");
        // The chain has gone further, as it has behind every write: it is let pass, and not unnoticed.
        let head = head(20);
        assert_eq!(compare(&anchor, &head, Some(anchor.tag)), Ok(()));
        // The first bytes name the chain, as the slot before did: until then nothing is changed.
        let changed = (24..104).contains(&torn);
        assert_eq!(anchor.in_doubt, changed, "torn at {torn}");
    }
}

#[test]
fn a_torn_first_write_leaves_a_place_that_is_used_again() {
    let (bytes, mut anchors) = file();
    let newcomer = ChainId([0xee; 16]);
    let write = anchors.advance(newcomer, &head(0), Timestamp(78), &key()).unwrap();
    let mut bytes = bytes;
    apply(&mut bytes, &write, 50);
    let mut anchors = Anchors::read(&bytes, &key()).unwrap();
    assert!(anchors.of(newcomer).is_none());
    let again = anchors.advance(newcomer, &head(0), Timestamp(79), &key()).unwrap();
    assert_eq!(again.offset, write.offset);
    apply(&mut bytes, &again, SLOT_BYTES);
    assert!(Anchors::read(&bytes, &key()).unwrap().of(newcomer).is_some());
}

#[test]
fn a_changed_file_is_refused() {
    let (bytes, _) = file();
    let fault = |bytes: &[u8]| Anchors::read(bytes, &key()).err();
    assert_eq!(fault(b""), Some(AnchorFault::NotAnAnchorFile));
    let mut other = bytes.clone();
    other[9] = 2;
    assert_eq!(fault(&other), Some(AnchorFault::NotAnAnchorFile));

    let mut both = bytes.clone();
    both[SLOT_BYTES + 20] ^= 1;
    both[SLOT_BYTES * 2 + 20] ^= 1;
    assert_eq!(fault(&both), Some(AnchorFault::Altered));

    let mut copied = bytes.clone();
    copied.extend_from_slice(&bytes[SLOT_BYTES..SLOT_BYTES * 3]);
    assert_eq!(fault(&copied), Some(AnchorFault::Altered));

    assert_eq!(Anchors::read(&bytes, &AnchorKey::derive(&Secret::new([8; 32]))).err(), Some(AnchorFault::Altered));
}

#[test]
fn a_chain_cut_to_the_anchor_before_an_altered_one_is_found() {
    let (bytes, _) = file();
    let newest = SLOT_BYTES * 2..SLOT_BYTES * 3;
    let before: Vec<u8> = bytes[SLOT_BYTES..SLOT_BYTES * 2].to_vec();
    let mut changes: Vec<(String, Vec<u8>)> = (0..SLOT_BYTES)
        .map(|at| {
            let mut altered = bytes.clone();
            altered[newest.start + at] ^= 1;
            (format!("bit of byte {at}"), altered)
        })
        .collect();
    for (what, slot) in [("zeros", vec![0; SLOT_BYTES]), ("the slot before", before), ("noise", vec![0xa5; SLOT_BYTES])]
    {
        let mut altered = bytes.clone();
        altered[newest.clone()].copy_from_slice(&slot);
        changes.push((what.into(), altered));
    }
    for (what, altered) in changes {
        let read = Anchors::read(&altered, &key()).unwrap();
        let anchor = *read.of(CHAIN).unwrap();
        assert_eq!((anchor.length, anchor.in_doubt), (5, true), "{what}");
        let cut = Break { chain: CHAIN, sequence: 6, kind: BreakKind::AnchorAltered };
        assert_eq!(compare(&anchor, &head(5), Some(anchor.tag)), Err(cut), "{what}");
        assert_eq!(compare(&anchor, &head(9), Some(anchor.tag)), Ok(()), "{what}: told otherwise");
        assert!(!read.of(ChainId::SYSTEM).unwrap().in_doubt);
    }
}

#[test]
fn an_anchor_that_is_written_again_is_in_doubt_no_longer() {
    let (mut bytes, _) = file();
    bytes[SLOT_BYTES * 2 + 40] ^= 1;
    let mut anchors = Anchors::read(&bytes, &key()).unwrap();
    let write = anchors.advance(CHAIN, &head(12), Timestamp(80), &key()).unwrap();
    apply(&mut bytes, &write, SLOT_BYTES);
    let anchor = *Anchors::read(&bytes, &key()).unwrap().of(CHAIN).unwrap();
    assert_eq!((anchor.length, anchor.in_doubt), (12, false));
}

#[test]
fn the_bytes_of_a_slot_stay_as_they_are() {
    let mut anchors = Anchors::default();
    let write = anchors.advance(CHAIN, &head(5), Timestamp(77), &key()).unwrap();
    assert_eq!(write.offset, 256);
    let hex: std::string::String = write.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    insta::assert_snapshot!(hex, @"c1c1c1c1c1c1c1c1c1c1c1c1c1c1c1c100000000000000050505050505050505050505050505050505050505050505050505050505050505000000000000004d00000000000000016ce7520e345400fed45b7b60ea284fd6e26d6c4b0b99fcf1396790b02d357427000000000000000000000000000000000000000000000000");
}
