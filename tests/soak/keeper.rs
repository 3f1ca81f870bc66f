//! Keeps a gateway serving: starts it, does to it what is planned, and starts it again.

use crate::findings::Promise;
use crate::people::NAME;
use crate::plan::Event;
use crate::whereabouts::At;
use crate::{Soak, log, process};
use std::fs;
use std::os::unix::process::CommandExt;
use std::time::{Duration, Instant};
use tests::flood::{Counts, Flood};
use tests::gateway::{Ended, Gateway, pause};
use tests::home::MAIN;

/// Sign-ins with wrong passwords a second, while it serves.
const GUESSES: u32 = 1;
/// How often the keeper looks what is due.
const LOOK: Duration = Duration::from_millis(50);

/// Who keeps the gateway.
pub(crate) struct Keeper<'a> {
    soak: &'a Soak,
    serving: Option<(Gateway, Flood)>,
    starts: u32,
}

impl<'a> Keeper<'a> {
    /// Starts the first process; `None` when it does not serve, which is a finding.
    pub(crate) fn start(soak: &'a Soak) -> Option<Self> {
        let mut keeper = Self { soak, serving: None, starts: 0 };
        keeper.serve().then_some(keeper)
    }

    /// Does what is planned at its time, until the load is over.
    pub(crate) fn keep(&mut self) {
        let mut events = self.soak.plan.events.iter().peekable();
        while !self.soak.whereabouts.is_over() {
            let now = self.soak.began.elapsed();
            if now >= self.soak.plan.length {
                self.soak.whereabouts.end();
            } else if self.has_ended_by_itself() {
                self.ended_by_itself();
            } else if let Some((_, event)) = events.next_if(|(at, _)| *at <= now) {
                self.act(*event);
            } else {
                pause(LOOK);
            }
        }
    }

    /// Stops the last process in order.
    pub(crate) fn stop(mut self) {
        self.end(Event::Stop);
        self.soak.findings.looked(Promise::Processes, format!("{} processes", self.starts));
        self.soak.findings.looked(Promise::Log, format!("of {} processes", self.starts));
    }

    fn act(&mut self, event: Event) {
        let begun = Instant::now();
        let what = match event {
            Event::Kill | Event::Stop => {
                self.end(event);
                if !self.serve() {
                    self.soak.whereabouts.end();
                }
                if event == Event::Kill { "kill -9, serving again after" } else { "stopped, serving again after" }
            }
            Event::Rotate => {
                self.beside(&["key", "rotate", "--tenant", &self.soak.home.first().name], Promise::Rotated);
                self.soak.tally.rotations.add(1);
                self.soak.findings.looked(Promise::Rotated, format!("{} times", self.soak.tally.rotations.now()));
                "key rotated in"
            }
            Event::Verify => {
                self.beside(&["audit", "verify"], Promise::Chain);
                "chains verified in"
            }
        };
        self.soak.tally.happened(format!("{what} {:.1} s", begun.elapsed().as_secs_f64()));
    }

    /// Runs a command beside the gateway.
    fn beside(&self, arguments: &[&str], promise: Promise) {
        let ended = self.soak.command(arguments);
        let command = arguments.join(" ");
        if ended.code != Some(0) {
            self.soak
                .findings
                .broken(promise, format!("sealgate {command}: exit code {:?}: {}", ended.code, ended.stderr.trim()));
        }
    }

    /// Starts a process and those who guess passwords; says whether it serves.
    fn serve(&mut self) -> bool {
        self.starts += 1;
        let mut command = self.soak.home.command(&["serve"]);
        // Ctrl-C at the terminal is for the soak, which stops the gateway itself.
        command.process_group(0);
        let gateway = match Gateway::try_start(command) {
            Ok(gateway) => gateway,
            Err(ended) => {
                let what = format!("process {} does not serve: exit code {:?}", self.starts, ended.code);
                self.soak.findings.broken(Promise::Processes, what);
                self.read_log(&ended);
                return false;
            }
        };
        let at = At { pid: gateway.pid(), mllp: gateway.listener(MAIN), fhir: gateway.fhir_address() };
        let flood = Flood::begin(&gateway, self.soak.home.first(), NAME, GUESSES);
        self.serving = Some((gateway, flood));
        self.soak.whereabouts.tell(Some(at));
        true
    }

    fn end(&mut self, how: Event) {
        self.soak.whereabouts.tell(None);
        let Some((gateway, flood)) = self.serving.take() else { return };
        let ended = if how == Event::Kill { gateway.kill() } else { gateway.terminate() };
        self.judge_guesses(&flood.end());
        if how == Event::Stop && ended.code != Some(0) {
            let what = format!("process {}: exit code {:?} after SIGTERM", self.starts, ended.code);
            self.soak.findings.broken(Promise::Processes, what);
        }
        self.read_log(&ended);
    }

    /// No answer to a wrong password leads further; 0 is none at all.
    fn judge_guesses(&self, counts: &Counts) {
        self.soak.tally.guesses.add(counts.sent);
        for (status, count) in counts.answers.iter().filter(|(status, _)| (200..400).contains(*status)) {
            self.soak.findings.broken(Promise::Guesses, format!("{count} were answered with status {status}"));
        }
        self.soak.findings.looked(Promise::Guesses, format!("{} were tried", self.soak.tally.guesses.now()));
    }

    fn has_ended_by_itself(&self) -> bool {
        self.serving.as_ref().is_some_and(|(gateway, _)| process::has_ended(gateway.pid()))
    }

    fn ended_by_itself(&mut self) {
        self.soak.findings.broken(Promise::Processes, format!("process {} ended by itself", self.starts));
        self.soak.tally.happened("ended by itself".to_owned());
        self.end(Event::Kill);
        if !self.serve() {
            self.soak.whereabouts.end();
        }
    }

    /// Judges what a process logged, and keeps it beside the installation.
    fn read_log(&self, ended: &Ended) {
        log::judge(&ended.stderr, self.starts, &self.soak.findings);
        let file = self.soak.home.path(&format!("log-{}", self.starts));
        if let Err(why) = fs::write(file, &ended.stderr) {
            self.soak
                .findings
                .broken(Promise::Itself, format!("the log of process {} is not kept: {why}", self.starts));
        }
    }
}
