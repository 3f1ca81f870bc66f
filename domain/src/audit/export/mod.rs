//! An export of a chain: JSON Lines that can be checked without the database and without us.
//!
//! ```text
//!   {"chain":"<id>","from":F,"prior_mac":"hex","public_key":"name+hash+key","sealgate_audit_export":1,"to":T}
//!   {"checkpoint":"<note>","segment":0}       checkpoints of the segments before entry F
//!   {"action":…                               entries F to T, their canonical bytes, one a line
//!   {"checkpoint":"<note>","segment":1}       each behind the last entry of its segment
//!   {"seal":"<note>"}                         closes the export
//! ```
//!
//! The seal is a signed note like a checkpoint: origin `sealgate/audit/<chain id>/export`, number of exported
//! entries, Merkle root over them, and two extension lines `from F` and `checkpoints N`. So an auditor who trusts the public key can
//! check an export of any range, whole, without a secret. With the segment keys ([`SegmentKeyFile`]) every MAC
//! is checked too, which tells *which* entry was changed.

mod form;
mod verify;
mod write;

pub use form::ExportHeader;
pub use verify::ExportVerifier;
pub use write::ExportWriter;
