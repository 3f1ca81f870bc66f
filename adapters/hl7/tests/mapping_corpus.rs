//! What holds of every message at hand once it is mapped, one named test each.
//!
//! The authored messages are part of the project; the larger collection shows as ignored unless it is found, see `corpus.rs`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod mapped;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Trial};
use mapped::{Mapped, map_bytes, text};
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
    let authored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/authored");
    let mut trials: Vec<Trial> = messages(&authored).into_iter().map(|path| trial("authored", path)).collect();
    match shared() {
        Some(data) => trials.extend(messages(&data.join("hl7-corpus")).into_iter().map(|path| trial("corpus", path))),
        None => trials.push(Trial::test("corpus::not_here_set_SEALGATE_SHARED", || Ok(())).with_ignored_flag(true)),
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(group: &str, path: PathBuf) -> Trial {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = format!("{group}::{folder}::{}", path.file_stem().unwrap_or_default().to_string_lossy());
    Trial::test(name, move || {
        // What cannot be read as one message is never mapped.
        if let Some(mapped) = map_bytes(&std::fs::read(&path).unwrap()) {
            holds(&mapped);
        }
        Ok(())
    })
}

fn messages(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "hl7") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Ids are unique and in their family, references lead somewhere, nothing is empty, held messages leave nothing.
fn holds(mapped: &Mapped) {
    assert!(mapped.incoming.held.is_none() || mapped.incoming.records.is_empty());
    assert!(mapped.incoming.held.is_none() || !mapped.issues().is_empty());
    let (mut ids, mut known) = (HashSet::new(), HashSet::new());
    for record in &mapped.incoming.records {
        assert_eq!(record.members.first().map(|member| member.id), Some(record.id));
        for member in &record.members {
            assert!(ids.insert((member.kind, member.id)), "{} twice", member.kind);
            assert_eq!(member.id.family(), record.id.family());
            known.insert(format!("{}/{}", member.kind, member.id));
        }
    }
    for (kind, resource) in &mapped.resources {
        assert_eq!(text(&resource["resourceType"]), kind.name());
        whole(resource);
        let mut references = Vec::new();
        collect(resource, &mut references);
        for reference in references {
            assert!(known.contains(&reference), "a reference leads nowhere");
        }
    }
}

/// FHIR knows no empty objects, arrays, strings or nulls.
fn whole(value: &Value) {
    match value {
        Value::Object(members) => {
            assert!(!members.is_empty());
            members.values().for_each(whole);
        }
        Value::Array(items) => {
            assert!(!items.is_empty());
            items.iter().for_each(whole);
        }
        Value::String(text) => assert!(!text.trim().is_empty()),
        Value::Null => assert!(!value.is_null()),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

fn collect(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            references.extend(members.get("reference").and_then(Value::as_str).map(ToOwned::to_owned));
            members.values().for_each(|value| collect(value, references));
        }
        Value::Array(items) => items.iter().for_each(|value| collect(value, references)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// The collection of public samples, where it is at hand.
fn shared() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let root = std::env::var_os("SEALGATE_SHARED").map_or(beside, PathBuf::from);
    Some(root.join("data")).filter(|data| data.is_dir())
}
