//! What was granted: codes, access and refresh tokens for it, and its end.

use super::ask::Asked;
use super::desk::{Launches, text};
use super::grant::{Grant, Stay};
use super::proof;
use super::wish::Wish;
use crate::access::{self, Address, Factor, Scope, Subject, narrow};
use crate::directory::{Application, ApplicationUse, Directory};
use crate::id::{RecordId, TenantId};
use crate::identity::Session;
use crate::rate::{Bucket, Rate};
use crate::refusals::Wait;
use crate::secret::SecretBytes;
use crate::sign_in::{MAX_LISTED, MAX_SESSIONS, person_owner};
use crate::ticket::{Kept, NotKept, Owner, TicketKey, TicketKind};
use crate::time::Timestamp;
use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};

/// How long a code is good, in seconds.
pub const CODE_SECONDS: i64 = 60;
/// How long an access token of a launched application is good, in seconds.
pub const ACCESS_SECONDS: i64 = 900;
/// How long an application may go on without its person, in seconds: a week. What the identity provider no longer says of
/// somebody is not seen here before they sign in again.
pub const OFFLINE_SECONDS: i64 = 7 * 86_400;
/// What every refresh token begins with.
pub const REFRESH_PREFIX: &str = "sgr_";
/// How often one grant is refreshed: 30 times at once, and once in 10 seconds. An access token is good for 900; an application that
/// refreshes with every page it opens is let.
pub const REFRESH_RATE: Rate = Rate { burst: 30, every_ms: 10_000 };
/// Most grants of one person that are looked at.
const MAX_GRANTS: u32 = 1_024;
/// How long a code that nobody redeemed is remembered, so that one who comes late is told from one who guesses, in seconds.
const TRACE_SECONDS: i64 = 600;

/// What a code or a refresh token gave.
pub struct Given {
    /// The grant.
    pub grant: Grant,
    /// What the access token is good for: the whole of it, or less where less was asked.
    pub wish: Wish,
    /// The refresh token, where the application may go on.
    pub refresh: Option<SecretBytes>,
    /// The moment from which nothing of it holds.
    pub until: Timestamp,
}

/// Why nothing was given.
pub struct NotGiven {
    /// The word for the audit chain.
    pub reason: &'static str,
    /// The grant that is to be taken away because of it, with everything that came of it: [`Launches::take_back`], once that is in the
    /// audit chain.
    pub revoked: Option<Box<Kept<Grant>>>,
    /// How long to wait where nothing is wrong but how often it was asked: then nothing was used up.
    pub wait: Option<Wait>,
}

impl NotGiven {
    fn because(reason: &'static str) -> Self {
        Self { reason, revoked: None, wait: None }
    }
}

impl From<NotKept> for NotGiven {
    fn from(fault: NotKept) -> Self {
        match fault {
            NotKept::Integrity => Self::because("ticket-integrity"),
            NotKept::Unavailable => Self::because(UNAVAILABLE),
        }
    }
}

/// The reason that is no refusal: the database does not answer.
const UNAVAILABLE: &str = "unavailable";

impl NotGiven {
    /// Says whether it was not refused but could not be done.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        self.reason == UNAVAILABLE
    }
}

/// What a refresh token names.
#[derive(Serialize, Deserialize)]
struct Refresh {
    grant: RecordId,
    number: u32,
}

impl Launches {
    /// Writes down what a person granted. Returns the code for it, good for [`CODE_SECONDS`] and once.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn grant(
        &self,
        asked: &Asked,
        session: &Session,
        patient: Option<RecordId>,
        wish: Wish,
    ) -> Result<(RecordId, String), NotKept> {
        let now = self.book.clock.now();
        let mut random = [0; 10];
        self.book.entropy.fill(&mut random)?;
        let id = RecordId::from_time(now, random);
        let grant = Grant {
            id,
            application: asked.application,
            session: Session { glass: None, ..session.clone() },
            patient,
            wish: wish.settled(),
            nonce: asked.nonce.clone(),
            given: now,
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            redeemed: false,
            refresh: 0,
            refreshed: Bucket::FULL,
        };
        if grant.stay() == Stay::Offline {
            // Before the grant: what outlasts sessions and is in no list would outlast the end of everybody's.
            let (key, owner) =
                (self.book.keys.key(TicketKind::GrantName, &[id.as_bytes()]), self.names_in(session.tenant));
            let until = now.plus_seconds(TRACE_SECONDS.saturating_add(OFFLINE_SECONDS));
            self.put(TicketKind::GrantName, session.tenant, key, owner, until, &session.person).await?;
        }
        let (code, expires) = (self.draw()?, now.plus_seconds(TRACE_SECONDS));
        let owner = self.book.keys.owner("launches", &[session.person.as_bytes()]);
        self.put(TicketKind::Grant, session.tenant, self.grant_key(id), owner, expires, &grant).await?;
        let key = self.key(TicketKind::Code, &code);
        self.put(TicketKind::Code, session.tenant, key, self.tokens_of(id), expires, &id).await?;
        Ok((id, text(&code)))
    }

    /// Redeems a code for an application that authenticated, or is public and named itself.
    ///
    /// A code that comes a second time, from another application, with another address or without the right verifier was
    /// stolen or is being guessed at: the grant is to be taken away, and with it every token (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// [`NotGiven`].
    pub async fn redeem(
        &self,
        code: &str,
        client: RecordId,
        redirect_uri: &str,
        verifier: &str,
        directory: &Directory,
    ) -> Result<Given, NotGiven> {
        let named = self.look_up::<RecordId>(TicketKind::Code, code).await?;
        let named = named.ok_or(NotGiven::because("unknown-code"))?;
        let kept = self.find(named.value).await?.ok_or(NotGiven::because("grant-ended"))?;
        let grant = &kept.value;
        let now = self.book.clock.now();
        let wrong = if grant.application != client {
            Some("code-of-another-client")
        } else if grant.redeemed {
            Some("code-replayed")
        } else if grant.given.plus_seconds(CODE_SECONDS) <= now {
            Some("expired-code")
        } else if grant.redirect_uri != redirect_uri {
            Some("redirect")
        } else if !proof::fits(&grant.challenge, verifier) {
            Some("verifier")
        } else {
            None
        };
        if let Some(reason) = wrong {
            return Err(taken_away(kept, reason));
        }
        if let Err(reason) = self.standing(grant, directory).await? {
            return Err(taken_away(kept, reason));
        }
        let until = end(grant, directory, now);
        let redeemed = Grant { redeemed: true, refresh: u32::from(grant.stay() != Stay::Once), ..grant.clone() };
        if !self.book.replace(TicketKind::Grant, &kept, until, &redeemed).await? {
            // Somebody else redeemed it at the same moment.
            return Err(taken_away(kept, "code-replayed"));
        }
        // Remembered as long as anything may come of it, so that a second use is recognised whenever it comes.
        self.book.replace(TicketKind::Code, &named, until, &named.value).await?;
        let refresh = self.refresh_token(&redeemed, until).await?;
        Ok(Given { wish: redeemed.wish.clone(), grant: redeemed, refresh, until })
    }

    /// Gives new tokens for a refresh token, which is used up by it; `scope` may ask for less.
    ///
    /// One that was used up before was stolen, or its successor was: the grant is to be taken away (RFC 9700 §4.14.2).
    ///
    /// # Errors
    /// [`NotGiven`]; with the reason [`NotGiven::WIDER`], and where it says to wait ([`REFRESH_RATE`]), nothing is used up.
    pub async fn refresh(
        &self,
        token: &str,
        client: RecordId,
        scope: Option<&str>,
        directory: &Directory,
    ) -> Result<Given, NotGiven> {
        let (kept, number) = self.by_refresh_token(token).await?;
        let grant = &kept.value;
        let wrong = if grant.application != client {
            Some("token-of-another-client")
        } else if grant.refresh != number {
            Some("refresh-replayed")
        } else {
            None
        };
        if let Some(reason) = wrong {
            return Err(taken_away(kept, reason));
        }
        if let Err(reason) = self.standing(grant, directory).await? {
            return Err(taken_away(kept, reason));
        }
        let wish = match scope {
            Some(scope) => grant.wish.less(scope).ok_or(NotGiven::because(NotGiven::WIDER))?,
            None => grant.wish.clone(),
        };
        let (now, mut refreshed) = (self.book.clock.now(), grant.refreshed);
        let wait = refreshed.wait(REFRESH_RATE, now);
        if wait > 0 {
            return Err(NotGiven { wait: Some(Wait::of(wait)), ..NotGiven::because("refreshed-too-often") });
        }
        refreshed.take(REFRESH_RATE, now);
        let number = grant.refresh.checked_add(1).ok_or(NotGiven::because("grant-ended"))?;
        let (renewed, until) = (Grant { refresh: number, refreshed, ..grant.clone() }, kept.expires);
        if !self.book.replace(TicketKind::Grant, &kept, until, &renewed).await? {
            return Err(taken_away(kept, "refresh-replayed"));
        }
        let refresh = self.refresh_token(&renewed, until).await?;
        Ok(Given { wish, grant: renewed, refresh, until })
    }

    /// Returns what a person of a tenant let applications have, soonest to end first.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn granted_by(&self, tenant: TenantId, person: RecordId) -> Result<Vec<Kept<Grant>>, NotKept> {
        let owner = self.book.keys.owner("launches", &[person.as_bytes()]);
        let kept = self.book.of_owner::<Grant>(TicketKind::Grant, owner, MAX_GRANTS).await?;
        Ok(kept.into_iter().filter(|kept| kept.tenant == tenant).collect())
    }

    /// Returns what people of a tenant let applications have who let any go on without them; of at most [`MAX_LISTED`] such grants.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn granted_in(&self, tenant: TenantId) -> Result<Vec<Kept<Grant>>, NotKept> {
        let names = self.book.of_owner::<RecordId>(TicketKind::GrantName, self.names_in(tenant), MAX_LISTED).await?;
        let people: BTreeSet<RecordId> = names.into_iter().map(|name| name.value).collect();
        let mut granted = Vec::new();
        for person in people {
            granted.extend(self.granted_by(tenant, person).await?);
        }
        Ok(granted)
    }

    fn names_in(&self, tenant: TenantId) -> Owner {
        self.book.keys.owner("launches-of-tenant", &[tenant.as_bytes()])
    }

    /// Takes a grant away, and with it everything that came of it; `false` when it is gone already.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn take_back(&self, kept: &Kept<Grant>) -> Result<bool, NotKept> {
        self.book.remove(kept).await
    }

    /// Returns the application that a refresh token was given to, for one that does not name itself; nothing is used up.
    ///
    /// # Errors
    /// [`NotGiven`].
    pub async fn holder(&self, token: &str) -> Result<RecordId, NotGiven> {
        self.by_refresh_token(token).await.map(|(kept, _)| kept.value.application)
    }

    /// Returns the grant of a refresh token that its application gives up, to be taken back; `None` when there is none that goes on.
    ///
    /// # Errors
    /// [`NotGiven`] when it is another's.
    pub async fn given_up(&self, token: &str, client: RecordId) -> Result<Option<Kept<Grant>>, NotGiven> {
        let kept = match self.by_refresh_token(token).await {
            Ok((kept, _)) => kept,
            Err(not) if not.is_unavailable() => return Err(not),
            Err(_) => return Ok(None),
        };
        if kept.value.application != client {
            return Err(NotGiven::because("token-of-another-client"));
        }
        Ok(Some(kept))
    }

    /// Returns who acts with an access token of a grant, and under which circumstances but the address; `None` when it is over.
    ///
    /// # Errors
    /// [`NotKept`].
    pub async fn admit(
        &self,
        grant: RecordId,
        client: RecordId,
        scopes: &[Scope],
        directory: &Directory,
    ) -> Result<Option<(Subject, access::Context, Grant)>, NotKept> {
        let Some(kept) = self.find(grant).await? else { return Ok(None) };
        let grant = kept.value;
        let whole = grant.application == client && grant.redeemed && kept.tenant == grant.tenant();
        match self.standing(&grant, directory).await? {
            Ok(circumstances) if whole => {
                let registered = directory.application(client).map(registered).unwrap_or_default();
                let subject = grant.to_subject(narrow(scopes, &registered));
                Ok(Some((subject, circumstances, grant)))
            }
            _ => Ok(None),
        }
    }

    /// Says whether a grant still holds: its application, its person and, unless it stays offline, its session.
    async fn standing(
        &self,
        grant: &Grant,
        directory: &Directory,
    ) -> Result<Result<access::Context, &'static str>, NotKept> {
        let application = directory.application(grant.application).filter(|known| known.enabled);
        let Some(application) = application.filter(|known| matches!(known.r#use, ApplicationUse::Launch { .. })) else {
            return Ok(Err("disabled-client"));
        };
        if application.ended.is_some_and(|ended| ended > grant.given) {
            return Ok(Err("client-was-disabled"));
        }
        if application.tenant != grant.tenant() {
            return Ok(Err("other-tenant"));
        }
        let (session, now) = (&grant.session, self.book.clock.now());
        let Some(settings) = directory.settings(session.tenant) else {
            return Ok(Err("person-not-admitted"));
        };
        if !settings.factor_suffices(session) {
            return Ok(Err("factor-missing"));
        }
        if !directory.still_admits(session) {
            return Ok(Err("person-not-admitted"));
        }
        if grant.stay() != Stay::Offline {
            let owner = person_owner(&self.book.keys, session.person);
            let sessions = self.book.of_owner::<Session>(TicketKind::Session, owner, MAX_SESSIONS).await?;
            let goes_on = |kept: &Kept<Session>| {
                kept.value.id == session.id && kept.value.state(now, &settings.sessions) == access::Session::Current
            };
            if !sessions.iter().any(goes_on) {
                return Ok(Err("session-ended"));
            }
        }
        Ok(Ok(access::Context {
            now,
            address: Address::Allowed,
            session: access::Session::Current,
            factor: Factor::Shown,
            break_glass: None,
        }))
    }

    async fn by_refresh_token(&self, token: &str) -> Result<(Kept<Grant>, u32), NotGiven> {
        let unknown = || NotGiven::because("unknown-refresh-token");
        let secret = token.strip_prefix(REFRESH_PREFIX).ok_or_else(unknown)?;
        let named = self.look_up::<Refresh>(TicketKind::RefreshToken, secret).await?.ok_or_else(unknown)?;
        let kept = self.find(named.value.grant).await?.ok_or(NotGiven::because("grant-ended"))?;
        Ok((kept, named.value.number))
    }

    /// Makes the refresh token that a grant counts as its present one.
    async fn refresh_token(&self, grant: &Grant, until: Timestamp) -> Result<Option<SecretBytes>, NotKept> {
        if grant.refresh == 0 {
            return Ok(None);
        }
        let secret = self.draw()?;
        let key = self.key(TicketKind::RefreshToken, &secret);
        let named = Refresh { grant: grant.id, number: grant.refresh };
        self.put(TicketKind::RefreshToken, grant.tenant(), key, self.tokens_of(grant.id), until, &named).await?;
        let mut token = Vec::with_capacity(REFRESH_PREFIX.len().saturating_add(secret.expose().len()));
        token.extend_from_slice(REFRESH_PREFIX.as_bytes());
        token.extend_from_slice(secret.expose());
        Ok(Some(SecretBytes::new(token)))
    }

    async fn find(&self, grant: RecordId) -> Result<Option<Kept<Grant>>, NotKept> {
        self.book.find(TicketKind::Grant, self.grant_key(grant)).await
    }

    fn grant_key(&self, id: RecordId) -> TicketKey {
        self.book.keys.key(TicketKind::Grant, &[id.as_bytes()])
    }

    fn tokens_of(&self, grant: RecordId) -> Owner {
        self.book.keys.owner("grant", &[grant.as_bytes()])
    }
}

impl NotGiven {
    /// The reason when more is asked for than was granted.
    pub const WIDER: &'static str = "scope-wider";
}

fn taken_away(kept: Kept<Grant>, reason: &'static str) -> NotGiven {
    NotGiven { reason, revoked: Some(Box::new(kept)), wait: None }
}

/// Returns the moment from which nothing of a grant holds that is redeemed now.
fn end(grant: &Grant, directory: &Directory, now: Timestamp) -> Timestamp {
    let session = grant.session.ends_at_most(&directory.session_limits(grant.tenant()));
    match grant.stay() {
        Stay::Once => now.plus_seconds(ACCESS_SECONDS).min(session),
        Stay::Online => session,
        Stay::Offline => grant.given.plus_seconds(OFFLINE_SECONDS),
    }
}

/// Returns the scopes about records that an application was registered for.
fn registered(application: &Application) -> Vec<Scope> {
    application.scopes.iter().filter_map(|text| text.parse().ok()).collect()
}
