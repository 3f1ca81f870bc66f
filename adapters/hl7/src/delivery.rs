//! What a listener hands to the product, and what it gets back.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use crate::frame::BadReason;

/// Takes what arrives on a listener. The one thing a listener knows of the product.
pub trait Service: Send + Sync {
    /// Says whether a peer at this address may talk on a listener at all; asked before a byte of it is read.
    fn expects(&self, listener: &str, peer: IpAddr) -> bool;

    /// Takes note that this peer, and others since the last note, was not expected and was closed on.
    fn turned_away<'a>(&'a self, listener: &'a str, peer: SocketAddr) -> BoxFuture<'a, ()>;

    /// Takes one frame and says what to answer.
    ///
    /// Called for one frame of a connection at a time, in order. Answering means that the frame is safe: on trouble of our own the
    /// answer is [`Reply::Close`], since a sender that gets an error keeps no copy. The future may be dropped when a
    /// graceful stop takes too long.
    fn receive<'a>(&'a self, delivery: Delivery<'a>) -> BoxFuture<'a, Reply>;
}

/// A future behind a pointer, so that a service can be chosen at run time.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// One frame and where it came from.
pub struct Delivery<'a> {
    /// The listener's name.
    pub listener: &'a str,
    /// The peer's address.
    pub peer: SocketAddr,
    /// The certificate the peer proved to hold, with mutual TLS.
    pub certificate: Option<Fingerprint>,
    /// What arrived.
    pub event: Received,
}

/// What arrived.
#[derive(Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole frame's payload.
    Frame {
        /// The payload.
        bytes: Bytes,
        /// Whether it ended with FS alone.
        lenient_end: bool,
    },
    /// A frame that could not be taken as one; to be quarantined as it is.
    Bad {
        /// The payload so far.
        bytes: Bytes,
        /// What is wrong with it.
        reason: BadReason,
    },
}

/// What is to be answered.
#[derive(Clone, PartialEq, Eq)]
pub enum Reply {
    /// This acknowledgement; the listener frames it.
    Send(Vec<u8>),
    /// Nothing, and the connection goes on.
    Silent,
    /// Nothing, and the connection is closed, so that the sender keeps its copy and tries again.
    Close,
}

/// SHA-256 of a certificate's DER form.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a certificate.
    pub fn of(der: &[u8]) -> Self {
        Self(Sha256::digest(der).into())
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    /// Lower-case hexadecimal, as configuration files hold it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}
