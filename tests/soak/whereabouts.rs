//! Where the gateway is now: it comes back on other ports, and for a while it is nowhere.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tests::gateway::pause;

/// How often somebody who waits for the gateway looks again.
const LOOK: Duration = Duration::from_millis(5);

/// What those who ask know of the gateway.
#[derive(Default)]
pub(crate) struct Whereabouts {
    now: Mutex<Option<At>>,
    over: AtomicBool,
}

/// One process of the gateway.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct At {
    pub(crate) pid: u32,
    pub(crate) mllp: SocketAddr,
    pub(crate) fhir: SocketAddr,
}

impl Whereabouts {
    /// Tells where it serves, or before it is disturbed, that from now on no answer is owed.
    pub(crate) fn tell(&self, now: Option<At>) {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner) = now;
    }

    /// Says where it serves.
    pub(crate) fn now(&self) -> Option<At> {
        *self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it serves; `None` when the load is over.
    pub(crate) fn wait(&self) -> Option<At> {
        while !self.is_over() {
            match self.now() {
                Some(at) => return Some(at),
                None => pause(LOOK),
            }
        }
        None
    }

    /// Says whether this process still owes answers: who gets none from it now has found a fault.
    pub(crate) fn owes(&self, at: At) -> bool {
        self.now() == Some(at)
    }

    /// Ends the load.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }

    /// Says whether the load is over.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::Relaxed)
    }
}
