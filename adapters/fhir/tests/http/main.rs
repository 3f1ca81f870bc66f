//! The FHIR interface as a client sees it, over the doubles of the ports.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    missing_docs,
    unreachable_pub,
    reason = "a test fails by panicking, and nobody imports it"
)]

mod house;
mod pages;
mod problems;
mod reading;
mod searching;
mod serving;

use actix_web::App;
use actix_web::dev::ServiceResponse;
use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use fhir::Limits;
use house::House;
use serde_json::Value;

/// One answer, read to its end.
pub struct Answer {
    pub status: StatusCode,
    pub headers: header::HeaderMap,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// The code of the one issue, after checking that this is an OperationOutcome.
    pub fn issue(&self) -> String {
        let json = self.json();
        assert_eq!(json["resourceType"], "OperationOutcome", "{}", self.text);
        assert_eq!(self.header("content-type"), "application/fhir+json; charset=utf-8");
        json["issue"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// Sends a request to an interface of its own.
pub async fn send(house: &House, request: TestRequest) -> Answer {
    send_within(house, request, Limits::default()).await
}

pub async fn send_within(house: &House, request: TestRequest, limits: Limits) -> Answer {
    let app = init_service(App::new().configure(fhir::configure(house.service(limits)))).await;
    let response: ServiceResponse =
        call_service(&app, request.peer_addr("192.0.2.9:4711".parse().unwrap()).to_request()).await;
    let (status, headers) = (response.status(), response.headers().clone());
    Answer { status, headers, text: String::from_utf8(read_body(response).await.to_vec()).unwrap() }
}

pub fn request(method: Method, path: &str, token: &str) -> TestRequest {
    let request = TestRequest::with_uri(path).method(method);
    if token.is_empty() { request } else { request.insert_header((header::AUTHORIZATION, format!("Bearer {token}"))) }
}

/// A GET below the FHIR address, by the ordinary reader.
pub async fn get(house: &House, path: &str) -> Answer {
    send(house, request(Method::GET, &format!("/fhir/{path}"), "reader")).await
}
