//! MLLP release 1: the block, its boundaries, and the connection that carries it.

use super::bench::{Bench, Sample};
use super::link::Heard;
use crate::case::{Case, Importance, Outcome, Stop};
use std::time::Duration;

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "MLLP-01",
        title: "A reply is one block: start byte, message, end bytes, and nothing around them",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(reply_is_one_block(bench)),
    },
    Case {
        id: "MLLP-02",
        title: "Frames that arrive in one write are answered one by one, in order",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(pipelined_frames_are_kept_apart(bench)),
    },
    Case {
        id: "MLLP-03",
        title: "A frame split at any byte is one message",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(split_frames_are_joined(bench)),
    },
    Case {
        id: "MLLP-04",
        title: "A frame that arrives byte by byte is one message",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(slow_bytes_are_joined(bench)),
    },
    Case {
        id: "MLLP-05",
        title: "Bytes before the start byte are discarded",
        clause: "MLLP R1 §2",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(junk_before_a_frame_is_discarded(bench)),
    },
    Case {
        id: "MLLP-06",
        title: "An empty frame gets no reply and disturbs nothing",
        clause: "MLLP R1 §2",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(empty_frame_is_ignored(bench)),
    },
    Case {
        id: "MLLP-07",
        title: "A reply is written in one piece",
        clause: "MLLP R1 §2 (dcm4chee-arc#447)",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(reply_is_written_at_once(bench)),
    },
    Case {
        id: "MLLP-08",
        title: "The connection stays open for the next message",
        clause: "MLLP R1 §3",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(connection_stays_open(bench)),
    },
    Case {
        id: "MLLP-09",
        title: "Connections side by side each get their own acknowledgements",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(connections_are_independent(bench)),
    },
    Case {
        id: "MLLP-10",
        title: "A message of 1 MiB is accepted",
        clause: "HL7 v2.5.1 §2.5",
        importance: Importance::Should,
        feature: Some("large-messages"),
        run: |bench| Box::pin(large_message_is_accepted(bench)),
    },
    Case {
        id: "MLLP-11",
        title: "A peer that has closed its sending side still gets its acknowledgement",
        clause: "MLLP R1 §3",
        importance: Importance::Should,
        feature: Some("half-close"),
        run: |bench| Box::pin(half_closed_peer_is_answered(bench)),
    },
    Case {
        id: "MLLP-12",
        title: "Nothing is said before the first frame",
        clause: "MLLP R1 §3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(endpoint_does_not_speak_first(bench)),
    },
];

async fn reply_is_one_block(bench: &Bench) -> Outcome {
    let (mut link, reply) = bench.exchange_as(&bench.good()?, &["AA"]).await?;
    link.check(reply.frame.stray == 0, "a reply that begins with the start byte")?;
    link.silent().await?;
    let after_end = link.received().len().saturating_sub(reply.frame.payload.len());
    link.check(after_end == 3, "nothing after the end bytes of the reply")
}

async fn pipelined_frames_are_kept_apart(bench: &Bench) -> Outcome {
    let samples: Vec<Sample> = (0..10).map(|_| bench.good()).collect::<Result<_, _>>()?;
    let mut link = bench.connect().await?;
    link.send(&samples.iter().flat_map(Sample::framed).collect::<Vec<u8>>()).await;
    for sample in &samples {
        link.reply().await?.says(&link, &["AA"], &sample.control)?;
    }
    link.silent().await
}

async fn split_frames_are_joined(bench: &Bench) -> Outcome {
    const PAUSE: Duration = Duration::from_millis(5);
    let length = bench.good()?.framed().len();
    // The boundaries next to the framing bytes and the first separators, and a sample of all others.
    let near_ends = (1..12).chain(length.saturating_sub(4)..length);
    let sampled = (12..length).step_by(length.div_euclid(12).max(1));
    let mut link = bench.connect().await?;
    for boundary in near_ends.chain(sampled) {
        let sample = bench.good()?;
        let frame = sample.framed();
        let Some((head, tail)) = frame.split_at_checked(boundary) else { continue };
        link.send(head).await;
        tokio::time::sleep(PAUSE).await;
        link.send(tail).await;
        link.reply().await?.says(&link, &["AA"], &sample.control)?;
    }
    Ok(())
}

async fn slow_bytes_are_joined(bench: &Bench) -> Outcome {
    let sample = bench.good()?;
    let frame = sample.framed();
    let mut link = bench.connect().await?;
    for (number, byte) in frame.iter().enumerate() {
        link.send(&[*byte]).await;
        if number % 64 == 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
    link.reply().await?.says(&link, &["AA"], &sample.control)
}

async fn junk_before_a_frame_is_discarded(bench: &Bench) -> Outcome {
    let sample = bench.good()?;
    let mut link = bench.connect().await?;
    link.send(&[b"\r\n\0junk\r".as_slice(), &sample.framed()].concat()).await;
    link.reply().await?.says(&link, &["AA"], &sample.control)?;
    link.silent().await
}

async fn empty_frame_is_ignored(bench: &Bench) -> Outcome {
    let sample = bench.good()?;
    let mut link = bench.connect().await?;
    link.send(b"\x0b\x1c\x0d").await;
    link.silent().await?;
    link.check(!link.is_closed(), "a connection that stays open after an empty frame")?;
    link.send(&sample.framed()).await;
    link.reply().await?.says(&link, &["AA"], &sample.control)
}

async fn reply_is_written_at_once(bench: &Bench) -> Outcome {
    let mut link = bench.connect().await?;
    for _ in 0..5 {
        let sample = bench.good()?;
        link.send(&sample.framed()).await;
        let reply = link.reply().await?;
        link.check(reply.frame.reads == 1, "a reply that arrives whole, in one read")?;
    }
    Ok(())
}

async fn connection_stays_open(bench: &Bench) -> Outcome {
    let mut link = bench.connect().await?;
    for _ in 0..3 {
        let sample = bench.good()?;
        link.send(&sample.framed()).await;
        link.reply().await?.says(&link, &["AA"], &sample.control)?;
    }
    Ok(())
}

async fn connections_are_independent(bench: &Bench) -> Outcome {
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let sample = bench.good()?;
        let mut link = bench.connect().await?;
        link.send(&sample.framed()).await;
        waiting.push((link, sample));
    }
    // The last connection is read first, so an endpoint that mixes them up shows.
    for (link, sample) in waiting.iter_mut().rev() {
        link.reply().await?.says(link, &["AA"], &sample.control)?;
    }
    Ok(())
}

async fn large_message_is_accepted(bench: &Bench) -> Outcome {
    let text = b"0123456789abcdef".repeat(65_536);
    let sample = bench.good()?.with("OBX", 2, b"TX").with("OBX", 5, &text);
    bench.exchange_as(&sample, &["AA"]).await.map(drop)
}

async fn half_closed_peer_is_answered(bench: &Bench) -> Outcome {
    let sample = bench.good()?;
    let mut link = bench.connect().await?;
    link.send(&sample.framed()).await;
    link.finish().await;
    link.reply().await?.says(&link, &["AA"], &sample.control)
}

async fn endpoint_does_not_speak_first(bench: &Bench) -> Outcome {
    let mut link = bench.connect().await?;
    let heard = link.hear(bench.options.quiet).await;
    link.check(link.received().is_empty(), "silence until the first frame")?;
    match heard {
        Heard::Quiet => Ok(()),
        Heard::Closed => Err(Stop::Broken("the endpoint closed an idle connection at once".into())),
        Heard::Frame(_) => Err(link.fail("silence until the first frame")),
    }
}
