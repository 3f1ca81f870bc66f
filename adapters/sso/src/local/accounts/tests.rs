//! Whole sign-ins, and what they do not tell.

use super::super::fixture::{PASSWORD, TENANT, account, accounts, attempt};
use super::super::one_time::STEP_SECONDS;
use super::super::refusal::Face;
use super::super::throttle::{ALERT_AT, FREE_FAILURES, MAX_DELAY_SECONDS, Rate};
use super::*;
use domain::access::{Role, Roles};
use domain::directory::LOCAL_ISSUER;
use domain::double::FixedClock;
use domain::ports::Clock;

struct House {
    accounts: Arc<Accounts>,
    clock: Arc<FixedClock>,
    alice: Account,
}

/// Alice has a password and no second factor.
async fn house() -> House {
    let (accounts, clock) = accounts(ThrottleLimits::default());
    let mut alice = account();
    alice.password = accounts.new_password(&alice, "Riverside", SecondFactor::Required, PASSWORD).await.ok();
    House { accounts, clock, alice }
}

/// Alice has enrolled a second factor; the code of that step is used.
async fn enrolled() -> (House, Vec<Hidden>) {
    let mut house = house().await;
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    house.accounts.begin_enrolment(&pending, &house.alice, "Riverside").await.unwrap();
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let drawn = house.accounts.begin_enrolment(&pending, &house.alice, "Riverside").await.unwrap();
    let code = house.code(&drawn.secret);
    let enrolled = house.accounts.finish_enrolment(&pending, &house.alice, &code, house.clock.now()).await.unwrap();
    assert!(enrolled.assertion.factor == Factor::Shown);
    house.alice.totp = Some(enrolled.totp);
    house.alice.recovery = enrolled.recovery.hashes;
    house.clock.advance(STEP_SECONDS);
    (house, enrolled.recovery.codes)
}

impl House {
    async fn verify(&self, account: Option<&Account>, presented: &str) -> Result<PasswordShown, Refusal> {
        self.accounts.verify_password(account, presented, &attempt("alice"), self.clock.now()).await
    }

    async fn ask(&self) -> Hidden {
        let shown = self.verify(Some(&self.alice), PASSWORD).await.unwrap();
        self.accounts.ask(&shown, self.clock.now()).await.unwrap()
    }

    fn code(&self, secret: &Hidden) -> String {
        let secret = totp_rs::Secret::try_from_base32(secret.expose()).unwrap();
        let totp = totp_rs::Builder::new().with_secret(secret).build().unwrap();
        totp.generate(self.clock.now().millis() / 1_000).to_string()
    }
}

fn reason<T>(outcome: Result<T, Refusal>) -> Option<Reason> {
    outcome.err().map(|refusal| refusal.reason)
}

#[tokio::test]
async fn password_and_code_make_an_assertion_with_the_second_factor() {
    let (house, _) = enrolled().await;
    let shown = house.verify(Some(&house.alice), PASSWORD).await.unwrap();
    assert_eq!(shown.second_factor, Required::Factor);
    assert!(shown.rehash.is_none());
    assert!(shown.assertion(&house.alice).is_none(), "the password alone is not enough");
    let now = house.clock.now();
    let secret = house.accounts.ask(&shown, now).await.unwrap();
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    assert_eq!((pending.tenant(), pending.account()), (TENANT, house.alice.id));
    let code = house.code(house.alice.totp.as_ref().unwrap());
    assert_eq!(
        reason(house.accounts.verify_code(&pending, &house.alice, "000000", now).await),
        Some(Reason::WrongCode)
    );
    let assertion = house.accounts.verify_code(&pending, &house.alice, &code, now).await.unwrap();
    assert!(assertion.factor == Factor::Shown);
    assert_eq!((assertion.issuer.as_str(), assertion.subject), (LOCAL_ISSUER, house.alice.id.to_string()));
    assert_eq!((assertion.connection, assertion.tenant), (RecordId(TENANT.0), TENANT));
    assert_eq!(reason(house.accounts.pending(secret.expose()).await), Some(Reason::StepOver), "the step is finished");
}

#[tokio::test]
async fn whoever_does_not_exist_costs_and_says_what_a_wrong_password_does() {
    let house = house().await;
    let disabled = Account { enabled: false, ..house.alice.clone() };
    let invited = Account { password: None, ..house.alice.clone() };
    let elsewhere = Account { tenant: TenantId([9; 16]), ..house.alice.clone() };
    let broken = Account { password: Some(Hidden::new("$argon2id$".to_owned())), ..house.alice.clone() };
    let long = "x".repeat(100_000);
    for (account, presented, word) in [
        (None, PASSWORD, "unknown-account"),
        (None, long.as_str(), "unknown-account"),
        (Some(&house.alice), "wrong", "wrong-password"),
        (Some(&house.alice), long.as_str(), "wrong-password"),
        (Some(&disabled), PASSWORD, "account-disabled"),
        (Some(&disabled), "wrong", "wrong-password"),
        (Some(&invited), PASSWORD, "no-password"),
        (Some(&elsewhere), PASSWORD, "unknown-account"),
        (Some(&broken), PASSWORD, "stored-hash"),
    ] {
        let before = house.accounts.passwords.hashed();
        let refusal = house.verify(account, presented).await.err().unwrap();
        assert_eq!((refusal.name(), refusal.face()), (word, Face::NotAccepted));
        assert_eq!(house.accounts.passwords.hashed() - before, 1, "{word}");
        house.clock.advance(i64::from(MAX_DELAY_SECONDS));
    }
}

#[tokio::test]
async fn whoever_does_not_exist_is_slowed_down_alike() {
    for exists in [true, false] {
        let house = house().await;
        let account = exists.then_some(&house.alice);
        for _ in 0..=FREE_FAILURES {
            assert_eq!(house.verify(account, "wrong").await.err().unwrap().face(), Face::NotAccepted);
        }
        let hashed = house.accounts.passwords.hashed();
        assert_eq!(reason(house.verify(account, PASSWORD).await), Some(Reason::Wait(1)));
        assert_eq!(house.accounts.passwords.hashed(), hashed, "nothing is hashed for whoever must wait");
    }
}

#[tokio::test]
async fn the_twentieth_wrong_password_raises_an_alert() {
    let house = house().await;
    let mut alerts = Vec::new();
    for failure in 1..=30 {
        let refusal = house.verify(Some(&house.alice), "wrong").await.err().unwrap();
        if refusal.alert {
            alerts.push(failure);
        }
        house.clock.advance(i64::from(MAX_DELAY_SECONDS));
    }
    assert_eq!(alerts, [ALERT_AT]);
}

#[tokio::test]
async fn the_owner_signs_in_at_a_known_browser_during_an_attack() {
    let house = house().await;
    let now = house.clock.now();
    let cookie = house.accounts.remember(None, &house.alice, now).unwrap();
    while house.verify(Some(&house.alice), "wrong").await.err().unwrap().face() == Face::NotAccepted {}
    assert!(matches!(reason(house.verify(Some(&house.alice), PASSWORD).await), Some(Reason::Wait(_))));
    let known = Attempt { browser: Some(&cookie), ..attempt("alice") };
    assert!(house.accounts.verify_password(Some(&house.alice), PASSWORD, &known, now).await.is_ok());
    let bob = Account { id: RecordId([3; 16]), ..house.alice.clone() };
    let other = house.accounts.verify_password(Some(&bob), PASSWORD, &known, now).await;
    assert!(matches!(reason(other), Some(Reason::Wait(_))), "it is known to alice only");
}

#[tokio::test]
async fn a_full_queue_counts_as_no_try() {
    let house = house().await;
    let settings = LocalSettings {
        costs: Costs::FLOOR,
        pool: PoolLimits { hashing: 1, waiting: 0, waiting_known: 0 },
        throttle: ThrottleLimits { account: Rate { burst: 2, every_ms: 1_000_000 }, ..ThrottleLimits::default() },
        breached: None,
        origin: String::new(),
    };
    let keys = LocalKeys::derive(&domain::secret::Secret::new([7; 32]));
    let accounts = Arc::new(Accounts::new(keys, settings, Arc::clone(&house.accounts.book)).unwrap());
    let now = house.clock.now();
    let first = {
        let accounts = Arc::clone(&accounts);
        tokio::spawn(async move { accounts.verify_password(None, "guess", &attempt("bob"), now).await.err() })
    };
    tokio::task::yield_now().await;
    for _ in 0..10 {
        let busy = accounts.verify_password(None, "guess", &attempt("bob"), now).await.err().unwrap();
        assert_eq!((busy.name(), busy.face()), ("busy", Face::Busy(super::super::refusal::BUSY_SECONDS)));
    }
    assert_eq!(first.await.unwrap().map(Refusal::name), Some("unknown-account"));
}

#[tokio::test]
async fn who_must_show_a_second_factor() {
    let house = house().await;
    let relaxed = Attempt { second_factor: SecondFactor::RelaxedForStaff, ..attempt("alice") };
    let now = house.clock.now();
    for (roles, asked) in [
        (&[Role::Provider][..], Required::None),
        (&[Role::Staff, Role::Provider], Required::None),
        (&[Role::Provider, Role::Admin], Required::Enrol),
        (&[Role::Admin], Required::Enrol),
        (&[Role::Auditor], Required::Enrol),
        (&[Role::SystemOperator], Required::Enrol),
        (&[Role::ClinicalDirector], Required::Enrol),
    ] {
        let mut account = Account { roles: Roles::of(roles), ..house.alice.clone() };
        let shown = house.accounts.verify_password(Some(&account), PASSWORD, &relaxed, now).await.unwrap();
        assert_eq!(shown.second_factor, asked, "{roles:?}");
        let assertion = shown.assertion(&account);
        assert_eq!(assertion.is_some(), asked == Required::None);
        assert!(assertion.is_none_or(|assertion| assertion.factor == Factor::Missing));
        let strict = house.accounts.verify_password(Some(&account), PASSWORD, &attempt("alice"), now).await.unwrap();
        assert_eq!(strict.second_factor, Required::Enrol, "{roles:?}");
        account.totp = Some(Hidden::new("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ".to_owned()));
        let enrolled = house.accounts.verify_password(Some(&account), PASSWORD, &relaxed, now).await.unwrap();
        assert_eq!(enrolled.second_factor, Required::Factor, "whoever has one shows it: {roles:?}");
    }
    let shown = house.accounts.verify_password(Some(&house.alice), PASSWORD, &relaxed, now).await.unwrap();
    let bob = Account { id: RecordId([3; 16]), ..house.alice.clone() };
    assert!(shown.assertion(&bob).is_none());
}

#[tokio::test]
async fn a_password_that_is_the_only_factor_is_longer() {
    let house = house().await;
    let (accounts, alice) = (&house.accounts, &house.alice);
    let short = "twelve chars";
    assert!(accounts.new_password(alice, "Riverside", SecondFactor::Required, short).await.is_ok());
    let refused = accounts.new_password(alice, "Riverside", SecondFactor::RelaxedForStaff, short).await;
    assert_eq!(refused, Err(NotTaken::Unfit(super::super::password::Unfit::TooShort(15))));
    let refused = accounts.new_password(alice, "Riverside", SecondFactor::Required, "Riverside2026").await;
    assert_eq!(refused, Err(NotTaken::Unfit(super::super::password::Unfit::Guessable)));
}

#[tokio::test]
async fn a_password_alone_does_not_replace_a_second_factor() {
    let (house, _) = enrolled().await;
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let refused = house.accounts.begin_enrolment(&pending, &house.alice, "Riverside").await;
    assert_eq!(reason(refused), Some(Reason::AlreadyEnrolled));
    let refused = house.accounts.finish_enrolment(&pending, &house.alice, "000000", house.clock.now()).await;
    assert_eq!(reason(refused), Some(Reason::AlreadyEnrolled));
}

#[tokio::test]
async fn whoever_is_signed_in_enrols_another_second_factor() {
    let (house, _) = enrolled().await;
    let now = house.clock.now();
    let secret = house.accounts.ask_new_factor(&house.alice, now).await.unwrap();
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let code = house.code(house.alice.totp.as_ref().unwrap());
    let refused = house.accounts.verify_code(&pending, &house.alice, &code, now).await;
    assert_eq!(reason(refused), Some(Reason::StepOver), "it is no sign-in");
    let refused = house.accounts.finish_enrolment(&pending, &house.alice, &code, now).await;
    assert_eq!(reason(refused), Some(Reason::NotEnrolled), "nothing was drawn");
    let drawn = house.accounts.begin_enrolment(&pending, &house.alice, "Riverside").await.unwrap();
    let again = house.accounts.begin_enrolment(&pending, &house.alice, "Riverside").await.unwrap();
    assert_eq!(again.secret, drawn.secret, "a page that is loaded again shows the same");
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let refused = house.accounts.finish_enrolment(&pending, &house.alice, &code, now).await;
    assert_eq!(reason(refused), Some(Reason::WrongCode), "a code of the old one does not enrol the new one");
    let code = house.code(&drawn.secret);
    let enrolled = house.accounts.finish_enrolment(&pending, &house.alice, &code, now).await.unwrap();
    assert_eq!(enrolled.totp, drawn.secret);
    let alice = Account { totp: Some(enrolled.totp), ..house.alice.clone() };
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let refused = house.accounts.verify_code(&pending, &alice, &code, now).await;
    assert_eq!(reason(refused), Some(Reason::CodeUsed), "the code that enrolled it does not sign in");
}

#[tokio::test]
async fn a_recovery_code_stands_in_for_the_second_factor_once() {
    let (house, codes) = enrolled().await;
    let now = house.clock.now();
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let refused = house.accounts.verify_recovery(&pending, &house.alice, "0000", now).await;
    assert_eq!(reason(refused), Some(Reason::WrongRecoveryCode));
    let recovered = house.accounts.verify_recovery(&pending, &house.alice, codes[0].expose(), now).await.unwrap();
    assert!(recovered.assertion.factor == Factor::Shown);
    assert_eq!(recovered.left.len(), codes.len() - 1);
    assert!(house.alice.recovery.contains(&recovered.used) && !recovered.left.contains(&recovered.used));
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let refused = house.accounts.verify_recovery(&pending, &house.alice, codes[0].expose(), now).await;
    assert_eq!(reason(refused), Some(Reason::RecoveryCodeUsed));
}

#[tokio::test]
async fn a_second_step_is_for_one_account_one_password_and_ten_minutes() {
    let (house, _) = enrolled().await;
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let now = house.clock.now();
    let code = house.code(house.alice.totp.as_ref().unwrap());
    let alice = &house.alice;
    for (account, expected) in [
        (Account { id: RecordId([3; 16]), ..alice.clone() }, Reason::OtherAccount),
        (Account { tenant: TenantId([9; 16]), ..alice.clone() }, Reason::OtherAccount),
        (Account { enabled: false, ..alice.clone() }, Reason::AccountDisabled),
        (Account { password_changed: Some(now.plus_seconds(1)), ..alice.clone() }, Reason::StepOver),
        (Account { totp: None, ..alice.clone() }, Reason::NotEnrolled),
    ] {
        let refused = house.accounts.verify_code(&pending, &account, &code, now).await;
        assert_eq!(reason(refused), Some(expected));
    }
    assert!(house.accounts.verify_code(&pending, alice, &code, now).await.is_ok(), "nothing was used up");
    let secret = house.ask().await;
    house.clock.advance(super::super::pending::PENDING_SECONDS);
    assert_eq!(reason(house.accounts.pending(secret.expose()).await), Some(Reason::StepOver));
    for text in ["", "x", &"x".repeat(100_000)] {
        assert_eq!(reason(house.accounts.pending(text).await), Some(Reason::StepOver));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_second_steps_at_once_one_succeeds() {
    let (house, codes) = enrolled().await;
    let house = Arc::new(house);
    let secret = Arc::new(house.ask().await);
    let code = house.code(house.alice.totp.as_ref().unwrap());
    let tasks: Vec<_> = (0..16)
        .map(|number| {
            let (house, secret, code) = (Arc::clone(&house), Arc::clone(&secret), code.clone());
            let recovery = codes[number % codes.len()].clone();
            tokio::spawn(async move {
                let Ok(pending) = house.accounts.pending(secret.expose()).await else { return false };
                let now = house.clock.now();
                if number % 2 == 0 {
                    house.accounts.verify_code(&pending, &house.alice, &code, now).await.is_ok()
                } else {
                    house.accounts.verify_recovery(&pending, &house.alice, recovery.expose(), now).await.is_ok()
                }
            })
        })
        .collect();
    let mut succeeded = 0;
    for task in tasks {
        succeeded += usize::from(task.await.unwrap());
    }
    assert_eq!(succeeded, 1);
}

#[tokio::test]
async fn a_security_key_is_the_second_step_and_no_password_alone_sets_up_another_factor() {
    use crate::double::Authenticator;
    let (mut house, now) = (house().await, house().await.clock.now());
    let mut key = Authenticator::new(1, super::super::fixture::ORIGIN).unwrap();
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    assert!(house.accounts.ask_key(&pending, &house.alice, now).await.unwrap().is_none(), "she has none");
    let asked = house.accounts.begin_key_enrolment(&pending, &house.alice, now).await.unwrap().unwrap();
    let answer = key.register(&asked.0).unwrap();
    let finish = house.accounts.finish_key_enrolment(&pending, &house.alice, "Blue", &answer, |_| false, now);
    let enrolled = finish.await.unwrap();
    assert!(enrolled.assertion.factor == Factor::Shown && enrolled.recovery.codes.len() == 10);
    let refused = house.accounts.pending(secret.expose()).await;
    assert_eq!(reason(refused), Some(Reason::StepOver), "the step is over");
    house.alice.security_keys.push(enrolled.key);

    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let drawn = house.accounts.begin_enrolment(&pending, &house.alice, "Riverside").await;
    assert_eq!(reason(drawn), Some(Reason::AlreadyEnrolled), "an app beside a key");
    let another = house.accounts.begin_key_enrolment(&pending, &house.alice, now).await;
    assert_eq!(reason(another), Some(Reason::AlreadyEnrolled));
    let refused = house.accounts.verify_code(&pending, &house.alice, "000000", now).await;
    assert_eq!(reason(refused), Some(Reason::NotEnrolled));
    let asked = house.accounts.ask_key(&pending, &house.alice, now).await.unwrap().unwrap();
    let answer = key.sign(&asked.0).unwrap();
    let disabled = Account { enabled: false, ..house.alice.clone() };
    let refused = house.accounts.verify_key(&pending, &disabled, &answer, now).await;
    assert_eq!(reason(refused), Some(Reason::AccountDisabled));
    let accepted = house.accounts.verify_key(&pending, &house.alice, &answer, now).await.unwrap();
    assert!(accepted.assertion.factor == Factor::Shown && accepted.shown.methods.contains(&"hwk"));
    let again = house.accounts.verify_key(&pending, &house.alice, &answer, now).await;
    assert_eq!(reason(again), Some(Reason::ChallengeUsed));

    // Somebody who replaces an app while they are signed in is asked for no key in that step.
    let secret = house.accounts.ask_new_factor(&house.alice, now).await.unwrap();
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    assert_eq!(reason(house.accounts.ask_key(&pending, &house.alice, now).await), Some(Reason::StepOver));
    assert!(house.accounts.begin_enrolment(&pending, &house.alice, "Riverside").await.is_ok());
}

#[tokio::test]
async fn a_password_verified_against_the_account_of_before_a_reset_leads_nowhere() {
    let (house, _) = enrolled().await;
    let now = house.clock.now();
    let nothing = Account { totp: None, recovery: Vec::new(), ..house.alice.clone() };
    let reset = Account { password: None, password_changed: Some(now), ..nothing.clone() };
    let invited = Account { password: house.alice.password.clone(), ..reset.clone() };
    let by_another_clock = Account { password_changed: Some(now.plus_seconds(-60)), ..invited.clone() };
    let taken_away = Account { password: None, ..nothing };
    house.clock.advance(1);
    // The directory is of before: the old password is right there, and the step begins after the reset.
    let secret = house.ask().await;
    let pending = house.accounts.pending(secret.expose()).await.unwrap();
    let now = house.clock.now();
    for account in [reset, invited, by_another_clock, taken_away] {
        let drawn = house.accounts.begin_enrolment(&pending, &account, "Riverside").await;
        assert_eq!(reason(drawn), Some(Reason::StepOver));
        let asked = house.accounts.begin_key_enrolment(&pending, &account, now).await;
        assert_eq!(reason(asked), Some(Reason::StepOver));
        let verified = house.accounts.verify_code(&pending, &account, "000000", now).await;
        assert_eq!(reason(verified), Some(Reason::StepOver));
    }
}
