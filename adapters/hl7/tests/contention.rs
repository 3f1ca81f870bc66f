//! Many connections at once on one record: every message is stored and answered, and all of it is visible in the end.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use domain::access::{Clinics, Context, Principal, PrincipalKind, Purpose, Role, Roles, Scopes, Subject};
use domain::administration::By;
use domain::directory::{Directory, Interface, MappingFailureAs, UnavailableAs};
use domain::double::{Installation, MemoryLedger};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::index::{Field, Term};
use domain::intake::Intake;
use domain::journal::Actor;
use domain::kind::Kind;
use domain::ports::{BoxFuture, Clock, Ledger, NotRecorded, Receipt};
use domain::retrieval::{Caller, Retrieval, Search, TotalMode};
use domain::write::{ConflictReason, WriteSet};
use hl7::listener::{Limits, ListenerSettings, serve};
use hl7::service::Reception;
use hl7::{Counters, Delivery, Received, Reply, Service};
use r4::labels::SecurityLabels;
use r4::merge::ResourceMerge;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// A ledger that lets everybody else load before it commits, so that all who may race do.
struct Slow(Arc<MemoryLedger>);

impl Ledger for Slow {
    fn record(&self, write: WriteSet) -> BoxFuture<'_, Result<Receipt, NotRecorded>> {
        Box::pin(async move {
            for _ in 0..200 {
                tokio::task::yield_now().await;
            }
            self.0.record(write).await
        })
    }
}

/// A ledger that somebody else is always faster at.
struct Lost;

impl Ledger for Lost {
    fn record(&self, _: WriteSet) -> BoxFuture<'_, Result<Receipt, NotRecorded>> {
        Box::pin(async { Err(NotRecorded::Conflict(ConflictReason::Version)) })
    }
}

struct House {
    doubles: Installation,
    tenant: TenantId,
    directory: Arc<Directory>,
}

impl House {
    async fn new() -> Self {
        let doubles = Installation::new(5).unwrap();
        let administration = doubles.administration();
        administration.prepare_system().await.unwrap();
        let by = |role| {
            let operator = Subject::console("root", TenantId::SYSTEM, Roles::of(&[role]));
            (operator, Context::console(doubles.clock.now()))
        };
        let (operator, context) = by(Role::SystemOperator);
        let actor = Actor::new(&operator, "console", CorrelationId([9; 16]));
        let tenant = administration.add_tenant(&By { actor, context }, "North").await.unwrap().id;
        let interface = Interface {
            id: RecordId([0; 16]),
            tenant,
            clinic: None,
            name: "lab".to_owned(),
            listener: "lab".to_owned(),
            sending_application: None,
            sending_facility: None,
            peers: vec!["127.0.0.1/32".to_owned()],
            time_zone: "UTC".to_owned(),
            character_set: None,
            processing_ids: vec!['P'],
            unavailable_as: UnavailableAs::ApplicationError,
            mapping_failure_as: MappingFailureAs::default(),
            enabled: true,
            created: doubles.clock.now(),
        };
        administration
            .add_interface(&By { actor: Actor::new(&operator, "console", CorrelationId([9; 16])), context }, interface)
            .await
            .unwrap();
        let directory = Arc::new(administration.load_directory().await.unwrap());
        Self { doubles, tenant, directory }
    }

    /// A gateway over the one database.
    fn gateway(&self, ledger: Arc<dyn Ledger>) -> Arc<Reception> {
        let intake = Intake {
            store: self.doubles.store.clone(),
            ledger,
            vault: self.doubles.vault.clone(),
            clock: self.doubles.clock.clone(),
            entropy: self.doubles.entropy.clone(),
            merge: Arc::new(ResourceMerge),
        };
        let (_, directory) = watch::channel(Arc::clone(&self.directory));
        Arc::new(Reception::new(intake, directory, Arc::new(Counters::default())))
    }

    fn slow_gateway(&self) -> Arc<Reception> {
        self.gateway(Arc::new(Slow(self.doubles.ledger.clone())))
    }

    /// The codes of the report's observations.
    async fn results(&self) -> BTreeSet<String> {
        let retrieval = Retrieval {
            store: self.doubles.store.clone(),
            ledger: self.doubles.ledger.clone(),
            vault: self.doubles.vault.clone(),
            clock: self.doubles.clock.clone(),
            entropy: self.doubles.entropy.clone(),
            labels: Arc::new(SecurityLabels),
        };
        let caller = Caller {
            subject: Subject {
                principal: Principal { id: "s".to_owned(), display: "S".to_owned(), kind: PrincipalKind::System },
                tenant: self.tenant,
                roles: Roles::of(&[Role::ReadOnly]),
                clinics: Clinics::All,
                purpose: Purpose::Treatment,
                scopes: Scopes::Unrestricted,
                compartment: None,
            },
            circumstances: Context::at(self.doubles.clock.now()),
            workstation: "client".to_owned(),
            address: "192.0.2.2".to_owned(),
            correlation: CorrelationId([2; 16]),
            request: "test".to_owned(),
        };
        let term = Term { kind: Kind::DiagnosticReport, field: Field::Identifier, value: "FO1".to_owned() };
        let search = Search {
            kind: Kind::DiagnosticReport,
            terms: vec![vec![term]],
            ids: None,
            matches: &|_| true,
            include: None,
            count: 10,
            after: None,
            total: TotalMode::None,
            only_count: false,
        };
        let page = retrieval.search(&caller, search).await.unwrap();
        assert_eq!(page.matches.len(), 1);
        let report: serde_json::Value = serde_json::from_str(&page.matches[0].content).unwrap();
        let results = report["result"].as_array().unwrap().iter();
        results.map(|result| result["reference"].as_str().unwrap().to_owned()).collect()
    }
}

/// A result of its own for the one report of the one patient, whose address it also changes.
fn message(number: usize) -> Vec<u8> {
    format!(
        "MSH|^~\\&|LIS|LAB|E|H|20260101000000||ORU^R01|C{number}|P|2.5.1\r\
         PID|1||A^^^H^MR||Aa^Bb||||||{number} ROAD^^B\r\
         OBR|1||FO1|C^C^L|||20251231081500||||||||||||||||||LAB|F\r\
         OBX|1|NM|a{number}^a^L||{number}|mg|||||F\r"
    )
    .into_bytes()
}

/// Sends a message over a connection of its own; the code of the answer, empty when there was none.
async fn send(to: SocketAddr, number: usize) -> String {
    let mut socket = TcpStream::connect(to).await.unwrap();
    socket.write_all(&[b"\x0b", message(number).as_slice(), b"\x1c\r"].concat()).await.unwrap();
    let mut answer = Vec::new();
    let mut part = [0; 1024];
    while !answer.ends_with(b"\x1c\r") {
        match socket.read(&mut part).await.unwrap() {
            0 => break,
            some => answer.extend_from_slice(&part[..some]),
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    answer.split("MSA|").nth(1).and_then(|msa| msa.get(..2)).unwrap_or_default().to_owned()
}

/// Listens for each gateway and sends forty messages at once, in turn to each.
async fn forty(gateways: Vec<Arc<Reception>>) {
    let shutdown = CancellationToken::new();
    let mut addresses = Vec::new();
    for gateway in gateways {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addresses.push(socket.local_addr().unwrap());
        let settings = ListenerSettings { name: "lab".to_owned(), limits: Limits::default(), tls: None };
        tokio::spawn(serve(socket, settings, gateway, Arc::new(Counters::default()), shutdown.clone()));
    }
    let sent: Vec<_> =
        (0..40_usize).map(|number| tokio::spawn(send(addresses[number.rem_euclid(addresses.len())], number))).collect();
    for answer in sent {
        assert_eq!(answer.await.unwrap(), "AA");
    }
    shutdown.cancel();
}

#[tokio::test]
async fn forty_connections_on_one_report_are_all_stored_and_answered() {
    let house = House::new().await;
    forty(vec![house.slow_gateway()]).await;
    assert_eq!(house.results().await.len(), 40);
}

#[tokio::test]
async fn two_gateways_on_one_database_store_what_forty_connections_send() {
    let house = House::new().await;
    forty(vec![house.slow_gateway(), house.slow_gateway()]).await;
    assert_eq!(house.results().await.len(), 40);
}

#[tokio::test(start_paused = true)]
async fn who_loses_all_the_while_is_told_that_the_records_are_contended() {
    let house = House::new().await;
    let gateway = house.gateway(Arc::new(Lost));
    let begun = tokio::time::Instant::now();
    let delivery = Delivery {
        listener: "lab",
        peer: SocketAddr::from(([127, 0, 0, 1], 1)),
        certificate: None,
        event: Received::Frame { bytes: message(1).into(), lenient_end: false },
    };
    let Reply::Send(answer) = gateway.receive(delivery).await else { panic!("the interface wants an answer") };
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("MSA|AE|C1|other messages are changing the same records"), "{answer}");
    assert!((Duration::from_secs(10)..=Duration::from_secs(15)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
}
