//! What goes wrong, in one list, with the status code and the OperationOutcome of each; no other file chooses one.

use crate::negotiate::NotAcceptable;
use crate::route::NoRoute;
use crate::service::Unauthenticated;
use actix_web::http::StatusCode;
use domain::retrieval::{CursorFault, Refusal};
use r4::outcome::{IssueSeverity, IssueType};
use r4::search::Fault;

/// Why a request gets no resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// Nobody was admitted.
    Unauthenticated(Unauthenticated),
    /// Nobody was admitted, and that too often from there; seconds to wait.
    TooManyRefused(u32),
    /// The path or method means nothing here.
    NoRoute(NoRoute),
    /// The use case refused.
    Refused(Refusal),
    /// The search was not understood.
    Search(Fault),
    /// A parameter that this interaction does not have, or a value of it that cannot be read.
    Parameter,
    /// The query or body is no form.
    NotAForm,
    /// No form of answer that the client accepts is served.
    NotAcceptable,
    /// The body of a `_search` is of another media type.
    UnsupportedMedia,
    /// The query is too long.
    QueryTooLong,
    /// The headers are too long.
    HeadersTooLong,
    /// The body is too long.
    BodyTooLong,
    /// The body broke off.
    BodyBroken,
    /// The link to the next page is altered, another's, or of another question.
    CursorInvalid,
    /// The link to the next page is too old.
    CursorExpired,
    /// It took too long.
    Timeout,
}

impl Problem {
    /// Returns the status code.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Problem::Unauthenticated(_) => StatusCode::UNAUTHORIZED,
            Problem::TooManyRefused(_) => StatusCode::TOO_MANY_REQUESTS,
            Problem::NoRoute(NoRoute::Unknown) => StatusCode::NOT_FOUND,
            Problem::NoRoute(NoRoute::NotAllowed(_)) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Refused(refusal) => match refusal {
                Refusal::NotFound => StatusCode::NOT_FOUND,
                Refusal::Forbidden => StatusCode::FORBIDDEN,
                Refusal::TooCostly => StatusCode::BAD_REQUEST,
                Refusal::Integrity => StatusCode::INTERNAL_SERVER_ERROR,
                Refusal::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            },
            Problem::Search(_)
            | Problem::Parameter
            | Problem::NotAForm
            | Problem::BodyBroken
            | Problem::CursorInvalid => StatusCode::BAD_REQUEST,
            Problem::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Problem::UnsupportedMedia => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::QueryTooLong => StatusCode::URI_TOO_LONG,
            Problem::HeadersTooLong => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Problem::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::CursorExpired => StatusCode::GONE,
            Problem::Timeout => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the OperationOutcome, which says nothing of what was asked or stored.
    pub(crate) fn outcome(self) -> String {
        let (code, text) = self.issue();
        if let Problem::Search(fault) = self {
            return r4::outcome::render(IssueSeverity::Error, code, &fault.to_string());
        }
        r4::outcome::render(IssueSeverity::Error, code, text)
    }

    fn issue(self) -> (IssueType, &'static str) {
        match self {
            Problem::Unauthenticated(Unauthenticated::Missing) => (IssueType::Login, "a bearer token is needed"),
            Problem::Unauthenticated(Unauthenticated::Unknown) => (IssueType::Login, "the bearer token is not valid"),
            Problem::TooManyRefused(_) => {
                (IssueType::Throttled, "too many requests without a valid bearer token came from this address")
            }
            Problem::NoRoute(NoRoute::Unknown) => (IssueType::NotFound, "there is nothing of this name here"),
            Problem::NoRoute(NoRoute::NotAllowed(_)) => {
                (IssueType::NotSupported, "this server is read over FHIR; results are written over HL7 v2")
            }
            Problem::Refused(refusal) => match refusal {
                Refusal::NotFound => (IssueType::NotFound, "there is no such resource for this client"),
                Refusal::Forbidden => (IssueType::Forbidden, "this client may not do this"),
                Refusal::TooCostly => (
                    IssueType::TooCostly,
                    "the search would look at too many records; narrow it, for example by patient",
                ),
                Refusal::Integrity => (
                    IssueType::Exception,
                    "a stored record does not open; the operator finds the event in the audit log",
                ),
                Refusal::Unavailable => (IssueType::Transient, "the storage does not answer; try again later"),
            },
            Problem::Search(fault) => match fault {
                Fault::UnknownParameter(_) | Fault::UnknownModifier(_) => (IssueType::NotSupported, ""),
                Fault::Value(_) => (IssueType::Value, ""),
                Fault::Repeated(_) => (IssueType::Invalid, ""),
                Fault::TooMany => (IssueType::TooCostly, ""),
            },
            Problem::Parameter => (
                IssueType::NotSupported,
                "a parameter is not supported by this interaction, or its value cannot be read",
            ),
            Problem::NotAForm => (IssueType::Structure, "the parameters are not valid percent-encoded UTF-8"),
            Problem::NotAcceptable => {
                (IssueType::NotSupported, "served is application/fhir+json of FHIR 4.0; _pretty is true or false")
            }
            Problem::UnsupportedMedia => {
                (IssueType::NotSupported, "a search is posted as application/x-www-form-urlencoded")
            }
            Problem::QueryTooLong => (IssueType::TooLong, "the query is too long; post the search instead"),
            Problem::HeadersTooLong => (IssueType::TooLong, "the headers are too long"),
            Problem::BodyTooLong => (IssueType::TooLong, "the body is too long"),
            Problem::BodyBroken => (IssueType::Structure, "the body broke off"),
            Problem::CursorInvalid => {
                (IssueType::Invalid, "the link to this page is not valid for this client and search")
            }
            Problem::CursorExpired => (IssueType::Expired, "the link to this page has expired; search again"),
            Problem::Timeout => (IssueType::Timeout, "the answer took too long; narrow the request or try again"),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::Refused(refusal)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Problem::Search(fault)
    }
}

impl From<NoRoute> for Problem {
    fn from(no_route: NoRoute) -> Self {
        Problem::NoRoute(no_route)
    }
}

impl From<form::NotAForm> for Problem {
    fn from(_: form::NotAForm) -> Self {
        Problem::NotAForm
    }
}

impl From<NotAcceptable> for Problem {
    fn from(_: NotAcceptable) -> Self {
        Problem::NotAcceptable
    }
}

impl From<CursorFault> for Problem {
    fn from(fault: CursorFault) -> Self {
        match fault {
            CursorFault::Invalid => Problem::CursorInvalid,
            CursorFault::Expired => Problem::CursorExpired,
            CursorFault::Unavailable => Problem::Refused(Refusal::Unavailable),
        }
    }
}
