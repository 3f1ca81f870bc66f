//! OBX-11: where an observation stands.

use std::borrow::Cow;

use r4::json::Object;
use r4::tables::{observation_status, uri};

use super::super::code::write_alternate_code;
use super::super::issue::Issue;
use super::super::log::Row;
use super::logical::Logical;

/// Writes the status; never `final` for a code that is missing or unknown.
pub(super) fn write_status(json: &mut Object<'_>, row: &Row<'_>, status: &str, has_value: bool) {
    match observation_status(status, has_value) {
        Some(known) => {
            if known.code == "unknown" {
                row.issue(11, Issue::StatusContradicted);
            }
            json.text("status", known.code);
            if !known.exact {
                write_alternate_code(json, "status", uri::V2_0085, status.trim());
            }
        }
        None if status.trim().is_empty() => {
            row.issue(11, Issue::StatusAbsent);
            json.text("status", "unknown");
        }
        None => {
            row.issue(11, Issue::StatusUnknown);
            json.text("status", "unknown");
            write_alternate_code(json, "status", uri::V2_0085, status);
        }
    }
}

/// The status of the least final row (OBX-11 is each row's own, HL7 v2.5.1 §7.4.2.11): the whole is no surer than its parts.
///
/// A row behind the first that has no status goes with the others.
pub(super) fn least_final<'m>(logical: &Logical<'m, '_>, head: &Row<'m>) -> Cow<'m, str> {
    let own = head.take(11, "status").text();
    let further = logical.rows.iter().skip(1).map(|joined| joined.noted.segment.field(11).text());
    let least = further.filter(|status| !status.trim().is_empty()).min_by_key(|status| finality(status));
    match least {
        Some(least) if finality(&least) < finality(&own) => {
            head.issue(11, Issue::StatusDiffers);
            least
        }
        _ => own,
    }
}

/// How far a status is from being known to be final. A correction or amendment of one row is one of the whole.
fn finality(status: &str) -> u8 {
    match observation_status(status, false).map(|known| known.code) {
        None | Some("unknown") => 0,
        Some("registered") => 1,
        Some("preliminary") => 2,
        Some("corrected") => 3,
        Some("amended") => 4,
        Some("final") => 5,
        Some(_) => 6,
    }
}

/// Whether any row brings a value.
pub(super) fn has_value(logical: &Logical<'_, '_>) -> bool {
    logical.rows.iter().map(|joined| joined.noted.segment.field(5)).any(|value| !value.is_empty() && !value.is_null())
}
