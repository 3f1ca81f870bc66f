//! Entries of the audit chain about acts that no use case of the domain carries out.

use crate::problem::Problem;
use crate::visit::{Visit, WORKSTATION};
use domain::access::Subject;
use domain::audit::Context;
use domain::journal::{Act, Actor};
use domain::keys::Compartment;
use domain::write::WriteSet;

/// Records an act with its sealed context; when this returns, it is durable and chained.
pub(crate) async fn record(visit: &Visit<'_>, subject: &Subject, act: Act, context: Context) -> Result<(), Problem> {
    let retrieval = &visit.service.retrieval;
    let tenant = subject.tenant;
    let actor = Actor { subject, workstation: WORKSTATION, correlation: visit.correlation };
    let roles = subject.roles.iter().map(|role| role.name().to_owned()).collect();
    let context = Context { address: Some(visit.peer.to_string()), roles, ..context };
    let held = retrieval.vault.current(tenant, Compartment::Context).await.map_err(|_| Problem::Unavailable)?;
    let secrets = retrieval.vault.secrets(tenant);
    let act = act.with_context(&actor, &context, &held.key, &secrets.content, retrieval.entropy.as_ref())?;
    let made = held.unstored.as_ref().map(|key| key.id);
    let mut write = WriteSet { keys: held.unstored.into_iter().collect(), ..WriteSet::default() };
    write.drafts.push(act.draft(&actor, retrieval.clock.now()));
    retrieval.ledger.record(write).await.map_err(|_| Problem::Unavailable)?;
    if let Some(id) = made {
        retrieval.vault.stored(tenant, &[id]);
    }
    Ok(())
}
