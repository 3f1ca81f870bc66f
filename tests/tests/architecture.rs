//! Who may import whom: the architecture's table, read from `cargo metadata`.
#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

/// For each crate of ours, the crates of ours it may use; development edges are free.
const OURS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("r4", &["domain"]),
    ("hl7", &["domain", "r4"]),
    ("form", &["domain"]),
    ("cors", &[]),
    ("fhir", &["domain", "r4", "form", "cors"]),
    ("sso", &["domain"]),
    ("smart", &["domain", "form", "cors"]),
    ("scim", &["domain", "form"]),
    ("admin", &["domain", "form", "sso"]),
    ("portal", &["domain", "r4", "form", "sso"]),
    ("store", &["domain"]),
    ("keys", &["domain"]),
    ("gateway", &["domain", "r4", "hl7", "fhir", "sso", "smart", "scim", "admin", "portal", "store", "keys"]),
    ("conformance", &[]),
    ("ports-conformance", &["domain"]),
    ("tests", &["domain", "r4", "hl7", "fhir", "store", "keys", "gateway", "ports-conformance"]),
];

/// Crates of others that only these of ours may use.
const ONLY: &[(&str, &[&str])] = &[
    ("fhir-sdk", &["r4"]),
    ("hl7-parser", &["hl7"]),
    ("sqlx", &["store", "tests"]),
    ("actix-web", &["form", "cors", "fhir", "smart", "scim", "admin", "portal", "gateway"]),
    ("openidconnect", &["sso"]),
    ("samael", &["sso"]),
    ("openssl", &["sso"]),
    ("clap", &["gateway", "conformance"]),
    ("reqwest", &["sso", "conformance", "tests"]),
    ("aes-gcm", &["domain"]),
    ("argon2", &["domain", "sso"]),
    ("hmac", &["domain", "sso", "gateway"]), // the gateway signs what it tells a webhook
];

/// What the domain may never reach: it does no I/O, reads no clock and draws no randomness (invariant 5).
const NEVER_IN_DOMAIN: &[&str] =
    &["tokio", "sqlx", "actix-web", "getrandom", "rand", "time", "jiff", "chrono", "tracing", "rustix"];

#[test]
fn every_crate_uses_only_what_the_architecture_allows() {
    let packages = packages();
    let names: BTreeSet<_> = packages.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, OURS.iter().map(|(name, _)| *name).collect(), "a crate is missing from the table, or gone");
    for (package, uses) in &packages {
        let allowed = OURS.iter().find(|(name, _)| name == package).map(|(_, allowed)| *allowed).unwrap_or_default();
        for used in uses {
            assert!(!names.contains(used.as_str()) || allowed.contains(&used.as_str()), "{package} may not use {used}");
            if let Some((_, only)) = ONLY.iter().find(|(name, _)| name == used) {
                assert!(only.contains(&package.as_str()), "{package} may not use {used}: only {only:?} may");
            }
        }
    }
}

#[test]
fn invariant_5_the_domain_reaches_no_io_no_clock_and_no_randomness() {
    let (_, uses) = packages().into_iter().find(|(name, _)| name == "domain").expect("there is a domain");
    for never in NEVER_IN_DOMAIN {
        assert!(!uses.iter().any(|used| used == never), "the domain may not use {never}");
    }
    let root = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/src/lib.rs")).expect("lib.rs");
    assert!(root.contains("#![no_std]"), "the domain is built without the standard library");
}

#[test]
fn no_crate_turns_arbitrary_precision_on() {
    let lock = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--edges", "features", "--invert", "serde_json", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo tree runs");
    assert!(lock.status.success(), "cargo tree succeeds");
    let tree = String::from_utf8_lossy(&lock.stdout);
    assert!(tree.contains("serde_json"), "the tree speaks of serde_json");
    assert!(!tree.contains("arbitrary_precision"), "with arbitrary_precision fhir-sdk drops every quantity");
}

/// Each of our crates with the names of what it uses outside of tests.
fn packages() -> Vec<(String, Vec<String>)> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo metadata runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| {
            let uses = package["dependencies"].as_array().expect("dependencies").iter();
            let uses =
                uses.filter(|used| used["kind"] != "dev" && used["kind"] != "build").map(|used| text(&used["name"]));
            (text(&package["name"]), uses.collect())
        })
        .collect()
}
