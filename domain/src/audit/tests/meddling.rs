//! Every way of meddling with stored rows: found, with the right kind, at the right place.

use super::*;
use crate::audit::{Anchor, Break, BreakKind, SegmentKeys, Verified, Verifier};
use proptest::prelude::*;

const COUNT: u64 = 12;

fn check(rows: &[Vec<u8>], head: &ChainHead) -> Result<Verified, Break> {
    let keys = keys();
    let mut verifier = Verifier::new(CHAIN, &keys);
    verifier.block(&rows.concat())?;
    verifier.finish(head)
}

fn found(rows: &[Vec<u8>], head: &ChainHead) -> (u64, BreakKind) {
    let bad = check(rows, head).unwrap_err();
    assert_eq!(bad.chain, CHAIN);
    (bad.sequence, bad.kind)
}

fn at(sequence: u64) -> usize {
    usize::try_from(sequence).unwrap() - 1
}

proptest! {
    #[test]
    fn a_changed_byte_is_found_in_its_entry(sequence in 1..=COUNT, place in 0usize..1000, change in 1u8..=255) {
        let (mut entries, head) = chain_of(COUNT, 0);
        let bytes = &mut entries[at(sequence)].bytes;
        let place = place % bytes.len();
        bytes[place] ^= change;
        let (first, kind) = found(&lines(&entries), &head);
        prop_assert_eq!(first, sequence);
        prop_assert!(matches!(kind, BreakKind::MacMismatch | BreakKind::Malformed | BreakKind::ColumnMismatch));
    }

    #[test]
    fn a_removed_byte_or_an_added_one_is_found_in_its_entry(
        sequence in 1..=COUNT, place in 0usize..1000, add in any::<Option<u8>>(),
    ) {
        let (mut entries, head) = chain_of(COUNT, 0);
        let bytes = &mut entries[at(sequence)].bytes;
        let place = place % bytes.len();
        match add {
            Some(byte) => bytes.insert(place, byte),
            None => { bytes.remove(place); }
        }
        prop_assert_eq!(found(&lines(&entries), &head).0, sequence);
    }

    #[test]
    fn a_deleted_entry_is_a_gap(sequence in 1..COUNT) {
        let (entries, head) = chain_of(COUNT, 0);
        let mut rows = lines(&entries);
        rows.remove(at(sequence));
        prop_assert_eq!(found(&rows, &head), (sequence, BreakKind::Gap));
    }

    #[test]
    fn a_cut_tail_is_found_by_the_head_and_without_it_by_the_anchor(left in 0..COUNT) {
        let (entries, head) = chain_of(COUNT, 0);
        let rows = lines(&entries[..usize::try_from(left).unwrap()]);
        prop_assert_eq!(found(&rows, &head), (left + 1, BreakKind::Truncated));

        let keys = keys();
        let (_, shorter) = chain_of(left, 0);
        prop_assert!(check(&rows, &shorter).is_ok());
        let anchor = Anchor { chain: CHAIN, length: COUNT, tag: head.tag, time: Timestamp(0), counter: 1, in_doubt: false };
        let mut verifier = Verifier::new(CHAIN, &keys).against(anchor);
        verifier.block(&rows.concat()).unwrap();
        prop_assert_eq!(verifier.finish(&shorter), Err(Break { chain: CHAIN, sequence: left + 1, kind: BreakKind::Truncated }));
    }

    #[test]
    fn swapped_rows_are_out_of_order(first in 1..COUNT, distance in 1..COUNT) {
        let second = (first + distance).min(COUNT);
        let (entries, head) = chain_of(COUNT, 0);
        let mut rows = lines(&entries);
        rows.swap(at(first), at(second));
        prop_assert_eq!(found(&rows, &head), (first, BreakKind::Reorder));
    }

    #[test]
    fn entries_swapped_below_their_columns_do_not_fit_them(first in 1..COUNT, distance in 1..COUNT) {
        let second = (first + distance).min(COUNT);
        let (entries, head) = chain_of(COUNT, 0);
        let mut rows = lines(&entries);
        rows[at(first)] = line(first, &entries[at(second)].bytes);
        rows[at(second)] = line(second, &entries[at(first)].bytes);
        prop_assert_eq!(found(&rows, &head), (first, BreakKind::ColumnMismatch));
    }

    #[test]
    fn a_doubled_row_is_a_duplicate(sequence in 1..=COUNT, later in 0..COUNT) {
        let (entries, head) = chain_of(COUNT, 0);
        let mut rows = lines(&entries);
        let row = rows[at(sequence)].clone();
        rows.insert(usize::try_from((sequence + later).min(COUNT)).unwrap(), row);
        prop_assert_eq!(found(&rows, &head), (sequence, BreakKind::Duplicate));
    }

    #[test]
    fn a_changed_column_is_found(sequence in 1..=COUNT, column in 0u64..40) {
        prop_assume!(sequence != column);
        let (entries, head) = chain_of(COUNT, 0);
        let mut rows = lines(&entries);
        rows[at(sequence)] = line(column, &entries[at(sequence)].bytes);
        let expected = if column < sequence { (column, BreakKind::Duplicate) } else { (sequence, BreakKind::Gap) };
        prop_assert_eq!(found(&rows, &head), expected);
    }

    /// The careful forger: he removes an entry, renumbers what follows and repairs the links, but has no key.
    #[test]
    fn a_renumbered_chain_does_not_hold(sequence in 1..COUNT) {
        let (entries, head) = chain_of(COUNT, 0);
        let mut rows = vec![];
        let mut prior = std::string::String::new();
        for entry in &entries {
            let mut text = std::string::String::from_utf8(entry.bytes.clone()).unwrap();
            if entry.sequence == sequence {
                prior = text.split("\"prior_entry_mac\":\"").nth(1).unwrap()[..64].to_string();
                continue;
            }
            let mut number = entry.sequence;
            if number > sequence {
                text = text.replace(&format!("\"sequence_number\":{number},"), &format!("\"sequence_number\":{},", number - 1));
                number -= 1;
            }
            if entry.sequence == sequence + 1 {
                let old = text.split("\"prior_entry_mac\":\"").nth(1).unwrap()[..64].to_string();
                text = text.replace(&old, &prior);
            }
            rows.push(line(number, text.as_bytes()));
        }
        let head = ChainHead { length: COUNT - 1, ..head };
        prop_assert_eq!(found(&rows, &head), (sequence, BreakKind::MacMismatch));
    }
}

#[test]
fn an_entry_of_another_branch_is_a_fork() {
    let (ours, head) = chain_of(6, 0);
    let (theirs, _) = chain_of(6, 100);
    let mut rows = lines(&ours);
    rows[4] = lines(&theirs)[4].clone();
    assert_eq!(found(&rows, &head), (5, BreakKind::Fork));
}

#[test]
fn an_older_database_that_went_on_is_rolled_back() {
    let (_, anchored) = chain_of(10, 0);
    let (older, head_then) = chain_of(5, 0);
    let drafts: Vec<_> = (50..58).map(draft).collect();
    let (newer, head) = link(&mut keys(), CHAIN, head_then, &drafts);
    let rows = [lines(&older), lines(&newer)].concat();
    assert!(check(&rows, &head).is_ok());

    let keys = keys();
    let anchor =
        Anchor { chain: CHAIN, length: 10, tag: anchored.tag, time: Timestamp(0), counter: 3, in_doubt: false };
    let mut verifier = Verifier::new(CHAIN, &keys).against(anchor);
    verifier.block(&rows.concat()).unwrap();
    assert_eq!(verifier.finish(&head), Err(Break { chain: CHAIN, sequence: 10, kind: BreakKind::RolledBack }));
}

#[test]
fn entries_of_another_chain_mean_nothing_here() {
    let drafts: Vec<_> = (0..3).map(draft).collect();
    let (entries, head) = link(&mut keys(), ChainId::SYSTEM, ChainHead::EMPTY, &drafts);
    assert_eq!(found(&lines(&entries), &head), (1, BreakKind::MacMismatch));
}

#[test]
fn another_root_is_not_ours() {
    let (entries, _) = chain_of(3, 0);
    let other = ChainKeys::derive(&Secret::new([8; 32]));
    let kind = Verifier::new(CHAIN, &other).block(&lines(&entries).concat()).unwrap_err().kind;
    assert_eq!(kind, BreakKind::MacMismatch);
}

#[test]
fn a_head_that_is_not_the_last_entry_is_found() {
    let (entries, head) = chain_of(5, 0);
    let rows = lines(&entries);
    let (_, shorter) = chain_of(4, 0);
    assert_eq!(found(&rows, &shorter), (5, BreakKind::HeadMismatch));
    assert_eq!(found(&rows, &ChainHead { tag: [1; 32], ..head }), (5, BreakKind::HeadMismatch));
    assert_eq!(found(&rows, &ChainHead { time: Timestamp(1), ..head }), (5, BreakKind::HeadMismatch));
}

#[test]
fn time_running_backwards_is_found() {
    let (first, head) = chain_of(3, 10);
    let earlier = ChainHead { time: Timestamp(0), ..head };
    let (second, end) = link(&mut keys(), CHAIN, earlier, [&draft(1)]);
    assert_eq!(found(&[lines(&first), lines(&second)].concat(), &end), (4, BreakKind::Reorder));
}

#[test]
fn a_missing_segment_key_is_said() {
    struct None;
    impl SegmentKeys for None {
        fn segment_key(&self, _: ChainId, _: u64) -> Option<crate::audit::ChainKey> {
            Option::None
        }
    }
    let (entries, _) = chain_of(2, 0);
    let bad = Verifier::new(CHAIN, &None).block(&lines(&entries).concat()).unwrap_err();
    assert_eq!((bad.sequence, bad.kind), (1, BreakKind::KeyMissing));
}

#[test]
fn a_walk_may_start_behind_any_genuine_entry() {
    let (entries, head) = chain_of(8, 0);
    let rows = lines(&entries);
    let keys = keys();
    let mut verifier = Verifier::after(CHAIN, &keys, &rows[3]).unwrap();
    verifier.block(&rows[4..].concat()).unwrap();
    assert_eq!(verifier.finish(&head).map(|verified| verified.head), Ok(head));

    let forged = std::string::String::from_utf8(rows[3].clone()).unwrap().replace("client-0", "client-9");
    let bad = Verifier::after(CHAIN, &keys, forged.as_bytes()).err().unwrap();
    assert_eq!((bad.sequence, bad.kind), (4, BreakKind::MacMismatch));
}

#[test]
fn a_break_is_one_line_for_machines_and_one_for_people() {
    let bad = Break { chain: ChainId::SYSTEM, sequence: 9, kind: BreakKind::Gap };
    insta::assert_snapshot!(bad.to_json(), @r#"{"audit_chain_broken":true,"chain":"00000000-0000-0000-0000-000000000000","first_bad_sequence":9,"kind":"gap"}"#);
    insta::assert_snapshot!(bad, @"audit chain 00000000-0000-0000-0000-000000000000 is broken at entry 9: gap");
}
