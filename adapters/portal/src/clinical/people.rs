//! Who carried something out.

use super::patient::Patient;
use super::read::{concepts, text};
use domain::id::RecordId;
use domain::kind::Kind;
use r4::scan::Json;

/// Returns the name of a practitioner, organization or role.
pub(crate) fn name_of(kind: Kind, id: RecordId, content: &str) -> String {
    let json = Json::of(content);
    match kind {
        // A practitioner's name has the form of a patient's.
        Kind::Practitioner => Patient::read(id, content).name(),
        Kind::PractitionerRole => concepts(json, "code").join(", "),
        _ => text(json, "name"),
    }
}
