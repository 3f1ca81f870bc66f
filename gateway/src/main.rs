//! The binary `sealgate`.

use std::process::ExitCode;

/// Halves the cost of reading HL7, which allocates much and briefly.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gateway::run()
}
