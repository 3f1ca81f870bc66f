//! What goes wrong, in one list: status, type and words, none of which repeats what was sent (RFC 7644 §3.12).

use crate::group::UNKNOWN_MEMBER;
use actix_web::http::StatusCode;
use domain::administration::{ChangeFault, NotChanged};
use domain::directory::Invalid;
use domain::ports::Unavailable;
use domain::sign_in::Refused;
use form::request::NotRead;

/// A request that is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Problem {
    /// No token of the connection was shown.
    Unauthenticated,
    /// There were too many refusals from the address; how many seconds to wait.
    TooManyRefused(u32),
    /// The policy denies it; the denial is in the chain.
    Denied,
    /// There is no such resource, or no such endpoint.
    NotFound,
    /// The endpoint has no such method; those it has.
    NotAllowed(&'static str),
    /// It is not offered here, as the service provider configuration says.
    NotOffered,
    /// The body is of another media type.
    MediaType,
    /// The body is longer than is taken.
    TooLong,
    /// The body does not come in time.
    TooSlow,
    /// The body is no JSON of the form that is needed.
    Syntax(&'static str),
    /// The filter is not understood, or longer than is taken.
    Filter(&'static str),
    /// The filters of a change have more to compare than is taken.
    TooMany(&'static str),
    /// The path of an operation leads nowhere.
    Path(&'static str),
    /// An operation has no target.
    NoTarget(&'static str),
    /// A value is missing or breaks a rule.
    Value(&'static str),
    /// The person had other names too often.
    TooManyNames,
    /// The connection was told of as many as it takes.
    Full,
    /// What cannot be changed was to be changed.
    Mutability(&'static str),
    /// Another resource has this name.
    Uniqueness,
    /// The resource is not at the version that was named.
    Precondition,
    /// Others change the same at the same moment.
    Raced,
    /// Nothing answers.
    Unavailable,
}

impl Problem {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Problem::Unauthenticated => StatusCode::UNAUTHORIZED,
            Problem::TooManyRefused(_) => StatusCode::TOO_MANY_REQUESTS,
            Problem::Denied | Problem::Full => StatusCode::FORBIDDEN,
            Problem::NotFound => StatusCode::NOT_FOUND,
            Problem::NotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Problem::NotOffered => StatusCode::NOT_IMPLEMENTED,
            Problem::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Problem::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Problem::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Problem::Syntax(_)
            | Problem::Filter(_)
            | Problem::TooMany(_)
            | Problem::Path(_)
            | Problem::NoTarget(_)
            | Problem::Value(_)
            | Problem::TooManyNames
            | Problem::Mutability(_) => StatusCode::BAD_REQUEST,
            Problem::Uniqueness | Problem::Raced => StatusCode::CONFLICT,
            Problem::Precondition => StatusCode::PRECONDITION_FAILED,
            Problem::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// Returns the type of the error, where RFC 7644 has one for it.
    pub(crate) const fn scim_type(self) -> Option<&'static str> {
        match self {
            Problem::Syntax(_) => Some("invalidSyntax"),
            Problem::Filter(_) => Some("invalidFilter"),
            Problem::TooMany(_) => Some("tooMany"),
            Problem::Path(_) => Some("invalidPath"),
            Problem::NoTarget(_) => Some("noTarget"),
            Problem::Value(_) | Problem::TooManyNames => Some("invalidValue"),
            Problem::Mutability(_) => Some("mutability"),
            Problem::Uniqueness => Some("uniqueness"),
            Problem::Unauthenticated
            | Problem::TooManyRefused(_)
            | Problem::Denied
            | Problem::Full
            | Problem::NotFound
            | Problem::NotAllowed(_)
            | Problem::NotOffered
            | Problem::MediaType
            | Problem::TooLong
            | Problem::TooSlow
            | Problem::Precondition
            | Problem::Raced
            | Problem::Unavailable => None,
        }
    }

    /// Returns the word for the audit entry about a change that is refused so; `None` where another entry says it, or nothing is wrong
    /// with what was sent.
    pub(crate) const fn reason(self) -> Option<&'static str> {
        match self {
            Problem::MediaType => Some("media-type"),
            Problem::TooLong => Some("too-long"),
            Problem::TooSlow => Some("too-slow"),
            Problem::Syntax(_) => Some("invalid-syntax"),
            Problem::Filter(_) => Some("invalid-filter"),
            Problem::TooMany(_) => Some("too-many"),
            Problem::Path(_) => Some("invalid-path"),
            Problem::NoTarget(_) => Some("no-target"),
            Problem::Value(_) => Some("invalid-value"),
            Problem::TooManyNames => Some("too-many-names"),
            Problem::Full => Some("too-many-resources"),
            Problem::Mutability(_) => Some("mutability"),
            Problem::Uniqueness => Some("uniqueness"),
            Problem::Precondition => Some("other-version"),
            Problem::Raced => Some("raced"),
            Problem::Unauthenticated
            | Problem::TooManyRefused(_)
            | Problem::Denied
            | Problem::NotFound
            | Problem::NotAllowed(_)
            | Problem::NotOffered
            | Problem::Unavailable => None,
        }
    }

    pub(crate) const fn detail(self) -> &'static str {
        match self {
            Problem::Unauthenticated => "the token of this connection is needed: sealgate connection scim-token",
            Problem::TooManyRefused(_) => "too many refusals from this address; try again later",
            Problem::Denied => "not permitted; the operator finds the reason in the audit log",
            Problem::Full => {
                "this connection was told of as many as it takes, those taken back included: sealgate status shows how many"
            }
            Problem::NotFound => "there is no such resource",
            Problem::NotAllowed(_) => "the method is not served here",
            Problem::NotOffered => "this is not offered; see ServiceProviderConfig",
            Problem::MediaType => "the body must be application/scim+json",
            Problem::TooLong => "the body is longer than is taken",
            Problem::TooSlow => "the body did not come in time",
            Problem::Syntax(detail)
            | Problem::Filter(detail)
            | Problem::TooMany(detail)
            | Problem::Path(detail)
            | Problem::NoTarget(detail)
            | Problem::Value(detail)
            | Problem::Mutability(detail) => detail,
            Problem::Uniqueness => {
                "another resource of this connection has the same userName, displayName or externalId"
            }
            Problem::TooManyNames => "this person had other names too often; take the person back and add them anew",
            Problem::Precondition => "the resource is at another version",
            Problem::Raced => "others are changing the same resource; try again",
            Problem::Unavailable => "the storage does not answer; try again later",
        }
    }
}

impl From<NotChanged> for Problem {
    fn from(fault: NotChanged) -> Self {
        match fault {
            NotChanged::Denied => Problem::Denied,
            NotChanged::Invalid(Invalid::EarlierNames) => Problem::TooManyNames,
            NotChanged::Invalid(_) => {
                Problem::Value("a value is empty, too long, too many or holds control characters")
            }
            NotChanged::NameTaken => Problem::Uniqueness,
            NotChanged::UnknownEntry => Problem::NotFound,
            NotChanged::UnknownMember => Problem::Value(UNKNOWN_MEMBER),
            NotChanged::Raced => Problem::Raced,
            NotChanged::RouteTaken
            | NotChanged::UnknownTenant
            | NotChanged::UnknownClinic
            | NotChanged::LastFactor
            | NotChanged::Integrity
            | NotChanged::Broken(_)
            | NotChanged::Unavailable => Problem::Unavailable,
        }
    }
}

impl From<ChangeFault<Problem>> for Problem {
    fn from(fault: ChangeFault<Problem>) -> Self {
        match fault {
            ChangeFault::Refused(problem) => problem,
            ChangeFault::OtherVersion => Problem::Precondition,
            ChangeFault::NotChanged(fault) => fault.into(),
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

impl From<Refused> for Problem {
    fn from(_: Refused) -> Self {
        Problem::Unavailable
    }
}
