//! The person at the console: what a command does is decided by the policy and is in the chain before it happens.

use crate::exit::{Exit, Outcome, Stop};
use crate::installation::Installation;
use domain::access::{self, Action, Decision, Permit, Resource, Role, Subject, authorise};
use domain::audit::Context;
use domain::id::TenantId;
use domain::journal::{Act, Journal};
use domain::ports::KeyFault;
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
        let resource = Resource::of_tenant(self.subject.tenant);
        match authorise::<A>(&self.subject, &resource, &self.circumstances()) {
            Ok(permit) => Ok(permit),
            Err(denial) => self.denied(A::ACTION, resource_type, resource_id, denial.reason()).await,
        }
    }

    /// Decides about an action that opens nothing; a denial is recorded. Returns the rule that permits.
    pub(super) async fn may(&self, action: Action, resource_type: &str, resource_id: &str) -> Outcome<&'static str> {
        let resource = Resource::of_tenant(self.subject.tenant);
        match access::decide(&self.subject, action, &resource, &self.circumstances()) {
            Decision::Permit { rule, .. } => Ok(rule),
            Decision::Deny(reason) => self.denied(action, resource_type, resource_id, reason.name()).await,
        }
    }

    /// Puts an act into the tenant's chain, its context sealed beside it; durable when this returns.
    pub(super) async fn record(&self, act: Act, context: Context) -> Outcome {
        let Installation { vault, recorder, entropy, clock, .. } = self.installation;
        let roles = self.subject.roles.iter().map(|role| role.name().to_owned()).collect();
        let context = Context { roles, ..context };
        let journal = Journal {
            ledger: recorder.as_ref(),
            vault: vault.as_ref(),
            clock: clock.as_ref(),
            entropy: entropy.as_ref(),
        };
        journal.record(&self.installation.actor(&self.subject), act, &context).await.map_err(not_recorded)?;
        Ok(())
    }

    /// Returns the same person as the use case that reads takes a caller.
    pub(super) fn caller(&self, request: String) -> Caller {
        Caller {
            subject: self.subject.clone(),
            circumstances: self.circumstances(),
            workstation: self.installation.actor(&self.subject).workstation.to_owned(),
            address: "local".to_owned(),
            correlation: self.installation.correlation(),
            request,
        }
    }

    fn circumstances(&self) -> access::Context {
        access::Context::console(self.installation.clock.now())
    }

    async fn denied<T>(&self, action: Action, resource_type: &str, resource_id: &str, reason: &str) -> Outcome<T> {
        self.record(Act::denied(action.name(), resource_type, resource_id, reason), Context::default()).await?;
        Err(Stop::new(Exit::Failed, format!("not permitted: {} ({reason})", action.name())))
    }
}

/// Says why nothing was done: what cannot be recorded does not happen.
fn not_recorded(fault: KeyFault) -> Stop {
    match fault {
        KeyFault::Missing => {
            Stop::new(Exit::Failed, "nothing was done: the tenant has no key to seal the record of it")
        }
        KeyFault::Broken => Stop::new(Exit::Failed, "nothing was done: a stored key does not open"),
        KeyFault::Unavailable => {
            Stop::new(Exit::Unavailable, "nothing was done: it cannot be recorded, the database does not answer")
        }
    }
}
