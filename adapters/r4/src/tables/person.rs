//! Tables 0001, 0002, 0005, 0189, 0190, 0200, 0201 and 0202: who somebody is and how to reach them.

use super::{Coded, look_up, uri};

/// PID-8, table 0001, as Patient.gender, and whether that says all that was sent.
#[must_use]
pub fn gender(code: &str) -> Option<(&'static str, bool)> {
    look_up(code, |code| match code {
        "F" => Some(("female", true)),
        "M" => Some(("male", true)),
        "O" => Some(("other", true)),
        "U" => Some(("unknown", true)),
        "A" | "N" => Some(("other", false)),
        _ => None,
    })
}

const MARITAL: &str = "http://terminology.hl7.org/CodeSystem/v3-MaritalStatus";

/// PID-16, table 0002, as Patient.maritalStatus.
#[must_use]
pub fn marital_status(code: &str) -> Option<Coded> {
    let (system, code) = look_up(code, |code| {
        Some(match code {
            "A" | "E" => (MARITAL, "L"),
            "D" => (MARITAL, "D"),
            "M" => (MARITAL, "M"),
            "S" => (MARITAL, "S"),
            "W" => (MARITAL, "W"),
            "C" => (MARITAL, "C"),
            "G" | "P" | "R" => (MARITAL, "T"),
            "N" => (MARITAL, "A"),
            "I" => (MARITAL, "I"),
            "B" => (MARITAL, "U"),
            "U" => (uri::NULL_FLAVOR, "UNK"),
            "O" => (uri::NULL_FLAVOR, "OTH"),
            "T" => (uri::NULL_FLAVOR, "NAVU"),
            _ => return None,
        })
    })?;
    Some(Coded { system, code })
}

/// Says whether a race code of the CDC is one of the five categories that US Core puts under `ombCategory`.
#[must_use]
pub fn is_race_category(code: &str) -> bool {
    matches!(code, "1002-5" | "2028-9" | "2054-5" | "2076-8" | "2106-3")
}

/// PID-22, table 0189 or the CDC's codes, as the category of US Core ethnicity.
#[must_use]
pub fn ethnicity(code: &str) -> Option<Coded> {
    let (system, code) = look_up(code, |code| match code {
        "H" | "2135-2" => Some((uri::CDC_RACE, "2135-2")),
        "N" | "NH" | "2186-5" => Some((uri::CDC_RACE, "2186-5")),
        "U" => Some((uri::NULL_FLAVOR, "UNK")),
        _ => None,
    })?;
    Some(Coded { system, code })
}

/// XPN-7, table 0200, as HumanName.use.
#[must_use]
pub fn name_use(code: &str) -> Option<&'static str> {
    look_up(code, |code| match code {
        "BAD" => Some("old"),
        "D" => Some("usual"),
        "L" | "R" => Some("official"),
        "M" => Some("maiden"),
        "MSK" => Some("anonymous"),
        "N" => Some("nickname"),
        "NAV" | "TEMP" => Some("temp"),
        _ => None,
    })
}

/// XAD-7, table 0190, as Address.use.
#[must_use]
pub fn address_use(code: &str) -> Option<&'static str> {
    look_up(code, |code| match code {
        "BA" => Some("old"),
        "BI" => Some("billing"),
        "C" => Some("temp"),
        "B" | "O" => Some("work"),
        "H" => Some("home"),
        _ => None,
    })
}

/// XAD-7, table 0190, as Address.type.
#[must_use]
pub fn address_type(code: &str) -> Option<&'static str> {
    look_up(code, |code| matches!(code, "M" | "SH").then_some("postal"))
}

/// XTN-2, table 0201, as ContactPoint.use.
#[must_use]
pub fn telecom_use(code: &str) -> Option<&'static str> {
    look_up(code, |code| match code {
        "PRN" => Some("home"),
        "WPN" => Some("work"),
        "PRS" => Some("mobile"),
        _ => None,
    })
}

/// What the equipment of a telecommunication address says about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Telecom {
    /// ContactPoint.system.
    pub system: &'static str,
    /// ContactPoint.use, where the equipment implies one.
    pub used_as: Option<&'static str>,
}

/// XTN-3, table 0202, as ContactPoint.system.
#[must_use]
pub fn telecom_system(code: &str) -> Option<Telecom> {
    let plain = |system| Some(Telecom { system, used_as: None });
    look_up(code, |code| match code {
        "PH" => plain("phone"),
        // The guide maps CP to a system `mobile`, which there is none of: it is a phone, used as mobile.
        "CP" => Some(Telecom { system: "phone", used_as: Some("mobile") }),
        "FX" => plain("fax"),
        "BP" => plain("pager"),
        "INTERNET" | "X.400" => plain("email"),
        "MD" | "SAT" | "TDD" | "TTY" => plain("other"),
        _ => None,
    })
}
