//! An independent reader judges what messages are mapped to: fhir-sdk's R4B types, which are of the same shape as R4 for these resources.
//!
//! It must read each resource and say the same: no member lost, none added. Numbers are compared as floating point, since the judge
//! has no others, and moments as moments, since it writes them in its own way.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::id::TenantId;
use domain::keys::{Roots, TenantSecrets};
use domain::time::Timestamp;
use hl7::mapping::{SenderProfile, map};
use hl7::message::{ReadOptions, read};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

fn main() {
    let arguments = Arguments::from_args();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials: Vec<Trial> = messages(&own.join("../hl7/tests/vectors/authored")).into_iter().map(trial).collect();
    let shared = std::env::var_os("SEALGATE_SHARED").map_or_else(|| own.join("../../../shared"), PathBuf::from);
    let corpus = shared.join("data/hl7-corpus");
    if corpus.is_dir() {
        trials.extend(messages(&corpus).into_iter().map(trial));
    } else {
        trials.push(Trial::test("corpus::not_here_set_SEALGATE_SHARED", || Ok(())).with_ignored_flag(true));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trial(path: PathBuf) -> Trial {
    let folder = path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    let name = format!("{folder}::{}", path.file_stem().unwrap_or_default().to_string_lossy());
    Trial::test(name, move || {
        for content in resources(&std::fs::read(&path).unwrap()) {
            judge(&content)?;
        }
        Ok(())
    })
}

fn resources(bytes: &[u8]) -> Vec<String> {
    let Ok(message) = read(bytes, &ReadOptions::default()) else {
        return Vec::new();
    };
    let sender = SenderProfile {
        name: "LAB".to_owned(),
        time_zone: jiff::tz::TimeZone::get("America/New_York").unwrap(),
        authorities: BTreeMap::new(),
    };
    let roots = Roots::from_bytes(&[7; Roots::LENGTH]).unwrap();
    let secrets = TenantSecrets::derive(&roots, TenantId::from_random([1; 16]));
    let incoming = map(&message, &sender, &secrets.naming, Timestamp(1_773_482_400_000_000));
    incoming.records.into_iter().flat_map(|record| record.members).map(|member| member.content).collect()
}

fn judge(content: &str) -> Result<(), Failed> {
    let read: fhir_sdk::r4b::resources::Resource =
        serde_json::from_str(content).map_err(|fault| format!("{fault} in {content}"))?;
    let says = serde_json::to_value(&read)?;
    let said: Value = serde_json::from_str(content)?;
    if same(&said, &says) { Ok(()) } else { Err(format!("{said}\nis read as\n{says}").into()) }
}

fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && ours.iter().all(|(name, value)| theirs.get(name).is_some_and(|other| same(value, other)))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::Number(ours), Value::Number(theirs)) => ours.as_f64() == theirs.as_f64(),
        (Value::String(ours), Value::String(theirs)) => {
            let moment = |text: &str| Timestamp::from_rfc3339(text);
            ours == theirs || moment(ours).is_some_and(|ours| moment(theirs) == Some(ours))
        }
        _ => ours == theirs,
    }
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
