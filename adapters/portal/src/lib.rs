//! The pages that people see: signing in, the account, and the results of patients. Rendered here; none needs a script but for
//! security keys, which browsers offer to scripts alone.
//!
//! ```text
//!   request ─► route table ─► visit: session, form checked ─► page ─► answer: the same headers on every one
//!                                                              │
//!                 doors (OpenID Connect, SAML, accounts) ◄─────┤
//!                 domain::sign_in     begins, resumes, ends ◄──┤
//!                 domain::retrieval   decides, records, opens ◄┘
//! ```
//!
//! Never: patient data that did not come through [`Retrieval`](domain::retrieval::Retrieval); patient data in an address; a form taken
//! from another site; a redirect to an address that came from outside; a session prolonged by a page that reloads itself.
//!
//! Start reading at the `route` module (what is served, to whom), then `dispatch` (from request to answer).
//! Deliberately absent: scripts but that one, administration, and every protocol with identity providers, which live in `sso`.

mod account;
mod address;
mod answer;
mod begun;
mod chain;
mod clinical;
mod clinical_pages;
mod cookie;
mod copied_key;
mod credentials;
mod csrf;
mod dispatch;
mod doors;
mod federation;
mod glass;
mod key_step;
mod launching;
mod local;
mod pages;
mod place;
mod problem;
mod qr;
mod reviews;
mod route;
mod script;
mod security_keys;
mod service;
mod signing_in;
mod stylesheet;
#[cfg(test)]
mod tests;
mod visit;

pub use dispatch::configure;
pub use doors::{
    Arrival, Departure, Ending, IdentityProviders, LocalDoor, OidcProviders, Outcome, Receipt, Refusal, Reply,
    SamlProviders,
};
pub use route::routes;
pub use service::{Doors, Limits, Service};
