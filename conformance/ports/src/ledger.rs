//! The contract of [`Ledger`]: what is answered is durable and chained, also with two ledgers on one store.

use crate::material::{OURS, THEIRS, claim, draft, id, next, report, token, verified, write};
use crate::{Verdict, ensure, same};
use domain::audit::ChainId;
use domain::ports::{BoxFuture, Ledger, NotRecorded, Receipt, Store};
use domain::write::{ConflictReason, WriteSet};
use std::collections::BTreeSet;
use std::sync::Arc;

/// One sentence of the port, put to two ledgers that share an empty store.
pub struct LedgerCase {
    /// Stable name, never reused for another sentence.
    pub id: &'static str,
    /// What a ledger does when it conforms.
    pub sentence: &'static str,
    /// Runs the case.
    pub run: for<'b> fn(&'b LedgerBench) -> BoxFuture<'b, Verdict>,
}

/// A store and two ledgers on it, as two gateways would have them.
pub struct LedgerBench {
    /// The store.
    pub store: Arc<dyn Store>,
    /// The first ledger.
    pub one: Arc<dyn Ledger>,
    /// The second ledger.
    pub two: Arc<dyn Ledger>,
}

macro_rules! cases {
    ($($id:literal $sentence:literal $run:path;)+) => {
        /// Every case, in the order of their ids.
        pub const LEDGER: &[LedgerCase] =
            &[$(LedgerCase { id: $id, sentence: $sentence, run: |bench| Box::pin($run(bench)) }),+];
    };
}

cases! {
    "LEDGER-01" "when record returns, the write set is stored and its entries are where the receipt says" durable;
    "LEDGER-02" "a conflict is told to its caller and refuses nobody else" neighbours;
    "LEDGER-03" "two ledgers on one store lose nothing and never fork" two_ledgers;
    "LEDGER-04" "one message through two ledgers at once is recorded once" one_message;
    "LEDGER-05" "a version conflict records neither the record nor its entry" stale_version;
    "LEDGER-06" "a write set may speak in several chains" several_chains;
}

async fn durable(bench: &LedgerBench) -> Verdict {
    let mut numbered = write(report(OURS, 1, 0), &[token(1)]);
    numbered.drafts = vec![draft(OURS, 41), draft(OURS, 42)];
    let receipt = bench.one.record(numbered).await?;
    let chain = ChainId::from(OURS);
    same(&receipt, &Receipt { entries: vec![(chain, 1), (chain, 2)] }, "the receipt")?;
    same(&bench.store.load(OURS, &[id(1)]).await?.len(), &1, "the record")?;
    let lines = bench.store.entries(chain, 2, 1).await?.lines;
    ensure(
        String::from_utf8_lossy(&lines).contains(r#""resource_id":"42""#),
        "the second entry is not the second draft",
    )
}

async fn neighbours(bench: &LedgerBench) -> Verdict {
    let claiming =
        |number, claimed| WriteSet { claims: vec![claim(OURS, claimed)], ..write(report(OURS, number, 0), &[]) };
    bench.one.record(claiming(0, 50)).await?;
    // All queued before the first is answered, so that they can share a batch.
    let answers: Vec<_> = (1..20u64)
        .map(|number| bench.one.record(claiming(number, if number.rem_euclid(5) == 0 { 50 } else { number })))
        .collect();
    for (number, answer) in (1u64..).zip(answers) {
        let expected = number.rem_euclid(5) == 0;
        match answer.await {
            Err(NotRecorded::Conflict(ConflictReason::Claimed)) if expected => {}
            Ok(_) if !expected => {}
            other => return ensure(false, &format!("write set {number}: {other:?}")),
        }
    }
    same(&verified(&*bench.store, ChainId::from(OURS)).await?.length, &17, "entries")
}

async fn two_ledgers(bench: &LedgerBench) -> Verdict {
    let mut seen = BTreeSet::new();
    for round in 0u64..10 {
        let numbers = round.wrapping_mul(40)..round.wrapping_mul(40).wrapping_add(40);
        let answers: Vec<_> = numbers
            .map(|number| {
                let ledger = if number & 1 == 0 { &bench.one } else { &bench.two };
                ledger.record(write(report(OURS, number, 0), &[token(number)]))
            })
            .collect();
        for answer in answers {
            seen.extend(answer.await?.entries);
        }
    }
    same(&seen.len(), &400, "places in the receipts")?;
    same(&verified(&*bench.store, ChainId::from(OURS)).await?.length, &400, "entries")?;
    let ids: Vec<_> = (0..400).map(id).collect();
    same(&bench.store.load(OURS, &ids).await?.len(), &400, "records")
}

async fn one_message(bench: &LedgerBench) -> Verdict {
    for number in 0..20 {
        let message = || WriteSet { claims: vec![claim(OURS, number)], ..write(report(OURS, number, 0), &[]) };
        let (one, two) = (bench.one.record(message()), bench.two.record(message()));
        let answers = [one.await, two.await];
        let stored = answers.iter().filter(|answer| answer.is_ok()).count();
        let refused = answers.iter().filter(|a| **a == Err(NotRecorded::Conflict(ConflictReason::Claimed))).count();
        same(&(stored, refused), &(1, 1), "recorded and refused")?;
    }
    same(&verified(&*bench.store, ChainId::from(OURS)).await?.length, &20, "entries")
}

async fn stale_version(bench: &LedgerBench) -> Verdict {
    let first = report(OURS, 1, 0);
    let (second, stale) = (next(&first, 1), next(&first, 2));
    bench.one.record(write(first, &[])).await?;
    bench.two.record(write(second, &[])).await?;
    let answer = bench.one.record(write(stale, &[])).await;
    same(&answer, &Err(NotRecorded::Conflict(ConflictReason::Version)), "a stale replacement")?;
    same(&verified(&*bench.store, ChainId::from(OURS)).await?.length, &2, "entries")
}

async fn several_chains(bench: &LedgerBench) -> Verdict {
    for number in 0..3u64 {
        let mut both = write(report(OURS, number, 0), &[]);
        both.drafts = vec![draft(THEIRS, number), draft(OURS, number), draft(THEIRS, number)];
        let receipt = if number == 1 { bench.two.record(both).await? } else { bench.one.record(both).await? };
        let (ours, theirs) = (ChainId::from(OURS), ChainId::from(THEIRS));
        let base = number.wrapping_mul(2);
        let expected =
            vec![(theirs, base.wrapping_add(1)), (ours, number.wrapping_add(1)), (theirs, base.wrapping_add(2))];
        same(&receipt.entries, &expected, "the receipt, in the order of the drafts")?;
    }
    same(&verified(&*bench.store, ChainId::from(THEIRS)).await?.length, &6, "entries of the other chain")
}
