//! The pages as values: each is a template with what it shows, rendered as a whole before anything is sent.

mod clinical;
mod credentials;
mod launching;
mod reviews;
mod signing_in;
#[cfg(test)]
mod tests;

pub(crate) use clinical::{
    BreakGlassPage, FindPatientPage, FoundPatientsPage, HistoryPage, PatientPage, Reason, ReportPage, VersionLine,
};
pub(crate) use credentials::{AuthenticatorPage, DrawCodesPage, KeyForm, KeyLine, PasswordPage, SecurityKeysPage};
pub(crate) use launching::{ChoosePatientPage, ConsentPage, WishLine};
pub(crate) use reviews::{ActLine, Judged, ReviewLine, ReviewPage, ReviewTold, ReviewsPage, UnreadablePage};
pub(crate) use signing_in::{
    AccountPage, CodePage, Credentials, DiscoverPage, EnrolPage, InvitationPage, NewKey, NoticePage, ProblemPage,
    RecoveryCodesPage, SessionLine, SignInPage, Way,
};

use crate::problem::Problem;
use crate::{script, stylesheet};
use askama::Template;

/// What stands around the content of every page.
pub(crate) struct Frame {
    /// The stylesheet's file name.
    pub(crate) stylesheet: &'static str,
    /// The script's file name, where the page is one on which a security key may be used.
    pub(crate) script: Option<&'static str>,
    /// Who is signed in.
    pub(crate) person: Option<PersonBar>,
    /// The emergency access that is on.
    pub(crate) glass: Option<GlassBar>,
    /// Where the browser turns by itself after a time, unless somebody leaves the page before.
    pub(crate) turn: Option<Turn>,
    /// Which part of the navigation this is.
    pub(crate) here: Here,
    /// The correlation id.
    pub(crate) reference: String,
}

/// Which part of the navigation a page belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Here {
    /// Patients and reports.
    Patients,
    /// The account.
    Account,
    /// Reviews.
    Reviews,
    /// None of them.
    Elsewhere,
}

/// Who is signed in.
pub(crate) struct PersonBar {
    /// The person's name.
    pub(crate) display: String,
    /// The tenant's name.
    pub(crate) organization: String,
    /// Whether their roles let them look for patients.
    pub(crate) reads: bool,
    /// Whether their roles let them review what was broken.
    pub(crate) reviews: bool,
    /// The hidden field of forms.
    pub(crate) token: String,
}

/// Emergency access that is on.
pub(crate) struct GlassBar {
    /// The patient.
    pub(crate) patient: String,
    /// Whole minutes left, rounded up.
    pub(crate) minutes: i64,
    /// The hidden field of forms.
    pub(crate) token: String,
}

/// Where the browser turns by itself.
pub(crate) struct Turn {
    /// After how many seconds.
    pub(crate) seconds: i64,
    /// To which path of ours, or which address of an identity provider.
    pub(crate) to: String,
}

impl Frame {
    /// Returns the frame of a page for nobody in particular.
    pub(crate) fn plain(reference: String) -> Self {
        let stylesheet = stylesheet::name();
        Self { stylesheet, script: None, person: None, glass: None, turn: None, here: Here::Elsewhere, reference }
    }
}

impl Frame {
    /// Returns the same frame with the script, where there is a form that a security key answers.
    pub(crate) fn for_key(self, form: Option<&KeyForm>) -> Self {
        Self { script: form.map(|_| script::name()), ..self }
    }
}

/// What is wrong with a form, field by field, in the order of the fields.
#[derive(Default)]
pub(crate) struct Errors(Vec<FieldError>);

/// What is wrong with one field.
pub(crate) struct FieldError {
    /// The field; its id on the page.
    pub(crate) field: &'static str,
    /// What is wrong, and what would be right.
    pub(crate) words: &'static str,
}

impl Errors {
    /// Nothing but this.
    pub(crate) fn one(field: &'static str, words: &'static str) -> Self {
        Self(vec![FieldError { field, words }])
    }

    /// Adds what is wrong with a field.
    pub(crate) fn add(&mut self, field: &'static str, words: &'static str) {
        self.0.push(FieldError { field, words });
    }

    /// Says whether nothing is wrong.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns what is wrong with a field; empty when nothing is.
    pub(crate) fn of(&self, field: &str) -> &'static str {
        self.0.iter().find(|error| error.field == field).map_or("", |error| error.words)
    }
}

impl<'a> IntoIterator for &'a Errors {
    type Item = &'a FieldError;
    type IntoIter = std::slice::Iter<'a, FieldError>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

/// Renders a page.
pub(crate) fn render(page: &impl Template) -> Result<String, Problem> {
    // Only a value that cannot be written fails here, and no value of ours can.
    page.render().map_err(|_| Problem::Unavailable)
}
