//! The gateway: configuration, composition, commands; nothing else.
//!
//! ```text
//!   main ─► cli ─► config ─► installation (roots, database, ledger) ─► compose (listeners, FHIR, operations)
//!                                   └─► commands
//! ```
//!
//! Start reading at [`compose`] for what runs, at [`cli`] for what people type.

pub mod admission;
pub mod alarms;
pub mod application_keys;
pub mod break_glass;
pub mod chains;
pub mod cli;
pub mod clock;
pub mod commands;
pub mod compose;
pub mod config;
pub mod contexts;
pub mod diagnosis;
pub mod endings;
pub mod exit;
pub mod id_token_keys;
pub mod installation;
pub mod log;
pub mod metrics;
pub mod operations;
pub mod output;
pub mod process;
pub mod records;
mod run;
pub mod sign_on;
pub mod sweep;
pub mod tls;
pub mod trail;
pub mod watch;
pub mod witness;

pub use run::run;
