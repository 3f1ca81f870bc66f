use proptest::prelude::*;

use super::*;

const SMALL: FrameLimits = FrameLimits { frame_bytes: 64, junk_bytes: 32 };

fn events_of(pieces: &[&[u8]], limits: FrameLimits) -> Vec<Event> {
    let mut codec = FrameCodec::new(limits);
    let mut buffer = BytesMut::new();
    let mut events = Vec::new();
    for piece in pieces {
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

fn events(bytes: &[u8]) -> Vec<Event> {
    events_of(&[bytes], SMALL)
}

fn frame(bytes: &'static [u8]) -> Event {
    Event::Frame { bytes: Bytes::from_static(bytes), lenient_end: false }
}

fn lenient(bytes: &'static [u8]) -> Event {
    Event::Frame { bytes: Bytes::from_static(bytes), lenient_end: true }
}

fn bad(bytes: &'static [u8], reason: BadReason) -> Event {
    super::bad(Bytes::from_static(bytes), reason)
}

#[test]
fn frames_in_one_read_are_kept_apart() {
    assert_eq!(events(b"\x0bMSH|1\x1c\r\x0bMSH|2\x1c\r"), [frame(b"MSH|1"), frame(b"MSH|2")]);
}

#[test]
fn bytes_between_frames_are_counted() {
    assert_eq!(
        events(b"junk\x0bMSH|1\x1c\r\n\x1c\r\x0bMSH|2\x1c\rxy"),
        [Event::Junk { len: 4 }, frame(b"MSH|1"), Event::Junk { len: 3 }, frame(b"MSH|2"), Event::Junk { len: 2 },]
    );
}

#[test]
fn a_lone_end_block_is_data_or_a_lenient_end() {
    assert_eq!(events(b"\x0bMSH\x1cx\x1c\r"), [frame(b"MSH\x1cx")]);
    assert_eq!(events(b"\x0bMSH|1\x1c\x0bMSH|2\x1c"), [lenient(b"MSH|1"), lenient(b"MSH|2")]);
    assert_eq!(events(b"\x0bMSH\x1c\x1c\r"), [frame(b"MSH\x1c")]);
}

#[test]
fn a_new_start_inside_a_frame_makes_the_first_one_bad() {
    assert_eq!(events(b"\x0bMSH|1\x0bMSH|2\x1c\r"), [bad(b"MSH|1", BadReason::NewStart), frame(b"MSH|2")]);
    assert_eq!(events(b"\x0bMSH|\x0b|MS\x1c\r"), [frame(b"MSH|\x0b|MS")]);
    assert_eq!(events(b"\x0b\x0bMSH|1\x1c\r"), [Event::Empty, frame(b"MSH|1")]);
}

#[test]
fn a_stream_that_ends_inside_a_frame_leaves_it_bad() {
    assert_eq!(events(b"\x0bMSH|1"), [bad(b"MSH|1", BadReason::Unfinished)]);
    assert_eq!(events(b"\x0bMSH|1\x0bMS"), [bad(b"MSH|1\x0bMS", BadReason::Unfinished)]);
}

#[test]
fn empty_frames_and_commit_blocks_are_told() {
    assert_eq!(
        events(b"\x0b\x1c\r\x0b\r\n\x1c\r\x0b\x06\x1c\r\x0b\x15\x1c\r"),
        [Event::Empty, Event::Empty, Event::Commit, Event::Commit]
    );
}

#[test]
fn a_frame_above_the_limit_is_cut_also_where_the_stream_ends_at_what_could_begin_another() {
    for end in [&b"\x0b"[..], b"\x0bMS"] {
        let bytes = [b"\x0b".as_slice(), &[b'A'; 64], end].concat();
        let cut = Event::Bad { bytes: Bytes::from_static(&[b'A'; 64]), reason: BadReason::TooLarge };
        assert_eq!(events(&bytes), [cut]);
    }
}

#[test]
fn a_frame_above_the_limit_is_cut_and_ends_the_stream() {
    let mut bytes = vec![VT];
    bytes.resize(65, b'A');
    bytes.extend(b"\x1c\r");
    assert!(matches!(events(&bytes).as_slice(), [Event::Frame { .. }]));
    bytes.insert(1, b'A');
    bytes.extend(b"\x0bMSH|2\x1c\r");
    let found = events(&bytes);
    assert!(matches!(
        found.as_slice(),
        [Event::Bad { bytes, reason: BadReason::TooLarge }] if bytes.len() == 64
    ));
    assert!(found[0].is_last());
}

#[test]
fn too_much_junk_ends_the_stream() {
    assert_eq!(events(&[b'x'; 40]), [Event::Flood { len: 33 }]);
    assert_eq!(events_of(&[&[b'x'; 20], &[b'x'; 20], b"\x0bMSH\x1c\r"], SMALL), [Event::Flood { len: 33 }]);
}

#[test]
fn other_protocols_are_called_by_name() {
    for (bytes, foreign) in [
        (&b"GET / HTTP/1.1\r\n"[..], Foreign::Http),
        (b"\x16\x03\x01\x00\x7a", Foreign::Tls),
        (b"SSH-2.0-x\r\n", Foreign::Ssh),
    ] {
        assert_eq!(events(bytes), [Event::Foreign(foreign)]);
    }
    assert_eq!(events(b"GE"), [Event::Junk { len: 2 }]);
    assert_eq!(events(b"\x0bMSH\x1c\rGET / "), [frame(b"MSH"), Event::Junk { len: 6 }]);
}

#[test]
fn nothing_of_the_content_is_printed() {
    assert_eq!(format!("{:?}", frame(b"MSH|SECRET")), "Frame(10 bytes, lenient_end: false)");
}

#[test]
fn a_wrapped_payload_is_one_frame() {
    assert_eq!(events(&wrap(b"MSH|1")), [frame(b"MSH|1")]);
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let token = prop_oneof![
        Just(&b"\x0b"[..]),
        Just(&b"\x1c"[..]),
        Just(&b"\r"[..]),
        Just(&b"\x1c\r"[..]),
        Just(&b"\x0bMSH|"[..]),
        Just(&b"MSH|^~\\&|A"[..]),
        Just(&b"M"[..]),
        Just(&b"GET "[..]),
        Just(&b"\x16\x03"[..]),
        Just(&b"\x06"[..]),
        Just(&b"xxxxxxxxxxxxxxxxxxxx"[..]),
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #[test]
    fn a_stream_split_at_any_byte_gives_the_same_events(
        bytes in stream(),
        splits in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
    ) {
        let mut cuts: Vec<usize> = splits.iter().map(|split| split.index(bytes.len().saturating_add(1))).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        prop_assert_eq!(events_of(&pieces, SMALL), events(&bytes));
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(events_of(&single, SMALL), events(&bytes));
    }

    #[test]
    fn no_bytes_make_the_codec_panic_or_lose_a_byte(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let total: usize = events(&bytes)
            .iter()
            .map(|event| match event {
                Event::Frame { bytes, .. } | Event::Bad { bytes, .. } => bytes.len(),
                Event::Junk { len } | Event::Flood { len } => *len,
                Event::Empty | Event::Commit | Event::Foreign(_) => 0,
            })
            .sum();
        prop_assert!(total <= bytes.len());
    }
}
