//! Reference search: `id`, `Type/id`, or a URL (R4 search §3.1.1.4.12).

use crate::scan::Json;

/// One reference asked for.
pub(super) enum Asked {
    /// A resource here, of any type or of this one.
    Local {
        /// The type, where one is named.
        kind: Option<String>,
        /// The id.
        id: String,
    },
    /// Something elsewhere, compared as text.
    Elsewhere(String),
}

impl Asked {
    /// Reads one alternative; `base` is our own FHIR address, `modifier` the type of `subject:Patient=…`.
    ///
    /// `None` when it is no reference, or names a version.
    pub(super) fn read(text: &str, base: &str, modifier: Option<&str>) -> Option<Asked> {
        if text.contains("://") || text.starts_with("urn:") {
            if modifier.is_some() {
                return None;
            }
            return match own(text, base) {
                Some(local) => Self::local(local, None),
                None => Some(Asked::Elsewhere(text.to_owned())),
            };
        }
        Self::local(text, modifier)
    }

    fn local(text: &str, modifier: Option<&str>) -> Option<Asked> {
        match text.split_once('/') {
            None => is_id(text).then(|| Asked::Local { kind: modifier.map(str::to_owned), id: text.to_owned() }),
            Some((kind, id)) => {
                let known = is_type(kind) && is_id(id) && modifier.is_none_or(|modifier| modifier == kind);
                known.then(|| Asked::Local { kind: Some(kind.to_owned()), id: id.to_owned() })
            }
        }
    }

    /// Returns what the index knows of such a reference.
    pub(super) fn indexed(&self) -> &str {
        match self {
            Asked::Local { id, .. } => id,
            Asked::Elsewhere(text) => text,
        }
    }

    /// Says whether a Reference of a resource is what was asked for; `only` narrows the types of a parameter.
    pub(super) fn fits(&self, only: Option<&str>, base: &str, value: Json<'_>) -> bool {
        let Some(text) = value.get("reference").and_then(Json::string) else {
            return false;
        };
        match (self, target(&text, base)) {
            (Asked::Local { kind, id }, Some((found, found_id))) => {
                id == found_id
                    && kind.as_deref().is_none_or(|kind| kind == found)
                    && only.is_none_or(|only| only == found)
            }
            (Asked::Elsewhere(asked), None) => {
                *asked == *text && only.is_none_or(|only| elsewhere_is(&text, &value, only))
            }
            _ => false,
        }
    }
}

/// Returns the type and id of a reference to a resource here; `None` for anything else.
pub(super) fn target<'t>(text: &'t str, base: &str) -> Option<(&'t str, &'t str)> {
    let local = if text.contains("://") { own(text, base)? } else { text };
    let mut parts = local.split('/');
    let (kind, id) = (parts.next()?, parts.next()?);
    let rest = (parts.next(), parts.next(), parts.next());
    let rest_is_version = matches!(rest, (None, ..) | (Some("_history"), Some(_), None));
    (is_type(kind) && is_id(id) && rest_is_version).then_some((kind, id))
}

/// Says whether a text is a FHIR id (R4 datatypes: 1 to 64 of `A-Z a-z 0-9 - .`).
pub(super) fn is_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
}

/// Says whether a text has the form of a resource type.
pub(super) fn is_type(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_uppercase())
        && text.bytes().all(|b| b.is_ascii_alphabetic())
}

fn own<'t>(text: &'t str, base: &str) -> Option<&'t str> {
    text.strip_prefix(base.trim_end_matches('/'))?.strip_prefix('/')
}

fn elsewhere_is(text: &str, value: &Json<'_>, only: &str) -> bool {
    let named = value.get("type").and_then(Json::string);
    named.is_some_and(|named| named == only) || text.rsplit('/').nth(1) == Some(only)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://here.example/fhir";

    fn fits(asked: &str, modifier: Option<&str>, only: Option<&str>, reference: &str) -> bool {
        let value = format!("{{\"reference\":\"{reference}\"}}");
        Asked::read(asked, BASE, modifier).unwrap().fits(only, BASE, Json::of(&value))
    }

    #[test]
    fn a_resource_here_is_found_by_id_by_type_and_id_and_by_our_url() {
        for asked in ["7", "Patient/7", "https://here.example/fhir/Patient/7"] {
            assert!(fits(asked, None, Some("Patient"), "Patient/7"), "{asked}");
            assert!(fits(asked, None, None, "Patient/7/_history/2"), "{asked}");
            assert!(fits(asked, None, None, "https://here.example/fhir/Patient/7"), "{asked}");
            assert!(!fits(asked, None, None, "Patient/77"), "{asked}");
            assert!(!fits(asked, None, None, "https://there.example/fhir/Patient/7"), "{asked}");
        }
        assert!(!fits("7", None, Some("Patient"), "Group/7"));
        assert!(!fits("Group/7", None, None, "Patient/7"));
        assert!(fits("7", Some("Patient"), None, "Patient/7"));
        assert!(!fits("7", Some("Group"), None, "Patient/7"));
    }

    #[test]
    fn a_resource_elsewhere_is_found_by_its_whole_url_only() {
        let there = "https://there.example/fhir/Patient/7";
        assert!(fits(there, None, Some("Patient"), there));
        assert!(!fits(there, None, Some("Group"), there));
        assert!(!fits(there, None, None, "Patient/7"));
        assert!(fits("urn:uuid:1", None, None, "urn:uuid:1"));
    }

    #[test]
    fn what_is_no_reference_is_refused() {
        for text in ["", "a b", "Patient/", "/7", "patient/7", "Patient/7/_history/1", "Patient/7/8"] {
            assert!(Asked::read(text, BASE, None).is_none(), "{text}");
        }
        assert!(Asked::read("Group/7", BASE, Some("Patient")).is_none());
    }
}
