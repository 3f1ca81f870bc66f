//! The law between mapping and search: what a question may ask the index for, a mapped record can be found by.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::index::{Term, normalise};
use mapped::Mapped;
use std::path::Path;

#[expect(dead_code, reason = "shared with the tests of the mapping")]
mod mapped;

#[test]
fn every_mapped_record_is_indexed_by_all_that_a_search_may_ask_for() {
    let authored = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors/authored");
    let mut seen = 0usize;
    for entry in std::fs::read_dir(authored).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        let Some(mapped) = mapped::map_bytes(&bytes) else { continue };
        let missed = missed(&mapped);
        assert!(missed.is_empty(), "{}: {missed:?}", path.display());
        seen = seen.saturating_add(mapped.incoming.records.len());
    }
    assert!(seen > 20, "{seen}");
}

/// The terms that a search would ask for and the record does not have.
fn missed(mapped: &Mapped) -> Vec<String> {
    let same = |a: &Term, b: &Term| {
        a.kind == b.kind && a.field == b.field && normalise(a.field, &a.value) == normalise(b.field, &b.value)
    };
    let mut missed = Vec::new();
    for record in &mapped.incoming.records {
        for member in &record.members {
            for term in r4::search::terms(member.kind, &member.content) {
                if !record.terms.iter().any(|held| same(held, &term)) {
                    missed.push(format!("{} {:?} {} of {}", term.kind, term.field, term.value, member.kind));
                }
            }
        }
    }
    missed
}
