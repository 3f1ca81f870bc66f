//! Table 0177: who should see it.

use super::{Coded, look_up};

const LEVEL: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const SENSITIVITY: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const RESTRICTED: Coded = Coded { system: LEVEL, code: "R" };

/// ORC-28, table 0177, as security labels; empty for an unknown code.
///
/// A sensitivity (HIV, psychiatry, drugs) also says restricted, so that a reader who only knows levels withholds it. The guide puts
/// sensitivities into the code system of levels, which has none.
#[must_use]
pub fn confidentiality(code: &str) -> &'static [Coded] {
    look_up(code, |code| {
        Some(match code {
            "V" => &[Coded { system: LEVEL, code: "V" }][..],
            "R" => &[RESTRICTED][..],
            "N" | "U" => &[Coded { system: LEVEL, code: "N" }][..],
            "AID" | "HIV" => &[RESTRICTED, Coded { system: SENSITIVITY, code: "HIV" }][..],
            "PSY" => &[RESTRICTED, Coded { system: SENSITIVITY, code: "PSY" }][..],
            "ETH" => &[RESTRICTED, Coded { system: SENSITIVITY, code: "ETHUD" }][..],
            "EMP" => &[RESTRICTED, Coded { system: SENSITIVITY, code: "EMP" }][..],
            "VIP" => &[RESTRICTED, Coded { system: SENSITIVITY, code: "CEL" }][..],
            "UWM" => &[RESTRICTED, Coded { system: "http://terminology.hl7.org/CodeSystem/v2-0177", code: "UWM" }][..],
            _ => return None,
        })
    })
    .unwrap_or_default()
}
