//! Audit lines: an entry that is taken is canonical JSON that says the same to another reader, and no chain verifies
//! that was not linked here.
#![no_main]

use domain::audit::{ChainHead, EntryView, ExportHeader, ExportVerifier, SegmentKeyFile, Verifier};
use fuzz::{CHAIN, chain_keys};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::sync::LazyLock;

static GENUINE: LazyLock<(Vec<u8>, ChainHead)> = LazyLock::new(fuzz::entries);

fuzz_target!(init: fuzz::seed(made()), |input: &[u8]| {
    let keys = chain_keys();
    let (genuine, head) = &*GENUINE;
    let mut verifier = Verifier::new(CHAIN, &keys);
    if verifier.block(input).is_ok() {
        assert!(genuine.starts_with(input), "entries verify that nobody linked");
        assert_eq!(verifier.finish(head).is_ok(), input == genuine, "part of a chain is taken for the whole");
    }
    let _ = Verifier::after(CHAIN, &keys, input);
    for line in input.split(|byte| *byte == b'\n') {
        let column = line.iter().position(|byte| *byte == b' ').map_or(0, |at| at + 1);
        if let Some(entry) = EntryView::read(&line[column..]) {
            says_the_same(&entry, &line[column..]);
        }
    }
    exported(input);
});

/// The chain, and each of its lines.
fn made() -> Vec<Vec<u8>> {
    let lines = GENUINE.0.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec);
    lines.chain([GENUINE.0.clone()]).collect()
}

/// Compares what the scanner found with what a JSON parser finds.
fn says_the_same(entry: &EntryView<'_>, bytes: &[u8]) {
    let value: Value = serde_json::from_slice(bytes).expect("an entry is JSON");
    let text = |name: &str| value[name].as_str();
    assert_eq!(value.as_object().map(|fields| fields.len()), Some(14), "an entry has 14 fields");
    assert_eq!(value["sequence_number"].as_u64(), Some(entry.sequence()));
    assert_eq!(text("utc_timestamp"), Some(entry.utc_timestamp()));
    assert_eq!(value["user_id"]["id"].as_str(), Some(&*entry.user_id()));
    assert_eq!(value["user_id"]["display"].as_str(), Some(&*entry.user_display()));
    assert_eq!(text("workstation_id"), Some(&*entry.workstation_id()));
    assert_eq!(text("action"), Some(&*entry.action()));
    assert_eq!(text("resource_type"), Some(&*entry.resource_type()));
    assert_eq!(text("resource_id"), Some(&*entry.resource_id()));
    assert_eq!(text("outcome"), Some(&*entry.outcome()));
    assert_eq!(text("before_hash"), entry.before_hash());
    assert_eq!(text("after_hash"), entry.after_hash());
    assert_eq!(text("correlation_id"), Some(&*entry.correlation_id()));
    assert_eq!(text("prior_entry_mac"), Some(entry.prior_entry_mac()));
    assert_eq!(text("entry_mac"), Some(entry.entry_mac()));
}

/// An export: its header, its lines, its key file.
fn exported(input: &[u8]) {
    if let Ok(text) = str::from_utf8(input) {
        let _ = SegmentKeyFile::from_json(text);
    }
    let mut lines = input.split(|byte| *byte == b'\n');
    let Some(header) = lines.next().and_then(ExportHeader::read) else { return };
    let key = domain::audit::CheckpointKey::derive(&domain::secret::Secret::new([7; 32]));
    let Some(mut verifier) = ExportVerifier::new(header, key.public(), None) else { return };
    if lines.all(|line| verifier.line(line).is_ok()) {
        assert!(verifier.finish().is_err(), "an export verifies that nobody signed");
    }
}
