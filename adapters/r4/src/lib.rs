//! FHIR R4 content without I/O: exact JSON text in, exact JSON text out.
//!
//! ```text
//!   mapping ──► json    writes resources, numbers as the text they had
//!               merge   joins what is stored with what came
//!               tables  codes and systems
//!   reading ──► scan    walks stored text in place
//!               meta    splices version and time in
//!               search  reads questions, asks the index, tests the text
//!               bundle, outcome, capability, signed_in   what the server authors itself
//! ```
//! Never: content parsed into structs and written back, a number that passes through floating point, a value in an
//! error. fhir-sdk gives the codes of what is authored here, and judges it whole in `tests/oracle.rs`; the shipped
//! code never deserialises with it, since that drops what it does not know.

pub mod bundle;
pub mod capability;
pub mod json;
pub mod labels;
pub mod merge;
pub mod meta;
pub mod outcome;
mod pretty;
pub mod scan;
pub mod search;
pub mod signed_in;
pub mod tables;

pub use pretty::pretty;
