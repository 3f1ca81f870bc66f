//! Challenges: one under way for a browser, an account and a purpose, good for one answer and for a short time.
//!
//! A ticket holds what is asked and what was answered last, so that a refusal can say which it was: never asked, asked otherwise,
//! too late, or answered before.

use super::super::refusal::{Reason, Refusal};
use super::{KeyRequest, RACES};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::directory::Account;
use domain::ticket::{Kept, TicketBook, TicketKind};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use webauthn_rs::prelude::{SecurityKeyAuthentication, SecurityKeyRegistration};

/// For how long a challenge may be answered, in seconds; browsers are told the same.
pub const CHALLENGE_SECONDS: i64 = 300;

/// Keeps challenges.
pub(super) struct Challenges {
    book: Arc<TicketBook>,
}

/// What a challenge is for; an answer for one is none for another.
pub(super) struct Purpose<'a> {
    pub(super) name: &'static [u8],
    pub(super) account: &'a Account,
    /// What only this browser has, or a hash of it.
    pub(super) browser: &'a [u8],
}

/// What the library wants back with the answer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) enum State {
    Registration(Box<SecurityKeyRegistration>),
    Use(Box<SecurityKeyAuthentication>),
}

/// A challenge that was drawn.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    /// In base64url, as an answer repeats it.
    challenge: String,
    /// What the script hands to the browser.
    options: String,
    state: State,
    /// The keys of the account when it was drawn.
    keys: Vec<String>,
    /// The moment from which an answer is too late.
    ends: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Slot {
    asked: Option<Asked>,
    /// Challenges that were answered, the latest last.
    spent: Vec<String>,
}

impl Asked {
    /// Takes what the library has drawn.
    pub(super) fn new(challenge: &[u8], options: &impl Serialize, state: State) -> Result<Self, Refusal> {
        let options = serde_json::to_string(options).map_err(|_| Reason::Unavailable)?;
        let (challenge, keys, ends) = (URL_SAFE_NO_PAD.encode(challenge), Vec::new(), Timestamp(0));
        Ok(Self { challenge, options, state, keys, ends })
    }
}

impl Challenges {
    pub(super) fn new(book: Arc<TicketBook>) -> Self {
        Self { book }
    }

    /// Returns the challenge that is under way, or draws one.
    pub(super) async fn ask(
        &self,
        purpose: &Purpose<'_>,
        now: Timestamp,
        draw: impl Fn() -> Result<Asked, Refusal>,
    ) -> Result<KeyRequest, Refusal> {
        let keys: Vec<String> = purpose.account.security_keys.iter().map(|key| key.credential.clone()).collect();
        for _ in 0..RACES {
            let kept = self.find(purpose).await?;
            let under_way = kept.as_ref().and_then(|kept| kept.value.asked.as_ref());
            // One that is about to end would end while somebody looks for the key.
            let lasting = |asked: &&Asked| asked.keys == keys && asked.ends > now.plus_seconds(LEAST_SECONDS);
            if let Some(asked) = under_way.filter(lasting) {
                return Ok(KeyRequest(asked.options.clone()));
            }
            let asked = Asked { keys: keys.clone(), ends: now.plus_seconds(CHALLENGE_SECONDS), ..draw()? };
            let request = KeyRequest(asked.options.clone());
            let spent = kept.as_ref().map(|kept| kept.value.spent.clone()).unwrap_or_default();
            if self.write(purpose, kept.as_ref(), &Slot { asked: Some(asked), spent }, now).await? {
                return Ok(request);
            }
        }
        Err(Reason::Busy.into())
    }

    /// Takes the challenge that an answer is to; of several answers at once, one gets it. It is spent whatever becomes of the answer.
    pub(super) async fn take(&self, purpose: &Purpose<'_>, shown: &str, now: Timestamp) -> Result<State, Refusal> {
        for _ in 0..RACES {
            let kept = self.find(purpose).await?.ok_or(Reason::NoChallenge)?;
            if kept.value.spent.iter().any(|spent| spent == shown) {
                return Err(Reason::ChallengeUsed.into());
            }
            let asked = kept.value.asked.as_ref().filter(|asked| asked.challenge == shown);
            let asked = asked.ok_or(Reason::WrongChallenge)?;
            let mut spent = kept.value.spent.clone();
            spent.push(asked.challenge.clone());
            let surplus = spent.len().saturating_sub(SPENT_KEPT);
            spent.drain(..surplus);
            if self.write(purpose, Some(&kept), &Slot { asked: None, spent }, now).await? {
                let in_time = now < asked.ends;
                return if in_time { Ok(asked.state.clone()) } else { Err(Reason::ChallengeExpired.into()) };
            }
        }
        Err(Reason::Busy.into())
    }

    async fn find(&self, purpose: &Purpose<'_>) -> Result<Option<Kept<Slot>>, Refusal> {
        Ok(self.book.find(KIND, self.book.keys.key(KIND, &purpose.fields())).await?)
    }

    async fn write(
        &self,
        purpose: &Purpose<'_>,
        before: Option<&Kept<Slot>>,
        slot: &Slot,
        now: Timestamp,
    ) -> Result<bool, Refusal> {
        let expires = now.plus_seconds(REMEMBERED_SECONDS);
        if let Some(before) = before {
            return Ok(self.book.replace(KIND, before, expires, slot).await?);
        }
        let (tenant, account) = (purpose.account.tenant, purpose.account.id);
        let key = self.book.keys.key(KIND, &purpose.fields());
        let owner = self.book.keys.owner("key-challenge", &[tenant.as_bytes(), account.as_bytes()]);
        Ok(self.book.put(KIND, tenant, key, owner, expires, slot).await?)
    }
}

impl Purpose<'_> {
    fn fields(&self) -> [&[u8]; 4] {
        [self.name, self.account.tenant.as_bytes(), self.account.id.as_bytes(), self.browser]
    }
}

const KIND: TicketKind = TicketKind::KeyChallenge;
/// For how long what was asked and answered is remembered after the last of it, in seconds: longer than a challenge holds, so that
/// an answer that comes too late is told apart from one to nothing.
const REMEMBERED_SECONDS: i64 = 3_600;
/// Least time, in seconds, that a challenge must have left to be shown again.
const LEAST_SECONDS: i64 = 120;
/// Challenges that are remembered as answered.
const SPENT_KEPT: usize = 8;
