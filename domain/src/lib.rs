//! The product without I/O: records, keys, audit, policy and the use cases.
//!
//! ```text
//!   adapters/hl7 ──► intake ──┐                       ┌──► Ledger  (link, commit, anchor)
//!                             ├─► access ─► record ───┤
//!   adapters/fhir ─► retrieval┘   decide    seal/open └──► Store   (load, find)
//! ```
//!
//! Six invariants, each with a test that bears its name:
//! 1. Nothing crosses a tenant.
//! 2. Clear content exists only in memory, and only behind a permit.
//! 3. No `AA` and no disclosure before its receipt.
//! 4. Record, index and audit rows appear together or not at all.
//! 5. The domain does no I/O, reads no clock and draws no randomness by itself.
//! 6. No log line, error, metric or acknowledgement carries patient data.
//!
//! Start reading at [`ports`] (what the domain asks of the world), then [`intake`] and [`retrieval`]
//! (what it does), then [`record`], [`audit`] and [`access`] (how it keeps its promises).
//! Deliberately absent: sockets, files, SQL, HL7 grammar, FHIR grammar, logging.
#![no_std]

extern crate alloc;
#[cfg(any(test, feature = "double"))]
extern crate std;

pub mod access;
pub mod administration;
pub mod alarm;
pub mod audit;
pub mod directory;
#[cfg(any(test, feature = "double"))]
pub mod double;
pub mod emergency;
pub mod id;
pub mod identity;
pub mod index;
pub mod intake;
pub mod journal;
pub mod keys;
pub mod kind;
pub mod launch;
pub mod ports;
pub mod rate;
pub mod record;
pub mod refusals;
pub mod retrieval;
pub mod secret;
pub mod sign_in;
pub mod supervision;
pub mod ticket;
pub mod time;
pub mod write;
