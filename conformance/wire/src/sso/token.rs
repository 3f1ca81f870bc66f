//! RFC 6749 §5, RFC 7523, SMART Backend Services: what the token endpoint refuses, and how.

use super::smart::configuration;
use crate::case::{Case, Importance, Outcome, Stop};
use crate::fhir::{Answer, Bench, Request};
use serde_json::Value;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "TOKEN-01",
        title: "An unknown grant is refused as unsupported_grant_type",
        clause: "RFC 6749 §5.2",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| Box::pin(refuses(bench, "grant_type=telepathy", &["unsupported_grant_type"])),
    },
    Case {
        id: "TOKEN-02",
        title: "A request without a grant is refused as invalid_request",
        clause: "RFC 6749 §5.2",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| Box::pin(refuses(bench, "scope=system%2FPatient.r", &["invalid_request"])),
    },
    Case {
        id: "TOKEN-03",
        title: "Without a client assertion nobody gets a token",
        clause: "SMART App Launch 2.2 §4.1.4",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| {
            Box::pin(refuses(
                bench,
                "grant_type=client_credentials&scope=system%2FPatient.r",
                &["invalid_client", "invalid_request"],
            ))
        },
    },
    Case {
        id: "TOKEN-04",
        title: "An assertion that nobody signed is refused as invalid_client",
        clause: "RFC 7523 §3",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| Box::pin(refuses_assertion(bench, UNSIGNED)),
    },
    Case {
        id: "TOKEN-05",
        title: "An assertion of an unknown client is refused as invalid_client, and not differently",
        clause: "RFC 6749 §5.2",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| Box::pin(refuses_assertion(bench, UNKNOWN)),
    },
    Case {
        id: "TOKEN-06",
        title: "A parameter that stands twice is refused as invalid_request",
        clause: "RFC 6749 §3.2",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| {
            Box::pin(refuses(
                bench,
                "grant_type=client_credentials&grant_type=client_credentials",
                &["invalid_request"],
            ))
        },
    },
    Case {
        id: "TOKEN-07",
        title: "What the token endpoint answers is not cached",
        clause: "RFC 6749 §5.1",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| Box::pin(is_not_cached(bench)),
    },
    Case {
        id: "TOKEN-08",
        title: "The token endpoint takes POST only",
        clause: "RFC 6749 §3.2",
        importance: Importance::Shall,
        feature: Some("backend-services"),
        run: |bench| Box::pin(takes_post_only(bench)),
    },
    Case {
        id: "TOKEN-09",
        title: "Introspection tells nobody anything who did not authenticate",
        clause: "RFC 7662 §2.1",
        importance: Importance::Shall,
        feature: Some("introspection"),
        run: |bench| Box::pin(needs_authentication(bench, "introspection_endpoint")),
    },
    Case {
        id: "TOKEN-10",
        title: "Nobody revokes a token who did not authenticate",
        clause: "RFC 7009 §2.1",
        importance: Importance::Shall,
        feature: Some("revocation"),
        run: |bench| Box::pin(needs_authentication(bench, "revocation_endpoint")),
    },
];

/// `{"alg":"none","typ":"JWT"}.{"iss":"conformance","sub":"conformance","aud":"conformance","exp":4102444800,"jti":"1"}.`
const UNSIGNED: &str = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJpc3MiOiJjb25mb3JtYW5jZSIsInN1YiI6ImNvbmZvcm1hbmNlIiwiYXVkIjoiY29uZm9ybWFuY2UiLCJleHAiOjQxMDI0NDQ4MDAsImp0aSI6IjEifQ.";
/// The same claims under `{"alg":"ES384","kid":"conformance","typ":"JWT"}` with a signature of nothing.
const UNKNOWN: &str = "eyJhbGciOiJFUzM4NCIsImtpZCI6ImNvbmZvcm1hbmNlIiwidHlwIjoiSldUIn0.eyJpc3MiOiJjb25mb3JtYW5jZSIsInN1YiI6ImNvbmZvcm1hbmNlIiwiYXVkIjoiY29uZm9ybWFuY2UiLCJleHAiOjQxMDI0NDQ4MDAsImp0aSI6IjEifQ.AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const FORM: &str = "application/x-www-form-urlencoded";

fn asserting(assertion: &str) -> String {
    format!(
        "grant_type=client_credentials&scope=system%2FPatient.r&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3A\
         client-assertion-type%3Ajwt-bearer&client_assertion={assertion}"
    )
}

async fn endpoint(bench: &Bench, name: &str) -> Result<String, Stop> {
    let (answer, document) = configuration(bench).await?;
    let found = document.get(name).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| answer.fail(format!("{name} in the configuration")))
}

async fn ask(bench: &Bench, body: &str) -> Result<Answer, Stop> {
    let address = endpoint(bench, "token_endpoint").await?;
    bench.send(Request::post(address, FORM, body).anonymous().with("accept", "application/json")).await
}

async fn refuses(bench: &Bench, body: &str, errors: &[&str]) -> Outcome {
    let answer = ask(bench, body).await?;
    let said = answer.json()?;
    let error = said.get("error").and_then(Value::as_str).unwrap_or_default();
    answer.check(
        [400, 401].contains(&answer.status) && errors.contains(&error),
        format!("status 400 or 401 with error {}", errors.join(" or ")),
    )?;
    answer.check(said.get("access_token").is_none(), "no token")
}

async fn refuses_assertion(bench: &Bench, assertion: &str) -> Outcome {
    refuses(bench, &asserting(assertion), &["invalid_client"]).await
}

async fn is_not_cached(bench: &Bench) -> Outcome {
    let answer = ask(bench, "grant_type=telepathy").await?;
    answer.check(answer.header("cache-control").contains("no-store"), "Cache-Control: no-store")
}

async fn takes_post_only(bench: &Bench) -> Outcome {
    let address = endpoint(bench, "token_endpoint").await?;
    let answer = bench.send(Request::get(address).anonymous()).await?;
    answer.check((400..500).contains(&answer.status) && answer.status != 401, "405, or another status from 400 to 499")
}

async fn needs_authentication(bench: &Bench, name: &str) -> Outcome {
    let address = endpoint(bench, name).await?;
    let answer = bench.send(Request::post(address, FORM, "token=conformance").anonymous()).await?;
    answer.check([400, 401].contains(&answer.status), "status 400 or 401")?;
    answer.check(answer.json()?.get("active").is_none(), "nothing about the token")
}
