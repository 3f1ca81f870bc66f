//! Table 0078: what a value means.

use super::look_up;

/// OBX-8, table 0078, as a code of v3-ObservationInterpretation, where the codes are the same; `None` for every other.
///
/// AC, HM, OBX, QCF and TOX are in table 0078 and not in FHIR's.
#[must_use]
pub fn interpretation(code: &str) -> Option<&'static str> {
    const CODES: &[&str] = &[
        "<", ">", "A", "AA", "B", "CAR", "D", "DET", "E", "EX", "EXP", "H", "HH", "HU", "I", "IE", "IND", "L", "LL",
        "LU", "MS", "N", "NCL", "ND", "NEG", "NR", "NS", "POS", "R", "RR", "S", "SDD", "SYN-R", "SYN-S", "U", "UNE",
        "VS", "W", "WR",
    ];
    look_up(code, |code| CODES.iter().copied().find(|known| *known == code))
}
