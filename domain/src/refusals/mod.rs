//! Refusals of people and systems that nobody knows yet: each in the chain, and a flood of them as one entry.
//!
//! ```text
//!   refusal ─► address has had too many? ─► counted, answered "wait"            ┐
//!          ─► its chain has had too many? ─► counted, answered like any other   ├─► every minute one entry: "flood", how many
//!          ─► else: an entry of its own, before the answer                      ┘
//! ```
//!
//! Anybody can be refused as often as he likes, without having shown anything, and entries are kept for years. So what one address and
//! one chain can write is bounded, while nothing is lost: what is not written singly is counted, by reason and by address. What is
//! remembered lies in the memory of one gateway, has a fixed size, and is forgotten at a restart.
//!
//! Ours, since the buckets of the `governor` crate by key grow with the keys, and giving back what was taken is not among its verbs.

mod gate;

pub use gate::{INTERVAL_SECONDS, MAX_TOLD, RefusalLimits, Try};

use crate::access::Subject;
use crate::audit::Context;
use crate::id::{CorrelationId, RecordId, TenantId};
use crate::journal::{Act, Actor, Journal};
use crate::ports::{Clock, Entropy, KeyVault, Ledger, Unavailable};
use crate::secret::Secret;
use crate::ticket::TicketKey;
use crate::time::Timestamp;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use core::net::IpAddr;
use gate::{Gate, Noted, Of, Tally};
use spin::Mutex;

/// Records refusals, and bounds what they leave behind. One for all parts of a gateway, so that they share its limits.
pub struct Refusals {
    ledger: Arc<dyn Ledger>,
    vault: Arc<dyn KeyVault>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    // Held for microseconds and never across an await.
    gate: Mutex<Gate>,
}

/// Somebody who was refused.
#[derive(Clone, Copy)]
pub struct Refusal<'a> {
    /// In whose chain; [`TenantId::SYSTEM`] where nobody knows whose it was.
    pub chain: TenantId,
    /// The part of the gateway that refused.
    pub workstation: &'a str,
    /// What was refused: `Person`, `Application`, `ApiClient`.
    pub what: &'a str,
    /// Who it said to be, where it did; empty else.
    pub who: &'a str,
    /// The precise word, which nobody outside is told.
    pub reason: &'a str,
    /// The peer's address.
    pub address: &'a str,
    /// The connection with an identity provider by which they came, where they did.
    pub connection: Option<RecordId>,
    /// Ties the entries of the exchange together.
    pub correlation: CorrelationId,
}

/// What was asked for and refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// To be let in: a person, an application, a system.
    SignIn,
    /// A change of people or groups by a provider's service.
    Provisioning,
    /// Another access token for what was granted.
    Refresh,
    /// Of somebody who is signed in: to change what proves who they are.
    Credential,
}

impl Asked {
    /// Returns the action under which entries tell of it.
    #[must_use]
    pub const fn action(self) -> &'static str {
        match self {
            Asked::SignIn => "LoginFailed",
            Asked::Provisioning => "ProvisioningRefused",
            Asked::Refresh => "RefreshRefused",
            Asked::Credential => "CredentialRefused",
        }
    }

    /// Returns whom an entry is about that tells of many.
    const fn what(self) -> &'static str {
        match self {
            Asked::SignIn => "Person",
            Asked::Provisioning => "Connection",
            Asked::Refresh => "Application",
            Asked::Credential => "Account",
        }
    }
}

/// Says how many seconds to wait, at least 1 (429, `Retry-After`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub u32);

impl Wait {
    pub(crate) fn of(microseconds: i64) -> Self {
        let seconds = microseconds.max(1).saturating_add(999_999).div_euclid(1_000_000);
        Self(u32::try_from(seconds).unwrap_or(u32::MAX))
    }
}

impl Refusals {
    /// Makes a record of refusals that remembers nothing yet.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn new(
        limits: RefusalLimits,
        ledger: Arc<dyn Ledger>,
        vault: Arc<dyn KeyVault>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, Unavailable> {
        let gate = Mutex::new(Gate::new(limits, &Secret::fill(entropy.as_ref())?));
        Ok(Self { ledger, vault, clock, entropy, gate })
    }

    /// Records a refusal, or counts it. Returns how long to wait where the address has had too many; that is then the answer.
    ///
    /// # Errors
    /// [`Unavailable`] when its entry could not be written; then it is counted, and the refusal stands nevertheless.
    pub async fn record(&self, refusal: &Refusal<'_>) -> Result<Option<Wait>, Unavailable> {
        self.record_as(Asked::SignIn, refusal).await
    }

    /// The same for what somebody asks who is known: the entry's action says what they may not do.
    ///
    /// # Errors
    /// [`Unavailable`], see [`Refusals::record`].
    pub async fn record_as(&self, asked: Asked, refusal: &Refusal<'_>) -> Result<Option<Wait>, Unavailable> {
        self.record_with(asked, refusal, Vec::new()).await
    }

    /// The same as [`Refusals::record`] where somebody showed something of theirs that is known here: the entry names it, as those do
    /// that tell of its use.
    ///
    /// # Errors
    /// [`Unavailable`], see [`Refusals::record`].
    pub async fn record_showing(&self, refusal: &Refusal<'_>, shown: &str) -> Result<Option<Wait>, Unavailable> {
        self.record_with(Asked::SignIn, refusal, vec![shown.to_string()]).await
    }

    async fn record_with(
        &self,
        asked: Asked,
        refusal: &Refusal<'_>,
        returned: Vec<String>,
    ) -> Result<Option<Wait>, Unavailable> {
        let peer = refusal.address.parse().ok();
        let noted = self.gate.lock().note(Of { chain: refusal.chain, asked }, peer, refusal.reason, self.clock.now());
        if let Noted::Counted(wait) = noted {
            return Ok(wait.map(Wait::of));
        }
        let gateway = gateway(refusal.chain);
        let actor = Actor::new(&gateway, refusal.workstation, refusal.correlation);
        let act = Act::denied(asked.action(), refusal.what, refusal.who, refusal.reason);
        let by = refusal.connection.map(|connection| (CONNECTION.to_string(), connection.to_string()));
        let address = Some(refusal.address.to_string());
        let context = Context { address, envelope: by.into_iter().collect(), returned, ..Context::default() };
        if let Err(unavailable) = self.write(&actor, act, &context).await {
            self.gate.lock().count(Of { chain: refusal.chain, asked }, peer, refusal.reason, self.clock.now());
            return Err(unavailable);
        }
        Ok(None)
    }

    /// Says whether a refusal gets an entry, for a caller that writes it as the act of somebody who is signed in; it is counted where
    /// it gets none.
    ///
    /// # Errors
    /// [`Wait`] where the address has had too many; that is then the answer.
    pub fn may_tell(&self, asked: Asked, chain: TenantId, address: IpAddr, reason: &str) -> Result<bool, Wait> {
        match self.gate.lock().note(Of { chain, asked }, Some(address), reason, self.clock.now()) {
            Noted::Written => Ok(true),
            Noted::Counted(None) => Ok(false),
            Noted::Counted(Some(wait)) => Err(Wait::of(wait)),
        }
    }

    /// Counts somebody who was sent away before anything was looked at: that gets no entry of its own.
    pub fn count(&self, chain: TenantId, address: IpAddr, reason: &str) {
        self.count_as(Asked::SignIn, chain, address, reason);
    }

    /// The same for what somebody asks who is known.
    pub fn count_as(&self, asked: Asked, chain: TenantId, address: IpAddr, reason: &str) {
        self.gate.lock().count(Of { chain, asked }, Some(address), reason, self.clock.now());
    }

    /// Says how long an address is to wait that has had too many refusals: before something costly is done for it.
    #[must_use]
    pub fn wait(&self, address: IpAddr) -> Option<Wait> {
        let wait = self.gate.lock().wait(address, self.clock.now());
        (wait > 0).then(|| Wait::of(wait))
    }

    /// Lets somebody leave for an identity provider; nothing is kept here until they come back, so only their own address bounds it.
    /// Who may not is counted.
    ///
    /// # Errors
    /// [`Wait`].
    pub fn leave(&self, tenant: TenantId, address: IpAddr) -> Result<(), Wait> {
        self.let_begin(tenant, address, |gate, now| gate.leave(address, now))
    }

    /// Takes note that somebody is back who left at this moment: that counts no longer.
    pub fn arrive(&self, address: IpAddr, left: Timestamp) {
        self.gate.lock().arrive(address, left, self.clock.now());
    }

    /// Takes a try before an answer of an identity provider is looked at, so that many at once are no more than one after another. One to
    /// a sign-in that was begun is that sign-in's, by the key of its ticket, and beyond its tries its address's; any other is its address's.
    /// An answer for which there is none is counted.
    ///
    /// # Errors
    /// [`Wait`].
    pub fn may_return(&self, tenant: TenantId, address: IpAddr, begun: Option<&TicketKey>) -> Result<Try, Wait> {
        let now = self.clock.now();
        let mut gate = self.gate.lock();
        gate.take_try(address, begun, now).map_err(|wait| {
            gate.count(Of { chain: tenant, asked: Asked::SignIn }, Some(address), "not-listened-to", now);
            Wait::of(wait)
        })
    }

    /// Takes note that an answer was right: it counts no longer.
    pub fn returned(&self, taken: &Try) {
        self.gate.lock().give_try_back(taken, self.clock.now());
    }

    /// Lets a request be kept that waits for a person; one that may not be is counted.
    ///
    /// # Errors
    /// [`Wait`].
    pub fn start(&self, tenant: TenantId, address: IpAddr) -> Result<(), Wait> {
        self.let_begin(tenant, address, |gate, now| gate.start(tenant, address, now))
    }

    /// Takes note that a request was answered which came at this moment: it counts no longer.
    pub fn finish(&self, tenant: TenantId, address: IpAddr, started: Timestamp) {
        self.gate.lock().finish(tenant, address, started, self.clock.now());
    }

    fn let_begin(
        &self,
        tenant: TenantId,
        address: IpAddr,
        begin: impl FnOnce(&mut Gate, Timestamp) -> Result<(), i64>,
    ) -> Result<(), Wait> {
        let now = self.clock.now();
        let mut gate = self.gate.lock();
        begin(&mut gate, now).map_err(|wait| {
            gate.count(Of { chain: tenant, asked: Asked::SignIn }, Some(address), "too-many-begun", now);
            Wait::of(wait)
        })
    }

    /// Writes what was counted for [`INTERVAL_SECONDS`], or everything that was counted. Returns how many entries that took.
    ///
    /// # Errors
    /// [`Unavailable`]; what could not be written is kept for the next time.
    pub async fn summarise(&self, all: bool) -> Result<usize, Unavailable> {
        let due = self.gate.lock().due(self.clock.now(), all);
        let (mut written, mut outcome) = (0_usize, Ok(()));
        for (of, tally) in due {
            match self.write_tally(of, &tally).await {
                Ok(()) => written = written.saturating_add(1),
                Err(unavailable) => {
                    self.gate.lock().put_back(of, tally);
                    outcome = Err(unavailable);
                }
            }
        }
        outcome.map(|()| written)
    }

    async fn write_tally(&self, Of { chain, asked }: Of, tally: &Tally) -> Result<(), Unavailable> {
        let (gateway, now) = (gateway(chain), self.clock.now());
        let mut random = [0; 10];
        self.entropy.fill(&mut random)?;
        let correlation = CorrelationId::from_time(now, random);
        let actor = Actor::new(&gateway, "gateway", correlation);
        let act = Act::denied(asked.action(), asked.what(), "", "flood");
        let envelope = BTreeMap::from([("since".to_string(), tally.began().rfc3339())]);
        let context = Context { counts: tally.counts(), envelope, ..Context::default() };
        self.write(&actor, act, &context).await
    }

    async fn write(&self, actor: &Actor<'_>, act: Act, context: &Context) -> Result<(), Unavailable> {
        let journal = Journal {
            ledger: self.ledger.as_ref(),
            vault: self.vault.as_ref(),
            clock: self.clock.as_ref(),
            entropy: self.entropy.as_ref(),
        };
        journal.record(actor, act, context).await.map_err(|_| Unavailable)?;
        Ok(())
    }
}

/// Under this name the envelope of a refusal's context has the connection.
pub const CONNECTION: &str = "connection";

/// Returns who refuses: the gateway, in the chain of whom it concerns.
fn gateway(chain: TenantId) -> Subject {
    Subject { tenant: chain, ..Subject::gateway() }
}
