//! `cargo bench -p tests --bench table`: one table, ours beside the raw limits of the same machine in the same run.
//!
//! ```text
//!   alone, echo, rows ─► what the machine can do with the same bytes and nothing else
//!   gateway ──────────► the whole program, as a process of its own
//!   results, reading, chains, memory ─► what it does, and at what cost
//! ```
//!
//! Nothing here is asserted: numbers depend on the machine, so they stand beside its limits. The environment
//! changes a run: `SEALGATE_BENCH_SECONDS` (5) and `SEALGATE_BENCH_RUNS` (3) of each measurement, and
//! `SEALGATE_BENCH_ONLY` (`raw,mllp,postgres,fhir,chain,memory`); `SEALGATE_BENCH_ENTRIES` (100,000) in the chain of the
//! start that is measured; `SEALGATE_BENCH_PROGRAM` names another build of the program. PostgreSQL is measured where `TEST_POSTGRES_URL` says one is: `tests/postgres cargo bench -p tests --bench table`.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench prints its table, computes with measured numbers and fails by panicking"
)]

mod alone;
mod chains;
mod echo;
mod gateway;
mod http;
mod load;
mod memory;
mod message;
mod options;
mod postgres;
mod process;
mod reading;
mod results;
mod rows;
mod table;

use options::{Options, Section};
use std::process::ExitCode;
use table::Table;

/// As in the program itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == echo::ARGUMENT) {
        return echo::serve();
    }
    // `cargo test --benches` starts it too, and an unoptimised table would say nothing.
    if !std::env::args().any(|argument| argument == "--bench") {
        println!("run it by `cargo bench -p tests --bench table`");
        return ExitCode::SUCCESS;
    }
    // One thread: the sender shares the machine with the gateway and should take little of it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{}", runtime.block_on(measure(&Options::read())));
    ExitCode::SUCCESS
}

async fn measure(options: &Options) -> Table {
    process::allow_many_files();
    let mut table = Table::new(options);
    if options.wants(Section::Raw) {
        alone::measure(options, &mut table);
        echo::measure(options, &mut table).await;
    }
    let mut on_sqlite = None;
    if options.wants(Section::Mllp) {
        on_sqlite = Some(results::on_sqlite(options, &mut table).await);
    }
    if options.wants(Section::Postgres) {
        results::on_postgres(options, &mut table, on_sqlite).await;
    }
    if options.wants(Section::Fhir) {
        reading::measure(options, &mut table).await;
    }
    if options.wants(Section::Chain) {
        chains::measure(options, &mut table).await;
    }
    if options.wants(Section::Memory) {
        memory::measure(options, &mut table).await;
    }
    table
}
