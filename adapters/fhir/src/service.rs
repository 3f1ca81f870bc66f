//! What the FHIR interface works with: the use case, who may come in, and its limits.

use domain::access::{Context, Subject};
use domain::id::{CorrelationId, TenantId};
use domain::ports::{BoxFuture, Unavailable};
use domain::retrieval::Retrieval;
use domain::time::Timestamp;
use r4::capability::{self, Instance};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Decides who a bearer token belongs to; implemented over the directory of API clients and the access tokens of applications.
pub trait Admission: Send + Sync {
    /// Returns who this token admits from this address; `None` when nobody.
    ///
    /// # Errors
    /// [`Unavailable`] when it cannot be found out.
    fn admit<'a>(&'a self, token: &'a str, peer: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>>;

    /// Records an attempt that was not admitted, in the system chain; the answer waits for it. Returns for how many seconds the peer is
    /// to wait where it had too many; then that is the answer.
    fn refused(&self, attempt: Attempt) -> BoxFuture<'_, Option<u32>>;

    /// Says whether pages of this origin may read what is answered about a tenant; without a tenant, what is answered about none.
    fn may_read(&self, origin: &str, tenant: Option<TenantId>) -> bool;
}

/// Who a token admits.
pub struct Admitted {
    /// The subject.
    pub subject: Subject,
    /// What its entries name as the workstation.
    pub workstation: String,
    /// What was found out as it was admitted: session, second factor, address.
    pub circumstances: Context,
    /// Whether the token lets its holder know who the person is (`fhirUser`).
    pub tells_person: bool,
}

/// A request that nobody was admitted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Where it came from.
    pub peer: IpAddr,
    /// What ties its entry and log line together.
    pub correlation: CorrelationId,
    /// What was wrong.
    pub reason: Unauthenticated,
}

/// Why nobody was admitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unauthenticated {
    /// There is no bearer token.
    Missing,
    /// There is one, and it is nobody's.
    Unknown,
}

impl Unauthenticated {
    /// Returns the word for an audit entry or a log line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Unauthenticated::Missing => "no bearer token",
            Unauthenticated::Unknown => "unknown bearer token",
        }
    }
}

/// Bounds of one request and one answer.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Longest query string, in bytes.
    pub max_query_bytes: usize,
    /// Most bytes of all header names and values together.
    pub max_header_bytes: usize,
    /// Longest body of a `_search`, in bytes.
    pub max_body_bytes: usize,
    /// Longest time a request may take, its body included.
    pub request_timeout: Duration,
    /// Matches on a page when the question does not say.
    pub default_count: u32,
    /// Most matches on a page.
    pub max_count: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_query_bytes: 8 * 1024,
            max_header_bytes: 16 * 1024,
            max_body_bytes: 16 * 1024,
            request_timeout: Duration::from_secs(30),
            default_count: 50,
            max_count: 500,
        }
    }
}

/// The FHIR interface of one gateway.
pub struct Service {
    pub(crate) retrieval: Retrieval,
    pub(crate) admission: Arc<dyn Admission>,
    pub(crate) base: String,
    pub(crate) limits: Limits,
    pub(crate) since: Timestamp,
    /// The CapabilityStatement, rendered once: it changes with the software only.
    pub(crate) statement: String,
}

impl Service {
    /// Puts an interface together; `base` is the address under which clients reach `/fhir`, `version` the software's.
    #[must_use]
    pub fn new(
        retrieval: Retrieval,
        admission: Arc<dyn Admission>,
        base: &str,
        version: &str,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self::whole(retrieval, admission, base, version, limits, false))
    }

    /// Does the same where applications get tokens by SMART on FHIR beside it; the CapabilityStatement says so.
    #[must_use]
    pub fn with_smart(
        retrieval: Retrieval,
        admission: Arc<dyn Admission>,
        base: &str,
        version: &str,
        limits: Limits,
    ) -> Arc<Self> {
        Arc::new(Self::whole(retrieval, admission, base, version, limits, true))
    }

    fn whole(
        retrieval: Retrieval,
        admission: Arc<dyn Admission>,
        base: &str,
        version: &str,
        limits: Limits,
        smart: bool,
    ) -> Self {
        let base = base.trim_end_matches('/').to_owned();
        let since = retrieval.clock.now();
        let statement = capability::render(&Instance { base: &base, version, date: since, smart });
        Self { retrieval, admission, base, limits, since, statement }
    }
}
