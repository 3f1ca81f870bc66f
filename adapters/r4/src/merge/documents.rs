//! Joins the documents of a report, each of which belongs to one observation.

use serde_json::value::RawValue;

use super::members::Members;

/// Length of a resource id; the id of an Attachment begins with that of its Observation.
const ID: usize = 36;

/// Joins `presentedForm`.
///
/// The id of an Attachment says whose document it is. Documents of an observation that came are replaced by what came with it, which may be
/// none; documents of others stay. An entry without content says what became of a document instead, by its `data-absent-reason`: after
/// `error` it leaves (withdrawn), after any other reason it stays (its status came without it). A document that names no observation is
/// replaced by another such.
pub(super) fn join(joined: &mut Members<'_>, stored: &Members<'_>) {
    let (Some(before), Some(came)) = (stored.items("presentedForm"), joined.items("presentedForm")) else {
        return;
    };
    let before: Vec<Entry<'_>> = before.into_iter().map(Entry::read).collect();
    let came: Vec<Entry<'_>> = came.into_iter().map(Entry::read).collect();
    let results = joined.items("result").unwrap_or_default();
    let sent = |owner: &str| results.iter().any(|result| result.get().contains(&format!("/{owner}\"")));
    let mut all: Vec<&Entry<'_>> = Vec::new();
    let mut placed: Vec<Option<&str>> = Vec::new();
    for entry in &before {
        let owner = entry.owner.as_deref();
        let mut news = came.iter().filter(|other| other.owner == entry.owner).peekable();
        let waits = news.peek().is_some_and(|other| other.state == State::Waits);
        let silent = news.peek().is_none() && !owner.is_some_and(sent);
        if waits || silent {
            all.push(entry);
        } else if !placed.contains(&owner) {
            all.extend(news);
        }
        placed.push(owner);
    }
    all.extend(came.iter().filter(|entry| !placed.contains(&entry.owner.as_deref())));
    let list = all.iter().filter(|entry| entry.state != State::Withdrawn).map(|entry| entry.text.get());
    let list = super::members::array(list);
    joined.replace("presentedForm", list);
}

/// An Attachment.
struct Entry<'a> {
    text: &'a RawValue,
    /// The id of the Observation.
    owner: Option<String>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Present,
    Waits,
    Withdrawn,
}

impl<'a> Entry<'a> {
    fn read(text: &'a RawValue) -> Self {
        let members = Members::read(text.get());
        let id = members.as_ref().and_then(|members| members.get("id"));
        let owner = id.and_then(|id| id.trim_matches('"').get(..ID)).map(str::to_owned);
        let absent = members.as_ref().filter(|members| members.get("data").is_none() && members.get("url").is_none());
        let reason = absent.and_then(|members| members.get("extension"));
        let state = match reason.map(|reason| reason.contains("\"error\"")) {
            None => State::Present,
            Some(false) => State::Waits,
            Some(true) => State::Withdrawn,
        };
        Self { text, owner, state }
    }
}

#[cfg(test)]
mod tests {
    use crate::merge::ResourceMerge;
    use domain::intake::Merge;
    use domain::kind::Kind;

    const A: &str = "626d65d5-3168-816a-8bd5-fe9d49e16fc0";
    const B: &str = "626d65d5-3168-816a-8bd5-fe9d49e16fc1";

    /// A report on these observations with these documents.
    fn report(results: &[&str], documents: &[String]) -> String {
        let results: Vec<String> = results.iter().map(|id| format!(r#"{{"reference":"Observation/{id}"}}"#)).collect();
        let (results, documents) = (results.join(","), documents.join(","));
        format!(r#"{{"resourceType":"DiagnosticReport","result":[{results}],"presentedForm":[{documents}]}}"#)
    }

    fn document(id: &str, data: &str) -> String {
        format!(r#"{{"id":"{id}","title":"a","data":"{data}"}}"#)
    }

    fn absent(id: &str, reason: &str) -> String {
        let url = crate::tables::uri::ABSENT;
        format!(r#"{{"id":"{id}","extension":[{{"url":"{url}","valueCode":"{reason}"}}]}}"#)
    }

    /// The documents after a merge.
    fn forms(stored: &str, incoming: &str) -> Vec<serde_json::Value> {
        let joined = ResourceMerge.merge(Kind::DiagnosticReport, stored, incoming);
        let joined: serde_json::Value = serde_json::from_str(&joined).unwrap();
        joined["presentedForm"].as_array().cloned().unwrap_or_default()
    }

    fn values(documents: &[String]) -> Vec<serde_json::Value> {
        documents.iter().map(|document| serde_json::from_str(document).unwrap()).collect()
    }

    #[test]
    fn a_corrected_document_leaves_its_sibling_alone() {
        let stored = report(&[A, B], &[document(A, "AAAA"), document(B, "BBBB")]);
        let incoming = report(&[B], &[document(B, "CCCC")]);
        assert_eq!(forms(&stored, &incoming), values(&[document(A, "AAAA"), document(B, "CCCC")]));
        let incoming = report(&[A], &[document(A, "CCCC")]);
        assert_eq!(forms(&stored, &incoming), values(&[document(A, "CCCC"), document(B, "BBBB")]));
    }

    #[test]
    fn a_withdrawn_document_leaves_the_report() {
        let stored = report(&[A, B], &[document(A, "AAAA"), document(B, "BBBB")]);
        assert_eq!(forms(&stored, &report(&[A], &[])), values(&[document(B, "BBBB")]));
        // One that supports the order is no result of the report, and says so itself.
        assert_eq!(forms(&stored, &report(&[], &[absent(A, "error")])), values(&[document(B, "BBBB")]));
        let last = report(&[A], &[document(A, "AAAA")]);
        assert!(forms(&last, &report(&[A], &[])).is_empty());
    }

    #[test]
    fn a_status_without_its_document_keeps_the_document() {
        let stored = report(&[A], &[document(A, "AAAA")]);
        let waits = absent(A, "unknown");
        assert_eq!(forms(&stored, &report(&[A], std::slice::from_ref(&waits))), values(&[document(A, "AAAA")]));
        assert_eq!(
            forms(&report(&[A], &[]), &report(&[A], std::slice::from_ref(&waits))),
            values(std::slice::from_ref(&waits))
        );
        assert_eq!(forms(&report(&[A], &[waits]), &stored), values(&[document(A, "AAAA")]));
    }

    #[test]
    fn a_document_of_several_parts_is_replaced_as_a_whole() {
        let second = format!("{A}.2");
        let stored = report(&[A], &[document(A, "AAAA"), document(&second, "AAAB")]);
        assert_eq!(forms(&stored, &report(&[A], &[document(A, "CCCC")])), values(&[document(A, "CCCC")]));
        let both = [document(A, "CCCC"), document(&second, "CCCD")];
        assert_eq!(forms(&stored, &report(&[A], &both)), values(&both));
    }

    #[test]
    fn documents_come_to_a_report_that_had_none() {
        let stored = r#"{"resourceType":"DiagnosticReport"}"#;
        assert_eq!(forms(stored, &report(&[A], &[document(A, "AAAA")])), values(&[document(A, "AAAA")]));
    }
}
