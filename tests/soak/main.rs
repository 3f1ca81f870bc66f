//! `tests/soak/run`: mixed load for as long as somebody has, power cuts and restarts meanwhile, and at the end what became of every promise.
//!
//! ```text
//!   senders · strangers ──MLLP──►  the program  ◄──FHIR── readers
//!        │                          ▲   ▲   ▲  ◄──pages── people · wrong passwords
//!        ▼                          │   │   └─ watch: memory, files, write-ahead log
//!      truth ◄── compared by ──┐    │   └─ keeper: kill, stop, rotate, verify, by the plan
//!                     readers, stored        findings ──► verdicts, exit code
//! ```
//! What is owed: an answer from every process that is not being disturbed, and the right one from every process. Who is cut off by a
//! kill or a stop sends again, as an engine does.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a tool for those who test: it prints its verdicts, counts, and reads JSON by name"
)]

mod chance;
mod evidence;
mod findings;
mod keeper;
mod lines;
mod load;
mod log;
mod options;
mod people;
mod plan;
mod process;
mod readers;
mod senders;
mod signals;
mod stored;
mod strangers;
mod tally;
mod truth;
mod watch;
mod whereabouts;

use findings::Findings;
use keeper::Keeper;
use options::Options;
use plan::Plan;
use std::fs;
use std::os::unix::process::CommandExt;
use std::process::ExitCode;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use tally::Tally;
use tests::database::in_a_database_of_its_own;
use tests::gateway::Ended;
use tests::home::Home;
use truth::Truth;
use whereabouts::Whereabouts;

/// A run: what all its parts share.
pub(crate) struct Soak {
    options: Options,
    plan: Plan,
    home: Home,
    began: Instant,
    whereabouts: Arc<Whereabouts>,
    truth: Truth,
    tally: Tally,
    findings: Findings,
    known: Mutex<Option<Known>>,
}

/// A report that a reader has found, for whoever opens its page.
#[derive(Clone)]
pub(crate) struct Known {
    report: String,
    patient: String,
    number: u64,
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let Some(options) = Options::read(&arguments) else {
        println!("run it by `tests/soak/run`");
        return ExitCode::SUCCESS;
    };
    let mut kept = true;
    match std::env::var("TEST_POSTGRES_URL") {
        Ok(server) => in_a_database_of_its_own(&server, "soak", |url| {
            kept = run(Home::on_postgres(&options.program, url), options, "PostgreSQL");
        }),
        Err(_) => kept = run(Home::new(&options.program), options, "SQLite"),
    }
    if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Soaks one installation; says whether every promise was kept.
fn run(home: Home, options: Options, database: &str) -> bool {
    println!(
        "soaking {} on {database} for {} minutes: {} messages a second, seed {}",
        options.program,
        options.length.as_secs() / 60,
        options.rate,
        options.seed
    );
    let invitation = prepared(&home);
    let soak = Soak {
        plan: Plan::of(options.length, options.seed),
        options,
        home,
        began: Instant::now(),
        whereabouts: Arc::default(),
        truth: Truth::default(),
        tally: Tally::default(),
        findings: Findings::default(),
        known: Mutex::default(),
    };
    signals::end_on(Arc::clone(&soak.whereabouts));
    if let Some(keeper) = Keeper::start(&soak) {
        load::load(&soak, keeper, &invitation);
    }
    evidence::verify(&soak);
    println!("\n{}", soak.findings);
    let kept = soak.findings.all_kept();
    if !kept {
        evidence::keep(&soak);
    }
    kept
}

/// Invites somebody and sets the log to what is usual in service; returns the invitation.
fn prepared(home: &Home) -> String {
    let file = home.path("sealgate.toml");
    let text = fs::read_to_string(&file).unwrap_or_default();
    let written = fs::write(&file, text.replace("\"trace\"", "\"info\""));
    let add = ["user", "add", people::NAME, "--tenant", &home.first().name, "--role", "provider", "--json"];
    let invitation = home.json(&add)["invitation"].as_str().unwrap_or_default().to_owned();
    written.map(|()| invitation).unwrap_or_default()
}

impl Soak {
    /// Runs a command of the program to its end; Ctrl-C at the terminal is not for it.
    pub(crate) fn command(&self, arguments: &[&str]) -> Ended {
        let ended = self.home.command(arguments).process_group(0).output();
        ended.map(Ended::of).unwrap_or_else(|why| panic!("{} does not run: {why}", self.options.program))
    }

    /// Leaves a report for whoever opens its page.
    pub(crate) fn know(&self, known: Known) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Some(known);
    }

    /// Returns the report that was found last.
    pub(crate) fn known(&self) -> Option<Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
