//! Who may read over FHIR: the API clients of the directory, by bearer token.

use domain::access::Subject;
use domain::audit::Context;
use domain::directory::{Directory, subject_for_client};
use domain::journal::{Act, Actor};
use domain::keys::Compartment;
use domain::ports::{BoxFuture, Clock, Entropy, KeyVault, Ledger};
use domain::write::WriteSet;
use fhir::{Admission, Admitted, Attempt};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// Admits API clients.
pub struct Clients {
    /// The directory in force.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Records attempts that failed.
    pub ledger: Arc<dyn Ledger>,
    /// Seals their contexts.
    pub vault: Arc<dyn KeyVault>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Draws randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Admission for Clients {
    fn admit(&self, token: &str, _peer: IpAddr) -> Option<Admitted> {
        let directory = self.directory.borrow();
        let client = directory.client_by_token(token, self.clock.now())?;
        Some(Admitted { subject: subject_for_client(client), workstation: format!("client:{}", client.id) })
    }

    fn refused(&self, attempt: Attempt) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            tracing::warn!(correlation = %attempt.correlation, reason = attempt.reason.name(), "request not admitted");
            if self.record(attempt).await.is_none() {
                tracing::error!(correlation = %attempt.correlation, "a refused request could not be recorded");
            }
        })
    }
}

impl Clients {
    async fn record(&self, attempt: Attempt) -> Option<()> {
        let gateway = Subject::gateway();
        let actor = Actor { subject: &gateway, workstation: "fhir", correlation: attempt.correlation };
        let held = self.vault.current(gateway.tenant, Compartment::Context).await.ok()?;
        let context = Context { address: Some(attempt.peer.to_string()), ..Context::default() };
        let act = Act::denied("LoginFailed", "ApiClient", "", attempt.reason.name());
        let secrets = self.vault.secrets(gateway.tenant);
        let act = act.with_context(&actor, &context, &held.key, &secrets.content, self.entropy.as_ref()).ok()?;
        let mut write = WriteSet::default();
        let made = held.unstored.as_ref().map(|key| key.id);
        write.keys.extend(held.unstored);
        write.drafts.push(act.draft(&actor, self.clock.now()));
        self.ledger.record(write).await.ok()?;
        if let Some(id) = made {
            self.vault.stored(gateway.tenant, &[id]);
        }
        Some(())
    }
}
