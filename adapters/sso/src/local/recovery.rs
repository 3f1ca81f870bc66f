//! Recovery codes: ten one-time ways in for whoever lost the second factor.
//!
//! ```text
//!   XXXX-XXXX-XXXX-XXXX-XXXX-XXXX      120 random bits, 5 a character, in Crockford's base 32 (no I, L, O, U)
//!   stored  SHA-256("sealgate/recovery/1" | account id | the 24 characters), hexadecimal
//! ```
//!
//! With 120 random bits a plain hash cannot be searched (NIST SP 800-63B-4 §3.1.2.2 asks for 112 where no salt is used).

use super::refusal::{Reason, Refusal};
use domain::directory::{Account, Hidden};
use domain::id::RecordId;
use domain::ports::{Entropy, Unavailable};
use domain::secret::{Secret, constant_time_eq};
use domain::ticket::{TicketBook, TicketKind};
use domain::time::Timestamp;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::sync::Arc;
use zeroize::Zeroizing;

/// How many codes an account gets at once.
pub const CODES: usize = 10;

/// Makes and accepts recovery codes.
pub struct RecoveryCodes {
    book: Arc<TicketBook>,
}

/// New codes: shown once, stored as hashes.
pub struct DrawnCodes {
    /// What the person keeps.
    pub codes: Vec<Hidden>,
    /// What is stored in their place.
    pub hashes: Vec<String>,
}

/// A code that was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsedCode {
    /// Its hash.
    pub hash: String,
    /// The hashes of the codes that are left.
    pub left: Vec<String>,
}

impl RecoveryCodes {
    /// Makes a judge over a book of tickets.
    #[must_use]
    pub fn new(book: Arc<TicketBook>) -> Self {
        Self { book }
    }

    /// Draws [`CODES`] codes for an account; they replace those it had.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn draw(&self, account: RecordId) -> Result<DrawnCodes, Unavailable> {
        let mut drawn = DrawnCodes { codes: Vec::with_capacity(CODES), hashes: Vec::with_capacity(CODES) };
        for _ in 0..CODES {
            let characters = characters(self.book.entropy.as_ref())?;
            drawn.hashes.push(hash(account, &characters));
            drawn.codes.push(Hidden::new(grouped(&characters)));
        }
        Ok(drawn)
    }

    /// Accepts a code of an account, once; of several at once, one succeeds.
    ///
    /// The caller has its hash taken from the account. Should that fail, the code stays used: it is marked for
    /// [`MARKED_SECONDS`].
    ///
    /// # Errors
    /// [`Reason::WrongRecoveryCode`], [`Reason::RecoveryCodeUsed`].
    pub async fn accept(&self, account: &Account, code: &str, now: Timestamp) -> Result<UsedCode, Refusal> {
        let shown = read(code).map(|characters| hash(account.id, &characters)).ok_or(Reason::WrongRecoveryCode)?;
        let is_shown = |stored: &String| constant_time_eq(stored.as_bytes(), shown.as_bytes());
        // Every stored hash is compared, whichever fits.
        let found = account.recovery.iter().filter(|stored| is_shown(stored)).count();
        if found == 0 {
            return Err(Reason::WrongRecoveryCode.into());
        }
        let name: [&[u8]; 4] = [b"recovery", account.tenant.as_bytes(), account.id.as_bytes(), shown.as_bytes()];
        let key = self.book.keys.key(TicketKind::Used, &name);
        let owner = self.book.keys.owner("recovery", &[account.tenant.as_bytes(), account.id.as_bytes()]);
        let expires = now.plus_seconds(MARKED_SECONDS);
        if !self.book.put(TicketKind::Used, account.tenant, key, owner, expires, &()).await? {
            return Err(Reason::RecoveryCodeUsed.into());
        }
        let left = account.recovery.iter().filter(|stored| !is_shown(stored)).cloned().collect();
        Ok(UsedCode { hash: shown, left })
    }
}

/// For how long a used code is marked, in seconds: ten years, should its hash never be taken from the account.
pub const MARKED_SECONDS: i64 = 3_652 * 86_400;

/// Draws 24 characters; 32 divides 256, so each is as likely as any other.
fn characters(entropy: &dyn Entropy) -> Result<Zeroizing<String>, Unavailable> {
    let random = Secret::<CHARACTERS>::fill(entropy)?;
    let letter = |byte: &u8| ALPHABET.get(usize::from(byte & 31)).copied().map_or('0', char::from);
    let mut text = Zeroizing::new(String::with_capacity(CHARACTERS));
    text.extend(random.expose().iter().map(letter));
    Ok(text)
}

fn grouped(characters: &str) -> String {
    let mut text = String::with_capacity(CHARACTERS.saturating_add(CHARACTERS.div_euclid(GROUP)));
    for (at, character) in characters.chars().enumerate() {
        if at != 0 && at.is_multiple_of(GROUP) {
            text.push('-');
        }
        text.push(character);
    }
    text
}

/// Reads a code in either case, with or without hyphens and spaces; `O` reads as 0, `I` and `L` as 1.
fn read(code: &str) -> Option<Zeroizing<String>> {
    let mut characters = Zeroizing::new(String::with_capacity(CHARACTERS));
    for character in code.chars().filter(|c| *c != '-' && !c.is_whitespace()) {
        let letter = match character.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if characters.len() == CHARACTERS || !ALPHABET.iter().any(|known| char::from(*known) == letter) {
            return None;
        }
        characters.push(letter);
    }
    (characters.len() == CHARACTERS).then_some(characters)
}

fn hash(account: RecordId, characters: &str) -> String {
    let hash: [u8; 32] = Sha256::new_with_prefix(b"sealgate/recovery/1")
        .chain_update(account.as_bytes())
        .chain_update(characters.as_bytes())
        .finalize()
        .into();
    let mut text = String::with_capacity(64);
    for byte in hash {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CHARACTERS: usize = 24;
const GROUP: usize = 4;

#[cfg(test)]
mod tests {
    use super::super::fixture::{account, book};
    use super::*;
    use domain::ports::Clock;

    #[test]
    fn codes_have_six_groups_and_none_is_like_another() {
        let (book, _) = book();
        let drawn = RecoveryCodes::new(book).draw(RecordId([1; 16])).unwrap();
        assert_eq!((drawn.codes.len(), drawn.hashes.len()), (CODES, CODES));
        for (at, code) in drawn.codes.iter().enumerate() {
            let text = code.expose();
            assert_eq!(text.split('-').map(str::len).collect::<Vec<_>>(), [4; 6], "{text}");
            assert!(text.bytes().all(|b| b == b'-' || ALPHABET.contains(&b)), "{text}");
            assert!(drawn.codes[..at].iter().all(|other| other != code));
        }
    }

    #[tokio::test]
    async fn a_code_is_accepted_once_however_it_is_typed() {
        let (book, clock) = book();
        let recovery = RecoveryCodes::new(book);
        let mut account = account();
        let drawn = recovery.draw(account.id).unwrap();
        account.recovery = drawn.hashes.clone();
        let typed = drawn.codes[3].expose().to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l");
        let used = recovery.accept(&account, &typed, clock.now()).await.unwrap();
        assert_eq!(used.hash, drawn.hashes[3]);
        assert_eq!(used.left.len(), CODES - 1);
        assert!(!used.left.contains(&used.hash));
        let again = recovery.accept(&account, drawn.codes[3].expose(), clock.now()).await;
        assert_eq!(again, Err(Reason::RecoveryCodeUsed.into()), "although the list was not written yet");
        account.recovery = used.left;
        let again = recovery.accept(&account, drawn.codes[3].expose(), clock.now()).await;
        assert_eq!(again, Err(Reason::WrongRecoveryCode.into()));
        assert!(recovery.accept(&account, drawn.codes[4].expose(), clock.now()).await.is_ok());
    }

    #[tokio::test]
    async fn the_codes_of_another_account_and_what_is_no_code_are_refused() {
        let (book, clock) = book();
        let recovery = RecoveryCodes::new(book);
        let mut account = account();
        let drawn = recovery.draw(RecordId([9; 16])).unwrap();
        account.recovery = drawn.hashes.clone();
        let good = drawn.codes[0].expose();
        let long = format!("{good}0");
        for text in [good, "", "0000", &long, "UUUU-0000-0000-0000-0000-0000", &"0".repeat(100_000), "é"] {
            let refused = recovery.accept(&account, text, clock.now()).await;
            assert_eq!(refused, Err(Reason::WrongRecoveryCode.into()));
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn of_many_who_show_the_same_code_at_once_one_succeeds() {
        let (book, clock) = book();
        let recovery = Arc::new(RecoveryCodes::new(book));
        let mut account = account();
        let drawn = recovery.draw(account.id).unwrap();
        account.recovery = drawn.hashes;
        for code in drawn.codes {
            let tasks: Vec<_> = (0..16)
                .map(|_| {
                    let (recovery, account, code, now) =
                        (Arc::clone(&recovery), account.clone(), code.clone(), clock.now());
                    tokio::spawn(async move { recovery.accept(&account, code.expose(), now).await.is_ok() })
                })
                .collect();
            let mut accepted = 0;
            for task in tasks {
                accepted += usize::from(task.await.unwrap());
            }
            assert_eq!(accepted, 1);
        }
    }
}
