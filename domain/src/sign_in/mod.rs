//! Signing in: from a verified assertion to a session, and from a session's secret to a subject.
//!
//! ```text
//!   Assertion ─► admit by the connection's rules ─► entry in the tenant's chain ─► session, kept as a ticket
//!   secret of a browser ─► ticket ─► still admitted? not ended? ─► Subject + circumstances
//! ```
//!
//! Whoever is refused is refused with a word that goes into the chain and nowhere else. Nothing begins before the
//! entry about it is durable.

mod ending;
mod lists;

pub use ending::Ending;

use crate::access::{self, Address, Factor, Roles, Subject};
use crate::audit;
use crate::directory::{Connection, Directory, TenantSettings};
use crate::id::{CorrelationId, RecordId, TenantId};
use crate::identity::{Admitted, Assertion, GlassBroken, NotAdmitted, Session, SessionLimits, Since, Standing, admit};
use crate::journal::{Act, Actor, Journal};
use crate::ports::{Clock, Entropy, KeyVault, Ledger, Unavailable};
use crate::refusals::{Refusal, Refusals, Wait};
use crate::secret::Secret;
use crate::ticket::{Kept, NotKept, Owner, TicketBook, TicketKey, TicketKeys, TicketKind};
use crate::time::Timestamp;
use alloc::string::ToString;
use alloc::sync::Arc;

/// Begins, resumes and ends sessions.
pub struct SignIn {
    /// Keeps the sessions.
    pub book: Arc<TicketBook>,
    /// Makes entries durable and chained.
    pub ledger: Arc<dyn Ledger>,
    /// Gives the keys of contexts and names.
    pub vault: Arc<dyn KeyVault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Records who was refused.
    pub refusals: Arc<Refusals>,
}

/// From where, and in which exchange, somebody signs in.
#[derive(Clone, Copy)]
pub struct Origin<'a> {
    /// The peer's address.
    pub address: &'a str,
    /// The part of the gateway or the console by which it is done, as entries name it.
    pub workstation: &'a str,
    /// Whether the tenant lets people come from there.
    pub allowed: Address,
    /// Ties the entries of the exchange together.
    pub correlation: CorrelationId,
}

/// Who is refused, as far as that is known.
#[derive(Clone, Copy)]
pub enum Whom<'a> {
    /// Nobody that is known.
    Nobody,
    /// Somebody who came by this connection.
    By(RecordId),
    /// This very person.
    Person(&'a Assertion),
    /// This very person, by something of theirs that they showed, as entries name it: `SecurityKey/…`.
    Showing(&'a Assertion, &'a str),
}

/// A session that has begun, and the secret that the browser keeps.
pub struct Begun {
    /// The session.
    pub session: Session,
    /// What finds it: 256 random bits, for one browser alone.
    pub secret: Secret<32>,
}

/// A session that goes on.
pub struct Resumed {
    /// The session.
    pub session: Session,
    /// Who acts in it.
    pub subject: Subject,
    /// Under which circumstances.
    pub circumstances: access::Context,
    /// The moment it ends if it is not used again.
    pub ends: Timestamp,
    kept: Kept<Session>,
}

/// Why a verified person did not get a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No rule admits them; the entry says why.
    NotAdmitted(NotAdmitted),
    /// They may not come from this address.
    AddressNotAllowed,
    /// A second factor is required, and none was shown.
    FactorMissing,
    /// There were too many refusals from their address.
    Wait(Wait),
    /// The database, the ledger or the keys do not answer.
    Unavailable,
}

impl Refused {
    /// Returns the word that audit contexts carry.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Refused::NotAdmitted(why) => why.name(),
            Refused::AddressNotAllowed => "address-not-allowed",
            Refused::FactorMissing => "factor-missing",
            Refused::Wait(_) => "too-many",
            Refused::Unavailable => "unavailable",
        }
    }
}

impl From<Unavailable> for Refused {
    fn from(Unavailable: Unavailable) -> Self {
        Refused::Unavailable
    }
}

impl From<NotKept> for Refused {
    fn from(_: NotKept) -> Self {
        Refused::Unavailable
    }
}

impl SignIn {
    /// Admits a verified person and begins a session; a session that is replaced (step-up, sign-in again) ends with it.
    ///
    /// `connection` is the one that the assertion came by, `standing` what [`Directory::standing`] says of the person.
    ///
    /// # Errors
    /// [`Refused`]; it is in the tenant's chain.
    pub async fn begin(
        &self,
        assertion: &Assertion,
        connection: &Connection,
        standing: &Standing,
        settings: &TenantSettings,
        origin: &Origin<'_>,
        replaces: Option<&Resumed>,
    ) -> Result<Begun, Refused> {
        match admit(&connection.rules, assertion, standing) {
            Ok(admitted) => {
                let since = Since { way: Some(connection.since()), ..admitted.since };
                let admitted = Admitted { since, ..admitted };
                let begun = self.begin_admitted(assertion, admitted, settings, origin, replaces).await?;
                if let Standing::Active { person, .. } = standing {
                    self.list(&begun.session, &settings.sessions, "provisioned", person.as_bytes()).await?;
                }
                Ok(begun)
            }
            Err(why) => {
                let refused = Refused::NotAdmitted(why);
                let wait = self.refuse(assertion.tenant, Whom::Person(assertion), refused.name(), origin).await?;
                Err(wait.map_or(refused, Refused::Wait))
            }
        }
    }

    /// Begins the session of somebody whose roles are known otherwise: the holder of a local account.
    ///
    /// # Errors
    /// [`Refused`]; it is in the tenant's chain.
    pub async fn begin_admitted(
        &self,
        assertion: &Assertion,
        admitted: Admitted,
        settings: &TenantSettings,
        origin: &Origin<'_>,
        replaces: Option<&Resumed>,
    ) -> Result<Begun, Refused> {
        let limits = &settings.sessions;
        let factor_required = settings.second_factor.is_required_of(admitted.roles);
        let refused = if admitted.roles == Roles::NONE {
            Some(Refused::NotAdmitted(NotAdmitted::NoRole))
        } else if origin.allowed == Address::NotAllowed {
            Some(Refused::AddressNotAllowed)
        } else if factor_required && assertion.factor != Factor::Shown {
            Some(Refused::FactorMissing)
        } else {
            None
        };
        if let Some(refused) = refused {
            let wait = self.refuse(assertion.tenant, Whom::Person(assertion), refused.name(), origin).await?;
            return Err(wait.map_or(refused, Refused::Wait));
        }
        let now = self.clock.now();
        let person = assertion.person(&self.vault.secrets(assertion.tenant).naming);
        let mut random = [0; 10];
        self.entropy.fill(&mut random)?;
        let id = RecordId::from_time(now, random);
        let admitted = Admitted { since: Since { factor: Some(settings.since()), ..admitted.since }, ..admitted };
        let dropped = (admitted.dropped != Roles::NONE).then_some(DROPPED);
        let session = Session {
            factor_waived: !factor_required,
            ..Session::begin(id, person, assertion, admitted, origin.address, now)
        };
        let secret = Secret::fill(self.entropy.as_ref())?;

        self.note(&session, "LoginSucceeded", dropped, origin).await?;
        if let Some(old) = replaces {
            self.end(old, Ending::Replaced, origin).await?;
        }
        self.make_room(&session, limits, origin).await?;
        let (key, owner) = (self.key(&secret), self.owner(person));
        self.book.put(TicketKind::Session, session.tenant, key, owner, session.ends(limits), &session).await?;
        // Once more, now that it is there: of several that begin at once, none saw the others before.
        self.make_room(&session, limits, origin).await?;
        self.list(&session, limits, "tenant", session.tenant.as_bytes()).await?;
        if let Some(theirs) = &session.provider_session {
            let (key, owner) = self.provider_session(session.connection, theirs, session.id);
            self.book
                .put(TicketKind::ProviderSession, session.tenant, key, owner, session.ends_at_most(limits), &person)
                .await?;
        }
        Ok(Begun { session, secret })
    }

    /// Returns the session that a browser's secret finds, if it goes on: not ended, and its person still admitted.
    ///
    /// Its idle time begins anew, which is written down at most every [`TOUCH_SECONDS`].
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn resume(
        &self,
        secret: &Secret<32>,
        directory: &Directory,
        address: Address,
    ) -> Result<Option<Resumed>, Unavailable> {
        let Some(mut kept) = self.kept(secret).await? else { return Ok(None) };
        let Some(settings) = directory.settings(kept.value.tenant) else { return Ok(None) };
        let limits = settings.sessions;
        let now = self.clock.now();
        let going = kept.value.state(now, &limits) == access::Session::Current;
        if !going || !directory.still_admits(&kept.value) {
            return Ok(None);
        }
        if kept.value.seen.plus_seconds(TOUCH_SECONDS) <= now {
            let session = Session { seen: now, ..kept.value.clone() };
            // Losing to another request of the same browser is as good: that one was seen as well.
            let _ = self.book.replace(TicketKind::Session, &kept, session.ends(&limits), &session).await;
            // Read again, so that what is done in the session builds on what is stored.
            let Some(again) = self.kept(secret).await? else { return Ok(None) };
            kept = again;
        }
        let session = kept.value.clone();
        let (subject, circumstances) = (session.to_subject(), session.circumstances(now, &limits, address));
        Ok(Some(Resumed { ends: session.ends(&limits), subject, circumstances, session, kept }))
    }

    /// Breaks the glass for one patient in this session, or mends it (`None`); the caller has decided that it may.
    ///
    /// # Errors
    /// [`Refused::Unavailable`]; then nothing changed.
    pub async fn set_glass(
        &self,
        resumed: &Resumed,
        glass: Option<GlassBroken>,
        limits: &SessionLimits,
    ) -> Result<bool, Refused> {
        let session = Session { glass, ..resumed.session.clone() };
        Ok(self.book.replace(TicketKind::Session, &resumed.kept, session.ends(limits), &session).await?)
    }

    /// Records that somebody was refused; `reason` is the precise word, which nobody outside is told. Returns how long to wait
    /// where there were too many refusals from their address, see [`Refusals::record`].
    ///
    /// # Errors
    /// [`Unavailable`]; then the refusal stands nevertheless.
    pub async fn refuse(
        &self,
        tenant: TenantId,
        whom: Whom<'_>,
        reason: &str,
        origin: &Origin<'_>,
    ) -> Result<Option<Wait>, Unavailable> {
        let names = &self.vault.secrets(tenant).naming;
        let (person, connection) = match whom {
            Whom::Nobody => (None, None),
            Whom::By(connection) => (None, Some(connection)),
            Whom::Person(assertion) | Whom::Showing(assertion, _) => {
                (Some(assertion.person(names)), Some(assertion.connection))
            }
        };
        let person = person.map(|person| person.to_string()).unwrap_or_default();
        let Origin { address, workstation, correlation, .. } = *origin;
        let refusal = Refusal {
            chain: tenant,
            workstation,
            what: "Person",
            who: &person,
            reason,
            address,
            connection,
            correlation,
        };
        match whom {
            Whom::Showing(_, shown) => self.refusals.record_showing(&refusal, shown).await,
            Whom::Nobody | Whom::By(_) | Whom::Person(_) => self.refusals.record(&refusal).await,
        }
    }

    /// Records an act of a session's person.
    async fn note(
        &self,
        session: &Session,
        action: &str,
        reason: Option<&str>,
        origin: &Origin<'_>,
    ) -> Result<(), Unavailable> {
        let act = Act::done(action, "Session", &session.id.to_string());
        let context = audit::Context { reason: reason.map(ToString::to_string), ..audit::Context::default() };
        self.record(&session.to_subject(), act, origin, context).await
    }

    async fn record(
        &self,
        subject: &Subject,
        act: Act,
        origin: &Origin<'_>,
        context: audit::Context,
    ) -> Result<(), Unavailable> {
        let actor = Actor::new(subject, origin.workstation, origin.correlation);
        let roles = subject.roles.iter().map(|role| role.name().to_string()).collect();
        let context = audit::Context { address: Some(origin.address.to_string()), roles, ..context };
        let journal = Journal {
            ledger: self.ledger.as_ref(),
            vault: self.vault.as_ref(),
            clock: self.clock.as_ref(),
            entropy: self.entropy.as_ref(),
        };
        journal.record(&actor, act, &context).await.map_err(|_| Unavailable)?;
        Ok(())
    }

    /// Finds the ticket of a session; one that does not open is nobody's.
    async fn kept(&self, secret: &Secret<32>) -> Result<Option<Kept<Session>>, Unavailable> {
        match self.book.find(TicketKind::Session, self.key(secret)).await {
            Ok(found) => Ok(found),
            Err(NotKept::Integrity) => Ok(None),
            Err(NotKept::Unavailable) => Err(Unavailable),
        }
    }

    fn key(&self, secret: &Secret<32>) -> TicketKey {
        self.book.keys.key(TicketKind::Session, &[secret.expose()])
    }

    fn owner(&self, person: RecordId) -> Owner {
        person_owner(&self.book.keys, person)
    }

    fn provider_session(&self, connection: RecordId, theirs: &str, ours: RecordId) -> (TicketKey, Owner) {
        let name = [connection.as_bytes().as_slice(), theirs.as_bytes()];
        let key = [connection.as_bytes().as_slice(), theirs.as_bytes(), ours.as_bytes()];
        (self.book.keys.key(TicketKind::ProviderSession, &key), self.book.keys.owner("provider-session", &name))
    }
}

/// Returns whom the sessions of a person belong to.
pub(crate) fn person_owner(keys: &TicketKeys, person: RecordId) -> Owner {
    keys.owner("person", &[person.as_bytes()])
}

/// The word in the entry of a sign-in that was let in without a role that it was given, see [`Admitted::dropped`].
pub const DROPPED: &str = "admin-of-some-clinics-dropped";
/// A session in use is written down as seen at most this often, in seconds.
pub const TOUCH_SECONDS: i64 = 30;
/// Most sessions of one person that are looked at.
pub const MAX_SESSIONS: u32 = 64;
/// Most people of a tenant whose sessions are looked at.
pub const MAX_LISTED: u32 = 20_000;
