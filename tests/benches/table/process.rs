//! What the system knows of a process: its time, its memory, its files.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::time::Duration;

/// Parts of a second in which Linux counts a process' time for others to read.
const TICKS: f64 = 100.0;

/// Lets this process, and those it starts, open as many files as the system allows.
pub(crate) fn allow_many_files() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Returns how many files a process may open.
pub(crate) fn most_files() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Returns the user and system time of this process.
pub(crate) fn own_cpu() -> Duration {
    cpu_of(std::process::id())
}

/// Returns the user and system time of a process so far.
pub(crate) fn cpu_of(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name, in brackets, may hold anything; fields 14 and 15 are counted from behind it.
    let fields = stat.rsplit_once(')').unwrap().1;
    let ticks: f64 = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<f64>().unwrap()).sum();
    Duration::from_secs_f64(ticks / TICKS)
}

/// Returns the memory of a process that is resident now, in MiB.
pub(crate) fn resident_mib(process: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1_024.0
}
