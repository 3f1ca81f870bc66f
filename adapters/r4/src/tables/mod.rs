//! HL7 v2 tables as FHIR codes, after the v2-to-FHIR guide and without its mistakes.
//!
//! Each table is one function from a v2 code to what FHIR calls it. Codes are matched without regard to case or white space
//! around them. Where the guide has no match, or a plainly wrong one (`CA`, a cancel request, as `active`), the choice and its
//! reason stand beside the row.

mod category;
mod confidentiality;
mod encounter;
mod interpretation;
mod person;
mod status;
mod system;
pub mod uri;

pub use category::{Section, section};
pub use confidentiality::confidentiality;
pub use encounter::{encounter_class, encounter_status};
pub use interpretation::interpretation;
pub use person::{
    Telecom, address_type, address_use, ethnicity, gender, is_race_category, marital_status, name_use, telecom_system,
    telecom_use,
};
pub use status::{Status, observation_status, order_control, order_status, priority, report_status};
pub use system::{authority_uri, coding_system, is_hl7_table, oid_system};

/// A code together with its system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Coded {
    /// The code system.
    pub system: &'static str,
    /// The code.
    pub code: &'static str,
}

/// Trims a code and puts it into capitals; the empty text for one too long to be any.
fn folded(code: &str, buffer: &mut [u8; 16]) -> usize {
    let code = code.trim().as_bytes();
    match buffer.get_mut(..code.len()) {
        Some(space) => {
            space.copy_from_slice(code);
            space.make_ascii_uppercase();
            code.len()
        }
        None => 0,
    }
}

/// Looks a code up in a table, without regard to case or white space around it.
fn look_up<T>(code: &str, find: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    let mut buffer = [0u8; 16];
    let length = folded(code, &mut buffer);
    let folded = core::str::from_utf8(buffer.get(..length)?).ok()?;
    find(folded)
}
