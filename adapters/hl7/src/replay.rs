//! A stored message once more: read and mapped as its interface says now.

use crate::message::{Fault, FaultCode, Judgement, read_envelope};
use crate::service::Channel;
use domain::access::Subject;
use domain::directory::Interface;
use domain::intake::Incoming;
use domain::keys::NameKey;
use domain::time::Timestamp;

/// A message that was read and mapped anew.
pub struct Remapped {
    /// The partner behind the interface, as whom it is taken in.
    pub subject: Subject,
    /// What it says.
    pub incoming: Incoming,
}

/// Reads and maps the bytes of a message that is stored, as if they came by this interface.
///
/// `received` is when they came in fact: what the message says of its own time is never later than that.
///
/// # Errors
/// [`Fault`] where the interface would not take it, with the reason that its sender would get.
pub fn remap(interface: &Interface, bytes: &[u8], names: &NameKey, received: Timestamp) -> Result<Remapped, Fault> {
    let envelope = read_envelope(bytes)
        .ok_or(Fault::new(FaultCode::NoHeader, "the message does not begin with a readable MSH segment"))?;
    let channel = Channel::new(interface);
    match channel.judge(&envelope) {
        Judgement::Take(_) => {}
        Judgement::Refuse(fault) => return Err(fault),
        Judgement::Acknowledgement => return Err(Fault::new(FaultCode::Internal, "an acknowledgement is no result")),
    }
    let incoming = channel.map(bytes, &envelope, names, received)?;
    Ok(Remapped { subject: channel.subject().clone(), incoming })
}

/// Says whether a message names the sender that an interface is for (MSH-3 and MSH-4).
#[must_use]
pub fn is_from(interface: &Interface, bytes: &[u8]) -> bool {
    let Some(envelope) = read_envelope(bytes) else { return false };
    let fits = |wanted: &Option<String>, field| wanted.as_ref().is_none_or(|wanted| *wanted == envelope.text(field, 1));
    fits(&interface.sending_application, 3) && fits(&interface.sending_facility, 4)
}
