//! What goes wrong, in one list, with the status and the words of each; no other file chooses them.

use actix_web::http::StatusCode;
use domain::emergency::NotDone;
use domain::ports::Unavailable;
use domain::refusals::Wait;
use domain::retrieval::{CursorFault, Refusal};
use domain::sign_in::Refused;

/// Why somebody gets no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Nothing is served there, or what was asked for is absent, hidden or another tenant's.
    NotFound,
    /// Served, by these methods only.
    NotAllowed(&'static str),
    /// The form cannot be read, or lacks a field that our form has.
    NotAForm,
    /// The form was not sent from a page of ours.
    Forged,
    /// The request is too long.
    TooLong,
    /// Not for somebody with these roles, or not from this address.
    Denied,
    /// Nobody signs in to this organization from this address.
    Elsewhere,
    /// Nobody was admitted, by an identity provider's word or for lack of it.
    NotAdmitted,
    /// Somebody was vouched for, and no second factor with them.
    SecondFactorMissing,
    /// The sign-in took too long, was begun in another browser, or was finished already.
    SignInOver,
    /// Too many were refused, or left their sign-in unfinished, from there; seconds to wait.
    TooMany(u32),
    /// An application asked in a way that is not safe to answer.
    LaunchRefused,
    /// An application's request took too long, was answered already, or nobody made it.
    LaunchOver,
    /// The glass is broken, and a file was asked for.
    NothingLeaves,
    /// More is asked than one request may open.
    TooCostly,
    /// A stored record does not open.
    Integrity,
    /// The database, the ledger or the keys do not answer.
    Unavailable,
    /// It took too long.
    Timeout,
}

/// A problem in words.
pub(crate) struct Words {
    /// The heading.
    pub(crate) title: &'static str,
    /// What it means.
    pub(crate) meaning: &'static str,
    /// What to do now.
    pub(crate) advice: &'static str,
}

impl Problem {
    /// Returns the status code.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::NotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::NotAForm | Problem::TooCostly | Problem::LaunchRefused | Problem::LaunchOver => {
                StatusCode::BAD_REQUEST
            }
            Problem::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::Forged | Problem::Denied | Problem::Elsewhere | Problem::NothingLeaves => StatusCode::FORBIDDEN,
            Problem::NotAdmitted | Problem::SecondFactorMissing | Problem::SignInOver => StatusCode::UNAUTHORIZED,
            Problem::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Problem::Integrity => StatusCode::INTERNAL_SERVER_ERROR,
            Problem::Unavailable | Problem::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns after how many seconds it is worth trying again, where that is known.
    pub(crate) const fn wait(self) -> Option<u32> {
        match self {
            Problem::TooMany(seconds) => Some(seconds),
            _ => None,
        }
    }

    /// Returns its words; they name nobody and say nothing of what exists.
    pub(crate) const fn words(self) -> Words {
        let (title, meaning, advice) = match self {
            Problem::NotFound | Problem::NotAllowed(_) => (
                "Nothing to show here",
                "This does not exist, or it is not open to you.",
                "Go back and try another way. If you expected something here, ask your administrator.",
            ),
            Problem::NotAForm => (
                "The form could not be read",
                "Something in it was missing or damaged. Nothing was changed.",
                "Go back, reload the page and send the form again.",
            ),
            Problem::Forged => (
                "The form was not accepted",
                "It did not come from a current page of this site. Nothing was changed.",
                "Open the page again and repeat what you did. Keep cookies allowed for this site.",
            ),
            Problem::TooLong => (
                "That was too long",
                "More was sent than is accepted. Nothing was changed.",
                "Shorten what you entered and try again.",
            ),
            Problem::Denied => (
                "You do not have access",
                "You are signed in, and your roles do not include this, or you may not use it from where you are.",
                "If your work needs it, ask the administrator of your organization to change your roles.",
            ),
            Problem::Elsewhere => (
                "You cannot sign in from here",
                "Your organization lets people in from certain network addresses only. Nothing was looked at or changed.",
                "Try again from your organization's network. If you are in it, ask its administrator, and tell them the \
                 reference below.",
            ),
            Problem::NotAdmitted => (
                "You could not be signed in",
                "Your organization's sign-in did not lead to access here.",
                "Try again. If it happens again, ask the administrator of your organization whether your \
                 account has a role for Sealgate, and tell them the reference below.",
            ),
            Problem::SecondFactorMissing => (
                "A second factor is needed",
                "Your organization's sign-in did not say that you showed one, such as a code or a key.",
                "Sign in again and use it when asked. If you are not asked, tell the administrator of your \
                 organization the reference below.",
            ),
            Problem::SignInOver => (
                "This sign-in is no longer valid",
                "It took longer than ten minutes, was begun in another browser or tab, or was finished already.",
                "Start again. Keep cookies allowed for this site.",
            ),
            Problem::TooMany(_) => (
                "Too many tries",
                "Too many sign-ins from your network address failed or were left unfinished. Nothing was changed.",
                "Wait a little and try again.",
            ),
            Problem::LaunchRefused => (
                "The application cannot be opened",
                "It asked for access in a way that is not accepted here. Nothing was given to it.",
                "Go back to where you came from. If you trust the application, tell whoever runs it the reference below.",
            ),
            Problem::LaunchOver => (
                "This request is no longer valid",
                "It took longer than twenty minutes, or it was answered already.",
                "Open the application again.",
            ),
            Problem::NothingLeaves => (
                "No files during emergency access",
                "Emergency access is for reading on the screen. Files are not handed out while it is on.",
                "Go back and read what the report says. If you may see this patient otherwise, end emergency access \
                 first; if not, ask where the patient is treated, or the laboratory.",
            ),
            Problem::TooCostly => (
                "Too much at once",
                "This would open more records than one page may.",
                "Narrow down what you look for.",
            ),
            Problem::Integrity => (
                "This record cannot be shown",
                "What is stored does not match its seal. That has been recorded.",
                "Do not rely on earlier copies. Tell your administrator the reference below.",
            ),
            Problem::Unavailable | Problem::Timeout => (
                "Not available right now",
                "A part of the system does not answer. Nothing was shown or changed.",
                "Try again in a few minutes. If it lasts, tell your administrator the reference below.",
            ),
        };
        Words { title, meaning, advice }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::NotFound => Problem::NotFound,
            Refusal::Forbidden => Problem::Denied,
            Refusal::TooCostly => Problem::TooCostly,
            Refusal::Integrity => Problem::Integrity,
            Refusal::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<NotDone> for Problem {
    fn from(fault: NotDone) -> Self {
        match fault {
            NotDone::Denied | NotDone::Own => Problem::Denied,
            NotDone::NotFound | NotDone::Closed => Problem::NotFound,
            NotDone::Note | NotDone::Readable => Problem::NotAForm,
            NotDone::Integrity => Problem::Integrity,
            NotDone::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<CursorFault> for Problem {
    fn from(fault: CursorFault) -> Self {
        match fault {
            CursorFault::Invalid | CursorFault::Expired => Problem::NotFound,
            CursorFault::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unavailable => Problem::Unavailable,
            Refused::FactorMissing => Problem::SecondFactorMissing,
            Refused::Wait(Wait(seconds)) => Problem::TooMany(seconds),
            Refused::NotAdmitted(_) => Problem::NotAdmitted,
            Refused::AddressNotAllowed => Problem::Elsewhere,
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(Unavailable: Unavailable) -> Self {
        Problem::Unavailable
    }
}
