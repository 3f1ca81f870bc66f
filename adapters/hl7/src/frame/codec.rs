//! The codec: bytes in, events out, each byte looked at once.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

/// Cuts MLLP frames out of a stream, wherever the stream is split.
#[derive(Debug)]
pub struct FrameCodec {
    limits: FrameLimits,
    state: State,
    /// Bytes of the buffer known to hold nothing of interest.
    scanned: usize,
    /// Bytes dropped since the last frame.
    junk: usize,
}

/// What was found in the stream.
#[derive(Clone, PartialEq, Eq)]
pub enum Event {
    /// A frame's payload.
    Frame {
        /// The bytes between VT and FS.
        bytes: Bytes,
        /// Whether the end was FS without CR.
        lenient_end: bool,
    },
    /// Bytes that began as a frame and cannot be taken as one; to be kept as they are.
    Bad {
        /// The payload so far, without its VT.
        bytes: Bytes,
        /// What is wrong with it.
        reason: BadReason,
    },
    /// Bytes outside any frame were dropped.
    Junk {
        /// How many.
        len: usize,
    },
    /// A frame without content.
    Empty,
    /// A commit block of MLLP release 2, which is not spoken here.
    Commit,
    /// Too many bytes without a frame; the codec has stopped.
    Flood {
        /// How many.
        len: usize,
    },
    /// Another protocol; the codec has stopped.
    Foreign(Foreign),
}

impl Event {
    /// Whether nothing more will come out of the codec, so that the connection should be closed.
    pub fn is_last(&self) -> bool {
        match self {
            Self::Frame { .. } | Self::Junk { .. } | Self::Empty | Self::Commit => false,
            Self::Bad { reason, .. } => match reason {
                BadReason::NewStart => false,
                BadReason::TooLarge | BadReason::Unfinished | BadReason::Deadline => true,
            },
            Self::Flood { .. } | Self::Foreign(_) => true,
        }
    }
}

impl Event {
    /// How many bytes of payload it carries.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Frame { bytes, .. } | Self::Bad { bytes, .. } => bytes.len(),
            Self::Junk { .. } | Self::Empty | Self::Commit | Self::Flood { .. } | Self::Foreign(_) => 0,
        }
    }
}

impl std::fmt::Debug for Event {
    /// Prints lengths and never content.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Frame { bytes, lenient_end } => {
                write!(f, "Frame({} bytes, lenient_end: {lenient_end})", bytes.len())
            }
            Self::Bad { bytes, reason } => write!(f, "Bad({} bytes, {reason:?})", bytes.len()),
            Self::Junk { len } => write!(f, "Junk({len} bytes)"),
            Self::Empty => f.write_str("Empty"),
            Self::Commit => f.write_str("Commit"),
            Self::Flood { len } => write!(f, "Flood({len} bytes)"),
            Self::Foreign(foreign) => write!(f, "Foreign({foreign:?})"),
        }
    }
}

/// Why bytes cannot be taken as a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadReason {
    /// A new frame began before this one ended.
    NewStart,
    /// It is longer than the limit; only that much was kept.
    TooLarge,
    /// The stream ended inside it.
    Unfinished,
    /// It did not end in time.
    Deadline,
}

impl BadReason {
    /// The reason as a constant for logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NewStart => "a new frame began before the end",
            Self::TooLarge => "longer than the limit",
            Self::Unfinished => "the stream ended inside the frame",
            Self::Deadline => "the frame did not end in time",
        }
    }
}

/// A protocol that is not MLLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// A TLS handshake.
    Tls,
    /// An HTTP request.
    Http,
    /// An SSH greeting.
    Ssh,
}

impl Foreign {
    /// What an administrator should look at.
    pub const fn hint(self) -> &'static str {
        match self {
            Self::Tls => "TLS on a plain port: switch TLS on for this listener or off at the sender",
            Self::Http => "HTTP on an MLLP port: the sender or a health check uses the wrong port",
            Self::Ssh => "SSH on an MLLP port: the peer uses the wrong port",
        }
    }

    /// Compares the first bytes with what these protocols begin with; `Err` while more bytes are needed.
    fn recognise(bytes: &[u8]) -> Result<Option<Self>, ()> {
        let mut open = false;
        for (foreign, start) in SIGNATURES {
            if bytes.starts_with(start) {
                return Ok(Some(*foreign));
            }
            open |= start.starts_with(bytes);
        }
        if open { Err(()) } else { Ok(None) }
    }
}

const SIGNATURES: &[(Foreign, &[u8])] = &[
    (Foreign::Tls, b"\x16\x03"),
    (Foreign::Ssh, b"SSH-"),
    (Foreign::Http, b"GET "),
    (Foreign::Http, b"HEAD "),
    (Foreign::Http, b"POST "),
    (Foreign::Http, b"PUT "),
    (Foreign::Http, b"PATCH "),
    (Foreign::Http, b"DELETE "),
    (Foreign::Http, b"OPTIONS "),
    (Foreign::Http, b"TRACE "),
    (Foreign::Http, b"CONNECT "),
    (Foreign::Http, b"PRI * "),
];

/// How much the codec takes.
#[derive(Debug, Clone, Copy)]
pub struct FrameLimits {
    /// Bytes of one payload; 16 MiB.
    pub frame_bytes: usize,
    /// Bytes between two frames; 64 KiB.
    pub junk_bytes: usize,
}

impl Default for FrameLimits {
    fn default() -> Self {
        Self { frame_bytes: 16 * 1024 * 1024, junk_bytes: 64 * 1024 }
    }
}

/// Puts a payload into a frame, to be written at once: some receivers choke on a frame in pieces.
pub fn wrap(payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(payload.len().saturating_add(3));
    frame.push(VT);
    frame.extend_from_slice(payload);
    frame.extend_from_slice(&[FS, CR]);
    frame
}

const VT: u8 = 0x0B;
const FS: u8 = 0x1C;
const CR: u8 = 0x0D;
const HEADER: &[u8] = b"MSH";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was received yet.
    Start,
    /// Between frames.
    Gap,
    /// Inside a frame; the buffer begins after its VT.
    Open,
    /// After the last event.
    Done,
}

/// What stands at a VT or FS inside a frame.
enum Mark {
    Data,
    End {
        skip: usize,
        lenient: bool,
    },
    NewStart,
    /// The next bytes decide, and they are not there yet.
    Undecided,
}

impl FrameCodec {
    /// Makes a codec for a new stream.
    pub fn new(limits: FrameLimits) -> Self {
        Self { limits, state: State::Start, scanned: 0, junk: 0 }
    }

    /// Whether a frame has begun and not ended.
    pub fn is_open(&self) -> bool {
        self.state == State::Open
    }

    /// Whether the frame stands at an FS that is its end if nothing follows.
    pub fn may_have_ended(&self, buffer: &[u8]) -> bool {
        self.is_open() && buffer.last() == Some(&FS) && self.scanned.saturating_add(1) == buffer.len()
    }

    /// Ends the frame at the FS it stands at; `None` if it does not stand at one.
    pub fn end_leniently(&mut self, buffer: &mut BytesMut) -> Option<Event> {
        self.may_have_ended(buffer).then(|| self.close(buffer, self.scanned, 1, true))
    }

    /// Gives up on an open frame.
    pub fn abandon(&mut self, buffer: &mut BytesMut, reason: BadReason) -> Option<Event> {
        self.is_open().then(|| {
            self.state = State::Done;
            // Beyond the limit there may be a few bytes that waited for the next to say whether they begin a frame.
            let reason = if buffer.len() > self.limits.frame_bytes { BadReason::TooLarge } else { reason };
            buffer.truncate(self.limits.frame_bytes);
            bad(buffer.split().freeze(), reason)
        })
    }

    fn between(&mut self, buffer: &mut BytesMut) -> Option<Event> {
        if self.state == State::Start {
            if buffer.is_empty() {
                return None;
            }
            match Foreign::recognise(buffer) {
                Ok(Some(foreign)) => return Some(self.stop(buffer, Event::Foreign(foreign))),
                Ok(None) => self.state = State::Gap,
                Err(()) => return None,
            }
        }
        let start = memchr::memchr(VT, buffer);
        let junk = start.unwrap_or(buffer.len());
        self.junk = self.junk.saturating_add(junk);
        buffer.advance(junk);
        if self.junk > self.limits.junk_bytes {
            let len = self.limits.junk_bytes.saturating_add(1);
            return Some(self.stop(buffer, Event::Flood { len }));
        }
        start?;
        if self.junk > 0 {
            return Some(self.told_junk());
        }
        buffer.advance(1);
        self.state = State::Open;
        self.scanned = 0;
        None
    }

    fn inside(&mut self, buffer: &mut BytesMut) -> Option<Event> {
        loop {
            let unseen = buffer.get(self.scanned..).unwrap_or_default();
            let found = memchr::memchr2(VT, FS, unseen);
            let at = found.map_or(buffer.len(), |offset| self.scanned.saturating_add(offset));
            if at > self.limits.frame_bytes {
                buffer.truncate(self.limits.frame_bytes);
                let bytes = buffer.split().freeze();
                return Some(self.stop(buffer, bad(bytes, BadReason::TooLarge)));
            }
            self.scanned = at;
            found?;
            match mark(buffer.get(at..).unwrap_or_default()) {
                Mark::Data => self.scanned = at.saturating_add(1),
                Mark::End { skip, lenient } => return Some(self.close(buffer, at, skip, lenient)),
                Mark::NewStart => {
                    self.state = State::Gap;
                    let bytes = buffer.split_to(at).freeze();
                    return Some(if is_blank(&bytes) { Event::Empty } else { bad(bytes, BadReason::NewStart) });
                }
                Mark::Undecided => return None,
            }
        }
    }

    fn close(&mut self, buffer: &mut BytesMut, at: usize, skip: usize, lenient_end: bool) -> Event {
        self.state = State::Gap;
        self.scanned = 0;
        let bytes = buffer.split_to(at).freeze();
        buffer.advance(skip.min(buffer.len()));
        match bytes.as_ref() {
            [0x06 | 0x15] => Event::Commit,
            blank if is_blank(blank) => Event::Empty,
            _ => Event::Frame { bytes, lenient_end },
        }
    }

    fn told_junk(&mut self) -> Event {
        let len = std::mem::take(&mut self.junk);
        Event::Junk { len }
    }

    fn stop(&mut self, buffer: &mut BytesMut, event: Event) -> Event {
        self.state = State::Done;
        self.junk = 0;
        buffer.clear();
        event
    }
}

impl Decoder for FrameCodec {
    type Item = Event;
    type Error = io::Error;

    /// Takes the next event out of the buffer. Never fails by itself.
    fn decode(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Event>> {
        if matches!(self.state, State::Start | State::Gap) {
            let event = self.between(buffer);
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(match self.state {
            State::Open => self.inside(buffer),
            State::Start | State::Gap => None,
            State::Done => {
                buffer.clear();
                None
            }
        })
    }

    fn decode_eof(&mut self, buffer: &mut BytesMut) -> io::Result<Option<Event>> {
        if self.state == State::Start {
            // What could still have become another protocol's greeting will not.
            self.state = State::Gap;
        }
        let event = self.decode(buffer)?;
        if event.is_some() {
            return Ok(event);
        }
        if let Some(event) = self.end_leniently(buffer) {
            return Ok(Some(event));
        }
        if let Some(event) = self.abandon(buffer, BadReason::Unfinished) {
            return Ok(Some(event));
        }
        Ok((self.junk > 0).then(|| self.told_junk()))
    }
}

fn mark(bytes: &[u8]) -> Mark {
    match bytes {
        [FS] => Mark::Undecided,
        [FS, CR, ..] => Mark::End { skip: 2, lenient: false },
        [FS, VT, ..] => Mark::End { skip: 1, lenient: true },
        [VT, rest @ ..] if rest.starts_with(HEADER) => Mark::NewStart,
        [VT, rest @ ..] if HEADER.starts_with(rest) => Mark::Undecided,
        _ => Mark::Data,
    }
}

fn bad(bytes: Bytes, reason: BadReason) -> Event {
    Event::Bad { bytes, reason }
}

fn is_blank(bytes: &[u8]) -> bool {
    bytes.iter().all(u8::is_ascii_whitespace)
}

#[cfg(test)]
mod tests {
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
}
