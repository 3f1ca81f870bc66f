//! Small MLLP endpoints for the tests: a correct one, and others that are wrong in one way each.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How an endpoint behaves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Manner {
    Correct,
    /// Takes several frames in one read for one message.
    MergesFrames,
    /// Trims and folds MSH-10 before it is repeated in MSA-2.
    FoldsControlId,
    /// Puts the patient's name into MSA-3.
    NamesThePatient,
    /// Reads and says nothing.
    NeverAnswers,
    /// Sends CA and then AA.
    AnswersTwice,
    /// Answers an acknowledgement.
    AnswersAcknowledgements,
    /// Says AA to whatever arrives in a frame.
    AcceptsAnything,
    /// Swaps only the names of sender and receiver.
    DropsAuthorities,
    /// Always answers in version 2.4 with the usual delimiters.
    SpeaksOneVersion,
    /// Writes the end bytes apart from the message.
    WritesTwice,
    /// Closes after the first reply.
    ClosesAfterOne,
    /// Drops the connection over content it cannot read, and its own listener with it.
    DiesOnJunk,
}

/// Starts an endpoint and says where it listens.
pub(crate) async fn serve(manner: Manner) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let Ok((stream, _)) = listener.accept().await else { return };
            let (died, dead) = tokio::sync::oneshot::channel();
            let conversation = converse(stream, manner, died);
            if manner == Manner::DiesOnJunk {
                tokio::spawn(conversation);
                if dead.await.is_ok() {
                    return;
                }
            } else {
                tokio::spawn(conversation);
            }
        }
    });
    address
}

async fn converse(mut stream: TcpStream, manner: Manner, died: tokio::sync::oneshot::Sender<()>) {
    stream.set_nodelay(true).unwrap();
    let mut pending = Vec::new();
    let mut serial = 0_u32;
    loop {
        while let Some(payload) = take_frame(&mut pending, manner) {
            if manner == Manner::DiesOnJunk && !payload.starts_with(b"MSH|^~\\&|") {
                let _unheard = died.send(());
                return;
            }
            for reply in answer(&payload, manner, &mut serial) {
                let framed = [b"\x0b".as_slice(), &reply, b"\x1c\r"].concat();
                let sent = if manner == Manner::WritesTwice {
                    let (head, tail) = framed.split_at(framed.len() - 2);
                    let first = stream.write_all(head).await;
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    first.is_ok() && stream.write_all(tail).await.is_ok()
                } else {
                    stream.write_all(&framed).await.is_ok()
                };
                if !sent || manner == Manner::ClosesAfterOne {
                    return;
                }
            }
        }
        if pending.starts_with(b"GET ") || pending.starts_with(b"\x16\x03") {
            return;
        }
        let mut block = vec![0; 65_536];
        match stream.read(&mut block).await {
            Ok(0) | Err(_) => return,
            Ok(count) => pending.extend_from_slice(&block[..count]),
        }
    }
}

/// Takes the next frame; an end byte without CR counts when a start byte follows it.
fn take_frame(pending: &mut Vec<u8>, manner: Manner) -> Option<Vec<u8>> {
    let start = pending.iter().position(|&byte| byte == 0x0b)?;
    let inside = &pending[start + 1..];
    let ends = |pair: &[u8]| pair == [0x1c, 0x0d] || pair == [0x1c, 0x0b];
    let length = if manner == Manner::MergesFrames {
        inside.windows(2).rposition(|pair| pair == [0x1c, 0x0d])?
    } else {
        inside.windows(2).position(ends)?
    };
    let payload = inside[..length].to_vec();
    let with_return = inside[length + 1] == 0x0d;
    pending.drain(..start + 1 + length + if with_return { 2 } else { 1 });
    Some(payload)
}

struct Header {
    separator: u8,
    fields: Vec<Vec<u8>>,
}

impl Header {
    fn read(message: &[u8]) -> Option<Self> {
        let separator = *message.strip_prefix(b"MSH")?.first()?;
        if separator.is_ascii_alphanumeric() || separator.is_ascii_control() {
            return None;
        }
        let line = message.split(|&byte| byte == b'\r').next()?;
        let fields: Vec<Vec<u8>> = line.split(|&byte| byte == separator).map(<[u8]>::to_vec).collect();
        (fields.len() > 8).then_some(Self { separator, fields })
    }

    fn field(&self, number: usize) -> &[u8] {
        self.fields.get(number - 1).map_or(b"", Vec::as_slice)
    }

    fn component(&self, number: usize, index: usize) -> &[u8] {
        let delimiter = self.field(2).first().copied().unwrap_or(b'^');
        self.field(number).split(|&byte| byte == delimiter).nth(index).unwrap_or(b"")
    }
}

fn answer(payload: &[u8], manner: Manner, serial: &mut u32) -> Vec<Vec<u8>> {
    *serial += 1;
    if payload.len() < 2 || manner == Manner::NeverAnswers {
        return Vec::new();
    }
    let trimmed = payload.trim_ascii_start();
    let text = String::from_utf8_lossy(trimmed);
    let unified = if text.contains("\r\n") || text.contains('\n') {
        text.replace("\r\n", "\r").replace('\n', "\r").into_bytes()
    } else {
        trimmed.to_vec()
    };
    let Some(header) = Header::read(&unified) else {
        let code = if manner == Manner::AcceptsAnything { "AA" } else { "AR" };
        let bare = format!(
            "MSH|^~\\&|||||20260314093000||ACK|S{serial}|P|2.5.1\rMSA|{code}||the header does not read\rERR||MSH^1|100^Segment sequence error^HL70357|E\r"
        );
        return vec![bare.into_bytes()];
    };
    if header.component(9, 0) == b"ACK" && manner != Manner::AnswersAcknowledgements {
        return Vec::new();
    }
    let (code, condition, field) = judge(&header, &unified);
    let (code, condition) = if manner == Manner::AcceptsAnything { ("AA", "0") } else { (code, condition) };
    let reply = |code: &str| render(&header, &unified, manner, code, condition, field, *serial);
    if manner == Manner::AnswersTwice { vec![reply("CA"), reply(code)] } else { vec![reply(code)] }
}

fn judge(header: &Header, message: &[u8]) -> (&'static str, &'static str, u8) {
    const VERSIONS: [&str; 14] =
        ["2.1", "2.2", "2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7", "2.7.1", "2.8", "2.8.1", "2.8.2", "2.9"];
    let has = |name: &[u8]| message.windows(4).any(|part| part == [b"\r", name].concat());
    if header.component(9, 0) != b"ORU" {
        ("AR", "200", 9)
    } else if ![b"R01".as_slice(), b""].contains(&header.component(9, 1)) {
        ("AR", "201", 9)
    } else if ![b"P".as_slice(), b"T", b"D"].contains(&header.component(11, 0)) {
        ("AR", "202", 11)
    } else if !VERSIONS.iter().any(|version| version.as_bytes() == header.component(12, 0)) {
        ("AR", "203", 12)
    } else if has(b"MSH") {
        ("AR", "100", 1)
    } else if !has(b"OBR") {
        ("AE", "100", 1)
    } else {
        ("AA", "0", 0)
    }
}

fn render(
    header: &Header,
    message: &[u8],
    manner: Manner,
    code: &str,
    condition: &str,
    field: u8,
    serial: u32,
) -> Vec<u8> {
    let usual = manner == Manner::SpeaksOneVersion;
    let separator = if usual { b'|' } else { header.separator };
    let encoding = if usual { b"^~\\&" } else { header.field(2) };
    let component = [encoding[0]];
    let version = if usual { b"2.4".as_slice() } else { header.field(12) };
    let party = |number: usize| {
        if manner == Manner::DropsAuthorities { header.component(number, 0) } else { header.field(number) }.to_vec()
    };
    let old = [b"2.1".as_slice(), b"2.2", b"2.3"].contains(&header.component(12, 0));
    let kind = if old { b"ACK".to_vec() } else { [b"ACK".as_slice(), b"R01", b"ACK"].join(&component[..]) };
    let control = if manner == Manner::FoldsControlId {
        header.field(10).to_ascii_uppercase().iter().take(20).copied().collect()
    } else {
        header.field(10).to_vec()
    };
    let note = if manner == Manner::NamesThePatient {
        let pid = message.split(|&byte| byte == b'\r').find(|line| line.starts_with(b"PID")).unwrap_or(b"");
        [b"stored for ", pid.split(|&byte| byte == separator).nth(5).unwrap_or(b"")].concat()
    } else {
        b"noted".to_vec()
    };
    let join = |fields: &[&[u8]]| fields.join(&separator);
    let mut lines = vec![
        join(&[
            b"MSH",
            encoding,
            &party(5),
            &party(6),
            &party(3),
            &party(4),
            b"20260314093001+0000",
            b"",
            &kind,
            format!("S{serial}").as_bytes(),
            header.field(11),
            version,
        ]),
        join(&[b"MSA", code.as_bytes(), &control, &note]),
    ];
    if code == "AE" || code == "AR" {
        let place = [b"MSH".as_slice(), b"1", field.to_string().as_bytes()].join(&component[..]);
        if old {
            let detail = [place.as_slice(), condition.as_bytes()].join(&component[..]);
            lines.push(join(&[b"ERR", &detail]));
        } else {
            let named = [condition.as_bytes(), b"refused", b"HL70357"].join(&component[..]);
            lines.push(join(&[b"ERR", b"", &place, &named, b"E"]));
        }
    }
    lines.into_iter().flat_map(|line| [line, b"\r".to_vec()].concat()).collect()
}
