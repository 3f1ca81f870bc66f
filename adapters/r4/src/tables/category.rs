//! Table 0074: which service a report comes from.

use super::{Coded, look_up, uri};

/// What a diagnostic service section says of its reports and observations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section {
    /// The code as table 0074 writes it.
    pub code: &'static str,
    /// Whether its reports are laboratory reports (US Core slice `LAB`).
    pub laboratory: bool,
    /// The category of US Core's report of notes, for radiology, cardiology and pathology.
    pub note: Option<Coded>,
    /// Observation.category.
    pub observation: &'static str,
}

impl Section {
    /// A laboratory, the usual sender of results.
    pub const LABORATORY: Section = laboratory("LAB", None);
}

const RADIOLOGY: Option<Coded> = Some(Coded { system: uri::LOINC, code: "LP29684-5" });
const CARDIOLOGY: Option<Coded> = Some(Coded { system: uri::LOINC, code: "LP29708-2" });
const PATHOLOGY: Option<Coded> = Some(Coded { system: uri::LOINC, code: "LP7839-6" });

const fn laboratory(code: &'static str, note: Option<Coded>) -> Section {
    Section { code, laboratory: true, note, observation: "laboratory" }
}

const fn imaging(code: &'static str) -> Section {
    Section { code, laboratory: false, note: RADIOLOGY, observation: "imaging" }
}

const fn other(code: &'static str, note: Option<Coded>, observation: &'static str) -> Section {
    Section { code, laboratory: false, note, observation }
}

const SECTIONS: &[Section] = &[
    laboratory("LAB", None),
    laboratory("CH", None),
    laboratory("HM", None),
    laboratory("MB", None),
    laboratory("SP", PATHOLOGY),
    laboratory("CP", PATHOLOGY),
    laboratory("BG", None),
    laboratory("BLB", None),
    laboratory("CG", None),
    laboratory("GE", None),
    laboratory("IMM", None),
    laboratory("MCB", None),
    laboratory("MYC", None),
    laboratory("OSL", None),
    laboratory("SR", None),
    laboratory("TX", None),
    laboratory("VR", None),
    imaging("RAD"),
    imaging("CT"),
    imaging("CUS"),
    imaging("NMR"),
    imaging("NMS"),
    imaging("OUS"),
    imaging("RUS"),
    imaging("VUS"),
    imaging("XRC"),
    imaging("RX"),
    other("CTH", CARDIOLOGY, "procedure"),
    other("EC", CARDIOLOGY, "procedure"),
    other("AU", None, "exam"),
    other("EN", None, "procedure"),
    other("ICU", None, "exam"),
    other("NRS", None, "exam"),
    other("PF", None, "procedure"),
    other("PHR", None, "therapy"),
    other("PHY", None, "exam"),
    other("PT", None, "therapy"),
    other("RC", None, "therapy"),
    other("RT", None, "therapy"),
    other("OT", None, "therapy"),
    other("OTH", None, "exam"),
];

/// OBR-24, table 0074; `None` for an unknown code.
#[must_use]
pub fn section(code: &str) -> Option<Section> {
    look_up(code, |code| SECTIONS.iter().copied().find(|section| section.code == code))
}
