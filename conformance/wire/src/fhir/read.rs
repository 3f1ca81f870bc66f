//! FHIR R4 §3.1.0.2 to §3.1.0.4: read, conditional read, vread and history.

use super::bench::{Answer, Bench, Request};
use super::bundle::address;
use crate::case::{Case, Importance, Outcome, Stop};
use serde_json::Value;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "READ-01",
        title: "A read returns the resource that was asked for",
        clause: "FHIR R4 §3.1.0.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(returns_what_was_asked(bench)),
    },
    Case {
        id: "READ-02",
        title: "ETag is weak and holds meta.versionId",
        clause: "FHIR R4 §3.1.0.2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(etag_is_the_version(bench)),
    },
    Case {
        id: "READ-03",
        title: "Last-Modified is an HTTP date",
        clause: "FHIR R4 §3.1.0.2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(last_modified_is_given(bench)),
    },
    Case {
        id: "READ-04",
        title: "If-None-Match with the current version gets 304 without a body",
        clause: "FHIR R4 §3.1.0.1.8",
        importance: Importance::Should,
        feature: Some("conditional-read"),
        run: |bench| Box::pin(unchanged_is_not_sent(bench)),
    },
    Case {
        id: "READ-05",
        title: "If-None-Match with another version gets the resource",
        clause: "FHIR R4 §3.1.0.1.8",
        importance: Importance::Should,
        feature: Some("conditional-read"),
        run: |bench| Box::pin(changed_is_sent(bench)),
    },
    Case {
        id: "READ-06",
        title: "If-Modified-Since with the time of the version gets 304",
        clause: "FHIR R4 §3.1.0.1.8",
        importance: Importance::May,
        feature: Some("conditional-read"),
        run: |bench| Box::pin(unmodified_is_not_sent(bench)),
    },
    Case {
        id: "READ-07",
        title: "vread of the current version returns the same as a read",
        clause: "FHIR R4 §3.1.0.3",
        importance: Importance::Should,
        feature: Some("history"),
        run: |bench| Box::pin(vread_equals_read(bench)),
    },
    Case {
        id: "READ-08",
        title: "vread of a version that does not exist gets 404",
        clause: "FHIR R4 §3.1.0.3",
        importance: Importance::Shall,
        feature: Some("history"),
        run: |bench| Box::pin(unknown_version_is_not_found(bench)),
    },
    Case {
        id: "READ-09",
        title: "History is a Bundle of type history, newest first, with request and response",
        clause: "FHIR R4 §3.1.0.10",
        importance: Importance::Should,
        feature: Some("history"),
        run: |bench| Box::pin(history_is_in_order(bench)),
    },
];

async fn current(bench: &Bench) -> Result<(String, Answer, Value), Stop> {
    let report = bench.report().await?;
    let target = address(&report).ok_or_else(|| Stop::Broken("the search returned a resource without an id".into()))?;
    let answer = bench.get(target.clone()).await?;
    answer.status_is(200)?;
    let value = answer.json()?;
    Ok((target, answer, value))
}

async fn returns_what_was_asked(bench: &Bench) -> Outcome {
    let (target, answer, value) = current(bench).await?;
    answer.check(address(&value).as_deref() == Some(target.as_str()), format!("the resource {target}"))
}

async fn etag_is_the_version(bench: &Bench) -> Outcome {
    let (_, answer, value) = current(bench).await?;
    let version = value.pointer("/meta/versionId").and_then(Value::as_str).unwrap_or_default();
    answer.check(!version.is_empty(), "meta.versionId")?;
    answer.check(answer.header("etag") == format!("W/\"{version}\""), format!("ETag W/\"{version}\""))
}

async fn last_modified_is_given(bench: &Bench) -> Outcome {
    let (_, answer, _) = current(bench).await?;
    let text = answer.header("last-modified");
    answer.check(
        text.len() == 29 && text.ends_with(" GMT") && text.get(3..5) == Some(", "),
        "Last-Modified such as Sat, 14 Mar 2026 09:30:00 GMT",
    )
}

async fn unchanged_is_not_sent(bench: &Bench) -> Outcome {
    let (target, first, _) = current(bench).await?;
    let etag = first.header("etag").to_owned();
    first.check(!etag.is_empty(), "an ETag")?;
    let strong = etag.trim_start_matches("W/").to_owned();
    for value in [etag.clone(), strong, format!("\"none\", {etag}")] {
        let answer = bench.send(Request::get(target.clone()).with("if-none-match", value)).await?;
        answer.status_is(304)?;
        answer.check(answer.body.is_empty(), "no body")?;
    }
    Ok(())
}

async fn changed_is_sent(bench: &Bench) -> Outcome {
    let (target, _, _) = current(bench).await?;
    let request = Request::get(target).with("if-none-match", "W/\"no-such-version\"");
    bench.send(request).await?.status_is(200)
}

async fn unmodified_is_not_sent(bench: &Bench) -> Outcome {
    let (target, first, _) = current(bench).await?;
    let time = first.header("last-modified").to_owned();
    first.check(!time.is_empty(), "Last-Modified")?;
    bench.send(Request::get(target).with("if-modified-since", time)).await?.status_is(304)
}

async fn vread_equals_read(bench: &Bench) -> Outcome {
    let (target, read, value) = current(bench).await?;
    let version = value.pointer("/meta/versionId").and_then(Value::as_str).unwrap_or_default();
    let answer = bench.get(format!("{target}/_history/{version}")).await?;
    answer.status_is(200)?;
    answer.check(answer.json()? == read.json()?, "the same resource as the read")
}

async fn unknown_version_is_not_found(bench: &Bench) -> Outcome {
    let (target, _, _) = current(bench).await?;
    bench.get(format!("{target}/_history/987654321")).await?.refuses_with(&[404])
}

async fn history_is_in_order(bench: &Bench) -> Outcome {
    let (target, _, value) = current(bench).await?;
    let answer = bench.get(format!("{target}/_history")).await?;
    answer.status_is(200)?;
    let bundle = answer.json()?;
    answer.check(bundle.get("type").and_then(Value::as_str) == Some("history"), "a Bundle of type history")?;
    let entries = bundle.get("entry").and_then(Value::as_array).cloned().unwrap_or_default();
    answer.check(
        entries.first().and_then(|entry| entry.pointer("/resource/meta/versionId")) == value.pointer("/meta/versionId"),
        "the current version first",
    )?;
    for entry in &entries {
        answer.check(
            entry.pointer("/request/method").is_some() && entry.pointer("/response/status").is_some(),
            "request.method and response.status in each entry",
        )?;
    }
    let times: Vec<&str> = entries
        .iter()
        .filter_map(|entry| entry.pointer("/resource/meta/lastUpdated").and_then(Value::as_str))
        .collect();
    // Instants of one server share their form and zone, so their text orders as they do.
    answer.check(times.is_sorted_by(|newer, older| newer >= older), "newest first")
}
