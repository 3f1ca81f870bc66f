//! Two verifiers, written apart, judge the same exports: ours and `conformance/audit/verify_export.py`.
//!
//! The exports under `conformance/audit/example` are committed; `UPDATE_AUDIT_EXAMPLE=1` writes them anew.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use domain::audit::{
    ChainHead, ChainId, ChainKeys, Checkpoint, CheckpointKey, Draft, ExportHeader, ExportVerifier, ExportWriter,
    Outcome, PublicKey, SegmentKeyFile, SegmentKeys, UserId, link,
};
use domain::id::CorrelationId;
use domain::keys::ContentMac;
use domain::secret::Secret;
use domain::time::Timestamp;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CHAIN: ChainId = ChainId([0x5e, 0xa1, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 1]);

#[test]
fn the_committed_examples_are_what_we_write_and_both_verifiers_agree_on_them() {
    let folder = folder().join("example");
    let keys = key_file();
    committed(&folder.join("keys.json"), format!("{}\n", *keys.to_json()).as_bytes());
    let mut expected = Vec::new();
    for (name, export) in examples() {
        let verdicts =
            json!({ "file": name, "with_keys": ours(&export, true), "public_key_only": ours(&export, false) });
        committed(&folder.join(name), &export);
        expected.push((verdicts, export));
    }
    let list: Vec<&Value> = expected.iter().map(|(verdicts, _)| verdicts).collect();
    let lines: Vec<String> = list.iter().map(|verdicts| format!("  {verdicts}")).collect();
    committed(&folder.join("EXPECT.json"), format!("[\n{}\n]\n", lines.join(",\n")).as_bytes());

    let exports: Vec<Vec<u8>> = expected.iter().map(|(_, export)| export.clone()).collect();
    for (name, with_keys) in [("with_keys", true), ("public_key_only", false)] {
        for ((verdicts, _), theirs) in expected.iter().zip(python(&exports, with_keys)) {
            assert_eq!(verdicts[name], theirs, "{} {name}", verdicts["file"]);
        }
    }
}

#[test]
fn both_verifiers_agree_on_whatever_is_done_to_an_export() {
    let (_, export) = examples().swap_remove(1);
    let mut runner = TestRunner::deterministic();
    let changes = (0..export.len(), 0u8..6, 1u8..=255, 0..export.len());
    let mut broken = vec![export.clone()];
    for _ in 0..120 {
        let (place, what, byte, other) = changes.new_tree(&mut runner).unwrap().current();
        broken.push(meddle(&export, place, what, byte, other));
    }
    for with_keys in [true, false] {
        for (export, theirs) in broken.iter().zip(python(&broken, with_keys)) {
            assert_eq!(ours(export, with_keys), theirs, "{}", String::from_utf8_lossy(export));
        }
    }
    // What is accepted is what was written: nothing that was changed passes.
    let unseen =
        broken.iter().skip(1).filter(|changed| **changed != export && ours(changed, true) == json!("verified"));
    assert_eq!(unseen.count(), 0);
}

/// Changes, removes or adds a byte, or removes, doubles or swaps lines.
fn meddle(export: &[u8], place: usize, what: u8, byte: u8, other: usize) -> Vec<u8> {
    let mut bytes = export.to_vec();
    let mut lines: Vec<&[u8]> = export.strip_suffix(b"\n").unwrap().split(|b| *b == b'\n').collect();
    let (line, second) = (place % lines.len(), other % lines.len());
    match what {
        0 => bytes[place] ^= byte,
        1 => drop(bytes.remove(place)),
        2 => bytes.insert(place, byte),
        3 => drop(lines.remove(line)),
        4 => lines.insert(second, lines[line]),
        _ => lines.swap(line, second),
    }
    if what < 3 { bytes } else { lines.iter().flat_map(|line| [*line, b"\n"].concat()).collect() }
}

/// What our verifier says: `"verified"`, `"unjudged"`, or the first bad sequence number and the kind.
fn ours(export: &[u8], with_keys: bool) -> Value {
    let keys = key_file();
    let export = export.strip_suffix(b"\n").unwrap_or(export);
    let mut lines = export.split(|byte| *byte == b'\n');
    let Some(header) = ExportHeader::read(lines.next().unwrap()).filter(|header| header.chain_id() == Some(CHAIN))
    else {
        return json!("unjudged");
    };
    let given: Option<&dyn SegmentKeys> = if with_keys { Some(&keys) } else { None };
    let Some(mut verifier) = ExportVerifier::new(header, keys.public().clone(), given) else {
        return json!("unjudged");
    };
    let read = lines.try_for_each(|line| verifier.line(line).map(|_| ()));
    match read.and_then(|()| verifier.finish()) {
        Ok(_) => json!("verified"),
        Err(bad) => json!([bad.sequence, bad.kind.name()]),
    }
}

/// What the Python verifier says of each export, in the same words.
fn python(exports: &[Vec<u8>], with_keys: bool) -> Vec<Value> {
    const DRIVER: &str = r#"
import json, sys
sys.path.insert(0, sys.argv[1])
sys.dont_write_bytecode = True
import verify_export
given = json.loads(sys.argv[2])
keys = given["keys"] if sys.argv[3] == "keys" else None
for line in sys.stdin:
    code, verdict = verify_export.judge(bytes.fromhex(line), keys, given["public_key"])
    print(json.dumps("verified" if code == 0 else "unjudged" if code == 2 else [verdict["first_bad_sequence"], verdict["kind"]]))
"#;
    let mode = if with_keys { "keys" } else { "public" };
    let keys = key_file().to_json();
    let mut child = Command::new("python3")
        .args(["-c", DRIVER, folder().to_str().unwrap(), &keys, mode])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap_or_else(|fault| panic!("this test needs python3 (Debian package python3): {fault}"));
    let input: String = exports.iter().map(|export| hex(export) + "\n").collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let verdicts: Vec<Value> =
        String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(verdicts.len(), exports.len());
    verdicts
}

/// Good exports first, then one for each thing that can be wrong.
fn examples() -> Vec<(&'static str, Vec<u8>)> {
    let whole = export(1, 8, ChainHead::EMPTY, 0);
    // Linking is pure, so a chain may begin in its middle: entries 65,530 to 65,545, behind a made-up head.
    let before = ChainHead { length: 65_529, tag: [0x29; 32], time: Timestamp(1_795_000_000_000_000) };
    let range = export(65_530, 65_545, before, 0);
    let other_branch = export(1, 8, ChainHead::EMPTY, 100);
    let edit = |text: &[u8], from: &str, to: &str| {
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1).into_bytes()
    };
    let lines = |text: &[u8]| -> Vec<Vec<u8>> { text.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect() };
    let with = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut lines = lines(&whole);
        change(&mut lines);
        lines.concat()
    };
    vec![
        ("whole.jsonl", whole.clone()),
        ("range.jsonl", range.clone()),
        ("empty.jsonl", export(1, 0, ChainHead::EMPTY, 0)),
        ("field_changed.jsonl", edit(&whole, "reader-2", "reader-9")),
        ("mac_changed.jsonl", with(&|lines| lines[3] = with_another_mac(&lines[3]))),
        ("not_canonical.jsonl", with(&|lines| lines[4] = edit(&lines[4], ",\"outcome\"", ", \"outcome\""))),
        ("entry_removed.jsonl", with(&|lines| drop(lines.remove(4)))),
        ("entries_swapped.jsonl", with(&|lines| lines.swap(2, 6))),
        ("entry_doubled.jsonl", with(&|lines| lines.insert(6, lines[5].clone()))),
        ("other_branch.jsonl", with(&|lines| lines[5].clone_from(&self::lines(&other_branch)[5]))),
        ("tail_cut.jsonl", with(&|lines| lines.truncate(7))),
        (
            "tail_cut_header_changed.jsonl",
            with(&|lines| {
                lines[0] = edit(&lines[0], "\"to\":8", "\"to\":6");
                drop(lines.drain(7..9));
            }),
        ),
        ("checkpoint_changed.jsonl", edit(&range, "\\nsegment ", "\\nsegment A")),
        ("range_field_changed.jsonl", edit(&range, "\"sequence_number\":65537", "\"sequence_number\":65536")),
        ("of_another_chain.jsonl", edit(&whole, "5ea10000", "5ea10001")),
    ]
}

/// Changes the first digit of an entry's MAC.
fn with_another_mac(line: &[u8]) -> Vec<u8> {
    let member = b"\"entry_mac\":\"";
    let place = line.windows(member.len()).position(|window| window == member).unwrap() + member.len();
    let mut line = line.to_vec();
    line[place] = if line[place] == b'0' { b'1' } else { b'0' };
    line
}

fn lines(text: &[u8]) -> Vec<Vec<u8>> {
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}

fn export(from: u64, to: u64, before: ChainHead, series: u64) -> Vec<u8> {
    let drafts: Vec<Draft> = (from..to + 1).map(|n| draft(n + series)).collect();
    let (entries, _) = link(&mut ChainKeys::derive(&root()), CHAIN, before, &drafts);
    let key = CheckpointKey::derive(&root());
    let notes = vec![(0, key.sign(&Checkpoint::following(CHAIN, &[], [0x55; 32])))];
    let mut writer = ExportWriter::new(CHAIN, from, to, notes, &key);
    let mut text = Vec::new();
    for entry in entries {
        let line = [entry.sequence.to_string().as_bytes(), b" ", &entry.bytes, b"\n"].concat();
        text.extend(writer.block(&line).unwrap());
    }
    text.extend(writer.finish().unwrap());
    text
}

fn draft(n: u64) -> Draft {
    let byte = u8::try_from(n % 251).unwrap();
    Draft {
        chain: CHAIN,
        time: Timestamp(1_795_253_400_000_000 + i64::try_from(n % 1_000).unwrap() * 1_250_000),
        user: UserId { id: format!("reader-{}", n % 4), display: "Station \"Süd\" \\ 2".to_string() },
        workstation: "fhir.clinic-1.example".to_string(),
        action: if n.is_multiple_of(2) { "read" } else { "update" }.to_string(),
        resource_type: "DiagnosticReport".to_string(),
        resource_id: CorrelationId::from_random([byte ^ 0xff; 16]).to_string(),
        outcome: Outcome::ALL[usize::from(byte) % Outcome::ALL.len()],
        before: None,
        after: (!n.is_multiple_of(2)).then_some(ContentMac([byte; 32])),
        correlation: CorrelationId::from_random([byte; 16]),
        context: None,
    }
}

fn root() -> Secret<32> {
    Secret::new([7; 32])
}

fn key_file() -> SegmentKeyFile {
    let public: PublicKey = CheckpointKey::derive(&root()).public();
    let keys = SegmentKeyFile::of(&ChainKeys::derive(&root()), public, CHAIN, 1, 65_537);
    SegmentKeyFile::from_json(&keys.to_json()).unwrap()
}

fn committed(path: &Path, expected: &[u8]) {
    if std::env::var_os("UPDATE_AUDIT_EXAMPLE").is_some() {
        std::fs::File::create(path).unwrap().write_all(expected).unwrap();
    }
    let found = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(found, String::from_utf8_lossy(expected), "{} is not what we write", path.display());
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance/audit")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
