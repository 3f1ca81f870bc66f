//! Token search: `code`, `system|code`, `|code`, `system|` (R4 search §3.1.1.4.10).

use super::table::Shape;
use super::value::{plain, split};
use crate::scan::Json;

/// One token asked for.
pub(super) struct Token {
    system: System,
    code: Option<String>,
}

enum System {
    Any,
    Absent,
    Is(String),
}

impl Token {
    /// Reads one alternative; `None` when it is empty or has more than one `|`.
    pub(super) fn read(text: &str) -> Option<Token> {
        let pieces = split(text, '|');
        let filled = |text: &str| Some(plain(text)).filter(|text| !text.is_empty());
        match pieces.as_slice() {
            [code] => Some(Token { system: System::Any, code: Some(filled(code)?) }),
            [system, code] => {
                let (system, code) = (filled(system), filled(code));
                if system.is_none() && code.is_none() {
                    return None;
                }
                Some(Token { system: system.map_or(System::Absent, System::Is), code })
            }
            _ => None,
        }
    }

    /// Returns the code, which the index knows without its system; `None` when any code of a system is asked for.
    pub(super) fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Says whether a value of a resource is what was asked for.
    pub(super) fn fits(&self, shape: Shape, value: Json<'_>) -> bool {
        match shape {
            Shape::Concept => value.any(&["coding"], &mut |coding| self.fits_pair(coding, "code", false)),
            Shape::Coding => self.fits_pair(value, "code", false),
            Shape::Identifier => self.fits_pair(value, "value", true),
            Shape::Code(system) => value.string().is_some_and(|code| self.fits_code(&code, Some(system), false)),
            Shape::Boolean => {
                matches!(value.text(), "true" | "false") && self.fits_code(value.text(), Some(SPECIAL), false)
            }
        }
    }

    fn fits_pair(&self, pair: Json<'_>, code_name: &str, exact: bool) -> bool {
        let (mut system, mut code) = (None, None);
        for member in pair.members() {
            if member.name == "system" {
                system = member.value.string();
            } else if member.name == code_name {
                code = member.value.string();
            }
        }
        let system_fits = match &self.system {
            System::Any => true,
            System::Absent => system.is_none(),
            System::Is(asked) => system.is_some_and(|system| system == asked.as_str()),
        };
        system_fits
            && match (&self.code, code) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(asked), Some(code)) => same(asked, &code, exact),
            }
    }

    /// Compares with a code whose system its element implies.
    fn fits_code(&self, code: &str, implied: Option<&str>, exact: bool) -> bool {
        let system_fits = match &self.system {
            System::Any | System::Absent => true,
            System::Is(asked) => implied == Some(asked.as_str()),
        };
        system_fits && self.code.as_ref().is_none_or(|asked| same(asked, code, exact))
    }
}

/// The system of true and false.
const SPECIAL: &str = "http://hl7.org/fhir/special-values";

/// Codes are compared without case, as R4 advises where a system does not say; identifiers are compared exactly.
fn same(asked: &str, found: &str, exact: bool) -> bool {
    asked == found
        || (!exact
            && (asked.eq_ignore_ascii_case(found)
                || (!(asked.is_ascii() && found.is_ascii()) && asked.to_lowercase() == found.to_lowercase())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(asked: &str, shape: Shape, value: &str) -> bool {
        Token::read(asked).unwrap().fits(shape, Json::of(value))
    }

    #[test]
    fn a_concept_is_found_by_any_of_its_codings() {
        let concept = r#"{"coding":[{"system":"http://loinc.org","code":"2345-7"},{"code":"GLU"}],"text":"GLUCOSE"}"#;
        for (asked, expected) in [
            ("2345-7", true),
            ("http://loinc.org|2345-7", true),
            ("http://loinc.org|", true),
            ("glu", true),
            ("|GLU", true),
            ("|2345-7", false),
            ("http://loinc.org|GLU", false),
            ("urn:other|", false),
            ("HTTP://LOINC.ORG|2345-7", false),
            ("GLUCOSE", false),
            ("234", false),
        ] {
            assert_eq!(fits(asked, Shape::Concept, concept), expected, "{asked}");
        }
    }

    #[test]
    fn an_identifier_is_compared_exactly() {
        let identifier = r#"{"system":"urn:oid:1.2","value":"a|B"}"#;
        assert!(fits(r"urn:oid:1.2|a\|B", Shape::Identifier, identifier));
        assert!(!fits(r"urn:oid:1.2|a\|b", Shape::Identifier, identifier));
        assert!(!fits(r"|a\|B", Shape::Identifier, identifier));
        assert!(fits(r"|X", Shape::Identifier, r#"{"value":"X"}"#));
    }

    #[test]
    fn a_code_has_the_system_of_its_element() {
        let status = Shape::Code("http://hl7.org/fhir/diagnostic-report-status");
        assert!(fits("final", status, "\"final\""));
        assert!(fits("http://hl7.org/fhir/diagnostic-report-status|final", status, "\"final\""));
        assert!(!fits("http://hl7.org/fhir/observation-status|final", status, "\"final\""));
        assert!(fits("true", Shape::Boolean, "true"));
        assert!(!fits("false", Shape::Boolean, "true"));
    }

    #[test]
    fn an_empty_token_or_one_with_three_parts_is_refused() {
        for text in ["", "|", "a|b|c"] {
            assert!(Token::read(text).is_none(), "{text}");
        }
    }
}
