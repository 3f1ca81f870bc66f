//! Pages that stand between a person and an application.

use super::{Errors, Frame, Here};
use crate::clinical::Patient;
use askama::Template;

/// Asks for consent.
#[derive(Template)]
#[template(path = "consent.html")]
pub(crate) struct ConsentPage {
    pub(crate) frame: Frame,
    pub(crate) token: String,
    pub(crate) action: String,
    /// The application's name.
    pub(crate) application: String,
    /// The organization that registered it.
    pub(crate) organization: String,
    /// The patient it is about.
    pub(crate) patient: Option<Patient>,
    /// Where another patient can be chosen.
    pub(crate) another: Option<String>,
    /// What it asks for, in the order of the form.
    pub(crate) wishes: Vec<WishLine>,
    /// Where the browser is sent with the answer.
    pub(crate) destination: String,
}

/// One thing that an application asks for.
pub(crate) struct WishLine {
    /// The name of its box.
    pub(crate) field: String,
    /// In plain words.
    pub(crate) words: String,
    /// As the application wrote it.
    pub(crate) scope: String,
}

impl WishLine {
    /// Makes the line of this number.
    pub(crate) fn new(number: usize, words: String, scope: String) -> Self {
        Self { field: Self::field(number), words, scope }
    }

    /// Returns the name of the box of this number.
    pub(crate) fn field(number: usize) -> String {
        format!("wish-{number}")
    }
}

/// Asks which patient an application is about.
#[derive(Template)]
#[template(path = "choose_patient.html")]
pub(crate) struct ChoosePatientPage {
    pub(crate) frame: Frame,
    pub(crate) errors: Errors,
    pub(crate) token: String,
    pub(crate) application: String,
    pub(crate) action: String,
    /// Who was found; `None` before anybody was looked for.
    pub(crate) found: Option<Vec<Patient>>,
    /// Whether more fit than are shown.
    pub(crate) more: bool,
    pub(crate) identifier: String,
    pub(crate) family: String,
    pub(crate) born: String,
}
