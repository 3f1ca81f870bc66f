//! The audit trail: every act as an entry of 14 fields, in a chain that nobody can change unseen.
//!
//! ```text
//!   Draft ─link()─► LinkedEntry ─► store (verbatim) ─► Verifier ─► Verified │ Break
//!     who, what,      + sequence_number                  own scanner,
//!     how it ended    + prior_entry_mac                  own MAC framing
//!                     + entry_mac
//!
//!   chain of a tenant        1 ◄── 2 ◄── 3 ◄── … ◄── 65,536 │ 65,537 ◄── …
//!                            └────── segment 0 ───────────┘   └─ segment 1, open
//!                                        │                            │
//!                                 signed Checkpoint             Anchor: length and MAC of the
//!                                 (Merkle root, Ed25519)        head, in a file of its own
//! ```
//!
//! An entry, shown over several lines; stored and exported on one, without spaces (RFC 8785):
//!
//! ```text
//!   {"action":"read","after_hash":"hex"|null,"before_hash":"hex"|null,"correlation_id":"uuid","entry_mac":"hex",
//!    "outcome":"success","prior_entry_mac":"hex","resource_id":"…","resource_type":"DiagnosticReport",
//!    "schema_version":1,"sequence_number":7,"user_id":{"display":"…","id":"…"},
//!    "utc_timestamp":"2026-11-21T09:30:00.125Z","workstation_id":"…"}
//! ```
//!
//! Never: an entry without its act or an act without its entry (they commit in one [`crate::write::WriteSet`]);
//! a fifteenth field (what has no place goes into the sealed [`Context`]); a patient's name in a field;
//! an entry of one chain that means something in another (the chain id is in every MAC).
//!
//! What is found, and by what: a changed, inserted, removed, moved or doubled entry by the [`Verifier`] alone; a
//! cut tail or an older database by an [`Anchor`] ([`check_tips`] before anything is added), and by any checkpoint kept elsewhere; all of it in an
//! export, by [`ExportVerifier`] and by `conformance/audit/verify_export.py`, which was written apart.
//!
//! Start reading at [`Draft`], then [`link()`], then [`Verifier`]. Deliberately absent: reading and writing the
//! database and the anchor file, sealing the context, deciding what is recorded.

mod anchor;
mod breach;
mod canonical;
mod chain;
mod checkpoint;
mod contents;
mod context;
mod entry;
mod export;
mod key_file;
mod keys;
mod link;
mod merkle;
mod scan;
#[cfg(test)]
mod tests;
mod tips;
mod verify;

pub use anchor::{Anchor, AnchorFault, Anchors, SLOT_BYTES, SlotWrite, compare};
pub use breach::{Break, BreakKind};
pub use canonical::as_recorded;
pub use chain::{ChainHead, ChainId, SEGMENT_ENTRIES, segment_of};
pub use checkpoint::{Checkpoint, CheckpointKey, PublicKey, check_checkpoints};
pub use contents::{Contents, NotRead, Stated};
pub use context::Context;
pub use entry::{Draft, LinkedEntry, Outcome, TEXT_LIMIT, UserId};
pub use export::{ExportHeader, ExportVerifier, ExportWriter};
pub use key_file::SegmentKeyFile;
pub use keys::{AnchorKey, ChainKey, ChainKeys, SegmentKeys};
pub use link::link;
pub use merkle::Tree;
pub use scan::EntryView;
pub use tips::{TipFault, check_tips};
pub use verify::{SegmentRoots, Verified, Verifier};
