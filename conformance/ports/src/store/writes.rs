//! Committing batches: all or nothing, and who is told.

use crate::material::{
    OURS, THEIRS, at, claim, commit, data_key, draft, having, heads, id, linked, next, numbers, report, term, token,
    verified, write,
};
use crate::{Failure, Verdict, ensure, same};
use domain::audit::{ChainHead, ChainId};
use domain::kind::Kind;
use domain::ports::{CommitFault, Store};
use domain::write::{Conflict, ConflictReason, RecordWrite, WriteSet};
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

fn claiming(number: u64, claimed: u64) -> WriteSet {
    WriteSet { claims: vec![claim(OURS, claimed)], ..write(report(OURS, number, 0), &[token(number)]) }
}

fn conflicts(answer: Result<(), CommitFault>) -> Result<Vec<(usize, ConflictReason)>, Failure> {
    match answer {
        Err(CommitFault::Conflicts(list)) => {
            Ok(list.iter().map(|Conflict { member, reason }| (*member, *reason)).collect())
        }
        other => Err(Failure(format!("expected conflicts, got {other:?}"))),
    }
}

pub(super) async fn claims(store: &dyn Store) -> Verdict {
    commit(store, &[claiming(1, 50)]).await?;
    let found = conflicts(commit(store, &[claiming(2, 51), claiming(3, 50), claiming(4, 52)]).await)?;
    same(&found, &vec![(1, ConflictReason::Claimed)], "conflicts")?;
    ensure(store.load(OURS, &[id(2), id(3), id(4)]).await?.is_empty(), "a neighbour of a conflict was stored")?;
    commit(store, &[claiming(2, 51), claiming(4, 52)]).await?;
    same(&store.load(OURS, &[id(2), id(4)]).await?.len(), &2, "neighbours stored without it")
}

pub(super) async fn doubles(store: &dyn Store) -> Verdict {
    let found = conflicts(commit(store, &[claiming(1, 50), claiming(2, 50), claiming(3, 51)]).await)?;
    same(&found, &vec![(1, ConflictReason::Claimed)], "two equal claims")?;
    let found = conflicts(commit(store, &[claiming(1, 50), claiming(1, 51)]).await)?;
    same(&found, &vec![(1, ConflictReason::Version)], "one record twice")?;
    // The second is refused for its claim, so its record is free for the third.
    let found = conflicts(commit(store, &[claiming(1, 50), claiming(2, 50), claiming(2, 51)]).await)?;
    same(&found, &vec![(1, ConflictReason::Claimed)], "what a refused member wanted")?;
    ensure(heads(store).await?.is_empty(), "a refused batch moved a head")
}

pub(super) async fn version_conflicts(store: &dyn Store) -> Verdict {
    let first = report(OURS, 1, 0);
    let second = next(&first, 1);
    let third = next(&second, 2);
    let stale = RecordWrite { sealed: vec![1], ..second };
    commit(store, &[write(first, &[])]).await?;
    commit(store, &[write(second, &[])]).await?;
    let absent = next(&report(OURS, 7, 0), 1);
    let members = [write(report(OURS, 1, 0), &[]), write(report(OURS, 2, 0), &[]), write(absent, &[])];
    let found = conflicts(commit(store, &members).await)?;
    same(&found, &vec![(0, ConflictReason::Version), (2, ConflictReason::Version)], "added twice, replaced before")?;
    let found = conflicts(commit(store, &[write(stale, &[])]).await)?;
    same(&found, &vec![(0, ConflictReason::Version)], "replaced a version that is no longer current")?;
    commit(store, &[write(third, &[])]).await?;
    same(&store.versions(OURS, id(1), None, 9).await?.len(), &3, "versions in the end")
}

pub(super) async fn nothing_half_written(store: &dyn Store) -> Verdict {
    let corrected = next(&report(OURS, 1, 0), 1);
    commit(store, &[claiming(1, 50)]).await?;
    let before = picture(store).await?;
    let mut full = write(corrected, &[token(8)]);
    full.keys.push(data_key(OURS, 70, 71, 1, 0));
    full.claims.push(claim(OURS, 51));
    let added = report(OURS, 5, 0);
    full.terms.push(term(&added, token(8)));
    full.records.push(added);
    let members = [full, claiming(9, 50)];
    conflicts(commit(store, &members).await)?;
    same(&picture(store).await?, &before, "after a conflict")?;
    let elsewhere = [(ChainId::from(OURS), ChainHead { length: 1, tag: [1; 32], time: at(0) })].into();
    let answer = store.commit(&linked(&members, &elsewhere)).await;
    same(&answer, &Err(CommitFault::HeadMoved), "a batch linked elsewhere")?;
    same(&picture(store).await?, &before, "after a moved head")?;
    // What was refused takes nothing: the same claim, key and records fit afterwards.
    let [full, _] = members;
    commit(store, &[full]).await?;
    ensure(picture(store).await? != before, "the same batch without the conflict changed nothing")
}

/// Everything that the batches of [`nothing_half_written`] could leave behind.
async fn picture(store: &dyn Store) -> Result<String, Failure> {
    let versions = store.versions(OURS, id(1), None, 9).await?.len();
    let found = numbers(&store.find(OURS, having(&[])).await?, 0..20);
    let by_term = numbers(&store.find(OURS, having(&[&[token(8), token(9)]])).await?, 0..20);
    let key = store.data_key(OURS, data_key(OURS, 70, 71, 1, 0).id).await?.is_some();
    let entries = store.entries(ChainId::from(OURS), 0, 100).await?.count;
    let mark = store.mark(OURS, &[Kind::DiagnosticReport]).await?;
    Ok(format!("{versions} {found:?} {by_term:?} {key} {entries} {mark} {:?}", heads(store).await?))
}

pub(super) async fn head_moves(store: &dyn Store) -> Verdict {
    let chain = ChainId::from(OURS);
    let members = [write(report(OURS, 1, 0), &[])];
    let later = ChainHead { length: 3, tag: [7; 32], time: at(0) };
    let answer = store.commit(&linked(&members, &[(chain, later)].into())).await;
    same(&answer, &Err(CommitFault::HeadMoved), "a chain that has no entries yet")?;
    commit(store, &members).await?;
    let now = heads(store).await?;
    let Some(head) = now.get(&chain).copied() else { return ensure(false, "the head is missing") };
    same(&head.length, &1, "the length of the chain")?;
    let members = [write(report(OURS, 2, 0), &[])];
    let wrong = [ChainHead::EMPTY, ChainHead { length: 2, ..head }, ChainHead { tag: [7; 32], ..head }];
    for from in wrong {
        let answer = store.commit(&linked(&members, &[(chain, from)].into())).await;
        same(&answer, &Err(CommitFault::HeadMoved), "a head that is not there")?;
    }
    ensure(store.load(OURS, &[id(2)]).await?.is_empty(), "a record of a refused batch is there")?;
    same(&heads(store).await?, &now, "heads after refused batches")
}

pub(super) async fn one_of_two_heads(store: &dyn Store) -> Verdict {
    let both = |number| {
        let mut both = write(report(OURS, number, 0), &[]);
        both.drafts.push(draft(THEIRS, number));
        [both]
    };
    commit(store, &both(1)).await?;
    let old = heads(store).await?;
    commit(store, &[WriteSet { drafts: vec![draft(THEIRS, 9)], ..WriteSet::default() }]).await?;
    let now = heads(store).await?;
    let members = both(2);
    same(&store.commit(&linked(&members, &old)).await, &Err(CommitFault::HeadMoved), "one head had moved")?;
    same(&heads(store).await?, &now, "both heads")?;
    commit(store, &members).await?;
    verified(store, ChainId::from(OURS)).await?;
    verified(store, ChainId::from(THEIRS)).await.map(|_| ())
}

pub(super) async fn race(store: &dyn Store) -> Verdict {
    // The first round makes the head, the second moves it.
    for round in [10, 20] {
        let from = heads(store).await?;
        let (one, two) = ([write(report(OURS, round, 0), &[])], [write(report(OURS, round.wrapping_add(1), 0), &[])]);
        let (one, two) = (linked(&one, &from), linked(&two, &from));
        let (mut first, mut second) = (pin!(store.commit(&one)), pin!(store.commit(&two)));
        let (mut a, mut b) = (None, None);
        std::future::poll_fn(|context| {
            poll_into(&mut a, first.as_mut(), context);
            poll_into(&mut b, second.as_mut(), context);
            if a.is_some() && b.is_some() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let applied = [&a, &b].into_iter().filter(|answer| **answer == Some(Ok(()))).count();
        let refused = [&a, &b].into_iter().filter(|answer| **answer == Some(Err(CommitFault::HeadMoved))).count();
        same(&(applied, refused), &(1, 1), "applied and refused")?;
    }
    same(&verified(store, ChainId::from(OURS)).await?.length, &2, "entries")
}

fn poll_into<T>(
    answer: &mut Option<T>,
    future: std::pin::Pin<&mut impl Future<Output = T>>,
    context: &mut Context<'_>,
) {
    if answer.is_none()
        && let Poll::Ready(ready) = future.poll(context)
    {
        *answer = Some(ready);
    }
}

pub(super) async fn large_batch(store: &dyn Store) -> Verdict {
    let members: Vec<WriteSet> = (0u64..512)
        .map(|number| {
            let own = number.wrapping_mul(32);
            let tokens: Vec<_> = (own..own.wrapping_add(20)).map(token).collect();
            WriteSet { claims: vec![claim(OURS, number)], ..write(report(OURS, number, 0), &tokens) }
        })
        .collect();
    commit(store, &members).await?;
    let ids: Vec<_> = (0..512).map(id).collect();
    same(&store.load(OURS, &ids).await?.len(), &512, "records")?;
    for number in [0u64, 255, 511] {
        let last = token(number.wrapping_mul(32).wrapping_add(19));
        same(&numbers(&store.find(OURS, having(&[&[last]])).await?, 0..512), &vec![number], "found by its last term")?;
    }
    same(&verified(store, ChainId::from(OURS)).await?.length, &512, "entries")
}

pub(super) async fn dropped(store: &dyn Store) -> Verdict {
    for number in 1..6 {
        let from = heads(store).await?;
        let members = [write(report(OURS, number, 0), &[])];
        let batch = linked(&members, &from);
        let mut commit = store.commit(&batch);
        // Polled once and dropped: a store in memory may be done, a database is on its way.
        let _ = commit.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        drop(commit);
    }
    for number in 10..13 {
        let members = [write(report(OURS, number, 0), &[])];
        // What was dropped during its COMMIT may still move the head once, after it was read here.
        let mut answer = commit(store, &members).await;
        for _ in 0..5 {
            if answer == Err(CommitFault::HeadMoved) {
                answer = commit(store, &members).await;
            }
        }
        answer?;
    }
    let length = verified(store, ChainId::from(OURS)).await?.length;
    let records = u64::try_from(store.find(OURS, having(&[])).await?.len()).unwrap_or(0);
    same(&records, &length, "records and entries")?;
    same(&store.load(OURS, &[id(10), id(11), id(12)]).await?.len(), &3, "records written afterwards")
}

pub(super) async fn left_alone(store: &dyn Store) -> Verdict {
    let first = data_key(OURS, 70, 71, 1, 0);
    let again = domain::keys::WrappedDataKey { wrapped: vec![9; 40], ..first.clone() };
    let wrapped = first.wrapped.clone();
    let key_id = first.id;
    let one = report(OURS, 1, 0);
    let same_term = term(&one, token(1));
    let mut write_one = write(one, &[token(1)]);
    write_one.keys.push(first);
    commit(store, &[write_one]).await?;
    let mut write_two = write(report(OURS, 2, 0), &[]);
    write_two.terms.extend([same_term, same_term]);
    write_two.keys.push(again);
    commit(store, &[write_two]).await?;
    same(&store.find(OURS, having(&[&[token(1)]])).await?.len(), &1, "found by a term written twice")?;
    let found = store.data_key(OURS, key_id).await?.map(|key| key.wrapped);
    same(&found, &Some(wrapped), "the wrapped form of a key written twice")
}
