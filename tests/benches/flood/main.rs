//! `cargo bench -p tests --bench flood`: what 500 sign-ins a second with wrong passwords do to those who read, in one table of one run.
//!
//! The flood comes from 32 networks, half of it for a name that exists; it shares the machine with the gateway, which makes the gateway's part
//! smaller than it would be. `SEALGATE_FLOOD_RATE` (500) and `SEALGATE_FLOOD_SECONDS` (10) change a run.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::as_conversions,
    clippy::print_stdout,
    reason = "a bench prints its table, computes with measured numbers and fails by panicking"
)]

use std::time::Duration;
use tests::flood::{Flood, percentile, read, watching};
use tests::home::Home;
use tests::message::Oru;
use tests::mllp::code;
use tests::person::Person;

const PROGRAM: &str = env!("CARGO_BIN_EXE_sealgate-under-test");
/// Reads a second, in quiet and in the flood.
const READS: u32 = 50;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run it by `cargo bench -p tests --bench flood`");
        return;
    }
    let number = |name: &str, usual: u32| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual);
    let (rate, time) =
        (number("SEALGATE_FLOOD_RATE", 500), Duration::from_secs(u64::from(number("SEALGATE_FLOOD_SECONDS", 10))));
    let home = Home::new(PROGRAM);
    let party = home.first().clone();
    let add = ["user", "add", "ada", "--tenant", &party.name, "--role", "provider", "--json"];
    let invitation = home.json(&add)["invitation"].as_str().unwrap().to_owned();
    // As in service: what is logged at the trace level costs more than what is measured.
    let configuration = std::fs::read_to_string(home.path("sealgate.toml")).unwrap();
    std::fs::write(home.path("sealgate.toml"), configuration.replace("\"trace\"", "\"info\"")).unwrap();
    let gateway = home.serve();
    assert_eq!(code(&gateway.mllp().exchange(&Oru::new("FLOOD", "ORD1", 20).render()).unwrap()), "AA");
    let report = gateway.fhir(&party).get("/DiagnosticReport").resources().remove(0);
    let path = format!("/DiagnosticReport/{}", report["id"].as_str().unwrap());
    let _ada = Person::invited(&gateway.origin(), &invitation);

    // What is fast only after it was done once is done once.
    drop(read(&gateway, &party, &path, READS, Duration::from_secs(2)));
    let entries = |home: &Home| home.database().number("SELECT count(*) FROM audit_entry");
    let (quiet, held) = watching(&gateway, || read(&gateway, &party, &path, READS, time));
    let before = entries(&home);
    let ((flooded, counts), most) = watching(&gateway, || {
        let flood = Flood::begin(&gateway, &party, "ada", rate);
        let flooded = read(&gateway, &party, &path, READS, time);
        (flooded, flood.end())
    });
    let written = entries(&home) - before;
    let again = read(&gateway, &party, &path, READS, time);

    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1_000.0);
    let ratio =
        |hundredths| percentile(&flooded, hundredths).as_secs_f64() / percentile(&quiet, hundredths).as_secs_f64();
    println!(
        "{:<44}{:>12}{:>12}{:>12}{:>9}",
        format!("FHIR reads, {READS}/s for {} s", time.as_secs()),
        "quiet",
        "flood",
        "quiet again",
        "ratio"
    );
    for hundredths in [50, 90, 99] {
        let at = |times: &[Duration]| milliseconds(percentile(times, hundredths));
        println!(
            "{:<44}{:>12}{:>12}{:>12}{:>8.2}×",
            format!("  p{hundredths}"),
            at(&quiet),
            at(&flooded),
            at(&again),
            ratio(hundredths)
        );
    }
    let rate_of = |count: u64| count as f64 / counts.took.as_secs_f64();
    println!(
        "sign-ins with wrong passwords: {:.0}/s asked for, {:.0}/s sent, {:.0}/s not sent for want of answers",
        f64::from(rate),
        rate_of(counts.sent),
        rate_of(counts.held_back)
    );
    for (status, count) in &counts.answers {
        println!(
            "  {:<42}{:>12}",
            if *status == 0 { "no answer".to_owned() } else { format!("answered {status}") },
            count
        );
    }
    println!(
        "memory: {held} KiB before, {most} KiB at most in the flood; {written} audit entries written meanwhile, reads among them"
    );
    println!("aim: p99 within 2× of quiet: {}", if ratio(99) <= 2.0 { "met" } else { "NOT MET" });
}
