//! Opaque sealed cursors: the question and where its next page begins, readable by nobody and good for one caller.
//!
//! A link is fetched with its address in the clear of logs and proxies, so the question, which may name a
//! patient, travels inside the cursor and not beside it.

use super::{Caller, Retrieval};
use crate::id::{CorrelationId, RecordId};
use crate::keys::Compartment;
use crate::kind::Kind;
use crate::ports::KeyFault;
use crate::record;
use crate::time::Timestamp;
use alloc::string::{String, ToString};
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
    /// Altered, or given to another caller or for another type.
    Invalid,
    /// Older than [`CURSOR_SECONDS`].
    Expired,
    /// The keys do not answer.
    Unavailable,
}

impl Position {
    /// The place before everything.
    pub const START: Self = Self { arrival: Timestamp(0), id: RecordId([0; 16]), skip: 0 };

    /// `issued i64 | arrival i64 | record 16 | skip u32 | question`
    fn to_bytes(self, issued: Timestamp, question: &str) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(question.len().saturating_add(36));
        bytes.extend_from_slice(&issued.0.to_be_bytes());
        bytes.extend_from_slice(&self.arrival.0.to_be_bytes());
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&self.skip.to_be_bytes());
        bytes.extend_from_slice(question.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<(Timestamp, Self, String)> {
        let (issued, rest) = bytes.split_first_chunk::<8>()?;
        let (arrival, rest) = rest.split_first_chunk::<8>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (skip, question) = rest.split_first_chunk::<4>()?;
        let position = Self {
            arrival: Timestamp(i64::from_be_bytes(*arrival)),
            id: RecordId(*id),
            skip: u32::from_be_bytes(*skip),
        };
        let question = str::from_utf8(question).ok()?.to_string();
        Some((Timestamp(i64::from_be_bytes(*issued)), position, question))
    }
}

impl Retrieval {
    /// Seals a question and a position for this caller; the bytes say nothing to anybody.
    ///
    /// # Errors
    /// [`CursorFault::Unavailable`].
    pub async fn seal_cursor(
        &self,
        caller: &Caller,
        kind: Kind,
        question: &str,
        position: &Position,
    ) -> Result<Vec<u8>, CursorFault> {
        let tenant = caller.subject.tenant;
        let held = self.vault.current(tenant, Compartment::Context).await.map_err(|_| CursorFault::Unavailable)?;
        let clear = position.to_bytes(self.clock.now(), question);
        record::seal_cursor(&held.key, &self.cursor_binding(caller, kind), &clear, self.entropy.as_ref())
            .map_err(|_| CursorFault::Unavailable)
    }

    /// Opens a cursor of this caller for this type: the position and the question.
    ///
    /// # Errors
    /// [`CursorFault`].
    pub async fn open_cursor(
        &self,
        caller: &Caller,
        kind: Kind,
        sealed: &[u8],
    ) -> Result<(Position, String), CursorFault> {
        let heading = record::heading(sealed).map_err(|_| CursorFault::Invalid)?;
        let key = match self.vault.find(caller.subject.tenant, heading.data_key).await {
            Ok(key) => key,
            Err(KeyFault::Unavailable) => return Err(CursorFault::Unavailable),
            Err(KeyFault::Missing | KeyFault::Broken) => return Err(CursorFault::Invalid),
        };
        let clear =
            record::open_cursor(&key, &self.cursor_binding(caller, kind), sealed).map_err(|_| CursorFault::Invalid)?;
        let (issued, position, question) = Position::from_bytes(&clear).ok_or(CursorFault::Invalid)?;
        if issued.plus_seconds(CURSOR_SECONDS) < self.clock.now() {
            return Err(CursorFault::Expired);
        }
        Ok((position, question))
    }

    fn cursor_binding<'a>(&self, caller: &'a Caller, kind: Kind) -> record::ContextBinding<'a> {
        let secrets = self.vault.secrets(caller.subject.tenant);
        record::ContextBinding {
            tenant: caller.subject.tenant,
            resource_id: &caller.subject.principal.id,
            after: secrets.content.mac(kind.name().as_bytes()),
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
        let bytes = position.to_bytes(Timestamp(5), "patient=é");
        assert_eq!(Position::from_bytes(&bytes), Some((Timestamp(5), position, "patient=é".to_string())));
        assert_eq!(Position::from_bytes(&[0; 35]), None);
    }
}
