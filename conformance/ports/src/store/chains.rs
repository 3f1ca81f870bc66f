//! Chains: entries verbatim and in order, contexts, checkpoints.

use crate::material::{OURS, THEIRS, commit, draft, heads, linked, verified};
use crate::{Verdict, ensure, same};
use domain::audit::{ChainHead, ChainId, Draft};
use domain::ports::Store;
use domain::write::WriteSet;

const CHAIN: ChainId = ChainId(OURS.0);

fn drafts(count: u64) -> [WriteSet; 1] {
    [WriteSet { drafts: (0..count).map(|number| draft(OURS, number)).collect(), ..WriteSet::default() }]
}

pub(super) async fn entries(store: &dyn Store) -> Verdict {
    let members = drafts(300);
    let batch = linked(&members, &heads(store).await?);
    store.commit(&batch).await?;
    let line = |sequence: u64| -> Vec<u8> {
        let entry = batch.entries.iter().find(|entry| entry.sequence == sequence);
        entry.map(|e| [format!("{sequence} ").as_bytes(), &e.bytes, b"\n"].concat()).unwrap_or_default()
    };
    for (from, limit, expected) in
        [(0, 1_000, 1..301), (1, 5, 1..6), (298, 100, 298..301), (301, 10, 0..0), (7, 0, 0..0)]
    {
        let block = store.entries(CHAIN, from, limit).await?;
        let lines: Vec<u8> = expected.clone().flat_map(line).collect();
        same(&u64::from(block.count), &expected.end.saturating_sub(expected.start), "entries in a block")?;
        ensure(block.lines == lines, "lines are `sequence SP canonical-bytes LF`, in order")?;
    }
    same(&store.entries(ChainId::from(THEIRS), 0, 10).await?.count, &0, "entries of another chain")
}

pub(super) async fn contexts(store: &dyn Store) -> Verdict {
    let bytes: Vec<u8> = (0..=255).collect();
    let with = Draft { context: Some(bytes.clone()), ..draft(OURS, 2) };
    let members = [WriteSet { drafts: vec![draft(OURS, 1), with, draft(OURS, 3)], ..WriteSet::default() }];
    commit(store, &members).await?;
    same(&store.context(CHAIN, 2).await?, &Some(bytes.clone()), "the context")?;
    for (chain, sequence) in [(CHAIN, 1), (CHAIN, 3), (CHAIN, 4), (ChainId::from(THEIRS), 2)] {
        same(&store.context(chain, sequence).await?, &None, "no context")?;
    }
    for (chain, from, count, expected) in [
        (CHAIN, 0, 10, vec![2]),
        (CHAIN, 2, 1, vec![2]),
        (CHAIN, 0, 2, vec![]),
        (CHAIN, 3, u32::MAX, vec![]),
        (ChainId::from(THEIRS), 0, 10, vec![]),
    ] {
        let found = store.contexts(chain, from, count).await?;
        ensure(found.iter().all(|(_, context)| *context == bytes), "contexts are as they were sealed")?;
        let numbers: Vec<u64> = found.iter().map(|(sequence, _)| *sequence).collect();
        same(&numbers, &expected, "entries with a context")?;
    }
    for (chain, from, limit, expected) in [
        (CHAIN, 1, 3, vec![1, 3]),
        (CHAIN, 0, u32::MAX, vec![1, 3]),
        (CHAIN, 1, 2, vec![1]),
        (CHAIN, 2, 1, vec![]),
        (CHAIN, 4, 1, vec![]),
        (ChainId::from(THEIRS), 1, 3, vec![]),
    ] {
        same(&store.entries(chain, from, limit).await?.without_context, &expected, "entries without a context")?;
    }
    Ok(())
}

pub(super) async fn checkpoints(store: &dyn Store) -> Verdict {
    for (segment, note) in [(1, "one"), (0, "zero"), (1, "again"), (2, "two — with a dash")] {
        store.add_checkpoint(CHAIN, segment, note.to_owned()).await?;
    }
    let expected =
        [(0, "zero"), (1, "one"), (2, "two — with a dash")].map(|(segment, note)| (segment, note.to_owned()));
    same(&store.checkpoints(CHAIN).await?, &expected.to_vec(), "checkpoints")?;
    ensure(store.checkpoints(ChainId::from(THEIRS)).await?.is_empty(), "another chain's checkpoints")
}

pub(super) async fn verifies(store: &dyn Store) -> Verdict {
    same(&verified(store, CHAIN).await?, &ChainHead::EMPTY, "an empty chain")?;
    for count in [1, 30, 2] {
        let [mut both] = drafts(count);
        both.drafts.push(draft(THEIRS, count));
        commit(store, &[both]).await?;
    }
    same(&verified(store, CHAIN).await?.length, &33, "entries of one chain")?;
    same(&verified(store, ChainId::from(THEIRS)).await?.length, &3, "entries of the other")
}
