//! The audit chain: how fast it is verified, and how soon a gateway with a long one answers.

use crate::gateway::House;
use crate::options::Options;
use crate::table::{Row, Table, grouped, per_second};
use ::gateway::chains::Chains;
use ::gateway::installation::{Installation, open_anchors, open_database, open_roots};
use domain::audit::{ChainId, Draft, Outcome, UserId};
use domain::id::CorrelationId;
use domain::ports::Ledger;
use domain::time::Timestamp;
use domain::write::WriteSet;
use tokio::task::JoinSet;

/// Fewest entries with which a verification is measured.
const AT_VERIFICATION: usize = 400_000;
/// Entries in one write set, and write sets that wait at a time.
const AT_ONCE: usize = 256;
const WAITING: usize = 32;

/// Measures a start with a long chain, and its verification.
pub(crate) async fn measure(options: &Options, table: &mut Table) {
    table.heading("audit chain: stored entries, every MAC and link checked");
    let house = House::make(options, None).await;
    fill(&house, 0, options.entries).await;
    let mut starts = Vec::new();
    for _ in 0..options.runs {
        let served = house.serve().await;
        starts.push(served.until_first_answer);
        served.stop();
    }
    starts.sort();
    let start = starts.get(starts.len() / 2).unwrap();
    table.row(Row {
        what: format!("start to first answer, {} entries", grouped(options.entries as f64)),
        value: format!("{:.2} s", start.as_secs_f64()),
        aim: match options.entries {
            ..=100_000 => "0.5 s",
            100_001..=10_000_000 => "20 s",
            _ => "",
        },
        ..Row::default()
    });

    let verified = options.entries.max(AT_VERIFICATION);
    fill(&house, options.entries, verified).await;
    let config = house.config();
    let roots = open_roots(&config.custody).await.ok().unwrap();
    let database = open_database(&config.database).await.ok().unwrap();
    let anchors = open_anchors(&config, &roots).ok().unwrap();
    let mut rates = Vec::new();
    for _ in 0..options.runs {
        let chains = Chains { store: &database.store(), audit_root: &roots.audit, anchors: Some(anchors.all()) };
        let report = chains.verify(u64::MAX).await.unwrap();
        rates.push(report.entries as f64 / report.took.as_secs_f64());
    }
    database.close().await;
    rates.sort_by(f64::total_cmp);
    table.row(Row {
        what: format!("verification, {} entries", grouped(verified as f64)),
        value: per_second(rates.get(rates.len() / 2).copied().unwrap()),
        aim: "500 000/s",
        ..Row::default()
    });
}

/// Records reads until there are so many.
async fn fill(house: &House, from: usize, to: usize) {
    let installation = Installation::open(&house.config()).await.unwrap();
    let chain = ChainId::from(house.tenant);
    let mut waiting = JoinSet::new();
    for set in from / AT_ONCE..to / AT_ONCE {
        let drafts = (0..AT_ONCE).map(|draft| read(chain, set * AT_ONCE + draft)).collect();
        let recorder = std::sync::Arc::clone(&installation.recorder);
        let write = WriteSet { drafts, ..WriteSet::default() };
        waiting.spawn(async move { recorder.record(write).await.unwrap() });
        if waiting.len() >= WAITING {
            waiting.join_next().await.unwrap().unwrap();
        }
    }
    waiting.join_all().await;
    installation.close().await;
}

/// A read, as one is recorded.
fn read(chain: ChainId, number: usize) -> Draft {
    let mut random = [0; 16];
    random.split_at_mut(8).0.copy_from_slice(&(number as u64).to_be_bytes());
    Draft {
        chain,
        time: Timestamp(1_772_359_200_000_000 + number as i64 * 1_000),
        user: UserId {
            id: "client:0198f1c2-7a52-7b6e-9d3f-4c1a2b3c4d5e".to_owned(),
            display: "bench-reader".to_owned(),
        },
        workstation: "client:0198f1c2-7a52-7b6e-9d3f-4c1a2b3c4d5e".to_owned(),
        action: "fhir.read".to_owned(),
        resource_type: "DiagnosticReport".to_owned(),
        resource_id: "0198f1c2-7a52-8b6e-9d3f-4c1a2b3c4d5e".to_owned(),
        outcome: Outcome::Success,
        before: None,
        after: None,
        correlation: CorrelationId::from_random(random),
        context: None,
    }
}
