//! Laws of the audit trail, and what each way of meddling with it is answered with.
#![expect(clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

mod anchors;
mod canonical;
mod meddling;
mod segments;

use super::{ChainHead, ChainId, ChainKeys, Draft, LinkedEntry, Outcome, UserId, link};
use crate::id::CorrelationId;
use crate::keys::ContentMac;
use crate::secret::Secret;
use crate::time::Timestamp;
use std::string::ToString;
use std::vec::Vec;
use std::{format, vec};

pub(super) const CHAIN: ChainId = ChainId([0xc1; 16]);

pub(super) fn root() -> Secret<32> {
    Secret::new([7; 32])
}

pub(super) fn keys() -> ChainKeys {
    ChainKeys::derive(&root())
}

/// The `n`-th of a series of acts, no two alike.
pub(super) fn draft(n: u64) -> Draft {
    let byte = u8::try_from(n % 251).unwrap();
    Draft {
        chain: CHAIN,
        time: Timestamp(1_795_253_400_000_000 + i64::try_from(n).unwrap() * 1_250_000),
        user: UserId { id: format!("client-{}", n % 3), display: "Ward system \"North\"".to_string() },
        workstation: "fhir.clinic-1.example".to_string(),
        action: if n.is_multiple_of(2) { "read" } else { "update" }.to_string(),
        resource_type: "DiagnosticReport".to_string(),
        resource_id: format!("{}", crate::id::RecordId::from_random([byte; 16])),
        outcome: if n.is_multiple_of(5) { Outcome::Denied } else { Outcome::Success },
        before: None,
        after: (!n.is_multiple_of(2)).then_some(ContentMac([byte; 32])),
        correlation: CorrelationId::from_random([byte; 16]),
        context: None,
    }
}

/// Links the first `count` acts of the series, `offset` of them into it, to the empty chain.
pub(super) fn chain_of(count: u64, offset: u64) -> (Vec<LinkedEntry>, ChainHead) {
    let drafts: Vec<Draft> = (offset..offset + count).map(draft).collect();
    link(&mut keys(), CHAIN, ChainHead::EMPTY, &drafts)
}

/// Renders entries as the lines of an entry block.
pub(super) fn lines(entries: &[LinkedEntry]) -> Vec<Vec<u8>> {
    entries.iter().map(|entry| line(entry.sequence, &entry.bytes)).collect()
}

pub(super) fn line(column: u64, bytes: &[u8]) -> Vec<u8> {
    let mut line = vec![];
    line.extend_from_slice(column.to_string().as_bytes());
    line.push(b' ');
    line.extend_from_slice(bytes);
    line.push(b'\n');
    line
}

/// Only in tests, where every text is made up: what a failing case was.
impl core::fmt::Debug for Draft {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let texts = [
            &self.user.id,
            &self.user.display,
            &self.workstation,
            &self.action,
            &self.resource_type,
            &self.resource_id,
        ];
        write!(f, "Draft({:?}, {:?}, {:?}, {:?})", self.time, texts, self.outcome, self.correlation)
    }
}
