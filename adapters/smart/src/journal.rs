//! Puts what the endpoints do into the audit chain, before the answer leaves.

use crate::refusal::{Face, Refused};
use crate::service::Service;
use domain::access::Subject;
use domain::audit::Context;
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::journal::{Act, Actor, Journal};
use domain::launch::Grant;
use domain::ports::Unavailable;
use domain::refusals::{Asked, Refusal, Wait};
use std::net::IpAddr;

/// What is known of a request before anybody is.
#[derive(Clone, Copy)]
pub(crate) struct Origin {
    pub(crate) peer: IpAddr,
    pub(crate) correlation: CorrelationId,
}

impl Service {
    /// Records something an application did, for itself or for the person who acts by it, in the tenant's chain.
    pub(crate) async fn record(
        &self,
        origin: Origin,
        subject: &Subject,
        application: RecordId,
        action: &str,
    ) -> Result<(), Unavailable> {
        let act = Act::done(action, "Application", &application.to_string());
        let context = Context {
            roles: subject.roles.iter().map(|role| role.name().to_owned()).collect(),
            scopes: subject.scopes.texts(),
            ..address(origin)
        };
        self.write(origin, subject, act, context).await
    }

    /// Records that what a person granted an application was taken away, and why, in the tenant's chain.
    pub(crate) async fn record_revoked(
        &self,
        origin: Origin,
        grant: &Grant,
        reason: &'static str,
    ) -> Result<(), Unavailable> {
        let (act, context) = grant.revoked(reason);
        let context = Context { address: address(origin).address, ..context };
        self.write(origin, &grant.to_subject(grant.wish.records.clone()), act, context).await
    }

    /// Records that a request was refused, in the system chain: who asked is not proven. Returns what is answered.
    pub(crate) async fn record_refusal(&self, origin: Origin, refused: Refused) -> Refused {
        // Nothing is wrong but how often it comes: an entry each would be what is to be kept away. They are told of as one.
        if let Face::SlowDown(_) = refused.face {
            self.settings.refusals.count_as(Asked::Refresh, TenantId::SYSTEM, origin.peer, refused.reason);
            return refused;
        }
        let client = refused.client.map(|client| client.to_string()).unwrap_or_default();
        let refusal = Refusal {
            chain: TenantId::SYSTEM,
            workstation: "smart",
            what: "Application",
            who: &client,
            reason: refused.reason,
            address: &origin.peer.to_string(),
            connection: None,
            correlation: origin.correlation,
        };
        match self.settings.refusals.record(&refusal).await {
            Ok(None) => {
                tracing::warn!(correlation = %origin.correlation, reason = refused.reason, "token request refused");
                refused
            }
            // A flood leaves no line each in the log either.
            Ok(Some(Wait(seconds))) => Refused { face: Face::TooMany(seconds), ..refused },
            Err(Unavailable) => {
                tracing::error!(correlation = %origin.correlation, "a refused token request could not be recorded");
                refused
            }
        }
    }

    async fn write(&self, origin: Origin, subject: &Subject, act: Act, context: Context) -> Result<(), Unavailable> {
        let actor = Actor::new(subject, "smart", origin.correlation);
        let journal = Journal {
            ledger: self.settings.ledger.as_ref(),
            vault: self.settings.vault.as_ref(),
            clock: self.settings.clock.as_ref(),
            entropy: self.settings.entropy.as_ref(),
        };
        journal.record(&actor, act, &context).await.map_err(|_| Unavailable)?;
        Ok(())
    }
}

fn address(origin: Origin) -> Context {
    Context { address: Some(origin.peer.to_string()), ..Context::default() }
}
