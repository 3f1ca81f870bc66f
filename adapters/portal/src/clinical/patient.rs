//! Who a report is about.

use super::read::{concept, each, text, texts};
use super::words;
use domain::id::RecordId;
use r4::scan::Json;

/// What tells one patient from another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Patient {
    /// The id of the record.
    pub(crate) id: String,
    /// The name as it is written: family name first, apart from the given names.
    pub(crate) family: String,
    /// The given names.
    pub(crate) given: String,
    /// The birth date in words.
    pub(crate) born: String,
    /// The gender in words; empty where it is not known.
    pub(crate) gender: String,
    /// The date or fact of death in words; empty for the living.
    pub(crate) died: String,
    /// Every identifier.
    pub(crate) identifiers: Vec<Identifier>,
}

/// One identifier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Identifier {
    /// What sort it is, or who gave it.
    pub(crate) label: String,
    /// The number.
    pub(crate) value: String,
}

impl Patient {
    /// Reads a Patient resource.
    pub(crate) fn read(id: RecordId, content: &str) -> Self {
        let json = Json::of(content);
        let name = best_name(json);
        let (mut family, given) = match name {
            Some(name) => (text(name, "family"), texts(name, &["given"]).join(" ")),
            None => (String::new(), String::new()),
        };
        if family.is_empty() && given.is_empty() {
            family = name.map(|name| text(name, "text")).unwrap_or_default();
        }
        let died = match (text(json, "deceasedDateTime"), json.get("deceasedBoolean").map(Json::text)) {
            (date, _) if !date.is_empty() => words::moment(&date),
            (_, Some("true")) => "yes".to_owned(),
            _ => String::new(),
        };
        Self {
            id: id.to_string(),
            family,
            given,
            born: words::moment(&text(json, "birthDate")),
            gender: words::gender(&text(json, "gender")).to_owned(),
            died,
            identifiers: each(json, "identifier").into_iter().filter_map(identifier).collect(),
        }
    }

    /// Returns the whole name on one line: `FAMILY, Given`.
    pub(crate) fn name(&self) -> String {
        match (self.family.as_str(), self.given.as_str()) {
            ("", "") => "Name not known".to_owned(),
            ("", given) => given.to_owned(),
            (family, "") => family.to_owned(),
            (family, given) => format!("{family}, {given}"),
        }
    }

    /// Returns the first identifiers, for a list.
    pub(crate) fn few(&self) -> &[Identifier] {
        self.identifiers.get(..3).unwrap_or(&self.identifiers)
    }
}

/// Returns the name that is used: official, else usual, else the first that is not old.
fn best_name(json: Json<'_>) -> Option<Json<'_>> {
    let names = each(json, "name");
    let used = |wanted: &str| names.iter().copied().find(|name| text(*name, "use") == wanted);
    used("official")
        .or_else(|| used("usual"))
        .or_else(|| names.iter().copied().find(|name| !matches!(text(*name, "use").as_str(), "old" | "maiden")))
        .or_else(|| names.first().copied())
}

fn identifier(json: Json<'_>) -> Option<Identifier> {
    let value = Some(text(json, "value")).filter(|value| !value.is_empty())?;
    let kind = json.get("type").map(concept).unwrap_or_default();
    let assigner = json.get("assigner").map(|assigner| text(assigner, "display")).unwrap_or_default();
    let label = match (kind_in_words(&kind), assigner.as_str()) {
        ("", "") => "Identifier".to_owned(),
        ("", assigner) => assigner.to_owned(),
        (kind, "") => kind.to_owned(),
        (kind, assigner) => format!("{kind}, {assigner}"),
    };
    Some(Identifier { label, value })
}

/// HL7 table 0203, the sorts that are met on wards.
fn kind_in_words(code: &str) -> &str {
    match code {
        "MR" => "Medical record number",
        "PI" => "Patient number",
        "PT" => "External patient number",
        "AN" => "Account number",
        "VN" => "Visit number",
        "SS" => "Social security number",
        "NI" | "NH" | "NIIP" => "National number",
        "DL" => "Driver's licence",
        "PPN" => "Passport number",
        "MC" | "MA" => "Insurance number",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_official_name_goes_before_an_old_one() {
        let json = r#"{"name":[{"use":"old","family":"Before"},{"use":"official","family":"Now","given":["A","B"]}],
            "birthDate":"1970-01-31","gender":"female",
            "identifier":[{"type":{"coding":[{"code":"MR"}]},"value":"M1"},{"system":"urn:x"},{"value":"7","assigner":{"display":"North"}}]}"#;
        let patient = Patient::read(RecordId([0; 16]), json);
        assert_eq!((patient.name(), patient.born.as_str()), ("Now, A B".to_owned(), "31 Jan 1970"));
        let shown: Vec<_> = patient.identifiers.iter().map(|one| (one.label.as_str(), one.value.as_str())).collect();
        assert_eq!(shown, [("Medical record number", "M1"), ("North", "7")]);
    }

    #[test]
    fn a_patient_without_a_name_is_said_to_have_none() {
        assert_eq!(Patient::read(RecordId([0; 16]), "{}").name(), "Name not known");
        let text_only = Patient::read(RecordId([0; 16]), r#"{"name":[{"text":"Unknown male 3"}]}"#);
        assert_eq!(text_only.name(), "Unknown male 3");
    }
}
