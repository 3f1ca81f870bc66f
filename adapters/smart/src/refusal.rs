//! What goes wrong, in one list: the machine's reason for the audit chain, and the face that the client sees.

use actix_web::http::StatusCode;
use domain::id::RecordId;
use domain::launch::NotGiven;
use domain::ports::{NotRecorded, Unavailable};
use domain::refusals::Wait;
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
    /// The code or refresh token is worth nothing (RFC 6749 §5.2).
    InvalidGrant,
    InvalidScope,
    UnsupportedGrant,
    /// The token is another client's (RFC 7009 §2.1), or the grant is not for such a client.
    UnauthorizedClient,
    /// Too many were refused from there; seconds to wait.
    TooMany(u32),
    /// The grant is refreshed too often; seconds to wait. The refresh token is not used up; an assertion by which the client was known is.
    SlowDown(u32),
    Unavailable,
}

impl Face {
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Face::InvalidClient => StatusCode::UNAUTHORIZED,
            Face::TooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Face::TooMany(_) | Face::SlowDown(_) => StatusCode::TOO_MANY_REQUESTS,
            Face::InvalidRequest
            | Face::InvalidGrant
            | Face::InvalidScope
            | Face::UnsupportedGrant
            | Face::UnauthorizedClient => StatusCode::BAD_REQUEST,
            Face::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) const fn error(self) -> &'static str {
        match self {
            Face::InvalidRequest | Face::TooLong => "invalid_request",
            Face::InvalidClient => "invalid_client",
            Face::InvalidGrant => "invalid_grant",
            Face::InvalidScope => "invalid_scope",
            Face::UnsupportedGrant => "unsupported_grant_type",
            Face::UnauthorizedClient => "unauthorized_client",
            // Of the words for this endpoint the nearest (RFC 8628 §3.5).
            Face::SlowDown(_) => "slow_down",
            Face::TooMany(_) | Face::Unavailable => "temporarily_unavailable",
        }
    }

    pub(crate) const fn description(self) -> &'static str {
        match self {
            Face::InvalidRequest => "the request is not a form with each parameter once, as this endpoint needs them",
            Face::TooLong => "the request is too long",
            Face::TooMany(_) => "too many requests from this address were refused; try again later",
            Face::SlowDown(_) => "this grant is refreshed too often; use the access token while it is good, and wait",
            Face::InvalidClient => "the client did not authenticate; the operator finds the reason in the audit log",
            Face::InvalidGrant => {
                "the code or refresh token is unknown, over, used up or another client's; ask the person again"
            }
            Face::InvalidScope => "a scope is malformed, or nothing that was asked for may be had",
            Face::UnsupportedGrant => "the grant type must be authorization_code, refresh_token or client_credentials",
            Face::UnauthorizedClient => "this client may not use this grant or this token",
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

impl From<NotGiven> for Refused {
    fn from(not: NotGiven) -> Self {
        if let Some(Wait(seconds)) = not.wait {
            return Refused::new(Face::SlowDown(seconds), not.reason);
        }
        let face = match not.reason {
            NotGiven::WIDER => Face::InvalidScope,
            _ if not.is_unavailable() => Face::Unavailable,
            _ => Face::InvalidGrant,
        };
        Refused::new(face, not.reason)
    }
}
