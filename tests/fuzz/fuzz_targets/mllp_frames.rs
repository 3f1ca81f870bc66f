//! MLLP framing: a stream gives the same frames wherever it is split, and nothing is held that the limits forbid.
//!
//! The first byte chooses the limits, the second the pieces; the rest is the stream.
#![no_main]

use bytes::BytesMut;
use hl7::frame::{Event, FrameCodec, FrameLimits, wrap};
use libfuzzer_sys::fuzz_target;
use tokio_util::codec::Decoder;

fuzz_target!(|input: &[u8]| {
    let [limits, pieces, stream @ ..] = input else { return };
    let limits = match limits % 3 {
        0 => FrameLimits::default(),
        1 => FrameLimits { frame_bytes: 64, junk_bytes: 32 },
        _ => FrameLimits { frame_bytes: usize::from(*limits), junk_bytes: 16 },
    };
    let whole = events(stream, limits, |_| stream.len());
    for event in &whole {
        if let Event::Frame { bytes, .. } | Event::Bad { bytes, .. } = event {
            assert!(bytes.len() <= limits.frame_bytes, "more is held than the limit says");
        }
    }
    assert!(events(stream, limits, |_| 1) == whole, "byte by byte it is another stream");
    let uneven = |at: usize| 1 + (at.wrapping_mul(31) ^ usize::from(*pieces)) % 11;
    assert!(events(stream, limits, uneven) == whole, "in uneven pieces it is another stream");

    // What is wrapped comes back, unless it holds the marks of a frame, says nothing, or is a commit block.
    let plain = !stream.iter().any(|byte| [0x0b, 0x1c].contains(byte)) && !matches!(stream, [0x06 | 0x15]);
    if plain && stream.len() <= limits.frame_bytes && !stream.iter().all(u8::is_ascii_whitespace) {
        let read = events(&wrap(stream), limits, |_| usize::MAX);
        assert!(matches!(read.as_slice(), [Event::Frame { bytes, lenient_end: false }] if bytes == stream));
    }
});

/// Everything the codec finds when the stream arrives in pieces of these sizes.
fn events(stream: &[u8], limits: FrameLimits, size: impl Fn(usize) -> usize) -> Vec<Event> {
    let (mut codec, mut buffer, mut events) = (FrameCodec::new(limits), BytesMut::new(), Vec::new());
    let (mut rest, mut pieces) = (stream, 0);
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(size(pieces).clamp(1, rest.len()));
        buffer.extend_from_slice(piece);
        while let Some(event) = codec.decode(&mut buffer).expect("the codec has no errors") {
            events.push(event);
        }
        (rest, pieces) = (later, pieces + 1);
    }
    while let Some(event) = codec.decode_eof(&mut buffer).expect("the codec has no errors") {
        events.push(event);
    }
    events
}
