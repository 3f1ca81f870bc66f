//! SMART App Launch 2.2 §7: the configuration document.

use crate::case::{Case, Importance, Outcome, Stop};
use crate::fhir::{Answer, Bench, Request};
use serde_json::Value;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "SMART-01",
        title: "The configuration is served as JSON to everybody, whatever they accept",
        clause: "SMART App Launch 2.2 §7.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_served(bench)),
    },
    Case {
        id: "SMART-02",
        title: "It names the token endpoint, the grants and the capabilities",
        clause: "SMART App Launch 2.2 §7.2.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(names_what_is_required(bench)),
    },
    Case {
        id: "SMART-03",
        title: "Every address in it is absolute",
        clause: "SMART App Launch 2.2 §7.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_absolute(bench)),
    },
    Case {
        id: "SMART-04",
        title: "Proof keys are hashed: S256 is supported and plain is not",
        clause: "SMART App Launch 2.2 §7.2.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(hashes_proof_keys(bench)),
    },
    Case {
        id: "SMART-05",
        title: "What its capabilities promise, its addresses can keep",
        clause: "SMART App Launch 2.2 §8.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(keeps_its_promises(bench)),
    },
    Case {
        id: "SMART-06",
        title: "Backend Services are offered with RS384 or ES384 and no shared secret",
        clause: "SMART App Launch 2.2 §4.1",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| Box::pin(offers_backend_services(bench)),
    },
    Case {
        id: "SMART-07",
        title: "The scopes it supports are named, with resource scopes in the form of version 2",
        clause: "US Core 6.1 §SMART on FHIR obligations",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(names_scopes(bench)),
    },
];

/// Asks for the document once more and reads it.
pub(super) async fn configuration(bench: &Bench) -> Result<(Answer, Value), Stop> {
    let answer = bench.send(Request::get(".well-known/smart-configuration").anonymous()).await?;
    answer.status_is(200)?;
    let document = answer.json()?;
    Ok((answer, document))
}

/// Returns the words of a list in the document.
pub(super) fn words<'a>(document: &'a Value, name: &str) -> Vec<&'a str> {
    document.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
}

async fn is_served(bench: &Bench) -> Outcome {
    for accept in ["application/json", "text/html", "application/fhir+xml"] {
        let request = Request::get(".well-known/smart-configuration").anonymous().with("accept", accept);
        let answer = bench.send(request).await?;
        answer.status_is(200)?;
        answer.check(
            answer.header("content-type").starts_with("application/json") && answer.json()?.is_object(),
            "an object of JSON, typed application/json",
        )?;
    }
    Ok(())
}

async fn names_what_is_required(bench: &Bench) -> Outcome {
    let (answer, document) = configuration(bench).await?;
    answer.check(document.get("token_endpoint").and_then(Value::as_str).is_some(), "token_endpoint")?;
    for list in ["capabilities", "grant_types_supported", "code_challenge_methods_supported"] {
        answer.check(document.get(list).is_some_and(Value::is_array), format!("{list}, a list"))?;
    }
    Ok(())
}

async fn is_absolute(bench: &Bench) -> Outcome {
    let (answer, document) = configuration(bench).await?;
    let members = document.as_object().into_iter().flatten();
    for (name, value) in members.filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri")) {
        let absolute = value.as_str().is_some_and(|text| text.starts_with("https://") || text.starts_with("http://"));
        answer.check(absolute, format!("{name} as an absolute address"))?;
    }
    Ok(())
}

async fn hashes_proof_keys(bench: &Bench) -> Outcome {
    let (answer, document) = configuration(bench).await?;
    let methods = words(&document, "code_challenge_methods_supported");
    answer.check(methods.contains(&"S256") && !methods.contains(&"plain"), "S256 and not plain")
}

async fn keeps_its_promises(bench: &Bench) -> Outcome {
    let (answer, document) = configuration(bench).await?;
    let capabilities = words(&document, "capabilities");
    let grants = words(&document, "grant_types_supported");
    let launches = capabilities.iter().any(|capability| capability.starts_with("launch-"));
    answer.check(
        !launches || (document.get("authorization_endpoint").is_some() && grants.contains(&"authorization_code")),
        "authorization_endpoint and the grant authorization_code, since a launch is promised",
    )?;
    answer.check(
        !capabilities.contains(&"sso-openid-connect")
            || (document.get("issuer").is_some() && document.get("jwks_uri").is_some()),
        "issuer and jwks_uri, since sso-openid-connect is promised",
    )
}

async fn offers_backend_services(bench: &Bench) -> Outcome {
    let (answer, document) = configuration(bench).await?;
    answer.check(words(&document, "grant_types_supported").contains(&"client_credentials"), "client_credentials")?;
    answer.check(
        words(&document, "token_endpoint_auth_methods_supported").contains(&"private_key_jwt"),
        "private_key_jwt",
    )?;
    answer.check(
        words(&document, "capabilities").contains(&"client-confidential-asymmetric"),
        "the capability client-confidential-asymmetric",
    )?;
    let algorithms = words(&document, "token_endpoint_auth_signing_alg_values_supported");
    answer.check(
        algorithms.is_empty() || algorithms.iter().any(|name| ["RS384", "ES384"].contains(name)),
        "RS384 or ES384 among the algorithms, where they are named",
    )
}

async fn names_scopes(bench: &Bench) -> Outcome {
    let (answer, document) = configuration(bench).await?;
    let scopes = words(&document, "scopes_supported");
    let resource = |scope: &&str| {
        let levels = ["patient/", "user/", "system/"];
        levels.iter().any(|level| scope.starts_with(level))
            && scope.rsplit_once('.').is_some_and(|(_, letters)| {
                let letters = letters.split('?').next().unwrap_or_default();
                !letters.is_empty() && letters.bytes().all(|letter| b"cruds".contains(&letter))
            })
    };
    answer.check(scopes.iter().any(resource), "scopes_supported with a resource scope such as system/Observation.rs")
}
