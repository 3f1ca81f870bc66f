//! Asking the gateway from outside: over MLLP, and over HTTP with a client of a few lines.

use super::PATIENCE;
use crate::exit::{Exit, Outcome, Stop};
use domain::directory::BearerToken;
use hl7::send::{Answer, Sender, Target};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Largest answer that is read, in bytes.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// Sends one message, its lines as segments, and returns the acknowledgement.
pub(super) async fn send(to: SocketAddr, message: &str) -> Outcome<Answer> {
    let bytes = message.replace('\n', "\r").into_bytes();
    let target = Target { address: to.to_string(), tls: None, wait: PATIENCE };
    let mut sender = Sender::connect(target).await.map_err(|why| Stop::new(Exit::Failed, why))?;
    sender.send(&bytes).await.map_err(|why| Stop::new(Exit::Failed, why))
}

/// Gets one resource or bundle as its exact text; anything but 200 is an error.
pub(super) async fn get(from: SocketAddr, path: &str, token: &BearerToken) -> Outcome<String> {
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: {from}\r\nAuthorization: Bearer {}\r\nAccept: application/fhir+json\r\nConnection: close\r\n\r\n",
        token.expose()
    );
    let answer = tokio::time::timeout(PATIENCE, exchange(from, request))
        .await
        .map_err(|_| Stop::new(Exit::Failed, "the FHIR server does not answer"))?
        .map_err(|why| Stop::new(Exit::Failed, format!("the FHIR server does not answer: {why}")))?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if !head.starts_with("HTTP/1.1 200") {
        let status = head.lines().next().unwrap_or_default();
        return Err(Stop::new(Exit::Failed, format!("the FHIR server answers {status}")));
    }
    Ok(body.to_owned())
}

async fn exchange(with: SocketAddr, request: String) -> std::io::Result<String> {
    let mut socket = TcpStream::connect(with).await?;
    socket.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    socket.take(MAX_ANSWER).read_to_end(&mut answer).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
