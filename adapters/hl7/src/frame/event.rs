//! What a stream of frames holds, and what it should not.

use bytes::Bytes;

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
    pub(super) fn recognise(bytes: &[u8]) -> Result<Option<Self>, ()> {
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
