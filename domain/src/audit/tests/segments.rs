//! Segments, their keys and their checkpoints. One chain of two closed segments serves all tests here.

use super::*;
use crate::audit::{
    Break, BreakKind, Checkpoint, CheckpointKey, ExportHeader, ExportVerifier, ExportWriter, PublicKey,
    SEGMENT_ENTRIES, SegmentRoots, Verifier, check_checkpoints, segment_of,
};
use std::collections::BTreeMap;
use std::string::String;

fn sample(segment_byte: u8, earlier: &[Checkpoint]) -> Checkpoint {
    Checkpoint::following(CHAIN, earlier, [segment_byte; 32])
}

#[test]
fn a_checkpoint_is_a_signed_note() {
    let key = CheckpointKey::derive(&root());
    let note = key.sign(&sample(1, &[]));
    insta::assert_snapshot!(note, @r"
sealgate/audit/c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1
65536
AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=
segment AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=

— sealgate/audit/c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1 cTbnaH0L/iyZHXDzsBI7mL79PvhxWNX3zsXzPt7b2aBK5gX1pEKj8iZfNrAU1kFgVVE0D33utCi0wMbzNnqhu7iSXAc=
");
    insta::assert_snapshot!(key.public().to_text(CHAIN), @"sealgate/audit/c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1+7136e768+ATBrijeCwUmCNqFnb0N+gIx/rClpMZC2N0nxkaKR0jVr");
    assert_eq!(key.public().open(CHAIN, &note), Some(sample(1, &[])));
    assert!(PublicKey::from_text(CHAIN, &key.public().to_text(CHAIN)) == Some(key.public()));
    assert!(PublicKey::from_text(ChainId::SYSTEM, &key.public().to_text(CHAIN)).is_none());
}

#[test]
fn a_note_with_any_byte_changed_is_refused() {
    let key = CheckpointKey::derive(&root());
    let note = key.sign(&sample(1, &[]));
    for place in 0..note.len() {
        let mut bytes = note.clone().into_bytes();
        bytes[place] ^= 1;
        if let Ok(text) = String::from_utf8(bytes) {
            assert_eq!(key.public().open(CHAIN, &text), None, "at {place}");
        }
    }
    assert_eq!(key.public().open(ChainId::SYSTEM, &note), None);
    let other = CheckpointKey::derive(&Secret::new([8; 32]));
    assert_eq!(other.public().open(CHAIN, &note), None);
    for extended in [format!("{note}\n"), format!("{note}— a b\n"), note.replace("segment ", "segment  ")] {
        assert_eq!(key.public().open(CHAIN, &extended), None);
    }
}

#[test]
fn checkpoints_must_be_complete_in_order_and_of_one_history() {
    let key = CheckpointKey::derive(&root());
    let mut all = vec![];
    for byte in 1..=3 {
        all.push(sample(byte, &all));
    }
    let notes: Vec<(u64, String)> = all.iter().map(|checkpoint| (checkpoint.segment, key.sign(checkpoint))).collect();
    let head = ChainHead { length: SEGMENT_ENTRIES * 3 + 5, ..ChainHead::EMPTY };
    let none = BTreeMap::new();
    let check = |notes: &[(u64, String)], head: &ChainHead, roots: &BTreeMap<u64, [u8; 32]>| {
        check_checkpoints(CHAIN, &key.public(), notes, head, roots).map_err(|bad| (bad.sequence, bad.kind))
    };
    assert_eq!(check(&notes, &head, &none), Ok(all.clone()));
    assert_eq!(check(&notes[1..], &head, &none), Err((1, BreakKind::CheckpointBad)));
    assert_eq!(check(&[notes[0].clone(), notes[2].clone()], &head, &none), Err((65_537, BreakKind::CheckpointBad)));

    let rewritten = key.sign(&sample(9, &[sample(8, &[])]));
    let mixed = [notes[0].clone(), (1, rewritten)];
    assert_eq!(check(&mixed, &head, &none), Err((65_537, BreakKind::CheckpointBad)));

    let roots = BTreeMap::from([(1, [7; 32])]);
    assert_eq!(check(&notes, &head, &roots), Err((65_537, BreakKind::CheckpointBad)));

    let short = ChainHead { length: SEGMENT_ENTRIES * 2, ..ChainHead::EMPTY };
    assert_eq!(check(&notes, &short, &none), Err((SEGMENT_ENTRIES * 2 + 1, BreakKind::Truncated)));
}

#[test]
fn segments_begin_where_they_should() {
    assert_eq!([1, 65_536, 65_537, 131_072, 131_073].map(segment_of), [0, 0, 1, 1, 2]);
}

#[test]
fn a_closed_segment_verifies_and_its_checkpoint_holds() {
    let count = SEGMENT_ENTRIES + 3;
    let (entries, head) = chain_of(count, 0);
    let rows = lines(&entries);
    let reader = keys();
    let mut verifier = Verifier::new(CHAIN, &reader);
    let mut roots = SegmentRoots::default();
    for block in rows.chunks(4_096) {
        verifier.block(&block.concat()).unwrap();
        roots.add(&block.concat());
    }
    assert_eq!(verifier.finish(&head).unwrap().head, head);
    let roots = roots.closed();
    assert_eq!(roots.keys().collect::<Vec<_>>(), [&0]);

    let key = CheckpointKey::derive(&root());
    let checkpoint = Checkpoint::following(CHAIN, &[], roots[&0]);
    assert_eq!(checkpoint.root, checkpoint.segment_root);
    let notes = vec![(0, key.sign(&checkpoint))];
    assert!(check_checkpoints(CHAIN, &key.public(), &notes, &head, &roots).is_ok());

    // A walk that starts inside a segment cannot have its root.
    let mut late = SegmentRoots::default();
    late.add(&rows[65_001..].concat());
    assert!(late.closed().is_empty());

    // Exports of any range hold with nothing but the public key.
    let export = |from: u64, to: u64| {
        let mut writer = ExportWriter::new(CHAIN, from, to, notes.clone(), &key);
        let place = |n: u64| usize::try_from(n).unwrap();
        let mut text = writer.block(&rows[place(from - 1)..place(to)].concat()).unwrap();
        text.extend(writer.finish().unwrap());
        text
    };
    for (from, to, notes) in [(1, count, 1), (65_530, 65_539, 1), (65_537, 65_538, 1), (65_000, 65_001, 0)] {
        let text = export(from, to);
        assert_eq!(text.split(|b| *b == b'\n').filter(|line| line.starts_with(b"{\"checkpoint\"")).count(), notes);
        assert_eq!(verify(&text, &key.public()), Ok(to));
    }

    // Without keys a changed entry is found where the signature over it is.
    let changed = String::from_utf8(export(1, SEGMENT_ENTRIES)).unwrap().replacen("client-0", "client-9", 1);
    assert_eq!(verify(changed.as_bytes(), &key.public()).unwrap_err().kind, BreakKind::CheckpointBad);
}

fn verify(export: &[u8], public: &PublicKey) -> Result<u64, Break> {
    let mut lines = export.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n');
    let header = ExportHeader::read(lines.next().unwrap()).unwrap();
    let mut verifier = ExportVerifier::new(header, public.clone(), None).unwrap();
    for line in lines {
        verifier.line(line)?;
    }
    verifier.finish().map(|head| head.length)
}
