//! FHIR R4 §3.1.1.3 and §3.1.1.4: what is not understood is refused, not ignored.

use super::bench::Bench;
use crate::case::{Case, Importance, Outcome};

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "STRICT-01",
        title: "A parameter that does not exist gets 400",
        clause: "FHIR R4 §3.1.1.3.1",
        importance: Importance::Should,
        feature: Some("strict-search"),
        run: |bench| {
            Box::pin(refused(
                bench,
                &["DiagnosticReport?conformance=1", "Patient?nmae=x", "Observation?patient=x&Code=1"],
            ))
        },
    },
    Case {
        id: "STRICT-02",
        title: "A modifier that is not supported gets 400",
        clause: "FHIR R4 §3.1.1.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| {
            Box::pin(refused(
                bench,
                &[
                    "DiagnosticReport?patient:conformance=x",
                    "DiagnosticReport?status:exact=final",
                    "DiagnosticReport?date:contains=2026",
                ],
            ))
        },
    },
    Case {
        id: "STRICT-03",
        title: "A malformed date gets 400",
        clause: "FHIR R4 §3.1.1.4.8",
        importance: Importance::Shall,
        feature: None,
        run: |bench| {
            Box::pin(refused(
                bench,
                &[
                    "DiagnosticReport?patient=x&date=yesterday",
                    "DiagnosticReport?patient=x&date=2026-13-01",
                    "DiagnosticReport?patient=x&date=ge2026-02-30",
                    "DiagnosticReport?patient=x&date=2026-03-14T25:00:00Z",
                    "DiagnosticReport?patient=x&_lastUpdated=ge",
                ],
            ))
        },
    },
    Case {
        id: "STRICT-04",
        title: "A prefix that does not exist gets 400",
        clause: "FHIR R4 §3.1.1.4.6",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(refused(bench, &["DiagnosticReport?patient=x&date=xx2026-01-01"])),
    },
    Case {
        id: "STRICT-05",
        title: "A malformed _count gets 400",
        clause: "FHIR R4 §3.1.1.5.3",
        importance: Importance::Should,
        feature: Some("strict-search"),
        run: |bench| {
            Box::pin(refused(
                bench,
                &[
                    "DiagnosticReport?_count=-1",
                    "DiagnosticReport?_count=many",
                    "DiagnosticReport?_count=99999999999999999999",
                ],
            ))
        },
    },
    Case {
        id: "STRICT-06",
        title: "An _include that is not offered gets 400",
        clause: "FHIR R4 §3.1.1.5.4",
        importance: Importance::Should,
        feature: Some("strict-search"),
        run: |bench| {
            Box::pin(refused(
                bench,
                &[
                    "DiagnosticReport?patient=x&_include=DiagnosticReport:conformance",
                    "DiagnosticReport?patient=x&_include=nonsense",
                ],
            ))
        },
    },
];

async fn refused(bench: &Bench, targets: &[&str]) -> Outcome {
    for target in targets {
        bench.get(*target).await?.refuses_with(&[400])?;
    }
    Ok(())
}
