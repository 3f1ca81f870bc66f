//! HL7 versions 2.1 to 2.9: each is accepted, and answered as that version writes an acknowledgement.

use super::bench::Bench;
use crate::case::{Case, Importance, Outcome};
use crate::show;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "VER-21",
        title: "A message of version 2.1 is accepted and answered in version 2.1",
        clause: "HL7 v2.1 chapter 2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_21", &["ACK"])),
    },
    Case {
        id: "VER-22",
        title: "A message of version 2.2 is accepted and answered in version 2.2",
        clause: "HL7 v2.2 chapter 2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_22", &["ACK", "ACK^R01"])),
    },
    Case {
        id: "VER-23",
        title: "A message of version 2.3 is accepted and answered in version 2.3",
        clause: "HL7 v2.3 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_23", &["ACK", "ACK^R01"])),
    },
    Case {
        id: "VER-231",
        title: "A message of version 2.3.1 is accepted and answered in version 2.3.1",
        clause: "HL7 v2.3.1 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_231", &["ACK", "ACK^R01", "ACK^R01^ACK"])),
    },
    Case {
        id: "VER-24",
        title: "A message of version 2.4 is accepted and answered in version 2.4",
        clause: "HL7 v2.4 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_24", MODERN)),
    },
    Case {
        id: "VER-25",
        title: "A message of version 2.5 is accepted and answered in version 2.5",
        clause: "HL7 v2.5 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_25", MODERN)),
    },
    Case {
        id: "VER-251",
        title: "A message of version 2.5.1 is accepted and answered in version 2.5.1",
        clause: "HL7 v2.5.1 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_251", MODERN)),
    },
    Case {
        id: "VER-26",
        title: "A message of version 2.6 is accepted and answered in version 2.6",
        clause: "HL7 v2.6 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_26", MODERN)),
    },
    Case {
        id: "VER-27",
        title: "A message of version 2.7 is accepted and answered in version 2.7",
        clause: "HL7 v2.7 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_27", MODERN)),
    },
    Case {
        id: "VER-271",
        title: "A message of version 2.7.1 is accepted and answered in version 2.7.1",
        clause: "HL7 v2.7.1 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_271", MODERN)),
    },
    Case {
        id: "VER-28",
        title: "A message of version 2.8 is accepted and answered in version 2.8",
        clause: "HL7 v2.8 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_28", MODERN)),
    },
    Case {
        id: "VER-281",
        title: "A message of version 2.8.1 is accepted and answered in version 2.8.1",
        clause: "HL7 v2.8.1 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_281", MODERN)),
    },
    Case {
        id: "VER-282",
        title: "A message of version 2.8.2 is accepted and answered in version 2.8.2",
        clause: "HL7 v2.8.2 chapter 2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_282", MODERN)),
    },
    Case {
        id: "VER-29",
        title: "A message of version 2.9 is accepted and answered in version 2.9",
        clause: "HL7 v2.9 chapter 2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(speaks(bench, "version_29", MODERN)),
    },
];

const MODERN: &[&str] = &["ACK^R01^ACK"];

async fn speaks(bench: &Bench, vector: &str, types: &[&str]) -> Outcome {
    let sample = bench.sample(vector)?;
    let (link, reply) = bench.exchange_as(&sample, &["AA"]).await?;
    let version = sample.field("MSH", 12);
    link.check(reply.message.field("MSH", 12) == version, format!("MSH-12 {}", show::bytes(&version)))?;
    let found = reply.message.field("MSH", 9);
    link.check(types.iter().any(|kind| kind.as_bytes() == found), format!("MSH-9 {}", types.join(" or ")))
}
