//! The audit trail: every act as an entry of 14 fields in a chain that cannot be changed unseen.

mod breach;
mod canonical;
mod chain;
mod context;
mod entry;
mod keys;
mod link;

pub use breach::{Break, BreakKind};
pub use chain::{ChainHead, ChainId, SEGMENT_ENTRIES, segment_of};
pub use context::Context;
pub use entry::{Draft, LinkedEntry, Outcome, TEXT_LIMIT, UserId};
pub use keys::{AnchorKey, ChainKey, ChainKeys, SegmentKeys};
pub use link::link;
