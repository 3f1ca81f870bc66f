//! A gateway without database or sockets: doubles of the ports, two tenants, registered applications, two patients.

use crate::client_keys::{EC_X, EC_Y, RSA, RSA_N};
use actix_web::App;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::access::{
    Clinics, Context, Permit, Principal, PrincipalKind, Purpose, ReadAudit, Resource, Role, Roles, Scopes, Subject,
    authorise,
};
use domain::administration::By;
use domain::audit::ChainId;
use domain::directory::{Account, Application, ApplicationUse, Directory, Tenant, TenantSettings};
use domain::double::{Installation, MemoryTickets};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::intake::{Delivery, Incoming, IncomingMember, IncomingRecord};
use domain::journal::Actor;
use domain::keys::ContentMac;
use domain::kind::Kind;
use domain::ports::{BoxFuture, Clock, KeyVault, Store, Tickets, Unavailable};
use domain::record::{self, ContextBinding};
use domain::refusals::RefusalLimits;
use domain::secret::SecretBytes;
use domain::ticket::{Owner, StoredTicket, TicketBook, TicketKey};
use domain::time::Timestamp;
use fhir::{Admission, Admitted, Attempt};
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use smart::{AccessTokens, JwksSource, RsaKeys, Service, Settings};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::sync::watch;

pub const TOKEN_URL: &str = "https://here.example/oauth/token";
pub const KEYS_URL: &str = "https://client.example/keys";
pub const LAB: RecordId = RecordId([0x0a; 16]);
pub const REMOTE: RecordId = RecordId([0x0b; 16]);
pub const NARROW: RecordId = RecordId([0x0c; 16]);
pub const DISABLED: RecordId = RecordId([0x0d; 16]);
pub const LAUNCHED: RecordId = RecordId([0x0e; 16]);
pub const SOUTHERN: RecordId = RecordId([0x0f; 16]);
/// Launched, and known to nobody by anything.
pub const PUBLIC: RecordId = RecordId([0x1a; 16]);
/// Launched, and known by its secret.
pub const KEEPER: RecordId = RecordId([0x1b; 16]);
/// Launched by people of the other tenant.
pub const FAR: RecordId = RecordId([0x1c; 16]);
pub const ADA: RecordId = RecordId([0xad; 16]);
pub const SECRET: &str = "sga_a-secret-that-nobody-may-see";
pub const BACK: &str = "https://app.example/back";
pub const LAUNCH_SCOPES: &[&str] = &[
    "openid",
    "fhirUser",
    "profile",
    "launch",
    "launch/patient",
    "online_access",
    "offline_access",
    "patient/*.rs",
    "user/*.rs",
];
/// Planted in every patient; it must never appear where nobody may see it.
pub const SURNAME: &str = "Quillfeather";

pub struct House {
    pub doubles: Installation,
    pub north: TenantId,
    pub directory: watch::Sender<Arc<Directory>>,
    pub keys: Arc<Keys>,
    pub service: Arc<Service>,
    pub book: Arc<TicketBook>,
    pub tickets: Arc<Tardy>,
    fhir: Arc<fhir::Service>,
}

/// The key document of the one client that is asked over the net.
pub struct Keys {
    pub document: Mutex<Option<String>>,
    pub asked: AtomicU32,
}

impl JwksSource for Keys {
    fn fetch<'a>(&'a self, address: &'a str) -> BoxFuture<'a, Result<String, Unavailable>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let document = self.document.lock().unwrap().clone().filter(|_| address == KEYS_URL);
        Box::pin(std::future::ready(document.ok_or(Unavailable)))
    }
}

/// Tickets that can be made to wait before one is taken out.
#[derive(Default)]
pub struct Tardy {
    tickets: MemoryTickets,
    /// Whoever holds it lets nobody take one.
    pub gate: tokio::sync::Mutex<()>,
}

impl Tickets for Tardy {
    fn put(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>> {
        self.tickets.put(ticket, now)
    }

    fn find(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>> {
        self.tickets.find(key, now)
    }

    fn take(&self, key: TicketKey, now: Timestamp) -> BoxFuture<'_, Result<Option<StoredTicket>, Unavailable>> {
        Box::pin(async move {
            drop(self.gate.lock().await);
            self.tickets.take(key, now).await
        })
    }

    fn replace(&self, ticket: StoredTicket, now: Timestamp) -> BoxFuture<'_, Result<bool, Unavailable>> {
        self.tickets.replace(ticket, now)
    }

    fn of_owner(
        &self,
        owner: Owner,
        now: Timestamp,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredTicket>, Unavailable>> {
        self.tickets.of_owner(owner, now, limit)
    }

    fn remove_all(&self, owner: Owner) -> BoxFuture<'_, Result<u64, Unavailable>> {
        self.tickets.remove_all(owner)
    }

    fn sweep(&self, now: Timestamp, limit: u32) -> BoxFuture<'_, Result<u64, Unavailable>> {
        self.tickets.sweep(now, limit)
    }
}

/// Makes a key that signs, one that only looks different, or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TestRsa {
    Signs,
    Differs,
    Fails,
}

impl RsaKeys for TestRsa {
    fn make(&self) -> Result<SecretBytes, Unavailable> {
        match self {
            TestRsa::Signs => Ok(SecretBytes::new(URL_SAFE_NO_PAD.decode(RSA).unwrap())),
            TestRsa::Differs => Ok(SecretBytes::new(vec![7; 256])),
            TestRsa::Fails => Err(Unavailable),
        }
    }

    fn public(&self, key: &SecretBytes) -> Result<(Vec<u8>, Vec<u8>), Unavailable> {
        let signs = key.expose() == URL_SAFE_NO_PAD.decode(RSA).unwrap();
        let modulus = if signs { URL_SAFE_NO_PAD.decode(RSA_N).unwrap() } else { key.expose().to_vec() };
        Ok((modulus, vec![1, 0, 1]))
    }

    fn sign(&self, key: &SecretBytes, message: &[u8]) -> Result<Vec<u8>, Unavailable> {
        if key.expose() != URL_SAFE_NO_PAD.decode(RSA).unwrap() {
            return Ok(vec![7; 256]);
        }
        let key = EncodingKey::from_rsa_der(key.expose());
        let signature = jsonwebtoken::crypto::sign(message, &key, Algorithm::RS256).unwrap();
        Ok(URL_SAFE_NO_PAD.decode(signature).unwrap())
    }
}

/// Admits access tokens alone, as the gateway does.
struct Door {
    tokens: AccessTokens,
    directory: watch::Receiver<Arc<Directory>>,
}

impl Admission for Door {
    fn admit<'a>(&'a self, token: &'a str, _: IpAddr) -> BoxFuture<'a, Result<Option<Admitted>, Unavailable>> {
        Box::pin(async move {
            let directory = Arc::clone(&self.directory.borrow());
            let bearer = self.tokens.admit(token, &directory).await.map_err(|_| Unavailable)?;
            Ok(bearer.map(|bearer| Admitted {
                workstation: format!("application:{}", bearer.application),
                subject: bearer.subject,
                circumstances: bearer.circumstances,
                tells_person: bearer.tells_person,
            }))
        })
    }

    fn may_read(&self, origin: &str, tenant: Option<TenantId>) -> bool {
        self.directory.borrow().origin_registered(origin, tenant)
    }

    fn refused(&self, _: Attempt) -> BoxFuture<'_, Option<u32>> {
        Box::pin(std::future::ready(None))
    }
}

/// One answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn error(&self) -> (u16, String) {
        assert_eq!(self.header("cache-control"), "no-store");
        (self.status.as_u16(), self.json()["error"].as_str().unwrap_or_default().to_owned())
    }
}

/// The public keys that clients registered.
pub fn key_set() -> String {
    json!({ "keys": [
        { "kty": "OKP", "kid": "e1", "crv": "Ed25519", "x": "AA" },
        { "kty": "RSA", "kid": "r1", "alg": "RS384", "use": "sig", "n": RSA_N, "e": "AQAB" },
        { "kty": "EC", "kid": "e1", "crv": "P-384", "x": EC_X, "y": EC_Y },
        { "kty": "EC", "kid": "encrypts", "use": "enc", "crv": "P-384", "x": EC_X, "y": EC_Y },
        { "kty": "EC", "kid": "twice", "crv": "P-384", "x": EC_X, "y": EC_Y },
        { "kty": "EC", "kid": "twice", "crv": "P-384", "x": EC_Y, "y": EC_X },
    ] })
    .to_string()
}

pub fn application(id: RecordId, tenant: TenantId, scopes: &[&str]) -> Application {
    Application {
        id,
        tenant,
        name: format!("app {id}"),
        r#use: ApplicationUse::Backend {
            roles: Roles::of(&[Role::ReadOnly]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
        },
        jwks: Some(key_set()),
        jwks_uri: None,
        secret_hash: None,
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        enabled: true,
        created: Timestamp(0),
        ended: None,
    }
}

fn settings(
    doubles: &Installation,
    directory: watch::Receiver<Arc<Directory>>,
    book: &Arc<TicketBook>,
    keys: &Arc<Keys>,
    rsa: TestRsa,
) -> Settings {
    Settings {
        base: "https://here.example/fhir/".to_owned(),
        directory,
        book: book.clone(),
        jwks: keys.clone(),
        rsa: Arc::new(rsa),
        ledger: doubles.ledger.clone(),
        vault: doubles.vault.clone(),
        clock: doubles.clock.clone(),
        entropy: doubles.entropy.clone(),
        refusals: doubles.refusals(RefusalLimits::default()).unwrap(),
        limits: smart::Limits::default(),
    }
}

impl House {
    pub async fn new() -> Self {
        let doubles = Installation::new(3).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[Role::SystemOperator]));
        let mut tenants = Vec::new();
        for name in ["North", "South"] {
            let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
            let by = By { actor, context: Context::console(doubles.clock.now()) };
            tenants.push(administration.add_tenant(&by, name).await.unwrap().id);
        }
        let (north, south) = (tenants[0], tenants[1]);
        let (directory, seen) = watch::channel(Arc::new(directory(north, south, &[], &|application| application)));
        let tickets = Arc::new(Tardy::default());
        let book = doubles.book(tickets.clone());
        let keys = Arc::new(Keys { document: Mutex::new(Some(key_set())), asked: AtomicU32::new(0) });
        let service = Service::new(settings(&doubles, seen.clone(), &book, &keys, TestRsa::Signs));
        let retrieval = doubles.retrieval(Arc::new(r4::labels::SecurityLabels));
        let door = Arc::new(Door { tokens: service.tokens(), directory: seen });
        let limits = fhir::Limits::default();
        let fhir = fhir::Service::new(retrieval, door, "https://here.example/fhir", "0.1.0", limits);
        let house = Self { doubles, north, directory, keys, service, book, tickets, fhir };
        for number in [1, 2] {
            house.store_patient(number).await;
            house.store_report(number).await;
        }
        house
    }

    /// Returns another gateway of the same installation, which makes other keys.
    pub fn beside(&self) -> Self {
        self.beside_with(TestRsa::Differs)
    }

    /// Returns another gateway of the same installation, which makes such keys.
    pub fn beside_with(&self, rsa: TestRsa) -> Self {
        let seen = self.directory.subscribe();
        let service = Service::new(settings(&self.doubles, seen, &self.book, &self.keys, rsa));
        let (doubles, directory) = (Installation::new(4).unwrap(), self.directory.clone());
        let (keys, book, fhir) = (self.keys.clone(), self.book.clone(), self.fhir.clone());
        let tickets = self.tickets.clone();
        Self { doubles, north: self.north, directory, keys, service, book, tickets, fhir }
    }

    /// Puts another directory in force.
    pub fn change(&self, change: &dyn Fn(Application) -> Application) {
        let south = self.directory.borrow().application(SOUTHERN).unwrap().tenant;
        self.directory.send_replace(Arc::new(directory(self.north, south, &[], change)));
    }

    /// Lets people and applications come from these addresses alone.
    pub fn let_in(&self, addresses: &[&str]) {
        let south = self.directory.borrow().application(SOUTHERN).unwrap().tenant;
        self.directory.send_replace(Arc::new(directory(self.north, south, addresses, &|application| application)));
    }

    pub async fn send(&self, request: TestRequest) -> Answer {
        let service = Arc::clone(&self.service);
        let app = init_service(
            App::new()
                .configure(move |application| smart::configure(application, service))
                .configure(fhir::configure(Arc::clone(&self.fhir))),
        )
        .await;
        let request = request.peer_addr("192.0.2.9:4711".parse().unwrap()).to_request();
        let response = call_service(&app, request).await;
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: String::from_utf8(read_body(response).await.to_vec()).unwrap() }
    }

    pub async fn post(&self, path: &str, form: &str) -> Answer {
        let media = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = TestRequest::with_uri(path).method(Method::POST).insert_header(media);
        self.send(request.set_payload(form.to_owned())).await
    }

    /// A form that a page of another site sends.
    pub async fn page(&self, path: &str, form: &str, origin: &str) -> Answer {
        let media = (header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = TestRequest::with_uri(path).method(Method::POST).insert_header(media);
        self.send(request.insert_header((header::ORIGIN, origin)).set_payload(form.to_owned())).await
    }

    /// A GET below the FHIR address.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        let bearer = (header::AUTHORIZATION, format!("Bearer {token}"));
        self.send(TestRequest::with_uri(&format!("/fhir/{path}")).insert_header(bearer)).await
    }

    /// The last entry of a chain: action, outcome, resource id and the reason of its sealed context.
    pub async fn last(&self, tenant: TenantId) -> (String, String, String, Option<String>) {
        let chain = ChainId::from(tenant);
        let block = self.doubles.store.entries(chain, 0, 10_000).await.unwrap();
        let line = block.lines.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty()).unwrap();
        let text = std::str::from_utf8(line).unwrap().split_once(' ').unwrap().1;
        let entry: Value = serde_json::from_str(text).unwrap();
        let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let sequence = entry["sequence_number"].as_u64().unwrap();
        let sealed = self.doubles.store.context(chain, sequence).await.unwrap().unwrap();
        let key = self.doubles.vault.find(tenant, record::heading(&sealed).unwrap().data_key).await.unwrap();
        let hex = word("after_hash");
        let mut after = [0; 32];
        for (at, byte) in after.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap();
        }
        let resource_id = word("resource_id");
        let correlation = word("correlation_id").parse().unwrap();
        let binding = ContextBinding { tenant, resource_id: &resource_id, after: ContentMac(after), correlation };
        let role = if tenant == TenantId::SYSTEM { Role::SystemOperator } else { Role::Auditor };
        let auditor = Subject::console("auditor", tenant, Roles::of(&[role]));
        let asked = Resource::of_tenant(tenant);
        let permit: Permit<ReadAudit> = authorise(&auditor, &asked, &Context::console(Timestamp(0))).unwrap();
        let clear = record::open_context(&permit, &key, &binding, &sealed).unwrap();
        let context = domain::audit::Context::from_json(std::str::from_utf8(&clear).unwrap()).unwrap();
        assert_eq!(context.address.as_deref(), Some("192.0.2.9"));
        (word("action"), word("outcome"), resource_id, context.reason)
    }

    async fn store_patient(&self, number: u8) {
        let id = patient(number);
        let content = format!(r#"{{"resourceType":"Patient","id":"{id}","name":[{{"family":"{SURNAME}"}}]}}"#);
        self.deliver(Kind::Patient, id, id, vec![IncomingMember { kind: Kind::Patient, id, content }]).await;
    }

    /// A laboratory report with an odd number, an imaging one with an even number, and one observation in each.
    async fn store_report(&self, number: u8) {
        let (id, row, of) = (report(number), row(number), patient(number));
        let category = if number.is_multiple_of(2) { "RAD" } else { "LAB" };
        let category = format!(r#""category":[{{"coding":[{{"system":"urn:c","code":"{category}"}}]}}]"#);
        let subject = format!(r#""subject":{{"reference":"Patient/{of}"}}"#);
        let head = format!(
            r#"{{"resourceType":"DiagnosticReport","id":"{id}","status":"final",{category},{subject},"result":[{{"reference":"Observation/{row}"}}]}}"#
        );
        let result = format!(r#"{{"resourceType":"Observation","id":"{row}","status":"final",{category},{subject}}}"#);
        let members = vec![
            IncomingMember { kind: Kind::DiagnosticReport, id, content: head },
            IncomingMember { kind: Kind::Observation, id: row, content: result },
        ];
        self.deliver(Kind::DiagnosticReport, id, of, members).await;
    }

    async fn deliver(&self, kind: Kind, id: RecordId, of: RecordId, members: Vec<IncomingMember>) {
        self.doubles.clock.advance(60);
        let now = self.doubles.clock.now();
        let engine = Subject {
            principal: Principal { id: "lab".to_owned(), display: "lab".to_owned(), kind: PrincipalKind::System },
            tenant: self.north,
            roles: Roles::of(&[Role::IntegrationEngine]),
            clinics: Clinics::All,
            purpose: Purpose::Treatment,
            scopes: Scopes::Unrestricted,
            compartment: None,
        };
        let delivery = Delivery {
            subject: &engine,
            clinic: None,
            workstation: "lab",
            address: "192.0.2.1".to_owned(),
            correlation: CorrelationId([1; 16]),
            received: now,
            bytes: b"MSH",
            identity: &[&now.0.to_be_bytes()],
        };
        let intake = self.doubles.intake(Arc::new(r4::merge::ResourceMerge));
        let terms = members.iter().flat_map(|member| r4::search::terms(member.kind, &member.content)).collect();
        let record = IncomingRecord { kind, id, patient: Some(of), as_of: now, members, terms };
        let incoming = Incoming { records: vec![record], trace: "{}".to_owned(), held: None };
        intake.receive(&delivery, &incoming).await.unwrap();
    }
}

pub fn patient(number: u8) -> RecordId {
    RecordId::from_name([number; 16])
}

pub fn report(number: u8) -> RecordId {
    RecordId::from_name([100 + number; 16])
}

pub fn row(number: u8) -> RecordId {
    RecordId::from_name([200 + number; 16]).in_family_of(&report(number))
}

fn sha256(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn directory(
    north: TenantId,
    south: TenantId,
    addresses: &[&str],
    change: &dyn Fn(Application) -> Application,
) -> Directory {
    let addresses: Vec<String> = addresses.iter().map(|range| (*range).to_owned()).collect();
    let tenant = |id, name: &str| Tenant {
        id,
        name: name.to_owned(),
        settings: TenantSettings { addresses: addresses.clone(), ..TenantSettings::default() },
        created: Timestamp(0),
    };
    let all = ["system/*.rs"];
    let launch = |confidential| ApplicationUse::Launch {
        redirect_uris: vec![BACK.to_owned(), format!("{BACK}/too")],
        launch_uri: None,
        confidential,
    };
    let launched = |id, tenant, confidential| Application {
        r#use: launch(confidential),
        jwks: None,
        ..application(id, tenant, LAUNCH_SCOPES)
    };
    let account = Account {
        id: ADA,
        tenant: north,
        name: "ada".to_owned(),
        display: "Ada Okoro".to_owned(),
        roles: Roles::of(&[Role::Provider]),
        clinics: Clinics::All,
        purpose: Purpose::Treatment,
        password: None,
        totp: None,
        recovery: Vec::new(),
        security_keys: Vec::new(),
        enabled: true,
        created: Timestamp(0),
        password_changed: None,
        ended: None,
    };
    let applications = [
        application(LAB, north, &all),
        Application { jwks: None, jwks_uri: Some(KEYS_URL.to_owned()), ..application(REMOTE, north, &all) },
        application(NARROW, north, &["system/Observation.rs?category=urn:c|LAB", "system/DiagnosticReport.s"]),
        Application { enabled: false, ..application(DISABLED, north, &all) },
        Application { r#use: launch(true), ..application(LAUNCHED, north, LAUNCH_SCOPES) },
        launched(PUBLIC, north, false),
        Application { secret_hash: Some(sha256(SECRET)), ..launched(KEEPER, north, true) },
        launched(FAR, south, false),
        application(SOUTHERN, south, &all),
    ];
    Directory::new([tenant(north, "North"), tenant(south, "South")], [], [], []).with_people(
        [],
        [account],
        applications.map(change),
    )
}
