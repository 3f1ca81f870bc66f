//! Refusals over the doubles of the ports: what gets an entry, what is counted, and who is told to wait.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::access::{Context, Role, Roles, Subject};
use domain::administration::By;
use domain::audit::ChainId;
use domain::double::{Installation, run};
use domain::id::{CorrelationId, TenantId};
use domain::journal::Actor;
use domain::ports::{Clock, Store, Unavailable};
use domain::rate::Rate;
use domain::refusals::{Asked, INTERVAL_SECONDS, Refusal, RefusalLimits, Refusals, Wait};
use domain::ticket::TicketKey;
use std::sync::Arc;

const LIMITS: RefusalLimits = RefusalLimits {
    address: Rate { burst: 10, every_ms: 5_000 },
    chain: Rate { burst: 30, every_ms: 1_000 },
    started: Rate { burst: 3, every_ms: 1_000 },
    started_in_tenant: Rate { burst: 5, every_ms: 1_000 },
    tries: Rate { burst: 2, every_ms: 5_000 },
    returned: Rate { burst: 4, every_ms: 1_000 },
    places: 1_024,
};

struct House {
    doubles: Installation,
    refusals: Arc<Refusals>,
    tenant: TenantId,
}

impl House {
    fn new() -> Self {
        let doubles = Installation::new(1).unwrap();
        let administration = doubles.administration();
        run(administration.prepare_system()).unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(doubles.clock.now()) };
        let tenant = run(administration.add_tenant(&by, "North")).unwrap().id;
        let refusals = doubles.refusals(LIMITS).unwrap();
        Self { doubles, refusals, tenant }
    }

    fn refuse(&self, address: &str) -> Option<Wait> {
        self.try_to_refuse(address).unwrap()
    }

    fn try_to_refuse(&self, address: &str) -> Result<Option<Wait>, Unavailable> {
        let refusal = Refusal {
            chain: self.tenant,
            workstation: "portal",
            what: "Person",
            who: "",
            reason: "wrong-password",
            address,
            connection: None,
            correlation: CorrelationId([3; 16]),
        };
        run(self.refusals.record(&refusal))
    }

    /// How many entries of refusals are in the tenant's chain.
    fn entries(&self) -> usize {
        let block = run(self.doubles.store.entries(ChainId::from(self.tenant), 0, 10_000)).unwrap();
        String::from_utf8(block.lines).unwrap().matches("\"LoginFailed\"").count()
    }
}

#[test]
fn refusals_at_a_normal_rate_are_one_entry_each() {
    let house = House::new();
    for _ in 0..50 {
        assert_eq!(house.refuse("192.0.2.7"), None);
        house.doubles.clock.advance(5);
    }
    assert_eq!(house.entries(), 50);
    assert_eq!(run(house.refusals.summarise(true)), Ok(0), "there is nothing to sum up");
}

#[test]
fn a_flood_from_one_address_is_told_to_wait_and_becomes_one_entry() {
    let house = House::new();
    let answers: Vec<_> = (0..5_000).map(|_| house.refuse("192.0.2.7")).collect();
    assert!(answers[..10].iter().all(Option::is_none));
    assert!(answers[10..].iter().all(|answer| *answer == Some(Wait(5))));
    assert_eq!(house.entries(), 10);
    assert_eq!(run(house.refusals.summarise(false)), Ok(0), "not before its time");
    house.doubles.clock.advance(INTERVAL_SECONDS);
    assert_eq!(run(house.refusals.summarise(false)), Ok(1));
    assert_eq!((house.entries(), run(house.refusals.summarise(true))), (11, Ok(0)));
}

#[test]
fn a_refusal_whose_entry_is_not_written_is_counted() {
    let house = House::new();
    house.doubles.store.set_unavailable(true);
    assert_eq!(house.try_to_refuse("192.0.2.7"), Err(Unavailable));
    assert_eq!(run(house.refusals.summarise(true)), Err(Unavailable), "and it is kept for the next time");
    house.doubles.store.set_unavailable(false);
    assert_eq!((house.entries(), run(house.refusals.summarise(true)), house.entries()), (0, Ok(1), 1));
}

#[test]
fn whoever_comes_from_elsewhere_is_not_told_to_wait() {
    let house = House::new();
    (0..1_000).for_each(|_| {
        house.refuse("192.0.2.7");
    });
    assert_eq!(house.refuse("192.0.2.8"), None);
    assert_eq!(house.refusals.wait("192.0.2.8".parse().unwrap()), None);
    assert_eq!(house.refusals.wait("192.0.2.7".parse().unwrap()), Some(Wait(5)));
    assert_eq!(house.entries(), 11);
}

#[test]
fn a_flood_from_many_addresses_fills_no_chain_and_tells_nobody_to_wait() {
    let house = House::new();
    for number in 0..200 {
        assert_eq!(house.refuse(&format!("192.0.2.{number}")), None);
    }
    assert_eq!(house.entries(), 30);
    assert_eq!(run(house.refusals.summarise(true)), Ok(1));
}

#[test]
fn a_request_that_is_answered_counts_no_longer_and_one_that_is_left_does() {
    let house = House::new();
    let (address, other) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
    for _ in 0..100 {
        let started = house.doubles.clock.now();
        house.refusals.start(house.tenant, address).unwrap();
        house.refusals.finish(house.tenant, address, started);
    }
    (0..3).for_each(|_| house.refusals.start(house.tenant, address).unwrap());
    assert_eq!(house.refusals.start(house.tenant, address), Err(Wait(1)));
    (0..2).for_each(|_| house.refusals.start(house.tenant, other).unwrap());
    assert_eq!(house.refusals.start(house.tenant, other), Err(Wait(1)), "the tenant has too many");
    assert_eq!(run(house.refusals.summarise(true)), Ok(1), "who was sent away is counted");
}

#[test]
fn what_many_addresses_begin_together_keeps_nobody_from_signing_in() {
    let house = House::new();
    for number in 0..=255 {
        let address = std::net::Ipv4Addr::new(198, 51, 100, number).into();
        while house.refusals.leave(house.tenant, address).is_ok() {}
        while house.refusals.start(house.tenant, address).is_ok() {}
    }
    let honest = "192.0.2.7".parse().unwrap();
    assert_eq!(house.refusals.leave(house.tenant, honest), Ok(()));
    let left = house.doubles.clock.now();
    house.refusals.arrive(honest, left);
    (0..3).for_each(|_| house.refusals.leave(house.tenant, honest).unwrap());
    assert_eq!(house.refusals.leave(house.tenant, honest), Err(Wait(1)), "one address has too many");
}

#[test]
fn whoever_brings_answers_in_vain_is_not_listened_to_and_others_are() {
    let house = House::new();
    let (address, other) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
    let bring = |address, begun| house.refusals.may_return(house.tenant, address, begun);
    for _ in 0..100 {
        let right = bring(address, None).ok().unwrap();
        house.refusals.returned(&right);
    }
    for _ in 0..4 {
        assert!(bring(address, None).is_ok(), "it is taken at once, and stays so");
    }
    assert_eq!(bring(address, None).err(), Some(Wait(1)));
    assert!(bring(other, None).is_ok());
    assert_eq!(run(house.refusals.summarise(true)), Ok(1), "who was sent away is counted");
}

#[test]
fn what_an_address_brought_keeps_nobody_behind_it_from_finishing_what_they_began() {
    let house = House::new();
    let address = "192.0.2.7".parse().unwrap();
    let bring = |begun| house.refusals.may_return(house.tenant, address, begun);
    let (theirs, mine) = (TicketKey([1; 32]), TicketKey([2; 32]));
    let tries = std::iter::repeat_with(|| bring(Some(&theirs))).take_while(Result::is_ok).count();
    assert_eq!(tries, 6, "two of the sign-in and four of the address");
    assert_eq!(bring(Some(&theirs)).err(), Some(Wait(1)));
    let right = bring(Some(&mine)).ok().unwrap();
    house.refusals.returned(&right);
    assert!(bring(Some(&mine)).is_ok() && bring(Some(&mine)).is_ok());
    assert!(bring(Some(&mine)).is_err(), "what was given back was the sign-in's");
}

#[test]
fn what_the_signed_in_are_refused_is_bounded_as_the_rest_is() {
    let house = House::new();
    let (address, other) = ("192.0.2.7".parse().unwrap(), "192.0.2.8".parse().unwrap());
    let tell = |address| house.refusals.may_tell(Asked::Credential, house.tenant, address, "wrong-code");
    let told = std::iter::repeat_with(|| tell(address)).take(1_000).take_while(|told| *told == Ok(true)).count();
    assert!((1..1_000).contains(&told), "{told}");
    assert!(tell(address).is_err(), "the address waits");
    assert!(tell(other).is_ok());
    assert_eq!(run(house.refusals.summarise(true)), Ok(1));
}

#[test]
fn what_is_only_counted_is_told_as_what_it_was() {
    let house = House::new();
    let address = "192.0.2.7".parse().unwrap();
    house.refusals.count(house.tenant, address, "wrong");
    house.refusals.count_as(Asked::Provisioning, house.tenant, address, "invalid-value");
    house.refusals.count_as(Asked::Credential, house.tenant, address, "wrong-code");
    house.refusals.count_as(Asked::Refresh, TenantId::SYSTEM, address, "refreshed-too-often");
    assert_eq!(run(house.refusals.summarise(true)), Ok(4));
    for (chain, wanted) in [
        (
            house.tenant,
            &[r#""action":"LoginFailed""#, r#""action":"ProvisioningRefused""#, r#""action":"CredentialRefused""#][..],
        ),
        (TenantId::SYSTEM, &[r#""action":"RefreshRefused""#]),
    ] {
        let block = run(house.doubles.store.entries(ChainId::from(chain), 0, 1_000)).unwrap();
        let lines = String::from_utf8(block.lines).unwrap();
        for action in wanted {
            assert_eq!(lines.matches(action).count(), 1, "{action}");
        }
    }
}
