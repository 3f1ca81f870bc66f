//! What a listener counts; the gateway's metrics read it.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::acknowledgement::AckCode;

/// Counters of one listener. All only grow, but for `open`.
#[derive(Debug, Default)]
pub struct Counters {
    /// Connections open now.
    pub open: Counter,
    /// Connections accepted.
    pub connections: Counter,
    /// Times a connection had to wait because the limit was reached.
    pub at_limit: Counter,
    /// Connections closed at once because no interface expects their address.
    pub strangers: Counter,
    /// TLS handshakes that failed or took too long.
    pub handshakes_failed: Counter,
    /// Connections closed because nothing was heard.
    pub idle_closed: Counter,
    /// Connections that spoke another protocol.
    pub foreign: Counter,
    /// Frames handed to the service.
    pub frames: Counter,
    /// Bytes in those frames.
    pub frame_bytes: Counter,
    /// Frames that ended with FS alone.
    pub lenient_ends: Counter,
    /// Frames that could not be taken as one.
    pub bad_frames: Counter,
    /// Frames without content.
    pub empty_frames: Counter,
    /// Commit blocks of MLLP release 2.
    pub commit_blocks: Counter,
    /// Bytes outside frames.
    pub junk_bytes: Counter,
    /// Acknowledgements that arrived as messages and were dropped; counted by the service.
    pub acknowledgements_received: Counter,
    /// Answers with AA; counted by the service through [`Counters::acknowledged`].
    pub accepted: Counter,
    /// Answers with AE.
    pub errors: Counter,
    /// Answers with AR.
    pub rejected: Counter,
    /// Frames left without an answer.
    pub unanswered: Counter,
    /// Answers that could not be written.
    pub write_failures: Counter,
}

impl Counters {
    /// Counts an answer by its code.
    pub fn acknowledged(&self, code: AckCode) {
        match code {
            AckCode::ApplicationAccept => self.accepted.add(1),
            AckCode::ApplicationError => self.errors.add(1),
            AckCode::ApplicationReject => self.rejected.add(1),
        }
    }
}

/// One number, shared.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The number now.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Adds to it.
    pub fn add(&self, count: usize) {
        self.0.fetch_add(u64::try_from(count).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// Takes one away.
    pub(crate) fn drop_one(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
