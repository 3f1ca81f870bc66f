//! One request: who comes, from where, with what, and whether they may.

use crate::answer::Answer;
use crate::cookie::Cookie;
use crate::csrf;
use crate::pages::{Frame, GlassBar, Here, KeyForm, PersonBar, Turn};
use crate::place::Place;
use crate::problem::Problem;
use crate::route::{Door, Row};
use crate::script;
use crate::service::Service;
use actix_web::HttpRequest;
use domain::access::{self, Action, Address, decide};
use domain::directory::{Connection, Directory};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::identity::SessionLimits;
use domain::kind::Kind;
use domain::ports::Unavailable;
use domain::refusals::Wait;
use domain::retrieval::Caller;
use domain::secret::Secret;
use domain::sign_in::{Origin, Resumed, Whom};
use domain::time::Timestamp;
use form::Form;
use std::net::IpAddr;
use std::sync::Arc;

/// The name under which entries of the audit chain name these pages.
pub(crate) const WORKSTATION: &str = "portal";

/// One request.
pub(crate) struct Visit<'a> {
    pub(crate) service: &'a Service,
    pub(crate) http: &'a HttpRequest,
    pub(crate) row: &'static Row,
    /// The query.
    pub(crate) query: Form,
    /// The body of a form; empty for `GET`, and until it is read.
    pub(crate) form: Form,
    /// The directory as it stood when the request came.
    pub(crate) directory: Arc<Directory>,
    pub(crate) correlation: CorrelationId,
    pub(crate) now: Timestamp,
    pub(crate) peer: IpAddr,
    address: String,
    person: Option<Person>,
}

/// Somebody who is signed in.
pub(crate) struct Person {
    pub(crate) resumed: Resumed,
    pub(crate) secret: Secret<32>,
}

impl<'a> Visit<'a> {
    /// Takes up a request, its body unread; whoever's session goes on is known from here.
    pub(crate) async fn begin(
        service: &'a Service,
        http: &'a HttpRequest,
        row: &'static Row,
        correlation: CorrelationId,
        query: Form,
    ) -> Result<Self, Problem> {
        let peer = form::request::peer(http);
        let directory = Arc::clone(&service.directory.borrow());
        if row.page.admits() && !directory.is_confirmed() {
            return Err(Problem::Unavailable);
        }
        let now = service.retrieval.clock.now();
        let address = peer.to_string();
        let form = Form::default();
        let mut visit =
            Self { service, http, row, query, form, directory, correlation, now, peer, address, person: None };
        if row.door == Door::SignedIn || row.page.looks_for_a_session() {
            visit.person = visit.resume().await?;
        }
        Ok(visit)
    }

    /// Finds the session of the browser's cookie, and judges the address it is used from.
    async fn resume(&self) -> Result<Option<Person>, Problem> {
        let Some(secret) = Cookie::Session.read(self.http) else {
            return Ok(None);
        };
        // The address can be judged only once the tenant is known; until then nothing is decided by it.
        let resumed = self.service.sign_in.resume(&secret, &self.directory, Address::Allowed).await?;
        Ok(resumed.map(|mut resumed| {
            resumed.circumstances.address = self.address_of(resumed.session.tenant);
            Person { resumed, secret }
        }))
    }

    /// Says whether people of a tenant may come from here.
    pub(crate) fn address_of(&self, tenant: TenantId) -> Address {
        if self.directory.address_allowed(tenant, self.peer) { Address::Allowed } else { Address::NotAllowed }
    }

    /// Refuses a form that another site sent, or that is not from a page made for this browser.
    pub(crate) fn check_form(&self) -> Result<(), Problem> {
        if self.row.door == Door::CrossSite {
            return Ok(());
        }
        let given = self.form.text(csrf::FIELD);
        let keys = &self.service.sign_in.book.keys;
        let fits = |secret: &Secret<32>| csrf::token_fits(keys, secret, given);
        let fits = match (self.row.door, &self.person) {
            (Door::SignedIn, person) => person.as_ref().is_some_and(|person| fits(&person.secret)),
            (Door::Open | Door::CrossSite, _) => Cookie::SignIn.read(self.http).as_ref().is_some_and(fits),
        };
        if fits && csrf::comes_from_here(self.http.headers(), &self.service.origin) {
            Ok(())
        } else {
            Err(Problem::Forged)
        }
    }

    /// Says whether somebody is signed in whose tenant does not let them come from here.
    pub(crate) fn comes_from_elsewhere(&self) -> bool {
        self.person.as_ref().is_some_and(|person| person.resumed.circumstances.address == Address::NotAllowed)
    }

    /// Returns in whose chain a refusal belongs that nothing else tells of: the session's tenant, that of the path, else the system.
    pub(crate) fn chain(&self) -> TenantId {
        let of_session = self.person.as_ref().map(|person| person.resumed.session.tenant);
        let of_path = || self.part("tenant").parse().ok().filter(|id| self.directory.tenant(*id).is_some());
        of_session.or_else(of_path).unwrap_or(TenantId::SYSTEM)
    }

    /// Borrows who is signed in.
    pub(crate) fn person(&self) -> Option<&Person> {
        self.person.as_ref()
    }

    /// Borrows who is signed in, where the table says that somebody must be.
    pub(crate) fn signed_in(&self) -> Result<&Person, Problem> {
        self.person.as_ref().ok_or(Problem::Denied)
    }

    /// Returns the hidden field for forms on pages of whoever is signed in.
    pub(crate) fn token(&self) -> String {
        let keys = &self.service.sign_in.book.keys;
        self.person.as_ref().map(|person| csrf::token(keys, &person.secret)).unwrap_or_default()
    }

    /// Returns where this exchange comes from, for entries about signing in.
    pub(crate) fn origin(&self, tenant: TenantId) -> Origin<'_> {
        Origin {
            address: &self.address,
            workstation: WORKSTATION,
            allowed: self.address_of(tenant),
            correlation: self.correlation,
        }
    }

    /// Records a refusal in a tenant's chain, or in the system's where nobody knows whose it was. Returns what is answered: the
    /// problem, or to wait where there were too many from this address.
    pub(crate) async fn refuse(&self, chain: TenantId, reason: &str, problem: Problem) -> Problem {
        self.refuse_whom(chain, Whom::Nobody, reason, problem).await
    }

    /// Records the refusal of somebody who came by a connection.
    pub(crate) async fn refuse_by(&self, connection: &Connection, reason: &str, problem: Problem) -> Problem {
        self.refuse_whom(connection.tenant, Whom::By(connection.id), reason, problem).await
    }

    async fn refuse_whom(&self, chain: TenantId, whom: Whom<'_>, reason: &str, problem: Problem) -> Problem {
        match self.service.sign_in.refuse(chain, whom, reason, &self.origin(chain)).await {
            Ok(None) => {
                tracing::warn!(correlation = %self.correlation, tenant = %chain, reason, "refused");
                problem
            }
            // A flood leaves no line each in the log either.
            Ok(Some(Wait(seconds))) => Problem::TooMany(seconds),
            Err(Unavailable) => Problem::Unavailable,
        }
    }

    /// Says whether the person proved who they are a moment ago; `grace` is what filling in a form may take beyond, in
    /// seconds; less than nothing is what must be left for it.
    pub(crate) fn is_fresh(&self, grace: i64) -> Result<bool, Problem> {
        let fresh = self.service.limits.fresh_seconds.saturating_add(grace);
        Ok(self.now < self.signed_in()?.resumed.session.authenticated.plus_seconds(fresh))
    }

    /// Returns who asks, for the use case that discloses.
    pub(crate) fn caller(&self) -> Result<Caller, Problem> {
        let resumed = &self.signed_in()?.resumed;
        // The path has ids that say nothing, and a sealed cursor at most.
        let asked = self.http.uri().path_and_query().map_or(self.http.path(), |target| target.as_str());
        Ok(Caller {
            subject: resumed.subject.clone(),
            circumstances: resumed.circumstances,
            workstation: WORKSTATION.to_owned(),
            address: self.address.clone(),
            correlation: self.correlation,
            request: format!("{} {asked}", self.http.method()),
        })
    }

    /// Returns a part of the path.
    pub(crate) fn part(&self, name: &str) -> &str {
        self.http.match_info().get(name).unwrap_or_default()
    }

    /// Returns the record that a part of the path names; a text that cannot be an id of ours names one that nobody has, so that
    /// the attempt is decided and recorded like any other.
    pub(crate) fn record(&self, name: &str) -> RecordId {
        self.part(name).parse().unwrap_or(RecordId([0; 16]))
    }

    /// Returns the place that the query remembers.
    pub(crate) fn place(&self) -> Place {
        Place::read(self.query.text("return")).unwrap_or_else(Place::home)
    }

    /// Returns the place that this very request asks for, where that can be gone back to.
    pub(crate) fn this_place(&self) -> Place {
        let here = self.http.uri().path_and_query().map_or("/", |target| target.as_str());
        let reads = self.http.method() == actix_web::http::Method::GET;
        Some(here).filter(|_| reads).and_then(Place::read).unwrap_or_else(Place::home)
    }

    /// Returns the limits of a tenant's sessions.
    pub(crate) fn limits(&self, tenant: TenantId) -> SessionLimits {
        self.directory.session_limits(tenant)
    }

    /// Says, without recording anything, whether the person's roles may do this to records of a kind at all: for what is offered, never
    /// for what is shown.
    pub(crate) fn might(&self, action: Action, kind: Kind) -> bool {
        self.person.as_ref().is_some_and(|person| {
            let subject = &person.resumed.subject;
            let resource = access::Resource::record(subject.tenant, kind);
            decide(subject, action, &resource, &person.resumed.circumstances).is_permit()
        })
    }

    /// Returns the frame of a page: who is signed in, what is open, when the session ends.
    pub(crate) fn frame(&self, here: Here) -> Frame {
        let mut frame = Frame { here, ..Frame::plain(self.correlation.to_string()) };
        let Some(person) = &self.person else {
            return frame;
        };
        let session = &person.resumed.session;
        let organization = self.directory.tenant(session.tenant).map(|tenant| tenant.name.clone()).unwrap_or_default();
        let token = self.token();
        frame.glass = session.glass.filter(|glass| self.now < glass.expires).map(|glass| GlassBar {
            patient: glass.patient.to_string(),
            minutes: seconds_between(self.now, glass.expires).saturating_add(59).div_euclid(60),
            token: token.clone(),
        });
        let left = seconds_between(self.now, person.resumed.ends);
        frame.turn = Some(Turn {
            seconds: left.saturating_sub(self.service.limits.warning_seconds).max(1),
            to: self.this_place().behind("/session-ending"),
        });
        let reads = self.might(Action::FhirSearch, Kind::Patient);
        let reviews = self.might(Action::BreakGlassReview, Kind::GlassReview);
        frame.person = Some(PersonBar { display: session.display.clone(), organization, reads, reviews, token });
        frame
    }

    /// Returns the address of our script for a page that has a form which a security key answers.
    pub(crate) fn script(&self, form: Option<&KeyForm>) -> Option<String> {
        form.map(|_| script::source(&self.service.origin))
    }

    /// Sends somebody who is not signed in to where one signs in, and back here afterwards.
    pub(crate) fn to_sign_in(&self) -> Answer {
        Answer::see(self.this_place().behind("/sign-in"))
    }
}

/// Returns whole seconds from one moment to another, 0 at least.
pub(crate) fn seconds_between(from: Timestamp, to: Timestamp) -> i64 {
    to.0.saturating_sub(from.0).max(0).div_euclid(1_000_000)
}
