//! A report: its heading, and everything that belongs to it in the order it is read.

use super::document::{Document, documents};
use super::read::{concept, concepts, each, moment_of, text, texts};
use super::result::{ResultLine, members};
use super::specimen::Specimen;
use super::words::{self, Status};
use domain::id::RecordId;
use domain::kind::Kind;
use domain::retrieval::Resource;
use r4::scan::Json;
use r4::tables::uri;
use std::collections::BTreeSet;

/// What a report says of itself: enough for a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Heading {
    /// Its id.
    pub(crate) id: String,
    /// What was examined.
    pub(crate) name: String,
    /// Its status in words.
    pub(crate) status: Status,
    /// Its categories in words.
    pub(crate) category: String,
    /// When the results hold.
    pub(crate) effective: String,
    /// When this version was released.
    pub(crate) issued: String,
    /// Its version.
    pub(crate) version: u32,
    /// When this version was stored here.
    pub(crate) stored: String,
}

impl Heading {
    /// Reads a DiagnosticReport resource.
    pub(crate) fn read(resource: &Resource) -> Self {
        let json = Json::of(&resource.content);
        let name = json.get("code").map(concept).filter(|name| !name.is_empty());
        Self {
            id: resource.id.to_string(),
            name: name.unwrap_or_else(|| "Report without a name".to_owned()),
            status: words::status(&text(json, "status")),
            category: category(json),
            effective: moment_of(json, "effective"),
            issued: words::moment(&text(json, "issued")),
            version: resource.version,
            stored: words::instant(resource.last_updated),
        }
    }
}

/// A report with its results.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// Its heading.
    pub(crate) heading: Heading,
    /// The lines of its results, in order.
    pub(crate) lines: Vec<ResultLine>,
    /// How many of its results are not shown to this reader.
    pub(crate) missing: usize,
    /// Its conclusion, and the codes of it.
    pub(crate) conclusions: Vec<String>,
    /// Its notes.
    pub(crate) notes: Vec<String>,
    /// Its specimens.
    pub(crate) specimens: Vec<Specimen>,
    /// Who carried it out.
    pub(crate) performers: Vec<String>,
    /// Who interpreted it.
    pub(crate) interpreters: Vec<String>,
    /// Numbers of the order and the report.
    pub(crate) numbers: Vec<String>,
    /// Attached documents.
    pub(crate) documents: Vec<Document>,
}

impl Report {
    /// Puts a report together with what came beside it.
    pub(crate) fn read(resource: &Resource, beside: &[Resource]) -> Self {
        let json = Json::of(&resource.content);
        let (lines, missing) = lines(&resource.content, beside);
        let mut conclusions: Vec<String> =
            Some(text(json, "conclusion")).filter(|text| !text.is_empty()).into_iter().collect();
        conclusions.extend(concepts(json, "conclusionCode"));
        let specimens = super::references(&resource.content, &[&["specimen", "reference"]], &[Kind::Specimen]);
        let specimen = |id: RecordId| beside.iter().find(|one| one.kind == Kind::Specimen && one.id == id);
        Self {
            heading: Heading::read(resource),
            lines,
            missing,
            conclusions,
            notes: notes(json),
            specimens: specimens
                .iter()
                .filter_map(|(_, id)| specimen(*id))
                .map(|one| Specimen::read(&one.content))
                .collect(),
            performers: people(json, "performer", beside),
            interpreters: people(json, "resultsInterpreter", beside),
            numbers: texts(json, &["identifier", "value"]),
            documents: documents(&resource.content),
        }
    }

    /// Says how many lines ask for attention.
    pub(crate) fn marked(&self) -> usize {
        self.lines.iter().filter(|line| line.class() != "usual").count()
    }
}

/// Returns the lines of the results in the order of the report, members under what groups them, each once.
fn lines(content: &str, beside: &[Resource]) -> (Vec<ResultLine>, usize) {
    let named = super::references(content, &[&["result", "reference"]], &[Kind::Observation]);
    let find = |id: RecordId| beside.iter().find(|one| one.kind == Kind::Observation && one.id == id);
    let grouped: BTreeSet<RecordId> =
        named.iter().filter_map(|(_, id)| find(*id)).flat_map(|one| members(&one.content)).collect();
    let mut shown = BTreeSet::new();
    let mut lines = Vec::new();
    let mut missing = 0_usize;
    // First what nothing groups, with its members; then whatever a ring of groups has left over.
    let roots = named.iter().filter(|(_, id)| !grouped.contains(id));
    for (_, id) in roots.chain(named.iter()) {
        if !shown.insert(*id) {
            continue;
        }
        let Some(one) = find(*id) else {
            missing = missing.saturating_add(1);
            continue;
        };
        lines.extend(ResultLine::read(&one.content, false));
        for member in members(&one.content) {
            let Some(one) = find(member) else { continue };
            if shown.insert(member) {
                lines.extend(ResultLine::read(&one.content, true));
            }
        }
    }
    (lines, missing)
}

fn category(json: Json<'_>) -> String {
    let mut named: Vec<String> = Vec::new();
    for category in each(json, "category") {
        let called = concept(category);
        let called = words::category(&called).to_owned();
        if !called.is_empty() && !named.contains(&called) {
            named.push(called);
        }
    }
    // A section of the laboratory says that it is the laboratory.
    if named.len() > 1 {
        named.retain(|name| name != "Laboratory");
    }
    named.join(", ")
}

/// Notes stand in an extension, since R4 has no element for them.
fn notes(json: Json<'_>) -> Vec<String> {
    let of = |extension: Json<'_>| extension.get("valueAnnotation").map(|note| text(note, "text"));
    let extensions = each(json, "extension").into_iter();
    extensions
        .filter(|one| text(*one, "url") == uri::REPORT_NOTE)
        .filter_map(of)
        .filter(|text| !text.is_empty())
        .collect()
}

/// Returns the names of those a member refers to: what came beside, else what the reference itself displays.
fn people(json: Json<'_>, name: &str, beside: &[Resource]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for reference in each(json, name) {
        let target = super::read::target(&text(reference, "reference"));
        let found = target.and_then(|(kind, id)| beside.iter().find(|one| one.kind == kind && one.id == id));
        let mut called = match found {
            Some(one) => named_with(one, beside),
            None => text(reference, "display"),
        };
        if called.is_empty() {
            called = "Not shown".to_owned();
        }
        if !names.contains(&called) {
            names.push(called);
        }
    }
    names
}

/// A role is called by its person and its organization.
fn named_with(one: &Resource, beside: &[Resource]) -> String {
    let own = super::name_of(one.kind, one.id, &one.content);
    if one.kind != Kind::PractitionerRole {
        return own;
    }
    let of = |path: &[&str]| {
        let targets = super::references(&one.content, &[path], &[Kind::Practitioner, Kind::Organization]);
        let found =
            targets.first().and_then(|(kind, id)| beside.iter().find(|other| other.kind == *kind && other.id == *id));
        found.map(|other| super::name_of(other.kind, other.id, &other.content))
    };
    let parts = [of(&["practitioner", "reference"]), of(&["organization", "reference"])];
    let named: Vec<String> = parts.into_iter().flatten().filter(|name| !name.is_empty()).collect();
    if named.is_empty() { own } else { named.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::time::Timestamp;

    fn resource(kind: Kind, number: u8, content: &str) -> Resource {
        let id = RecordId::from_name([number; 16]);
        Resource { kind, id, version: 1, last_updated: Timestamp(0), content: content.to_owned() }
    }

    fn observation(number: u8, name: &str, members: &[u8]) -> Resource {
        let list: Vec<String> = members
            .iter()
            .map(|n| format!(r#"{{"reference":"Observation/{}"}}"#, RecordId::from_name([*n; 16])))
            .collect();
        resource(
            Kind::Observation,
            number,
            &format!(
                r#"{{"status":"final","code":{{"text":"{name}"}},"valueString":"v","hasMember":[{}]}}"#,
                list.join(",")
            ),
        )
    }

    fn report(results: &[u8]) -> Resource {
        let list: Vec<String> = results
            .iter()
            .map(|n| format!(r#"{{"reference":"Observation/{}"}}"#, RecordId::from_name([*n; 16])))
            .collect();
        resource(
            Kind::DiagnosticReport,
            99,
            &format!(r#"{{"status":"final","code":{{"text":"Panel"}},"result":[{}]}}"#, list.join(",")),
        )
    }

    #[test]
    fn members_stand_under_what_groups_them_and_nothing_is_shown_twice_or_lost() {
        let beside = [observation(1, "a", &[]), observation(2, "group", &[3, 1]), observation(3, "c", &[])];
        let read = Report::read(&report(&[1, 2, 3, 4]), &beside);
        let shown: Vec<_> = read.lines.iter().map(|line| (line.name.as_str(), line.part)).collect();
        assert_eq!(shown, [("group", false), ("c", true), ("a", true)]);
        assert_eq!(read.missing, 1, "the fourth is not shown to this reader");
    }

    #[test]
    fn groups_in_a_ring_are_shown_once_each() {
        let beside = [observation(1, "a", &[2]), observation(2, "b", &[1])];
        assert_eq!(Report::read(&report(&[1, 2]), &beside).lines.len(), 2);
    }

    #[test]
    fn a_role_is_called_by_its_person_and_organization() {
        let person = resource(Kind::Practitioner, 1, r#"{"name":[{"family":"Ng","given":["Ada"]}]}"#);
        let place = resource(Kind::Organization, 2, r#"{"name":"North Lab"}"#);
        let role = resource(
            Kind::PractitionerRole,
            3,
            &format!(
                r#"{{"practitioner":{{"reference":"Practitioner/{}"}},"organization":{{"reference":"Organization/{}"}}}}"#,
                person.id, place.id
            ),
        );
        let report = resource(
            Kind::DiagnosticReport,
            4,
            &format!(
                r#"{{"performer":[{{"reference":"PractitionerRole/{}"}},{{"display":"Elsewhere"}},{{}}]}}"#,
                role.id
            ),
        );
        assert_eq!(
            Report::read(&report, &[person, place, role]).performers,
            ["Ng, Ada, North Lab", "Elsewhere", "Not shown"]
        );
    }
}
