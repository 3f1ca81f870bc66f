//! Puts acts into words: who did what to which resource, as a draft for the audit chain, and writes single ones down.

use crate::access::{self, Action, Decision, Denial, Permit, Resource, Subject, authorise, decide};
use crate::audit::{self, ChainId, Context, Draft, Outcome, UserId};
use crate::id::{CorrelationId, TenantId};
use crate::keys::{Compartment, ContentKey, ContentMac, DataKey};
use crate::ports::{Clock, Entropy, KeyFault, KeyVault, Ledger, Receipt, Unavailable};
use crate::record;
use crate::time::Timestamp;
use crate::write::WriteSet;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// Who acts, from where, and in which exchange.
#[derive(Clone, Copy)]
pub struct Actor<'a> {
    /// The admitted subject.
    pub subject: &'a Subject,
    /// The listener, client or console it acts from.
    pub workstation: &'a str,
    /// Ties together the entries of one message or request.
    pub correlation: CorrelationId,
    /// The peer's network address, `local` at the machine's own console; `None` for the gateway itself.
    pub address: Option<&'a str>,
    /// What was asked, as it was asked: method and path, or the command.
    pub request: Option<&'a str>,
}

impl<'a> Actor<'a> {
    /// Returns somebody who acts, of whom neither an address nor a request is known.
    #[must_use]
    pub const fn new(subject: &'a Subject, workstation: &'a str, correlation: CorrelationId) -> Self {
        Self { subject, workstation, correlation, address: None, request: None }
    }
}

/// Writes acts that change no record, one at a time.
#[derive(Clone, Copy)]
pub struct Journal<'a> {
    /// Makes entries durable and chained.
    pub ledger: &'a dyn Ledger,
    /// Gives the keys of contexts.
    pub vault: &'a dyn KeyVault,
    /// Tells the time.
    pub clock: &'a dyn Clock,
    /// Draws randomness.
    pub entropy: &'a dyn Entropy,
}

impl Journal<'_> {
    /// Records an act with its sealed context in the subject's chain; when this returns, it is durable and chained.
    ///
    /// # Errors
    /// [`KeyFault::Missing`] and [`KeyFault::Broken`] of the key of contexts; [`KeyFault::Unavailable`] when there is no
    /// key, no randomness or no ledger.
    pub async fn record(&self, actor: &Actor<'_>, act: Act, context: &Context) -> Result<Receipt, KeyFault> {
        let tenant = actor.subject.tenant;
        let held = self.vault.current(tenant, Compartment::Context).await?;
        let secrets = self.vault.secrets(tenant);
        let act = act
            .with_context(actor, context, &held.key, &secrets.content, self.entropy)
            .map_err(|Unavailable| KeyFault::Unavailable)?;
        let made = held.unstored.as_ref().map(|key| key.id);
        let mut write = WriteSet { keys: held.unstored.into_iter().collect(), ..WriteSet::default() };
        write.drafts.push(act.draft(actor, self.clock.now()));
        let receipt = self.ledger.record(write).await.map_err(|_| KeyFault::Unavailable)?;
        if let Some(id) = made {
            self.vault.stored(tenant, &[id]);
        }
        Ok(receipt)
    }

    /// Decides about something that opens records or contexts; a denial is recorded.
    ///
    /// # Errors
    /// [`NotPermitted`].
    pub async fn permit<A: access::Act>(
        &self,
        actor: &Actor<'_>,
        circumstances: &access::Context,
        named: (&str, &str),
    ) -> Result<Permit<A>, NotPermitted> {
        match authorise::<A>(actor.subject, &Resource::of_tenant(actor.subject.tenant), circumstances) {
            Ok(permit) => Ok(permit),
            Err(denial) => Err(self.denied(actor, denial, named).await?),
        }
    }

    /// Decides about an action on something of the tenant that is no record, which opens nothing; a denial is recorded.
    /// Returns the rule that permits.
    ///
    /// # Errors
    /// [`NotPermitted`].
    pub async fn may(
        &self,
        actor: &Actor<'_>,
        circumstances: &access::Context,
        action: Action,
        named: (&str, &str),
    ) -> Result<&'static str, NotPermitted> {
        match decide(actor.subject, action, &Resource::of_tenant(actor.subject.tenant), circumstances) {
            Decision::Permit { rule, .. } => Ok(rule),
            Decision::Deny(cause) => Err(self.denied(actor, Denial { action, cause }, named).await?),
        }
    }

    async fn denied(&self, actor: &Actor<'_>, denial: Denial, named: (&str, &str)) -> Result<NotPermitted, KeyFault> {
        let roles = actor.subject.roles.iter().map(|role| role.name().to_string()).collect();
        let act = Act::denied(denial.action.name(), named.0, named.1, denial.reason());
        self.record(actor, act, &Context { roles, ..Context::default() }).await?;
        Ok(NotPermitted::Denied(denial))
    }
}

/// Why something may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotPermitted {
    /// The policy denies it; the denial is in the chain.
    Denied(Denial),
    /// The denial could not be recorded.
    NotRecorded(KeyFault),
}

impl From<KeyFault> for NotPermitted {
    fn from(fault: KeyFault) -> Self {
        NotPermitted::NotRecorded(fault)
    }
}

/// One act on one resource.
pub struct Act {
    action: String,
    resource_type: String,
    resource_id: String,
    outcome: Outcome,
    before: Option<ContentMac>,
    after: Option<ContentMac>,
    reason: Option<String>,
    context: Option<Vec<u8>>,
}

impl Act {
    fn new(action: &str, resource_type: &str, resource_id: &str, outcome: Outcome) -> Self {
        Self {
            action: action.to_string(),
            resource_type: resource_type.to_string(),
            resource_id: resource_id.to_string(),
            outcome,
            before: None,
            after: None,
            reason: None,
            context: None,
        }
    }

    /// Tells of a change from one content to another.
    #[must_use]
    pub fn changed(
        action: &str,
        resource_type: &str,
        resource_id: &str,
        before: Option<ContentMac>,
        after: ContentMac,
    ) -> Self {
        Self { before, after: Some(after), ..Self::new(action, resource_type, resource_id, Outcome::Success) }
    }

    /// Tells of an act that changed nothing: a read, a search.
    #[must_use]
    pub fn done(action: &str, resource_type: &str, resource_id: &str) -> Self {
        Self::new(action, resource_type, resource_id, Outcome::Success)
    }

    /// Tells of an act that the policy denied, and why.
    #[must_use]
    pub fn denied(action: &str, resource_type: &str, resource_id: &str, reason: &str) -> Self {
        Self { reason: Some(reason.to_string()), ..Self::new(action, resource_type, resource_id, Outcome::Denied) }
    }

    /// Tells of an act that found nothing or broke.
    #[must_use]
    pub fn failed(action: &str, resource_type: &str, resource_id: &str) -> Self {
        Self::new(action, resource_type, resource_id, Outcome::Failure)
    }

    /// Seals what does not fit the 14 fields beside the entry; address and request are the actor's where the context names none.
    ///
    /// The context is bound by `resource_id`, `after_hash` and the correlation id. Where the act changed no
    /// content, `after_hash` is the keyed hash of the context itself, so that the entry vouches for it.
    ///
    /// # Errors
    /// [`Unavailable`] when there is no randomness.
    pub fn with_context(
        mut self,
        actor: &Actor<'_>,
        context: &Context,
        key: &DataKey,
        content: &ContentKey,
        entropy: &dyn Entropy,
    ) -> Result<Self, Unavailable> {
        let or = |given: &Option<String>, known: Option<&str>| given.clone().or_else(|| known.map(String::from));
        let clear = Context {
            address: or(&context.address, actor.address),
            request: or(&context.request, actor.request),
            reason: or(&context.reason, self.reason.as_deref()),
            ..context.clone()
        };
        let clear = clear.to_json();
        let after = self.after.unwrap_or_else(|| content.mac(clear.as_bytes()));
        let binding = record::ContextBinding {
            tenant: actor.subject.tenant,
            // As whoever opens it will read it in the entry, where what a stranger typed may be cut.
            resource_id: &audit::as_recorded(&self.resource_id),
            after,
            correlation: actor.correlation,
        };
        self.context = Some(record::seal_context(key, &binding, clear.as_bytes(), entropy).map_err(|_| Unavailable)?);
        self.after = Some(after);
        Ok(self)
    }

    /// Makes the draft for the subject's chain.
    #[must_use]
    pub fn draft(self, actor: &Actor<'_>, now: Timestamp) -> Draft {
        self.draft_for(actor, actor.subject.tenant, now)
    }

    /// Makes the draft for the chain of a tenant, or of the system.
    #[must_use]
    pub fn draft_for(self, actor: &Actor<'_>, tenant: TenantId, now: Timestamp) -> Draft {
        Draft {
            chain: ChainId::from(tenant),
            time: now,
            user: UserId { id: actor.subject.principal.id.clone(), display: actor.subject.principal.display.clone() },
            workstation: actor.workstation.to_string(),
            action: self.action,
            resource_type: self.resource_type,
            resource_id: self.resource_id,
            outcome: self.outcome,
            before: self.before,
            after: self.after,
            correlation: actor.correlation,
            context: self.context,
        }
    }
}
