//! The codec: bytes in, events out, each byte looked at once.

use std::io;

use bytes::{Buf, Bytes, BytesMut};
use tokio_util::codec::Decoder;

use super::event::{BadReason, Event, Foreign};

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
mod tests;
