//! ORC, OBR and TQ1 as ServiceRequest.

use domain::id::RecordId;
use domain::intake::IncomingMember;
use domain::kind::Kind;
use r4::json::{self, Array, Object};
use r4::tables::{confidentiality, order_control, order_status, priority, report_status, uri};

use super::code::{CWE, codings, words_of, write_absent, write_alternate_code, write_concept_members, write_deleted};
use super::directory::Reference;
use super::identity::Identity;
use super::issue::Issue;
use super::log::Row;
use super::plan::Plan;
use super::scope::Scope;

/// Maps the request behind a report.
pub(super) fn map<'m>(
    plan: &Plan<'m, '_>,
    patient: RecordId,
    encounter: Option<RecordId>,
    supporting: &[RecordId],
    scope: &Scope<'m>,
) -> IncomingMember {
    let target = scope.log.target(Kind::ServiceRequest, plan.request);
    let obr = scope.log.row(plan.order.obr, target);
    let orc = plan.order.orc.map(|orc| scope.log.row(orc, target));
    let content = json::resource("ServiceRequest", &plan.request.to_string(), |json| {
        write_security(json, orc.as_ref(), scope);
        write_identifiers(json, plan, &obr, orc.as_ref(), scope);
        write_based_on(json, plan, &obr, scope);
        if let Some(orc) = &orc {
            let group = orc.take(4, "requisition").first();
            let group = Identity::nested(group.component(1)).or_else(|| Identity::entity(group));
            if let Some(group) = group {
                json.object("requisition", |json| group.write(json, scope, "PGN"));
            }
        }
        json.text("status", status_of(&obr, orc.as_ref()));
        write_intent(json, &obr);
        write_priority(json, plan, &obr);
        json.object("code", |concept| {
            let code = obr.take_parts(4, "code", CWE).first();
            if code.is_empty() {
                write_absent(concept, "unknown");
            } else {
                write_concept_members(concept, code, scope, None);
            }
        });
        Reference { kind: Kind::Patient, id: patient }.write(json, "subject");
        if let Some(encounter) = encounter {
            Reference { kind: Kind::Encounter, id: encounter }.write(json, "encounter");
        }
        let wanted = obr.take(6, "occurrence");
        if wanted.is_null() {
            write_deleted(json, "_occurrenceDateTime");
        }
        scope.write_moment(json, "occurrenceDateTime", &obr, 6, &wanted.text());
        if let Some(orc) = &orc {
            // ORC-9 is when the order was placed only where ORC-1 says that this is a new order.
            if orc.peek(1).text().trim().eq_ignore_ascii_case("NW") {
                let placed = orc.take(9, "authoredOn").text();
                scope.write_moment(json, "authoredOn", orc, 9, &placed);
            }
        }
        let nobody = orc.as_ref().is_some_and(|orc| orc.peek(12).is_null()) || obr.peek(16).is_null();
        match requester_of(&obr, orc.as_ref(), scope) {
            Some(requester) => requester.write(json, "requester"),
            None if nobody => write_deleted(json, "requester"),
            None => {}
        }
        json.array("reasonCode", |list| {
            let reasons = obr.take_parts(31, "reasonCode", CWE);
            if reasons.is_null() {
                list.object(|concept| write_absent(concept, "unknown"));
            }
            for value in reasons.repetitions() {
                list.object(|concept| write_concept_members(concept, value, scope, None));
            }
        });
        json.array("supportingInfo", |list| {
            supporting.iter().for_each(|id| Reference { kind: Kind::Observation, id: *id }.write_item(list));
            let clinical = obr.take(13, "supportingInfo").first();
            // No resource stands behind it: the words themselves are the reference's display.
            list.object(|reference| reference.text("display", &words_of(clinical)));
        });
        json.array("specimen", |list| {
            plan.specimens.iter().for_each(|id| Reference { kind: Kind::Specimen, id: *id }.write_item(list));
        });
    });
    IncomingMember { kind: Kind::ServiceRequest, id: plan.request, content }
}

/// Writes the placer and filler numbers; ORC's are marked as read where they are the same or stand alone.
pub(super) fn write_identifiers<'m>(
    json: &mut Object<'_>,
    plan: &Plan<'m, '_>,
    obr: &Row<'m>,
    orc: Option<&Row<'m>>,
    scope: &Scope<'m>,
) {
    json.array("identifier", |list| {
        for (number, identity, kind) in [(2u8, &plan.numbers.placer, "PLAC"), (3, &plan.numbers.filler, "FILL")] {
            obr.take(number, "identifier");
            let value = |row: &Row<'m>| row.peek(number).first().component(1).raw();
            if let Some(orc) = orc.filter(|orc| value(obr).is_empty() || value(obr) == value(orc)) {
                orc.take(number, "identifier");
            }
            if let Some(identity) = identity {
                list.object(|json| identity.write(json, scope, kind));
            }
        }
    });
}

/// Writes the security labels of ORC-28.
pub(super) fn write_security(json: &mut Object<'_>, orc: Option<&Row<'_>>, scope: &Scope<'_>) {
    json.object("meta", |meta| write_labels(meta, orc, scope));
}

/// Writes `security` into a resource's meta.
pub(super) fn write_labels(meta: &mut Object<'_>, orc: Option<&Row<'_>>, scope: &Scope<'_>) {
    let Some(orc) = orc else {
        return;
    };
    let field = orc.take_parts(28, "meta.security", CWE);
    meta.array("security", |list| {
        for value in field.repetitions() {
            let labels = confidentiality(&value.component(1).text());
            for label in labels {
                list.object(|coding| {
                    coding.text("system", label.system);
                    coding.text("code", label.code);
                });
            }
            if labels.is_empty() {
                for coding in codings(value) {
                    orc.issue(28, Issue::CodeUnknown);
                    coding.write(list, scope, None);
                }
            }
        }
    });
}

/// The order this one goes back to: by reference where it is in the message, by its numbers in any case.
fn write_based_on(json: &mut Object<'_>, plan: &Plan<'_, '_>, obr: &Row<'_>, scope: &Scope<'_>) {
    let parent = obr.take(29, "basedOn").first();
    let number = Identity::nested(parent.component(1)).map(|number| (number, "PLAC"));
    let number = number.or_else(|| Identity::nested(parent.component(2)).map(|number| (number, "FILL")));
    json.array("basedOn", |list: &mut Array<'_>| {
        list.object(|reference| {
            if let Some(id) = plan.parent {
                Reference { kind: Kind::ServiceRequest, id }.write_member(reference);
            }
            if let Some((number, kind)) = &number {
                reference.text("type", "ServiceRequest");
                reference.object("identifier", |json| number.write(json, scope, kind));
            }
        });
    });
}

/// ORC-5, else ORC-1, else what the results say: an order that is answered is completed.
fn status_of(obr: &Row<'_>, orc: Option<&Row<'_>>) -> &'static str {
    let own = orc.and_then(|orc| {
        let (status, control) = (orc.take(5, "status").text(), orc.take(1, "status").text());
        order_status(&status).or_else(|| order_control(&control))
    });
    if let Some(own) = own {
        return own;
    }
    match report_status(&obr.peek(25).text()).map(|status| status.code) {
        Some("final" | "corrected" | "amended") => "completed",
        Some("cancelled") => "revoked",
        Some("entered-in-error") => "entered-in-error",
        Some("registered" | "partial" | "preliminary") => "active",
        _ => "unknown",
    }
}

/// OBR-11: a reflex is an order of its own kind, and every other code stands beside `order`, which alone says that none was sent.
fn write_intent(json: &mut Object<'_>, obr: &Row<'_>) {
    let code = obr.take(11, "intent").text();
    let code = code.trim();
    json.text("intent", if code == "G" { "reflex-order" } else { "order" });
    if !matches!(code, "" | "G") {
        write_alternate_code(json, "intent", &format!("{}0065", uri::V2), code);
    }
}

/// TQ1-9, else OBR-5, else the priority inside OBR-27 (TQ.6), in FHIR's words.
fn write_priority(json: &mut Object<'_>, plan: &Plan<'_, '_>, obr: &Row<'_>) {
    let timed = plan.order.timing.map(|timing| {
        let timing = obr.beside(timing);
        timing.structural(&[1]);
        timing.take_parts(9, "priority", CWE).text()
    });
    let old = obr.take_parts(27, "priority", super::log::parts(&[6])).component(6).text();
    let urgency = obr.take(5, "priority").text();
    let code = timed.iter().chain([&urgency, &old]).find_map(|code| priority(code));
    match code {
        Some(code) => json.text("priority", code),
        None if obr.peek(5).is_null() => write_deleted(json, "_priority"),
        None => {}
    }
}

/// ORC-12, else OBR-16; with the facility of ORC-21 as a role there.
fn requester_of<'m>(obr: &Row<'m>, orc: Option<&Row<'m>>, scope: &Scope<'m>) -> Option<Reference> {
    let of_order = orc.and_then(|orc| scope.practitioner(orc.take(12, "requester").first()));
    let of_request = scope.practitioner(obr.take(16, "requester").first());
    let person = of_order.or(of_request);
    let facility = orc.and_then(|orc| {
        let (address, telecom) = (orc.take(22, "requester"), orc.take(23, "requester"));
        scope.organization_of_xon(orc.take(21, "requester").first(), Some(address), Some(telecom))
    });
    match (person, facility) {
        (Some(person), Some(facility)) => Some(scope.role(person, facility, None)),
        (person, facility) => person.or(facility),
    }
}
