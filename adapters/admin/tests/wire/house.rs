//! A gateway over the doubles of the ports: two tenants, and everybody who comes to administer the first.

use actix_web::App;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use admin::{
    Admission, Admitted, Diagnosis, Explained, Limits, Looking, NotExplained, Service, Settings, Step, Verdict,
};
use domain::access::{
    Address, Clinics, Context, Factor, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Session, Subject,
};
use domain::administration::{Administration, By, NewAccount};
use domain::audit::{self, ChainId};
use domain::directory::{Account, Connection, Directory, Protocol, Provisioning};
use domain::double::{Installation, MemoryTickets, Told};
use domain::emergency::{Emergency, Review, Smashing};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::journal::{Act, Actor};
use domain::ports::{BoxFuture, Clock, Store, Unavailable};
use domain::refusals::RefusalLimits;
use domain::retrieval::Caller;
use domain::sign_in::{Begun, Origin, SignIn};
use domain::time::Timestamp;
use serde_json::Value;
use sso::local::{Invitations, Inviting};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

pub(crate) struct House {
    pub(crate) doubles: Installation,
    pub(crate) administration: Administration,
    pub(crate) sign_in: SignIn,
    pub(crate) emergency: Emergency,
    pub(crate) tenant: TenantId,
    directory: watch::Sender<Arc<Directory>>,
    service: Arc<Service>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).expect(&self.text)
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().expect(&self.text).to_owned()
    }

    /// The status, the word of a problem and the place that it is about; it must have the form of one.
    pub(crate) fn problem(&self) -> (u16, String, String) {
        let problem = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json", "{}", self.text);
        assert_eq!(problem["status"], self.status);
        assert_eq!(problem["correlation"].as_str(), Some(self.header("x-request-id")));
        assert!(problem["detail"].as_str().is_some_and(|detail| detail.ends_with('.')), "{}", self.text);
        let word = problem["type"].as_str().unwrap().strip_prefix("urn:sealgate:problem:").unwrap().to_owned();
        let place = &problem["errors"][0];
        let place = place["pointer"].as_str().or(place["parameter"].as_str()).unwrap_or_default().to_owned();
        (self.status, word, place)
    }
}

/// Knows everybody by the token they show.
struct Door {
    tenant: TenantId,
    other: TenantId,
    clock: Arc<dyn Clock>,
}

impl Admission for Door {
    fn admit<'a>(&'a self, token: &'a str, peer: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>> {
        let scopes = |text: &str| Scopes::Limited(text.split(' ').map(|scope| scope.parse().unwrap()).collect());
        let system = |tenant, roles: &[Role], scopes| Subject {
            principal: Principal { id: token.to_owned(), display: token.to_owned(), kind: PrincipalKind::System },
            tenant,
            roles: Roles::of(roles),
            clinics: Clinics::All,
            purpose: Purpose::Operations,
            scopes,
            compartment: None,
        };
        let person = |name, tenant, role| {
            let roles = Roles::of(&[role]);
            Subject { scopes: scopes("user/Administration.ru"), ..Subject::console(name, tenant, roles) }
        };
        let subject = match token {
            "admin" | "tardy" => system(self.tenant, &[Role::Admin, Role::Auditor], Scopes::Unrestricted),
            "plain-admin" => system(self.tenant, &[Role::Admin], Scopes::Unrestricted),
            "reader" => system(self.tenant, &[Role::ReadOnly], Scopes::Unrestricted),
            "stranger" => system(self.other, &[Role::Admin, Role::Auditor], Scopes::Unrestricted),
            "looking" => system(self.tenant, &[Role::Admin], scopes("system/Administration.r")),
            "changing" => system(self.tenant, &[Role::Admin], scopes("system/Administration.ru")),
            "all-records" => system(self.tenant, &[Role::Admin], scopes("system/*.cruds")),
            "auditor" => person("olga", self.tenant, Role::Auditor),
            "director" => person("dee", self.tenant, Role::ClinicalDirector),
            "provider" => person("ada", self.tenant, Role::Provider),
            "strange-auditor" => person("otto", self.other, Role::Auditor),
            _ => return Box::pin(std::future::ready(Ok(None))),
        };
        let allowed = if peer.to_string().starts_with("192.") { Address::Allowed } else { Address::NotAllowed };
        let context = Context { address: allowed, ..Context::at(self.clock.now()) };
        let circumstances = match subject.principal.kind {
            PrincipalKind::System => context,
            PrincipalKind::Person => Context { session: Session::Current, factor: Factor::Shown, ..context },
        };
        let workstation = format!("client:{token}");
        Box::pin(async move {
            if token == "tardy" {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            Ok(Some(Admitted { subject, workstation, circumstances }))
        })
    }
}

/// Finds every connection well, and explains nothing but to auditors.
struct Doctor;

impl Diagnosis for Doctor {
    fn test<'a>(&'a self, connection: &'a Connection) -> BoxFuture<'a, Vec<Step>> {
        let verdict = if connection.rules.is_empty() { Verdict::Bad } else { Verdict::Good };
        let step = Step { step: "rules", verdict, advice: "Add one.".to_owned() };
        Box::pin(std::future::ready(vec![step]))
    }

    fn explain<'a>(
        &'a self,
        by: &'a By<'a>,
        looking: &'a Looking,
    ) -> BoxFuture<'a, Result<Vec<Explained>, NotExplained>> {
        let allowed = by.actor.subject.roles.contains(Role::Auditor);
        let explained = Explained {
            sequence: 7,
            time: "2026-01-01T00:00:00.000Z".to_owned(),
            what: "Person".to_owned(),
            who: String::new(),
            correlation: CorrelationId([7; 16]).to_string(),
            connection: looking.connection.map(|id| id.to_string()),
            reason: "unmapped".to_owned(),
            address: None,
            meanings: Vec::new(),
        };
        let answer = if allowed { Ok(vec![explained; looking.last]) } else { Err(NotExplained::Denied) };
        Box::pin(std::future::ready(answer))
    }
}

impl House {
    pub(crate) async fn new() -> Self {
        Self::with(Limits { max_body_bytes: 64 * 1024, ..Limits::default() }).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let doubles = Installation::new(5).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let operator = operator();
        let by = by(&doubles, &operator);
        let tenant = administration.add_tenant(&by, "Hospital").await.unwrap().id;
        let other = administration.add_tenant(&by, "Practice").await.unwrap().id;
        administration.add_clinic(&by, tenant, "West").await.unwrap();
        let (directory, seen) = watch::channel(Arc::new(administration.load_directory().await.unwrap()));
        let refusals = doubles.refusals(RefusalLimits::default()).unwrap();
        let book = doubles.book(Arc::new(MemoryTickets::default()));
        let sign_in = || doubles.sign_in(&book, &refusals);
        let service = Service::new(Settings {
            origin: "https://here.example/".to_owned(),
            directory: seen,
            admission: Arc::new(Door { tenant, other, clock: doubles.clock.clone() }),
            inviting: Inviting {
                administration: doubles.administration(),
                invitations: Invitations::new(Arc::clone(&book)),
            },
            sign_in: sign_in(),
            emergency: doubles.emergency(&book),
            diagnosis: Arc::new(Doctor),
            limits,
        });
        let (sign_in, emergency) = (sign_in(), doubles.emergency(&book));
        Self { doubles, administration, sign_in, emergency, tenant, directory, service }
    }

    /// Puts into force what is stored, as the gateway does within a second.
    pub(crate) async fn reload(&self) {
        self.directory.send_replace(Arc::new(self.administration.load_directory().await.unwrap()));
    }

    /// Adds an account as the operator, whatever its role.
    pub(crate) async fn account(&self, name: &str, role: Role) -> Account {
        let operator = operator();
        let new = NewAccount {
            tenant: self.tenant,
            name: name.to_owned(),
            display: name.to_owned(),
            roles: Roles::of(&[role]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
        };
        self.doubles.clock.advance(1);
        let account = self.administration.add_account(&by(&self.doubles, &operator), new).await.unwrap();
        self.reload().await;
        account
    }

    /// Adds a connection as the operator.
    pub(crate) async fn connection(&self, name: &str, protocol: Protocol) -> RecordId {
        let operator = operator();
        let connection = Connection {
            id: RecordId([0; 16]),
            tenant: self.tenant,
            name: name.to_owned(),
            enabled: true,
            protocol,
            rules: Vec::new(),
            provisioning: Provisioning::default(),
            created: Timestamp::default(),
            ended: None,
        };
        self.administration.add_connection(&by(&self.doubles, &operator), connection).await.unwrap().id
    }

    /// Signs the holder of an account in.
    pub(crate) async fn begin(&self, account: &Account) -> Begun {
        self.doubles.clock.advance(1);
        let assertion = account.to_assertion(Factor::Shown, self.doubles.clock.now());
        let origin = Origin {
            address: "192.0.2.1",
            workstation: "portal",
            allowed: Address::Allowed,
            correlation: CorrelationId([3; 16]),
        };
        let settings = domain::directory::TenantSettings::default();
        let begun = self.sign_in.begin_admitted(&assertion, account.to_admitted(), &settings, &origin, None).await;
        begun.unwrap_or_else(|why| session_refused(why.name()))
    }

    /// Somebody breaks the glass for a patient and opens a report of theirs.
    pub(crate) async fn smash(&self, name: &str, role: Role, patient: RecordId, report: RecordId) -> Review {
        self.doubles.clock.advance(1);
        let visitor = Caller {
            subject: Subject::console(name, self.tenant, Roles::of(&[role])),
            circumstances: Context::console(self.doubles.clock.now()),
            workstation: "portal".to_owned(),
            address: "192.0.2.7".to_owned(),
            correlation: CorrelationId([4; 16]),
            request: "POST /break-glass".to_owned(),
        };
        let smashing = Smashing {
            patient,
            session: RecordId([6; 16]),
            reason: "ETREAT",
            words: "unconscious in room 3",
            rule: self.emergency.may(&visitor, true, Some(patient)).await.unwrap(),
            seconds: 3_600,
            alarm: false,
        };
        let review = self.emergency.smash(&visitor, &smashing).await.unwrap();
        let opened = Act::done("fhir.read", "DiagnosticReport", &report.to_string());
        let context = audit::Context { glass: Some(patient.to_string()), ..audit::Context::default() };
        self.doubles.journal().record(&visitor.actor(), opened, &context).await.unwrap();
        review
    }

    pub(crate) fn request(&self, token: &str, method: Method, path: &str) -> TestRequest {
        TestRequest::with_uri(&format!("/admin/v1/{path}"))
            .method(method)
            .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
    }

    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        self.send_from(request, "192.0.2.9:4711").await
    }

    pub(crate) async fn send_from(&self, request: TestRequest, peer: &str) -> Answer {
        self.doubles.clock.advance(1);
        let service = Arc::clone(&self.service);
        let app = init_service(App::new().configure(move |application| admin::configure(application, service))).await;
        let response = call_service(&app, request.peer_addr(peer.parse().unwrap()).to_request()).await;
        let (status, headers): (StatusCode, _) = (response.status(), response.headers().clone());
        assert_eq!(headers.get("cache-control").unwrap(), "no-store");
        let text = String::from_utf8(read_body(response).await.to_vec()).unwrap();
        Answer { status: status.as_u16(), headers, text }
    }

    pub(crate) async fn get(&self, token: &str, path: &str) -> Answer {
        self.send(self.request(token, Method::GET, path)).await
    }

    pub(crate) async fn post(&self, token: &str, path: &str, body: &Value) -> Answer {
        let json = (header::CONTENT_TYPE, "application/json");
        self.send(self.request(token, Method::POST, path).insert_header(json).set_payload(body.to_string())).await
    }

    /// Changes something at the version of a tag.
    pub(crate) async fn change(&self, token: &str, method: Method, path: &str, tag: &str, body: &Value) -> Answer {
        let patch = method == Method::PATCH;
        let media = if patch { "application/merge-patch+json" } else { "application/json" };
        let request = self.request(token, method, path).insert_header((header::CONTENT_TYPE, media));
        self.send(request.insert_header((header::IF_MATCH, tag)).set_payload(body.to_string())).await
    }

    /// The tenant's chain: action, kind, outcome and who, oldest first.
    pub(crate) async fn chain(&self) -> Vec<String> {
        let block = self.doubles.store.entries(ChainId::from(self.tenant), 1, 10_000).await.unwrap();
        let lines = String::from_utf8(block.lines).unwrap();
        lines
            .lines()
            .map(|line| {
                let entry: Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
                let word = |place: &str| entry.pointer(place).unwrap().as_str().unwrap().to_owned();
                ["/action", "/resource_type", "/outcome", "/user_id/id"].map(word).join(" ")
            })
            .collect()
    }

    /// From where and by which request the newest act of this name in the tenant's chain was done.
    pub(crate) async fn told(&self, action: &str) -> (Option<String>, Option<String>) {
        let told = self.doubles.told(self.tenant).await.unwrap();
        let Told { context, .. } = told.into_iter().rfind(|told| told.action == action).unwrap();
        (context.address, context.request)
    }

    pub(crate) async fn last(&self) -> String {
        self.chain().await.pop().unwrap()
    }
}

#[expect(clippy::panic, reason = "a test fails by panicking")]
fn session_refused(why: &str) -> Begun {
    panic!("no session: {why}")
}

pub(crate) fn operator() -> Subject {
    Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]))
}

pub(crate) fn by<'a>(doubles: &Installation, subject: &'a Subject) -> By<'a> {
    By { actor: Actor::new(subject, "console", CorrelationId([9; 16])), context: Context::console(doubles.clock.now()) }
}

/// An id that nothing has.
pub(crate) fn nobody() -> RecordId {
    RecordId([9; 16])
}
