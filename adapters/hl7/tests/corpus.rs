//! Every message and stream of frames at hand, one named test each.
//!
//! The authored ones are part of the project. The larger collection of public samples is not: its cases show as ignored unless
//! `SEALGATE_SHARED`, or the directory `shared` beside the project, holds it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod oracle;
mod stream;

use std::path::{Path, PathBuf};

use libtest_mimic::{Arguments, Failed, Trial};

fn main() {
    let arguments = Arguments::from_args();
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut trials = Vec::new();
    for file in files(&own.join("tests/vectors/authored"), "hl7") {
        trials.push(trial("authored", &file, oracle::agrees));
    }
    let streams = files(&own.join("../../conformance/wire/vectors/mllp"), "mllp");
    for file in &streams {
        trials.push(trial("streams", file, stream::may_be_split));
    }
    trials.push(Trial::test("streams::each_has_its_verdict", move || {
        verdicts(&streams);
        Ok(())
    }));
    match shared(own) {
        Some(corpus) => {
            for file in files(&corpus, "hl7") {
                trials.push(trial("corpus", &file, oracle::agrees));
            }
            for file in files(&corpus.join("cosyte-mllp"), "hl7") {
                trials.push(trial("frames", &file, stream::holds_one_message));
            }
        }
        None => trials.push(Trial::test("corpus::not_here_set_SEALGATE_SHARED", || Ok(())).with_ignored_flag(true)),
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The verdicts on all streams as one table, reviewed as policy.
fn verdicts(streams: &[PathBuf]) {
    let table: Vec<String> = streams
        .iter()
        .map(|file| {
            let mut verdicts = stream::verdicts(&std::fs::read(file).unwrap());
            let more = verdicts.len().saturating_sub(4);
            verdicts.truncate(4);
            let name = file.file_stem().unwrap().to_string_lossy();
            match more {
                0 => format!("{name}: {}", verdicts.join("; ")),
                _ => format!("{name}: {}; and {more} more", verdicts.join("; ")),
            }
        })
        .collect();
    insta::assert_snapshot!(table.join("\n"));
}

fn trial(kind: &str, file: &Path, check: fn(&[u8]) -> Result<(), String>) -> Trial {
    let parent = file.parent().and_then(Path::file_name).unwrap_or_default();
    let name =
        format!("{kind}::{}/{}", parent.to_string_lossy(), file.file_name().unwrap_or_default().to_string_lossy());
    let file = file.to_owned();
    Trial::test(name, move || check(&std::fs::read(&file)?).map_err(Failed::from))
}

fn shared(own: &Path) -> Option<PathBuf> {
    let shared = std::env::var_os("SEALGATE_SHARED")
        .map_or_else(|| own.join("../../../shared"), PathBuf::from)
        .join("data/hl7-corpus");
    shared.is_dir().then_some(shared)
}

fn files(directory: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}
