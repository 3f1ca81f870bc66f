//! The lines of an export that are not entries.

use crate::audit::ChainId;
use crate::audit::checkpoint::{decimal, hash, key_name};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

/// The first line of an export.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportHeader {
    /// The chain, as text.
    pub chain: String,
    /// Sequence number of the first entry.
    pub from: u64,
    /// MAC of the entry before it, hex.
    pub prior_mac: String,
    /// The key that signs, as a C2SP verifier key. Says which key to ask for; trust needs another way.
    pub public_key: String,
    /// Version of this form: 1.
    pub sealgate_audit_export: u8,
    /// Sequence number of the last entry; `from - 1` when there is none.
    pub to: u64,
}

impl ExportHeader {
    /// Reads the first line; `None` when it does not begin an export of this version.
    #[must_use]
    pub fn read(line: &[u8]) -> Option<Self> {
        let header: Self = canonical(line)?;
        let chain = header.chain_id().is_some_and(|chain| chain.to_string() == header.chain);
        let range = header.from > 0 && header.from.saturating_sub(1) <= header.to && header.to < LAST_NUMBER;
        let prior =
            header.prior_mac.len() == 64 && header.prior_mac.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let known = header.sealgate_audit_export == 1 && chain && range && prior;
        known.then_some(header)
    }

    /// Returns the chain.
    #[must_use]
    pub fn chain_id(&self) -> Option<ChainId> {
        self.chain.parse().ok()
    }
}

/// A line with the checkpoint of a segment.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckpointLine {
    pub(super) checkpoint: String,
    pub(super) segment: u64,
}

/// The last line.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealLine {
    pub(super) seal: String,
}

/// What the note in the last line states.
#[derive(PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) chain: ChainId,
    pub(super) from: u64,
    pub(super) count: u64,
    pub(super) checkpoints: u64,
    pub(super) root: [u8; 32],
}

impl Seal {
    /// Renders the text that is signed.
    pub(super) fn to_body(&self) -> String {
        let origin = key_name(self.chain);
        let root = STANDARD.encode(self.root);
        format!("{origin}/export\n{}\n{root}\nfrom {}\ncheckpoints {}\n", self.count, self.from, self.checkpoints)
    }

    /// Reads the text that was signed.
    pub(super) fn from_body(chain: ChainId, body: &str) -> Option<Self> {
        let mut lines = body.lines();
        let origin = lines.next()?.strip_suffix("/export")?;
        let count = decimal(lines.next()?)?;
        let root = hash(lines.next()?)?;
        let from = decimal(lines.next()?.strip_prefix("from ")?)?;
        let checkpoints = decimal(lines.next()?.strip_prefix("checkpoints ")?)?;
        let seal = Self { chain, from, count, checkpoints, root };
        (origin == key_name(chain) && lines.next().is_none()).then_some(seal)
    }
}

/// Reads a line that is exactly what [`render`] writes: members sorted, no spaces, one form of every escape.
pub(super) fn canonical<T: Serialize + serde::de::DeserializeOwned>(line: &[u8]) -> Option<T> {
    let value = serde_json::from_slice(line).ok()?;
    (serde_json::to_vec(&value).ok()? == line).then_some(value)
}

/// Writes a line; the members of the forms above are declared in sorted order.
pub(super) fn render(out: &mut Vec<u8>, value: &impl Serialize) {
    // Texts and numbers into memory: nothing here can fail.
    out.extend_from_slice(&serde_json::to_vec(value).unwrap_or_default());
    out.push(b'\n');
}

/// The first integer that RFC 8785 cannot write exactly.
const LAST_NUMBER: u64 = 1 << 53;
