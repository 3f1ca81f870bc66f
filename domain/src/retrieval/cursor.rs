//! Opaque sealed cursors: where the next page begins, readable by nobody and good for one caller and question.

use super::{Caller, Retrieval};
use crate::id::{CorrelationId, RecordId};
use crate::keys::Compartment;
use crate::record;
use crate::time::Timestamp;
use alloc::vec::Vec;

/// How long a cursor is good, in seconds: one day.
pub const CURSOR_SECONDS: i64 = 86_400;

/// A place in the order of results: a record, and how many of its members were passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The record's arrival.
    pub arrival: Timestamp,
    /// The record.
    pub id: RecordId,
    /// Members of it that were passed.
    pub skip: u32,
}

/// Why a cursor is not accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorFault {
    /// Altered, or given to another caller or for another question.
    Invalid,
    /// Older than [`CURSOR_SECONDS`].
    Expired,
    /// The keys do not answer.
    Unavailable,
}

impl Position {
    /// The place before everything.
    pub const START: Self = Self { arrival: Timestamp(0), id: RecordId([0; 16]), skip: 0 };

    fn to_bytes(self, issued: Timestamp) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(36);
        bytes.extend_from_slice(&issued.0.to_be_bytes());
        bytes.extend_from_slice(&self.arrival.0.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.skip.to_be_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<(Timestamp, Self)> {
        let (issued, rest) = bytes.split_first_chunk::<8>()?;
        let (arrival, rest) = rest.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let skip = <[u8; 4]>::try_from(rest).ok()?;
        let position = Self {
            arrival: Timestamp(i64::from_be_bytes(*arrival)),
            id: RecordId(*id),
            skip: u32::from_be_bytes(skip),
        };
        Some((Timestamp(i64::from_be_bytes(*issued)), position))
    }
}

impl Retrieval {
    /// Seals a position for this caller and question; the bytes say nothing to anybody.
    ///
    /// # Errors
    /// [`CursorFault::Unavailable`].
    pub async fn seal_cursor(
        &self,
        caller: &Caller,
        question: &[u8],
        position: &Position,
    ) -> Result<Vec<u8>, CursorFault> {
        let tenant = caller.subject.tenant;
        let held = self.vault.current(tenant, Compartment::Context).await.map_err(|_| CursorFault::Unavailable)?;
        let binding = self.cursor_binding(caller, question);
        record::seal_cursor(&held.key, &binding, &position.to_bytes(self.clock.now()), self.entropy.as_ref())
            .map_err(|_| CursorFault::Unavailable)
    }

    /// Opens a cursor of this caller and question.
    ///
    /// # Errors
    /// [`CursorFault`].
    pub async fn open_cursor(&self, caller: &Caller, question: &[u8], sealed: &[u8]) -> Result<Position, CursorFault> {
        let heading = record::heading(sealed).map_err(|_| CursorFault::Invalid)?;
        let key = self.vault.find(caller.subject.tenant, heading.data_key).await.map_err(|_| CursorFault::Invalid)?;
        let binding = self.cursor_binding(caller, question);
        let clear = record::open_cursor(&key, &binding, sealed).map_err(|_| CursorFault::Invalid)?;
        let (issued, position) = Position::from_bytes(&clear).ok_or(CursorFault::Invalid)?;
        if issued.plus_seconds(CURSOR_SECONDS) < self.clock.now() {
            return Err(CursorFault::Expired);
        }
        Ok(position)
    }

    fn cursor_binding<'a>(&self, caller: &'a Caller, question: &[u8]) -> record::ContextBinding<'a> {
        let secrets = self.vault.secrets(caller.subject.tenant);
        record::ContextBinding {
            tenant: caller.subject.tenant,
            resource_id: &caller.subject.principal.id,
            after: secrets.content.mac(question),
            correlation: CorrelationId(*b"sealgate/cursor/"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_from_its_bytes() {
        let position = Position { arrival: Timestamp(7), id: RecordId([9; 16]), skip: 3 };
        assert_eq!(Position::from_bytes(&position.to_bytes(Timestamp(5))), Some((Timestamp(5), position)));
        assert_eq!(Position::from_bytes(&[0; 35]), None);
    }
}
