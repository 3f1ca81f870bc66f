//! The gateway under test, as a process: started, watched, and ended in every way a process ends.

use crate::fhir::Fhir;
use crate::home::{MAIN, Party};
use crate::mllp::Sender;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How long a start, a stop or an answer may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A gateway that serves.
pub struct Gateway {
    child: Child,
    mllp: BTreeMap<String, SocketAddr>,
    fhir: SocketAddr,
    operations: SocketAddr,
    log: Arc<Mutex<String>>,
    reading: Option<JoinHandle<()>>,
}

/// How a process ended.
pub struct Ended {
    /// Its exit code; `None` when a signal ended it.
    pub code: Option<i32>,
    /// Whether the kernel wrote its memory to a core file.
    pub core_dumped: bool,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl Ended {
    /// Takes what a finished command left.
    #[must_use]
    pub fn of(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self::new(output.status, text(&output.stdout), text(&output.stderr))
    }

    fn new(status: ExitStatus, stdout: String, stderr: String) -> Self {
        Self { code: status.code(), core_dumped: status.core_dumped(), stdout, stderr }
    }
}

impl Gateway {
    /// Starts a prepared `sealgate serve` and waits until it says that it serves.
    #[must_use]
    pub fn start(command: Command) -> Self {
        match Self::try_start(command) {
            Ok(gateway) => gateway,
            Err(ended) => panic!("the gateway does not start (exit code {:?}): {}", ended.code, ended.stderr),
        }
    }

    /// Does the same where it may end instead.
    ///
    /// # Errors
    /// How it ended, when it ended instead of serving.
    pub fn try_start(mut command: Command) -> Result<Self, Ended> {
        let mut child = command.spawn().expect("the program starts");
        let mut lines = BufReader::new(child.stderr.take().expect("standard error is piped"));
        let (mut mllp, mut fhir, mut said) = (BTreeMap::new(), None, String::new());
        let started = Instant::now();
        loop {
            let mut line = String::new();
            let read = lines.read_line(&mut line).expect("standard error is read");
            said.push_str(&line);
            if read == 0 {
                let mut stdout = String::new();
                let _ = child.stdout.take().map(|mut out| out.read_to_string(&mut stdout));
                let status = child.wait().expect("the process is waited for");
                return Err(Ended::new(status, stdout, said));
            }
            assert!(started.elapsed() < PATIENCE, "the gateway does not start in time: {said}");
            let event: Value = serde_json::from_str(&line).unwrap_or_default();
            let Some(address) = event["address"].as_str().and_then(|text| text.parse().ok()) else { continue };
            match event["message"].as_str() {
                Some("receiving messages") => {
                    mllp.insert(event["listener"].as_str().unwrap_or_default().to_owned(), address);
                }
                Some("serving fhir") => fhir = Some(address),
                Some("serving health and metrics") => {
                    let log = Arc::new(Mutex::new(said));
                    let reading = Some(follow(lines, Arc::clone(&log)));
                    let fhir = fhir.expect("the FHIR server says where it is first");
                    return Ok(Self { child, mllp, fhir, operations: address, log, reading });
                }
                _ => {}
            }
        }
    }

    /// The address of a listener.
    #[must_use]
    pub fn listener(&self, name: &str) -> SocketAddr {
        self.mllp.get(name).copied().expect("there is such a listener")
    }

    /// The address of the FHIR server.
    #[must_use]
    pub fn fhir_address(&self) -> SocketAddr {
        self.fhir
    }

    /// Where browsers and clients go: the address of the FHIR server, without a slash at its end.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.fhir)
    }

    /// The address of the port for health and metrics.
    #[must_use]
    pub fn operations_address(&self) -> SocketAddr {
        self.operations
    }

    /// Connects to the first tenant's listener.
    #[must_use]
    pub fn mllp(&self) -> Sender {
        Sender::connect(self.listener(MAIN), PATIENCE).expect("the listener takes a connection")
    }

    /// Connects to a tenant's listener.
    #[must_use]
    pub fn sender_of(&self, party: &Party) -> Sender {
        Sender::connect(self.listener(party.listener), PATIENCE).expect("the listener takes a connection")
    }

    /// A FHIR client of a tenant.
    #[must_use]
    pub fn fhir(&self, party: &Party) -> Fhir {
        Fhir::new(&format!("http://{}/fhir", self.fhir), Some(&party.token))
    }

    /// A client of the port for health and metrics.
    #[must_use]
    pub fn operations(&self) -> Fhir {
        Fhir::new(&format!("http://{}", self.operations), None)
    }

    /// Everything it has written to standard error so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A number of kilobytes from `/proc/PID/status`, such as `VmRSS`.
    #[must_use]
    pub fn kilobytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("the kernel tells it");
        line.trim_matches([':', ' ', '\t']).split(' ').next().and_then(|number| number.parse().ok()).unwrap_or_default()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).ok().and_then(Pid::from_raw).expect("a process has an id");
        kill_process(pid, signal).expect("the process is ours");
    }

    /// Ends it as a power cut would: at once, wherever it is.
    pub fn kill(self) -> Ended {
        self.signal(Signal::KILL);
        self.wait()
    }

    /// Tells it to stop, and waits until it has.
    pub fn terminate(self) -> Ended {
        self.signal(Signal::TERM);
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(mut self) -> Ended {
        let started = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("the process is waited for") {
                break status;
            }
            assert!(started.elapsed() < PATIENCE, "the gateway does not end in time: {}", self.log());
            pause(Duration::from_millis(2));
        };
        if let Some(reading) = self.reading.take() {
            reading.join().expect("the log is read to its end");
        }
        let mut stdout = String::new();
        let _ = self.child.stdout.take().map(|mut out| out.read_to_string(&mut stdout));
        Ended::new(status, stdout, self.log())
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits without doing anything.
pub fn pause(time: Duration) {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
        std::thread::park_timeout(left);
    }
}

/// Waits until something holds, for as long as an answer may take.
pub fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "it never happens that {what}");
        pause(Duration::from_millis(20));
    }
}

/// Goes on reading the log, so that the process never waits for its reader.
fn follow(mut lines: impl BufRead + Send + 'static, log: Arc<Mutex<String>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        while lines.read_until(b'\n', &mut bytes).is_ok_and(|read| read > 0) {
            log.lock().unwrap_or_else(PoisonError::into_inner).push_str(&String::from_utf8_lossy(&bytes));
            bytes.clear();
        }
    })
}
