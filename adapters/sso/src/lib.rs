//! What identity providers and local accounts verify about a person: OpenID Connect, SAML 2.0, passwords, one-time codes and
//! security keys.

#[cfg(any(test, feature = "double"))]
pub mod double;
pub mod http;
pub mod local;
mod near;
pub mod oidc;
pub mod rsa;
pub mod saml;
mod stage;

pub use stage::Stage;
