//! The pages: what a browser is told, what it is given to keep, and where it is sent.

use crate::case::{Case, Importance, Outcome};
use crate::fhir::{Answer, Bench, Request};

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "PAGE-01",
        title: "The sign-in page forbids inline scripts, foreign frames and guessing of types",
        clause: "OWASP ASVS 5.0 §3.4",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(is_guarded(bench)),
    },
    Case {
        id: "PAGE-02",
        title: "Pages are not kept by caches",
        clause: "OWASP ASVS 5.0 §14.3.2",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(is_not_cached(bench)),
    },
    Case {
        id: "PAGE-03",
        title: "Every cookie is for this host alone, over TLS, out of reach of scripts",
        clause: "OWASP ASVS 5.0 §3.3",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(guards_cookies(bench)),
    },
    Case {
        id: "PAGE-04",
        title: "Without a session a page of a person leads to sign-in, on the same origin",
        clause: "OWASP ASVS 5.0 §7.4",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(leads_to_sign_in(bench)),
    },
    Case {
        id: "PAGE-05",
        title: "Nobody is sent to a foreign address after sign-in",
        clause: "OWASP ASVS 5.0 §3.7.2",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(stays_at_home(bench)),
    },
    Case {
        id: "PAGE-06",
        title: "A form that came from elsewhere is refused",
        clause: "OWASP ASVS 5.0 §3.5.1",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(refuses_foreign_forms(bench)),
    },
    Case {
        id: "PAGE-07",
        title: "An answer of an identity provider that nobody asked for gives no session",
        clause: "OpenID Connect Core 1.0 §3.1.2.7, RFC 9700 §4.7",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(refuses_unasked_answers(bench)),
    },
    Case {
        id: "PAGE-08",
        title: "A session that nobody was given is no session",
        clause: "OWASP ASVS 5.0 §7.2",
        importance: Importance::Shall,
        feature: Some("pages"),
        run: |bench| Box::pin(refuses_made_up_sessions(bench)),
    },
];

fn page(bench: &Bench, path: &str) -> Request {
    Request::get(format!("{}{path}", bench.origin())).anonymous().with("accept", "text/html")
}

async fn is_guarded(bench: &Bench) -> Outcome {
    let answer = bench.send(page(bench, "/sign-in")).await?;
    answer.status_is(200)?;
    answer.check(answer.header("content-type").starts_with("text/html"), "a page of HTML")?;
    let policy = answer.header("content-security-policy");
    let forbids = !policy.contains("unsafe-inline") && !policy.contains("unsafe-eval");
    answer.check(
        forbids && ["'none'", "'self'"].iter().any(|source| policy.contains(&format!("default-src {source}"))),
        "a Content-Security-Policy without unsafe-inline and unsafe-eval, from default-src 'none' or 'self'",
    )?;
    answer.check(policy.contains("frame-ancestors 'none'"), "frame-ancestors 'none'")?;
    answer.check(answer.header("x-content-type-options") == "nosniff", "X-Content-Type-Options: nosniff")?;
    answer.check(!answer.header("referrer-policy").is_empty(), "a Referrer-Policy")
}

async fn is_not_cached(bench: &Bench) -> Outcome {
    let answer = bench.send(page(bench, "/sign-in")).await?;
    answer.check(answer.header("cache-control").contains("no-store"), "Cache-Control: no-store")
}

async fn guards_cookies(bench: &Bench) -> Outcome {
    for path in ["/sign-in", "/account", "/sign-out"] {
        let answer = bench.send(page(bench, path)).await?;
        for cookie in answer.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().unwrap_or_default().to_ascii_lowercase();
            let guarded = cookie.starts_with("__host-")
                && ["secure", "httponly", "path=/", "samesite="].iter().all(|wanted| cookie.contains(wanted));
            answer.check(guarded, "a __Host- cookie with Secure, HttpOnly, SameSite and Path=/")?;
        }
    }
    Ok(())
}

fn stays(bench: &Bench, answer: &Answer) -> bool {
    let to = answer.header("location");
    let own = to.starts_with('/') && !to.starts_with("//") && !to.contains('\\');
    to.is_empty() || own || to.strip_prefix(bench.origin()).is_some_and(|rest| rest.starts_with('/'))
}

async fn leads_to_sign_in(bench: &Bench) -> Outcome {
    for path in ["/account", "/patients"] {
        let answer = bench.send(page(bench, path)).await?;
        let led = [302, 303, 307].contains(&answer.status) && answer.header("location").contains("/sign-in");
        answer.check((led || answer.status == 401) && stays(bench, &answer), "the way to /sign-in, or 401")?;
    }
    Ok(())
}

async fn stays_at_home(bench: &Bench) -> Outcome {
    for to in ["https://attacker.example", "//attacker.example", "/\\attacker.example", "/%09/attacker.example"] {
        let to = to.replace('\\', "%5C");
        for name in ["return", "return_to", "next", "to"] {
            let answer = bench.send(page(bench, &format!("/sign-in?{name}={to}"))).await?;
            answer.check(stays(bench, &answer), "no redirect to a foreign address")?;
            answer.check(
                !answer.text().contains("href=\"//attacker") && !answer.text().contains("href=\"https://attacker"),
                "no link to a foreign address",
            )?;
        }
    }
    Ok(())
}

async fn refuses_foreign_forms(bench: &Bench) -> Outcome {
    for path in ["/sign-out", "/account"] {
        let request = Request::post(format!("{}{path}", bench.origin()), "application/x-www-form-urlencoded", "x=1")
            .anonymous()
            .with("origin", "https://attacker.example")
            .with("sec-fetch-site", "cross-site");
        let answer = bench.send(request).await?;
        let refused = (400..500).contains(&answer.status) || answer.header("location").contains("/sign-in");
        answer.check(refused && stays(bench, &answer), "a status from 400 to 499")?;
    }
    Ok(())
}

async fn refuses_unasked_answers(bench: &Bench) -> Outcome {
    let answer = bench.send(page(bench, "/auth/oidc/callback?code=conformance&state=conformance")).await?;
    answer.check((400..500).contains(&answer.status), "a status from 400 to 499")?;
    let session = answer.headers.get_all("set-cookie").iter().filter_map(|cookie| cookie.to_str().ok());
    let given = session.filter(|cookie| !cookie.to_ascii_lowercase().contains("max-age=0")).count();
    answer.check(given == 0, "no cookie")
}

async fn refuses_made_up_sessions(bench: &Bench) -> Outcome {
    for value in ["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "", "%00", "../../etc/passwd"] {
        let request = page(bench, "/account").with("cookie", format!("__Host-sealgate={value}"));
        let answer = bench.send(request).await?;
        let refused = answer.status == 401 || answer.header("location").contains("/sign-in");
        answer.check(refused && stays(bench, &answer), "the way to /sign-in, or 401")?;
    }
    Ok(())
}
