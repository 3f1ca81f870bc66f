//! One connection to the endpoint, with a record of all that was said on it.

use super::bench::Bench;
use crate::case::{Evidence, Outcome, Stop};
use crate::hl7::Message;
use crate::show;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// A plain or encrypted connection.
pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection and its transcript.
pub(super) struct Link<'a> {
    bench: &'a Bench,
    stream: Box<dyn Stream>,
    pending: Vec<u8>,
    reads: usize,
    sent: Vec<u8>,
    received: Vec<u8>,
    closed: bool,
}

/// What came next from the endpoint.
pub(super) enum Heard {
    /// A whole frame.
    Frame(Frame),
    /// The end of the connection.
    Closed,
    /// Nothing within the time given.
    Quiet,
}

/// The bytes between a start and an end block.
pub(super) struct Frame {
    /// The message.
    pub(super) payload: Vec<u8>,
    /// How many bytes stood before the start block.
    pub(super) stray: usize,
    /// How many reads it took to have it whole.
    pub(super) reads: usize,
}

/// A frame that holds an acknowledgement.
pub(super) struct Reply {
    /// The frame as it came.
    pub(super) frame: Frame,
    /// The acknowledgement.
    pub(super) message: Message,
}

impl Reply {
    /// MSA-1.
    pub(super) fn code(&self) -> &[u8] {
        self.message.field("MSA", 1)
    }

    /// MSA-2.
    pub(super) fn control(&self) -> &[u8] {
        self.message.field("MSA", 2)
    }

    /// Expects one of these codes, and this control id byte for byte.
    pub(super) fn says(&self, link: &Link<'_>, codes: &[&str], control: &[u8]) -> Outcome {
        let known = codes.iter().any(|code| code.as_bytes() == self.code());
        link.check(
            known && self.control() == control,
            format!("MSA-1 {} and MSA-2 {}", codes.join(" or "), show::bytes(control)),
        )
    }
}

impl<'a> Link<'a> {
    pub(super) fn new(bench: &'a Bench, stream: Box<dyn Stream>) -> Self {
        Self { bench, stream, pending: Vec::new(), reads: 0, sent: Vec::new(), received: Vec::new(), closed: false }
    }

    /// Writes bytes in one piece. A peer that has closed already is noticed on the next read.
    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.sent.extend_from_slice(bytes);
        let written = async {
            self.stream.write_all(bytes).await?;
            self.stream.flush().await
        };
        if !matches!(tokio::time::timeout(self.bench.options.timeout, written).await, Ok(Ok(()))) {
            self.closed = true;
        }
    }

    /// Closes the sending side.
    pub(super) async fn finish(&mut self) {
        if self.stream.shutdown().await.is_err() {
            self.closed = true;
        }
    }

    /// Reads the next frame, waiting no longer than told.
    pub(super) async fn hear(&mut self, limit: Duration) -> Heard {
        let begun = Instant::now();
        loop {
            if let Some(frame) = self.take_frame() {
                return Heard::Frame(frame);
            }
            let Some(left) = limit.checked_sub(begun.elapsed()) else {
                return Heard::Quiet;
            };
            let mut block = vec![0; 16_384];
            match tokio::time::timeout(left, self.stream.read(&mut block)).await {
                Err(_) => return Heard::Quiet,
                Ok(Err(_) | Ok(0)) => {
                    self.closed = true;
                    return Heard::Closed;
                }
                Ok(Ok(count)) => {
                    let block = block.get(..count).unwrap_or_default();
                    self.reads = self.reads.saturating_add(1);
                    self.pending.extend_from_slice(block);
                    self.received.extend_from_slice(block);
                }
            }
        }
    }

    /// Reads the next acknowledgement, which must come in time.
    pub(super) async fn reply(&mut self) -> Result<Reply, Stop> {
        let limit = self.bench.options.timeout;
        match self.hear(limit).await {
            Heard::Frame(frame) => match Message::read(&frame.payload) {
                Some(message) if message.has("MSA") => Ok(Reply { frame, message }),
                _ => Err(self.fail("a reply with the segments MSH and MSA")),
            },
            Heard::Closed => Err(self.fail("a reply; the connection was closed instead")),
            Heard::Quiet => Err(self.fail(format!("a reply within {} s; none came", limit.as_secs_f32()))),
        }
    }

    /// Expects no frame for a while; a closed connection is silent too.
    pub(super) async fn silent(&mut self) -> Outcome {
        match self.hear(self.bench.options.quiet).await {
            Heard::Frame(_) => Err(self.fail("no further reply")),
            Heard::Closed | Heard::Quiet => Ok(()),
        }
    }

    /// Reads all replies: `due` of them with the full patience, then what comes until silence.
    pub(super) async fn replies(&mut self, due: usize) -> Result<Vec<Reply>, Stop> {
        let mut found = Vec::new();
        loop {
            let options = &self.bench.options;
            let limit = if found.len() < due { options.timeout } else { options.quiet };
            match self.hear(limit).await {
                Heard::Closed | Heard::Quiet => return Ok(found),
                Heard::Frame(frame) => match Message::read(&frame.payload) {
                    Some(message) if message.has("MSA") => found.push(Reply { frame, message }),
                    _ => return Err(self.fail("replies with the segments MSH and MSA only")),
                },
            }
        }
    }

    /// Says whether the endpoint has closed the connection.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// All bytes that came back so far.
    pub(super) fn received(&self) -> &[u8] {
        &self.received
    }

    /// Fails with what was expected unless the condition holds.
    pub(super) fn check(&self, holds: bool, expected: impl Into<String>) -> Outcome {
        if holds { Ok(()) } else { Err(self.fail(expected)) }
    }

    /// A failure with the transcript of this connection.
    pub(super) fn fail(&self, expected: impl Into<String>) -> Stop {
        Stop::Fail(Box::new(Evidence {
            expected: expected.into(),
            sent: show::bytes(&self.sent),
            received: show::bytes(&self.received),
            reproduce: self.bench.by_hand(&self.sent),
        }))
    }

    fn take_frame(&mut self) -> Option<Frame> {
        let start = self.pending.iter().position(|&byte| byte == 0x0b)?;
        let inside = self.pending.get(start.checked_add(1)?..)?;
        let length = inside.windows(2).position(|pair| pair == [0x1c, 0x0d])?;
        let payload = inside.get(..length)?.to_vec();
        let end = start.saturating_add(length).saturating_add(3);
        self.pending.drain(..end.min(self.pending.len()));
        let reads = std::mem::take(&mut self.reads);
        Some(Frame { payload, stray: start, reads })
    }
}

/// Puts a message between its start and end block (MLLP release 1).
pub(super) fn framed(message: &[u8]) -> Vec<u8> {
    [b"\x0b".as_slice(), message, b"\x1c\x0d"].concat()
}
