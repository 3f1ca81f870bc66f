//! Reading records by id.

use crate::material::{OURS, THEIRS, at, commit, id, next, reads_back, report, sealed, write};
use crate::{Verdict, ensure, same};
use domain::id::{ClinicId, RecordId};
use domain::kind::Kind;
use domain::ports::Store;
use domain::write::{RecordWrite, Routing, StoredRecord, WriteSet};

pub(super) async fn load(store: &dyn Store) -> Verdict {
    let second = next(&report(OURS, 1, 0), 5);
    commit(store, &[write(report(OURS, 1, 0), &[]), write(report(OURS, 2, 1), &[])]).await?;
    commit(store, &[write(second, &[])]).await?;
    let found = store.load(OURS, &[id(1), id(9)]).await?;
    let [one] = found.as_slice() else { return ensure(false, "asked for one that is there and one that is not") };
    reads_back(one, &next(&report(OURS, 1, 0), 5))?;
    ensure(store.load(OURS, &[]).await?.is_empty(), "nothing was asked for")
}

pub(super) async fn verbatim(store: &dyn Store) -> Verdict {
    let every = || {
        // Sizes around a page, and one far above.
        let sizes = [0, 1, 4_096, 8_192, 300_000].into_iter().cycle();
        let shapes = Kind::ALL.iter().zip(Routing::ALL.iter().cycle()).zip(sizes);
        (0u64..).zip(shapes).map(|(number, ((kind, routing), size))| RecordWrite {
            kind: *kind,
            routing: *routing,
            clinic: (number & 1 == 0).then_some(ClinicId([9; 16])),
            sealed: vec![0xee; size],
            ..report(OURS, number, -5)
        })
    };
    let members: Vec<WriteSet> = every().map(|record| write(record, &[])).collect();
    commit(store, &members).await?;
    for written in every() {
        let found = store.load(OURS, &[written.id]).await?;
        let [one] = found.as_slice() else { return ensure(false, "a record of this kind is not found") };
        reads_back(one, &written)?;
    }
    Ok(())
}

pub(super) async fn load_many(store: &dyn Store) -> Verdict {
    let members: Vec<WriteSet> = (0..300).map(|number| write(report(OURS, number, 0), &[])).collect();
    commit(store, &members).await?;
    let mut asked: Vec<RecordId> = (0..350).map(id).collect();
    asked.push(id(0));
    let mut found: Vec<RecordId> = store.load(OURS, &asked).await?.iter().map(|record| record.id).collect();
    found.sort_unstable();
    found.dedup();
    same(&found.len(), &300, "records loaded by their ids")
}

pub(super) async fn family(store: &dyn Store) -> Verdict {
    let head = RecordId::from_name([0x80; 16]);
    let low = RecordId([0x7f; 16]);
    let high = RecordId([0x81; 16]);
    let member = |number: u64| id(number).in_family_of(&head);
    let of = |id: RecordId| write(RecordWrite { id, ..report(OURS, 0, 0) }, &[]);
    let mut members: Vec<WriteSet> = (0..3).map(|number| of(member(number))).collect();
    members.extend([of(low), of(high)]);
    commit(store, &members).await?;
    let mut found: Vec<RecordId> = store.load_family(OURS, member(99)).await?.iter().map(|record| record.id).collect();
    found.sort_unstable();
    let mut expected: Vec<RecordId> = (0..3).map(member).collect();
    expected.sort_unstable();
    same(&found, &expected, "the family")?;
    ensure(store.load_family(THEIRS, head).await?.is_empty(), "another tenant's family")?;
    let more: Vec<WriteSet> = (3..12).map(|number| of(member(number))).collect();
    commit(store, &more).await?;
    same(&store.load_family(OURS, head).await?.len(), &8, "a family is cut at 8")
}

pub(super) async fn versions(store: &dyn Store) -> Verdict {
    let mut written = vec![report(OURS, 1, 0)];
    for second in 1..5 {
        let Some(last) = written.last() else { break };
        written.push(next(last, second));
    }
    for record in &written {
        commit(store, &[write(RecordWrite { sealed: record.sealed.clone(), ..*record }, &[])]).await?;
    }
    let of = |found: Vec<StoredRecord>| found.iter().map(|r| r.version).collect::<Vec<_>>();
    same(&of(store.versions(OURS, id(1), None, 10).await?), &vec![5, 4, 3, 2, 1], "all versions")?;
    same(&of(store.versions(OURS, id(1), Some(4), 2).await?), &vec![3, 2], "two versions below 4")?;
    same(&of(store.versions(OURS, id(1), Some(1), 2).await?), &vec![], "versions below 1")?;
    same(&of(store.versions(THEIRS, id(1), None, 10).await?), &vec![], "another tenant's versions")?;
    for found in store.versions(OURS, id(1), None, 10).await? {
        let Some(version) = written.iter().find(|record| record.version == found.version) else {
            return ensure(false, "a version that was never written");
        };
        reads_back(&found, version)?;
    }
    Ok(())
}

pub(super) async fn mark(store: &dyn Store) -> Verdict {
    let directory = [Kind::Tenant, Kind::Interface];
    let interface = || RecordWrite { kind: Kind::Interface, ..report(OURS, 1, 0) };
    let mut seen = vec![store.mark(OURS, &directory).await?];
    commit(store, &[write(interface(), &[])]).await?;
    seen.push(store.mark(OURS, &directory).await?);
    commit(store, &[write(next(&interface(), 0), &[])]).await?;
    seen.push(store.mark(OURS, &directory).await?);
    commit(store, &[write(RecordWrite { kind: Kind::Tenant, last_updated: at(-9), ..report(OURS, 2, 0) }, &[])])
        .await?;
    seen.push(store.mark(OURS, &directory).await?);
    let before = seen.last().copied();
    seen.sort_unstable();
    seen.dedup();
    same(&seen.len(), &4, "marks after nothing, an addition, a replacement and an addition")?;
    let other = RecordWrite { kind: Kind::ApiClient, sealed: sealed(3, 1), ..report(OURS, 3, 0) };
    let theirs = RecordWrite { kind: Kind::Tenant, ..report(THEIRS, 2, 0) };
    commit(store, &[write(other, &[]), write(theirs, &[])]).await?;
    same(&Some(store.mark(OURS, &directory).await?), &before, "the mark after other kinds and tenants changed")?;
    let mixed = [Kind::DiagnosticReport, Kind::Tenant];
    let before = store.mark(OURS, &mixed).await?;
    commit(store, &[write(report(OURS, 4, 0), &[])]).await?;
    ensure(store.mark(OURS, &mixed).await? != before, "the mark of a report's kind did not change")
}
