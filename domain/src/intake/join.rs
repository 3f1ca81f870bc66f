//! Joins what came with what is stored: corrections become versions, older news overwrites nothing.

use super::aim::{Renamed, aim};
use super::{Delivery, Hold, Incoming, IncomingMember, IncomingRecord, Merge, Plan, Stage, Standing, permit};
use crate::access::Denial;
use crate::id::RecordId;
use crate::keys::{Compartment, ContentKey, DataKey};
use crate::kind::Kind;
use crate::record::content::{Content, Member, MemberHeading};
use crate::record::{self, Opened};
use crate::time::Timestamp;
use crate::write::{Routing, StoredRecord};
use alloc::borrow::Cow;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// What is to be written, where the message stands afterwards, and why.
pub(super) struct Joined<'a> {
    pub(super) routing: Routing,
    pub(super) reason: &'static str,
    pub(super) plans: Vec<Plan<'a>>,
    /// Results that are stored under another id than they came with.
    pub(super) renamed: Vec<Renamed>,
}

impl Joined<'_> {
    /// Keeps the message out of the records.
    pub(super) fn held(routing: Routing, reason: &'static str) -> Self {
        Self { routing, reason, plans: Vec::new(), renamed: Vec::new() }
    }
}

/// Why nothing can be written.
pub(super) enum NotJoined {
    Denied(Denial),
    Integrity(RecordId),
}

/// What joining needs besides the two contents.
pub(super) struct Joining<'a> {
    pub(super) merge: &'a dyn Merge,
    pub(super) content: &'a ContentKey,
    pub(super) now: Timestamp,
    /// A person accepts that a report which was taken back begins anew for another patient.
    pub(super) accept_patient_change: bool,
}

/// Plans the records of a message.
///
/// A report that is known for another patient or of another clinic holds the whole message back:
/// a report on the wrong patient is worse than one that waits for a person.
pub(super) fn join<'i>(
    delivery: &Delivery<'_>,
    incoming: &'i Incoming,
    stored: &[StoredRecord],
    keys: &[Arc<DataKey>],
    joining: &Joining<'_>,
) -> Result<Joined<'i>, NotJoined> {
    permit(delivery, None, Kind::Hl7Message).map_err(NotJoined::Denied)?;
    match incoming.held {
        Some(Hold::NoPatient) => return Ok(Joined::held(Routing::Quarantined, "no patient is named")),
        None => {}
    }
    let mut plans: Vec<Plan<'i>> = Vec::with_capacity(incoming.records.len());
    let mut all_renamed = Vec::new();
    let mut late = false;
    for news in &incoming.records {
        let compartment = news.patient.map_or(Compartment::Own(news.id), Compartment::Patient);
        let permit = permit(delivery, news.patient, news.kind).map_err(NotJoined::Denied)?;
        let retracted = standing(news, joining.merge).is_some_and(|came| came.retracted);
        let Some((old, key)) = stored.iter().zip(keys).find(|(record, _)| record.id == news.id) else {
            plans.push(match retracted {
                true => first(&rewritten(news, &[], joining.merge), compartment, joining.now).into_owned(),
                false => first(news, compartment, joining.now),
            });
            continue;
        };
        let is_report = news.kind == Kind::DiagnosticReport;
        if key.compartment != compartment || old.kind != news.kind {
            if is_report {
                if let Some(plan) = moved(delivery, news, (old, key), compartment, joining)? {
                    plans.push(plan);
                    continue;
                }
                return Ok(Joined::held(Routing::Quarantined, "the report is known for another patient"));
            }
            continue;
        }
        if old.clinic != Plan::clinic_of(news.kind, delivery.clinic) {
            if is_report {
                return Ok(Joined::held(Routing::Quarantined, "the report is known in another clinic"));
            }
            continue;
        }
        let opened = record::open(permit, key, old).map_err(|_| NotJoined::Integrity(old.id))?;
        let older = is_older(news, &opened, joining.merge);
        late |= older && is_report;
        let Ok(renamed) = aim(news, &opened, joining.merge) else {
            return Ok(Joined::held(Routing::Quarantined, "a row may speak of several stored results"));
        };
        if renamed.is_empty() && !retracted {
            plans.extend(next(news, old, &opened, compartment, older, joining));
        } else {
            let news = rewritten(news, &renamed, joining.merge);
            plans.extend(next(&news, old, &opened, compartment, older, joining).map(Plan::into_owned));
            all_renamed.extend(renamed);
        }
    }
    let (routing, reason) =
        if late { (Routing::Late, "older than what is stored") } else { (Routing::Mapped, "mapped") };
    Ok(Joined { routing, reason, plans, renamed: all_renamed })
}

/// Returns how far a report has come as its message says; `None` for anything else.
fn standing(news: &IncomingRecord, merge: &dyn Merge) -> Option<Standing> {
    let head = news.members.iter().find(|member| member.id == news.id && member.kind == Kind::DiagnosticReport);
    head.map(|head| merge.standing(&head.content))
}

/// Returns a record with the ids under which its results are stored, wherever they stand in it, and with none that says anything where
/// the whole of it was taken back.
fn rewritten(news: &IncomingRecord, ids: &[Renamed], merge: &dyn Merge) -> IncomingRecord {
    let id_of = |id: RecordId| ids.iter().find(|(came, _)| *came == id).map_or(id, |(_, stored)| *stored);
    let retracted = standing(news, merge).is_some_and(|came| came.retracted);
    let member = |member: &IncomingMember| {
        let content = renamed(&member.content, ids).into_owned();
        let taken_back = retracted && member.kind == Kind::Observation;
        let content = if taken_back { merge.retracted(&content) } else { content };
        IncomingMember { kind: member.kind, id: id_of(member.id), content }
    };
    IncomingRecord {
        kind: news.kind,
        id: news.id,
        patient: news.patient,
        as_of: news.as_of,
        members: news.members.iter().map(member).collect(),
        terms: Vec::new(),
    }
}

/// Returns a text that names the stored ids; a random id stands in it for itself alone.
pub(super) fn renamed<'t>(text: &'t str, ids: &[Renamed]) -> Cow<'t, str> {
    ids.iter().fold(Cow::Borrowed(text), |text, (came, stored)| {
        let came = came.to_string();
        if text.contains(&came) { Cow::Owned(text.replace(&came, &stored.to_string())) } else { text }
    })
}

/// Says whether what came is older than what is stored.
///
/// A report has two times, each of a clock of its own: its release (OBR-22), where both have one, and the time of its message (MSH-7). They
/// mostly agree. Where they do not, the release decides, since engines send old results again in new messages; but a report that has come
/// further, and was sent no earlier, is never held back by it: a final or corrected result must not hide behind a preliminary one.
///
/// | release | message | older is what came |
/// |---|---|---|
/// | earlier | earlier | always |
/// | earlier | not earlier | unless it has come further |
/// | later | earlier | when it has come less far |
/// | later | not earlier | never |
/// | same, or not known | earlier | always |
/// | same, or not known | same | when it has come less far |
/// | same, or not known | later | when it is not final and what is stored is |
fn is_older(news: &IncomingRecord, opened: &Opened, merge: &dyn Merge) -> bool {
    let message = news.as_of.cmp(&opened.as_of());
    let came = if news.kind == Kind::DiagnosticReport { standing(news, merge) } else { None };
    let Some(came) = came else { return message == Ordering::Less };
    let known = opened.with(news.kind, news.id, |_, text| merge.standing(text)).unwrap_or_default();
    // A release in the future (a typing error, a wrong clock or zone) must not freeze the report until then: no release is after its message,
    // which is never after its arrival. What is stored was released by then; of what came it says nothing that its message does not.
    let known_release = known.released.map(|released| released.min(opened.as_of()));
    let came_release = came.released.filter(|released| *released <= news.as_of);
    let release = match (known_release, came_release) {
        (Some(known), Some(came)) => came.cmp(&known),
        _ => Ordering::Equal,
    };
    match (release, message) {
        (Ordering::Less, Ordering::Less) => true,
        (Ordering::Less, _) => came.stage <= known.stage,
        (Ordering::Greater, Ordering::Less) => came.stage < known.stage,
        (Ordering::Greater, _) => false,
        (Ordering::Equal, Ordering::Less) => true,
        (Ordering::Equal, Ordering::Equal) => came.stage < known.stage,
        (Ordering::Equal, Ordering::Greater) => came.stage == Stage::Open && known.stage != Stage::Open,
    }
}

fn first(news: &IncomingRecord, compartment: Compartment, now: Timestamp) -> Plan<'_> {
    Plan {
        kind: news.kind,
        id: news.id,
        compartment,
        content: Content { as_of: news.as_of, members: news.members.iter().map(|member| added(member, now)).collect() },
        replaces: None,
        version: 1,
        arrival: now,
        routing: Routing::None,
        before: None,
    }
}

/// Plans a report anew for another patient, where a person accepts that and the whole of the one that is known was taken back.
///
/// Nothing of the first patient's is carried over; the versions before stay his.
fn moved<'i>(
    delivery: &Delivery<'_>,
    news: &'i IncomingRecord,
    (old, key): (&StoredRecord, &Arc<DataKey>),
    compartment: Compartment,
    joining: &Joining<'_>,
) -> Result<Option<Plan<'i>>, NotJoined> {
    let (Compartment::Patient(known), Compartment::Patient(_)) = (key.compartment, compartment) else {
        return Ok(None);
    };
    let clinic = Plan::clinic_of(news.kind, delivery.clinic);
    // What takes a report back takes back the one of its own patient.
    let retracts = standing(news, joining.merge).is_some_and(|came| came.retracted);
    if retracts || !joining.accept_patient_change || old.kind != news.kind || old.clinic != clinic {
        return Ok(None);
    }
    let permit = permit(delivery, Some(known), news.kind).map_err(NotJoined::Denied)?;
    let opened = record::open(permit, key, old).map_err(|_| NotJoined::Integrity(old.id))?;
    let mut withdrawn = 0usize;
    opened.inspect(|heading, text| {
        withdrawn = withdrawn.saturating_add(usize::from(joining.merge.withdrawn(heading.kind, text)))
    });
    if withdrawn < opened.members().count() {
        return Ok(None);
    }
    let member = |member: &'i IncomingMember| {
        let before = opened.version_of(member.kind, member.id).unwrap_or_default();
        Member { version: before.saturating_add(1), ..added(member, joining.now) }
    };
    Ok(Some(Plan {
        kind: news.kind,
        id: news.id,
        compartment,
        content: Content { as_of: news.as_of, members: news.members.iter().map(member).collect() },
        replaces: Some(old.version),
        version: old.version.saturating_add(1),
        arrival: old.arrival,
        routing: Routing::None,
        before: Some(opened.content_mac(joining.content)),
    }))
}

/// Plans the next version, or `None` when the message says nothing new.
///
/// Absence of a row is not a deletion (HL7 v2.5.1 §7.3.2): stored members that did not come stay, unless the
/// whole report was taken back. Older
/// news changes no stored member, but a row that nobody has yet is a result all the same and is added.
fn next<'i>(
    news: &'i IncomingRecord,
    old: &StoredRecord,
    opened: &Opened,
    compartment: Compartment,
    older: bool,
    joining: &Joining<'_>,
) -> Option<Plan<'i>> {
    if older && news.kind != Kind::DiagnosticReport {
        return None;
    }
    let retracted = !older && standing(news, joining.merge).is_some_and(|came| came.retracted);
    let mut members: Vec<Member<'i>> = Vec::new();
    let mut changed = false;
    opened.inspect(|heading, text| {
        let came = news.members.iter().find(|member| member.kind == heading.kind && member.id == heading.id);
        let merged = match came {
            Some(came) => merged(came, text, older, joining.merge),
            None if retracted && heading.kind == Kind::Observation => {
                Some(joining.merge.retracted(text)).filter(|left| left != text)
            }
            None => None,
        };
        changed |= merged.is_some();
        members.push(kept(heading, text, merged, joining.now));
    });
    let is_new =
        |member: &&IncomingMember| !members.iter().any(|known| known.kind == member.kind && known.id == member.id);
    let new: Vec<_> = news.members.iter().filter(is_new).collect();
    // A Provenance tells of a change; it is not one.
    changed |= new.iter().any(|member| member.kind != Kind::Provenance);
    if !changed {
        return None;
    }
    members.extend(new.into_iter().map(|member| added(member, joining.now)));
    Some(Plan {
        kind: news.kind,
        id: news.id,
        compartment,
        content: Content { as_of: news.as_of.max(opened.as_of()), members },
        replaces: Some(old.version),
        version: old.version.saturating_add(1),
        arrival: old.arrival,
        routing: Routing::None,
        before: Some(opened.content_mac(joining.content)),
    })
}

/// Returns the new text of a stored member, or `None` when it stays as it is.
///
/// Of older news only the report itself takes something: the results that it names and the stored one does not. What came word for
/// word as it is stored, as a patient mostly does, says nothing new and is not even read.
fn merged(came: &IncomingMember, stored: &str, older: bool, merge: &dyn Merge) -> Option<String> {
    let merged = match (came.kind, older) {
        (Kind::Provenance, _) => return None,
        _ if came.content == stored => return None,
        (Kind::DiagnosticReport, true) => merge.merge(came.kind, &came.content, stored),
        (_, true) => return None,
        (kind, false) => merge.merge(kind, stored, &came.content),
    };
    (merged != stored).then_some(merged)
}

fn kept(heading: &MemberHeading, text: &str, merged: Option<String>, now: Timestamp) -> Member<'static> {
    Member {
        kind: heading.kind,
        id: heading.id,
        version: heading.version.saturating_add(u32::from(merged.is_some())),
        last_updated: if merged.is_some() { now } else { heading.last_updated },
        bytes: merged.map_or_else(|| text.as_bytes().to_vec(), String::into_bytes).into(),
    }
}

fn added(member: &IncomingMember, now: Timestamp) -> Member<'_> {
    Member { kind: member.kind, id: member.id, version: 1, last_updated: now, bytes: member.content.as_bytes().into() }
}
