//! Table 0004: what sort of visit it is.

use super::{Coded, look_up, uri};

/// PV1-2, table 0004, as Encounter.class.
#[must_use]
pub fn encounter_class(code: &str) -> Option<Coded> {
    let act = |code| Some(Coded { system: uri::ACT_CODE, code });
    let kept = |code| Some(Coded { system: "http://terminology.hl7.org/CodeSystem/v2-0004", code });
    look_up(code, |code| match code {
        "E" => act("EMER"),
        "I" => act("IMP"),
        "O" => act("AMB"),
        "P" => act("PRENC"),
        "R" => kept("R"),
        "B" => kept("B"),
        "C" => kept("C"),
        "N" => kept("N"),
        "U" => kept("U"),
        _ => None,
    })
}

/// PV1-2, table 0004, as Encounter.status of a visit that has no end; `None` for an unknown code.
#[must_use]
pub fn encounter_status(code: &str) -> Option<&'static str> {
    look_up(code, |code| match code {
        "E" | "I" | "O" | "R" | "B" | "C" | "N" => Some("in-progress"),
        "P" => Some("planned"),
        "U" => Some("unknown"),
        _ => None,
    })
}
