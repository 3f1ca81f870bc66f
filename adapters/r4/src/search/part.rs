//! Whether a resource has what a granular part of a SMART scope asks: the same test as a search by that parameter.

use super::alternatives;
use super::table::{Class, Parameter, Shape, parameters};
use super::token::Token;
use crate::scan::Json;
use domain::access::{self, Part};
use domain::kind::Kind;

/// Says whether a resource has what the part asks; one that cannot be judged has not.
#[must_use]
pub fn fits(kind: Kind, part: &Part, content: &str) -> bool {
    let name = part.parameter().name();
    let Ok(any_of) = alternatives(name, part.value(), Token::read) else {
        return false;
    };
    let by = |shape: Shape, path: &[&str]| {
        Json::of(content).any(path, &mut |value| any_of.iter().any(|token| token.fits(shape, value)))
    };
    match part.parameter() {
        access::Parameter::Security => by(Shape::Coding, SECURITY),
        access::Parameter::Category | access::Parameter::Code | access::Parameter::Status => {
            let known = parameters(kind).iter().find(|parameter| parameter.name == name);
            known.is_some_and(|Parameter { class, paths, .. }| match class {
                Class::Token(shape) => paths.iter().any(|path| by(*shape, path)),
                Class::Reference(_) | Class::Date | Class::Text => false,
            })
        }
    }
}

const SECURITY: &[&str] = &["meta", "security"];

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::Scope;

    const RESULT: &str = r#"{"resourceType":"Observation","meta":{"security":[{"system":"urn:s","code":"R"}]},"status":"final",
        "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}]}],
        "code":{"coding":[{"system":"http://loinc.org","code":"2345-7"},{"code":"GLU"}]}}"#;

    #[test]
    fn a_part_fits_what_a_search_by_it_would_find() {
        for (part, expected) in [
            ("category=laboratory", true),
            ("category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory", true),
            ("category=http://terminology.hl7.org/CodeSystem/observation-category|vital-signs", false),
            ("category=vital-signs,laboratory", true),
            ("code=http://loinc.org|", true),
            ("code=|GLU", true),
            ("code=http://loinc.org|GLU", false),
            ("status=final", true),
            ("status=preliminary,amended", false),
            ("_security=urn:s|R", true),
            ("_security=N", false),
        ] {
            let scope: Scope = format!("user/Observation.r?{part}").parse().unwrap();
            let fitting = scope.parts().iter().all(|part| fits(Kind::Observation, part, RESULT));
            assert_eq!(fitting, expected, "{part}");
        }
    }

    #[test]
    fn every_parameter_that_may_limit_a_scope_is_one_that_is_searched_by() {
        for kind in Kind::ALL.iter().filter(|kind| kind.is_fhir()) {
            for name in ["category", "code", "status"] {
                let limits = format!("user/{kind}.r?{name}=x").parse::<Scope>().is_ok();
                let searched = parameters(*kind).iter().any(|parameter| parameter.name == name);
                assert!(!limits || searched, "{kind}.{name}");
            }
        }
    }

    #[test]
    fn content_that_is_no_json_fits_nothing() {
        let scope: Scope = "user/Observation.r?code=1".parse().unwrap();
        assert!(scope.parts().iter().all(|part| !fits(Kind::Observation, part, "{\"code\":")));
    }
}
