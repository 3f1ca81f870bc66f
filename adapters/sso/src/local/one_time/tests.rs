//! Vectors, replay, tries, and many at once.

use super::*;
use domain::double::{self, FixedClock, MemoryTickets};
use domain::ports::Clock;
use proptest::prelude::*;

const TENANT: TenantId = TenantId([1; 16]);
const ALICE: RecordId = RecordId([2; 16]);
/// "12345678901234567890", the SHA-1 key of RFC 6238 appendix B.
const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

struct House {
    codes: Arc<OneTimePasswords>,
    clock: Arc<FixedClock>,
    secret: Hidden,
}

fn house(seconds: i64) -> House {
    let clock = Arc::new(FixedClock::new(Timestamp(0).plus_seconds(seconds)));
    let book = double::book(Arc::new(MemoryTickets::default()), &clock);
    House { codes: Arc::new(OneTimePasswords::new(Arc::new(book))), clock, secret: Hidden::new(SECRET.to_owned()) }
}

impl House {
    async fn accept(&self, code: &str) -> Result<(), Reason> {
        let accepted = self.codes.accept(TENANT, ALICE, &self.secret, code, self.clock.now()).await;
        accepted.map_err(|refusal| refusal.reason)
    }

    fn code(&self, steps: i64) -> String {
        let seconds = self.clock.now().plus_seconds(steps.saturating_mul(STEP_SECONDS)).millis() / 1_000;
        totp(&self.secret).unwrap().generate(seconds).to_string()
    }
}

#[tokio::test]
async fn the_codes_of_rfc_6238_are_accepted_at_their_times() {
    // Appendix B, SHA-1; the last six of eight digits, since a code is the same number modulo 10^6 (RFC 4226 §5.3).
    for (seconds, code) in [
        (59, "287082"),
        (1_111_111_109, "081804"),
        (1_111_111_111, "050471"),
        (1_234_567_890, "005924"),
        (2_000_000_000, "279037"),
        (20_000_000_000, "353130"),
    ] {
        assert_eq!(house(seconds).accept(code).await, Ok(()), "{seconds}");
        assert_eq!(house(seconds + 3 * STEP_SECONDS).accept(code).await, Err(Reason::WrongCode), "{seconds}");
    }
}

#[tokio::test]
async fn a_clock_may_be_one_step_ahead_or_behind() {
    for (steps, outcome) in
        [(-2, Err(Reason::WrongCode)), (-1, Ok(())), (0, Ok(())), (1, Ok(())), (2, Err(Reason::WrongCode))]
    {
        let house = house(1_700_000_010);
        assert_eq!(house.accept(&house.code(steps)).await, outcome, "{steps}");
    }
}

#[tokio::test]
async fn the_same_code_twice_is_refused() {
    let house = house(1_700_000_010);
    let code = house.code(0);
    assert_eq!(house.accept(&code).await, Ok(()));
    assert_eq!(house.accept(&code).await, Err(Reason::CodeUsed));
    house.clock.advance(STEP_SECONDS);
    assert_eq!(house.accept(&code).await, Err(Reason::CodeUsed), "while it would still hold");
    assert_eq!(house.accept(&house.code(0)).await, Ok(()));
}

#[tokio::test]
async fn an_earlier_step_after_a_newer_is_refused() {
    let house = house(1_700_000_010);
    let (earlier, newer) = (house.code(-1), house.code(1));
    assert_eq!(house.accept(&newer).await, Ok(()));
    assert_eq!(house.accept(&earlier).await, Err(Reason::CodeUsed));
    assert_eq!(house.accept(&house.code(0)).await, Err(Reason::CodeUsed));
}

#[tokio::test]
async fn after_five_wrong_codes_the_right_one_is_refused_until_the_window_ends() {
    let house = house(1_700_000_010);
    for _ in 0..TRIES {
        assert_eq!(house.accept("000000").await, Err(Reason::WrongCode));
    }
    assert_eq!(house.accept(&house.code(0)).await, Err(Reason::TooManyCodes(900)));
    house.clock.advance(WINDOW_SECONDS - 1);
    assert_eq!(house.accept(&house.code(0)).await, Err(Reason::TooManyCodes(1)));
    house.clock.advance(1);
    assert_eq!(house.accept(&house.code(0)).await, Ok(()));
}

#[tokio::test]
async fn ten_thousand_guesses_are_five_tries() {
    let house = house(1_700_000_010);
    let mut tried = 0;
    for guess in 0..10_000 {
        tried += u32::from(house.accept(&format!("{guess:06}")).await == Err(Reason::WrongCode));
    }
    assert_eq!(tried, TRIES);
}

#[tokio::test]
async fn a_right_code_begins_a_new_count() {
    let house = house(1_700_000_010);
    for _ in 0..3 {
        for _ in 0..4 {
            assert_eq!(house.accept("000000").await, Err(Reason::WrongCode));
        }
        assert_eq!(house.accept(&house.code(0)).await, Ok(()));
        house.clock.advance(STEP_SECONDS);
    }
}

#[tokio::test]
async fn a_code_is_read_with_spaces_and_as_six_digits_only() {
    for text in ["", "28708", "2870820", "0287082", "+87082", "28708a", "\u{ff12}87082", "287\u{0}082"] {
        assert_eq!(house(59).accept(text).await, Err(Reason::WrongCode), "{text}");
    }
    assert_eq!(house(59).accept(" 287 082 ").await, Ok(()));
}

#[tokio::test]
async fn accounts_do_not_share_steps_or_tries() {
    let house = house(1_700_000_010);
    let code = house.code(0);
    assert_eq!(house.accept(&code).await, Ok(()));
    let now = house.clock.now();
    assert!(house.codes.accept(TENANT, RecordId([3; 16]), &house.secret, &code, now).await.is_ok());
    assert!(house.codes.accept(TenantId([4; 16]), ALICE, &house.secret, &code, now).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_show_the_same_code_at_once_one_succeeds() {
    for _ in 0..20 {
        let house = Arc::new(house(1_700_000_010));
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let house = Arc::clone(&house);
                tokio::spawn(async move { house.accept(&house.code(0)).await })
            })
            .collect();
        let mut accepted = 0;
        for task in tasks {
            accepted += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!(accepted, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn guesses_at_once_are_counted_one_by_one() {
    let house = Arc::new(house(1_700_000_010));
    let tasks: Vec<_> = (0..64)
        .map(|guess| {
            let house = Arc::clone(&house);
            tokio::spawn(async move { house.accept(&format!("{guess:06}")).await })
        })
        .collect();
    let mut wrong = 0;
    for task in tasks {
        wrong += u32::from(task.await.unwrap() == Err(Reason::WrongCode));
    }
    assert_eq!(wrong, TRIES);
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_accepts_nothing() {
    let house = house(59);
    for broken in ["", "GEZDGNBV", "not base 32", "0189"] {
        let refused =
            house.codes.accept(TENANT, ALICE, &Hidden::new(broken.to_owned()), "287082", house.clock.now()).await;
        assert_eq!(refused, Err(Reason::NotEnrolled.into()), "{broken}");
    }
}

#[test]
fn a_drawn_secret_has_160_bits_and_an_address_an_app_reads() {
    let house = house(59);
    let enrolment = house.codes.draw("Riverside Clinic: A&B", "zoë@ward?").unwrap();
    let secret = enrolment.secret.expose();
    assert_eq!(totp_rs::Secret::try_from_base32(secret).unwrap().as_bytes().len(), 20);
    assert!(!secret.contains('='));
    assert_eq!(
        enrolment.uri.expose(),
        format!(
            "otpauth://totp/Riverside%20Clinic%3A%20A%26B%3Azo%C3%AB%40ward%3F?secret={secret}\
             &issuer=Riverside%20Clinic%3A%20A%26B&algorithm=SHA1&digits=6&period=30"
        )
    );
    assert_ne!(house.codes.draw("a", "b").unwrap().secret, enrolment.secret);
}

proptest! {
    #[test]
    fn steps_only_ever_move_forward(moves in prop::collection::vec((-40_i64..40, -2_i64..3), 1..40)) {
        domain::double::run(async {
            let house = house(1_700_000_000);
            let mut last = i64::MIN;
            for (seconds, steps) in moves {
                house.clock.advance(seconds);
                let step = house.clock.now().0.div_euclid(30_000_000).saturating_add(steps);
                if house.accept(&house.code(steps)).await.is_ok() {
                    assert!(step > last, "{step} after {last}");
                    last = step;
                }
            }
        });
    }
}

#[tokio::test]
async fn guesses_with_clocks_that_differ_share_one_window() {
    let house = house(1_700_000_010);
    for _ in 0..TRIES {
        assert_eq!(house.accept("000000").await, Err(Reason::WrongCode));
        house.clock.advance(-1);
    }
    assert!(matches!(house.accept("000000").await, Err(Reason::TooManyCodes(_))));
}

#[tokio::test]
async fn a_clock_that_was_days_ahead_locks_nobody_out() {
    let house = house(1_700_000_010 + 10 * 86_400);
    assert_eq!(house.accept(&house.code(0)).await, Ok(()));
    house.clock.advance(-10 * 86_400);
    let code = house.code(0);
    assert_eq!(house.accept(&code).await, Ok(()));
    assert_eq!(house.accept(&code).await, Err(Reason::CodeUsed));
}
