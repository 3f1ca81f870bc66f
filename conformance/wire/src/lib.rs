//! Conformance cases for any endpoint that takes HL7 v2 over MLLP, serves FHIR R4 over HTTP, or is
//! provisioned by SCIM 2.0.
//!
//! ```text
//!   vectors ──► suite (mllp, fhir, sso, scim) ──► case: send, listen, judge ──► finding ──► report (text, JSON, JUnit)
//!                     │ bench: the endpoint and what the tester said about it
//! ```
//!
//! Nothing here knows the product: no type, no parser and no code of the gateway is used, only the protocols.
//! A case stands for one clause and names it; a suite is a list of cases in files named after the clause's chapter.
//!
//! - Never a pass for what was not done: an optional feature that is left out shows as a skip, with its reason.
//! - Never a failure without its evidence: what was sent, what came back, and a shell line that shows it again.
//! - Never real patients: all vectors are made up, and the tool is meant for test endpoints only.
//!
//! Start reading at [`case`], then [`mllp`].

pub mod case;
pub mod fhir;
pub mod hl7;
pub mod mllp;
pub mod report;
pub mod scim;
pub mod show;
pub mod sso;
pub mod tls;
pub mod vectors;
