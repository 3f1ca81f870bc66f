//! ORU^R01 as FHIR R4, after the v2-to-FHIR guide.
//!
//! ```text
//!   Message ─► groups ─► plan ─► patient, encounter ─► one record per OBR ──► Incoming { records, trace }
//!              who        ids                           report · request · specimens
//!              belongs                                  provenance · observations
//! ```
//!
//! [`map`] is pure: the same message, sender and key give the same resources with the same ids, so that a correction finds what it corrects.
//! Four rules hold everywhere: nothing is invented (least of all `final`), numbers keep their text, what cannot be what it claims is kept as
//! text, and every field is either mapped or listed as not mapped. Deliberately absent: Z segments, TXA, FT1, ROL, PRT.

mod attachment;
mod code;
mod directory;
mod encounter;
mod groups;
mod identity;
mod issue;
mod log;
mod moment;
mod note;
mod observation;
mod order;
mod patient;
mod period;
mod person;
mod plan;
mod provenance;
mod range;
mod report;
mod scope;
mod specimen;
mod terms;
mod unit;
mod value;

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use domain::id::RecordId;
use domain::intake::{Hold, Incoming, IncomingRecord};
use domain::keys::NameKey;
use domain::kind::Kind;
use domain::time::Timestamp;
use jiff::tz::TimeZone;

use self::directory::{Named, Reference};
use self::groups::Group;
use self::identity::Identity;
use self::issue::Issue;
use self::log::{Log, Target};
use self::moment::Moment;
use self::report::About;
use self::scope::Scope;
use crate::message::Message;

/// What is known of a sender beside its messages.
pub struct SenderProfile {
    /// The name its local codes and numbers lie under; the same in all its messages.
    pub name: String,
    /// The zone of its times that name none, in messages whose MSH-7 names none or agrees.
    pub time_zone: TimeZone,
    /// Addresses of assigning authorities, by namespace or universal id (`NORTH`, `2.16.840.1.113883.19.4`).
    pub authorities: BTreeMap<String, String>,
}

/// Maps a message.
///
/// A message without a patient, or with one that no identifier names, is held: nothing of it is mapped. `received` is when its last byte
/// arrived; it stands in for times the message does not give, and is marked where it does. Times without an offset are read in the sender's
/// zone, unless MSH-7 contradicts it.
#[must_use]
pub fn map(message: &Message, sender: &SenderProfile, names: &NameKey, received: Timestamp) -> Incoming {
    let log = Log::of(message);
    let header = message.segments().next();
    let made = header.map(|header| header.field(7).component(1).text()).unwrap_or_default();
    let elsewhere = moment::zone_beside(&sender.time_zone, &made).map(|time_zone| SenderProfile {
        name: sender.name.clone(),
        time_zone,
        authorities: sender.authorities.clone(),
    });
    let sender = elsewhere.as_ref().unwrap_or(sender);
    let scope = Scope::new(sender, names, &log, Moment::read(&made, &sender.time_zone), received);
    let mapped = map_groups(message, &scope);
    let mut members = mapped.iter().flatten().flat_map(|record| &record.members);
    if let (Some(header), Some(_)) = (header, &elsewhere)
        && members.any(|member| moment::has_zone_mark(&member.content))
    {
        log.row(header, Target::STRUCTURE).issue(7, Issue::ZoneContradicted);
    }
    let held = if mapped.is_none() { Some(Hold::NoPatient) } else { None };
    Incoming { records: mapped.unwrap_or_default(), trace: log.render(message), held }
}

/// Maps every patient of a message; `None` when one of them is missing.
fn map_groups<'m>(message: &'m Message, scope: &Scope<'m>) -> Option<Vec<IncomingRecord>> {
    let groups = groups::split(message);
    let facility = facility(message, scope);
    let mut records: Vec<IncomingRecord> = Vec::with_capacity(8);
    let mut taken = HashMap::new();
    for group in &groups {
        let place = group.orders.first().map(|order| order.obr).or_else(|| message.segments().next());
        if let (None, Some(place)) = (group.pid, place) {
            scope.log.row(place, Target::STRUCTURE).issue(0, Issue::PatientAbsent);
        }
        let patient = patient::map(group, scope)?;
        let encounter = encounter::map(group, patient.id, scope);
        let (patient_id, encounter_id) = (patient.id, encounter.as_ref().map(|encounter| encounter.id));
        for record in std::iter::once(patient).chain(encounter) {
            if !records.iter().any(|known| known.id == record.id) {
                records.push(record);
            }
        }
        records.extend(map_orders(message, group, patient_id, encounter_id, facility, &mut taken, scope));
    }
    records.extend(scope.directory.take());
    Some(records)
}

fn map_orders<'m>(
    message: &'m Message,
    group: &Group<'m>,
    patient: RecordId,
    encounter: Option<RecordId>,
    facility: Option<Reference>,
    taken: &mut HashMap<RecordId, usize>,
    scope: &Scope<'m>,
) -> Vec<IncomingRecord> {
    let control_id = String::from_utf8_lossy(message.envelope().control_id());
    let plans = plan::plan(&group.orders, &control_id, taken, scope);
    let mut about = About { message, group, patient, encounter, facility, beside: Vec::new() };
    let mut records = Vec::with_capacity(plans.len());
    for (at, plan) in plans.iter().enumerate() {
        if at == 0 {
            let patient = patient.to_string();
            about.beside = observation::logicals(None, &group.observations, scope, |parts| {
                let parts: Vec<&str> = std::iter::once(patient.as_str()).chain(parts.iter().copied()).collect();
                scope.name("patient-observation", &parts).in_family_of(&plan.id)
            });
        }
        records.push(report::map(plan, &about, scope));
        about.beside.clear();
    }
    records
}

/// The sending facility (MSH-4) as an organization; where it is empty, the sender itself.
fn facility<'m>(message: &'m Message, scope: &Scope<'m>) -> Option<Reference> {
    let header = message.segments().next()?;
    let value = header.field(4).first();
    let (namespace, universal) = (value.component(1).text(), value.component(2).text());
    let name = if namespace.trim().is_empty() { universal.clone() } else { namespace.clone() };
    let name = if name.trim().is_empty() { Cow::Borrowed(scope.sender.name.as_str()) } else { identity::trimmed(name) };
    let identity = Identity {
        value: name.clone(),
        namespace: identity::trimmed(namespace),
        universal: identity::trimmed(universal),
        universal_type: identity::trimmed(value.component(3).text()),
        kind: Cow::Borrowed(""),
    };
    let system = if identity.has_authority() { identity.system(scope) } else { Cow::Borrowed("") };
    // A universal id names the organization by itself; a short name only beside its sender's.
    let identifiers = match system.strip_prefix("urn:") {
        Some(_) => vec![(Cow::Borrowed("urn:ietf:rfc:3986"), Cow::Owned(system.into_owned()), "")],
        None => vec![(Cow::Owned(format!("{}:facility", scope.local)), name.clone(), "")],
    };
    let reference = scope.organization(Named { name, identifiers, addresses: None, telecoms: None });
    if let Some(reference) = reference {
        scope.log.row(header, scope.log.target(Kind::Organization, reference.id)).take(4, "name");
    }
    reference
}
