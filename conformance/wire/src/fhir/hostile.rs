//! What an attacker sends: refused with an OperationOutcome, and the endpoint goes on serving.

use super::bench::{Bench, Request};
use crate::case::{Case, Importance, Outcome};
use crate::vectors;
use reqwest::Method;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "HOST-01",
        title: "Hostile paths get 4xx with an OperationOutcome",
        clause: "OWASP ASVS 5 §2.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(paths(bench)),
    },
    Case {
        id: "HOST-02",
        title: "Hostile queries get 4xx with an OperationOutcome",
        clause: "OWASP ASVS 5 §2.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(queries(bench)),
    },
    Case {
        id: "HOST-03",
        title: "Hostile headers never break the endpoint",
        clause: "OWASP ASVS 5 §4.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(headers(bench)),
    },
    Case {
        id: "HOST-04",
        title: "A header cannot change the method",
        clause: "OWASP ASVS 5 §4.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(method_override(bench)),
    },
    Case {
        id: "HOST-05",
        title: "Hostile request bodies get 4xx with an OperationOutcome",
        clause: "FHIR R4 §2.6.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bodies(bench)),
    },
    Case {
        id: "HOST-06",
        title: "A search by POST with a body that is no form gets 4xx with an OperationOutcome",
        clause: "FHIR R4 §3.1.1.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(forms(bench)),
    },
    Case {
        id: "HOST-07",
        title: "A query of 60 kB is refused or answered, and breaks nothing",
        clause: "RFC 9110 §15.5.15",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(long_query(bench)),
    },
    Case {
        id: "HOST-08",
        title: "An error does not repeat what was sent",
        clause: "OWASP ASVS 5 §16.5",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(errors_do_not_repeat(bench)),
    },
];

async fn paths(bench: &Bench) -> Outcome {
    let long = "a".repeat(3_000);
    for id in [
        "%00",
        "..%2f..%2fetc%2fpasswd",
        "%ff%fe",
        "1%27%20OR%20%271%27=%271",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "%E2%80%AE",
        "%0d%0aSet-Cookie:%20a=b",
        "x/_history/%00",
        "x/_history/1/extra",
        "$conformance",
        long.as_str(),
    ] {
        bench.get(format!("DiagnosticReport/{id}")).await?.refuses()?;
    }
    bench.get("metadata").await?.status_is(200)
}

async fn queries(bench: &Bench) -> Outcome {
    let many = "&status=final".repeat(2_000);
    for query in [
        "date=%00",
        "date=ge%FF",
        "date=ge2026-01-01%27--",
        "_count=1%00",
        "_count=1e9",
        "%FF%FE=1",
        "patient:Patient.name%00=a",
        "_include=%00",
        many.trim_start_matches('&'),
    ] {
        let answer = bench.get(format!("DiagnosticReport?{query}")).await?;
        if query.len() > 1_000 {
            // Refusing by the number of values or answering are both right; breaking is not.
            answer.check(answer.status < 500, "no status from 500 on")?;
        } else {
            answer.refuses()?;
        }
    }
    bench.get("metadata").await?.status_is(200)
}

async fn headers(bench: &Bench) -> Outcome {
    let long = "a/b, ".repeat(1_000);
    let hostile: [(&'static str, &[u8]); 10] = [
        ("if-none-match", b"W/\"\", ,,, \"\"\""),
        ("if-none-match", b"\xff\xfe"),
        ("if-modified-since", b"the day before yesterday"),
        ("accept", b";;;,,,"),
        ("accept", long.as_bytes()),
        ("accept", b"\xff"),
        ("x-request-id", b"\xe2\x80\xae%0d%0aInjected: 1"),
        ("prefer", b"handling=;;=="),
        ("range", b"bytes=0-99999999999999999999"),
        ("content-type", b"a/b/c;;="),
    ];
    for (name, value) in hostile {
        let answer = bench.send(Request::get("metadata").with(name, value)).await?;
        answer.check(answer.status < 500, "no status from 500 on")?;
        answer.check(answer.headers.get("injected").is_none(), "no header that the request smuggled in")?;
    }
    bench.get("metadata").await?.status_is(200)
}

async fn method_override(bench: &Bench) -> Outcome {
    for name in ["x-http-method-override", "x-method-override", "x-http-method"] {
        bench.send(Request::get("metadata").with(name, "DELETE")).await?.status_is(200)?;
    }
    Ok(())
}

async fn bodies(bench: &Bench) -> Outcome {
    for vector in vectors::bodies() {
        let create = Request::post("DiagnosticReport", "application/fhir+json", vector.bytes);
        bench.send(create).await?.refuses()?;
    }
    let put = Request::new(Method::PUT, "DiagnosticReport/conformance-none");
    bench.send(put).await?.refuses()?;
    bench.get("metadata").await?.status_is(200)
}

async fn forms(bench: &Bench) -> Outcome {
    for (kind, body) in [
        ("application/json", b"{\"patient\":\"x\"}".as_slice()),
        ("multipart/form-data", b"--x\r\n"),
        ("application/x-www-form-urlencoded", b"date=%00"),
        ("application/x-www-form-urlencoded", b"\xff\xfe=\xff"),
    ] {
        bench.send(Request::post("DiagnosticReport/_search", kind, body)).await?.refuses()?;
    }
    Ok(())
}

async fn long_query(bench: &Bench) -> Outcome {
    let answer = bench.get(format!("DiagnosticReport?patient={}", "x".repeat(60_000))).await?;
    answer.check(answer.status < 500, "no status from 500 on")?;
    bench.get("metadata").await?.status_is(200)
}

async fn errors_do_not_repeat(bench: &Bench) -> Outcome {
    // A client that mistypes a parameter may have put a patient's name into it.
    for target in ["DiagnosticReport?date=ZZPLANTED", "DiagnosticReport/ZZPLANTED", "DiagnosticReport?_count=ZZPLANTED"]
    {
        let answer = bench.get(target).await?;
        answer.refuses()?;
        answer.check(!answer.text().contains("ZZPLANTED"), "an error without the value that was sent")?;
    }
    Ok(())
}
