//! The laws of the throttle.

use super::*;
use proptest::prelude::*;

const TENANT: TenantId = TenantId([1; 16]);
const START: Timestamp = Timestamp(1_700_000_000_000_000);
const BROWSER: Option<[u8; 16]> = Some([5; 16]);

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn admit(throttle: &Throttle, name: &str, from: &str, now: Timestamp) -> Result<Admission, Wait> {
    throttle.admit(TENANT, name, address(from), None, now)
}

/// Fails until told to wait; returns how many failures there were.
fn fail_until_wait(throttle: &Throttle, name: &str, from: &str, now: Timestamp) -> u32 {
    let mut failures = 0;
    while let Ok(admission) = admit(throttle, name, from, now) {
        failures = throttle.failed(&admission, now).count;
    }
    failures
}

#[test]
fn an_account_is_guessed_at_six_times_before_a_delay() {
    let throttle = Throttle::new(ThrottleLimits::default());
    assert_eq!(fail_until_wait(&throttle, "alice", "192.0.2.1", START), 6);
    assert_eq!(admit(&throttle, "alice", "198.51.100.1", START).err(), Some(Wait(1)), "wherever it comes from");
    assert!(admit(&throttle, "bob", "192.0.2.1", START).is_ok(), "another account");
    assert!(throttle.admit(TenantId([2; 16]), "alice", address("192.0.2.1"), None, START).is_ok(), "another tenant");
}

#[test]
fn spellings_of_a_name_are_one_name() {
    let throttle = Throttle::new(ThrottleLimits::default());
    fail_until_wait(&throttle, "alice", "192.0.2.1", START);
    for name in ["Alice", " ALICE ", "\u{ff41}lice", "al\u{131}ce"] {
        assert!(admit(&throttle, name, "192.0.2.1", START).is_err(), "{name}");
    }
}

#[test]
fn names_that_are_sent_away_push_nobodys_failures_out() {
    let network = Rate { burst: 6, every_ms: 1_000_000 };
    let throttle = Throttle::new(ThrottleLimits { remembered: 8, network, ..ThrottleLimits::default() });
    assert_eq!(fail_until_wait(&throttle, "alice", "192.0.2.1", START), 6);
    for name in 0..200 {
        assert!(admit(&throttle, &name.to_string(), "192.0.2.1", START).is_err());
    }
    assert!(admit(&throttle, "alice", "198.51.100.1", START).is_err(), "her failures are still known");
}

#[test]
fn delays_double_up_to_a_quarter_of_an_hour_and_never_lock() {
    let throttle =
        Throttle::new(ThrottleLimits { account: Rate { burst: 1_000, every_ms: 1 }, ..ThrottleLimits::default() });
    let (mut now, mut waits) = (START, Vec::new());
    for _ in 0..40 {
        let admission = match admit(&throttle, "alice", "192.0.2.1", now) {
            Ok(admission) => admission,
            Err(Wait(seconds)) => {
                waits.push(seconds);
                now = now.plus_seconds(i64::from(seconds));
                admit(&throttle, "alice", "192.0.2.1", now).unwrap()
            }
        };
        let _ = throttle.failed(&admission, now);
    }
    assert_eq!(waits[..11], [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900]);
    assert!(waits[11..].iter().all(|wait| *wait == MAX_DELAY_SECONDS));
}

#[test]
fn a_browser_that_signed_in_before_is_admitted_during_an_attack() {
    let throttle = Throttle::new(ThrottleLimits::default());
    for octet in 0..=255 {
        fail_until_wait(&throttle, "alice", &format!("198.51.{octet}.1"), START);
    }
    while admit(&throttle, "someone", "203.0.113.1", START).is_ok() {}
    assert!(admit(&throttle, "alice", "192.0.2.1", START).is_err());
    let admission = throttle.admit(TENANT, "alice", address("198.51.100.1"), BROWSER, START).unwrap();
    throttle.succeeded(&admission, START);
    assert!(admit(&throttle, "alice", "192.0.2.1", START).is_err(), "the owner's success does not help the attacker");
}

#[test]
fn a_known_browser_is_slowed_down_by_its_own_failures() {
    let throttle = Throttle::new(ThrottleLimits::default());
    let mut failures = 0;
    while let Ok(admission) = throttle.admit(TENANT, "alice", address("192.0.2.1"), BROWSER, START) {
        failures = throttle.failed(&admission, START).count;
    }
    assert_eq!(failures, 6);
    assert!(throttle.admit(TENANT, "alice", address("192.0.2.1"), Some([6; 16]), START).is_ok(), "another browser");
    assert!(throttle.admit(TENANT, "bob", address("192.0.2.1"), BROWSER, START).is_ok(), "another account");
}

#[test]
fn a_network_that_tries_many_accounts_is_slowed_down() {
    let throttle = Throttle::new(ThrottleLimits::default());
    let spray = |from: &str| (0..200).filter(|n| admit(&throttle, &format!("{from}{n}"), from, START).is_ok()).count();
    assert_eq!(spray("192.0.2.1"), 60);
    assert!(admit(&throttle, "alice", "192.0.2.200", START).is_err(), "the same /24");
    assert!(admit(&throttle, "alice", "::ffff:192.0.2.77", START).is_err(), "the same, mapped into IPv6");
    assert!(admit(&throttle, "alice", "192.0.3.1", START).is_ok());
    assert!(admit(&throttle, "bob", "2001:db8:0:1ff::1", START).is_ok());
    assert_eq!(spray("2001:db8:0:100::1"), 38, "what the bucket of everybody still held");
}

#[test]
fn whoever_signs_in_rightly_uses_up_nothing() {
    let throttle = Throttle::new(ThrottleLimits::default());
    for number in 0..500 {
        let admission = admit(&throttle, &format!("nurse{number}"), "192.0.2.1", START).unwrap();
        throttle.succeeded(&admission, START);
    }
    for _ in 0..500 {
        let admission = admit(&throttle, "alice", "192.0.2.1", START).unwrap();
        throttle.not_tried(&admission, START);
    }
}

#[test]
fn a_success_forgets_failures_and_so_does_a_day() {
    let throttle = Throttle::new(ThrottleLimits::default());
    for _ in 0..4 {
        for _ in 0..5 {
            let admission = admit(&throttle, "alice", "192.0.2.1", START).unwrap();
            let _ = throttle.failed(&admission, START);
            throttle.not_tried(&admission, START);
        }
        let admission = admit(&throttle, "alice", "192.0.2.1", START).unwrap();
        throttle.succeeded(&admission, START);
    }
    fail_until_wait(&throttle, "bob", "192.0.2.1", START);
    let later = START.plus_seconds(FORGET_SECONDS);
    let admission = admit(&throttle, "bob", "192.0.2.1", later).unwrap();
    assert_eq!(throttle.failed(&admission, later).count, 1);
}

#[test]
fn the_twentieth_failure_in_a_row_is_told_once() {
    let throttle =
        Throttle::new(ThrottleLimits { account: Rate { burst: 1_000, every_ms: 1 }, ..ThrottleLimits::default() });
    let (mut now, mut alerts) = (START, Vec::new());
    for _ in 0..30 {
        now = now.plus_seconds(i64::from(MAX_DELAY_SECONDS));
        let admission = admit(&throttle, "alice", "192.0.2.1", now).unwrap();
        let failures = throttle.failed(&admission, now);
        if failures.alert {
            alerts.push(failures.count);
        }
    }
    assert_eq!(alerts, [ALERT_AT]);
}

#[test]
fn what_is_remembered_is_bounded() {
    let throttle = Throttle::new(ThrottleLimits {
        everybody: Rate { burst: 1_000_000, every_ms: 1 },
        remembered: 100,
        ..ThrottleLimits::default()
    });
    for number in 0..10_000_u32 {
        let from = IpAddr::V4(Ipv4Addr::from_bits(number << 8));
        let _ = throttle.admit(TENANT, &number.to_string(), from, None, START);
        let _ = throttle.admit(TENANT, &number.to_string(), from, Some([7; 16]), START);
    }
    let state = throttle.state();
    assert_eq!((state.accounts.len(), state.networks.len(), state.browsers.len()), (100, 100, 100));
}

proptest! {
    #[test]
    fn no_window_admits_more_at_an_account_than_its_bucket_holds(
        steps in prop::collection::vec((0_i64..20_000_000, any::<u8>(), any::<bool>()), 1..200),
    ) {
        let limits = ThrottleLimits::default();
        let throttle = Throttle::new(limits);
        let (mut now, mut admitted) = (START, Vec::new());
        for (step, network, fails) in steps {
            now = Timestamp(now.0.saturating_add(step));
            if let Ok(admission) = admit(&throttle, "alice", &format!("10.0.{network}.1"), now) {
                admitted.push(now.0);
                if fails {
                    let _ = throttle.failed(&admission, now);
                }
            }
        }
        prop_assert!(domain::rate::no_window_has_more(&admitted, limits.account));
    }

    #[test]
    fn time_never_makes_the_wait_end_later(failures in 0_u32..30, early in 0_i64..2_000, more in 0_i64..2_000) {
        let wait = |seconds: i64| {
            let throttle = Throttle::new(ThrottleLimits { remembered: 16, ..ThrottleLimits::default() });
            for _ in 0..failures {
                if let Ok(admission) = admit(&throttle, "alice", "192.0.2.1", START) {
                    let _ = throttle.failed(&admission, START);
                }
            }
            admit(&throttle, "alice", "192.0.2.1", START.plus_seconds(seconds)).err().map_or(0, |Wait(seconds)| seconds)
        };
        prop_assert!(wait(early.saturating_add(more)) <= wait(early));
    }

    #[test]
    fn whoever_waits_as_told_is_admitted_however_often_they_failed(failures in 0_u32..60) {
        let throttle = Throttle::new(ThrottleLimits { remembered: 16, ..ThrottleLimits::default() });
        let mut now = START;
        for _ in 0..failures {
            let admission = match admit(&throttle, "alice", "192.0.2.1", now) {
                Ok(admission) => admission,
                Err(Wait(seconds)) => {
                    now = now.plus_seconds(i64::from(seconds));
                    let admitted = admit(&throttle, "alice", "192.0.2.1", now);
                    prop_assert!(admitted.is_ok());
                    admitted.unwrap()
                }
            };
            let _ = throttle.failed(&admission, now);
        }
    }
}
