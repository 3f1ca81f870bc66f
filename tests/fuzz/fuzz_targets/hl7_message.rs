//! HL7 messages: whatever the bytes, they are answered in three segments at most, and what is mapped is whole FHIR.
#![no_main]

use domain::id::TenantId;
use domain::intake::Incoming;
use domain::keys::{NameKey, Roots, TenantSecrets};
use domain::time::Timestamp;
use hl7::acknowledgement::{AckIdentity, Outcome, acknowledge};
use hl7::mapping::{SenderProfile, map};
use hl7::message::{AcceptanceProfile, Envelope, Judgement, ReadOptions, judge, read, read_envelope, require_content};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

fuzz_target!(|input: &[u8]| {
    let envelope = read_envelope(input);
    let message = read(input, &ReadOptions::default());
    let outcome = match (envelope.as_ref().map(|envelope| judge(envelope, &AcceptanceProfile::default())), &message) {
        (Some(Judgement::Acknowledgement), _) => Outcome::NoReply,
        (Some(Judgement::Refuse(fault)), _) => Outcome::of(fault),
        (_, Err(fault)) => Outcome::of(*fault),
        (_, Ok(message)) => require_content(message).map_or_else(Outcome::of, |()| Outcome::Accepted),
    };
    answered(envelope.as_ref(), &outcome);
    if let Ok(message) = message {
        whole(&map(&message, sender(), names(), Timestamp(1_790_000_000_000_000)));
    }
});

/// The answer has MSH, MSA and ERR and nothing besides, whatever the request put where.
fn answered(envelope: Option<&Envelope>, outcome: &Outcome) {
    let own = AckIdentity { control_id: "1", timestamp: "20260314093000+0000" };
    let answer = acknowledge(envelope, outcome, &own);
    let segments: Vec<&[u8]> = answer.split(|byte| *byte == b'\r').collect();
    let names: Vec<&[u8]> = segments.iter().map(|segment| segment.get(..3).unwrap_or_default()).collect();
    let expected: &[&[&[u8]]] = &[&[b""], &[b"MSH", b"MSA", b""], &[b"MSH", b"MSA", b"ERR", b""]];
    assert!(expected.contains(&names.as_slice()), "the answer has other segments");
    assert!(!answer.iter().any(|byte| [0x0b, 0x1c, b'\n'].contains(byte)), "the answer breaks its frame");
}

/// Ids are unique and in their family, references lead somewhere, nothing is empty, held messages leave nothing.
fn whole(incoming: &Incoming) {
    let trace: Value = serde_json::from_str(&incoming.trace).expect("the trace is JSON");
    assert!(trace.is_object());
    assert!(incoming.held.is_none() || incoming.records.is_empty(), "a held message leaves records");
    let (mut ids, mut known, mut references) = (HashSet::new(), HashSet::new(), Vec::new());
    for record in &incoming.records {
        assert_eq!(record.members.first().map(|member| member.id), Some(record.id));
        for member in &record.members {
            assert!(ids.insert((member.kind, member.id)), "an id twice");
            assert_eq!(member.id.family(), record.id.family());
            known.insert(format!("{}/{}", member.kind, member.id));
            let content: Value = serde_json::from_str(&member.content).expect("a resource is JSON");
            assert_eq!(content["resourceType"], member.kind.name());
            full(&content, &mut references);
            drop(r4::search::terms(member.kind, &member.content));
        }
    }
    assert!(references.iter().all(|reference| known.contains(reference)), "a reference leads nowhere");
}

/// FHIR knows no empty objects, arrays, strings or nulls.
fn full(value: &Value, references: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            assert!(!members.is_empty());
            references.extend(members.get("reference").and_then(Value::as_str).map(ToOwned::to_owned));
            members.values().for_each(|value| full(value, references));
        }
        Value::Array(items) => {
            assert!(!items.is_empty());
            items.iter().for_each(|value| full(value, references));
        }
        Value::String(text) => assert!(!text.trim().is_empty(), "an empty string"),
        Value::Null => panic!("a null"),
        Value::Bool(_) | Value::Number(_) => {}
    }
}

fn names() -> &'static NameKey {
    static NAMES: OnceLock<TenantSecrets> = OnceLock::new();
    let derive = || {
        let roots = Roots::from_bytes(&[7; Roots::LENGTH]).expect("roots");
        TenantSecrets::derive(&roots, TenantId::from_random([1; 16]))
    };
    &NAMES.get_or_init(derive).naming
}

fn sender() -> &'static SenderProfile {
    static SENDER: OnceLock<SenderProfile> = OnceLock::new();
    SENDER.get_or_init(|| SenderProfile {
        name: "LABX".to_owned(),
        time_zone: jiff::tz::TimeZone::get("Europe/Berlin").expect("a zone"),
        authorities: BTreeMap::from([("2.16.840.1.113883.19.4".to_owned(), "https://north.example/mrn".to_owned())]),
    })
}
