//! The recorder on a store that fails in every way its port allows.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use domain::audit::{
    AnchorKey, BreakKind, ChainHead, ChainId, ChainKeys, Draft, Outcome, SEGMENT_ENTRIES, TipFault, UserId, Verifier,
};
use domain::double::MemoryStore;
use domain::id::{CorrelationId, DataKeyId, RecordId, TenantId};
use domain::keys::{Compartment, WrappedDataKey, WrappedTenantKey};
use domain::kind::Kind;
use domain::ports::{
    BoxFuture, CommitFault, EntryBlock, Find, Ledger, NotRecorded, SealedContexts, Store, Unavailable,
};
use domain::secret::Secret;
use domain::time::Timestamp;
use domain::write::{Batch, Claim, Conflict, ConflictReason, StoredRecord, Version, WriteSet};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use store::{AnchorFile, QUEUE_MEMBERS, Recorder};
use tokio::sync::Semaphore;

const TENANT: TenantId = TenantId([7; 16]);
const CHAIN: ChainId = ChainId([7; 16]);

fn audit_root() -> Secret<32> {
    Secret::new([0x5a; 32])
}

fn act(number: u64) -> WriteSet {
    acts(number, 1)
}

fn acts(first: u64, count: u64) -> WriteSet {
    let drafts = (first..first.saturating_add(count)).map(|number| Draft {
        chain: CHAIN,
        time: Timestamp(1_790_000_000_000_000),
        user: UserId { id: "u".into(), display: "U".into() },
        workstation: "bench".into(),
        action: "create".into(),
        resource_type: "DiagnosticReport".into(),
        resource_id: number.to_string(),
        outcome: Outcome::Success,
        before: None,
        after: None,
        correlation: CorrelationId([4; 16]),
        context: None,
    });
    let mut token = [0; 16];
    token.split_at_mut(8).0.copy_from_slice(&first.to_be_bytes());
    let claim = Claim { tenant: TENANT, token, message: RecordId(token) };
    WriteSet { drafts: drafts.collect(), claims: vec![claim], ..WriteSet::default() }
}

/// What happens to the next commit.
enum Fate {
    /// It is applied, and the answer is lost.
    AppliedUnseen,
    /// It is applied, another gateway goes on from there, and the answer is lost.
    AppliedUnseenAndPassed,
    /// It is lost, and so is the answer.
    Lost,
    /// It is lost, another gateway writes in its place, and the answer is lost.
    LostAndOvertaken,
    /// It is applied and the answer is lost, and the next to read still sees the database as it was before.
    AppliedLate,
    /// It is refused.
    Refused(CommitFault),
    /// There is no space; but a claim that two members want is noticed before that.
    FullUnlessDoubled,
}

/// A store whose commits meet a fate; without one they pass through, as many at a time as there are permits.
struct Fated {
    inner: Arc<MemoryStore>,
    fates: Mutex<VecDeque<Fate>>,
    gate: Semaphore,
    committing: Semaphore,
    /// The heads before a commit that the next read does not see yet.
    unseen: Mutex<Option<Vec<(ChainId, ChainHead)>>>,
}

impl Fated {
    fn new(fates: impl IntoIterator<Item = Fate>) -> Arc<Self> {
        Arc::new(Self {
            inner: Arc::new(MemoryStore::default()),
            fates: Mutex::new(fates.into_iter().collect()),
            gate: Semaphore::new(1_000),
            committing: Semaphore::new(0),
            unseen: Mutex::new(None),
        })
    }

    async fn elsewhere(&self) {
        let other = Recorder::start(self.inner.clone(), &audit_root(), None).await.unwrap();
        other.record(act(1_000_000)).await.unwrap();
        other.stop().await;
    }
}

impl Store for Fated {
    fn commit<'a>(&'a self, batch: &'a Batch<'a>) -> BoxFuture<'a, Result<(), CommitFault>> {
        let fate = self.fates.lock().unwrap().pop_front();
        Box::pin(async move {
            self.committing.add_permits(1);
            self.gate.acquire().await.unwrap().forget();
            match fate {
                None => self.inner.commit(batch).await,
                Some(Fate::Refused(fault)) => Err(fault),
                Some(Fate::FullUnlessDoubled) => {
                    let token = |write: &WriteSet| write.claims.first().map(|claim| claim.token);
                    match batch.members {
                        [first, repeat] if token(first) == token(repeat) => {
                            Err(CommitFault::Conflicts(vec![Conflict { member: 1, reason: ConflictReason::Claimed }]))
                        }
                        _ => Err(CommitFault::Full),
                    }
                }
                Some(Fate::AppliedLate) => {
                    let before = self.inner.heads().await.map_err(|Unavailable| CommitFault::Unavailable)?;
                    self.inner.commit(batch).await?;
                    *self.unseen.lock().unwrap() = Some(before);
                    Err(CommitFault::Unknown)
                }
                Some(fate) => {
                    if matches!(fate, Fate::AppliedUnseen | Fate::AppliedUnseenAndPassed) {
                        self.inner.commit(batch).await?;
                    }
                    if matches!(fate, Fate::AppliedUnseenAndPassed | Fate::LostAndOvertaken) {
                        self.elsewhere().await;
                    }
                    Err(CommitFault::Unknown)
                }
            }
        })
    }
    fn load(&self, tenant: TenantId, ids: &[RecordId]) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        self.inner.load(tenant, ids)
    }
    fn load_family(&self, tenant: TenantId, id: RecordId) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        self.inner.load_family(tenant, id)
    }
    fn versions(
        &self,
        tenant: TenantId,
        id: RecordId,
        before: Option<Version>,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        self.inner.versions(tenant, id, before, limit)
    }
    fn find(&self, tenant: TenantId, query: Find) -> BoxFuture<'_, Result<Vec<StoredRecord>, Unavailable>> {
        self.inner.find(tenant, query)
    }
    fn data_key(&self, tenant: TenantId, id: DataKeyId) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>> {
        self.inner.data_key(tenant, id)
    }
    fn data_key_of(
        &self,
        tenant: TenantId,
        compartment: Compartment,
    ) -> BoxFuture<'_, Result<Option<WrappedDataKey>, Unavailable>> {
        self.inner.data_key_of(tenant, compartment)
    }
    fn data_keys_below(
        &self,
        tenant: TenantId,
        generation: u32,
        limit: u32,
    ) -> BoxFuture<'_, Result<Vec<WrappedDataKey>, Unavailable>> {
        self.inner.data_keys_below(tenant, generation, limit)
    }
    fn rewrap(&self, keys: Vec<WrappedDataKey>) -> BoxFuture<'_, Result<u64, Unavailable>> {
        self.inner.rewrap(keys)
    }
    fn tenant_keys(&self, tenant: TenantId) -> BoxFuture<'_, Result<Vec<WrappedTenantKey>, Unavailable>> {
        self.inner.tenant_keys(tenant)
    }
    fn add_tenant_key(&self, key: WrappedTenantKey) -> BoxFuture<'_, Result<bool, Unavailable>> {
        self.inner.add_tenant_key(key)
    }
    fn heads(&self) -> BoxFuture<'_, Result<Vec<(ChainId, ChainHead)>, Unavailable>> {
        match self.unseen.lock().unwrap().take() {
            Some(before) => Box::pin(async { Ok(before) }),
            None => self.inner.heads(),
        }
    }
    fn entries(&self, chain: ChainId, from: u64, limit: u32) -> BoxFuture<'_, Result<EntryBlock, Unavailable>> {
        if self.unseen.lock().unwrap().take().is_some() {
            return Box::pin(async { Ok(EntryBlock::default()) });
        }
        self.inner.entries(chain, from, limit)
    }
    fn context(&self, chain: ChainId, sequence: u64) -> BoxFuture<'_, Result<Option<Vec<u8>>, Unavailable>> {
        self.inner.context(chain, sequence)
    }
    fn contexts(&self, chain: ChainId, from: u64, count: u32) -> BoxFuture<'_, Result<SealedContexts, Unavailable>> {
        self.inner.contexts(chain, from, count)
    }
    fn add_checkpoint(&self, chain: ChainId, segment: u64, note: String) -> BoxFuture<'_, Result<(), Unavailable>> {
        self.inner.add_checkpoint(chain, segment, note)
    }
    fn checkpoints(&self, chain: ChainId) -> BoxFuture<'_, Result<Vec<(u64, String)>, Unavailable>> {
        self.inner.checkpoints(chain)
    }
    fn mark(&self, tenant: TenantId, kinds: &[Kind]) -> BoxFuture<'_, Result<u64, Unavailable>> {
        self.inner.mark(tenant, kinds)
    }
}

/// Reads the chain whole and returns the `resource_id` of each entry; panics unless every link holds.
async fn chained(store: &Fated) -> Vec<String> {
    let keys = ChainKeys::derive(&audit_root());
    let mut verifier = Verifier::new(CHAIN, &keys);
    let lines = store.entries(CHAIN, 0, u32::MAX).await.unwrap().lines;
    let mut found = Vec::new();
    verifier.block(&lines).unwrap();
    for line in String::from_utf8(lines).unwrap().lines() {
        let (_, rest) = line.split_once(r#""resource_id":""#).unwrap();
        found.push(rest.split_once('"').unwrap().0.to_owned());
    }
    let heads = store.heads().await.unwrap();
    verifier.finish(&heads.first().map_or(ChainHead::EMPTY, |(_, head)| *head)).unwrap();
    found
}

async fn recorder(store: &Arc<Fated>) -> Arc<Recorder> {
    Recorder::start(store.clone(), &audit_root(), None).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_decided_and_nothing_is_recorded_twice() {
    let cases = [
        (Fate::AppliedUnseen, vec!["0", "1"], 2),
        (Fate::AppliedUnseenAndPassed, vec!["0", "1", "1000000"], 2),
        (Fate::Lost, vec!["0", "1"], 2),
        (Fate::LostAndOvertaken, vec!["0", "1000000", "1"], 3),
    ];
    for (fate, expected, place) in cases {
        let store = Fated::new([]);
        let recorder = recorder(&store).await;
        recorder.record(act(0)).await.unwrap();
        store.fates.lock().unwrap().push_back(fate);
        let receipt = recorder.record(act(1)).await.unwrap();
        assert_eq!(receipt.entries, [(CHAIN, place)]);
        assert_eq!(chained(&store).await, expected);
        assert_eq!(recorder.metrics().unknown, 1);
        // What comes next is linked to where the chain is now.
        recorder.record(act(2)).await.unwrap();
        assert_eq!(chained(&store).await.last().unwrap(), "2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_lands_while_it_is_in_doubt_is_not_linked_twice() {
    let store = Fated::new([]);
    let recorder = recorder(&store).await;
    recorder.record(act(0)).await.unwrap();
    store.fates.lock().unwrap().push_back(Fate::AppliedLate);
    recorder.record(act(1)).await.unwrap();
    assert_eq!(chained(&store).await, ["0", "1"]);
    recorder.record(act(2)).await.unwrap();
    assert_eq!(chained(&store).await, ["0", "1", "2"]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_lost_again_and_again_is_decided_in_the_end() {
    let store = Fated::new([Fate::Lost, Fate::Refused(CommitFault::Unavailable), Fate::Lost, Fate::AppliedUnseen]);
    let recorder = recorder(&store).await;
    recorder.record(act(1)).await.unwrap();
    assert_eq!(chained(&store).await, ["1"]);
}

#[tokio::test(start_paused = true)]
async fn a_full_database_turns_callers_away_and_service_returns_with_space() {
    let store = Fated::new([Fate::Refused(CommitFault::Full), Fate::Refused(CommitFault::Unavailable)]);
    let recorder = recorder(&store).await;
    assert_eq!(recorder.record(act(1)).await, Err(NotRecorded::Unavailable));
    assert_eq!(recorder.record(act(2)).await, Err(NotRecorded::Unavailable));
    assert!(chained(&store).await.is_empty());
    recorder.record(act(3)).await.unwrap();
    assert_eq!(chained(&store).await, ["3"]);
    assert_eq!(recorder.metrics().turned_away, 2);
}

#[tokio::test(start_paused = true)]
async fn heads_that_cannot_be_read_turn_callers_away_and_are_read_again() {
    let store = Fated::new([Fate::Refused(CommitFault::Full)]);
    let recorder = recorder(&store).await;
    assert_eq!(recorder.record(act(1)).await, Err(NotRecorded::Unavailable));
    store.inner.set_unavailable(true);
    assert_eq!(recorder.record(act(2)).await, Err(NotRecorded::Unavailable));
    assert!(Recorder::start(store.clone(), &audit_root(), None).await.is_err());
    store.inner.set_unavailable(false);
    recorder.record(act(3)).await.unwrap();
    assert_eq!(chained(&store).await, ["3"]);
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_stops_moving_ends_in_busy() {
    let store = Fated::new((0..1_000).map(|_| Fate::Refused(CommitFault::HeadMoved)));
    let recorder = recorder(&store).await;
    assert_eq!(recorder.record(act(1)).await, Err(NotRecorded::Busy));
    store.fates.lock().unwrap().clear();
    recorder.record(act(2)).await.unwrap();
}

#[tokio::test]
async fn a_full_queue_is_busy_and_stopping_commits_what_waits() {
    let store = Fated::new([]);
    let recorder = recorder(&store).await;
    store.gate.forget_permits(1_000);
    let first = recorder.record(act(0));
    // The task holds the first in its commit; the queue is empty from here.
    store.committing.acquire().await.unwrap().forget();
    let capacity = u64::try_from(QUEUE_MEMBERS).unwrap();
    let waiting: Vec<_> = (1..=capacity).map(|number| recorder.record(act(number))).collect();
    assert_eq!(recorder.metrics().waiting, capacity);
    assert_eq!(recorder.record(act(capacity.saturating_add(1))).await, Err(NotRecorded::Busy));
    let stopping = tokio::spawn({
        let recorder = recorder.clone();
        async move { recorder.stop().await }
    });
    store.gate.add_permits(1_000);
    first.await.unwrap();
    for answer in waiting {
        answer.await.unwrap();
    }
    stopping.await.unwrap();
    assert_eq!(recorder.record(act(9_999)).await, Err(NotRecorded::Busy));
    let metrics = recorder.metrics();
    assert_eq!(metrics.members, capacity.saturating_add(1));
    assert_eq!(metrics.batches, 9, "one alone, then {QUEUE_MEMBERS} in batches of 512");
    assert_eq!(metrics.commit_times.iter().sum::<u64>(), 9);
    assert_eq!(chained(&store).await.len(), QUEUE_MEMBERS.saturating_add(1));
}

#[tokio::test]
async fn anchors_follow_and_a_new_chain_is_anchored_before_its_first_entry() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("anchors");
    let key = || AnchorKey::derive(&audit_root());
    let lengths =
        || AnchorFile::open(&path, key()).unwrap().all().iter().map(|anchor| anchor.length).collect::<Vec<_>>();
    let store = Fated::new([]);
    let anchors = AnchorFile::create(&path, key()).unwrap();
    let recorder = Recorder::start(store.clone(), &audit_root(), Some(anchors)).await.unwrap();
    store.gate.forget_permits(1_000);
    let first = recorder.record(act(1));
    store.committing.acquire().await.unwrap().forget();
    assert_eq!(lengths(), [0], "while the first entry is being committed");
    store.gate.add_permits(1_000);
    first.await.unwrap();
    recorder.record(acts(2, 3)).await.unwrap();
    recorder.stop().await;
    assert_eq!(lengths(), [4]);
}

/// An installation with an anchor file whose recorder has recorded 0 to 9, and its head after 5 of them.
async fn cut_at_five(store: &Arc<Fated>, anchors: AnchorFile) -> (Arc<Recorder>, ChainHead) {
    let recorder = Recorder::start(store.clone(), &audit_root(), Some(anchors)).await.unwrap();
    recorder.record(acts(0, 5)).await.unwrap();
    let earlier = store.heads().await.unwrap().first().unwrap().1;
    recorder.record(acts(5, 5)).await.unwrap();
    (recorder, earlier)
}

#[tokio::test(start_paused = true)]
async fn a_tail_cut_while_serving_is_not_written_over() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("anchors");
    let key = || AnchorKey::derive(&audit_root());
    let store = Fated::new([]);
    let (recorder, earlier) = cut_at_five(&store, AnchorFile::create(&path, key()).unwrap()).await;
    assert_eq!(recorder.found_broken(), None);
    store.inner.tamper_head(CHAIN, earlier);
    for number in 20..28 {
        assert_eq!(recorder.record(act(number)).await, Err(NotRecorded::Unavailable));
    }
    let found = recorder.broken().await;
    assert_eq!((found.chain, found.sequence, found.kind), (CHAIN, 6, BreakKind::Truncated));
    assert_eq!(recorder.found_broken(), Some(found));
    recorder.stop().await;
    assert_eq!(chained(&store).await.len(), 5, "nothing was linked to what was left");
    let lengths: Vec<_> = AnchorFile::open(&path, key()).unwrap().all().iter().map(|anchor| anchor.length).collect();
    assert_eq!(lengths, [10], "the anchor still says how far the chain was");
}

#[tokio::test(start_paused = true)]
async fn a_forged_head_is_neither_linked_to_nor_anchored() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("anchors");
    let key = || AnchorKey::derive(&audit_root());
    let store = Fated::new([]);
    let (recorder, _) = cut_at_five(&store, AnchorFile::create(&path, key()).unwrap()).await;
    let head = store.heads().await.unwrap().first().unwrap().1;
    store.inner.tamper_head(CHAIN, ChainHead { length: 12, tag: [1; 32], ..head });
    assert_eq!(recorder.record(act(20)).await, Err(NotRecorded::Unavailable));
    assert_eq!(recorder.broken().await.kind, BreakKind::Truncated);
    recorder.stop().await;
    let lengths: Vec<_> = AnchorFile::open(&path, key()).unwrap().all().iter().map(|anchor| anchor.length).collect();
    assert_eq!(lengths, [10]);
}

#[tokio::test(start_paused = true)]
async fn a_chain_shorter_than_its_anchor_is_not_served() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("anchors");
    let key = || AnchorKey::derive(&audit_root());
    let store = Fated::new([]);
    let (recorder, earlier) = cut_at_five(&store, AnchorFile::create(&path, key()).unwrap()).await;
    recorder.stop().await;
    store.inner.tamper_head(CHAIN, earlier);
    let anchors = AnchorFile::open(&path, key()).unwrap();
    let started = Recorder::start(store.clone(), &audit_root(), Some(anchors)).await;
    assert!(matches!(started.err(), Some(TipFault::Broken(found)) if found.kind == BreakKind::Truncated));
}

#[tokio::test]
async fn a_closed_segment_is_signed() {
    let store = Fated::new([]);
    let recorder = recorder(&store).await;
    recorder.record(acts(0, SEGMENT_ENTRIES.saturating_add(10))).await.unwrap();
    recorder.stop().await;
    let notes = store.checkpoints(CHAIN).await.unwrap();
    let public = domain::audit::CheckpointKey::derive(&audit_root()).public();
    let [(0, note)] = notes.as_slice() else { panic!("one checkpoint, of segment 0") };
    let checkpoint = public.open(CHAIN, note).unwrap();
    assert_eq!((checkpoint.segment, checkpoint.size()), (0, SEGMENT_ENTRIES));
}

#[tokio::test]
async fn a_repeat_beside_its_first_is_not_told_that_it_is_stored_before_it_is() {
    let store = Fated::new([]);
    let recorder = recorder(&store).await;
    store.gate.forget_permits(1_000);
    let blocking = recorder.record(act(0));
    store.committing.acquire().await.unwrap().forget();
    let (first, repeat) = (recorder.record(act(1)), recorder.record(act(1)));
    // Both wait in the queue and so come into one batch, and that batch finds the database full.
    store.fates.lock().unwrap().extend([Fate::FullUnlessDoubled, Fate::FullUnlessDoubled]);
    store.gate.add_permits(1_000);
    blocking.await.unwrap();
    assert_eq!(first.await, Err(NotRecorded::Unavailable));
    assert_eq!(repeat.await, Err(NotRecorded::Unavailable));
}
