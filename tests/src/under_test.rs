//! The binary `sealgate` again, built beside the tests so that they can start it as a process.

use std::process::ExitCode;

/// The allocator of the shipped binary: memory is measured too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gateway::run()
}
