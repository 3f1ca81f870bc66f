//! SMART App Launch 2.2 §4, RFC 6749 §4.1, OpenID Connect Discovery: what can be seen of launches without anybody's account.

use super::smart::{configuration, words};
use crate::case::{Case, Importance, Outcome, Stop};
use crate::fhir::{Answer, Bench, Request};
use serde_json::Value;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "LAUNCH-01",
        title: "The OpenID configuration lies below its issuer, names that issuer, and offers RS256",
        clause: "OpenID Connect Discovery 1.0 §3, §4",
        importance: Importance::Shall,
        feature: Some("app-launch"),
        run: |bench| Box::pin(describes_the_provider(bench)),
    },
    Case {
        id: "LAUNCH-02",
        title: "The key set has named public keys, and no private part",
        clause: "RFC 7517 §4, §5; RFC 7518 §6",
        importance: Importance::Shall,
        feature: Some("app-launch"),
        run: |bench| Box::pin(publishes_public_keys(bench)),
    },
    Case {
        id: "LAUNCH-03",
        title: "A request of an unknown application is redirected nowhere",
        clause: "RFC 6749 §4.1.2.1",
        importance: Importance::Shall,
        feature: Some("app-launch"),
        run: |bench| Box::pin(redirects_nowhere(bench)),
    },
    Case {
        id: "LAUNCH-04",
        title: "The authorization endpoint cannot be framed, and is not cached",
        clause: "RFC 6749 §10.13; RFC 9700 §4.16",
        importance: Importance::Shall,
        feature: Some("app-launch"),
        run: |bench| Box::pin(is_not_framed(bench)),
    },
    Case {
        id: "LAUNCH-05",
        title: "Where authorize-post is promised, a request may come by form",
        clause: "SMART App Launch 2.2 §8.1",
        importance: Importance::Shall,
        feature: Some("app-launch"),
        run: |bench| Box::pin(takes_forms(bench)),
    },
    Case {
        id: "LAUNCH-06",
        title: "A made-up code gives no token",
        clause: "RFC 6749 §5.2",
        importance: Importance::Shall,
        feature: Some("app-launch"),
        run: |bench| {
            Box::pin(gives_nothing(
                bench,
                "grant_type=authorization_code&code=conformance&redirect_uri=https%3A%2F%2Fapp.example%2Fback&\
                 client_id=conformance&code_verifier=conformance-conformance-conformance-conformance",
            ))
        },
    },
    Case {
        id: "LAUNCH-07",
        title: "A made-up refresh token gives no token",
        clause: "RFC 6749 §5.2",
        importance: Importance::Shall,
        feature: Some("app-launch"),
        run: |bench| {
            Box::pin(gives_nothing(bench, "grant_type=refresh_token&refresh_token=conformance&client_id=conformance"))
        },
    },
    Case {
        id: "LAUNCH-08",
        title: "Answers of the authorization endpoint say who answers",
        clause: "RFC 9207 §3",
        importance: Importance::Should,
        feature: Some("app-launch"),
        run: |bench| Box::pin(promises_the_issuer(bench)),
    },
];

const FORM: &str = "application/x-www-form-urlencoded";
/// A request that is whole but for its application, which nobody registered.
const REQUEST: &str = "response_type=code&client_id=conformance&redirect_uri=https%3A%2F%2Fapp.example%2Fback&scope=openid&\
                       state=conformance&code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM&code_challenge_method=S256";

async fn endpoint(bench: &Bench, name: &str) -> Result<String, Stop> {
    let (answer, document) = configuration(bench).await?;
    let found = document.get(name).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| answer.fail(format!("{name} in the configuration")))
}

async fn describes_the_provider(bench: &Bench) -> Outcome {
    let issuer = endpoint(bench, "issuer").await?;
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let answer = bench.send(Request::get(address).anonymous().with("accept", "application/json")).await?;
    answer.status_is(200)?;
    let document = answer.json()?;
    answer.check(document.get("issuer").and_then(Value::as_str) == Some(&issuer), "the issuer, to the letter")?;
    for name in ["authorization_endpoint", "token_endpoint", "jwks_uri"] {
        answer.check(document.get(name).is_some_and(Value::is_string), name)?;
    }
    for name in ["response_types_supported", "subject_types_supported"] {
        answer.check(document.get(name).is_some_and(Value::is_array), name)?;
    }
    let algorithms = words(&document, "id_token_signing_alg_values_supported");
    answer.check(algorithms.contains(&"RS256") && !algorithms.contains(&"none"), "RS256 and not none")
}

async fn publishes_public_keys(bench: &Bench) -> Outcome {
    let address = endpoint(bench, "jwks_uri").await?;
    let answer = bench.send(Request::get(address).anonymous().with("accept", "application/json")).await?;
    answer.status_is(200)?;
    let set = answer.json()?;
    let keys: Vec<&Value> = set.get("keys").and_then(Value::as_array).into_iter().flatten().collect();
    answer.check(!keys.is_empty(), "at least one key")?;
    for key in keys {
        answer.check(key.get("kid").is_some_and(Value::is_string), "kid of each key")?;
        let asymmetric = matches!(key.get("kty").and_then(Value::as_str), Some("RSA" | "EC" | "OKP"));
        let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| key.get(name).is_some());
        answer.check(asymmetric && !private, "public keys alone")?;
    }
    Ok(())
}

async fn ask(bench: &Bench, query: &str) -> Result<Answer, Stop> {
    let address = endpoint(bench, "authorization_endpoint").await?;
    bench.send(Request::get(format!("{address}?{query}")).anonymous().with("accept", "text/html")).await
}

async fn redirects_nowhere(bench: &Bench) -> Outcome {
    for query in [REQUEST, "response_type=code&redirect_uri=https%3A%2F%2Fapp.example%2Fback", ""] {
        let answer = ask(bench, query).await?;
        let to = answer.header("location").to_owned();
        answer.check(!to.contains("app.example"), "no redirect to the address of the request")?;
        answer.check((400..500).contains(&answer.status), "a status from 400 to 499")?;
    }
    Ok(())
}

async fn is_not_framed(bench: &Bench) -> Outcome {
    let answer = ask(bench, REQUEST).await?;
    let policy = answer.header("content-security-policy").contains("frame-ancestors 'none'");
    answer.check(policy || answer.header("x-frame-options").eq_ignore_ascii_case("deny"), "no framing")?;
    answer.check(answer.header("cache-control").contains("no-store"), "Cache-Control: no-store")
}

async fn takes_forms(bench: &Bench) -> Outcome {
    let (_, document) = configuration(bench).await?;
    if !words(&document, "capabilities").contains(&"authorize-post") {
        return Ok(());
    }
    let address = endpoint(bench, "authorization_endpoint").await?;
    let answer = bench.send(Request::post(address, FORM, REQUEST).anonymous()).await?;
    answer.check(![403, 404, 405, 415].contains(&answer.status), "the same refusal as by address")
}

async fn gives_nothing(bench: &Bench, body: &str) -> Outcome {
    let address = endpoint(bench, "token_endpoint").await?;
    let answer = bench.send(Request::post(address, FORM, body).anonymous().with("accept", "application/json")).await?;
    let said = answer.json()?;
    let error = said.get("error").and_then(Value::as_str).unwrap_or_default();
    answer.check(
        [400, 401].contains(&answer.status) && ["invalid_grant", "invalid_client"].contains(&error),
        "status 400 or 401 with error invalid_grant or invalid_client",
    )?;
    answer.check(said.get("access_token").is_none(), "no token")
}

async fn promises_the_issuer(bench: &Bench) -> Outcome {
    let (answer, document) = configuration(bench).await?;
    let promised = document.get("authorization_response_iss_parameter_supported").and_then(Value::as_bool);
    answer.check(promised == Some(true), "authorization_response_iss_parameter_supported: true")
}
