//! The answer to a message, in original mode (HL7 v2.5.1 §2.9.2).
//!
//! Nothing of the request appears in it but MSH routing fields: 3 to 6, the trigger of 9, 10, 11, 12 and 18. Reasons are constants.

use crate::message::{Envelope, Fault, FaultCode, Location, Separators, escape};

/// Renders the acknowledgement of a message; empty for [`Outcome::NoReply`].
///
/// Without an envelope there is no control id to answer to: MSA-2 stays empty. MSA-3 is always filled, also in versions that
/// withdrew it, since some engines show their operators nothing else.
pub fn acknowledge(envelope: Option<&Envelope>, outcome: &Outcome, own: &AckIdentity) -> Vec<u8> {
    let Some(code) = outcome.code() else {
        return Vec::new();
    };
    let mut answer = Answer::to(envelope);
    answer.header(own);
    answer.segment("MSA");
    answer.field(code.as_str().as_bytes());
    answer.field(envelope.map_or(b"", Envelope::control_id));
    answer.text(outcome.reason());
    answer.end();
    if let Some(fault) = outcome.fault() {
        answer.error(fault);
    }
    answer.bytes
}

/// What the acknowledgement says of itself. Neither value may come from the message.
#[derive(Debug, Clone, Copy)]
pub struct AckIdentity<'a> {
    /// MSH-10: unique, letters and digits, at most 20 characters.
    pub control_id: &'a str,
    /// MSH-7: now, as `20260314093000+0000`.
    pub timestamp: &'a str,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is stored.
    Accepted,
    /// It was stored before: same sender, control id and bytes.
    Repeated,
    /// Its content is at fault: AE.
    ApplicationError(Fault),
    /// It is not for us, or no message at all: AR.
    Rejected(Fault),
    /// Nothing is answered.
    NoReply,
}

impl Outcome {
    /// The outcome of a fault: AR or AE as its code asks.
    pub fn of(fault: Fault) -> Self {
        if fault.code.rejects() { Self::Rejected(fault) } else { Self::ApplicationError(fault) }
    }

    /// The acknowledgement code; `None` if nothing is answered.
    pub fn code(&self) -> Option<AckCode> {
        match self {
            Self::Accepted | Self::Repeated => Some(AckCode::ApplicationAccept),
            Self::ApplicationError(_) => Some(AckCode::ApplicationError),
            Self::Rejected(_) => Some(AckCode::ApplicationReject),
            Self::NoReply => None,
        }
    }

    fn fault(&self) -> Option<&Fault> {
        match self {
            Self::ApplicationError(fault) | Self::Rejected(fault) => Some(fault),
            Self::Accepted | Self::Repeated | Self::NoReply => None,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::Accepted => "stored",
            Self::Repeated => "stored before",
            Self::ApplicationError(fault) | Self::Rejected(fault) => fault.what,
            Self::NoReply => "",
        }
    }
}

/// An acknowledgement code of table 0008, original mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AckCode {
    /// AA.
    ApplicationAccept,
    /// AE.
    ApplicationError,
    /// AR.
    ApplicationReject,
}

impl AckCode {
    /// The two letters.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ApplicationAccept => "AA",
            Self::ApplicationError => "AE",
            Self::ApplicationReject => "AR",
        }
    }
}

/// Which forms the sender's version asks for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Form {
    /// MSH-9 is `ACK`, ERR has one field; up to 2.3.
    Oldest,
    /// MSH-9 has three components, ERR one field; 2.3.1 and 2.4.
    Older,
    /// ERR has ERL and coded fields; from 2.5. Also for versions we do not know.
    Current,
}

impl Form {
    fn of(version: &[u8]) -> Self {
        match version {
            b"2.1" | b"2.2" | b"2.3" => Self::Oldest,
            b"2.3.1" | b"2.3.2" | b"2.4" => Self::Older,
            _ => Self::Current,
        }
    }
}

/// A routing field longer than this is not echoed, so that a sender cannot make answers large. MSA-2 is echoed whole; the
/// reader's limit on the header bounds it.
const MOST_ECHOED: usize = 1024;

struct Answer<'a> {
    bytes: Vec<u8>,
    request: Option<&'a Envelope>,
    separators: Separators,
    form: Form,
}

impl<'a> Answer<'a> {
    fn to(request: Option<&'a Envelope>) -> Self {
        Self {
            bytes: Vec::with_capacity(256),
            request,
            separators: request.map_or(Separators::USUAL, |envelope| *envelope.separators()),
            form: request.map_or(Form::Current, |envelope| Form::of(envelope.version())),
        }
    }

    fn header(&mut self, own: &AckIdentity<'_>) {
        self.bytes.extend_from_slice(b"MSH");
        self.bytes.push(self.separators.field);
        self.bytes.extend(self.separators.encoding_characters());
        for crossed in [5, 6, 3, 4] {
            self.echo(crossed);
        }
        self.text(own.timestamp);
        self.field(b"");
        self.message_type();
        self.text(own.control_id);
        match self.request {
            Some(_) => {
                self.echo(11);
                self.echo(12);
            }
            None => {
                self.field(b"P");
                self.text("2.5.1");
            }
        }
        let charset = self.request.map_or(&b""[..], Envelope::charset);
        if !charset.is_empty() {
            for _ in 13..18 {
                self.field(b"");
            }
            self.echo(18);
        }
        self.end();
    }

    /// MSH-9 (table 0003): the trigger of the request, if it looks like one.
    fn message_type(&mut self) {
        let trigger = self.request.map_or(&b""[..], Envelope::trigger);
        let plausible = trigger.len() == 3 && trigger.iter().all(u8::is_ascii_alphanumeric);
        self.field(b"ACK");
        if self.form > Form::Oldest && plausible {
            self.component();
            self.bytes.extend_from_slice(trigger);
            self.component();
            self.bytes.extend_from_slice(b"ACK");
        }
    }

    /// ERR: one field with code and place until 2.4 (ELD), twelve fields from 2.5 on.
    fn error(&mut self, fault: &Fault) {
        self.segment("ERR");
        let number = fault.code.number().to_string();
        if self.form < Form::Current {
            self.field(b"");
            self.place(fault.location, 3);
            self.component();
            self.coded(&number, fault.code, Level::Sub);
        } else {
            self.field(b"");
            self.field(b"");
            if fault.location.is_some() {
                self.place(fault.location, 6);
            }
            self.field(b"");
            self.coded(&number, fault.code, Level::Component);
            self.field(b"E");
            for _ in 5..8 {
                self.field(b"");
            }
            self.text(fault.what);
        }
        self.end();
    }

    /// Segment, occurrence, field and so on, as many components as the form has.
    fn place(&mut self, location: Option<Location>, components: usize) {
        let text = |number: Option<usize>| number.map(|n| n.to_string()).unwrap_or_default();
        let parts = location.map_or_else(Default::default, |place| {
            [
                place.segment.as_str().to_owned(),
                place.occurrence.to_string(),
                text(place.field),
                text(place.repetition),
                text(place.component),
                text(place.subcomponent),
            ]
        });
        let mut parts: Vec<String> = parts.into_iter().take(components).collect();
        if components > 3 {
            while parts.last().is_some_and(String::is_empty) {
                parts.pop();
            }
        }
        for (number, part) in parts.iter().enumerate() {
            if number > 0 {
                self.component();
            }
            self.escaped(part);
        }
    }

    /// Code, text and table of an error condition.
    fn coded(&mut self, number: &str, code: FaultCode, level: Level) {
        for (at, part) in [number, code.text(), "HL70357"].into_iter().enumerate() {
            if at > 0 {
                match level {
                    Level::Component => self.component(),
                    Level::Sub => self.bytes.push(self.separators.subcomponent.unwrap_or(b' ')),
                }
            }
            self.escaped(part);
        }
    }

    fn segment(&mut self, name: &str) {
        self.bytes.extend_from_slice(name.as_bytes());
    }

    fn field(&mut self, value: &[u8]) {
        self.bytes.push(self.separators.field);
        self.bytes.extend_from_slice(value);
    }

    fn component(&mut self) {
        self.bytes.push(self.separators.component);
    }

    fn text(&mut self, value: &str) {
        self.field(b"");
        self.escaped(value);
    }

    fn escaped(&mut self, value: &str) {
        self.bytes.extend_from_slice(escape(value, &self.separators).as_bytes());
    }

    /// Copies a field of the request, but for bytes that would end our frame.
    fn echo(&mut self, number: usize) {
        let value = self.request.map_or(&b""[..], |envelope| envelope.field(number));
        self.field(b"");
        if value.len() <= MOST_ECHOED {
            self.bytes.extend(value.iter().filter(|byte| !matches!(byte, 0 | 0x0B | 0x1C)));
        }
    }

    fn end(&mut self) {
        self.bytes.push(b'\r');
    }
}

enum Level {
    Component,
    Sub,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::message::{SegmentName, read_envelope};

    const OWN: AckIdentity<'_> = AckIdentity { control_id: "SG1", timestamp: "20260314093000+0000" };

    fn missing() -> Fault {
        Fault::at(
            FaultCode::RequiredFieldMissing,
            Location::segment(SegmentName::OBR, 1).field(5),
            "a required field is empty",
        )
    }

    fn answer(header: &str, outcome: Outcome) -> String {
        let envelope = read_envelope(header.as_bytes());
        String::from_utf8(acknowledge(envelope.as_ref(), &outcome, &OWN)).unwrap()
    }

    fn header(version: &str) -> String {
        format!(
            "MSH|^~\\&|LAB^1.2^ISO|NORTH|GW^^|CDR|2026|sec|ORU^R01^ORU_R01| A-1 |P^T|{version}||7|AL|NE\rPID|1||SECRET"
        )
    }

    #[test]
    fn a_stored_message_is_accepted() {
        insta::assert_snapshot!(
            answer(&header("2.5.1^USA"), Outcome::Accepted).replace('\r', "\n"),
            @r"
        MSH|^~\&|GW^^|CDR|LAB^1.2^ISO|NORTH|20260314093000+0000||ACK^R01^ACK|SG1|P^T|2.5.1^USA
        MSA|AA| A-1 |stored
        "
        );
    }

    #[test]
    fn a_repeat_is_accepted_again() {
        assert!(answer(&header("2.3"), Outcome::Repeated).contains("MSA|AA| A-1 |stored before\r"));
    }

    #[test]
    fn an_error_has_the_form_of_the_senders_version() {
        let error = |version: &str| answer(&header(version), Outcome::ApplicationError(missing())).replace('\r', "\n");
        insta::assert_snapshot!(error("2.3"), @r"
        MSH|^~\&|GW^^|CDR|LAB^1.2^ISO|NORTH|20260314093000+0000||ACK|SG1|P^T|2.3
        MSA|AE| A-1 |a required field is empty
        ERR|OBR^1^5^101&Required field missing&HL70357
        ");
        insta::assert_snapshot!(error("2.4"), @r"
        MSH|^~\&|GW^^|CDR|LAB^1.2^ISO|NORTH|20260314093000+0000||ACK^R01^ACK|SG1|P^T|2.4
        MSA|AE| A-1 |a required field is empty
        ERR|OBR^1^5^101&Required field missing&HL70357
        ");
        insta::assert_snapshot!(error("2.7"), @r"
        MSH|^~\&|GW^^|CDR|LAB^1.2^ISO|NORTH|20260314093000+0000||ACK^R01^ACK|SG1|P^T|2.7
        MSA|AE| A-1 |a required field is empty
        ERR||OBR^1^5|101^Required field missing^HL70357|E||||a required field is empty
        ");
    }

    #[test]
    fn a_fault_without_a_place_leaves_it_empty() {
        let fault = Fault::new(FaultCode::Charset, "not known");
        let older = answer(&header("2.2"), Outcome::of(fault));
        assert!(older.contains("ERR|^^^103&Table value not found&HL70357\r"), "{older}");
        let current = answer(&header("2.5"), Outcome::of(fault));
        assert!(current.contains("ERR|||103^Table value not found^HL70357|E||||not known\r"));
    }

    #[test]
    fn what_cannot_be_read_is_rejected_without_a_control_id() {
        insta::assert_snapshot!(
            answer("hello", Outcome::of(Fault::new(FaultCode::NoHeader, "no MSH"))).replace('\r', "\n"),
            @r"
        MSH|^~\&|||||20260314093000+0000||ACK|SG1|P|2.5.1
        MSA|AR||no MSH
        ERR|||100^Segment sequence error^HL70357|E||||no MSH
        "
        );
    }

    #[test]
    fn delimiters_and_charset_of_the_sender_are_used() {
        let header = "MSH#$*@%#LAB#N#GW#C#2026##ORU$R01#7#P#2.5.1######8859/1\r";
        let text = answer(header, Outcome::ApplicationError(missing()));
        insta::assert_snapshot!(text.replace('\r', "\n"), @"
        MSH#$*@%#GW#C#LAB#N#20260314093000+0000##ACK$R01$ACK#SG1#P#2.5.1######8859/1
        MSA#AE#7#a required field is empty
        ERR##OBR$1$5#101$Required field missing$HL70357#E####a required field is empty
        ");
    }

    #[test]
    fn digits_of_our_own_survive_odd_delimiters() {
        let header = "MSH+-.:/+LAB+N+GW+C+2026++ORU-R01+7+P+2.5.1\r";
        let text = answer(header, Outcome::ApplicationError(missing()));
        assert!(text.contains("+20260314093000:F:0000+"), "{text}");
    }

    #[test]
    fn no_reply_is_no_bytes() {
        assert_eq!(answer(&header("2.5"), Outcome::NoReply), "");
    }

    #[test]
    fn an_answer_cannot_be_made_large_or_end_its_frame() {
        let header = format!("MSH|^~\\&|{}|N\x1c|GW|C|2026||ORU^R01|7|P|2.5\r", "A".repeat(60_000));
        let text = answer(&header, Outcome::Accepted);
        assert!(text.len() < 200 && !text.contains('\x1c'));
    }

    proptest! {
        #[test]
        fn nothing_of_the_body_appears(
            control in "[A-Z0-9 -]{0,20}",
            secret in "[a-z]{8,12}",
            version in prop::sample::select(vec!["2.1", "2.3", "2.3.1", "2.4", "2.5.1", "2.9", "", "3.0"]),
            reject in any::<bool>(),
        ) {
            let request = format!(
                "MSH|^~\\&|LAB|N|GW|C|{secret}|{secret}|ORU^R01^{secret}|{control}|P|{version}||{secret}|{secret}\rPID|1||{secret}"
            );
            let outcome = if reject { Outcome::Rejected(missing()) } else { Outcome::Accepted };
            let text = answer(&request, outcome);
            prop_assert!(!text.contains(&secret));
            let msa = text.split('\r').nth(1).unwrap();
            prop_assert_eq!(msa.split('|').nth(2).unwrap(), control.as_str());
            prop_assert!(!msa.split('|').nth(3).unwrap().is_empty());
            let segments = text.matches('\r').count();
            prop_assert_eq!(segments, if reject { 3 } else { 2 });
        }

        #[test]
        fn no_envelope_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let mut request = b"MSH|^~\\&|".to_vec();
            request.extend(bytes);
            let answer = acknowledge(read_envelope(&request).as_ref(), &Outcome::Accepted, &OWN);
            prop_assert!(!answer.contains(&0x1C) || request.contains(&0x1C));
        }
    }
}
