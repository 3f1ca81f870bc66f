//! What a sealed record is tied to.

use super::Heading;
use crate::id::{ClinicId, RecordId, TenantId};
use crate::keys::{Compartment, Fields};
use crate::kind::Kind;
use crate::write::Version;

/// The schema of what is sealed: what [`super::content`] draws.
pub const SCHEMA: u16 = 1;

/// Where a sealed record belongs. It opens there and nowhere else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Binding {
    /// The tenant.
    pub tenant: TenantId,
    /// The clinic; `None` belongs to the whole tenant.
    pub clinic: Option<ClinicId>,
    /// The compartment, whose data key seals it.
    pub compartment: Compartment,
    /// The kind.
    pub kind: Kind,
    /// The id.
    pub id: RecordId,
    /// The version.
    pub version: Version,
}

impl Binding {
    /// Returns the authenticated data of the record.
    ///
    /// ```text
    ///   each field: length u32 | bytes          big-endian
    ///   "SGR1" | suite u8 | tenant 16 | clinic 16 or empty | compartment 17 | kind u8 | id 16 | version u32
    ///          | schema u16 | kek_generation u32 | dek_id 16 | column "record"
    /// ```
    pub(super) fn aad(&self, heading: &Heading) -> Fields {
        Fields::of("SGR1")
            .with(&[heading.suite.code()])
            .with(self.tenant.as_bytes())
            .with(self.clinic.as_ref().map_or(&[], |clinic| clinic.as_bytes().as_slice()))
            .with(&self.compartment.to_bytes())
            .with(&[self.kind.code()])
            .with(self.id.as_bytes())
            .with(&self.version.to_be_bytes())
            .with(&SCHEMA.to_be_bytes())
            .with(&heading.kek_generation.to_be_bytes())
            .with(heading.data_key.as_bytes())
            .with(b"record")
    }
}
