//! The audit trail: every act as an entry of 14 fields in a chain that cannot be changed unseen.

mod anchor;
mod breach;
mod canonical;
mod chain;
mod checkpoint;
mod context;
mod entry;
mod keys;
mod link;
mod merkle;
mod scan;
mod verify;

pub use anchor::{Anchor, AnchorFault, Anchors, SLOT_BYTES, SlotWrite, compare};
pub use breach::{Break, BreakKind};
pub use chain::{ChainHead, ChainId, SEGMENT_ENTRIES, segment_of};
pub use checkpoint::{Checkpoint, CheckpointKey, PublicKey, check_checkpoints};
pub use context::Context;
pub use entry::{Draft, LinkedEntry, Outcome, TEXT_LIMIT, UserId};
pub use keys::{AnchorKey, ChainKey, ChainKeys, SegmentKeys};
pub use link::link;
pub use merkle::Tree;
pub use scan::EntryView;
pub use verify::{Verified, Verifier};
