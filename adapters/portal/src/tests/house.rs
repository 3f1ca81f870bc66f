//! A gateway without database or sockets: two tenants, a connection, an account, patients with reports, and a browser.

use crate::dispatch::configure;
use crate::doors::{Arrival, BackAt, Departure, Ending, IdentityProviders, LocalDoor, Outcome, Refusal, Reply};
use crate::service::{Doors, Limits, Service};
use actix_web::body::MessageBody;
use actix_web::dev::{Service as _, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::test::TestRequest;
use actix_web::{App, test};
use domain::access::{Clinics, Context, Factor, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use domain::administration::{By, NewAccount, Reset};
use domain::audit::EntryView;
use domain::directory::{Connection, Directory, Hidden, OidcSettings, Protocol};
use domain::double::{Installation, MemoryTickets};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::identity::{Assertion, Criterion, Groups, Rule};
use domain::intake::{Delivery, Incoming, IncomingMember, IncomingRecord};
use domain::journal::Actor;
use domain::kind::Kind;
use domain::ports::{BoxFuture, Clock};
use domain::refusals::RefusalLimits;
use domain::ticket::TicketBook;
use sso::local::{Accounts, Costs, LocalKeys, LocalSettings, PoolLimits, ThrottleLimits};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

/// The address under which the tests reach the pages.
pub(crate) const ORIGIN: &str = "https://here.example";
pub(crate) const PASSWORD: &str = "correct horse battery staple";

pub(crate) struct House {
    pub(crate) doubles: Installation,
    pub(crate) tickets: Arc<MemoryTickets>,
    pub(crate) service: Arc<Service>,
    pub(crate) directory: watch::Sender<Arc<Directory>>,
    pub(crate) tenant: TenantId,
    pub(crate) connection: RecordId,
    pub(crate) account: RecordId,
    pub(crate) door: Arc<LocalDoor>,
    /// What the identity provider will say next.
    pub(crate) says: Arc<Provider>,
}

/// An identity provider that says what it is told to say.
#[derive(Default)]
pub(crate) struct Provider {
    pub(crate) next: Mutex<Option<Result<Assertion, Refusal>>>,
    pub(crate) asked_fresh: Mutex<Vec<bool>>,
    pub(crate) sessions_ended: Mutex<Vec<String>>,
    /// Whether it answers nothing when somebody signs out.
    pub(crate) unreachable: std::sync::atomic::AtomicBool,
    /// How many answers it was asked about.
    pub(crate) asked: std::sync::atomic::AtomicUsize,
    /// At which address each of them came.
    pub(crate) came_at: Mutex<Vec<BackAt>>,
    /// What happens while it is asked about the next.
    pub(crate) meanwhile: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    /// What became of what it asked to end.
    pub(crate) outcomes: Mutex<Vec<Outcome>>,
}

impl Provider {
    /// Returns how many answers it was asked about.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl IdentityProviders for Provider {
    fn begin<'a>(&'a self, connection: &'a Connection, fresh: bool) -> BoxFuture<'a, Result<Departure, Refusal>> {
        let mut asked = self.asked_fresh.lock().unwrap();
        asked.push(fresh);
        let handle = format!("state-{}", asked.len());
        let address = format!("https://idp.example/authorize?state={handle}");
        let own = connection.oidc().is_some_and(|settings| settings.own_redirect);
        let back_at = if own { BackAt::Own } else { BackAt::Common };
        Box::pin(async move { Ok(Departure { address, handle, kept: Hidden::new("kept".to_owned()), back_at }) })
    }

    fn finish<'a>(
        &'a self,
        _: &'a Connection,
        kept: Option<&'a Hidden>,
        reply: Reply<'a>,
    ) -> BoxFuture<'a, Result<Arrival, Refusal>> {
        assert_eq!(kept.map(Hidden::expose), Some("kept"));
        self.asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.came_at.lock().unwrap().push(reply.back_at);
        Box::pin(async move {
            // Whatever else comes at once is on its way by now.
            tokio::task::yield_now().await;
            let meanwhile = self.meanwhile.lock().unwrap().take();
            meanwhile.into_iter().for_each(|happens| happens());
            let said = self.next.lock().unwrap().take().unwrap();
            said.map(|assertion| {
                let name = Some(format!("name of {}", assertion.subject));
                Arrival { assertion, proof: Some(Hidden::new("proof".to_owned())), name }
            })
        })
    }

    fn sign_out<'a>(&'a self, _: &'a Connection, proof: Option<&'a Hidden>) -> BoxFuture<'a, Option<String>> {
        let address = format!("https://idp.example/logout?hint={}&x=<>", proof.unwrap().expose());
        let reachable = !self.unreachable.load(std::sync::atomic::Ordering::Relaxed);
        Box::pin(async move { reachable.then_some(address) })
    }

    fn ending<'a>(&'a self, _: &'a Connection, text: &'a str) -> BoxFuture<'a, Result<Ending, Refusal>> {
        let sessions = vec![text.to_owned()];
        self.sessions_ended.lock().unwrap().extend(sessions.clone());
        let good = text.starts_with("sid");
        let named = text.strip_prefix("name:").map(|name| name.split_once('/').unwrap_or((name, "")));
        let named = named.map(|(name, session)| {
            let sessions = Some(session.to_owned()).filter(|session| !session.is_empty()).into_iter().collect();
            Ending { name: Some(name.to_owned()), sessions, ..Ending::default() }
        });
        let both = text.strip_prefix("both:").and_then(|both| both.split_once('/'));
        let both = both.map(|(session, subject)| Ending {
            sessions: vec![session.to_owned()],
            person: Some(("https://idp.example".to_owned(), subject.to_owned())),
            ..Ending::default()
        });
        let named = named.or(both);
        Box::pin(async move {
            // It takes a moment to verify.
            tokio::task::yield_now().await;
            match named {
                Some(ending) => Ok(ending),
                None if good => Ok(Ending { sessions, ..Ending::default() }),
                None => Err("bad-notice"),
            }
        })
    }

    fn ended<'a>(
        &'a self,
        _: &'a Connection,
        _: &'a Ending,
        outcome: Outcome,
    ) -> BoxFuture<'a, Result<Option<String>, Refusal>> {
        self.outcomes.lock().unwrap().push(outcome);
        Box::pin(async move { Ok(None) })
    }

    fn metadata(&self, connection: &Connection) -> Result<Option<String>, Refusal> {
        let keys = connection.oidc().is_some_and(|settings| !settings.client_keys.is_empty());
        Ok(keys.then(|| r#"{"keys":[]}"#.to_owned()))
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        Self::held_to(limits, RefusalLimits::default()).await
    }

    pub(crate) async fn held_to(limits: Limits, refusals: RefusalLimits) -> Self {
        let doubles = Installation::new(7).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(doubles.clock.now()) };
        let tenant = administration.add_tenant(&by, "North Hospital").await.unwrap().id;
        administration.add_tenant(&by, "South Clinic").await.unwrap();
        let rule = |group: &str, role| Rule {
            when: Criterion::Group(group.to_owned()),
            roles: Roles::of(&[role]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
        };
        let scoped = |group: &str, role| Rule { clinics: Clinics::Some(Vec::new()), ..rule(group, role) };
        let connection = Connection {
            id: RecordId([0; 16]),
            tenant,
            name: "North & Sons <SSO>".to_owned(),
            enabled: true,
            protocol: Protocol::Oidc(OidcSettings::new("https://idp.example".to_owned(), "client".to_owned())),
            rules: vec![
                rule("doctors", Role::Provider),
                scoped("visiting", Role::Provider),
                rule("admins", Role::Admin),
                rule("auditors", Role::Auditor),
                rule("directors", Role::ClinicalDirector),
            ],
            provisioning: domain::directory::Provisioning::default(),
            created: doubles.clock.now(),
            ended: None,
        };
        let connection = administration.add_connection(&by, connection).await.unwrap().id;
        let account = administration
            .add_account(
                &by,
                NewAccount {
                    tenant,
                    name: "alice".to_owned(),
                    display: "Alice Smith".to_owned(),
                    roles: Roles::of(&[Role::Provider]),
                    clinics: Clinics::All,
                    purpose: Purpose::Treatment,
                },
            )
            .await
            .unwrap()
            .id;
        let (sender, receiver) = watch::channel(Arc::new(administration.load_directory().await.unwrap()));
        let tickets = Arc::new(MemoryTickets::default());
        let book = doubles.book(tickets.clone());
        let door = Arc::new(door(&doubles, &book, ORIGIN));
        let says = Arc::new(Provider::default());
        let service = pages(&doubles, &book, receiver, &says, &door, (limits, refusals));
        Self { doubles, tickets, service, directory: sender, tenant, connection, account, door, says }
    }

    /// Returns the same gateway, at pages of another origin as far as security keys go.
    pub(crate) async fn known_as(self, origin: &str) -> Self {
        let book = Arc::clone(&self.service.sign_in.book);
        let door = Arc::new(door(&self.doubles, &book, origin));
        let limits = (self.service.limits.clone(), RefusalLimits::default());
        let service = pages(&self.doubles, &book, self.directory.subscribe(), &self.says, &door, limits);
        let moved = Self { door, service, ..self };
        moved.reload().await;
        moved
    }

    /// Loads the directory anew, as the gateway's watch does.
    pub(crate) async fn reload(&self) {
        let directory = self.doubles.administration().load_directory().await.unwrap();
        self.directory.send_replace(Arc::new(directory));
    }

    /// Changes how the connection speaks.
    pub(crate) async fn change_oidc(&self, change: impl FnOnce(&mut OidcSettings) + Send) {
        let write = |connection: &mut Connection| match &mut connection.protocol {
            Protocol::Oidc(settings) => change(settings),
            Protocol::Saml(_) => panic!("the connection is one of OpenID Connect"),
        };
        self.change_connection(write).await;
    }

    /// Changes the connection.
    pub(crate) async fn change_connection(&self, write: impl FnOnce(&mut Connection) + Send) {
        let operator = self.operator();
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(self.doubles.clock.now()) };
        self.doubles.administration().change_connection(&by, self.connection, write).await.unwrap();
        self.reload().await;
    }

    /// Takes away what proves that somebody is the account's person; the directory in force is not told.
    pub(crate) async fn reset(&self, reset: Reset) {
        let operator = self.operator();
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let by = By { actor, context: Context::console(self.doubles.clock.now()) };
        self.doubles.administration().reset_account(&by, self.account, reset).await.unwrap();
    }

    pub(crate) fn assertion(&self, name: &str, group: &str) -> Assertion {
        Assertion {
            connection: self.connection,
            tenant: self.tenant,
            issuer: "https://idp.example".to_owned(),
            subject: name.to_owned(),
            display: format!("{name} <b>"),
            roles: Vec::new(),
            groups: Groups::Known(vec![group.to_owned()]),
            attributes: Vec::new(),
            factor: Factor::Shown,
            authenticated: self.doubles.clock.now(),
            until: None,
            provider_session: Some("sid-1".to_owned()),
        }
    }

    /// Returns a browser in which somebody of this group has signed in by the connection.
    pub(crate) async fn signed_in(&self, name: &str, group: &str) -> Browser<'_> {
        let mut browser = Browser::new(self);
        let answer = browser.sign_in(name, group, "").await;
        assert_eq!((answer.status, answer.location()), (StatusCode::SEE_OTHER, "/"));
        browser
    }

    /// Returns the actions of a chain's entries about this tenant, with their outcomes.
    pub(crate) async fn entries(&self) -> Vec<(String, String)> {
        self.entries_of(self.tenant).await
    }

    /// Returns how many refusals are in a chain.
    pub(crate) async fn refusals_in(&self, tenant: TenantId) -> usize {
        self.entries_of(tenant).await.into_iter().filter(|(action, _)| action == "LoginFailed").count()
    }

    /// Returns whom or what the tenant's entries about an action are about.
    pub(crate) async fn about(&self, action: &str) -> Vec<String> {
        use domain::ports::Store;
        let block = self.doubles.store.entries(domain::audit::ChainId::from(self.tenant), 0, 10_000).await.unwrap();
        let lines = String::from_utf8(block.lines).unwrap();
        let entries = lines.lines().map(|line| EntryView::read(line.split_once(' ').unwrap().1.as_bytes()).unwrap());
        entries.filter(|entry| entry.action() == action).map(|entry| entry.resource_id().into_owned()).collect()
    }

    /// Returns the contexts of the tenant's entries about an action, opened.
    pub(crate) async fn contexts(&self, action: &str) -> Vec<domain::audit::Context> {
        let told = self.doubles.told(self.tenant).await.unwrap();
        told.into_iter().filter(|told| told.action == action).map(|told| told.context).collect()
    }

    /// Returns who changes things from the console.
    pub(crate) fn operator(&self) -> Subject {
        Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]))
    }

    async fn entries_of(&self, tenant: TenantId) -> Vec<(String, String)> {
        use domain::ports::Store;
        let block = self.doubles.store.entries(domain::audit::ChainId::from(tenant), 0, 10_000).await.unwrap();
        String::from_utf8(block.lines)
            .unwrap()
            .lines()
            .map(|line| {
                let json = r4::scan::Json::of(line.split_once(' ').unwrap().1);
                let field = |name| json.get(name).unwrap().string().unwrap().into_owned();
                (field("action"), field("outcome"))
            })
            .collect()
    }

    pub(crate) async fn store_patient(&self, number: u8, family: &str) -> RecordId {
        let id = RecordId::from_name([number; 16]);
        let content = format!(
            r#"{{"resourceType":"Patient","id":"{id}","identifier":[{{"type":{{"coding":[{{"code":"MR"}}]}},"system":"urn:mrn","value":"M{number}"}}],"name":[{{"family":"{family}","given":["Ada"]}}],"birthDate":"1970-01-31","gender":"female"}}"#
        );
        let terms = r4::search::terms(Kind::Patient, &content);
        let members = vec![IncomingMember { kind: Kind::Patient, id, content }];
        let as_of = self.doubles.clock.now();
        self.deliver(IncomingRecord { kind: Kind::Patient, id, patient: Some(id), as_of, members, terms }).await;
        id
    }

    /// Stores a report with one result; again with the same number, as a later version.
    pub(crate) async fn store_report(&self, patient: RecordId, number: u8, status: &str, value: &str) -> RecordId {
        self.doubles.clock.advance(60);
        let report = RecordId::from_name([number.wrapping_add(100); 16]);
        let result = RecordId::from_name([number, 1, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 1]).in_family_of(&report);
        let content = format!(
            r#"{{"resourceType":"DiagnosticReport","id":"{report}","status":"{status}","category":[{{"coding":[{{"code":"LAB"}}]}}],"code":{{"text":"Metabolic panel {number}"}},"subject":{{"reference":"Patient/{patient}"}},"effectiveDateTime":"2025-12-{number:02}T08:00:00+01:00","result":[{{"reference":"Observation/{result}"}}],"presentedForm":[{{"contentType":"text/html","title":"Letter <1>","data":"PGI+aGk8L2I+"}}]}}"#
        );
        let observation = format!(
            r#"{{"resourceType":"Observation","id":"{result}","status":"{status}","code":{{"text":"Potassium"}},"subject":{{"reference":"Patient/{patient}"}},"valueQuantity":{{"value":{value},"unit":"mmol/L"}},"interpretation":[{{"coding":[{{"code":"H"}}]}}]}}"#
        );
        let members = vec![
            IncomingMember { kind: Kind::DiagnosticReport, id: report, content },
            IncomingMember { kind: Kind::Observation, id: result, content: observation },
        ];
        let terms = members.iter().flat_map(|member| r4::search::terms(member.kind, &member.content)).collect();
        let as_of = self.doubles.clock.now();
        let kind = Kind::DiagnosticReport;
        self.deliver(IncomingRecord { kind, id: report, patient: Some(patient), as_of, members, terms }).await;
        report
    }

    async fn deliver(&self, record: IncomingRecord) {
        let engine = Subject {
            principal: Principal { id: "lab".to_owned(), display: "lab".to_owned(), kind: PrincipalKind::System },
            tenant: self.tenant,
            roles: Roles::of(&[Role::IntegrationEngine]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            scopes: Scopes::Unrestricted,
            compartment: None,
        };
        let received = self.doubles.clock.now();
        let bytes = format!("{} {}", record.id, received.0);
        let delivery = Delivery {
            subject: &engine,
            clinic: None,
            workstation: "lab",
            address: "192.0.2.1".to_owned(),
            correlation: CorrelationId([1; 16]),
            received,
            bytes: bytes.as_bytes(),
            identity: &[b"lab"],
        };
        let intake = self.doubles.intake(Arc::new(r4::merge::ResourceMerge));
        let incoming = Incoming { records: vec![record], trace: "{}".to_owned(), held: None };
        intake.receive(&delivery, &incoming).await.unwrap();
    }
}

fn door(doubles: &Installation, book: &Arc<TicketBook>, origin: &str) -> LocalDoor {
    let settings = LocalSettings {
        costs: Costs::FLOOR,
        pool: PoolLimits { hashing: 2, waiting: 100, waiting_known: 16 },
        throttle: ThrottleLimits::default(),
        breached: None,
        origin: origin.to_owned(),
    };
    let accounts = Accounts::new(LocalKeys::derive(&doubles.roots.session), settings, Arc::clone(book)).unwrap();
    LocalDoor { accounts, administration: doubles.administration() }
}

fn pages(
    doubles: &Installation,
    book: &Arc<TicketBook>,
    directory: watch::Receiver<Arc<Directory>>,
    says: &Arc<Provider>,
    door: &Arc<LocalDoor>,
    (limits, refusals): (Limits, RefusalLimits),
) -> Arc<Service> {
    let sign_in = doubles.sign_in(book, &doubles.refusals(refusals).unwrap());
    let retrieval = doubles.retrieval(Arc::new(r4::labels::SecurityLabels));
    let doors = Doors { oidc: Some(says.clone()), saml: Some(says.clone()), accounts: Some(Arc::clone(door)) };
    Service::new(sign_in, retrieval, directory, doors, &format!("{ORIGIN}/fhir"), limits)
}

/// A browser: it keeps cookies and says where its requests come from.
#[derive(Clone)]
pub(crate) struct Browser<'a> {
    house: &'a House,
    cookies: Vec<(String, String)>,
    /// The hidden field of the last page.
    pub(crate) token: String,
    address: [u8; 4],
}

/// What a browser got.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) body: String,
}

impl Got {
    pub(crate) fn location(&self) -> &str {
        self.header("location")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

impl<'a> Browser<'a> {
    pub(crate) fn new(house: &'a House) -> Self {
        Self { house, cookies: Vec::new(), token: String::new(), address: [192, 0, 2, 7] }
    }

    /// Returns a browser at another address.
    pub(crate) fn at(house: &'a House, address: [u8; 4]) -> Self {
        Self { address, ..Self::new(house) }
    }

    /// Returns the same browser at another address: it has its cookies and its last page.
    pub(crate) fn moved(&self, address: [u8; 4]) -> Self {
        Self { address, ..self.clone() }
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the cookies whose names begin so, as name and value.
    pub(crate) fn cookies(&self, start: &str) -> Vec<(String, String)> {
        self.cookies.iter().filter(|(name, _)| name.starts_with(start)).cloned().collect()
    }

    pub(crate) fn set_cookie(&mut self, name: &str, value: &str) {
        self.cookies.retain(|(known, _)| known != name);
        self.cookies.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) async fn get(&mut self, path: &str) -> Got {
        self.send(TestRequest::get().uri(path)).await
    }

    /// Sends a form from a page of ours, with the hidden field of the last page.
    pub(crate) async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Got {
        let mut all = vec![("csrf".to_owned(), self.token.clone())];
        all.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let request = TestRequest::post()
            .uri(path)
            .insert_header(("origin", ORIGIN))
            .insert_header(("sec-fetch-site", "same-origin"))
            .set_form(all);
        self.send(request).await
    }

    /// Sends a request and goes away before it is answered.
    pub(crate) async fn send_and_leave(&self, request: TestRequest) {
        let service = Arc::clone(&self.house.service);
        let application = test::init_service(App::new().configure(move |config| configure(config, service))).await;
        let mut call = Box::pin(application.call(request.peer_addr((self.address, 4_000).into()).to_request()));
        let waits = std::future::poll_fn(|context| std::task::Poll::Ready(call.as_mut().poll(context).is_pending()));
        assert!(waits.await, "it is under way");
        drop(call);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn send(&mut self, request: TestRequest) -> Got {
        let service = Arc::clone(&self.house.service);
        let application = test::init_service(App::new().configure(move |config| configure(config, service))).await;
        let mut request = request.peer_addr((self.address, 4_000).into());
        if !self.cookies.is_empty() {
            let pairs: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.insert_header((header::COOKIE, pairs.join("; ")));
        }
        let response: ServiceResponse = application.call(request.to_request()).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let bytes = response.into_body().try_into_bytes().unwrap_or_default();
        let body = String::from_utf8_lossy(&bytes).into_owned();
        for set in headers.get_all(header::SET_COOKIE) {
            let (pair, rules) = set.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !rules.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
        if let Some((_, rest)) = body.split_once("name=\"csrf\" value=\"") {
            self.token = rest.split_once('"').unwrap().0.to_owned();
        }
        Got { status, headers, body }
    }

    /// Signs in by the connection; `after` is the query that the start carries, such as `?return=…`.
    pub(crate) async fn sign_in(&mut self, name: &str, group: &str, after: &str) -> Got {
        let start = format!("/sign-in/{}/with/{}{after}", self.house.tenant, self.house.connection);
        let away = self.get(&start).await;
        assert_eq!(away.status, StatusCode::SEE_OTHER, "{}", away.body);
        let state = away.location().rsplit('=').next().unwrap().to_owned();
        *self.house.says.next.lock().unwrap() = Some(Ok(self.house.assertion(name, group)));
        self.get(&format!("/auth/oidc/callback?code=c&state={state}")).await
    }
}
