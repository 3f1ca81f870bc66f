//! `.well-known/smart-configuration` (SMART App Launch 2.2 §7): what is served, and nothing else.

use crate::assertion::Algorithm;
use crate::service::Addresses;
use domain::kind::Kind;
use serde_json::json;

/// Renders the document.
///
/// `code_challenge_methods_supported` is required of every server (§7.2.1), also of one without a launch.
pub(crate) fn render(addresses: &Addresses) -> String {
    let algorithms: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let types = Kind::ALL.iter().filter(|kind| kind.is_fhir()).map(|kind| format!("system/{kind}.rs"));
    let scopes: Vec<String> = std::iter::once("system/*.rs".to_owned()).chain(types).collect();
    json!({
        "issuer": addresses.issuer,
        "token_endpoint": addresses.token,
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": addresses.introspection,
        "introspection_endpoint_auth_methods_supported": ["private_key_jwt"],
        "revocation_endpoint": addresses.revocation,
        "revocation_endpoint_auth_methods_supported": ["private_key_jwt"],
        "grant_types_supported": ["client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": scopes,
        "capabilities": ["client-confidential-asymmetric", "permission-v1", "permission-v2"],
    })
    .to_string()
}
