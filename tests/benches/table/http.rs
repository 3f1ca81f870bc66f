//! A keep-alive HTTP/1.1 client that does no more than a bench needs.

use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// One connection.
pub(crate) struct Client {
    socket: TcpStream,
    /// What every request says after its first line.
    headers: String,
    request: String,
    buffer: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(to: SocketAddr, token: Option<&str>) -> std::io::Result<Self> {
        let socket = TcpStream::connect(to).await?;
        socket.set_nodelay(true)?;
        let authorization = token.map_or(String::new(), |token| format!("Authorization: Bearer {token}\r\n"));
        let headers = format!(" HTTP/1.1\r\nHost: {to}\r\n{authorization}Accept: application/fhir+json\r\n\r\n");
        Ok(Self { socket, headers, request: String::new(), buffer: Vec::with_capacity(65_536) })
    }

    /// Asks for a path and returns the status and the body.
    pub(crate) async fn get(&mut self, path: &str) -> std::io::Result<(u16, &[u8])> {
        self.request.clear();
        self.request.extend(["GET ", path, &self.headers]);
        self.socket.write_all(self.request.as_bytes()).await?;
        self.buffer.clear();
        loop {
            if self.socket.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            let Some(end) = self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
            let head = String::from_utf8_lossy(self.buffer.get(..end).unwrap()).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.and_then(|length| length.trim().parse().ok()).unwrap_or_default();
            let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
            let body = end + 4;
            while self.buffer.len() < body + length {
                if self.socket.read_buf(&mut self.buffer).await? == 0 {
                    return Err(std::io::ErrorKind::UnexpectedEof.into());
                }
            }
            return Ok((status, self.buffer.get(body..).unwrap()));
        }
    }
}
