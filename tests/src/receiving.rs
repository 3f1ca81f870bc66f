//! A receiver of alarms, as a site has one beside the gateway.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// A receiver: it accepts no alarm until it is opened.
pub struct Receiving {
    /// Where it listens.
    pub address: String,
    /// Whether it accepts.
    pub open: Arc<AtomicBool>,
    /// What it accepted.
    pub told: Receiver<Told>,
}

/// An alarm that was accepted.
pub struct Told {
    /// The header with the signature.
    pub signature: String,
    /// The body.
    pub body: String,
    /// When it came.
    pub at: Instant,
}

impl Receiving {
    /// Starts one.
    #[must_use]
    pub fn start(open: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = format!("http://{}/alarm", listener.local_addr().expect("it has an address"));
        let open = Arc::new(AtomicBool::new(open));
        let (sender, told) = channel();
        let accepts = Arc::clone(&open);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut lines = BufReader::new(stream.expect("somebody comes"));
                let (mut length, mut signature) = (0, String::new());
                loop {
                    let mut line = String::new();
                    lines.read_line(&mut line).expect("a line comes");
                    let line = line.trim_end().to_ascii_lowercase();
                    if let Some(value) = line.strip_prefix("content-length: ") {
                        length = value.parse().expect("it is a number");
                    }
                    if let Some(value) = line.strip_prefix("sealgate-signature: ") {
                        value.clone_into(&mut signature);
                    }
                    if line.is_empty() {
                        break;
                    }
                }
                let mut body = vec![0; length];
                lines.read_exact(&mut body).expect("the body comes");
                let accepted = accepts.load(Ordering::SeqCst);
                let status = if accepted { "204 No Content" } else { "503 Service Unavailable" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
                let _ = lines.get_mut().write_all(answer.as_bytes());
                let body = String::from_utf8(body).expect("it is text");
                if accepted && sender.send(Told { signature, body, at: Instant::now() }).is_err() {
                    return;
                }
            }
        });
        Self { address, open, told }
    }
}
