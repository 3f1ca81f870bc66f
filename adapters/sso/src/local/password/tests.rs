//! Hashing, comparing, and what it costs.

use super::*;
use domain::double::SeededEntropy;

fn passwords(costs: Costs, pepper: Option<[u8; 32]>) -> Passwords {
    let limits = PoolLimits { hashing: 2, waiting: 64, waiting_known: 4 };
    Passwords::new(costs, pepper.map(Secret::new), limits, None, Arc::new(SeededEntropy::new(1))).unwrap()
}

const SETTING: Setting<'static> = Setting { words: &["alice"], alone: false };

async fn verify(passwords: &Passwords, stored: Option<&Hidden>, text: &str) -> Verdict {
    passwords.verify(stored, Password::read(text), Lane::Open).await.unwrap()
}

#[tokio::test]
async fn a_password_that_was_taken_verifies_and_no_other_does() {
    for pepper in [None, Some([7; 32])] {
        let passwords = passwords(Costs::CHEAP, pepper);
        let stored = passwords.take("correct horse battery", &SETTING).await.unwrap();
        assert_eq!(verify(&passwords, Some(&stored), "correct horse battery").await, Verdict::Right { rehash: None });
        for wrong in ["correct horse batterz", "Correct horse battery", "correct horse battery ", ""] {
            assert_eq!(verify(&passwords, Some(&stored), wrong).await, Verdict::Wrong, "{wrong}");
        }
    }
}

#[tokio::test]
async fn the_same_password_never_gives_the_same_hash() {
    let passwords = passwords(Costs::CHEAP, None);
    let first = passwords.take("correct horse battery", &SETTING).await.unwrap();
    assert_ne!(first, passwords.take("correct horse battery", &SETTING).await.unwrap());
}

#[tokio::test]
async fn whatever_is_stored_one_hash_is_computed() {
    let passwords = passwords(Costs::CHEAP, Some([7; 32]));
    let stored = passwords.take("correct horse battery", &SETTING).await.unwrap();
    let broken = Hidden::new("$argon2id$nothing".to_owned());
    let too_dear = Hidden::new(stored.expose().replacen("m=8,", "m=4000000000,", 1));
    let long = "x".repeat(5_000);
    for (stored, text, verdict) in [
        (Some(&stored), "correct horse battery", Verdict::Right { rehash: None }),
        (Some(&stored), "something else at all", Verdict::Wrong),
        (Some(&stored), long.as_str(), Verdict::Wrong),
        (None, "correct horse battery", Verdict::Wrong),
        (None, long.as_str(), Verdict::Wrong),
        (Some(&broken), "correct horse battery", Verdict::Unreadable),
        (Some(&too_dear), "correct horse battery", Verdict::Unreadable),
    ] {
        let before = passwords.hashed();
        assert_eq!(verify(&passwords, stored, text).await, verdict);
        assert_eq!(passwords.hashed() - before, 1);
    }
}

#[tokio::test]
async fn a_hash_with_other_costs_or_another_pepper_is_made_anew_while_the_password_is_known() {
    let old = passwords(Costs::CHEAP, None);
    let stored = old.take("correct horse battery", &SETTING).await.unwrap();
    let new = passwords(Costs::FLOOR, Some([7; 32]));
    let Verdict::Right { rehash: Some(rehash) } = verify(&new, Some(&stored), "correct horse battery").await else {
        panic!("expected a new hash")
    };
    assert!(rehash.expose().starts_with("$argon2id$v=19$m=19456,t=2,p=1,keyid="), "{}", rehash.expose());
    assert_eq!(verify(&new, Some(&rehash), "correct horse battery").await, Verdict::Right { rehash: None });
    assert_eq!(verify(&new, Some(&stored), "wrong").await, Verdict::Wrong);
}

#[tokio::test]
async fn a_hash_made_with_a_pepper_that_is_not_here_never_verifies() {
    let stored = passwords(Costs::CHEAP, Some([7; 32])).take("correct horse battery", &SETTING).await.unwrap();
    for other in [None, Some([8; 32])] {
        let passwords = passwords(Costs::CHEAP, other);
        assert_eq!(verify(&passwords, Some(&stored), "correct horse battery").await, Verdict::Unreadable);
    }
    let unpeppered = Hidden::new(without_keyid(stored.expose()));
    let passwords = passwords(Costs::CHEAP, Some([7; 32]));
    assert_eq!(verify(&passwords, Some(&unpeppered), "correct horse battery").await, Verdict::Wrong);
}

fn without_keyid(phc: &str) -> String {
    let (before, rest) = phc.split_once(",keyid=").unwrap();
    format!("{before}${}", rest.split_once('$').unwrap().1)
}

#[tokio::test]
async fn a_breached_password_is_not_taken() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "correct horse battery\n").unwrap();
    let breached = Breached::open(file.path()).unwrap();
    let limits = PoolLimits { hashing: 1, waiting: 0, waiting_known: 0 };
    let entropy = Arc::new(SeededEntropy::new(1));
    let passwords = Passwords::new(Costs::CHEAP, None, limits, Some(breached), entropy).unwrap();
    let refused = passwords.take("Correct Horse Battery", &SETTING).await;
    assert_eq!(refused, Err(NotTaken::Unfit(Unfit::Breached)));
    assert!(passwords.take("correct horse batteries", &SETTING).await.is_ok());
    assert_eq!(passwords.take("short", &SETTING).await, Err(NotTaken::Unfit(Unfit::TooShort(12))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_is_told_busy_and_leaves_memory_bounded() {
    let limits = PoolLimits { hashing: 2, waiting: 8, waiting_known: 2 };
    let passwords =
        Arc::new(Passwords::new(Costs::FLOOR, None, limits, None, Arc::new(SeededEntropy::new(1))).unwrap());
    let tasks: Vec<_> = (0..500)
        .map(|_| {
            let passwords = Arc::clone(&passwords);
            tokio::spawn(async move { passwords.verify(None, Password::read("guess"), Lane::Open).await })
        })
        .collect();
    let mut busy = 0;
    for task in tasks {
        busy += usize::from(task.await.unwrap() == Err(Busy));
    }
    assert!(busy >= 400, "{busy}");
    assert_eq!(passwords.hashed(), 500 - u64::try_from(busy).unwrap());
}
