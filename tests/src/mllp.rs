//! A bare MLLP sender over a blocking socket: it knows the protocol and nothing of the product.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// An open connection to a listener.
pub struct Sender {
    socket: TcpStream,
    buffer: Vec<u8>,
}

impl Sender {
    /// Connects; answers are waited for at most this long.
    ///
    /// # Errors
    /// What the socket says.
    pub fn connect(to: SocketAddr, patience: Duration) -> std::io::Result<Self> {
        let socket = TcpStream::connect_timeout(&to, patience)?;
        socket.set_read_timeout(Some(patience))?;
        socket.set_nodelay(true)?;
        Ok(Self { socket, buffer: Vec::new() })
    }

    /// Sends one message in a frame and returns the acknowledgement's bytes.
    ///
    /// # Errors
    /// What the socket says; `UnexpectedEof` when the listener closes without an answer.
    pub fn exchange(&mut self, message: &[u8]) -> std::io::Result<Vec<u8>> {
        self.send(message)?;
        self.receive()
    }

    /// Sends one message in a frame.
    ///
    /// # Errors
    /// What the socket says.
    pub fn send(&mut self, message: &[u8]) -> std::io::Result<()> {
        let mut frame = Vec::with_capacity(message.len().saturating_add(3));
        frame.push(0x0b);
        frame.extend_from_slice(message);
        frame.extend_from_slice(&[0x1c, 0x0d]);
        self.socket.write_all(&frame)
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// What the socket says.
    pub fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.socket.write_all(bytes)
    }

    /// Says that nothing more will come, and still listens.
    ///
    /// # Errors
    /// What the socket says.
    pub fn finish(&mut self) -> std::io::Result<()> {
        self.socket.shutdown(std::net::Shutdown::Write)
    }

    /// Waits at most this long for each further answer.
    ///
    /// # Errors
    /// What the socket says.
    pub fn patience(&mut self, patience: Duration) -> std::io::Result<()> {
        self.socket.set_read_timeout(Some(patience))
    }

    /// Returns the next framed answer.
    ///
    /// # Errors
    /// As for [`Sender::exchange`].
    pub fn receive(&mut self) -> std::io::Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == [0x1c, 0x0d]) {
                let rest = self.buffer.split_off(end.saturating_add(2));
                let frame = std::mem::replace(&mut self.buffer, rest);
                return Ok(frame.get(1..end).unwrap_or_default().to_vec());
            }
            let mut chunk = [0; 4_096];
            let read = self.socket.read(&mut chunk)?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(chunk.get(..read).unwrap_or_default());
        }
    }
}

/// Returns MSA-1 of an acknowledgement, which is written with the separator of the message it answers.
#[must_use]
pub fn code(acknowledgement: &[u8]) -> String {
    let text = String::from_utf8_lossy(acknowledgement);
    let separator = text.chars().nth(3).unwrap_or('|');
    let msa = text.split('\r').find(|segment| segment.starts_with("MSA"));
    msa.and_then(|segment| segment.split(separator).nth(1)).unwrap_or_default().to_owned()
}
