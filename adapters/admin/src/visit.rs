//! Who asks: the bearer token of a request becomes a subject of its tenant, or a recorded refusal.

use crate::problem::Problem;
use crate::routes::Endpoint;
use crate::service::Service;
use actix_web::HttpRequest;
use actix_web::http::Method;
use domain::access::{self, Subject};
use domain::administration::By;
use domain::audit::Context;
use domain::directory::{Account, Connection, Directory};
use domain::id::{CorrelationId, TenantId};
use domain::journal::{Act, Actor};
use domain::ports::{BoxFuture, Unavailable};
use domain::refusals::{Refusal, Wait};
use domain::retrieval::Caller;
use domain::supervision::Supervision;
use std::net::IpAddr;
use std::sync::Arc;

/// Says who shows a token.
pub trait Admission: Send + Sync {
    /// Returns who shows this bearer token from this address; `None` for nobody.
    fn admit<'a>(&'a self, token: &'a str, peer: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>>;
}

/// Somebody who showed a token.
pub struct Admitted {
    /// The subject.
    pub subject: Subject,
    /// What entries say of where it acts from, such as `client:…`.
    pub workstation: String,
    /// What was found out as it was admitted.
    pub circumstances: access::Context,
}

/// Longest request line that is kept beside an entry, in bytes.
const MAX_REQUEST: usize = 512;

/// A request of somebody who is admitted.
pub(crate) struct Visit<'a> {
    pub(crate) service: &'a Service,
    pub(crate) directory: Arc<Directory>,
    admitted: Admitted,
    address: String,
    correlation: CorrelationId,
    /// Method and path, for the context of entries.
    request: String,
}

impl<'a> Visit<'a> {
    /// Admits a request; an attempt that is not admitted is recorded before this returns.
    pub(crate) async fn admit(
        service: &'a Service,
        request: &HttpRequest,
        correlation: CorrelationId,
    ) -> Result<Self, Problem> {
        let peer = form::request::peer(request);
        // Cookies are not looked at: a browser that is made to ask proves nothing.
        let token = form::request::bearer(request);
        let admitted = match token {
            Some(token) => service.settings.admission.admit(token, peer).await?,
            None => None,
        };
        let Some(admitted) = admitted else {
            let reason = if token.is_some() { "unknown-token" } else { "missing-token" };
            let refusal = Refusal {
                chain: TenantId::SYSTEM,
                workstation: "admin",
                what: "ApiClient",
                who: "",
                reason,
                address: &peer.to_string(),
                connection: None,
                correlation,
            };
            return Err(match service.settings.sign_in.refusals.record(&refusal).await? {
                Some(Wait(seconds)) => Problem::TooManyRefused(seconds),
                None => {
                    // Beyond the limit of entries there is no line either: a flood fills neither.
                    tracing::warn!(%correlation, reason, "administration request not admitted");
                    Problem::Unauthenticated
                }
            });
        };
        let query = if request.query_string().is_empty() { "" } else { "?" };
        let mut line = format!("{} {}{query}{}", request.method(), request.path(), request.query_string());
        line.truncate(line.floor_char_boundary(MAX_REQUEST));
        let (address, directory) = (peer.to_string(), service.directory());
        Ok(Self { service, directory, admitted, address, correlation, request: line })
    }

    /// Returns who administers, as the domain takes it.
    pub(crate) fn by(&self) -> By<'_> {
        let Admitted { subject, workstation, circumstances } = &self.admitted;
        let actor = Actor {
            address: Some(&self.address),
            request: Some(&self.request),
            ..Actor::new(subject, workstation, self.correlation)
        };
        By { actor, context: *circumstances }
    }

    /// Returns the same as the use cases of reviews take it.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            subject: self.admitted.subject.clone(),
            circumstances: self.admitted.circumstances,
            workstation: self.admitted.workstation.clone(),
            address: self.address.clone(),
            correlation: self.correlation,
            request: self.request.clone(),
        }
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.admitted.subject.tenant
    }

    /// Asks the policy about what is added, before anything of the body is read; a denial is recorded.
    ///
    /// What is changed is asked about as it is stored, which the use cases do before they look at what was sent.
    pub(crate) async fn ask_to_add(&self, endpoint: Endpoint, method: &Method) -> Result<(), Problem> {
        let administration = self.service.administration();
        match endpoint {
            Endpoint::Connections if method == Method::POST => administration.may_add::<Connection>(&self.by()).await?,
            Endpoint::Users if method == Method::POST => administration.may_add::<Account>(&self.by()).await?,
            _ => {}
        }
        Ok(())
    }

    /// Returns what looks at sessions and ends them.
    pub(crate) fn supervision(&self) -> Supervision<'_> {
        Supervision { sign_in: &self.service.settings.sign_in, directory: &self.directory }
    }

    /// Returns an address below the origin.
    pub(crate) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.service.settings.origin)
    }

    /// Records an act that changes no record, with the rule that permits it.
    pub(crate) async fn record(&self, act: Act, rule: Option<&str>, reason: Option<&str>) -> Result<(), Problem> {
        let context = Context {
            rule: rule.map(str::to_owned),
            reason: reason.map(str::to_owned),
            roles: self.admitted.subject.roles.iter().map(|role| role.name().to_owned()).collect(),
            ..Context::default()
        };
        self.service.journal().record(&self.by().actor, act, &context).await?;
        Ok(())
    }

    /// Records that a request was not done, where no entry tells of it yet.
    pub(crate) async fn record_problem(&self, problem: &Problem) -> Result<(), Problem> {
        if problem.is_recorded() {
            return Ok(());
        }
        self.record(Act::failed("administration", "Administration", ""), None, Some(problem.name())).await
    }
}
