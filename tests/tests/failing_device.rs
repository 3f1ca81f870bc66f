//! A device that fails under load: nothing is accepted that is not stored, nothing is half stored, and service returns.
//!
//! The program runs behind `faults/faults.c`, which lets calls on its database and its anchors fail.
#![expect(clippy::unwrap_used, clippy::arithmetic_side_effects, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};
use tests::consistency::everything_fits;
use tests::gateway::{Gateway, eventually};
use tests::home::Home;
use tests::message::Oru;
use tests::mllp::code;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// Most messages sent while the device fails.
const MESSAGES: u32 = 60;
/// How long they are sent: a commit that fails is tried again for eight seconds before the sender is told.
const TIME: Duration = Duration::from_secs(6);

#[test]
fn while_writes_fail_nothing_is_accepted_that_is_not_stored() {
    serves_through(&Fault { what: b'w', every: 3 }, "W");
}

#[test]
fn while_syncs_fail_nothing_is_accepted_that_is_not_stored() {
    serves_through(&Fault { what: b's', every: 2 }, "S");
}

#[test]
fn while_reads_fail_nothing_is_accepted_that_is_not_stored() {
    serves_through(&Fault { what: b'r', every: 3 }, "R");
}

#[test]
fn writes_that_do_half_are_finished() {
    let seen = serves_through(&Fault { what: b'h', every: 2 }, "H");
    assert_eq!(seen.refused, 0, "a short write is no error");
}

/// Sends and reads while the device fails, ends the program once in order and once at once, and compares.
fn serves_through(fault: &Fault, name: &str) -> Seen {
    let home = Home::new(PROGRAM);
    let device = Device::new(&home);
    let gateway = device.serve(&home);
    let mut sent = Sent::default();
    sent.send(&gateway, &[name, "-BEFORE"].concat());
    assert_eq!(sent.accepted.len(), 1);

    device.set(Some(fault));
    let begun = Instant::now();
    for number in (0..MESSAGES).take_while(|_| begun.elapsed() < TIME) {
        sent.send(&gateway, &format!("{name}-{number}"));
        let read = gateway.fhir(home.first()).get("/DiagnosticReport?_count=1");
        if read.status != 200 {
            assert!((500..600).contains(&read.status), "{}", read.status);
        }
    }
    let failed = device.failed();
    device.set(None);
    assert!(failed >= 10, "the device failed: {failed} times");

    let after = [name, "-AFTER"].concat();
    eventually("service returns", || sent.send(&gateway, &after));
    let fhir = gateway.fhir(home.first());
    for name in &sent.accepted {
        let found = fhir.get(&format!("/DiagnosticReport?identifier={name}")).resources();
        assert_eq!(found.len(), 1, "{name} was accepted");
    }
    // Failing to the end: what is cut off here must not have been promised either.
    device.set(Some(fault));
    let begun = Instant::now();
    for number in (0..MESSAGES).take_while(|number| *number < 8 && begun.elapsed() < TIME / 4) {
        sent.send(&gateway, &format!("{name}-LAST-{number}"));
    }
    gateway.kill();
    device.set(None);
    let stored = everything_fits(&mut home.database());
    assert!(stored >= sent.accepted.len(), "{stored} stored of {} accepted", sent.accepted.len());
    assert!(stored <= sent.accepted.len() + sent.refused.len(), "{stored} stored, more than were sent");

    // Who was refused sends again: now each message is there, once.
    let gateway = home.serve();
    for name in &sent.refused {
        assert_eq!(code(&gateway.mllp().exchange(&message(name)).unwrap()), "AA");
    }
    assert_eq!(gateway.terminate().code, Some(0));
    assert_eq!(everything_fits(&mut home.database()), sent.accepted.union(&sent.refused).count());
    home.done(&["audit", "verify", "--records"]);
    Seen { refused: sent.refused.len() }
}

struct Seen {
    refused: usize,
}

fn message(name: &str) -> Vec<u8> {
    Oru::new(name, name, 4).render()
}

#[derive(Default)]
struct Sent {
    accepted: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl Sent {
    /// Sends one message, and says whether it was accepted.
    fn send(&mut self, gateway: &Gateway, name: &str) -> bool {
        let accepted = gateway.mllp().exchange(&message(name)).is_ok_and(|answer| code(&answer) == "AA");
        if accepted {
            self.refused.remove(name);
            self.accepted.insert(name.to_owned());
        } else {
            self.refused.insert(name.to_owned());
        }
        accepted
    }
}

/// What fails, and how often.
struct Fault {
    what: u8,
    every: u8,
}

/// The device, told by a file what to do.
struct Device {
    library: PathBuf,
    path: PathBuf,
    control: File,
}

impl Device {
    fn new(home: &Home) -> Self {
        let (library, path) = (home.path("faults.so"), home.path("faults"));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("faults/faults.c");
        let made = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"])
            .args([&library, &source])
            .arg("-ldl")
            .status()
            .unwrap();
        assert!(made.success(), "the C compiler that links Rust programs makes the library");
        fs::write(&path, [b'n', 1, 0, 0, 0, 0, 0, 0]).unwrap();
        let control = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        Self { library, path, control }
    }

    fn serve(&self, home: &Home) -> Gateway {
        let mut command = home.command(&["serve"]);
        command.env("LD_PRELOAD", &self.library).env("SEALGATE_FAULTS", &self.path);
        Gateway::start(command)
    }

    fn set(&self, fault: Option<&Fault>) {
        let bytes = fault.map_or([b'n', 1], |fault| [fault.what, fault.every]);
        self.control.write_all_at(&bytes, 0).unwrap();
    }

    /// How many calls have failed.
    fn failed(&self) -> u32 {
        let mut bytes = [0; 4];
        self.control.read_exact_at(&mut bytes, 4).unwrap();
        u32::from_ne_bytes(bytes)
    }
}
