//! HL7 v2 results in over MLLP, and their acknowledgements out.
//!
//! ```text
//! listener::serve ─ connection ─ frame::Frames ─► Service::receive ─► Reply
//!                                                   │ message::read_envelope, judge, read
//!                                                   │ mapping
//!                                                   └ acknowledgement::acknowledge
//! ```
//!
//! Never: an answer before the service said so; two messages made one; bytes of a frame dropped without being counted or handed
//! over as bad; content of a message in a log line, an error or an acknowledgement; a panic or unbounded memory whatever
//! arrives.
//!
//! Start reading at [`listener::serve`] for the network, at [`message::read`] for the content.
//!
//! For fuzzing, three functions take any bytes and must only return: [`message::read`], [`message::read_envelope`] and
//! [`frame::FrameCodec`]'s `decode`.

pub mod acknowledgement;
mod connection;
mod counters;
mod delivery;
pub mod frame;
pub mod listener;
pub mod mapping;
pub mod message;
pub mod replay;
pub mod send;
pub mod service;
mod turns;

pub use counters::{Counter, Counters};
pub use delivery::{BoxFuture, Delivery, Fingerprint, Received, Reply, Service};
