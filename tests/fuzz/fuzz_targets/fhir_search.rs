//! FHIR search: a question is understood or refused, and its own link asks the same question.
//!
//! The first byte chooses the type and the leniency, the first line is the query string, the rest a resource to judge.
#![no_main]

use domain::intake::Merge;
use domain::kind::Kind;
use domain::retrieval::ReadLabels;
use domain::time::Timestamp;
use libfuzzer_sys::fuzz_target;
use r4::search::{self, Settings};

const KINDS: [Kind; 10] = [
    Kind::DiagnosticReport,
    Kind::Observation,
    Kind::Patient,
    Kind::Specimen,
    Kind::ServiceRequest,
    Kind::Encounter,
    Kind::Practitioner,
    Kind::Organization,
    Kind::PractitionerRole,
    Kind::Provenance,
];

fuzz_target!(|input: &[u8]| {
    let Some((choice, text)) = input.split_first() else { return };
    let Ok(text) = str::from_utf8(text) else { return };
    let (question, content) = text.split_once('\n').unwrap_or((text, ""));
    let kind = KINDS[usize::from(choice >> 1) % KINDS.len()];
    judged(kind, content);
    let Ok(pairs) = form::pairs(question) else { return };
    let now = Timestamp(1_790_000_000_000_000);
    let settings = Settings {
        base: "https://fhir.example.org/fhir",
        now,
        default_count: 20,
        max_count: 100,
        lenient: choice & 1 == 1,
    };
    let Ok(query) = search::read(kind, &pairs, settings) else { return };
    let _ = query.matches(now, content);
    let _ = query.included(content);

    // The self link asks the same, and a server that is strict understands it.
    let link = query.self_query();
    let pairs = form::pairs(&link).expect("a self link is a form");
    let again = search::read(kind, &pairs, Settings { lenient: false, ..settings });
    let again = again.unwrap_or_else(|fault| panic!("a self link is not understood: {fault:?}"));
    assert_eq!(again.self_query(), link, "a self link is not its own self link");
    assert_eq!(again.identity(), query.identity(), "a self link asks something else");
    assert_eq!(again.matches(now, content), query.matches(now, content), "a self link finds something else");
    assert_eq!(again.count(), query.count());
});

/// What reads stored resources stands any text.
fn judged(kind: Kind, content: &str) {
    drop(search::terms(kind, content));
    let _ = r4::labels::SecurityLabels.labels(content);
    let merged = r4::merge::ResourceMerge.merge(kind, content, content);
    if serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(content).is_ok() {
        assert!(serde_json::from_str::<serde_json::Value>(&merged).is_ok(), "what is merged is not JSON");
    }
}
