//! The table of scopes, and their laws.

use super::*;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use std::string::String;
use std::vec;

fn read(text: &str) -> Result<String, NotAScope> {
    text.parse::<Scope>().map(|scope| scope.to_string())
}

#[test]
fn a_scope_reads_as_its_canonical_form() {
    for (text, canonical) in [
        ("patient/Observation.rs", "patient/Observation.rs"),
        ("user/*.cruds", "user/*.cruds"),
        ("system/DiagnosticReport.s", "system/DiagnosticReport.s"),
        ("patient/Patient.read", "patient/Patient.rs"),
        ("user/Observation.write", "user/Observation.cud"),
        ("system/*.*", "system/*.cruds"),
        ("system/*.read", "system/*.rs"),
        (
            "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
            "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory",
        ),
        (
            "system/DiagnosticReport.rs?code=http%3A%2F%2Floinc.org%7C58410-2,1%2B1&category=LAB&category=LAB",
            "system/DiagnosticReport.rs?category=LAB&code=http://loinc.org|58410-2,1%2B1",
        ),
        ("system/*.rs?_security=|N", "system/*.rs?_security=|N"),
        ("user/Specimen.r?status=available", "user/Specimen.r?status=available"),
        ("user/Observation.r?code=a%20b%22%26", "user/Observation.r?code=a%20b%22%26"),
        ("system/Administration.ru", "system/Administration.ru"),
        ("user/Administration.r", "user/Administration.r"),
    ] {
        assert_eq!(read(text).as_deref(), Ok(canonical), "{text}");
        assert_eq!(read(canonical).as_deref(), Ok(canonical), "{text}");
    }
}

#[test]
fn what_is_no_scope_is_refused_and_says_why() {
    use NotAScope::{Form, Letters, Part, Type};
    for (text, why) in [
        ("", Form),
        ("openid", Form),
        ("launch/patient", Form),
        ("Patient/Observation.rs", Form),
        ("patient/observation.rs", Form),
        ("patient/Obs*.rs", Form),
        ("patient/.rs", Form),
        ("patient/Observation", Form),
        ("patient//Observation.rs", Form),
        ("patient/Observation.read?category=LAB", Form),
        ("patient/Observation.*?category=LAB", Form),
        ("patient/Observation.", Letters),
        ("patient/Observation.dus", Letters),
        ("system/Administration.cruds", Letters),
        ("system/Administration.read", Letters),
        ("system/Administration.rs", Letters),
        ("patient/Administration.r", Type),
        ("system/Administration.r?_security=R", Part),
        ("patient/Observation.sr", Letters),
        ("patient/Observation.rr", Letters),
        ("patient/Observation.rx", Letters),
        ("patient/Observation.R", Letters),
        ("patient/Observation.rs.rs", Letters),
        ("patient/Observation.reads", Letters),
        ("patient/Medication.rs", Type),
        ("system/Hl7Message.rs", Type),
        ("system/Tenant.cruds", Type),
        ("patient/Observation.rs?", Part),
        ("patient/Observation.rs?category", Part),
        ("patient/Observation.rs?category=", Part),
        ("patient/Observation.rs?category=|", Part),
        ("patient/Observation.rs?category=a|b|c", Part),
        ("patient/Observation.rs?category=a,,b", Part),
        ("patient/Observation.rs?category=a%", Part),
        ("patient/Observation.rs?category=%ff", Part),
        ("patient/Observation.rs?category=a%0Ab", Part),
        ("patient/Observation.rs?category=a%5C,b", Part),
        ("patient/Observation.rs?category:not=LAB", Part),
        ("patient/Observation.rs?date=2024", Part),
        ("patient/Patient.rs?category=LAB", Part),
        ("patient/*.rs?category=LAB", Part),
        ("patient/Observation.rs?code=1&code=2&code=3&code=4&code=5&code=6&code=7&code=8&code=9", Part),
    ] {
        assert_eq!(read(text), Err(why), "{text}");
    }
    let long = std::format!("patient/Observation.rs?code={}", "x".repeat(MAX_SCOPE_BYTES));
    assert_eq!(read(&long), Err(Form));
}

#[test]
fn what_is_granted_is_what_was_asked_for_as_far_as_it_was_registered() {
    let registered: Vec<Scope> =
        ["system/*.rs", "system/DiagnosticReport.cruds", "user/*.rs"].map(|text| text.parse().unwrap()).into();
    let granted =
        |asked: &str| grant(asked, &registered, &[Level::System]).map(|granted| Scopes::Limited(granted).render());
    for (asked, answer) in [
        ("system/*.rs", Ok("system/*.rs")),
        ("system/*.cruds", Ok("system/*.rs system/DiagnosticReport.cruds")),
        ("system/Patient.read", Ok("system/Patient.rs")),
        ("system/Observation.rs?category=LAB openid", Ok("system/Observation.rs?category=LAB")),
        ("system/Patient.rs system/Medication.rs", Ok("system/Patient.rs")),
        ("system/Patient.r system/Patient.rs", Ok("system/Patient.rs")),
        ("system/Patient.cud", Err(NotGranted::Nothing)),
        ("system/Medication.rs", Err(NotGranted::Nothing)),
        ("system/Observation.rs?date=2024", Err(NotGranted::Nothing)),
        ("user/*.rs", Err(NotGranted::Nothing)),
        ("patient/*.rs", Err(NotGranted::Nothing)),
        ("openid fhirUser", Err(NotGranted::Nothing)),
        ("", Err(NotGranted::Nothing)),
        ("system/Patient.sr system/Patient.rs", Err(NotGranted::Malformed)),
        ("system/patient.rs", Err(NotGranted::Malformed)),
    ] {
        assert_eq!(granted(asked).as_deref(), answer.as_ref().map(|text| *text), "{asked}");
    }
    let limited: Vec<Scope> = vec!["system/Observation.rs?category=LAB".parse().unwrap()];
    let granted = grant("system/*.rs system/Observation.r?code=1", &limited, &[Level::System]).unwrap();
    assert_eq!(Scopes::Limited(granted).render(), "system/Observation.rs?category=LAB");
    let many = "system/Patient.rs ".repeat(MAX_SCOPES + 1);
    assert_eq!(grant(&many, &registered, &[Level::System]), Err(NotGranted::Malformed));
}

#[test]
fn a_scope_for_all_records_speaks_of_no_administration() {
    let scope = |text: &str| text.parse::<Scope>().unwrap();
    let (all, administration) = (scope("system/*.cruds"), scope("system/Administration.ru"));
    assert!(!all.covers(&administration) && !administration.covers(&all));
    assert_eq!((all.narrowed(&administration), administration.narrowed(&all)), (None, None));
    assert_eq!(grant("system/Administration.ru", &[all], &[Level::System]), Err(NotGranted::Nothing));
    let looking = scope("system/Administration.r");
    assert_eq!(administration.narrowed(&looking), Some(looking.clone()));
    assert!(administration.covers(&looking) && !looking.covers(&administration));
    assert!(looking.administers(Letter::Read) && !looking.administers(Letter::Update));
    assert!(Kind::ALL.iter().all(|kind| !administration.speaks(Letter::Read, *kind)));
}

pub(in crate::access) fn any_scope() -> impl Strategy<Value = Scope> {
    let kinds: Vec<Kind> = Kind::ALL.iter().copied().filter(|kind| kind.is_fhir()).collect();
    let types = prop_oneof![
        1 => Just(Types::Any),
        3 => select(kinds).prop_map(Types::Only),
        1 => Just(Types::Administration),
    ];
    let level = select(vec![Level::Patient, Level::User, Level::System]);
    let letters = subsequence(Letter::ALL.to_vec(), 1..=5);
    let parts = prop::collection::vec((select(Parameter::ALL.to_vec()), "[ -\\[\\]-~é]{1,12}"), 0..3);
    (level, types, letters, parts).prop_map(|(level, types, letters, parts)| {
        let parts = parts.into_iter().filter_map(|(parameter, value)| {
            let fits = |token: &str| token.chars().any(|c| c != '|') && token.matches('|').count() < 2;
            let fits = value.split(',').all(fits) && parameter.is_of(types);
            fits.then_some(Part { parameter, value })
        });
        let (level, letters) = match (types, level) {
            (Types::Administration, Level::Patient) => (Level::User, Letters::of(&[Letter::Read])),
            (Types::Administration, _) => (level, Letters::of(&[Letter::Read, Letter::Update])),
            (Types::Any | Types::Only(_), _) => (level, Letters::of(&letters)),
        };
        Scope { level, types, letters, parts: in_order(parts.collect()) }
    })
}

proptest! {
    #[test]
    fn a_scope_reads_back_from_its_text(scope in any_scope()) {
        let text = scope.to_string();
        prop_assert!(text.bytes().all(|b| matches!(b, 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "RFC 6749 §3.3: {}", text);
        prop_assert_eq!(text.parse::<Scope>(), Ok(scope));
    }

    #[test]
    fn no_text_breaks_the_reading(text in "\\PC{0,60}", query in "(patient|user|system)/[A-Z*][a-zA-Z]{0,12}\\.[cruds]{0,6}(\\?[a-z_]{0,9}=?[%a-z0-9|,&]{0,12})?") {
        for text in [text, query] {
            if let Ok(scope) = text.parse::<Scope>() {
                prop_assert_eq!(scope.to_string().parse::<Scope>(), Ok(scope));
            }
        }
    }

    #[test]
    fn narrowing_never_widens(one in any_scope(), other in any_scope()) {
        if let Some(both) = one.narrowed(&other) {
            prop_assert!(one.covers(&both) && other.covers(&both));
        }
        prop_assert_eq!(one.narrowed(&one), Some(one.clone()));
        prop_assert_eq!(one.narrowed(&other), other.narrowed(&one));
    }

    #[test]
    fn what_is_granted_is_covered_by_what_was_registered(
        asked in prop::collection::vec(any_scope(), 0..6), registered in prop::collection::vec(any_scope(), 0..6),
    ) {
        let text = Scopes::Limited(asked.clone()).render();
        for scope in grant(&text, &registered, &[Level::Patient, Level::System]).unwrap_or_default() {
            prop_assert!(registered.iter().any(|limit| limit.covers(&scope)));
            prop_assert!(asked.iter().any(|limit| limit.covers(&scope)));
            prop_assert!(scope.level() != Level::User);
        }
    }
}
