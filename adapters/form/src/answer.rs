//! What every answer of ours says beside what it is about.

use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, HttpResponseBuilder};
use domain::id::CorrelationId;

/// Begins an answer of a media type that nobody guesses, and that nobody keeps.
#[must_use]
pub fn start(status: StatusCode, media: &'static str) -> HttpResponseBuilder {
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CONTENT_TYPE, media))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// Says on an answer which number the entries about its request have.
pub fn number(response: &mut HttpResponse, correlation: CorrelationId) {
    if let Ok(value) = header::HeaderValue::from_str(&correlation.to_string()) {
        response.headers_mut().insert(header::HeaderName::from_static("x-request-id"), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_by_nobody_and_bears_the_number_of_its_request() {
        let mut response = start(StatusCode::OK, "application/json").finish();
        let correlation = CorrelationId([7; 16]);
        number(&mut response, correlation);
        let said = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!(said("content-type").as_deref(), Some("application/json"));
        assert_eq!(said("cache-control").as_deref(), Some("no-store"));
        assert_eq!(said("x-content-type-options").as_deref(), Some("nosniff"));
        assert_eq!(said("x-request-id"), Some(correlation.to_string()));
    }
}
