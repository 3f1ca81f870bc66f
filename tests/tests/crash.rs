//! Power cuts and full disks under load: what was accepted is there once, what was not is not half there.
//!
//! `SEALGATE_CRASH_ROUNDS` sets how often the gateway is killed; the short form always runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::thread::JoinHandle;
use std::time::Duration;
use tests::consistency::everything_fits;
use tests::gateway::{Gateway, eventually, pause};
use tests::home::{Home, MAIN};
use tests::message::Oru;
use tests::mllp::{Sender, code};

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// Rounds of the short form.
const ROUNDS: u32 = 8;
/// Senders at a time.
const LANES: u32 = 4;

#[test]
fn after_every_power_cut_each_accepted_message_is_there_exactly_once() {
    let rounds = std::env::var("SEALGATE_CRASH_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(ROUNDS);
    let home = Home::new(PROGRAM);
    let mut accepted: BTreeSet<String> = BTreeSet::new();
    let mut unanswered: BTreeSet<String> = BTreeSet::new();
    // Small steps of a multiplicative generator: another moment in every round, the same in every run.
    let mut moment = 7u64;
    for round in 0..rounds {
        let gateway = home.serve();
        let listener = gateway.listener(MAIN);
        let lanes: Vec<_> =
            (0..LANES).map(|lane| std::thread::spawn(move || send_until_cut(listener, round, lane))).collect();
        let _reader = reads_meanwhile(&gateway, &home);
        moment = (moment * 48_271) % 2_147_483_647;
        pause(Duration::from_millis(20 + moment % 400));
        gateway.kill();
        for lane in lanes {
            let (good, open) = lane.join().unwrap();
            accepted.extend(good);
            unanswered.extend(open);
        }
        let stored = everything_fits(&mut home.database());
        assert!(stored >= accepted.len(), "round {round}: {stored} stored of {} accepted", accepted.len());
        assert!(stored <= accepted.len() + unanswered.len(), "round {round}: {stored} stored, more than were sent");
    }
    assert!(accepted.len() > usize::try_from(rounds).unwrap(), "there was load: {} accepted", accepted.len());

    // A sender that got no answer sends again: now each message is there, once.
    let gateway = home.serve();
    let mut sender = gateway.mllp();
    for name in &unanswered {
        assert_eq!(code(&sender.exchange(&message(name)).unwrap()), "AA");
    }
    for name in accepted.iter().take(20) {
        assert_eq!(code(&sender.exchange(&message(name)).unwrap()), "AA", "a repeat is accepted");
    }
    let fhir = gateway.fhir(home.first());
    for name in accepted.union(&unanswered) {
        let found =
            fhir.get(&format!("/DiagnosticReport?identifier={name}&_include=DiagnosticReport:result")).resources();
        let of = |kind: &str| found.iter().filter(|found| found["resourceType"] == kind).count();
        assert_eq!((of("DiagnosticReport"), of("Observation")), (1, 4), "{name}");
    }
    assert_eq!(gateway.terminate().code, Some(0));
    assert_eq!(everything_fits(&mut home.database()), accepted.union(&unanswered).count());
    home.done(&["audit", "verify"]);
}

fn message(name: &str) -> Vec<u8> {
    Oru::new(name, name, 4).render()
}

/// Sends until the connection breaks; returns what was accepted and what was never answered.
fn send_until_cut(listener: SocketAddr, round: u32, lane: u32) -> (Vec<String>, Vec<String>) {
    let (mut good, mut open) = (Vec::new(), Vec::new());
    let Ok(mut sender) = Sender::connect(listener, Duration::from_secs(10)) else { return (good, open) };
    for number in 0.. {
        let name = format!("C{round}-{lane}-{number}");
        match sender.exchange(&message(&name)) {
            Ok(answer) => {
                assert_eq!(code(&answer), "AA");
                good.push(name);
            }
            Err(_) => {
                open.push(name);
                break;
            }
        }
    }
    (good, open)
}

/// Reads while messages come in, so that disclosures are cut short too.
fn reads_meanwhile(gateway: &Gateway, home: &Home) -> JoinHandle<()> {
    let fhir = gateway.fhir(home.first());
    std::thread::spawn(move || while fhir.try_get("/DiagnosticReport?_count=2").is_some() {})
}

/// A file system of a few megabytes, where this user may make one.
struct SmallDisk {
    place: PathBuf,
}

impl SmallDisk {
    fn mount(place: PathBuf, megabytes: u32) -> Option<Self> {
        fs::create_dir_all(&place).unwrap();
        let size = format!("size={megabytes}m,mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "sealgate-test"]).arg(&place).output();
        mounted.is_ok_and(|done| done.status.success()).then_some(Self { place })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.place).output();
    }
}

#[test]
fn while_the_disk_is_full_nothing_is_accepted_and_afterwards_service_returns() {
    let home = Home::new(PROGRAM);
    let Some(disk) = SmallDisk::mount(home.path("disk"), 6) else {
        // Without the right to mount, a limit on the size of files stands for the full disk.
        return while_files_may_not_grow_nothing_is_accepted(&home);
    };
    for name in ["sealgate.db", "anchors"] {
        fs::copy(home.path(name), disk.place.join(name)).unwrap();
    }
    let text = fs::read_to_string(home.path("sealgate.toml")).unwrap();
    let text = text.replace("\"sealgate.db\"", "\"disk/sealgate.db\"").replace("\"anchors\"", "\"disk/anchors\"");
    fs::write(home.path("sealgate.toml"), text).unwrap();

    let gateway = home.serve();
    let mut accepted = accepted_until_refused(&gateway);
    let filler = disk.place.join("filler");
    fill(&filler);
    // A little may still fit into room that the database has already; whatever is accepted is counted.
    let fhir = gateway.fhir(home.first());
    let mut refused = Vec::new();
    for number in 0..200 {
        let name = format!("FULL-{number}");
        match gateway.mllp().exchange(&message(&name)) {
            Ok(answer) if code(&answer) == "AA" => accepted += 1,
            _ => refused.push(name),
        }
        let read = fhir.get("/DiagnosticReport?_count=1");
        if read.status != 200 {
            read.is_outcome(503);
        }
    }
    assert!(refused.len() > 100, "the disk is full: {} refused", refused.len());
    fs::remove_file(&filler).unwrap();
    // An operator makes room.
    let more = Command::new("mount").args(["-o", "remount,size=64m"]).arg(&disk.place).status().unwrap();
    assert!(more.success());
    eventually("the service returns", || {
        gateway.mllp().exchange(&message("AFTER")).is_ok_and(|answer| code(&answer) == "AA")
    });
    accepted += 1;
    assert_eq!(fhir.get("/DiagnosticReport?identifier=AFTER").resources().len(), 1);
    for name in &refused {
        assert!(
            fhir.get(&format!("/DiagnosticReport?identifier={name}")).resources().is_empty(),
            "{name} is not there"
        );
    }
    assert_eq!(gateway.terminate().code, Some(0));
    let mut database = tests::database::Database::open(&disk.place.join("sealgate.db"));
    let stored = everything_fits(&mut database);
    database.close();
    assert_eq!(stored, accepted, "what was accepted is there, and nothing else");
    home.done(&["audit", "verify"]);
}

/// Sends until nothing is accepted any more; returns how many were.
fn accepted_until_refused(gateway: &Gateway) -> usize {
    let mut sender = gateway.mllp();
    let refused = |number: &usize| {
        let name = format!("FILL-{number}");
        sender.exchange(&message(&name)).map_or(true, |answer| code(&answer) != "AA")
    };
    (0..20_000).find(refused).unwrap()
}

fn fill(path: &PathBuf) {
    use std::io::Write;
    let mut file = fs::File::create(path).unwrap();
    for size in [65_536, 4_096, 512, 1] {
        while file.write_all(&vec![0; size]).is_ok() {}
    }
}

fn while_files_may_not_grow_nothing_is_accepted(home: &Home) {
    let mut command = Command::new("bash");
    let limited = "trap '' XFSZ; ulimit -f 6000; exec \"$0\" \"$@\"";
    let serve = home.command(&["serve"]);
    command.arg("-c").arg(limited).arg(serve.get_program()).args(serve.get_args()).current_dir(home.path(""));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let gateway = Gateway::start(command);
    let accepted = accepted_until_refused(&gateway);
    assert!(accepted > 0);
    gateway.kill();
    let gateway = home.serve();
    assert_eq!(code(&gateway.mllp().exchange(&message("AFTER")).unwrap()), "AA", "without the limit service returns");
    assert_eq!(gateway.terminate().code, Some(0));
    assert_eq!(everything_fits(&mut home.database()).checked_sub(1), Some(accepted));
    home.done(&["audit", "verify"]);
}
