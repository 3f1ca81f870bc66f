//! Pages that show patient data, and the one that opens what is kept back.

use super::{Errors, Frame, Here};
use crate::clinical::{Heading, Patient, Report};
use crate::launching::Opening;
use askama::Template;

/// Asks whom to look for.
#[derive(Template)]
#[template(path = "find_patient.html")]
pub(crate) struct FindPatientPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) identifier: String,
    pub(crate) family: String,
    pub(crate) born: String,
}

/// Lists who was found.
#[derive(Template)]
#[template(path = "found_patients.html")]
pub(crate) struct FoundPatientsPage {
    pub(crate) frame: Frame,
    pub(crate) patients: Vec<Patient>,
    pub(crate) next: Option<String>,
    /// Whether the person may break the glass.
    pub(crate) glass: bool,
}

/// A patient and their reports.
#[derive(Template)]
#[template(path = "patient.html")]
pub(crate) struct PatientPage {
    pub(crate) frame: Frame,
    pub(crate) patient: Patient,
    pub(crate) reports: Vec<Heading>,
    pub(crate) next: Option<String>,
    /// Whether this is not the first page.
    pub(crate) later: bool,
    pub(crate) glass: bool,
    /// The applications that can be opened for this patient.
    pub(crate) applications: Vec<Opening>,
    /// The hidden field of forms.
    pub(crate) token: String,
}

/// One report.
#[derive(Template)]
#[template(path = "report.html")]
pub(crate) struct ReportPage {
    pub(crate) frame: Frame,
    /// `None` where the patient is kept from this reader.
    pub(crate) patient: Option<Patient>,
    pub(crate) report: Report,
    /// Whether a newer version has replaced it.
    pub(crate) old: bool,
    /// The address before the number of a document.
    pub(crate) documents_at: String,
    /// Whether no document is handed out now, for the glass is broken.
    pub(crate) documents_stay: bool,
}

/// The versions of a report.
#[derive(Template)]
#[template(path = "history.html")]
pub(crate) struct HistoryPage {
    pub(crate) frame: Frame,
    pub(crate) patient: Option<Patient>,
    pub(crate) report: String,
    pub(crate) name: String,
    pub(crate) versions: Vec<VersionLine>,
    pub(crate) next: Option<String>,
}

/// One version.
pub(crate) struct VersionLine {
    pub(crate) heading: Heading,
    pub(crate) current: bool,
    pub(crate) href: String,
}

/// Opens the records of one patient in an emergency.
#[derive(Template)]
#[template(path = "break_glass.html")]
pub(crate) struct BreakGlassPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    /// The header of a patient who is chosen and may be seen.
    pub(crate) patient: Option<Patient>,
    /// The id of a patient who is chosen; empty when one must be named.
    pub(crate) chosen: String,
    pub(crate) identifier: String,
    pub(crate) born: String,
    pub(crate) reasons: &'static [Reason],
    pub(crate) reason: String,
    pub(crate) words: String,
    pub(crate) minutes: i64,
}

/// A reason to choose.
pub(crate) struct Reason {
    pub(crate) code: &'static str,
    pub(crate) words: &'static str,
}
