//! What is left of a run: a stopped installation, which is verified, and kept where it shows a fault.

use crate::Soak;
use crate::findings::Promise;
use std::fs;

/// Verifies chains and records of the stopped installation.
pub(crate) fn verify(soak: &Soak) {
    for (arguments, promise) in
        [(&["audit", "verify"][..], Promise::Chain), (&["audit", "verify", "--records"], Promise::Records)]
    {
        let ended = soak.command(arguments);
        let said = ended.stdout.lines().rev().find_map(|line| line.strip_prefix("verified: "));
        soak.findings.looked(promise, said.unwrap_or("to the end of the last command"));
        if ended.code != Some(0) {
            let what = format!("sealgate {}: exit code {:?}: {}", arguments.join(" "), ended.code, ended.stderr.trim());
            soak.findings.broken(promise, what);
        }
    }
}

/// Copies the installation and its logs to where they outlive the run.
pub(crate) fn keep(soak: &Soak) {
    let place = std::env::temp_dir().join(format!("sealgate-soak-{}-{}", soak.options.seed, std::process::id()));
    let (from, mut all) = (soak.home.path(""), fs::create_dir_all(&place).is_ok());
    for file in soak.home.files() {
        let name = file.strip_prefix(&from).unwrap_or(&file).to_string_lossy().replace('/', "-");
        all &= fs::copy(&file, place.join(name)).is_ok();
    }
    println!(
        "the installation and its logs are kept in {}{}",
        place.display(),
        if all { "" } else { ", though not all" }
    );
}
