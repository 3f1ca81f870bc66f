//! A gateway over the doubles of the ports: two connections of one tenant, each with a token.

use actix_web::App;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use domain::access::{Address, Clinics, Context, Factor, Purpose, Role, Roles, Subject};
use domain::administration::{Administration, By};
use domain::audit::ChainId;
use domain::directory::{
    Connection, Directory, OidcSettings, PersonName, Protocol, ProvisionedGroups, ProvisionedPerson, Provisioning,
    ProvisioningToken,
};
use domain::double::{Installation, MemoryTickets};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::identity::{Assertion, Criterion, Groups, Rule};
use domain::journal::Actor;
use domain::ports::{Clock, Store};
use domain::refusals::RefusalLimits;
use domain::sign_in::{Begun, Origin, Refused, SignIn};
use domain::time::Timestamp;
use scim::{Limits, Service, Settings};
use serde_json::Value;
use std::sync::Arc;
use tokio::sync::watch;

pub(crate) const ISSUER: &str = "https://idp.example";

pub(crate) struct House {
    pub(crate) doubles: Installation,
    pub(crate) administration: Administration,
    pub(crate) sign_in: SignIn,
    pub(crate) tenant: TenantId,
    pub(crate) connection: RecordId,
    pub(crate) other: RecordId,
    pub(crate) token: String,
    pub(crate) other_token: String,
    directory: watch::Sender<Arc<Directory>>,
    service: Arc<Service>,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic_with(&self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The status and the type of an error, which must have the form of one.
    pub(crate) fn problem(&self) -> (u16, String) {
        let error = self.json();
        assert_eq!(error["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{}", self.text);
        assert_eq!(error["status"], self.status.as_str());
        assert_eq!(self.header("content-type"), "application/scim+json");
        (self.status.as_u16(), error["scimType"].as_str().unwrap_or_default().to_owned())
    }

    pub(crate) fn id(&self) -> String {
        self.json()["id"].as_str().expect(&self.text).to_owned()
    }
}

#[expect(clippy::panic, reason = "a test fails by panicking")]
fn panic_with(text: &str) -> Value {
    panic!("no JSON: {text}")
}

impl House {
    pub(crate) async fn new() -> Self {
        let doubles = Installation::new(5).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let by = By {
            actor: Actor::new(&operator, "console", CorrelationId([9; 16])),
            context: Context::console(doubles.clock.now()),
        };
        let tenant = administration.add_tenant(&by, "Hospital").await.unwrap().id;
        let mut made = Vec::new();
        for name in ["Hospital login", "Other login"] {
            let connection = administration.add_connection(&by, connection(tenant, name)).await.unwrap();
            let token = connection.draw_provisioning_token(doubles.entropy.as_ref()).unwrap();
            let kept = ProvisioningToken::of(&token, doubles.clock.now());
            let provision = |connection: &mut Connection| connection.provisioning.tokens.push(kept);
            administration.change_connection(&by, connection.id, provision).await.unwrap();
            made.push((connection.id, token.expose().to_owned()));
        }
        let (other, other_token) = made.pop().unwrap();
        let (connection, token) = made.pop().unwrap();
        let (directory, seen) = watch::channel(Arc::new(administration.load_directory().await.unwrap()));
        let book = doubles.book(Arc::new(MemoryTickets::default()));
        let refusals = doubles.refusals(RefusalLimits::default()).unwrap();
        let people = doubles.sign_in(&book, &refusals);
        let service = Service::new(Settings {
            origin: "https://here.example/".to_owned(),
            directory: seen,
            administration: doubles.administration(),
            sign_in: doubles.sign_in(&book, &refusals),
            limits: Limits::default(),
        });
        Self {
            doubles,
            administration,
            sign_in: people,
            tenant,
            connection,
            other,
            token,
            other_token,
            directory,
            service,
        }
    }

    /// Puts into force what is stored, as the gateway does within a second.
    pub(crate) async fn reload(&self) {
        self.directory.send_replace(Arc::new(self.administration.load_directory().await.unwrap()));
    }

    /// Puts into force that the provider told of so many people, without storing them.
    pub(crate) async fn tell_of(&self, people: usize) {
        let person = ProvisionedPerson {
            id: RecordId([1; 16]),
            tenant: self.tenant,
            connection: self.connection,
            user_name: "somebody".into(),
            external_id: None,
            display: None,
            name: PersonName::default(),
            emails: Vec::new(),
            active: true,
            removed: false,
            former: None,
            earlier: Vec::new(),
            created: Timestamp(0),
            ended: None,
        };
        let directory = self.administration.load_directory().await.unwrap();
        self.directory.send_replace(Arc::new(directory.with_provisioned(std::iter::repeat_n(person, people), [])));
    }

    pub(crate) fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory.borrow())
    }

    pub(crate) async fn change(&self, change: impl FnOnce(&mut Connection) + Send) {
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let by = By {
            actor: Actor::new(&operator, "console", CorrelationId([9; 16])),
            context: Context::console(self.doubles.clock.now()),
        };
        self.administration.change_connection(&by, self.connection, change).await.unwrap();
        self.reload().await;
    }

    pub(crate) async fn send(&self, request: TestRequest) -> Answer {
        let service = Arc::clone(&self.service);
        let app = init_service(App::new().configure(move |application| scim::configure(application, service))).await;
        let request = request.peer_addr("192.0.2.9:4711".parse().unwrap()).to_request();
        let response = call_service(&app, request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: String::from_utf8(read_body(response).await.to_vec()).unwrap() }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> TestRequest {
        TestRequest::with_uri(&format!("/scim/v2/{}/{path}", self.connection))
            .method(method)
            .insert_header((header::AUTHORIZATION, format!("Bearer {}", self.token)))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// A search, with its filter in clear.
    pub(crate) async fn find(&self, what: &str, filter: &str) -> Value {
        let encoded: String = filter.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = self.get(&format!("{what}?filter={encoded}")).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    }

    pub(crate) async fn body(&self, method: Method, path: &str, body: &Value) -> Answer {
        let media = (header::CONTENT_TYPE, "application/scim+json; charset=utf-8");
        self.send(self.request(method, path).insert_header(media).set_payload(body.to_string())).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.doubles.clock.advance(1);
        self.body(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, operations: Value) -> Answer {
        let schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
        self.body(Method::PATCH, path, &serde_json::json!({ "schemas": [schema], "Operations": operations })).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(self.request(Method::DELETE, path)).await
    }

    pub(crate) async fn begin(&self, subject: &str, groups: Groups) -> Result<Begun, Refused> {
        let directory = self.directory();
        let assertion = assertion(self.tenant, self.connection, subject, groups);
        let connection = directory.connection(self.connection).unwrap();
        let settings = directory.settings(self.tenant).unwrap();
        let standing = directory.standing(&assertion);
        self.sign_in.begin(&assertion, connection, &standing, settings, &origin(), None).await
    }

    pub(crate) async fn goes_on(&self, begun: &Begun) -> bool {
        self.sign_in.resume(&begun.secret, &self.directory(), Address::Allowed).await.unwrap().is_some()
    }

    /// The refused changes in the tenant's chain: of which kind, and why.
    pub(crate) async fn refused(&self) -> Vec<(String, String)> {
        let told = self.doubles.told(self.tenant).await.unwrap().into_iter();
        let refused = told.filter(|told| told.action == "ProvisioningRefused");
        refused.map(|told| (told.kind, told.context.reason.unwrap_or_default())).collect()
    }

    /// The lines of a chain, without contexts.
    pub(crate) async fn chain(&self, tenant: TenantId) -> String {
        let block = self.doubles.store.entries(ChainId::from(tenant), 0, 10_000).await.unwrap();
        String::from_utf8(block.lines).unwrap()
    }
}

fn connection(tenant: TenantId, name: &str) -> Connection {
    let when = Criterion::Group("Laboratory".into());
    let (roles, clinics, purpose) = (Roles::of(&[Role::Provider]), Clinics::All, Purpose::Treatment);
    Connection {
        id: RecordId([0; 16]),
        tenant,
        name: name.into(),
        enabled: true,
        protocol: Protocol::Oidc(OidcSettings::new(ISSUER.into(), "sealgate".into())),
        rules: vec![Rule { when, roles, clinics, purpose }],
        provisioning: Provisioning {
            required: true,
            groups: ProvisionedGroups::WhenUnknown,
            ..Provisioning::default()
        },
        created: Timestamp(0),
        ended: None,
    }
}

fn assertion(tenant: TenantId, connection: RecordId, subject: &str, groups: Groups) -> Assertion {
    Assertion {
        connection,
        tenant,
        issuer: ISSUER.into(),
        subject: subject.into(),
        display: "Ada Byron".into(),
        roles: vec![],
        groups,
        attributes: vec![],
        factor: Factor::Shown,
        authenticated: Timestamp(0),
        until: None,
        provider_session: None,
    }
}

fn origin() -> Origin<'static> {
    Origin {
        address: "192.0.2.1",
        workstation: "portal",
        allowed: Address::Allowed,
        correlation: CorrelationId([3; 16]),
    }
}
