//! Which messages are taken: type, version and processing id, and the least a result must hold.

use super::envelope::Envelope;
use super::fault::{Fault, FaultCode, Location, SegmentName};
use super::view::Message;

/// Judges a message by its envelope alone.
///
/// Taken: ORU^R01, with structure ORU_R01 or none; `ORU` without event, which versions 2.1 and 2.2 did not have and later senders leave
/// out, unless a structure says that it is another; versions 2.1 to 2.9; the processing ids of the profile. The rest is refused with a number of table 0357.
pub fn judge(envelope: &Envelope, profile: &AcceptanceProfile) -> Judgement {
    let code = envelope.message_code().to_ascii_uppercase();
    if matches!(code.as_slice(), b"ACK" | b"MCF") {
        return Judgement::Acknowledgement;
    }
    let mut lenient = Vec::new();
    match judge_header(envelope, &code, profile, &mut lenient) {
        Ok(()) => Judgement::Take(lenient),
        Err(fault) => Judgement::Refuse(fault),
    }
}

/// What is to be done with a message, as far as its envelope tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judgement {
    /// Read and store it; the list names what was tolerated.
    Take(Vec<Leniency>),
    /// It is an acknowledgement. Answering one starts a loop: count it and drop it.
    Acknowledgement,
    /// Refuse it.
    Refuse(Fault),
}

/// What an interface takes.
#[derive(Debug, Clone, Copy)]
pub struct AcceptanceProfile {
    /// Processing id `P`, real patients.
    pub production: bool,
    /// Processing id `T`, training.
    pub training: bool,
    /// Processing id `D`, debugging.
    pub debugging: bool,
}

impl Default for AcceptanceProfile {
    /// Production only: test data on a production channel must not mix in silence.
    fn default() -> Self {
        Self { production: true, training: false, debugging: false }
    }
}

/// A deviation in the header that does not keep a message out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// MSH-9 is not in capitals.
    TypeInOtherCase,
    /// MSH-9.2 is empty in a version that has events; taken as R01.
    EventAbsent,
    /// MSH-9.3 names another structure; the trigger event decides.
    StructureDiffers,
    /// MSH-10 is empty; the message cannot be recognised when it is sent again.
    ControlIdAbsent,
    /// MSH-11 is empty; taken as production.
    ProcessingIdAbsent,
    /// MSH-12 is empty.
    VersionAbsent,
}

/// Requires the least a result must hold: one OBR.
///
/// # Errors
/// `SegmentSequence` without an OBR.
pub fn require_content(message: &Message) -> Result<(), Fault> {
    if message.segments().any(|segment| segment.name() == "OBR") {
        return Ok(());
    }
    Err(Fault::at(
        FaultCode::SegmentSequence,
        Location::segment(SegmentName::OBR, 1),
        "a result needs at least one OBR segment",
    ))
}

fn judge_header(
    envelope: &Envelope,
    code: &[u8],
    profile: &AcceptanceProfile,
    lenient: &mut Vec<Leniency>,
) -> Result<(), Fault> {
    judge_version(envelope, lenient)?;
    judge_type(envelope, code, lenient)?;
    judge_processing_id(envelope, profile, lenient)?;
    if envelope.control_id().is_empty() {
        lenient.push(Leniency::ControlIdAbsent);
    }
    Ok(())
}

fn judge_type(envelope: &Envelope, code: &[u8], lenient: &mut Vec<Leniency>) -> Result<(), Fault> {
    if code.is_empty() {
        return Err(Fault::at(
            FaultCode::RequiredFieldMissing,
            Location::header(9),
            "the message type in MSH-9 is empty",
        ));
    }
    if code != b"ORU" {
        return Err(Fault::at(
            FaultCode::UnsupportedType,
            Location::header(9).component(1),
            "only ORU messages are taken on this interface",
        ));
    }
    let trigger = envelope.trigger();
    let structure = envelope.structure();
    let other_structure = !structure.is_empty() && !structure.eq_ignore_ascii_case(b"ORU_R01");
    let before_events = matches!(envelope.version(), b"2.1" | b"2.2");
    let taken = match trigger {
        b"" => before_events || !other_structure,
        _ => trigger.eq_ignore_ascii_case(b"R01"),
    };
    if !taken {
        return Err(Fault::at(
            FaultCode::UnsupportedEvent,
            Location::header(9).component(2),
            "only the event R01 is taken on this interface",
        ));
    }
    if trigger.is_empty() && !before_events {
        lenient.push(Leniency::EventAbsent);
    }
    if other_structure {
        lenient.push(Leniency::StructureDiffers);
    }
    if envelope.message_code() != code || trigger.iter().any(u8::is_ascii_lowercase) {
        lenient.push(Leniency::TypeInOtherCase);
    }
    Ok(())
}

fn judge_version(envelope: &Envelope, lenient: &mut Vec<Leniency>) -> Result<(), Fault> {
    match envelope.version() {
        b"" => lenient.push(Leniency::VersionAbsent),
        [b'2', b'.', b'1'..=b'9'] | [b'2', b'.', b'1'..=b'9', b'.', b'1'..=b'9'] => {}
        _ => {
            return Err(Fault::at(
                FaultCode::UnsupportedVersion,
                Location::header(12),
                "versions 2.1 to 2.9 are taken",
            ));
        }
    }
    Ok(())
}

fn judge_processing_id(
    envelope: &Envelope,
    profile: &AcceptanceProfile,
    lenient: &mut Vec<Leniency>,
) -> Result<(), Fault> {
    let taken = match envelope.processing_id() {
        b"" => {
            lenient.push(Leniency::ProcessingIdAbsent);
            profile.production
        }
        b"P" => profile.production,
        b"T" => profile.training,
        b"D" => profile.debugging,
        _ => false,
    };
    if taken {
        return Ok(());
    }
    Err(Fault::at(
        FaultCode::UnsupportedProcessingId,
        Location::header(11),
        "this interface does not take the processing id",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::read_envelope;

    fn judged(kind: &str, processing: &str, version: &str) -> Judgement {
        let header = format!("MSH|^~\\&|LAB|N|GW|C|2026||{kind}|ID1|{processing}|{version}\r");
        judge(&read_envelope(header.as_bytes()).unwrap(), &AcceptanceProfile::default())
    }

    fn refused(kind: &str, processing: &str, version: &str) -> u16 {
        match judged(kind, processing, version) {
            Judgement::Refuse(fault) => fault.code.number(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn results_of_every_version_are_taken() {
        for version in [
            "2.1",
            "2.2",
            "2.3",
            "2.3.1",
            "2.4",
            "2.5",
            "2.5.1^USA",
            "2.6",
            "2.7",
            "2.7.1",
            "2.8",
            "2.8.1",
            "2.8.2",
            "2.9",
            "2.9.1",
        ] {
            assert_eq!(judged("ORU^R01^ORU_R01", "P", version), Judgement::Take(vec![]));
            assert_eq!(judged("ORU^R01", "P^T", version), Judgement::Take(vec![]));
        }
        assert_eq!(judged("ORU", "P", "2.2"), Judgement::Take(vec![]));
    }

    #[test]
    fn deviations_are_named_and_taken() {
        for (kind, processing, version, leniency) in [
            ("oru^r01", "P", "2.5", Leniency::TypeInOtherCase),
            ("ORU^R01^ORU_R30", "P", "2.5", Leniency::StructureDiffers),
            ("ORU", "P", "2.3", Leniency::EventAbsent),
            ("ORU^^ORU_R01", "P", "2.5.1", Leniency::EventAbsent),
            ("ORU^R01", "", "2.5", Leniency::ProcessingIdAbsent),
            ("ORU^R01", "P", "", Leniency::VersionAbsent),
        ] {
            assert_eq!(judged(kind, processing, version), Judgement::Take(vec![leniency]));
        }
    }

    #[test]
    fn what_is_not_supported_gets_its_number_of_table_0357() {
        assert_eq!(refused("ADT^A01^ADT_A01", "P", "2.5"), 200);
        assert_eq!(refused("", "P", "2.5"), 101);
        assert_eq!(refused("ORU^R30", "P", "2.5"), 201);
        assert_eq!(refused("ORU^^ORU_R30", "P", "2.5"), 201);
        assert_eq!(refused("ORU^R01", "T", "2.5"), 202);
        assert_eq!(refused("ORU^R01", "X", "2.5"), 202);
        for version in ["3.0", "2.10", "2.0", "2", "2.5.", "abc"] {
            assert_eq!(refused("ORU^R01", "P", version), 203);
        }
    }

    #[test]
    fn an_acknowledgement_is_never_answered() {
        for kind in ["ACK", "ACK^R01^ACK", "ack^R01"] {
            assert_eq!(judged(kind, "P", "9"), Judgement::Acknowledgement);
        }
    }
}
