//! Emergency access over the doubles of the ports: what is in the chain, what waits to be told, who reviews what.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use domain::access::{self, Clinics, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use domain::audit::ChainId;
use domain::double::{Installation, MemoryTickets, run};
use domain::emergency::{Counts, Emergency, Listed, NotDone, Review, Smashing, Unreadable, Verdict, Waiting};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::ports::{Clock, Store, TenantKeyMaker};
use domain::retrieval::Caller;
use std::sync::Arc;

const TENANT: TenantId = TenantId([1; 16]);
const PATIENT: RecordId = RecordId([5; 16]);
const HOUR: i64 = 3_600;

struct House {
    doubles: Installation,
    emergency: Emergency,
}

impl House {
    fn new() -> Self {
        let doubles = Installation::new(3).unwrap();
        run(doubles.store.add_tenant_key(doubles.vault.make_tenant_key(TENANT, 1).unwrap())).unwrap();
        let book = doubles.book(Arc::new(MemoryTickets::default()));
        let emergency = doubles.emergency(&book);
        Self { doubles, emergency }
    }

    fn caller(&self, name: &str, role: Role) -> Caller {
        Caller {
            subject: Subject {
                principal: Principal { id: name.into(), display: format!("Dr {name}"), kind: PrincipalKind::Person },
                tenant: TENANT,
                roles: Roles::of(&[role]),
                clinics: Clinics::All,
                purpose: Purpose::Treatment,
                scopes: Scopes::Unrestricted,
                compartment: None,
            },
            circumstances: access::Context::console(self.doubles.clock.now()),
            workstation: "portal".into(),
            address: "192.0.2.7".into(),
            correlation: CorrelationId([9; 16]),
            request: "POST /break-glass".into(),
        }
    }

    fn smash(&self, name: &str) -> Review {
        let caller = self.caller(name, Role::Provider);
        let rule = run(self.emergency.may(&caller, true, Some(PATIENT))).unwrap();
        let smashing = Smashing {
            patient: PATIENT,
            session: RecordId([6; 16]),
            reason: "ETREAT",
            words: "unconscious, allergies unknown",
            rule,
            seconds: HOUR,
            alarm: true,
        };
        run(self.emergency.smash(&caller, &smashing)).unwrap()
    }

    /// The actions and outcomes of the tenant's chain.
    fn chain(&self) -> Vec<String> {
        let block = run(self.doubles.store.entries(ChainId::from(TENANT), 1, 1_000)).unwrap();
        let lines = String::from_utf8(block.lines).unwrap();
        let entry = |line: &str| serde_json::from_str::<serde_json::Value>(line.split_once(' ').unwrap().1).unwrap();
        let said = |entry: serde_json::Value| {
            format!("{} {}", entry["action"].as_str().unwrap(), entry["outcome"].as_str().unwrap())
        };
        lines.lines().map(entry).map(said).collect()
    }

    fn times(&self, entry: &str) -> usize {
        self.chain().iter().filter(|said| *said == entry).count()
    }
}

#[test]
fn breaking_writes_the_review_and_the_entry_together_and_waits_to_be_told() {
    let house = House::new();
    let review = house.smash("ada");
    assert_eq!(house.chain(), ["create success", "BreakGlassActivated success"]);
    let waiting = run(house.emergency.waiting()).unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((waiting[0].value.review, waiting[0].value.told), (review.id, false));
    assert_eq!(run(house.emergency.happened(&waiting[0].value)), Ok(Some(true)));
}

#[test]
fn a_ticket_whose_review_was_never_written_is_not_told_of() {
    let house = House::new();
    house.smash("ada");
    let mut waiting = run(house.emergency.waiting()).unwrap().remove(0).value;
    waiting.review = RecordId([8; 16]);
    assert_eq!(run(house.emergency.happened(&waiting)), Ok(None), "its request may still be at work");
    house.doubles.clock.advance(60);
    assert_eq!(run(house.emergency.happened(&waiting)), Ok(Some(false)));
}

#[test]
fn of_two_gateways_one_takes_an_attempt_and_the_telling_is_written_once() {
    let house = House::new();
    house.smash("ada");
    let one = run(house.emergency.waiting()).unwrap().remove(0);
    let other = run(house.emergency.waiting()).unwrap().remove(0);
    let taken = run(house.emergency.take_attempt(&one)).unwrap().unwrap();
    assert!(run(house.emergency.take_attempt(&other)).unwrap().is_none());
    assert!(taken.value.attempts == 1 && taken.value.next > house.doubles.clock.now());
    run(house.emergency.told(&taken, true)).unwrap();
    run(house.emergency.told(&other, true)).unwrap();
    assert_eq!(house.times("BreakGlassAlerted success"), 1);
    assert!(run(house.emergency.waiting()).unwrap()[0].value.told);
}

#[test]
fn the_end_is_written_once_whoever_sees_it_first() {
    let house = House::new();
    let review = house.smash("ada");
    let waiting = run(house.emergency.waiting()).unwrap().remove(0);
    run(house.emergency.over(&waiting, false)).unwrap();
    run(house.emergency.over(&waiting, true)).unwrap();
    let ada = house.caller("ada", Role::Provider);
    run(house.emergency.end(&ada, review.id, PATIENT, "ended by the person")).unwrap();
    assert_eq!(house.times("BreakGlassExpired success"), 1);
    assert_eq!(house.times("BreakGlassEnded success"), 0);
    assert!(run(house.emergency.waiting()).unwrap()[0].value.ended);
}

#[test]
fn a_new_alarm_waits_for_no_old_one_however_many_there_are() {
    let house = House::new();
    (0..205).for_each(|_| drop(house.smash("ada")));
    house.doubles.clock.advance(1);
    let newest = house.smash("bob");
    assert!(run(house.emergency.waiting()).unwrap().iter().any(|kept| kept.value.review == newest.id));
}

#[test]
fn of_a_breaking_from_before_it_was_noted_the_alarm_is_owed() {
    let house = House::new();
    house.smash("ada");
    let mut waiting = serde_json::to_value(&run(house.emergency.waiting()).unwrap()[0].value).unwrap();
    waiting.as_object_mut().unwrap().remove("alarm");
    assert!(serde_json::from_value::<Waiting>(waiting).unwrap().alarm);
}

#[test]
fn what_the_person_ended_does_not_expire() {
    let house = House::new();
    let review = house.smash("ada");
    let ada = house.caller("ada", Role::Provider);
    run(house.emergency.end(&ada, review.id, PATIENT, "ended by the person")).unwrap();
    run(house.emergency.over(&run(house.emergency.waiting()).unwrap()[0], false)).unwrap();
    assert_eq!((house.times("BreakGlassEnded success"), house.times("BreakGlassExpired success")), (1, 0));
}

#[test]
fn a_review_is_listed_opened_and_closed_once() {
    let house = House::new();
    let review = house.smash("ada");
    for role in [Role::Auditor, Role::ClinicalDirector] {
        let caller = house.caller("eve", role);
        let listed = run(house.emergency.reviews(&caller, true, None, 10)).unwrap().listed;
        assert_eq!(listed.iter().map(|review| review.id()).collect::<Vec<_>>(), [review.id], "{role:?}");
        assert_eq!(run(house.emergency.review(&caller, review.id)).unwrap().words, "unconscious, allergies unknown");
    }
    let eve = house.caller("eve", Role::Auditor);
    let close = |verdict, note: &str| run(house.emergency.close(&eve, review.id, verdict, note)).map(|_| ());
    assert_eq!(close(Verdict::NotJustified, "no"), Err(NotDone::Note));
    assert_eq!(close(Verdict::NotJustified, "the patient was not in the house"), Ok(()));
    assert_eq!(close(Verdict::Justified, ""), Err(NotDone::Closed));
    assert!(run(house.emergency.reviews(&eve, true, None, 10)).unwrap().listed.is_empty());
    let closed =
        run(house.emergency.reviews(&eve, false, None, 10)).unwrap().listed.remove(0).read().unwrap().closed.unwrap();
    assert_eq!((closed.verdict, closed.by.as_str()), (Verdict::NotJustified, "eve"));
    assert_eq!(house.times("BreakGlassReviewed success"), 1);
}

#[test]
fn what_a_list_leaves_out_is_not_recorded_as_looked_at() {
    let house = House::new();
    let old = house.smash("ada").id;
    house.doubles.clock.advance(1);
    let new = house.smash("bob").id;
    let eve = house.caller("eve", Role::Auditor);
    let mut before = None;
    for (id, more) in [(new, true), (old, false)] {
        let reviews = run(house.emergency.reviews(&eve, true, before, 1)).unwrap();
        assert_eq!((reviews.listed.iter().map(Listed::id).collect::<Vec<_>>(), reviews.more), (vec![id], more));
        let told = run(house.doubles.told(TENANT)).unwrap();
        assert_eq!(told.last().unwrap().context.returned, [format!("GlassReview/{id}")]);
        before = Some(id);
    }
}

#[test]
fn a_review_that_does_not_open_is_listed_as_such_and_hides_no_other() {
    let house = House::new();
    let (broken, whole) = (house.smash("ada").id, house.smash("bob").id);
    let mut stored = run(house.doubles.store.load(TENANT, &[broken])).unwrap().remove(0);
    let last = stored.sealed.len() - 1;
    stored.sealed[last] ^= 1;
    let arrival = stored.arrival;
    house.doubles.store.tamper(stored);
    let eve = house.caller("eve", Role::Auditor);
    let listed = run(house.emergency.reviews(&eve, true, None, 10)).unwrap().listed;
    let unreadable = Unreadable { id: broken, broken: arrival, open: true };
    assert!(listed.contains(&Listed::Unreadable(unreadable)));
    assert!(listed.iter().any(|review| matches!(review, Listed::Read(read) if read.id == whole)));
    for review in &listed {
        assert!(review.due(72) <= house.doubles.clock.now().plus_seconds(72 * 3_600));
        assert!(!review.is_overdue(72, arrival) && review.is_overdue(72, review.due(72)));
    }
    assert_eq!(house.times("IntegrityFailure failure"), 1);
    assert_eq!(run(house.emergency.review(&eve, broken)).map(|_| ()), Err(NotDone::Integrity));
}

#[test]
fn a_review_that_does_not_open_is_closed_with_what_was_found_and_by_nobody_themselves() {
    let house = House::new();
    let (broken, whole) = (house.smash("ada").id, house.smash("bob").id);
    let mut stored = run(house.doubles.store.load(TENANT, &[broken])).unwrap().remove(0);
    let last = stored.sealed.len() - 1;
    stored.sealed[last] ^= 1;
    house.doubles.store.tamper(stored);
    let eve = house.caller("eve", Role::Auditor);
    let close = |caller: &Caller, id, verdict, note: &str| {
        run(house.emergency.close(caller, id, verdict, note)).map(|review| review.person)
    };
    let found = "the record was altered in the database";
    assert_eq!(close(&eve, broken, Verdict::NotJustified, found), Err(NotDone::Integrity));
    assert_eq!(close(&eve, whole, Verdict::Unreadable, found), Err(NotDone::Readable));
    assert_eq!(close(&eve, broken, Verdict::Unreadable, ""), Err(NotDone::Note));
    let ada = house.caller("ada", Role::ClinicalDirector);
    assert_eq!(close(&ada, broken, Verdict::Unreadable, found), Err(NotDone::Own), "whose it is, the chain says");
    assert_eq!(close(&eve, broken, Verdict::Unreadable, found), Ok("ada".into()));
    for (verdict, note) in [(Verdict::Justified, ""), (Verdict::Unreadable, found)] {
        assert_eq!(close(&eve, broken, verdict, note), Err(NotDone::Closed));
    }
    let open = run(house.emergency.reviews(&eve, true, None, 10)).unwrap().listed;
    assert_eq!(open.iter().map(Listed::id).collect::<Vec<_>>(), [whole]);
    let closed = run(house.emergency.review(&eve, broken)).unwrap();
    assert_eq!((closed.patient, closed.correlation), (PATIENT, CorrelationId([9; 16])));
    assert_eq!(closed.closed.unwrap().note, found);
    let told = run(house.doubles.told(TENANT)).unwrap();
    let judged = told.iter().find(|told| told.action == "BreakGlassReviewed").unwrap();
    assert_eq!(judged.context.reason.as_deref(), Some(format!("unreadable: {found}").as_str()));
}

#[test]
fn nobody_reviews_their_own_and_nobody_without_the_role() {
    let house = House::new();
    let review = house.smash("ada");
    let own = house.caller("ada", Role::ClinicalDirector);
    assert_eq!(run(house.emergency.close(&own, review.id, Verdict::Justified, "")).map(|_| ()), Err(NotDone::Own));
    for role in [Role::Provider, Role::Staff, Role::ReadOnly, Role::Admin] {
        let caller = house.caller("eve", role);
        assert_eq!(run(house.emergency.reviews(&caller, true, None, 10)).map(|_| ()), Err(NotDone::Denied), "{role:?}");
        assert_eq!(run(house.emergency.review(&caller, review.id)).map(|_| ()), Err(NotDone::Denied));
        assert_eq!(
            run(house.emergency.close(&caller, review.id, Verdict::Justified, "")).map(|_| ()),
            Err(NotDone::Denied)
        );
    }
    assert_eq!(house.times("breakglass.review denied"), 13);
    let mut other = house.caller("eve", Role::Auditor);
    other.subject.tenant = TenantId([2; 16]);
    run(house.doubles.store.add_tenant_key(house.doubles.vault.make_tenant_key(TenantId([2; 16]), 1).unwrap()))
        .unwrap();
    assert_eq!(run(house.emergency.review(&other, review.id)).map(|_| ()), Err(NotDone::NotFound));
}

#[test]
fn whoever_showed_no_second_factor_breaks_nothing() {
    let house = House::new();
    let ada = house.caller("ada", Role::Provider);
    assert_eq!(run(house.emergency.may(&ada, false, Some(PATIENT))), Err(NotDone::Denied));
    assert_eq!(house.chain(), ["breakglass.start denied"]);
}

#[test]
fn open_reviews_are_counted_and_overdue_ones_told_apart() {
    let house = House::new();
    let first = house.smash("ada");
    house.doubles.clock.advance(71 * HOUR);
    house.smash("bob");
    let count = |hours| run(house.emergency.counts(TENANT, hours)).unwrap();
    assert_eq!(count(72), Counts { open: 2, overdue: 0 });
    house.doubles.clock.advance(HOUR);
    assert_eq!(count(72), Counts { open: 2, overdue: 1 });
    let eve = house.caller("eve", Role::Auditor);
    run(house.emergency.close(&eve, first.id, Verdict::Justified, "")).unwrap();
    assert_eq!(count(72), Counts { open: 1, overdue: 0 });
    assert_eq!(count(1), Counts { open: 1, overdue: 1 });
}
