//! Joins what came with what is stored: corrections become versions, older news changes nothing.

use super::{Delivery, Incoming, IncomingRecord, Merge, Plan, permit};
use crate::access::Denial;
use crate::id::RecordId;
use crate::keys::{Compartment, ContentKey, DataKey};
use crate::kind::Kind;
use crate::record::content::{Content, Member};
use crate::record::{self, Opened};
use crate::time::Timestamp;
use crate::write::{Routing, StoredRecord};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// What is to be written, and where the message stands afterwards.
pub(super) struct Joined {
    pub(super) routing: Routing,
    pub(super) plans: Vec<Plan>,
}

/// Why nothing can be written.
pub(super) enum NotJoined {
    Denied(Denial),
    Integrity(RecordId),
}

/// Plans the records of a message.
///
/// A report whose filler number is known for another patient holds the whole message back:
/// a report on the wrong patient is worse than one that waits for a person.
pub(super) fn join(
    delivery: &Delivery<'_>,
    incoming: &Incoming,
    stored: &[StoredRecord],
    keys: &[Arc<DataKey>],
    content: &ContentKey,
    merge: &dyn Merge,
    now: Timestamp,
) -> Result<Joined, NotJoined> {
    permit(delivery, None, Kind::Hl7Message).map_err(NotJoined::Denied)?;
    if let Some(hold) = incoming.held {
        let routing = match hold {
            super::Hold::NoPatient => Routing::Quarantined,
            super::Hold::MappingFailed => Routing::Unmapped,
        };
        return Ok(Joined { routing, plans: Vec::new() });
    }
    let mut plans: Vec<Plan> = Vec::with_capacity(incoming.records.len());
    let mut late = false;
    for news in &incoming.records {
        let compartment = news.patient.map_or(Compartment::Own(news.id), Compartment::Patient);
        let permit = permit(delivery, news.patient, news.kind).map_err(NotJoined::Denied)?;
        let Some((old, key)) = stored.iter().zip(keys).find(|(record, _)| record.id == news.id) else {
            plans.push(first(news, compartment, now));
            continue;
        };
        if key.compartment != compartment || old.kind != news.kind {
            return Ok(Joined { routing: Routing::Quarantined, plans: Vec::new() });
        }
        let opened = record::open(permit, key, old).map_err(|_| NotJoined::Integrity(old.id))?;
        if opened.as_of() > news.as_of {
            late |= news.kind == Kind::DiagnosticReport;
            continue;
        }
        if let Some(plan) = next(news, old, &opened, compartment, content, merge, now) {
            plans.push(plan);
        }
    }
    let routing = if late { Routing::Late } else { Routing::Mapped };
    Ok(Joined { routing, plans })
}

fn first(news: &IncomingRecord, compartment: Compartment, now: Timestamp) -> Plan {
    let members = news.members.iter().map(|member| Member {
        kind: member.kind,
        id: member.id,
        version: 1,
        last_updated: now,
        bytes: member.content.clone().into_bytes(),
    });
    Plan {
        kind: news.kind,
        id: news.id,
        compartment,
        content: Content { as_of: news.as_of, members: members.collect() },
        replaces: None,
        version: 1,
        arrival: now,
        routing: Routing::None,
        before: None,
    }
}

/// Plans the next version, or `None` when the message says nothing new.
///
/// Absence of a row is not a deletion (HL7 v2.5.1 §7.3.2): stored members that did not come stay.
fn next(
    news: &IncomingRecord,
    old: &StoredRecord,
    opened: &Opened,
    compartment: Compartment,
    content: &ContentKey,
    merge: &dyn Merge,
    now: Timestamp,
) -> Option<Plan> {
    let mut members: Vec<Member> = Vec::new();
    let mut changed = false;
    opened.inspect(|heading, text| {
        let came = news.members.iter().find(|member| member.kind == heading.kind && member.id == heading.id);
        let merged: Option<String> = came
            .filter(|member| member.kind != Kind::Provenance)
            .map(|member| merge.merge(member.kind, text, &member.content))
            .filter(|merged| merged != text);
        changed |= merged.is_some();
        members.push(Member {
            kind: heading.kind,
            id: heading.id,
            version: heading.version.saturating_add(u32::from(merged.is_some())),
            last_updated: if merged.is_some() { now } else { heading.last_updated },
            bytes: merged.map_or_else(|| text.as_bytes().to_vec(), String::into_bytes),
        });
    });
    let is_new = |member: &&super::IncomingMember| {
        !members.iter().any(|known| known.kind == member.kind && known.id == member.id)
    };
    let added: Vec<_> = news.members.iter().filter(is_new).collect();
    // A Provenance tells of a change; it is not one.
    changed |= added.iter().any(|member| member.kind != Kind::Provenance);
    if !changed {
        return None;
    }
    members.extend(added.into_iter().map(|member| Member {
        kind: member.kind,
        id: member.id,
        version: 1,
        last_updated: now,
        bytes: member.content.clone().into_bytes(),
    }));
    Some(Plan {
        kind: news.kind,
        id: news.id,
        compartment,
        content: Content { as_of: news.as_of, members },
        replaces: Some(old.version),
        version: old.version.saturating_add(1),
        arrival: old.arrival,
        routing: Routing::None,
        before: Some(opened.content_mac(content)),
    })
}
