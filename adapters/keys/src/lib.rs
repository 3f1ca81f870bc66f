//! Custody of the root keys, and the vault that opens tenants' keys with them.
//!
//! ```text
//!   passphrase ─┐
//!   support code├─► slot ─► roots ─► vault ─► tenant key (generations) ─► data keys
//!   credential ─┘  (custody file)   (memory)  (database, wrapped)         (database, wrapped)
//! ```
//!
//! The roots are never on disk in clear. Start at [`custody`] (how the roots are made and opened),
//! then [`vault`] (how everything below them is).

pub mod custody;
pub mod entropy;
pub mod file;
pub mod vault;
