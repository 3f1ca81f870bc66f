//! Keys of tenants and data keys, and the wall between tenants.

use crate::material::{OURS, THEIRS, at, claim, commit, data_key, having, id, report, token, write};
use crate::{Verdict, ensure, same};
use domain::id::DataKeyId;
use domain::keys::{Compartment, WrappedDataKey, WrappedTenantKey};
use domain::ports::Store;
use domain::write::WriteSet;

pub(super) async fn tenants(store: &dyn Store) -> Verdict {
    let of = |tenant, generation| {
        let mut both = write(report(tenant, 1, 0), &[token(1)]);
        both.claims.push(claim(tenant, 50));
        both.keys.push(data_key(tenant, 70, 71, generation, 0));
        both
    };
    commit(store, &[of(OURS, 1), of(THEIRS, 2)]).await?;
    for (tenant, generation) in [(OURS, 1), (THEIRS, 2)] {
        let loaded = store.load(tenant, &[id(1)]).await?;
        let family = store.load_family(tenant, id(1)).await?;
        let versions = store.versions(tenant, id(1), None, 9).await?;
        let found = store.find(tenant, having(&[&[token(1)]])).await?;
        let walked = store.find(tenant, having(&[])).await?;
        for records in [loaded, family, versions, found, walked] {
            same(&records.len(), &1, "records of one tenant")?;
            ensure(records.iter().all(|record| record.tenant == tenant), "a record of another tenant")?;
        }
        let key = store.data_key(tenant, data_key(tenant, 70, 71, 1, 0).id).await?;
        same(&key.map(|key| (key.tenant, key.generation)), &Some((tenant, generation)), "the data key")?;
        let key = store.data_key_of(tenant, Compartment::Patient(id(71))).await?;
        same(&key.map(|key| (key.tenant, key.generation)), &Some((tenant, generation)), "the compartment's key")?;
    }
    same(&store.data_keys_below(OURS, 9, 10).await?.len(), &1, "data keys of one tenant")?;
    let moved = WrappedDataKey { generation: 5, ..data_key(OURS, 70, 71, 1, 0) };
    same(&store.rewrap(vec![moved]).await?, &1, "keys rewrapped")?;
    let theirs = store.data_key(THEIRS, data_key(THEIRS, 70, 71, 2, 0).id).await?.map(|key| key.generation);
    same(&theirs, &Some(2), "another tenant's key after a rewrap")
}

async fn add(store: &dyn Store, keys: Vec<WrappedDataKey>) -> Verdict {
    Ok(commit(store, &[WriteSet { keys, ..write(report(OURS, 1, 0), &[]) }]).await?)
}

pub(super) async fn data_keys(store: &dyn Store) -> Verdict {
    let keys = [
        data_key(OURS, 1, 60, 1, 5),
        data_key(OURS, 2, 60, 1, 9),
        data_key(OURS, 3, 60, 1, 7),
        data_key(OURS, 4, 61, 1, 0),
    ];
    add(store, keys.to_vec()).await?;
    for key in &keys {
        ensure(store.data_key(OURS, key.id).await?.as_ref() == Some(key), "a data key does not read back")?;
    }
    ensure(store.data_key(OURS, DataKeyId([0; 16])).await?.is_none(), "a key that was never stored")?;
    let [_, newest, ..] = keys;
    let found = store.data_key_of(OURS, Compartment::Patient(id(60))).await?;
    ensure(found == Some(newest), "the newest key of a compartment")?;
    for compartment in [Compartment::Own(id(60)), Compartment::Context, Compartment::Directory] {
        ensure(store.data_key_of(OURS, compartment).await?.is_none(), "a key of another compartment")?;
    }
    Ok(())
}

pub(super) async fn below(store: &dyn Store) -> Verdict {
    let keys = (0u64..9).map(|n| data_key(OURS, n, 60, u32::try_from(n.rem_euclid(3)).unwrap_or(0), 0)).collect();
    add(store, keys).await?;
    for (generation, limit, expected) in [(0, 10, 0), (1, 10, 3), (2, 10, 6), (9, 10, 9), (9, 4, 4)] {
        let found = store.data_keys_below(OURS, generation, limit).await?;
        same(&found.len(), &expected, "keys below a generation")?;
        ensure(found.iter().all(|key| key.generation < generation), "a key of this generation or above")?;
    }
    Ok(())
}

pub(super) async fn rewrap(store: &dyn Store) -> Verdict {
    let old: Vec<_> = (0..100).map(|number| data_key(OURS, number, number, 1, 3)).collect();
    add(store, old.clone()).await?;
    let mut new: Vec<_> =
        old.iter().take(70).map(|key| WrappedDataKey { generation: 2, wrapped: vec![8; 60], ..key.clone() }).collect();
    new.push(data_key(OURS, 500, 1, 2, 0));
    same(&store.rewrap(new).await?, &70, "keys replaced")?;
    ensure(store.data_key(OURS, DataKeyId(id(500).0)).await?.is_none(), "rewrap added a key")?;
    same(&store.data_keys_below(OURS, 2, 1_000).await?.len(), &30, "keys left below")?;
    let found = store.data_key(OURS, DataKeyId(id(0).0)).await?;
    let found = found.map(|key| (key.generation, key.wrapped, key.compartment, key.created));
    let expected = (2, vec![8; 60], Compartment::Patient(id(0)), at(3));
    same(&found, &Some(expected), "a rewrapped key")?;
    same(&store.rewrap(Vec::new()).await?, &0, "no keys")
}

pub(super) async fn tenant_keys(store: &dyn Store) -> Verdict {
    let key = |generation: u32, first: u8| WrappedTenantKey { tenant: OURS, generation, wrapped: vec![first; 60] };
    for generation in [2, 1, 3] {
        ensure(store.add_tenant_key(key(generation, 1)).await?, "a new generation was refused")?;
    }
    ensure(!store.add_tenant_key(key(2, 9)).await?, "a generation was added twice")?;
    let found = store.tenant_keys(OURS).await?;
    ensure(found == [key(1, 1), key(2, 1), key(3, 1)], "the generations, lowest first, as first stored")?;
    ensure(store.tenant_keys(THEIRS).await?.is_empty(), "another tenant's keys")
}
