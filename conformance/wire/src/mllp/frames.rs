//! The raw frames under `vectors/mllp`: what `EXPECT.json` wants of each.

use super::bench::Bench;
use super::link::{Link, Reply};
use crate::case::{Case, Importance, Outcome, Stop};
use crate::hl7::set_field;
use crate::vectors;

const AA: &[&str] = &["AA"];
const AA_OR_AE: &[&str] = &["AA", "AE"];
const ANY: &[&str] = &["AA", "AE", "AR"];

pub(super) const CASES: &[Case<Bench>] = &[
    Case {
        id: "FRAME-01",
        title: "A normal frame is answered AA",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "01_normal", &[("FR01", AA)])),
    },
    Case {
        id: "FRAME-02",
        title: "Two frames in one write get two acknowledgements in order",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "02_two_frames_one_write", &[("FR02A", AA), ("FR02B", AA)])),
    },
    Case {
        id: "FRAME-05",
        title: "After a message without start byte the next frame is found again",
        clause: "MLLP R1 §2",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(answers(bench, "05_no_start_block_then_valid", &[("FR05B", AA)])),
    },
    Case {
        id: "FRAME-06",
        title: "An end byte without CR never merges a message with the next",
        clause: "MLLP R1 §2",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(last_is_accepted(bench, "06_eb_without_cr_then_frame", "FR06A", "FR06B")),
    },
    Case {
        id: "FRAME-07",
        title: "An end byte without CR at the end is forgiven after a moment, or waited for",
        clause: "MLLP R1 §2",
        importance: Importance::May,
        feature: None,
        run: |bench| Box::pin(at_most_one(bench, "07_eb_without_cr_end", "FR07")),
    },
    Case {
        id: "FRAME-09",
        title: "Junk between frames is discarded, both frames are answered",
        clause: "MLLP R1 §2",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(answers(bench, "09_garbage_between_frames", &[("FR09A", AA), ("FR09B", AA)])),
    },
    Case {
        id: "FRAME-11",
        title: "A second end block is ignored",
        clause: "MLLP R1 §2",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(answers(bench, "11_double_end_block", &[("FR11", AA)])),
    },
    Case {
        id: "FRAME-13",
        title: "An end byte not followed by CR is data and splits nothing",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "13_fs_inside_payload", &[("FR13", ANY)])),
    },
    Case {
        id: "FRAME-16",
        title: "A valid frame after an empty one is answered",
        clause: "MLLP R1 §2",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(answers(bench, "16_empty_then_valid", &[("FR16", AA)])),
    },
    Case {
        id: "FRAME-17",
        title: "An end block without a beginning is discarded",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "17_only_end_block")),
    },
    Case {
        id: "FRAME-18",
        title: "An HTTP request is no message",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "18_http_get")),
    },
    Case {
        id: "FRAME-19",
        title: "A TLS greeting on a plain port is no message",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "19_tls_clienthello_on_plain_port")),
    },
    Case {
        id: "FRAME-21",
        title: "A NUL byte is refused or replaced, with one reply",
        clause: "HL7 v2.5.1 §2.5.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "21_nul_bytes", &[("FR21", ANY)])),
    },
    Case {
        id: "FRAME-23",
        title: "UTF-16 is not accepted",
        clause: "HL7 v2.5.1 §2.15.9.18",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "23_utf16le")),
    },
    Case {
        id: "FRAME-25",
        title: "Bytes that are not the declared UTF-8 get AE, or AA from an endpoint that keeps them",
        clause: "HL7 v2.5.1 §2.15.9.18",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "25_invalid_utf8", &[("FR25", AA_OR_AE)])),
    },
    Case {
        id: "FRAME-27",
        title: "A surrogate in UTF-8 gets AE, or AA from an endpoint that keeps it",
        clause: "HL7 v2.5.1 §2.15.9.18",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "27_lone_surrogate_utf8", &[("FR27", AA_OR_AE)])),
    },
    Case {
        id: "FRAME-28",
        title: "A frame without MSH is not accepted",
        clause: "HL7 v2.5.1 §2.5.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "28_not_hl7")),
    },
    Case {
        id: "FRAME-29",
        title: "An MSH that ends after three letters is not accepted",
        clause: "HL7 v2.5.1 §2.5.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "29_msh_too_short")),
    },
    Case {
        id: "FRAME-32",
        title: "Letters as delimiters are not accepted",
        clause: "HL7 v2.5.1 §2.5.4",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "32_msh_alnum_delimiters")),
    },
    Case {
        id: "FRAME-34",
        title: "A lower-case msh gets at most one reply and does no harm",
        clause: "HL7 v2.5.1 §2.5.1",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(at_most_one(bench, "34_lowercase_msh", "FR34")),
    },
    Case {
        id: "FRAME-35",
        title: "White space before MSH is trimmed",
        clause: "HL7 v2.5.1 §2.5.1",
        importance: Importance::Should,
        feature: Some("lenient-framing"),
        run: |bench| Box::pin(answers(bench, "35_leading_spaces_newlines", &[("FR35", AA)])),
    },
    Case {
        id: "FRAME-36",
        title: "The XML encoding is refused and its entities are not expanded",
        clause: "HL7 v2.xml",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "36_xml_encoded_v2")),
    },
    Case {
        id: "FRAME-37",
        title: "An acknowledgement sent to a listener gets no reply",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_not_answered(bench, "37_ack_received_on_inbound")),
    },
    Case {
        id: "FRAME-38",
        title: "A commit block of release 2 gets no reply",
        clause: "MLLP R2 §2.4",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(is_not_answered(bench, "38_mllp_r2_commit_ack_bytes")),
    },
    Case {
        id: "FRAME-39",
        title: "A negative commit block of release 2 gets no reply",
        clause: "MLLP R2 §2.4",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(is_not_answered(bench, "39_mllp_r2_nak_bytes")),
    },
    Case {
        id: "FRAME-41",
        title: "STX and ETX are no framing",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_not_answered(bench, "41_stx_etx_framing")),
    },
    Case {
        id: "FRAME-42",
        title: "A frame that never ends is not answered",
        clause: "MLLP R1 §2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_cut_short(bench, "42_partial_frame_then_eof")),
    },
    Case {
        id: "FRAME-43",
        title: "Five thousand identifiers get one reply in time",
        clause: "HL7 v2.5.1 §2.5.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "43_many_repetitions", &[("FR43", ANY)])),
    },
    Case {
        id: "FRAME-45",
        title: "Fifty thousand empty fields get one reply in time",
        clause: "HL7 v2.5.1 §2.5.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "45_field_bomb", &[("FR45", ANY)])),
    },
    Case {
        id: "FRAME-49",
        title: "A segment of 60 kB is accepted",
        clause: "HL7 v2.5.1 §2.5.3",
        importance: Importance::Should,
        feature: None,
        run: |bench| Box::pin(answers(bench, "49_sixty_kb_single_line", &[("FR49", AA)])),
    },
    Case {
        id: "FRAME-51",
        title: "Terminal escapes in MSH-3 get one reply",
        clause: "HL7 v2.5.1 §2.5.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "51_control_chars_in_msh3", &[("FR51", ANY)])),
    },
    Case {
        id: "FRAME-52",
        title: "Two messages in one frame are answered each, or refused; never taken for one",
        clause: "HL7 v2.5.1 §2.10.3",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(two_are_not_one(bench, "52_two_msh_in_frame", "FR52A", "FR52B")),
    },
    Case {
        id: "FRAME-53",
        title: "A message that does not begin with MSH is not accepted",
        clause: "HL7 v2.5.1 §2.5.1",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(is_never_accepted(bench, "53_msh_not_first")),
    },
    Case {
        id: "FRAME-55",
        title: "U+2028 and U+0085 are data, not segment ends",
        clause: "HL7 v2.5.1 §2.5.4",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(answers(bench, "55_unicode_line_separators", &[("FR55", AA)])),
    },
    Case {
        id: "FRAME-57",
        title: "Three hundred messages without content are each refused, in order",
        clause: "HL7 v2.5.1 §2.9.2",
        importance: Importance::Shall,
        feature: None,
        run: |bench| Box::pin(each_is_refused(bench, "57_negative_repeat_frames_fast_1000", 300)),
    },
];

/// Expects exactly these replies in this order, then silence.
async fn answers(bench: &Bench, vector: &str, wanted: &[(&str, &[&str])]) -> Outcome {
    let (link, replies) = play(bench, vector, wanted.len()).await?;
    for (reply, (control, codes)) in replies.iter().zip(wanted) {
        reply.says(&link, codes, control.as_bytes())?;
    }
    link.check(replies.len() == wanted.len(), format!("{} replies", wanted.len()))
}

/// Expects the second message to be accepted, whatever is said of the first.
async fn last_is_accepted(bench: &Bench, vector: &str, first: &str, second: &str) -> Outcome {
    let (link, replies) = play(bench, vector, 2).await?;
    let Some((last, before)) = replies.split_last() else {
        return Err(link.fail(format!("a reply for {second}")));
    };
    last.says(&link, AA, second.as_bytes())?;
    link.check(
        before.iter().all(|reply| reply.control() == first.as_bytes()) && before.len() <= 1,
        format!("at most one reply for {first} before the one for {second}"),
    )
}

/// Expects one reply or none, and an endpoint that goes on serving.
async fn at_most_one(bench: &Bench, vector: &str, control: &str) -> Outcome {
    let (link, replies) = play(bench, vector, 0).await?;
    link.check(replies.len() <= 1, "at most one reply")?;
    for reply in &replies {
        // A header that does not read may be answered without its control id.
        link.check([control.as_bytes(), b""].contains(&reply.control()), format!("MSA-2 {control}, or empty"))?;
    }
    bench.still_serves().await
}

/// Expects a negative reply, silence or the end of the connection; an endpoint that goes on serving.
async fn is_never_accepted(bench: &Bench, vector: &str) -> Outcome {
    let (link, replies) = play(bench, vector, 0).await?;
    link.check(
        replies.iter().all(|reply| matches!(reply.code(), b"AE" | b"AR" | b"CE" | b"CR")),
        "AE, AR, silence or a closed connection, but no AA",
    )?;
    bench.still_serves().await
}

/// Expects no reply at all, and a good message to be answered afterwards.
async fn is_not_answered(bench: &Bench, vector: &str) -> Outcome {
    let (mut link, replies) = play(bench, vector, 0).await?;
    link.check(replies.is_empty(), "no reply")?;
    if !link.is_closed() && vector != "41_stx_etx_framing" {
        let sample = bench.good()?;
        link.send(&sample.framed()).await;
        link.reply().await?.says(&link, AA, &sample.control)?;
    }
    bench.still_serves().await
}

/// Sends the beginning of a frame and hangs up.
async fn is_cut_short(bench: &Bench, vector: &str) -> Outcome {
    let mut link = bench.connect().await?;
    link.send(&bytes(bench, vector)?).await;
    link.finish().await;
    let replies = link.replies(0).await?;
    link.check(replies.is_empty(), "no reply to half a message")?;
    bench.still_serves().await
}

/// Expects a reply for each of the two messages, or a refusal.
async fn two_are_not_one(bench: &Bench, vector: &str, first: &str, second: &str) -> Outcome {
    let (link, replies) = play(bench, vector, 1).await?;
    match replies.as_slice() {
        [only] => only.says(&link, &["AE", "AR"], first.as_bytes()),
        [one, two] => {
            one.says(&link, ANY, first.as_bytes())?;
            two.says(&link, ANY, second.as_bytes())
        }
        _ => Err(link.fail("one refusal, or one reply for each message")),
    }
}

/// Expects a negative reply for each of the numbered messages, in order.
async fn each_is_refused(bench: &Bench, vector: &str, count: usize) -> Outcome {
    let (link, replies) = play(bench, vector, count).await?;
    for (number, reply) in replies.iter().enumerate() {
        reply.says(&link, &["AE", "AR"], format!("Z{number}").as_bytes())?;
    }
    link.check(replies.len() == count, format!("{count} replies"))
}

async fn play<'a>(bench: &'a Bench, vector: &str, due: usize) -> Result<(Link<'a>, Vec<Reply>), Stop> {
    let mut link = bench.connect().await?;
    link.send(&bytes(bench, vector)?).await;
    let replies = link.replies(due).await?;
    Ok((link, replies))
}

/// The vector's bytes, with the tester's sender in each frame that begins with a readable MSH.
fn bytes(bench: &Bench, vector: &str) -> Result<Vec<u8>, Stop> {
    let raw = vectors::mllp(vector).ok_or_else(|| Stop::Broken(format!("the vector {vector} is not built in")))?;
    let options = &bench.options;
    if options.sending_application.is_none() && options.sending_facility.is_none() {
        return Ok(raw.to_vec());
    }
    let addressed = raw.split_inclusive(|&byte| byte == 0x0b).flat_map(|part| {
        let mut part = part.to_vec();
        for (number, value) in [(3, &options.sending_application), (4, &options.sending_facility)] {
            if let (Some(value), true) = (value, part.starts_with(b"MSH|")) {
                part = set_field(&part, "MSH", number, value.as_bytes());
            }
        }
        part
    });
    Ok(addressed.collect())
}
