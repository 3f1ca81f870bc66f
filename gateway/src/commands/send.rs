//! `sealgate send`: files out over MLLP, one line for each acknowledgement.

use crate::cli::Send;
use crate::config;
use crate::exit::{Exit, Outcome, Stop};
use crate::output::{self, printable};
use crate::tls;
use hl7::frame::FrameLimits;
use hl7::message::read_envelope;
use hl7::send::{Answer, SendError, Sender, Target};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Sends each file as one message, in order, and prints how it was acknowledged; content is never printed.
///
/// # Errors
/// [`Exit::Failed`] when any message was not accepted, [`Exit::Unavailable`] when the receiver cannot be reached.
pub async fn run(config_file: &Path, send: Send) -> Outcome {
    let receiver = Receiver::of(config_file, &send)?;
    let mut connection = None;
    let (mut refused, mut unreached) = (0usize, 0usize);
    for file in &send.files {
        let message = read(file)?;
        let sent = receiver.send(&mut connection, &message).await;
        match &sent {
            Ok(answer) if answer.is_accepted() => {}
            Err(SendError::Connect(_)) => unreached = unreached.saturating_add(1),
            Ok(_) | Err(_) => refused = refused.saturating_add(1),
        }
        // One line as soon as it is known: a long list must not lose what was answered before it was stopped.
        if send.output.json {
            output::line(value(file, &message, &sent))?;
        } else {
            output::line(text(file, &message, &sent))?;
        }
    }
    match (refused, unreached) {
        (0, 0) => Ok(()),
        (0, _) => Err(Stop::new(Exit::Unavailable, format!("{} cannot be reached", receiver.address))),
        _ => {
            let lost = refused.saturating_add(unreached);
            Err(Stop::new(Exit::Failed, format!("{lost} of {} messages were not accepted", send.files.len())))
        }
    }
}

/// Where messages go.
struct Receiver {
    address: String,
    tls: Option<(Arc<ClientConfig>, ServerName<'static>)>,
    wait: Duration,
}

impl Receiver {
    fn of(config_file: &Path, send: &Send) -> Outcome<Self> {
        let address = match &send.to {
            Some(address) => address.clone(),
            None => first_listener(config_file)?,
        };
        let tls = match &send.tls_ca_file {
            Some(authorities) => Some((Arc::new(tls::client(authorities)?), server_name(&address)?)),
            None => None,
        };
        Ok(Self { address, tls, wait: Duration::from_secs(send.timeout_seconds) })
    }

    /// Sends on the open connection, or on a new one; after a fault the connection is given up, its answer may still come.
    async fn send(&self, connection: &mut Option<Sender>, message: &[u8]) -> Result<Answer, SendError> {
        let mut sender = match connection.take() {
            Some(sender) => sender,
            None => {
                let target = Target { address: self.address.clone(), tls: self.tls.clone(), wait: self.wait };
                Sender::connect(target).await?
            }
        };
        let answer = sender.send(message).await?;
        *connection = Some(sender);
        Ok(answer)
    }
}

fn first_listener(config_file: &Path) -> Outcome<String> {
    let config = config::read(config_file)
        .map_err(|fault| Stop::new(Exit::Usage, format!("--to HOST:PORT names the receiver; without it: {fault}")))?;
    let listener = config.mllp.first();
    let listener = listener
        .ok_or_else(|| Stop::new(Exit::Usage, "--to HOST:PORT is needed: the configuration has no listener"))?;
    let mut address = listener.bind;
    // A listener on every address is reached on loopback.
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { [127, 0, 0, 1].into() } else { std::net::Ipv6Addr::LOCALHOST.into() });
    }
    Ok(address.to_string())
}

fn server_name(address: &str) -> Outcome<ServerName<'static>> {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host).trim_matches(['[', ']']);
    ServerName::try_from(host.to_owned())
        .map_err(|_| Stop::new(Exit::Usage, format!("`{host}` is no name or address that a certificate could have")))
}

fn read(file: &Path) -> Outcome<Vec<u8>> {
    let unreadable =
        |why: std::io::Error| Stop::new(Exit::Missing, format!("{} cannot be read: {why}", file.display()));
    let largest = u64::try_from(FrameLimits::default().frame_bytes).unwrap_or(u64::MAX);
    if std::fs::metadata(file).map_err(unreadable)?.len() > largest {
        return Err(Stop::new(Exit::Failed, format!("{} is larger than {largest} bytes", file.display())));
    }
    std::fs::read(file).map_err(unreadable)
}

/// Says whether MSA-2 repeats the message's control id; `None` when the message has no readable one.
fn control_id_matches(message: &[u8], answer: &Answer) -> Option<bool> {
    read_envelope(message).map(|envelope| answer.control_id == envelope.control_id())
}

fn reason(sent: &Result<Answer, SendError>) -> String {
    match sent {
        Ok(answer) => printable(&answer.reason),
        Err(SendError::Connect(why) | SendError::Broken(why)) => why.to_string(),
        Err(fault) => fault.to_string(),
    }
}

fn text(file: &Path, message: &[u8], sent: &Result<Answer, SendError>) -> String {
    let line = match sent {
        Ok(answer) => {
            let control = match control_id_matches(message, answer) {
                Some(true) => "control id matches",
                Some(false) => "control id differs",
                None => "no control id",
            };
            let milliseconds = answer.elapsed.as_millis();
            format!(
                "{:<2}  {milliseconds:>6} ms  {control:<18}  {}  {}",
                printable(&answer.code),
                file.display(),
                reason(sent)
            )
        }
        Err(_) => format!("--  {:>9}  {:<18}  {}  {}", "", "no answer", file.display(), reason(sent)),
    };
    line.trim_end().to_owned()
}

fn value(file: &Path, message: &[u8], sent: &Result<Answer, SendError>) -> Value {
    match sent {
        Ok(answer) => json!({
            "file": file.display().to_string(),
            "code": answer.code,
            "accepted": answer.is_accepted(),
            "control_id_matches": control_id_matches(message, answer),
            "reason": answer.reason,
            "milliseconds": u64::try_from(answer.elapsed.as_millis()).unwrap_or(u64::MAX),
        }),
        Err(_) => {
            json!({ "file": file.display().to_string(), "code": null, "accepted": false, "reason": reason(sent) })
        }
    }
}
