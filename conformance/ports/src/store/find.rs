//! Finding records by the blind index.

use crate::material::{OURS, THEIRS, at, commit, having, id, next, numbers, report, token, write};
use crate::{Verdict, ensure, same};
use domain::kind::Kind;
use domain::ports::{Find, Store};
use domain::write::{RecordWrite, Routing, WriteSet};

/// Ten reports, two of each arrival, written in an order that is none; all have token 1.
async fn ten(store: &dyn Store) -> Result<Vec<u64>, crate::Failure> {
    let arrival = |number: u64| i64::try_from(number.div_euclid(2)).unwrap_or(0);
    let members: Vec<WriteSet> = [3u64, 8, 1, 0, 9, 4, 7, 2, 6, 5]
        .into_iter()
        .map(|number| write(report(OURS, number, arrival(number)), &[token(1)]))
        .collect();
    commit(store, &members).await?;
    let mut order: Vec<u64> = (0..10).collect();
    order.sort_by_key(|number| std::cmp::Reverse((arrival(*number), id(*number))));
    Ok(order)
}

pub(super) async fn order(store: &dyn Store) -> Verdict {
    let order = ten(store).await?;
    let found = store.find(OURS, having(&[&[token(1)]])).await?;
    same(&numbers(&found, 0..10), &order, "by token")?;
    let found = store.find(OURS, having(&[])).await?;
    same(&numbers(&found, 0..10), &order, "by kind")?;
    let found = store.find(OURS, Find { limit: 3, ..having(&[&[token(1)]]) }).await?;
    same(&numbers(&found, 0..10), &order.iter().copied().take(3).collect(), "three by token")?;
    let found = store.find(OURS, Find { limit: 0, ..having(&[]) }).await?;
    ensure(found.is_empty(), "a limit of 0 returned records")
}

pub(super) async fn paging(store: &dyn Store) -> Verdict {
    let order = ten(store).await?;
    for groups in [[].as_slice(), &[[token(1)].as_slice()]] {
        let (mut before, mut seen) = (None, Vec::new());
        // One page more than there can be, so that an endless walk fails instead of hanging.
        for _ in 0..6 {
            let page = store.find(OURS, Find { limit: 3, before, ..having(groups) }).await?;
            let Some(last) = page.last() else { break };
            before = Some((last.arrival, last.id));
            seen.extend(numbers(&page, 0..10));
        }
        same(&seen, &order, "all pages")?;
    }
    Ok(())
}

pub(super) async fn and_of_or(store: &dyn Store) -> Verdict {
    let members = [
        write(report(OURS, 1, 1), &[token(1), token(3)]),
        write(report(OURS, 2, 2), &[token(2), token(3)]),
        write(report(OURS, 3, 3), &[token(1), token(4)]),
        write(report(OURS, 4, 4), &[token(3)]),
    ];
    commit(store, &members).await?;
    let (a, b, c, d) = (token(1), token(2), token(3), token(4));
    let cases: [(&[&[_]], &[u64]); 6] = [
        (&[&[a]], &[3, 1]),
        (&[&[a], &[c]], &[1]),
        (&[&[a, b], &[c]], &[2, 1]),
        (&[&[a, b], &[c, d]], &[3, 2, 1]),
        (&[&[a], &[c], &[d]], &[]),
        (&[&[token(9)], &[c]], &[]),
    ];
    for (groups, expected) in cases {
        let found = store.find(OURS, having(groups)).await?;
        same(&numbers(&found, 1..5), &expected.to_vec(), "all groups, any token of each")?;
    }
    Ok(())
}

pub(super) async fn once(store: &dyn Store) -> Verdict {
    let (a, b) = (token(1), token(2));
    commit(store, &[write(report(OURS, 1, 1), &[a, b]), write(report(OURS, 2, 2), &[b])]).await?;
    let found = store.find(OURS, having(&[&[a, b, a]])).await?;
    same(&numbers(&found, 1..3), &vec![2, 1], "each record once")?;
    let found = store.find(OURS, having(&[&[a], &[]])).await?;
    ensure(found.is_empty(), "an empty group was satisfied")
}

pub(super) async fn kinds(store: &dyn Store) -> Verdict {
    let of = |number: u64, kind| write(RecordWrite { kind, ..report(OURS, number, 0) }, &[token(1)]);
    commit(store, &[of(1, Kind::DiagnosticReport), of(2, Kind::Patient), of(3, Kind::Hl7Message)]).await?;
    for groups in [[].as_slice(), &[[token(1)].as_slice()]] {
        for (kinds, expected) in [
            (vec![Kind::Patient], vec![2]),
            (vec![Kind::Patient, Kind::Hl7Message, Kind::Patient], vec![2, 3]),
            (vec![], vec![1, 2, 3]),
            (vec![Kind::Encounter], vec![]),
        ] {
            let mut found = numbers(&store.find(OURS, Find { kinds, ..having(groups) }).await?, 1..4);
            found.sort_unstable();
            same(&found, &expected, "records of these kinds")?;
        }
    }
    Ok(())
}

pub(super) async fn routing(store: &dyn Store) -> Verdict {
    let of = |number: u64, routing| {
        write(RecordWrite { kind: Kind::Hl7Message, routing, ..report(OURS, number, 0) }, &[token(1)])
    };
    let states = || (1u64..).zip(Routing::ALL.iter().copied());
    commit(store, &states().map(|(number, routing)| of(number, routing)).collect::<Vec<_>>()).await?;
    for groups in [[].as_slice(), &[[token(1)].as_slice()]] {
        for kinds in [vec![], vec![Kind::Hl7Message]] {
            for (number, routing) in states() {
                let query = Find { kinds: kinds.clone(), routing: Some(routing), ..having(groups) };
                same(&numbers(&store.find(OURS, query).await?, 1..9), &vec![number], "messages in this state")?;
            }
        }
    }
    Ok(())
}

pub(super) async fn many_tokens(store: &dyn Store) -> Verdict {
    let members: Vec<WriteSet> = (0u64..60)
        .map(|number| write(report(OURS, number, i64::try_from(number).unwrap_or(0)), &[token(number), token(100)]))
        .collect();
    commit(store, &members).await?;
    let group: Vec<_> = (0..40).map(token).collect();
    let expected: Vec<u64> = (0..40).rev().collect();
    let found = store.find(OURS, having(&[&group])).await?;
    same(&numbers(&found, 0..60), &expected, "any of 40 tokens")?;
    let found = store.find(OURS, Find { limit: 5, ..having(&[&[token(100)], &group]) }).await?;
    same(&numbers(&found, 0..60), &expected.iter().copied().take(5).collect(), "any of 40, and one in all")
}

pub(super) async fn current(store: &dyn Store) -> Verdict {
    let first = report(OURS, 1, 1);
    let second = next(&first, 9);
    commit(store, &[write(first, &[token(1)])]).await?;
    // The correction arrives much later and is found where the report first arrived.
    commit(store, &[write(report(OURS, 2, 5), &[token(1)])]).await?;
    commit(store, &[write(second, &[token(1), token(2)])]).await?;
    let found = store.find(OURS, having(&[&[token(1)]])).await?;
    let versions: Vec<_> = found.iter().map(|record| (record.version, record.arrival)).collect();
    same(&versions, &vec![(1, at(5)), (2, at(1))], "versions found")?;
    same(&store.find(OURS, having(&[&[token(2)]])).await?.len(), &1, "found by a term of the correction")
}

pub(super) async fn rare_and_frequent(store: &dyn Store) -> Verdict {
    let members: Vec<WriteSet> = (0u64..400)
        .map(|number| {
            let tokens = if number.rem_euclid(100) == 7 { vec![token(1), token(2)] } else { vec![token(1)] };
            write(report(OURS, number, i64::try_from(number).unwrap_or(0)), &tokens)
        })
        .collect();
    commit(store, &members).await?;
    for groups in [[[token(1)].as_slice(), &[token(2)]], [&[token(2)], &[token(1)]]] {
        let found = store.find(OURS, having(&groups)).await?;
        same(&numbers(&found, 0..400), &vec![307, 207, 107, 7], "rare and frequent token")?;
    }
    ensure(store.find(THEIRS, having(&[&[token(1)]])).await?.is_empty(), "another tenant found our records")
}
