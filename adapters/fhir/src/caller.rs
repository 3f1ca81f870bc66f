//! Who asks: the bearer token of a request becomes a caller, or a recorded refusal.

use crate::outcome::Problem;
use crate::service::{Attempt, Service, Unauthenticated};
use actix_web::HttpRequest;
use domain::id::CorrelationId;
use domain::ports::Unavailable;
use domain::retrieval::{Caller, Refusal};

/// Longest `X-Request-Id` that is taken over.
const MAX_REQUEST_ID: usize = 64;

/// Returns the request id that the client gave, when it is one: up to 64 letters, digits and `-._`.
pub(crate) fn request_id(request: &HttpRequest) -> Option<&str> {
    let text = request.headers().get("x-request-id")?.to_str().ok()?;
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    ((1..=MAX_REQUEST_ID).contains(&text.len()) && text.bytes().all(plain)).then_some(text)
}

/// Returns what ties the entries of a request together: the client's request id where it is a UUID, else a new one.
pub(crate) fn correlation(service: &Service, request: &HttpRequest) -> Result<CorrelationId, Problem> {
    let (clock, entropy) = (service.retrieval.clock.as_ref(), service.retrieval.entropy.as_ref());
    Ok(form::request::number(request, clock, entropy).map_err(|Unavailable| Refusal::Unavailable)?)
}

/// Admits the request; an attempt that is not admitted is recorded before this returns.
///
/// `asked` is what the sealed context will say was asked. Returns with the caller whether the token tells who the person is.
pub(crate) async fn admit(
    service: &Service,
    request: &HttpRequest,
    correlation: CorrelationId,
    asked: String,
) -> Result<(Caller, bool), Problem> {
    let peer = form::request::peer(request);
    let token = form::request::bearer(request);
    let admitted = match token {
        Some(token) => service.admission.admit(token, peer).await.map_err(|Unavailable| Refusal::Unavailable)?,
        None => None,
    };
    match admitted {
        Some(admitted) => {
            let caller = Caller {
                subject: admitted.subject,
                circumstances: admitted.circumstances,
                workstation: admitted.workstation,
                address: peer.to_string(),
                correlation,
                request: asked,
            };
            Ok((caller, admitted.tells_person))
        }
        None => {
            let reason = if token.is_some() { Unauthenticated::Unknown } else { Unauthenticated::Missing };
            let wait = service.admission.refused(Attempt { peer, correlation, reason }).await;
            Err(wait.map_or(Problem::Unauthenticated(reason), Problem::TooManyRefused))
        }
    }
}
