//! MLLP framing: `0B` payload `1C 0D`, as it is met in the field (MLLP release 1).
//!
//! [`FrameCodec`] cuts a stream of bytes into [`Event`]s without I/O; [`Frames`] runs it over a connection with deadlines.
//! Never: two messages in one frame merged, a frame's bytes lost without an event, more memory than the frame limit,
//! nor by all of a listener together more than its budget.
//!
//! | met | done |
//! |---|---|
//! | bytes before VT | discarded up to a limit, only their number told |
//! | FS without CR | data; the end if VT or the end of the stream follows, or 500 ms of silence |
//! | VT and `MSH` inside an open frame | the first is bad, a new one begins |
//! | VT inside an open frame otherwise | data |
//! | end of the stream, or the deadline, inside a frame | bad |
//! | nothing between VT and FS CR | told and skipped |
//! | more than the limit | bad, close |
//! | HTTP, TLS or SSH where MLLP should begin | told by name, close |

mod budget;
mod codec;
mod event;
mod frames;

pub use budget::{FrameBudget, UNBUDGETED_BYTES};
pub use codec::{FrameCodec, FrameLimits, wrap};
pub use event::{BadReason, Event, Foreign};
pub use frames::{Closed, Deadlines, Frames, Next};
