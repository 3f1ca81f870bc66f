//! Who may read over FHIR: the API clients of the directory by bearer token, and applications by access token.

use domain::access::{Address, Context as Circumstances, Subject};
use domain::audit::Context;
use domain::directory::{Directory, subject_for_client};
use domain::id::TenantId;
use domain::journal::{Act, Actor};
use domain::keys::Compartment;
use domain::ports::{BoxFuture, Clock, Entropy, KeyVault, Ledger, Unavailable};
use domain::time::Timestamp;
use domain::write::WriteSet;
use fhir::{Admission, Admitted, Attempt};
use smart::AccessTokens;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;

/// Admits API clients and applications.
pub struct Clients {
    /// The directory in force.
    pub directory: watch::Receiver<Arc<Directory>>,
    /// Finds the access tokens of applications.
    pub tokens: AccessTokens,
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
    fn admit<'a>(&'a self, token: &'a str, peer: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>> {
        let now = self.clock.now();
        let directory = Arc::clone(&self.directory.borrow());
        // A client token is judged by the directory alone; only what looks like an access token is looked up.
        if let Some(client) = directory.client_by_token(token, now) {
            let admitted = Admitted {
                subject: subject_for_client(client),
                workstation: format!("client:{}", client.id),
                circumstances: from(&directory, client.tenant, peer, now),
            };
            return Box::pin(std::future::ready(Ok(Some(admitted))));
        }
        Box::pin(async move {
            let Some(subject) = self.tokens.admit(token, &directory).await.map_err(|_| Unavailable)? else {
                return Ok(None);
            };
            Ok(Some(Admitted {
                workstation: format!("application:{}", subject.principal.id),
                circumstances: from(&directory, subject.tenant, peer, now),
                subject,
            }))
        })
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

/// Returns the circumstances of a system that asks from an address: the tenant says which it may come from.
fn from(directory: &Directory, tenant: TenantId, peer: IpAddr, now: Timestamp) -> Circumstances {
    let allowed = directory.address_allowed(tenant, peer);
    let address = if allowed { Address::Allowed } else { Address::NotAllowed };
    Circumstances { address, ..Circumstances::at(now) }
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
