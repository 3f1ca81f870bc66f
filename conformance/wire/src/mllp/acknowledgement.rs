//! HL7 v2 chapter 2.9: what an acknowledgement says, in original mode.

use super::bench::Bench;
use super::link::Heard;
use crate::case::{Case, Importance, Outcome};
use crate::hl7::Message;
use crate::show;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "ACK-01",
        title: "A good ORU^R01 is answered AA",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(good_result_is_accepted(bench)),
    },
    Case {
        id: "ACK-02",
        title: "MSA-2 is MSH-10 byte for byte",
        clause: "HL7 v2.5.1 §2.15.8.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(control_id_comes_back_unchanged(bench)),
    },
    Case {
        id: "ACK-03",
        title: "MSA-3 holds a short text, since some engines show their operator nothing else",
        clause: "HL7 v2.5.1 §2.15.8.3",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(text_is_filled(bench)),
    },
    Case {
        id: "ACK-04",
        title: "Sender and receiver (MSH-3 to MSH-6) are swapped with all their components",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(sender_and_receiver_are_swapped(bench)),
    },
    Case {
        id: "ACK-05",
        title: "MSH-11 of the message comes back",
        clause: "HL7 v2.5.1 §2.15.9.11",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(processing_id_comes_back(bench)),
    },
    Case {
        id: "ACK-06",
        title: "MSH-12 of the message comes back, with its country",
        clause: "HL7 v2.5.1 §2.15.9.12",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(version_comes_back(bench)),
    },
    Case {
        id: "ACK-07",
        title: "MSH-9 of the acknowledgement is ACK^R01^ACK",
        clause: "HL7 v2.5.1 §2.15.9.9",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(type_is_ack(bench)),
    },
    Case {
        id: "ACK-08",
        title: "The acknowledgement uses the delimiters of the message",
        clause: "HL7 v2.5.1 §2.5.4",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(delimiters_come_back(bench)),
    },
    Case {
        id: "ACK-09",
        title: "Each acknowledgement has a time (MSH-7) and a control id (MSH-10) of its own",
        clause: "HL7 v2.5.1 §2.15.9.10",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(acknowledgement_has_its_own_identity(bench)),
    },
    Case {
        id: "ACK-10",
        title: "The acknowledgement asks for none itself (MSH-15 and MSH-16 empty or NE)",
        clause: "HL7 v2.5.1 §2.9.3",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(acknowledgement_asks_for_none(bench)),
    },
    Case {
        id: "ACK-11",
        title: "The same message again is answered AA again",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(repeat_is_accepted_again(bench)),
    },
    Case {
        id: "ACK-12",
        title: "Another message under a used control id is not taken for a repeat",
        clause: "HL7 v2.5.1 §2.15.9.10",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(reused_control_id_is_answered(bench)),
    },
    Case {
        id: "ACK-13",
        title: "An acknowledgement is never acknowledged",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(acknowledgement_is_not_acknowledged(bench)),
    },
    Case {
        id: "ACK-14",
        title: "A message gets exactly one reply",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(one_reply_each(bench)),
    },
    Case {
        id: "ACK-15",
        title: "The acknowledgement is MSH, then MSA, each ended by CR",
        clause: "HL7 v2.5.1 §2.14.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(segments_are_in_order(bench)),
    },
    Case {
        id: "ACK-16",
        title: "No acknowledgement repeats what the message says of the patient",
        clause: "45 CFR §164.502(b)",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(patient_is_not_repeated(bench)),
    },
    Case {
        id: "ACK-17",
        title: "An empty MSH-10 comes back as an empty MSA-2, never as an invented one",
        clause: "HL7 v2.5.1 §2.15.8.2",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(bench.as_headed("control_id_empty")),
    },
];

async fn good_result_is_accepted(bench: &Bench) -> Outcome {
    let (link, reply) = bench.exchange_as(&bench.good()?, &["AA"]).await?;
    link.check(!reply.message.has("ERR") || reply.message.condition() == b"0", "no ERR segment beside AA")
}

async fn control_id_comes_back_unchanged(bench: &Bench) -> Outcome {
    let mut link = bench.connect().await?;
    let unique = bench.control_id();
    let ids: [Vec<u8>; 9] = [
        unique.clone(),
        unique.to_ascii_lowercase(),
        [b"000".as_slice(), &unique].concat(),
        [unique.as_slice(), b"-a_b.c/1+2=3"].concat(),
        [unique.as_slice(), b" two words"].concat(),
        [unique.as_slice(), b"^B"].concat(),
        [unique.as_slice(), b"\\T\\x\\F\\"].concat(),
        [unique.as_slice(), b"-", &b"x".repeat(150)].concat(),
        [unique.as_slice(), "-ÄŁ".as_bytes()].concat(),
    ];
    for id in ids {
        let mut sample = bench.good()?.with("MSH", 10, &id);
        if !id.is_ascii() {
            sample = sample.with("MSH", 18, b"UNICODE UTF-8");
        }
        link.send(&sample.framed()).await;
        let reply = link.reply().await?;
        link.check(reply.control() == id, format!("MSA-2 {}", show::bytes(&id)))?;
    }
    Ok(())
}

async fn text_is_filled(bench: &Bench) -> Outcome {
    for vector in ["good", "type_adt"] {
        let (link, reply) = bench.exchange(&bench.sample(vector)?).await?;
        link.check(!reply.message.field("MSA", 3).is_empty(), "MSA-3 with a short text")?;
    }
    Ok(())
}

async fn sender_and_receiver_are_swapped(bench: &Bench) -> Outcome {
    for vector in ["good", "sender_without_authority"] {
        let sample = bench.sample(vector)?;
        let (link, reply) = bench.exchange(&sample).await?;
        for (ours, theirs) in [(3, 5), (4, 6), (5, 3), (6, 4)] {
            let wanted = sample.field("MSH", theirs);
            link.check(reply.message.field("MSH", ours) == wanted, format!("MSH-{ours} {}", show::bytes(&wanted)))?;
        }
    }
    Ok(())
}

async fn processing_id_comes_back(bench: &Bench) -> Outcome {
    for vector in ["good", "processing_mode"] {
        comes_back(bench, vector, 11).await?;
    }
    Ok(())
}

async fn version_comes_back(bench: &Bench) -> Outcome {
    for vector in ["good", "version_with_country", "version_24"] {
        comes_back(bench, vector, 12).await?;
    }
    Ok(())
}

async fn comes_back(bench: &Bench, vector: &str, number: usize) -> Outcome {
    let sample = bench.sample(vector)?;
    let (link, reply) = bench.exchange(&sample).await?;
    let wanted = sample.field("MSH", number);
    link.check(reply.message.field("MSH", number) == wanted, format!("MSH-{number} {}", show::bytes(&wanted)))
}

async fn type_is_ack(bench: &Bench) -> Outcome {
    let (link, reply) = bench.exchange(&bench.good()?).await?;
    link.check(reply.message.field("MSH", 9) == b"ACK^R01^ACK", "MSH-9 ACK^R01^ACK")
}

async fn delimiters_come_back(bench: &Bench) -> Outcome {
    let sample = bench.sample("custom_delimiters")?;
    let (link, reply) = bench.exchange_as(&sample, &["AA"]).await?;
    link.check(
        reply.message.field("MSH", 1) == b"#" && reply.message.field("MSH", 2) == b"$*@%",
        "MSH-1 # and MSH-2 $*@%",
    )?;
    link.check(reply.message.component("MSH", 9, 1) == b"ACK", "components separated by the delimiter that MSH-2 names")
}

async fn acknowledgement_has_its_own_identity(bench: &Bench) -> Outcome {
    let mut link = bench.connect().await?;
    let mut seen = Vec::new();
    for _ in 0..3 {
        let sample = bench.good()?;
        link.send(&sample.framed()).await;
        let reply = link.reply().await?;
        let id = reply.message.field("MSH", 10).to_vec();
        let time = reply.message.field("MSH", 7);
        link.check(time.len() >= 8 && time.iter().take(8).all(u8::is_ascii_digit), "MSH-7 with at least a date")?;
        link.check(!id.is_empty() && id != sample.control, "MSH-10 of the acknowledgement's own")?;
        link.check(!seen.contains(&id), "MSH-10 different in each acknowledgement")?;
        seen.push(id);
    }
    Ok(())
}

async fn acknowledgement_asks_for_none(bench: &Bench) -> Outcome {
    let (link, reply) = bench.exchange(&bench.good()?).await?;
    let quiet = |number| matches!(reply.message.field("MSH", number), b"" | b"NE");
    link.check(quiet(15) && quiet(16), "MSH-15 and MSH-16 empty or NE")
}

async fn repeat_is_accepted_again(bench: &Bench) -> Outcome {
    let sample = bench.good()?;
    let mut link = bench.connect().await?;
    for _ in 0..2 {
        link.send(&sample.framed()).await;
        link.reply().await?.says(&link, &["AA"], &sample.control)?;
    }
    drop(link);
    // A sender that lost the reply usually repeats on a new connection.
    bench.exchange_as(&sample, &["AA"]).await.map(drop)
}

async fn reused_control_id_is_answered(bench: &Bench) -> Outcome {
    let first = bench.good()?;
    bench.exchange_as(&first, &["AA"]).await?;
    let other = bench.good()?.with("MSH", 10, &first.control).with("OBX", 5, b"139");
    bench.exchange_as(&other, &["AA"]).await.map(drop)
}

async fn acknowledgement_is_not_acknowledged(bench: &Bench) -> Outcome {
    let mut link = bench.connect().await?;
    link.send(&bench.sample("acknowledgement_as_message")?.framed()).await;
    link.silent().await?;
    bench.still_serves().await
}

async fn one_reply_each(bench: &Bench) -> Outcome {
    let (mut link, _) = bench.exchange_as(&bench.good()?, &["AA"]).await?;
    link.silent().await
}

async fn segments_are_in_order(bench: &Bench) -> Outcome {
    let (link, reply) = bench.exchange(&bench.good()?).await?;
    let mut names = reply.message.names();
    link.check(names.next() == Some(b"MSH"), "MSH as the first segment")?;
    // SFT and UAC may stand between the two from version 2.5 on.
    let next = names.find(|name| !matches!(*name, b"SFT" | b"UAC"));
    link.check(next == Some(b"MSA"), "MSA as the segment after MSH")?;
    link.check(
        reply.frame.payload.ends_with(b"\r") && !reply.frame.payload.contains(&b'\n'),
        "segments that end with CR, the last one too",
    )
}

async fn patient_is_not_repeated(bench: &Bench) -> Outcome {
    const PLANTED: [&[u8]; 8] = [
        b"ZZPLANTED",
        b"QUILLONA",
        b"SGPLANTEDMRN77",
        b"19510203",
        b"PLANTEDROW",
        b"PLANTEDVILLE",
        b"5550177",
        b"000-77-0177",
    ];
    for vector in [
        "planted_accepted",
        "planted_wrong_type",
        "planted_wrong_version",
        "planted_in_broken_fields",
        "planted_without_msh",
    ] {
        let sample = bench.sample(vector)?;
        let mut link = bench.connect().await?;
        link.send(&sample.framed()).await;
        if let Heard::Frame(frame) = link.hear(bench.options.timeout).await {
            let said = frame.payload.to_ascii_uppercase();
            for planted in PLANTED {
                link.check(
                    !said.windows(planted.len()).any(|part| part == planted),
                    format!("a reply without {}", show::bytes(planted)),
                )?;
            }
            if Message::read(&sample.bytes).is_some() {
                link.check(Message::read(&frame.payload).is_some(), "a reply that begins with MSH")?;
            }
        }
    }
    Ok(())
}
