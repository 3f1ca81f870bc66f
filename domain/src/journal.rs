//! Puts acts into words: who did what to which resource, as a draft for the audit chain.

use crate::access::Subject;
use crate::audit::{ChainId, Context, Draft, Outcome, UserId};
use crate::id::{CorrelationId, TenantId};
use crate::keys::{ContentKey, ContentMac, DataKey};
use crate::ports::{Entropy, Unavailable};
use crate::record;
use crate::time::Timestamp;
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

    /// Seals what does not fit the 14 fields beside the entry.
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
        let clear = match (&self.reason, &context.reason) {
            (Some(reason), None) => Context { reason: Some(reason.clone()), ..context.clone() }.to_json(),
            _ => context.to_json(),
        };
        let after = self.after.unwrap_or_else(|| content.mac(clear.as_bytes()));
        let binding = record::ContextBinding {
            tenant: actor.subject.tenant,
            resource_id: &self.resource_id,
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
