//! Who asks: the bearer token of a request becomes a subject of its connection, or a recorded refusal.

use crate::problem::Problem;
use crate::service::Service;
use actix_web::HttpRequest;
use domain::access::{self, Address, Subject};
use domain::administration::By;
use domain::directory::{Connection, Directory};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::journal::Actor;
use domain::kind::Kind;
use domain::refusals::{Asked, Refusal, Wait};
use domain::sign_in::Origin;
use std::sync::Arc;

/// The part of the gateway, as entries name it.
const WORKSTATION: &str = "scim";

/// A request of a provider's service.
pub(crate) struct Visit<'a> {
    pub(crate) service: &'a Service,
    pub(crate) directory: Arc<Directory>,
    pub(crate) connection: Connection,
    /// The address of the connection's endpoints.
    pub(crate) base: String,
    subject: Subject,
    correlation: CorrelationId,
    address: String,
    allowed: Address,
}

impl<'a> Visit<'a> {
    /// Admits a request to the connection that its path names; an attempt that is not admitted is recorded before this
    /// returns.
    pub(crate) async fn admit(
        service: &'a Service,
        request: &HttpRequest,
        connection: &str,
        correlation: CorrelationId,
    ) -> Result<Self, Problem> {
        let peer = form::request::peer(request);
        let directory = service.directory();
        if !directory.is_confirmed() {
            return Err(Problem::Unavailable);
        }
        let token = form::request::bearer(request);
        let known = connection.parse::<RecordId>().ok().and_then(|id| directory.connection(id));
        let subject = known.and_then(|connection| connection.provisioner(token?));
        let (Some(connection), Some(subject)) = (known, subject) else {
            let reason = if token.is_some() { "unknown-token" } else { "missing-token" };
            let who = known.map(|connection| connection.id.to_string()).unwrap_or_default();
            let refusal = Refusal {
                chain: TenantId::SYSTEM,
                workstation: WORKSTATION,
                what: "Connection",
                who: &who,
                reason,
                address: &peer.to_string(),
                connection: known.map(|connection| connection.id),
                correlation,
            };
            return Err(match service.settings.sign_in.refusals.record(&refusal).await? {
                // A flood leaves no line each in the log either.
                Some(Wait(seconds)) => Problem::TooManyRefused(seconds),
                None => {
                    tracing::warn!(%correlation, reason, "provisioning request not admitted");
                    Problem::Unauthenticated
                }
            });
        };
        let connection = connection.clone();
        Ok(Self {
            base: format!("{}/scim/v2/{}", service.settings.origin, connection.id),
            allowed: if connection.provisions_from(peer) { Address::Allowed } else { Address::NotAllowed },
            address: peer.to_string(),
            service,
            directory,
            connection,
            subject,
            correlation,
        })
    }

    /// Returns who administers, as the domain takes it; `request` says what is asked for, without names of people.
    pub(crate) fn by<'b>(&'b self, request: &'b str) -> By<'b> {
        let actor = Actor {
            address: Some(&self.address),
            request: Some(request),
            ..Actor::new(&self.subject, WORKSTATION, self.correlation)
        };
        let now = self.service.settings.administration.clock.now();
        By { actor, context: access::Context { address: self.allowed, ..access::Context::at(now) } }
    }

    /// Records that a change was refused which the provider's service asked for, and why; the answer stays what it is.
    ///
    /// Bounded like every refusal: a provider that is wrong about everybody tells so with each of its rounds.
    pub(crate) async fn note_refused(&self, kind: Kind, id: &str, problem: Problem) {
        let Some(reason) = problem.reason() else { return };
        let id = id.parse::<RecordId>().map(|id| id.to_string()).unwrap_or_default();
        let refusal = Refusal {
            chain: self.connection.tenant,
            workstation: WORKSTATION,
            what: kind.name(),
            who: &id,
            reason,
            address: &self.address,
            connection: Some(self.connection.id),
            correlation: self.correlation,
        };
        if self.service.settings.sign_in.refusals.record_as(Asked::Provisioning, &refusal).await.is_err() {
            tracing::error!(correlation = %self.correlation, "a refused change could not be recorded");
        }
    }

    /// Returns in which exchange sessions end.
    pub(crate) fn origin(&self) -> Origin<'_> {
        Origin {
            address: &self.address,
            workstation: WORKSTATION,
            allowed: self.allowed,
            correlation: self.correlation,
        }
    }
}
