//! FHIR R4 over HTTP: what was received is read and searched here, and nothing else.
//!
//! ```text
//!   GET /fhir/…  ──► route ──► caller (bearer token → subject, else 401) ──► negotiate
//!                                                                              │
//!      answer ◄── outcome (the only place that knows status codes) ◄── interaction ──► domain::retrieval
//! ```
//! Never: a byte of a record before its disclosure is in the chain (the use case sees to that), a value of a request
//! or a record in an error or a log line, a status code chosen anywhere but in `outcome.rs`.
//!
//! Start reading at [`configure`] and `dispatch.rs`. Deliberately absent: writing, XML, `_sort`, chains, bulk export.

mod answer;
mod caller;
mod conditional;
mod dispatch;
mod interaction;
mod negotiate;
mod outcome;
mod proxies;
mod route;
mod serve;
mod service;

pub use dispatch::{configure, routes};
pub use proxies::{ForwardedHeader, Proxies};
pub use serve::{ServeLimits, serve};
pub use service::{Admission, Admitted, Attempt, Limits, Service, Unauthenticated};
