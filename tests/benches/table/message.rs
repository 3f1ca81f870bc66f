//! The messages of the sender: 4 KiB, 20 rows, each with its own control id and order, over 1,000 patients.

use crate::load::{Quota, micros_since};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;
use tests::message::Oru;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How many patients there are.
pub(crate) const PATIENTS: u64 = 1_000;
/// How many results a message has.
const ROWS: usize = 20;

/// Makes messages; no two are the same.
pub(crate) struct Messages {
    /// The frame, cut where a number goes in; even pieces are text.
    pieces: Vec<String>,
    next: AtomicU64,
}

/// Marks a place where a number goes in; no message has it otherwise.
const MARK: &str = "\u{1}";

impl Messages {
    pub(crate) fn new() -> Self {
        let place = |name: &str| format!("{MARK}{name}{MARK}");
        let oru = Oru { mrn: place("patient"), ..Oru::new(&place("message"), &place("message"), ROWS) };
        let text = String::from_utf8(oru.render()).unwrap();
        let pieces = format!("\x0b{text}\x1c\r").split(MARK).map(str::to_owned).collect();
        Self { pieces, next: AtomicU64::new(1) }
    }

    /// Writes the next message with its frame.
    fn write(&self, frame: &mut Vec<u8>) {
        let number = self.next.fetch_add(1, Relaxed);
        let (message, patient) = (format!("B{number:09}"), format!("MRN{:06}", number % PATIENTS));
        frame.clear();
        for piece in &self.pieces {
            frame.extend_from_slice(match piece.as_str() {
                "message" => message.as_bytes(),
                "patient" => patient.as_bytes(),
                text => text.as_bytes(),
            });
        }
    }
}

/// Sends over one connection, each message after the answer to the one before; returns how long each took.
pub(crate) async fn send(to: SocketAddr, messages: Arc<Messages>, quota: Arc<Quota>) -> Vec<u32> {
    let mut socket = TcpStream::connect(to).await.unwrap();
    socket.set_nodelay(true).unwrap();
    let (mut frame, mut answer) = (Vec::with_capacity(8_192), [0; 2_048]);
    let mut micros = Vec::with_capacity(65_536);
    while quota.go_on() {
        messages.write(&mut frame);
        let asked = Instant::now();
        socket.write_all(&frame).await.unwrap();
        let mut length = 0;
        while !answer.get(..length).unwrap().ends_with(b"\x1c\r") {
            let read = socket.read(answer.get_mut(length..).unwrap()).await.unwrap();
            assert!(read > 0, "the listener closed the connection");
            length += read;
        }
        micros.push(micros_since(asked));
        let accepted = answer.get(..length).unwrap().windows(6).any(|text| text == b"MSA|AA");
        assert!(accepted, "a message was not accepted: {}", String::from_utf8_lossy(&answer));
    }
    micros
}
