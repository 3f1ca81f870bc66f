//! Rows as values of the domain. A row that does not decode is a fault, never an absent record.

use crate::engine::Row;
use domain::audit::{ChainHead, ChainId};
use domain::id::{ClinicId, DataKeyId, RecordId, TenantId};
use domain::keys::{Compartment, WrappedDataKey, WrappedTenantKey};
use domain::kind::Kind;
use domain::ports::Unavailable;
use domain::ticket::{Owner, StoredTicket, TicketKey};
use domain::time::Timestamp;
use domain::write::{Routing, StoredRecord};

/// Decodes every row, or says that one is broken.
pub(crate) fn all<R: Row, T>(rows: &[R], decode: fn(&R) -> Option<T>) -> Result<Vec<T>, Unavailable> {
    rows.iter().map(decode).collect::<Option<Vec<T>>>().ok_or_else(broken)
}

/// Decodes the row, where there is one.
pub(crate) fn first<R: Row, T>(rows: &[R], decode: fn(&R) -> Option<T>) -> Result<Option<T>, Unavailable> {
    rows.first().map(|row| decode(row).ok_or_else(broken)).transpose()
}

/// Writes down that a stored row is not of our making.
pub(crate) fn broken() -> Unavailable {
    tracing::error!("a stored row does not decode");
    Unavailable
}

/// Sequence numbers with a space between them.
pub(crate) fn sequences(text: &[u8]) -> Option<Vec<u64>> {
    std::str::from_utf8(text).ok()?.split_terminator(' ').map(|number| number.parse().ok()).collect()
}

/// `sequence, context`
pub(crate) fn context<R: Row>(row: &R) -> Option<(u64, Vec<u8>)> {
    Some((row.int(0)?.try_into().ok()?, row.blob(1)?.to_vec()))
}

/// `tenant, id, kind, clinic, version, arrival, last_updated, routing, sealed`
pub(crate) fn record<R: Row>(row: &R) -> Option<StoredRecord> {
    Some(StoredRecord {
        tenant: TenantId(row.blob(0)?.try_into().ok()?),
        id: RecordId(row.blob(1)?.try_into().ok()?),
        kind: Kind::from_code(row.int(2)?.try_into().ok()?)?,
        clinic: row.blob(3).map(|clinic| clinic.try_into().map(ClinicId)).transpose().ok()?,
        version: row.int(4)?.try_into().ok()?,
        arrival: Timestamp(row.int(5)?),
        last_updated: Timestamp(row.int(6)?),
        routing: Routing::from_code(row.int(7)?.try_into().ok()?)?,
        sealed: row.blob(8)?.to_vec(),
    })
}

/// `tenant, id, compartment, generation, created, wrapped`
pub(crate) fn data_key<R: Row>(row: &R) -> Option<WrappedDataKey> {
    Some(WrappedDataKey {
        tenant: TenantId(row.blob(0)?.try_into().ok()?),
        id: DataKeyId(row.blob(1)?.try_into().ok()?),
        compartment: Compartment::from_bytes(row.blob(2)?)?,
        generation: row.int(3)?.try_into().ok()?,
        created: Timestamp(row.int(4)?),
        wrapped: row.blob(5)?.to_vec(),
    })
}

/// `tenant, generation, wrapped`
pub(crate) fn tenant_key<R: Row>(row: &R) -> Option<WrappedTenantKey> {
    Some(WrappedTenantKey {
        tenant: TenantId(row.blob(0)?.try_into().ok()?),
        generation: row.int(1)?.try_into().ok()?,
        wrapped: row.blob(2)?.to_vec(),
    })
}

/// `key, owner, tenant, revision, expires, sealed`
pub(crate) fn ticket<R: Row>(row: &R) -> Option<StoredTicket> {
    Some(StoredTicket {
        key: TicketKey(row.blob(0)?.try_into().ok()?),
        owner: Owner(row.blob(1)?.try_into().ok()?),
        tenant: TenantId(row.blob(2)?.try_into().ok()?),
        revision: row.int(3)?.try_into().ok()?,
        expires: Timestamp(row.int(4)?),
        sealed: row.blob(5)?.to_vec(),
    })
}

/// `chain, length, tag, time`
///
/// A length or a tag that cannot be one becomes one that fits no chain: verification then says where it is broken,
/// and not that the database does not answer.
pub(crate) fn head<R: Row>(row: &R) -> Option<(ChainId, ChainHead)> {
    let head = ChainHead {
        length: row.int(1)?.try_into().unwrap_or_default(),
        tag: row.blob(2)?.try_into().unwrap_or_default(),
        time: Timestamp(row.int(3)?),
    };
    Some((ChainId(row.blob(0)?.try_into().ok()?), head))
}

/// `segment, note`; a number that cannot be a segment's becomes the highest, which no chain reaches.
pub(crate) fn checkpoint<R: Row>(row: &R) -> Option<(u64, String)> {
    Some((row.int(0)?.try_into().unwrap_or(u64::MAX), row.text(1)?.to_owned()))
}
