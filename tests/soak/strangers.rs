//! Those who send what is no message; whoever guesses passwords is `tests::flood`.

use crate::Soak;
use crate::chance::Chance;
use crate::findings::Promise;
use std::time::Duration;
use tests::gateway::pause;
use tests::mllp::{Sender, code};

/// About the time between two bad frames.
const BETWEEN: Duration = Duration::from_secs(3);
/// How long an answer to a bad frame is waited for; some get none.
const SILENCE: Duration = Duration::from_secs(2);
/// A message of a type that is not taken.
const ADMISSION: &[u8] = b"MSH|^~\\&|LIS|NORTHLAB|SEALGATE|HOSPITAL|20260301101500+0000||ADT^A01^ADT_A01|BAD|P|2.5.1\rPID|1||M1^^^NORTH^MR\r";
/// A whole message up to the middle of its patient, then nothing.
const UNFINISHED: &[u8] =
    b"\x0bMSH|^~\\&|LIS|NORTHLAB|SEALGATE|HOSPITAL|20260301101500+0000||ORU^R01^ORU_R01|BAD|P|2.5.1\rPID|1||M";

/// Sends a bad frame now and then until the load is over.
pub(crate) fn send_rubbish(soak: &Soak) {
    let mut chance = Chance::of(soak.options.seed, "strangers", 0);
    while let Some(at) = soak.whereabouts.wait() {
        let kind = chance.below(4);
        // Whether one is answered depends on the frame; that nothing is accepted does not.
        let answer = Sender::connect(at.mllp, SILENCE).and_then(|mut sender| {
            match kind {
                0 => sender.write(b"GET / HTTP/1.1\r\nHost: sealgate\r\n\r\n")?,
                1 => sender.send(&[0x42; 300])?,
                2 => sender.write(UNFINISHED)?,
                _ => sender.send(ADMISSION)?,
            }
            sender.finish()?;
            sender.receive()
        });
        soak.tally.frames.add(1);
        let answer = answer.unwrap_or_default();
        if code(&answer) == "AA" {
            let text = String::from_utf8_lossy(&answer).replace('\r', " ");
            soak.findings.broken(Promise::Frames, format!("bad frame of kind {kind}: {text}"));
        }
        pause(chance.about(BETWEEN));
    }
    soak.findings.looked(Promise::Frames, format!("{} frames", soak.tally.frames.now()));
}
