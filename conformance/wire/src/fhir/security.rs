//! FHIR R4 §6.1 and RFC 6750: nothing without a token.

use super::bench::{Answer, Bench, Request};
use crate::case::{Case, Importance, Outcome};

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "SEC-01",
        title: "Without a token a read is refused: 401 with an OperationOutcome",
        clause: "FHIR R4 §6.1.0.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(refuses_anonymous(bench, "DiagnosticReport/conformance")),
    },
    Case {
        id: "SEC-02",
        title: "Without a token a search is refused: 401 with an OperationOutcome",
        clause: "FHIR R4 §6.1.0.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(refuses_anonymous(bench, "DiagnosticReport?_count=1")),
    },
    Case {
        id: "SEC-03",
        title: "A 401 names the scheme in WWW-Authenticate",
        clause: "RFC 9110 §11.6.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(names_the_scheme(bench)),
    },
    Case {
        id: "SEC-04",
        title: "Wrong, empty and foreign credentials are refused with 401",
        clause: "RFC 6750 §3.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(refuses_wrong_credentials(bench)),
    },
    Case {
        id: "SEC-05",
        title: "A token in the URL is not taken",
        clause: "RFC 6750 §2.3",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(refuses_token_in_url(bench)),
    },
    Case {
        id: "SEC-06",
        title: "Without a token, what exists cannot be told from what does not",
        clause: "FHIR R4 §6.1.0.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(hides_existence(bench)),
    },
];

async fn refuses_anonymous(bench: &Bench, target: &str) -> Outcome {
    bench.needs_token()?;
    bench.send(Request::get(target).anonymous()).await?.refuses_with(&[401])
}

async fn names_the_scheme(bench: &Bench) -> Outcome {
    bench.needs_token()?;
    let answer = bench.send(Request::get("DiagnosticReport?_count=1").anonymous()).await?;
    answer.status_is(401)?;
    answer.check(
        answer.header("www-authenticate").to_ascii_lowercase().starts_with("bearer"),
        "WWW-Authenticate with the scheme Bearer",
    )
}

async fn refuses_wrong_credentials(bench: &Bench) -> Outcome {
    bench.needs_token()?;
    let long = format!("Bearer {}", "x".repeat(4_000));
    let wrong: [&[u8]; 7] = [
        b"Bearer",
        b"Bearer  ",
        b"Bearer not-a-token",
        b"Bearer a b",
        b"Basic dXNlcjpwYXNz",
        b"Bearer \xff\xfe",
        long.as_bytes(),
    ];
    for value in wrong {
        let request = Request::get("DiagnosticReport?_count=1").with("authorization", value);
        bench.send(request).await?.refuses_with(&[401])?;
    }
    Ok(())
}

async fn refuses_token_in_url(bench: &Bench) -> Outcome {
    bench.needs_token()?;
    let request = Request::get("DiagnosticReport?access_token=not-a-token").anonymous();
    bench.send(request).await?.refuses_with(&[400, 401])
}

async fn hides_existence(bench: &Bench) -> Outcome {
    bench.needs_token()?;
    let patient = bench.patient().await?;
    let known = bench.send(Request::get(format!("Patient/{patient}")).anonymous()).await?;
    let unknown = bench.send(Request::get("Patient/conformance-none").anonymous()).await?;
    known.status_is(401)?;
    let code = |answer: &Answer| answer.json().map(|body| body.pointer("/issue/0/code").cloned());
    known.check(
        known.status == unknown.status
            && code(&known)? == code(&unknown)?
            && known.header("www-authenticate") == unknown.header("www-authenticate"),
        "the same answer as for a resource that does not exist",
    )
}
