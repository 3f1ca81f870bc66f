//! What goes wrong, in one list: status, word and sentence, none of which repeats a value that was sent (RFC 9457).

use crate::diagnosis::NotExplained;
use crate::fields::Fault;
use actix_web::http::StatusCode;
use domain::administration::{ChangeFault, NotChanged};
use domain::emergency::NotDone;
use domain::journal::NotPermitted;
use domain::ports::{KeyFault, Unavailable};
use domain::supervision::NotSupervised;
use form::request::NotRead;

/// A request that is not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No token was shown, or none that is known.
    Unauthenticated,
    /// There were too many refusals from the address; how many seconds to wait.
    TooManyRefused(u32),
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// It is the reviewer's own.
    Own,
    /// There is no such endpoint.
    NoRoute,
    /// There is nothing of this id in the tenant.
    NotFound,
    /// The endpoint has no such method; those it has.
    NotAllowed(&'static str),
    /// The body is of another media type than this.
    MediaType(&'static str),
    /// The body is longer than is taken.
    TooLong,
    /// The body does not come in time.
    TooSlow,
    /// The body is no JSON of the form that is needed.
    Syntax(&'static str),
    /// A parameter, where it has a name that is known, and what is wrong with it.
    Query(&'static str, &'static str),
    /// A field is missing, unknown or breaks a rule.
    Field(Fault),
    /// The name is taken.
    NameTaken,
    /// The review is closed.
    Closed,
    /// `If-Match` is missing.
    PreconditionRequired,
    /// `If-Match` names another version.
    Precondition,
    /// `If-Match` is not one entity tag.
    OneTag,
    /// The account is there, and its invitation was not made.
    NotInvited,
    /// What is stored does not open, or is not what the chain says.
    Integrity,
    /// It takes longer than is waited for, and goes on.
    TimedOut,
    /// Nothing answers.
    Unavailable,
}

impl Problem {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Problem::Unauthenticated => StatusCode::UNAUTHORIZED,
            Problem::TooManyRefused(_) => StatusCode::TOO_MANY_REQUESTS,
            Problem::Denied | Problem::Own => StatusCode::FORBIDDEN,
            Problem::NoRoute | Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::NotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Problem::Syntax(_) | Problem::Query(..) | Problem::OneTag => StatusCode::BAD_REQUEST,
            Problem::Field(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Problem::NameTaken | Problem::Closed => StatusCode::CONFLICT,
            Problem::PreconditionRequired => StatusCode::PRECONDITION_REQUIRED,
            Problem::Precondition => StatusCode::PRECONDITION_FAILED,
            Problem::Integrity => StatusCode::INTERNAL_SERVER_ERROR,
            Problem::NotInvited | Problem::TimedOut | Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the word that the type of the problem ends in, and that entries carry.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Problem::Unauthenticated => "unauthenticated",
            Problem::TooManyRefused(_) => "too-many-refusals",
            Problem::Denied => "denied",
            Problem::Own => "own-review",
            Problem::NoRoute => "no-such-endpoint",
            Problem::NotFound => "not-found",
            Problem::NotAllowed(_) => "method-not-allowed",
            Problem::MediaType(_) => "media-type",
            Problem::TooLong => "body-too-long",
            Problem::TooSlow => "body-too-slow",
            Problem::Syntax(_) => "body",
            Problem::Query(..) => "parameter",
            Problem::Field(_) => "field",
            Problem::NameTaken => "name-taken",
            Problem::Closed => "review-closed",
            Problem::PreconditionRequired => "if-match-needed",
            Problem::Precondition => "other-version",
            Problem::OneTag => "if-match-form",
            Problem::NotInvited => "not-invited",
            Problem::Integrity => "integrity",
            Problem::TimedOut => "timed-out",
            Problem::Unavailable => "unavailable",
        }
    }

    /// Says what it is, and what to do.
    pub(crate) fn detail(&self) -> String {
        match self {
            Problem::Unauthenticated => {
                "A bearer token of a client or application of this installation is needed; a browser's session is none."
            }
            Problem::TooManyRefused(_) => "There were too many refusals from this address: try again later.",
            Problem::Denied => "Not permitted: the reason is in the audit log, under the number of this answer.",
            Problem::Own => "Nobody reviews their own emergency access: somebody else must.",
            Problem::NoRoute => "There is no such endpoint: see /admin/v1/openapi.json.",
            Problem::NotFound => "There is nothing of this id in the tenant.",
            Problem::NotAllowed(methods) => return format!("The endpoint takes {methods}."),
            Problem::MediaType(needed) => return format!("The body must be {needed}, and say so in Content-Type."),
            Problem::TooLong => "The body is longer than is taken.",
            Problem::TooSlow => "The body did not come in time.",
            Problem::Syntax(detail) => return sentence(detail),
            Problem::Query("", detail) => return sentence(detail),
            Problem::Query(name, detail) => return format!("{name}: {detail}."),
            Problem::Field(_) => "A field cannot be taken; `errors` says which, and what it must be.",
            Problem::NameTaken => "Another entry of the tenant has this name.",
            Problem::Closed => "The review is closed already.",
            Problem::PreconditionRequired => {
                "If-Match is needed: get the entry, and send the ETag of that answer along with the change."
            }
            Problem::Precondition => "The entry was changed meanwhile: get it again, and build the change on that.",
            Problem::OneTag => "If-Match must be one entity tag, as an answer gave it, or *.",
            Problem::NotInvited => "The account is there and its person was not invited: reset it, which invites.",
            Problem::Integrity => {
                "What is stored does not open, or is not what the audit chain says: tell the operator."
            }
            Problem::TimedOut => {
                "It takes longer than is waited for, and goes on: look whether it was done before you ask again."
            }
            Problem::Unavailable => "The database does not answer: try again later.",
        }
        .to_owned()
    }

    /// Says whether an entry about it is in the chain already, or cannot be.
    pub(crate) const fn is_recorded(&self) -> bool {
        matches!(
            self,
            Problem::Unauthenticated
                | Problem::TooManyRefused(_)
                | Problem::Denied
                | Problem::Own
                | Problem::TimedOut
                | Problem::Unavailable
        )
    }
}

fn sentence(detail: &str) -> String {
    let mut letters = detail.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Problem::Field(fault)
    }
}

impl From<NotChanged> for Problem {
    fn from(fault: NotChanged) -> Self {
        match fault {
            NotChanged::Denied => Problem::Denied,
            NotChanged::Invalid(invalid) => {
                Problem::Field(Fault::new(crate::read::place(invalid), sentence(&invalid.to_string())))
            }
            NotChanged::NameTaken => Problem::NameTaken,
            NotChanged::UnknownClinic => {
                Problem::Field(Fault::new("", "A clinic that is named is none of the tenant: see /admin/v1/clinics."))
            }
            NotChanged::UnknownEntry => Problem::NotFound,
            NotChanged::Raced => Problem::Precondition,
            NotChanged::Integrity | NotChanged::Broken(_) => Problem::Integrity,
            NotChanged::RouteTaken
            | NotChanged::UnknownTenant
            | NotChanged::UnknownMember
            | NotChanged::LastFactor
            | NotChanged::Unavailable => Problem::Unavailable,
        }
    }
}

impl<F: Into<Problem>> From<ChangeFault<F>> for Problem {
    fn from(fault: ChangeFault<F>) -> Self {
        match fault {
            ChangeFault::Refused(fault) => fault.into(),
            ChangeFault::OtherVersion => Problem::Precondition,
            ChangeFault::NotChanged(fault) => fault.into(),
        }
    }
}

impl From<std::convert::Infallible> for Problem {
    fn from(never: std::convert::Infallible) -> Self {
        match never {}
    }
}

impl From<NotSupervised> for Problem {
    fn from(fault: NotSupervised) -> Self {
        match fault {
            NotSupervised::Denied => Problem::Denied,
            NotSupervised::NotFound => Problem::NotFound,
            NotSupervised::Integrity => Problem::Integrity,
            NotSupervised::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<NotDone> for Problem {
    fn from(fault: NotDone) -> Self {
        match fault {
            NotDone::Denied => Problem::Denied,
            NotDone::Own => Problem::Own,
            NotDone::NotFound => Problem::NotFound,
            NotDone::Closed => Problem::Closed,
            NotDone::Note => Problem::Field(Fault::new(
                "/note",
                "At most 2000 characters, and at least 10 where it was not justified, or does not open.",
            )),
            NotDone::Readable => Problem::Field(Fault::new("/verdict", "The review opens: judge it.")),
            NotDone::Integrity => Problem::Integrity,
            NotDone::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<NotExplained> for Problem {
    fn from(fault: NotExplained) -> Self {
        match fault {
            NotExplained::Denied => Problem::Denied,
            NotExplained::Integrity => Problem::Integrity,
            NotExplained::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<NotPermitted> for Problem {
    fn from(fault: NotPermitted) -> Self {
        match fault {
            NotPermitted::Denied(_) => Problem::Denied,
            NotPermitted::NotRecorded(fault) => fault.into(),
        }
    }
}

impl From<KeyFault> for Problem {
    fn from(fault: KeyFault) -> Self {
        match fault {
            KeyFault::Missing | KeyFault::Broken => Problem::Integrity,
            KeyFault::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<NotRead> for Problem {
    fn from(fault: NotRead) -> Self {
        match fault {
            NotRead::TooLong => Problem::TooLong,
            NotRead::TooSlow => Problem::TooSlow,
            NotRead::BrokeOff => Problem::Syntax("the body broke off"),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(Unavailable: Unavailable) -> Self {
        Problem::Unavailable
    }
}
