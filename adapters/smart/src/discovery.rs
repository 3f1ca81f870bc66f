//! What is served, told to clients: `.well-known/smart-configuration` (SMART App Launch 2.2 §7) and
//! `.well-known/openid-configuration` (OpenID Connect Discovery §3).

use crate::assertion::Algorithm;
use crate::id_token::{ONE_FACTOR, TWO_FACTORS};
use crate::service::Addresses;
use domain::kind::Kind;
use domain::launch::Word;
use serde_json::{Value, json};

/// What a client may count on (SMART App Launch 2.2 §8.1); nothing that is not there.
const CAPABILITIES: &[&str] = &[
    "launch-ehr",
    "launch-standalone",
    "authorize-post",
    "client-public",
    "client-confidential-symmetric",
    "client-confidential-asymmetric",
    "sso-openid-connect",
    "context-banner",
    "context-ehr-patient",
    "context-standalone-patient",
    "permission-offline",
    "permission-online",
    "permission-patient",
    "permission-user",
    "permission-v1",
    "permission-v2",
];

/// Renders the SMART configuration.
pub(crate) fn smart(addresses: &Addresses) -> String {
    let mut document = common(addresses);
    if let Some(members) = document.as_object_mut() {
        members.insert("capabilities".to_owned(), json!(CAPABILITIES));
    }
    document.to_string()
}

/// Renders the configuration of an OpenID provider.
pub(crate) fn openid(addresses: &Addresses) -> String {
    let mut document = common(addresses);
    if let (Some(members), Value::Object(more)) = (
        document.as_object_mut(),
        json!({
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "acr_values_supported": [TWO_FACTORS, ONE_FACTOR],
            "claims_supported": [
                "iss", "sub", "aud", "iat", "exp", "auth_time", "acr", "at_hash", "nonce", "fhirUser", "name",
            ],
            "claims_parameter_supported": false,
            "request_parameter_supported": false,
            "request_uri_parameter_supported": false,
        }),
    ) {
        members.extend(more);
    }
    document.to_string()
}

fn common(addresses: &Addresses) -> Value {
    let algorithms: Vec<&str> = Algorithm::ALL.iter().map(|algorithm| algorithm.name()).collect();
    let methods = ["client_secret_basic", "private_key_jwt"];
    json!({
        "issuer": addresses.issuer,
        "jwks_uri": addresses.jwks,
        "authorization_endpoint": addresses.authorization,
        "token_endpoint": addresses.token,
        // A public client proves itself by each code's proof key alone (RFC 8414 §2).
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint": addresses.introspection,
        "introspection_endpoint_auth_methods_supported": methods,
        "revocation_endpoint": addresses.revocation,
        "revocation_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt", "none"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "authorization_response_iss_parameter_supported": true,
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": scopes(),
    })
}

fn scopes() -> Vec<String> {
    let words = Word::ALL.iter().map(|word| word.name().to_owned());
    let records = ["patient", "user", "system"].into_iter().flat_map(|level| {
        let types = Kind::ALL.iter().filter(|kind| kind.is_fhir()).map(move |kind| format!("{level}/{kind}.rs"));
        std::iter::once(format!("{level}/*.rs")).chain(types)
    });
    let administration = ["user/Administration.ru", "system/Administration.ru"].map(str::to_owned);
    words.chain(records).chain(administration).collect()
}
