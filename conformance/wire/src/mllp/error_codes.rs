//! HL7 table 0357: what is refused, and how the refusal is named.

use super::bench::Bench;
use super::link::Heard;
use crate::case::{Case, Importance, Outcome};
use crate::hl7::Message;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "ERR-01",
        title: "A type that is no result is refused: AR, code 200",
        clause: "HL7 table 0357",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("type_adt")),
    },
    Case {
        id: "ERR-02",
        title: "An event that does not exist is refused: AR, code 201",
        clause: "HL7 table 0357",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("event_unknown")),
    },
    Case {
        id: "ERR-03",
        title: "A processing id that does not exist is refused: AR, code 202",
        clause: "HL7 table 0357",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("processing_id_unknown")),
    },
    Case {
        id: "ERR-04",
        title: "A version that does not exist is refused: AR, code 203",
        clause: "HL7 table 0357",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("version_unknown")),
    },
    Case {
        id: "ERR-05",
        title: "The refusal has a severity, ERR-4",
        clause: "HL7 v2.5.1 §2.15.5.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(severity_is_given(bench)),
    },
    Case {
        id: "ERR-06",
        title: "The refusal names the place, ERR-2",
        clause: "HL7 v2.5.1 §2.15.5.2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(place_is_given(bench)),
    },
    Case {
        id: "ERR-07",
        title: "A peer of version 2.3 gets the code in the ERR-1 of its time",
        clause: "HL7 v2.3 §2.24.5",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(older_peers_get_the_older_form(bench)),
    },
    Case {
        id: "ERR-08",
        title: "Plain words in a frame are not accepted",
        clause: "HL7 table 0357",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_refused_or_dropped(bench, "not_hl7")),
    },
    Case {
        id: "ERR-09",
        title: "An MSH without its fields is not accepted",
        clause: "HL7 table 0357",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_refused_or_dropped(bench, "truncated_msh")),
    },
    Case {
        id: "ERR-10",
        title: "A message without OBR gets one reply, with a reason where it is negative",
        clause: "HL7 table 0357",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(has_a_reason_if_negative(bench, "no_obr")),
    },
    Case {
        id: "ERR-11",
        title: "A line that is no segment gets one reply, with a reason where it is negative",
        clause: "HL7 table 0357",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(has_a_reason_if_negative(bench, "segment_names_broken")),
    },
    Case {
        id: "ERR-12",
        title: "After a refusal the same connection accepts the next message",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(connection_survives_a_refusal(bench)),
    },
];

async fn severity_is_given(bench: &Bench) -> Outcome {
    let (link, reply) = bench.exchange_as(&bench.sample("type_adt")?, &["AR"]).await?;
    link.check(matches!(reply.message.component("ERR", 4, 1), b"E" | b"F"), "ERR-4 E or F")
}

async fn place_is_given(bench: &Bench) -> Outcome {
    for (vector, field) in [("type_adt", b"9"), ("version_unknown", b"1")] {
        let (link, reply) = bench.exchange_as(&bench.sample(vector)?, &["AR"]).await?;
        link.check(
            reply.message.component("ERR", 2, 1) == b"MSH" && reply.message.component("ERR", 2, 3).starts_with(field),
            "ERR-2 with the segment MSH and the field at fault",
        )?;
    }
    Ok(())
}

async fn older_peers_get_the_older_form(bench: &Bench) -> Outcome {
    let sample = bench.sample("version_23")?.with("MSH", 9, b"ADT^A01");
    let (link, reply) = bench.exchange_as(&sample, &["AR"]).await?;
    link.check(
        reply.message.condition() == b"200" && reply.message.field("ERR", 3).is_empty(),
        "ERR-1 with 200 in its fourth component, and no ERR-3",
    )
}

async fn is_refused_or_dropped(bench: &Bench, vector: &str) -> Outcome {
    let mut link = bench.connect().await?;
    link.send(&bench.sample(vector)?.framed()).await;
    let said = link.hear(bench.options.timeout).await;
    if let Heard::Frame(frame) = said {
        let code = Message::read(&frame.payload).map(|reply| reply.field("MSA", 1).to_vec());
        link.check(matches!(code.as_deref(), Some(b"AE" | b"AR")), "AE, AR or a closed connection")?;
    } else {
        link.check(link.is_closed(), "AE, AR or a closed connection; a sender should not wait in vain")?;
    }
    bench.still_serves().await
}

async fn has_a_reason_if_negative(bench: &Bench, vector: &str) -> Outcome {
    let (mut link, reply) = bench.exchange_as(&bench.sample(vector)?, &["AA", "AE", "AR"]).await?;
    if reply.code() != b"AA" {
        link.check(!reply.message.condition().is_empty(), "an ERR segment with a code of table 0357")?;
    }
    link.silent().await
}

async fn connection_survives_a_refusal(bench: &Bench) -> Outcome {
    let refused = bench.sample("type_adt")?;
    let (mut link, _) = bench.exchange_as(&refused, &["AR"]).await?;
    let good = bench.good()?;
    link.send(&good.framed()).await;
    link.reply().await?.says(&link, &["AA"], &good.control)
}
