//! Frames over a connection, with deadlines and little memory while idle.

use std::io;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::codec::Decoder;

use super::budget::{FrameBudget, Room, UNBUDGETED_BYTES};
use super::codec::{FrameCodec, FrameLimits, wrap};
use super::event::{BadReason, Event};

/// One side of an MLLP connection.
///
/// [`Frames::next`] may be dropped and called again without losing anything.
pub struct Frames<S> {
    stream: S,
    codec: FrameCodec,
    buffer: BytesMut,
    deadlines: Deadlines,
    /// When the peer was last heard or answered.
    active: Instant,
    /// When the open frame began.
    opened: Option<Instant>,
    ended: bool,
    /// Whether the buffer was given back since the peer was last heard.
    rested: bool,
    /// Whether the last frame was so large that its buffer must go at once.
    swollen: bool,
    /// Where large frames take their room; none, and they are bounded each by itself.
    budget: Option<FrameBudget>,
    /// The room of the frame that is open or being dealt with.
    room: Option<Room>,
    /// Since when the open frame waits for room.
    waiting: Option<Instant>,
}

/// What came next.
#[derive(Debug)]
pub enum Next {
    /// Something was found in the stream.
    Event(Event),
    /// The connection is over.
    Closed(Closed),
}

/// Why a connection is over.
#[derive(Debug)]
pub enum Closed {
    /// The peer closed it.
    Peer,
    /// Nothing was heard for too long.
    Idle,
    /// It broke.
    Broken(io::Error),
}

/// How long each thing may take.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Between two frames; 24 h. Lines that are silent for hours are normal.
    pub idle: Duration,
    /// From a frame's VT to its end; 60 s.
    pub frame: Duration,
    /// For writing an answer; 30 s.
    pub write: Duration,
    /// Silence after FS that makes it the end of the frame; 500 ms.
    pub lenient_end: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(24 * 60 * 60),
            frame: Duration::from_secs(60),
            write: Duration::from_secs(30),
            lenient_end: Duration::from_millis(500),
        }
    }
}

/// What a read has room for on a connection that was silent, and the least otherwise.
const IDLE_BUFFER: usize = 1024;
/// What a read has room for while frames come.
const BUSY_BUFFER: usize = 8 * 1024;
/// A buffer above this is not kept between frames.
const KEPT_BUFFER: usize = 64 * 1024;
/// The most by which a buffer grows at once.
const MOST_GROWTH: usize = 256 * 1024;
/// After so much silence the buffer is given back.
const RESTING: Duration = Duration::from_secs(1);

impl<S: AsyncRead + AsyncWrite + Unpin> Frames<S> {
    /// Frames of a connection just opened.
    pub fn new(stream: S, limits: FrameLimits, deadlines: Deadlines) -> Self {
        Self {
            stream,
            codec: FrameCodec::new(limits),
            buffer: BytesMut::new(),
            deadlines,
            active: Instant::now(),
            opened: None,
            ended: false,
            rested: true,
            swollen: false,
            budget: None,
            room: None,
            waiting: None,
        }
    }

    /// Lets large frames take their memory from a budget that others share.
    #[must_use]
    pub fn within(mut self, budget: FrameBudget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Waits for the next event.
    ///
    /// A deadline inside a frame gives that frame as bad; between frames it closes.
    pub async fn next(&mut self) -> Next {
        if !self.codec.is_open() {
            // The frame before has been dealt with.
            self.room = None;
        }
        loop {
            if let Some(event) = self.decode() {
                self.opened = None;
                self.active = Instant::now();
                self.swollen |= event.size() > KEPT_BUFFER;
                return Next::Event(event);
            }
            if self.ended {
                return Next::Closed(Closed::Peer);
            }
            match self.fill().await {
                Ok(Some(0)) => self.ended = true,
                Ok(Some(_)) => {
                    self.active = Instant::now();
                    self.rested = false;
                }
                Ok(None) => return self.expire(),
                Err(broken) => return self.break_off(broken),
            }
        }
    }

    /// Whether bytes were received that no event has told yet.
    pub fn has_more(&self) -> bool {
        self.codec.is_open() || !self.buffer.is_empty()
    }

    /// Writes a payload as one frame, in one write.
    ///
    /// # Errors
    /// The connection broke, or the peer did not read in time (`TimedOut`).
    pub async fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let frame = wrap(payload);
        let write = async {
            self.stream.write_all(&frame).await?;
            self.stream.flush().await
        };
        timeout(self.deadlines.write, write).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        self.active = Instant::now();
        Ok(())
    }

    /// Tells the peer that nothing more will be written.
    pub async fn finish(&mut self) {
        // The peer may be gone already; there is nobody to tell then.
        let _ = timeout(self.deadlines.lenient_end, self.stream.shutdown()).await;
    }

    fn decode(&mut self) -> Option<Event> {
        // The codec itself never fails; its error type is the trait's.
        let decoded =
            if self.ended { self.codec.decode_eof(&mut self.buffer) } else { self.codec.decode(&mut self.buffer) };
        let event = decoded.ok().flatten();
        if event.is_none() && self.codec.is_open() && self.opened.is_none() {
            self.opened = Some(self.active);
        }
        event
    }

    /// Reads once; `None` when a deadline passed first.
    async fn fill(&mut self) -> io::Result<Option<usize>> {
        if !self.find_room().await {
            return Ok(None);
        }
        let deadline = self.deadline();
        if self.has_more() {
            // Growing with what is there keeps the copying of a large frame linear.
            self.buffer.reserve(self.buffer.len().clamp(BUSY_BUFFER, MOST_GROWTH));
        } else {
            if std::mem::take(&mut self.swollen) {
                self.buffer = BytesMut::new();
            }
            self.buffer.reserve(IDLE_BUFFER);
            let resting = self.active.checked_add(RESTING).unwrap_or(deadline);
            if !self.rested && resting < deadline {
                match timeout_at(resting, self.stream.read_buf(&mut self.buffer)).await {
                    Ok(read) => return read.map(Some),
                    Err(_) => {
                        self.rested = true;
                        self.buffer = BytesMut::with_capacity(IDLE_BUFFER);
                    }
                }
            }
        }
        match timeout_at(deadline, self.stream.read_buf(&mut self.buffer)).await {
            Ok(read) => read.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Waits for room for an open frame that has become large; `false` when there was none for the time of a frame.
    ///
    /// Meanwhile nothing is read, so what is left of the frame stays with its sender, and the wait does not count
    /// against the frame's own deadline.
    async fn find_room(&mut self) -> bool {
        let large = self.codec.is_open() && self.buffer.len() > UNBUDGETED_BYTES;
        let Some(budget) = self.budget.as_ref().filter(|_| large && self.room.is_none()) else { return true };
        let since = *self.waiting.get_or_insert_with(Instant::now);
        let until = since.checked_add(self.deadlines.frame).unwrap_or(since);
        let found = timeout_at(until, budget.room()).await;
        self.waiting = None;
        self.opened = self.opened.map(|opened| opened.checked_add(since.elapsed()).unwrap_or(opened));
        self.room = found.ok();
        self.room.is_some()
    }

    fn deadline(&self) -> Instant {
        let after = |from: Instant, wait: Duration| from.checked_add(wait).unwrap_or(from);
        match self.opened {
            None => after(self.active, self.deadlines.idle),
            Some(opened) if self.codec.may_have_ended(&self.buffer) => {
                after(opened, self.deadlines.frame).min(after(self.active, self.deadlines.lenient_end))
            }
            Some(opened) => after(opened, self.deadlines.frame),
        }
    }

    fn expire(&mut self) -> Next {
        let event = self
            .codec
            .end_leniently(&mut self.buffer)
            .or_else(|| self.codec.abandon(&mut self.buffer, BadReason::Deadline));
        self.opened = None;
        self.active = Instant::now();
        event.map_or(Next::Closed(Closed::Idle), Next::Event)
    }

    /// A reset inside a frame still gives the frame's bytes, to be kept.
    fn break_off(&mut self, broken: io::Error) -> Next {
        self.ended = true;
        match self.codec.abandon(&mut self.buffer, BadReason::Unfinished) {
            Some(event) => Next::Event(event),
            None => Next::Closed(Closed::Broken(broken)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{DuplexStream, duplex};

    use super::*;

    fn pair() -> (DuplexStream, Frames<DuplexStream>) {
        let (peer, ours) = duplex(64 * 1024);
        (peer, Frames::new(ours, FrameLimits::default(), Deadlines::default()))
    }

    async fn event(frames: &mut Frames<DuplexStream>) -> String {
        format!("{:?}", frames.next().await)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_line_stays_open_for_a_day() {
        let (_peer, mut frames) = pair();
        let began = Instant::now();
        assert_eq!(event(&mut frames).await, "Closed(Idle)");
        assert_eq!(began.elapsed().as_secs(), 24 * 60 * 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_has_a_minute_from_its_first_byte() {
        let (mut peer, mut frames) = pair();
        let slow = tokio::spawn(async move {
            peer.write_all(b"\x0bMSH").await.unwrap();
            for _ in 0..100 {
                tokio::time::sleep(Duration::from_secs(1)).await;
                if peer.write_all(b"|").await.is_err() {
                    break;
                }
            }
        });
        let began = Instant::now();
        assert!(event(&mut frames).await.ends_with("Deadline))"));
        assert_eq!(began.elapsed().as_secs(), 60);
        slow.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_frame_waits_until_another_one_is_dealt_with() {
        let budget = FrameBudget::new(1, FrameLimits::default().frame_bytes);
        let large = vec![b'A'; 200 * 1024];
        let line = || {
            let (mut peer, frames) = pair();
            let whole = wrap(&large);
            tokio::spawn(async move {
                let _ = peer.write_all(&whole).await;
                std::future::pending::<()>().await;
            });
            frames.within(budget.clone())
        };
        let (mut first, mut second, mut third) = (line(), line(), line());
        assert!(event(&mut first).await.starts_with("Event(Frame(204800"));
        assert!(timeout(Duration::from_secs(30), second.next()).await.is_err());
        assert!(second.buffer.capacity() <= 256 * 1024);
        // The first is done with once its line is asked for more.
        assert!(timeout(Duration::from_millis(1), first.next()).await.is_err());
        assert!(event(&mut second).await.starts_with("Event(Frame(204800"));
        let began = Instant::now();
        assert!(event(&mut third).await.ends_with("Deadline))"));
        assert_eq!(began.elapsed().as_secs(), 60);
    }

    #[tokio::test(start_paused = true)]
    async fn half_a_second_after_a_lone_end_block_is_the_end() {
        let (mut peer, mut frames) = pair();
        let began = Instant::now();
        peer.write_all(b"\x0bMSH|1\x1c").await.unwrap();
        assert_eq!(event(&mut frames).await, "Event(Frame(5 bytes, lenient_end: true))");
        assert_eq!(began.elapsed().as_millis(), 500);
        peer.write_all(b"\x0bMSH|2\x1c\r").await.unwrap();
        assert_eq!(event(&mut frames).await, "Event(Frame(5 bytes, lenient_end: false))");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_does_not_read_is_given_up() {
        let (_peer, mut frames) = pair();
        let began = Instant::now();
        let error = frames.send(&vec![b'A'; 128 * 1024]).await.unwrap_err();
        assert_eq!((error.kind(), began.elapsed().as_secs()), (io::ErrorKind::TimedOut, 30));
    }

    #[tokio::test(start_paused = true)]
    async fn the_buffer_is_small_again_after_a_rest() {
        let (mut peer, mut frames) = pair();
        let large = wrap(&vec![b'A'; 200 * 1024]);
        let writer = tokio::spawn(async move {
            peer.write_all(&large).await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
            peer.write_all(&wrap(b"MSH")).await.unwrap();
            peer
        });
        assert!(event(&mut frames).await.starts_with("Event(Frame(204800"));
        assert!(timeout(Duration::from_secs(3), frames.next()).await.is_err());
        assert_eq!(frames.buffer.capacity(), IDLE_BUFFER);
        assert!(event(&mut frames).await.starts_with("Event(Frame(3 "));
        drop(writer.await.unwrap());
        assert_eq!(event(&mut frames).await, "Closed(Peer)");
    }

    #[tokio::test(start_paused = true)]
    async fn dropping_the_wait_loses_nothing() {
        let (mut peer, mut frames) = pair();
        for byte in wrap(b"MSH|1") {
            let _ = timeout(Duration::from_millis(1), frames.next()).await;
            peer.write_all(&[byte]).await.unwrap();
        }
        assert_eq!(event(&mut frames).await, "Event(Frame(5 bytes, lenient_end: false))");
    }
}
