use super::*;
use crate::config::SignOn;
use domain::access::{Context, Role, Roles, Subject};
use domain::alarm::{Alarms, CopiedKey};
use domain::audit::ChainId;
use domain::double::{Installation as Doubles, MemoryTickets};
use domain::emergency::{GIVE_UP_SECONDS, Review, Smashing};
use domain::id::{CorrelationId, RecordId, TenantId};
use domain::ports::{Store, TenantKeyMaker};
use domain::retrieval::Caller;
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::OpenOptionsExt;
use std::sync::atomic::AtomicU16;
use std::sync::mpsc::{Receiver, channel};

const TENANT: TenantId = TenantId([1; 16]);

struct House {
    doubles: Doubles,
    sender: Arc<Sender>,
    /// What the receiver answers.
    status: Arc<AtomicU16>,
    /// What it was told, whatever it answered.
    told: Receiver<Value>,
}

/// Listens as a receiver does, one request a connection.
fn receiving(status: Arc<AtomicU16>) -> (String, Receiver<Value>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/", socket.local_addr().unwrap());
    let (send, told) = channel();
    std::thread::spawn(move || {
        for stream in socket.incoming() {
            let (mut stream, mut bytes, mut part) = (stream.unwrap(), Vec::new(), [0; 4_096]);
            // The body is JSON, so it is whole as soon as it reads.
            let document: Value = loop {
                let count = stream.read(&mut part).unwrap();
                bytes.extend_from_slice(part.get(..count).unwrap());
                let text = std::str::from_utf8(&bytes).unwrap();
                let body = text.split_once("\r\n\r\n").and_then(|(_, body)| serde_json::from_str(body).ok());
                if let Some(document) = body {
                    break document;
                }
            };
            let status = status.load(Ordering::SeqCst);
            write!(stream, "HTTP/1.1 {status} Said\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
            if send.send(document).is_err() {
                return;
            }
        }
    });
    (address, told)
}

async fn house() -> House {
    let doubles = Doubles::new(5).unwrap();
    doubles.store.add_tenant_key(doubles.vault.make_tenant_key(TENANT, 1).unwrap()).await.unwrap();
    let status = Arc::new(AtomicU16::new(204));
    let (address, told) = receiving(Arc::clone(&status));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("webhook-key");
    let mut key = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).unwrap();
    key.write_all(b"a key of more than thirty-two bytes").unwrap();
    let settings =
        SignOn { break_glass_webhook: Some(address), break_glass_webhook_key_file: Some(file), ..SignOn::default() };
    let book = doubles.book(Arc::new(MemoryTickets::default()));
    let outboxes = Outboxes(doubles.emergency(&book));
    let sender = Sender {
        outboxes,
        webhook: Webhook::of(&settings).unwrap().unwrap(),
        clock: doubles.clock.clone(),
        gauges: Arc::default(),
        sending: Arc::new(Semaphore::new(SENDING)),
    };
    House { doubles, sender: Arc::new(sender), status, told }
}

impl House {
    async fn smash(&self) -> Review {
        let caller = Caller {
            subject: Subject::console("ada", TENANT, Roles::of(&[Role::Provider])),
            circumstances: Context::console(self.doubles.clock.now()),
            workstation: "portal".to_owned(),
            address: "192.0.2.7".to_owned(),
            correlation: CorrelationId([9; 16]),
            request: "POST /break-glass".to_owned(),
        };
        let smashing = Smashing {
            patient: RecordId([5; 16]),
            session: RecordId([6; 16]),
            reason: "ETREAT",
            words: "unconscious on arrival",
            rule: "provider-breaks-glass",
            seconds: 3_600,
            alarm: true,
        };
        self.sender.outboxes.0.smash(&caller, &smashing).await.unwrap()
    }

    /// Somebody shows a key of which there may be a copy.
    async fn show(&self, key: u8) {
        let about = CopiedKey {
            tenant: TENANT,
            account: RecordId([2; 16]),
            person: RecordId([3; 16]),
            display: "Ben".to_owned(),
            key: RecordId([key; 16]),
            correlation: CorrelationId([4; 16]),
            at: self.doubles.clock.now(),
        };
        assert!(Alarms(&self.sender.outboxes.0.book).raise(about, true).await.unwrap());
    }

    /// A round, to its end; returns what was told in it.
    async fn round(&self) -> Vec<Value> {
        let tasks = TaskTracker::new();
        round(&self.sender, &tasks).await.unwrap();
        tasks.close();
        tasks.wait().await;
        self.told.try_iter().collect()
    }

    fn gauges(&self) -> (u64, u64) {
        let read = |gauge: &AtomicU64| gauge.load(Ordering::Relaxed);
        (read(&self.sender.gauges.waiting), read(&self.sender.gauges.failed))
    }

    async fn chain(&self) -> String {
        let block = self.doubles.store.entries(ChainId::from(TENANT), 1, 100).await.unwrap();
        String::from_utf8(block.lines).unwrap()
    }
}

fn events(told: &[Value]) -> Vec<&str> {
    told.iter().map(|document| document["event"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn both_sorts_are_told_once_as_they_are_described() {
    let house = house().await;
    let review = house.smash().await;
    house.show(7).await;
    let (at, mut told) = (house.doubles.clock.now(), house.round().await);
    told.sort_by_key(|document| document["event"].to_string());
    let (tenant, id) = (TENANT.to_string(), |byte: u8| RecordId([byte; 16]).to_string());
    assert_eq!(
        told,
        [
            json!({
                "event": "break-glass", "review": review.id.to_string(), "tenant": tenant,
                "person": { "id": "ada", "display": "ada" }, "reason": "ETREAT", "time": review.broken.rfc3339(),
                "until": review.until.rfc3339(), "correlation": CorrelationId([9; 16]).to_string(),
            }),
            json!({
                "event": "security-key-copied", "tenant": tenant, "account": id(2),
                "person": { "id": id(3), "display": "Ben" }, "key": id(7), "time": at.rfc3339(),
                "correlation": CorrelationId([4; 16]).to_string(),
            }),
        ]
    );
    assert_eq!(house.chain().await.matches("BreakGlassAlerted").count(), 1);
    house.doubles.clock.advance(60);
    assert!(house.round().await.is_empty(), "what was accepted is not told again");
    assert_eq!(house.gauges(), (0, 0));
}

#[tokio::test]
async fn what_is_not_accepted_is_tried_again_and_a_new_alarm_does_not_wait_for_it() {
    let house = house().await;
    house.status.store(503, Ordering::SeqCst);
    for key in 1..=7 {
        house.show(key).await;
    }
    assert_eq!(events(&house.round().await), ["security-key-copied"; 7]);
    assert!(house.round().await.is_empty(), "not before the pause is over");
    house.doubles.clock.advance(2);
    house.smash().await;
    house.show(8).await;
    let (waiting, breakings) = house.sender.outboxes.waiting().await.unwrap();
    assert_eq!((waiting.len(), breakings), (9, 1));
    // Of nine that are due, eight go at once: the two that were never tried are among them.
    let told = house.round().await;
    assert_eq!(told.len(), SENDING);
    assert!(events(&told).contains(&"break-glass"));
    assert!(told.iter().any(|document| document["key"] == RecordId([8; 16]).to_string()));
    assert_eq!(house.gauges(), (1, 15));
    house.status.store(200, Ordering::SeqCst);
    house.doubles.clock.advance(64);
    let told = [house.round().await, house.round().await].concat();
    assert_eq!(told.len(), 9);
    assert!(house.sender.outboxes.waiting().await.unwrap().0.is_empty());
}

#[tokio::test]
async fn an_alarm_is_given_up_after_a_day() {
    let house = house().await;
    house.status.store(500, Ordering::SeqCst);
    house.smash().await;
    house.show(7).await;
    assert_eq!(house.round().await.len(), 2);
    house.doubles.clock.advance(GIVE_UP_SECONDS);
    assert_eq!(events(&house.round().await), ["break-glass"], "of a key nothing is kept any more");
    let alerted: Vec<String> =
        house.chain().await.lines().filter(|line| line.contains("BreakGlassAlerted")).map(str::to_owned).collect();
    assert!(alerted.len() == 1 && alerted.iter().all(|line| line.contains("failure")), "{alerted:?}");
    house.doubles.clock.advance(64);
    assert!(house.round().await.is_empty());
}

#[tokio::test]
async fn what_has_not_happened_is_not_told() {
    let house = house().await;
    let review = house.smash().await;
    house.doubles.store.delete(TENANT, review.id);
    assert!(house.round().await.is_empty());
    assert_eq!(house.gauges(), (1, 0));
}

#[tokio::test]
async fn of_two_gateways_one_has_an_attempt() {
    let house = house().await;
    house.smash().await;
    house.show(7).await;
    let (outboxes, now) = (&house.sender.outboxes, house.doubles.clock.now());
    let (waiting, _) = outboxes.waiting().await.unwrap();
    for untold in &waiting {
        assert!(outboxes.take(untold, now).await.unwrap().is_some());
        assert!(outboxes.take(untold, now).await.unwrap().is_none());
    }
}
