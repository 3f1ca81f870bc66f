//! What the helper gives up.
//!
//! On Linux: processor time, memory, new files, core dumps, tracing, and by seccomp every system call but the few that
//! computing needs, so there is no opening of files, no socket and no other process. On other systems nothing of that is
//! enforced; what remains is a process of its own, an empty environment, and the time after which it is killed.

/// What is enforced in this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enforced {
    /// Processor time, size of files, core dumps and number of open files are limited.
    pub limits: bool,
    /// Memory is limited.
    pub memory: bool,
    /// Only the system calls that computing needs can be made.
    pub calls: bool,
}

/// Most processor time, in seconds.
pub const MAX_CPU_SECONDS: u64 = 2;

/// Most memory beyond what the program itself takes when it starts, in bytes.
pub const MAX_MEMORY_BYTES: u64 = 256 << 20;

impl Enforced {
    /// Says whether everything is.
    #[must_use]
    pub const fn all(self) -> bool {
        self.limits && self.memory && self.calls
    }

    pub(super) fn bits(self) -> u8 {
        u8::from(self.limits) | (u8::from(self.memory) << 1) | (u8::from(self.calls) << 2)
    }

    pub(super) const fn from_bits(bits: u8) -> Self {
        Self { limits: bits & 1 != 0, memory: bits & 2 != 0, calls: bits & 4 != 0 }
    }
}

#[cfg(target_os = "linux")]
pub use linux::confine;
#[cfg(target_os = "linux")]
pub(super) use linux::limit_time;

/// Gives up nothing, for this system offers no safe way to.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn confine() -> Enforced {
    Enforced { limits: false, memory: false, calls: false }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn limit_time() {}

#[cfg(target_os = "linux")]
mod linux {
    use super::{Enforced, MAX_CPU_SECONDS, MAX_MEMORY_BYTES};
    use rustix::process::{DumpableBehavior, Resource, Rlimit, Signal};
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    };
    use std::collections::BTreeMap;

    /// Gives up, for good, what the helper does not need. Says what is enforced from now on.
    #[must_use]
    pub fn confine() -> Enforced {
        let memory = memory_now().is_some_and(|now| limit(Resource::As, now.saturating_add(MAX_MEMORY_BYTES)));
        let limits = limit_time() && limit(Resource::Nofile, 0);
        Enforced { limits, memory, calls: restrict_calls().is_some() }
    }

    /// Limits what can be limited from the very start.
    pub(in super::super) fn limit_time() -> bool {
        // With the process that asked, the answer is of no use to anybody.
        let ends = rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).is_ok();
        let untraced = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
        let limits = [(Resource::Cpu, MAX_CPU_SECONDS), (Resource::Fsize, 0), (Resource::Core, 0)];
        ends && untraced && limits.into_iter().all(|(resource, most)| limit(resource, most))
    }

    fn limit(resource: Resource, most: u64) -> bool {
        let most = Rlimit { current: Some(most), maximum: Some(most) };
        rustix::process::setrlimit(resource, most).is_ok()
    }

    /// Returns the bytes of address space that the program takes: a limit has to be beyond what its allocator has reserved.
    fn memory_now() -> Option<u64> {
        let text = std::fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = text.split(' ').next()?.parse().ok()?;
        pages.checked_mul(u64::try_from(rustix::param::page_size()).ok()?)
    }

    /// What is not on the list fails with `EPERM`; no memory becomes executable any more.
    fn restrict_calls() -> Option<()> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> = CALLS.iter().map(|call| (*call, Vec::new())).collect();
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            let executable = u64::try_from(libc::PROT_EXEC).ok()?;
            let never =
                SeccompCondition::new(2, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(executable), 0).ok()?;
            rules.insert(call, vec![SeccompRule::new(vec![never]).ok()?]);
        }
        let refused = SeccompAction::Errno(u32::try_from(libc::EPERM).ok()?);
        let architecture = std::env::consts::ARCH.try_into().ok()?;
        let filter = SeccompFilter::new(rules, refused, SeccompAction::Allow, architecture).ok()?;
        let program: BpfProgram = filter.try_into().ok()?;
        seccompiler::apply_filter_all_threads(&program).ok()
    }

    /// Memory, locks, the clock, randomness, what is open already, and the end.
    const CALLS: [i64; 18] = [
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_close,
        libc::SYS_brk,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_futex,
        libc::SYS_sched_yield,
        libc::SYS_clock_gettime,
        libc::SYS_getrandom,
        libc::SYS_getpid,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sigaltstack,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];
}
