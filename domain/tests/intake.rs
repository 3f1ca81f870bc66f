//! What becomes of a message, on the doubles of the ports.
#![expect(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use domain::access::{
    Clinics, Context, Label, Labels, Part, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject,
};
use domain::administration::By;
use domain::double::{Installation, run};
use domain::id::{ClinicId, CorrelationId, RecordId, TenantId};
use domain::index::{Field, Term};
use domain::intake::{Delivery, Hold, Incoming, IncomingMember, IncomingRecord, Merge, Received, Standing};
use domain::journal::Actor;
use domain::kind::Kind;
use domain::ports::{Clock, Store};
use domain::retrieval::{Caller, ReadLabels, Refusal, Retrieval, Search, TotalMode};
use domain::time::Timestamp;
use domain::write::Routing;
use std::sync::Arc;

/// Content of these tests: `status released text`, words apart by a blank.
struct Words;

impl Merge for Words {
    fn merge(&self, kind: Kind, stored: &str, incoming: &str) -> String {
        match kind {
            // A report names its results: what either names, the merged one does.
            Kind::DiagnosticReport if !incoming.contains(stored.split(' ').nth(2).unwrap_or_default()) => {
                format!("{incoming}+{}", stored.split(' ').nth(2).unwrap_or_default())
            }
            _ => incoming.to_owned(),
        }
    }

    fn standing(&self, content: &str) -> Standing {
        let mut words = content.split(' ');
        let settled = words.next() == Some("final");
        let released = words.next().and_then(|word| word.parse().ok()).map(Timestamp);
        Standing { released, settled }
    }
}

impl ReadLabels for Words {
    fn labels(&self, content: &str) -> Labels {
        if content.contains("restricted") { Labels::NONE.with(Label::VeryRestricted) } else { Labels::NONE }
    }

    fn fits(&self, _: Kind, part: &Part, content: &str) -> bool {
        content.contains(part.value())
    }
}

struct House {
    doubles: Installation,
    tenant: TenantId,
    sent: std::cell::Cell<u64>,
}

const PATIENT: RecordId = RecordId([0xa0; 16]);
const OTHER: RecordId = RecordId([0xb0; 16]);
const REPORT: RecordId = RecordId([0x11; 16]);

fn row(number: u8) -> RecordId {
    RecordId([number; 16]).in_family_of(&REPORT)
}

impl House {
    fn new() -> Self {
        let doubles = Installation::new(11).unwrap();
        let administration = doubles.administration();
        let tenant = run(async {
            administration.prepare_system().await.unwrap();
            let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
            let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
            let by = By { actor, context: Context::console(doubles.clock.now()) };
            administration.add_tenant(&by, "North").await.unwrap().id
        });
        Self { doubles, tenant, sent: std::cell::Cell::new(0) }
    }

    fn subject(&self, role: Role) -> Subject {
        Subject {
            principal: Principal { id: "s".to_owned(), display: "S".to_owned(), kind: PrincipalKind::System },
            tenant: self.tenant,
            roles: Roles::of(&[role]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            scopes: Scopes::Unrestricted,
            compartment: None,
        }
    }

    /// Sends a report made at `minute` with these rows; answers where the message stands.
    fn send(
        &self,
        patient: RecordId,
        clinic: Option<ClinicId>,
        minute: i64,
        head: &str,
        rows: &[(u8, &str)],
    ) -> Routing {
        let members = std::iter::once((Kind::DiagnosticReport, REPORT, head.to_owned()))
            .chain(rows.iter().map(|(number, text)| (Kind::Observation, row(*number), (*text).to_owned())))
            .map(|(kind, id, content)| IncomingMember { kind, id, content })
            .collect();
        let as_of = Timestamp(minute * 60_000_000);
        let term = Term { kind: Kind::DiagnosticReport, field: Field::Identifier, value: "F1".to_owned() };
        let record = IncomingRecord {
            kind: Kind::DiagnosticReport,
            id: REPORT,
            patient: Some(patient),
            as_of,
            members,
            terms: vec![term],
        };
        self.receive(clinic, Incoming { records: vec![record], trace: "{}".to_owned(), held: None })
    }

    fn receive(&self, clinic: Option<ClinicId>, incoming: Incoming) -> Routing {
        self.doubles.clock.advance(60);
        self.sent.set(self.sent.get() + 1);
        let engine = self.subject(Role::IntegrationEngine);
        let control_id = self.sent.get().to_string();
        let delivery = Delivery {
            subject: &engine,
            clinic,
            workstation: "lab",
            address: "192.0.2.1".to_owned(),
            correlation: CorrelationId([1; 16]),
            received: self.doubles.clock.now(),
            bytes: b"MSH",
            identity: &[control_id.as_bytes()],
        };
        let intake = self.doubles.intake(Arc::new(Words));
        match run(intake.receive(&delivery, &incoming)) {
            Ok(Received::Stored { routing, .. }) => routing,
            _ => panic!("the message is stored"),
        }
    }

    fn retrieval(&self) -> Retrieval {
        self.doubles.retrieval(Arc::new(Words))
    }

    fn caller(&self) -> Caller {
        Caller {
            subject: self.subject(Role::ReadOnly),
            circumstances: Context::at(self.doubles.clock.now()),
            workstation: "client".to_owned(),
            address: "192.0.2.2".to_owned(),
            correlation: CorrelationId([2; 16]),
            request: "test".to_owned(),
        }
    }

    fn read(&self, kind: Kind, id: RecordId) -> Result<String, Refusal> {
        run(self.retrieval().read(&self.caller(), kind, id)).map(|resource| resource.content)
    }

    fn report(&self) -> String {
        self.read(Kind::DiagnosticReport, REPORT).unwrap()
    }
}

#[test]
fn a_correction_becomes_a_version_and_rows_that_did_not_come_stay() {
    let house = House::new();
    assert_eq!(house.send(PATIENT, None, 10, "final - a", &[(1, "5.4"), (2, "7.0")]), Routing::Mapped);
    assert_eq!(house.send(PATIENT, None, 20, "final - a", &[(1, "5.5")]), Routing::Mapped);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "5.5");
    assert_eq!(house.read(Kind::Observation, row(2)).unwrap(), "7.0");
    let first = run(house.retrieval().version(&house.caller(), Kind::Observation, row(1), 1)).unwrap();
    assert_eq!(first.content, "5.4");
}

#[test]
fn a_row_that_only_an_older_message_has_is_served_and_what_is_stored_is_untouched() {
    let house = House::new();
    house.send(PATIENT, None, 30, "final - a", &[(1, "5.4")]);
    assert_eq!(house.send(PATIENT, None, 20, "final - b", &[(1, "0.0"), (2, "118 LL")]), Routing::Late);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "5.4");
    assert_eq!(house.read(Kind::Observation, row(2)).unwrap(), "118 LL");
    assert_eq!(house.report(), "final - a+b", "the stored report, with the results of both");
}

#[test]
fn what_is_not_final_never_replaces_what_is() {
    let house = House::new();
    house.send(PATIENT, None, 10, "final - a", &[(1, "140")]);
    assert_eq!(house.send(PATIENT, None, 10, "preliminary - a", &[(1, "1")]), Routing::Late);
    assert_eq!(house.send(PATIENT, None, 90, "preliminary - a", &[(1, "1")]), Routing::Late);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "140");
}

#[test]
fn a_release_is_compared_with_a_release_and_a_message_with_a_message() {
    let house = House::new();
    // The first has no release, so its message time counts, against that of the second.
    house.send(PATIENT, None, 15, "preliminary - a", &[(1, "118")]);
    assert_eq!(house.send(PATIENT, None, 20, "final 840000000 a", &[(1, "140")]), Routing::Mapped);
    // Both have one: an engine that sends an older release again, in a new message, brings older news.
    assert_eq!(house.send(PATIENT, None, 99, "final 830000000 a", &[(1, "1")]), Routing::Late);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "140");
}

#[test]
fn a_report_that_is_known_for_another_patient_waits_for_a_person() {
    let house = House::new();
    house.send(PATIENT, None, 10, "final - a", &[(1, "5.4")]);
    assert_eq!(house.send(OTHER, None, 20, "final - a", &[(1, "9.9")]), Routing::Quarantined);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "5.4");
}

#[test]
fn a_report_of_one_clinic_cannot_be_taken_over_through_another() {
    let house = House::new();
    let (north, south) = (Some(ClinicId([1; 16])), Some(ClinicId([2; 16])));
    house.send(PATIENT, north, 10, "final - a", &[(1, "5.4")]);
    assert_eq!(house.send(PATIENT, south, 20, "final - a", &[(1, "9.9")]), Routing::Quarantined);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "5.4");
}

#[test]
fn a_message_without_a_patient_is_kept_and_changes_nothing() {
    let house = House::new();
    let incoming = Incoming { records: Vec::new(), trace: "{}".to_owned(), held: Some(Hold::NoPatient) };
    assert_eq!(house.receive(None, incoming), Routing::Quarantined);
}

#[test]
fn a_stored_record_that_does_not_open_makes_a_work_item_and_does_not_stop_the_sender() {
    let house = House::new();
    house.send(PATIENT, None, 10, "final - a", &[(1, "5.4")]);
    let mut stored = run(house.doubles.store.load(house.tenant, &[REPORT])).unwrap().remove(0);
    if let Some(last) = stored.sealed.last_mut() {
        *last ^= 1;
    }
    house.doubles.store.tamper(stored);
    assert_eq!(house.send(PATIENT, None, 20, "final - a", &[(1, "9.9")]), Routing::Unmapped);
    assert_eq!(house.read(Kind::Observation, row(1)), Err(Refusal::Integrity));
}

#[test]
fn a_label_of_a_report_holds_for_its_observations_too() {
    let house = House::new();
    house.send(PATIENT, None, 10, "final - restricted", &[(1, "5.4")]);
    assert_eq!(house.read(Kind::DiagnosticReport, REPORT), Err(Refusal::NotFound));
    assert_eq!(house.read(Kind::Observation, row(1)), Err(Refusal::NotFound));
    let term = Term { kind: Kind::DiagnosticReport, field: Field::Identifier, value: "F1".to_owned() };
    let search = Search {
        kind: Kind::Observation,
        terms: vec![vec![term]],
        ids: None,
        matches: &|_| true,
        include: None,
        count: 10,
        after: None,
        total: TotalMode::None,
        only_count: false,
    };
    let page = run(house.retrieval().search(&house.caller(), search)).unwrap();
    assert_eq!((page.matches.len(), page.total), (0, Some(0)));
}
