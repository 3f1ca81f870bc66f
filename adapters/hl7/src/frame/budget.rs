//! The memory that the open frames of one listener share.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that large frames may hold together while they arrive and are dealt with.
///
/// A frame that outgrows [`UNBUDGETED_BYTES`] takes room for the longest frame there may be, all at once: two frames
/// that each had half could otherwise wait for each other.
#[derive(Clone)]
pub struct FrameBudget {
    bytes: Arc<Semaphore>,
    frame_bytes: u32,
}

/// Bytes of a frame that need no room in the budget; 64 KiB, which nearly every message stays below.
pub const UNBUDGETED_BYTES: usize = 64 * 1024;

impl FrameBudget {
    /// Makes a budget of `open_frame_bytes`, or of one frame of `frame_bytes` where that is more.
    #[must_use]
    pub fn new(open_frame_bytes: usize, frame_bytes: usize) -> Self {
        let frame_bytes = u32::try_from(frame_bytes).unwrap_or(u32::MAX);
        let least = usize::try_from(frame_bytes).unwrap_or(usize::MAX);
        let bytes = open_frame_bytes.max(least).min(Semaphore::MAX_PERMITS);
        Self { bytes: Arc::new(Semaphore::new(bytes)), frame_bytes }
    }

    /// Waits for room for one frame, in the order of asking.
    pub(super) async fn room(&self) -> Room {
        // The semaphore is never closed; if it were, no large frame would be read any more.
        match Arc::clone(&self.bytes).acquire_many_owned(self.frame_bytes).await {
            Ok(room) => Room(room),
            Err(_) => std::future::pending().await,
        }
    }
}

/// Room for one frame, until it is dropped.
pub(super) struct Room(#[expect(dead_code, reason = "held, not looked at")] OwnedSemaphorePermit);
