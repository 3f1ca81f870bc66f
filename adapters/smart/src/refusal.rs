//! What goes wrong, in one list: the machine's reason for the audit chain, and the face that the client sees.

use actix_web::http::StatusCode;
use domain::id::RecordId;
use domain::ports::{NotRecorded, Unavailable};
use domain::ticket::NotKept;

/// A request that is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) face: Face,
    /// The word for the audit chain.
    pub(crate) reason: &'static str,
    /// The application that the client named, where there is one; whether it really is that one may not be known.
    pub(crate) client: Option<RecordId>,
}

/// What the client is told (RFC 6749 §5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Face {
    InvalidRequest,
    TooLong,
    InvalidClient,
    InvalidScope,
    UnsupportedGrant,
    /// The token is another client's (RFC 7009 §2.1).
    UnauthorizedClient,
    Unavailable,
}

impl Face {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Face::InvalidClient => StatusCode::UNAUTHORIZED,
            Face::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Face::InvalidRequest | Face::InvalidScope | Face::UnsupportedGrant | Face::UnauthorizedClient => {
                StatusCode::BAD_REQUEST
            }
            Face::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) const fn error(self) -> &'static str {
        match self {
            Face::InvalidRequest | Face::TooLong => "invalid_request",
            Face::InvalidClient => "invalid_client",
            Face::InvalidScope => "invalid_scope",
            Face::UnsupportedGrant => "unsupported_grant_type",
            Face::UnauthorizedClient => "unauthorized_client",
            Face::Unavailable => "temporarily_unavailable",
        }
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Face::InvalidRequest => "the request is not a form with each parameter once, as this endpoint needs them",
            Face::TooLong => "the request is too long",
            Face::InvalidClient => "the client did not authenticate; the operator finds the reason in the audit log",
            Face::InvalidScope => "a scope is malformed, or nothing that was asked for may be had",
            Face::UnsupportedGrant => "the grant type must be client_credentials",
            Face::UnauthorizedClient => "the token was not issued to this client",
            Face::Unavailable => "the storage does not answer; try again later",
        }
    }
}

impl Refused {
    pub(crate) const fn new(face: Face, reason: &'static str) -> Self {
        Self { face, reason, client: None }
    }

    /// Returns the same, about this application.
    pub(crate) const fn of(self, client: RecordId) -> Self {
        Self { client: Some(client), ..self }
    }
}

impl From<NotKept> for Refused {
    fn from(fault: NotKept) -> Self {
        match fault {
            NotKept::Integrity => Refused::new(Face::Unavailable, "ticket-integrity"),
            NotKept::Unavailable => Refused::new(Face::Unavailable, "unavailable"),
        }
    }
}

impl From<Unavailable> for Refused {
    fn from(Unavailable: Unavailable) -> Self {
        Refused::new(Face::Unavailable, "unavailable")
    }
}

impl From<NotRecorded> for Refused {
    fn from(_: NotRecorded) -> Self {
        Refused::new(Face::Unavailable, "unavailable")
    }
}
