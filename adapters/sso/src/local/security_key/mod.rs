//! Security keys, and authenticators built into devices, as the second factor (WebAuthn Level 3).
//!
//! ```text
//!   begin ─► challenge, sealed as a ticket of this browser, account and purpose ─► options for navigator.credentials
//!   answer ─► whose challenge? not used, not over? ─► signature, origin, relying party, presence ─► counter ─► accepted
//! ```
//!
//! The ceremonies are those of `webauthn-rs`, which draws its challenges (256 random bits) by itself: the only randomness of a
//! sign-in that does not come through [`Entropy`](domain::ports::Entropy). What has to do with time and with use by several at once is
//! ours: a challenge is good for one answer within [`CHALLENGE_SECONDS`], and a counter only ever moves forward, by compare-and-set.
//!
//! A key is asked to verify its person by PIN or biometry where it can. One that did so when it was added must do so ever after; for
//! the password was shown before, presence is enough of one that cannot. What kind of key it is is not asked (no attestation): any
//! that a person has is better than none.

mod answer;
mod challenge;
mod counter;
mod step;
#[cfg(test)]
mod tests;
mod verifier;

pub use challenge::CHALLENGE_SECONDS;
pub use counter::forget_counters;
pub use step::{KeyAccepted, KeyEnrolled};

use super::refusal::{Reason, Refusal};
use answer::{MAX_CREDENTIAL_BYTES, read, reason_of};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use challenge::{Asked, Challenges, Purpose, State};
use domain::directory::{Account, Hidden, MAX_SECURITY_KEYS, MAX_VERIFIER_BYTES, SecurityKey};
use domain::id::RecordId;
use domain::ticket::TicketBook;
use domain::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use webauthn_rs::prelude::{
    self, PublicKeyCredential, RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder,
};

/// Asks for security keys and judges their answers.
pub struct SecurityKeys {
    webauthn: Webauthn,
    host: String,
    challenges: Challenges,
    book: Arc<TicketBook>,
}

/// What a script hands to `navigator.credentials`: JSON with one member `publicKey`, binary values in base64url.
pub struct KeyRequest(pub String);

/// A key that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyShown {
    /// Which one, [`SecurityKey::id`].
    pub key: RecordId,
    /// How (RFC 8176 §2): `hwk` for a key that stays in its device, `swk` for one that is kept in step between devices, `user` for
    /// presence; and `fido`.
    pub methods: Vec<&'static str>,
}

impl SecurityKeys {
    /// Makes a judge for pages of this origin (scheme, host, port), over a book of tickets; `None` where the host is no name, since
    /// browsers offer keys for names only (WebAuthn Level 3 §5.1.2).
    ///
    /// Host and origin are those under which the gateway is known, whatever a request says of itself. Keys are good for this host
    /// alone: under another name they do not answer.
    #[must_use]
    pub fn at(origin: &str, book: Arc<TicketBook>) -> Option<Self> {
        let (url, host) = (Url::parse(origin).ok()?, host_of(origin)?);
        let timeout = Duration::from_secs(u64::try_from(CHALLENGE_SECONDS).ok()?);
        let webauthn = WebauthnBuilder::new(&host, &url).ok()?.rp_name("Sealgate").timeout(timeout).build().ok()?;
        Some(Self { webauthn, host, challenges: Challenges::new(Arc::clone(&book)), book })
    }

    /// Returns the host whose pages the keys answer.
    #[must_use]
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Asks for a key that is to be added. `browser` is what only this browser has, or a hash of it; a page that is loaded again gets
    /// the same challenge.
    ///
    /// # Errors
    /// [`Reason::TooManyKeys`]; [`Reason::Busy`], [`Reason::Unavailable`].
    pub async fn begin_registration(
        &self,
        account: &Account,
        browser: &[u8],
        now: Timestamp,
    ) -> Result<KeyRequest, Refusal> {
        if account.security_keys.len() >= MAX_SECURITY_KEYS {
            return Err(Reason::TooManyKeys.into());
        }
        let purpose = Purpose { name: b"register", account, browser };
        self.challenges.ask(&purpose, now, || self.registration(account)).await
    }

    /// Judges the answer of a new key. It counts once it is written; `taken` says whether any account has this credential.
    ///
    /// # Errors
    /// Of the challenge: [`Reason::NoChallenge`], [`Reason::WrongChallenge`], [`Reason::ChallengeExpired`],
    /// [`Reason::ChallengeUsed`]. Of the answer: [`Reason::KeyAnswer`], [`Reason::WrongOrigin`], [`Reason::WrongRelyingParty`],
    /// [`Reason::UserNotPresent`], [`Reason::UserNotVerified`], [`Reason::KeyNotAccepted`], [`Reason::KeyTaken`],
    /// [`Reason::TooManyKeys`].
    pub async fn finish_registration(
        &self,
        account: &Account,
        browser: &[u8],
        name: &str,
        answer: &str,
        taken: impl Fn(&str) -> bool,
        now: Timestamp,
    ) -> Result<SecurityKey, Refusal> {
        let (given, challenge) = read::<RegisterPublicKeyCredential>(answer)?;
        let purpose = Purpose { name: b"register", account, browser };
        let State::Registration(state) = self.challenges.take(&purpose, &challenge, now).await? else {
            return Err(Reason::WrongChallenge.into());
        };
        let known = |credential: &[u8]| {
            let credential = URL_SAFE_NO_PAD.encode(credential);
            taken(&credential) || account.security_keys.iter().any(|known| known.credential == credential)
        };
        // By what the browser says of it; the library has one word for a key that is known and for one of another kind.
        if known(&given.raw_id) {
            return Err(Reason::KeyTaken.into());
        }
        let made = self.webauthn.finish_securitykey_registration(&given, &state).map_err(|why| reason_of(&why))?;
        if account.security_keys.len() >= MAX_SECURITY_KEYS {
            return Err(Reason::TooManyKeys.into());
        }
        if known(made.cred_id()) {
            return Err(Reason::KeyTaken.into());
        }
        let credential = URL_SAFE_NO_PAD.encode(made.cred_id());
        let verifier = verifier::render(&made).ok_or(Reason::KeyNotAccepted)?;
        if verifier.len() > MAX_VERIFIER_BYTES || !(1..=MAX_CREDENTIAL_BYTES).contains(&made.cred_id().len()) {
            return Err(Reason::KeyNotAccepted.into());
        }
        let mut random = [0; 10];
        self.book.entropy.fill(&mut random)?;
        let (id, name) = (RecordId::from_time(now, random), name.to_owned());
        let (added, host) = (now.to_millisecond(), self.host.clone());
        Ok(SecurityKey { id, name, added, credential, host, verifier: Hidden::new(verifier) })
    }

    /// Asks for any of the account's keys; as for [`SecurityKeys::begin_registration`].
    ///
    /// # Errors
    /// [`Reason::NotEnrolled`] where it has none of this host that can be read; [`Reason::Busy`], [`Reason::Unavailable`].
    pub async fn begin_use(&self, account: &Account, browser: &[u8], now: Timestamp) -> Result<KeyRequest, Refusal> {
        let keys: Vec<prelude::SecurityKey> = account.keys_of(Some(&self.host)).filter_map(verifier::read).collect();
        if keys.is_empty() {
            return Err(Reason::NotEnrolled.into());
        }
        let purpose = Purpose { name: b"use", account, browser };
        self.challenges.ask(&purpose, now, || self.using(&keys)).await
    }

    /// Judges the answer of a key. A refusal names the key where the answer does, and the account has it; that it was shown is then
    /// what the answer says.
    ///
    /// # Errors
    /// Of the challenge as for [`SecurityKeys::finish_registration`]. Of the answer: [`Reason::KeyAnswer`], [`Reason::UnknownKey`],
    /// [`Reason::WrongOrigin`], [`Reason::WrongRelyingParty`], [`Reason::UserNotPresent`], [`Reason::UserNotVerified`],
    /// [`Reason::WrongSignature`], [`Reason::CounterWentBack`], [`Reason::KeyNotAccepted`]; [`Reason::Busy`].
    pub async fn finish_use(
        &self,
        account: &Account,
        browser: &[u8],
        answer: &str,
        now: Timestamp,
    ) -> Result<KeyShown, Refusal> {
        let (given, challenge) = read::<PublicKeyCredential>(answer)?;
        // As the account is now: a key that was taken away since it was asked for is not one of its keys.
        let credential = URL_SAFE_NO_PAD.encode(&given.raw_id);
        let key = account.keys_of(Some(&self.host)).find(|known| known.credential == credential);
        let purpose = Purpose { name: b"use", account, browser };
        let judged = self.judge(&purpose, &given, &challenge, key, now).await;
        judged.map_err(|refusal| Refusal { key: key.map(|key| key.id), ..refusal })
    }

    async fn judge(
        &self,
        purpose: &Purpose<'_>,
        given: &PublicKeyCredential,
        challenge: &str,
        key: Option<&SecurityKey>,
        now: Timestamp,
    ) -> Result<KeyShown, Refusal> {
        let State::Use(state) = self.challenges.take(purpose, challenge, now).await? else {
            return Err(Reason::WrongChallenge.into());
        };
        let key = key.ok_or(Reason::UnknownKey)?;
        let shown = self.webauthn.finish_securitykey_authentication(given, &state).map_err(|why| reason_of(&why))?;
        counter::advance(&self.book, purpose.account, key, shown.counter(), now).await?;
        let kept_where = if shown.backup_eligible() { "swk" } else { "hwk" };
        Ok(KeyShown { key: key.id, methods: vec!["fido", kept_where, "user"] })
    }

    fn registration(&self, account: &Account) -> Result<Asked, Refusal> {
        let known = account.security_keys.iter();
        let known = known.filter_map(|key| URL_SAFE_NO_PAD.decode(&key.credential).ok()).collect();
        let handle = Uuid::from_bytes(account.id.0);
        let (mut options, state) = self
            .webauthn
            .start_securitykey_registration(handle, &account.name, &account.display, Some(known), None, None)
            .map_err(|_| Reason::Unavailable)?;
        // The hint would have browsers ask for a key to plug in first; what is built into a device is as welcome.
        options.public_key.hints = None;
        // The protection that would be asked for (credProtect) shuts out keys without a PIN, and Chromium refuses it beside the mere
        // preference that a person be verified.
        options.public_key.extensions = None;
        Asked::new(&options.public_key.challenge, &options, State::Registration(Box::new(state)))
    }

    fn using(&self, keys: &[prelude::SecurityKey]) -> Result<Asked, Refusal> {
        let (mut options, state) =
            self.webauthn.start_securitykey_authentication(keys).map_err(|_| Reason::Unavailable)?;
        options.public_key.hints = None;
        Asked::new(&options.public_key.challenge, &options, State::Use(Box::new(state)))
    }
}

/// Returns the host for which keys are made at pages of this origin; `None` where it is no name, see [`SecurityKeys::at`].
#[must_use]
pub fn host_of(origin: &str) -> Option<String> {
    Url::parse(origin).ok()?.domain().map(str::to_owned)
}

/// How often a decision that somebody else overtook is made anew.
pub(super) const RACES: usize = 64;
