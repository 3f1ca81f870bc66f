//! One MLLP connection: frames in order, one answer each, until somebody stops.

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use crate::counters::Counters;
use crate::delivery::{Delivery, Fingerprint, Received, Reply, Service};
use crate::frame::{Closed, Event, Frames, Next};

/// Talks with one peer until the connection ends.
///
/// After `shutdown` the frame in hand is finished and answered, and so are frames already received; then the connection
/// closes.
pub(crate) async fn converse<S>(mut frames: Frames<S>, peer: &Peer, shutdown: &CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stopping = false;
    while !stopping || frames.has_more() {
        let next = tokio::select! {
            biased;
            next = frames.next() => next,
            () = shutdown.cancelled(), if !stopping => {
                stopping = true;
                continue;
            }
        };
        let event = match next {
            Next::Event(event) => event,
            Next::Closed(closed) => {
                peer.closed(&closed);
                break;
            }
        };
        let last = event.is_last();
        if !peer.attend(event, &mut frames).await || last {
            break;
        }
    }
    frames.finish().await;
}

/// The other end of a connection, and what serves it.
pub(crate) struct Peer {
    pub(crate) listener: Arc<str>,
    pub(crate) address: SocketAddr,
    pub(crate) certificate: Option<Fingerprint>,
    pub(crate) service: Arc<dyn Service>,
    pub(crate) counters: Arc<Counters>,
}

impl Peer {
    /// Deals with one event; false if the connection is to be closed.
    async fn attend<S>(&self, event: Event, frames: &mut Frames<S>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let counters = &self.counters;
        match event {
            Event::Frame { bytes, lenient_end } => {
                counters.frames.add(1);
                counters.frame_bytes.add(bytes.len());
                counters.lenient_ends.add(usize::from(lenient_end));
                let reply = self.hand_over(Received::Frame { bytes, lenient_end }).await;
                if !matches!(reply, Reply::Send(_)) {
                    counters.unanswered.add(1);
                }
                self.answer(reply, frames).await
            }
            Event::Bad { bytes, reason } => {
                counters.bad_frames.add(1);
                self.warn_bad(&bytes, reason.as_str());
                let reply = self.hand_over(Received::Bad { bytes, reason }).await;
                self.answer(reply, frames).await
            }
            Event::Junk { len } => {
                counters.junk_bytes.add(len);
                tracing::debug!(listener = %self.listener, peer = %self.address, len, "bytes outside frames dropped");
                true
            }
            Event::Empty => {
                counters.empty_frames.add(1);
                true
            }
            Event::Commit => {
                counters.commit_blocks.add(1);
                tracing::info!(listener = %self.listener, peer = %self.address, "commit block of mllp release 2 ignored");
                true
            }
            Event::Flood { len } => {
                counters.junk_bytes.add(len);
                tracing::warn!(listener = %self.listener, peer = %self.address, len, "too many bytes outside frames, closing");
                false
            }
            Event::Foreign(foreign) => {
                counters.foreign.add(1);
                tracing::warn!(listener = %self.listener, peer = %self.address, hint = foreign.hint(), "another protocol, closing");
                false
            }
        }
    }

    async fn hand_over(&self, event: Received) -> Reply {
        self.service
            .receive(Delivery { listener: &self.listener, peer: self.address, certificate: self.certificate, event })
            .await
    }

    async fn answer<S>(&self, reply: Reply, frames: &mut Frames<S>) -> bool
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let payload = match reply {
            Reply::Send(payload) => payload,
            Reply::Silent => return true,
            Reply::Close => return false,
        };
        match frames.send(&payload).await {
            Ok(()) => true,
            Err(error) => {
                // The sender will send the message again, and it will be recognised.
                self.counters.write_failures.add(1);
                tracing::warn!(listener = %self.listener, peer = %self.address, kind = %error.kind(), "answer not written");
                false
            }
        }
    }

    fn warn_bad(&self, bytes: &Bytes, reason: &'static str) {
        tracing::warn!(listener = %self.listener, peer = %self.address, len = bytes.len(), reason, "bad frame");
    }

    fn closed(&self, closed: &Closed) {
        match closed {
            Closed::Peer => {}
            Closed::Idle => {
                self.counters.idle_closed.add(1);
                tracing::info!(listener = %self.listener, peer = %self.address, "idle connection closed");
            }
            Closed::Broken(error) => {
                tracing::info!(listener = %self.listener, peer = %self.address, kind = %error.kind(), "connection broke");
            }
        }
    }
}
