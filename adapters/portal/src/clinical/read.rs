//! The parts that many resources share: text, codes, quantities, periods, references.

use super::words;
use domain::id::RecordId;
use domain::kind::Kind;
use r4::scan::Json;

/// Returns the text of a string member; empty when there is none.
pub(super) fn text(of: Json<'_>, name: &str) -> String {
    of.get(name).and_then(Json::string).map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Returns the texts that a path leads to, arrays flattened, empty ones left out.
pub(super) fn texts(of: Json<'_>, path: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    of.any(path, &mut |value| {
        found.extend(value.string().map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()));
        false
    });
    found
}

/// Returns the elements of an array member, or its one value.
pub(super) fn each<'a>(of: Json<'a>, name: &str) -> Vec<Json<'a>> {
    match of.get(name) {
        Some(list) if list.is_array() => list.elements().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// Returns how a CodeableConcept is called: its text, else the first display, else the first code.
pub(super) fn concept(of: Json<'_>) -> String {
    let own = text(of, "text");
    if !own.is_empty() {
        return own;
    }
    let codings = each(of, "coding");
    let first = |name: &str| codings.iter().map(|coding| text(*coding, name)).find(|text| !text.is_empty());
    first("display").or_else(|| first("code")).unwrap_or_default()
}

/// Returns how the CodeableConcepts of a member are called, empty ones left out.
pub(super) fn concepts(of: Json<'_>, name: &str) -> Vec<String> {
    each(of, name).into_iter().map(concept).filter(|text| !text.is_empty()).collect()
}

/// Returns the codes of the first CodeableConcept of a member.
pub(super) fn first_code(of: Json<'_>, name: &str) -> String {
    texts(of, &[name, "coding", "code"]).into_iter().next().unwrap_or_default()
}

/// Returns a Quantity as its value with comparator, and its unit; the digits are those of the text.
pub(super) fn quantity(of: Json<'_>) -> Option<(String, String)> {
    let number = of.get("value").map(Json::text).filter(|number| !number.is_empty())?;
    let unit = Some(text(of, "unit")).filter(|unit| !unit.is_empty()).unwrap_or_else(|| text(of, "code"));
    let value = match text(of, "comparator") {
        comparator if comparator.is_empty() => number.to_owned(),
        comparator => format!("{comparator} {number}"),
    };
    Some((value, unit))
}

/// Returns a Range as text, and its unit.
pub(super) fn range(of: Json<'_>) -> Option<(String, String)> {
    let low = of.get("low").and_then(quantity);
    let high = of.get("high").and_then(quantity);
    match (low, high) {
        (Some((low, unit)), Some((high, other))) if unit == other || other.is_empty() => {
            Some((format!("{low} – {high}"), unit))
        }
        (Some((low, unit)), Some((high, other))) => Some((format!("{low} {unit} – {high} {other}"), String::new())),
        (Some((low, unit)), None) => Some((format!("from {low}"), unit)),
        (None, Some((high, unit))) => Some((format!("up to {high}"), unit)),
        (None, None) => None,
    }
}

/// Returns a Period in words; empty when it says nothing.
pub(super) fn period(of: Json<'_>) -> String {
    match (text(of, "start"), text(of, "end")) {
        (start, end) if start.is_empty() && end.is_empty() => String::new(),
        (start, end) if end.is_empty() => format!("from {}", words::moment(&start)),
        (start, end) if start.is_empty() => format!("until {}", words::moment(&end)),
        (start, end) => format!("{} to {}", words::moment(&start), words::moment(&end)),
    }
}

/// Returns the moment or period of a choice such as `effective[x]`, in words.
pub(super) fn moment_of(of: Json<'_>, stem: &str) -> String {
    for suffix in ["DateTime", "Instant"] {
        let found = text(of, &format!("{stem}{suffix}"));
        if !found.is_empty() {
            return words::moment(&found);
        }
    }
    of.get(&format!("{stem}Period")).map(period).unwrap_or_default()
}

/// Returns the resources of these kinds that the paths refer to, in order, each once.
pub(crate) fn references(content: &str, paths: &[&[&str]], kinds: &[Kind]) -> Vec<(Kind, RecordId)> {
    let mut found: Vec<(Kind, RecordId)> = Vec::new();
    for path in paths {
        Json::of(content).any(path, &mut |value| {
            if let Some(target) = value.string().and_then(|text| target(&text))
                && kinds.contains(&target.0)
                && !found.contains(&target)
            {
                found.push(target);
            }
            false
        });
    }
    found
}

/// Reads `Type/id`, with or without an address before it.
pub(super) fn target(reference: &str) -> Option<(Kind, RecordId)> {
    let mut parts = reference.rsplit('/');
    let (id, kind) = (parts.next()?, parts.next()?);
    Some((Kind::from_name(kind).filter(|kind| kind.is_fhir())?, id.parse().ok()?))
}

/// Returns the texts of annotations.
pub(super) fn notes(of: Json<'_>, name: &str) -> Vec<String> {
    each(of, name).into_iter().map(|note| text(note, "text")).filter(|text| !text.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_the_digits_it_came_with() {
        for digits in ["9.80", "1.0e-3", "-0.00", "123456789012345678901234567890.10"] {
            let json = format!(r#"{{"value":{digits},"unit":"mg/dL"}}"#);
            assert_eq!(quantity(Json::of(&json)), Some((digits.to_owned(), "mg/dL".to_owned())));
        }
        let json = r#"{"value":0.50,"comparator":"<","code":"ug/L"}"#;
        assert_eq!(quantity(Json::of(json)), Some(("< 0.50".to_owned(), "ug/L".to_owned())));
    }

    #[test]
    fn a_concept_is_called_by_its_text_then_display_then_code() {
        for (json, name) in [
            (r#"{"text":"Sodium","coding":[{"display":"Na","code":"1"}]}"#, "Sodium"),
            (r#"{"coding":[{"code":"1"},{"display":"Na","code":"2"}]}"#, "Na"),
            (r#"{"coding":[{"code":"2951-2"}]}"#, "2951-2"),
            ("{}", ""),
        ] {
            assert_eq!(concept(Json::of(json)), name);
        }
    }

    #[test]
    fn references_are_found_once_each_and_of_the_wanted_kinds_only() {
        let id = "0190a1b2-0000-8000-8000-000000000001";
        let json = format!(
            r#"{{"result":[{{"reference":"Observation/{id}"}},{{"reference":"https://x/fhir/Observation/{id}"}},{{"reference":"Medication/{id}"}},{{"reference":"Patient/{id}"}},{{"reference":"Observation/none"}}]}}"#
        );
        let found = references(&json, &[&["result", "reference"]], &[Kind::Observation]);
        assert_eq!(found, [(Kind::Observation, id.parse().unwrap())]);
    }
}
