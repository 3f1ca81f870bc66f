//! What becomes of a message, on the doubles of the ports.
#![expect(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use domain::access::{
    Clinics, Context, Label, Labels, Part, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject,
};
use domain::administration::By;
use domain::double::{Installation, run};
use domain::id::{ClinicId, CorrelationId, RecordId, TenantId};
use domain::index::{Field, Term};
use domain::intake::{
    Delivery, Hold, Incoming, IncomingMember, IncomingRecord, Merge, NamedResult, Received, Stage, Standing,
};
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
        let stage = match words.next() {
            Some("final") => Stage::Final,
            Some("corrected" | "error") => Stage::Revised,
            _ => Stage::Open,
        };
        let released = words.next().and_then(|word| word.parse().ok()).map(Timestamp);
        Standing { released, stage, retracted: content.starts_with("error") }
    }

    fn retracted(&self, _: &str) -> String {
        "error".to_owned()
    }

    /// `name=CODE@MINUTE value`, with `!` behind the minute where it acts on what is there, `?` where it is open.
    fn named_result(&self, content: &str) -> Option<NamedResult> {
        let (name, value) = content.strip_prefix("name=")?.split_once(' ')?;
        let (code, at) = name.split_once('@')?;
        let (acts, open) = (at.ends_with('!'), at.ends_with('?'));
        let at = at.trim_end_matches(['!', '?']).parse().ok().map(Timestamp);
        let codings = code.split('+').map(|code| (code[..1].to_owned(), code.to_owned())).collect();
        let (order, sub_id, value) = ("F1".to_owned(), String::new(), value.to_owned());
        Some(NamedResult { order, codings, sub_id, at, value, open, acts })
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
fn a_release_in_the_future_freezes_no_report() {
    let house = House::new();
    let (far, next) = (i64::MAX, 21 * 60_000_000);
    house.send(PATIENT, None, 20, &format!("final {far} a"), &[(1, "7.9 HH")]);
    assert_eq!(house.send(PATIENT, None, 30, &format!("final {next} a"), &[(1, "4.2")]), Routing::Mapped);
    assert_eq!(house.send(PATIENT, None, 40, &format!("corrected {next} a"), &[(1, "4.1")]), Routing::Mapped);
    assert_eq!(house.send(PATIENT, None, 39, &format!("corrected {far} a"), &[(1, "0")]), Routing::Late);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "4.1");
}

#[test]
fn what_has_come_further_and_was_sent_later_is_not_held_back_by_its_release() {
    let house = House::new();
    let head = |status, minute: i64| format!("{status} {} a", minute * 60_000_000);
    house.send(PATIENT, None, 25, &head("preliminary", 20), &[(1, "7.9 HH")]);
    assert_eq!(house.send(PATIENT, None, 26, &head("final", 19), &[(1, "4.1")]), Routing::Mapped);
    assert_eq!(house.send(PATIENT, None, 27, &head("corrected", 18), &[(1, "4.2")]), Routing::Mapped);
    // Sent again by an engine: as far as what is stored, or less.
    for (status, minute) in [("preliminary", 12), ("final", 13), ("corrected", 14)] {
        assert_eq!(house.send(PATIENT, None, 28, &head(status, minute), &[(1, "0")]), Routing::Late, "{status}");
    }
    // Made earlier, released later: two clocks, of which none is believed against the stage.
    assert_eq!(house.send(PATIENT, None, 22, &head("final", 21), &[(1, "0")]), Routing::Late);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "4.2");
    // Opened again by the lab, which says so by both.
    assert_eq!(house.send(PATIENT, None, 50, &head("preliminary", 49), &[(1, "5.0")]), Routing::Mapped);
}

#[test]
fn of_two_messages_of_one_second_the_one_that_has_come_further_stands() {
    for turned in [false, true] {
        let house = House::new();
        let mut both = [("corrected - a", "4.1"), ("final - a", "7.9")];
        if turned {
            both.reverse();
        }
        for (head, value) in both {
            house.send(PATIENT, None, 20, head, &[(1, value)]);
        }
        assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "4.1");
    }
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

/// Sends one row after another, each under an id of its own; returns what the last of them left.
fn after(house: &House, first: &[(u8, &str)], then: &[(u8, &str)]) -> Routing {
    assert_eq!(house.send(PATIENT, None, 10, "final - a", first), Routing::Mapped);
    house.send(PATIENT, None, 20, "final - a", then)
}

#[test]
fn a_correction_with_another_time_lands_on_the_one_result_of_its_name() {
    let house = House::new();
    assert_eq!(after(&house, &[(1, "name=La@10 7.9")], &[(2, "name=La@20! 5.4")]), Routing::Mapped);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "name=La@20! 5.4");
    assert!(house.read(Kind::Observation, row(2)).is_err(), "there is no second one");
    let first = run(house.retrieval().version(&house.caller(), Kind::Observation, row(1), 1)).unwrap();
    assert_eq!(first.content, "name=La@10 7.9");
}

#[test]
fn a_final_value_with_another_time_replaces_the_preliminary_one() {
    let house = House::new();
    assert_eq!(after(&house, &[(1, "name=La@10? 7.9")], &[(2, "name=La@20 5.4")]), Routing::Mapped);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "name=La@20 5.4");
    assert!(house.read(Kind::Observation, row(2)).is_err());
}

#[test]
fn a_further_value_of_a_series_is_a_result_of_its_own() {
    let house = House::new();
    assert_eq!(after(&house, &[(1, "name=La@10 7.9")], &[(2, "name=La@20 5.4")]), Routing::Mapped);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "name=La@10 7.9");
    assert_eq!(house.read(Kind::Observation, row(2)).unwrap(), "name=La@20 5.4");
}

#[test]
fn a_code_more_makes_no_second_result_and_another_local_code_does() {
    let house = House::new();
    assert_eq!(after(&house, &[(1, "name=La+Sx@10 7.9")], &[(2, "name=Lb+Sx@10 5.4")]), Routing::Mapped);
    assert!(house.read(Kind::Observation, row(2)).is_ok(), "two local codes with one standard code stay two");
    let house = House::new();
    assert_eq!(after(&house, &[(1, "name=La@10 7.9")], &[(2, "name=La+Sx@10 5.4")]), Routing::Mapped);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "name=La+Sx@10 5.4");
    assert!(house.read(Kind::Observation, row(2)).is_err());
}

#[test]
fn a_correction_of_one_of_several_lands_by_its_time_or_waits_for_a_person() {
    let stored = [(1, "name=La@10 7.9"), (2, "name=La@20 8.1")];
    let house = House::new();
    assert_eq!(after(&house, &stored, &[(3, "name=La@20! 5.4")]), Routing::Mapped);
    assert_eq!(house.read(Kind::Observation, row(2)).unwrap(), "name=La@20! 5.4");
    let house = House::new();
    assert_eq!(after(&house, &stored, &[(3, "name=La@30! 5.4")]), Routing::Quarantined);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "name=La@10 7.9");
    let house = House::new();
    let told_apart = [(3, "name=La@30! 5.4"), (4, "name=La@40! 5.5")];
    assert_eq!(after(&house, &stored[..1], &told_apart), Routing::Quarantined, "two rows never mean one");
}

#[test]
fn a_row_whose_place_decides_waits_for_a_person_where_others_of_its_time_did_not_come() {
    let stored = [(1, "name=La@10 5.1"), (2, "name=La@10 7.2")];
    let house = House::new();
    assert_eq!(after(&house, &stored, &[(1, "name=La@10! 7.9")]), Routing::Quarantined);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "name=La@10 5.1");
    let house = House::new();
    assert_eq!(after(&house, &stored, &[(1, "name=La@10 5.1")]), Routing::Mapped, "it says what is stored");
    let house = House::new();
    assert_eq!(after(&house, &stored, &[(1, "name=La@10! 5.2"), (2, "name=La@10 7.2")]), Routing::Mapped);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "name=La@10! 5.2");
}

#[test]
fn of_a_report_that_was_taken_back_no_result_stands() {
    let house = House::new();
    house.send(PATIENT, None, 10, "final - a", &[(1, "5.4"), (2, "7.0")]);
    assert_eq!(house.send(PATIENT, None, 20, "error - a", &[(1, "5.4"), (3, "8.8")]), Routing::Mapped);
    for number in 1..=3 {
        assert_eq!(house.read(Kind::Observation, row(number)).unwrap(), "error", "{number}");
    }
    let house = House::new();
    house.send(PATIENT, None, 10, "error - a", &[(1, "5.4")]);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "error", "whoever had nothing before sees nothing");
    let house = House::new();
    house.send(PATIENT, None, 20, "final - a", &[(1, "5.4")]);
    assert_eq!(house.send(PATIENT, None, 10, "error - a", &[]), Routing::Late);
    assert_eq!(house.read(Kind::Observation, row(1)).unwrap(), "5.4", "sent before it was put right");
}
