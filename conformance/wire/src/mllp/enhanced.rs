//! HL7 v2 chapter 2.9.3: enhanced mode, an optional feature.

use super::bench::Bench;
use crate::case::{Case, Importance, Outcome};

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "ENH-01",
        title: "MSH-15 AL asks for an accept acknowledgement, and gets CA",
        clause: "HL7 v2.5.1 §2.9.3",
        importance: Importance::May,
        feature: Some("enhanced-ack"),
        run: |bench| Box::pin(bench.as_headed("enhanced_al_ne")),
    },
    Case {
        id: "ENH-02",
        title: "MSH-15 SU gets CA when the message was stored",
        clause: "HL7 v2.5.1 §2.9.3",
        importance: Importance::May,
        feature: Some("enhanced-ack"),
        run: |bench| Box::pin(bench.as_headed("enhanced_su_ne")),
    },
    Case {
        id: "ENH-03",
        title: "MSH-15 NE and MSH-16 NE get no reply",
        clause: "HL7 v2.5.1 §2.9.3",
        importance: Importance::May,
        feature: Some("enhanced-ack"),
        run: |bench| Box::pin(stays_silent(bench, "enhanced_ne_ne")),
    },
    Case {
        id: "ENH-04",
        title: "MSH-15 ER gets no reply when nothing is wrong",
        clause: "HL7 v2.5.1 §2.9.3",
        importance: Importance::May,
        feature: Some("enhanced-ack"),
        run: |bench| Box::pin(stays_silent(bench, "enhanced_er_ne")),
    },
    Case {
        id: "ENH-05",
        title: "A message that cannot be taken gets CR",
        clause: "HL7 v2.5.1 §2.9.3",
        importance: Importance::May,
        feature: Some("enhanced-ack"),
        run: |bench| Box::pin(bench.as_headed("enhanced_al_ne_wrong_type")),
    },
];

async fn stays_silent(bench: &Bench, vector: &str) -> Outcome {
    let mut link = bench.connect().await?;
    link.send(&bench.sample(vector)?.framed()).await;
    link.silent().await?;
    bench.still_serves().await
}
