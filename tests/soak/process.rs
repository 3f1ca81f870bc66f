//! What the kernel knows of a process.

use std::fs;

/// Returns the memory that is resident now, in KiB; `None` when the process is gone.
pub(crate) fn resident_kib(pid: u32) -> Option<u64> {
    field(pid, "VmRSS:")?.split_whitespace().next()?.parse().ok()
}

/// Returns how many files it has open, sockets among them; `None` when the process is gone.
pub(crate) fn open_files(pid: u32) -> Option<u64> {
    let files = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    u64::try_from(files.count()).ok()
}

/// Says whether a child of ours has ended, though nobody has waited for it.
pub(crate) fn has_ended(pid: u32) -> bool {
    field(pid, "State:").is_none_or(|state| state.trim_start().starts_with(['Z', 'X']))
}

fn field(pid: u32, name: &str) -> Option<String> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    status.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned)
}
