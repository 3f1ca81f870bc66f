//! Questions to the index that cost more than their answers are worth.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::id::{RecordId, TenantId};
use domain::index::IndexToken;
use domain::kind::Kind;
use domain::ports::{Find, Store};
use domain::time::Timestamp;
use domain::write::{Batch, IndexTerm, RecordWrite, Routing, WriteSet};
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{Options, open_sqlite};

const TENANT: TenantId = TenantId([1; 16]);
/// Groups that one address has room for, and then some.
const GROUPS: u8 = 64;

fn token(number: u8) -> IndexToken {
    IndexToken([number; 16])
}

/// A store in which 200 records have every token, and one of them token 200 besides.
async fn every_record_has_every_token(folder: &tempfile::TempDir) -> Arc<dyn Store> {
    let store = open_sqlite(&folder.path().join("db"), Options::default()).await.unwrap().store();
    let member = |id: u8| {
        let (record, arrival) = (RecordId([id; 16]), Timestamp(i64::from(id)));
        let tokens = (0..GROUPS).chain((id == 50).then_some(200));
        WriteSet {
            records: vec![RecordWrite {
                tenant: TENANT,
                id: record,
                kind: Kind::DiagnosticReport,
                clinic: None,
                replaces: None,
                version: 1,
                arrival,
                last_updated: arrival,
                routing: Routing::None,
                sealed: vec![7; 32],
            }],
            terms: tokens.map(|number| IndexTerm { tenant: TENANT, token: token(number), record, arrival }).collect(),
            ..WriteSet::default()
        }
    };
    let members: Vec<WriteSet> = (0..200).map(member).collect();
    store.commit(&Batch { members: &members, moves: Vec::new(), entries: Vec::new() }).await.unwrap();
    store
}

fn reports(all_of: Vec<Vec<IndexToken>>) -> Find {
    Find { kinds: vec![Kind::DiagnosticReport], all_of, limit: 100, ..Find::default() }
}

#[tokio::test]
async fn a_question_of_many_groups_does_not_hold_up_everybody() {
    let folder = tempfile::tempdir().unwrap();
    let store = every_record_has_every_token(&folder).await;
    let begun = Instant::now();
    for all_of in [vec![vec![token(3)]; usize::from(GROUPS)], (0..GROUPS).map(|number| vec![token(number)]).collect()] {
        assert_eq!(store.find(TENANT, reports(all_of)).await.unwrap().len(), 100);
    }
    assert!(begun.elapsed() < Duration::from_secs(2), "it took {:?}", begun.elapsed());
}

#[tokio::test]
async fn the_rarest_of_several_groups_is_always_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = every_record_has_every_token(&folder).await;
    let all_of = (0..8).chain([200, 200]).map(|number| vec![token(number), token(number)]).collect();
    let found = store.find(TENANT, reports(all_of)).await.unwrap();
    assert_eq!(found.iter().map(|record| record.id).collect::<Vec<_>>(), [RecordId([50; 16])]);
}
