//! The process itself: no core dumps, no tracing by others, private files, an ordered end.

use crate::exit::{Exit, Outcome, Stop};
use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// Switches core dumps and same-user tracing off, and makes new files private (umask 077).
///
/// # Errors
/// [`Exit::Failed`] when the system refuses: keys must not end in a core file.
pub fn harden() -> Outcome {
    let refused = |_| Stop::new(Exit::Failed, "core dumps cannot be switched off: refusing to hold keys in memory");
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    rustix::process::setrlimit(Resource::Core, none).map_err(refused)?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(refused)?;
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    Ok(())
}

/// Listens for SIGTERM and Ctrl-C from now on, and returns what completes when one comes.
///
/// Call it before the first port opens: until then a signal ends the process where it stands.
pub fn told_to_stop() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let watched = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = watched else {
            tracing::error!("signals cannot be watched; stopping");
            return;
        };
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
