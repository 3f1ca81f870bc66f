//! Who may read over FHIR and administer by API: the API clients of the directory by bearer token, and applications by access token.

use domain::access::{Address, Context as Circumstances};
use domain::directory::{Directory, subject_for_client};
use domain::id::TenantId;
use domain::ports::{BoxFuture, Clock, Unavailable};
use domain::refusals::{Refusal, Refusals, Wait};
use domain::time::Timestamp;
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
    pub refusals: Arc<Refusals>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
}

impl Clients {
    /// Returns who shows a token from an address: what the FHIR server and the administration know them by.
    fn bearer<'a>(&'a self, token: &'a str, peer: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>> {
        let now = self.clock.now();
        let directory = Arc::clone(&self.directory.borrow());
        if !directory.is_confirmed() {
            return Box::pin(std::future::ready(Err(Unavailable)));
        }
        // A client token is judged by the directory alone; only what looks like an access token is looked up.
        if let Some(client) = directory.client_by_token(token, now) {
            let admitted = Admitted {
                subject: subject_for_client(client),
                workstation: format!("client:{}", client.id),
                circumstances: from(&directory, client.tenant, peer, now),
                tells_person: false,
            };
            return Box::pin(std::future::ready(Ok(Some(admitted))));
        }
        Box::pin(async move {
            let Some(bearer) = self.tokens.admit(token, &directory).await.map_err(|_| Unavailable)? else {
                return Ok(None);
            };
            // Where a person acts by an application, an entry names both: the person as the user, the application as where it came from.
            let address = from(&directory, bearer.subject.tenant, peer, now).address;
            Ok(Some(Admitted {
                workstation: format!("application:{}", bearer.application),
                circumstances: Circumstances { address, ..bearer.circumstances },
                subject: bearer.subject,
                tells_person: bearer.tells_person,
            }))
        })
    }
}

impl admin::Admission for Clients {
    fn admit<'a>(
        &'a self,
        token: &'a str,
        peer: IpAddr,
    ) -> BoxFuture<'a, Result<Option<admin::Admitted>, Unavailable>> {
        Box::pin(async move {
            let admitted = self.bearer(token, peer).await?;
            Ok(admitted.map(|Admitted { subject, workstation, circumstances, .. }| admin::Admitted {
                subject,
                workstation,
                circumstances,
            }))
        })
    }
}

impl Admission for Clients {
    fn admit<'a>(&'a self, token: &'a str, peer: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>> {
        self.bearer(token, peer)
    }

    fn may_read(&self, origin: &str, tenant: Option<TenantId>) -> bool {
        self.directory.borrow().origin_registered(origin, tenant)
    }

    fn refused(&self, attempt: Attempt) -> BoxFuture<'_, Option<u32>> {
        Box::pin(async move {
            let refusal = Refusal {
                chain: TenantId::SYSTEM,
                workstation: "fhir",
                what: "ApiClient",
                who: "",
                reason: attempt.reason.name(),
                address: &attempt.peer.to_string(),
                connection: None,
                correlation: attempt.correlation,
            };
            match self.refusals.record(&refusal).await {
                Ok(None) => {
                    let reason = attempt.reason.name();
                    tracing::warn!(correlation = %attempt.correlation, reason, "request not admitted");
                    None
                }
                // A flood leaves no line each in the log either.
                Ok(Some(Wait(seconds))) => Some(seconds),
                Err(Unavailable) => {
                    tracing::error!(correlation = %attempt.correlation, "a refused request could not be recorded");
                    None
                }
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

#[cfg(test)]
mod tests {
    use super::*;
    use domain::access::{Clinics, Context, Purpose, Role, Roles, Subject};
    use domain::administration::{By, NewClient};
    use domain::directory::TenantSettings;
    use domain::double::{Installation, MemoryTickets};
    use domain::id::CorrelationId;
    use domain::journal::Actor;
    use domain::refusals::RefusalLimits;

    use fhir::Unauthenticated;

    /// Clients over doubles, with one client of a tenant that allows 10.0.0.0/8, and its token.
    async fn clients() -> (Clients, String) {
        let doubles = Installation::new(5).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(doubles.clock.now()) };
        let tenant = administration.add_tenant(&by, "North").await.unwrap().id;
        let change = |settings: &mut TenantSettings| settings.addresses = vec!["10.0.0.0/8".to_owned()];
        administration.change_settings(&by, tenant, change).await.unwrap();
        let new = NewClient {
            tenant,
            name: "reader".to_owned(),
            roles: Roles::of(&[Role::ReadOnly]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            expires: None,
        };
        let (_, token) = administration.add_client(&by, new).await.unwrap();
        let (_, directory) = watch::channel(Arc::new(administration.load_directory().await.unwrap()));
        let book = doubles.book(Arc::new(MemoryTickets::default()));
        let refusals = doubles.refusals(RefusalLimits::default()).unwrap();
        let clients = Clients { directory, tokens: AccessTokens::new(book), refusals, clock: doubles.clock.clone() };
        (clients, token.expose().to_owned())
    }

    #[tokio::test]
    async fn nobody_is_admitted_by_a_directory_that_is_not_known_to_be_what_is_stored() {
        let (clients, token) = clients().await;
        let peer = "10.1.2.3".parse().unwrap();
        clients.directory.borrow().confirm(false);
        assert!(Admission::admit(&clients, &token, peer).await.is_err());
        assert!(Admission::admit(&clients, "no token", peer).await.is_err(), "nor is anybody refused by it");
        clients.directory.borrow().confirm(true);
        assert!(Admission::admit(&clients, &token, peer).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_client_is_held_to_the_addresses_of_its_tenant() {
        let (clients, token) = clients().await;
        for (peer, expected) in [("10.1.2.3", Address::Allowed), ("192.0.2.7", Address::NotAllowed)] {
            let admitted = Admission::admit(&clients, &token, peer.parse().unwrap()).await.unwrap().unwrap();
            assert_eq!(admitted.circumstances.address, expected, "{peer}");
        }
    }

    #[tokio::test]
    async fn a_flood_of_wrong_tokens_is_told_to_wait_and_a_right_one_is_not() {
        let (clients, token) = clients().await;
        let peer: IpAddr = "10.1.2.3".parse().unwrap();
        let attempt = Attempt { peer, correlation: CorrelationId([1; 16]), reason: Unauthenticated::Unknown };
        for _ in 0..RefusalLimits::default().address.burst {
            assert_eq!(clients.refused(attempt).await, None);
        }
        assert_eq!(clients.refused(attempt).await, Some(5));
        assert!(Admission::admit(&clients, &token, peer).await.unwrap().is_some());
        assert_eq!(clients.refusals.summarise(true).await, Ok(1));
    }
}
