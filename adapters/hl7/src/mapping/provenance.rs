//! Where the resources of a message come from: Provenance of the source and of the transformation.

use domain::id::RecordId;
use domain::intake::IncomingMember;
use domain::kind::Kind;
use r4::json::{self, Object};
use r4::tables::uri;

use super::code::write_code;
use super::directory::{Reference, write_profile};
use super::scope::Scope;
use crate::message::Message;

/// Maps who sent the message and who made resources of it. Each message adds its own two, so that every version has its origin.
pub(super) fn map<'m>(
    report: RecordId,
    targets: &[Reference],
    message: &'m Message,
    facility: Option<Reference>,
    scope: &Scope<'m>,
) -> [IncomingMember; 2] {
    let control_id = String::from_utf8_lossy(message.envelope().control_id());
    let recorded = scope.sent.as_ref().filter(|sent| sent.timed);
    let moment = recorded.map_or_else(|| scope.received.rfc3339(), |sent| sent.text.clone());
    let id =
        |name: &str| scope.name("provenance", &[&report.to_string(), &control_id, &moment, name]).in_family_of(&report);
    let (source, transformation) = (id("source"), id("transformation"));
    let entity = |json: &mut Object<'_>| {
        json.single("entity", |entity| {
            entity.text("role", "source");
            entity.object("what", |what| {
                what.object("identifier", |identifier| {
                    identifier.text("system", uri::MESSAGE_IDENTIFIER);
                    identifier.text("value", &format!("{}|{control_id}", scope.sender.name));
                });
            });
        });
    };
    let sent = json::resource("Provenance", &source.to_string(), |json| {
        if facility.is_some() {
            write_profile(json, uri::US_CORE_PROVENANCE);
        }
        json.array("target", |list| targets.iter().for_each(|target| target.write_item(list)));
        match recorded {
            Some(sent) => sent.write(json, "recorded", &scope.sender.time_zone),
            None => json.text("recorded", &moment),
        }
        json.array("agent", |list| {
            for (system, code) in [(uri::PROVENANCE_AGENT, "author"), (uri::US_CORE_AGENT, "transmitter")] {
                list.object(|agent| {
                    write_code(agent, "type", system, code);
                    match facility {
                        Some(facility) => facility.write(agent, "who"),
                        None => agent.object("who", |who| who.text("display", &scope.sender.name)),
                    }
                });
            }
        });
        entity(json);
    });
    let mapped = json::resource("Provenance", &transformation.to_string(), |json| {
        json.array("target", |list| Reference { kind: Kind::DiagnosticReport, id: report }.write_item(list));
        json.text("recorded", &scope.received.rfc3339());
        write_code(json, "activity", uri::V2_ACTIVITY, "v2-fhir-transformation");
        json.single("agent", |agent| {
            write_code(agent, "type", uri::PROVENANCE_AGENT, "assembler");
            agent.object("who", |who| who.text("display", "Sealgate"));
        });
        entity(json);
    });
    [
        IncomingMember { kind: Kind::Provenance, id: source, content: sent },
        IncomingMember { kind: Kind::Provenance, id: transformation, content: mapped },
    ]
}
