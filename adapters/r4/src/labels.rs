//! What decisions ask of opened content: the security labels, which are the codes of `meta.security` (FHIR R4 §6.1.1, HL7 v3
//! ActCode and Confidentiality), and whether it fits a part of a scope.

use crate::search;
use domain::access::{Label, Labels, Part};
use domain::kind::Kind;
use domain::retrieval::ReadLabels;
use serde::Deserialize;
use std::borrow::Cow;

/// Reads `meta.security`, and searches within one resource.
pub struct SecurityLabels;

impl ReadLabels for SecurityLabels {
    fn labels(&self, content: &str) -> Labels {
        // Nearly no resource is labelled, so nearly none is parsed.
        if !content.contains("\"security\"") {
            return Labels::NONE;
        }
        let Ok(resource) = serde_json::from_str::<Resource<'_>>(content) else {
            // What cannot be read is treated as restricted, never as free.
            return Labels::NONE.with(Label::VeryRestricted);
        };
        let codes = resource.meta.into_iter().flat_map(|meta| meta.security).filter_map(|coding| coding.code);
        codes.filter_map(|code| Label::from_code(&code)).fold(Labels::NONE, Labels::with)
    }

    fn fits(&self, kind: Kind, part: &Part, content: &str) -> bool {
        search::fits(kind, part, content)
    }
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    meta: Option<Meta<'a>>,
}

#[derive(Deserialize)]
struct Meta<'a> {
    #[serde(borrow, default)]
    security: Vec<Coding<'a>>,
}

#[derive(Deserialize)]
struct Coding<'a> {
    #[serde(borrow)]
    code: Option<Cow<'a, str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restricted_resource_is_labelled_and_others_are_not() {
        let labels = |text| SecurityLabels.labels(text);
        assert!(labels(r#"{"resourceType":"Observation","valueString":"security"}"#).is_empty());
        assert!(labels(r#"{"meta":{"security":[{"system":"x","code":"R"}]}}"#).contains(Label::Restricted));
        assert!(!labels(r#"{"meta":{"security":"broken"}}"#).is_empty());
    }
}
