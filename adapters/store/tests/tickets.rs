//! Writes of tickets beside the recorder, and at the end.

use domain::audit::{ChainId, Draft, Outcome, UserId};
use domain::id::{CorrelationId, TenantId};
use domain::ports::{Ledger, Tickets};
use domain::secret::Secret;
use domain::ticket::{Owner, StoredTicket, TicketKey};
use domain::time::Timestamp;
use domain::write::WriteSet;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Options, Recorder, open_sqlite};

const NOW: Timestamp = Timestamp(0);
const TENANT: TenantId = TenantId([1; 16]);
const OWNER: Owner = Owner([2; 32]);

fn ticket(number: u16) -> StoredTicket {
    let mut key = [0; 32];
    key[..2].copy_from_slice(&number.to_be_bytes());
    let sealed = vec![7; 600];
    StoredTicket { key: TicketKey(key), owner: OWNER, tenant: TENANT, revision: 1, expires: Timestamp(1), sealed }
}

fn entry() -> WriteSet {
    let draft = Draft {
        chain: ChainId::from(TENANT),
        time: NOW,
        user: UserId { id: "somebody".into(), display: "Somebody".into() },
        workstation: "bench".into(),
        action: "read".into(),
        resource_type: "Patient".into(),
        resource_id: "1".into(),
        outcome: Outcome::Success,
        before: None,
        after: None,
        correlation: CorrelationId([4; 16]),
        context: None,
    };
    WriteSet { drafts: vec![draft], ..WriteSet::default() }
}

#[tokio::test]
async fn what_waits_is_written_before_the_database_closes() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_sqlite(&folder.path().join("db"), Options::default()).await.unwrap();
    let tickets = database.tickets();
    let waiting: Vec<_> = (0..400).map(|number| tokio::spawn(put(Arc::clone(&tickets), number))).collect();
    tokio::task::yield_now().await;
    database.close().await;
    for put in waiting {
        assert_eq!(put.await.unwrap(), Ok(true));
    }
    assert!(tickets.put(ticket(401), NOW).await.is_err(), "nothing new is taken after the close");

    let database = open_sqlite(&folder.path().join("db"), Options::default()).await.unwrap();
    assert_eq!(database.tickets().of_owner(OWNER, NOW, 1_000).await.unwrap().len(), 400);
    database.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_recorder_does_not_wait_for_a_crowd_of_sign_ins() {
    let folder = tempfile::tempdir().unwrap();
    let database = open_sqlite(&folder.path().join("db"), Options::default()).await.unwrap();
    let recorder = Recorder::start(database.store(), &Secret::new([9; 32]), None).await.unwrap();
    recorder.record(entry()).await.unwrap();
    let tickets = database.tickets();
    let begun = Instant::now();
    let crowd: Vec<_> = (0..1_500).map(|number| tokio::spawn(put(Arc::clone(&tickets), number))).collect();
    let mut recorded = 0;
    while !crowd.iter().all(tokio::task::JoinHandle::is_finished) {
        recorder.record(entry()).await.unwrap();
        recorded += 1;
        assert!(begun.elapsed() < Duration::from_secs(25), "the crowd is never through");
    }
    // One after the other they would be 1,500 transactions, and the recorder would be somewhere among them; together
    // they are a dozen, and it has its turn between any two.
    assert!(recorded >= 4, "{recorded} entries were recorded while 1,500 tickets were put");
    recorder.stop().await;
    database.close().await;
}

async fn put(tickets: Arc<dyn Tickets>, number: u16) -> Result<bool, domain::ports::Unavailable> {
    tickets.put(ticket(number), NOW).await
}
