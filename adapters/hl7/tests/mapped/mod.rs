//! Maps a message and hands out what came of it.

use std::collections::BTreeMap;

use domain::id::TenantId;
use domain::intake::Incoming;
use domain::keys::{Roots, TenantSecrets};
use domain::kind::Kind;
use domain::time::Timestamp;
use hl7::mapping::{SenderProfile, map};
use hl7::message::{ReadOptions, read};
use serde_json::Value;

/// What a message was mapped to.
pub(crate) struct Mapped {
    pub(crate) incoming: Incoming,
    /// Every resource, in order of records and members.
    pub(crate) resources: Vec<(Kind, Value)>,
    pub(crate) trace: Value,
}

impl Mapped {
    /// The issues, as `path code`.
    pub(crate) fn issues(&self) -> Vec<String> {
        let word = |issue: &Value, name: &str| issue.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let issues = self.trace.get("issues").and_then(Value::as_array).cloned().unwrap_or_default();
        issues.iter().map(|issue| format!("{} {}", word(issue, "path"), word(issue, "code"))).collect()
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A sender in Berlin, whose facility NORTH has an address.
pub(crate) fn sender() -> SenderProfile {
    SenderProfile {
        name: "LABX".to_owned(),
        time_zone: jiff::tz::TimeZone::get("Europe/Berlin").unwrap(),
        authorities: BTreeMap::from([("2.16.840.1.113883.19.4".to_owned(), "https://north.example/mrn".to_owned())]),
    }
}

/// Maps bytes; `None` when they cannot be read as a message.
pub(crate) fn map_bytes(bytes: &[u8]) -> Option<Mapped> {
    let message = read(bytes, &ReadOptions::default()).ok()?;
    let roots = Roots::from_bytes(&[7; Roots::LENGTH]).unwrap();
    let secrets = TenantSecrets::derive(&roots, TenantId::from_random([1; 16]));
    let received = Timestamp::from_rfc3339("2026-03-14T10:00:00Z").unwrap();
    let incoming = map(&message, &sender(), &secrets.naming, received);
    let members = incoming.records.iter().flat_map(|record| &record.members);
    let resources = members.map(|member| (member.kind, serde_json::from_str(&member.content).unwrap())).collect();
    let trace = serde_json::from_str(&incoming.trace).unwrap();
    Some(Mapped { incoming, resources, trace })
}
