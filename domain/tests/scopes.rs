//! What a limited token reads, searches and lists, on the doubles of the ports: exactly the unlimited answer, filtered.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use domain::access::{Clinics, Context, Labels, Part, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use domain::administration::By;
use domain::double::{Installation, run};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::intake::{Delivery, Incoming, IncomingMember, IncomingRecord, Merge, NamedResult, Stage, Standing};
use domain::journal::Actor;
use domain::kind::Kind;
use domain::ports::Clock;
use domain::retrieval::{Caller, Page, ReadLabels, Refusal, Resource, Retrieval, Search, TotalMode};
use domain::time::Timestamp;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Content of these tests: words apart by a blank; a part of a scope fits when its value is one of them.
struct Words;

impl Merge for Words {
    fn merge(&self, _: Kind, _: &str, incoming: &str) -> String {
        incoming.to_owned()
    }

    fn standing(&self, _: &str) -> Standing {
        Standing { released: None, stage: Stage::Final, retracted: false }
    }

    fn retracted(&self, content: &str) -> String {
        content.to_owned()
    }

    fn named_result(&self, _: &str) -> Option<NamedResult> {
        None
    }
}

impl ReadLabels for Words {
    fn labels(&self, _: &str) -> Labels {
        Labels::NONE
    }

    fn fits(&self, _: Kind, part: &Part, content: &str) -> bool {
        content.split(' ').any(|word| word == part.value())
    }
}

struct House {
    doubles: Installation,
    tenant: TenantId,
}

fn patient(number: u8) -> RecordId {
    RecordId([0xa0 + number; 16])
}

fn report(number: u8) -> RecordId {
    RecordId([0x10 + number; 16])
}

fn row(number: u8, of: u8) -> RecordId {
    RecordId([number; 16]).in_family_of(&report(of))
}

const DOCTOR: RecordId = RecordId([0xd0; 16]);

impl House {
    /// Two patients with two reports each, a laboratory one and an imaging one, each with two rows; and a practitioner.
    async fn new() -> Self {
        let doubles = Installation::new(5).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(doubles.clock.now()) };
        let tenant = administration.add_tenant(&by, "North").await.unwrap().id;
        let house = Self { doubles, tenant };
        for number in 0..2 {
            house.store(Kind::Patient, patient(number), Some(patient(number)), &[]).await;
        }
        house.store(Kind::Practitioner, DOCTOR, None, &[]).await;
        for number in 0..4 {
            let word = if number % 2 == 0 { "LAB" } else { "RAD" };
            let rows = [(row(1, number), format!("{word} glucose")), (row(2, number), format!("{word} sodium"))];
            house.store(Kind::DiagnosticReport, report(number), Some(patient(number / 2)), &rows).await;
            house.store(Kind::DiagnosticReport, report(number), Some(patient(number / 2)), &rows).await;
        }
        house
    }

    async fn store(&self, kind: Kind, id: RecordId, of: Option<RecordId>, rows: &[(RecordId, String)]) {
        self.doubles.clock.advance(60);
        let now = self.doubles.clock.now();
        let head = rows.first().map_or("head", |(_, text)| text.split(' ').next().unwrap());
        let members = std::iter::once((kind, id, format!("{head} {}", now.0)))
            .chain(rows.iter().map(|(id, text)| (Kind::Observation, *id, format!("{text} {}", now.0))))
            .map(|(kind, id, content)| IncomingMember { kind, id, content })
            .collect();
        let record = IncomingRecord { kind, id, patient: of, as_of: now, members, terms: Vec::new() };
        let engine = self.subject(Role::IntegrationEngine, Scopes::Unrestricted, None);
        let delivery = Delivery {
            subject: &engine,
            clinic: None,
            workstation: "lab",
            address: "192.0.2.1".to_owned(),
            correlation: CorrelationId([1; 16]),
            received: now,
            bytes: b"MSH",
            identity: &[&now.0.to_be_bytes()],
        };
        let intake = self.doubles.intake(Arc::new(Words));
        let incoming = Incoming { records: vec![record], trace: "{}".to_owned(), held: None };
        intake.receive(&delivery, &incoming).await.unwrap();
    }

    fn subject(&self, role: Role, scopes: Scopes, compartment: Option<RecordId>) -> Subject {
        Subject {
            principal: Principal { id: "s".to_owned(), display: "S".to_owned(), kind: PrincipalKind::System },
            tenant: self.tenant,
            roles: Roles::of(&[role]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            scopes,
            compartment,
        }
    }

    fn caller(&self, scopes: &str, compartment: Option<RecordId>) -> Caller {
        let scopes = match scopes {
            "unlimited" => Scopes::Unrestricted,
            list => Scopes::Limited(list.split_whitespace().map(|scope| scope.parse().unwrap()).collect()),
        };
        Caller {
            subject: self.subject(Role::Provider, scopes, compartment),
            circumstances: Context::at(Timestamp(0)),
            workstation: "test".to_owned(),
            address: "192.0.2.2".to_owned(),
            correlation: CorrelationId([2; 16]),
            request: "GET".to_owned(),
        }
    }

    fn retrieval(&self) -> Retrieval {
        self.doubles.retrieval(Arc::new(Words))
    }

    async fn search(
        &self,
        caller: &Caller,
        kind: Kind,
        ids: Option<Vec<RecordId>>,
        include: bool,
    ) -> Result<Page, Refusal> {
        let results = |resource: &Resource| {
            let number = resource.id.0[0] - 0x10;
            vec![
                (Kind::Observation, row(1, number)),
                (Kind::Observation, row(2, number)),
                (Kind::Patient, patient(number / 2)),
                (Kind::Practitioner, DOCTOR),
            ]
        };
        let search = Search {
            kind,
            terms: Vec::new(),
            ids,
            matches: &|_| true,
            include: include.then_some(&results),
            count: 100,
            after: None,
            total: TotalMode::Accurate,
            only_count: false,
        };
        self.retrieval().search(caller, search).await
    }
}

fn names(resources: &[Resource]) -> BTreeSet<(Kind, RecordId)> {
    resources.iter().map(|resource| (resource.kind, resource.id)).collect()
}

/// Each list of scopes with the patient who was launched, and what is left of everything: kind, patient, words.
type Left = fn(Kind, Option<u8>, &str) -> bool;
const CASES: [(&str, Option<u8>, Left); 12] = [
    ("system/*.cruds", None, |_, _, _| true),
    ("user/*.rs", Some(1), |_, _, _| true),
    ("patient/*.rs", Some(1), |_, of, _| of.is_none_or(|of| of == 1)),
    ("patient/*.rs", None, |_, _, _| false),
    ("patient/Observation.rs", Some(0), |kind, of, _| kind == Kind::Observation && of == Some(0)),
    ("system/Observation.rs?category=LAB", None, |kind, _, text| kind == Kind::Observation && text.contains("LAB")),
    ("system/DiagnosticReport.rs?code=RAD", None, |kind, _, text| {
        kind == Kind::DiagnosticReport && text.contains("RAD")
    }),
    ("system/Observation.rs?category=LAB&code=sodium", None, |kind, _, text| {
        kind == Kind::Observation && text.contains("LAB sodium")
    }),
    ("system/Observation.rs?code=sodium system/Observation.rs?category=RAD", None, |kind, _, text| {
        kind == Kind::Observation && (text.contains("sodium") || text.contains("RAD"))
    }),
    ("patient/Observation.rs?category=LAB user/Patient.rs", Some(0), |kind, of, text| {
        (kind == Kind::Observation && of == Some(0) && text.contains("LAB")) || kind == Kind::Patient
    }),
    ("user/Practitioner.rs", None, |kind, _, _| kind == Kind::Practitioner),
    ("", Some(0), |_, _, _| false),
];

const KINDS: [Kind; 4] = [Kind::DiagnosticReport, Kind::Observation, Kind::Patient, Kind::Practitioner];

fn patient_of(kind: Kind, id: RecordId) -> Option<u8> {
    match kind {
        Kind::Patient => Some(id.0[0] - 0xa0),
        Kind::Practitioner => None,
        _ => Some((id.0[0] - 0x10) / 2),
    }
}

#[test]
fn what_a_limited_token_gets_is_the_unlimited_answer_filtered_no_more_and_no_less() {
    run(async {
        let house = House::new().await;
        let free = house.caller("unlimited", None);
        for (scopes, launched, left) in CASES {
            let limited = house.caller(scopes, launched.map(patient));
            for kind in KINDS {
                let whole = house.search(&free, kind, None, false).await.unwrap();
                assert!(whole.matches.len() > usize::from(kind != Kind::Practitioner));
                let expected: BTreeSet<_> = whole
                    .matches
                    .iter()
                    .filter(|resource| left(kind, patient_of(kind, resource.id), &resource.content))
                    .map(|resource| (kind, resource.id))
                    .collect();
                let ids: Vec<RecordId> = whole.matches.iter().map(|resource| resource.id).collect();
                for ids in [None, Some(ids)] {
                    match house.search(&limited, kind, ids, false).await {
                        Ok(page) => {
                            assert_eq!(names(&page.matches), expected, "{scopes} {kind}");
                            assert_eq!(page.total, Some(u64::try_from(expected.len()).unwrap()), "{scopes} {kind}");
                        }
                        Err(refusal) => {
                            assert_eq!((refusal, expected.len()), (Refusal::Forbidden, 0), "{scopes} {kind}")
                        }
                    }
                }
                for resource in &whole.matches {
                    let fits = expected.contains(&(kind, resource.id));
                    let read = house.retrieval().read(&limited, kind, resource.id).await;
                    let version = house.retrieval().version(&limited, kind, resource.id, 1).await;
                    let history = house.retrieval().history(&limited, kind, resource.id, 10, None).await;
                    if fits {
                        assert_eq!(read.unwrap().content, resource.content);
                        assert!(version.is_ok() && !history.unwrap().entries.is_empty());
                    } else {
                        let refused = (read.err(), version.err(), history.err());
                        assert_eq!(
                            refused,
                            (Some(Refusal::NotFound), Some(Refusal::NotFound), Some(Refusal::NotFound))
                        );
                    }
                }
            }
        }
    });
}

#[test]
fn each_included_resource_is_judged_by_the_scopes_of_its_own_type() {
    run(async {
        let house = House::new().await;
        let included = async |scopes: &str, launched: Option<u8>| {
            let caller = house.caller(scopes, launched.map(patient));
            let page = house.search(&caller, Kind::DiagnosticReport, Some(vec![report(0)]), true).await.unwrap();
            (page.matches.len(), names(&page.included))
        };
        let (observations, person, doctor) = (
            [(Kind::Observation, row(1, 0)), (Kind::Observation, row(2, 0))],
            (Kind::Patient, patient(0)),
            (Kind::Practitioner, DOCTOR),
        );
        let all = BTreeSet::from_iter(observations.into_iter().chain([person, doctor]));
        for (scopes, launched, expected) in [
            ("unlimited", None, all.clone()),
            ("system/*.rs", None, all.clone()),
            ("patient/*.rs", Some(0), all),
            ("system/DiagnosticReport.rs", None, BTreeSet::new()),
            ("system/DiagnosticReport.s system/Observation.r?code=sodium", None, BTreeSet::from([observations[1]])),
            ("system/DiagnosticReport.s system/Patient.r", None, BTreeSet::from([person])),
            ("system/DiagnosticReport.s patient/Patient.r patient/Practitioner.r", Some(1), BTreeSet::from([doctor])),
            ("system/DiagnosticReport.s system/Observation.s", None, BTreeSet::new()),
        ] {
            assert_eq!(included(scopes, launched).await, (1, expected), "{scopes}");
        }
    });
}

#[test]
fn reading_and_searching_are_apart() {
    run(async {
        let house = House::new().await;
        let reads = house.caller("system/DiagnosticReport.r", None);
        assert!(house.retrieval().read(&reads, Kind::DiagnosticReport, report(0)).await.is_ok());
        let searched = house.search(&reads, Kind::DiagnosticReport, None, false).await;
        assert_eq!(searched.err(), Some(Refusal::Forbidden));
        let searches =
            house.caller("system/DiagnosticReport.s system/Observation.r system/Observation.s?code=sodium", None);
        assert_eq!(house.search(&searches, Kind::DiagnosticReport, None, false).await.unwrap().matches.len(), 4);
        let read = house.retrieval().read(&searches, Kind::DiagnosticReport, report(0)).await;
        assert_eq!(read.err(), Some(Refusal::NotFound));
        assert_eq!(house.search(&searches, Kind::Observation, None, false).await.unwrap().matches.len(), 4);
        assert!(house.retrieval().read(&searches, Kind::Observation, row(1, 0)).await.is_ok(), "not sodium, and read");
    });
}

#[test]
fn a_token_opens_no_message() {
    run(async {
        let house = House::new().await;
        let all = house.caller("system/*.cruds", None);
        assert_eq!(house.retrieval().messages(&all, None, 10).await.err(), Some(Refusal::Forbidden));
        assert!(!house.retrieval().messages(&house.caller("unlimited", None), None, 10).await.unwrap().is_empty());
    });
}
