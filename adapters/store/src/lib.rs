//! Keeps records, index, keys, chains and tickets in SQLite or PostgreSQL, and makes writes durable and chained.
//!
//! ```text
//!   use case ──WriteSet──► Recorder ──Batch──► Store::commit ──► one transaction, one fsync
//!                             │                  (SqlStore over SQLite or PostgreSQL)
//!                             └── heads ──► AnchorFile, outside the database
//! ```
//!
//! - Never answers a write before it is on disk and in its chain ([`Recorder`]).
//! - Never applies half a batch: heads, entries, records, terms and claims are one transaction.
//! - Never lets one caller's duplicate refuse another caller's message.
//! - Never writes database text or values to a log: codes only.
//!
//! Tickets (sign-ins, sessions, tokens) are written beside the recorder, by a queue of their own (`tickets`).
//!
//! Start reading at [`open_sqlite`] and [`Recorder`]; then `commit` (how a batch is applied) and `statements`
//! (all SQL there is). What the two databases do differently is in `sqlite` and `postgres`, behind `engine`.
//!
//! Deliberately absent: keys and clear content (the sealed form is opaque here), and row-level security: a commit
//! carries several tenants and a read is one round trip, so setting a tenant would double the cost of reading. The
//! tenant is the first column of every key and of every question instead, and the data keys are the second fence.

mod anchor_file;
mod checkpoints;
mod commit;
mod decode;
mod engine;
mod find;
mod metrics;
mod open;
mod postgres;
mod recorder;
mod sqlite;
mod statements;
mod store;
mod tickets;

pub use anchor_file::{AnchorFile, AnchorFileError};
pub use metrics::{COMMIT_BUCKETS_MS, Snapshot};
pub use open::{Database, OpenError, Options, open_postgres, open_sqlite};
pub use recorder::{MAX_BATCH_BYTES, MAX_BATCH_MEMBERS, QUEUE_MEMBERS, Recorder};
