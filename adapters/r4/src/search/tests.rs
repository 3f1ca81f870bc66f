use super::*;
use domain::index::Field;
use proptest::prelude::*;

const BASE: &str = "https://here.example/fhir";
const PATIENT: &str = "0190a1b2-0000-8000-8000-000000000001";
const OTHER: &str = "0190a1b2-0000-8000-8000-000000000002";

const REPORT: &str = r#"{"resourceType":"DiagnosticReport","id":"x","meta":{"profile":["p"]},
 "identifier":[{"system":"urn:oid:1.2.3","value":"ACC-1"}],"status":"final",
 "category":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/v2-0074","code":"LAB"}]}],
 "code":{"coding":[{"system":"http://loinc.org","code":"58410-2"},{"system":"urn:local","code":"CBC"}]},
 "subject":{"reference":"Patient/0190a1b2-0000-8000-8000-000000000001"},
 "effectiveDateTime":"2024-03-05T23:30:00-05:00","issued":"2024-03-06T10:00:00.000Z",
 "performer":[{"identifier":{"system":"urn:npi","value":"42"},"display":"Lab"}],
 "result":[{"reference":"Observation/0190a1b2-0000-8000-8000-00000000000a"},{"reference":"Observation/0190a1b2-0000-8000-8000-00000000000b"}]}"#;

fn settings() -> Settings<'static> {
    Settings {
        base: BASE,
        now: Timestamp::from_rfc3339("2026-11-21T00:00:00Z").unwrap(),
        default_count: 20,
        max_count: 100,
        lenient: false,
    }
}

fn pairs(query: &str) -> Vec<(String, String)> {
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (n.to_owned(), v.to_owned())).collect()
}

fn ask(kind: Kind, query: &str) -> Result<Query, Fault> {
    read(kind, &pairs(query), settings())
}

fn finds(query: &str) -> bool {
    let updated = Timestamp::from_rfc3339("2024-03-06T11:00:00.250Z").unwrap();
    ask(Kind::DiagnosticReport, query).unwrap().matches(updated, REPORT)
}

#[test]
fn a_report_is_found_by_what_it_says_and_by_nothing_else() {
    for (query, expected) in [
        ("patient=0190a1b2-0000-8000-8000-000000000001", true),
        ("patient=Patient/0190a1b2-0000-8000-8000-000000000001&category=LAB", true),
        ("subject=https://here.example/fhir/Patient/0190a1b2-0000-8000-8000-000000000001", true),
        ("subject:Patient=0190a1b2-0000-8000-8000-000000000001", true),
        ("patient=0190a1b2-0000-8000-8000-000000000002", false),
        ("patient=0190a1b2-0000-8000-8000-000000000002,0190a1b2-0000-8000-8000-000000000001", true),
        ("category=http://terminology.hl7.org/CodeSystem/v2-0074|LAB", true),
        ("category=http://terminology.hl7.org/CodeSystem/v2-0074|RAD", false),
        ("category:not=RAD", true),
        ("category:not=RAD,LAB", false),
        ("code=58410-2&code=cbc", true),
        ("code=58410-2&code=other", false),
        ("code=http://loinc.org|", true),
        ("status=final,amended", true),
        ("status=preliminary", false),
        ("date=2024-03-05", true),
        ("date=ge2024-03-05&date=lt2024-03-06", true),
        ("date=gt2024-03-05", false),
        ("issued=2024-03-06", true),
        ("identifier=urn:oid:1.2.3|ACC-1", true),
        ("identifier=acc-1", false),
        ("performer:identifier=urn:npi|42", true),
        ("performer:identifier=43", false),
        ("result=Observation/0190a1b2-0000-8000-8000-00000000000b", true),
        ("encounter:missing=true", true),
        ("encounter:missing=false", false),
        ("subject:missing=false", true),
        ("patient:missing=false", true),
        ("_lastUpdated=2024-03-06", true),
        ("_lastUpdated=ge2024-03-06T11:00:00Z", true),
        ("_lastUpdated=gt2024-03-06T11:00:00.249Z", true),
        ("_lastUpdated=gt2024-03-06T11:00:00.250Z", false),
        ("_lastUpdated=gt2024-03-06T11:00:01Z", false),
        ("_lastUpdated=2024-03-05,2024-03-06", true),
        ("", true),
    ] {
        assert_eq!(finds(query), expected, "{query}");
    }
}

#[test]
fn what_is_not_understood_is_refused() {
    for (query, fault) in [
        ("nonsense=1", Fault::UnknownParameter(Kind::DiagnosticReport)),
        ("Patient=1", Fault::UnknownParameter(Kind::DiagnosticReport)),
        ("patient.identifier=1", Fault::UnknownParameter(Kind::DiagnosticReport)),
        ("_has:Observation:subject:code=1", Fault::UnknownParameter(Kind::DiagnosticReport)),
        ("_sort=date", Fault::UnknownParameter(Kind::DiagnosticReport)),
        ("_revinclude=Provenance:target", Fault::UnknownParameter(Kind::DiagnosticReport)),
        ("_tag=x", Fault::UnknownParameter(Kind::DiagnosticReport)),
        ("code:text=x", Fault::UnknownModifier("code")),
        ("code:in=x", Fault::UnknownModifier("code")),
        ("date:exact=2024", Fault::UnknownModifier("date")),
        ("status:exact=final", Fault::UnknownModifier("status")),
        ("subject:patient=1", Fault::UnknownModifier("subject")),
        ("_id:not=1", Fault::UnknownModifier("_id")),
        ("_include:iterate=DiagnosticReport:result", Fault::UnknownModifier("_include")),
        ("_include=DiagnosticReport:subject", Fault::Value("_include")),
        ("_include=*", Fault::Value("_include")),
        ("patient=", Fault::Value("patient")),
        ("patient=a,,b", Fault::Value("patient")),
        ("patient=a b", Fault::Value("patient")),
        ("category=a|b|c", Fault::Value("category")),
        ("date=soon", Fault::Value("date")),
        ("date=gt", Fault::Value("date")),
        ("encounter:missing=maybe", Fault::Value("encounter")),
        ("_id=a b", Fault::Value("_id")),
        ("_count=-1", Fault::Value("_count")),
        ("_count=1&_count=2", Fault::Repeated("_count")),
        ("_total=some", Fault::Value("_total")),
        ("_summary=true", Fault::Value("_summary")),
    ] {
        assert_eq!(ask(Kind::DiagnosticReport, query).err(), Some(fault), "{query}");
    }
    let many = "status=final&".repeat(65);
    assert_eq!(ask(Kind::DiagnosticReport, &many).err(), Some(Fault::TooMany));
    let wide = format!("status={}", ["final"; 201].join(","));
    assert_eq!(ask(Kind::DiagnosticReport, &wide).err(), Some(Fault::TooMany));
    assert!(ask(Kind::Observation, "_include=DiagnosticReport:result").is_err());
}

#[test]
fn a_lenient_question_leaves_out_what_is_unknown_and_says_so() {
    let lenient = Settings { lenient: true, ..settings() };
    let query = read(Kind::DiagnosticReport, &pairs("nonsense=1&status=final"), lenient).unwrap();
    assert_eq!((query.ignored(), query.self_query().as_str()), (1, "status=final"));
    assert!(read(Kind::DiagnosticReport, &pairs("code:text=1"), lenient).is_err());
}

#[test]
fn the_index_is_asked_for_values_without_systems_and_only_where_every_alternative_is_indexed() {
    let terms = |kind, query: &str| {
        let query = ask(kind, query).unwrap();
        let groups = query.terms().iter();
        groups
            .map(|group| {
                group.iter().map(|term| format!("{:?} {}", term.field, term.value)).collect::<Vec<_>>().join(", ")
            })
            .collect::<Vec<_>>()
    };
    let report = Kind::DiagnosticReport;
    assert_eq!(
        terms(report, "patient=Patient/7&code=http://loinc.org|1-8,2-6&category=LAB"),
        ["Patient 7", "Code 1-8, Code 2-6"]
    );
    assert_eq!(terms(report, "subject=https://here.example/fhir/Patient/7"), ["Patient 7"]);
    assert_eq!(terms(report, "date=2024-03-05&date=2024-03"), ["Day 2024-03-05", "Month 2024-03"]);
    assert!(terms(report, "date=2024-03-05,2024").is_empty());
    assert!(terms(report, "date=ge2024-03-05&issued=2024-03-05").is_empty());
    assert!(terms(report, "code=1-8,http://loinc.org|&identifier:not=1&patient:missing=false").is_empty());
    assert_eq!(
        terms(Kind::Patient, "family:exact=Smith&birthdate=1970-01-31"),
        ["Family Smith", "BirthDate 1970-01-31"]
    );
    assert!(terms(Kind::Patient, "family=Smith&name:exact=Smith&birthdate=1970-01&birthdate=gt1970-01-31").is_empty());
}

#[test]
fn ids_are_narrowed_by_repetition_and_foreign_ones_match_nothing() {
    let ids = |query: &str| ask(Kind::Patient, query).unwrap().ids().map(<[_]>::len);
    assert_eq!(ids(&format!("_id={PATIENT},{OTHER}")), Some(2));
    assert_eq!(ids(&format!("_id={PATIENT},{OTHER}&_id={OTHER}")), Some(1));
    assert_eq!(ids("_id=example"), Some(0));
    assert_eq!(ids("active=true"), None);
}

#[test]
fn the_size_of_a_page_is_bounded_and_nought_means_count_only() {
    let report = |query: &str| ask(Kind::DiagnosticReport, query).unwrap();
    assert_eq!(report("status=final").count(), 20);
    assert_eq!(report("_count=7").count(), 7);
    assert_eq!(report("_count=9999999999").count(), 100);
    assert!(report("_count=0").only_count() && report("_summary=count").only_count());
    assert!(!report("_summary=false").only_count());
    assert_eq!(report("_total=accurate").total(), Total::Accurate);
}

#[test]
fn the_self_link_says_what_was_understood_and_the_cursor_carries_it_without_the_page_size() {
    let query =
        ask(Kind::DiagnosticReport, "code=http://loinc.org|1-8&_count=5&_format=json&date=ge2024-01-01T00:00:00+01:00")
            .unwrap();
    assert_eq!(query.self_query(), "code=http://loinc.org%7C1-8&date=ge2024-01-01T00:00:00%2B01:00&_count=5");
    assert_eq!(query.identity(), "code=http://loinc.org%7C1-8&date=ge2024-01-01T00:00:00%2B01:00");
    assert_eq!(query.asked_count(), Some(5));
}

#[test]
fn an_include_names_the_results_of_a_report() {
    let query = ask(Kind::DiagnosticReport, "_include=DiagnosticReport:result").unwrap();
    let found: Vec<_> = query.included(REPORT).into_iter().map(|(kind, id)| format!("{kind}/{id}")).collect();
    assert_eq!(
        found,
        ["Observation/0190a1b2-0000-8000-8000-00000000000a", "Observation/0190a1b2-0000-8000-8000-00000000000b"]
    );
    assert!(ask(Kind::DiagnosticReport, "status=final").unwrap().included(REPORT).is_empty());
}

#[test]
fn names_are_unique_in_each_type_and_every_type_that_is_served_has_some() {
    for kind in Kind::ALL.iter().filter(|kind| kind.is_fhir()) {
        let mut names: Vec<_> = parameters(*kind).iter().map(|parameter| parameter.name).collect();
        assert!(names.len() > 5, "{kind}");
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), parameters(*kind).len(), "{kind}");
    }
}

#[test]
fn a_patient_is_found_by_name_and_birth_date() {
    let patient = r#"{"resourceType":"Patient","name":[{"family":"Van der Berg","given":["José","Maria"],"prefix":["Dr."]}],"birthDate":"1970-01-31","gender":"female","active":true,"address":[{"city":"Ålesund"}]}"#;
    for (query, expected) in [
        ("family=van", true),
        ("family=berg", false),
        ("family:contains=berg", true),
        ("given=jose", true),
        ("given:exact=José", true),
        ("given:exact=Jose", false),
        ("name=maria", true),
        ("name=dr", true),
        ("name=van,zz", true),
        ("birthdate=1970", true),
        ("birthdate=1970-01-31", true),
        ("birthdate=lt1970-01-31", false),
        ("gender=FEMALE", true),
        ("gender=http://hl7.org/fhir/administrative-gender|female", true),
        ("active=true", true),
        ("active=false", false),
        ("address-city=alesund", true),
        ("death-date:missing=true", true),
    ] {
        assert_eq!(ask(Kind::Patient, query).unwrap().matches(Timestamp(0), patient), expected, "{query}");
    }
}

#[test]
fn a_resource_has_a_term_for_everything_the_index_may_be_asked() {
    let found: Vec<_> =
        terms(Kind::DiagnosticReport, REPORT).into_iter().map(|term| (term.field, term.value)).collect();
    assert_eq!(
        found,
        [
            (Field::Identifier, "ACC-1".to_owned()),
            (Field::Code, "58410-2".to_owned()),
            (Field::Code, "CBC".to_owned()),
            (Field::Patient, PATIENT.to_owned()),
            (Field::Day, "2024-03-05".to_owned()),
            (Field::Month, "2024-03".to_owned()),
        ]
    );
}

#[test]
fn a_match_on_a_large_report_is_quick_enough_to_be_done_for_every_candidate() {
    let report =
        REPORT.replace("\"result\":[", &format!("\"result\":[{}", "{\"reference\":\"Observation/1\"},".repeat(40)));
    let query = ask(Kind::DiagnosticReport, &format!("patient={PATIENT}&category=LAB")).unwrap();
    for _ in 0..1_000 {
        assert!(query.matches(Timestamp(0), &report));
    }
}

proptest! {
    /// The law of the index: what matches has, in every group asked for, one of the terms.
    #[test]
    fn what_matches_is_never_missed_by_the_index(
        code in "[a-cA-C]{1,2}",
        patient in 1u8..4,
        day in 1u8..4,
        asked in prop::collection::vec(prop_oneof![
            "[a-cA-C]{1,2}".prop_map(|code| format!("code={code}")),
            (1u8..4).prop_map(|patient| format!("patient=Patient/{patient}")),
            (1u8..4, 1u8..4).prop_map(|(a, b)| format!("subject={a},{b}")),
            (1u8..4).prop_map(|day| format!("date=2024-03-0{day}")),
            (1u8..4, 0u8..24).prop_map(|(day, hour)| format!("date=2024-03-0{day}T{hour:02}:30:00-05:00,2024-03")),
        ], 1..4),
    ) {
        let report = format!(
            r#"{{"code":{{"coding":[{{"code":"{code}"}}]}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2024-03-0{day}T23:30:00-05:00"}}"#
        );
        let query = ask(Kind::DiagnosticReport, &asked.join("&")).unwrap();
        if query.matches(Timestamp(0), &report) {
            let has: Vec<_> = terms(Kind::DiagnosticReport, &report)
                .into_iter()
                .map(|term| (term.field, domain::index::normalise(term.field, &term.value)))
                .collect();
            for group in query.terms() {
                let normal = |term: &domain::index::Term| (term.field, domain::index::normalise(term.field, &term.value));
                let found = group.iter().any(|term| has.contains(&normal(term)));
                prop_assert!(found);
            }
        }
    }

    #[test]
    fn no_query_makes_the_reader_panic(name in "[a-z_:.-]{0,12}", value in any::<String>()) {
        for kind in [Kind::DiagnosticReport, Kind::Patient] {
            for name in [name.as_str(), "date", "code", "name", "patient", "_id", "_lastUpdated"] {
                if let Ok(query) = read(kind, &[(name.to_owned(), value.clone())], settings()) {
                    let _ = query.matches(Timestamp(0), REPORT);
                    let _ = query.self_query();
                }
            }
        }
    }
}
