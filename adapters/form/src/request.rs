//! What every endpoint reads of a request before it knows what it is about: whose token it shows, the number that ties its entries
//! together, its body; and how long an answer is waited for.

use actix_web::http::header;
use actix_web::web::{Bytes, Payload};
use actix_web::{HttpRequest, rt};
use domain::id::CorrelationId;
use domain::ports::{Clock, Entropy, Unavailable};
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// Longest bearer token that is looked at, in bytes.
pub const MAX_TOKEN: usize = 512;

/// Returns the token of `Authorization: Bearer …` (RFC 6750 §2.1; the scheme is read without case). Of two headers neither counts.
#[must_use]
pub fn bearer(request: &HttpRequest) -> Option<&str> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let (only, None) = (headers.next()?, headers.next()) else {
        return None;
    };
    let (scheme, token) = only.to_str().ok()?.split_once(' ')?;
    let token = token.trim();
    let fits = scheme.eq_ignore_ascii_case("bearer") && (1..=MAX_TOKEN).contains(&token.len());
    fits.then_some(token)
}

/// Returns the address that a request comes from; nobody's where it comes from none.
#[must_use]
pub fn peer(request: &HttpRequest) -> IpAddr {
    request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip())
}

/// Returns what ties the entries of a request together: its `X-Request-Id` where that is a UUID, else a new number.
///
/// # Errors
/// [`Unavailable`] when there is no randomness.
pub fn number(request: &HttpRequest, clock: &dyn Clock, entropy: &dyn Entropy) -> Result<CorrelationId, Unavailable> {
    let given = request.headers().get("x-request-id").and_then(|value| value.to_str().ok());
    if let Some(number) = given.and_then(|text| text.parse().ok()) {
        return Ok(number);
    }
    let mut random = [0; 10];
    entropy.fill(&mut random)?;
    Ok(CorrelationId::from_time(clock.now(), random))
}

/// Returns the media type of the body without its parameters; empty where none is named.
#[must_use]
pub fn media_type(request: &HttpRequest) -> &str {
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().unwrap_or_default().trim()
}

/// Why a body is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotRead {
    /// It is longer than is taken.
    TooLong,
    /// It did not come in time.
    TooSlow,
    /// It broke off.
    BrokeOff,
}

/// Reads a body of at most so many bytes that comes within this time.
///
/// # Errors
/// [`NotRead`].
pub async fn body(body: Payload, most: usize, within: Duration) -> Result<Bytes, NotRead> {
    match tokio::time::timeout(within, body.to_bytes_limited(most)).await {
        Ok(Ok(Ok(bytes))) => Ok(bytes),
        Ok(Ok(Err(_))) => Err(NotRead::BrokeOff),
        Ok(Err(_)) => Err(NotRead::TooLong),
        Err(_) => Err(NotRead::TooSlow),
    }
}

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAnswered {
    /// It takes longer, and goes on.
    TimedOut,
    /// It ended abruptly.
    Ended,
}

/// Waits so long for what a request makes happen, which goes on by itself: what is begun ends with its entry in the audit chain, also
/// where nobody waits for the answer any more.
///
/// # Errors
/// [`NotAnswered`].
pub async fn answered<T: 'static>(
    within: Duration,
    doing: impl Future<Output = T> + 'static,
) -> Result<T, NotAnswered> {
    match tokio::time::timeout(within, rt::spawn(doing)).await {
        Ok(done) => done.map_err(|_| NotAnswered::Ended),
        Err(_) => Err(NotAnswered::TimedOut),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn one_header_has_one_token_of_a_bounded_length() {
        let read = |values: &[&str]| {
            let append = |request: TestRequest, value: &&str| request.append_header((header::AUTHORIZATION, *value));
            let request = values.iter().fold(TestRequest::default(), append).to_http_request();
            bearer(&request).map(str::to_owned)
        };
        assert_eq!(read(&["Bearer abc"]).as_deref(), Some("abc"));
        assert_eq!(read(&["bEARER  abc "]).as_deref(), Some("abc"));
        let long = |length: usize| format!("Bearer {}", "x".repeat(length));
        assert!(read(&[&long(MAX_TOKEN)]).is_some());
        for none in
            [&[][..], &["Bearer "], &["Bearer"], &["Basic abc"], &["Bearer a", "Bearer a"], &[&long(MAX_TOKEN + 1)]]
        {
            assert_eq!(read(none), None, "{none:?}");
        }
    }

    #[test]
    fn a_media_type_is_read_without_its_parameters() {
        let request = TestRequest::default().insert_header((header::CONTENT_TYPE, "application/json ; charset=utf-8"));
        assert_eq!(media_type(&request.to_http_request()), "application/json");
        assert_eq!(media_type(&TestRequest::default().to_http_request()), "");
    }

    #[actix_web::test]
    async fn what_takes_longer_than_is_waited_for_goes_on() {
        let (sender, done) = tokio::sync::oneshot::channel();
        let slow = async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            let _ = sender.send(());
        };
        assert_eq!(answered(Duration::from_millis(1), slow).await, Err(NotAnswered::TimedOut));
        assert!(done.await.is_ok());
        assert_eq!(answered(Duration::from_secs(5), async { 7 }).await, Ok(7));
    }
}
