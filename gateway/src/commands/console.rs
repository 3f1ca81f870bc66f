//! The person at the console: what a command does is decided by the policy and is in the chain before it happens.

use crate::exit::{Exit, Outcome, Stop};
use crate::installation::{Installation, LOCAL};
use crate::trail::not_recorded;
use domain::access::{self, Action, Permit, Role, Subject};
use domain::administration::By;
use domain::audit::Context;
use domain::id::TenantId;
use domain::journal::{Act, Actor, Journal, NotPermitted};
use domain::retrieval::Caller;

/// The operating system's account as a subject of one tenant, acting on an open installation.
pub(super) struct Console<'a> {
    installation: &'a Installation,
    subject: Subject,
}

impl<'a> Console<'a> {
    /// Takes a part in a tenant.
    pub(super) fn new(installation: &'a Installation, tenant: TenantId, role: Role) -> Self {
        Self { installation, subject: installation.console_subject(tenant, &[role]) }
    }

    /// Decides about something of the tenant that is no record: a chain, a key; a denial is recorded.
    pub(super) async fn permit<A: access::Act>(&self, resource_type: &str, resource_id: &str) -> Outcome<Permit<A>> {
        let (journal, by) = (self.journal(), self.by());
        journal.permit::<A>(&by.actor, &by.context, (resource_type, resource_id)).await.map_err(not_permitted)
    }

    /// Decides about an action that opens nothing; a denial is recorded. Returns the rule that permits.
    pub(super) async fn may(&self, action: Action, resource_type: &str, resource_id: &str) -> Outcome<&'static str> {
        let (journal, by) = (self.journal(), self.by());
        journal.may(&by.actor, &by.context, action, (resource_type, resource_id)).await.map_err(not_permitted)
    }

    /// Puts an act into the tenant's chain, its context sealed beside it; durable when this returns.
    pub(super) async fn record(&self, act: Act, context: Context) -> Outcome {
        let roles = self.subject.roles.iter().map(|role| role.name().to_owned()).collect();
        let context = Context { roles, ..context };
        self.journal().record(&self.actor(), act, &context).await.map_err(not_recorded)?;
        Ok(())
    }

    /// Returns the person as entries name whoever acts.
    pub(super) fn actor(&self) -> Actor<'_> {
        self.installation.actor(&self.subject)
    }

    /// Returns the same person as use cases of administration take whoever acts.
    pub(super) fn by(&self) -> By<'_> {
        By { actor: self.actor(), context: self.circumstances() }
    }

    /// Returns the same person as the use case that reads takes a caller.
    pub(super) fn caller(&self, request: String) -> Caller {
        Caller {
            subject: self.subject.clone(),
            circumstances: self.circumstances(),
            workstation: self.installation.actor(&self.subject).workstation.to_owned(),
            address: LOCAL.to_owned(),
            correlation: self.installation.correlation(),
            request,
        }
    }

    fn circumstances(&self) -> access::Context {
        access::Context::console(self.installation.clock.now())
    }

    fn journal(&self) -> Journal<'_> {
        let Installation { vault, recorder, entropy, clock, .. } = self.installation;
        Journal { ledger: recorder.as_ref(), vault: vault.as_ref(), clock: clock.as_ref(), entropy: entropy.as_ref() }
    }
}

/// Says why something may not be done.
fn not_permitted(fault: NotPermitted) -> Stop {
    match fault {
        NotPermitted::Denied(denial) => Stop::new(Exit::Failed, denial),
        NotPermitted::NotRecorded(fault) => not_recorded(fault),
    }
}
