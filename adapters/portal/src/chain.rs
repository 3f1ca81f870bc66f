//! Entries of the audit chain about acts that no use case of the domain carries out.

use crate::problem::Problem;
use crate::visit::{Visit, WORKSTATION};
use domain::access::Subject;
use domain::audit::Context;
use domain::journal::{Act, Actor, Journal};

/// Records an act with its sealed context; when this returns, it is durable and chained.
pub(crate) async fn record(visit: &Visit<'_>, subject: &Subject, act: Act, context: Context) -> Result<(), Problem> {
    let retrieval = &visit.service.retrieval;
    let actor = Actor::new(subject, WORKSTATION, visit.correlation);
    let roles = subject.roles.iter().map(|role| role.name().to_owned()).collect();
    let context = Context { address: Some(visit.peer.to_string()), roles, ..context };
    let journal = Journal {
        ledger: retrieval.ledger.as_ref(),
        vault: retrieval.vault.as_ref(),
        clock: retrieval.clock.as_ref(),
        entropy: retrieval.entropy.as_ref(),
    };
    journal.record(&actor, act, &context).await.map_err(|_| Problem::Unavailable)?;
    Ok(())
}
