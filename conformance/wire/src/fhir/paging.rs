//! FHIR R4 §3.1.0.11: pages of a search result.

use super::bench::Bench;
use super::bundle::id;
use crate::case::{Case, Importance, Outcome, Stop};
use std::collections::BTreeSet;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "PAGE-01",
        title: "_count is never exceeded",
        clause: "FHIR R4 §3.1.1.5.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(count_is_a_limit(bench)),
    },
    Case {
        id: "PAGE-02",
        title: "next links lead through every match once",
        clause: "FHIR R4 §3.1.0.11",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(pages_are_complete(bench)),
    },
    Case {
        id: "PAGE-03",
        title: "next links are absolute",
        clause: "FHIR R4 §3.1.0.11",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(links_are_absolute(bench)),
    },
    Case {
        id: "PAGE-04",
        title: "next links are opaque: no patient id, and shorter than 2,000 characters",
        clause: "FHIR R4 §3.1.0.11",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(links_are_opaque(bench)),
    },
    Case {
        id: "PAGE-05",
        title: "A next link that was changed is refused",
        clause: "FHIR R4 §3.1.0.11",
        importance: Importance::Should,
        feature: Some("strict-search"),
        run: |bench| Box::pin(changed_links_are_refused(bench)),
    },
    Case {
        id: "PAGE-06",
        title: "_count=0 answers with the total alone",
        clause: "FHIR R4 §3.1.1.5.3",
        importance: Importance::Should,
        feature: Some("total"),
        run: |bench| Box::pin(count_zero_counts(bench)),
    },
];

async fn count_is_a_limit(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    for count in [1, 2, 3] {
        let bundle = bench.search(format!("Observation?patient={patient}&_count={count}")).await?;
        bundle.answer.check(bundle.matches().len() <= count, format!("{count} matches at most"))?;
    }
    Ok(())
}

async fn pages_are_complete(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let whole = bench.search_all(format!("Observation?patient={patient}&_count=200")).await?;
    let query = format!("Observation?patient={patient}&_count=2");
    let paged = bench.search_all(query.clone()).await?;
    let ids: Vec<String> = paged.iter().filter_map(id).collect();
    let distinct: BTreeSet<&String> = ids.iter().collect();
    let first = bench.search(query).await?;
    first.answer.check(distinct.len() == ids.len(), "no resource on two pages")?;
    let wanted: Vec<String> = whole.iter().filter_map(id).collect();
    first.answer.check(
        wanted.iter().collect::<BTreeSet<_>>() == distinct,
        format!("the {} resources that one large page holds", wanted.len()),
    )
}

async fn links_are_absolute(bench: &Bench) -> Outcome {
    let (bundle, link) = next(bench).await?;
    bundle.answer.check(link.starts_with("http://") || link.starts_with("https://"), "an absolute URL in the next link")
}

async fn links_are_opaque(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let (bundle, link) = next(bench).await?;
    bundle.answer.check(link.len() < 2_000, "a next link shorter than 2,000 characters")?;
    bundle.answer.check(!link.contains(&patient), "a next link without the patient's id")
}

async fn changed_links_are_refused(bench: &Bench) -> Outcome {
    let (_, link) = next(bench).await?;
    // The last letter of a sealed cursor may hold unused bits, so one well inside is changed.
    let position = link.len().saturating_sub(8);
    let Some((head, tail)) = link.split_at_checked(position) else {
        return Err(Stop::Skip("the next link is too short to change".into()));
    };
    let mut rest = tail.chars();
    let changed = if rest.next() == Some('A') { 'B' } else { 'A' };
    bench.get(format!("{head}{changed}{}", rest.as_str())).await?.refuses()
}

async fn count_zero_counts(bench: &Bench) -> Outcome {
    let patient = bench.patient().await?;
    let bundle = bench.search(format!("DiagnosticReport?patient={patient}&_count=0")).await?;
    bundle
        .answer
        .check(bundle.matches().is_empty() && bundle.total().is_some_and(|total| total > 0), "no entry, and a total")
}

async fn next(bench: &Bench) -> Result<(super::bundle::Bundle, String), Stop> {
    let patient = bench.patient().await?;
    let bundle = bench.search(format!("Observation?patient={patient}&_count=1")).await?;
    match bundle.link("next") {
        Some(link) => Ok((bundle, link)),
        None => Err(Stop::Skip("the patient has one observation at most, so there is no next page".into())),
    }
}
