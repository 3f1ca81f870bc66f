//! What identity providers and local accounts verify about a person: OpenID Connect, SAML 2.0, passwords and one-time codes.

pub mod http;
pub mod local;
pub mod oidc;
pub mod rsa;
pub mod saml;
mod stage;

pub use stage::Stage;
