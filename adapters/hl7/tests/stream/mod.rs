//! Streams of frames, taken from a stream to a verdict as a listener with a plain service would.

use bytes::BytesMut;
use hl7::acknowledgement::{AckIdentity, Outcome, acknowledge};
use hl7::frame::{Event, FrameCodec, FrameLimits};
use hl7::message::{AcceptanceProfile, Fault, Judgement, ReadOptions, judge, read, read_envelope, require_content};
use tokio_util::codec::Decoder;

/// Everything the codec finds when the stream arrives in pieces of `size` bytes.
pub(crate) fn events(stream: &[u8], size: usize) -> Vec<Event> {
    let mut codec = FrameCodec::new(FrameLimits::default());
    let mut buffer = BytesMut::new();
    let mut events = Vec::new();
    for piece in stream.chunks(size.max(1)) {
        buffer.extend_from_slice(piece);
        while let Some(event) = codec.decode(&mut buffer).unwrap() {
            events.push(event);
        }
    }
    while let Some(event) = codec.decode_eof(&mut buffer).unwrap() {
        events.push(event);
    }
    events
}

/// One line for each event: what was found, and for a frame what would be answered.
pub(crate) fn verdicts(stream: &[u8]) -> Vec<String> {
    events(stream, stream.len())
        .iter()
        .map(|event| match event {
            Event::Frame { bytes, lenient_end } => {
                let end = if *lenient_end { " (FS without CR)" } else { "" };
                format!("{}{end}", answer(bytes))
            }
            other => format!("{other:?}"),
        })
        .collect()
}

/// MSA and the number in ERR of what would be answered, if the content could be stored.
fn answer(bytes: &[u8]) -> String {
    let envelope = read_envelope(bytes);
    let outcome = match envelope.as_ref().map(|e| judge(e, &AcceptanceProfile::default())) {
        Some(Judgement::Acknowledgement) => Outcome::NoReply,
        Some(Judgement::Refuse(fault)) => Outcome::of(fault),
        Some(Judgement::Take(_)) | None => match content(bytes) {
            Ok(()) => Outcome::Accepted,
            Err(fault) => Outcome::of(fault),
        },
    };
    let own = AckIdentity { control_id: "1", timestamp: "20260314" };
    let answer = acknowledge(envelope.as_ref(), &outcome, &own);
    let text = String::from_utf8(answer).unwrap();
    match text.split('\r').nth(1) {
        Some(msa) => msa.to_owned(),
        None => "no reply".to_owned(),
    }
}

fn content(bytes: &[u8]) -> Result<(), Fault> {
    require_content(&read(bytes, &ReadOptions::default())?)
}

/// A stream gives the same events however it is split.
pub(crate) fn may_be_split(stream: &[u8]) -> Result<(), String> {
    let whole = events(stream, stream.len());
    for size in [1, 2, 3, 64, 1000] {
        if events(stream, size) != whole {
            return Err(format!("pieces of {size} bytes give other events"));
        }
    }
    Ok(())
}

/// A framed sample holds one message.
pub(crate) fn holds_one_message(stream: &[u8]) -> Result<(), String> {
    may_be_split(stream)?;
    match events(stream, stream.len()).as_slice() {
        [Event::Frame { .. }] => Ok(()),
        other => Err(format!("{other:?}")),
    }
}
