//! Joins a stored resource with the one that came, where the later one does not simply replace the earlier.

mod documents;
mod filling;
mod members;
mod named;
mod standing;
mod visit;

use crate::json;
use crate::tables::uri;
use domain::intake::{Merge, NamedResult, Standing};
use domain::kind::Kind;
use filling::Filling;
use members::Members;

/// Joins resources as HL7 v2 means it: what is not sent does not change, and absence of a row is no deletion.
///
/// | kind | what follows |
/// |---|---|
/// | DiagnosticReport | the new one, with results and specimens of both, the stored documents of observations that did not come, and what it leaves out |
/// | Observation | the new one, with members of both and what it says nothing of beside its value; when it brings no value and took none away, the stored value with the new status |
/// | Encounter | the new one, with what it leaves out; participants and places one by one; finished until its end is taken back or it begins anew |
/// | Patient, Practitioner, Organization, PractitionerRole, ServiceRequest, Specimen | the new one, with identifiers of both and what it leaves out |
/// | others | the new one |
///
/// What the mapping writes where nothing was sent (an unknown gender, say) is left out as well: a stored element wins over it. An element
/// that was deleted (`""`) comes as one that says why it is absent, and replaces like any other. A text that cannot be read as an object is
/// taken as it came.
#[derive(Debug, Clone, Copy, Default)]
pub struct ResourceMerge;

impl Merge for ResourceMerge {
    fn merge(&self, kind: Kind, stored: &str, incoming: &str) -> String {
        let joined = match kind {
            Kind::DiagnosticReport => report(stored, incoming),
            Kind::Observation => observation(stored, incoming),
            Kind::Encounter => visit::join(stored, incoming),
            Kind::Patient => person(stored, incoming, Some("name")),
            Kind::Practitioner | Kind::PractitionerRole | Kind::Organization => person(stored, incoming, None),
            Kind::ServiceRequest => order(stored, incoming, None),
            Kind::Specimen => order(stored, incoming, Some("type")),
            _ => None,
        };
        joined.unwrap_or_else(|| incoming.to_owned())
    }

    fn standing(&self, content: &str) -> Standing {
        standing::standing(content)
    }

    fn withdrawn(&self, kind: Kind, content: &str) -> bool {
        match kind {
            Kind::DiagnosticReport => standing::report_withdrawn(content),
            Kind::Observation => standing::withdrawn(content),
            _ => true,
        }
    }

    fn retracted(&self, content: &str) -> String {
        retracted(content).unwrap_or_else(|| content.to_owned())
    }

    fn named_result(&self, content: &str) -> Option<NamedResult> {
        named::named(content)
    }
}

/// The text in `dataAbsentReason` of a value that the sender took away (`""`), which a merge must not bring back.
pub const VALUE_REMOVED: &str = "value removed by the sender";

fn report(stored: &str, incoming: &str) -> Option<String> {
    let (stored, mut joined) = (Members::read(stored)?, Members::read(incoming)?);
    if joined.get("status").is_some_and(|status| status.contains("entered-in-error")) {
        joined.remove("presentedForm");
    } else {
        documents::join(&mut joined, &stored);
    }
    joined.unite("result", &stored);
    joined.unite("specimen", &stored);
    Filling::of(&stored).report(&mut joined);
    Some(joined.write_like(&stored))
}

/// Leaves of an observation what it was about.
fn retracted(content: &str) -> Option<String> {
    let stored = Members::read(content)?;
    let absent = json::object(|reason| {
        reason.single("coding", |coding| {
            coding.text("system", uri::ABSENT_REASON);
            coding.text("code", "error");
        });
        reason.text("text", VALUE_REMOVED);
    });
    Some(json::object(|left| {
        for name in ["resourceType", "id", "identifier", "status", "code", "subject"] {
            match stored.get(name) {
                Some(_) if name == "status" => left.text(name, "entered-in-error"),
                Some(text) => left.raw(name, text),
                None => {}
            }
        }
        left.raw("dataAbsentReason", &absent);
    }))
}

fn observation(stored: &str, incoming: &str) -> Option<String> {
    let mut joined = Members::read(incoming)?;
    let waits = joined.get("dataAbsentReason").is_some_and(|reason| {
        !reason.contains(VALUE_REMOVED) && (reason.contains("\"unknown\"") || reason.contains("\"temp-unknown\""))
    });
    // What was taken back belongs to nobody: nothing of the past is put beside it.
    if joined.get("status").is_some_and(|status| status.contains("entered-in-error")) {
        return None;
    }
    let stored = Members::read(stored)?;
    // A culture comes without its susceptibilities, and they without it; absence of a row is no deletion.
    joined.unite("hasMember", &stored);
    joined.keep("derivedFrom", &stored);
    Filling::of(&stored).observation(&mut joined);
    if !waits || joined.names().any(is_value) {
        return Some(joined.write_like(&stored));
    }
    joined.remove("dataAbsentReason");
    for name in stored.names().filter(|name| is_value(name)) {
        joined.keep(name, &stored);
    }
    for name in ["dataAbsentReason", "interpretation", "referenceRange", "note", "extension"] {
        joined.keep(name, &stored);
    }
    Some(joined.write_like(&stored))
}

fn is_value(name: &str) -> bool {
    name.trim_start_matches('_').starts_with("value") || name == "component"
}

fn person(stored: &str, incoming: &str, profiled_by: Option<&str>) -> Option<String> {
    let (stored, mut joined) = (Members::read(stored)?, Members::read(incoming)?);
    joined.unite("identifier", &stored);
    Filling::of(&stored).resource(&mut joined, profiled_by);
    Some(joined.write_like(&stored))
}

fn order(stored: &str, incoming: &str, profiled_by: Option<&str>) -> Option<String> {
    let (stored, mut joined) = (Members::read(stored)?, Members::read(incoming)?);
    joined.unite_by("identifier", &stored, filling::type_of);
    Filling::of(&stored).resource(&mut joined, profiled_by);
    Some(joined.write_like(&stored))
}

#[cfg(test)]
mod tests {
    use super::{Merge, ResourceMerge};
    use domain::kind::Kind;

    fn merged(kind: Kind, stored: &str, incoming: &str) -> String {
        ResourceMerge.merge(kind, stored, incoming)
    }

    #[test]
    fn a_report_keeps_earlier_results_in_their_order_and_gains_the_new_ones() {
        let stored = r#"{"resourceType":"DiagnosticReport","status":"preliminary","result":[{"reference":"Observation/a"},{"reference":"Observation/b"}],"presentedForm":[{"data":"AAAA"}]}"#;
        let incoming = r#"{"resourceType":"DiagnosticReport","status":"final","result":[{"reference":"Observation/c"},{"reference":"Observation/a"}]}"#;
        assert_eq!(
            merged(Kind::DiagnosticReport, stored, incoming),
            r#"{"resourceType":"DiagnosticReport","status":"final","result":[{"reference":"Observation/a"},{"reference":"Observation/b"},{"reference":"Observation/c"}],"presentedForm":[{"data":"AAAA"}]}"#
        );
    }

    #[test]
    fn a_status_without_a_value_keeps_the_stored_value_exactly() {
        let stored = r#"{"resourceType":"Observation","status":"preliminary","valueQuantity":{"value":1.50}}"#;
        let incoming =
            r#"{"resourceType":"Observation","status":"final","dataAbsentReason":{"coding":[{"code":"unknown"}]}}"#;
        assert_eq!(
            merged(Kind::Observation, stored, incoming),
            r#"{"resourceType":"Observation","status":"final","valueQuantity":{"value":1.50}}"#
        );
    }

    #[test]
    fn a_value_that_was_taken_away_or_cancelled_does_not_come_back() {
        let stored = r#"{"status":"final","valueQuantity":{"value":1.50}}"#;
        for reason in [
            r#"{"coding":[{"code":"not-performed"}]}"#,
            r#"{"coding":[{"code":"unknown"}],"text":"value removed by the sender"}"#,
        ] {
            let incoming = format!(r#"{{"status":"cancelled","dataAbsentReason":{reason}}}"#);
            assert_eq!(merged(Kind::Observation, stored, &incoming), incoming);
        }
    }

    #[test]
    fn a_culture_sent_alone_keeps_its_susceptibilities_and_they_their_culture() {
        let merged = |stored, incoming| merged(Kind::Observation, stored, incoming);
        let both = r#"{"status":"final","valueString":"x","hasMember":[{"reference":"Observation/a"}]}"#;
        assert_eq!(merged(both, r#"{"status":"final","valueString":"x"}"#), both);
        let child = r#"{"status":"final","valueString":"S","derivedFrom":[{"reference":"Observation/p"}]}"#;
        assert_eq!(merged(child, r#"{"status":"final","valueString":"S"}"#), child);
        let further = r#"{"status":"final","valueString":"x","hasMember":[{"reference":"Observation/b"}]}"#;
        let joined = r#"{"status":"final","valueString":"x","hasMember":[{"reference":"Observation/a"},{"reference":"Observation/b"}]}"#;
        assert_eq!(merged(both, further), joined);
    }

    #[test]
    fn a_result_in_error_takes_nothing_over() {
        let incoming = r#"{"status":"entered-in-error","dataAbsentReason":{"coding":[{"code":"error"}]}}"#;
        let stored = r#"{"status":"final","valueString":"x","hasMember":[{"reference":"Observation/a"}]}"#;
        assert_eq!(merged(Kind::Observation, stored, incoming), incoming);
    }

    #[test]
    fn of_a_retracted_report_neither_results_nor_documents_say_anything() {
        let stored = r#"{"resourceType":"Observation","id":"a","identifier":[{"value":"LAB|F1|a|"}],"status":"final","code":{"text":"a"},"subject":{"reference":"Patient/p"},"valueString":"x","note":[{"text":"y"}]}"#;
        let left = ResourceMerge.retracted(stored);
        let reason = r#"{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/data-absent-reason","code":"error"}],"text":"value removed by the sender"}"#;
        let expected = format!(
            r#"{{"resourceType":"Observation","id":"a","identifier":[{{"value":"LAB|F1|a|"}}],"status":"entered-in-error","code":{{"text":"a"}},"subject":{{"reference":"Patient/p"}},"dataAbsentReason":{reason}}}"#
        );
        assert_eq!((left.as_str(), ResourceMerge.retracted(&left).as_str()), (expected.as_str(), expected.as_str()));
        let report = merged(
            Kind::DiagnosticReport,
            r#"{"status":"final","result":[{"reference":"Observation/a"}],"presentedForm":[{"id":"a","data":"AAAA"}]}"#,
            r#"{"status":"entered-in-error"}"#,
        );
        assert_eq!(report, r#"{"status":"entered-in-error","result":[{"reference":"Observation/a"}]}"#);
    }

    #[test]
    fn a_new_value_replaces_the_stored_one() {
        let incoming = r#"{"status":"corrected","valueString":"x"}"#;
        assert_eq!(merged(Kind::Observation, r#"{"status":"final","valueQuantity":{"value":1}}"#, incoming), incoming);
    }

    #[test]
    fn a_patient_keeps_what_was_not_sent_and_loses_what_was_deleted() {
        let stored = r#"{"resourceType":"Patient","identifier":[{"value":"1"},{"value":"2"}],"birthDate":"1980-02-29","address":[{"city":"A"}],"deceasedBoolean":false}"#;
        let incoming = r#"{"resourceType":"Patient","identifier":[{"value":"2"},{"value":"3"}],"address":[{"extension":[{"url":"x","valueCode":"unknown"}]}],"deceasedDateTime":"2026-01-01"}"#;
        assert_eq!(
            merged(Kind::Patient, stored, incoming),
            r#"{"resourceType":"Patient","identifier":[{"value":"1"},{"value":"2"},{"value":"3"}],"birthDate":"1980-02-29","address":[{"extension":[{"url":"x","valueCode":"unknown"}]}],"deceasedDateTime":"2026-01-01"}"#
        );
    }

    #[test]
    fn merging_again_changes_nothing() {
        let incoming = r#"{"resourceType":"DiagnosticReport","result":[{"reference":"Observation/c"}]}"#;
        let once = merged(Kind::DiagnosticReport, r#"{"result":[{"reference":"Observation/a"}]}"#, incoming);
        assert_eq!(merged(Kind::DiagnosticReport, &once, incoming), once);
    }

    #[test]
    fn what_cannot_be_read_is_replaced() {
        assert_eq!(merged(Kind::Patient, "not json", "{}"), "{}");
        assert_eq!(merged(Kind::Patient, "{}", "[1]"), "[1]");
    }
}
