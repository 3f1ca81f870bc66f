//! HL7 v2 chapter 7: the shapes results come in. What became of them shows over FHIR only.

use super::bench::Bench;
use crate::case::{Case, Importance};

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "RES-01",
        title: "A result without ORC is accepted",
        clause: "HL7 v2.5.1 §7.3.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("no_orc")),
    },
    Case {
        id: "RES-02",
        title: "A result without PV1 is accepted",
        clause: "HL7 v2.5.1 §7.3.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("no_pv1")),
    },
    Case {
        id: "RES-03",
        title: "An order without results yet is accepted",
        clause: "HL7 v2.5.1 §7.3.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("order_without_results")),
    },
    Case {
        id: "RES-04",
        title: "Two patients in one message are accepted",
        clause: "HL7 v2.5.1 §7.3.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("two_patients")),
    },
    Case {
        id: "RES-05",
        title: "Forty orders in one message are accepted",
        clause: "HL7 v2.5.1 §7.3.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("forty_orders")),
    },
    Case {
        id: "RES-06",
        title: "An embedded PDF is accepted",
        clause: "HL7 v2.5.1 §2.A.24",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("embedded_pdf")),
    },
    Case {
        id: "RES-07",
        title: "The value types senders use are accepted, wrong ones too",
        clause: "HL7 v2.5.1 §7.4.2.2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("every_value_type")),
    },
    Case {
        id: "RES-08",
        title: "A correction is accepted",
        clause: "HL7 v2.5.1 §7.4.2.11",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("correction")),
    },
];
