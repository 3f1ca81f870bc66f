//! Keys that are added and used, and every way in which an answer is wrong.

use super::super::fixture::{ORIGIN, account, book};
use super::*;
use crate::double::Authenticator;
use domain::double::FixedClock;
use domain::ports::Clock;
use proptest::prelude::*;

struct House {
    keys: Arc<SecurityKeys>,
    clock: Arc<FixedClock>,
    alice: Account,
}

const BROWSER: &[u8] = b"this browser";

fn house() -> House {
    let (book, clock) = book();
    House { keys: Arc::new(SecurityKeys::at(ORIGIN, book).unwrap()), clock, alice: account() }
}

/// Alice has added a key.
async fn with_key() -> (House, Authenticator) {
    let (mut house, mut key) = (house(), key(1));
    let added = house.add(&mut key, "Blue key").await.unwrap();
    house.alice.security_keys.push(added);
    (house, key)
}

fn key(number: u8) -> Authenticator {
    Authenticator::new(number, ORIGIN).unwrap()
}

impl House {
    async fn asked_to_add(&self) -> String {
        self.keys.begin_registration(&self.alice, BROWSER, self.clock.now()).await.unwrap().0
    }

    async fn added(&self, name: &str, answer: &str) -> Result<SecurityKey, Reason> {
        let now = self.clock.now();
        let added = self.keys.finish_registration(&self.alice, BROWSER, name, answer, |_| false, now).await;
        added.map_err(|refusal| refusal.reason)
    }

    async fn add(&self, key: &mut Authenticator, name: &str) -> Result<SecurityKey, Reason> {
        let options = self.asked_to_add().await;
        self.added(name, &key.register(&options).unwrap()).await
    }

    async fn asked(&self) -> String {
        self.keys.begin_use(&self.alice, BROWSER, self.clock.now()).await.unwrap().0
    }

    async fn shown(&self, answer: &str) -> Result<KeyShown, Reason> {
        let shown = self.keys.finish_use(&self.alice, BROWSER, answer, self.clock.now()).await;
        shown.map_err(|refusal| refusal.reason)
    }

    async fn show(&self, key: &mut Authenticator) -> Result<KeyShown, Reason> {
        let options = self.asked().await;
        self.shown(&key.sign(&options).unwrap()).await
    }
}

#[tokio::test]
async fn a_key_is_added_and_shown_again_and_again() {
    let (house, mut key) = with_key().await;
    let added = &house.alice.security_keys[0];
    assert_eq!((added.name.as_str(), added.added), ("Blue key", house.clock.now().to_millisecond()));
    assert_eq!(house.alice.security_keys.len(), 1);
    for _ in 0..3 {
        let shown = house.show(&mut key).await.unwrap();
        assert_eq!(shown, KeyShown { key: added.id, methods: vec!["fido", "hwk", "user"] });
    }
}

#[tokio::test]
async fn what_is_asked_for_names_our_host_and_the_keys_there_are() {
    let (house, _) = with_key().await;
    let wanted = &house.alice.security_keys[0].credential;
    let read = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap()["publicKey"].clone();
    let (add, show) = (read(&house.asked_to_add().await), read(&house.asked().await));
    assert_eq!((&add["rp"]["id"], &show["rpId"]), (&"results.example".into(), &"results.example".into()));
    assert_eq!((&add["attestation"], &add["timeout"]), (&"none".into(), &300_000.into()));
    assert_eq!(add["excludeCredentials"][0]["id"], wanted.as_str());
    assert_eq!(show["allowCredentials"][0]["id"], wanted.as_str());
    assert_eq!(show["userVerification"], "preferred");
    for absent in ["hints", "extensions"] {
        assert!(add.get(absent).is_none() && show.get(absent).is_none(), "{absent}");
    }
}

#[test]
fn keys_are_for_names_and_not_for_addresses() {
    for origin in ["http://127.0.0.1:8080", "https://[::1]", "https://", "results.example", "", "file:///x"] {
        assert!(SecurityKeys::at(origin, book().0).is_none(), "{origin}");
    }
    for origin in ["http://localhost:8080", "https://results.example"] {
        assert!(SecurityKeys::at(origin, book().0).is_some(), "{origin}");
    }
}

#[tokio::test]
async fn an_answer_from_another_origin_or_for_another_host_is_refused() {
    let (house, mut key) = with_key().await;
    for origin in [
        "https://results.example.evil",
        "https://results.example",
        "http://results.example:8443",
        "https://a.results.example:8443",
    ] {
        key.origin = origin.to_owned();
        assert_eq!(house.show(&mut key).await.err(), Some(Reason::WrongOrigin), "{origin}");
    }
    key.origin = ORIGIN.to_owned();
    key.relying_party = Some("results.example.evil".to_owned());
    assert_eq!(house.show(&mut key).await.err(), Some(Reason::WrongRelyingParty));
    key.relying_party = None;
    key.framed = true;
    assert_eq!(house.show(&mut key).await.err(), Some(Reason::WrongOrigin), "framed by another site");
    key.framed = false;
    assert!(house.show(&mut key).await.is_ok());
    let mut other = self::key(2);
    other.origin = "https://results.example.evil".to_owned();
    assert_eq!(house.add(&mut other, "Other").await.err(), Some(Reason::WrongOrigin));
}

#[tokio::test]
async fn a_challenge_is_for_one_browser_one_account_and_one_purpose() {
    let (house, mut key) = with_key().await;
    let now = house.clock.now();
    let answer = key.sign(&house.asked().await).unwrap();
    let why = |shown: Result<KeyShown, Refusal>| shown.err().map(|refusal| refusal.reason);
    let elsewhere = house.keys.finish_use(&house.alice, b"another", &answer, now).await;
    assert_eq!(why(elsewhere), Some(Reason::NoChallenge));
    let bob = Account { id: RecordId([3; 16]), ..house.alice.clone() };
    let other = house.keys.finish_use(&bob, BROWSER, &answer, now).await;
    assert_eq!(why(other), Some(Reason::NoChallenge));
    assert!(house.keys.begin_use(&house.alice, b"another", now).await.is_ok());
    let crossed = house.keys.finish_use(&house.alice, b"another", &answer, now).await;
    assert_eq!(why(crossed), Some(Reason::WrongChallenge));
    let to_add = house.asked_to_add().await;
    assert_eq!(house.shown(&key.sign(&to_add).unwrap()).await.err(), Some(Reason::WrongChallenge));
    assert!(house.shown(&answer).await.is_ok(), "none of it used the challenge up");
}

#[tokio::test]
async fn a_challenge_holds_five_minutes_and_one_answer() {
    let (house, mut key) = with_key().await;
    let options = house.asked().await;
    assert_eq!(house.asked().await, options, "a page that is loaded again shows the same");
    let answer = key.sign(&options).unwrap();
    assert!(house.shown(&answer).await.is_ok());
    assert_eq!(house.shown(&answer).await.err(), Some(Reason::ChallengeUsed));
    assert_eq!(house.shown(&key.sign(&options).unwrap()).await.err(), Some(Reason::ChallengeUsed), "newly signed");
    let later = house.asked().await;
    assert_ne!(later, options);
    assert_eq!(house.shown(&answer).await.err(), Some(Reason::ChallengeUsed), "whatever was asked since");
    house.clock.advance(CHALLENGE_SECONDS - 1);
    assert!(house.shown(&key.sign(&later).unwrap()).await.is_ok());
    let late = house.asked().await;
    house.clock.advance(CHALLENGE_SECONDS);
    assert_eq!(house.shown(&key.sign(&late).unwrap()).await.err(), Some(Reason::ChallengeExpired));
    assert_eq!(house.shown(&key.sign(&late).unwrap()).await.err(), Some(Reason::ChallengeUsed));
}

#[tokio::test]
async fn a_challenge_about_to_end_is_not_shown_again() {
    let (house, _) = with_key().await;
    let options = house.asked().await;
    house.clock.advance(CHALLENGE_SECONDS - 120);
    assert_ne!(house.asked().await, options);
}

#[tokio::test]
async fn a_refused_answer_uses_its_challenge_up() {
    let (house, mut key) = with_key().await;
    let options = house.asked().await;
    key.present = false;
    assert_eq!(house.shown(&key.sign(&options).unwrap()).await.err(), Some(Reason::UserNotPresent));
    key.present = true;
    assert_eq!(house.shown(&key.sign(&options).unwrap()).await.err(), Some(Reason::ChallengeUsed));
}

#[tokio::test]
async fn a_counter_that_does_not_go_on_shows_a_copy() {
    let (house, mut key) = with_key().await;
    assert!(house.show(&mut key).await.is_ok());
    key.counter = Some(40);
    assert!(house.show(&mut key).await.is_ok());
    for counter in [40, 39, 1, 0] {
        key.counter = Some(counter);
        assert_eq!(house.show(&mut key).await.err(), Some(Reason::CounterWentBack), "{counter}");
    }
    key.counter = None;
    assert_eq!(house.show(&mut key).await.err(), Some(Reason::CounterWentBack), "it counted before");
    key.counter = Some(41);
    assert!(house.show(&mut key).await.is_ok());
}

#[tokio::test]
async fn a_counter_goes_back_for_nobody_who_reads_an_old_account() {
    // The verifier that is stored tells the count of the day when the key was added; what it counted since is remembered apart.
    let (house, mut key) = with_key().await;
    key.counter = Some(1_000);
    assert!(house.show(&mut key).await.is_ok());
    house.clock.advance(300 * 86_400);
    key.counter = Some(500);
    assert_eq!(house.show(&mut key).await.err(), Some(Reason::CounterWentBack));
}

#[tokio::test]
async fn a_removed_key_that_is_added_again_begins_to_count_anew() {
    let (mut house, mut key) = with_key().await;
    key.counter = Some(1_000);
    assert!(house.show(&mut key).await.is_ok());
    let removed = house.alice.security_keys.remove(0);
    forget_counters(&house.keys.book, house.alice.tenant, house.alice.id, &[removed]).await.unwrap();
    let mut same = self::key(1);
    let added = house.add(&mut same, "Blue key").await.unwrap();
    house.alice.security_keys.push(added);
    assert!(house.show(&mut same).await.is_ok());
}

#[tokio::test]
async fn a_refusal_names_the_key_of_the_account_that_was_shown() {
    let (house, mut key) = with_key().await;
    let refused = async |key: &mut Authenticator| {
        let answer = key.sign(&house.asked().await).unwrap();
        house.keys.finish_use(&house.alice, BROWSER, &answer, house.clock.now()).await.unwrap_err()
    };
    assert!(house.show(&mut key).await.is_ok());
    key.counter = Some(0);
    let id = house.alice.security_keys[0].id;
    assert_eq!(refused(&mut key).await, Refusal { reason: Reason::CounterWentBack, alert: false, key: Some(id) });
    assert_eq!(refused(&mut self::key(9)).await, Refusal { reason: Reason::UnknownKey, alert: false, key: None });
}

#[tokio::test]
async fn a_key_of_another_host_is_not_asked_for_and_not_accepted() {
    let (mut house, mut key) = with_key().await;
    assert_eq!(house.alice.security_keys[0].host, "results.example");
    let answer = key.sign(&house.asked().await).unwrap();
    house.alice.security_keys[0].host = "former.example".to_owned();
    assert_eq!(house.shown(&answer).await.err(), Some(Reason::UnknownKey));
    let none = house.keys.begin_use(&house.alice, BROWSER, house.clock.now()).await;
    assert_eq!(none.err(), Some(Reason::NotEnrolled.into()));
    house.alice.security_keys[0].host.clear();
    assert!(house.show(&mut key).await.is_ok(), "from before hosts were written down");
}

#[tokio::test]
async fn nothing_is_stored_that_tells_who_made_a_key() {
    let (house, mut key) = with_key().await;
    let stored: serde_json::Value = serde_json::from_str(house.alice.security_keys[0].verifier.expose()).unwrap();
    assert_eq!(stored["cred"]["attestation"], serde_json::json!({ "data": "None", "metadata": "None" }));
    assert_eq!(stored["cred"]["attestation_format"], "none");
    let mut attested = stored.clone();
    attested["cred"]["attestation"] = serde_json::json!({ "data": "Self_", "metadata": { "Packed": { "aaguid": "01010101-0101-0101-0101-010101010101" } } });
    attested["cred"]["attestation_format"] = "packed".into();
    let attested: prelude::SecurityKey = serde_json::from_value(attested).unwrap();
    let rendered: serde_json::Value = serde_json::from_str(&verifier::render(&attested).unwrap()).unwrap();
    assert_eq!(rendered, stored);
    assert!(house.show(&mut key).await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_kept_in_step_between_devices_does_not_count() {
    let (mut house, mut key) = (house(), key(1));
    (key.synced, key.counter) = (true, None);
    let added = house.add(&mut key, "Phone").await.unwrap();
    house.alice.security_keys.push(added);
    for _ in 0..2 {
        assert_eq!(house.show(&mut key).await.unwrap().methods, ["fido", "swk", "user"]);
    }
    key.synced = false;
    assert_eq!(house.show(&mut key).await.err(), Some(Reason::KeyNotAccepted), "it says now that it never was");
}

#[tokio::test]
async fn a_key_that_verified_its_person_must_do_so_ever_after() {
    let (mut house, mut key) = with_key().await;
    key.verifies = false;
    assert_eq!(house.show(&mut key).await.err(), Some(Reason::UserNotVerified));
    let mut plain = self::key(2);
    plain.verifies = false;
    let added = house.add(&mut plain, "Old key").await.unwrap();
    house.alice.security_keys.push(added);
    assert!(house.show(&mut plain).await.is_ok(), "one that cannot is there to be touched");
}

#[tokio::test]
async fn another_accounts_key_a_removed_one_and_a_forged_signature_are_refused() {
    let (mut house, mut key) = with_key().await;
    assert_eq!(house.show(&mut self::key(9)).await.err(), Some(Reason::UnknownKey));
    let options = house.asked().await;
    let mut answer: serde_json::Value = serde_json::from_str(&key.sign(&options).unwrap()).unwrap();
    let forged: serde_json::Value = serde_json::from_str(&self::key(9).sign(&options).unwrap()).unwrap();
    answer["response"]["signature"] = forged["response"]["signature"].clone();
    assert_eq!(house.shown(&answer.to_string()).await.err(), Some(Reason::WrongSignature));
    let options = house.asked().await;
    let removed = house.alice.security_keys.remove(0);
    assert_eq!(house.shown(&key.sign(&options).unwrap()).await.err(), Some(Reason::UnknownKey), "removed since");
    let none = house.keys.begin_use(&house.alice, BROWSER, house.clock.now()).await;
    assert_eq!(none.err(), Some(Reason::NotEnrolled.into()));
    let unreadable = SecurityKey { verifier: Hidden::new("{}".to_owned()), ..removed };
    house.alice.security_keys.push(unreadable);
    let none = house.keys.begin_use(&house.alice, BROWSER, house.clock.now()).await;
    assert_eq!(none.err(), Some(Reason::NotEnrolled.into()));
}

#[tokio::test]
async fn a_key_is_added_once_and_ten_are_the_most() {
    let (mut house, mut key) = with_key().await;
    assert_eq!(house.add(&mut key, "Again").await.err(), Some(Reason::KeyTaken));
    let options = house.asked_to_add().await;
    let answer = self::key(2).register(&options).unwrap();
    let now = house.clock.now();
    let taken = house.keys.finish_registration(&house.alice, BROWSER, "Bob's", &answer, |_| true, now).await;
    assert_eq!(taken.err(), Some(Reason::KeyTaken.into()), "another account has it");
    for number in 2..=10 {
        let added = house.add(&mut self::key(number), &format!("Key {number}")).await.unwrap();
        house.alice.security_keys.push(added);
        domain::directory::Entry::validate(&house.alice).unwrap();
    }
    let eleventh = house.keys.begin_registration(&house.alice, BROWSER, now).await;
    assert_eq!(eleventh.err(), Some(Reason::TooManyKeys.into()));
}

#[tokio::test]
async fn what_is_no_answer_is_refused_as_such() {
    let (house, mut key) = with_key().await;
    let right = key.sign(&house.asked().await).unwrap();
    let long = format!("{right}{}", " ".repeat(40_000));
    for text in ["", "{}", "null", "[]", "not json", &right[..right.len() / 2], &long] {
        assert_eq!(house.shown(text).await.err(), Some(Reason::KeyAnswer), "{text}");
        assert_eq!(house.added("Key", text).await.err(), Some(Reason::KeyAnswer), "{text}");
    }
    let options = house.asked_to_add().await;
    let mut answer: serde_json::Value = serde_json::from_str(&self::key(2).register(&options).unwrap()).unwrap();
    answer["response"]["attestationObject"] = "gA".into();
    assert_eq!(house.added("Key", &answer.to_string()).await.err(), Some(Reason::KeyAnswer));
    assert!(house.shown(&right).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_bring_the_same_answer_at_once_one_succeeds() {
    for _ in 0..10 {
        let (house, mut key) = with_key().await;
        let house = Arc::new(house);
        let answer = key.sign(&house.asked().await).unwrap();
        let tasks: Vec<_> = (0..16)
            .map(|_| {
                let (house, answer) = (Arc::clone(&house), answer.clone());
                tokio::spawn(async move { house.shown(&answer).await })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.push(task.await.unwrap());
        }
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
        assert!(outcomes.iter().all(|outcome| !matches!(outcome, Err(reason) if *reason != Reason::ChallengeUsed)));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_keys_with_the_same_count_at_once_one_succeeds() {
    let (house, mut key) = with_key().await;
    let house = Arc::new(house);
    let mut tasks = Vec::new();
    for number in 0..8_u8 {
        // As many browsers, each with a challenge of its own, and copies of one key.
        let browser = vec![number; 8];
        let options = house.keys.begin_use(&house.alice, &browser, house.clock.now()).await.unwrap().0;
        key.counter = Some(6);
        let (answer, house) = (key.sign(&options).unwrap(), Arc::clone(&house));
        tasks.push(tokio::spawn(async move {
            house.keys.finish_use(&house.alice, &browser, &answer, house.clock.now()).await
        }));
    }
    let mut succeeded = 0;
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => succeeded += 1,
            Err(refusal) => assert_eq!(refusal.reason, Reason::CounterWentBack),
        }
    }
    assert_eq!(succeeded, 1);
}

proptest! {
    #[test]
    fn no_bytes_of_an_attestation_or_signature_are_accepted_or_bring_it_down(
        place in 0_usize..2,
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cut in 0_usize..200,
    ) {
        domain::double::run(async {
            let (house, mut key) = with_key().await;
            let noise = if cut.is_multiple_of(2) { bytes } else { vec![0xa3; cut] };
            let noise = URL_SAFE_NO_PAD.encode(noise);
            let options = house.asked().await;
            let mut answer: serde_json::Value = serde_json::from_str(&key.sign(&options).unwrap()).unwrap();
            answer["response"][["authenticatorData", "signature"][place]] = noise.clone().into();
            assert!(house.shown(&answer.to_string()).await.is_err());
            let options = house.asked_to_add().await;
            let mut answer: serde_json::Value = serde_json::from_str(&self::key(2).register(&options).unwrap()).unwrap();
            answer["response"]["attestationObject"] = noise.into();
            assert!(house.added("Key", &answer.to_string()).await.is_err());
        });
    }
}
